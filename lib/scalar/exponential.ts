/**
 * The parts that exponentials are made of: arguments reduced, and exponentials of arguments with
 * more digits than a float has.
 *
 * x = n log 2 + r with |r| <= log(2) / 2, and e^x = 2^n e^r (W. J. Cody and W. Waite, Software
 * Manual for the Elementary Functions, 1980). Polynomials for `f32` are those of Cephes (S.
 * Moshier, expf); those for `f64` are minimax, with an error below 2^-58.
 *
 * @module
 */
import {
  fastTwoSum,
  nearestInteger,
  type Pair,
  polynomial,
  powerOfTwo,
  scaled,
  twoSum,
} from "./algebra.ts";
import type { Expr, Exprs } from "./expr.ts";

// (e^r - 1 - r) / r^2, highest coefficient first.
const SINGLE = [
  1.9875691500e-4,
  1.3981999507e-3,
  8.3334519073e-3,
  4.1665795894e-2,
  1.6666665459e-1,
  5.0000001201e-1,
];
const DOUBLE = [
  2.5117891228788696e-08,
  2.763133968147535e-07,
  2.755721620371138e-06,
  2.4801489785918398e-05,
  0.00019841269917496852,
  0.001388888894715602,
  0.00833333333330715,
  0.04166666666651493,
  0.166666666666667,
  0.5000000000000013,
];

/** e^x = 2^n (1 + r + rest). */
export interface ReducedExponent {
  /** The power of two, `i32`. */
  readonly n: Expr;
  /** In [-0.35, 0.35], rounded. */
  readonly r: Expr;
  /** r^2 / 2 + ..., and what rounding r lost. */
  readonly rest: Expr;
}

/** `more` is added to `x`, of which it is a correction. */
export function reduceExponent(e: Exprs, x: Expr, precise: boolean, more?: Expr): ReducedExponent {
  const wide = x.ty === "f64";
  const { float, int: n } = nearestInteger(e, e.mul(x, Math.LOG2E));
  // The first part of log 2 has so few digits that its product is exact.
  const high = e.sub(x, e.mul(float, wide ? 6.93147180369123816490e-01 : 0.693359375));
  let low = e.mul(float, wide ? 1.90821492927058770002e-10 : -2.12194440e-4);
  if (more !== undefined) low = e.sub(low, more);
  const r = e.sub(high, low);
  const rest = e.mul(e.mul(r, r), polynomial(e, r, wide ? DOUBLE : SINGLE));
  return { n, r, rest: precise ? e.add(rest, e.sub(e.sub(high, r), low)) : rest };
}

/** Bounds beyond which e^x is 0 or, of `f64` its half too, infinite. NaN passes. */
export function boundedExponent(e: Exprs, x: Expr): Expr {
  return x.ty === "f64" ? e.atMost(e.atLeast(x, -746), 711) : e.atMost(e.atLeast(x, -104), 89);
}

/** e^x of a reduced argument. */
export function exponential(e: Exprs, { n, r, rest }: ReducedExponent): Expr {
  return scaled(e, e.add(e.add(r, rest), 1), n);
}

/**
 * `2^k e^(high + low)` where `low` is a correction: for what has an exponential with an argument of more
 * digits than a float has. `k` is small.
 */
export function expOfPair(e: Exprs, { high, low }: Pair, k = 0): Expr {
  const { n, r, rest } = reduceExponent(e, boundedExponent(e, high), true, low);
  return scaled(e, e.add(e.add(r, rest), 1), k === 0 ? n : e.add(n, k));
}

/** `(e^x - 1) / 2` with its rounding error, for `f64` up to where e^x overflows and from -40. */
export function halfExpm1(e: Exprs, x: Expr): Pair {
  const { n, r, rest } = reduceExponent(e, x, true);
  // 2^n (1 + r + rest) - 1 = (2^n - 1) + 2^n r + 2^n rest, halved so that 2^n is finite.
  const power = powerOfTwo(e, e.sub(n, 1), "f64");
  const whole = e.sub(power, 0.5);
  const sum = twoSum(e, whole, e.mul(power, r));
  return fastTwoSum(e, sum.high, e.add(sum.low, e.mul(power, rest)));
}
