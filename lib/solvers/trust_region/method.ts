/**
 * The one method behind least squares and square systems: steps of Gauss and Newton in a trust region, whose
 * subproblem is solved exactly by the singular values of the Jacobian (`model.ts`, `steps.ts`). How a solve ends, and
 * what is claimed, is said by `ending.ts`.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray, smallestNormal, treeMap } from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  isFinite,
  maximum,
  minimum,
  not,
  onesLike,
  or,
  reduceSum,
  select,
  sign,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import type { Local, Stepper } from "../method.ts";
import { norm, spread } from "../norms.ts";
import { between, checkMatrixRoom, heldWithin } from "../options.ts";
import { little } from "../reach.ts";
import { statusCode } from "../solution.ts";
import {
  aroundSaddle,
  atMean,
  courseAfter,
  isSolved,
  noWalk,
  polishing,
  wayWith,
} from "./ending.ts";
import type { Trial, TrustRegionMemory } from "./memory.ts";
import {
  type Keeps,
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
} from "./model.ts";
import { bent, type JacobianRule, keptJacobian, type StepRule, wholeStep } from "./steps.ts";

/** What makes one method of the family. */
export interface Kind {
  readonly description: string;
  readonly rule: StepRule;
  /** What becomes of the Jacobian from point to point. */
  readonly jacobian: JacobianRule;
  /** Whether steps follow the curvature of the residuals. */
  readonly geodesic: boolean;
}

const int = (k: number): NDArray => scalarArray(k, "int32");
const bool = (k: boolean): NDArray => scalarArray(k ? 1 : 0, "bool");

/** The method for one problem. */
export function trustRegion(kind: Kind, setting: Setting): Stepper<TrustRegionMemory> {
  const { root, bounds } = setting;
  const within = (x: NDArray): NDArray =>
    bounds === null ? x : between(x, bounds.lower, bounds.upper);
  /** Where a step leads: to a bound itself, where only rounding keeps it from there. */
  const ledBy = (step: NDArray, x: NDArray): NDArray => {
    const to = within(x.add(step));
    if (bounds === null) return to;
    const onto = (to: NDArray, bound: NDArray): NDArray => {
      const rounding = abs(x).add(abs(bound)).mul(2 * epsilon(x.dtype));
      return select(abs(to.sub(bound)).less(rounding), bound, to);
    };
    return onto(onto(to, bounds.lower), bounds.upper);
  };
  const exactly = kind.jacobian === "exact";
  const keeps: Keeps = { u: kind.geodesic, jacobian: !exactly, rows: root };

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
      explained: bool(false),
      lost: bool(false),
      kept: bool(false),
      renews: bool(false),
      lambda: number(0),
      share: number(1),
      jacobians: int(0),
      around: root ? null : { looks: int(0), products: int(0), turns: int(0), turned: bool(false) },
      rank: int(0),
      free: int(0),
      attempt: root ? { from: x, least: number(Infinity), probes: bool(false) } : null,
      accepted: bool(false),
      status: int(-1),
    };
  }

  return {
    description: kind.description,
    goesBack: true,
    patience: root ? 150 : 80,
    init(x, { m }) {
      const instead = root
        ? "Take broyden(), which keeps no matrix"
        : "Minimise the sum of squares by lbfgs(), which keeps no matrix";
      checkMatrixRoom(kind.description, "the Jacobian", [m, x.size], x.dtype, instead);
      return begin(x, m);
    },
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
      const number = (v: number): NDArray => scalarArray(v, x.dtype);
      const trial = judge(x, r, m, local, kind.jacobian, setting, keeps);
      const { at, size, first, isMean, probed, accepted, fresh } = trial;
      const start = select(first, size, m.start);
      const extent = norm(at.d.mul(at.x));
      const radius = radiusAfter(trial, m, extent);
      const polish = polishing(trial, m, radius, extent, r.size, setting);
      const polishes = polish.steps.greater(0);
      const reached = spread(local.reached, setting.sizes);
      const way = wayWith(trial, m, extent, local, setting);
      const next = ledBy(trial.model.newton, trial.model.x);
      const course = courseAfter(trial, m, polish, way, next, setting);
      const claims = isSolved(trial, way, course, polish.noise, start, reached, setting);

      // Where an unknown has lost its slope on the way, the sum may fall to a side of it, as from a bound.
      const ends = or(course.over, isMean);
      const asked = or(claims, and(ends, at.flat));
      const stalls = and(ends, not(claims));
      const aside = root
        ? null
        : aroundSaddle(at, local, bounds, setting.sizes, or(asked, stalls), stalls);
      const stagnates = or(probed, ends);
      let status = select(stagnates, int(statusCode("stagnated")), int(-1));
      const found = aside === null ? claims : or(claims, aside.minimal);
      status = select(found, int(statusCode("converged")), status);
      const probes = root ? and(and(way.moves, at.size.equal(0)), status.less(0)) : bool(false);
      const leaves = aside?.lower ?? bool(false);
      const curves = aside === null || m.around === null
        ? bool(false)
        : and(aside.curves, m.around.turns.less(mostTurns));
      status = select(or(leaves, curves), int(-1), status);
      // Without slopes at the start there is no way from it.
      const lost = and(first, not(trial.finite));
      status = select(isFinite(at.size), status, int(-1));
      status = select(lost, int(statusCode("nonfinite")), status);
      const renews = and(not(fresh), or(trial.failed, status.greaterEqual(0)));
      status = select(renews, int(-1), status);

      const { along, lambda } = kind.rule(at, radius, transforms);
      const plain = within(at.x.add(stepAlong(at, along))).sub(at.x);
      const promised = promise(at, plain);
      const bounded = kind.geodesic ? bent(at, plain, lambda, local) : plain;
      const usual = select(polishes, at.newton, bounded);
      const moved = aside === null
        ? usual
        : select(leaves, aside.step.neg(), select(curves, aside.newton.neg(), usual));
      const before = within(at.x.sub(sign(way.went).mul(reached).mul(little)));
      const tried = select(probes, before, ledBy(moved, at.x));
      const whole = minimum(number(1), div(norm(along), orOne(norm(wholeStep(at, radius).whole))));
      const memory: TrustRegionMemory = {
        model: at,
        start,
        blank: way.blank,
        // Slopes are small beside a saddle, and steps by them long.
        radius: select(leaves, at.size.mul(0.1), radius),
        length: select(leaves, number(0), promised.length),
        predicted: select(leaves, number(epsilon(x.dtype)), promised.predicted),
        polishing: select(leaves, int(0), select(curves, int(1), polish.steps)),
        tried: select(leaves, number(Infinity), polish.tried),
        strikes: select(curves, int(0), course.strikes),
        walk: course.walk,
        fresh,
        shortest: way.shortest,
        explained: way.explained,
        lost: way.lost,
        kept: bool(false),
        renews,
        lambda: select(polishes, number(0), lambda),
        share: select(or(polishes, lambda.greater(0)), number(1), whole),
        jacobians: m.jacobians.add(and(trial.looked, trial.anew).astype("int32")),
        around: aside === null || m.around === null ? null : {
          looks: m.around.looks.add(aside.looks),
          products: m.around.products.add(aside.products),
          turns: m.around.turns.add(curves.astype("int32")),
          turned: curves,
        },
        rank: way.rank,
        free: way.free,
        attempt: m.attempt === null ? null : { ...m.attempt, probes },
        accepted,
        status,
      };
      // A mean of points at a bound may be beyond it by its rounding.
      const point = select(
        course.walks,
        ledBy(zerosLike(x), course.point),
        select(renews, at.x, tried),
      );
      return root ? onceMore(point, memory, (from) => begin(from, r.size)) : [point, memory];
    },
  };
}

