/**
 * Discrete Fourier transforms along one axis or several: of complex numbers, then of real numbers, of which
 * half is enough, and back to real numbers. Options and the steps of both are in `complex.ts`.
 *
 * @module
 */
import { formatShape, type NDArray, readOptions, ShapeError } from "../core/mod.ts";
import { fourier, onParts, type Parts } from "../linalg/fourier.ts";
import { concatenate, neg, rev, slice, zerosLike } from "../primitives/mod.ts";
import {
  alongOne,
  alongSeveral,
  asComplex,
  type Complex,
  type Direction,
  divided,
  divisor,
  type FftnOptions,
  fftnOptions,
  type FftOptions,
  fftOptions,
  resized,
  transformed,
} from "./complex.ts";
import { asFloat, expectArray } from "./operands.ts";

/** Along one axis. */
function one(op: string, x: NDArray | Complex, options: FftOptions, way: Direction): Complex {
  const parts = asComplex(op, x);
  return transformed(op, parts, [alongOne(op, parts.re.shape, options)], options, way);
}

/** Along several axes. */
function several(
  op: string,
  x: NDArray | Complex,
  options: FftnOptions,
  way: Direction,
  two: boolean,
): Complex {
  const parts = asComplex(op, x);
  // A last check of norm, where there are no axes.
  divisor(op, options, way, 1);
  const along = alongSeveral(op, parts.re.shape, options, two);
  return transformed(op, parts, along, options, way);
}

/**
 * The discrete Fourier transform along an axis, as `jax.numpy.fft.fft`: the sums of
 * `x[j] exp(-2 pi i j k / n)`. Of any length n in about `n log n` steps, and most quickly where it is a
 * product of 2, 3 and 5. `ifft` is its inverse. On `"onnx"`, on a GPU and in files, one number that is
 * not finite may make all results of its line NaN; on `"cpu"`, and in JAX, a few may be 0 or an infinity.
 *
 * @param x An array, or complex numbers as `{ re, im }`.
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fft } from "@injax/injax/fft";
 *
 * const { re, im } = fft(np.array([1, 2, 3, 4]));
 * console.log(re.toArray(), im.toArray()); // [ 10, -2, -2, -2 ] [ 0, 2, 0, -2 ]
 * ```
 */
export function fft(x: NDArray | Complex, options: FftOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("fft(x, options)", arguments, fftOptions);
  return one("fft", x, options, "forward");
}

/**
 * The inverse of {@linkcode fft}, as `jax.numpy.fft.ifft`: the sums of `x[j] exp(2 pi i j k / n)`, divided
 * by n.
 *
 * @param x An array, or complex numbers as `{ re, im }`.
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fft, ifft } from "@injax/injax/fft";
 *
 * console.log(ifft(fft(np.array([1, 2, 3, 4]))).re.toArray()); // [ 1, 2, 3, 4 ]
 * ```
 */
export function ifft(x: NDArray | Complex, options: FftOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("ifft(x, options)", arguments, fftOptions);
  return one("ifft", x, options, "backward");
}

/**
 * The transform along two axes, the last ones where none are given, as `jax.numpy.fft.fft2`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are not two different axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fft2 } from "@injax/injax/fft";
 *
 * console.log(fft2(np.array([[1, 2], [3, 4]])).re.toArray()); // [ [ 10, -2 ], [ -4, 0 ] ]
 * ```
 */
export function fft2(x: NDArray | Complex, options: FftnOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("fft2(x, options)", arguments, fftnOptions);
  return several("fft2", x, options, "forward", true);
}

/**
 * The inverse of {@linkcode fft2}, as `jax.numpy.fft.ifft2`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are not two different axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fft2, ifft2 } from "@injax/injax/fft";
 *
 * console.log(ifft2(fft2(np.array([[1, 2], [3, 4]]))).re.toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function ifft2(x: NDArray | Complex, options: FftnOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("ifft2(x, options)", arguments, fftnOptions);
  return several("ifft2", x, options, "backward", true);
}

/**
 * The transform along several axes, all where none are given, as `jax.numpy.fft.fftn`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis is named twice, or there are more or fewer lengths than axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fftn } from "@injax/injax/fft";
 *
 * console.log(fftn(np.array([[1, 2], [3, 4]]), { axes: [0] }).re.toArray()); // [ [ 4, 6 ], [ -2, -2 ] ]
 * ```
 */
export function fftn(x: NDArray | Complex, options: FftnOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("fftn(x, options)", arguments, fftnOptions);
  return several("fftn", x, options, "forward", false);
}

