/**
 * Proximal gradients: minima of a smooth function plus one that is not, of which the proximal operator is known;
 * or of a smooth function on a set, of which the projection is. Accelerated (Beck and Teboulle, "A fast iterative
 * shrinkage-thresholding algorithm", 2009), with a restart where momentum leads uphill (O'Donoghue and Candès,
 * "Adaptive restart for accelerated gradient schemes", 2015), and steps by backtracking on slopes.
 *
 * Projections onto sets, and the proximal operator of absolute values. All are differentiable, work along the last
 * axis where that matters, and can be mapped.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  DTypeError,
  epsilon,
  InternalError,
  isFloat,
  type NDArray,
  scalarArray,
  ShapeError,
} from "../../core/mod.ts";
import {
  abs,
  and,
  broadcastTo,
  cumsum,
  div,
  expandDims,
  full,
  iota,
  isFinite,
  maximum,
  minimum,
  not,
  onesLike,
  or,
  reduceMax,
  reduceSum,
  rev,
  select,
  sign,
  sort,
  stopGradient,
  sub,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Arrays, TreeLike } from "../../transforms/tree_types.ts";
import { checkFunction, toArray } from "../../transforms/trees.ts";
import type { FloatTree } from "../fixed_point.ts";
import type { Stepper } from "../method.ts";
import { dot, leafNorms, norm } from "../norms.ts";
import { orNaN, someKnown } from "../options.ts";
import { statusCode } from "../solution.ts";
import { type Minimiser, orOne, type Setting } from "./method.ts";
import { claimOf, goneTo, type Proximal, trailAtFirst } from "./proximal_claim.ts";

/** A number, or an array of numbers, one for each vector or element. */
export type Amount = number | NDArray;

/**
 * The nearest point without negative elements.
 *
 * @example
 * ```ts
 * import { numpy as np, projectNonNegative } from "@injax/injax";
 *
 * console.log(projectNonNegative(np.array([-1, 2])).toArray()); // [ 0, 2 ]
 * ```
 */
export function projectNonNegative(x: NDArray): NDArray {
  checkCall("projectNonNegative(x)", arguments);
  const v = floats("projectNonNegative", x);
  return maximum(v, full(v.shape, 0, v.dtype));
}

/**
 * The nearest point between two bounds, numbers or arrays that broadcast.
 *
 * @throws {RangeError} where a lower one is above an upper one.
 *
 * @example
 * ```ts
 * import { numpy as np, projectBox } from "@injax/injax";
 *
 * console.log(projectBox(np.array([-1, 0.5, 2]), 0, 1).toArray()); // [ 0, 0.5, 1 ]
 * ```
 */
export function projectBox(x: NDArray, lower: Amount, upper: Amount): NDArray {
  checkCall("projectBox(x, lower, upper)", arguments);
  const v = floats("projectBox", x);
  const [lo, hi] = [lower, upper].map((end, i) =>
    spread("projectBox", i === 0 ? "lower" : "upper", end, v, v.shape)
  ) as [NDArray, NDArray];
  const apart = someKnown(lo.greater(hi), (b) => b === 1);
  if (apart === true) {
    throw new RangeError("projectBox: lower is above upper, and no point is between them");
  }
  return minimum(maximum(v, apart === null ? orNaN(lo.lessEqual(hi), lo) : lo), hi);
}

/**
 * The nearest point of the simplex: elements that are not negative and have the sum `total` (default 1), of each
 * vector along the last axis.
 *
 * @throws {RangeError} where `total` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np, projectSimplex } from "@injax/injax";
 *
 * console.log(projectSimplex(np.array([0.5, 1.5, -1])).toArray()); // [ 0, 1, 0 ]
 * ```
 */
export function projectSimplex(x: NDArray, total: Amount = 1): NDArray {
  checkCall("projectSimplex(x, total)", arguments);
  const v = vectors("projectSimplex", x);
  return onSimplex(v, perVector("projectSimplex", "total", total, v));
}

/**
 * The nearest point whose 2-norm is at most `radius` (default 1), of each vector along the last axis.
 *
 * @throws {RangeError} where `radius` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np, projectL2Ball } from "@injax/injax";
 *
 * console.log(projectL2Ball(np.array([3, 4]), 2.5).toArray()); // [ 1.5, 2 ]
 * ```
 */
