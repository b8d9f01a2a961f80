/** Shapes, joining, indexing, updates and products: what NumPy does, and what users do wrong. */
import type { NDArray } from "../../lib/core/array.ts";
import { linalg, numpy as np } from "../../mod.ts";
import { jit } from "../../lib/transforms/jit.ts";
import { registerBackend } from "../../lib/core/backend.ts";
import { interpreter } from "../../lib/backends/deferred.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

registerBackend(interpreter);

const x23 = np.reshape(np.arange(6), [2, 3]);
const int = { dtype: "int32" } as const;
const ints = (...values: number[]): NDArray => np.array(values, int);

/** What a function gives for an index that is only known when it runs. */
function traced(f: (i: NDArray) => NDArray, i: NDArray): unknown {
  const compiled = jit(f, { backend: "interpreter" });
  return (compiled as unknown as (i: NDArray) => NDArray)(i).toArray();
}

// ---------------------------------------------------------------- shapes

Deno.test("reshape", () => {
  assertEquals(np.reshape(x23, [3, -1]).toArray(), [[0, 1], [2, 3], [4, 5]]);
  assertEquals(np.reshape(x23, 6).shape, [6]);
  assertEquals(np.reshape(np.zeros([0, 3]), [3, -1]).shape, [3, 0]);
  assertEquals(np.reshape(5, [1, 1]).shape, [1, 1]);
  assertEquals(np.ravel(x23).shape, [6]);
  assertEquals(x23.ravel().shape, [6]);
  assertThrows(() => x23.reshape([4]), TypeError, "shape [2,3] has 6 elements");
  assertThrows(() => x23.reshape([4, -1]), TypeError, "do not fill the shape [4,-1]");
  assertThrows(() => x23.reshape([-1, -1]), TypeError, "only one length");
  assertThrows(() => x23.reshape([2, -3]), TypeError, "one may be -1");
  assertThrows(() => np.reshape(x23, "6" as never), TypeError, 'not the string "6"');
});

Deno.test("axes moved, added and removed", () => {
  const x = np.zeros([2, 3, 4]);
  assertEquals(x.T.shape, [4, 3, 2]);
  assertEquals(x.transpose([1, -1, 0]).shape, [3, 4, 2]);
  assertEquals(np.moveaxis(x, 0, -1).shape, [3, 4, 2]);
  assertEquals(np.moveaxis(x, [0, 1], [2, 0]).shape, [3, 4, 2]);
  assertEquals(np.swapaxes(x, 0, -1).shape, [4, 3, 2]);
  assertEquals(np.expandDims(x, -1).shape, [2, 3, 4, 1]);
  assertEquals(np.expandDims(x, [0, 2]).shape, [1, 2, 1, 3, 4]);
  assertEquals(np.squeeze(np.zeros([1, 2, 1])).shape, [2]);
  assertEquals(np.squeeze(np.zeros([1, 2, 1]), -1).shape, [1, 2]);
  assertEquals(np.broadcastTo(np.arange(3), [2, 3]).toArray(), [[0, 1, 2], [0, 1, 2]]);
  assertEquals(np.broadcastArrays(np.zeros([2, 1]), np.zeros([3])).map((a) => a.shape), [[2, 3], [
    2,
    3,
  ]]);
  assertThrows(
    () => x.transpose([0, 1]),
    RangeError,
    "transpose: axes must name each of the 3 axes",
  );
  assertThrows(() => x.transpose([0, 1, 1]), RangeError, "axis 1 is given twice");
  assertThrows(
    () => np.squeeze(x, 1),
    TypeError,
    "squeeze: axis 1 of an array of shape [2,3,4] has length 3",
  );
  assertThrows(() => np.moveaxis(x, [0, 1], 0), RangeError, "2 axes cannot be moved to 1");
  assertThrows(() => np.broadcastTo(x, [2, 2, 4]), TypeError, "broadcastTo");
  assertThrows(() => np.broadcastTo(x, [4]), TypeError, "does not broadcast to [4]");
  assertThrows(() => np.expandDims(x, 5), RangeError, "expandDims: axis 5 is out of range");
});

// ---------------------------------------------------------------- joining

