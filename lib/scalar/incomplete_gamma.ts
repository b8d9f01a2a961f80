/**
 * The incomplete gamma function, regularised: the lower one P(a, x), the upper one Q(a, x), their density, and
 * how a sample of the distribution moves with a.
 *
 * In terms of D = x^a e^-x / Gamma(a + 1): the series P = D (1 + x / (a + 1) (1 + x / (a + 2) (1 + ...))) for
 * small x, a continued fraction for large x, and for a from 16 on and x near a the uniform expansion of N. M.
 * Temme, A set of algorithms for the incomplete gamma functions, Probability in the Engineering and
 * Informational Sciences 8 (1994). NIST Digital Library of Mathematical Functions, 8.7, 8.9, 8.12. The number
 * of terms is that of the worst case, so that there is no loop.
 *
 * @module
 */
import { type Arithmetic, Part, polynomialOf } from "./arithmetic.ts";
import { stirlingRest } from "./beta.ts";
import { derivative } from "./dual.ts";
import { gamma } from "./gamma_function.ts";
import { LOG_GAMMA_ONE } from "./gamma_tables.ts";
import { TEMME } from "./temme_table.ts";

/** Where the expansions of large a begin, and between which x / a Temme's serves. */
const LARGE = 16;
const FROM = 0.31;
const TO = 2.35;
/** Below, and right of a, Q is computed from what 1 - P lacks. */
const SMALL = 2;
/** Numbers of terms: to double precision in the worst case. */
const SERIES = 50;
const FRACTION = 60;
const ALTERNATING = 28;

/** 2 (log(1 + mu) - 2 s) / (-4 s^3) with s = mu / (2 + mu), in s^2: 1/3 + s^2 / 5 + ... */
const ARTANH: readonly number[] = /* @__PURE__ */ Array.from(
  { length: 16 },
  (_, i) => 1 / (2 * (15 - i) + 3),
);

/** (-1)^n / n!, highest first, from n = 28 to 1. */
const EXPONENTIAL: readonly number[] = /* @__PURE__ */ Array.from(
  { length: ALTERNATING },
  (_, i) => {
    let value = 1;
    for (let n = 1; n <= ALTERNATING - i; n++) value *= -1 / n;
    return value;
  },
);

/** What all the functions are made of. */
interface Parts<V> {
  /** x^a e^-x / Gamma(a + 1). */
  readonly power: V;
  /** Gamma(a + 1) for a below 16. */
  readonly factorial: V;
  /** (x - a) / a. */
  readonly mu: V;
  /** 2 (mu - log(1 + mu)) / mu^2. */
  readonly bend: V;
  /** a mu^2 bend / 2, of which e^-that is the main factor. */
  readonly exponent: V;
  /** Whether a is 16 or more. */
  readonly large: V;
}

function partsOf<V>(m: Arithmetic<V>, a: V, x: V): Parts<V> {
  const large = m.not(m.less(a, LARGE));
  const most = m.digits === 53 ? 1000 : 90;
  const bounded = m.where(m.less(most, x), most, x);
  const few = m.where(large, LARGE, a);
  const factorial = gamma(m, m.add(few, 1));
  const small = m.div(m.mul(m.pow(bounded, few), m.exp(m.neg(bounded))), factorial);
  const mu = m.div(m.sub(x, a), a);
  const s = m.div(mu, m.add(mu, 2)), square = m.mul(s, s);
  const below = m.add(mu, 2);
  // mu - log(1 + mu) = s mu - 2 s^3 (1/3 + s^2 / 5 + ...)
  const cube = m.mul(m.mul(below, below), below);
  const series = m.sub(
    m.div(1, below),
    m.div(m.mul(m.mul(mu, 2), polynomialOf(m, square, ARTANH)), cube),
  );
  const plain = m.div(m.sub(mu, m.log(m.div(x, a))), m.mul(mu, mu));
  const bend = m.mul(m.where(m.less(m.abs(mu), 0.5), series, plain), 2);
  const exponent = m.mul(a, m.mul(m.mul(mu, mu), m.mul(bend, 0.5)));
  const root = m.sqrt(m.mul(a, 2 * Math.PI));
  const far = m.div(m.exp(m.neg(m.add(exponent, stirlingRest(m, a)))), root);
  return { power: m.where(large, far, small), factorial, mu, bend, exponent, large };
}

