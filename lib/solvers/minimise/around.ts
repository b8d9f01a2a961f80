/**
 * Whether a point is a minimum, asked of what is around it, where the Hessian alone (`certify.ts`) does not tell: to 0 of
 * `x^3` Newton's steps come by halves, as they come to a minimum of higher order, and all that is left there is nothing
 * beside what was gained. Along the direction that the Hessian holds least, on both sides, one goes so far that values
 * differ, and then downhill: what is lower beyond may lie on a curve.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, treeMap } from "../../core/mod.ts";
import {
  abs,
  and,
  broadcastTo,
  div,
  isFinite,
  maximum,
  minimum,
  not,
  onesLike,
  or,
  reduceMax,
  rem,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { dot, norm, plainNorm, spread } from "../norms.ts";
import { loosest, steihaug } from "./curvature.ts";
import { otherProducts, turns } from "./certify.ts";
import { orOne } from "./method.ts";

const int = (k: number): NDArray => scalarArray(k, "int32");

/** What is asked. */
export interface Question {
  /** The point [n], and the value there. */
  readonly x: NDArray;
  readonly value: NDArray;
  /** The step that is left, a descent [n]: `x - step` is better. */
  readonly step: NDArray;
  /** The value at another point. */
  readonly valueAt: (x: NDArray) => NDArray;
  /** How much lower is lower. */
  readonly noise: NDArray;
  /** Whether it is asked: a bool. */
  readonly asked: NDArray;
}

/** What came out. */
export interface Sides {
  /** Whether there is something lower: a bool. */
  readonly lower: NDArray;
  /** Where: `x - step`; 0 where there is nothing. */
  readonly step: NDArray;
  /** The gain there, not positive. */
  readonly slope: NDArray;
  /** Evaluations. */
  readonly looks: NDArray;
}

/**
 * Whether rounding of a point changes the value by much, so that nothing is known of it: beside `range`. Looks once, where
 * it is asked. Also by how much: 0 where it is not asked.
 *
 * And whether a point `none` between which and this one nothing is gained that counts is a minimum along the line
 * through both, or along `step` where they are one: by values there, and to both sides of it, nearer and nearer. Looks
 * where that is `wanted`, too. Of a plateau (`flat`), which may be one from here to there, all that is asked is whether
 * something on the line is lower.
 */
export function isHidden(
  { x, value, valueAt, asked, range, precision, none, step, wanted, flat }:
    & Pick<Question, "x" | "value" | "valueAt" | "asked" | "step">
    & {
      readonly range: NDArray;
      readonly precision: number;
      readonly none: NDArray;
      readonly wanted: NDArray;
      readonly flat: NDArray;
    },
  transforms: Transforms,
): Hidden {
  const beside = x.add(x.mul(turns(x)).mul(4 * precision));
  const apart = x.sub(none);
  const way = select(apart.equal(0).all(), step, apart);
  const [no, zero] = [scalarArray(0, "bool"), scalarArray(0, "int32")];
  const lookAt = (share: NDArray): NDArray => none.add(way.mul(share));
  const end = transforms.whileLoop(
    (c) => c.open,
    ({ off, least, share, looks }) => {
      const isFirst = looks.equal(0);
      const isNone = and(looks.equal(1), not(flat));
      const at = valueAt(select(isFirst, beside, lookAt(share)));
      const noise = abs(select(isNone, value, least)).mul(64 * precision);
      // At the point itself it may be higher, on the way from it to the other one it may not be lower.
      const falls = select(isNone, not(at.lessEqual(value.add(noise))), at.less(least.sub(noise)));
      const goesOn = or(isFirst, not(falls));
      const nearer = select(share.less(0), scalarArray(closer, share.dtype), onesLike(share)).neg();
      const next = select(looks.equal(1), onesLike(share).mul(0.5), share.mul(nearer));
      return {
        off: select(isFirst, abs(at.sub(value)), off),
        least: select(isNone, at, least),
        below: at.sub(value),
        share: select(goesOn, next, share),
        lower: not(goesOn),
        looks: looks.add(1),
        open: and(and(or(wanted, flat), goesOn), looks.less(looksAlong)),
      };
    },
    {
      off: zerosLike(value),
      least: value,
      below: zerosLike(value),
      share: zerosLike(value),
      lower: no,
      looks: zero,
      open: asked,
    },
  );
  const { off, below, share, lower, looks } = end;
  const found = and(lower, flat);
  // Where all there is is 0, rounding of it says nothing.
  const exact = and(range.equal(0), isFinite(off));
  return {
    hidden: and(asked, not(or(exact, off.lessEqual(range.mul(1e-3))))),
    off,
    isLeast: and(and(asked, wanted), not(lower)),
    found,
    there: x.sub(lookAt(share)),
    below,
    looks,
  };
}

