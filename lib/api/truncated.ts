/**
 * Normal numbers between bounds, made from fractions: as JAX makes them where its error function can
 * tell them apart, and far out by Newton's method on the logarithm of the tail. The function that users
 * call is in `distributions.ts`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import type { DType } from "../core/dtype.ts";
import { add, div, maximum, minimum, mul, neg, sub } from "../primitives/elementwise/arithmetic.ts";
import { ge, le, or } from "../primitives/elementwise/compare.ts";
import { expm1, log, log1p, sqrt } from "../primitives/elementwise/elementary.ts";
import { erf, erfcx, erfInv } from "../primitives/elementwise/erf.ts";
import { mulAdd } from "../primitives/elementwise/mul_add.ts";
import { select } from "../primitives/elementwise/select.ts";

/** The largest float below 1. */
export function largestFraction(dtype: DType): number {
  return dtype === "float32" ? 1 - 2 ** -24 : 1 - 2 ** -53;
}

/**
 * Where a tail of the normal distribution begins: from here on, the error function has too few values
 * left below 1 for its inverse to tell draws apart, 2^15 or so.
 */
function tailStart(dtype: DType): number {
  return dtype === "float32" ? 3 : 7;
}

/**
 * Normal numbers between `low` and `high` from fractions `u`. The bounds as the user gave them tell
 * which way to take, where they are numbers.
 */
export function truncated(
  u: NDArray,
  low: NDArray,
  high: NDArray,
  lower: unknown,
  upper: unknown,
): NDArray {
  const from = tailStart(u.dtype);
  if (typeof lower === "number" && lower >= from) return tail(u, low, high);
  if (typeof upper === "number" && upper <= -from) return neg(tail(u, neg(high), neg(low)));
  if (typeof lower === "number" && typeof upper === "number") return middle(u, low, high);
  const start = scalarArray(from, u.dtype);
  const [above, below] = [ge(low, start), le(high, neg(start))];
  // Each with bounds for which it has finite derivatives, where it is the other that counts.
  const far = or(above, below);
  const [zero, one] = [scalarArray(0, u.dtype), scalarArray(1, u.dtype)];
  const inner = middle(u, select(far, zero, low), select(far, one, high));
  const near = select(far, select(above, low, neg(high)), start);
  const end = select(far, select(above, high, neg(low)), add(start, one));
  const outer = tail(u, near, end);
  return select(far, select(above, outer, neg(outer)), inner);
}

/** As JAX draws them, by the error function and its inverse. */
function middle(u: NDArray, low: NDArray, high: NDArray): NDArray {
  const root = scalarArray(Math.SQRT2, u.dtype);
  const [least, most] = [erf(div(low, root)), erf(div(high, root))];
  // Not -1 or 1, to which it may be rounded: their inverse is infinite.
  const end = scalarArray(largestFraction(u.dtype), u.dtype);
  const p = minimum(maximum(mulAdd(u, sub(most, least), least), maximum(least, neg(end))), end);
  return mul(root, erfInv(p));
}

/** Beyond this distance from its start, a tail has no weight in double precision. */
const TAIL_WIDTH = 16;
/** Steps of Newton's method, from a start that is off by 0.1 at most: errors are 1e-3, 5e-8, 2e-16. */
const NEWTON_STEPS = 3;

/**
 * Normal numbers from the tail between `a`, which is not small, and `b`. With Mills' ratio
 * R(x) = Q(x) / phi(x) of the normal distribution's complement and density, the d = x - a looked for
 * is where
 *
 *     log Q(a) - log Q(a + d) = d (a + d / 2) + log R(a) - log R(a + d) = e,
 *
 * the left side's slope is 1 / R(a + d), and e is exponentially distributed up to its value for b.
 */
function tail(u: NDArray, a: NDArray, b: NDArray): NDArray {
  const c = (value: number): NDArray => scalarArray(value, u.dtype);
  const mills = (x: NDArray): NDArray =>
    mul(c(Math.sqrt(Math.PI / 2)), erfcx(mul(x, c(Math.SQRT1_2))));
  const start = log(mills(a));
  const depth = (d: NDArray): NDArray =>
    add(mul(d, add(a, mul(d, c(0.5)))), sub(start, log(mills(add(a, d)))));
  const width = minimum(maximum(sub(b, a), c(0)), c(TAIL_WIDTH));
  const weight = neg(expm1(neg(depth(width))));
  const e = neg(log1p(neg(mul(u, weight))));
  // Of a^2 / 2 + e = x^2 / 2, which leaves out R.
  let d = div(mul(e, c(2)), add(a, sqrt(add(mul(a, a), mul(e, c(2))))));
  for (let step = 0; step < NEWTON_STEPS; step++) {
    d = sub(d, mul(sub(depth(d), e), mills(add(a, d))));
  }
  return add(a, d);
}
