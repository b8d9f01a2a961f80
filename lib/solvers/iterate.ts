/**
 * The one loop of all families. A method (`method.ts`) says how to begin and how to go from a point and
 * its residual to the next point; a `Problem` says what is evaluated. The loop evaluates, tests, goes back
 * from points where nothing is defined, notices where nothing improves, remembers the best point, counts,
 * and says how it ended.
 *
 * To plug a family in: lay the unknowns out as a vector (`norms.ts`), make a `Problem`, call `iterate`
 * inside the solver of `customRoot`, and make a `Solution` of the outcome (`solution.ts`). To be
 * solved in parts (`run.ts`) the family has the option `leg`, hands it on in the limits, and tells it the
 * state behind `customRoot`.
 *
 * Each pass evaluates the problem once, at the point that the next test and the result are about: so a
 * reported norm belongs to the reported value, and the user's function stands in the compiled program
 * only once. A method that rejects trial points keeps the accepted one in its memory, and gives the next
 * trial as the next point.
 *
 * Units do not matter: norms are compared leaf by leaf with those of the value and of the first
 * evaluation, and `Local.scale` holds the size of each leaf.
 *
 * @module
 */
import { type DType, epsilon, type NDArray, scalarArray, treeMap } from "../core/mod.ts";
import {
  abs,
  and,
  div,
  dynamicUpdateSlice,
  eq,
  full,
  isFinite,
  maximum,
  minimum,
  not,
  or,
  reduceAnd,
  reduceMax,
  reshape,
  select,
  stopGradient,
  zerosLike,
} from "../primitives/mod.ts";
import type { Tree } from "../transforms/tree_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { answerOf, checkMemory, localAt } from "./options.ts";
import type { Limits, Outcome, Problem, State, Stepper } from "./method.ts";
import {
  errorOf,
  leafNorms,
  norm,
  normsOf,
  partNorms,
  scaleOf,
  slopeOf,
  small,
  spread,
  total,
} from "./norms.ts";
import {
  comesNear,
  isNear,
  isNought,
  isShort,
  marched,
  marches,
  mayVanish,
  noNought,
  noReach,
  outgrown,
  standsAlone,
  widened,
  withNoughts,
} from "./reach.ts";
import { statusCode } from "./solution.ts";

const code = (s: number): NDArray => scalarArray(s, "int32");

/**
 * 1, or NaN for an outcome without any finite residual: nothing is known of its point then, and a value
 * times this says so, in derivatives too, which are NaN or times NaN. Of the dtype of what it multiplies.
 */
export function factorOf(
  { status, residualNorm }: Pick<Outcome, "status" | "residualNorm">,
  dtype: DType,
): NDArray {
  const never = and(status.equal(statusCode("nonfinite")), not(isFinite(residualNorm)));
  return select(never, scalarArray(NaN, dtype), scalarArray(1, dtype));
}

function begin<S>(
  problem: Problem,
  x0: NDArray,
  method: Stepper<S>,
  limits: Limits,
  t: Transforms,
): State {
  const { maxSteps, history, warm } = limits;
  const { dtype } = x0;
  const infinity = scalarArray(Infinity, dtype);
  const leaves = problem.sizes.length;
  const compared = problem.part?.sizes.length ?? leaves;
  const cold = method.init(x0, { m: problem.m, transforms: t });
  if (warm !== undefined) checkMemory(method.description, warm.memory, cold);
  return {
    x: x0,
    memory: warm === undefined
      ? cold
      : method.resume === undefined
      ? warm.memory
      : method.resume(warm.memory as S, x0),
    best: x0,
    bestR: full([problem.m], 0, dtype),
    merit: infinity,
    bestNorm: infinity,
    slope: scalarArray(-1, dtype),
    first: full([problem.displacement ? compared : 1], 0, dtype),
    scale: warm?.scale ?? full([leaves], 1, dtype),
    reach: noReach(x0, leaves),
    steps: code(0),
    status: code(maxSteps < 1 ? statusCode("maxSteps") : -1),
    stale: code(0),
    due: code(patience),
    looks: method.status === undefined && !(problem.displacement || problem.hasCost)
      ? code(0)
      : null,
    nought: asksNought(problem, method) ? noNought(x0, leaves) : null,
    burst: code(0),
    length: code(burstLength),
    last: infinity,
    after: code(0),
    share: scalarArray(0.5, dtype),
    history: history ? full([Math.max(1, maxSteps)], NaN, dtype) : null,
    trajectory: limits.trajectory ? full([Math.max(1, maxSteps), x0.size], NaN, dtype) : null,
  };
}

