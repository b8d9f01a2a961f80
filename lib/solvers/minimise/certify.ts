/**
 * Whether a point is a minimum, asked of the Hessian itself: what a method has learnt of the curvature may be
 * far too much where it has not looked, and then its steps are small far from any minimum.
 *
 * Conjugate gradients solve for Newton's step by products with the Hessian, until the step is too long, or the
 * curvature along a direction is negative or lost in rounding, which refutes the claim; or until the system is
 * solved. Then the same is done for some other right-hand side, to see directions of negative curvature that
 * the gradient says nothing of: at a saddle, and at a maximum.
 *
 * Whether a point is a minimum, asked of what is around it, where the Hessian alone does not tell: to 0 of `x^3` Newton's
 * steps come by halves, as they come to a minimum of higher order, and all that is left there is nothing beside what was
 * gained. Along the direction that the Hessian holds least, on both sides, one goes so far that values differ, and then
 * downhill: what is lower beyond may lie on a curve.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, treeMap } from "../../core/mod.ts";
import {
  abs,
  and,
  cos,
  div,
  iota,
  isFinite,
  maximum,
  minimum,
  not,
  or,
  reduceMax,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { dot, leafNorms, norm, plainNorm, spread } from "../norms.ts";
import { loosest, resolved, steihaug } from "./curvature.ts";
import { orOne } from "./method.ts";

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
 */
export function isHidden(
  { x, value, valueAt, asked, range, precision }:
    & Pick<Question, "x" | "value" | "valueAt" | "asked">
    & {
      readonly range: NDArray;
      readonly precision: number;
    },
  transforms: Transforms,
): { readonly hidden: NDArray; readonly off: NDArray; readonly looks: NDArray } {
  const no = scalarArray(0, "bool");
  const end = transforms.whileLoop(
    (c) => c.open,
    () => {
      const off = abs(valueAt(x.add(x.mul(turns(x)).mul(4 * precision))).sub(value));
      return { hidden: not(off.lessEqual(range.mul(1e-3))), off, open: no };
    },
    { hidden: no, off: zerosLike(value), open: asked },
  );
  return { hidden: end.hidden, off: end.off, looks: asked.astype("int32") };
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
 * Whether there is something lower around a point. On each side values are looked at farther and farther off until one
 * differs; from there Newton's steps in a region go downhill, as long as their model is lower than the point.
 */
export function lookAround(view: View, transforms: Transforms): Sides & { products: NDArray } {
  const { x, value, noise, lengths, units, at, product, free, inside, asked } = view;
  const least = maximum(noise, view.nothing);
  const { dtype } = x;
  const [zero, one] = [int(0), int(1)];
  const [no, yes] = [scalarArray(0, "bool"), scalarArray(1, "bool")];
  const only = (v: NDArray): NDArray => free === null ? v : v.mul(free);
  const none = zerosLike(value);
  const bent = (y: NDArray, p: NDArray): NDArray => only(product(y, p.mul(units)).mul(units));
  const loose = loosest((p) => bent(x, p), only(turns(x)), asked, transforms);
  // What is left to go is along another direction that is held by little, where there are several.
  const ahead = div(view.step, units);
  const behind = dot(loose.direction, ahead).less(0);
  const both = div(ahead, orOne(norm(ahead))).add(
    select(behind, loose.direction.neg(), loose.direction),
  );
  const direction = div(both, orOne(norm(both)));
  // As far as the unknowns have been at most, and to begin with as far as minima of higher order may be.
  const far = div(
    scalarArray(1, dtype),
    orOne(reduceMax(abs(div(direction.mul(units), lengths)), [0])),
  );
  const left = plainNorm(ahead).mul(beyond);
  const near = minimum(maximum(left, scalarArray(Math.sqrt(epsilon(dtype)), dtype)), far);
  const away = direction.mul(units);
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
      // The model says that nothing is lower than the point. At the end minima of higher order, to which Newton's steps
      // come by shares, are left time to show what falls beside them.
      const enough = select(c.reach.less(far), zero, int(mostPasses / 2));
      const hopeless = and(
        and(passes.greater(enough), not(edge)),
        v.add(promised).greaterEqual(value.sub(least)),
      );
      const over = or(not(differs), or(hopeless, passes.greaterEqual(mostPasses)));
      // What differed was the way there, or other directions hide what is beyond.
      const same = abs(v.sub(value)).lessEqual(least);
      const onwards = c.reach.mul(select(same, scalarArray(farther, dtype), div(far, c.reach)));
      // What is a bowl as far as here is a minimum, whatever is beyond.
      const returns = plainNorm(div(y.sub(x), units)).lessEqual(c.reach.mul(0.1));
      const stops = and(over, or(or(not(finite), returns), c.reach.greaterEqual(far)));
      const side = c.side.add(select(stops, one, zero));
      const reach = select(stops, near, select(over, minimum(onwards, far), c.reach));
      const along = away.mul(select(side.equal(0), reach.neg(), reach));
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
        open: and(not(lower), side.less(2)),
      } as never;
    },
    {
      side: zero,
      reach: near,
      same: yes,
      y: x,
      v: value,
      g: zerosLike(x),
      trial: inside(x.sub(away.mul(near))),
      promised: none,
      radius: none,
      passes: zero,
      looks: zero,
      products: zero,
      gain: none,
      lower: no,
      open: asked,
    } as never,
  ) as unknown as State;
  return {
    lower: end.lower,
    step: select(end.lower, x.sub(end.trial), zerosLike(x)),
    slope: select(end.lower, end.gain, none),
    looks: end.looks,
    products: end.products.add(loose.products),
  };
}

