/**
 * How a solve ends. Success is claimed by the size of the last Gauss-Newton step alone, and by what the way there says
 * of it: whether steps got short, whether the slopes explain the last of them, whether no unknown has lost its own.
 *
 * Where the residual's rounding hides what a step gains, steps are judged by the gradient instead ("polishing"). Where
 * rounding ends that, too, the Gauss-Newton steps from points about the solution each lead somewhere else, by what
 * rounding made of their residuals. Their mean is better than any of them. In float32 that was measured on the
 * regressions of NIST: half a digit on those that the data determine least.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, smallestNormal } from "../../core/mod.ts";
import {
  abs,
  and,
  cos,
  div,
  full,
  iota,
  isFinite,
  maximum,
  minimum,
  not,
  onesLike,
  or,
  reduceAnd,
  reduceSum,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Local } from "../method.ts";
import { beyond, type Sides, sides } from "../minimise/around.ts";
import { certify } from "../minimise/certify.ts";
import { derivativeAlong } from "../minimise/method.ts";
import { norm } from "../norms.ts";
import { between } from "../options.ts";
import { isSettledBy, nearness, settledShares } from "../reach.ts";
import type { Trial, TrustRegionMemory, Walk } from "./memory.ts";
import { type Model, orOne, promise, type Setting, transposedTimes } from "./model.ts";

/** How far steps are judged by the gradient. */
export interface Polishing {
  /** What the residual's rounding can hide of it. */
  readonly noise: NDArray;
  /** Whether the radius has: no step of that length changes the unknowns. */
  readonly collapsed: NDArray;
  /** Whether polishing has just come to its end; the gradient's norm at which it last did. */
  readonly ended: NDArray;
  readonly tried: NDArray;
  /** Number of steps so judged, the next one included: int32. */
  readonly steps: NDArray;
}

/** Polishing after a trial, where the radius is `radius` and the point is `extent` long. */
export function polishing(
  { at, polished, accepted, walked, failed, now, then }: Trial,
  m: TrustRegionMemory,
  radius: NDArray,
  extent: NDArray,
  residuals: number,
  { root }: Setting,
): Polishing {
  const eps = epsilon(radius.dtype);
  // Where columns are far smaller than they were, lengths say nothing of rounding.
  const sum = root ? at.terms : minimum(extent, at.terms.mul(eps ** -0.5));
  const noise = sum.add(at.size).mul(eps);
  const gradient = at.cosine.mul(at.size);
  const hidden = at.cosine.mul(gradient).lessEqual(noise.mul(2 / Math.sqrt(residuals)));
  const collapsed = radius.lessEqual(extent.mul(eps).mul(0.1));
  const falls = and(now.less(then.mul(0.9)), isFinite(now));
  const ended = and(
    polished,
    or(not(and(accepted, falls)), m.polishing.greaterEqual(mostPolishing)),
  );
  const tried = select(ended, gradient, m.tried);
  const begins = and(
    and(or(hidden, collapsed), not(or(walked, failed))),
    gradient.less(tried.mul(0.5)),
  );
  const steps = select(
    and(polished, not(ended)),
    m.polishing.add(1),
    and(begins, not(ended)).astype("int32"),
  );
  return { noise, collapsed, ended, tried, steps };
}

/** No walk. */
export function noWalk(x: NDArray): Walk {
  return {
    points: scalarArray(0, "int32"),
    sum: full(x.shape, 0, x.dtype),
    widest: scalarArray(0, x.dtype),
  };
}

/** Whether the point that a walk gave is the mean. */
export const atMean = ({ points }: Walk): NDArray => points.equal(mostPoints);

/**
 * The walk after the evaluation of the point that it gave, where it goes on to `next` [n], and the point that
 * it gives now.
 */
export function walkOn(
  walk: Walk,
  begins: NDArray,
  next: NDArray,
  gradient: NDArray,
  strays: NDArray,
): { readonly walk: Walk; readonly point: NDArray } {
  const goesOn = and(walk.points.greater(0), not(or(atMean(walk), strays)));
  const zero = scalarArray(0, "int32");
  const points = select(or(goesOn, begins), select(goesOn, walk.points, zero).add(1), zero);
  const sum = select(goesOn, walk.sum, full(next.shape, 0, next.dtype)).add(next);
  const widest = select(goesOn, maximum(walk.widest, gradient), gradient);
  const point = select(points.equal(mostPoints), sum.mul(1 / mostPoints), next);
  return { walk: { points, sum, widest }, point };
}

