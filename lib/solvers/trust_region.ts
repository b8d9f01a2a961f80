/**
 * The one method behind least squares and square systems: steps of Gauss and Newton in a trust region, whose
 * subproblem is solved exactly by the singular values of the Jacobian (Levenberg-Marquardt with the scaling of
 * Moré, "The Levenberg-Marquardt algorithm: implementation and theory", 1978).
 *
 * All lengths are `|D p|`, where `D` holds the largest norm that each column of the Jacobian had, so that units
 * do not matter. Where the residual's rounding hides what a step gains, steps are judged by the gradient
 * instead ("polishing"), and success is claimed by the size of the last Gauss-Newton step alone.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { epsilon, smallestNormal } from "../core/dtype.ts";
import { svd } from "../linalg/svd.ts";
import { full } from "../primitives/constants/full.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { abs, div, maximum, minimum } from "../primitives/elementwise/arithmetic.ts";
import { and, not, or } from "../primitives/elementwise/compare.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reduceAnd } from "../primitives/reduce/logical.ts";
import { expandDims } from "../primitives/shape/reshape.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import type { Tree } from "../transforms/tree_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { treeMap } from "../core/tree.ts";
import type { Local, Stepper } from "./method.ts";
import { norm } from "./norms.ts";
import { statusCode } from "./solution.ts";

/** What a method is told of the problem, beside what a step sees. */
export interface Setting {
  /** Largest relative Gauss-Newton step at which it has converged. */
  readonly rtol: number;
  /** Residual norm at which it has, whatever the step. */
  readonly atol: number;
  /** Whether the residual itself is to vanish: a minimum of its norm is no solution then. */
  readonly root: boolean;
  /** Bounds of the unknowns [n], or `null`. No trial lies outside. */
  readonly bounds: { readonly lower: NDArray; readonly upper: NDArray } | null;
}

/** The linear model at a point: `J D^-1 = U diag(s) V^T`. */
interface Model {
  /** The point [n], and the norm of its residual. */
  readonly x: NDArray;
  readonly size: NDArray;
  /** Lengths of the unknowns [n]: 0 for those that the residual never depended on. */
  readonly d: NDArray;
  readonly s: NDArray;
  readonly vt: NDArray;
  /** `U^T r / |r|` [k]. */
  readonly c: NDArray;
  /** The Gauss-Newton step within the bounds [n]. */
  readonly newton: NDArray;
  /** Norm of the gradient in the lengths, over `|r|`: the cosine of the angle to the tangent plane. */
  readonly cosine: NDArray;
  /** What rounding of the residual makes of the Gauss-Newton step [n]. */
  readonly doubt: NDArray;
  /** What the residual is a sum of, by size: rounding is a share of it. */
  readonly terms: NDArray;
  /** Largest cosine of the angle between the residual and a column of the Jacobian. */
  readonly angle: NDArray;
  /** Number of singular values that are not 0, and of unknowns that rest at bounds: int32. */
  readonly rank: NDArray;
  /** Whether an unknown's column has vanished: the model says nothing of it here. */
  readonly flat: NDArray;
}

/** What the method remembers. */
export interface TrustRegionMemory {
  readonly model: Model;
  /** The first residual norm. */
  readonly start: NDArray;
  /** Radius, and length of the step that is being tried. */
  readonly radius: NDArray;
  readonly length: NDArray;
  /** What the step should gain, as a share of the squared residual norm. */
  readonly predicted: NDArray;
  /** Number of steps judged by the gradient, this one included: 0 where it is judged by the gain. */
  readonly polishing: NDArray;
  /** The gradient's norm at which polishing last failed, and steps rejected since. */
  readonly tried: NDArray;
  readonly strikes: NDArray;
  readonly jacobians: NDArray;
  /** The largest rank of a Jacobian so far. */
  readonly rank: NDArray;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");

/** `m^T v` for m [a, b], v [a]. */
const transposedTimes = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[0], [0]], batch: [[], []] });
/** `m v` for m [a, b], v [b]. */
const times = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });

/** `x`, or 1 where it is 0. */
const orOne = (x: NDArray): NDArray => select(x.equal(0), full(x.shape, 1, x.dtype), x);