/** By what the distance grows at which values are looked at, and how many steps downhill are tried. */
const farther = 32;
const mostPasses = 8;

/** What is asked. */
export interface Claim {
  /** The point [n], its gradient [n] in units of the unknowns (`scale`), and which unknowns are free: 1 or 0. */
  readonly x: NDArray;
  readonly gradient: NDArray;
  readonly free: NDArray | null;
  readonly sizes: readonly number[];
  /** Units of the unknowns: [n] or []. */
  readonly scale: NDArray;
  /** A product with the Hessian there. */
  readonly product: (v: NDArray) => NDArray;
  /** Whether a step [n] with a gradient along it is small enough: a bool. */
  readonly isSmall: (step: NDArray) => NDArray;
  /** What is no gain: where all that a gradient could give in the length of the unknowns is less, it is 0. */
  readonly nothing: NDArray;
  /** Whether it is asked at all: a bool. */
  readonly asked: NDArray;
  /** Whether Newton's step is wanted as it is, also where it is known to be too long: a bool. */
  readonly wanted: NDArray;
  /**
   * The last step [n] and the change of the gradient [n] that it made, and whether the Hessian has to explain it: a
   * bool. Where the curvature is not known, the step has to be short.
   */
  readonly last: {
    readonly isShort: NDArray;
    readonly asked: NDArray;
    readonly step: NDArray;
    readonly change: NDArray;
  };
}