/** What the evaluation of `x`, with the residual `r`, shows. */
function judge(
  x: NDArray,
  r: NDArray,
  m: TrustRegionMemory,
  local: Local,
  rule: JacobianRule,
  setting: Setting,
  keeps: Keeps,
): Trial {
  const old = m.model;
  const first = old.size.equal(Infinity);
  const size = norm(r);
  const finite = isFinite(size);
  const t = div(size, orOne(old.size));
  const gain = scalarArray(1, x.dtype).sub(t).mul(t.add(1));
  const polished = m.polishing.greater(0);
  const walked = m.walk.points.greater(0);
  const gains = gain.greater(m.predicted.mul(1e-4));
  const judged = or(or(polished, walked), m.renews);
  const attempt = m.attempt;
  const probed = attempt?.probes ?? bool(false);
  // Where the sum changes by rounding alone, an equation that is small beside others may be far from its root.
  const slack = 16 * epsilon(x.dtype);
  const alike = attempt === null ? bool(false) : and(
    old.apart.greater(slack),
    abs(size.sub(old.size)).lessEqual(old.terms.mul(slack)),
  );
  const asked = and(and(finite, or(or(first, gains), or(judged, alike))), not(probed));
  // A kept Jacobian serves as long as residuals are halved with it.
  const anew = rule === "exact"
    ? bool(true)
    : or(or(and(first, not(m.kept)), judged), and(gains, t.greater(0.5)));
  // Equations are measured alike for all unknowns of a leaf, which was tried to find more roots from afar;
  // sums of squares by the columns, and so is a second attempt.
  const sizes = attempt === null
    ? null
    : { scale: local.scale, used: attempt.least.equal(Infinity) };
  const model = local.transforms.cond(
    asked,
    (x: NDArray, r: NDArray) => {
      const jacobian = keptJacobian(rule, old, x, r, anew, local);
      return modelAt(x, r, jacobian, old, sizes, setting, keeps) as unknown as Tree;
    },
    () => old as unknown as Tree,
    x,
    r,
  ) as unknown as Model;
  // A point where slopes are not defined is as good as one where values are not.
  const defined = or(not(asked), isFinite(reduceSum(model.s, [0])));
  const looked = and(asked, defined);
  // Gradients are compared as they are, not over the residual.
  const [now, then] = [model.cosine.mul(model.size), old.cosine.mul(old.size)];
  const isMean = and(walked, atMean(m.walk));
  // Gradients may be less where the sum is more: at other points than those about the solution. And what is much lower than
  // all that was known is taken, whatever it was for.
  const noise = old.size.mul(Math.sqrt(epsilon(x.dtype))).add(old.terms.mul(64 * epsilon(x.dtype)));
  const worse = size.greater(old.size.add(noise));
  const lower = and(size.less(old.size.sub(noise)), not(m.renews));
  const asGood = and(and(isMean, not(worse)), now.lessEqual(m.walk.widest));
  const mends = and(and(alike, not(judged)), model.apart.less(old.apart.mul(0.5)));
  const falls = and(
    not(worse),
    or(now.less(then), leadsDown(gain, model, old, m.around?.turned)),
  );
  const known = select(walked, asGood, select(polished, falls, or(gains, mends)));
  const better = attempt === null ? or(known, lower) : known;
  const accepted = and(looked, or(or(first, m.renews), better));
  const at = treeMap(
    (a: NDArray, b: NDArray) => select(accepted, a, b),
    model as never,
    old as never,
  ) as unknown as Model;
  const fresh = select(accepted, anew, m.fresh);
  // A step that fails by an old Jacobian is tried again with a new one.
  const failed = and(not(or(accepted, judged)), not(fresh));
  return {
    x,
    size,
    finite: and(finite, defined),
    first,
    gain,
    polished,
    walked,
    isMean,
    judged: or(judged, mends),
    probed,
    model,
    looked,
    anew,
    now,
    then,
    accepted,
    at,
    fresh,
    failed,
  };
}