Deno.test("concatenate and stack", () => {
  const a = np.array([[1, 2]]);
  assertEquals(np.concatenate([a, a.mul(2)]).toArray(), [[1, 2], [2, 4]]);
  assertEquals(np.concatenate([a, a], -1).shape, [1, 4]);
  assertEquals(np.concatenate([a, np.zeros([3])], null).shape, [5]);
  assertEquals(np.stack([a, a], 1).shape, [1, 2, 2]);
  assertEquals(np.stack([1, 2, np.array(3)]).toArray(), [1, 2, 3]);
  assertEquals(np.stack([1, ints(2).at(0)]).dtype, "int32");
  assertThrows(() => np.concatenate([]), TypeError, "concatenate: the list of arrays is empty");
  assertEquals(np.concatenate(np.stack([a, a])).toArray(), [[1, 2], [1, 2]]);
  assertThrows(() => np.concatenate(1 as never), TypeError, "given as a list");
  assertThrows(() => np.concatenate([a, np.zeros([3])]), TypeError, "concatenate");
  assertThrows(() => np.concatenate([1, 2]), TypeError, "Use np.stack");
  assertThrows(() => np.stack([a, np.zeros([2])]), TypeError, "array 0 has [1,2] and array 1 [2]");
  assertThrows(() => np.stack([a, undefined as never]), TypeError, "stack: array 1 is undefined");
});

Deno.test("split", () => {
  assertEquals(np.split(np.arange(6), 3).map((p) => p.toArray()), [[0, 1], [2, 3], [4, 5]]);
  assertEquals(np.split(np.arange(5), [1, 3]).map((p) => p.size), [1, 2, 2]);
  assertEquals(np.split(x23, 3, 1).map((p) => p.shape), [[2, 1], [2, 1], [2, 1]]);
  assertEquals(np.split(np.arange(5), [3, 1, -1]).map((p) => p.size), [3, 0, 3, 1]);
  assertThrows(() => np.split(np.arange(5), 2), TypeError, "does not divide into 2 equal parts");
});

Deno.test("tile, repeat, flip and roll", () => {
  const v = np.array([1, 2]);
  assertEquals(np.tile(v, 2).toArray(), [1, 2, 1, 2]);
  assertEquals(np.tile(v, [2, 2]).toArray(), [[1, 2, 1, 2], [1, 2, 1, 2]]);
  assertEquals(np.tile(x23, 2).shape, [2, 6]);
  assertEquals(np.repeat(v, 2).toArray(), [1, 1, 2, 2]);
  assertEquals(np.repeat(v, [0, 3]).toArray(), [2, 2, 2]);
  assertEquals(np.repeat(x23, 2, 1).at(0).toArray(), [0, 0, 1, 1, 2, 2]);
  assertEquals(np.repeat(x23, 2).shape, [12]);
  assertEquals(np.flip(x23).toArray(), [[5, 4, 3], [2, 1, 0]]);
  assertEquals(np.flip(x23, -1).toArray(), [[2, 1, 0], [5, 4, 3]]);
  assertEquals(np.roll(np.arange(4), 1).toArray(), [3, 0, 1, 2]);
  assertEquals(np.roll(np.arange(4), -5).toArray(), [1, 2, 3, 0]);
  assertEquals(np.roll(x23, 1).toArray(), [[5, 0, 1], [2, 3, 4]]);
  assertEquals(np.roll(x23, [1, -1], [0, 1]).toArray(), [[4, 5, 3], [1, 2, 0]]);
  for (const s of [-5, -1, 0, 3, 6]) {
    assertEquals(np.roll(x23, np.array(s, int), 1).toArray(), np.roll(x23, s, 1).toArray());
  }
  assertThrows(() => np.repeat(v, [1]), TypeError, "for each of the 2 elements");
  assertThrows(() => np.tile(v, -1), RangeError, "tile: the number of repeats");
});