/** What the way to a point says of a claim there. */
export interface Way {
  /** The last step [n], and whether it was one. */
  readonly went: NDArray;
  readonly moves: NDArray;
  /** The largest rank of a Jacobian so far, and without what rests; whether the point has it, and whether it was ever lost. */
  readonly rank: NDArray;
  readonly free: NDArray;
  readonly sound: NDArray;
  readonly lost: NDArray;
  /** Whether the last step that was taken was short beside how far the unknowns have been. */
  readonly shortest: NDArray;
  /** Whether the slopes after it explain what it changed. */
  readonly explained: NDArray;
  /** Whether all unknowns were 0 at the start. */
  readonly blank: NDArray;
  /** Whether what is left to go is little, and steps have come near; and whether it is as little as to triple roots. */
  readonly settled: NDArray;
  readonly close: NDArray;
}

/** The way with a trial, after which the point is `extent` long. */
export function wayWith(
  { x, at, first, walked, accepted }: Trial,
  m: TrustRegionMemory,
  extent: NDArray,
  local: Local,
  { rtol }: Setting,
): Way {
  const went = at.x.sub(m.model.x);
  const moves = and(accepted, not(or(or(first, walked), went.equal(0).all())));
  // Where the Jacobian has lost rank on the way, unknowns have lost their meaning there.
  const rank = maximum(m.rank, at.rank);
  // One that rests at a bound counts as determined, which it need not be where it is free: there the free ones tell.
  const own = at.rank.sub(reduceSum(at.held.astype("int32"), [0]));
  const free = maximum(m.free, own);
  const sound = and(not(at.flat), or(at.rank.equal(rank), own.equal(free)));
  const lost = or(m.lost, not(sound));
  // A direction that is lost is one in which steps had got short, or they ran off in it.
  const shortest = select(
    moves,
    and(local.isShort(went), or(not(lost), m.shortest)),
    m.shortest,
  );
  // Whether the slopes here explain the step that led here: those of what dies out at infinity do not.
  const [foreseen, seen] = [promise(at, went).change, norm(local.since.change)];
  const explained = select(
    moves,
    and(foreseen.greater(0), foreseen.greaterEqual(seen.mul(0.8))),
    m.explained,
  );
  // Of unknowns that were all 0 nothing is short beside how far they have been, where that and the step are
  // rounding of the residual.
  const blank = select(first, x.equal(0).all(), m.blank);
  const hardly = at.size.mul(16 * epsilon(x.dtype));
  const still = and(
    blank,
    and(extent.lessEqual(hardly), norm(at.d.mul(at.newton)).lessEqual(hardly)),
  );
  // What the step would be for the least residual that there is, beside how far the unknowns have been.
  const settled = and(
    or(still, local.isShort(abs(at.newton).add(at.least))),
    or(explained, not(or(local.marches, and(moves, not(shortest))))),
  );
  const nearer = Math.sqrt(nearness(rtol, x.dtype) / Math.max(rtol, epsilon(x.dtype) ** 0.75));
  const close = local.isShort(at.newton.mul(nearer));
  return { went, moves, rank, free, sound, lost, shortest, explained, blank, settled, close };
}

/** Where the method has come to: what becomes of walks, and of steps that are rejected. */
export interface Course {
  readonly walk: Walk;
  /** Whether there is a walk, and the point that it gives [n]. */
  readonly walks: NDArray;
  readonly point: NDArray;
  /** Steps rejected since polishing failed. */
  readonly strikes: NDArray;
  /** Whether there is nothing left to try, and whether nothing is that would make steps smaller. */
  readonly over: NDArray;
  readonly ended: NDArray;
  /** Whether the Gauss-Newton step is small: by `rtol`, and by what is accepted where rounding forbids that. */
  readonly tight: NDArray;
  readonly loose: NDArray;
}

/** The course after a trial, where the step to the minimum of its model leads to `next` [n]. */
export function courseAfter(
  { at, looked, now, then, accepted, failed, isMean }: Trial,
  m: TrustRegionMemory,
  { noise, ended, tried, steps, collapsed }: Polishing,
  { sound }: Way,
  next: NDArray,
  { root, rtol }: Setting,
): Course {
  const eps = epsilon(next.dtype);
  const fits = root
    ? and(at.size.lessEqual(noise.mul(100)), at.apart.lessEqual(100 * eps))
    : scalarArray(1, "bool");
  const claim = eps ** 0.6;
  const small = (share: number, ofResidual: number, ofErrors: number): NDArray =>
    and(and(isSmall(at, root, { share, ofResidual, ofErrors, sure: claim }), fits), sound);
  const [tight, loose] = [small(rtol, rtol, 0), small(claim, claim / 10, hiddenByErrors)];

  const strays = or(not(looked), now.greater(then.mul(mostGradient)));
  const averages = root ? scalarArray(0, "bool") : and(ended, not(or(tight, strays)));
  const { walk, point } = walkOn(m.walk, averages, next, now, strays);
  const walks = walk.points.greater(0);
  const waits = and(and(isFinite(tried), steps.equal(0)), not(or(walks, failed)));
  const rejected = and(waits, not(accepted));
  const strikes = select(rejected, m.strikes.add(1), scalarArray(0, "int32"));
  const still = root ? scalarArray(0, "bool") : at.cosine.equal(0);
  const over = or(or(strikes.greaterEqual(mostStrikes), and(waits, collapsed)), still);
  return { walk, walks, point, strikes, over, ended: or(or(ended, over), isMean), tight, loose };
}