/** 2-norms of the columns of a matrix, also where squares would leave the dtype's range: [n]. */
function columnNorms(m: NDArray): NDArray {
  const largest = reduceMax(abs(m), [0]);
  const unit = orOne(largest);
  const shares = div(m, broadcastTo(expandDims(unit, [0]), m.shape));
  return reduceSum(shares.mul(shares), [0]).sqrt().mul(unit);
}

/** Lengths that are the same for all unknowns of a leaf, and those of the largest column. */
function evenly(columns: NDArray, scale: NDArray): NDArray {
  const sizes = broadcastTo(scale, columns.shape);
  return div(broadcastTo(reduceMax(columns.mul(sizes), [0]), columns.shape), sizes);
}

/** A trust-region method, described by `description`. */
export function trustRegion(
  description: string,
  { rtol, atol, root, bounds }: Setting,
): Stepper<TrustRegionMemory> {
  const within = (x: NDArray): NDArray =>
    bounds === null ? x : minimum(maximum(x, bounds.lower), bounds.upper);

  /** The model of the problem at `x`, where the residual is `r`. */
  function modelAt(x: NDArray, r: NDArray, before: NDArray, local: Local): Model {
    const { dtype } = x;
    const jacobian = local.jacobian();
    const [m, n] = jacobian.shape as [number, number];
    const columns = columnNorms(jacobian);
    // Equations are measured alike for all unknowns of a leaf, which was tried to find more roots from afar; sums
    // of squares by the columns, and their largest norms so far.
    const d = root ? evenly(columns, local.scale) : maximum(before, columns);
    const unit = orOne(d);
    const size = norm(r);
    const direction = div(r, orOne(size));
    let a = div(jacobian, broadcastTo(expandDims(unit, [0]), [m, n]));
    let flat = root ? columns.less(0) : columns.less(before.mul(epsilon(dtype)));
    let resting = int(0);
    if (bounds !== null) {
      // An unknown at its bound that would leave it stays.
      const slope = transposedTimes(a, direction);
      const held = or(
        and(x.lessEqual(bounds.lower), slope.greater(0)),
        and(x.greaterEqual(bounds.upper), slope.less(0)),
      );
      a = a.mul(broadcastTo(expandDims(not(held).astype(dtype), [0]), [m, n]));
      flat = and(flat, not(held));
      resting = reduceSum(held.astype("int32"), [0]);
    }
    const { u, s, vt } = svd(a, false);
    const c = transposedTimes(u, direction);
    const kept = s.greater(reduceMax(s, [0]).mul(rankless * epsilon(dtype)));
    const along = select(kept, div(c, orOne(s)), full(s.shape, 0, dtype));
    const newton = within(x.sub(div(transposedTimes(vt, along), unit).mul(size))).sub(x);
    const cosine = norm(select(kept, c, full(s.shape, 0, dtype)));
    const angles = div(abs(transposedTimes(a, direction)).mul(unit), orOne(columns));
    const inverse = select(kept, div(full(s.shape, 1, dtype), orOne(s)), full(s.shape, 0, dtype));
    const spread = div(columnNorms(vt.mul(expandDims(inverse, [1]))), unit);
    return {
      x,
      size,
      d,
      s,
      vt,
      c,
      newton,
      cosine,
      // The residual is known to a rounding error of each of its terms.
      doubt: spread.mul(norm(d.mul(x)).mul(epsilon(dtype) / Math.sqrt(m))),
      terms: norm(columns.mul(x)),
      angle: reduceMax(angles, [0]),
      rank: reduceSum(kept.astype("int32"), [0]).add(resting),
      flat: flat.any(),
    };
  }

  /** Whether the Gauss-Newton step is small, unknown by unknown, beside its value or beside the residual. */
  function isSmall(
    { x, d, size, newton, doubt }: Model,
    share: number,
    ofResidual: number,
    sure: number,
  ): NDArray {
    const [step, value] = [abs(newton), abs(x)];
    const beside = and(step.lessEqual(value.mul(share)), doubt.lessEqual(value.mul(sure)));
    const hardly = d.mul(maximum(step, doubt)).lessEqual(size.mul(ofResidual));
    return reduceAnd(root ? beside : or(beside, hardly), [0]);
  }

  return {
    description,
    goesBack: true,
    patience: 80,
    init(x, { m }) {
      const n = x.size;
      const k = Math.min(m, n);
      const { dtype } = x;
      const number = (v: number): NDArray => scalarArray(v, dtype);
      return {
        model: {
          x,
          size: number(Infinity),
          d: full([n], 0, dtype),
          s: full([k], 0, dtype),
          vt: full([k, n], 0, dtype),
          c: full([k], 0, dtype),
          newton: full([n], 0, dtype),
          cosine: number(Infinity),
          doubt: full([n], 0, dtype),
          terms: number(0),
          angle: number(Infinity),
          rank: int(0),
          flat: scalarArray(0, "bool"),
        },
        start: number(Infinity),
        radius: number(Infinity),
        length: number(0),
        predicted: number(0),
        polishing: int(0),
        tried: number(Infinity),
        strikes: int(0),
        jacobians: int(0),
        rank: int(0),
        accepted: scalarArray(0, "bool"),
        status: int(-1),
      };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ jacobian: m.jacobians }),
    step(x, r, m, local) {
      const { transforms } = local;
      const { dtype } = x;
      const eps = epsilon(dtype);
      const number = (v: number): NDArray => scalarArray(v, dtype);
      const old = m.model;
      const first = old.size.equal(Infinity);
      const size = norm(r);
      const finite = isFinite(size);
      const t = div(size, orOne(old.size));
      const gain = number(1).sub(t).mul(t.add(1));
      const polished = m.polishing.greater(0);
      const gains = gain.greater(m.predicted.mul(1e-4));
      const looked = and(finite, or(or(first, gains), polished));
      const model = transforms.cond(
        looked,
        (x: NDArray, r: NDArray) => modelAt(x, r, old.d, local) as unknown as Tree,
        () => old as unknown as Tree,
        x,
        r,
      ) as unknown as Model;
      // Gradients are compared as they are, not over the residual.
      const [now, then] = [model.cosine.mul(model.size), old.cosine.mul(old.size)];
      const falls = and(now.less(then.mul(0.9)), isFinite(now));
      const accepted = and(looked, or(first, select(polished, now.less(then), gains)));
      const at = treeMap(
        (a: NDArray, b: NDArray) => select(accepted, a, b),
        model as never,
        old as never,
      ) as unknown as Model;

      // The radius, from how the gain compares with what the model said.
      const start = select(first, size, m.start);
      const extent = norm(at.d.mul(at.x));
      const ratio = div(gain, maximum(m.predicted, number(smallestNormal(dtype))));
      const trusted = and(finite, ratio.greaterEqual(0.25));
      let radius = select(
        ratio.greater(0.75),
        maximum(m.radius, m.length.mul(2)),
        m.radius,
      );
      radius = select(trusted, radius, m.length.mul(0.25));
      radius = select(polished, m.radius, radius);
      radius = select(first, select(extent.greater(0), extent, size), radius);

      // What the residual's rounding can hide.
      const noise = (root ? at.terms : extent).add(at.size).mul(eps);
      const gradient = at.cosine.mul(at.size);
      const hidden = at.cosine.mul(gradient).lessEqual(noise.mul(2 / Math.sqrt(r.size)));
      const collapsed = radius.lessEqual(extent.mul(eps).mul(0.1));
      const polishedOut = and(
        polished,
        or(not(and(accepted, falls)), m.polishing.greaterEqual(mostPolishing)),
      );
      const tried = select(polishedOut, gradient, m.tried);
      const begins = and(or(hidden, collapsed), gradient.less(tried.mul(0.5)));
      const polishes = select(
        and(polished, not(polishedOut)),
        m.polishing.add(1),
        and(begins, not(polishedOut)).astype("int32"),
      );
      const waits = and(isFinite(tried), polishes.equal(0));
      const strikes = select(and(waits, not(accepted)), m.strikes.add(1), int(0));
      const over = or(strikes.greaterEqual(mostStrikes), and(waits, collapsed));

      // Where the Jacobian has lost rank on the way, unknowns have lost their meaning there.
      const rank = maximum(m.rank, at.rank);
      const sound = and(not(at.flat), at.rank.equal(rank));
      // A sum of squares that is 0; a root to the precision of its terms, where it is not a simple one.
      const nothing = root ? at.terms.mul(16 * eps) : start.mul(rtol * rtol);
      const exact = at.size.lessEqual(nothing.add(atol));
      const fits = root ? at.size.lessEqual(noise.mul(100)) : scalarArray(1, "bool");
      const claim = eps ** 0.6;
      const [tight, loose] = [isSmall(at, rtol, rtol, claim), isSmall(at, claim, claim / 10, claim)]
        .map((small) => and(and(small, fits), sound)) as [NDArray, NDArray];
      let status = select(over, int(statusCode("stagnated")), int(-1));
      const level = root ? scalarArray(0, "bool") : and(sound, at.angle.less(eps ** 0.75));
      const done = or(or(exact, tight), and(or(polishedOut, over), or(loose, level)));
      status = select(done, int(statusCode("converged")), status);
      status = select(isFinite(at.size), status, int(-1));

      const bounded = limited(at, radius, transforms);
      const wanted = select(polishes.greater(0), at.x.add(at.newton), at.x.add(bounded));
      const trial = within(wanted);
      const step = trial.sub(at.x);
      const scaled = at.d.mul(step);
      // |c|^2 - |c + S V^T D p|^2, without cancellation.
      const q = div(at.s.mul(times(at.vt, scaled)), orOne(at.size));
      const predicted = reduceSum(at.c.mul(2).add(q).mul(q), [0]).neg();
      return [trial, {
        model: at,
        start,
        radius,
        length: norm(scaled),
        predicted,
        polishing: polishes,
        tried,
        strikes,
        jacobians: m.jacobians.add(looked.astype("int32")),
        rank,
        accepted,
        status,
      }];
    },
  };
}

