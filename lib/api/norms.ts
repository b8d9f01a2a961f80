/**
 * Determinants, norms and what else is a number for each matrix, as `jax.numpy.linalg`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  epsilon,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import type { ReduceOptions } from "../core/method_options.ts";
import {
  abs,
  and,
  broadcastTo,
  convert,
  div,
  expandDims,
  gt,
  isNaN,
  maximum,
  mul,
  ne,
  not,
  pow,
  reduceMax,
  reduceMin,
  reduceOr,
  reduceSum,
  reshape,
  scalarLike,
  select,
  sqrt,
  sub,
  transpose,
} from "../primitives/mod.ts";
import * as d from "../linalg/determinant.ts";
import { singularValues } from "../linalg/svd.ts";
import { inv } from "./systems.ts";
import { matrices, squares, symmetrized } from "./matrices.ts";
import { asFloat, expectAxes, isNamed } from "./operands.ts";
import { reduceOptions } from "./options.ts";

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
export type NormOrder = number | "fro" | "f" | "nuc";

/** Options of {@linkcode norm}. */
export interface NormOptions extends ReduceOptions {
  /**
   * Which norm. Of vectors: the p-norm, Infinity and -Infinity for the largest and smallest absolute
   * value, 0 for the number of elements that are not 0. Of matrices: `"fro"` or `"f"`, 1 and -1 for sums of
   * columns, Infinity and -Infinity for sums of rows, 2 and -2 for the largest and the smallest singular
   * value, `"nuc"` for the sum of them. Left out, the root of the sum of squares.
   */
  readonly ord?: NormOrder | null | undefined;
  /** The axis of vectors, or the two of matrices; all axes where left out. */
  readonly axis?: number | readonly number[] | null | undefined;
}

const normOptions: OptionTable<Omit<NormOptions, "ord">> = /* @__PURE__ */ tableOf(reduceOptions, {
  axis: "axes",
});

/**
 * Norms of vectors and matrices, as `jax.numpy.linalg.norm`: by default the root of the sum of squares
 * of all elements.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {TypeError} where there is no such norm.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.norm(np.array([3, 4])).item()); // 5
 * console.log(linalg.norm(np.array([[3, 4], [0, 1]]), 1, { axis: 1 }).toArray()); // [ 7, 1 ]
 * ```
 */
export function norm(
  x: Operand,
  ord?: NormOrder | null | NormOptions,
  options: Omit<NormOptions, "ord"> = {},
): NDArray {
  if (arguments.length > 1) {
    options = readOptions("norm(x, ord, options)", arguments, normOptions, 1);
  }
  if (isNamed(ord)) return norm(x, ord.ord, ord);
  if (ord === "f") ord = "fro";
  const a = asFloat("norm", x);
  const { axis, keepDims = false } = options;
  const axes = expectAxes("norm", axis, a.ndim);
  const back = (out: NDArray): NDArray =>
    keepDims ? reshape(out, a.shape.map((n, i) => axes.includes(i) ? 1 : n)) : out;
  if (ord === undefined || ord === null || (axes.length === 2 && ord === "fro")) {
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
    case 2:
      return reduceMax(valuesOf(x, row, column), [x.ndim - 2]);
    case -2:
      return reduceMin(valuesOf(x, row, column), [x.ndim - 2]);
    case "nuc":
      return reduceSum(valuesOf(x, row, column), [x.ndim - 2]);
    default:
      throw new TypeError(
        `norm: there is no matrix norm of order ${
          describeValue(ord)
        }, only "fro", "nuc", 1, -1, 2, -2, Infinity and -Infinity`,
      );
  }
}

/** The singular values of matrices in two axes, as the last axis. */
function valuesOf(x: NDArray, row: number, column: number): NDArray {
  const others = x.shape.map((_, k) => k).filter((k) => k !== row && k !== column);
  return singularValues(transpose(x, [...others, row, column]));
}

// ---------------------------------------------------------------- rank and condition

/** Options of {@linkcode matrixRank}. */
export interface RankOptions {
  /**
   * Singular values up to this count as 0; where left out, those up to the largest one times the
   * larger side of the matrix times the distance from 1 to the next number.
   */
  readonly rtol?: number | undefined;
  /** Whether matrices are symmetric, so that their means with the transposes are taken. */
  readonly hermitian?: boolean | undefined;
}

const rankOptions: OptionTable<RankOptions> = { rtol: "number", hermitian: "boolean" };

/**
 * The numbers of singular values of matrices `[..., m, n]` that count, int32, as
 * `jax.numpy.linalg.matrix_rank`.
 *
 * @throws {TypeError} where x is no array of numbers.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.matrixRank(np.array([[1, 2], [2, 4]])).item()); // 1
 * ```
 */
export function matrixRank(x: NDArray, options: RankOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("matrixRank(x, options)", arguments, rankOptions);
  const given = asFloat("matrixRank", x);
  // A vector has rank 1, unless nothing is in it.
  if (given.ndim < 2) {
    return convert(
      reduceOr(ne(given, scalarLike(0, given)), given.shape.map((_, k) => k)),
      "int32",
    );
  }
  const a = options.hermitian === true
    ? symmetrized(squares("matrixRank", given))
    : matrices("matrixRank", given);
  const s = singularValues(a);
  const axes = [s.ndim - 1];
  const { rtol } = options;
  const [m, n] = a.shape.slice(-2) as [number, number];
  const bound = rtol === undefined
    ? mul(expandDims(largest(s, axes), axes), scalarLike(Math.max(m, n) * epsilon(s.dtype), s))
    : scalarLike(rtol, s);
  return reduceSum(convert(gt(s, bound), "int32"), axes);
}

/** Options of {@linkcode cond}. */
export interface ConditionOptions {
  /** Which norm of the matrix and its inverse: an order of `norm`; 2 where left out. */
  readonly p?: NormOrder | null | undefined;
}

/**
 * Condition numbers of matrices `[..., m, n]`, as `jax.numpy.linalg.cond`: the norm of a matrix times
 * that of its inverse, by singular values for orders 2 and -2. Infinity for a singular matrix.
 *
 * @throws {ShapeError} where x is no matrix, has no elements, or is not square and p is not 2 or -2.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.cond(np.array([[4, 0], [0, 2]]), 1).item()); // 2
 * ```
 */
export function cond(x: NDArray, p?: NormOrder | null | ConditionOptions): NDArray {
  if (arguments.length > 1) checkCall("cond(x, p)", arguments, {}, 1);
  if (isNamed(p)) return cond(x, p.p);
  const a = matrices("cond", x);
  const [m, n] = a.shape.slice(-2) as [number, number];
  if (m === 0 || n === 0) {
    throw new ShapeError(
      `cond: a matrix without elements has no condition number; the shape is ${
        formatShape(a.shape)
      }`,
    );
  }
  const order = p ?? 2;
  const axis = [a.ndim - 2, a.ndim - 1];
  if (order !== 2 && order !== -2) squares("cond", a);
  const found = order === 2 || order === -2
    ? div(norm(a, order, { axis }), norm(a, -order, { axis }))
    : mul(norm(a, order, { axis }), norm(inv(a), order, { axis }));
  // 0 / 0 and the like, of matrices that are numbers.
  const strange = and(isNaN(found), not(reduceOr(isNaN(a), axis)));
  return select(strange, scalarLike(Infinity, found), found);
}
