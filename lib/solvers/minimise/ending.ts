/**
 * When a method of minimisation ends, and what it may claim: that the step which is left is small beside each
 * leaf, and what it promises beside the value; or that this is nothing beside what was gained; or that the
 * unknowns have no numbers in between. And that the Hessian agrees (`certify.ts`). What derivatives say of the claims
 * of methods that look at values alone.
 *
 * Gradients are in the units of the loop body: multiplied by `Local.scale`, in units of the first gradient.
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
  reduceAnd,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Local } from "../method.ts";
import { dot, leafNorms, norm } from "../norms.ts";
import { nearness, withNoughts } from "../reach.ts";
import { statusCode } from "../solution.ts";
import { beyond, isHidden, lengthsOf, lookAcross, lookAround, unitsOf } from "./around.ts";
import { type Certificate, certify, isTail, type Way } from "./certify.ts";
import { steihaug } from "./curvature.ts";
import { derivativeAlong, freeAt, orOne, type Setting, within } from "./method.ts";

/** Where a method stands. */
export interface Point {
  /** The point [n], the value and the gradient [n] there, in units of the first. */
  readonly x: NDArray;
  readonly value: NDArray;
  readonly g: NDArray;
}

/** What is remembered for the end. */
export interface Standing {
  /** The first value. */
  readonly start: NDArray;
  /** The least gradient norm, and passes since it or the value fell. */
  readonly least: NDArray;
  readonly stale: NDArray;
  /** How often the Hessian has shown a way on where the method saw none: int32. */
  readonly rescues: NDArray;
  /** Whether the last step that was taken was short. */
  readonly shortest: NDArray;
  /** Whether the Hessian agreed where what is left is nothing beside what was gained, be it much beside the unknowns. */
  readonly heard: NDArray;
  /** Where the last step began that gained much beside rounding. */
  readonly way: Way;
  /** Products with the Hessian, and evaluations on the sides of points: int32. */
  readonly products: NDArray;
  readonly looks: NDArray;
}

/** What a pass has seen. Bools are of whether. */
export interface Seen {
  readonly at: Point;
  /** The value before, and the share of it that is rounding. */
  readonly before: NDArray;
  readonly noise: NDArray;
  /** Unknowns that rest at no bound, as 1 or 0, and the gradient of those. */
  readonly free: NDArray | null;
  readonly g: NDArray;
  /** Its norm. */
  readonly size: NDArray;
  readonly first: NDArray;
  readonly accepted: NDArray;
  /** The pass is one of standing still, if nothing improved. */
  readonly counts: NDArray;
  /** There is no way on from here. */
  readonly failed: NDArray;
  /** The step that the method would take, in units of the leaves, and whether it knows the curvature. */
  readonly step: NDArray;
  readonly informed: NDArray;
  /** Whether its steps say nothing of how far a minimum is. */
  readonly blind?: boolean | undefined;
}

