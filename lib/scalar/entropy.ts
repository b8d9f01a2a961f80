/**
 * Terms of entropies and divergences.
 *
 * @module
 */
import { type Arithmetic, polynomialOf } from "./arithmetic.ts";

// (artanh(s) - s) / s^3 in s^2, for |s| <= 0.2.
const ARTANH = /* @__PURE__ */ Array.from({ length: 12 }, (_, k) => 1 / (25 - 2 * k));

/** `-x log(x)`, 0 at 0, and minus infinity below. */
export function entr<V>(m: Arithmetic<V>, x: V): V {
  const value = m.mul(x, m.log(x));
  const other = m.where(m.equal(x, 0), 0, Infinity);
  // Last, as a choice may lose the sign of a zero.
  return m.neg(m.where(m.or(m.less(0, x), m.not(m.equal(x, x))), value, other));
}

/** What both divergences have in common: a value where both are positive, and one where `p` is 0. */
function divergence<V>(m: Arithmetic<V>, p: V, q: V, value: V, atZero: V | number): V {
  const isZero = m.and(m.equal(p, 0), m.not(m.less(q, 0)));
  const other = m.where(isZero, atZero, Infinity);
  // NaN is in the value.
  const known = m.and(m.equal(p, p), m.equal(q, q));
  const positive = m.and(m.less(0, p), m.less(0, q));
  return m.where(m.or(positive, m.not(known)), value, other);
}

/** `s = (p - q) / (p + q)`, by which `p / q = (1 + s) / (1 - s)`; and `artanh(s) - s` of a small s. */
function ratio<V>(
  m: Arithmetic<V>,
  p: V,
  q: V,
): { readonly s: V; readonly isSmall: V; readonly rest: V } {
  const s = m.div(m.sub(p, q), m.add(p, q));
  const square = m.mul(s, s);
  const rest = m.mul(m.mul(square, s), polynomialOf(m, square, ARTANH));
  return { s, isSmall: m.less(m.abs(s), 0.2), rest };
}

/** `log(p / q)`, where the quotient may leave the range of floats. */
function logRatio<V>(m: Arithmetic<V>, p: V, q: V): V {
  const quotient = m.div(p, q);
  const isUsual = m.and(m.less(1e-30, quotient), m.less(quotient, 1e30));
  return m.where(isUsual, m.log(quotient), m.sub(m.log(p), m.log(q)));
}

/** `p log(p / q)`, 0 where `p` is 0, and infinity where one is negative. */
export function relEntr<V>(m: Arithmetic<V>, p: V, q: V): V {
  const { s, isSmall, rest } = ratio(m, p, q);
  const log = m.where(isSmall, m.mul(m.add(s, rest), 2), logRatio(m, p, q));
  return divergence(m, p, q, m.mul(p, log), 0);
}

/** `p log(p / q) - p + q`, `q` where `p` is 0, and infinity where one is negative. */
export function klDiv<V>(m: Arithmetic<V>, p: V, q: V): V {
  const { s, isSmall, rest } = ratio(m, p, q);
  // The terms cancel where p is near q: there it is 2 q (s^2 + (1 + s) (artanh(s) - s)) / (1 - s).
  const sum = m.add(m.mul(s, s), m.mul(m.add(s, 1), rest));
  const near = m.mul(q, m.div(m.mul(sum, 2), m.sub(1, s)));
  const far = m.add(m.sub(m.mul(p, logRatio(m, p, q)), p), q);
  return divergence(m, p, q, m.where(isSmall, near, far), m.abs(q));
}
