/**
 * Quotients of gamma functions whose logarithms nearly cancel: the beta function's logarithm, binomial
 * coefficients, rising factorials; and the incomplete beta function.
 *
 * Sources: NIST Digital Library of Mathematical Functions, 5.11, 5.12; A. R. DiDonato, A. H. Morris,
 * Algorithm 708, ACM TOMS 18 (1992), for how large arguments are put together.
 *
 * @module
 */
import { type Arithmetic, type Formula, Part, polynomialOf } from "./arithmetic.ts";
import { derivative } from "./dual.ts";
import { gamma, gammasgn, HALF_LOG_TWO_PI, lgamma } from "./gamma.ts";
import { STIRLING } from "./gamma_tables.ts";

/** Where Stirling's expansion begins. */
const FAR = 8;
/** `exp(FAR)`. */
const EXP_FAR = 2980.9579870417283;

/** What Stirling's formula for log(Gamma(x)) lacks, from 8. */
export function stirlingRest<V>(m: Arithmetic<V>, x: V): V {
  const r = m.div(1, x);
  return m.mul(r, polynomialOf(m, m.mul(r, r), STIRLING));
}

/** `log(|B(a, b)|)`, the logarithm of the beta function. */
export function betaln<V>(m: Arithmetic<V>, a: V, b: V): V {
  const swap = m.less(b, a);
  const p = m.where(swap, b, a), q = m.where(swap, a, b);
  const s = m.add(p, q);
  const small = m.or(m.less(q, FAR), m.not(m.less(0, p)));
  const own = lgamma(m, p);
  const plain = m.add(own, m.sub(lgamma(m, q), lgamma(m, s)));
  // The logarithms of p and q's powers by the quotient h = p / q.
  const h = m.div(p, q);
  const spread = m.log1p(h);
  const rest = m.sub(stirlingRest(m, q), stirlingRest(m, s));
  // log(Gamma(q) / Gamma(p + q))
  const logarithm = m.log(q);
  const ratio = m.sub(
    m.sub(rest, m.mul(p, m.sub(logarithm, 1))),
    m.mul(m.sub(s, 0.5), spread),
  );
  const most = m.log(m.div(h, m.add(h, 1)));
  const both = m.sub(
    m.add(
      m.sub(HALF_LOG_TWO_PI, m.mul(logarithm, 0.5)),
      m.add(stirlingRest(m, p), rest),
    ),
    m.sub(m.mul(q, spread), m.mul(m.sub(p, 0.5), most)),
  );
  const large = m.where(m.less(p, FAR), m.add(own, ratio), both);
  const finite = m.where(m.equal(q, Infinity), m.where(m.less(0, p), -Infinity, NaN), large);
  return m.where(m.equal(s, s), m.where(small, plain, finite), s);
}

/** Binomial coefficients `Gamma(n + 1) / (Gamma(k + 1) Gamma(n - k + 1))` of real numbers. */
export function binom<V>(m: Arithmetic<V>, n: V, k: V): V {
  const a = m.add(k, 1), b = m.add(m.sub(n, k), 1), c = m.add(n, 1);
  // 1 / ((n + 1) B(k + 1, n - k + 1))
  const size = m.exp(m.neg(m.add(betaln(m, a, b), m.log(m.abs(c)))));
  const sign = m.mul(m.mul(gammasgn(m, a), gammasgn(m, b)), gammasgn(m, c));
  const value = m.mul(size, sign);
  // Of whole numbers it is whole, and known well enough to say which.
  const whole = m.and(m.equal(m.floor(n), n), m.equal(m.floor(k), k));
  const known = m.less(m.abs(value), m.digits === 53 ? 2 ** 42 : 2 ** 16);
  return m.where(m.and(whole, known), m.nearest(value), value);
}

/** Rising factorials `Gamma(z + n) / Gamma(z)`; 1 for `n` = 0. */
export function poch<V>(m: Arithmetic<V>, z: V, n: V): V {
  const s = m.add(z, n);
  const most = m.digits === 53 ? 150 : 30;
  const small = m.and(m.less(z, most), m.less(s, most));
  // What rounding z + n lost, times the derivative of log(Gamma(s)), which matters where s is large.
  const part = m.sub(s, z);
  const lost = m.add(m.sub(z, m.sub(s, part)), m.sub(n, part));
  const slope = m.log(m.where(m.less(2, s), m.sub(s, 0.5), 1));
  const change = m.where(m.less(m.abs(lost), 1), m.mul(lost, slope), 0);
  const quotient = m.div(gamma(m, s), gamma(m, z));
  const size = m.exp(m.sub(lgamma(m, s), lgamma(m, z)));
  const large = m.mul(m.mul(size, gammasgn(m, s)), gammasgn(m, z));
  const value = m.where(small, quotient, large);
  return m.where(m.equal(n, 0), 1, m.mul(value, m.add(change, 1)));
}

