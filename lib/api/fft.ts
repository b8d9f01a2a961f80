/**
 * Discrete Fourier transforms, as `jax.numpy.fft`. Complex numbers are pairs `{ re, im }` of arrays, since
 * there is no complex dtype; results are such pairs, and arguments may be.
 *
 * Transforms are in `fourier.ts`. Which frequency each element of a transform is, and the order in which 0
 * is in the middle, are here.
 *
 * @module
 */
import "./methods.ts";
import type { Named } from "../core/method_options.ts";
import {
  type Axes,
  checkCall,
  describeValue,
  expectFloat,
  expectInteger,
  type NDArray,
  readOptions,
} from "../core/mod.ts";
import { convert, div, ge, iota, scalarLike, select, sub } from "../primitives/mod.ts";
import type { DTypeOptions } from "./arguments.ts";
import type { Complex } from "./complex.ts";
import { roll } from "./joining.ts";
import { expectArray, expectAxes, expectRoom, isNamed } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

export type { Named } from "../core/method_options.ts";
export type { Complex, FftnOptions, FftOptions, NormOptions } from "./complex.ts";
export * from "./fourier.ts";

function checkSpacing(op: string, d: unknown): number {
  if (typeof d === "number") return d;
  throw new TypeError(
    `${op}: d is ${describeValue(d)}, but must be a number, the distance of samples`,
  );
}

/**
 * The frequencies of the elements of {@linkcode fft}, as `jax.numpy.fft.fftfreq`: 0, 1, ..., and from the
 * middle on those below 0, divided by `n d`, where `d` is the distance of samples.
 *
 * @throws {RangeError} where `n` is negative or no integer.
 *
 * @example
 * ```ts
 * import { fftfreq } from "@injax/injax/fft";
 *
 * console.log(fftfreq(4, 0.5).toArray()); // [ 0, 0.5, -1, -0.5 ]
 * ```
 */
export function fftfreq(
  n: number,
  d: number | Named<DTypeOptions, { d: number }> = 1,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("fftfreq(n, d, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(d)) return fftfreq(n, d.d, d);
  expectInteger("fftfreq", n, "n", 0);
  const dtype = expectFloat("fftfreq", options?.dtype);
  expectRoom("fftfreq", [n], dtype);
  const i = iota([n], 0, "int32");
  const negative = ge(i, scalarLike(Math.ceil(n / 2), i));
  const k = convert(select(negative, sub(i, scalarLike(n, i)), i), dtype);
  return div(k, scalarLike(n * checkSpacing("fftfreq", d), k));
}

/**
 * The frequencies of the elements of {@linkcode rfft}, as `jax.numpy.fft.rfftfreq`: 0, 1, ..., `n / 2`,
 * divided by `n d`, where `d` is the distance of samples.
 *
 * @throws {RangeError} where `n` is negative or no integer.
 *
 * @example
 * ```ts
 * import { rfftfreq } from "@injax/injax/fft";
 *
 * console.log(rfftfreq(4, 0.5).toArray()); // [ 0, 0.5, 1 ]
 * ```
 */
export function rfftfreq(
  n: number,
  d: number | Named<DTypeOptions, { d: number }> = 1,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("rfftfreq(n, d, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(d)) return rfftfreq(n, d.d, d);
  expectInteger("rfftfreq", n, "n", 0);
  const dtype = expectFloat("rfftfreq", options?.dtype);
  const count = Math.floor(n / 2) + 1;
  expectRoom("rfftfreq", [count], dtype);
  const k = iota([count], 0, dtype);
  return div(k, scalarLike(n * checkSpacing("rfftfreq", d), k));
}

/** `x` turned by half the length of each axis, or what is missing to the whole. */
function shifted(
  op: string,
  x: NDArray | Complex,
  axes: number | readonly number[] | null,
  half: (n: number) => number,
): NDArray | Complex {
  if (typeof x === "object" && x !== null && "re" in x && "im" in x) {
    const turn = (part: NDArray): NDArray => shifted(op, part, axes, half) as NDArray;
    return { re: turn(x.re), im: turn(x.im) };
  }
  const a = expectArray(op, x);
  const places = expectAxes(op, axes, a.ndim);
  return roll(a, places.map((axis) => half(a.shape[axis]!)), places);
}

/**
 * The elements of a transform with that of frequency 0 in the middle of the axes, all where none are
 * given, as `jax.numpy.fft.fftshift`.
 *
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { fftfreq, fftshift } from "@injax/injax/fft";
 *
 * console.log(fftshift(fftfreq(4, 0.5)).toArray()); // [ -1, -0.5, 0, 0.5 ]
 * ```
 */
export function fftshift(x: NDArray, axes?: Axes | Named<unknown, { axes: Axes }>): NDArray;
/** Of complex numbers. */
export function fftshift(x: Complex, axes?: Axes | Named<unknown, { axes: Axes }>): Complex;
export function fftshift(
  x: NDArray | Complex,
  axes: Axes | Named<unknown, { axes: Axes }> = null,
): NDArray | Complex {
  if (arguments.length > 2 || isNamed(axes)) checkCall("fftshift(x, axes)", arguments, {}, 1);
  return shifted("fftshift", x, isNamed(axes) ? axes.axes ?? null : axes, (n) => Math.floor(n / 2));
}

/**
 * The inverse of {@linkcode fftshift}, as `jax.numpy.fft.ifftshift`.
 *
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fftshift, ifftshift } from "@injax/injax/fft";
 *
 * console.log(ifftshift(fftshift(np.array([0, 1, 2]))).toArray()); // [ 0, 1, 2 ]
 * ```
 */
export function ifftshift(x: NDArray, axes?: Axes | Named<unknown, { axes: Axes }>): NDArray;
/** Of complex numbers. */
export function ifftshift(x: Complex, axes?: Axes | Named<unknown, { axes: Axes }>): Complex;
export function ifftshift(
  x: NDArray | Complex,
  axes: Axes | Named<unknown, { axes: Axes }> = null,
): NDArray | Complex {
  if (arguments.length > 2 || isNamed(axes)) checkCall("ifftshift(x, axes)", arguments, {}, 1);
  return shifted("ifftshift", x, isNamed(axes) ? axes.axes ?? null : axes, (n) => Math.ceil(n / 2));
}
