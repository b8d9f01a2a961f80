/**
 * The parts that logarithms are made of.
 *
 * x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and with s = f / (2 + f), log(1 + f) =
 * 2 artanh(s). Method and coefficients are those of FreeBSD's msun (K. C. Ng, e_log.c, s_log1p.c,
 * e_logf.c).
 *
 * @module
 */
import { type Pair, polynomial, powerOfTwo } from "./algebra.ts";
import type { Expr, Exprs } from "./expr.ts";

// (log(1 + f) - 2 s) / s as a polynomial in s^2 without constant term, highest coefficient first.
const DOUBLE = [
  1.479819860511658591e-01,
  1.531383769920937332e-01,
  1.818357216161805012e-01,
  2.222219843214978396e-01,
  2.857142874366239149e-01,
  3.999999999940941908e-01,
  6.666666666666735130e-01,
];
const SINGLE = [0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693];

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
  const series = e.mul(z, polynomial(e, z, wide ? DOUBLE : SINGLE));
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
