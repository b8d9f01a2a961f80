/**
 * Whether a point where proximal steps are small is a minimum of `f + h`, of which only `f` and the proximal operator
 * of `h` are known. Of what has run away it is none (`reach.ts`), nor where Newton's step along the one that is left is
 * long, nor at a saddle.
 *
 * Where the point is that of the least `|y - u|^2 / (2 t) + h(y)`, with `u = x - t g`, the steps of length t grow along
 * `P p` where `p^T B p < 0`, with `B = P (I - P) + t P H P`, the operator's derivative P there, and the Hessian H of f. That
 * is the curvature along the directions that the operator leaves free, with that of a curved set.
 *
 * `(u - y) / t` is a subgradient of a convex h at `y`, so that `f(y) - f(x) + (u - y) (y - x) / t` is no less than what
 * the sum gains from `x` to `y`: where it is negative, `y` is lower.
 *
 * What the method remembers, of which all this is asked.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray } from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  isFinite,
  maximum,
  minimum,
  not,
  or,
  reduceMax,
  reduceMin,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Local } from "../method.ts";
import { dot, leafNorms, norm, plainNorm } from "../norms.ts";
import { beyond, lengthsOf } from "./around.ts";
import { isTail, turns, type Way } from "./certify.ts";
import { resolved } from "./curvature.ts";
import { derivativeAlong, orOne, type Setting } from "./method.ts";

/** What is asked: values, gradients and `t` are in units of the first gradient, `unit`. */
export interface ProximalClaim {
  /** The point [n], the value and the gradient [n] there, and the first value. */
  readonly x: NDArray;
  readonly value: NDArray;
  readonly g: NDArray;
  readonly start: NDArray;
  readonly unit: NDArray;
  /** The length of the step that is left, and that step [n]: `x - step` is the next point. */
  readonly t: NDArray;
  readonly step: NDArray;
  /** Whether it is asked: a bool. */
  readonly asked: NDArray;
  /** Whether the point was accepted, and what is known of the way there. */
  readonly accepted: NDArray;
  readonly trail: Trail;
}

/** What is remembered of the way to a point. */
export interface Trail {
  /** Where the last step that led away began, and the value of the last point that was accepted. */
  readonly way: Way;
  readonly value: NDArray;
  /** Whether the Hessian does not explain what that step has changed: a bool. */
  readonly odd: NDArray;
}

/** Before the first step. */
export function trailAtFirst(x: NDArray): Trail {
  const none = scalarArray(0, x.dtype);
  return { way: { x, value: none, g: zerosLike(x) }, value: none, odd: bool(false) };
}

/** What the method of proximal gradients remembers. */
export interface Proximal {
  /** The norm of the first gradient, by which values and gradients are divided; 0 before it is known. */
  readonly unit: NDArray;
  /** Where the gradient was taken, and the gradient there: the step is from there. */
  readonly y: NDArray;
  readonly gy: NDArray;
  /** The last point that was accepted, and the one before. */
  readonly x: NDArray;
  /** Length of the step, and whether it still grows. */
  readonly t: NDArray;
  readonly grows: NDArray;
  /** What its length would be if tries that were not finite had not cut it: of this one, claims have to be short. */
  readonly whole: NDArray;
  /** The first value. */
  readonly start: NDArray;
  /** How often a claim was refuted by a lower point, evaluations and products for that: int32. */
  readonly rescues: NDArray;
  readonly extra: NDArray;
  readonly products: NDArray;
  /** Momentum. */
  readonly theta: NDArray;
  /** Whether the trial is a point to take the gradient at. */
  readonly looks: NDArray;
  readonly begun: NDArray;
  /** The least relative step, and accepted points since: int32. */
  readonly least: NDArray;
  readonly stale: NDArray;
  readonly accepted: NDArray;
  readonly trail: Trail;
  readonly status: NDArray;
}

