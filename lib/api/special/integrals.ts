/**
 * Integrals that have no closed form, as in `jax.scipy.special`: of exponentials, of all orders, of sines
 * and logarithms.
 *
 * Bessel functions, as in `jax.scipy.special`.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
} from "../../core/mod.ts";
import {
  abs,
  add,
  and,
  concatenate,
  digamma,
  div,
  eq,
  exp,
  ge,
  isNaN,
  lgamma,
  log,
  lt,
  mul,
  neg,
  or,
  rem,
  reshape,
  scalarLike,
  select,
  stopGradient,
  sub,
} from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/integrals.ts";
import * as bessel from "../../primitives/elementwise/integrals.ts";
import { applyNamed, asFloat, floatOr32 } from "../operands.ts";

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

// ---------------------------------------------------------------- of all orders

/** Steps of the continued fraction: for x = 1 and n = 1 the last one changes nothing in float64. */
const STEPS = 100;
/** Terms of the series up to x = 1. */
const TERMS = 20;

function number(value: number, x: NDArray): NDArray {
  return scalarLike(value, x);
}

/**
 * From x = 1 on, the continued fraction of Abramowitz and Stegun, 5.1.22 contracted:
 * `e^-x / (x + n - n / (x + n + 2 - 2 (n + 1) / (x + n + 4 - ...)))`.
 */
function fraction(n: NDArray, x: NDArray): NDArray {
  const sum = add(x, n);
  let below = add(sum, number(2 * STEPS, x));
  for (let k = STEPS; k > 0; k--) {
    const above = mul(number(k, x), add(n, number(k - 1, x)));
    below = sub(add(sum, number(2 * k - 2, x)), div(above, below));
  }
  return div(exp(neg(x)), below);
}

/** Up to x = 1, the series of Abramowitz and Stegun, 5.1.12, whose term of the order n - 1 has a logarithm. */
function series(n: NDArray, x: NDArray): NDArray {
  let term = number(1, x);
  let total = number(0, x);
  for (let m = 0; m <= TERMS; m++) {
    if (m > 0) term = mul(term, mul(x, number(-1 / m, x)));
    const distance = sub(number(m + 1, x), n);
    const isLast = eq(distance, number(0, x));
    const safe = select(isLast, number(1, x), distance);
    total = add(total, select(isLast, number(0, x), div(term, safe)));
  }
  const order = sub(n, number(1, x));
  const logarithm = log(x);
  const size = exp(sub(mul(order, logarithm), lgamma(n)));
  const isOdd = eq(rem(order, number(2, x)), number(1, x));
  const product = mul(size, sub(digamma(n), logarithm));
  return sub(select(isOdd, neg(product), product), total);
}

function integral(order: NDArray, x: NDArray): NDArray {
  // As in JAX, the order is no variable.
  const n = stopGradient(order);
  const [zero, one] = [number(0, x), number(1, x)];
  const isFirst = eq(n, zero), isOrigin = eq(x, zero);
  const isNear = lt(x, one);
  const whole = select(lt(n, one), one, n);
  const far = fraction(whole, select(isNear, one, x));
  const near = series(whole, select(and(isNear, lt(zero, x)), x, number(0.5, x)));
  const value = select(isNear, near, far);
  const isInfinite = lt(n, number(2, n));
  const origin = select(
    isInfinite,
    number(Infinity, x),
    div(one, sub(select(isInfinite, number(2, n), n), one)),
  );
  const simple = div(exp(neg(x)), select(isOrigin, one, x));
  const known = select(isOrigin, origin, select(isFirst, simple, value));
  const isUnknown = or(or(lt(n, zero), lt(x, zero)), or(isNaN(x), isNaN(n)));
  return select(isUnknown, number(NaN, x), select(ge(x, number(Infinity, x)), zero, known));
}

/**
 * Elementwise exponential integral of the order `n`, that of `exp(-x t) / t^n` from 1 to infinity, as
 * `jax.scipy.special.expn`; NaN where `n` or `x` is negative. Its derivative is that of the order `n - 1`,
 * turned; that by `n` is 0. At 0 it is `1 / (n - 1)`, where JAX 0.10.2 gives `1 / n`.
 *
 * Within 16 units in the last place.
 *
 * @param n The orders, whole numbers.
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.expn(np.array([1, 2, 3]), 0).toArray()); // [ Infinity, 1, 0.5 ]
 * ```
 */
export function expn(n: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("expn(n, x)", arguments);
  return applyNamed("expn", integral, n, x, floatOr32);
}

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
  return bessel.i0(asFloat("i0", x));
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

// ---------------------------------------------------------------- of whole orders

/** Options of {@linkcode besselJn}. */
export interface BesselJnOptions {
  /** The steps of the recurrence, 50 where left out. They must be more than the size of `z`. */
  readonly nIter?: number | undefined;
}

const besselOptions: OptionTable<BesselJnOptions> = { nIter: "count" };

/**
 * Functions of the orders 0 to `v`, `[v + 1, ...]`, by J. C. P. Miller's recurrence. It is that of
 * g_k = k! (2 / z)^k J_k, which neither overflow nor divide by z:
 *
 *     g_(k - 1) = g_k - (z / 2)^2 / (k (k + 1)) g_(k + 1),    J_0 + 2 J_2 + 2 J_4 + ... = 1
 */
function orders(z: NDArray, v: number, steps: number): NDArray {
  const number = (value: number): NDArray => scalarLike(value, z);
  const half = mul(z, number(0.5)), square = mul(half, half);
  const first = Math.max(steps, v + 1);
  const values: NDArray[] = [];
  let [next, here] = [number(1), add(mul(z, number(0)), number(1))];
  values[first] = here;
  for (let k = first; k > 0; k--) {
    const before = sub(here, mul(mul(square, number(1 / (k * (k + 1)))), next));
    [next, here] = [here, before];
    values[k - 1] = here;
  }
  // (z / 2)^k / k!
  let power = add(mul(z, number(0)), number(1));
  let total: NDArray = values[0]!;
  const found: NDArray[] = [total];
  for (let k = 1; k <= first; k++) {
    power = mul(power, mul(half, number(1 / k)));
    const value = mul(power, values[k]!);
    if (k <= v) found.push(value);
    if (k % 2 === 0) total = add(total, mul(number(2), value));
  }
  const rows = found.map((x) => reshape(div(x, total), [1, ...z.shape]));
  return concatenate(rows, 0);
}

/**
 * Bessel functions of the first kind of the orders 0 to `v`, `[v + 1, ...]`, as
 * `jax.scipy.special.bessel_jn`, by a recurrence of `nIter` steps.
 *
 * Within 4 units in the last place of 1 where `|z|` is at most 20; numbers that are larger ask for more
 * steps.
 *
 * @param v The highest order, an integer.
 * @throws {RangeError} where `v` or `nIter` is not an integer from 0 on.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.besselJn(0, 2).toArray()); // [ 1, 0, 0 ]
 * ```
 */
export function besselJn(z: Operand, v: number, options: BesselJnOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("besselJn(z, v, options)", arguments, besselOptions);
  }
  const steps = checkCount("besselJn", "nIter", options.nIter ?? 50);
  return orders(asFloat("besselJn", z, "z"), checkCount("besselJn", "v", v), steps);
}
