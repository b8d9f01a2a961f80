/**
 * What convolutions promise beyond single values: lanes, derivatives of higher order, backends, programs in
 * files, and what users are told about arguments that do not go together.
 *
 * @module
 */
import {
  grad,
  hessian,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  ready,
  vmap,
} from "../../../mod.ts";
import * as lax from "../../../lib/api/lax.ts";
import { DTypeError, ShapeError } from "../../../lib/core/errors.ts";
import { assertClose } from "../../support/arrays.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { backends } from "../../support/everywhere.ts";
import { gpuTest } from "../../support/gpu.ts";
import { any, mistake } from "../../support/mistakes.ts";

await loadBackend("onnx");

const wave = (...shape: number[]): NDArray => {
  const n = shape.reduce((a, b) => a * b, 1);
  return np.sin(np.arange(n, { dtype: "float64" }).mul(1.7)).reshape(shape);
};
const x = wave(2, 4, 6, 5);
const w = wave(6, 2, 3, 2);
const grouped = (x: NDArray, w: NDArray): NDArray =>
  lax.convGeneralDilated(x, w, [2, 1], [[1, 0], [2, 1]], {
    featureGroupCount: 2,
    lhsDilation: [1, 2],
    rhsDilation: [2, 1],
  });

Deno.test("lanes of arrays, of kernels and of both are convolved like single ones", () => {
  const [xs, ws] = [wave(3, 2, 4, 6, 5), wave(3, 6, 2, 3, 2)];
  const each = (k: number, a: boolean, b: boolean): NDArray =>
    grouped(a ? xs.at(k) : x, b ? ws.at(k) : w);
  for (const [a, b] of [[true, false], [false, true], [true, true]] as const) {
    const lanes = vmap(grouped, { inAxes: [a ? 0 : null, b ? 0 : null] })(a ? xs : x, b ? ws : w);
    for (let k = 0; k < 3; k++) assertClose(lanes.at(k), each(k, a, b), 1e-12);
  }
  const behind = vmap(grouped, { inAxes: [2, 4] })(np.moveaxis(xs, 0, 2), np.moveaxis(ws, 0, 4));
  assertClose(behind.at(1), each(1, true, true), 1e-12);
});

Deno.test("derivatives of second order are those of a bilinear function", () => {
  const [dx, dw] = [wave(2, 4, 6, 5).mul(0.5), wave(6, 2, 3, 2).add(0.25)];
  // d/dt of d/dw f(x + t dx, w) dw is f(dx, dw).
  const inner = (x: NDArray) => jvp((w: NDArray) => grouped(x, w), [w], [dw])[1];
  assertClose(jvp(inner, [x], [dx])[1], grouped(dx, dw), 1e-12);
  // The Hessian of a sum of squares of a linear function is constant.
  const few = wave(1, 1, 4);
  const loss = (k: NDArray) => np.square(lax.conv(few, k, [1], "SAME")).sum();
  const kernel = wave(1, 1, 2);
  const H = hessian(loss)(kernel).reshape([2, 2]);
  const flat = kernel.reshape([2]);
  assertClose(np.matmul(H, flat), grad(loss)(kernel).reshape([2]), 1e-12);
});

for (const backend of [...backends]) {
  Deno.test(`convolutions and their gradients on ${backend.backend} are those of eager code`, () => {
    const loss = (x: NDArray, w: NDArray) => np.sin(grouped(x, w)).sum();
    const slopes = grad(loss, { argnums: [0, 1] });
    const [dx, dw] = jit(slopes, backend)(x, w);
    const [ex, ew] = slopes(x, w);
    assertClose(jit(grouped, backend)(x, w), grouped(x, w), 1e-12);
    assertClose(dx, ex, 1e-12);
    assertClose(dw, ew, 1e-12);
  });
}

Deno.test("large convolutions compile to the sums that small ones have", () => {
  const image = wave(2, 8, 20, 21).astype("float32");
  const filter = wave(16, 8, 3, 3).astype("float32");
  const f = (x: NDArray, w: NDArray) => lax.conv(x, w, [1, 1], "SAME");
  const want = f(image.astype("float64"), filter.astype("float64")).astype("float32");
  for (const backend of backends) assertClose(jit(f, backend)(image, filter), want, 2e-5);
  assertClose(f(image, filter), want, 2e-5);
});

