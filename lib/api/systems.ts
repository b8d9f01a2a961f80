/**
 * Systems of linear equations, by factors that can be used again, and least squares.
 *
 * @module
 */
import {
  checkCall,
  ConcreteArray,
  ConcretizationError,
  describeValue,
  epsilon,
  formatAval,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import { cholesky as choleskyFactor } from "../linalg/cholesky.ts";
import { leastSquares } from "../linalg/least_squares.ts";
import { lu } from "../linalg/lu.ts";
import { identity, identityLike, matmul, transposed } from "../linalg/matrices.ts";
import * as la from "../linalg/solve.ts";
import * as t from "../linalg/triangular_solve.ts";
import * as tri from "../linalg/tridiagonal.ts";
import { broadcastTo, convert, mul, reduceSum, sub } from "../primitives/mod.ts";
import { matrices, squares, symmetrized, system } from "./matrices.ts";
import { asFloat, expectArray } from "./operands.ts";
import { luPivotsToPermutation } from "./decompositions.ts";

/** Options of {@linkcode solve}. */
export interface SolveOptions {
  /** What is known of the matrices: with `"pos"` factors of Cholesky solve, of one triangle. */
  readonly assumeA?: "gen" | "sym" | "her" | "pos" | undefined;
  /** Whether the lower triangle is read, of positive definite matrices; the upper one is where left out. */
  readonly lower?: boolean | undefined;
}

const solveOptions: OptionTable<SolveOptions> = { assumeA: "string", lower: "boolean" };

/**
 * The solution `x` of `a x = b`, as `jax.numpy.linalg.solve`, by elimination with partial pivoting, or as
 * `jax.scipy.linalg.solve` by what is known of the matrices. A singular matrix gives infinities or NaN.
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
export function solve(a: NDArray, b: NDArray, options: SolveOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("solve(a, b, options)", arguments, solveOptions);
  const { assumeA = "gen", lower = false } = options;
  if (!["gen", "sym", "her", "pos"].includes(assumeA)) {
    throw new TypeError(
      `solve: assumeA is ${describeValue(assumeA)}, but must be "gen", "sym", "her" or "pos"`,
    );
  }
  if (assumeA === "pos") return choSolve(choFactor(a, { lower }), b);
  const given = system("solve", squares("solve", a), b);
  return given.back(la.solve(given.a, given.b));
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
  return la.solve(x, identityLike(x));
}

// ---------------------------------------------------------------- LU

/** What {@linkcode luFactor} gives and {@linkcode luSolve} takes; a pytree. */
export interface LuFactorization {
  /** U from the diagonal on, and L below it, whose diagonal is 1. */
  readonly lu: NDArray;
  /** int32 `[..., n]`: row i was exchanged with row `piv[i]`, one after the other. */
  readonly piv: NDArray;
  /** int32 `[..., n]`: which row of the matrix each row of L U is. */
  readonly permutation: NDArray;
}

/**
 * LU factors of square matrices, to solve many systems with, as `jax.scipy.linalg.lu_factor`.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const factors = linalg.luFactor(np.array([[0, 2], [4, 0]]));
 * console.log(linalg.luSolve(factors, np.array([2, 4])).toArray()); // [ 1, 1 ]
 * console.log(linalg.luSolve(factors, np.array([4, 4])).toArray()); // [ 1, 2 ]
 * ```
 */
export function luFactor(a: NDArray): LuFactorization {
  if (arguments.length > 1) checkCall("luFactor(a)", arguments);
  const { lu: factors, pivots, permutation } = lu(squares("luFactor", a));
  return { lu: factors, piv: pivots, permutation };
}

/** Options of {@linkcode luSolve}. */
export interface LuSolveOptions {
  /** 1 to solve with the transpose of the matrix; 0 where left out. */
  readonly trans?: 0 | 1 | undefined;
}

const luSolveOptions: OptionTable<LuSolveOptions> = { trans: "number" };

/** Whether to transpose. */
function transposes(op: string, trans: unknown): boolean {
  if (trans === 0 || trans === "N") return false;
  if (trans === 1 || trans === "T") return true;
  throw new TypeError(
    `${op}: trans is ${
      describeValue(trans)
    }, but it must be 0 for the matrix itself or 1 for its transpose`,
  );
}

/**
 * The solution of `a x = b` by factors of `luFactor`, or a list `[lu, piv]` of them, as
 * `jax.scipy.linalg.lu_solve`.
 *
 * @throws {ShapeError} where the right-hand side does not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const factors = linalg.luFactor(np.array([[1, 2], [0, 1]]));
 * console.log(linalg.luSolve(factors, np.array([1, 1]), { trans: 1 }).toArray()); // [ 1, -1 ]
 * ```
 */
export function luSolve(
  factors: LuFactorization | readonly [lu: NDArray, piv: NDArray],
  b: NDArray,
  options: LuSolveOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("luSolve(factors, b, options)", arguments, luSolveOptions);
  }
  const { trans = 0 } = options;
  const transposeA = transposes("luSolve", trans);
  const [lu, order] = luParts(factors);
  const given = system("luSolve", squares("luSolve", lu), b);
  const lead = given.a.shape.slice(0, -1);
  return given.back(la.solveByFactors(given.a, broadcastTo(order, lead), given.b, { transposeA }));
}

