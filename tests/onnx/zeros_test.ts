/**
 * The sign of zero in compiled choices, whatever is known of the branches: compiled code gives the zero
 * that eager code gives, in one node where no branch can lose one.
 */
import {
  jit,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { lowerJaxpr } from "../../lib/onnx/export.ts";
import { arr, difference } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";

await loadBackend("onnx");

const zeros = [0, -0, 1, -1, Infinity, -Infinity, NaN];
const all = (f: (a: number, b: number) => number): number[] =>
  zeros.flatMap((a) => zeros.map((b) => f(a, b)));

type Fn = (x: NDArray, y: NDArray) => NDArray;

/** Functions of two arrays with a choice in them, and how many nodes the choice itself may take. */
const choices: Readonly<Record<string, { readonly f: Fn; readonly nodes: number }>> = {
  "of two arrays": { f: (x, y) => np.where(x.greater(y), x, y), nodes: 4 },
  "of a constant, or an array": { f: (x, y) => np.where(x.greater(y), 3, y), nodes: 1 },
  "of an array, or a constant": { f: (x, y) => np.where(x.greater(y), x, 3), nodes: 2 },
  "of -0, or an array": { f: (x, y) => np.where(x.greater(y), -0, y), nodes: 4 },
  "where not": { f: (x, y) => np.where(np.logicalNot(x.greater(y)), x, y), nodes: 4 },
  "where not, of a constant": {
    f: (x, y) => np.where(np.logicalNot(x.greater(y)), 2, y),
    nodes: 2,
  },
  "where not a number": { f: (x, y) => np.where(np.isNaN(x), 0, y), nodes: 2 },
  "of what is positive": { f: (x, y) => np.where(x.greater(0), x, y), nodes: 1 },
  "of what is negated": { f: (x, y) => np.where(np.less(0, x), x.neg(), y), nodes: 1 },
  "of an absolute value": { f: (x, y) => np.where(x.greater(y), np.abs(x), y), nodes: 1 },
  "of a product of absolute values": {
    f: (x, y) => np.where(x.greater(y), np.abs(x).mul(np.exp(y)), y),
    nodes: 2,
  },
  "of a product of an absolute value and an array": {
    f: (x, y) => np.where(np.abs(x).mul(y).less(2), np.abs(x).mul(y), y),
    nodes: 6,
  },
  "of an array over an absolute value": {
    f: (x, y) => np.where(y.div(np.abs(x)).less(2), y.div(np.abs(x)), y),
    nodes: 6,
  },
  "of a norm": {
    f: (x, y) => np.where(x.greater(y), np.dot(x, x).sqrt().mul(np.abs(x).sum()), y),
    nodes: 2,
  },
  "of what is larger than one of some numbers": {
    f: (x, y) => np.where(x.greater(np.tile(np.array([-1, NaN, 1, 1, 1, 1, 1]), [7])), x, y),
    nodes: 4,
  },
  "of a choice": {
    f: (x, y) => np.where(x.greater(y), np.where(y.greater(1), x, 1), y),
    nodes: 6,
  },
  "of the larger of an array and 0": {
    f: (x, y) => np.where(x.greater(y), 2, np.maximum(x, 0)),
    nodes: 1,
  },
  "of the smaller of an array and 0": {
    f: (x, y) => np.where(x.greater(y), 2, np.minimum(0, x)),
    nodes: 2,
  },
};

/** Operations whose result a choice may be of; each is tried in both branches. */
const operations: Readonly<Record<string, Fn>> = {
  abs: (x) => np.abs(x),
  exp: (x) => np.exp(x),
  cos: (x) => np.cos(x),
  sin: (x) => np.sin(x),
  tanh: (x) => np.tanh(x),
  log: (x) => np.log(x),
  sqrt: (x) => np.sqrt(x),
  floor: (x) => np.floor(x),
  negative: (x) => x.neg(),
  add: (x, y) => x.add(y),
  "add 0": (x) => x.add(0),
  "add -0": (x) => x.add(-0),
  "subtract": (x, y) => x.sub(y),
  "subtract from 0": (x) => np.subtract(0, x),
  "subtract from -0": (x) => np.subtract(-0, x),
  multiply: (x, y) => x.mul(y),
  square: (x) => x.mul(x),
  "multiply by 0": (x) => x.mul(0),
  divide: (x, y) => x.div(y),
  "larger than 1": (x) => np.maximum(x, 1),
  "larger of absolute values": (x, y) => np.maximum(np.abs(x), np.abs(y)),
  "smaller of absolute values": (x, y) => np.minimum(np.abs(x), np.abs(y)),
  "smaller than 1": (x) => np.minimum(x, 1),
  where: (x, y) => np.where(y.greater(0), 1, x),
  "where not": (x, y) => np.where(y.greater(0), x, 1),
  reshape: (x) => x.reshape([7, 7]).reshape([-1]),
  transpose: (x) => x.reshape([7, 7]).T.reshape([-1]),
  broadcast: (x) => np.broadcastTo(x.slice([0], [1]), [49]).mul(-0).add(x.slice([1], [2])),
  slice: (x) => np.tile(x.slice([5], [12]), [7]),
  take: (x) => x.take(np.arange(49)),
  "other dtypes": (x) => x.astype("float64").astype("float32").astype(x.dtype),
  "of an integer": (x) => np.nanToNum(x).astype("int32").astype(x.dtype),
};

for (const [name, f] of Object.entries(operations)) {
  Deno.test(`compiled choices keep the sign of a zero that is a result: ${name}`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      const x = arr(all((a) => a), dtype), y = arr(all((_, b) => b), dtype);
      const chosen: readonly Fn[] = [
        (x, y) => np.where(y.notEqual(1), f(x, y), x),
        (x, y) => np.where(y.notEqual(1), x, f(x, y)),
        (x, y) => np.where(x.greater(0), f(x, y), 2),
      ];
      for (const g of chosen) {
        const found = difference(jit(g)(x, y), g(x, y), 1e-6);
        if (found !== null) throw new Error(`${dtype}: ${found}`);
      }
    }
  });
}