export function projectL2Ball(x: NDArray, radius: Amount = 1): NDArray {
  checkCall("projectL2Ball(x, radius)", arguments);
  const v = vectors("projectL2Ball", x);
  const r = perVector("projectL2Ball", "radius", radius, v);
  const last = [v.ndim - 1];
  // In units of the largest element, so that squares stay in range.
  const most = stopGradient(reduceMax(abs(v), last));
  const unit = select(most.greater(0), most, onesLike(most));
  const shares = div(v, wide(unit, v));
  const inside = reduceSum(stopGradient(shares.mul(shares)), last).sqrt().mul(unit).lessEqual(r);
  // Inside, the norm has no part in the result, and none in derivatives.
  const safe = select(wide(inside, v), full(v.shape, 1, v.dtype), shares);
  const size = reduceSum(safe.mul(safe), last).sqrt();
  const outer = safe.mul(wide(div(r, size), v));
  return select(wide(inside, v), v, outer);
}

/**
 * The nearest point whose 1-norm is at most `radius` (default 1), of each vector along the last axis.
 *
 * @throws {RangeError} where `radius` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np, projectL1Ball } from "@injax/injax";
 *
 * console.log(projectL1Ball(np.array([2, -0.5]), 1).toArray()); // [ 1, -0 ]
 * ```
 */
export function projectL1Ball(x: NDArray, radius: Amount = 1): NDArray {
  checkCall("projectL1Ball(x, radius)", arguments);
  const v = vectors("projectL1Ball", x);
  const r = perVector("projectL1Ball", "radius", radius, v);
  const size = abs(v);
  const inside = reduceSum(size, [v.ndim - 1]).lessEqual(r);
  return select(wide(inside, v), v, sign(v).mul(onSimplex(size, r)));
}

/**
 * Elements brought nearer to 0 by `threshold`, and those within it to 0: the proximal operator of absolute
 * values times that. By it, `proximalGradient` finds sparse minima.
 *
 * @throws {RangeError} where `threshold` is negative.
 *
 * @example
 * ```ts
 * import { minimise, numpy as np, proximalGradient, softThreshold } from "@injax/injax";
 *
 * const target = np.array([3, 0.5, -2]);
 * const lasso = proximalGradient((x: np.NDArray, step) => softThreshold(x, step.mul(1)));
 * // The smallest |x - target|^2 / 2 + |x|_1.
 * const { value } = minimise((x) => x.sub(target).square().sum().mul(0.5), np.zeros([3]), {
 *   solver: lasso,
 * });
 * console.log([...value.dataSync()].map((v) => v.toFixed(2))); // [ "2.00", "0.00", "-1.00" ]
 * ```
 */
export function softThreshold(x: NDArray, threshold: Amount): NDArray {
  checkCall("softThreshold(x, threshold)", arguments);
  const v = floats("softThreshold", x);
  const given = size("softThreshold", "threshold", threshold, v);
  const t = spread("softThreshold", "threshold", given, v, v.shape);
  const zero = full(v.shape, 0, v.dtype);
  return select(abs(v).lessEqual(t), zero, sub(v, sign(v).mul(t)));
}

/** The projection of vectors [..., n] onto the simplex of a sum [...]. */
function onSimplex(x: NDArray, total: NDArray): NDArray {
  const axis = x.ndim - 1;
  // Far away, sums lose what is left of the elements in the end. It is the same of those less their largest.
  const most = stopGradient(reduceMax(x, [axis]));
  const none = full(most.shape, 0, x.dtype);
  const far = and(abs(most).greater(stopGradient(total)), isFinite(most));
  const v = sub(x, wide(select(far, most, none), x));
  // Which elements stay positive is settled without derivatives; how much they lose, with them.
  const fixed = stopGradient(v);
  const [ascending] = sort(fixed, axis);
  const descending = rev(ascending, [axis]);
  const counts = iota(v.shape, axis, "int32").astype(v.dtype).add(1);
  const excess = cumsum(descending, axis).sub(wide(stopGradient(total), v));
  const stays = descending.mul(counts).greater(excess);
  const threshold = reduceMax(
    select(stays, div(excess, counts), full(v.shape, -Infinity, v.dtype)),
    [axis],
  );
  const positive = fixed.greater(wide(threshold, v));
  const zero = full(v.shape, 0, v.dtype);
  // Where the sum is nothing, all are 0.
  const any = positive.astype(v.dtype);
  const count = maximum(reduceSum(any, [axis]), onesLike(most));
  const loss = div(sub(reduceSum(select(positive, v, zero), [axis]), total), count);
  const nearest = select(positive, maximum(sub(v, wide(loss, v)), zero), zero);
  // Of the sum 0 there is no other point, and of what is not a number, none.
  const limit = stopGradient(total);
  const known = and(most.equal(most), limit.greaterEqual(0));
  const found = select(wide(limit.greater(0), v), nearest, zero);
  return select(wide(known, v), found, full(v.shape, NaN, v.dtype));
}