/** L and U, and the order of the rows, of which a pair as of SciPy has the exchanges. */
function luParts(
  factors: LuFactorization | readonly [lu: NDArray, piv: NDArray],
): readonly [lu: NDArray, order: NDArray] {
  if (Array.isArray(factors) && factors.length === 2) {
    const [lu, piv] = factors as readonly [NDArray, NDArray];
    return [lu, luPivotsToPermutation(piv, expectArray("luSolve", lu, "lu").shape.at(-1) ?? 0)];
  }
  const { lu, permutation } = Object(factors) as LuFactorization;
  if (lu !== undefined && permutation !== undefined) return [lu, permutation];
  throw new TypeError(
    `luSolve: the factors are ${
      describeValue(factors)
    }, but must be what luFactor(a) gives, or the list [lu, piv]`,
  );
}

// ---------------------------------------------------------------- Cholesky

/** Which triangle. */
export interface TriangleOptions {
  /** Whether the lower triangle holds the factor; the upper one does where left out. */
  readonly lower?: boolean | undefined;
}

const triangleOptions: OptionTable<TriangleOptions> = { lower: "boolean" };

/** What {@linkcode choFactor} gives and {@linkcode choSolve} takes. */
export interface CholeskyFactorization {
  /** The factor, in one triangle. */
  readonly c: NDArray;
  /** Whether that is the lower one. */
  readonly lower: boolean;
}

/**
 * Cholesky factors of positive definite matrices, to solve many systems with, as
 * `jax.scipy.linalg.cho_factor`. NaN where a matrix is not positive definite.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const factors = linalg.choFactor(np.array([[4, 0], [0, 1]]));
 * console.log(linalg.choSolve(factors, np.array([4, 2])).toArray()); // [ 1, 2 ]
 * ```
 */
export function choFactor(a: NDArray, options: TriangleOptions = {}): CholeskyFactorization {
  if (arguments.length > 1) {
    options = readOptions("choFactor(a, options)", arguments, triangleOptions);
  }
  const { lower = false } = options;
  const x = squares("choFactor", a);
  return {
    c: lower ? choleskyFactor(x, false) : transposed(choleskyFactor(transposed(x), false)),
    lower,
  };
}

/**
 * The solution of `a x = b` by factors of `choFactor`, or a list `[c, lower]` of them, as
 * `jax.scipy.linalg.cho_solve`.
 *
 * @throws {ShapeError} where the right-hand side does not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const c = linalg.cholesky(np.array([[4, 2], [2, 2]]));
 * console.log(linalg.choSolve([c, true], np.array([8, 6])).toArray()); // [ 1, 2 ]
 * ```
 */
export function choSolve(
  factors: CholeskyFactorization | readonly [c: NDArray, lower: boolean],
  b: NDArray,
): NDArray {
  if (arguments.length > 2) checkCall("choSolve(factors, b)", arguments);
  const { lower, c } = Array.isArray(factors)
    ? { c: factors[0], lower: factors[1] }
    : Object(factors) as CholeskyFactorization;
  if (typeof lower !== "boolean" || c === undefined) {
    throw new TypeError(
      "choSolve: the factors must be what choFactor(a) gives, { c, lower } with lower true or false, or the list [c, lower]",
    );
  }
  const given = system("choSolve", squares("choSolve", c), b);
  const params = { lower, unitDiagonal: false };
  const y = t.triangularSolve(given.a, given.b, { ...params, transposeA: !lower });
  return given.back(t.triangularSolve(given.a, y, { ...params, transposeA: lower }));
}

// ---------------------------------------------------------------- triangles

/** Options of {@linkcode solveTriangular}. */
export interface SolveTriangularOptions extends TriangleOptions {
  /** 1 or `"T"` to solve with the transpose of the matrix; 0 or `"N"` where left out. */
  readonly trans?: 0 | 1 | "N" | "T" | undefined;
  /** Whether the diagonal is taken to be 1, and not read. */
  readonly unitDiagonal?: boolean | undefined;
}

