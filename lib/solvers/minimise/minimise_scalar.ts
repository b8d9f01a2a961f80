/**
 * Minima of functions of one number between two points.
 *
 * Methods for functions of one number between two points, which look at values alone: Brent's and the golden
 * section. No value at the ends is asked for.
 *
 * @module
 */
import {
  checkCall,
  ConcreteArray,
  epsilon,
  InternalError,
  type NDArray,
  type OptionTable,
  scalarArray,
} from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  exp,
  floor,
  isFinite,
  maximum,
  minimum,
  not,
  or,
  rem,
  reshape,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import { called, checkFunction } from "../../transforms/trees.ts";
import { type Adjoint, checkAdjoint } from "../adjoint.ts";
import type { Local, Stepper } from "../method.ts";
import { pure } from "../../transforms/pure.ts";
import { bracketOf, checkMade, endsOf, named, orNaN, scalarOf } from "../options.ts";
import { type Solution, statusCode } from "../solution.ts";
import { ulps } from "./ending.ts";
import { type Minimiser, orOne, type Setting } from "./method.ts";
import { checkOptions, hints, type MinimiseOptions, solveMinimum } from "./minimise.ts";

/** A method of `minimiseScalar`. */
export interface ScalarMinimiser extends Minimiser {
  /** What it is for. */
  readonly scalar: true;
}

