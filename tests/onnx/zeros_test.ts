/**
 * The sign of zero in compiled choices, whatever is known of the branches: compiled code gives the zero
 * that eager code gives, in one node where no branch can lose one.
 */
import { jit, loadBackend, makeJaxpr, type NDArray, numpy as np } from "../../mod.ts";
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

for (const [name, { f, nodes }] of Object.entries(choices)) {
  Deno.test(`compiled choices keep the sign of zero: ${name}`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      const x = arr(all((a) => a), dtype), y = arr(all((_, b) => b), dtype);
      const found = difference(jit(f)(x, y), f(x, y), 0);
      if (found !== null) throw new Error(`${dtype}: ${found}`);
      const { jaxpr } = makeJaxpr(f)(x, y);
      const used = lowerJaxpr(jaxpr, { target: "portable" }).graph.nodes
        .filter(({ op }) => ["Where", "Mul", "Xor", "Not"].includes(op));
      assertEquals(used.length <= nodes, true, `${used.map((n) => n.op)}`);
    }
  });
}
