/**
 * Decompositions of matrices.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  expectInteger,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import * as ch from "../linalg/cholesky.ts";
import * as ei from "../linalg/eigh.ts";
import * as f from "../linalg/lu.ts";
import {
  columnNumbers,
  leading,
  lowerPart,
  matmul,
  rowNumbers,
  transposed,
  upperPart,
} from "../linalg/matrices.ts";
import * as q from "../linalg/qr.ts";
import * as sv from "../linalg/svd.ts";
import {
  add,
  broadcastTo,
  concatenate,
  convert,
  eq,
  expandDims,
  full,
  iota,
  reshape,
  select,
  slice,
} from "../primitives/mod.ts";
import { matrices, squares, symmetrized } from "./matrices.ts";
import { asIndex, expectRoom } from "./operands.ts";
import { takeAlongAxis } from "./indexing.ts";

/** Whether the mean of a matrix and its transpose is taken first. */
export interface SymmetricOptions {
  /**
   * Whether the mean of the matrix and its transpose is taken, so that derivatives are symmetric too; it
   * is where left out. Otherwise one triangle is read.
   */
  readonly symmetrizeInput?: boolean | undefined;
}

// ---------------------------------------------------------------- Cholesky

/** Options of {@linkcode cholesky}. */
export interface CholeskyOptions extends SymmetricOptions {
  /** Whether the upper triangular factor U of `a = U^T U` is given instead. */
  readonly upper?: boolean | undefined;
}

const choleskyOptions: OptionTable<CholeskyOptions> = {
  upper: "boolean",
  symmetrizeInput: "boolean",
};

/**
 * The lower triangular factors L of `a = L L^T`, for positive definite matrices `[..., n, n]`, as
 * `jax.numpy.linalg.cholesky`. A matrix that is not positive definite gives NaN.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.cholesky(np.array([[4, 2], [2, 2]])).toArray()); // [ [ 2, 0 ], [ 1, 1 ] ]
 * ```
 */
export function cholesky(a: NDArray, options: CholeskyOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("cholesky(a, options)", arguments, choleskyOptions);
  }
  const { upper = false, symmetrizeInput = true } = options;
  const x = squares("cholesky", a);
  const l = ch.cholesky(upper && !symmetrizeInput ? transposed(x) : x, symmetrizeInput);
  return upper ? transposed(l) : l;
}

// ---------------------------------------------------------------- LU

/** Options of {@linkcode lu}. */
export interface LuOptions {
  /** Whether the rows of L are put in the order of the matrix, so that `a = l u`, and `p` is left out. */
  readonly permuteL?: boolean | undefined;
}

const luOptions: OptionTable<LuOptions> = { permuteL: "boolean" };

/** What {@linkcode lu} gives with `permuteL`. */
export type PermutedLu = Omit<LuResult, "p">;

/** What {@linkcode lu} gives: `a = P L U`. */
export interface LuResult {
  /** A permutation matrix. */
  readonly p: NDArray;
  /** Lower triangular, with ones on the diagonal. */
  readonly l: NDArray;
  /** Upper triangular. */
  readonly u: NDArray;
}

/**
 * Factors `a = P L U` of matrices `[..., m, n]`, by elimination with partial pivoting, as
 * `jax.scipy.linalg.lu`. To solve systems of equations, take `luFactor`.
 *
 * @throws {ShapeError} where a is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { p, l, u } = linalg.lu(np.array([[1, 3], [2, 4]]));
 * console.log(p.toArray(), l.toArray(), u.toArray());
 * // [ [ 0, 1 ], [ 1, 0 ] ] [ [ 1, 0 ], [ 0.5, 1 ] ] [ [ 2, 4 ], [ 0, 1 ] ]
 * ```
 */
export function lu(a: NDArray, options: LuOptions & { readonly permuteL: true }): PermutedLu;
/** L, U and the permutation. */
export function lu(a: NDArray, options?: LuOptions): LuResult;
export function lu(a: NDArray, options: LuOptions = {}): LuResult | PermutedLu {
  if (arguments.length > 1) options = readOptions("lu(a, options)", arguments, luOptions);
  const x = matrices("lu", a);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const k = Math.min(m, n);
  const { lu: factors, permutation } = f.lu(x);
  const unit = convert(eq(rowNumbers(m), columnNumbers(k)), x.dtype);
  // Row i of L U is row permutation[i] of a.
  const p = convert(eq(expandDims(permutation, [permutation.ndim - 1]), rowNumbers(m)), x.dtype);
  const l = add(lowerPart(leading(factors, m, k), -1), unit);
  const u = upperPart(leading(factors, k, n));
  return options.permuteL === true ? { l: matmul(p, l), u } : { p, l, u };
}

