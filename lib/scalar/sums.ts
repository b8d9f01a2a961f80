/**
 * Sums whose parts are computed to more digits than the result has: x y + z with one rounding, and
 * the logarithm of a sum of exponentials.
 *
 * @module
 */
import { twoProduct, twoSum } from "./algebra.ts";
import { exp } from "./exp.ts";
import type { Expr, Exprs } from "./expr.ts";
import { log1p } from "./log.ts";

/** `x y + z` with one rounding. */
export function mulAdd(e: Exprs, x: Expr, y: Expr, z: Expr): Expr {
  if (x.ty === "f32") {
    // Products are exact in double precision, and so is the sum in all but 2^-29 of cases.
    const [a, b, c] = [x, y, z].map((v) => e.convert(v, "f64")) as [Expr, Expr, Expr];
    return e.convert(e.add(e.mul(a, b), c), "f32");
  }
  // The rounding errors of product and sum are exact, and added at last.
  const product = twoProduct(e, x, y);
  const sum = twoSum(e, product.high, z);
  const lost = e.add(product.low, sum.low);
  // Nothing is lost of -0, and the errors of what is not finite are NaN.
  return e.select(e.gt(e.abs(lost), 0), e.add(sum.high, lost), sum.high);
}

/** `log(e^x + e^y)` without overflow. */
export function logaddexp(e: Exprs, x: Expr, y: Expr): Expr {
  if (x.ty === "f32") {
    return e.convert(logaddexp(e, e.convert(x, "f64"), e.convert(y, "f64")), "f32");
  }
  const apart = e.sub(x, y);
  const most = e.select(e.gt(apart, 0), x, y);
  const sum = e.add(most, log1p(e, exp(e, e.neg(e.abs(apart)))));
  // Infinities of one sign have no distance.
  return e.select(e.eq(apart, apart), sum, e.add(x, y));
}