/** Numbers for each vector [...] as numbers for each element [..., n]. */
function wide(perVector: NDArray, like: NDArray): NDArray {
  return broadcastTo(expandDims(perVector, [like.ndim - 1]), like.shape);
}

/** An operand, which must be of floats. */
function floats(op: string, x: unknown): NDArray {
  const v = toArray(x);
  if (v === null) throw new TypeError(`${op}: x must be an array, not ${describeValue(x)}`);
  if (!isFloat(v.dtype)) {
    throw new DTypeError(`${op}: x is ${v.dtype}, but projections are of floats. Convert it first`);
  }
  return v;
}

/** The same, of at least one axis. */
function vectors(op: string, x: unknown): NDArray {
  const v = floats(op, x);
  if (v.ndim > 0 && v.shape[v.ndim - 1]! > 0) return v;
  throw new ShapeError(`${op}: x must be vectors along its last axis, not of shape [${v.shape}]`);
}

/** A number for each vector. */
function perVector(op: string, name: string, given: unknown, v: NDArray): NDArray {
  return spread(op, name, size(op, name, given, v), v, v.shape.slice(0, -1));
}

/** The size of a set: nothing, or more. */
function size(op: string, name: string, given: unknown, v: NDArray): NDArray {
  const a = amount(op, name, given, v);
  const below = someKnown(a, (r) => !(r >= 0));
  if (below === true) {
    throw new RangeError(
      `${op}: ${name} must be a number that is not negative, or an array of such, not ${
        describeValue(given)
      }`,
    );
  }
  return below === null ? orNaN(a.greaterEqual(0), a) : a;
}

/** A number or an array of them. */
function amount(op: string, name: string, given: unknown, v: NDArray): NDArray {
  // Not by way of float32, which numbers become by themselves.
  const a = typeof given === "number" ? scalarArray(given, v.dtype) : toArray(given);
  if (a !== null) return a;
  throw new TypeError(`${op}: ${name} must be a number or an array, not ${describeValue(given)}`);
}

type Shape = readonly number[];

/** A number, or an array of them, in a shape. */
function spread(op: string, name: string, given: unknown, v: NDArray, shape: Shape): NDArray {
  const a = amount(op, name, given, v);
  const fits = a.ndim <= shape.length &&
    a.shape.every((n, i) => n === 1 || n === shape[shape.length - a.ndim + i]);
  if (!fits) {
    throw new ShapeError(
      `${op}: ${name} has shape [${a.shape}], which is not one of [${shape}] broadcast`,
    );
  }
  return broadcastTo(a.astype(v.dtype), shape);
}

const int = (k: number): NDArray => scalarArray(k, "int32");
const bool = (b: boolean): NDArray => scalarArray(b ? 1 : 0, "bool");