/**
 * Whether the point after a trial is a solution, where the first residual norm was `start`, and unknowns have been as
 * far as `reached` [n].
 */
export function isSolved(
  { x, at, probed, size, accepted, gain }: Trial,
  { settled, sound, shortest, close }: Way,
  { tight, loose, ended, walks }: Course,
  noise: NDArray,
  start: NDArray,
  reached: NDArray,
  { root, rtol, atol, displacement }: Setting,
): NDArray {
  const { dtype } = x;
  const eps = epsilon(dtype);
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const no = scalarArray(0, "bool");
  // A sum of squares that is 0; a root to the precision of its terms, where it is not a simple one.
  // And one of each equation, which may be of any size beside the others.
  const nothing = root
    ? select(and(at.apart.lessEqual(16 * eps), at.rounded), at.terms.mul(16 * eps), number(0))
    : start.mul(rtol * rtol);
  // Rounding leaves of the residual along slopes next to nothing beside the standard errors, however far that moves
  // unknowns that are determined together, as an offset and a slope where the data are far from 0.
  const drowned = at.cosine.lessEqual(
    minimum(div(noise.mul(4), orOne(at.size)), number(hiddenByErrors * 10)),
  );
  const level = root ? no : and(sound, or(at.angle.less(eps ** 0.75), drowned));
  // Residuals that are next to nothing beside those of a start that was very far off may be all that there is: steps make
  // them much smaller yet, or most of them is across slopes.
  const falls = and(accepted, gain.greater(1 - 1 / muchLess ** 2));
  const only = or(
    at.size.lessEqual(at.terms.mul(16 * eps)),
    and(and(not(falls), close), at.cosine.greater(0.99)),
  );
  // Unknowns without a slope have come to theirs by steps that got short.
  const none = at.size.lessEqual(nothing);
  const little = isSettledBy(abs(at.newton), abs(at.x), reached, settledShares(rtol, dtype)).all();
  const exact = and(root ? none : and(none, and(only, little)), or(sound, shortest));
  const given = atol === 0 ? no : at.size.lessEqual(atol);
  const gone = root ? vanished(at, start, reached, rtol) : no;
  const end = or(or(exact, gone), or(tight, and(ended, or(loose, level))));
  const done = or(given, and(settled, end));
  // An exact 0 that a long step led to is a root, if residuals are none a little before it: what has died out is 0
  // there, too, and a displacement is rounding of the unknowns.
  const hides = displacement ? norm(x).mul(2 ** 10 * eps) : number(0);
  const alone = and(probed, size.greater(maximum(hides, number(smallestNormal(dtype) / eps))));
  return or(alone, and(done, not(walks)));
}

/** Whether the Gauss-Newton step is small, unknown by unknown, beside its value or beside the residual. */
function isSmall(
  { x, d, size, newton, doubt }: Model,
  root: boolean,
  { share, ofResidual, ofErrors, sure }: {
    readonly share: number;
    readonly ofResidual: number;
    readonly ofErrors: number;
    readonly sure: number;
  },
): NDArray {
  const [step, value] = [abs(newton), abs(x)];
  // Who asks for less may doubt as much.
  const known = doubt.lessEqual(value.mul(Math.max(sure, share)));
  const beside = and(step.lessEqual(value.mul(share)), known);
  const hardly = d.mul(maximum(step, doubt)).lessEqual(size.mul(ofResidual));
  // What rounding alone leaves of a step is next to nothing beside the standard errors.
  const drowned = and(
    step.lessEqual(doubt.mul(4)),
    d.mul(doubt).lessEqual(size.mul(ofErrors)),
  );
  return reduceAnd(root ? beside : or(beside, or(hardly, drowned)), [0]);
}

/**
 * Whether residual and unknowns have gone to 0 beside what they were, as at a root at 0 that is not a simple one: there
 * no step is small beside the unknown. It is beside those that have not. `reached` [n] is how far they have been, and
 * `start` the first residual norm.
 */
function vanished(
  { x, newton, size, apart }: Model,
  start: NDArray,
  reached: NDArray,
  share: number,
): NDArray {
  const eps = epsilon(start.dtype);
  const [step, value] = [abs(newton), abs(x)];
  // To a root of any order at 0 steps are no longer than what is left, but for rounding.
  const gone = and(
    maximum(step, value).lessEqual(reached.mul(eps ** 1.5)),
    step.lessEqual(value.mul(2)),
  );
  const stays = or(gone, step.lessEqual(value.mul(share)));
  const nothing = and(size.lessEqual(start.mul(eps)), apart.lessEqual(eps));
  return and(nothing, and(gone.any(), stays.all()));
}

