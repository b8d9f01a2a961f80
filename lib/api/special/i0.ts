/**
 * The modified Bessel function that `jax.numpy` has too.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/array.ts";
import { checkCall } from "../../core/signature.ts";
import { abs, mul } from "../../primitives/elementwise/arithmetic.ts";
import * as bessel from "../../primitives/elementwise/bessel.ts";
import { exp } from "../../primitives/elementwise/elementary.ts";
import { asFloat } from "../operands.ts";

/**
 * Elementwise modified Bessel function of the first kind of order 0, as `jax.scipy.special.i0` and
 * `jax.numpy.i0`.
 *
 * Within 4 units in the last place. Its derivative is `i1`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.i0(np.array([0, 1])).toArray()); // [ 1, 1.2660658359527588 ]
 * ```
 */
export function i0(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i0(x)", arguments);
  const a = asFloat("i0", x);
  return mul(exp(abs(a)), bessel.i0e(a));
}
