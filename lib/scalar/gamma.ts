/**
 * The logarithm of the gamma function and its derivatives, of real numbers.
 *
 * Sources: NIST Digital Library of Mathematical Functions, 5.4-5.11, 5.15, 25.11; the coefficients
 * are the project's own (`gamma_tables.ts`).
 *
 * The gamma function itself, of real numbers, and its sign.
 *
 * Sources: NIST Digital Library of Mathematical Functions, 5.5, 5.11; the coefficients are the
 * project's own (`gamma_tables.ts`).
 *
 * Hurwitz's zeta function of real numbers.
 *
 * Source: NIST Digital Library of Mathematical Functions, 25.11.28 (the summation of Euler and Maclaurin).
 *
 * @module
 */
import { type Arithmetic, type Formula, Part, polynomialOf } from "./arithmetic.ts";
import * as table from "./gamma_tables.ts";

/** Where the expansions of large numbers begin. */
const FAR = 8;

/** `sin(pi f)` for `|f| <= 1/2`. */
export function sinPi<V>(m: Arithmetic<V>, f: V): V {
  return m.mul(f, polynomialOf(m, m.mul(f, f), table.SIN_PI));
}

/** The distance from the nearest integer, at most 1/2; NaN for infinities. */
export function fraction<V>(m: Arithmetic<V>, x: V): V {
  return m.sub(x, m.nearest(x));
}

// ---------------------------------------------------------------- log gamma

/** What is left of log |Gamma(x)| + log Gamma(-x), which is log(pi / |x sin(pi x)|). */
const reflected = /* @__PURE__ */ new Part((m, y, positive) => {
  const sine = sinPi(m, m.abs(fraction(m, y)));
  const other = m.log(m.div(Math.PI, m.mul(y, sine)));
  // At poles, and of -Infinity, whose sine is NaN.
  return m.where(m.less(0, sine), m.sub(other, positive), Infinity);
});

/** `log |Gamma(x)|`. */
export function lgamma<V>(m: Arithmetic<V>, x: V): V {
  const negative = m.less(x, -0.25);
  const y = m.where(negative, m.neg(x), x);
  const below = m.less(y, 0.75), far = m.not(m.less(y, FAR));
  // u = y + 1 below; y - k where there are k factors y - 1, y - 2, ...
  let product: V | null = null;
  let u = m.where(below, m.add(y, 1), y);
  for (let k = 0; k < 6; k++) {
    const above = m.not(m.less(y, 2.5 + k));
    const factor = m.where(above, m.sub(y, 1 + k), 1);
    product = product === null ? factor : m.mul(product, factor);
    u = m.where(above, m.sub(y, 1 + k), u);
  }
  const logarithm = m.log(m.where(below, m.abs(y), m.where(far, y, product!)));
  const one = m.sub(u, 1), middle = m.sub(u, 1.5), two = m.sub(u, 2);
  const base = m.where(
    m.less(u, 1.25),
    m.mul(one, polynomialOf(m, one, table.LOG_GAMMA_ONE)),
    m.where(
      m.less(u, 1.75),
      polynomialOf(m, middle, table.LOG_GAMMA_MIDDLE),
      m.mul(two, polynomialOf(m, two, table.LOG_GAMMA_TWO)),
    ),
  );
  const near = m.add(base, m.where(below, m.neg(logarithm), logarithm));
  const r = m.div(1, y);
  const rest = m.add(m.mul(r, polynomialOf(m, m.mul(r, r), table.STIRLING)), HALF_LOG_TWO_PI - 0.5);
  const large = m.add(m.mul(m.sub(y, 0.5), m.sub(logarithm, 1)), rest);
  const positive = m.where(far, large, m.where(m.equal(y, y), near, y));
  return m.seldom(negative, reflected, [y, positive], positive);
}

// ---------------------------------------------------------------- digamma