/** Shapes of conditions beside [7, 7, 7], and how many nodes the choice may take. */
const conditions: readonly (readonly [shape: readonly number[], nodes: number])[] = [
  [[], 4],
  [[1], 5],
  [[1, 1, 1], 5],
  [[7, 1, 1], 4],
  [[7, 7, 1], 5],
  [[7, 7, 7], 4],
  [[7, 1], 4],
  [[1, 7, 1], 4],
];
const CHOICE: readonly string[] = [
  "Where",
  "Mul",
  "Xor",
  "Not",
  "Gather",
  "Concat",
  "Reshape",
  "Cast",
];

for (const [shape, nodes] of conditions) {
  Deno.test(`compiled choices of rows keep the sign of zero: a condition of shape [${shape}]`, () => {
    const size = shape.reduce((a, n) => a * n, 1);
    const pattern = Array.from({ length: size }, (_, i) => i % 3 === 1 ? 1 : 0);
    for (const dtype of ["float32", "float64"] as const) {
      const [x, y] = [(a: number) => a, (_: number, b: number) => b].map((f) =>
        np.tile(arr(all(f), dtype), [7]).reshape([7, 7, 7])
      ) as [NDArray, NDArray];
      for (const flags of [pattern, pattern.map((v) => 1 - v)]) {
        const c = arr(flags, "bool").reshape([...shape]);
        const f = (c: NDArray, x: NDArray, y: NDArray) => np.where(c, x, y);
        const found = difference(jit(f)(c, x, y), f(c, x, y), 0);
        if (found !== null) throw new Error(`${dtype}: ${found}`);
        const { jaxpr } = openJaxpr(makeJaxpr(f)(c, x, y));
        const used = lowerJaxpr(jaxpr, { target: "onnx" }).graph.nodes
          .filter(({ op }) => CHOICE.includes(op));
        assertEquals(used.length <= nodes, true, `${used.map((n) => n.op)}`);
      }
    }
  });
}

/** Shapes of two operands, and how many nodes the larger of them may take. */
const operands: readonly (readonly [x: readonly number[], y: readonly number[], nodes: number])[] =
  [
    [[49], [49], 4],
    [[1], [1], 4],
    [[], [], 4],
    [[], [49], 5],
    [[49], [], 5],
    [[7, 7], [7, 7], 4],
    [[7, 7], [1, 7], 5],
    [[7, 1], [7, 7], 5],
    [[7, 1], [1, 7], 6],
    [[7], [7, 7], 5],
    [[300, 1], [300, 1], 4],
    [[300, 1], [1], 5],
  ];
const EXTREMUM: readonly string[] = [
  "Max",
  "Min",
  "Mul",
  "Add",
  "Sub",
  "Neg",
  "Where",
  "Less",
  "Expand",
];

