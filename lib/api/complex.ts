/**
 * Complex numbers as two arrays of floats, for the functions that cannot do without. There is no complex
 * dtype: such a pair is a tree of two arrays, which transforms take as any other.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { sameShape } from "../core/dtype.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type { Parts } from "../linalg/fourier.ts";
import { zerosLike } from "../primitives/constants/constants.ts";
import { asFloat, floatOr32, promote } from "./operands.ts";

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