/** What the methods remember: scalars. */
interface Bracket {
  /** The width at the beginning, and the ends. */
  readonly width: NDArray;
  readonly a: NDArray;
  readonly b: NDArray;
  /** The best point, the second best and the one before, with their values. */
  readonly x: NDArray;
  readonly w: NDArray;
  readonly v: NDArray;
  readonly fx: NDArray;
  readonly fw: NDArray;
  readonly fv: NDArray;
  /** The last step and the one before. */
  readonly d: NDArray;
  readonly e: NDArray;
  /** Whether the function is not defined at the lower end and at the upper one, as far as was seen. */
  readonly wallBelow: NDArray;
  readonly wallAbove: NDArray;
  /** The first value, and the largest one that is finite. */
  readonly start: NDArray;
  readonly top: NDArray;
  /** Whether there was something lower where it seemed to be at its end. */
  readonly doubted: NDArray;
  /** Evaluations beside a claim: int32. */
  readonly looks: NDArray;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

/** All of the bracket: its ends and its width. */
type Whole = Pick<Bracket, "a" | "b" | "width">;

type Two = [NDArray, NDArray];

const int = (k: number): NDArray => scalarArray(k, "int32");

/** A method that keeps the better part of the bracket, and tries where `next` says within it. */
function bracketing(
  description: string,
  { rtol, bounds }: Setting,
  next: (m: Bracket, tolerance: NDArray) => readonly [step: NDArray, before: NDArray],
): Stepper<Bracket> {
  return {
    description,
    goesBack: true,
    seeks: mostSeeks,
    patience: 100000,
    init(start) {
      if (bounds === null) throw new InternalError("a bracket without ends");
      const infinity = scalarArray(Infinity, start.dtype);
      const [a, b, x] = [bounds.lower, bounds.upper, start].map((p) => reshape(p, []));
      const zero = scalarArray(0, start.dtype);
      return {
        width: b!.sub(a!),
        a: a!,
        b: b!,
        x: x!,
        w: x!,
        v: x!,
        fx: infinity,
        fw: infinity,
        fv: infinity,
        d: zero,
        e: zero,
        wallBelow: scalarArray(0, "bool"),
        wallAbove: scalarArray(0, "bool"),
        start: infinity,
        top: infinity.neg(),
        doubted: scalarArray(0, "bool"),
        looks: int(0),
        accepted: scalarArray(0, "bool"),
        status: int(-1),
      };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ f: m.looks }),
    step(trial, _r, m, { cost, evaluate, steps, transforms }) {
      const { dtype } = trial;
      const number = (v: number): NDArray => scalarArray(v, dtype);
      const u = reshape(trial, []);
      const fu = select(isFinite(cost!), cost!, number(Infinity));
      const first = m.fx.equal(Infinity);
      const better = fu.lessEqual(m.fx);
      const right = u.greaterEqual(m.x);
      // The worse of the two is the new end on its side.
      const end = select(better, m.x, u);
      const lower = select(better, right, not(right));
      const a = select(and(lower, not(first)), end, m.a);
      const b = select(or(lower, first), m.b, end);
      const wall = and(not(better), not(isFinite(fu)));
      const second = or(fu.lessEqual(m.fw), m.w.equal(m.x));
      const third = or(fu.lessEqual(m.fv), or(m.v.equal(m.x), m.v.equal(m.w)));
      const pick = (x: NDArray, w: NDArray, v: NDArray, u: NDArray) => ({
        x: select(better, u, x),
        w: select(better, x, select(second, u, w)),
        v: select(or(better, second), w, select(third, u, v)),
      });
      const points = pick(m.x, m.w, m.v, u);
      const values = pick(m.fx, m.fw, m.fv, fu);
      const known: Bracket = {
        width: m.width,
        a,
        b,
        x: points.x,
        w: select(first, u, points.w),
        v: select(first, u, points.v),
        fx: values.x,
        fw: select(first, fu, values.w),
        fv: select(first, fu, values.v),
        d: m.d,
        e: m.e,
        wallBelow: select(and(lower, not(first)), wall, m.wallBelow),
        wallAbove: select(or(lower, first), m.wallAbove, wall),
        start: select(first, fu, m.start),
        top: select(isFinite(fu), maximum(m.top, fu), m.top),
        doubted: m.doubted,
        looks: m.looks,
        accepted: and(isFinite(cost!), or(first, better)),
        status: m.status,
      };
      const least = Math.max(rtol, epsilon(dtype) ** 0.5);
      // What is little beside a wide bracket may be much beside the unknown: so a minimum that seems to be at 0 is looked for
      // nearer to there, and where there is something lower, what is left has to be little beside the unknown.
      const inner = abs(known.x).mul(least);
      const [coarse, fine] = [1, 2].map((k) => inner.add(m.width.mul(epsilon(dtype) ** k))) as Two;
      const nought = and(not(m.doubted), abs(known.x).lessEqual(coarse));
      const even = and(known.fx.equal(known.fw), known.fx.equal(known.fv));
      const tolerance = select(or(nought, even), coarse, fine);
      const middle = a.add(b.sub(a).mul(0.5));
      const narrow = abs(known.x.sub(middle)).lessEqual(
        tolerance.mul(2).sub(b.sub(a).mul(0.5)),
      );
      const shortest = maximum(fine, minimum(coarse, b.sub(a).mul(0.1)));
      const [d, e] = next(known, shortest);
      // Nearer than the tolerance nothing is to be seen.
      const far = select(d.less(0), number(-1), number(1)).mul(maximum(abs(d), shortest));
      // Beside a place where nothing is defined it may fall on and on, and to a pole it does.
      const ends = and(narrow, isFinite(known.fx));
      const fall = maximum(known.fw, known.fv).sub(known.fx);
      const falling = fall.greater(known.start.sub(known.fx).mul(leastFall));
      // Where no value has differed nothing is known yet.
      const noise = abs(known.fx).mul(ulps * epsilon(dtype));
      const flat = known.top.sub(known.fx).lessEqual(noise);
      const valueAt = (x: NDArray): NDArray => evaluate(reshape(x, [1])).cost!;
      const [low, high] = [bounds!.lower, bounds!.upper].map((end) => reshape(end, [])) as Two;
      const whole = { a: low, b: high, width: m.width };
      const near = and(ends, nought);
      const { falls, below, looks } = lookAside(
        valueAt,
        { ...whole, x: known.x, fx: known.fx },
        { tolerance, noise, poles: and(ends, falling), flat: and(ends, flat), near },
        transforms,
      );
      const found = select(
        or(falls, or(known.wallBelow, known.wallAbove)),
        int(statusCode("stagnated")),
        int(statusCode("converged")),
      );
      // It goes on where something lower was seen; all of the bracket begins anew where nothing was known of it.
      const goesOn = below.found;
      const status = select(and(ends, not(goesOn)), found, int(-1));
      const memory = {
        ...known,
        a: select(and(goesOn, flat), whole.a, a),
        b: select(and(goesOn, flat), whole.b, b),
        doubted: or(m.doubted, and(goesOn, not(below.at.equal(0)))),
        looks: m.looks.add(looks),
        d,
        e,
        status,
      };
      const onwards = select(goesOn, below.at, known.x.add(far));
      const trying = select(known.fx.equal(Infinity), sought(whole, steps), onwards);
      return [reshape(trying, [1]), memory];
    },
  };
}