// ---------------------------------------------------------------- the incomplete beta function

/*
 * In terms of D = x^a y^b / B(a, b), y = 1 - x, I(x) is D over a continued fraction, which converges
 * fast for x up to about a / (a + b); beyond, I(x) = 1 - I(y) with a and b exchanged. Where both are large that
 * takes many terms, and I(x) = D times the integral of e^-h(u) from 0 on, t = x / (x + y e^u), with h convex.
 * NIST Digital Library of Mathematical Functions, 8.17; A. R. DiDonato, A. H. Morris, Algorithm 708, for the
 * continued fraction, the even part of 8.17.22.
 */

/** From here on, for both a and b, the integral. */
const BOTH_LARGE = 120;
/** Terms of the continued fraction: to double precision in the worst case. */
const FRACTION = 40;
/** Where the integrand, 1 at first, is e^-38. */
const END = 38;
/** Numbers are taken for these at least and at most, so that their quotients are finite. */
const RANGE = { 24: 1e-18, 53: 1e-150 } as const;

/** Terms of 1/3 + z / 5 + z^2 / 7 + ..., highest first. */
function artanhRest(terms: number): readonly number[] {
  return Array.from({ length: terms }, (_, i) => 1 / (2 * (terms - 1 - i) + 3));
}
const ARTANH: readonly number[] = /* @__PURE__ */ artanhRest(16);
const ARTANH_SHORT: readonly number[] = /* @__PURE__ */ artanhRest(10);

/** 1 / (k + 2)!, highest first: (e^t - 1 - t) / t^2. */
const EXPONENTIAL: readonly number[] = /* @__PURE__ */ Array.from({ length: 15 }, (_, i) => {
  let value = 1;
  for (let k = 2; k <= 16 - i; k++) value /= k;
  return value;
});

/** Nodes and weights of Gauss and Legendre on the interval from 0 to 1: those of the first half. */
const LEGENDRE: readonly (readonly [node: number, weight: number])[] = [
  [0.0024063900014893199, 0.0061706148999935998],
  [0.012635722014345251, 0.014265694314466832],
  [0.030862723998633621, 0.022138719408709903],
  [0.056792236497799483, 0.02964929245771839],
  [0.089999007013048539, 0.036673240705540153],
  [0.12993790421072282, 0.043095080765976638],
  [0.17595317403151222, 0.048809326052056944],
  [0.22728926430558023, 0.053722135057982817],
  [0.28310324618697743, 0.057752834026862801],
  [0.34247866015191831, 0.060835236463901696],
  [0.40444056626319185, 0.062918728173414148],
  [0.46797155356869719, 0.063969097673376078],
];

/** `w - log(1 + w)` by its series in w / (2 + w). */
function logRest<V>(m: Arithmetic<V>, w: V, coefficients: readonly number[]): V {
  const s = m.div(w, m.add(w, 2)), square = m.mul(s, s);
  const cube = m.mul(m.mul(square, s), 2);
  return m.sub(m.mul(s, w), m.mul(cube, polynomialOf(m, square, coefficients)));
}

/** What rounding the product of two numbers lost. */
function lostProduct<V>(m: Arithmetic<V>, x: V, y: V, product: V): V {
  const factor = m.digits === 53 ? 2 ** 27 + 1 : 2 ** 12 + 1;
  const halves = (v: V): [V, V] => {
    const scaled = m.mul(v, factor);
    const high = m.sub(scaled, m.sub(scaled, v));
    return [high, m.sub(v, high)];
  };
  const [[a, b], [c, d]] = [halves(x), halves(y)];
  const cross = m.add(m.add(m.sub(m.mul(a, c), product), m.mul(a, d)), m.mul(b, c));
  return m.add(cross, m.mul(b, d));
}

