/**
 * Discrete cosine transforms, of the second type and its inverse, along one axis or several: Fourier transforms
 * of the elements in another order.
 *
 * @module
 */
import {
  describeValue,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import { fourier } from "../linalg/fourier.ts";
import {
  add,
  concatenate,
  cos,
  iota,
  mul,
  reshape,
  rev,
  scalarLike,
  sin,
  slice,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import { alongOne, alongSeveral, type FftnOptions, type FftOptions, resized } from "./complex.ts";
import { asFloat, expectArray } from "./operands.ts";

/** Options of {@linkcode dct} and {@linkcode idct}. */
export interface DctOptions extends Omit<FftOptions, "norm"> {
  /** Which transform it is: the second; there is no other. */
  readonly type?: 2 | undefined;
  /** `"ortho"`: the transform keeps lengths of vectors; `null` where left out: it does not. */
  readonly norm?: "ortho" | "backward" | null | undefined;
}

/** Options of {@linkcode dctn} and {@linkcode idctn}. */
export interface DctnOptions extends Omit<FftnOptions, "norm"> {
  /** Which transform it is: the second; there is no other. */
  readonly type?: 2 | undefined;
  /** `"ortho"`: the transform keeps lengths of vectors; `null` where left out: it does not. */
  readonly norm?: "ortho" | "backward" | null | undefined;
}

const kinds = { type: "number", norm: "string" } as const;
const dctOptions: OptionTable<DctOptions> = /* @__PURE__ */ tableOf(kinds, {
  n: "number",
  axis: "number",
});
const dctnOptions: OptionTable<DctnOptions> = /* @__PURE__ */ tableOf(kinds, {
  s: "shape",
  axes: "axes",
});

/** Whether lengths are kept, of a type that there is. */
function isOrtho(op: string, { type = 2, norm = null }: DctOptions | DctnOptions): boolean {
  if (type !== 2) {
    throw new TypeError(`${op}: type is ${describeValue(type)}, but only the second, 2, is there`);
  }
  if (norm === "ortho") return true;
  if (norm === null || norm === "backward") return false;
  throw new TypeError(`${op}: norm is ${describeValue(norm)}, but must be "ortho" or null`);
}

/** An axis with as many elements as are transformed, of which there must be some. */
function wholeOf(op: string, x: NDArray, axis: number, n: number | null): NDArray {
  const length = n ?? x.shape[axis]!;
  if (length > 0) return resized(x, axis, length);
  throw new ShapeError(
    `${op}: axis ${axis} of x, which has shape ${
      formatShape(x.shape)
    }, has no elements to transform`,
  );
}

/** Every second element of an axis from `first` on. */
function everySecond(x: NDArray, axis: number, first: number): NDArray {
  const n = x.shape[axis]!;
  const count = Math.floor((n - first + 1) / 2);
  const stop = x.shape.with(axis, Math.min(n, first + 2 * count));
  return slice(
    x,
    x.shape.map((_, i) => i === axis ? first : 0),
    stop,
    x.shape.map((_, i) => i === axis ? 2 : 1),
  );
}

/** `cos` and `sin` of `pi k / 2n` along an axis of n elements. */
function quarterTurns(x: NDArray, axis: number): { readonly c: NDArray; readonly s: NDArray } {
  const n = x.shape[axis]!;
  const k = iota(x.shape, axis, x.dtype);
  const angle = mul(k, scalarLike(Math.PI / (2 * n), x));
  return { c: cos(angle), s: sin(angle) };
}

/** Factors by which an orthogonal transform differs: the root of 1/4n at 0, and of 1/2n behind. */
function orthogonal(x: NDArray, axis: number, inverse: boolean): NDArray {
  const n = x.shape[axis]!;
  const at = (k: number): NDArray => {
    const length = Math.sqrt(1 / (k === 0 ? 4 * n : 2 * n));
    return scalarLike(inverse ? 1 / length : length, x);
  };
  const part = (start: number, stop: number): NDArray =>
    slice(x, x.shape.map((_, i) => i === axis ? start : 0), x.shape.with(axis, stop));
  return concatenate([mul(part(0, 1), at(0)), mul(part(1, n), at(1))], axis);
}

/** `2 sum x[j] cos(pi k (2 j + 1) / 2n)` along an axis (J. Makhoul, 1980). */
function forward(x: NDArray, axis: number, ortho: boolean): NDArray {
  const order = [everySecond(x, axis, 0), rev(everySecond(x, axis, 1), [axis])];
  const v = concatenate(order, axis);
  const { re, im } = fourier({ re: v, im: zerosLike(v) }, axis, false);
  const { c, s } = quarterTurns(re, axis);
  const y = mul(add(mul(re, c), mul(im, s)), scalarLike(2, re));
  return ortho ? orthogonal(y, axis, false) : y;
}

/** What `forward` gives `y` of. */
function backward(given: NDArray, axis: number, ortho: boolean): NDArray {
  const y = ortho ? orthogonal(given, axis, true) : given;
  const n = y.shape[axis]!;
  const zeros = y.shape.map(() => 0);
  const behind = rev(slice(y, zeros.with(axis, 1), y.shape), [axis]);
  const first = zerosLike(slice(y, zeros, y.shape.with(axis, 1)));
  const turned = concatenate([first, behind], axis);
  const { c, s } = quarterTurns(y, axis);
  const parts = {
    re: add(mul(y, c), mul(turned, s)),
    im: sub(mul(y, s), mul(turned, c)),
  };
  const v = mul(fourier(parts, axis, true).re, scalarLike(1 / (2 * n), y));
  // Even places are in front, odd ones behind and the other way round.
  const half = Math.ceil(n / 2);
  const even = slice(v, zeros, v.shape.with(axis, half));
  const odd = rev(slice(v, zeros.with(axis, half), v.shape), [axis]);
  const filled = n % 2 === 0 ? odd : concatenate([odd, first], axis);
  const apart = (x: NDArray): NDArray => reshape(x, x.shape.toSpliced(axis + 1, 0, 1));
  const both = concatenate([apart(even), apart(filled)], axis + 1);
  return resized(reshape(both, v.shape.with(axis, 2 * half)), axis, n);
}

/** Along one axis. */
function one(op: string, x: NDArray, options: DctOptions, inverse: boolean): NDArray {
  const ortho = isOrtho(op, options);
  const a = asFloat(op, expectArray(op, x));
  const { axis, n } = alongOne(op, a.shape, { n: options.n, axis: options.axis });
  return (inverse ? backward : forward)(wholeOf(op, a, axis, n), axis, ortho);
}

/** Along several axes. */
function several(op: string, x: NDArray, options: DctnOptions, inverse: boolean): NDArray {
  const ortho = isOrtho(op, options);
  const a = asFloat(op, expectArray(op, x));
  const along = alongSeveral(op, a.shape, { s: options.s, axes: options.axes }, false);
  return along.reduce((y, { axis, n }) => {
    return (inverse ? backward : forward)(wholeOf(op, y, axis, n), axis, ortho);
  }, a);
}

/**
 * The discrete cosine transform of real numbers along an axis, of the second type, as `jax.scipy.fft.dct`:
 * `y[k] = 2 sum x[j] cos(pi k (2 j + 1) / 2n)`, in about `n log n` steps. `idct` is its inverse.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { dct } from "@injax/injax/fft";
 *
 * console.log(dct(np.array([1, 1, 1, 1])).round().toArray()); // [ 8, 0, 0, 0 ]
 * ```
 */
export function dct(x: NDArray, options: DctOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("dct(x, options)", arguments, dctOptions);
  return one("dct", x, options, false);
}

/**
 * The inverse of {@linkcode dct}, as `jax.scipy.fft.idct`.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is below 1.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { dct, idct } from "@injax/injax/fft";
 *
 * console.log(idct(dct(np.array([1, 2, 4]))).round().toArray()); // [ 1, 2, 4 ]
 * ```
 */
export function idct(x: NDArray, options: DctOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("idct(x, options)", arguments, dctOptions);
  return one("idct", x, options, true);
}

/**
 * {@linkcode dct} along several axes, all where none are given, as `jax.scipy.fft.dctn`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis is named twice or has no elements, or there are more or fewer lengths
 * than axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { dctn } from "@injax/injax/fft";
 *
 * console.log(dctn(np.ones([2, 2])).round().toArray()); // [ [ 16, 0 ], [ 0, 0 ] ]
 * ```
 */
export function dctn(x: NDArray, options: DctnOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("dctn(x, options)", arguments, dctnOptions);
  return several("dctn", x, options, false);
}

/**
 * The inverse of {@linkcode dctn}, as `jax.scipy.fft.idctn`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis is named twice or has no elements, or there are more or fewer lengths
 * than axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { dctn, idctn } from "@injax/injax/fft";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(idctn(dctn(x)).round().toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function idctn(x: NDArray, options: DctnOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("idctn(x, options)", arguments, dctnOptions);
  return several("idctn", x, options, true);
}
