/**
 * Decompositions that are made of others: products with orthonormal factors, and eigenvalues of tridiagonal
 * matrices.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import * as ei from "../linalg/eigh.ts";
import { columnNumbers, rowNumbers, transposed } from "../linalg/matrices.ts";
import { qr } from "../linalg/qr.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add } from "../primitives/elementwise/arithmetic.ts";
import { eq } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { expandDims } from "../primitives/shape/reshape.ts";
import { pad, slice } from "../primitives/slicing/slice.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import type { EighResult } from "./decompositions.ts";
import { matrices } from "./matrices.ts";
import { asFloat, expectArray, promote } from "./operands.ts";
import { matmul as product } from "./products.ts";

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
  if (arguments.length > 2) checkCall("qrMultiply(a, c, options)", arguments, qrMultiplyOptions);
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
  /** First and last number of the eigenvalues that are given; all where left out. */
  readonly selectRange?: readonly [first: number, last: number] | null | undefined;
}

const eighTridiagonalOptions: OptionTable<EighTridiagonalOptions> = {
  eigvalsOnly: "boolean",
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
    checkCall("eighTridiagonal(d, e, options)", arguments, eighTridiagonalOptions);
  }
  const { eigvalsOnly = false, selectRange = null } = options;
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