// ---------------------------------------------------------------- QR

/** Options of {@linkcode qr}. */
export interface QrOptions {
  /**
   * `"reduced"` (or `"economic"`), which is the default: Q has as many columns as the matrix has rows or
   * columns, whichever is less; `"complete"` (or `"full"`): Q is square; `"r"`: R alone, as an array.
   */
  readonly mode?: "reduced" | "economic" | "complete" | "full" | "r" | undefined;
  /** Whether to take the columns in an order that makes the diagonal of R descend, which is given as p. */
  readonly pivoting?: boolean | undefined;
}

const qrOptions: OptionTable<QrOptions> = { mode: "string", pivoting: "boolean" };

/** What {@linkcode qr} gives. */
export interface QrResult {
  /** Orthonormal columns. */
  readonly q: NDArray;
  /** Upper triangular. */
  readonly r: NDArray;
}

/** What {@linkcode qr} gives with pivoting. */
export interface PivotedQrResult extends QrResult {
  /** int32 `[..., n]`: which column of the matrix each column of Q R is. */
  readonly p: NDArray;
}

/**
 * Factors `a = Q R` of matrices `[..., m, n]`, by reflections, as `jax.numpy.linalg.qr`; with `pivoting`
 * as `jax.scipy.linalg.qr`, which reveals the rank. Signs are those of LAPACK.
 *
 * Derivatives need R to be invertible, and Q not to have columns beside those of the matrix.
 *
 * @throws {ShapeError} where a is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { q, r } = linalg.qr(np.array([[0, 2], [-1, 3]]));
 * console.log(q.toArray(), r.toArray()); // [ [ 0, 1 ], [ 1, 0 ] ] [ [ -1, 3 ], [ 0, 2 ] ]
 * ```
 */
export function qr(
  a: NDArray,
  options: QrOptions & { readonly mode: "r"; readonly pivoting?: false },
): NDArray;
/** With pivoting: the order of the columns too. */
export function qr(a: NDArray, options: QrOptions & { readonly pivoting: true }): PivotedQrResult;
/** Q and R. */
export function qr(a: NDArray, options?: QrOptions): QrResult;
export function qr(a: NDArray, options: QrOptions = {}): NDArray | QrResult | PivotedQrResult {
  if (arguments.length > 1) options = readOptions("qr(a, options)", arguments, qrOptions);
  const { mode = "reduced", pivoting = false } = options;
  if (!["reduced", "economic", "complete", "full", "r"].includes(mode)) {
    throw new TypeError(
      `qr: mode is ${describeValue(mode)}, but must be "reduced", "complete" or "r"`,
    );
  }
  const fullMatrices = mode === "complete" || mode === "full";
  const { q: columns, r, permutation } = q.qr(matrices("qr", a), { fullMatrices, pivoting });
  if (permutation !== undefined) return { q: columns, r, p: permutation };
  return mode === "r" ? r : { q: columns, r };
}

// ---------------------------------------------------------------- eigenvalues

/** Options of {@linkcode eigh} and {@linkcode eigvalsh}. */
export interface EighOptions extends SymmetricOptions {
  /** Which triangle is read where the input is not made symmetric: `"L"`, the default, or `"U"`. */
  readonly uplo?: "L" | "U" | undefined;
}

const eighOptions: OptionTable<EighOptions> = { uplo: "string", symmetrizeInput: "boolean" };

/** The matrix whose lower triangle is read. */
function symmetric(op: string, a: NDArray, { uplo = "L", symmetrizeInput = true }: EighOptions) {
  if (uplo !== "L" && uplo !== "U") {
    throw new TypeError(`${op}: uplo is ${describeValue(uplo)}, but must be "L" or "U"`);
  }
  const x = squares(op, a);
  return symmetrizeInput ? symmetrized(x) : uplo === "U" ? transposed(x) : x;
}

/** What {@linkcode eigh} gives. */
export interface EighResult {
  /** In ascending order, `[..., n]`. */
  readonly eigenvalues: NDArray;
  /** As columns, `[..., n, n]`. */
  readonly eigenvectors: NDArray;
}

