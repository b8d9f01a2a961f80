/**
 * The inverse of the error function.
 *
 * @module
 */
import { polynomial } from "./algebra.ts";
import { INVERSE_DOUBLE, INVERSE_SINGLE } from "./constants.ts";
import type { Expr, Exprs } from "./expr.ts";
import { log } from "./log.ts";

/**
 * The inverse of the error function: infinite at -1 and 1, NaN beyond. Of `f32`, with x^2 rounded
 * as in XLA, so that normal random numbers agree with JAX's far out too.
 */
export function erfInv(e: Exprs, x: Expr): Expr {
  const wide = x.ty === "f64";
  const rest = wide ? e.mul(e.sub(1, x), e.add(x, 1)) : e.sub(1, e.mul(x, x));
  const w = e.neg(log(e, rest));
  const root = e.sqrt(w);
  const pieces = wide ? INVERSE_DOUBLE : INVERSE_SINGLE;
  const values = pieces.map(({ shift, coefficients }, i) =>
    polynomial(e, e.sub(i === 0 ? w : root, shift), coefficients)
  );
  let value = values.at(-1)!;
  for (let i = pieces.length - 2; i >= 0; i--) {
    value = e.select(e.lt(w, pieces[i]!.below), values[i]!, value);
  }
  // At |x| = 1, w is infinite and the polynomial may be NaN.
  return e.mul(x, e.select(e.eq(e.abs(x), 1), Infinity, value));
}
