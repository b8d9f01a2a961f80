/**
 * Search along a line for a point that satisfies the strong conditions of Wolfe, one evaluation at a time:
 * bracketing, then cubic interpolation (Nocedal and Wright, "Numerical optimization", algorithms 3.5 and 3.6,
 * with the safeguards of Moré and Thuente, "Line search algorithms with guaranteed sufficient decrease", 1994).
 *
 * All values are gains over that at the beginning of the line, so that they are exact where the function
 * itself is rounded; who evaluates sees to that.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { epsilon } from "../../core/dtype.ts";
import { onesLike } from "../../primitives/constants/full.ts";
import { abs, div, maximum, minimum } from "../../primitives/elementwise/arithmetic.ts";
import { and, not, or } from "../../primitives/elementwise/compare.ts";
import { isFinite } from "../../primitives/elementwise/elementary.ts";
import { select } from "../../primitives/elementwise/select.ts";

/** A search that is under way: scalars. */
export interface Search {
  /** The length that is being tried, and the longest one allowed. */
  readonly t: NDArray;
  readonly most: NDArray;
  /** The slope at the beginning, negative. */
  readonly slope: NDArray;
  /** The best length so far, with value and slope there. */
  readonly low: NDArray;
  readonly lowValue: NDArray;
  readonly lowSlope: NDArray;
  /** The other end of the bracket, where there is one: its value is infinite where it is not defined. */
  readonly high: NDArray;
  readonly highValue: NDArray;
  readonly highSlope: NDArray;
  readonly bracketed: NDArray;
  /** The width of the bracket before. */
  readonly width: NDArray;
  /** Evaluations so far: int32. */
  readonly trials: NDArray;
  /** Whether the search has given up and goes back to the best length, to be taken as it is. */
  readonly settles: NDArray;
}

/** What was found at the length that was tried: scalars. */
export interface Trial {
  /** Gain over the value at the beginning, negative where it is one. */
  readonly value: NDArray;
  readonly slope: NDArray;
  /** Whether both are finite. */
  readonly finite: NDArray;
}

/** What an evaluation means. */
export interface Verdict {
  /** The search is over: the trial is the next point. */
  readonly accepted: NDArray;
  /** The search is over: no length is better than the beginning. */
  readonly failed: NDArray;
  /** How it goes on. */
  readonly search: Search;
}

/** A search along a line of that slope, which begins by a trial of `t`. */
export function begun(slope: NDArray, t: NDArray, most: NDArray): Search {
  const { dtype } = slope;
  const zero = scalarArray(0, dtype);
  return {
    t: minimum(t, most),
    most,
    slope,
    low: zero,
    lowValue: zero,
    lowSlope: slope,
    high: zero,
    highValue: zero,
    highSlope: zero,
    bracketed: scalarArray(0, "bool"),
    width: scalarArray(Infinity, dtype),
    trials: scalarArray(0, "int32"),
    settles: scalarArray(0, "bool"),
  };
}

/**
 * What a trial means for a search: it is accepted with a gain of `decrease` of what the slope promises, and a
 * slope of no more than `flatness` of that.
 */
export function judged(s: Search, trial: Trial, decrease: number, flatness: number): Verdict {
  const { t, slope, low, most } = s;
  const { dtype } = t;
  const { finite } = trial;
  const enough = trial.value.lessEqual(t.mul(slope).mul(decrease));
  const flat = abs(trial.slope).lessEqual(slope.mul(-flatness));
  const farthest = and(t.greaterEqual(most), trial.slope.less(0));
  const sufficient = and(finite, enough);
  const accepted = and(finite, or(s.settles, and(enough, or(flat, farthest))));

  // Where the trial goes in the bracket.
  const worse = not(and(sufficient, trial.value.less(s.lowValue)));
  const away = trial.slope.mul(s.high.sub(low));
  const turns = and(
    not(worse),
    select(s.bracketed, away.greaterEqual(0), trial.slope.greaterEqual(0)),
  );
  const value = select(finite, trial.value, scalarArray(Infinity, dtype));
  const tried = [t, value, trial.slope] as const;
  const lows = [low, s.lowValue, s.lowSlope] as const;
  const highs = [s.high, s.highValue, s.highSlope] as const;
  const [low1, lowValue, lowSlope] = tried.map((x, i) => select(worse, lows[i]!, x)) as Three;
  const [high, highValue, highSlope] = highs.map((x, i) =>
    select(worse, tried[i]!, select(turns, lows[i]!, x))
  ) as Three;
  const bracketed = or(s.bracketed, or(worse, turns));

  // In the bracket, the minimum of the cubic; before there is one, beyond the trial.
  const inside = cubicMinimum(low1, lowValue, lowSlope, high, highValue, highSlope);
  const width = abs(high.sub(low1));
  const left = minimum(low1, high);
  const safe = minimum(maximum(inside, left.add(width.mul(0.1))), left.add(width.mul(0.9)));
  const slow = width.greater(s.width.mul(0.66));
  const middle = left.add(width.mul(0.5));
  // Where nothing is known of the other end, close to the best.
  const near = low1.add(high.sub(low1).mul(0.2));
  const bisects = or(not(isFinite(inside)), and(s.bracketed, slow));
  const within = select(isFinite(highValue), select(bisects, middle, safe), near);
  const beyond = cubicMinimum(low, s.lowValue, s.lowSlope, t, trial.value, trial.slope);
  const reach = t.sub(low);
  const [least, farther] = [t.add(reach.mul(1.1)), t.add(reach.mul(4))];
  const useful = and(isFinite(beyond), beyond.greater(t));
  const outside = minimum(
    select(useful, minimum(maximum(beyond, least), farther), farther),
    most,
  );
  const trials = s.trials.add(1);
  const collapsed = and(
    bracketed,
    width.lessEqual(maximum(low1, high).mul(4 * epsilon(dtype))),
  );
  const over = and(not(accepted), or(collapsed, trials.greaterEqual(mostTrials)));
  const anything = low1.greater(0);
  const next = select(over, low1, select(bracketed, within, outside));
  return {
    accepted,
    failed: or(and(over, not(anything)), and(s.settles, not(finite))),
    search: {
      t: next,
      most,
      slope,
      low: low1,
      lowValue,
      lowSlope,
      high,
      highValue,
      highSlope,
      bracketed,
      width: select(bracketed, width, s.width),
      trials,
      settles: and(over, anything),
    },
  };
}

type Three = [NDArray, NDArray, NDArray];

/** Where the cubic through two points with slopes is smallest; not finite where it has no minimum. */
function cubicMinimum(
  a: NDArray,
  fa: NDArray,
  ga: NDArray,
  b: NDArray,
  fb: NDArray,
  gb: NDArray,
): NDArray {
  const h = b.sub(a);
  const one = onesLike(h);
  const d1 = ga.add(gb).add(div(fa.sub(fb), select(h.equal(0), one, h)).mul(3));
  const square = d1.mul(d1).sub(ga.mul(gb));
  const root = maximum(square, scalarArray(0, h.dtype)).sqrt();
  const d2 = select(h.less(0), root.neg(), root);
  const below = gb.sub(ga).add(d2.mul(2));
  const none = or(below.equal(0), square.less(0));
  const share = div(gb.add(d2).sub(d1), select(none, one, below));
  return select(none, scalarArray(NaN, h.dtype), b.sub(h.mul(share)));
}

/** Evaluations along a line before it is given up. */
const mostTrials = 25;