Deno.test("pad", () => {
  const v = np.array([1, 2, 3]);
  assertEquals(np.pad(v, 1, { value: 9 }).toArray(), [9, 1, 2, 3, 9]);
  assertEquals(np.pad(v, [0, 2], { mode: "edge" }).toArray(), [1, 2, 3, 3, 3]);
  assertEquals(np.pad(v, 2, { mode: "reflect" }).toArray(), [3, 2, 1, 2, 3, 2, 1]);
  assertEquals(np.pad(v, [4, 1], { mode: "wrap" }).toArray(), [3, 1, 2, 3, 1, 2, 3, 1]);
  assertEquals(np.pad(x23, [[1, 0], [0, 2]]).shape, [3, 5]);
  assertEquals(np.pad(x23, [1, 2]).shape, [5, 6]);
  for (const dtype of ["float32", "float64", "int32", "uint32", "bool"] as const) {
    for (const mode of ["constant", "edge", "reflect", "wrap"] as const) {
      const x = np.array([1, 0, 1]).astype(dtype);
      const padded = (x: NDArray): NDArray => np.pad(x, 2, { mode });
      assertEquals(padded(x).dtype, dtype);
      assertEquals(traced(padded, x), padded(x).toArray());
    }
  }
  assertEquals(np.pad(np.array([true]), 1).toArray(), [false, true, false]);
  assertEquals(np.pad(np.array([true]), [1, 0], { value: 1 }).toArray(), [true, true]);
  assertThrows(() => np.pad(np.array([true]), 1, { value: 2 }), TypeError, "does not fit");
  assertThrows(() => np.pad(v, [[1, 1], [1, 1]]), TypeError, "widths for 2 axes, but x has 1");
  assertThrows(() => np.pad(v, -1), TypeError, "non-negative integers");
  assertThrows(() => np.pad(v, 1, { mode: "middle" as never }), TypeError, '"middle"');
  assertThrows(() => np.pad(x23, 1, { value: 0.5 }), TypeError, "does not fit an array of int32");
});

// ---------------------------------------------------------------- indexing

Deno.test("at: constant and computed indices", () => {
  assertEquals(x23.at(-1).toArray(), [3, 4, 5]);
  assertEquals(x23.at(0).at(2).item(), 2);
  assertEquals(x23.at(ints(1, 0, 1)).toArray(), [[3, 4, 5], [0, 1, 2], [3, 4, 5]]);
  assertEquals([...x23].map((row) => row.toArray()), [[0, 1, 2], [3, 4, 5]]);
  assertEquals(traced((i) => x23.at(i), np.array(-1, int)), [3, 4, 5]);
  assertEquals(traced((i) => x23.at(i), np.array(7, int)), [3, 4, 5]);
  assertEquals(traced((i) => x23.at(i), np.array(-7, int)), [0, 1, 2]);
  assertThrows(() => x23.at(2), RangeError, "at: index 2 is out of range for axis 0");
  assertThrows(() => x23.at(-3), RangeError, "(-2 to 1)");
  assertThrows(() => x23.at(0.5), TypeError, "an index must be an integer, not 0.5");
  assertThrows(() => x23.at(np.array([0.5])), TypeError, 'astype("int32")');
  assertEquals(x23.at(np.array([false, true])).toArray(), [[3, 4, 5]]);
  assertThrows(() => x23.at(true as never), TypeError, "at: the index is boolean true");
  assertThrows(() => np.array(1).at(0), TypeError, "at: x is a scalar");
});

Deno.test("slice: as in NumPy", () => {
  const v = np.arange(5);
  assertEquals(v.slice([1], [3]).toArray(), [1, 2]);
  assertEquals(v.slice([-2], [5]).toArray(), [3, 4]);
  assertEquals(v.slice([0], [-1]).toArray(), [0, 1, 2, 3]);
  assertEquals(v.slice([3], [100]).toArray(), [3, 4]);
  assertEquals(v.slice([0], [Infinity]).size, 5);
  assertEquals(v.slice([4], [2]).shape, [0]);
  assertEquals(np.slice(v, [0], [5], [2]).toArray(), [0, 2, 4]);
  assertEquals(x23.slice([1], [2]).toArray(), [[3, 4, 5]]);
  assertThrows(() => v.slice([0, 0], [1, 1]), TypeError, "more than the axes");
  assertThrows(() => v.slice([0], []), TypeError, "differ in length");
  assertThrows(() => v.slice([0.5], [1]), TypeError, "slice: starts must be a list of integers");
  assertThrows(() => np.slice(v, [0], [5], [-1]), RangeError, "np.flip");
});

