/**
 * Complex numbers as two arrays of floats, for the functions that cannot do without, and what all Fourier
 * transforms share: options, how many elements along which axes, and what is divided by. There is no complex
 * dtype: such a pair is a tree of two arrays, which transforms take as any other.
 *
 * @module
 */
import {
  describeValue,
  expectInteger,
  formatShape,
  NDArray,
  type OptionTable,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import { fourier, onParts, type Parts } from "../linalg/fourier.ts";
import { div, pad, scalarLike, slice, zerosLike } from "../primitives/mod.ts";
import { asFloat, expectAxis, floatOr32, promote } from "./operands.ts";

/** Complex numbers: their real and imaginary parts, of one shape and dtype. */
export interface Complex {
  /** Real parts. */
  readonly re: NDArray;
  /** Imaginary parts. */
  readonly im: NDArray;
}

/**
 * Complex numbers as floats of one dtype; of an array or number, with imaginary parts of 0.
 *
 * @throws {TypeError} where it is none of these.
 * @throws {ShapeError} where the parts have different shapes.
 */
export function asComplex(op: string, x: unknown): Parts {
  if (x instanceof NDArray || typeof x !== "object" || x === null || Array.isArray(x)) {
    const re = asFloat(op, x);
    return { re, im: zerosLike(re) };
  }
  if (!("re" in x && "im" in x)) {
    throw new TypeError(
      `${op}: x is ${describeValue(x)}, but must be an array, or for complex numbers an object ` +
        "{ re, im } of two arrays",
    );
  }
  const [re, im] = promote(op, x.re as NDArray, x.im as NDArray, floatOr32, [
    "the real part x.re",
    "the imaginary part x.im",
  ]);
  if (!sameShape(re.shape, im.shape)) {
    throw new ShapeError(
      `${op}: x.re has shape ${formatShape(re.shape)} and x.im ${
        formatShape(im.shape)
      }, but real ` +
        "and imaginary parts must have one shape",
    );
  }
  return { re, im };
}

/** What the sums are divided by. */
export interface NormOptions {
  /**
   * `"backward"`, the default: the inverse transform by the number of elements; `"forward"`: the transform
   * itself by that; `"ortho"`: both by its root.
   */
  readonly norm?: "backward" | "ortho" | "forward" | null | undefined;
}

/** Options of transforms along one axis. */
export interface FftOptions extends NormOptions {
  /** How many elements are transformed: a longer axis is cut off, zeros are put behind a shorter one. */
  readonly n?: number | null | undefined;
  /** The axis, the last one where left out. */
  readonly axis?: number | undefined;
}

/** Options of transforms along several axes. */
export interface FftnOptions extends NormOptions {
  /** How many elements are transformed along each of the axes. */
  readonly s?: readonly number[] | null | undefined;
  /** The axes; where left out as many as `s` has, from the back, or all, or the last two of `fft2`. */
  readonly axes?: readonly number[] | null | undefined;
}

/** What the options hold, for `checkCall`. */
export const fftOptions: OptionTable<FftOptions> = { n: "number", axis: "number", norm: "string" };

/** What the options hold, for `checkCall`. */
export const fftnOptions: OptionTable<FftnOptions> = { s: "shape", axes: "axes", norm: "string" };

/** A direction: of the exponent, and of what `"backward"` and `"forward"` divide by. */
export type Direction = "forward" | "backward";

/**
 * What the sums over `n` elements are divided by.
 */
export function divisor(op: string, options: NormOptions, way: Direction, n: number): number {
  const norm = options.norm ?? "backward";
  if (norm === "ortho") return Math.sqrt(n);
  if (norm === "backward" || norm === "forward") return norm === way ? n : 1;
  throw new TypeError(
    `${op}: norm is ${describeValue(norm)}, but must be "backward", "ortho" or "forward"`,
  );
}

/**
 * `x / by`, without rounding where that is 1.
 */
export function divided(x: NDArray, by: number): NDArray {
  return by === 1 ? x : div(x, scalarLike(by, x));
}

/**
 * The first `n` elements along an axis, with zeros where there are fewer.
 */
export function resized(x: NDArray, axis: number, n: number): NDArray {
  const length = x.shape[axis]!;
  if (n === length) return x;
  if (n < length) return slice(x, x.shape.map(() => 0), x.shape.with(axis, n));
  const none = x.shape.map(() => 0);
  return pad(x, scalarLike(0, x), none, none.with(axis, n - length));
}

/**
 * The axis and the length of a transform along one.
 */
export function alongOne(
  op: string,
  shape: readonly number[],
  { n, axis = -1 }: FftOptions,
): { readonly axis: number; readonly n: number | null } {
  const at = expectAxis(op, axis, shape.length);
  return { axis: at, n: n === null || n === undefined ? null : expectInteger(op, n, "n", 1) };
}

/**
 * The axes and the lengths of a transform along several: `null` as long as they are.
 */
export function alongSeveral(
  op: string,
  shape: readonly number[],
  { s, axes }: FftnOptions,
  two: boolean,
): { readonly axis: number; readonly n: number | null }[] {
  const isGiven = s !== null && s !== undefined;
  for (const [name, value] of Object.entries({ s, axes })) {
    if (value !== null && value !== undefined && !Array.isArray(value)) {
      throw new TypeError(
        `${op}: ${name} is ${describeValue(value)}, but must be a list with a number for each axis`,
      );
    }
  }
  const count = two ? 2 : isGiven ? s.length : shape.length;
  if (count > shape.length) {
    throw new ShapeError(
      `${op}: takes ${count} axes, but x has shape ${formatShape(shape)}`,
    );
  }
  const given = axes ?? Array.from({ length: count }, (_, i) => i - count);
  const places = given.map((axis) => expectAxis(op, axis, shape.length));
  if (two && places.length !== 2) {
    throw new ShapeError(
      `${op}: axes is [${given}], but it takes two axes. ${op.replace("2", "n")} takes any number`,
    );
  }
  if (new Set(places).size < places.length) {
    throw new ShapeError(`${op}: an axis is twice in axes [${given}]`);
  }
  if (isGiven && s.length !== places.length) {
    throw new ShapeError(
      `${op}: s is [${s}], with ${s.length} lengths for the ${places.length} axes [${given}]`,
    );
  }
  return places.map((axis, i) => ({
    axis,
    n: isGiven ? expectInteger(op, s[i], `s[${i}]`, 1) : null,
  }));
}

/**
 * The transform along one axis after another, of which `n` elements are taken.
 */
export function transformed(
  op: string,
  x: Parts,
  along: readonly { readonly axis: number; readonly n: number | null }[],
  options: NormOptions,
  way: Direction,
): Parts {
  let [out, by] = [x, 1];
  for (const { axis, n } of along) {
    out = onParts(out, (part) => resized(part, axis, n ?? part.shape[axis]!));
    const length = out.re.shape[axis]!;
    by *= divisor(op, options, way, length);
    if (length > 0) out = fourier(out, axis, way === "backward");
  }
  return onParts(out, (part) => divided(part, by));
}
