/**
 * The one method behind least squares and square systems: steps of Gauss and Newton in a trust region, whose
 * subproblem is solved exactly by the singular values of the Jacobian (`model.ts`, `steps.ts`).
 *
 * Where the residual's rounding hides what a step gains, steps are judged by the gradient instead
 * ("polishing"), and where rounding ends that, too, the mean of several steps is taken (`steps.ts`). Success is
 * claimed by the size of the last Gauss-Newton step alone.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, smallestNormal, treeMap } from "../../core/mod.ts";
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
  onesLike,
  or,
  select,
  sign,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import { between, heldWithin } from "../options.ts";
import type { Local, Stepper } from "../method.ts";
import { beyond, type Sides, sides } from "../minimise/around.ts";
import { certify } from "../minimise/certify.ts";
import { norm, spread } from "../norms.ts";
import { statusCode } from "../solution.ts";
import {
  atMean,
  bent,
  type JacobianRule,
  keptJacobian,
  noWalk,
  type StepRule,
  type Walk,
  walkOn,
  wholeStep,
} from "./steps.ts";
import {
  isSmall,
  keptValues,
  type Model,
  modelAt,
  noModel,
  orOne,
  promise,
  type Setting,
  stepAlong,
  times,
  transposedTimes,
  vanished,
} from "./model.ts";

/** What makes one method of the family. */
export interface Kind {
  readonly description: string;
  readonly rule: StepRule;
  /** What becomes of the Jacobian from point to point. */
  readonly jacobian: JacobianRule;
  /** Whether steps follow the curvature of the residuals. */
  readonly geodesic: boolean;
}

