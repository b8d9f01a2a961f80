/**
 * The one Bessel function that NumPy has.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { checkCall } from "../core/signature.ts";
import * as bessel from "./special/bessel.ts";

/**
 * Elementwise modified Bessel function of the first kind of order 0: `special.i0`, as `jax.numpy.i0`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.i0(np.array([0, 1])).toArray()); // [ 1, 1.2660658359527588 ]
 * ```
 */
export function i0(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i0(x)", arguments);
  return bessel.i0(x);
}