/**
 * The inverse of {@linkcode fftn}, as `jax.numpy.fft.ifftn`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis is named twice, or there are more or fewer lengths than axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fftn, ifftn } from "@injax/injax/fft";
 *
 * console.log(ifftn(fftn(np.array([[1, 2], [3, 4]]))).re.toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function ifftn(x: NDArray | Complex, options: FftnOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("ifftn(x, options)", arguments, fftnOptions);
  return several("ifftn", x, options, "backward", false);
}

/** The elements from `start` to `stop` along an axis. */
function part(x: NDArray, axis: number, start: number, stop: number): NDArray {
  return slice(x, x.shape.map((_, i) => i === axis ? start : 0), x.shape.with(axis, stop));
}

/** Real numbers. */
function real(op: string, x: NDArray): NDArray {
  if (typeof x === "object" && x !== null && "re" in x && "im" in x) {
    throw new TypeError(
      `${op}: x is complex, but must be real. Complex numbers are for ${op.replace(/^i?[rh]/, "")}`,
    );
  }
  return asFloat(op, expectArray(op, x));
}

/** The first `n / 2 + 1` of a transform of `n` real numbers along an axis; there is no factor. */
function halfOf(x: NDArray, axis: number, n: number, inverse = false): Parts {
  if (n === 0) return { re: x, im: x };
  const whole = resized(x, axis, n);
  const spectrum = fourier({ re: whole, im: zerosLike(whole) }, axis, inverse);
  return onParts(spectrum, (y) => part(y, axis, 0, Math.floor(n / 2) + 1));
}

/**
 * The transform to `n` real numbers of the first half; there is no factor. The other half are conjugates, so
 * that imaginary parts at 0, and at half of an even n, have no say.
 */
function realOf(x: Parts, axis: number, n: number, inverse: boolean): NDArray {
  const { re, im } = onParts(x, (y) => resized(y, axis, Math.floor(n / 2) + 1));
  const rest = (y: NDArray): NDArray => rev(part(y, axis, 1, Math.ceil(n / 2)), [axis]);
  const whole = {
    re: concatenate([re, rest(re)], axis),
    im: concatenate([im, neg(rest(im))], axis),
  };
  return fourier(whole, axis, inverse).re;
}

/** Of real numbers along one axis. */
function forward(op: string, x: NDArray, options: FftOptions, way: Direction): Complex {
  const a = real(op, x);
  const { axis, n } = alongOne(op, a.shape, options);
  const length = n ?? a.shape[axis]!;
  const by = divisor(op, options, way, length);
  return onParts(halfOf(a, axis, length, way === "backward"), (y) => divided(y, by));
}

/** To real numbers along one axis. */
function backward(op: string, x: Parts, options: FftOptions, way: Direction): NDArray {
  const { axis, n } = alongOne(op, x.re.shape, options);
  const length = n ?? Math.max(0, 2 * (x.re.shape[axis]! - 1));
  const by = divisor(op, options, way, length);
  if (length === 0) return part(x.re, axis, 0, 0);
  return divided(realOf(x, axis, length, way === "backward"), by);
}

/**
 * The transform of real numbers along an axis, as `jax.numpy.fft.rfft`: the first `n / 2 + 1` elements of
 * that of `fft`. The others are their conjugates.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { rfft } from "@injax/injax/fft";
 *
 * const { re, im } = rfft(np.array([1, 2, 3, 4]));
 * console.log(re.toArray(), im.toArray()); // [ 10, -2, -2 ] [ 0, 2, 0 ]
 * ```
 */
export function rfft(x: NDArray, options: FftOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("rfft(x, options)", arguments, fftOptions);
  return forward("rfft", x, options, "forward");
}

/**
 * The inverse of {@linkcode rfft}, as `jax.numpy.fft.irfft`, to `n` real numbers: `2 (m - 1)` of m elements
 * where `n` is left out.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { irfft, rfft } from "@injax/injax/fft";
 *
 * console.log(irfft(rfft(np.array([1, 2, 3, 4]))).toArray()); // [ 1, 2, 3, 4 ]
 * console.log(irfft(rfft(np.array([1, 2, 6])), { n: 3 }).toArray()); // [ 1, 2, 6 ]
 * ```
 */
export function irfft(x: NDArray | Complex, options: FftOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("irfft(x, options)", arguments, fftOptions);
  return backward("irfft", asComplex("irfft", x), options, "backward");
}