const solveTriangularOptions: OptionTable<SolveTriangularOptions> = {
  lower: "boolean",
  trans: "order",
  unitDiagonal: "boolean",
};

/**
 * The solution of `a x = b` for triangular matrices, as `jax.scipy.linalg.solve_triangular`. The other
 * triangle is not read. A zero on the diagonal gives infinities or NaN.
 *
 * @throws {ShapeError} where a matrix is not square or `b` does not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[2, 0], [1, 1]]);
 * console.log(linalg.solveTriangular(a, np.array([2, 3]), { lower: true }).toArray()); // [ 1, 2 ]
 * ```
 */
export function solveTriangular(
  a: NDArray,
  b: NDArray,
  options: SolveTriangularOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("solveTriangular(a, b, options)", arguments, solveTriangularOptions);
  }
  const { lower = false, trans = 0, unitDiagonal = false } = options;
  const transposeA = transposes("solveTriangular", trans);
  const given = system("solveTriangular", squares("solveTriangular", a), b);
  return given.back(t.triangularSolve(given.a, given.b, { lower, transposeA, unitDiagonal }));
}

/** Options of {@linkcode triangularSolve}. */
export interface TriangularSolveOptions extends TriangleOptions {
  /** Whether the matrix is on the left, `a x = b`; where left out it is on the right, `x a = b`. */
  readonly leftSide?: boolean | undefined;
  /** Whether to solve with the transpose of the matrix. */
  readonly transposeA?: boolean | undefined;
  /** Whether the diagonal is taken to be 1, and not read. */
  readonly unitDiagonal?: boolean | undefined;
}

const triangularSolveOptions: OptionTable<TriangularSolveOptions> = {
  leftSide: "boolean",
  lower: "boolean",
  transposeA: "boolean",
  unitDiagonal: "boolean",
};

/**
 * The solution of `x a = b`, or with `leftSide` of `a x = b`, for triangular matrices, as
 * `jax.lax.linalg.triangular_solve`.
 *
 * @throws {ShapeError} where a matrix is not square or `b` does not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[2, 1], [0, 1]]);
 * console.log(linalg.triangularSolve(a, np.array([[2, 3]])).toArray()); // [ [ 1, 2 ] ]
 * ```
 */
export function triangularSolve(
  a: NDArray,
  b: NDArray,
  options: TriangularSolveOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("triangularSolve(a, b, options)", arguments, triangularSolveOptions);
  }
  const { leftSide = false, lower = false, transposeA = false, unitDiagonal = false } = options;
  const matrix = squares("triangularSolve", a);
  const side = matrices("triangularSolve", b, "the right-hand side");
  const params = { lower, unitDiagonal };
  if (leftSide) {
    const given = system("triangularSolve", matrix, side);
    return t.triangularSolve(given.a, given.b, { ...params, transposeA });
  }
  // x a = b is a^T x^T = b^T.
  const given = system("triangularSolve", matrix, transposed(side));
  return transposed(
    t.triangularSolve(given.a, given.b, { ...params, transposeA: !transposeA }),
  );
}

/**
 * The solution of tridiagonal systems, as `jax.lax.linalg.tridiagonal_solve`, by elimination with exchanges
 * of neighbouring rows: `dl[i] x[i - 1] + d[i] x[i] + du[i] x[i + 1] = b[i]`.
 *
 * @param dl Below the diagonal, `[..., n]`; `dl[0]` is not read.
 * @param d The diagonal, `[..., n]`.
 * @param du Above the diagonal, `[..., n]`; `du[n - 1]` is not read.
 * @param b Right-hand sides `[..., n, m]`.
 * @throws {ShapeError} where the shapes do not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const [dl, d, du] = [np.array([0, 1, 1]), np.array([2, 2, 2]), np.array([1, 1, 0])];
 * const b = np.array([[3], [4], [3]]);
 * console.log(linalg.tridiagonalSolve(dl, d, du, b).ravel().toArray()); // [ 1, 1, 1 ]
 * ```
 */
export function tridiagonalSolve(dl: NDArray, d: NDArray, du: NDArray, b: NDArray): NDArray {
  if (arguments.length > 4) checkCall("tridiagonalSolve(dl, d, du, b)", arguments);
  const [lower, diagonal, upper, side] = [dl, d, du, b].map((x, i) =>
    asFloat(
      "tridiagonalSolve",
      expectArray("tridiagonalSolve", x, ["dl", "d", "du", "b"][i]!),
    )
  ) as [NDArray, NDArray, NDArray, NDArray];
  return tri.tridiagonalSolve(lower, diagonal, upper, side);
}

