/**
 * The gamma function's logarithm and its derivatives, as in `jax.scipy.special`.
 *
 * @module
 */
import { NDArray, type Operand } from "../../core/array.ts";
import { broadcastShapes } from "../../core/aval.ts";
import { expectInteger } from "../../core/checks.ts";
import { ConcreteArray } from "../../core/concrete.ts";
import { checkCall } from "../../core/signature.ts";
import { scalarLike } from "../../primitives/constants/full.ts";
import { add, mul, neg } from "../../primitives/elementwise/arithmetic.ts";
import { eq, gt, lt, ne } from "../../primitives/elementwise/compare.ts";
import * as p from "../../primitives/elementwise/gamma.ts";
import { floor } from "../../primitives/elementwise/rounding.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { broadcastTo } from "../../primitives/sum/broadcast.ts";
import { applyNamed, asFloat, asIndex, floatOr32 } from "../operands.ts";

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
 * @param n The order: an integer, 0 or more. A number up to 170, or a scalar whose value is known, is
 * computed with fewer steps than an array.
 * @throws {RangeError} where the number `n` is not an integer, or out of range.
 * @throws {DTypeError} where the array `n` is one of floats or bools.
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
  if (n instanceof NDArray) {
    const orders = asIndex("polygamma", n, "n");
    const known = orders instanceof ConcreteArray && orders.ndim === 0;
    if (!known) {
      return applyNamed("polygamma", polygammaOf, asFloat("polygamma", n, "n"), x, floatOr32);
    }
  }
  const order = n instanceof ConcreteArray ? n.values[0] : n;
  expectInteger("polygamma", order, "n", 0, MOST);
  return p.polygamma(order as number, asFloat("polygamma", x));
}

/** Of orders in an array: `(-1)^(n + 1) n! zeta(n + 1, x)`. */
function polygammaOf(n: NDArray, x: NDArray): NDArray {
  const one = scalarLike(1, n);
  const shape = broadcastShapes("polygamma", n.shape, x.shape);
  const s = broadcastTo(add(n, one), shape), q = broadcastTo(x, shape);
  const half = mul(n, scalarLike(0.5, n));
  const odd = ne(floor(half), half);
  const size = mul(p.gamma(s), p.zeta(s, q));
  const signed = select(broadcastTo(odd, shape), size, neg(size));
  return select(eq(s, one), p.digamma(q), signed);
}

/** Factorials of more are infinite. */
const MOST = 170;

/**
 * The gamma function, elementwise, as `jax.scipy.special.gamma`: infinite at 0, with its sign, and NaN at
 * -1, -2, ...
 *
 * Within 5 units in the last place. Its derivative is `gamma(x) digamma(x)`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.gamma(5).item()); // 24
 * ```
 */
export function gamma(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("gamma(x)", arguments);
  return p.gamma(asFloat("gamma", x));
}

/**
 * The sign of the gamma function, elementwise, as `jax.scipy.special.gammasgn`: 1 or -1; NaN at -1, -2, ...
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.gammasgn(np.array([0.5, -0.5, -1.5])).toArray()); // [ 1, -1, 1 ]
 * ```
 */
export function gammasgn(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("gammasgn(x)", arguments);
  return p.gammasgn(asFloat("gammasgn", x));
}

/**
 * The logarithm of the gamma function of positive numbers, elementwise, as `jax.scipy.special.loggamma`; NaN
 * elsewhere, where it is complex. `gammaln` is that of its size.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.loggamma(np.array([1, -0.5])).toArray()); // [ 0, NaN ]
 * ```
 */
export function loggamma(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("loggamma(x)", arguments);
  const a = asFloat("loggamma", x);
  const value = p.lgamma(a);
  const nan = broadcastTo(scalarLike(NaN, a), a.shape);
  return select(gt(a, scalarLike(0, a)), value, nan);
}

/**
 * `n!`, elementwise, as `jax.scipy.special.factorial`: `gamma(n + 1)`, and 0 for negative `n`.
 *
 * Within 5 units in the last place of whole numbers.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.factorial(np.array([0, 1, 5])).toArray()); // [ 1, 1, 120 ]
 * ```
 */
export function factorial(n: Operand): NDArray {
  if (arguments.length > 1) checkCall("factorial(n)", arguments);
  const x = asFloat("factorial", n, "n");
  const zero = scalarLike(0, x);
  const value = p.gamma(add(x, scalarLike(1, x)));
  return select(lt(x, zero), broadcastTo(zero, x.shape), value);
}

/**
 * Hurwitz's zeta function, the sum over k = 0, 1, 2, ... of `(q + k)^-x`, elementwise, as
 * `jax.scipy.special.zeta`: infinite for `x` = 1, NaN below. Riemann's is that of `q` = 1.
 *
 * Within 8 units in the last place for positive `q`. For negative `q`, `x` must be whole, and the function is
 * infinite where `q` is whole too.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.zeta(2, 1).item()); // 1.644934058189392, which is pi^2 / 6
 * ```
 */
export function zeta(x: Operand, q: Operand): NDArray {
  if (arguments.length > 2) checkCall("zeta(x, q)", arguments);
  return applyNamed("zeta", p.zeta, x, q, floatOr32);
}
