/**
 * Powers and exponentials of matrices, and their polar form.
 *
 * Decompositions that are made of others: products with orthonormal factors, and eigenvalues of tridiagonal
 * matrices.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  describeValue,
  formatShape,
  isFloat,
  type NDArray,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import { eigh } from "../linalg/eigh.ts";
import * as ei from "../linalg/eigh.ts";
import {
  columnNumbers,
  identityLike,
  matmul,
  rowNumbers,
  scaledColumns,
  transposed,
} from "../linalg/matrices.ts";
import { exponential } from "../linalg/matrix_functions.ts";
import { qr } from "../linalg/qr.ts";
import { svd } from "../linalg/svd.ts";
import {
  add,
  broadcastTo,
  convert,
  div,
  eq,
  expandDims,
  onesLike,
  pad,
  scalarLike,
  select,
  slice,
  sub,
} from "../primitives/mod.ts";
import { customJvp, jvp } from "../transforms/public.ts";
import type { EighResult } from "./decompositions.ts";
import { matrices, squares, symmetrized } from "./matrices.ts";
import { asFloat, expectArray, promote } from "./operands.ts";
import { matmul as product } from "./products.ts";
import { inv } from "./systems.ts";

/**
 * Square matrices to the power of a whole number, as `jax.numpy.linalg.matrix_power`, by squaring; a
 * negative number takes the power of the inverse. Powers of integers are integers, which wrap; those
 * of bools are bools.
 *
 * @throws {ShapeError} where a matrix is not square.
 * @throws {TypeError} where n is not a whole number.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.matrixPower(np.array([[1, 1], [0, 1]]), 5).toArray()); // [ [ 1, 5 ], [ 0, 1 ] ]
 * ```
 */
export function matrixPower(a: NDArray, n: number): NDArray {
  if (arguments.length > 2) checkCall("matrixPower(a, n)", arguments);
  const x = squares("matrixPower", a);
  if (!Number.isInteger(n)) {
    throw new TypeError(
      `matrixPower: n is ${describeValue(n)}, but must be a whole number. Other powers of a ` +
        "symmetric matrix are those of its eigenvalues: see linalg.eigh",
    );
  }
  const whole = n >= 0 && !isFloat(a.dtype);
  const times = whole ? product : matmul;
  let base = whole ? a : n < 0 ? inv(x) : x;
  let result: NDArray | null = null;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === null ? base : times(result, base);
    if (rest > 1) base = times(base, base);
  }
  return result ?? convert(identityLike(x), base.dtype);
}

/** Options of {@linkcode expm}. */
export interface ExpmOptions {
  /** Most squarings, 16 where left out: a matrix whose norm asks for more gives NaN. */
  readonly maxSquarings?: number | undefined;
}

const expmOptions: OptionTable<ExpmOptions> = { maxSquarings: "count" };

/**
 * Exponentials of square matrices, as `jax.scipy.linalg.expm`: the sum of all `a^k / k!`, by a quotient of
 * polynomials in a matrix that is divided by a power of 2, and squarings.
 *
 * @throws {ShapeError} where a matrix is not square.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * console.log(linalg.expm(np.array([[0, 1], [0, 0]])).toArray()); // [ [ 1, 1 ], [ 0, 1 ] ]
 * ```
 */
export function expm(a: NDArray, options: ExpmOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("expm(a, options)", arguments, expmOptions);
  const { maxSquarings = 16 } = options;
  return exponential(squares("expm", a), checkCount("expm", "maxSquarings", maxSquarings));
}

/** Options of {@linkcode expmFrechet}. */
export interface ExpmFrechetOptions {
  /** Whether the exponential is given too, as it is where left out; else an array is given. */
  readonly computeExpm?: boolean | undefined;
}

const expmFrechetOptions: OptionTable<ExpmFrechetOptions> = { computeExpm: "boolean" };

/** What {@linkcode expmFrechet} gives. */
export interface ExpmFrechetResult {
  /** The exponential. */
  readonly expm: NDArray;
  /** Its derivative in the direction of `e`. */
  readonly frechet: NDArray;
}

