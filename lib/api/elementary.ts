/**
 * Elementwise functions of floats: exponentials, logarithms, roots, trigonometry. Integers and bools
 * are converted to float32 first; numbers are float32.
 *
 * The one Bessel function that NumPy has.
 *
 * What arrays say of themselves, as functions.
 *
 * @module
 */
import { checkCall, type NDArray, type Operand, sizeOf } from "../core/mod.ts";
import type { AxesOr } from "../core/method_options.ts";
import { div, pow, scalarLike } from "../primitives/mod.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { applyNamed, asFloat, asOperand, expectAxes, floatOr32, isNamed } from "./operands.ts";
import * as bessel from "./special/integrals.ts";

/**
 * Elementwise `e^x`, as `jax.numpy.exp`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.exp(np.array([0, 1])).toArray()); // [ 1, 2.7182817459106445 ]
 * ```
 */
export function exp(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("exp(x)", arguments);
  return u.exp(asFloat("exp", x));
}
/** Elementwise `2^x`, as `jax.numpy.exp2`. */
export function exp2(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("exp2(x)", arguments);
  const a = asFloat("exp2", x);
  return pow(scalarLike(2, a), a);
}
/** Elementwise `e^x - 1`, accurate near 0, as `jax.numpy.expm1`. */
export function expm1(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("expm1(x)", arguments);
  return u.expm1(asFloat("expm1", x));
}
/** Elementwise natural logarithm, as `jax.numpy.log`; NaN for negative numbers. */
export function log(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("log(x)", arguments);
  return u.log(asFloat("log", x));
}
/**
 * Elementwise `log(1 + x)`, accurate near 0, as `jax.numpy.log1p`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.log1p(1e-10).item()); // 1.000000013351432e-10
 * ```
 */
export function log1p(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("log1p(x)", arguments);
  return u.log1p(asFloat("log1p", x));
}
/** Elementwise logarithm to base 2, as `jax.numpy.log2`. */
export function log2(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("log2(x)", arguments);
  const a = asFloat("log2", x);
  return div(u.log(a), scalarLike(Math.LN2, a));
}
/** Elementwise logarithm to base 10, as `jax.numpy.log10`. */
export function log10(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("log10(x)", arguments);
  const a = asFloat("log10", x);
  return div(u.log(a), scalarLike(Math.LN10, a));
}
/** Elementwise square root, as `jax.numpy.sqrt`; NaN for negative numbers. */
export function sqrt(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sqrt(x)", arguments);
  return u.sqrt(asFloat("sqrt", x));
}
/** Elementwise `1 / sqrt(x)`, as `jax.lax.rsqrt`. */
export function rsqrt(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("rsqrt(x)", arguments);
  return u.rsqrt(asFloat("rsqrt", x));
}
/** Elementwise sine of radians, as `jax.numpy.sin`. */
export function sin(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sin(x)", arguments);
  return u.sin(asFloat("sin", x));
}
/** Elementwise cosine of radians, as `jax.numpy.cos`. */
export function cos(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("cos(x)", arguments);
  return u.cos(asFloat("cos", x));
}
/** Elementwise tangent of radians, as `jax.numpy.tan`. */
export function tan(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("tan(x)", arguments);
  return u.tan(asFloat("tan", x));
}
/** Elementwise inverse sine in radians, as `jax.numpy.asin`; NaN outside [-1, 1]. */
export function asin(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("asin(x)", arguments);
  return u.asin(asFloat("asin", x));
}
/** Elementwise inverse cosine in radians, as `jax.numpy.acos`; NaN outside [-1, 1]. */
export function acos(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("acos(x)", arguments);
  return u.acos(asFloat("acos", x));
}
/** Elementwise inverse tangent in radians, as `jax.numpy.atan`. */
export function atan(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("atan(x)", arguments);
  return u.atan(asFloat("atan", x));
}
/**
 * Elementwise angle of the point `(x, y)` in radians, from -pi to pi, as `jax.numpy.atan2`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.atan2(1, 0).item()); // 1.5707963705062866
 * ```
 */
export function atan2(y: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("atan2(y, x)", arguments);
  return applyNamed("atan2", u.atan2, y, x, floatOr32);
}
/** Elementwise hyperbolic sine, as `jax.numpy.sinh`. */
export function sinh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sinh(x)", arguments);
  return u.sinh(asFloat("sinh", x));
}
/** Elementwise hyperbolic cosine, as `jax.numpy.cosh`. */
export function cosh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("cosh(x)", arguments);
  return u.cosh(asFloat("cosh", x));
}
/** Elementwise hyperbolic tangent, as `jax.numpy.tanh`. */
export function tanh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("tanh(x)", arguments);
  return u.tanh(asFloat("tanh", x));
}
/** Elementwise inverse hyperbolic sine, as `jax.numpy.asinh`. */
export function asinh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("asinh(x)", arguments);
  return u.asinh(asFloat("asinh", x));
}
/** Elementwise inverse hyperbolic cosine, as `jax.numpy.acosh`; NaN below 1. */
export function acosh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("acosh(x)", arguments);
  return u.acosh(asFloat("acosh", x));
}
/** Elementwise inverse hyperbolic tangent, as `jax.numpy.atanh`; NaN outside [-1, 1]. */
export function atanh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("atanh(x)", arguments);
  return u.atanh(asFloat("atanh", x));
}

// ---------------------------------------------------------------- NumPy's other names

/** {@linkcode acos} under another name of NumPy's. */
export const arccos: typeof acos = acos;

/** {@linkcode acosh} under another name of NumPy's. */
export const arccosh: typeof acosh = acosh;

/** {@linkcode asin} under another name of NumPy's. */
export const arcsin: typeof asin = asin;

/** {@linkcode asinh} under another name of NumPy's. */
export const arcsinh: typeof asinh = asinh;

/** {@linkcode atan} under another name of NumPy's. */
export const arctan: typeof atan = atan;

/** {@linkcode atan2} under another name of NumPy's. */
export const arctan2: typeof atan2 = atan2;

/** {@linkcode atanh} under another name of NumPy's. */
export const arctanh: typeof atanh = atanh;

/**
 * Elementwise modified Bessel function of the first kind of order 0: `special.i0`, as `jax.numpy.i0`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.i0(np.array([0, 1])).toArray()); // [ 1, 1.2660658359527588 ]
 * ```
 */
export function i0(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i0(x)", arguments);
  return bessel.i0(x);
}

/**
 * The shape of an array, as `jax.numpy.shape`; that of a number is empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.shape(np.zeros([2, 3]))); // [ 2, 3 ]
 * ```
 */
export function shape(x: Operand): readonly number[] {
  if (arguments.length > 1) checkCall("shape(x)", arguments);
  return asOperand("shape", x).shape;
}

/** The number of axes of an array, as `jax.numpy.ndim`. */
export function ndim(x: Operand): number {
  if (arguments.length > 1) checkCall("ndim(x)", arguments);
  return asOperand("ndim", x).ndim;
}

/**
 * The number of elements of an array, or its length along axes, as `jax.numpy.size`.
 *
 * @throws {AxisError} where an axis is out of range.
 */
export function size(x: Operand, axis?: AxesOr<unknown>): number {
  if (arguments.length > 2 || isNamed(axis)) checkCall("size(x, axis)", arguments, {}, 1);
  if (isNamed(axis)) return size(x, axis.axis);
  const array = asOperand("size", x);
  return sizeOf(expectAxes("size", axis, array.ndim).map((k) => array.shape[k]!));
}