/** Runs a method on a problem from a point [n]. */
export function iterate<S>(
  problem: Problem,
  x0: NDArray,
  method: Stepper<S>,
  limits: Limits,
  transforms: Transforms,
): Outcome {
  const { leg } = limits;
  const start = leg?.from as State | null | undefined ??
    begin(problem, x0, method, limits, transforms);
  if (leg?.pause === 0) return outcomeOf(start, problem, method);
  const pass = passOf(problem, method, limits, transforms);
  const goesOn = ({ status, steps }: State): NDArray => {
    const open = status.equal(-1);
    return leg === undefined ? open : and(open, steps.sub(start.steps).less(leg.pause));
  };
  const end = transforms.whileLoop(
    (c) => goesOn(c as unknown as State),
    (c) => pass(c as unknown as State) as unknown as Tree,
    start as unknown as Tree,
    limits.through && { maxSteps: limits.maxSteps, ...limits.through },
  ) as unknown as State;
  return outcomeOf(end, problem, method);
}

/** Whether a claim rests on what the loop sees of a displacement alone, leaf by leaf. */
function asksNought<S>({ displacement, part }: Problem, { status, mean }: Stepper<S>): boolean {
  return displacement && part === undefined && status === undefined && mean === undefined;
}

/** One pass of the loop. */
function passOf<S>(problem: Problem, method: Stepper<S>, limits: Limits, transforms: Transforms) {
  const { sizes, displacement } = problem;
  const { goesBack = false, fallback, patience: most = Math.max(hopeless, limits.maxSteps / 2) } =
    method;
  return (c: State): State => {
    const { x } = c;
    const { dtype } = x;
    const number = (value: number): NDArray => scalarArray(value, dtype);
    const evaluated = problem.evaluate(x, c.steps);
    const { cost } = evaluated;
    // Infinity is no point, whatever a function gives there. Of no unknowns the largest is -Infinity.
    const r = select(reduceMax(abs(stopGradient(x)), [0]).less(Infinity), evaluated.r, number(NaN));
    const steps = c.steps.add(1);
    const all = normsOf(problem, x, r);
    const { x: ownX, r: ownR, f: fNorms } = problem.part === undefined
      ? all
      : partNorms(problem.part, x, r);
    const isFirst = eq(c.steps, code(0));
    // What small means is said by the value, and where that goes to 0, by the first evaluation.
    const begun = displacement ? minimum(ownR, fNorms) : ownR;
    const first = select(isFirst, begun, c.first);
    const scale = limits.warm === undefined
      ? select(isFirst, scaleOf(all.x, displacement ? all.r : null), c.scale)
      : c.scale;
    // In units of the leaves, so that none outweighs the others.
    const units = problem.part === undefined ? scale : scaleOf(first, null);
    const weighed = displacement && ownR.size > 1 ? total(div(ownR, units)) : total(ownR);
    const merit = cost ?? weighed;
    const finite = and(isFinite(total(all.r)), isFinite(merit));
    // A trial that is no better says nothing of how far the unknowns have been.
    const been = displacement
      ? maximum(all.x, select(isFirst, all.r, zerosLike(all.r)))
      : select(or(isFirst, merit.less(c.merit)), all.x, zerosLike(all.x));
    const reach = widened(c.reach, stopGradient(been), isFirst);
    const known = {
      cost,
      scale: spread(scale, sizes),
      steps,
      transforms,
      marches: marches(c.reach),
      reached: reach.far,
      since: { step: x.sub(c.best), change: r.sub(c.bestR) },
      isShort: (step: NDArray): NDArray => isShort(reach, step, sizes, limits.rtol),
    };
    const local = localAt(problem, x, known);
    // Where steps are differentiated by `replay`, what a method makes of them is held.
    const held = limits.through !== undefined && method.replay !== undefined;
    const made = method.step(x, r, c.memory as S, local);
    const [moved, stepped] = held ? treeMap(stopGradient, made as never) as typeof made : made;

    // What is tested, and would be the result.
    const mean = method.mean?.(stepped);
    const seen = mean ?? { x, r };
    const [xNorms, rNorms] = mean === undefined
      ? [ownX, ownR]
      : [leafNorms(mean.x, sizes), leafNorms(mean.r, sizes)];
    const size = total(rNorms);
    const soon = limits.minSteps === undefined ? null : steps.less(limits.minSteps);
    const claimed = method.status?.(x, r, stepped, local);
    const own = soon === null || claimed === undefined
      ? claimed
      : select(and(soon, claimed.equal(statusCode("converged"))), code(-1), claimed);
    const byFirst = displacement ? maximum(xNorms, first) : first;
    const beside = c.nought === null ? byFirst : xNorms;
    const even = (v: NDArray): NDArray =>
      stopGradient(displacement && sizes.length > 1 ? div(v, known.scale) : v);
    const [step, change] = [even(seen.x.sub(c.best)), even(seen.r.sub(c.bestR))];
    const leaves = small(rNorms, beside, limits);
    let isSmall = reduceAnd(leaves, [0]);
    // What of a displacement is rounding, and so what says nothing of its slope.
    const rounding = maximum(all.x, displacement ? all.f : all.x).mul(epsilon(dtype));
    const slopeTo = slopeOf(
      c,
      step,
      change,
      total(displacement && sizes.length > 1 ? div(rounding, scale) : rounding),
      known.isShort(seen.x.sub(c.best)),
    );
    const enough = reduceAnd(rNorms.lessEqual(limits.atol), [0]);
    const sure = limits.atol === 0 ? isFirst : or(isFirst, enough);
    let { looks, nought } = c;
    // What is seen in a look is for the look alone.
    const looking = nought?.looking;
    const unseen = (v: NDArray): NDArray => looking === undefined ? v : and(v, not(looking));
    const kept = (was: NDArray, is: NDArray): NDArray =>
      looking === undefined ? is : select(looking, was, is);
    let isNone = sure;
    if (nought !== null) {
      const left = slopeTo.mul(maximum(rNorms, rounding));
      const stays = not(outgrown(c.first, c.scale, xNorms, rNorms, rounding));
      const near = and(isNear(reach, left, limits.rtol), and(weighed.lessEqual(c.merit), stays));
      isNone = isNought(nought, rNorms, leaves);
      const may = and(small(rNorms, byFirst, limits), mayVanish(xNorms, first, limits.rtol));
      const all = and(near, reduceAnd(or(leaves, may), [0]));
      const asked = soon === null ? all : and(all, not(soon));
      const news = and(weighed.less(nought.merit.mul(0.0625)), c.after.equal(0));
      isSmall = and(unseen(isSmall), or(sure, near));
      const looks = unseen(and(and(asked, news), not(isSmall)));
      nought = {
        looking: looks,
        leaves: kept(nought.leaves, not(leaves)),
        residual: kept(nought.residual, rNorms),
        next: nought.next,
        merit: select(looks, weighed, nought.merit),
        isBest: asked,
      };
    } else if (own === undefined && !(displacement || problem.hasCost)) {
      const near = comesNear(reach, step, { size, change }, sizes, limits.rtol);
      const asked = and(and(isSmall, near), not(or(sure, known.isShort(step))));
      const alone = standsAlone(problem.evaluate, x, step, size, asked, transforms);
      looks = c.looks!.add(asked.astype("int32"));
      isSmall = and(isSmall, or(sure, and(near, or(not(asked), alone))));
    }
    const met = soon === null ? isSmall : and(isSmall, not(soon));
    const open = c.after.equal(0);
    const less = merit.less(c.merit);
    // What has met the criterion gives way to a better point only that meets it, in each leaf.
    const accepted = method.accepts?.(x, r, stepped, local) ??
      (own === undefined ? or(and(met, or(open, less)), and(open, less)) : less);
    const better = mean === undefined ? unseen(and(accepted, finite)) : finite;
    const slope = select(better, slopeTo, c.slope);
    const best = select(better, seen.x, c.best);
    const bestR = select(better, seen.r, c.bestR);
    const stale = select(better, code(0), kept(c.stale, c.stale.add(1)));
    // An accelerated step may lead far astray: what is seen there is used, but nearer to the best point.
    const strays = goesBack || fallback === undefined
      ? not(finite)
      : or(not(finite), weighed.greater(c.merit.mul(wild)));
    const astray = unseen(strays);
    const share = select(
      astray,
      c.share.mul(0.5),
      select(better, number(0.5), c.share),
    );

    const spent = steps.greaterEqual(limits.maxSteps);
    let status = select(spent, code(statusCode("maxSteps")), code(-1));
    const stuck = stale.greaterEqual(most);
    status = select(
      soon === null ? stuck : and(stuck, not(soon)),
      code(statusCode("stagnated")),
      status,
    );
    if (own === undefined) {
      const far = and(weighed.mul(epsilon(dtype)).greater(c.merit), stale.greater(calm));
      status = select(far, code(statusCode("diverged")), status);
      let ends = met;
      if (limits.aim !== undefined) {
        const by = and(
          slope.greaterEqual(0),
          slope.mul(rNorms).lessEqual(beside.mul(limits.aim)),
        );
        const near = reduceAnd(or(rNorms.equal(0), by), [0]);
        const last = or(c.after.greaterEqual(further), spent);
        ends = select(open, and(met, or(near, last)), or(or(near, last), not(better)));
      }
      if (nought !== null) {
        // Where a look says neither yes nor no, rounding of other leaves is in the way.
        const isBest = select(better, nought.isBest, c.nought!.isBest);
        nought = { ...nought, isBest };
        ends = or(ends, or(isNone, and(isBest, stale.greaterEqual(patience))));
      }
      status = select(ends, code(statusCode("converged")), status);
    } else status = select(own.greaterEqual(0), own, status);
    const never = and(c.merit.equal(Infinity), steps.greaterEqual(method.seeks ?? 1));
    const lost = or(never, c.share.less(2 ** -(goesBack ? 60 : 12)));
    status = select(and(not(finite), lost), code(statusCode("nonfinite")), status);

    let [next, memory] = [moved, stepped as unknown];
    const fresh = method.init(x, { m: problem.m, transforms });
    const choose = (which: NDArray, a: unknown, b: unknown): unknown =>
      treeMap((p: NDArray, q: NDArray) => select(which, p, q), a as never, b as never);
    if (!goesBack) {
      const whole = isFinite(total(all.x));
      const step = displacement ? bestR : zerosLike(x);
      const back = best.add(select(whole, x.sub(best), step).mul(c.share));
      next = select(astray, back, next);
      const rest = choose(looking === undefined ? whole : or(whole, looking), c.memory, fresh);
      memory = choose(unseen(finite), memory, rest);
    }
    if (held) {
      const there = localAt(problem, best, known);
      next = next.add(answerOf(best, method.replay!(best, bestR, stepped, there)));
    }
    let { burst, due, length } = c;
    if (fallback !== undefined) {
      const inBurst = burst.greater(0);
      const grew = or(weighed.greater(c.last), not(finite));
      burst = select(grew, code(0), maximum(burst.sub(1), code(0)));
      length = select(and(inBurst, not(or(grew, burst.greater(0)))), length.mul(2), length);
      const begins = and(not(inBurst), stale.greaterEqual(c.due));
      due = select(begins, stale.mul(2).add(length).add(patience), c.due);
      due = select(better, code(patience), due);
      burst = select(begins, length, burst);
      const plain = fallback(select(begins, best, x), select(begins, bestR, r));
      next = select(burst.greater(0), plain, next);
      memory = choose(unseen(or(inBurst, begins)), fresh, memory);
    }
    if (nought !== null) {
      [burst, due, length] = [kept(c.burst, burst), kept(c.due, due), kept(c.length, length)];
      if (goesBack) memory = choose(looking!, c.memory, memory);
      next = kept(c.nought!.next, next);
      nought = { ...nought, next };
      next = select(nought.looking, withNoughts(x, nought.leaves, sizes), next);
    }
    return {
      x: next,
      memory,
      best,
      bestR,
      merit: select(better, merit, c.merit),
      bestNorm: select(better, size, c.bestNorm),
      slope,
      first,
      scale,
      reach: claimed === undefined
        ? reach
        : marched(reach, stopGradient(div(x.sub(c.best), known.scale)), and(better, not(isFirst))),
      steps,
      status,
      stale,
      due,
      looks,
      nought,
      burst,
      length,
      last: kept(c.last, weighed),
      after: select(and(met, open), code(1), select(open, c.after, c.after.add(1))),
      share,
      history: c.history === null
        ? null
        : dynamicUpdateSlice(c.history, reshape(size, [1]), [c.steps]),
      trajectory: c.trajectory === null
        ? null
        : dynamicUpdateSlice(c.trajectory, reshape(x, [1, x.size]), [c.steps, code(0)]),
    };
  };
}