/**
 * The derivative of the exponential of matrices `a` in the direction of `e`, and the exponential, as
 * `jax.scipy.linalg.expm_frechet`: what `jvp(linalg.expm, [a], [e])` gives.
 *
 * @throws {ShapeError} where a matrix is not square, or both have different shapes.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { frechet } = linalg.expmFrechet(np.zeros([2, 2]), np.array([[0, 1], [0, 0]]));
 * console.log(frechet.toArray()); // [ [ 0, 1 ], [ 0, 0 ] ]
 * ```
 */
export function expmFrechet(
  a: NDArray,
  e: NDArray,
  options: ExpmFrechetOptions & { readonly computeExpm: false },
): NDArray;
/** The exponential, and its derivative. */
export function expmFrechet(
  a: NDArray,
  e: NDArray,
  options?: ExpmFrechetOptions,
): ExpmFrechetResult;
export function expmFrechet(
  a: NDArray,
  e: NDArray,
  options: ExpmFrechetOptions = {},
): NDArray | ExpmFrechetResult {
  const op = "expmFrechet";
  if (arguments.length > 2) {
    options = readOptions("expmFrechet(a, e, options)", arguments, expmFrechetOptions);
  }
  const [x, direction] = promote(op, squares(op, a), squares(op, e));
  if (!sameShape(x.shape, direction.shape)) {
    throw new ShapeError(
      `${op}: a has shape ${formatShape(x.shape)} and e ${
        formatShape(direction.shape)
      }, but a direction has the shape of the matrix`,
    );
  }
  const [value, slope] = jvp((y: NDArray) => expm(y), [x], [direction]);
  return options.computeExpm === false ? slope : { expm: value, frechet: slope };
}

// ---------------------------------------------------------------- polar form

/** Options of {@linkcode polar}. */
export interface PolarOptions {
  /** `"right"`, the default, for `a = u p`, or `"left"` for `a = p u`. */
  readonly side?: "right" | "left" | undefined;
}

const polarOptions: OptionTable<PolarOptions> = { side: "string" };

/** What {@linkcode polar} gives. */
export interface PolarResult {
  /** Orthonormal columns or rows, `[..., m, n]`. */
  readonly u: NDArray;
  /** Symmetric, without eigenvalues below 0. */
  readonly p: NDArray;
}

/**
 * The unitary factors u of matrices `a = u p` with at least as many rows as columns. Singular vectors have
 * no derivatives where values are equal, and u has: `du = u W + (1 - u u^T) da p^-1`, where W is skew and
 * `W p + p W = u^T da - da^T u`. With `p = V diag(w) V^T` that is elementwise, and says nothing but of p.
 */
const unitary: (a: NDArray) => NDArray = /* @__PURE__ */ customJvp(
  (a: NDArray): NDArray => {
    const { u, vt } = svd(a, false);
    return matmul(u, vt);
  },
  ([a]: [NDArray], [da]: [NDArray]): [NDArray, NDArray] => {
    const u = unitary(a);
    const inner = matmul(transposed(u), da);
    const { w, v } = eigh(symmetrized(matmul(transposed(u), a)));
    const back = (x: NDArray): NDArray => matmul(matmul(v, x), transposed(v));
    const skew = sub(inner, transposed(inner));
    const sums = add(expandDims(w, [w.ndim]), expandDims(w, [w.ndim - 1]));
    const turned = matmul(u, back(div(matmul(matmul(transposed(v), skew), v), sums)));
    const [m, n] = a.shape.slice(-2);
    if (m === n) return [u, turned];
    const inverse = matmul(scaledColumns(v, div(onesLike(w), w)), transposed(v));
    return [u, add(turned, matmul(sub(da, matmul(u, inner)), inverse))];
  },
);

/**
 * The polar form of matrices `[..., m, n]`, as `jax.scipy.linalg.polar`: the nearest matrix with orthonormal
 * columns or rows, times a symmetric one. By singular values. Derivatives need a matrix of full rank.
 *
 * @throws {ShapeError} where a is no matrix.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const { u, p } = linalg.polar(np.array([[0, -2], [3, 0]]));
 * console.log(np.round(u).toArray(), np.round(p).toArray()); // [ [ 0, -1 ], [ 1, 0 ] ] [ [ 3, 0 ], [ 0, 2 ] ]
 * ```
 */