/** What came out. */
export interface ProximalAnswer {
  /** Whether nothing speaks against it. False where nothing was asked. */
  readonly holds: NDArray;
  readonly trail: Trail;
  /** Whether there is a way on, and the point [n] there. */
  readonly lower: NDArray;
  readonly there: NDArray;
  /** Evaluations, and products with the Hessian: int32. */
  readonly looks: NDArray;
  readonly products: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");
const bool = (b: boolean): NDArray => scalarArray(b ? 1 : 0, "bool");

/** Answers by some products with the Hessian, and evaluations where the curvature does not tell. */
export function claimOf(
  { x, value, g, start, unit, t, step, accepted, asked, trail }: ProximalClaim,
  { rtol, precision, sizes, prox, smooth }: Setting,
  { evaluate, isShort, marches, reached, since, transforms }: Local,
): ProximalAnswer {
  const { dtype } = x;
  const eps = epsilon(dtype);
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const operator = (v: NDArray): NDArray => prox!(v, div(t, unit));
  const u = x.sub(g.mul(t));
  // In lengths of the leaves, so that units do not matter.
  const lengths = lengthsOf(reached, sizes, x);
  const product = (at: NDArray, v: NDArray): NDArray =>
    div(derivativeAlong((x) => evaluate(x).r, at, v, { lengths, bounds: null }, transforms), unit);
  const hessian = (v: NDArray): NDArray => product(x, v);
  const spared = (v: NDArray): NDArray =>
    derivativeAlong(operator, u, v, {
      lengths,
      bounds: null,
      near: Math.sqrt(eps),
      smooth,
    }, transforms);
  const bent = (p: NDArray): NDArray => {
    const v = p.mul(lengths);
    const free = spared(v);
    return spared(v.sub(free).add(hessian(free).mul(t))).mul(lengths);
  };
  const probe = div(spared(turns(x).mul(lengths)), lengths);
  const { direction, most, products } = leastHeld(bent, probe, asked, transforms);

  // How far the unknowns are from how far they have been: from a start far away that is near to nothing.
  const shares = div(leafNorms(x, sizes), orOne(reached));
  const share = minimum(reduceMin(shares, [0]), number(1));
  const seen = transforms.whileLoop(
    (c) => c.open,
    () => {
      // The last step, where it was long or one of many that hardly got shorter, has to be explained by the Hessian.
      const { step: last } = since;
      const change = div(since.change, unit);
      const rounding = norm(g).mul(16 * eps);
      const off = norm(hessian(last).sub(change));
      const explained = off.less(norm(change).mul(0.25).add(rounding));
      const looksBack = or(marches, not(isShort(last)));
      const along = dot(step, hessian(step)).mul(t);
      const square = dot(step, step);
      const newton = select(along.greater(0), div(square, orOne(along)), number(1));
      // Of a march the step says nothing, but Newton's does.
      const short = isShort(step.mul(select(marches, newton.mul(1 / 16), newton)));
      const sure = or(square.equal(0), and(along.greater(0), newton.lessEqual(1 / loose)));
      // A step of the start's length may be less than rounding. One that is not is none where the set holds the point,
      // and its curvature says how much is left up to where the slope is 0.
      const length = maximum(norm(x).mul(Math.sqrt(rtol)), norm(lengths).mul(eps));
      const long = maximum(t, div(length, orOne(norm(g))));
      const whole = x.sub(prox!(x.sub(g.mul(long)), div(long, unit)));
      const curved = abs(dot(whole, hessian(whole))).mul(long);
      const left = whole.mul(div(dot(whole, whole), curved));
      const [goes, values] = [leafNorms(left, sizes), leafNorms(x, sizes)];
      const gone = and(values.lessEqual(reached.mul(goneTo)), goes.lessEqual(values.mul(2)));
      const settled = or(gone, goes.lessEqual(values.mul(Math.sqrt(rtol))));
      const held = or(whole.equal(0).all(), settled.all());
      const isSettled = or(held, share.greaterEqual(nearest));
      const bend = dot(direction, bent(direction));
      const odd = and(looksBack, not(explained));
      // Where the operator holds on one side and not on the other, it has no derivative.
      const aside = turns(x).mul(lengths).mul(Math.sqrt(eps));
      const middle = operator(u);
      const bends = abs(operator(u.add(aside)).add(operator(u.sub(aside))).sub(middle.mul(2)));
      const kinked = bends.greater(abs(aside).mul(0.25));
      const free = spared(direction.mul(lengths));
      return {
        holds: and(not(odd), short),
        odd,
        unsure: or(
          or(not(sure), not(bend.greater(most.mul(loose)))),
          or(kinked.any(), not(isSettled)),
        ),
        isSettled,
        falls: bend.less(most.mul(-Math.sqrt(eps))),
        way: select(kinked, turns(x).mul(lengths), free),
        open: bool(false),
      };
    },
    {
      holds: bool(false),
      odd: bool(false),
      unsure: bool(false),
      isSettled: bool(false),
      falls: bool(false),
      way: zerosLike(x),
      open: asked,
    },
  );

  const way = div(seen.way, orOne(reduceMax(abs(div(seen.way, lengths)), [0])));
  // Where several directions are free, the way may be none of those that fall: from where values differ one goes downhill.
  const descends = x.size > 1;
  const first = u.add(way);
  // There looks are nearer, and what was gained says nothing of what is left.
  const least = maximum(share, number(Math.sqrt(eps))).mul(nearest);
  const gained = abs(start.sub(value)).mul(share.mul(share).mul(rtol * rtol));
  const end = transforms.whileLoop(
    (c) => c.open,
    ({ reach, side, passes, from, length, before, looks }) => {
      const y = prox!(from, div(length, unit));
      const away = y.sub(x);
      const pull = div(from.sub(y), length);
      const { cost, r } = evaluate(y);
      const there = div(cost!, unit);
      const gain = there.sub(value).add(dot(pull, away));
      const pulled = select(pull.equal(0), zerosLike(x), away);
      const noise = abs(value).mul(64 * precision)
        .add(norm(pulled).mul(div(norm(x), length).add(norm(g))).mul(8 * precision));
      const far = not(isShort(away.mul(1 / beyond)));
      const nothing = select(far, noise, noise.add(gained));
      const distance = norm(away);
      const moves = distance.greater(0);
      // At the last of them, where the set is as good as flat, curvature alone speaks.
      const aside = from.sub(u);
      const free = norm(away.sub(aside)).lessEqual(norm(aside).mul(0.3));
      const looksAside = passes.equal(0);
      const down = and(and(seen.falls, free), and(looksAside, reach.less(least.mul(farther))));
      const lower = and(and(moves, isFinite(there)), or(gain.less(nothing.neg()), down));
      // Half the distance along the gradient, as long as that leads down and not back.
      const slope = div(r, unit);
      const steep = norm(slope);
      const onwards = descends
        ? and(
          and(and(gain.greater(nothing), gain.less(before)), passes.less(mostPasses)),
          and(steep.greater(0), distance.greater(norm(way).mul(reach.mul(0.25)))),
        )
        : bool(false);
      const next = select(onwards, reach, select(side.less(0), reach.mul(1 / farther), reach));
      const other = select(onwards, side, side.neg());
      const length1 = select(onwards, div(distance, orOne(steep).mul(2)), t);
      return {
        reach: next,
        side: other,
        passes: select(onwards, passes.add(1), int(0)),
        from: select(onwards, y.sub(slope.mul(length1)), u.add(way.mul(next.mul(other)))),
        length: length1,
        before: select(onwards, gain, number(Infinity)),
        looks: looks.add(1),
        lower,
        there: select(lower, y, x),
        open: and(not(lower), next.greaterEqual(least)),
      };
    },
    {
      reach: number(1),
      side: number(1),
      passes: int(0),
      from: first,
      length: t,
      before: number(Infinity),
      looks: int(0),
      lower: bool(false),
      there: x,
      open: and(and(seen.holds, seen.unsure), norm(way).greater(0)),
    },
  );
  // What stays where such a step has led has no other that could explain it.
  const stays = since.step.equal(0).all();
  const moves = and(accepted, not(stays));
  const led = {
    x: select(moves, x.sub(since.step), trail.way.x),
    value: select(moves, trail.value, trail.way.value),
    g: select(moves, g.sub(div(since.change, unit)), trail.way.g),
  };
  const doubted = and(trail.odd, stays);
  const back = isTail({
    x,
    value,
    way: led,
    free: null,
    inside: (v) => v,
    product,
    // Where nothing at all is left it is the floor of a valley.
    asked: and(and(doubted, seen.holds), norm(g).greater(0)),
  }, transforms);
  return {
    holds: and(and(seen.holds, seen.isSettled), not(or(end.lower, back.tail))),
    trail: {
      way: led,
      value: select(accepted, value, trail.value),
      odd: or(seen.odd, doubted),
    },
    lower: end.lower,
    there: end.there,
    looks: end.looks,
    products: products.add(back.products).add(select(asked, int(4), int(0))),
  };
}

/**
 * A direction [n] of length 1 along which a matrix is negative or lost in rounding, as conjugate gradients meet one; else
 * that of the inverse times the probe. Also the stiffest curvature met.
 */
function leastHeld(
  product: (p: NDArray) => NDArray,
  probe: NDArray,
  asked: NDArray,
  transforms: Local["transforms"],
): { readonly direction: NDArray; readonly most: NDArray; readonly products: NDArray } {
  const { dtype, size } = probe;
  const end = transforms.whileLoop(
    (c) => c.open,
    ({ q, res, p, most, count }) => {
      const hp = product(p);
      const [along, square, rr] = [dot(p, hp), dot(p, p), dot(res, res)];
      const stiffest = maximum(most, div(plainNorm(hp), orOne(plainNorm(p))));
      const lost = not(along.greater(square.mul(stiffest).mul(resolved * epsilon(dtype))));
      const alpha = div(rr, select(lost, scalarArray(1, dtype), along));
      const res1 = res.sub(hp.mul(alpha));
      const rr1 = dot(res1, res1);
      const solved = rr1.lessEqual(dot(probe, probe).mul(1e-12));
      return {
        q: select(lost, p, q.add(p.mul(alpha))),
        res: res1,
        p: res1.add(p.mul(div(rr1, orOne(rr)))),
        most: stiffest,
        count: count.add(1),
        open: and(not(or(lost, solved)), count.less(Math.min(size, mostProducts) - 1)),
      };
    },
    {
      q: zerosLike(probe),
      res: probe,
      p: probe,
      most: scalarArray(0, dtype),
      count: int(0),
      open: asked,
    },
  );
  return {
    direction: div(end.q, orOne(norm(end.q))),
    most: end.most,
    products: end.count,
  };
}

/** Products for that. */
const mostProducts = 12;

/** The share of the stiffest curvature, or of that which steps are made for, below which values are looked at. */
const loose = 1e-3;

/** By what the distance of looks falls, and the nearest of them, as shares of how far the unknowns have been. */
const farther = 32;
const nearest = /* @__PURE__ */ Math.pow(2, -15);

/** Steps downhill from a look. */
const mostPasses = 8;

/** The share of how far a leaf has been at which it has gone to 0, in all dtypes. */
export const goneTo: number = /* @__PURE__ */ Math.pow(2, -52);
