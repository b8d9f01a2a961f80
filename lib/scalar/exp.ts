/**
 * Exponentials: exp, expm1 and the logistic function.
 *
 * @module
 */
import { boundedExponent, exponential, halfExpm1, reduceExponent } from "./exponential.ts";
import type { Expr, Exprs } from "./expr.ts";

/** `e^x`. */
export function exp(e: Exprs, x: Expr): Expr {
  return exponential(e, reduceExponent(e, boundedExponent(e, x), false));
}

/** `e^x - 1`, with all digits near 0. */
export function expm1(e: Exprs, x: Expr): Expr {
  if (x.ty === "f32") return e.convert(expm1(e, e.convert(x, "f64")), "f32");
  const y = e.mul(halfExpm1(e, e.atMost(e.atLeast(x, -40), 710)).high, 2);
  // Halves of the smallest numbers would be rounded, and the sum has no -0.
  return e.select(e.lt(e.abs(x), 2 ** -54), x, y);
}

/** `1 / (1 + e^-x)`. */
export function logistic(e: Exprs, x: Expr): Expr {
  // Exponentials of positive numbers would overflow before the result underflows.
  const power = exp(e, e.neg(e.abs(x)));
  const below = e.add(power, 1);
  const y = e.div(e.select(e.lt(x, 0), power, 1), below);
  // What rounding the denominator lost, divided by it: its reciprocal need not be known well.
  const lost = e.mul(e.sub(power, e.sub(below, 1)), e.sub(1.457, e.mul(below, 0.5)));
  return e.sub(y, e.mul(y, lost));
}