/**
 * Eigenvalues and eigenvectors of symmetric matrices `[..., n, n]`, as `jax.numpy.linalg.eigh`. The first
 * element of about the largest size of each vector is above 0.
 *
 * Where eigenvalues are equal within rounding, how their vectors turn into one another is not defined,
 * and left out of derivatives. So these are right for what does not depend on it: sums over equal
 * eigenvalues, projections on the space of their vectors.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { eigenvalues, eigenvectors } = linalg.eigh(np.array([[5, 0], [0, 3]]));
 * console.log(eigenvalues.toArray()); // [ 3, 5 ]
 * console.log(eigenvectors.toArray()); // [ [ 0, 1 ], [ 1, 0 ] ]
 * ```
 */
export function eigh(
  a: NDArray,
  options: EighOptions & { readonly eigvalsOnly: true },
): NDArray;
/** Eigenvalues and vectors. */
export function eigh(
  a: NDArray,
  options?: EighOptions & { readonly eigvalsOnly?: boolean | undefined },
): EighResult;
export function eigh(
  a: NDArray,
  options: EighOptions & { readonly eigvalsOnly?: boolean | undefined } = {},
): EighResult | NDArray {
  if (arguments.length > 1) {
    options = readOptions("eigh(a, options)", arguments, {
      ...eighOptions,
      eigvalsOnly: "boolean",
    });
  }
  const x = symmetric("eigh", a, options);
  if (options.eigvalsOnly) return ei.eigenvalues(x);
  const { w, v } = ei.eigh(x);
  return { eigenvalues: w, eigenvectors: v };
}

/**
 * Eigenvalues of symmetric matrices `[..., n, n]` in ascending order, as `jax.numpy.linalg.eigvalsh`.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.eigvalsh(np.array([[5, 0], [0, 3]])).toArray()); // [ 3, 5 ]
 * ```
 */
export function eigvalsh(a: NDArray, options: EighOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("eigvalsh(a, options)", arguments, eighOptions);
  return ei.eigenvalues(symmetric("eigvalsh", a, options));
}

// ---------------------------------------------------------------- singular values

/** Options of {@linkcode svd}. */
export interface SvdOptions {
  /** Whether U and V^T are square, which they are where left out, with vectors that complete a basis. */
  readonly fullMatrices?: boolean | undefined;
  /** Whether singular vectors are wanted, as they are where left out; else an array of values is given. */
  readonly computeUv?: boolean | undefined;
  /** Whether matrices are symmetric, so that their means with the transposes are taken. */
  readonly hermitian?: boolean | undefined;
  /** Of which singular values, the first and the one behind the last, largest first; not of full matrices. */
  readonly subsetByIndex?: readonly [start: number, end: number] | null | undefined;
}

const svdOptions: OptionTable<SvdOptions> = {
  fullMatrices: "boolean",
  computeUv: "boolean",
  hermitian: "boolean",
  subsetByIndex: "shape",
};

/** What {@linkcode svd} gives. */
export interface SvdResult {
  /** Left singular vectors, as columns. */
  readonly u: NDArray;
  /** Singular values in descending order. */
  readonly s: NDArray;
  /** Right singular vectors, as rows. */
  readonly vh: NDArray;
}

/**
 * The decomposition `a = u diag(s) vh` of matrices `[..., m, n]`, as `jax.numpy.linalg.svd`. The first
 * element of about the largest size of each column of u is above 0.
 *
 * Derivatives of vectors leave out how those of equal singular values turn into one another, as those of
 * `eigh`; vectors that only complete a basis have none.
 *
 * @throws {ShapeError} where a is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { u, s, vh } = linalg.svd(np.array([[0, 2], [3, 0]]));
 * console.log(s.toArray(), u.mul(s).matmul(vh).toArray()); // [ 3, 2 ] [ [ 0, 2 ], [ 3, 0 ] ]
 * ```
 */
