/**
 * What accurate functions are put together from: polynomials, sums and products with their rounding
 * errors, powers of two. Works in `f32` and `f64` alike.
 *
 * Sources: T. J. Dekker, A floating-point technique for extending the available precision, Numer.
 * Math. 18 (1971); D. E. Knuth, The Art of Computer Programming 2, section 4.2.2.
 *
 * @module
 */
import type { Expr, Exprs } from "./expr.ts";

/** The unevaluated sum of two floats, of which the second is a correction. */
export interface Pair {
  /** The sum, rounded. */
  readonly high: Expr;
  /** What rounding lost. */
  readonly low: Expr;
}

/** A polynomial; the highest coefficient first. */
export function polynomial(e: Exprs, x: Expr, coefficients: readonly number[]): Expr {
  let y = e.constant(coefficients[0]!, x.ty);
  for (const c of coefficients.slice(1)) y = e.add(e.mul(y, x), c);
  return y;
}

/** `x + y` exactly. */
export function twoSum(e: Exprs, x: Expr, y: Expr): Pair {
  const high = e.add(x, y);
  const part = e.sub(high, x);
  return { high, low: e.add(e.sub(x, e.sub(high, part)), e.sub(y, part)) };
}

/** `x + y` exactly, where `|x| >= |y|` or `x` is 0. */
export function fastTwoSum(e: Exprs, x: Expr, y: Expr): Pair {
  const high = e.add(x, y);
  return { high, low: e.sub(y, e.sub(high, x)) };
}

/** The upper half of the digits of `x`, so that products of halves are exact; `f64` below 2^996. */
export function upperHalf(e: Exprs, x: Expr): Expr {
  if (x.ty === "f32") return e.fromBits(e.and(e.bits(x), 0xfffff000 | 0));
  const scaled = e.mul(x, 134217729);
  return e.sub(scaled, e.sub(scaled, x));
}

/** `x y` exactly, where nothing underflows. */
export function twoProduct(e: Exprs, x: Expr, y: Expr): Pair {
  const high = e.mul(x, y);
  const a = upperHalf(e, x), b = x === y ? a : upperHalf(e, y);
  const c = e.sub(x, a), d = x === y ? c : e.sub(y, b);
  const cross = e.add(e.sub(e.mul(a, b), high), e.mul(a, d));
  return { high, low: e.add(e.add(cross, e.mul(c, b)), e.mul(c, d)) };
}

/** `2^n` for an `i32` n of a normal result. */
export function powerOfTwo(e: Exprs, n: Expr, ty: "f32" | "f64"): Expr {
  return ty === "f64"
    ? e.fromWords(e.shl(e.add(n, 1023), 20), e.constant(0, "i32"))
    : e.fromBits(e.shl(e.add(n, 127), 23));
}

/** `x 2^n` with one rounding, for n that one power of two does not hold, up to twice as far. */
export function scaled(e: Exprs, x: Expr, n: Expr): Expr {
  const ty = x.ty as "f32" | "f64";
  const half = e.shr(n, 1);
  return e.mul(e.mul(x, powerOfTwo(e, half, ty)), powerOfTwo(e, e.sub(n, half), ty));
}

/** The nearest integer to a number below 2^21 (2^50), as a float and as `i32`. */
export function nearestInteger(e: Exprs, x: Expr): { readonly float: Expr; readonly int: Expr } {
  const { float, last } = lastBits(e, x);
  return { float, int: x.ty === "f64" ? last : e.sub(last, 0x4b400000) };
}

/** The nearest integer, and an `i32` that has its last 21 bits. */
export function lastBits(e: Exprs, x: Expr): { readonly float: Expr; readonly last: Expr } {
  // The sum with 1.5 2^23 (2^52) has the integer in its last bits.
  const magic = x.ty === "f64" ? 6755399441055744 : 12582912;
  const sum = e.add(x, magic);
  return { float: e.sub(sum, magic), last: x.ty === "f64" ? e.low(sum) : e.bits(sum) };
}

/** `y`, which is not negative and 0 only where `x` is, with the sign of `x`. */
export function withSign(e: Exprs, y: Expr, x: Expr): Expr {
  if (x.ty === "f32") return e.fromBits(e.or(e.bits(y), e.and(e.bits(x), -0x80000000)));
  return e.select(e.eq(x, 0), x, e.select(e.lt(x, 0), e.neg(y), y));
}

/** A function of `f64` for both types: of `f32`, rounded once at the end. */
export function inDouble(f: (e: Exprs, x: Expr) => Expr): (e: Exprs, x: Expr) => Expr {
  return (e, x) => x.ty === "f32" ? e.convert(f(e, e.convert(x, "f64")), "f32") : f(e, x);
}
