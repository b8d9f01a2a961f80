/**
 * Exponentials: exp, expm1 and the logistic function.
 *
 * Hyperbolic functions and their inverses, of exponentials and logarithms whose arguments keep
 * their rounding errors. Those of `f32` are computed as `f64`, but for the tangent.
 *
 * Logarithms: log and log1p.
 *
 * Powers: of floats by the logarithm in double the precision, of integers by squaring.
 *
 * Sums whose parts are computed to more digits than the result has: x y + z with one rounding, and
 * the logarithm of a sum of exponentials.
 *
 * @module
 */
import {
  boundedExponent,
  expOfPair,
  exponential,
  fastTwoSum,
  halfExpm1,
  inDouble,
  log1pOfPair,
  logarithm,
  logarithmOfPositive,
  type Pair,
  polynomial,
  reduceExponent,
  splitAny,
  twoProduct,
  twoSum,
  withSign,
} from "./exponential.ts";
import { POWER_BITS } from "./constants.ts";
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

/**
 * 1 / (2 i + 5) in z: (artanh(s) / s - 1 - z / 3) / z^2 with z = s^2, highest coefficient first.
 */
const ARTANH = Array.from({ length: 11 }, (_, i) => 1 / (2 * (10 - i) + 5));

/** 1 / 3 in two parts. */
const THIRD = 1 / 3;
const THIRD_LOW = 1.8503717077085942e-17;

/** The logarithm of a positive `f64` as a pair, with a relative error of about 2^-64. */
function logPair(e: Exprs, x: Expr): Pair {
  const { k, m } = splitAny(e, x);
  // s = (m - 1) / (m + 1), and what the division lost.
  const f = e.sub(m, 1);
  const below = twoSum(e, m, e.constant(1, "f64"));
  const s = e.div(f, below.high);
  const back = twoProduct(e, s, below.high);
  const rest = e.sub(e.sub(e.sub(f, back.high), back.low), e.mul(s, below.low));
  const sLow = e.div(rest, below.high);
  // z = s^2
  const square = twoProduct(e, s, s);
  const z = square.high;
  const zLow = e.add(square.low, e.mul(e.mul(s, sLow), 2));
  // log(m) = 2 s (1 + z / 3 + z^2 (1 / 5 + ...))
  const third = twoProduct(e, z, e.constant(THIRD, "f64"));
  const thirdLow = e.add(third.low, e.add(e.mul(z, THIRD_LOW), e.mul(zLow, THIRD)));
  const q = fastTwoSum(e, third.high, e.mul(e.mul(z, z), polynomial(e, z, ARTANH)));
  const qLow = e.add(q.low, thirdLow);
  const term = twoProduct(e, s, q.high);
  const termLow = e.add(term.low, e.add(e.mul(s, qLow), e.mul(sLow, q.high)));
  const half = fastTwoSum(e, s, term.high);
  const halfLow = e.add(half.low, e.add(termLow, sLow));
  // Times 2, and the part of the exponent, whose first product is exact.
  const power = e.convert(k, "f64");
  const sum = twoSum(e, e.mul(power, 6.93147180369123816490e-01), e.mul(half.high, 2));
  const low = e.add(e.mul(power, 1.90821492927058770002e-10), e.mul(halfLow, 2));
  return fastTwoSum(e, sum.high, e.add(sum.low, low));
}

/** Exponents beyond lead to 0, 1 or infinity like this one. */
const LARGE = 2 ** 66;

/** `|x|^y` where x is positive and finite. */
function positivePower(e: Exprs, x: Expr, y: Expr): Expr {
  if (x.ty === "f32") {
    const product = e.mul(e.convert(y, "f64"), logarithmOfPositive(e, e.convert(x, "f64")));
    return e.convert(exp(e, product), "f32");
  }
  const { high, low } = logPair(e, x);
  const product = twoProduct(e, y, high);
  // Beyond where powers overflow the low part may be large.
  const more = e.select(e.lt(e.abs(product.high), 1000), e.add(product.low, e.mul(y, low)), 0);
  return expOfPair(e, { high: product.high, low: more });
}

/**
 * `x^y` of floats as IEEE 754 has it: 1 for `y` = 0, for `x` = 1, and for -1 to an infinite power.
 */
export function pow(e: Exprs, x: Expr, y: Expr): Expr {
  const a = e.abs(x);
  const usual = positivePower(e, a, e.atMost(e.atLeast(y, -LARGE), LARGE));
  const infinity = e.constant(Infinity, x.ty);
  const grows = e.xor(e.eq(a, 0), e.gt(y, 0));
  const limit = e.select(grows, infinity, 0);
  const atLimit = e.or(e.eq(a, 0), e.eq(a, Infinity));
  // NaN stays.
  const special = e.select(e.and(atLimit, e.eq(y, y)), limit, e.add(a, y));
  const ordinary = e.and(e.gt(a, 0), e.lt(a, Infinity));
  const size = e.select(ordinary, usual, special);
  const integer = e.eq(e.trunc(y), y);
  const half = e.mul(y, 0.5);
  const odd = e.and(integer, e.ne(e.trunc(half), half));
  const negative = e.lt(e.or(signBits(e, x), 1), 0);
  const root = e.and(e.lt(x, 0), e.and(ordinary, e.not(integer)));
  const value = e.select(root, NaN, e.select(e.and(negative, odd), e.neg(size), size));
  return e.select(e.or(e.eq(x, 1), e.eq(y, 0)), 1, value);
}

/** An `i32` with the sign of a float, of zeros too. */
function signBits(e: Exprs, x: Expr): Expr {
  return x.ty === "f64" ? e.high(x) : e.bits(x);
}

/** Powers of integers by squaring, modulo 2^32, as `jnp.power` computes them. */
export function powInteger(e: Exprs, x: Expr, y: Expr): Expr {
  const one = e.constant(1, x.ty);
  let result = one, base = x;
  for (let bit = 0; bit < POWER_BITS; bit++) {
    const set = e.ne(e.and(y, 2 ** bit), 0);
    result = e.mul(result, e.select(set, base, 1));
    if (bit < POWER_BITS - 1) base = e.mul(base, base);
  }
  return e.select(e.eq(x, 0), e.select(e.eq(y, 0), one, 0), result);
}

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