export function svd(a: NDArray, options: SvdOptions & { readonly computeUv: false }): NDArray;
/** Singular values and vectors. */
export function svd(a: NDArray, options?: SvdOptions): SvdResult;
export function svd(a: NDArray, options: SvdOptions = {}): NDArray | SvdResult {
  if (arguments.length > 1) options = readOptions("svd(a, options)", arguments, svdOptions);
  const { fullMatrices = true, computeUv = true, hermitian = false, subsetByIndex } = options;
  const x = hermitian ? symmetrized(squares("svd", a)) : matrices("svd", a);
  const count = Math.min(...x.shape.slice(-2));
  const chosen = subsetByIndex ?? [0, count];
  if (!Array.isArray(chosen)) {
    throw new TypeError(
      `svd: subsetByIndex must be a pair of numbers, the first and the one behind the last, not ${
        describeValue(chosen)
      }`,
    );
  }
  const [start, end] = chosen as [number, number];
  if (subsetByIndex != null) {
    expectInteger("svd", start, "the start of subsetByIndex", 0, count);
    expectInteger("svd", end, "the end of subsetByIndex", start, count);
    if (fullMatrices && computeUv) {
      throw new TypeError(
        "svd: full matrices have all singular vectors. Write svd(a, { fullMatrices: false, subsetByIndex: " +
          `[${start}, ${end}] })`,
      );
    }
  }
  const some = (y: NDArray, axis: number): NDArray =>
    end - start === count ? y : between(y, axis, start, end);
  if (!computeUv) return some(sv.singularValues(x), x.ndim - 2);
  const { u, s, vt } = sv.svd(x, fullMatrices);
  return { u: some(u, x.ndim - 1), s: some(s, x.ndim - 2), vh: some(vt, x.ndim - 2) };
}

/** A part of one axis. */
function between(x: NDArray, axis: number, start: number, end: number): NDArray {
  const at = (i: number, others: readonly number[]): number[] =>
    others.map((n, k) => k === axis ? i : n);
  return slice(x, at(start, x.shape.map(() => 0)), at(end, x.shape));
}

/**
 * Singular values of matrices `[..., m, n]` in descending order, as `jax.numpy.linalg.svdvals`.
 *
 * @throws {ShapeError} where a is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.svdvals(np.array([[0, 2], [-3, 0]])).toArray()); // [ 3, 2 ]
 * ```
 */
export function svdvals(a: NDArray): NDArray {
  if (arguments.length > 1) checkCall("svdvals(a)", arguments);
  return sv.singularValues(matrices("svdvals", a));
}

/**
 * The order of rows that exchanges of rows make, as `jax.lax.linalg.lu_pivots_to_permutation`: of `pivots`
 * `[..., k]`, where row i changes places with row `pivots[i]`, one after the other; int32 `[..., n]`.
 *
 * @throws {RangeError} where `n` is below k.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const pivots = np.array([2, 2], { dtype: "int32" });
 * console.log(linalg.luPivotsToPermutation(pivots, 3).toArray()); // [ 2, 0, 1 ]
 * ```
 */
export function luPivotsToPermutation(pivots: NDArray, n: number): NDArray {
  const op = "luPivotsToPermutation";
  if (arguments.length > 2) checkCall(`${op}(pivots, n)`, arguments);
  const given = asIndex(op, pivots, "the pivots");
  const [lead, k] = [given.shape.slice(0, -1), given.shape.at(-1)];
  if (k === undefined) throw new ShapeError(`${op}: the pivots are a number, but must be a vector`);
  expectInteger(op, n, "n", k);
  // One exchange in each row, and rows without behind them; then pairs of neighbours become one order.
  const rows = 2 ** Math.ceil(Math.log2(Math.max(k, 1)));
  const none = broadcastTo(add(iota([rows - k], 0, "int32"), full([], k, "int32")), [
    ...lead,
    rows - k,
  ]);
  const axis = lead.length;
  const shape = [...lead, rows, n];
  expectRoom(op, shape, "int32");
  const [row, place] = [iota(shape, axis, "int32"), iota(shape, axis + 1, "int32")];
  const goal = broadcastTo(expandDims(concatenate([given, none], axis), [axis + 1]), shape);
  let orders = select(eq(place, row), goal, select(eq(place, goal), row, place));
  for (let count = rows; count > 1; count /= 2) {
    const each = shape.map((_, i) => i === axis ? 2 : 1);
    const from = (start: number): NDArray =>
      slice(orders, shape.map((_, i) => i === axis ? start : 0), orders.shape, each);
    orders = takeAlongAxis(from(0), from(1), axis + 1);
  }
  return reshape(orders, [...lead, n]);
}