export function polar(a: NDArray, options: PolarOptions = {}): PolarResult {
  if (arguments.length > 1) options = readOptions("polar(a, options)", arguments, polarOptions);
  const { side = "right" } = options;
  if (side !== "right" && side !== "left") {
    throw new TypeError(`polar: side is ${describeValue(side)}, but must be "right" or "left"`);
  }
  const x = matrices("polar", a);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const u = m >= n ? unitary(x) : transposed(unitary(transposed(x)));
  return { u, p: side === "right" ? matmul(transposed(u), x) : matmul(x, transposed(u)) };
}

// ---------------------------------------------------------------- QR

/** Options of {@linkcode qrMultiply}. */
export interface QrMultiplyOptions {
  /** `"right"`, the default, for `c Q`, or `"left"` for `Q c`. */
  readonly mode?: "left" | "right" | undefined;
  /** Whether the columns of the matrix are taken in the order p, as by `qr`. */
  readonly pivoting?: boolean | undefined;
}

const qrMultiplyOptions: OptionTable<QrMultiplyOptions> = { mode: "string", pivoting: "boolean" };

/** What {@linkcode qrMultiply} gives. */
export interface QrMultiplyResult {
  /** The product with Q. */
  readonly cq: NDArray;
  /** Upper triangular. */
  readonly r: NDArray;
  /** With pivoting: which column of the matrix each column of Q R is. */
  readonly p?: NDArray;
}

/**
 * Factors `a = Q R`, and the product of Q with `c`, as `jax.scipy.linalg.qr_multiply`. A vector is a row for
 * `c Q`, and a column for `Q c`.
 *
 * @throws {ShapeError} where a is no matrix, or c does not fit.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[0, 2], [-1, 3]]);
 * console.log(linalg.qrMultiply(a, np.array([1, 2])).cq.toArray()); // [ 2, 1 ]
 * ```
 */
export function qrMultiply(
  a: NDArray,
  c: NDArray,
  options: QrMultiplyOptions = {},
): QrMultiplyResult {
  const op = "qrMultiply";
  if (arguments.length > 2) {
    options = readOptions("qrMultiply(a, c, options)", arguments, qrMultiplyOptions);
  }
  const { mode = "right", pivoting = false } = options;
  if (mode !== "left" && mode !== "right") {
    throw new TypeError(`${op}: mode is ${describeValue(mode)}, but must be "left" or "right"`);
  }
  const [x, y] = promote(op, matrices(op, a), asFloat(op, expectArray(op, c, "c")));
  const { q, r, permutation } = qr(x, { fullMatrices: false, pivoting });
  const [m, k] = q.shape.slice(-2) as [number, number];
  const length = mode === "left" ? y.shape.at(y.ndim === 1 ? 0 : -2) : y.shape.at(-1);
  if (y.ndim === 0 || length !== (mode === "left" ? k : m)) {
    throw new ShapeError(
      `${op}: Q has shape [${m},${k}], and c of shape ${
        formatShape(y.shape)
      } does not fit on its ${mode}`,
    );
  }
  const cq = mode === "left" ? product(q, y) : product(y, q);
  return permutation === undefined ? { cq, r } : { cq, r, p: permutation };
}

// ---------------------------------------------------------------- tridiagonal matrices

/** Options of {@linkcode eighTridiagonal}. */
export interface EighTridiagonalOptions {
  /** Whether eigenvalues alone are given, as an array. */
  readonly eigvalsOnly?: boolean | undefined;
  /** Which eigenvalues are given: `"a"`, all, or `"i"`, those of `selectRange`; as that says where left out. */
  readonly select?: "a" | "i" | undefined;
  /** First and last number of the eigenvalues that are given; all where left out. */
  readonly selectRange?: readonly [first: number, last: number] | null | undefined;
}

