/**
 * Logarithms: log and log1p.
 *
 * @module
 */
import type { Expr, Exprs } from "./expr.ts";
import { log1pOfPair, logarithm } from "./logarithm.ts";

/** The natural logarithm. */
export function log(e: Exprs, x: Expr): Expr {
  return logarithm(e, x);
}

/** `log(1 + x)`, with all digits near 0. */
export function log1p(e: Exprs, x: Expr): Expr {
  if (x.ty === "f32") return e.convert(log1p(e, e.convert(x, "f64")), "f32");
  const y = log1pOfPair(e, { high: x, low: e.constant(0, "f64") });
  // The sum has no -0, and squares of the smallest numbers are not needed.
  return e.select(e.lt(e.abs(x), 2 ** -54), x, y);
}