// ---------------------------------------------------------------- least squares

/** Options of {@linkcode lstsq}. */
export interface LstsqOptions {
  /**
   * Singular values up to this times the largest one count as 0; where left out, the larger side of the
   * matrix times the distance from 1 to the next number.
   */
  readonly rcond?: number | undefined;
  /** Whether there are no residuals where the rank is below n, or m no more than n, as in NumPy. */
  readonly numpyResid?: boolean | undefined;
}

const lstsqOptions: OptionTable<LstsqOptions> = { rcond: "number", numpyResid: "boolean" };

/** What {@linkcode lstsq} gives. */
export interface LstsqResult {
  /** The solution, `[n]` or `[n, k]`. */
  readonly x: NDArray;
  /** Sums of squares of what is left, `[1]` or `[k]`. */
  readonly residuals: NDArray;
  /** How many singular values count, int32. */
  readonly rank: NDArray;
  /** Singular values of the matrix. */
  readonly s: NDArray;
}

/**
 * The x of least norm that makes the norm of `a x - b` smallest, as `jax.numpy.linalg.lstsq`, by singular
 * values. Derivatives are right where the rank does not change.
 *
 * @param a A matrix `[m, n]`.
 * @param b A vector `[m]`, or right-hand sides as columns of `[m, k]`.
 * @throws {ShapeError} where a is no matrix or `b` does not fit.
 * @throws {ConcretizationError} with `numpyResid`, where the rank of more than n rows is not known.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 0], [0, 0], [0, 2]]);
 * const { x, rank } = linalg.lstsq(a, np.array([1, 5, 2]));
 * console.log(np.round(x).toArray(), rank.item()); // [ 1, 1 ] 2
 * ```
 */
export function lstsq(a: NDArray, b: NDArray, options: LstsqOptions = {}): LstsqResult {
  if (arguments.length > 2) options = readOptions("lstsq(a, b, options)", arguments, lstsqOptions);
  const matrix = matrices("lstsq", a);
  if (matrix.ndim !== 2 || (b as NDArray | undefined)?.ndim === undefined || b.ndim > 2) {
    throw new ShapeError(
      `lstsq: takes one matrix [m, n] and a vector [m] or columns [m, k]; a has shape ${
        formatShape(matrix.shape)
      }. Map over more with vmap`,
    );
  }
  const given = system("lstsq", matrix, b);
  const [m, n] = matrix.shape as [number, number];
  const { rcond = Math.max(m, n) * epsilon(given.a.dtype) } = options;
  const { x, s, counts } = leastSquares(given.a, given.b, rcond);
  const rest = sub(given.b, matmul(given.a, x));
  const rank = reduceSum(convert(counts, "int32"), [0]);
  if (options.numpyResid && m > n && !(rank instanceof ConcreteArray)) {
    throw new ConcretizationError(
      `lstsq: the rank of the traced ${
        formatAval(given.a.aval)
      } is not known here, and so whether ` +
        "numpyResid leaves residuals is not. Leave it out, and there always are",
    );
  }
  const none = options.numpyResid && (m <= n || Number(rank.item()) < n);
  const residuals = reduceSum(mul(rest, rest), [0]);
  return { x: given.back(x), residuals: none ? residuals.slice([0], [0]) : residuals, rank, s };
}

/** Options of {@linkcode pinv}. */
export interface PinvOptions {
  /**
   * Singular values up to this times the largest one count as 0; where left out, ten times the larger side
   * of the matrix times the distance from 1 to the next number.
   */
  readonly rtol?: number | undefined;
  /** Whether the matrix is symmetric, so that its mean with the transpose is taken. */
  readonly hermitian?: boolean | undefined;
}

const pinvOptions: OptionTable<PinvOptions> = { rtol: "number", hermitian: "boolean" };

/**
 * Pseudoinverses of matrices `[..., m, n]`, as `jax.numpy.linalg.pinv`, by singular values. Derivatives
 * are right where the rank does not change.
 *
 * @throws {ShapeError} where a is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.pinv(np.array([[2, 0], [0, 0]])).toArray()); // [ [ 0.5, 0 ], [ 0, 0 ] ]
 * ```
 */
export function pinv(a: NDArray, options: PinvOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("pinv(a, options)", arguments, pinvOptions);
  const x = options.hermitian === true ? symmetrized(squares("pinv", a)) : matrices("pinv", a);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const { rtol = 10 * Math.max(m, n) * epsilon(x.dtype) } = options;
  const unit = broadcastTo(identity(m, x.dtype), [...x.shape.slice(0, -2), m, m]);
  return leastSquares(x, unit, rtol).x;
}