/**
 * Where else to look for a first point at which a function is defined, and finite: at the n-th of points that lie
 * evenly, and nearer and nearer to the ends and to 0, in turns.
 */
function sought({ a, b, width }: Whole, n: NDArray): NDArray {
  const place = n.astype(width.dtype).mul(section);
  const evenly = a.add(width.mul(place.sub(floor(place))));
  const turn = div(n, int(2));
  const near = width.mul(exp(div(turn, int(4)).add(1).astype(width.dtype).mul(-Math.log(closer))));
  const by = [a.add(near), b.sub(near), near, near.neg()];
  const beside = by.reduceRight((rest, x, i) => select(rem(turn, int(4)).equal(i), x, rest));
  return minimum(maximum(select(rem(n, int(2)).equal(1), evenly, beside), a), b);
}

/** How many points are tried before one is found, and by what those beside a point come closer to it. */
const mostSeeks = 40;
const closer = 32;

/**
 * Whether a function falls without end to a point, as to a pole or a logarithm's: from afar to near by less than from
 * near to the point. To a cusp, as of the fourth root, it falls by more. And whether it is lower anywhere else, where it
 * has been flat; or nearer than the tolerance. Each is looked for where it is asked.
 */
function lookAside(
  valueAt: (x: NDArray) => NDArray,
  { x, fx, ...whole }: Whole & Pick<Bracket, "x" | "fx">,
  { tolerance, noise, poles, flat, near }: Readonly<
    Record<"tolerance" | "noise" | "poles" | "flat" | "near", NDArray>
  >,
  transforms: Local["transforms"],
) {
  const { dtype } = x;
  const infinity = scalarArray(Infinity, dtype);
  const levels = Math.ceil(-Math.log2(epsilon(dtype)) / Math.log2(smaller));
  const seeks = or(flat, near);
  const falling = and(poles, not(seeks));
  const most = select(near, int(2 * levels + 3), falling.astype("int32").mul(4));
  const seen = transforms.whileLoop(
    (c) => c.looks.less(c.most),
    ({ looks, most, away, nearest, farthest, where }) => {
      const isNear = looks.less(2);
      // Of what seems to be at 0, that itself is looked at first.
      const isNought = and(near, looks.equal(0));
      const isAbove = rem(looks, int(2)).equal(near.astype("int32"));
      const beside = x.add(select(isAbove, away, away.neg()));
      const own = select(isNought, zerosLike(x), beside);
      const at = select(flat, sought(whole, looks), own);
      const inside = and(at.greater(whole.a), at.less(whole.b));
      const f = valueAt(select(inside, at, x));
      const value = select(and(inside, isFinite(f)), f, infinity);
      const lower = and(seeks, value.less(fx.sub(noise)));
      const next = select(seeks, away.mul(1 / smaller), away.mul(farther));
      return {
        looks: select(lower, most, looks.add(1)),
        most,
        away: select(or(isNought, isAbove), away, next),
        nearest: select(isNear, minimum(nearest, value), nearest),
        farthest: select(isNear, farthest, minimum(farthest, value)),
        where: select(lower, at, where),
      };
    },
    {
      looks: int(0),
      most: select(flat, int(mostSeeks), most),
      away: select(seeks, tolerance, tolerance.mul(aside)),
      nearest: infinity,
      farthest: infinity,
      where: x,
    },
  );
  const { nearest, farthest, looks, where } = seen;
  const falls = nearest.sub(fx).greater(farthest.sub(nearest).mul(mostFall));
  return { falls: and(falling, falls), below: { found: not(where.equal(x)), at: where }, looks };
}