/**
 * Minimises `f(x) + h(x)`, where `prox(v, step)` is the point with the smallest `|x - v|^2 / (2 step) + h(x)`; for a
 * projection onto a set it does not depend on the step. `f` is what `minimise` is given, and the solution's `cost`
 * is that of `f` alone. Derivatives are those of `x = prox(x - grad f(x), 1)`, also with respect to what `prox`
 * closes over. Success is claimed where a step is small beside each leaf, and nothing lower is found near there along
 * what the operator leaves free, as far as a convex `h` is known by its operator.
 *
 * @param prox From a tree like the unknowns, and a scalar, to such a tree. Projections from here may be given as
 * they are, and are then of size 1: `proximalGradient(projectSimplex)`.
 *
 * @example
 * ```ts
 * import { minimise, numpy as np, projectSimplex, proximalGradient } from "@injax/injax";
 *
 * const target = np.array([0.8, 0.6, -0.1]);
 * const { value } = minimise((x) => x.sub(target).square().sum(), np.ones([3]), {
 *   solver: proximalGradient((x: np.NDArray) => projectSimplex(x)),
 * });
 * console.log([...value.dataSync()].map((v) => v.toFixed(2))); // [ "0.60", "0.40", "0.00" ]
 * ```
 */
export function proximalGradient<T extends FloatTree>(
  prox: (x: Arrays<T>, step: NDArray) => TreeLike<T>,
): Minimiser {
  checkCall("proximalGradient(prox)", arguments);
  checkFunction("proximalGradient", prox);
  const description = "proximal gradients";
  const operator = prox as (x: unknown, step?: NDArray) => unknown;
  // What these take in the second place is a size, and no step.
  const sized: unknown[] = [projectNonNegative, projectSimplex, projectL1Ball, projectL2Ball];
  return {
    description,
    make: (setting: Setting) => accelerated(description, setting),
    prox: sized.includes(prox) ? (x: unknown): unknown => operator(x) : operator,
    steps: () => 10000,
  };
}