Deno.test("dynamicSlice and dynamicUpdateSlice", () => {
  const i = np.array(1, int);
  assertEquals(np.dynamicSlice(x23, [0, i], [2, 2]).toArray(), [[1, 2], [4, 5]]);
  assertEquals(np.dynamicSlice(x23, ints(0, 9), [1, 2]).toArray(), [[1, 2]]);
  const out = np.dynamicUpdateSlice(x23, [[-1]].map((r) => ints(...r))[0]!.reshape([1, 1]), [
    i,
    -1,
  ]);
  assertEquals(out.toArray(), [[0, 1, 2], [3, 4, -1]]);
  assertThrows(() => np.dynamicSlice(x23, [0], [1, 1]), TypeError, "starts must be 2 scalars");
  assertThrows(() => np.dynamicSlice(x23, [0, 0], [3, 1]), RangeError, "size 3 exceeds axis 0");
  assertThrows(() => np.dynamicSlice(x23, [0, 0], [3]), TypeError, "a length for each axis");
  assertThrows(
    () => np.dynamicUpdateSlice(x23, np.ones([1, 1]), [0, 0]),
    TypeError,
    "does not fit an array of int32",
  );
});

Deno.test("take and takeAlongAxis", () => {
  assertEquals(np.take(x23, ints(5, -1, 0)).toArray(), [5, 5, 0]);
  assertEquals(np.take(x23, 1, 1).toArray(), [1, 4]);
  assertEquals(np.take(x23, ints(2, 7), 1).toArray(), [[2, -2147483648], [5, -2147483648]]);
  assertEquals(np.take(x23, ints(0, 2).reshape([1, 2]), 1).shape, [2, 1, 2]);
  assertEquals(np.takeAlongAxis(x23, np.argsort(x23.neg(), 1), 1).toArray(), [[2, 1, 0], [
    5,
    4,
    3,
  ]]);
  assertEquals(np.takeAlongAxis(x23, ints(1, 0, 1).reshape([1, 3]), 0).toArray(), [[3, 1, 5]]);
  assertThrows(() => np.take(x23, 6), RangeError, "take: index 6 is out of range");
  assertThrows(() => np.take(x23, np.zeros([1])), TypeError, "must be an integer array");
  assertThrows(() => np.take(x23, 0, 0, { mode: "raise" as never }), TypeError, '"raise"');
  assertThrows(() => np.takeAlongAxis(x23, ints(0), 1), TypeError, "as many axes");
});

Deno.test("setAt and addAt", () => {
  const z = np.zeros([3, 2]);
  assertEquals(np.setAt(z, 1, np.array([1, 2])).toArray(), [[0, 0], [1, 2], [0, 0]]);
  assertEquals(np.setAt(z, -1, 5).toArray(), [[0, 0], [0, 0], [5, 5]]);
  assertEquals(z.toArray(), [[0, 0], [0, 0], [0, 0]], "the argument is unchanged");
  for (const [i, rows] of [[1, "010"], [-3, "100"], [3, "000"], [-4, "000"]] as const) {
    const found = traced((k) => np.setAt(z, k, 1), np.array(i, int));
    assertEquals(found, [...rows].map((c) => [Number(c), Number(c)]), `index ${i}`);
  }
  const several = np.setAt(np.array([1, 2, 3]), ints(0, 2, 0, 9), np.array([7, 8, 9, 10]));
  assertEquals(several.toArray(), [9, 2, 8]);
  assertEquals(np.setAt(np.array([true, true]), ints(0), false).toArray(), [false, true]);
  assertEquals(np.addAt(z, 0, 1).toArray(), [[1, 1], [0, 0], [0, 0]]);
  assertEquals(np.addAt(z, ints(2, 2, 5), 1).toArray(), [[0, 0], [0, 0], [2, 2]]);
  assertThrows(() => np.setAt(z, 3, 1), RangeError, "setAt: index 3 is out of range");
  assertThrows(() => np.addAt(ints(1), 0, 0.5), TypeError, "does not fit an array of int32");
  assertThrows(() => np.setAt(z, 0, np.zeros([3])), TypeError, "setAt: shapes [3] and [2]");
  assertThrows(() => np.setAt(z, 0, np.zeros([2], { dtype: "float64" })), TypeError, "float64[2]");
  assertThrows(() => np.addAt(np.array([true]), 0, true), TypeError, "addAt: bools");
});