/** By what the distance shrinks at which one looks nearer. */
const smaller = 256;

/** How many tolerances off near is, and how many times that afar. */
const aside = 64;
const farther = 25;

/** What a minimum may gain from near to it, beside what from afar to near. Of a logarithm these are the same. */
const mostFall = 0.85;

/** The share of all that was gained that the last points differ by, below which nothing falls without end. */
const leastFall = 1e-6;

/** The step of the golden section into the longer part. */
function golden({ a, b, x }: Bracket): readonly [NDArray, NDArray] {
  const middle = a.add(b.sub(a).mul(0.5));
  const longer = select(x.greaterEqual(middle), a.sub(x), b.sub(x));
  return [longer.mul(section), longer];
}

/** The step of a parabola through three points where that is safe, else of the golden section. */
function brent(m: Bracket, tolerance: NDArray): readonly [NDArray, NDArray] {
  const { a, b, x, w, v, fx, fw, fv, d, e } = m;
  const r = x.sub(w).mul(fx.sub(fv));
  const q0 = x.sub(v).mul(fx.sub(fw));
  const p0 = x.sub(v).mul(q0).sub(x.sub(w).mul(r));
  const q1 = q0.sub(r).mul(2);
  const p = select(q1.greater(0), p0.neg(), p0);
  const q = abs(q1);
  const step = div(p, orOne(q));
  const u = x.add(step);
  const safe = and(
    and(abs(e).greater(tolerance), abs(step).less(abs(e).mul(0.5))),
    and(and(u.greater(a), u.less(b)), and(q.greater(0), isFinite(step))),
  );
  // Not too close to the ends.
  const close = or(u.sub(a).less(tolerance.mul(2)), b.sub(u).less(tolerance.mul(2)));
  const middle = a.add(b.sub(a).mul(0.5));
  const inward = select(middle.sub(x).less(0), tolerance.neg(), tolerance);
  const [gold, longer] = golden(m);
  return [
    select(safe, select(close, inward, step), gold),
    select(safe, d, longer),
  ];
}

/**
 * Brent's method: parabolas through the three best points, and the golden section where they do not do ("Algorithms
 * for minimization without derivatives", 1973, chapter 5).
 *
 * @example
 * ```ts
 * import { brentMinimum, minimiseScalar, numpy as np } from "@injax/injax";
 *
 * const { value } = minimiseScalar((x) => np.cos(x), [2, 4], { solver: brentMinimum() });
 * console.log(value.item().toFixed(3)); // 3.142
 * ```
 */
export function brentMinimum(): ScalarMinimiser {
  if (arguments.length > 0) checkCall("brentMinimum()", arguments);
  const description = "Brent's method";
  return {
    description,
    make: (setting: Setting) => bracketing(description, setting, brent),
    gradientFree: true,
    scalar: true,
  };
}

/**
 * The golden section: brackets that shrink by the same share at each evaluation, whatever the values.
 *
 * @example
 * ```ts
 * import { goldenSection, minimiseScalar, numpy as np } from "@injax/injax";
 *
 * const { value } = minimiseScalar((x) => np.abs(x.sub(0.3)), [0, 1], { solver: goldenSection() });
 * console.log(value.item().toFixed(3)); // 0.300
 * ```
 */
export function goldenSection(): ScalarMinimiser {
  if (arguments.length > 0) checkCall("goldenSection()", arguments);
  const description = "the golden section";
  return {
    description,
    make: (setting: Setting) => bracketing(description, setting, golden),
    gradientFree: true,
    scalar: true,
  };
}

