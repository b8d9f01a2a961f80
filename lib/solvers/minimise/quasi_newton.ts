/**
 * Minimisation by search along directions `-H g`, where `H` is what a method makes of the curvature that it
 * has met: the loop body of BFGS, L-BFGS and nonlinear conjugate gradients.
 *
 * All vectors here are in units of the leaves (`Local.scale`): steps are divided by them, gradients multiplied.
 *
 * Search along a line for a point that satisfies the strong conditions of Wolfe, one evaluation at a time:
 * bracketing, then cubic interpolation (Nocedal and Wright, "Numerical optimization", algorithms 3.5 and 3.6,
 * with the safeguards of Moré and Thuente, "Line search algorithms with guaranteed sufficient decrease", 1994).
 *
 * All values are gains over that at the beginning of the line, so that they are exact where the function
 * itself is rounded; who evaluates sees to that.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, treeMap } from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  isFinite,
  maximum,
  minimum,
  not,
  onesLike,
  or,
  select,
  stopGradient,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Stepper } from "../method.ts";
import { dot, norm, plainNorm } from "../norms.ts";
import { heldWithin } from "../options.ts";
import { statusCode } from "../solution.ts";
import type { Curvature } from "./curvature.ts";
import { ending, type Point, type Standing, standingAtFirst } from "./ending.ts";
import {
  type Box,
  freeAt,
  gain,
  noiseRange,
  orOne,
  reach,
  type Setting,
  within,
} from "./method.ts";

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

/** What a method remembers. */
export interface QuasiNewtonMemory<C> {
  /** Where the last step ended that was taken. */
  readonly at: Point;
  /** The norm of the first gradient, by which values and gradients are divided; 0 before it is known. */
  readonly unit: NDArray;
  /** The direction, and the search along it. */
  readonly direction: NDArray;
  readonly search: Search;
  readonly curvature: C;
  /** Steps that the curvature was learnt from: int32. */
  readonly learnt: NDArray;
  /** The inverse of the curvature along the last step. */
  readonly gamma: NDArray;
  /** The share of a value that is taken to be rounding. */
  readonly noise: NDArray;
  readonly standing: Standing;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");
const bool = (b: boolean): NDArray => scalarArray(b ? 1 : 0, "bool");

/** A method that searches along `-H g`. */
export function quasiNewton<C>(
  description: string,
  curvature: Curvature<C>,
  setting: Setting,
): Stepper<QuasiNewtonMemory<C>> {
  const choose = <T>(which: NDArray, a: T, b: T): T =>
    treeMap((p: NDArray, q: NDArray) => select(which, p, q), a as never, b as never) as T;
  const { bounds } = setting;

  return {
    description,
    goesBack: true,
    patience: 60,
    init(x) {
      const number = (v: number): NDArray => scalarArray(v, x.dtype);
      return {
        at: { x, value: number(Infinity), g: zerosLike(x) },
        unit: number(0),
        direction: zerosLike(x),
        search: begun(number(-1), number(1), number(Infinity)),
        curvature: curvature.init(x),
        learnt: int(0),
        gamma: number(1),
        noise: number(noiseRange(x.dtype)[0]),
        standing: standingAtFirst(x),
        accepted: bool(false),
        status: int(-1),
      };
    },
    // What was learnt is kept; the search begins anew.
    resume(m, x) {
      const { curvature, learnt, gamma, unit } = m;
      return { ...this.init(x, null as never), curvature, learnt, gamma, unit };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ f: m.standing.looks, products: m.standing.products }),
    // The line's direction by the gradient, at the length that the search is at.
    replay(x, r, m, { scale, transforms }) {
      const g = div(r.mul(scale), m.unit);
      const free = bounds === null ? null : freeAt(x, stopGradient(g), bounds);
      const g1 = free === null ? g : g.mul(free);
      const known = curvature.times(m.curvature, g1, free, transforms);
      const descent = select(m.learnt.greater(0), known, g1.mul(m.gamma));
      return heldWithin(x, descent.mul(m.search.t).mul(scale).neg(), bounds);
    },
    step(x, r, m, local) {
      const { cost, scale, transforms } = local;
      const { dtype } = x;
      const eps = epsilon(dtype);
      const [, mostNoise] = noiseRange(dtype);
      const number = (v: number): NDArray => scalarArray(v, dtype);
      const first = m.at.value.equal(Infinity);
      const raw = r.mul(scale);
      const rawSize = norm(raw);
      const finite = and(isFinite(cost!), isFinite(rawSize));
      const unit = select(m.unit.greater(0), m.unit, orOne(rawSize));
      const [value, g] = [div(cost!, unit), div(raw, unit)];
      const slope = dot(g, m.direction);
      const { t } = m.search;
      const trial = {
        value: gain(value, m.at.value, t.mul(m.search.slope), t.mul(slope), m.noise),
        slope,
        finite,
      };
      const verdict = judged(m.search, trial, sufficient, curvature.flatness);
      const accepted = and(finite, or(first, verdict.accepted));

      // What the step says of the curvature.
      const at = choose(accepted, { x, value, g }, m.at);
      const free = bounds === null ? null : freeAt(at.x, at.g, bounds);
      const step = div(x.sub(m.at.x), scale);
      const change = g.sub(m.at.g);
      const along = dot(step, change);
      const bends = along.greater(plainNorm(step).mul(plainNorm(change)).mul(eps));
      const useful = and(and(accepted, not(first)), bends);
      // Where a search has failed, what was learnt is forgotten; where nothing was learnt, it is the end.
      const fails = and(verdict.failed, not(or(accepted, first)));
      const doubts = and(fails, m.noise.less(mostNoise));
      // And where it settles for a gain that may be rounding: without it, each line would end so.
      const { settles, lowValue } = verdict.search;
      const least = abs(lowValue).lessEqual(abs(m.at.value).mul(mostNoise));
      const unsure = or(doubts, and(and(settles, not(m.search.settles)), least));
      const noise = select(unsure, minimum(m.noise.mul(64), number(mostNoise)), m.noise);
      const failed = and(fails, not(doubts));
      const forgets = and(failed, m.learnt.greater(0));
      const learnt = select(forgets, int(0), m.learnt.add(useful.astype("int32")));
      const updated = curvature.update(m.curvature, step, change, useful);
      const known = choose(forgets, curvature.init(x), updated);

      // The next direction.
      const g1 = free === null ? at.g : at.g.mul(free);
      const size = plainNorm(g1);
      const extent = plainNorm(div(at.x, scale));
      // Before anything is known: a share of the unknowns, or as far as the slope promises to bring the value to 0.
      const promise = div(abs(at.value), orOne(size));
      const short = select(
        extent.greater(0),
        extent.mul(firstStep),
        select(promise.greater(0), promise, number(1)),
      );
      const informed = learnt.greater(0);
      const fresh = div(short, orOne(size));
      const gamma = select(
        informed,
        select(useful, div(along, orOne(dot(change, change))), m.gamma),
        fresh,
      );
      const newton = (g: NDArray, free: NDArray | null): NDArray =>
        select(informed, curvature.times(known, g, free, transforms), g.mul(fresh));
      const descent = bounds === null
        ? newton(g1, null)
        : descentWithin(bounds, at.x, g1, gamma, scale, newton);
      const over = ending(setting, local, m.standing, unit, {
        at,
        before: m.at.value,
        noise: m.noise,
        free,
        g: g1,
        size,
        first,
        accepted,
        // A search that goes on and on downhill is no standstill.
        counts: or(or(accepted, fails), verdict.search.bracketed),
        failed: and(failed, not(forgets)),
        step: descent,
        informed,
      });
      const { certificate, refuted } = over;
      // A line that goes down for ever.
      const endless = and(verdict.search.settles, not(verdict.search.bracketed));
      const status = select(endless, int(statusCode("diverged")), over.status);

      const away = div(certificate.step, scale);
      const direction = select(
        refuted,
        bounds === null ? away : div(at.x.sub(within(at.x.sub(away.mul(scale)), bounds)), scale),
        descent,
      ).neg();
      const down = minimum(dot(direction, g1), certificate.slope);
      const most = reach(at.x, direction.mul(scale), bounds);
      const renews = or(or(accepted, doubts), or(forgets, refuted));
      // What was seen to be lower is taken as it is.
      const begins = { ...begun(down, number(1), most), settles: over.found };
      const search = choose(renews, begins, verdict.search);
      const line = select(renews, direction, m.direction);

      const next = within(at.x.add(line.mul(search.t).mul(scale)), bounds);
      return [next, {
        at,
        unit,
        direction: line,
        search,
        curvature: known,
        learnt,
        gamma,
        noise,
        standing: over.standing,
        accepted,
        status,
      }];
    },
  };
}

/**
 * A descent within bounds: unknowns that a step along the gradient would bring to a bound go there, the others
 * follow `-H g` as far as their bounds. Where that is no descent, the step along the gradient is.
 */
function descentWithin(
  bounds: Box,
  x: NDArray,
  g: NDArray,
  gamma: NDArray,
  scale: NDArray,
  newton: (g: NDArray, free: NDArray) => NDArray,
): NDArray {
  const to = (descent: NDArray): NDArray =>
    div(x.sub(within(x.sub(descent.mul(scale)), bounds)), scale);
  const plain = g.mul(gamma);
  const aim = x.sub(plain.mul(scale));
  const held = or(aim.lessEqual(bounds.lower), aim.greaterEqual(bounds.upper));
  const free = not(held).astype(x.dtype);
  const descent = to(select(held, plain, newton(g.mul(free), free)));
  const falls = dot(descent, g).greater(plainNorm(descent).mul(plainNorm(g)).mul(1e-8));
  return select(falls, descent, to(plain));
}

/** Share of the gain that the slope promises, with which a search is content. */
const sufficient = 1e-4;

/** Length of the first step, in that of the unknowns. */
const firstStep = 0.1;
