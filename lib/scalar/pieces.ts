/**
 * Functions on intervals, as polynomials in a variable in which their rounded coefficients do no harm; and
 * logarithms around a number that is no float.
 *
 * @module
 */
import { type Arithmetic, polynomialOf } from "./arithmetic.ts";

/**
 * A function on an interval, in the variable `(x - middle) scale` that is in [-1, 1] there: a
 * polynomial, or a quotient of two. The highest coefficient comes first.
 */
export interface Piece {
  /** The middle of the interval. */
  readonly middle: number;
  /** One over half its length. */
  readonly scale: number;
  /** The polynomial, or the numerator. */
  readonly above: readonly number[];
  /** The denominator. */
  readonly below: readonly number[] | null;
}

/** A piece at `x`. */
export function piece<V>(m: Arithmetic<V>, x: V, { middle, scale, above, below }: Piece): V {
  const y = m.mul(m.sub(x, middle), scale);
  const top = polynomialOf(m, y, above);
  return below === null ? top : m.div(top, polynomialOf(m, y, below));
}

/** A number to twice the digits of a float: rounded, and what that lost. */
export interface Exact {
  /** The number, rounded. */
  readonly value: number;
  /** What rounding lost. */
  readonly more: number;
}

// 2 artanh(s) / s in s^2, for |s| <= 0.2.
const ARTANH = /* @__PURE__ */ Array.from({ length: 12 }, (_, k) => 2 / (23 - 2 * k));

/** `log((1 + s) / (1 - s))`, which is `far` where `s` is not small. */
function logarithmOf<V>(m: Arithmetic<V>, s: V, far: V): V {
  const near = m.mul(s, polynomialOf(m, m.mul(s, s), ARTANH));
  return m.where(m.less(m.abs(s), 0.2), near, far);
}

/** `log(1 + x)` with all digits near 0. */
export function log1pOf<V>(m: Arithmetic<V>, x: V): V {
  return logarithmOf(m, m.div(x, m.add(x, 2)), m.log(m.add(x, 1)));
}

/** `x - number` and `log(x / number)` for positive numbers, with all digits around where they are 0. */
export function around<V>(
  m: Arithmetic<V>,
  x: V,
  { value, more }: Exact,
): { readonly distance: V; readonly logarithm: V } {
  const distance = m.sub(m.sub(x, value), more);
  const far = m.sub(m.log(x), Math.log(value));
  return { distance, logarithm: logarithmOf(m, m.div(distance, m.add(x, value)), far) };
}
