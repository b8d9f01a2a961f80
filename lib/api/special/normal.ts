/**
 * The normal distribution function and what belongs to it, as in `jax.scipy.special`.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/array.ts";
import { checkCall } from "../../core/signature.ts";
import * as e from "../../primitives/elementwise/erf.ts";
import * as p from "../../primitives/elementwise/normal.ts";
import { owensT as owens } from "../../primitives/elementwise/owens_t.ts";
import { applyNamed, asFloat, floatOr32 } from "../operands.ts";

/**
 * Elementwise `exp(x^2) erfc(x)`, which does not underflow, as `jax.scipy.special.erfcx`.
 *
 * Within 4 units in the last place. Its derivative is `2 x erfcx(x) - 2 / sqrt(pi)`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.erfcx(np.array([0, 1e10])).toArray()); // [ 1, 5.6418959781812106e-11 ]
 * ```
 */
export function erfcx(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("erfcx(x)", arguments);
  return e.erfcx(asFloat("erfcx", x));
}

/**
 * Elementwise distribution function of the normal distribution, as `jax.scipy.special.ndtr`.
 *
 * Within 4 units in the last place, in the tail too. Its derivative is the density.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.ndtr(np.array([0, -10])).toArray()); // [ 0.5, 7.619852819271277e-24 ]
 * ```
 */
export function ndtr(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("ndtr(x)", arguments);
  return p.ndtr(asFloat("ndtr", x));
}

/**
 * Elementwise logarithm of `ndtr`, which does not underflow, as `jax.scipy.special.log_ndtr`.
 *
 * Within 4 units in the last place, where JAX has a series whose order is an option.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.logNdtr(-100).item()); // -5005.5244140625
 * ```
 */
export function logNdtr(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("logNdtr(x)", arguments);
  return p.logNdtr(asFloat("logNdtr", x));
}

/**
 * Elementwise quantiles of the normal distribution, the inverse of `ndtr`, as
 * `jax.scipy.special.ndtri`: infinite at 0 and 1, NaN beyond.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.ndtri(np.array([0.5, 0.975])).toArray()); // [ 0, 1.959964394569397 ]
 * ```
 */
export function ndtri(q: Operand): NDArray {
  if (arguments.length > 1) checkCall("ndtri(q)", arguments);
  return p.ndtri(asFloat("ndtri", q, "q"));
}

/**
 * Elementwise T function of D. B. Owen (1956), as `jax.scipy.special.owens_t`: the probability that a
 * pair of independent standard normal numbers `(x, y)` has `x > h` and `0 < y < a x`.
 *
 * Within 8 units in the last place where `|a| <= 1`; beyond, within as many of `ndtr(-h)`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.owensT(0, 1).item()); // 0.125
 * ```
 */
export function owensT(h: Operand, a: Operand): NDArray {
  if (arguments.length > 2) checkCall("owensT(h, a)", arguments);
  return applyNamed("owensT", owens, h, a, floatOr32);
}