const eighTridiagonalOptions: OptionTable<EighTridiagonalOptions> = {
  eigvalsOnly: "boolean",
  select: "string",
  selectRange: "shape",
};

/**
 * Eigenvalues in ascending order, and eigenvectors, of symmetric matrices with diagonals `d` `[..., n]` and
 * `e` `[..., n - 1]` beside them, as `jax.scipy.linalg.eigh_tridiagonal`; signs are those of `eigh`.
 *
 * @throws {ShapeError} where e has not one element less than d.
 *
 * @example
 * ```ts
 * import { linalg, numpy as np } from "@injax/injax";
 *
 * const w = linalg.eighTridiagonal(np.array([1, 1]), np.array([2]), { eigvalsOnly: true });
 * console.log(np.round(w).toArray()); // [ -1, 3 ]
 * ```
 */
export function eighTridiagonal(
  d: NDArray,
  e: NDArray,
  options: EighTridiagonalOptions & { readonly eigvalsOnly: true },
): NDArray;
/** Eigenvalues and eigenvectors. */
export function eighTridiagonal(
  d: NDArray,
  e: NDArray,
  options?: EighTridiagonalOptions,
): EighResult;
export function eighTridiagonal(
  d: NDArray,
  e: NDArray,
  options: EighTridiagonalOptions = {},
): NDArray | EighResult {
  const op = "eighTridiagonal";
  if (arguments.length > 2) {
    options = readOptions("eighTridiagonal(d, e, options)", arguments, eighTridiagonalOptions);
  }
  const { eigvalsOnly = false, select: which = options.selectRange == null ? "a" : "i" } = options;
  const selectRange = which === "a" ? null : options.selectRange;
  if (which !== "a" && which !== "i") {
    throw new TypeError(`${op}: select is ${describeValue(which)}, but must be "a" or "i"`);
  }
  const [main, beside] = promote(
    op,
    asFloat(op, expectArray(op, d, "d")),
    asFloat(op, expectArray(op, e, "e")),
  );
  const n = main.shape.at(-1);
  const fits = n !== undefined && n > 0 && beside.ndim === main.ndim &&
    beside.shape.every((size, k) => size === main.shape[k]! - (k === main.ndim - 1 ? 1 : 0));
  if (!fits) {
    throw new ShapeError(
      `${op}: d must have the shape [..., n], and e [..., n - 1], but theirs are ${
        formatShape(main.shape)
      } and ${formatShape(beside.shape)}`,
    );
  }
  const [first, last] = Array.isArray(selectRange) || selectRange === null
    ? (selectRange ?? [0, n - 1])
    : [NaN, NaN];
  if (
    !Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first || last >= n
  ) {
    throw new RangeError(
      `${op}: selectRange is ${
        describeValue(selectRange)
      }, but must be the first and the last of numbers from 0 to ${n - 1}`,
    );
  }
  const shape = [...main.shape, n];
  const zero = scalarLike(0, main);
  const onDiagonal = (values: NDArray, by: number): NDArray => {
    const columns = add(columnNumbers(n), scalarLike(by, columnNumbers(n)));
    return select(
      eq(rowNumbers(n), columns),
      broadcastTo(expandDims(values, [values.ndim]), shape),
      broadcastTo(zero, shape),
    );
  };
  const none = main.shape.map(() => 0);
  const below = onDiagonal(pad(beside, zero, none.with(-1, 1), none), 1);
  const a = add(add(onDiagonal(main, 0), below), transposed(below));
  const lead = main.shape.slice(0, -1);
  const chosen = (x: NDArray, rank: number): NDArray => {
    const front = [...lead.map(() => 0), ...new Array<number>(rank - 1).fill(0)];
    const whole = [...lead, ...new Array<number>(rank - 1).fill(n)];
    return slice(x, [...front, first], [...whole, last + 1]);
  };
  if (eigvalsOnly) return chosen(ei.eigenvalues(a), 1);
  const { w, v } = ei.eigh(a);
  return { eigenvalues: chosen(w, 1), eigenvectors: chosen(v, 2) };
}
