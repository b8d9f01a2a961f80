/**
 * Hyperbolic functions and their inverses, of exponentials and logarithms whose arguments keep
 * their rounding errors. Those of `f32` are computed as `f64`, but for the tangent.
 *
 * @module
 */
import { inDouble, polynomial, twoSum, withSign } from "./algebra.ts";
import { exp } from "./exp.ts";
import { expOfPair, halfExpm1 } from "./exponential.ts";
import type { Expr, Exprs } from "./expr.ts";
import { log } from "./log.ts";
import { log1pOfPair } from "./logarithm.ts";

/** (tanh(x) - x) / x^3 in x^2, for `f32` below 5/8; from Cephes (S. Moshier, tanhf.c). */
const TANH = [
  -5.70498872745e-3,
  2.06390887954e-2,
  -5.37397155531e-2,
  1.33314422036e-1,
  -3.33332819422e-1,
];

/** The hyperbolic tangent. */
export function tanh(e: Exprs, x: Expr): Expr {
  const a = e.abs(x);
  if (x.ty === "f32") {
    const z = e.mul(x, x);
    const near = e.add(e.mul(e.mul(z, polynomial(e, z, TANH)), a), a);
    const far = e.sub(1, e.div(2, e.add(exp(e, e.add(a, a)), 1)));
    return withSign(e, e.select(e.lt(a, 0.625), near, far), x);
  }
  // With h = (e^2a - 1) / 2: tanh(a) = h / (h + 1).
  const { high, low } = halfExpm1(e, e.atMost(e.add(a, a), 44));
  const below = e.add(high, 1);
  const q = e.div(high, below);
  // What rounding the denominator lost, and the low part of both.
  const lost = e.add(e.sub(high, e.sub(below, 1)), low);
  const y = e.add(q, e.div(e.sub(low, e.mul(q, lost)), below));
  return withSign(e, e.select(e.lt(a, 2 ** -28), a, y), x);
}

/** The hyperbolic sine. */
export const sinh: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x);
  // With h = (e^a - 1) / 2: sinh(a) = h + h / (2 h + 1), and e^a / 2 where that is as good.
  const { high, low } = halfExpm1(e, e.atMost(a, 40));
  const quotient = e.div(high, e.add(e.mul(high, 2), 1));
  const near = e.add(high, e.add(quotient, e.mul(low, 2)));
  const far = expOfPair(e, { high: a, low: e.constant(0, "f64") }, -1);
  const y = e.select(e.lt(a, 2 ** -28), a, e.select(e.lt(a, 40), near, far));
  return withSign(e, y, x);
});

/** The hyperbolic cosine. */
export const cosh: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const half = expOfPair(e, { high: e.abs(x), low: e.constant(0, "f64") }, -1);
  return e.add(half, e.div(0.25, half));
});

/** The inverse hyperbolic sine. */
export const asinh: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x);
  // log1p(a + a^2 / (1 + sqrt(1 + a^2))), and log(2 a) where that is as good.
  const bounded = e.atMost(a, 2 ** 30);
  const square = e.mul(bounded, bounded);
  const more = e.div(square, e.add(e.sqrt(e.add(square, 1)), 1));
  const near = log1pOfPair(e, twoSum(e, bounded, more));
  const far = e.add(log(e, a), Math.LN2);
  const y = e.select(e.lt(a, 2 ** 30), near, far);
  return withSign(e, e.select(e.lt(a, 2 ** -28), a, y), x);
});

/** The inverse hyperbolic cosine. */
export const acosh: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const t = e.sub(e.atMost(x, 2 ** 30), 1);
  const near = log1pOfPair(e, twoSum(e, t, e.sqrt(e.mul(t, e.add(t, 2)))));
  const far = e.add(log(e, x), Math.LN2);
  return e.select(e.lt(x, 1), NaN, e.select(e.lt(x, 2 ** 30), near, far));
});

/** The inverse hyperbolic tangent. */
export const atanh: (e: Exprs, x: Expr) => Expr = /* @__PURE__ */ inDouble((e, x) => {
  const a = e.abs(x);
  // log1p(2 a / (1 - a)) / 2 = log1p(2 a + 2 a^2 / (1 - a)) / 2
  const double = e.add(a, a);
  const more = e.div(e.mul(double, a), e.sub(1, a));
  const y = e.mul(log1pOfPair(e, twoSum(e, double, more)), 0.5);
  const limit = e.select(e.eq(a, 1), e.constant(Infinity, "f64"), NaN);
  const value = e.select(e.lt(a, 1), y, limit);
  return withSign(e, e.select(e.lt(a, 2 ** -28), a, value), x);
});