/** The step of least model residual among those no longer than the radius (within a tenth): [n]. */
function limited({ s, vt, c, d, size }: Model, radius: NDArray, transforms: Transforms): NDArray {
  const { dtype } = s;
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const most = div(radius, orOne(size));
  const kept = s.greater(reduceMax(s, [0]).mul(rankless * epsilon(dtype)));
  const sc = select(kept, s.mul(c), full(s.shape, 0, dtype));
  const stepFor = (lambda: NDArray): NDArray =>
    div(sc, select(kept, s.mul(s).add(lambda), full(s.shape, 1, dtype)));
  const whole = stepFor(number(0));
  const length = norm(whole);
  const inside = length.lessEqual(most.mul(1.1));
  // |p(lambda)| falls from its value at 0, and is below |S c| / lambda.
  const above = div(norm(sc), select(most.greater(0), most, number(1)));
  interface Search {
    readonly lambda: NDArray;
    readonly lower: NDArray;
    readonly upper: NDArray;
    readonly step: NDArray;
    readonly passes: NDArray;
  }
  const off = (p: NDArray): NDArray => abs(norm(p).sub(most)).greater(most.mul(0.1));
  const guess = above.mul(1e-3);
  const found = transforms.whileLoop(
    (q) => {
      const { step, passes } = q as unknown as Search;
      return and(and(not(inside), off(step)), passes.less(20));
    },
    (q) => {
      const { lambda, lower, upper, step, passes } = q as unknown as Search;
      const p = norm(step);
      const excess = p.sub(most);
      const lo = select(excess.greater(0), maximum(lower, lambda), lower);
      const hi = select(excess.less(0), minimum(upper, lambda), upper);
      const denominator = select(kept, s.mul(s).add(lambda), full(s.shape, 1, dtype));
      const unit = div(step, orOne(p));
      const fall = reduceSum(div(unit.mul(unit), denominator), [0]);
      // Newton's method on 1/|p|, which is nearly linear.
      const next = lambda.add(div(excess, orOne(most.mul(fall))));
      const usable = and(next.greater(lo), next.less(hi));
      const middle = maximum(lo.mul(hi).sqrt(), hi.mul(1e-3));
      const chosen = select(usable, next, middle);
      return {
        lambda: chosen,
        lower: lo,
        upper: hi,
        step: stepFor(chosen),
        passes: passes.add(1),
      } as unknown as Tree;
    },
    {
      lambda: guess,
      lower: number(0),
      upper: above,
      step: stepFor(guess),
      passes: int(0),
    } as unknown as Tree,
  ) as unknown as Search;
  const along = select(inside, whole, found.step);
  return div(transposedTimes(vt, along), orOne(d)).mul(size).neg();
}

/** Singular values below this many epsilons of the largest are 0. */
const rankless = 4;

/** Steps that may be rejected after polishing has failed. */
const mostStrikes = 6;

/** Steps judged by the gradient before the end. */
const mostPolishing = 30;