/** The method. */
function accelerated(description: string, setting: Setting): Stepper<Proximal> {
  const { rtol, sizes, prox } = setting;
  if (prox === null) throw new InternalError("proximal gradients without an operator");
  return {
    description,
    goesBack: true,
    patience: 1000,
    init(x) {
      const number = (v: number): NDArray => scalarArray(v, x.dtype);
      return {
        unit: number(0),
        y: x,
        gy: zerosLike(x),
        x,
        t: number(0),
        grows: bool(true),
        whole: number(0),
        start: number(0),
        rescues: int(0),
        extra: int(0),
        products: int(0),
        theta: number(1),
        looks: bool(true),
        begun: bool(false),
        least: number(Infinity),
        stale: int(0),
        accepted: bool(false),
        trail: trailAtFirst(x),
        status: int(-1),
      };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ f: m.extra, products: m.products }),
    step(at, r, m, local) {
      const { cost } = local;
      const { dtype } = at;
      const eps = epsilon(dtype);
      const number = (v: number): NDArray => scalarArray(v, dtype);
      const rawSize = norm(r);
      const finite = and(isFinite(cost!), isFinite(rawSize));
      const unit = select(m.unit.greater(0), m.unit, orOne(rawSize));
      const [value, g] = [div(cost!, unit), div(r, unit)];
      const size = norm(g);
      /** The step of length `t` from a point along a gradient. */
      const stepFrom = (x: NDArray, g: NDArray, t: NDArray): NDArray =>
        prox(x.sub(g.mul(t)), div(t, unit));
      const first = not(m.begun);
      // The first step: a tenth of the unknowns, or as far as the slope promises to bring the value to 0.
      const extent = norm(at);
      const promise = div(abs(value), orOne(size));
      const short = select(
        extent.greater(0),
        extent.mul(0.1),
        select(promise.greater(0), promise, number(1)),
      );
      const t0 = select(first, div(short, orOne(size)), m.t);

      // A step is accepted where slopes change no faster along it than its length allows: values, whose rounding
      // would make steps short and so look small, have no part in it. Steps of a rounding error are.
      const d = at.sub(m.y);
      const dd = dot(d, d);
      const tiny = norm(d).lessEqual(extent.mul(4 * eps));
      const bend = dot(g.sub(m.gy), d);
      const steep = or(tiny, bend.lessEqual(div(dd, t0).mul(1 + 16 * eps)));
      const tried = not(m.looks);
      const fits = and(and(tried, finite), steep);
      const fails = and(tried, not(fits));
      const lost = and(m.looks, not(finite));

      // Where momentum leads uphill it begins anew.
      const uphill = dot(m.y.sub(at), at.sub(m.x)).greater(0);
      const theta1 = m.theta.mul(m.theta).mul(4).add(1).sqrt().add(1).mul(0.5);
      const beta = select(uphill, number(0), div(m.theta.sub(1), theta1));
      const ahead = at.add(at.sub(m.x).mul(beta));
      const still = beta.equal(0);
      const t = select(
        fails,
        t0.mul(select(finite, number(0.5), number(0.25))),
        select(and(fits, m.grows), t0.mul(2), t0),
      );

      // Cut only where the slopes say so, or no longer than what they have explained.
      const known = and(and(fits, not(tiny)), bend.greater(0));
      const explained = select(known, div(dd, orOne(bend)), number(Infinity));
      const kept = select(and(fails, finite), t, maximum(m.whole, t0));
      const whole = maximum(minimum(kept, explained), select(fails, t, t0));
      const start = select(first, value, m.start);

      // Whether a step from here is small.
      const step = at.sub(stepFrom(at, g, whole));
      const [steps, values] = [step, at].map((v) => leafNorms(v, sizes)) as [NDArray, NDArray];
      // Of a leaf of zeros no other step is small than none.
      const beyond = full(steps.shape, Infinity, dtype);
      const shares = select(values.equal(0), beyond, div(steps, orOne(values)));
      // One that goes to 0 goes by the same share for ever.
      const gone = and(values.lessEqual(local.reached.mul(goneTo)), steps.lessEqual(values.mul(2)));
      const rests = or(steps.equal(0), gone);
      const share = reduceMax(select(rests, zerosLike(steps), shares), [0]);
      const moved = reduceMax(div(steps, orOne(local.reached)), [0]);
      const lower = moved.less(m.least.mul(0.9));
      // Away from a saddle steps grow, and are no standing still.
      const leaves = bend.less(div(dd, t0).mul(-0.01));
      const counts = and(fits, not(leaves));
      const stale = select(and(fits, lower), int(0), m.stale.add(counts.astype("int32")));
      const over = stale.greaterEqual(mostStale);
      const small = share.lessEqual(select(over, number(Math.max(rtol, eps ** 0.6)), number(rtol)));
      const none = t.mul(norm(m.gy)).lessEqual(extent.mul(eps * eps));
      // Steps are not differentiated through the search for what is lower.
      const asked = and(fits, or(small, over));
      const claim = claimOf(
        { x: at, value, g, start, unit, t: whole, step, accepted: fits, asked, trail: m.trail },
        setting,
        local,
      );
      const rescued = and(claim.lower, m.rescues.less(mostRescues));
      const ends = and(or(over, and(fails, none)), not(rescued));
      let status = select(or(ends, claim.lower), int(statusCode("stagnated")), int(-1));
      status = select(rescued, int(-1), status);
      status = select(and(claim.holds, small), int(statusCode("converged")), status);

      // From where the next step is: here, if the gradient was taken for that, or nothing is ahead.
      const takes = or(and(m.looks, finite), and(fits, still));
      const from = select(takes, at, m.y);
      const slope = select(takes, g, m.gy);
      const target = stepFrom(from, slope, t);
      const goesAhead = and(fits, not(still));
      const looks = or(or(goesAhead, lost), rescued);
      const goesOn = select(goesAhead, ahead, select(lost, m.x, target));
      const next = select(rescued, stopGradient(claim.there), goesOn);
      const calm = or(uphill, rescued);
      return [next, {
        unit: select(finite, unit, m.unit),
        y: from,
        gy: slope,
        x: select(rescued, next, select(fits, at, m.x)),
        t,
        grows: and(m.grows, not(fails)),
        whole,
        start,
        rescues: m.rescues.add(rescued.astype("int32")),
        extra: m.extra.add(claim.looks),
        products: m.products.add(claim.products),
        theta: select(fits, select(calm, number(1), theta1), select(lost, number(1), m.theta)),
        looks,
        begun: or(m.begun, finite),
        least: select(rescued, number(Infinity), select(and(fits, lower), moved, m.least)),
        stale: select(rescued, int(0), stale),
        accepted: or(fits, and(first, finite)),
        trail: claim.trail,
        status,
      }];
    },
  };
}

/** Accepted points without a smaller step before the end. */
const mostStale = 100;

/** How often a claim may be refuted by something lower before the end. */
const mostRescues = 10;
