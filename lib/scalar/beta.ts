/**
 * Quotients of gamma functions whose logarithms nearly cancel: the beta function's logarithm, binomial
 * coefficients and rising factorials.
 *
 * Sources: NIST Digital Library of Mathematical Functions, 5.11, 5.12; A. R. DiDonato, A. H. Morris,
 * Algorithm 708, ACM TOMS 18 (1992), for how large arguments are put together.
 *
 * @module
 */
import { type Arithmetic, polynomialOf } from "./arithmetic.ts";
import { HALF_LOG_TWO_PI, lgamma } from "./gamma.ts";
import { gamma, gammasgn } from "./gamma_function.ts";
import { STIRLING } from "./gamma_tables.ts";

/** Where Stirling's expansion begins. */
const FAR = 8;

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