/** a^a e^-a / Gamma(a) as a factor and the logarithm of another, by Stirling's formula from 8 on. */
function stirlingFactors<V>(m: Arithmetic<V>, a: V): { readonly factor: V; readonly exponent: V } {
  const small = m.less(a, FAR);
  const far = m.where(small, m.add(a, FAR), a);
  const r = m.div(1, far);
  let product = m.mul(a, r);
  for (let k = 1; k < FAR; k++) product = m.mul(product, m.mul(m.add(a, k), r));
  const root = m.sqrt(m.mul(far, 1 / (2 * Math.PI)));
  const moved = m.mul(a, m.log(m.mul(m.where(small, a, FAR), r)));
  return {
    factor: m.mul(root, m.where(small, m.mul(product, EXP_FAR), 1)),
    exponent: m.sub(m.where(small, moved, 0), stirlingRest(m, far)),
  };
}

/** What the functions of a, b and x are made of. */
interface BetaParts<V> {
  /** a and b, between bounds. */
  readonly a: V;
  readonly b: V;
  /** 1 - x. */
  readonly y: V;
  /** a y - b x. */
  readonly side: V;
  /** x^a y^b / B(a, b). */
  readonly power: V;
}

function betaParts<V>(m: Arithmetic<V>, givenA: V, givenB: V, x: V): BetaParts<V> {
  const least = RANGE[m.digits];
  const bounded = (v: V): V => {
    const positive = m.where(m.less(v, least), least, v);
    return m.where(m.less(1 / least, positive), 1 / least, positive);
  };
  const a = bounded(givenA), b = bounded(givenB);
  const sum = m.add(a, b);
  const y = m.sub(1, x);
  // a y - b x with what rounding lost.
  const ay = m.mul(a, y), bx = m.mul(b, x);
  const lost = m.add(
    m.sub(lostProduct(m, a, y, ay), lostProduct(m, b, x, bx)),
    m.mul(a, m.sub(m.sub(1, y), x)),
  );
  const side = m.add(m.sub(ay, bx), lost);
  // c (q - 1 - log(q)), q = 1 + mu the number over its mean.
  const deviance = (c: V, difference: V, ratio: V): V => {
    const mu = m.div(difference, c);
    const near = m.and(m.less(-0.5, mu), m.less(mu, 1));
    const series = logRest(m, m.where(near, mu, 0), ARTANH);
    return m.where(near, m.mul(c, series), m.sub(difference, m.mul(c, m.log(ratio))));
  };
  const distance = m.add(
    deviance(a, m.neg(side), m.mul(x, m.div(sum, a))),
    deviance(b, side, m.mul(y, m.div(sum, b))),
  );
  const p = stirlingFactors(m, a), q = stirlingFactors(m, b), s = stirlingFactors(m, sum);
  const exponent = m.sub(m.sub(m.add(p.exponent, q.exponent), s.exponent), distance);
  const factor = m.mul(p.factor, m.div(q.factor, s.factor));
  return { a, b, y, side, power: m.mul(factor, m.exp(exponent)) };
}

/** The integral of e^-h from 0 on, where a and b are large. */
const integral = /* @__PURE__ */ new Part((m, a, b, x, y, side) => {
  const sum = m.add(a, b);
  const left = m.less(y, x);
  const least = m.where(left, y, x);
  const size = m.mul(sum, least);
  const variance = m.mul(size, m.where(left, x, y));
  // Where side u + variance u^2 / 2 is 38, and what the third order, of (x - y) u^3 / 6, moves that.
  const root = m.sqrt(variance);
  const slope = m.div(side, root);
  const below = m.add(slope, m.sqrt(m.add(m.mul(slope, slope), 2 * END)));
  const about = m.div(2 * END, m.mul(root, below));
  const end = m.add(about, m.mul(m.mul(about, about), m.mul(m.sub(y, x), 1 / 6)));
  const sign = m.where(left, 1, -1);
  let total = m.number(0);
  for (const [node, weight] of LEGENDRE) {
    for (const at of [node, 1 - node]) {
      const u = m.mul(end, at);
      const t = m.mul(u, sign);
      // e^t - 1 - t
      const curve = m.mul(m.mul(t, t), polynomialOf(m, t, EXPONENTIAL));
      const w = m.mul(least, m.add(t, curve));
      const bend = m.sub(m.mul(size, curve), m.mul(sum, logRest(m, w, ARTANH_SHORT)));
      const h = m.add(m.mul(side, u), bend);
      total = m.add(total, m.mul(m.exp(m.neg(h)), weight));
    }
  }
  return m.mul(total, end);
});

