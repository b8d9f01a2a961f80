/**
 * The sign of zero in compiled choices, whatever is known of the branches: compiled code gives the zero
 * that eager code gives, in one node where no branch can lose one.
 */
import { jit, loadBackend, makeJaxpr, type NDArray, numpy as np } from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { lowerJaxpr } from "../../lib/onnx/lower.ts";
import { arr, difference } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";

await loadBackend("wasm");

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