Deno.test("reductions and sorting: axes and options", () => {
  assertEquals(np.sum(x23, [0, 1]).item(), 15);
  assertEquals(np.sum(x23, []).shape, [2, 3]);
  assertEquals(np.max(x23, 1, { keepDims: true }).toArray(), [[2], [5]]);
  assertEquals(x23.mean(-1).toArray(), [1, 4]);
  assertEquals(x23.argmax(0).toArray(), [1, 1, 1]);
  assertEquals(np.argmin(x23, null, { keepDims: true }).shape, [1, 1]);
  assertEquals(np.median(x23).item(), 2.5);
  assertEquals(np.median(x23, 1, { keepDims: true }).toArray(), [[1], [4]]);
  assertEquals(np.median(np.array([1, NaN, 2])).item(), NaN);
  assertEquals(np.cumsum(x23).toArray(), [0, 1, 3, 6, 10, 15]);
  assertEquals(np.cumprod(np.arange(1, 6)).toArray(), [1, 2, 6, 24, 120]);
  assertEquals(np.countNonzero(x23, 1).toArray(), [2, 3]);
  assertEquals(np.sort(np.array([2, 3, 1]), null, { descending: true }).toArray(), [3, 2, 1]);
  assertEquals(np.variance(np.array([1, 3]), null, { ddof: 2 }).item(), NaN);
  assertThrows(() => x23.sum(2), RangeError, "sum: axis 2 is out of range");
  assertThrows(() => x23.max([0, 0]), RangeError, "axis 0 is given twice");
  assertThrows(
    () => np.sum(x23, new Map() as never),
    TypeError,
    "sum: the axis is an instance of Map, not a number or a list of numbers",
  );
  assertThrows(() => np.max(np.zeros([0])), TypeError, "max: x has shape [0] and so no elements");
  assertThrows(() => np.argmax(np.zeros([0])), TypeError, "argmax: x has shape [0]");
  assertThrows(() => np.searchsorted(x23, 1), TypeError, "must be a vector");
});

// ---------------------------------------------------------------- products

Deno.test("matmul: shapes as in NumPy", () => {
  const shapes: [number[], number[], number[]][] = [
    [[3], [3], []],
    [[2, 3], [3], [2]],
    [[3], [3, 4], [4]],
    [[2, 3], [3, 4], [2, 4]],
    [[5, 2, 3], [3, 4], [5, 2, 4]],
    [[2, 3], [5, 3, 4], [5, 2, 4]],
    [[3], [5, 3, 4], [5, 4]],
    [[5, 2, 3], [3], [5, 2]],
    [[5, 1, 2, 3], [6, 3, 4], [5, 6, 2, 4]],
  ];
  for (const [a, b, out] of shapes) {
    const x = np.reshape(np.arange(a.reduce((p, n) => p * n, 1), { dtype: "float32" }), a);
    const y = np.reshape(np.arange(b.reduce((p, n) => p * n, 1), { dtype: "float32" }), b);
    const z = np.matmul(x, y);
    assertEquals(z.shape, out);
    // The same by elementwise products, with vectors as rows and columns.
    const left = np.expandDims(a.length === 1 ? np.expandDims(x, 0) : x, -1);
    const right = np.expandDims(b.length === 1 ? np.expandDims(y, 1) : y, -3);
    assertEquals(left.mul(right).sum(-2).ravel().toArray(), z.ravel().toArray(), `${a} @ ${b}`);
  }
  assertThrows(
    () => np.matmul(np.zeros([2, 3]), np.zeros([2, 3])),
    TypeError,
    "matmul: shapes [2,3] and [2,3] do not fit: axis 1 of the first has length 3, axis 0 of the second 2",
  );
  assertThrows(() => np.matmul(np.array(1), np.zeros([1])), TypeError, "Use np.mul");
  assertThrows(() => np.matmul(x23, 2 as never), TypeError, "y is number 2, not an array");
  assertThrows(
    () => np.matmul(np.zeros([2, 2, 3]), np.zeros([3, 3, 4])),
    TypeError,
    "matmul: shapes [2] and [3]",
  );
});