/** P and Q for positive a and x. */
function both<V>(m: Arithmetic<V>, a: V, x: V): { readonly lower: V; readonly upper: V } {
  const { power, factorial, mu, bend, exponent, large } = partsOf(m, a, x);
  // The series.
  let sum = m.number(1);
  for (let n = SERIES; n > 0; n--) sum = m.add(m.mul(sum, m.div(x, m.add(a, n))), 1);
  const left = m.mul(power, sum);
  // The continued fraction of Q Gamma(a) x^-a e^x.
  const base = m.sub(m.add(x, 1), a);
  let fraction = m.add(base, 2 * FRACTION);
  for (let n = FRACTION; n > 0; n--) {
    const above = m.mul(m.sub(a, n), n);
    fraction = m.add(m.add(base, 2 * n - 2), m.div(above, fraction));
  }
  const right = m.div(m.mul(power, a), fraction);
  // x^a / Gamma(a + 1) (1 + a t), which near a = 0 is near 1.
  const logarithm = m.where(
    m.less(m.abs(a), 0.25),
    m.mul(a, polynomialOf(m, a, LOG_GAMMA_ONE)),
    m.log(factorial),
  );
  const near = m.sub(m.mul(a, m.log(x)), logarithm);
  let alternating = m.number(0);
  EXPONENTIAL.forEach((c, i) => {
    alternating = m.mul(m.add(alternating, m.div(c, m.add(a, ALTERNATING - i))), x);
  });
  const more = m.mul(m.mul(a, alternating), m.exp(near));
  const rest = m.neg(m.add(m.expm1(near), more));
  // Temme's expansion.
  const eta = m.mul(mu, m.sqrt(bend));
  const r = m.div(1, a);
  let expansion = m.number(0);
  for (let k = TEMME.length - 1; k >= 0; k--) {
    expansion = m.add(m.mul(expansion, r), polynomialOf(m, eta, TEMME[k]!));
  }
  const y = m.mul(eta, m.sqrt(m.mul(a, 0.5)));
  const correction = m.div(
    m.mul(m.exp(m.neg(exponent)), expansion),
    m.sqrt(m.mul(a, 2 * Math.PI)),
  );
  const ratio = m.div(x, a);
  const uniform = m.and(large, m.and(m.less(FROM, ratio), m.less(ratio, TO)));
  const small = m.and(m.less(a, x), m.less(x, SMALL));
  // Of the two, the smaller one is computed.
  const isLeft = m.not(m.less(a, x));
  const own = m.where(
    uniform,
    m.add(m.mul(m.erfc(y), 0.5), correction),
    m.where(small, rest, right),
  );
  const other = m.where(uniform, m.sub(m.mul(m.erfc(m.neg(y)), 0.5), correction), left);
  return {
    lower: m.where(isLeft, other, m.sub(1, own)),
    upper: m.where(isLeft, m.sub(1, other), own),
  };
}

/** NaN outside of the domain, and the values at its borders. */
function bordered<V>(m: Arithmetic<V>, a: V, x: V, value: V, atZero: number, atEnd: number): V {
  const zeroA = m.equal(a, 0), zeroX = m.equal(x, 0);
  const inside = m.and(m.not(m.less(x, 0)), m.not(m.less(a, 0)));
  const wrong = m.or(m.not(inside), m.and(zeroA, zeroX));
  const known = m.and(m.equal(a, a), m.equal(x, x));
  const end = m.or(zeroA, m.equal(x, Infinity));
  const y = m.where(zeroX, atZero, m.where(end, atEnd, value));
  return m.where(m.and(known, m.not(wrong)), y, NaN);
}

/** P(a, x), the lower incomplete gamma function over Gamma(a). */
export function igamma<V>(m: Arithmetic<V>, a: V, x: V): V {
  return bordered(m, a, x, both(m, a, x).lower, 0, 1);
}

/** Q(a, x) = 1 - P(a, x), to full relative precision. */
export function igammac<V>(m: Arithmetic<V>, a: V, x: V): V {
  return bordered(m, a, x, both(m, a, x).upper, 1, 0);
}

/** `igammaDensity` at 0, where its parts are 0 / 0. */
const densityAtZero = /* @__PURE__ */ new Part((m, a, x) =>
  m.div(m.pow(x, m.sub(a, 1)), gamma(m, a))
);

/** The derivative of P by x: x^(a - 1) e^-x / Gamma(a). */
export function igammaDensity<V>(m: Arithmetic<V>, a: V, x: V): V {
  const isZero = m.equal(x, 0);
  const inside = m.where(isZero, 1, x);
  const usual = m.div(m.mul(partsOf(m, a, inside).power, a), inside);
  return m.seldom(isZero, densityAtZero, [a, x], usual);
}

/** The derivative by a of a sample x of the distribution: minus that of P by a over the density. */
export function sampleSlope<V>(m: Arithmetic<V>, a: V, x: V): V {
  const slope = derivative((m, a, x) => both(m, a!, x!).lower, 0)(m, a, x);
  return m.neg(m.div(slope, igammaDensity(m, a, x)));
}
