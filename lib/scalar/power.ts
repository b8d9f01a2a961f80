/**
 * Powers: of floats by the logarithm in double the precision, of integers by squaring.
 *
 * @module
 */
import { fastTwoSum, type Pair, polynomial, twoProduct, twoSum } from "./algebra.ts";
import { POWER_BITS } from "./constants.ts";
import { exp } from "./exp.ts";
import { expOfPair } from "./exponential.ts";
import type { Expr, Exprs } from "./expr.ts";
import { logarithmOfPositive, splitAny } from "./logarithm.ts";

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
