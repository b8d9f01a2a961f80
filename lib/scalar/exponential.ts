/**
 * What accurate functions are put together from: polynomials, sums and products with their rounding
 * errors, powers of two. Works in `f32` and `f64` alike.
 *
 * Sources: T. J. Dekker, A floating-point technique for extending the available precision, Numer.
 * Math. 18 (1971); D. E. Knuth, The Art of Computer Programming 2, section 4.2.2.
 *
 * The parts that exponentials are made of: arguments reduced, and exponentials of arguments with
 * more digits than a float has.
 *
 * x = n log 2 + r with |r| <= log(2) / 2, and e^x = 2^n e^r (W. J. Cody and W. Waite, Software
 * Manual for the Elementary Functions, 1980). Polynomials for `f32` are those of Cephes (S.
 * Moshier, expf); those for `f64` are minimax, with an error below 2^-58.
 *
 * The parts that logarithms are made of.
 *
 * x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and with s = f / (2 + f), log(1 + f) =
 * 2 artanh(s). Method and coefficients are those of FreeBSD's msun (K. C. Ng, e_log.c, s_log1p.c,
 * e_logf.c).
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

// (log(1 + f) - 2 s) / s as a polynomial in s^2 without constant term, highest coefficient first.
const LOG_DOUBLE = [
  1.479819860511658591e-01,
  1.531383769920937332e-01,
  1.818357216161805012e-01,
  2.222219843214978396e-01,
  2.857142874366239149e-01,
  3.999999999940941908e-01,
  6.666666666666735130e-01,
];
const LOG_SINGLE = [0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693];

/** Bits of sqrt(1/2): of an `f64` the upper word, and of an `f32`. */
const ROOT_DOUBLE = 0x3fe6a09e;
const ROOT_SINGLE = 0x3f3504f3;

/** x = 2^k m with m between sqrt(1/2) and sqrt(2). */
export interface Split {
  /** The exponent, `i32`. */
  readonly k: Expr;
  /** The number from sqrt(1/2) to sqrt(2). */
  readonly m: Expr;
}

/** Splits a positive normal number, an `f64` up to 2^1022. */
export function split(e: Exprs, x: Expr): Split {
  if (x.ty === "f64") {
    const word = e.add(e.high(x), 0x3ff00000 - ROOT_DOUBLE);
    const k = e.sub(e.shr(word, 20), 1023);
    return { k, m: e.mul(x, powerOfTwo(e, e.sub(0, k), "f64")) };
  }
  const word = e.add(e.bits(x), 0x3f800000 - ROOT_SINGLE);
  const mantissa = e.add(e.and(word, 0x7fffff), ROOT_SINGLE);
  return { k: e.sub(e.shr(word, 23), 127), m: e.fromBits(mantissa) };
}

/** `k log(2) + log(1 + f) + more`. */
function assemble(e: Exprs, k: Expr, f: Expr, more?: Expr): Expr {
  const wide = f.ty === "f64";
  const half = e.mul(e.mul(f, 0.5), f);
  const s = e.div(f, e.add(f, 2));
  const z = e.mul(s, s);
  const series = e.mul(z, polynomial(e, z, wide ? LOG_DOUBLE : LOG_SINGLE));
  let low = e.mul(k, wide ? 1.90821492927058770002e-10 : 9.0580006145e-06);
  if (more !== undefined) low = e.add(low, more);
  const small = e.sub(half, e.add(e.mul(s, e.add(half, series)), low));
  const high = e.mul(k, wide ? 6.93147180369123816490e-01 : 6.9313812256e-01);
  return e.sub(high, e.sub(small, f));
}

/** As {@linkcode split}, of any positive number. */
export function splitAny(e: Exprs, x: Expr): Split {
  const wide = x.ty === "f64";
  const tiny = e.lt(x, wide ? 2 ** -1000 : 2 ** -126);
  // The smallest numbers are lifted to normal ones; the largest `f64` would have no reciprocal
  // power.
  const [up, down] = wide ? [60, -2] : [25, 0];
  const lifted = e.mul(x, e.select(tiny, e.constant(2 ** up, x.ty), 2 ** down));
  const { k, m } = split(e, lifted);
  return { k: e.sub(k, e.select(tiny, e.constant(up, "i32"), down)), m };
}

/** `y` where `x` is positive and finite, and what a logarithm is elsewhere. */
function outside(e: Exprs, x: Expr, y: Expr): Expr {
  // Infinity and NaN stay.
  const beyond = e.select(e.lt(x, 0), NaN, x);
  const odd = e.not(e.and(e.gt(x, 0), e.lt(x, Infinity)));
  return e.select(odd, e.select(e.eq(x, 0), -Infinity, beyond), y);
}

/** The logarithm of any number. */
export function logarithm(e: Exprs, x: Expr): Expr {
  return outside(e, x, logarithmOfPositive(e, x));
}

/** The logarithm of a positive finite number. */
export function logarithmOfPositive(e: Exprs, x: Expr): Expr {
  const { k, m } = splitAny(e, x);
  return assemble(e, e.convert(k, x.ty), e.sub(m, 1));
}

/** `log(1 + high + low)` for an `f64` pair; 0 for -0. */
export function log1pOfPair(e: Exprs, { high: x, low }: Pair): Expr {
  const u = e.add(x, 1);
  // What rounding 1 + x lost.
  const lost = e.select(e.lt(u, 2), e.sub(x, e.sub(u, 1)), e.sub(1, e.sub(u, x)));
  const { k, m } = split(e, e.mul(u, 0.25));
  // Near 0, x itself has more digits than 1 + x - 1.
  const near = e.eq(k, -2);
  const f = e.select(near, x, e.sub(m, 1));
  const more = e.div(e.select(near, low, e.add(lost, low)), u);
  return outside(e, u, assemble(e, e.convert(e.add(k, 2), "f64"), f, more));
}
