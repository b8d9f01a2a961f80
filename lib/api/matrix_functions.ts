/**
 * Powers and exponentials of matrices, and their polar form.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import { sameShape } from "../core/aval.ts";
import { checkCount } from "../core/checks.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { exponential } from "../linalg/exponential.ts";
import { identityLike, matmul, scaledColumns, transposed } from "../linalg/matrices.ts";
import { eigh } from "../linalg/eigh.ts";
import { svd } from "../linalg/svd.ts";
import { onesLike } from "../primitives/constants/full.ts";
import { add, div, sub } from "../primitives/elementwise/arithmetic.ts";
import { expandDims } from "../primitives/shape/reshape.ts";
import { customJvp, jvp } from "../transforms/public.ts";
import { matrices, squares, symmetrized } from "./matrices.ts";
import { promote } from "./operands.ts";
import { inv } from "./systems.ts";

/**
 * Square matrices to the power of a whole number, as `jax.numpy.linalg.matrix_power`, by squaring; a
 * negative number takes the power of the inverse.
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
  let base = n < 0 ? inv(x) : x;
  let result: NDArray | null = null;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === null ? base : matmul(result, base);
    if (rest > 1) base = matmul(base, base);
  }
  return result ?? identityLike(x);
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
  if (arguments.length > 1) checkCall("expm(a, options)", arguments, expmOptions);
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
  if (arguments.length > 2) checkCall("expmFrechet(a, e, options)", arguments, expmFrechetOptions);
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
  if (arguments.length > 1) checkCall("polar(a, options)", arguments, polarOptions);
  const { side = "right" } = options;
  if (side !== "right" && side !== "left") {
    throw new TypeError(`polar: side is ${describeValue(side)}, but must be "right" or "left"`);
  }
  const x = matrices("polar", a);
  const [m, n] = x.shape.slice(-2) as [number, number];
  const u = m >= n ? unitary(x) : transposed(unitary(transposed(x)));
  return { u, p: side === "right" ? matmul(transposed(u), x) : matmul(x, transposed(u)) };
}