/** What the Hessian of the sum of squares says of a point. */
export interface Aside extends Sides {
  /** Products with it: int32. */
  readonly products: NDArray;
  /** Where steps stall: whether Newton's step by it is next to nothing; or short, and `x - newton` is to be tried. */
  readonly minimal: NDArray;
  readonly curves: NDArray;
  readonly newton: NDArray;
}

/**
 * Whether a point where the gradient vanishes is no minimum: where the sum of squares falls to both sides of it along
 * some direction, as at a maximum, or at a saddle to which a start led that was symmetric. Looked at where it is asked.
 *
 * And where steps of Gauss and Newton do not come nearer (`stalls`), as to minima where residuals are large and bend as
 * much as they slope, Newton's step.
 */
export function aroundSaddle(
  { x, size, d, s, vt, c, rank, held }: Model,
  { evaluate, scale, transforms, isShort, marches }: Local,
  bounds: Setting["bounds"],
  sizes: readonly number[],
  asked: NDArray,
  stalls: NDArray,
): Aside {
  const { dtype } = x;
  const none = scalarArray(0, dtype);
  const [no, yes] = [scalarArray(0, "bool"), scalarArray(1, "bool")];
  const residual = (x: NDArray): NDArray => div(evaluate(x).r, orOne(size));
  const gradient = (x: NDArray): NDArray => {
    const [r, pull] = transforms.vjp(residual, [x]);
    return pull(r)[0] as NDArray;
  };
  const found = certify({
    x,
    gradient: select(stalls, div(d.mul(transposedTimes(vt, s.mul(c))), orOne(size)), zerosLike(x))
      .mul(scale),
    free: bounds === null ? null : not(held).astype(dtype),
    sizes,
    scale,
    product: (v) => derivativeAlong(gradient, x, v, { lengths: scale, bounds }, transforms),
    isSmall: () => yes,
    nothing: none,
    asked,
    wanted: stalls,
    last: { isShort: yes, asked: no, step: zerosLike(x), change: zerosLike(x) },
  }, transforms);
  // Where no residual has a slope, curvature may be 0 too: any direction will do.
  const flat = and(asked, rank.equal(0));
  const falls = found.slope.less(0);
  const anywhere = cos(iota([x.size], 0, "int32").astype(dtype)).mul(scale).mul(0.1);
  const inside = (x: NDArray): NDArray =>
    bounds === null ? x : between(x, bounds.lower, bounds.upper);
  const sumAt = (x: NDArray): NDArray => {
    const r = norm(residual(x));
    return r.mul(r);
  };
  const value = select(size.greater(0), onesLike(size), none);
  const noise = value.mul(64 * epsilon(dtype));
  // Near 0 a direction is no longer than the unknowns are, and nothing differs there: as far as values show the curve.
  const shown = div(noise.mul(16), select(falls, abs(found.slope), onesLike(noise))).sqrt();
  const longer = select(falls, maximum(shown, onesLike(shown)), onesLike(shown));
  const seen = sides({
    x,
    value,
    step: select(or(falls, not(flat)), found.step.mul(longer), anywhere).mul(1 / beyond),
    valueAt: (x) => sumAt(inside(x)),
    noise,
    asked: or(falls, flat),
  }, transforms);
  const curved = and(stalls, found.holds);
  const [left, own] = [abs(found.step), abs(x)];
  const share = epsilon(dtype) ** 0.6;
  const little = or(left.lessEqual(own.mul(share)), d.mul(left).lessEqual(size.mul(share / 10)));
  const close = and(curved, isShort(found.step));
  const minimal = and(and(close, reduceAnd(little, [0])), not(or(found.loose, marches)));
  // What is tried has to lead down.
  const near = and(curved, isShort(found.step.mul(1 / farther)));
  return {
    ...seen,
    products: found.products,
    minimal,
    curves: and(near, not(or(minimal, seen.lower))),
    newton: found.step,
  };
}

/** By what residuals fall, at least, where a step leads to a simple solution: to one of multiplicity 2 by 4. */
const muchLess = 16;

/** What rounding may leave of a step, as a share of the residual, and so of the standard errors, at most. */
const hiddenByErrors = 1e-5;

/** How much longer than what is short Newton's step may be to be tried. */
const farther = 64;

/** Steps judged by the gradient before the end. */
const mostPolishing = 30;

/** Points of a walk. */
const mostPoints = 16;

/** Times the best gradient's norm, beyond which a walk has left the neighbourhood of the solution. */
const mostGradient = 30;

/** Steps that may be rejected after polishing has failed. */
const mostStrikes = 6;
