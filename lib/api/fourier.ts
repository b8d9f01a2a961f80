/**
 * Discrete Fourier transforms of complex numbers along one axis or several. Those of real numbers are in
 * `real_fourier.ts`, the options of both in `fourier_options.ts`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkCall } from "../core/signature.ts";
import { asComplex, type Complex } from "./complex.ts";
import {
  alongOne,
  alongSeveral,
  type Direction,
  divisor,
  type FftnOptions,
  fftnOptions,
  type FftOptions,
  fftOptions,
  transformed,
} from "./fourier_options.ts";

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
  if (arguments.length > 1) checkCall("fft(x, options)", arguments, fftOptions);
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
  if (arguments.length > 1) checkCall("ifft(x, options)", arguments, fftOptions);
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
  if (arguments.length > 1) checkCall("fft2(x, options)", arguments, fftnOptions);
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
  if (arguments.length > 1) checkCall("ifft2(x, options)", arguments, fftnOptions);
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
  if (arguments.length > 1) checkCall("fftn(x, options)", arguments, fftnOptions);
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
  if (arguments.length > 1) checkCall("ifftn(x, options)", arguments, fftnOptions);
  return several("ifftn", x, options, "backward", false);
}