/** What it says. */
export interface Hidden {
  readonly hidden: NDArray;
  /** By how much the value differs beside the point. */
  readonly off: NDArray;
  /** Whether nothing is lower than the other point, where that was wanted. */
  readonly isLeast: NDArray;
  /** Whether something is lower, where it is flat, and where: `x - there`; and the gain there. */
  readonly found: NDArray;
  readonly there: NDArray;
  readonly below: NDArray;
  /** Evaluations: int32. */
  readonly looks: NDArray;
}

/** Looks at most twice: first ahead, beyond where the step leads, then back. Nothing where it is not asked. */
export function sides(
  { x, value, step, valueAt, noise, asked }: Question,
  transforms: Transforms,
): Sides {
  const [zero, one] = [scalarArray(0, "int32"), scalarArray(1, "int32")];
  const far = step.mul(beyond);
  const { lower, looks, slope, there } = transforms.whileLoop(
    (c) => c.open,
    ({ looks }) => {
      const there = select(looks.equal(0), far, far.neg());
      const gain = valueAt(x.sub(there)).sub(value);
      const lower = gain.less(noise.neg());
      return {
        lower,
        looks: looks.add(one),
        slope: select(lower, gain, zerosLike(gain)),
        there: select(lower, there, zerosLike(there)),
        open: and(not(lower), looks.equal(0)),
      };
    },
    {
      lower: scalarArray(0, "bool"),
      looks: zero,
      slope: zerosLike(value),
      there: zerosLike(far),
      open: asked,
    },
  );
  return { lower, looks, slope, step: there };
}

/**
 * How far to look, in steps that are left: Newton's step to a minimum of order m is the distance over `m - 1`, and what
 * lies nearer than twice the distance is lower in any case.
 */
export const beyond = 32;

/** A direction [n] as a way in the unknowns, and how far to go at most and to begin with. */
interface Line {
  readonly away: NDArray;
  readonly far: NDArray;
  readonly near: NDArray;
}

/** What is asked of what is around a point. */
export interface View {
  /** The point [n] and the value there. */
  readonly x: NDArray;
  readonly value: NDArray;
  /** What of the value is rounding, and what is no gain where it is not far to there; and whether a step is far. */
  readonly noise: NDArray;
  readonly nothing: NDArray;
  readonly isFar: (step: NDArray) => NDArray;
  /** How far each unknown has been, and units in which lengths are measured: [n]. */
  readonly lengths: NDArray;
  readonly units: NDArray;
  /** The step that is left [n]. */
  readonly step: NDArray;
  /** How far off it begins at least, in `units`. */
  readonly begin: NDArray;
  /** Value and gradient at another point, and a product with the Hessian there. */
  readonly at: (x: NDArray) => { readonly value: NDArray; readonly g: NDArray };
  readonly product: (x: NDArray, v: NDArray) => NDArray;
  /** Which unknowns are free: 1 or 0; and a point brought within bounds. */
  readonly free: NDArray | null;
  readonly inside: (x: NDArray) => NDArray;
  /** Whether it is asked: a bool. */
  readonly asked: NDArray;
}

/**
 * How far each unknown has been [n], by the norms of leaves `reached` [leaves]: those that have come to 0 have no length
 * of their own, and where nothing has left 0 it is 1.
 */
export function lengthsOf(reached: NDArray, sizes: readonly number[], x: NDArray): NDArray {
  const most = select(reached.greater(0), reached, reduceMax(reached, [0]));
  return broadcastTo(spread(orOne(most), sizes), x.shape);
}

/** Units in which lengths are measured at a point [n]. */
export function unitsOf(x: NDArray, lengths: NDArray): NDArray {
  return maximum(abs(x), lengths.mul(epsilon(x.dtype) ** 0.25));
}

/**
 * Whether there is something lower around a point. On each side values are looked at farther and farther off until one
 * differs; from there Newton's steps in a region go downhill, as long as their model is lower than the point. Also whether
 * any differed beyond rounding, as far as the unknowns have been.
 */