/** What follows. */
export interface Ending {
  readonly status: NDArray;
  readonly standing: Standing;
  readonly certificate: Certificate;
  /** The Hessian says otherwise, and where to go: `certificate.step`. */
  readonly refuted: NDArray;
  /** That is a point that was looked at, and is lower. */
  readonly found: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");

/** Before the first pass. */
export function standingAtFirst(x: NDArray): Standing {
  const { dtype } = x;
  return {
    start: scalarArray(Infinity, dtype),
    least: scalarArray(Infinity, dtype),
    stale: int(0),
    rescues: int(0),
    shortest: scalarArray(1, "bool"),
    heard: scalarArray(0, "bool"),
    way: { x, value: scalarArray(0, dtype), g: zerosLike(x) },
    products: int(0),
    looks: int(0),
  };
}

/** Whether it is over, in gradients of which `unit` is 1. */
export function ending(
  { rtol, atol, precision, sizes, bounds }: Setting,
  { evaluate, scale, transforms, isShort, marches, reached, since }: Local,
  m: Standing,
  unit: NDArray,
  seen: Seen,
): Ending {
  const { at, before, noise, free, g, size, first, accepted, counts, failed } = seen;
  const { dtype } = at.x;
  const eps = epsilon(dtype);
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const start = select(first, at.value, m.start);
  const done = maximum(start.sub(at.value), number(0));
  const values = leafNorms(at.x, sizes);
  const slopes = div(g, scale);
  /** Whether a step [n] is small, or what it promises. */
  const isSmall = (step: NDArray, share: NDArray): NDArray => {
    const promised = leafNorms(abs(step.mul(slopes)).sqrt(), sizes);
    const nothing = promised.mul(promised).lessEqual(done.mul(rtol * rtol));
    const short = reduceAnd(or(leafNorms(step, sizes).lessEqual(values.mul(share)), nothing), [0]);
    // A leaf may have unknowns that are much smaller than itself: then a short step may promise much.
    const all = norm(promised);
    const worth = maximum(abs(at.value).mul(1e-3), done.mul(rtol * rtol));
    const frozen = reduceAnd(abs(step).lessEqual(abs(at.x).mul(0.5 * eps)), [0]);
    return and(or(and(short, all.mul(all).lessEqual(worth)), frozen), isShort(step));
  };
  const near = nearness(rtol, dtype);
  /** Which leaves a step is small beside, whatever was gained: from a start that is far away that is much. */
  const settledOf = (step: NDArray, loose: NDArray | null): NDArray => {
    const simple = number(Math.max(Math.sqrt(rtol), eps ** 0.6));
    const most = loose === null ? number(near) : select(loose, number(near), simple);
    return leafNorms(step, sizes).lessEqual(values.mul(most));
  };
  /** Which leaves are small beside how far they have been. */
  const dwindled = values.lessEqual(reached.mul(near));
  const lengths = lengthsOf(reached, sizes, at.x);
  const product = (x: NDArray, v: NDArray): NDArray =>
    div(derivativeAlong((x) => evaluate(x).r, x, v, { lengths, bounds }, transforms), unit);
  const still = size.equal(0);
  const improves = or(
    at.value.less(before.sub(abs(before).mul(noise))),
    size.less(m.least.mul(0.9)),
  );
  const progress = and(accepted, or(first, improves));
  const stale = select(progress, int(0), m.stale.add(counts.astype("int32")));
  const over = or(stale.greaterEqual(mostStale), failed);
  const share = select(over, number(Math.max(rtol, eps ** 0.6)), number(rtol));
  const small = and(seen.informed, isSmall(seen.step.mul(scale), share));
  // Asked early, since what is lower is best seen from afar, and late, since a claim has to wait.
  const settled = or(settledOf(seen.step.mul(scale), null), dwindled).all();
  const due = and(small, or(settled, not(m.heard)));
  const asked = or(over, and(accepted, or(still, due)));
  const moves = and(accepted, not(or(first, since.step.equal(0).all())));
  const shortest = select(moves, isShort(since.step), m.shortest);
  const certificate = certify({
    x: at.x,
    gradient: at.g,
    free,
    sizes,
    scale,
    product: (v) => product(at.x, v),
    isSmall: (step) => isSmall(step, share),
    nothing: done.mul(rtol * rtol),
    asked,
    wanted: over,
    // Where steps hardly got shorter, or the last one is not short.
    last: {
      isShort: shortest,
      asked: or(marches, not(isShort(since.step))),
      step: since.step,
      change: div(since.change, unit),
    },
  }, transforms);
  // What is left may be nothing beside what was gained, and still much beside what it is at a simple minimum.
  const valueAt = (x: NDArray): NDArray => div(evaluate(within(x, bounds)).cost!, unit);
  // Leaves that are small beside where they have been may be 0 at the minimum, or come from very far.
  // Where curvature was lost beside that of other leaves, Newton's step says nothing, and each unknown has its own.
  const left = maximum(
    abs(certificate.step),
    select(certificate.loose, abs(certificate.own), zerosLike(at.x)),
  );
  const unsettled = not(settledOf(left, certificate.loose));
  const wanted = and(unsettled.any(), or(not(unsettled), dwindled).all());
  const gradient = div(at.g, scale);
  // On a plateau nothing depends on some unknowns, by as much as these themselves, and lower is what it came from, or what
  // is nearer to 0. What is next to 0 is not asked for what is only rounding.
  const least = abs(at.value).mul(64 * precision);
  const most = maximum(certificate.bent, abs(at.x.mul(gradient)));
  const next = select(most.equal(0), zerosLike(at.x), lengths.mul(Math.sqrt(eps)));
  const dead = not(or(most.greater(least), abs(at.x).lessEqual(next)));
  const flat = and(and(certificate.holds, not(wanted)), dead.any());
  const none = select(
    flat,
    select(dead, zerosLike(at.x), at.x),
    withNoughts(at.x, unsettled, sizes),
  );
  // Far from where it began, values may be nothing but rounding of the point. How far that is has no measure where
  // it began at 0, so it is always asked.
  const { hidden, off, isLeast, looks, found, there, below } = isHidden({
    none,
    step: certificate.step,
    wanted,
    flat,
    x: at.x,
    value: at.value,
    valueAt,
    precision,
    range: maximum(abs(at.value), done),
    asked: certificate.holds,
  }, transforms);
  const gains = and(moves, before.sub(at.value).greater(done.mul(Math.sqrt(eps))));
  const way = {
    x: select(gains, at.x.sub(since.step), m.way.x),
    value: select(gains, before, m.way.value),
    g: select(gains, gradient.sub(div(since.change, unit)), m.way.g),
  };
  const { tail, products } = isTail({
    x: at.x,
    value: at.value,
    way,
    product,
    free,
    inside: (x) => within(x, bounds),
    asked: and(and(certificate.holds, certificate.loose), not(still)),
  }, transforms);
  const aside = lookAround({
    x: at.x,
    value: at.value,
    noise: maximum(least, off),
    nothing: done.mul(rtol * rtol),
    isFar: (step) => not(isShort(step.mul(1 / beyond))),
    lengths,
    units: unitsOf(at.x, lengths),
    // All that is left is rounding then, and no direction to look along.
    step: select(certificate.idle, zerosLike(at.x), certificate.step),
    begin: number(Math.sqrt(eps)),
    at(x) {
      const { r, cost } = evaluate(x);
      return { value: div(cost!, unit), g: div(r, unit) };
    },
    product,
    free,
    inside: (x) => within(x, bounds),
    asked: and(
      and(certificate.holds, not(found)),
      seen.blind === true ? scalarArray(1, "bool") : or(
        certificate.loose,
        not(isShort(certificate.step.mul(shareOfSimple(rtol, dtype)))),
      ),
    ),
  }, transforms);
  // Where all is rounding, what is lower leads along a tail, on and on.
  const lower = or(found, and(aside.lower, not(certificate.idle)));
  // Where the gradient is rounding and so is the curvature, values have to be the same on all the way, as of a function
  // that does not depend on something: of what dies out they are not.
  const doubtful = and(certificate.idle, or(aside.differs, aside.lower));
  const sound = and(certificate.holds, not(or(or(lower, doubtful), or(hidden, tail))));
  const holds = and(sound, or(isLeast, not(unsettled.any())));
  const elsewhere = select(found, there, aside.step);
  const step = select(lower, elsewhere, certificate.step);
  const slope = select(lower, select(found, below, aside.slope), certificate.slope);
  const refuted = and(asked, not(sound));
  const rescued = and(
    and(over, refuted),
    and(m.rescues.less(mostRescues), dot(step, slopes).greater(0)),
  );
  let status = select(and(over, not(rescued)), int(statusCode("stagnated")), int(-1));
  const ends = atol === 0 ? holds : or(holds, norm(slopes).mul(unit).lessEqual(atol));
  status = select(ends, int(statusCode("converged")), status);
  return {
    status: select(isFinite(at.value), status, int(-1)),
    standing: {
      start,
      least: select(accepted, minimum(size, m.least), m.least),
      stale: select(rescued, int(0), stale),
      rescues: m.rescues.add(rescued.astype("int32")),
      shortest,
      heard: or(m.heard, and(small, sound)),
      way,
      products: m.products.add(certificate.products).add(products).add(aside.products),
      looks: m.looks.add(aside.looks).add(looks),
    },
    certificate: { ...certificate, holds, step, slope },
    refuted,
    found: and(refuted, lower),
  };
}

/** What is asked of a point by a method that looks at values alone. */
export interface Look {
  /** The point [n], and its value. */
  readonly center: NDArray;
  readonly value: NDArray;
  readonly way: Omit<Way, "g">;
  /** The range of values so far. */
  readonly range: NDArray;
  /** Whether a step [n] is much beside the point, so that all that falls there counts. */
  readonly isFar: (step: NDArray) => NDArray;
  /** Whether it is asked: a bool. */
  readonly asked: NDArray;
}

/** What they say. */
export interface Downhill {
  /** Where it is lower, if it is, and whether the way there leads along a tail. */
  readonly x: NDArray;
  readonly lower: NDArray;
  readonly tail: NDArray;
  /** Evaluations, and products with the Hessian: int32. */
  readonly looks: NDArray;
  readonly products: NDArray;
}

/**
 * Whether there is something lower than such a point, by derivatives, where there are some: they say where to look, and
 * values decide. One looks along the direction that the Hessian holds least and Newton's step, until values differ, and
 * goes downhill from there, and along kinks. Whether the way leads along a tail, of which values show nothing more.
 */
export function lookDownhill(
  { center, value, way, range, isFar, asked }: Look,
  { smooth, bounds, sizes }: Setting,
  { evaluate, transforms, reached }: Local,
): Downhill {
  const { dtype } = center;
  const never = scalarArray(0, "bool");
  const unseen = { x: center, lower: never, tail: never, looks: int(0), products: int(0) };
  if (!smooth) return unseen;
  /** Values and gradients in units, so that squares of gradients are in the range of the dtype. */
  const by = (unit: NDArray) => {
    const at = (x: NDArray) => {
      const { cost, gradient } = evaluate(x);
      return { value: div(cost!, unit), g: div(gradient!, unit) };
    };
    const product = (x: NDArray, v: NDArray): NDArray =>
      transforms.jvp((x: NDArray) => at(x).g, [x], [v])[1] as NDArray;
    return { at, product };
  };
  return transforms.whileLoop(
    (c) => c.open,
    () => {
      const lengths = lengthsOf(reached, sizes, center);
      const units = unitsOf(center, lengths);
      const far = orOne(range);
      const afar = by(far);
      const slopes = afar.at(center).g.mul(far);
      // What is left there may be nothing beside what was gained.
      const unit = orOne(maximum(abs(value), norm(slopes.mul(units))));
      const { at, product } = by(unit);
      const g = div(slopes, unit);
      const free = bounds === null ? null : freeAt(center, g, bounds);
      const only = (v: NDArray): NDArray => free === null ? v : v.mul(free);
      const { step, products, edge } = steihaug(
        (v) => only(product(center, v.mul(units)).mul(units)),
        {
          g: only(g.mul(units)),
          radius: scalarArray(1, dtype),
          tolerance: scalarArray(0, dtype),
          most: newtonProducts,
        },
        transforms,
      );
      const own = div(value, unit);
      // Along kinks the model has no minimum.
      const isLong = and(not(edge), isFar(step.mul(units)));
      const view = {
        x: center,
        value: own,
        noise: abs(own).mul(ulps * epsilon(dtype)),
        // A simplex is right to half the digits, so that derivatives always find a little more near by.
        nothing: select(isLong, scalarArray(0, dtype), div(far, unit).mul(epsilon(dtype))),
        // A point that is far from where it began may be near to what is lower.
        begin: select(
          isLong,
          scalarArray(epsilon(dtype), dtype),
          scalarArray(Math.sqrt(epsilon(dtype)), dtype),
        ),
        isFar,
        lengths,
        units,
        step: step.mul(units).neg(),
        at,
        product,
        free,
        inside: (x: NDArray) => within(x, bounds),
        asked,
      };
      const back = isTail({
        ...view,
        ...afar,
        value: div(value, far),
        way: { x: way.x, value: div(way.value, far), g: afar.at(way.x).g },
      }, transforms);
      const across = lookAcross({ ...view, g, asked: and(asked, not(back.tail)) }, transforms);
      const open = and(asked, not(or(back.tail, across.lower)));
      const aside = lookAround({ ...view, asked: open }, transforms);
      return {
        x: center.sub(across.step).sub(aside.step),
        lower: or(across.lower, aside.lower),
        tail: back.tail,
        looks: across.looks.add(aside.looks).add(2),
        products: aside.products.add(products).add(back.products),
        open: never,
      };
    },
    { ...unseen, open: asked },
  );
}

/** How often the Hessian may show a way on. */
const mostRescues = 3;

/** Passes without a lower value or gradient before the end. */
const mostStale = 40;

/**
 * By what a step is to be multiplied to be short for a claim just where it is as short as at a simple minimum: there
 * it is the tolerance of how far the unknowns have been at most, at one of order m that to the power of `2 / m`.
 */
function shareOfSimple(rtol: number, dtype: NDArray["dtype"]): number {
  return Math.max(1, nearness(rtol, dtype) / rtol);
}

/** Gains of a simplex below so many epsilons of the value are its rounding. */
export const ulps = 2;

/** Products with the Hessian for Newton's step from what a simplex takes for a minimum. */
const newtonProducts = 8;
