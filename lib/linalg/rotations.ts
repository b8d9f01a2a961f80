/**
 * Rotations of pairs of rows, all of a round at once, for the programs of eigenvalues and singular values;
 * and what these have in common beside.
 *
 * @module
 */
import { epsilon, type NDArray } from "../core/mod.ts";
import {
  abs,
  add,
  argmax,
  broadcastTo,
  concatenate,
  div,
  eq,
  expandDims,
  ge,
  le,
  lt,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sqrt,
  sub,
} from "../primitives/mod.ts";
import { columnNumbers } from "./matrices.ts";

/** Most sweeps of rotations; about six are enough for single precision and eight for double. */
export const MOST_SWEEPS = 24;

/** Halves of an axis. */
export function halves(x: NDArray, axis: number): [NDArray, NDArray] {
  const middle = x.shape[axis]! / 2;
  const part = (from: number, to: number): NDArray =>
    slice(
      x,
      x.shape.map((_, k) => k === axis ? from : 0),
      x.shape.map((n, k) => k === axis ? to : n),
    );
  return [part(0, middle), part(middle, 2 * middle)];
}

/**
 * Players of two rows of a tournament, for its next round: the first one stays, the others move round.
 */
export function nextRound(x: NDArray, axis: number): NDArray {
  const n = x.shape[axis]!;
  if (n <= 2) return x;
  const h = n / 2;
  const part = (from: number, to: number): NDArray =>
    slice(
      x,
      x.shape.map((_, k) => k === axis ? from : 0),
      x.shape.map((m, k) => k === axis ? to : m),
    );
  const order = [part(0, 1), part(h, h + 1), part(1, h - 1), part(h + 1, n), part(h - 1, h)];
  return concatenate(order.filter((y) => y.shape[axis]! > 0), axis);
}

/** A rotation for each pair. */
export interface Rotations {
  /** Cosines. */
  readonly c: NDArray;
  /** Sines. */
  readonly s: NDArray;
}

/** The rotations that make `[[p, x], [x, q]]` diagonal, by the smaller angle. */
export function rotationsOf(p: NDArray, q: NDArray, x: NDArray): Rotations {
  const zero = scalarLike(0, x);
  const one = scalarLike(1, x);
  const none = eq(x, zero);
  const ratio = div(sub(q, p), select(none, one, add(x, x)));
  const size = div(one, add(abs(ratio), sqrt(add(one, mul(ratio, ratio)))));
  const t = select(none, zero, select(lt(ratio, zero), sub(zero, size), size));
  const c = div(one, sqrt(add(one, mul(t, t))));
  return { c, s: mul(t, c) };
}

/** Rows (or with `axis` 2 columns) i and i + n/2 after rotations `[systems, n/2]`. */
export function rotated(x: NDArray, { c, s }: Rotations, axis: 1 | 2): NDArray {
  const [first, second] = halves(x, axis);
  const [cs, sn] = [c, s].map((y) => expandDims(y, [axis === 1 ? 2 : 1])) as [NDArray, NDArray];
  const top = sub(mul(cs, first), mul(sn, second));
  const bottom = add(mul(sn, first), mul(cs, second));
  return concatenate([top, bottom], axis);
}

/**
 * Signs for rows `[systems, k, n]` that make the first element of about the largest size positive. Exact
 * ties, as in matrices of small integers, are so decided alike by all algorithms.
 */
export function signsOf(rows: NDArray): NDArray {
  const sizes = abs(rows);
  const largest = expandDims(reduceMax(sizes, [2]), [2]);
  const counts = ge(sizes, mul(largest, scalarLike(0.9, rows)));
  const first = argmax(select(counts, scalarLike(1, rows), scalarLike(0, rows)), 2);
  const [systems, k, n] = rows.shape as [number, number, number];
  const places = broadcastTo(reshape(columnNumbers(n), [1, 1, n]), [systems, k, n]);
  const chosen = eq(places, expandDims(first, [2]));
  const element = reduceSum(select(chosen, rows, scalarLike(0, rows)), [2]);
  const one = scalarLike(1, rows);
  return select(lt(element, scalarLike(0, rows)), sub(scalarLike(0, rows), one), one);
}

/**
 * `1 / (b_j - a_i)`, and 0 where the two are as good as equal: closer than rounding of the largest of all
 * tells. On the diagonal too.
 */
export function reciprocalGaps(a: NDArray, b: NDArray, scale: NDArray): NDArray {
  const gaps = sub(expandDims(b, [b.ndim - 1]), expandDims(a, [a.ndim]));
  const n = gaps.shape.at(-1)!;
  const least = mul(scalarLike(n * epsilon(a.dtype), scale), scale);
  const equal = le(abs(gaps), expandDims(least, [least.ndim, least.ndim + 1]));
  const one = scalarLike(1, gaps);
  return select(equal, scalarLike(0, gaps), div(one, select(equal, one, gaps)));
}