/** The even part of the continued fraction 8.17.22: I(x) over x^a y^b / B(a, b). */
function betaFraction<V>(m: Arithmetic<V>, a: V, b: V, x: V, y: V, side: V): V {
  const sum = m.add(a, b);
  const first = m.add(side, 1), step = m.add(y, 1);
  const reciprocal = (n: number): V => m.div(1, m.add(a, 2 * n - 1));
  const below = (n: number, r: V, next: V): V => {
    const part = m.mul(m.mul(m.add(a, n), next), m.add(first, m.mul(step, n)));
    if (n === 0) return part;
    return m.add(m.add(part, n), m.mul(m.mul(m.mul(m.sub(b, n), n), x), r));
  };
  let next = reciprocal(FRACTION + 1), r = reciprocal(FRACTION);
  let value = below(FRACTION, r, next);
  for (let n = FRACTION; n > 0; n--) {
    const left = m.mul(m.mul(m.add(a, n - 1), r), m.mul(m.mul(m.sub(b, n), n), x));
    const above = m.mul(left, m.mul(m.mul(m.add(sum, n - 1), r), x));
    next = r;
    r = n === 1 ? r : reciprocal(n - 1);
    value = m.add(below(n - 1, r, next), m.div(above, value));
  }
  return m.div(1, value);
}

/** The value where the operands are in the domain, else NaN. */
function checked<V>(m: Arithmetic<V>, a: V, b: V, x: V, value: V): V {
  const inside = (v: V): V => m.and(m.equal(v, v), m.not(m.less(v, 0)));
  const known = m.and(m.and(inside(a), inside(b)), inside(x));
  const sides = m.and(m.equal(betaEnd(m, a, b), 1), m.equal(betaEnd(m, b, a), 1));
  return m.where(m.and(known, m.not(m.or(m.less(1, x), sides))), value, NaN);
}

/** 1 where all of the probability is at 1: where a is infinite, or b is 0. Else 0. */
function betaEnd<V>(m: Arithmetic<V>, a: V, b: V): V {
  return m.where(m.or(m.equal(b, 0), m.equal(a, Infinity)), 1, 0);
}

/** I(x); rounding may leave it a little below 0. */
function regularized<V>(m: Arithmetic<V>, givenA: V, givenB: V, x: V): V {
  const { a, b, y, side, power } = betaParts(m, givenA, givenB, x);
  // Near 1 the continued fraction is slow where the other shape is small.
  const shiftA = m.where(m.less(a, 1), 3, 1), shiftB = m.where(m.less(b, 1), 3, 1);
  const share = m.div(m.add(a, shiftA), m.add(m.add(a, b), m.add(shiftA, shiftB)));
  const turned = m.less(share, x);
  const choose = (one: V, other: V): V => m.where(turned, other, one);
  const p = choose(a, b), q = choose(b, a);
  const u = choose(x, y), v = choose(y, x);
  const d = choose(side, m.neg(side));
  const large = m.not(m.or(m.less(a, BOTH_LARGE), m.less(b, BOTH_LARGE)));
  const size = m.seldom(large, integral, [p, q, u, v, d], betaFraction(m, p, q, u, v, d));
  const part = m.mul(power, size);
  const value = m.where(turned, m.sub(1, part), part);
  const atOne = m.equal(x, 1);
  const low = m.or(m.equal(x, 0), m.equal(betaEnd(m, givenA, givenB), 1));
  const high = m.or(atOne, m.equal(betaEnd(m, givenB, givenA), 1));
  const whole = m.where(low, m.where(atOne, 1, 0), m.where(high, 1, value));
  return checked(m, givenA, givenB, x, whole);
}

/** I(x) = B(x; a, b) / B(a, b), the incomplete beta function over the complete one. */
export function betainc<V>(m: Arithmetic<V>, a: V, b: V, x: V): V {
  const value = regularized(m, a, b, x);
  return m.where(m.less(value, 0), 0, value);
}

/** The derivative of I(x) by a. */
export const betaincByA: Formula = /* @__PURE__ */ derivative(regularized, 0);
/** The derivative of I(x) by b. */
export const betaincByB: Formula = /* @__PURE__ */ derivative(regularized, 1);

/** The derivative of I(x) by x: x^(a - 1) y^(b - 1) / B(a, b). */
export function betaDensity<V>(m: Arithmetic<V>, a: V, b: V, x: V): V {
  const { y, power } = betaParts(m, a, b, x);
  const end = (p: V, q: V): V => m.where(m.less(p, 1), Infinity, m.where(m.less(1, p), 0, q));
  const inner = m.div(m.div(power, x), y);
  const value = m.where(m.equal(x, 0), end(a, b), m.where(m.equal(x, 1), end(b, a), inner));
  const some = m.add(betaEnd(m, a, b), betaEnd(m, b, a));
  return checked(m, a, b, x, m.where(m.less(0, some), 0, value));
}