for (const [sx, sy, nodes] of operands) {
  Deno.test(`the larger and the smaller of 0 and -0 keep their sign: [${sx}] and [${sy}]`, () => {
    const size = (shape: readonly number[]): number => shape.reduce((a, n) => a * n, 1);
    const numbers = [
      0,
      -0,
      1,
      -1,
      Infinity,
      -Infinity,
      NaN,
      2 ** -149,
      -(2 ** -149),
      3.4e38,
      -3.4e38,
    ];
    const fill = (shape: readonly number[], from: number, dtype: "float32" | "float64"): NDArray =>
      arr(Array.from({ length: size(shape) }, (_, i) => numbers[(i + from) % 11]!), dtype)
        .reshape([...shape]);
    for (const [f, more] of [[np.maximum, 0], [np.minimum, 1]] as const) {
      for (const dtype of ["float32", "float64"] as const) {
        const compiled = jit((x: NDArray, y: NDArray) => f(x, y));
        for (let i = 0; i < 11; i++) {
          for (let k = 0; k < 11; k++) {
            const [x, y] = [fill(sx, i, dtype), fill(sy, k, dtype)];
            const found = difference(compiled(x, y), f(x, y), 0);
            if (found !== null) throw new Error(`${f.name} in ${dtype}: ${found}`);
          }
        }
        const { jaxpr } = openJaxpr(makeJaxpr(f)(fill(sx, 0, dtype), fill(sy, 0, dtype)));
        const used = lowerJaxpr(jaxpr, { target: "portable" }).graph.nodes
          .filter(({ op }) => EXTREMUM.includes(op));
        assertEquals(used.length <= nodes + more, true, `${used.map((n) => n.op)}`);
      }
    }
  });
}

Deno.test("the larger and the smaller take one node where no zero can have the wrong sign", () => {
  const one: readonly Fn[] = [
    (x) => np.maximum(x, 1e-6),
    (x) => np.minimum(-2, x),
    (x) => np.clip(x, -1, 1),
    (x, y) => np.maximum(np.exp(x), np.abs(y)),
    (x, y) => np.minimum(x.add(1), np.cos(y)),
  ];
  for (const f of one) {
    const x = arr(all((a) => a), "float32"), y = arr(all((_, b) => b), "float32");
    assertEquals(difference(jit(f)(x, y), f(x, y), 0), null);
    const { jaxpr } = openJaxpr(makeJaxpr(f)(x, y));
    const { nodes } = lowerJaxpr(jaxpr, { target: "portable" }).graph;
    assertEquals(nodes.some(({ op }) => ["Mul", "Neg", "Sub", "Where"].includes(op)), false);
  }
});

Deno.test("choices by numbers too small to be counted, and of nothing, are compiled", () => {
  for (const shape of [[], [1], [0], [0, 3], [3, 0]]) {
    const x = np.full(shape, -0), y = np.zeros(shape);
    for (const c of [np.array(true), np.array(false), np.equal(x, y)]) {
      const f = (c: NDArray, x: NDArray, y: NDArray) => np.where(c, x, y);
      assertEquals(difference(jit(f)(c, x, y), f(c, x, y), 0), null);
    }
  }
});

Deno.test("lanes of a loop that stop one by one keep the sign of their zeros", () => {
  const run = (n: NDArray, x: NDArray): NDArray =>
    whileLoop(
      ([i, _]) => i.less(n),
      ([i, x]): [NDArray, NDArray] => [i.add(1), x.neg()],
      [np.array(0), x] as [NDArray, NDArray],
    )[1];
  for (const shape of [[4], [4, 3], [4, 2, 3]]) {
    const x = np.full(shape, -0);
    const steps = np.array([0, 1, 2, 3]);
    assertEquals(difference(jit(vmap(run))(steps, x), vmap(run)(steps, x), 0), null);
  }
});

for (const [name, { f, nodes }] of Object.entries(choices)) {
  Deno.test(`compiled choices keep the sign of zero: ${name}`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      const x = arr(all((a) => a), dtype), y = arr(all((_, b) => b), dtype);
      const found = difference(jit(f)(x, y), f(x, y), 0);
      if (found !== null) throw new Error(`${dtype}: ${found}`);
      const { jaxpr } = openJaxpr(makeJaxpr(f)(x, y));
      const used = lowerJaxpr(jaxpr, { target: "portable" }).graph.nodes
        .filter(({ op }) => ["Where", "Mul", "Xor", "Not"].includes(op));
      assertEquals(used.length <= nodes, true, `${used.map((n) => n.op)}`);
    }
  });
}