/** `pi cot(pi x)`. */
const cotangent = /* @__PURE__ */ new Part((m, x, y) => {
  const f = fraction(m, x);
  const size = m.abs(f);
  const quotient = m.div(sinPi(m, m.sub(0.5, size)), sinPi(m, size));
  const part = m.mul(m.where(m.less(f, 0), m.neg(quotient), quotient), Math.PI);
  // At poles both sides have infinities of their own.
  return m.where(m.less(0, size), m.sub(y, part), NaN);
});

/** The derivative of log Gamma(x). NaN at the poles, as in JAX. */
export function digamma<V>(m: Arithmetic<V>, x: V): V {
  const left = m.not(m.less(0, x));
  const y = m.where(left, m.sub(1, x), x);
  const below = m.less(y, 1), far = m.not(m.less(y, FAR));
  let above = m.number(0), under = m.number(1);
  let u = m.where(below, m.add(y, 1), y);
  for (let k = 0; k < 6; k++) {
    const more = m.not(m.less(y, 2.8 + k));
    const d = m.sub(y, 1 + k);
    above = m.where(more, m.add(m.mul(above, d), under), above);
    under = m.where(more, m.mul(under, d), under);
    u = m.where(more, d, u);
  }
  const from = m.sub(m.sub(u, DIGAMMA_ROOT), DIGAMMA_ROOT_LOW);
  const base = m.where(
    m.less(u, 1.8),
    m.mul(from, polynomialOf(m, m.sub(u, 1.4), table.DIGAMMA_ROOT)),
    polynomialOf(m, m.sub(u, 2.25), table.DIGAMMA_TWO),
  );
  const near = m.add(base, m.div(m.where(below, -1, above), m.where(below, y, under)));
  const r = m.div(1, y), w = m.mul(r, r);
  const rest = m.sub(m.mul(w, polynomialOf(m, w, table.DIGAMMA_FAR)), m.mul(r, 0.5));
  const positive = m.where(far, m.add(m.log(y), rest), near);
  return m.seldom(left, cotangent, [x, positive], positive);
}

// ---------------------------------------------------------------- polygamma

/** Terms of the sum in front of the expansion, and of the expansion. */
const TERMS = 10;
/** B_2j / (2j)!, j = 1, 2, ... */
export const BERNOULLI: readonly number[] = [
  0.08333333333333333,
  -0.001388888888888889,
  3.306878306878307e-05,
  -8.267195767195768e-07,
  2.08767569878681e-08,
  -5.284190138687493e-10,
  1.3382536530684679e-11,
  -3.3896802963225827e-13,
  8.586062056277845e-15,
  -2.174868698558062e-16,
];

/** `x^n` for a positive integer `n`. */
function integerPower<V>(m: Arithmetic<V>, x: V, n: number): V {
  let result: V | null = null;
  for (let base = x, k = n; k > 0; k >>= 1) {
    if (k & 1) result = result === null ? base : m.mul(result, base);
    if (k > 1) base = m.mul(base, base);
  }
  return result!;
}

/**
 * `n! zeta(n + 1, q)` for positive `q`, by the summation of Euler and Maclaurin. Powers are those of
 * q divided by a power of two, so that they and the factorial leave the range of floats together.
 */
function scaledZeta<V>(m: Arithmetic<V>, n: number, q: V): V {
  const s = n + 1;
  let logFactorial = 0;
  for (let k = 2; k <= n; k++) logFactorial += Math.log2(k);
  const unit = Math.round(logFactorial / s);
  // n! / 2^(unit s)
  let factor = 1;
  for (let k = 1; k <= n; k++) factor *= k * 2 ** -unit;
  factor *= 2 ** -unit;
  const scale = 2 ** -unit;
  const rising: number[] = [];
  for (let j = 1, product = s; j <= BERNOULLI.length; j++) {
    rising.push(BERNOULLI[j - 1]! * product);
    product *= (s + 2 * j - 1) * (s + 2 * j);
  }
  const a = m.add(q, TERMS);
  const r = m.div(1, a), w = m.mul(r, r);
  const series = m.mul(w, polynomialOf(m, w, rising.toReversed()));
  // a^(1 - s) (1 / (s - 1) + 1 / (2 a) + ...), of which one power of the unit is left.
  const tail = m.div(
    m.add(m.add(m.mul(r, 0.5), series), 1 / n),
    integerPower(m, m.mul(a, scale), n),
  );
  // The smallest first, and the tail apart, which for large q is most of it.
  let sum: V | null = null;
  for (let k = TERMS - 1; k >= 0; k--) {
    const x = k === 0 ? q : m.add(q, k);
    const term = m.div(1, integerPower(m, m.mul(x, scale), s));
    sum = sum === null ? term : m.add(sum, term);
  }
  return m.mul(m.add(sum!, m.mul(tail, 2 ** unit)), factor);
}

