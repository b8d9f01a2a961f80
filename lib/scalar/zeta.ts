/**
 * Hurwitz's zeta function of real numbers.
 *
 * Source: NIST Digital Library of Mathematical Functions, 25.11.28 (the summation of Euler and Maclaurin).
 *
 * @module
 */
import { type Arithmetic, Part } from "./arithmetic.ts";
import { BERNOULLI } from "./gamma.ts";

/** Terms of the sum in front of the expansion. */
const TERMS = 10;

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