/** What came out. */
export interface Certificate {
  /** Whether Newton's step is small. False where nothing was asked. */
  readonly holds: NDArray;
  /** Newton's step as far as it was solved for, a descent [n]; 0 where nothing was asked. */
  readonly step: NDArray;
  /** What curvature makes of the slope along a step downhill where the gradient is 0: not positive. */
  readonly slope: NDArray;
  /** Products with the Hessian. */
  readonly products: NDArray;
  /** Whether rounding hides some curvature. */
  readonly loose: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");

/** Numbers of all signs and sizes [n], with a share in each direction that is no accident. */
function turns(x: NDArray): NDArray {
  return cos(iota(x.shape, 0, "int32").astype(x.dtype).mul(2.4).add(0.3));
}

/** Answers by at most `mostProducts + otherProducts` products. A loop, which costs nothing where nothing is asked. */
export function certify(claim: Claim, transforms: Transforms): Certificate {
  const { x, free, sizes, scale, product, isSmall, nothing, asked, wanted, last } = claim;
  const { dtype } = x;
  const eps = epsilon(dtype);
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const only = (v: NDArray): NDArray => free === null ? v : v.mul(free);
  // In units of each unknown, as far as those are not much smaller than the leaf.
  const leaves = spread(leafNorms(x, sizes), sizes);
  const own = select(leaves.greater(0), leaves.mul(eps ** 0.25), scale);
  // Towards 0 they would leave the numbers, and products with them.
  const units = maximum(abs(x), maximum(own, scale.mul(eps * eps)));
  // The gradient is brought to norm 1, so that products are in the range of the dtype.
  const given = only(claim.gradient.mul(div(units, scale)));
  const length = norm(given);
  const unit = orOne(length);
  const g = div(given, unit);
  interface State {
    readonly q: NDArray;
    readonly slope: NDArray;
    readonly res: NDArray;
    readonly p: NDArray;
    readonly most: NDArray;
    /** Whether it is the other right-hand side's turn, and the products that are left for it. */
    readonly other: NDArray;
    readonly left: NDArray;
    readonly products: NDArray;
    readonly refuted: NDArray;
    /** Whether some curvature was lost. */
    readonly loose: NDArray;
    readonly open: NDArray;
    /** Whether the last step is to be explained first. */
    readonly explains: NDArray;
  }
  const size = plainNorm(g);
  const probe = only(turns(x));
  const end = transforms.whileLoop(
    (s) => (s as unknown as State).open,
    (s) => {
      const { q, res, p, products, other, explains, ...before } = s as unknown as State;
      const h = product(select(explains, last.step, p.mul(units)));
      const hp = only(h.mul(units));
      const off = norm(h.sub(last.change));
      const explained = off.less(norm(last.change).mul(0.25));
      const [along, square] = [dot(p, hp), dot(p, p)];
      const most = maximum(before.most, div(plainNorm(hp), orOne(plainNorm(p))));
      const bend = square.mul(most);
      const falls = along.less(bend.mul(-(eps ** 0.75)));
      const lost = not(along.greater(bend.mul(resolved * eps)));
      const rr = dot(res, res);
      const harmless = and(
        rr.sqrt().mul(Math.sqrt(x.size)).mul(length).lessEqual(nothing),
        last.isShort,
      );
      // What the gradient could give in the length of the unknowns along a direction whose curvature is not known.
      const promise = div(abs(dot(p, g)), orOne(plainNorm(p))).mul(Math.sqrt(x.size)).mul(length);
      const flat = or(not(lost), promise.lessEqual(nothing));
      const alpha = div(rr, select(lost, number(1), along));
      const q1 = select(or(lost, other), q, q.add(p.mul(alpha.mul(unit))));
      const res1 = select(lost, res, res.sub(hp.mul(alpha)));
      const rr1 = dot(res1, res1);
      const count = products.add(1);
      const left = before.left.sub(1);
      const unsound = and(lost, or(falls, not(harmless)));
      const long = not(isSmall(q1.mul(units)));
      const refuted = or(before.refuted, select(other, or(falls, not(flat)), or(unsound, long)));
      const small = rr1.sqrt().lessEqual(size.mul(Math.max(exactness, 100 * eps)));
      const solved = or(or(lost, small), left.equal(0));
      // The step is had as far as it goes; the other system is for claims that hold.
      const ends = select(or(unsound, not(wanted)), refuted, and(refuted, solved));
      const over = or(ends, and(other, or(lost, left.equal(0))));
      const turnsTo = and(not(other), and(solved, not(refuted)));
      // Downhill, by a share of the unknowns.
      const uphill = select(dot(p, g).less(0), number(-1), number(1));
      const far = div(uphill.mul(0.1 * Math.sqrt(x.size)), orOne(plainNorm(p)));
      const turnsAway = falls;
      const next = {
        q: select(turnsAway, p.mul(far), q1),
        slope: select(turnsAway, along.mul(far).mul(far), number(0)),
        res: select(turnsTo, probe, res1),
        p: select(turnsTo, probe, res1.add(p.mul(div(rr1, orOne(rr))))),
        most,
        other: or(other, turnsTo),
        left: select(turnsTo, int(otherProducts), left),
        products: count,
        refuted,
        loose: or(before.loose, lost),
        open: not(over),
        explains: scalarArray(0, "bool"),
      };
      const asBefore = {
        ...s as unknown as State,
        products: count,
        refuted: not(explained),
        explains: next.explains,
        open: or(explained, wanted),
      };
      const choose = (a: NDArray, b: NDArray): NDArray => select(explains, a, b);
      return treeMap(choose, asBefore as never, next as never);
    },
    {
      q: zerosLike(g),
      slope: number(0),
      res: select(size.equal(0), probe, g),
      p: select(size.equal(0), probe, g),
      most: number(0),
      other: size.equal(0),
      left: select(size.equal(0), int(otherProducts), int(mostProducts)),
      products: int(0),
      refuted: scalarArray(0, "bool"),
      loose: scalarArray(0, "bool"),
      open: asked,
      explains: last.asked,
    } as never,
  ) as unknown as State;
  return {
    holds: and(asked, not(end.refuted)),
    step: end.q.mul(units),
    slope: end.slope,
    products: end.products,
    loose: end.loose,
  };
}

/** Products that a claim is worth, and those for another right-hand side. */
const mostProducts = 40;
const otherProducts = 8;

/**
 * Residual of Newton's system, as a share of the gradient, at which it is solved: flat directions are not to be
 * overlooked beside steep ones. In float32 rounding ends it before.
 */
const exactness = 1e-6;
