/**
 * The gamma function's logarithm and its derivatives, as in `jax.scipy.special`.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/array.ts";
import { expectInteger } from "../../core/checks.ts";
import { ConcreteArray } from "../../core/concrete.ts";
import { checkCall } from "../../core/signature.ts";
import * as p from "../../primitives/elementwise/gamma.ts";
import { asFloat } from "../operands.ts";

/**
 * The logarithm of the size of the gamma function, elementwise, as `jax.scipy.special.gammaln`:
 * infinite at 0, -1, -2, ...
 *
 * Within 4 units in the last place where `x` is not below -2; below, where the logarithm is 0 between any
 * two poles, within 8 of 1 or of the result. Its derivative is `digamma`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.gammaln(np.array([1, 2, Infinity])).toArray()); // [ 0, 0, Infinity ]
 * ```
 */
export function gammaln(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("gammaln(x)", arguments);
  return p.lgamma(asFloat("gammaln", x));
}

/**
 * The derivative of `gammaln`, elementwise, as `jax.scipy.special.digamma`: NaN at 0, -1, -2, ...
 *
 * Within 4 units in the last place for positive `x`; elsewhere, where it is 0 between any two poles, within
 * 8 of 1 or of the result. Its derivative is `polygamma(1, x)`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.digamma(1).item()); // -0.5772156715393066
 * ```
 */
export function digamma(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("digamma(x)", arguments);
  return p.digamma(asFloat("digamma", x));
}

/**
 * The `n`th derivative of `digamma`, elementwise, as `jax.scipy.special.polygamma`. At 0, -1, -2, ... it is
 * infinite for odd `n` and NaN for even `n`.
 *
 * For positive `x` within 4 + n / 2 units in the last place. Its derivative is that of the next order.
 *
 * @param n The order: an integer, 0 or more, or an integer scalar whose value is known.
 * @throws {RangeError} where `n` is not an integer, or negative.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.polygamma(1, 1).item()); // 1.644934058189392, which is pi^2 / 6
 * ```
 */
export function polygamma(n: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("polygamma(n, x)", arguments);
  const order = n instanceof ConcreteArray && n.ndim === 0 ? n.values[0] : n;
  expectInteger("polygamma", order, "n", 0, MOST);
  return p.polygamma(order as number, asFloat("polygamma", x));
}

/** Factorials of more are infinite. */
const MOST = 170;