export function lookAround(
  view: View,
  transforms: Transforms,
): Sides & { readonly products: NDArray; readonly differs: NDArray } {
  const { x, value, noise, lengths, units, at, product, free, inside, asked } = view;
  const least = maximum(noise, view.nothing);
  const { dtype } = x;
  const [zero, one] = [int(0), int(1)];
  const [no, yes] = [scalarArray(0, "bool"), scalarArray(1, "bool")];
  const only = (v: NDArray): NDArray => free === null ? v : v.mul(free);
  const none = zerosLike(value);
  const bent = (y: NDArray, p: NDArray): NDArray => only(product(y, p.mul(units)).mul(units));
  // What is left to go is along another direction that is held by little, where there are several.
  const ahead = div(view.step, units);
  const left = plainNorm(ahead).mul(beyond);
  /** A direction as a way in the unknowns, at most as far as they have been. */
  const line = (v: NDArray, begin: (far: NDArray) => NDArray): Line => {
    const away = div(v, orOne(norm(v))).mul(units);
    const far = div(scalarArray(1, dtype), orOne(reduceMax(abs(div(away, lengths)), [0])));
    return { away, far, near: minimum(begin(far), far) };
  };
  /** To begin with as far as minima of higher order may be. */
  const firstLine = (loose: NDArray): Line => {
    const behind = dot(loose, ahead).less(0);
    const both = div(ahead, orOne(norm(ahead))).add(select(behind, loose.neg(), loose));
    return line(both, () => maximum(left, view.begin));
  };
  const blank = zerosLike(x);
  // What is held by little there; then farther off, where what is held by powers is held, and what falls is told from it.
  const held = transforms.whileLoop(
    (c) => c.open,
    ({ point, looser, products, isFirst }) => {
      const { direction, ...own } = loosest((p) => bent(point, p), only(turns(x)), yes, transforms);
      const { away, far } = firstLine(direction);
      return {
        point: inside(x.add(away.mul(far.mul(aside)))),
        loose: looser,
        looser: direction,
        products: products.add(own.products),
        isFirst: no,
        open: isFirst,
      };
    },
    { point: x, loose: blank, looser: blank, products: zero, isFirst: yes, open: asked },
  );
  const first = firstLine(held.loose);
  const other = line(held.looser, (far) => far.mul(1 / farther));
  interface State {
    /** The side, and how far off; whether values are still the same. */
    readonly side: NDArray;
    readonly reach: NDArray;
    readonly same: NDArray;
    /** The last point that was taken, what is there, and the point to try. */
    readonly y: NDArray;
    readonly v: NDArray;
    readonly g: NDArray;
    readonly trial: NDArray;
    /** What is promised there, how long the step may be, and how many were tried: int32. */
    readonly promised: NDArray;
    readonly radius: NDArray;
    readonly passes: NDArray;
    readonly looks: NDArray;
    readonly products: NDArray;
    /** The gain at the last trial, and whether it is one. */
    readonly gain: NDArray;
    readonly lower: NDArray;
    readonly differs: NDArray;
    readonly open: NDArray;
  }
  // The types of a dictionary's loops know trees of arrays, not this record of them.
  const end = transforms.whileLoop(
    (s) => (s as unknown as State).open,
    (s) => {
      const c = s as unknown as State;
      const seen = at(c.trial);
      const finite = and(isFinite(seen.value), isFinite(norm(seen.g)));
      const gain = seen.value.sub(value);
      const lower = gain.less(select(view.isFar(c.trial.sub(x)), noise, least).neg());
      const descends = not(c.same);
      // What came of a step.
      const went = seen.value.sub(c.v);
      const better = and(finite, went.less(0));
      const taken = or(better, not(descends));
      const y = select(taken, c.trial, c.y);
      const v = select(taken, seen.value, c.v);
      const g = select(taken, only(seen.g.mul(units)), c.g);
      const length = plainNorm(div(c.trial.sub(c.y), units));
      const good = went.lessEqual(c.promised.mul(0.5));
      const radius = select(
        descends,
        select(and(better, good), c.radius.mul(2), select(better, c.radius, length.mul(0.25))),
        c.reach,
      );
      const passes = select(descends, c.passes.add(1), zero);
      const lineOf = (side: NDArray): Line =>
        treeMap(
          (a: NDArray, b: NDArray) => select(side.less(2), a, b),
          first as never,
          other as never,
        );
      const { far } = lineOf(c.side);
      const differs = or(descends, and(finite, abs(gain).greater(least)));
      const { step, promised, edge, products } = steihaug(
        (p) => bent(y, p),
        {
          g: select(and(differs, not(lower)), g, zerosLike(g)),
          radius,
          tolerance: plainNorm(g).mul(0.1),
          most: otherProducts,
        },
        transforms,
      );
      // The model says that nothing is lower than the point. Minima of higher order, to which Newton's steps come by
      // shares, are left time to show what falls beside them, and at the end everything is.
      const [above, rest] = [v.sub(value), v.add(promised).sub(value)];
      const sure = and(
        and(passes.greater(0), c.reach.less(far)),
        rest.lessEqual(above.mul(0.1)),
      );
      const hopeless = and(
        and(or(sure, passes.greater(mostPasses / 2)), not(edge)),
        rest.greaterEqual(least.neg()),
      );
      const over = or(not(differs), or(hopeless, passes.greaterEqual(mostPasses)));
      // What differed was the way there, or other directions hide what is beyond.
      const same = abs(above).lessEqual(least);
      const onwards = c.reach.mul(select(same, scalarArray(farther, dtype), div(far, c.reach)));
      // What is a bowl as far as here is a minimum, whatever is beyond.
      const returns = plainNorm(div(y.sub(x), units)).lessEqual(c.reach.mul(0.1));
      const stops = and(over, or(or(not(finite), returns), c.reach.greaterEqual(far)));
      const side = c.side.add(select(stops, one, zero));
      const { away, near } = lineOf(side);
      const reach = select(stops, near, select(over, minimum(onwards, far), c.reach));
      const along = away.mul(select(rem(side, int(2)).equal(0), reach.neg(), reach));
      return {
        side,
        reach,
        same: over,
        y,
        v,
        g,
        trial: select(
          lower,
          c.trial,
          inside(select(over, x.add(along), y.add(step.mul(units)))),
        ),
        promised,
        radius,
        passes: select(over, zero, passes),
        looks: c.looks.add(1),
        products: c.products.add(products),
        gain,
        lower,
        differs: or(c.differs, not(abs(gain).lessEqual(noise))),
        open: and(not(lower), side.less(4)),
      } as never;
    },
    {
      side: zero,
      reach: first.near,
      same: yes,
      y: x,
      v: value,
      g: zerosLike(x),
      trial: inside(x.sub(first.away.mul(first.near))),
      promised: none,
      radius: none,
      passes: zero,
      looks: zero,
      products: zero,
      gain: none,
      lower: no,
      differs: no,
      open: asked,
    } as never,
  ) as unknown as State;
  return {
    lower: end.lower,
    differs: end.differs,
    step: select(end.lower, x.sub(end.trial), zerosLike(x)),
    slope: select(end.lower, end.gain, none),
    looks: end.looks,
    products: end.products.add(held.products),
  };
}

