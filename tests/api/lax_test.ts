/**
 * Operations of `lax` on all backends and over lanes, and what users are told about arguments that do not
 * fit. Values are compared with JAX in `families/lax_more_test.ts` and `families/lax_places_test.ts`.
 *
 * @module
 */
import * as lax from "../../lib/api/lax.ts";
import {
  AxisError,
  DTypeError,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  ShapeError,
  vmap,
} from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { any, mistake } from "../support/mistakes.ts";

await loadBackend("onnx");

const int = (...values: number[]) => np.array(values, { dtype: "int32" });
const x = np.array([[0.5, -1.25, 3], [2, -0.75, 1e-40]]);
const limits = np.array([0, -0, 1, -1e-40, NaN, Infinity, -3.5]);
const words = int(0, 1, -1, 7, -2147483648, 2147483647);

/** Operations and what they are tried with. */
const operations: Readonly<Record<string, (x: NDArray) => NDArray>> = {
  bits: (x) => lax.bitcastConvertType(x, "int32"),
  "bits and back": (x) => lax.bitcastConvertType(lax.bitcastConvertType(x, "uint32"), "float32"),
  next: (x) => lax.nextafter(x, 2),
  cbrt: lax.cbrt,
  round: lax.round,
  precision: (x) => lax.reducePrecision(x, 5, 10),
  cummax: (x) => lax.cummax(x, -1),
  cumlogsumexp: (x) => lax.cumlogsumexp(x, -1, { reverse: true }),
  topK: (x) => lax.topK(x, 2)[0],
  "places of topK": (x) => lax.topK(x, 2)[1],
  "several keys": (x) => lax.sort([np.floor(x), x.neg()], { numKeys: 2 })[1]!,
  reduce: (x) => lax.reduce(x, 1, lax.mul, [x.ndim - 1]),
};

/** The same on each backend, and eagerly: the text of what comes out, which has the sign of zeros. */
function everywhere(f: (x: NDArray) => NDArray, x: NDArray): string {
  const text = (y: NDArray): string =>
    [...y.dataSync()].map((v) => Object.is(v, -0) ? "-0" : v).join();
  const eager = text(f(x));
  for (const backend of ["cpu", "onnx", "interpreter"] as const) {
    assertEquals(text(jit(f, { backend })(x)), eager, backend);
  }
  return eager;
}

for (const [name, f] of Object.entries(operations)) {
  Deno.test(`${name}: the same on all backends, and of each lane`, () => {
    if (name !== "cumlogsumexp" && name !== "cbrt") {
      everywhere(f, x);
      everywhere(f, limits);
    }
    const rows = vmap(f)(x);
    [...x].forEach((row, i) => assertEquals(rows.at(i).toArray(), f(row).toArray()));
  });
}

Deno.test("bits are counted on all backends", () => {
  assertEquals(everywhere(lax.populationCount, words), "0,1,32,3,1,31");
  assertEquals(everywhere(lax.clz, words), "32,31,0,29,0,1");
  assertEquals(everywhere((w) => lax.mulhi(w, words), words), "0,0,0,0,1073741824,1073741823");
  assertEquals(everywhere((w) => lax.reduceXor(w, [0]), words), "6");
});

Deno.test("windows at computed places have lanes and derivatives", () => {
  const numbers = { offsetDims: [1], collapsedSliceDims: [], startIndexMap: [0] };
  const f = (v: NDArray, at: NDArray): NDArray => lax.gather(v, at, numbers, [2]);
  const v = np.array([1, 2, 3, 4]);
  const at = int(1, 9, 0, 2).reshape([2, 2, 1]);
  const lanes = vmap(f, { inAxes: [null, 0] })(v, at);
  assertEquals(lanes.toArray(), [[[2, 3], [NaN, NaN]], [[1, 2], [3, 4]]]);
  const slope = grad((v: NDArray) => f(v, int(1, 0).reshape([2, 1])).square().sum());
  assertEquals(jit(slope)(v).toArray(), [2, 8, 6, 0]);
  const put = { updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] };
  const apply = (v: NDArray): NDArray =>
    lax.scatterApply(v, int(0, 0, 3).reshape([3, 1]), (y) => y.mul(3), put);
  assertEquals(everywhere(apply, v), "9,2,3,12");
  assertEquals(grad((v: NDArray) => apply(v).sum())(v).toArray(), [9, 1, 1, 3]);
});

const at = int(0, 1).reshape([2, 1]);
const numbers = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0] };

mistake(
  "a window that is too long",
  () => lax.gather(x, at, numbers, [1, 4]),
  ShapeError,
  "gather: sliceSizes [1,4] | [2,3]",
);
mistake(
  "an axis too many",
  () => lax.gather(x, at, { ...numbers, startIndexMap: [0, 1] }, [1, 3]),
  ShapeError,
  "gather: the last axis of the indices, of shape [2,1]",
);
mistake(
  "an axis that there is not",
  () => lax.gather(x, at, { ...numbers, startIndexMap: [2] }, [1, 3]),
  AxisError,
  "gather: startIndexMap [2] | 0 to 1",
);
mistake(
  "updates that do not fit",
  () =>
    lax.scatterAdd(x, at, np.zeros([3, 3]), {
      updateWindowDims: [1],
      insertedWindowDims: [0],
      scatterDimsToOperandDims: [0],
    }),
  ShapeError,
  "scatterAdd: updates of shape [3,3] do not fit",
);
mistake("no dimension numbers", () => lax.gather(x, at, any(1), [1, 3]), ShapeError, "offsetDims");
mistake(
  "bits of doubles",
  () => lax.bitcastConvertType(np.zeros([1], { dtype: "float64" }), "int32"),
  DTypeError,
  "32 bits",
);
mistake("too many largest", () => lax.topK(x, 4), RangeError, "topK: k | 0 to 3");
mistake(
  "keys that are not there",
  () => lax.sort([x], { numKeys: 2 }),
  RangeError,
  "sort: numKeys",
);
mistake("which of three", () => lax.selectN(true, x, x, x), DTypeError, "selectN: which is bool");

Deno.test("options in the place of strides and windows are told where these stand", () => {
  const [x, w] = [np.ones([1, 1, 4, 4]), np.ones([1, 1, 2, 2])];
  // deno-lint-ignore no-explicit-any -- what types forbid
  const options: any = { windowStrides: [1, 1], strides: [1, 1], padding: "SAME" };
  const calls: [run: () => unknown, right: string][] = [
    [
      () => lax.convGeneralDilated(x, w, options, "SAME"),
      "Write convGeneralDilated(..., windowStrides, padding, ...",
    ],
    [() => lax.conv(x, w, options, "SAME"), "Write conv(..., windowStrides, padding, ...)"],
    [
      () => lax.convTranspose(x, w, options, "SAME"),
      "Write convTranspose(..., strides, padding, ...)",
    ],
    [() => lax.convGeneralDilatedPatches(x, options, [1, 1], "SAME"), "(..., filterShape, ...)"],
  ];
  for (const [run, right] of calls) assertThrows(run, TypeError, right);
});
