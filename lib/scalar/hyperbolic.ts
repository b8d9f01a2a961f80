/**
 * Hyperbolic functions and their inverses.
 *
 * @module
 */
import { polynomial, withSign } from "./algebra.ts";
import { exp, halfExpm1 } from "./exp.ts";
import type { Expr, Exprs } from "./expr.ts";

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
    const near = e.add(e.mul(e.mul(z, polynomial(e, z, TANH)), x), x);
    const far = e.sub(1, e.div(2, e.add(exp(e, e.add(a, a)), 1)));
    return e.select(e.lt(a, 0.625), near, e.select(e.lt(x, 0), e.neg(far), far));
  }
  // With h = (e^2a - 1) / 2: tanh(a) = h / (h + 1).
  const { high, low } = halfExpm1(e, e.min(e.add(a, a), 44));
  const below = e.add(high, 1);
  const q = e.div(high, below);
  // What rounding the denominator lost, and the low part of both.
  const lost = e.add(e.sub(high, e.sub(below, 1)), low);
  const y = e.add(q, e.div(e.sub(low, e.mul(q, lost)), below));
  return withSign(e, e.select(e.lt(a, 2 ** -28), a, y), x);
}
