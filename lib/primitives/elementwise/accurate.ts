/**
 * Functions in the graph to full precision, where ONNX or ONNX Runtime has no kernel or no accurate
 * one: log1p, expm1, and the arc tangent in double precision.
 *
 * @module
 */
import type { DType } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { Formula } from "../graph/nodes.ts";

/** Coefficients of x, x^2, ... of `f`, highest first, for {@linkcode Formula.polynomial}. */
function series(terms: number, f: (k: number) => number): number[] {
  return Array.from({ length: terms }, (_, i) => f(terms - 1 - i));
}

/**
 * Whether the operator's own kernel is accurate: not in double precision, for which there is none,
 * nor on a GPU, whose functions have errors up to 1e-4. WGSL promises of logarithms near 1 no more
 * than absolute precision, so that formulas which rely on their digits would lose all.
 */
export function hasAccurateKernel(g: Lowering, dtype: DType): boolean {
  return dtype === "float32" && g.target !== "webgpu";
}

// log1p(x) = 2 artanh(s) with s = x / (2 + x), |s| <= 1/3 where |x| <= 1/2.
const ARTANH = /* @__PURE__ */ series(8, (k) => 2 / (2 * k + 1));
// (e^x - 1) / x
const EXPM1 = /* @__PURE__ */ series(9, (k) => {
  let factorial = 1;
  for (let i = 2; i <= k + 1; i++) factorial *= i;
  return 1 / factorial;
});

/** `log(1 + x)`, to full relative precision near 0. */
export function log1pIn(f: Formula, x: Value): Value {
  const u = f.add(x, 1);
  const log = f.op("Log", u);
  if (f.g.target === "webgpu") {
    const s = f.div(x, f.add(x, 2));
    const near = f.mul(s, f.polynomial(f.mul(s, s), ARTANH));
    return f.where(f.less(f.op("Abs", x), 0.5), near, log);
  }
  // W. Kahan: the error of rounding 1 + x cancels in log(u) / (u - 1).
  const ratio = f.choose(f.equal(u, 1), 1, f.div(log, f.sub(u, 1)));
  return f.choose(f.less(1, x), log, f.mul(x, ratio));
}

/** `e^x - 1`, to full relative precision near 0. */
export function expm1In(f: Formula, x: Value): Value {
  const u = f.op("Exp", x);
  const far = f.sub(u, 1);
  const isFar = f.less(0.5, f.op("Abs", x));
  if (f.g.target === "webgpu") return f.where(isFar, far, f.mul(x, f.polynomial(x, EXPM1)));
  // W. Kahan: the error of e^x cancels in (u - 1) / log(u).
  const ratio = f.choose(f.equal(u, 1), 1, f.div(far, f.op("Log", u)));
  return f.choose(isFar, far, f.mul(x, ratio));
}

/**
 * The arc tangent, where the kernel for float32 is too coarse by one step from its value: with
 * t = atan(x) - y, tan(t) = (x cos y - sin y) / (cos y + x sin y) exactly, and a t below 1e-4 (1e-7
 * in double precision) is its own tangent.
 */
export function atanIn(f: Formula, x: Value): Value {
  if (hasAccurateKernel(f.g, f.dtype)) return f.op("Atan", x);
  // Beyond this bound nothing changes, and products with infinity would be NaN.
  const bound = f.dtype === "float32" ? 1e30 : 1e300;
  const bounded = f.op("Max", f.op("Min", x, bound), -bound);
  const coarse = f.g.node("Atan", [f.g.cast(bounded, f.dtype, "float32")]);
  const y = f.g.cast(coarse, "float32", f.dtype);
  const sin = f.op("Sin", y);
  const cos = f.op("Cos", y);
  // y - (-t), which is -0 at -0 where y is, as on a CPU.
  const above = f.sub(sin, f.mul(bounded, cos));
  const below = f.add(cos, f.mul(bounded, sin));
  const fine = f.sub(y, f.div(above, below));
  return f.g.target === "webgpu" ? f.where(f.equal(x, 0), x, fine) : fine;
}