Deno.test("dot, vdot, inner, outer and tensordot", () => {
  const v = np.arange(3);
  assertEquals(np.dot(v, v).item(), 5);
  assertEquals(np.dot(2, v).toArray(), [0, 2, 4]);
  assertEquals(np.dot(x23, v).toArray(), [5, 14]);
  assertEquals(np.dot(np.zeros([4, 3]), np.zeros([5, 3, 2])).shape, [4, 5, 2]);
  assertEquals(np.vdot(x23, x23).item(), 55);
  assertEquals(np.inner(x23, x23).toArray(), [[5, 14], [14, 50]]);
  assertEquals(np.outer(v, v).at(2).toArray(), [0, 2, 4]);
  assertEquals(np.tensordot(x23, x23, 2).item(), 55);
  assertEquals(np.tensordot(x23, x23, 0).shape, [2, 3, 2, 3]);
  assertEquals(np.tensordot(x23, x23, [[0], [0]]).shape, [3, 3]);
  assertEquals(np.tensordot(x23, x23, [1, -1]).shape, [2, 2]);
  assertThrows(() => np.dot(v, np.zeros([2])), TypeError, "dot: shapes [3] and [2] do not fit");
  assertThrows(() => np.vdot(v, np.zeros([2])), TypeError, "3 and 2 elements");
  assertThrows(() => np.tensordot(x23, x23, 3), RangeError, "3 axes cannot be paired");
  assertThrows(() => np.tensordot(x23, x23, [[0], [0, 1]]), RangeError, "1 axes of x");
});

Deno.test("einsum", () => {
  const a = np.reshape(np.arange(1, 5, { dtype: "float32" }), [2, 2]);
  const v = np.array([1, 10]);
  const table: [string, NDArray[], unknown][] = [
    ["ij->ji", [a], [[1, 3], [2, 4]]],
    ["ij->", [a], 10],
    ["ii", [a], 5],
    ["ii->i", [a], [1, 4]],
    ["ij,jk->ik", [a, a], [[7, 10], [15, 22]]],
    ["ij,jk", [a, a], [[7, 10], [15, 22]]],
    ["ji,jk", [a, a], [[10, 14], [14, 20]]],
    ["i,i->i", [v, v], [1, 100]],
    ["i,j->ij", [v, v], [[1, 10], [10, 100]]],
    ["ij,ij->", [a, a], 30],
    ["ij,j,i->", [a, v, v], 1 + 20 + 30 + 400],
    [" b i , b i -> b ", [a, a], [5, 25]],
    ["...i,i->...", [a, v], [21, 43]],
    ["...ij,...jk->...ik", [np.expandDims(a, 0), a], [[[7, 10], [15, 22]]]],
    ["...,...", [a, v], [[1, 20], [3, 40]]],
    ["ii,i->i", [a, v], [1, 40]],
    ["ij,kj->ik", [a, np.expandDims(v, 0)], [[21], [43]]],
  ];
  for (const [subscripts, operands, expected] of table) {
    assertEquals(np.einsum(subscripts, ...operands).toArray(), expected, subscripts);
  }
  assertEquals(np.einsum("ij,jk", a, a.astype("int32")).dtype, "float32");
  assertThrows(() => np.einsum("ij,jk->ik", a), SyntaxError, "is for 2 operands, but 1");
  assertThrows(() => np.einsum("ijk->", a), TypeError, "names 3 axes, but the operand has 2");
  assertThrows(() => np.einsum("ij,jk->ik", a, x23.T), TypeError, "axis j has lengths 2 and 3");
  assertThrows(() => np.einsum("ij->k", a), SyntaxError, "has the axis k, which no operand has");
  assertThrows(() => np.einsum("ij->ii", a), SyntaxError, "has the axis i twice");
  assertThrows(() => np.einsum("i1", a), SyntaxError, "only letters");
  assertThrows(() => np.einsum(a as never, a), TypeError, "the subscripts come first");
});