/** What the loop's last state says. */
function outcomeOf<S>(end: State, problem: Problem, method: Stepper<S>): Outcome {
  const { steps, bestNorm } = end;
  const own = method.counts?.(end.memory as S) ?? {};
  const looks = end.looks === null ? steps : steps.add(end.looks);
  const valueNorm = norm(stopGradient(problem.part?.of(end.best) ?? end.best));
  return {
    x: end.best,
    residualNorm: bestNorm,
    valueNorm,
    cost: problem.hasCost ? end.merit : null,
    errorEstimate: method.mean === undefined
      ? errorOf(end.slope, bestNorm, valueNorm, problem.displacement)
      : bestNorm,
    status: select(end.status.equal(-1), code(statusCode("paused")), end.status),
    steps,
    counts: {
      f: own.f === undefined ? looks : looks.add(own.f),
      jacobian: own.jacobian ?? code(0),
      products: own.products ?? code(0),
    },
    history: end.history,
    trajectory: end.trajectory,
    state: end,
  };
}

/** Evaluations without a better point after which the fallback has its turn, and for how long. */
const patience = 12;
const burstLength = 10;

/** Growth of the residual, from that of the best point, at which an accelerated method goes back halfway. */
const wild = 10;

/** Evaluations without a better point after which a solve has stagnated. */
const hopeless = 100;

/** Steps beyond the first point that meets the criterion, for the aim. */
const further = 2;

/** Evaluations without a better point before a residual that has grown by 1 / epsilon is divergence. */
const calm = 10;
