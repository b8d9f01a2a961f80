/**
 * Checks of arguments that are matrices, for the functions of linear algebra.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { broadcastShapes } from "../core/aval.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import { transposed } from "../linalg/matrices.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add, mul } from "../primitives/elementwise/arithmetic.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { asFloat, expectArray, floatOr32, promote } from "./operands.ts";

/** Matrices of floats. */
export function matrices(op: string, a: NDArray, what = "the matrix"): NDArray {
  const x = asFloat(op, expectArray(op, a, what));
  if (x.ndim < 2) {
    throw new ShapeError(
      `${op}: ${what} must have the shape [..., m, n], but it has ${
        formatShape(x.shape)
      }. Make a ` +
        "vector a matrix of one column with x.reshape([-1, 1])",
    );
  }
  return x;
}

/** Square matrices of floats. */
export function squares(op: string, a: NDArray): NDArray {
  const x = asFloat(op, expectArray(op, a, "the matrix"));
  if (x.ndim < 2 || x.shape.at(-1) !== x.shape.at(-2)) {
    throw new ShapeError(
      `${op}: the matrix must be square, of shape [..., n, n], but has shape ${
        formatShape(x.shape)
      }`,
    );
  }
  return x;
}

/** Matrices with right-hand sides as columns. */
export interface System {
  /** `[..., m, n]` */
  readonly a: NDArray;
  /** `[..., m, k]`, with the same leading axes. */
  readonly b: NDArray;
  /** The solution in the shape that the right-hand side asks for. */
  readonly back: (x: NDArray) => NDArray;
}

/**
 * Matrices and right-hand sides of one dtype and with one list of leading axes; a vector is one column
 * for all matrices.
 */
export function system(op: string, matrix: NDArray, side: NDArray): System {
  expectArray(op, side, "the right-hand side");
  const [a, given] = promote(op, matrix, side, floatOr32);
  const [m, n] = a.shape.slice(-2) as [number, number];
  const vector = given.ndim === 1;
  const b = vector ? reshape(given, [given.size, 1]) : given;
  if (b.ndim < 2 || b.shape.at(-2) !== m) {
    throw new ShapeError(
      `${op}: a matrix of shape ${
        formatShape(a.shape)
      } takes a right-hand side of shape [${m}] or [..., ${m}, k], but b has shape ${
        formatShape(given.shape)
      }`,
    );
  }
  const lead = broadcastShapes(op, a.shape.slice(0, -2), b.shape.slice(0, -2));
  return {
    a: broadcastTo(a, [...lead, m, n]),
    b: broadcastTo(b, [...lead, m, b.shape.at(-1)!]),
    back: (x) => vector ? reshape(x, x.shape.slice(0, -1)) : x,
  };
}

/** The mean of matrices and their transposes. */
export function symmetrized(x: NDArray): NDArray {
  return mul(add(x, transposed(x)), scalarLike(0.5, x));
}
