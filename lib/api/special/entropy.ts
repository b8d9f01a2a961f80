/**
 * Products with logarithms, terms of entropies and divergences, and the transformation of Box and Cox,
 * as in `jax.scipy.special`.
 *
 * The normal distribution function and what belongs to it, as in `jax.scipy.special`.
 *
 * @module
 */
import { checkCall, type NDArray, type Operand } from "../../core/mod.ts";
import {
  add,
  and,
  div,
  eq,
  gt,
  lt,
  mul,
  not,
  or,
  scalarLike,
  select,
} from "../../primitives/mod.ts";
import * as u from "../../primitives/elementwise/elementary.ts";
import * as e from "../../primitives/elementwise/erf.ts";
import * as primitive from "../../primitives/elementwise/integrals.ts";
import * as p from "../../primitives/elementwise/normal.ts";
import { owensT as owens } from "../../primitives/elementwise/normal.ts";
import { applyNamed, asFloat, floatOr32 } from "../operands.ts";

/**
 * `x log(y)`, 0 where `x` is 0, of a logarithm that is minus infinity at `edge` and of `usual` there is
 * none.
 */
function timesLog(
  x: NDArray,
  y: NDArray,
  log: (y: NDArray) => NDArray,
  edge: number,
  usual: number,
): NDArray {
  const zero = scalarLike(0, x);
  // Where x is 0, so is the product, with any logarithm but that of NaN; one that is finite keeps its
  // part in the derivative.
  const finite = and(gt(y, scalarLike(edge, y)), lt(y, scalarLike(Infinity, y)));
  const free = and(eq(x, zero), not(or(finite, u.isNaN(y))));
  const product = mul(x, log(select(free, scalarLike(usual, y), y)));
  // No -0, as in JAX.
  return select(eq(x, zero), add(product, scalarLike(0, product)), product);
}

/**
 * Elementwise `x * log(y)`, 0 where `x` is 0, as `jax.scipy.special.xlogy`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.xlogy(np.array([0, 2]), np.array([0, 1])).toArray()); // [ 0, 0 ]
 * ```
 */
export function xlogy(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("xlogy(x, y)", arguments);
  return applyNamed("xlogy", (a, b) => timesLog(a, b, u.log, 0, 1), x, y, floatOr32);
}

/**
 * Elementwise `x * log(1 + y)`, 0 where `x` is 0, as `jax.scipy.special.xlog1py`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.xlog1py(np.array([0, 1]), np.array([-1, 1e-10])).toArray());
 * // [ 0, 1.000000013351432e-10 ]
 * ```
 */
export function xlog1py(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("xlog1py(x, y)", arguments);
  return applyNamed("xlog1py", (a, b) => timesLog(a, b, u.log1p, -1, 0), x, y, floatOr32);
}

/**
 * Elementwise `-x * log(x)`, 0 at 0 and minus infinity below, as `jax.scipy.special.entr`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.entr(np.array([1, -1])).add(0).toArray()); // [ 0, -Infinity ]
 * ```
 */
export function entr(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("entr(x)", arguments);
  return primitive.entr(asFloat("entr", x));
}

/**
 * Elementwise `p * log(p / q)`, 0 where `p` is 0 and infinite where one of them is negative, as
 * `jax.scipy.special.rel_entr`. Its sum is the divergence of Kullback and Leibler. Within
 * 4 units in the last place.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.relEntr(np.array([0, 1, 1]), np.array([1, 1, 0])).toArray());
 * // [ 0, 0, Infinity ]
 * ```
 */
export function relEntr(p: Operand, q: Operand): NDArray {
  if (arguments.length > 2) checkCall("relEntr(p, q)", arguments);
  return applyNamed("relEntr", primitive.relEntr, p, q, floatOr32);
}

/**
 * Elementwise `p * log(p / q) - p + q`, `q` where `p` is 0 and infinite where one of them is negative, as
 * `jax.scipy.special.kl_div`.
 *
 * Within 8 units in the last place, where `p` is near `q` too.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.klDiv(np.array([0, 1, 1]), np.array([3, 1, 0])).toArray());
 * // [ 3, 0, Infinity ]
 * ```
 */
export function klDiv(p: Operand, q: Operand): NDArray {
  if (arguments.length > 2) checkCall("klDiv(p, q)", arguments);
  return applyNamed("klDiv", primitive.klDiv, p, q, floatOr32);
}

/** `(e^(lambda log) - 1) / lambda`, which is the logarithm where lambda is 0. */
function transformed(log: NDArray, lambda: NDArray): NDArray {
  const isZero = eq(lambda, scalarLike(0, lambda));
  const safe = select(isZero, scalarLike(1, lambda), lambda);
  return select(isZero, log, div(u.expm1(mul(safe, log)), safe));
}

/**
 * Elementwise transformation of Box and Cox (1964), `(x^lmbda - 1) / lmbda`, and `log(x)` where `lmbda` is
 * 0, as `jax.scipy.special.boxcox`; NaN for negative `x`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.boxcox(3, np.array([1, 2])).toArray()); // [ 2, 4 ]
 * ```
 */
export function boxcox(x: Operand, lmbda: Operand): NDArray {
  if (arguments.length > 2) checkCall("boxcox(x, lmbda)", arguments);
  return applyNamed("boxcox", (a, b) => transformed(u.log(a), b), x, lmbda, floatOr32);
}

/**
 * Elementwise `boxcox` of `1 + x`, with all digits near 0, as `jax.scipy.special.boxcox1p`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.boxcox1p(2, np.array([1, 2])).toArray()); // [ 2, 4 ]
 * ```
 */
export function boxcox1p(x: Operand, lmbda: Operand): NDArray {
  if (arguments.length > 2) checkCall("boxcox1p(x, lmbda)", arguments);
  return applyNamed("boxcox1p", (a, b) => transformed(u.log1p(a), b), x, lmbda, floatOr32);
}

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
