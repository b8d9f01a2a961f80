/**
 * Linear algebra: systems of equations, inverses, determinants and norms, as `jax.numpy.linalg`.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { broadcastShapes } from "../core/aval.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type { ReduceOptions } from "../core/method_options.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { abs, maximum, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { ne } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { sqrt } from "../primitives/elementwise/elementary.ts";
import { pow } from "../primitives/elementwise/power.ts";
import * as d from "../linalg/determinant.ts";
import * as la from "../linalg/solve.ts";
import { reduceMax, reduceMin } from "../primitives/reduce/extremes.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import { eye } from "./creation.ts";
import { asFloat, expectArray, expectAxes, floatOr32, promote } from "./operands.ts";
import { reduceOptions } from "./options.ts";

/** Square matrices of floats. */
function squares(op: string, a: NDArray): NDArray {
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

/**
 * The solution `x` of `a x = b`, as `jax.numpy.linalg.solve`, by elimination with partial pivoting. A
 * singular matrix gives infinities or NaN.
 *
 * @param a Square matrices `[..., n, n]`; leading axes broadcast with those of `b`.
 * @param b A vector `[n]`, or right-hand sides as columns of `[..., n, m]`.
 * @throws {ShapeError} where a matrix is not square or `b` does not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[2, 0], [0, 4]]);
 * console.log(linalg.solve(a, np.array([2, 2])).toArray()); // [ 1, 0.5 ]
 * ```
 */
export function solve(a: NDArray, b: NDArray): NDArray {
  if (arguments.length > 2) checkCall("solve(a, b)", arguments);
  squares("solve", a);
  expectArray("solve", b, "the right-hand side");
  const [matrix, side] = promote("solve", a, b, floatOr32);
  const n = matrix.shape.at(-1)!;
  const vector = side.ndim === 1;
  const columns = vector ? reshape(side, [side.size, 1]) : side;
  if (columns.ndim < 2 || columns.shape.at(-2) !== n) {
    throw new ShapeError(
      `solve: a matrix of shape ${
        formatShape(matrix.shape)
      } takes a right-hand side of shape [${n}] ` +
        `or [..., ${n}, m], but b has shape ${formatShape(side.shape)}`,
    );
  }
  const lead = broadcastShapes("solve", matrix.shape.slice(0, -2), columns.shape.slice(0, -2));
  const x = la.solve(
    broadcastTo(matrix, [...lead, n, n]),
    broadcastTo(columns, [...lead, n, columns.shape.at(-1)!]),
  );
  return vector ? reshape(x, x.shape.slice(0, -1)) : x;
}

/**
 * The inverses of square matrices `[..., n, n]`, as `jax.numpy.linalg.inv`. To apply one to a vector,
 * `solve` is faster and more accurate.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.inv(np.array([[2, 0], [0, 4]])).toArray()); // [ [ 0.5, 0 ], [ 0, 0.25 ] ]
 * ```
 */
export function inv(a: NDArray): NDArray {
  if (arguments.length > 1) checkCall("inv(a)", arguments);
  const x = squares("inv", a);
  return la.solve(x, broadcastTo(eye(x.shape.at(-1)!, { dtype: x.dtype }), x.shape));
}

// ---------------------------------------------------------------- determinants

/**
 * The determinants of square matrices `[..., n, n]`, as `jax.numpy.linalg.det`. Derivatives up to the third
 * are right for singular matrices too; beyond, where they need an inverse, those of a singular matrix of
 * more than three rows are NaN or infinite.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { grad, linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 2], [2, 4]]);
 * console.log(linalg.det(a).item(), grad(linalg.det)(a).toArray()); // 0 [ [ 4, -2 ], [ -2, 1 ] ]
 * ```
 */
export function det(a: NDArray): NDArray {
  if (arguments.length > 1) checkCall("det(a)", arguments);
  const x = squares("det", a);
  return x.shape.at(-1) === 0 ? broadcastTo(scalarLike(1, x), x.shape.slice(0, -2)) : d.det(x);
}

/**
 * Signs and logarithms of absolute values of determinants, as `jax.numpy.linalg.slogdet`: they neither
 * overflow nor underflow. Of a singular matrix, 0 and -Infinity.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.slogdet(np.array([[0, 1], [1, 0]])).sign.item()); // -1
 * ```
 */
export function slogdet(a: NDArray): { readonly sign: NDArray; readonly logabsdet: NDArray } {
  if (arguments.length > 1) checkCall("slogdet(a)", arguments);
  const x = squares("slogdet", a);
  if (x.shape.at(-1) === 0) {
    const one = broadcastTo(scalarLike(1, x), x.shape.slice(0, -2));
    return { sign: one, logabsdet: sub(one, one) };
  }
  const [sign, logabsdet] = d.slogdet(x);
  return { sign, logabsdet };
}

// ---------------------------------------------------------------- norms

/** Which norm: a number p for the p-norm of vectors, or the name of one of matrices. */
export type NormOrder = number | "fro";

/** Options of {@linkcode norm}. */
export interface NormOptions extends ReduceOptions {
  /**
   * Which norm. Of vectors: the p-norm, Infinity and -Infinity for the largest and smallest absolute
   * value, 0 for the number of elements that are not 0. Of matrices: `"fro"`, 1 and -1 for sums of
   * columns, Infinity and -Infinity for sums of rows. Left out, the root of the sum of squares.
   */
  readonly ord?: NormOrder | undefined;
  /** The axis of vectors, or the two of matrices; all axes where left out. */
  readonly axis?: number | readonly number[] | null | undefined;
}

const normOptions: OptionTable<NormOptions> = { ord: "order", axis: "axes", ...reduceOptions };

/**
 * Norms of vectors and matrices, as `jax.numpy.linalg.norm`: by default the root of the sum of squares
 * of all elements.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {TypeError} where there is no such norm, or it needs singular values.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.norm(np.array([3, 4])).item()); // 5
 * console.log(linalg.norm(np.array([[3, 4], [0, 1]]), { axis: 1, ord: 1 }).toArray()); // [ 7, 1 ]
 * ```
 */
export function norm(x: Operand, options: NormOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("norm(x, options)", arguments, normOptions);
  const a = asFloat("norm", x);
  const { ord, axis, keepDims = false } = options;
  const axes = expectAxes("norm", axis, a.ndim);
  const back = (out: NDArray): NDArray =>
    keepDims ? reshape(out, a.shape.map((n, i) => axes.includes(i) ? 1 : n)) : out;
  if (ord === undefined || (axes.length === 2 && ord === "fro")) {
    return back(sqrt(reduceSum(mul(a, a), axes)));
  }
  if (axes.length === 1) return back(vectorNorm(a, axes[0]!, ord));
  if (axes.length === 2) {
    // Rows and columns change places with the order in which the axes were given.
    const list = Array.isArray(axis) ? axis.map((k: number) => k < 0 ? k + a.ndim : k) : axes;
    return back(matrixNorm(a, list[0]!, list[1]!, ord));
  }
  throw new TypeError(
    `norm: with ord ${
      JSON.stringify(ord)
    }, axis must name one axis (of vectors) or two (of matrices); ` +
      `x has shape ${formatShape(a.shape)}`,
  );
}

function vectorNorm(x: NDArray, axis: number, ord: NormOrder): NDArray {
  if (typeof ord !== "number") {
    throw new TypeError(
      `norm: ord ${describeValue(ord)} is no norm of vectors; give a number, or two axes`,
    );
  }
  const axes = [axis];
  if (ord === 2) return sqrt(reduceSum(mul(x, x), axes));
  if (ord === 0) return reduceSum(convert(ne(x, scalarLike(0, x)), x.dtype), axes);
  const sizes = abs(x);
  if (ord === Infinity) return largest(sizes, axes);
  if (ord === -Infinity) return reduceMin(sizes, axes);
  if (ord === 1) return reduceSum(sizes, axes);
  return pow(reduceSum(pow(sizes, scalarLike(ord, x)), axes), scalarLike(1 / ord, x));
}

/** The largest of some sizes; 0, the least size, where there are none. */
function largest(sizes: NDArray, axes: readonly number[]): NDArray {
  const found = reduceMax(sizes, axes);
  return maximum(found, scalarLike(0, found));
}

function matrixNorm(x: NDArray, row: number, column: number, ord: NormOrder): NDArray {
  const after = (axis: number, gone: number): number[] => [axis > gone ? axis - 1 : axis];
  const sums = (over: number, other: number, f: typeof largest): NDArray =>
    f(reduceSum(abs(x), [over]), after(other, over));
  switch (ord) {
    case 1:
      return sums(row, column, largest);
    case -1:
      return sums(row, column, reduceMin);
    case Infinity:
      return sums(column, row, largest);
    case -Infinity:
      return sums(column, row, reduceMin);
    default:
      throw new TypeError(
        `norm: there is no matrix norm of order ${
          describeValue(ord)
        } here, only "fro", 1, -1, Infinity and -Infinity: others need singular values`,
      );
  }
}