/** The smaller part of the golden section. */
export const section = 0.3819660112501051; // (3 - sqrt(5)) / 2

/** Options of `minimiseScalar`. */
export interface MinimiseScalarOptions extends
  Pick<
    MinimiseOptions,
    "transforms" | "maxSteps" | "throw" | "leg"
  > {
  /** How to differentiate the minimum: `implicit()` (the default) and its options. */
  readonly adjoint?: Adjoint | undefined;
  /** The method: `brentMinimum()` (the default) or `goldenSection()`. */
  readonly solver?: ScalarMinimiser | undefined;
  /**
   * Width of the last bracket over the minimum; no less than half the digits are to be had (default 1e-8 or so). Of a
   * minimum that is 0, the width over that of the first bracket is the square of epsilon, or values are all the same.
   */
  readonly rtol?: number | undefined;
}

const optionTable: OptionTable<MinimiseScalarOptions> = {
  maxSteps: "count",
  rtol: "tolerance",
  solver: "object",
  adjoint: "object",
  transforms: "object",
  throw: "boolean",
  leg: "object",
};

/**
 * Minimises a function of one number between two. Where it has several minima there, one of them is found; where
 * it has none inside, the end of the smaller value is come close to. Where it falls to a pole, or to a place where it
 * is not defined, the status is `stagnated`. The minimum is differentiable with respect to whatever `f` closes over.
 *
 * @param f From a scalar to a scalar.
 * @param bracket Two scalars, in either order.
 * @throws {ShapeError} where the ends or the values of `f` are not scalars.
 * @throws {DTypeError} where an end is not floating-point.
 * @throws {RangeError} where the ends are the same or not finite.
 *
 * @example
 * ```ts
 * import { minimiseScalar } from "@injax/injax";
 *
 * const { value, cost } = minimiseScalar((x) => x.pow(3).sub(x), [0, 2]);
 * console.log(value.item().toFixed(3), cost!.item().toFixed(4)); // 0.577 -0.3849
 * ```
 */
export function minimiseScalar(
  f: (x: NDArray) => NDArray,
  bracket: readonly [number | NDArray, number | NDArray],
  options: MinimiseScalarOptions = {},
): Solution<NDArray> {
  const op = "minimiseScalar";
  if (arguments.length > 2) {
    checkCall("minimiseScalar(f, bracket, options)", arguments, optionTable);
  }
  checkFunction(op, f);
  const { solver = brentMinimum() } = options;
  checkMade(op, "solver", solver, (s) => s.scalar === true, "brentMinimum() or goldenSection()");
  checkOptions(op, { ...options, solver: undefined });
  // Steps by values alone have no derivatives, but by chance.
  checkAdjoint(op, options.adjoint, ["implicit"]);
  bracketOf(op, bracket);
  const valueAt = named(op, f, (x: NDArray): NDArray => scalarOf(op, f, called(f, [x]), hints));
  const [p, q] = endsOf(op, bracket, valueAt, options.transforms ?? pure);
  checkEnds(op, p, q);
  // Ends that are computed and the same make no bracket either.
  const end = orNaN(p.notEqual(q), p);
  const lower = minimum(end, q);
  const upper = maximum(end, q);
  const start = lower.add(upper.sub(lower).mul(section));
  return solveMinimum(
    op,
    f,
    start,
    { ...options, solver, bounds: { lower, upper } },
    solver,
  ) as Solution<NDArray>;
}

/** Raises where the ends are known and make no bracket. */
function checkEnds(op: string, p: NDArray, q: NDArray): void {
  if (!(p instanceof ConcreteArray && q instanceof ConcreteArray)) return;
  if (p.peek() === null || q.peek() === null) return;
  const [a, b] = [p.item(), q.item()];
  if (Number.isFinite(a) && Number.isFinite(b) && a !== b) return;
  throw new RangeError(
    `${op}: the ends of the bracket must be finite and differ, not ${a} and ${b}`,
  );
}