/**
 * Whether there is something lower across kinks, where one gradient says little: the shortest mean of those met on the
 * way points along the fold (Wolfe, "A method of conjugate subgradients for minimizing nondifferentiable functions",
 * 1975). From far to near, as long as a mean promises something.
 */
export function lookAcross(
  { x, value, g, noise, nothing, isFar, lengths, at, free, inside, asked }:
    & Omit<View, "product" | "step" | "units" | "begin">
    & { readonly g: NDArray },
  transforms: Transforms,
): Sides {
  const { dtype } = x;
  const least = maximum(noise, nothing);
  const no = scalarArray(0, "bool");
  const slopeAt = (g: NDArray): NDArray => (free === null ? g : g.mul(free)).mul(lengths);
  const first = slopeAt(g);
  const most = Math.min(2 * x.size + 2, mostSlopes);
  const end = transforms.whileLoop(
    (c) => c.open,
    ({ mean, radius, count, looks }) => {
      const trial = inside(x.sub(lengths.mul(mean).mul(div(radius, orOne(norm(mean))))));
      const seen = at(trial);
      const gain = seen.value.sub(value);
      const lower = gain.less(select(isFar(trial.sub(x)), noise, least).neg());
      const g = slopeAt(seen.g);
      const finite = and(isFinite(seen.value), isFinite(norm(g)));
      // The shortest between the two.
      const apart = mean.sub(g);
      const share = div(dot(mean, apart), orOne(dot(apart, apart)));
      const held = minimum(maximum(share, scalarArray(0, dtype)), scalarArray(1, dtype));
      const mean1 = mean.sub(select(finite, apart.mul(held), zerosLike(apart)));
      const promises = and(finite, norm(mean1).mul(radius).greater(least));
      const goesOn = and(promises, count.less(most - 1));
      const radius1 = select(goesOn, radius, radius.mul(nearer));
      return {
        mean: select(goesOn, mean1, first),
        radius: radius1,
        count: select(goesOn, count.add(1), int(0)),
        looks: looks.add(1),
        lower,
        gain: select(lower, gain, zerosLike(gain)),
        step: select(lower, x.sub(trial), zerosLike(x)),
        open: and(not(lower), radius1.greater(Math.sqrt(epsilon(dtype)))),
      };
    },
    {
      mean: first,
      radius: scalarArray(0.1, dtype),
      count: int(0),
      looks: int(0),
      lower: no,
      gain: zerosLike(value),
      step: zerosLike(x),
      open: and(asked, isFinite(norm(first))),
    },
  );
  return { lower: end.lower, step: end.step, slope: end.gain, looks: end.looks };
}

/** Gradients that are met at a distance, and by what the next one is nearer. */
const mostSlopes = 12;
const nearer = 0.125;

/** How far off, of the way that one goes at most, what falls is told from what is held. */
const aside = 0.1;

/** By what the distance grows at which values are looked at, and how many steps downhill are tried. */
const farther = 32;
const mostPasses = 8;

/** Evaluations along a line through what may be a minimum, and by what each second one comes nearer to it. */
const looksAlong = 28;
const closer = 0.125;