Deno.test("linalg", () => {
  const a = np.array([[4, 1], [2, 3]], { dtype: "float64" });
  const b = np.array([1, 2], { dtype: "float64" });
  assertEquals(np.allClose(np.matmul(a, linalg.solve(a, b)), b).item(), 1);
  const batch = np.stack([a, a.mul(2)]);
  assertEquals(linalg.solve(batch, b).shape, [2, 2]);
  assertEquals(linalg.solve(a, np.zeros([5, 2, 3])).shape, [5, 2, 3]);
  assertEquals(
    linalg.solve(ints(2).reshape([1, 1]), ints(1)).toString(),
    "Array(float32[1], [0.5])",
  );
  assertEquals(np.allClose(np.matmul(batch, linalg.inv(batch)), np.eye(2)).item(), 1);
  assertEquals(np.allClose(linalg.det(batch), np.array([10, 40])).item(), 1);
  assertEquals(Math.abs(linalg.det(np.array([[1, 2], [2, 4]])).item()), 0);
  assertEquals(linalg.det(np.zeros([3, 0, 0])).toArray(), [1, 1, 1]);
  const x = np.array([[3, -4], [0, 2]]);
  assertEquals(linalg.norm(x, { axis: 1 }).toArray(), [5, 2]);
  assertEquals(linalg.norm(x, { axis: 1, ord: 1, keepDims: true }).toArray(), [[7], [2]]);
  assertEquals(linalg.norm(x, { axis: 0, ord: Infinity }).toArray(), [3, 4]);
  assertEquals(linalg.norm(x, { axis: 0, ord: -Infinity }).toArray(), [0, 2]);
  assertEquals(linalg.norm(x, { axis: 0, ord: 0 }).toArray(), [1, 2]);
  assertEquals(linalg.norm(x, { ord: 1 }).item(), 6);
  assertEquals(linalg.norm(x, { ord: Infinity }).item(), 7);
  assertEquals(linalg.norm(x, { ord: 1, axis: [1, 0] }).item(), 7);
  assertEquals(linalg.norm(x, { ord: "fro" }).item(), Math.fround(Math.sqrt(29)));
  assertEquals(Math.abs(linalg.norm(x.at(0), { ord: 3 }).item() - Math.cbrt(91)) < 1e-5, true);
  assertThrows(() => linalg.solve(x23, b), TypeError, "solve: the matrix must be square");
  assertThrows(
    () => linalg.solve(a, np.zeros([3])),
    TypeError,
    "solve: a matrix of shape [2,2] takes",
  );
  assertThrows(() => linalg.norm(x, { ord: 3 }), TypeError, "no matrix norm of order number 3");
  assertThrows(() => linalg.norm(x, { ord: "fro", axis: 0 }), TypeError, "no norm of vectors");
});

Deno.test("operands that are none are refused by name", () => {
  const bad = (f: (...args: never[]) => unknown, ...args: unknown[]) => (): unknown =>
    f(...args as never[]);
  const table: [() => unknown, string][] = [
    [
      bad(np.add, "a", 1),
      'add: the first operand is the string "a", not an array, number or boolean',
    ],
    [bad(np.add, 1, undefined), "add: the second operand is undefined"],
    [bad((y) => x23.mul(y), [1, 2]), "Make an array of it with np.array(...)"],
    [bad(np.exp, Math.exp), "exp: x is a function (exp)"],
    [bad(np.less, x23, Promise.resolve(1)), "Await it first"],
    [bad(np.clip, x23, "a"), 'clip: min is the string "a"'],
    [bad(np.where, "x", 1, 2), "where: the condition is"],
    [bad(np.transpose, [1]), "transpose: x is a JavaScript array of length 1, not an array."],
    [bad(np.expandDims, x23), "np.expandDims(x, 0)"],
    [bad(np.moveaxis, x23, undefined, 0), "np.moveaxis(x, from, to)"],
    [bad(np.tile, x23, "a"), "tile: the number of repeats"],
    [bad(np.astype, x23), "astype: null is not a dtype"],
    [bad(np.take, x23, [0]), "take: the indices is a JavaScript array"],
    [bad(np.less, x23, np.zeros([4])), "less: shapes [2,3] and [4] do not broadcast"],
  ];
  for (const [f, message] of table) assertThrows(f, TypeError, message);
});
