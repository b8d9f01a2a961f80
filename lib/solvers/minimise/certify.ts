/**
 * Whether a point is a minimum, asked of the Hessian itself: what a method has learnt of the curvature may be
 * far too much where it has not looked, and then its steps are small far from any minimum. And whether the way to it
 * leads along a tail, asked of the Hessian there. What lies around is asked by `around.ts`.
 *
 * Conjugate gradients solve for Newton's step by products with the Hessian, until the step is too long, or the
 * curvature along a direction is negative or lost in rounding, which refutes the claim; or until the system is
 * solved. Then the same is done for some other right-hand side, to see directions of negative curvature that
 * the gradient says nothing of: at a saddle, and at a maximum.
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
  maximum,
  not,
  or,
  reduceAnd,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { dot, leafNorms, norm, plainNorm, spread } from "../norms.ts";
import { resolved } from "./curvature.ts";
import { orOne } from "./method.ts";

const int = (k: number): NDArray => scalarArray(k, "int32");

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
  /** Whether it holds if values are the same along what is hidden, since the gradient is rounding. */
  readonly idle: NDArray;
  /** The most that products had for each unknown, times that, or NaN: [n]. And the step that this alone would make. */
  readonly bent: NDArray;
  readonly own: NDArray;
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
    /** Whether some curvature was lost, and how much there was for each unknown at most. */
    readonly loose: NDArray;
    readonly idle: NDArray;
    readonly bent: NDArray;
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
      const bent = maximum(before.bent, div(abs(hp), orOne(plainNorm(p))));
      // A gradient may be rounding of its terms, and then says nothing along a direction in which the function is the same.
      const rounding = bent.mul(roundings * eps * Math.sqrt(x.size));
      const rounded = and(wanted, reduceAnd(abs(g).mul(length).lessEqual(rounding), [0]));
      const least = rr.sqrt().mul(Math.sqrt(x.size)).mul(length).lessEqual(nothing);
      const harmless = and(or(least, rounded), last.isShort);
      // What the gradient could give in the length of the unknowns along a direction whose curvature is not known.
      const promise = div(abs(dot(p, g)), orOne(plainNorm(p))).mul(Math.sqrt(x.size)).mul(length);
      const little = promise.lessEqual(nothing);
      const flat = or(not(lost), or(little, rounded));
      const excused = and(and(lost, rounded), not(select(other, little, least)));
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
      // Of what is solved to its rounding nothing more is to be learnt.
      const learnt = rr1.sqrt().lessEqual(plainNorm(probe).mul(eps));
      const over = or(ends, and(other, or(or(lost, learnt), left.equal(0))));
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
        idle: or(before.idle, excused),
        bent,
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
      idle: scalarArray(0, "bool"),
      bent: zerosLike(g),
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
    idle: end.idle,
    bent: end.bent,
    own: div(given.mul(units), orOne(end.bent)),
  };
}

/** The way to a point. */
export interface Way {
  /** Where it left what is far above the point [n], and value and gradient [n] there. */
  readonly x: NDArray;
  readonly value: NDArray;
  readonly g: NDArray;
}

/**
 * Whether what led to a point falls for ever, with what is left of it hidden by rounding: seen from behind, a Newton step
 * along the way is a small share of it, as it is not to minima of any order; after some such steps there still is what
 * bends, as there is not beyond a kink; and as far ahead as behind nothing bends that would hold it. Up to three products,
 * where it is asked and the way was steep.
 */
export function isTail(
  { x, value, way, product, free, inside, asked }:
    & Pick<Claim, "x" | "free" | "asked">
    & {
      readonly value: NDArray;
      readonly way: Way;
      readonly product: (x: NDArray, v: NDArray) => NDArray;
      readonly inside: (x: NDArray) => NDArray;
    },
  transforms: Transforms,
): { readonly tail: NDArray; readonly products: NDArray } {
  const [none, two] = [scalarArray(0, x.dtype), scalarArray(2, x.dtype)];
  const d = free === null ? x.sub(way.x) : x.sub(way.x).mul(free);
  const slope = dot(d, way.g).neg();
  const { behind, between, ahead, products } = transforms.whileLoop(
    (c) => c.open,
    ({ between, ahead, share, products }) => {
      const bend = dot(d, product(inside(way.x.add(d.mul(share))), d));
      const newton = div(slope, orOne(bend));
      return {
        behind: between,
        between: ahead,
        ahead: bend,
        share: select(products.equal(0), newton.mul(stepsOfTails), two),
        products: products.add(1),
        open: select(
          products.equal(0),
          and(newton.greater(0), newton.less(shareOfTails)),
          products.equal(1),
        ),
      };
    },
    {
      behind: none,
      between: none,
      ahead: none,
      share: none,
      products: int(0),
      open: and(asked, slope.greater(maximum(way.value.sub(value), none).mul(orderOfTails))),
    },
  );
  const bends = and(
    between.sub(ahead).greater(behind.mul(keptByTails)),
    ahead.less(behind.mul(shareOfTails)),
  );
  return { tail: and(products.equal(3), bends), products };
}

/** What of its elements, times the square root of their number, may be rounding of a gradient. */
const roundings = 8;

/** Products that a claim is worth. */
const mostProducts = 40;

/**
 * Residual of Newton's system, as a share of the gradient, at which it is solved: flat directions are not to be
 * overlooked beside steep ones. In float32 rounding ends it before.
 */
const exactness = 1e-6;

/** Products with the Hessian for a right-hand side that no claim is about. */
export const otherProducts = 8;

/** Of minima up to this order Newton's steps are a larger share of the way: of order m, `1 / (m - 1)`. */
const shareOfTails = 0.125;

/** After so many steps of Newton tails keep at least such a share of what bends: exponentials `exp(-3)`. */
const stepsOfTails = 3;
const keptByTails = 1e-2;

/** What the slope is at least beside the gain, both along the whole way: of minima of order m it is m. */
const orderOfTails = 3;

/** Numbers of all signs and sizes [n], with a share in each direction that is no accident. */
export function turns(x: NDArray): NDArray {
  return cos(iota(x.shape, 0, "int32").astype(x.dtype).mul(2.4).add(0.3));
}