/** What the method remembers. */
export interface TrustRegionMemory {
  readonly model: Model;
  /** The first residual norm. */
  readonly start: NDArray;
  /** Whether all unknowns were 0 there. */
  readonly blank: NDArray;
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
  readonly walk: Walk;
  /** Whether the model's Jacobian is that of its point, and whether the next trial is there to make it so. */
  readonly fresh: NDArray;
  /** Whether there is a Jacobian from an earlier solve to begin with. */
  readonly kept: NDArray;
  /** Whether the last step that was taken was short beside how far the unknowns have been. */
  readonly shortest: NDArray;
  /** Whether the Jacobian has ever lost rank: rounding may give it back. */
  readonly lost: NDArray;
  readonly renews: NDArray;
  /** Damping of the step that is tried, and its share of the damped step. */
  readonly lambda: NDArray;
  readonly share: NDArray;
  readonly jacobians: NDArray;
  /** Of fits: evaluations around claims, and products with the Hessian there. */
  readonly around: { readonly looks: NDArray; readonly products: NDArray } | null;
  /** The largest rank of a Jacobian so far. */
  readonly rank: NDArray;
  /** Of roots. */
  readonly attempt: Attempt | null;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

/** What is remembered of the search for a root. */
interface Attempt {
  /** The first attempt's start [n] and least residual norm; infinite before there is a second. */
  readonly from: NDArray;
  readonly least: NDArray;
  /** Whether this trial is there to see whether a residual of 0 stands alone. */
  readonly probes: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");
const bool = (k: boolean): NDArray => scalarArray(k ? 1 : 0, "bool");

/** The method for one problem. */
export function trustRegion(kind: Kind, setting: Setting): Stepper<TrustRegionMemory> {
  const { rtol, atol, root, bounds } = setting;
  const within = (x: NDArray): NDArray =>
    bounds === null ? x : between(x, bounds.lower, bounds.upper);
  const exactly = kind.jacobian === "exact";
  const keeps = { u: kind.geodesic, jacobian: !exactly, rows: root };

  function begin(x: NDArray, m: number): TrustRegionMemory {
    const number = (v: number): NDArray => scalarArray(v, x.dtype);
    return {
      model: noModel(x, m, keeps),
      start: number(Infinity),
      blank: bool(false),
      radius: number(Infinity),
      length: number(0),
      predicted: number(0),
      polishing: int(0),
      tried: number(Infinity),
      strikes: int(0),
      walk: noWalk(x),
      fresh: bool(true),
      shortest: bool(true),
      lost: bool(false),
      kept: bool(false),
      renews: bool(false),
      lambda: number(0),
      share: number(1),
      jacobians: int(0),
      around: root ? null : { looks: int(0), products: int(0) },
      rank: int(0),
      attempt: root ? { from: x, least: number(Infinity), probes: bool(false) } : null,
      accepted: bool(false),
      status: int(-1),
    };
  }

  return {
    description: kind.description,
    goesBack: true,
    patience: root ? 150 : 80,
    init: (x, { m }) => begin(x, m),
    // What was learnt is kept: lengths, and a Jacobian that is not computed at each point.
    resume(m, x) {
      const [model, number] = [m.model, (v: number): NDArray => scalarArray(v, x.dtype)];
      const infinity = number(Infinity);
      return {
        ...begin(x, 1),
        model: { ...model, x, size: infinity, cosine: infinity, newton: zerosLike(x) },
        kept: bool(!exactly),
      };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({
      jacobian: m.jacobians,
      ...m.around !== null && { f: m.around.looks, products: m.around.products },
    }),
    // The damped step of Gauss and Newton by the gradient: `p = -(J^T J + lambda D^2)^-1 g`.
    replay(x, r, { model: { d, s, vt }, lambda, share }, { pull }) {
      const unit = orOne(d);
      const kept = keptValues(s);
      const one = onesLike(s);
      const inverse = select(kept, div(one, select(kept, s.mul(s).add(lambda), one)), zerosLike(s));
      const y = transposedTimes(vt, times(vt, div(pull(r), unit)).mul(inverse));
      return heldWithin(x, div(y, unit).mul(share).neg(), bounds);
    },
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
      const walked = m.walk.points.greater(0);
      const gains = gain.greater(m.predicted.mul(1e-4));
      const judged = or(or(polished, walked), m.renews);
      const attempt = m.attempt;
      const probed = attempt?.probes ?? bool(false);
      const looked = and(and(finite, or(or(first, gains), judged)), not(probed));
      // A kept Jacobian serves as long as residuals are halved with it.
      const anew = exactly
        ? bool(true)
        : or(or(and(first, not(m.kept)), judged), and(gains, t.greater(0.5)));
      // Equations are measured alike for all unknowns of a leaf, which was tried to find more roots from afar;
      // sums of squares by the columns, and so is a second attempt.
      const sizes = attempt === null
        ? null
        : { scale: local.scale, used: attempt.least.equal(Infinity) };
      const model = transforms.cond(
        looked,
        (x: NDArray, r: NDArray) => {
          const jacobian = keptJacobian(kind.jacobian, old, x, r, anew, local);
          return modelAt(x, r, jacobian, old, sizes, setting, keeps) as unknown as Tree;
        },
        () => old as unknown as Tree,
        x,
        r,
      ) as unknown as Model;
      // Gradients are compared as they are, not over the residual.
      const [now, then] = [model.cosine.mul(model.size), old.cosine.mul(old.size)];
      const falls = and(now.less(then.mul(0.9)), isFinite(now));
      const isMean = and(walked, atMean(m.walk));
      const asGood = and(isMean, now.lessEqual(m.walk.widest));
      const better = select(walked, asGood, select(polished, now.less(then), gains));
      const accepted = and(looked, or(or(first, m.renews), better));
      const at = treeMap(
        (a: NDArray, b: NDArray) => select(accepted, a, b),
        model as never,
        old as never,
      ) as unknown as Model;
      const fresh = select(accepted, anew, m.fresh);
      // A step that fails by an old Jacobian is tried again with a new one.
      const failed = and(not(or(accepted, judged)), not(fresh));

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
      radius = select(or(judged, and(failed, finite)), m.radius, radius);
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
      const begins = and(
        and(or(hidden, collapsed), not(or(walked, failed))),
        gradient.less(tried.mul(0.5)),
      );
      const polishes = select(
        and(polished, not(polishedOut)),
        m.polishing.add(1),
        and(begins, not(polishedOut)).astype("int32"),
      );

      const reached = spread(local.reached, setting.sizes);
      // A sum of squares that is 0; a root to the precision of its terms, where it is not a simple one.
      // And one of each equation, which may be of any size beside the others.
      const nothing = root
        ? select(and(at.apart.lessEqual(16 * eps), at.rounded), at.terms.mul(16 * eps), number(0))
        : start.mul(rtol * rtol);
      // What the step would be for the least residual that there is, beside how far the unknowns have been.
      const went = at.x.sub(old.x);
      const moves = and(accepted, not(or(or(first, walked), went.equal(0).all())));
      // Where the Jacobian has lost rank on the way, unknowns have lost their meaning there.
      const rank = maximum(m.rank, at.rank);
      const sound = and(not(at.flat), at.rank.equal(rank));
      const lost = or(m.lost, not(sound));
      // A direction that is lost is one in which steps had got short, or they ran off in it.
      const shortest = select(
        moves,
        and(local.isShort(went), or(not(lost), m.shortest)),
        m.shortest,
      );
      // Whether the slopes here explain the step that led here: those of what dies out at infinity do not.
      const [foreseen, seen] = [promise(at, went).change, norm(local.since.change)];
      const explained = and(
        and(moves, foreseen.greater(0)),
        foreseen.greaterEqual(seen.mul(0.8)),
      );
      // Of unknowns that were all 0 nothing is short beside how far they have been, where that and the step are
      // rounding of the residual.
      const blank = select(first, x.equal(0).all(), m.blank);
      const hardly = at.size.mul(16 * eps);
      const still = and(
        blank,
        and(extent.lessEqual(hardly), norm(at.d.mul(at.newton)).lessEqual(hardly)),
      );
      const settled = and(
        or(still, local.isShort(abs(at.newton).add(at.least))),
        or(explained, not(or(local.marches, and(moves, not(shortest))))),
      );
      const fits = root
        ? and(at.size.lessEqual(noise.mul(100)), at.apart.lessEqual(100 * eps))
        : bool(true);
      const claim = eps ** 0.6;
      const [tight, loose] = [[rtol, rtol], [claim, claim / 10]].map(([share, ofResidual]) =>
        and(and(isSmall(at, root, share!, ofResidual!, claim), fits), sound)
      ) as [NDArray, NDArray];

      const strays = or(not(looked), now.greater(then.mul(mostGradient)));
      const averages = root ? bool(false) : and(polishedOut, not(or(tight, strays)));
      const { walk, point } = walkOn(
        m.walk,
        averages,
        within(model.x.add(model.newton)),
        now,
        strays,
      );
      const walks = walk.points.greater(0);
      const waits = and(and(isFinite(tried), polishes.equal(0)), not(or(walks, failed)));
      const strikes = select(and(waits, not(accepted)), m.strikes.add(1), int(0));
      const over = or(strikes.greaterEqual(mostStrikes), and(waits, collapsed));
      let status = select(or(over, isMean), int(statusCode("stagnated")), int(-1));
      const level = root ? bool(false) : and(sound, at.angle.less(eps ** 0.75));
      const ended = or(or(polishedOut, over), isMean);
      // Unknowns without a slope have come to theirs by steps that got short.
      const exact = and(at.size.lessEqual(nothing), or(sound, shortest));
      const given = atol === 0 ? bool(false) : at.size.lessEqual(atol);
      const gone = root ? vanished(at, start, reached, rtol) : bool(false);
      const end = or(or(exact, gone), or(tight, and(ended, or(loose, level))));
      const done = or(given, and(settled, end));
      // An exact 0 that a long step led to is a root, if residuals are none a little before it: what has died out is 0
      // there, too, and a displacement is rounding of the unknowns.
      const hides = setting.displacement ? norm(x).mul(2 ** 10 * eps) : number(0);
      const alone = and(probed, size.greater(maximum(hides, number(smallestNormal(dtype) / eps))));
      const claims = or(alone, and(done, not(walks)));
      // Where an unknown has lost its slope on the way, the sum may fall to a side of it, as from a bound.
      const asked = or(claims, and(or(over, isMean), at.flat));
      const aside = root ? null : aroundSaddle(at, local, bounds, setting.sizes, asked);
      status = select(probed, int(statusCode("stagnated")), status);
      status = select(claims, int(statusCode("converged")), status);
      const probes = root ? and(and(moves, at.size.equal(0)), status.less(0)) : bool(false);
      if (aside !== null) status = select(aside.lower, int(-1), status);
      status = select(isFinite(at.size), status, int(-1));
      const renews = and(not(fresh), or(failed, status.greaterEqual(0)));
      status = select(renews, int(-1), status);

      const { along, lambda } = kind.rule(at, radius, transforms);
      const plain = within(at.x.add(stepAlong(at, along))).sub(at.x);
      const promised = promise(at, plain);
      const bounded = kind.geodesic ? bent(at, plain, lambda, local) : plain;
      const usual = select(polishes.greater(0), at.newton, bounded);
      const [leaves, moved] = aside === null
        ? [bool(false), usual]
        : [aside.lower, select(aside.lower, aside.step.neg(), usual)];
      const length = select(leaves, number(0), promised.length);
      const predicted = select(leaves, number(eps), promised.predicted);
      const trial = within(at.x.add(moved));
      const before = select(probes, within(at.x.sub(sign(went).mul(reached).mul(little))), trial);
      const next = select(walks, point, select(renews, at.x, before));
      const memory: TrustRegionMemory = {
        model: at,
        start,
        blank,
        // Slopes are small beside a saddle, and steps by them long.
        radius: select(leaves, at.size.mul(0.1), radius),
        length,
        predicted,
        polishing: select(leaves, int(0), polishes),
        tried: select(leaves, number(Infinity), tried),
        strikes,
        walk,
        fresh,
        shortest,
        lost,
        kept: bool(false),
        renews,
        lambda: select(polishes.greater(0), number(0), lambda),
        share: select(
          or(polishes.greater(0), lambda.greater(0)),
          number(1),
          minimum(number(1), div(norm(along), orOne(norm(wholeStep(at, radius).whole)))),
        ),
        jacobians: m.jacobians.add(and(looked, anew).astype("int32")),
        around: aside === null || m.around === null ? null : {
          looks: m.around.looks.add(aside.looks),
          products: m.around.products.add(aside.products),
        },
        rank,
        attempt: attempt === null ? null : { ...attempt, probes },
        accepted,
        status,
      };
      if (attempt === null) return [next, memory];
      // A minimum that is no root: once more from the start, on another way.
      const least = minimum(attempt.least, at.size);
      const again = and(status.equal(statusCode("stagnated")), attempt.least.equal(Infinity));
      const choose = <T>(a: T, b: T): T =>
        treeMap((p: NDArray, q: NDArray) => select(again, p, q), a as never, b as never) as T;
      const afresh: TrustRegionMemory = {
        ...begin(attempt.from, r.size),
        jacobians: memory.jacobians,
        attempt: { from: attempt.from, least, probes: bool(false) },
        accepted,
      };
      const inFirst = attempt.least.equal(Infinity);
      const record = or(inFirst, at.size.less(attempt.least));
      const told = {
        ...memory,
        accepted: and(accepted, record),
        status: select(
          record,
          status,
          select(status.equal(0), int(statusCode("stagnated")), status),
        ),
      };
      return [choose(attempt.from, next), choose(afresh, told)];
    },
  };
}

/**
 * Whether a point where the gradient vanishes is no minimum: where the sum of squares falls to both sides of it along
 * some direction, as at a maximum, or at a saddle to which a start led that was symmetric. Looked at where it is asked.
 */
function aroundSaddle(
  { x, size, rank, held }: Model,
  { evaluate, scale, transforms }: Local,
  bounds: Setting["bounds"],
  sizes: readonly number[],
  asked: NDArray,
): Sides & { readonly products: NDArray } {
  const { dtype } = x;
  const none = scalarArray(0, dtype);
  const no = bool(false);
  const residual = (x: NDArray): NDArray => div(evaluate(x).r, orOne(size));
  const gradient = (x: NDArray): NDArray => {
    const [r, pull] = transforms.vjp(residual, [x]);
    return pull(r)[0] as NDArray;
  };
  const found = certify({
    x,
    gradient: zerosLike(x),
    free: bounds === null ? null : not(held).astype(dtype),
    sizes,
    scale,
    product: (v) => transforms.jvp(gradient, [x], [v])[1] as NDArray,
    isSmall: () => bool(true),
    nothing: none,
    asked,
    wanted: no,
    last: { isShort: bool(true), asked: no, step: zerosLike(x), change: zerosLike(x) },
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
  const seen = sides({
    x,
    value,
    step: select(or(falls, not(flat)), found.step, anywhere).mul(1 / beyond),
    valueAt: (x) => sumAt(inside(x)),
    noise: value.mul(64 * epsilon(dtype)),
    asked: or(falls, flat),
  }, transforms);
  return { ...seen, products: found.products };
}

/** The share of how far the unknowns have been, by which before a residual of 0 it is seen whether that stands alone. */
const little = 2 ** -10;

/** Steps that may be rejected after polishing has failed. */
const mostStrikes = 6;

/** Times the best gradient's norm, beyond which a walk has left the neighbourhood of the solution. */
const mostGradient = 30;

/** Steps judged by the gradient before the end. */
const mostPolishing = 30;
