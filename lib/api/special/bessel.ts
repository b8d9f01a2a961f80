/**
 * Bessel functions, as in `jax.scipy.special`.
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
 * Elementwise modified Bessel function of the first kind of order 0, as `jax.scipy.special.i0`.
 *
 * Within 5 units in the last place. Its derivative is `i1`.
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

/**
 * Elementwise `exp(-|x|) i0(x)`, which does not overflow, as `jax.scipy.special.i0e`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.i0e(1000).item()); // 0.012617240659892559
 * ```
 */
export function i0e(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i0e(x)", arguments);
  return bessel.i0e(asFloat("i0e", x));
}

/**
 * Elementwise modified Bessel function of the first kind of order 1, as `jax.scipy.special.i1`.
 *
 * Within 5 units in the last place.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.i1(np.array([0, 1])).toArray()); // [ 0, 0.5651590824127197 ]
 * ```
 */
export function i1(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i1(x)", arguments);
  const a = asFloat("i1", x);
  return mul(exp(abs(a)), bessel.i1e(a));
}

/**
 * Elementwise `exp(-|x|) i1(x)`, which does not overflow, as `jax.scipy.special.i1e`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.i1e(1000).item()); // 0.012610930018126965
 * ```
 */
export function i1e(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i1e(x)", arguments);
  return bessel.i1e(asFloat("i1e", x));
}
