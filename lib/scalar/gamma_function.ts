/**
 * The gamma function itself, of real numbers, and its sign.
 *
 * Sources: NIST Digital Library of Mathematical Functions, 5.5, 5.11; the coefficients are the
 * project's own (`gamma_tables.ts`).
 *
 * @module
 */
import { type Arithmetic, polynomialOf } from "./arithmetic.ts";
import { fraction, sinPi } from "./gamma.ts";
import * as table from "./gamma_tables.ts";

/** Where the expansion of large numbers begins. */
const FAR = 8;

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