/**
 * The real transform of half a signal whose other half are the conjugates, as `jax.numpy.fft.hfft`:
 * `irfft` with the opposite sign, and without its factor.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { hfft } from "@injax/injax/fft";
 *
 * console.log(hfft(np.array([1, 2, 3])).toArray()); // [ 8, -2, 0, -2 ]
 * ```
 */
export function hfft(x: NDArray | Complex, options: FftOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("hfft(x, options)", arguments, fftOptions);
  return backward("hfft", asComplex("hfft", x), options, "forward");
}

/**
 * The inverse of {@linkcode hfft}, as `jax.numpy.fft.ihfft`: conjugates of `rfft`, divided by n.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { ihfft } from "@injax/injax/fft";
 *
 * console.log(ihfft(np.array([8, -2, 0, -2])).re.toArray()); // [ 1, 2, 3 ]
 * ```
 */
export function ihfft(x: NDArray, options: FftOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("ihfft(x, options)", arguments, fftOptions);
  return forward("ihfft", x, options, "backward");
}

/** Real numbers along several axes: along the last one of them first. */
function forwards(op: string, x: NDArray, options: FftnOptions, two: boolean): Complex {
  const a = real(op, x);
  divisor(op, options, "forward", 1);
  const along = alongSeveral(op, a.shape, options, two);
  const last = along.at(-1);
  if (last === undefined) return { re: a, im: zerosLike(a) };
  const length = last.n ?? a.shape[last.axis]!;
  const by = divisor(op, options, "forward", length);
  const half = onParts(halfOf(a, last.axis, length), (y) => divided(y, by));
  return transformed(op, half, along.slice(0, -1), options, "forward");
}

/** To real numbers along several axes: along the last one of them last. */
function backwards(op: string, x: NDArray | Complex, options: FftnOptions, two: boolean): NDArray {
  const a = asComplex(op, x);
  divisor(op, options, "backward", 1);
  const along = alongSeveral(op, a.re.shape, options, two);
  const last = along.at(-1);
  if (last === undefined) {
    throw new ShapeError(
      `${op}: there is no axis to transform: x has shape ${formatShape(a.re.shape)}`,
    );
  }
  const rest = transformed(op, a, along.slice(0, -1), options, "backward");
  return backward(op, rest, { ...last, norm: options.norm }, "backward");
}

/**
 * The transform of real numbers along two axes, the last ones where none are given, as
 * `jax.numpy.fft.rfft2`: half of that of `fft2`, along the last of the axes.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are not two different axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { rfft2 } from "@injax/injax/fft";
 *
 * console.log(rfft2(np.array([[1, 2, 0], [3, 4, 0]])).re.toArray()); // [ [ 10, 1 ], [ -4, -1 ] ]
 * ```
 */
export function rfft2(x: NDArray, options: FftnOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("rfft2(x, options)", arguments, fftnOptions);
  return forwards("rfft2", x, options, true);
}

/**
 * The inverse of {@linkcode rfft2}, as `jax.numpy.fft.irfft2`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are not two different axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { irfft2, rfft2 } from "@injax/injax/fft";
 *
 * console.log(irfft2(rfft2(np.array([[1, 2], [3, 4]]))).toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function irfft2(x: NDArray | Complex, options: FftnOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("irfft2(x, options)", arguments, fftnOptions);
  return backwards("irfft2", x, options, true);
}

/**
 * The transform of real numbers along several axes, all where none are given, as `jax.numpy.fft.rfftn`:
 * half of that of `fftn`, along the last of the axes.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis is named twice, or there are more or fewer lengths than axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { rfftn } from "@injax/injax/fft";
 *
 * console.log(rfftn(np.ones([2, 2, 2])).re.shape); // [ 2, 2, 2 ]
 * console.log(rfftn(np.ones([2, 2, 2])).re.sum().item()); // 8
 * ```
 */
export function rfftn(x: NDArray, options: FftnOptions = {}): Complex {
  if (arguments.length > 1) options = readOptions("rfftn(x, options)", arguments, fftnOptions);
  return forwards("rfftn", x, options, false);
}

/**
 * The inverse of {@linkcode rfftn}, as `jax.numpy.fft.irfftn`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis is named twice, or there are more or fewer lengths than axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { irfftn, rfftn } from "@injax/injax/fft";
 *
 * console.log(irfftn(rfftn(np.array([[1, 2], [3, 4]]))).toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function irfftn(x: NDArray | Complex, options: FftnOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("irfftn(x, options)", arguments, fftnOptions);
  return backwards("irfftn", x, options, false);
}