Deno.test("where there is no Conv, windows too many for memory are taken one element at a time", () => {
  const image = np.sin(np.arange(2 * 1500 * 1500, { dtype: "float64" })).reshape([
    1,
    2,
    1500,
    1500,
  ]);
  const filter = wave(1, 2, 2, 2);
  const f = (x: NDArray, w: NDArray) => lax.conv(x, w, [1, 1], "VALID");
  const [y, want] = [jit(f, { backend: "onnx" })(image, filter), jit(f)(image, filter)];
  assert(Number(np.max(np.abs(y.sub(want))).item()) < 1e-12);
});

gpuTest("convolutions and their gradients on a GPU are those of eager code", async () => {
  for (const rank of [1, 2, 3]) {
    // Of 6 features and 4 outputs its own Conv gives wrong sums.
    const space = [5, 4, 3].slice(0, rank);
    const a = wave(2, 12, ...space).astype("float32");
    const k = wave(8, 6, ...space.map(() => 2)).astype("float32");
    const f = (a: NDArray, k: NDArray) =>
      np.sin(
        lax.convGeneralDilated(a, k, space.map(() => 1), "SAME", { featureGroupCount: 2 }),
      ).sum();
    const slopes = grad(f, { argnums: [0, 1] });
    const [da, dk] = await ready(jit(slopes, { backend: "webgpu" })(a, k));
    const [ea, ek] = slopes(a, k);
    assertClose(da, ea, 1e-4, `${rank} axes`);
    assertClose(dk, ek, 1e-4, `${rank} axes`);
  }
});

Deno.test("dimension numbers are read from letters, in the order of the kernel's", () => {
  const axes = lax.convDimensionNumbers([1, 5, 4, 3], [2, 3, 3, 2], ["NHWC", "WHIO", "NCHW"]);
  assertEquals(axes, { lhsSpec: [0, 3, 2, 1], rhsSpec: [3, 2, 0, 1], outSpec: [0, 1, 3, 2] });
  assertEquals(lax.convDimensionNumbers([1, 2, 4], [3, 2, 2], axes3), axes3);
  assertEquals(lax.convDimensionNumbers([1, 2, 4], [3, 2, 2]).lhsSpec, [0, 1, 2]);
});
const axes3 = { lhsSpec: [0, 2, 1], rhsSpec: [2, 1, 0], outSpec: [1, 0, 2] };

Deno.test("a convolution may be asked for in a wider dtype", () => {
  const [a, k] = [np.ones([1, 1, 3]), np.ones([1, 1, 2])];
  const out = lax.conv(a, k, [1], "VALID", { preferredElementType: "float64" });
  assertEquals(out.dtype, "float64");
  assert(
    grad((a: NDArray) => lax.conv(a, k, [1], "VALID", { preferredElementType: "float64" }).sum())(a)
      .dtype === "float32",
  );
});

const [line, kernel] = [np.ones([1, 2, 5]), np.ones([3, 2, 2])];
mistake(
  "a kernel of other features",
  () => lax.conv(line, np.ones([3, 4, 2]), [1], "SAME"),
  ShapeError,
  "conv: the kernel must have as many features as the array | 2 features | kernel 4 features | [3,4,2]",
);
mistake(
  "groups that do not divide",
  () => lax.convGeneralDilated(line, np.ones([3, 1, 2]), [1], "SAME", { featureGroupCount: 2 }),
  ShapeError,
  "convGeneralDilated: featureGroupCount 2 does not divide the outputs",
);
mistake(
  "one stride for two axes",
  () => lax.conv(np.ones([1, 2, 4, 4]), np.ones([3, 2, 2, 2]), [1], "SAME"),
  TypeError,
  "conv: windowStrides must be a list of 2 integers of at least 1 | not [1]",
);
mistake(
  "a word that is no padding",
  () => lax.conv(line, kernel, [1], any("FULL")),
  TypeError,
  'conv: the padding must be "SAME", "SAME_LOWER", "VALID" or a list of 1 pairs of integers | "FULL"',
);
mistake(
  "letters that are missing",
  () =>
    lax.convGeneralDilated(line, kernel, [1], "SAME", { dimensionNumbers: ["NCH", "OIW", "NCH"] }),
  TypeError,
  'convGeneralDilated: the letters of dimensionNumbers for axes that windows run along differ: "NCH", "OIW", "NCH"',
);
mistake(
  "a narrower result",
  () => lax.conv(x, w, [1, 1], "SAME", { preferredElementType: "float32" }),
  DTypeError,
  "conv: preferredElementType is float32, but the operands are float64 | do not fit in it",
);
mistake(
  "padding by name of a spread array",
  () => lax.convGeneralDilated(line, kernel, [1], "SAME", { lhsDilation: [2] }),
  TypeError,
  'convGeneralDilated: with lhsDilation the padding must be pairs, not "SAME" | convTranspose',
);