/**
 * Whether a step by the Hessian has led down where gradients are compared. Where no more equations than unknowns bend, the
 * residual is all along slopes, however small these are.
 */
function leadsDown(gain: NDArray, now: Model, then: Model, turned: NDArray | undefined): NDArray {
  if (turned === undefined) return bool(false);
  const slope = ({ s, c, size }: Model): NDArray => norm(s.mul(c)).mul(size);
  return and(turned, or(gain.greater(0), slope(now).less(slope(then))));
}

/** The radius, from how the gain compares with what the model said; the point to go on from is `extent` long. */
function radiusAfter(
  { first, size, finite, gain, judged, failed }: Trial,
  m: TrustRegionMemory,
  extent: NDArray,
): NDArray {
  const { dtype } = extent;
  const ratio = div(gain, maximum(m.predicted, scalarArray(smallestNormal(dtype), dtype)));
  const trusted = and(finite, ratio.greaterEqual(0.25));
  let radius = select(
    ratio.greater(0.75),
    maximum(m.radius, m.length.mul(2)),
    m.radius,
  );
  radius = select(trusted, radius, m.length.mul(0.25));
  radius = select(or(judged, and(failed, finite)), m.radius, radius);
  return select(first, select(extent.greater(0), extent, size), radius);
}

/**
 * Where a search for a root has come to a minimum that is none: once more from the start, on another way. The point and
 * the memory of the next pass.
 */
function onceMore(
  point: NDArray,
  memory: TrustRegionMemory,
  begin: (from: NDArray) => TrustRegionMemory,
): readonly [NDArray, TrustRegionMemory] {
  const { model: { size }, accepted, status } = memory;
  const attempt = memory.attempt!;
  const least = minimum(attempt.least, size);
  const inFirst = attempt.least.equal(Infinity);
  const stagnated = statusCode("stagnated");
  const again = and(status.equal(stagnated), inFirst);
  const choose = <T>(a: T, b: T): T =>
    treeMap((p: NDArray, q: NDArray) => select(again, p, q), a as never, b as never) as T;
  const afresh: TrustRegionMemory = {
    ...begin(attempt.from),
    jacobians: memory.jacobians,
    attempt: { from: attempt.from, least, probes: bool(false) },
    accepted,
  };
  const record = or(inFirst, size.less(attempt.least));
  const told = {
    ...memory,
    accepted: and(accepted, record),
    status: select(record, status, select(status.equal(0), int(stagnated), status)),
  };
  return [choose(attempt.from, point), choose(afresh, told)];
}

/** How often Newton's step by the Hessian itself is tried where those of Gauss and Newton do not come nearer. */
const mostTurns = 6;