const orders = new Map<number, Formula>();

/** The `n`th derivative of digamma, n = 1, 2, ...; one formula for each order. */
export function polygamma(n: number): Formula {
  let formula = orders.get(n);
  if (formula === undefined) {
    const sign = n % 2 === 1 ? 1 : -1;
    // zeta(s, q) = zeta(s, f) + (-1)^s (zeta(s, g) - zeta(s, 1 - q)) with f = q - floor(q) = 1 - g: the
    // terms on either side of zero.
    const left = new Part((m, x) => {
      // Each near 0 has all digits.
      const f = m.sub(x, m.floor(x)), g = m.sub(m.neg(x), m.floor(m.neg(x)));
      const before = m.sub(scaledZeta(m, n, g), scaledZeta(m, n, m.sub(1, x)));
      const sum = m.add(scaledZeta(m, n, f), m.mul(before, sign));
      return m.where(m.equal(g, 0), sign === 1 ? Infinity : NaN, m.mul(sum, sign));
    });
    formula = (m, x) => m.seldom(m.not(m.less(0, x)), left, [x], m.mul(scaledZeta(m, n, x), sign));
    orders.set(n, formula);
  }
  return formula;
}

// ---------------------------------------------------------------- constants

/** `log(2 pi) / 2`. */
export const HALF_LOG_TWO_PI = 0.9189385332046728;

/** Where digamma is 0, in two parts. */
const DIGAMMA_ROOT = 1.4616321449683622;
const DIGAMMA_ROOT_LOW = 9.549995429965697e-17;

/** Whether an integer is odd. */
function isOdd<V>(m: Arithmetic<V>, n: V): V {
  const half = m.mul(n, 0.5);
  return m.not(m.equal(m.floor(half), half));
}

/** The gamma function: infinite at 0, NaN at the other poles. */
export function gamma<V>(m: Arithmetic<V>, x: V): V {
  const size = m.abs(x);
  // Beyond, it is infinite, and on the left 0.
  const most = m.digits === 53 ? 200 : 45;
  const y = m.where(m.less(most, size), most, size);
  const below = m.less(y, 1), far = m.not(m.less(y, FAR));
  let product = m.number(1);
  let u = m.where(below, m.add(y, 1), y);
  for (let k = 0; k < 6; k++) {
    const above = m.not(m.less(y, 2 + k));
    product = m.where(above, m.mul(product, m.sub(y, 1 + k)), product);
    u = m.where(above, m.sub(y, 1 + k), u);
  }
  const base = polynomialOf(m, m.sub(u, 1.5), table.GAMMA);
  // Of what is below 1, y Gamma(y).
  const near = m.mul(base, product);
  // y^(y - 1/2) in two factors, which are finite where the result is.
  const root = m.pow(y, m.sub(m.mul(y, 0.5), 0.25));
  const power = m.exp(m.neg(y));
  const star = polynomialOf(m, m.div(1, y), table.GAMMA_FAR);
  const large = m.mul(m.mul(m.mul(root, power), root), star);
  const right = m.where(far, large, m.where(below, m.div(near, x), near));
  // Gamma(-y) = -pi / (y Gamma(y) sin(pi y))
  const sine = sinPi(m, m.abs(fraction(m, size)));
  const quotient = m.where(
    far,
    m.div(m.div(m.div(m.div(Math.PI, m.mul(y, star)), root), m.mul(root, power)), sine),
    m.div(Math.PI, m.mul(m.where(below, near, m.mul(y, near)), sine)),
  );
  // The logarithm's poles have both signs around them, and so has infinity.
  const left = m.where(m.and(m.less(0, sine), m.less(size, Infinity)), quotient, NaN);
  const close = m.less(m.digits === 53 ? -1e-30 : -1e-20, x);
  // Choices may lose the sign of a zero, products do not.
  const turned = m.and(m.not(close), isOdd(m, m.floor(x)));
  const value = m.where(close, right, m.where(m.equal(x, x), left, x));
  return m.mul(value, m.where(turned, -1, 1));
}

