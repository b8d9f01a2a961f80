/**
 * Integrals that have no closed form, as in `jax.scipy.special`: of exponentials, sines and logarithms.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/array.ts";
import { checkCall } from "../../core/signature.ts";
import { scalarLike } from "../../primitives/constants/full.ts";
import { neg } from "../../primitives/elementwise/arithmetic.ts";
import { lt } from "../../primitives/elementwise/compare.ts";
import * as p from "../../primitives/elementwise/integrals.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { asFloat } from "../operands.ts";

/**
 * Elementwise exponential integral, that of `exp(t) / t` from minus infinity to `x`, as
 * `jax.scipy.special.expi`; a principal value for positive `x`.
 *
 * Within 4 units in the last place, around 0.3725 too, where it is 0.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.expi(np.array([1, 0])).toArray()); // [ 1.8951177597045898, -Infinity ]
 * ```
 */
export function expi(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("expi(x)", arguments);
  return p.expi(asFloat("expi", x));
}

/**
 * Elementwise exponential integral, that of `exp(-t) / t` from `x` to infinity, as
 * `jax.scipy.special.exp1`; NaN for negative `x`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.exp1(np.array([1, 0])).toArray()); // [ 0.21938394010066986, Infinity ]
 * ```
 */
export function exp1(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("exp1(x)", arguments);
  const a = asFloat("exp1", x);
  return select(lt(a, scalarLike(0, a)), scalarLike(NaN, a), neg(p.expi(neg(a))));
}

/**
 * Elementwise sine and cosine integrals `[si, ci]`, as `jax.scipy.special.sici`: that of `sin(t) / t` from 0
 * to `x`, and Euler's constant plus `log(|x|)` plus that of `(cos(t) - 1) / t`.
 *
 * Within 4 units in the last place, but for `ci` from 3 / 2 on, where it is 0 again and again: within 8 of
 * `1 / x`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * const [si, ci] = special.sici(1);
 * console.log(si.item(), ci.item()); // 0.9460830688476562 0.33740392327308655
 * ```
 */
export function sici(x: Operand): [si: NDArray, ci: NDArray] {
  if (arguments.length > 1) checkCall("sici(x)", arguments);
  const a = asFloat("sici", x);
  return [p.sineIntegral(a), p.cosineIntegral(a)];
}

/**
 * Elementwise integrals of Fresnel `[s, c]`, as `jax.scipy.special.fresnel`: those of `sin(pi t^2 / 2)` and
 * `cos(pi t^2 / 2)` from 0 to `x`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * const [s, c] = special.fresnel(Infinity);
 * console.log(s.item(), c.item()); // 0.5 0.5
 * ```
 */
export function fresnel(x: Operand): [s: NDArray, c: NDArray] {
  if (arguments.length > 1) checkCall("fresnel(x)", arguments);
  const a = asFloat("fresnel", x);
  return [p.fresnelSine(a), p.fresnelCosine(a)];
}

/**
 * Elementwise integral of Dawson, `exp(-x^2)` times that of `exp(t^2)` from 0 to `x`, as
 * `jax.scipy.special.dawsn`.
 *
 * Within 4 units in the last place. Its derivative is `1 - 2 x dawsn(x)`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.dawsn(np.array([0, 1])).toArray()); // [ 0, 0.5380795001983643 ]
 * ```
 */
export function dawsn(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("dawsn(x)", arguments);
  return p.dawsn(asFloat("dawsn", x));
}

/**
 * Elementwise function of Spence, the integral of `log(t) / (1 - t)` from 1 to `x`, as
 * `jax.scipy.special.spence`: the dilogarithm of `1 - x`. NaN for negative `x`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.spence(np.array([0, 1])).toArray()); // [ 1.644934058189392, 0 ]
 * ```
 */
export function spence(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("spence(x)", arguments);
  return p.spence(asFloat("spence", x));
}
