/**
 * Powers and exponentials of matrices.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { describeValue } from "../core/errors.ts";
import { checkCount } from "../core/checks.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { exponential } from "../linalg/exponential.ts";
import { identityLike, matmul } from "../linalg/matrices.ts";
import { squares } from "./matrices.ts";
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