/** The sign of the gamma function; NaN at its poles but 0. */
export function gammasgn<V>(m: Arithmetic<V>, x: V): V {
  const whole = m.floor(x);
  const negative = m.less(x, 0);
  const sign = m.where(m.and(negative, isOdd(m, whole)), -1, 1);
  const pole = m.or(m.and(negative, m.equal(whole, x)), m.not(m.equal(x, x)));
  // A zero has the sign of its reciprocal.
  const zero = m.and(m.equal(x, 0), m.less(m.div(1, x), 0));
  return m.where(zero, -1, m.where(pole, NaN, sign));
}

/** The sum over k of `(q + k)^-s` for `s` above 1 and positive `q`. */
function zetaRight<V>(m: Arithmetic<V>, s: V, q: V): V {
  const a = m.add(q, TERMS);
  const r = m.div(1, a), w = m.mul(r, r);
  let rising: V = m.mul(s, w);
  let series = m.mul(r, 0.5);
  for (let j = 1; j <= BERNOULLI.length; j++) {
    series = m.add(series, m.mul(rising, BERNOULLI[j - 1]!));
    if (j === BERNOULLI.length) break;
    rising = m.mul(m.mul(rising, w), m.mul(m.add(s, 2 * j - 1), m.add(s, 2 * j)));
  }
  const power = m.pow(a, m.sub(1, s));
  const more = m.mul(power, m.add(m.div(1, m.sub(s, 1)), series));
  // Of the largest s the series is infinite, and nothing of it is left.
  const tail = m.where(m.equal(power, 0), power, more);
  const minus = m.neg(s);
  let sum: V | null = null;
  for (let k = TERMS - 1; k >= 0; k--) {
    const term = m.pow(k === 0 ? q : m.add(q, k), minus);
    sum = sum === null ? term : m.add(sum, term);
  }
  return m.add(sum!, tail);
}

/** Left of 0, where `s` must be whole: the terms on either side of zero, as in `polygamma`. */
const zetaLeft = /* @__PURE__ */ new Part((m, s, q) => {
  const f = m.sub(q, m.floor(q)), g = m.sub(m.neg(q), m.floor(m.neg(q)));
  const half = m.mul(s, 0.5);
  const before = m.sub(zetaRight(m, s, g), zetaRight(m, s, m.sub(1, q)));
  const after = zetaRight(m, s, f);
  const sum = m.where(m.equal(m.floor(half), half), m.add(after, before), m.sub(after, before));
  const pole = m.where(m.less(1, s), Infinity, NaN);
  return m.where(
    m.equal(m.floor(s), s),
    m.where(m.and(m.equal(g, 0), m.equal(q, q)), pole, m.where(m.less(1, s), sum, NaN)),
    NaN,
  );
});

/** `zeta(s, q)`: NaN for `s` below 1, and for negative `q` unless `s` is whole. */
export function zeta<V>(m: Arithmetic<V>, s: V, q: V): V {
  const usual = m.where(m.less(1, s), zetaRight(m, s, q), NaN);
  const value = m.seldom(m.not(m.less(0, q)), zetaLeft, [s, q], usual);
  return m.where(m.equal(s, 1), m.where(m.equal(q, q), Infinity, NaN), value);
}
