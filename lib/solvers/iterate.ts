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
 * evaluation, and `Local.scale` holds the size of each leaf. What is claimed of a point is in `reach.ts`.
 *
 * @module
 */
import {
  checkRoom,
  type DType,
  epsilon,
  type NDArray,
  scalarArray,
  shaped,
  treeMap,
} from "../core/mod.ts";
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
import type { Claim, Limits, Outcome, Problem, Seen, Solve, State, Stepper } from "./method.ts";
import { errorOf, norm, normsOf, partNorms, scaleOf, spread, total } from "./norms.ts";
import {
  claimOf,
  isShort,
  kept,
  marched,
  marches,
  noNought,
  noReach,
  unseen,
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
  /** Room for something of each step. */
  const kept = (what: string, of: readonly number[]): NDArray => {
    const shape = [Math.max(1, maxSteps), ...of];
    const advice = "Give a smaller maxSteps, or go on in parts by start() and advance()";
    checkRoom(method.description, shaped(shape, dtype), `the ${what} of maxSteps`, advice);
    return full(shape, NaN, dtype);
  };
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
    history: history ? kept("history", []) : null,
    trajectory: limits.trajectory ? kept("trajectory", [x0.size]) : null,
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

/** One pass of the loop: what is seen, what is claimed of it, how that ends, and what follows. */
function passOf<S>(problem: Problem, method: Stepper<S>, limits: Limits, transforms: Transforms) {
  // Where steps are differentiated by `replay`, what a method makes of them is held.
  const held = limits.through !== undefined && method.replay !== undefined;
  const solve: Solve<S> = { problem, method, limits, transforms, held };
  return (c: State): State => {
    const seen = seenAt(solve, c);
    const { x, r, steps, first, scale, reach, merit, weighed, local } = seen;
    const made = method.step(x, r, c.memory as S, local);
    const [next, stepped] = held ? treeMap(stopGradient, made as never) as typeof made : made;
    const claim = claimOf(solve, c, seen, stepped);
    const { at, size, met, looks } = claim;
    const better = isBetter(solve, c, seen, claim, stepped);
    const stale = select(better, code(0), kept(c, c.stale, c.stale.add(1)));
    // An accelerated step may lead far astray: what is seen there is used, but nearer to the best point.
    const strays = method.goesBack || method.fallback === undefined
      ? not(seen.finite)
      : or(not(seen.finite), weighed.greater(c.merit.mul(wild)));
    const astray = unseen(c, strays);
    const half = scalarArray(0.5, x.dtype);
    // Where a look says neither yes nor no, rounding of other leaves is in the way.
    const nought = claim.nought &&
      { ...claim.nought, isBest: select(better, claim.nought.isBest, c.nought!.isBest) };
    const now: Now = {
      ...seen,
      better,
      best: select(better, at.x, c.best),
      bestR: select(better, at.r, c.bestR),
      slope: select(better, claim.slope, c.slope),
      stale,
      astray,
      nought,
    };
    const open = c.after.equal(0);
    return {
      ...followed(solve, c, now, claim.zero === null ? next : toZero(claim.zero, next), stepped),
      best: now.best,
      bestR: now.bestR,
      merit: select(better, merit, c.merit),
      bestNorm: select(better, size, c.bestNorm),
      slope: now.slope,
      first,
      scale,
      reach: method.status === undefined ? reach : marched(
        reach,
        stopGradient(div(x.sub(c.best), local.scale)),
        and(better, not(seen.isFirst)),
      ),
      steps,
      status: statusOf(solve, c, now, claim),
      stale,
      looks,
      last: kept(c, c.last, weighed),
      share: select(astray, c.share.mul(0.5), select(better, half, c.share)),
      after: select(and(met, open), code(1), select(open, c.after, c.after.add(1))),
      history: c.history === null
        ? null
        : dynamicUpdateSlice(c.history, reshape(size, [1]), [c.steps]),
      trajectory: c.trajectory === null
        ? null
        : dynamicUpdateSlice(c.trajectory, reshape(x, [1, x.size]), [c.steps, code(0)]),
    };
  };
}

/** What is known after it: whether it is the best point so far, and what the best one is now. */
interface Now extends Seen, Pick<State, "best" | "bestR" | "slope" | "stale" | "nought"> {
  readonly better: NDArray;
  /** Whether the step that led there went too far. */
  readonly astray: NDArray;
}

/** The evaluation of a pass, and what it says of sizes: of the residual, of the unknowns, and of the way so far. */
function seenAt<S>({ problem, limits, transforms }: Solve<S>, c: State): Seen {
  const { sizes, displacement, part } = problem;
  const { x } = c;
  const { dtype } = x;
  const evaluated = problem.evaluate(x, c.steps);
  // Infinity is no point, whatever a function gives there. Of no unknowns the largest is -Infinity.
  const r = select(
    reduceMax(abs(stopGradient(x)), [0]).less(Infinity),
    evaluated.r,
    scalarArray(NaN, dtype),
  );
  const steps = c.steps.add(1);
  const all = normsOf(problem, x, r);
  const own = part === undefined ? all : partNorms(part, x, r);
  const isFirst = eq(c.steps, code(0));
  // What small means is said by the value, and where that goes to 0, by the first evaluation.
  const begun = displacement ? minimum(own.r, own.f) : own.r;
  const first = select(isFirst, begun, c.first);
  const scale = limits.warm === undefined
    ? select(isFirst, scaleOf(all.x, displacement ? all.r : null), c.scale)
    : c.scale;
  // In units of the leaves, so that none outweighs the others.
  const units = part === undefined ? scale : scaleOf(first, null);
  const weighed = displacement && own.r.size > 1 ? total(div(own.r, units)) : total(own.r);
  const merit = evaluated.cost ?? weighed;
  const finite = and(isFinite(total(all.r)), isFinite(merit));
  // A trial that is no better says nothing of how far the unknowns have been.
  const been = displacement
    ? maximum(all.x, select(isFirst, all.r, zerosLike(all.r)))
    : select(or(isFirst, merit.less(c.merit)), all.x, zerosLike(all.x));
  const reach = widened(c.reach, stopGradient(been), isFirst);
  const local = localAt(problem, x, {
    cost: evaluated.cost,
    scale: spread(scale, sizes),
    steps,
    transforms,
    marches: marches(c.reach),
    reached: reach.far,
    since: { step: x.sub(c.best), change: r.sub(c.bestR) },
    isShort: (step: NDArray): NDArray => isShort(reach, step, sizes, limits.rtol),
  });
  const rounding = maximum(all.x, displacement ? all.f : all.x).mul(epsilon(dtype));
  return {
    x,
    r,
    steps,
    isFirst,
    all,
    own,
    first,
    scale,
    reach,
    weighed,
    merit,
    finite,
    rounding,
    local,
  };
}

/** Whether it is the best point so far. A look at 0 is where it found a solution. */
function isBetter<S>(
  { method }: Solve<S>,
  c: State,
  { x, r, merit, finite, local }: Seen,
  { own, met, isNone }: Claim,
  stepped: S,
): NDArray {
  const open = c.after.equal(0);
  const less = merit.less(c.merit);
  // What has met the criterion gives way to a better point only that meets it, in each leaf.
  const accepted = method.accepts?.(x, r, stepped, local) ??
    (own === undefined ? or(and(met, or(open, less)), and(open, less)) : less);
  if (method.mean !== undefined) return finite;
  const better = unseen(c, and(accepted, finite));
  return c.nought === null ? better : or(better, isNone);
}

/** The next point, or one with leaves at 0 that is a root, as a look has said. */
function toZero({ isRoot, x }: NonNullable<Claim["zero"]>, next: NDArray): NDArray {
  return select(isRoot, x, next);
}

/** The status after it, -1 where it goes on. */
function statusOf<S>(
  { problem, method, limits }: Solve<S>,
  c: State,
  { steps, weighed, finite, better, slope, stale, nought }: Now,
  { norms, aimed, own, met, isNone }: Claim,
): NDArray {
  const { goesBack = false, patience: most = Math.max(hopeless, limits.maxSteps / 2) } = method;
  const spent = steps.greaterEqual(limits.maxSteps);
  let status = select(spent, code(statusCode("maxSteps")), code(-1));
  const stuck = stale.greaterEqual(most);
  status = select(
    limits.minSteps === undefined ? stuck : and(stuck, not(steps.less(limits.minSteps))),
    code(statusCode("stagnated")),
    status,
  );
  if (own === undefined) {
    const far = and(weighed.mul(epsilon(weighed.dtype)).greater(c.merit), stale.greater(calm));
    status = select(far, code(statusCode("diverged")), status);
    let ends = met;
    if (limits.aim !== undefined) {
      const by = and(slope.greaterEqual(0), slope.mul(norms).lessEqual(aimed.mul(limits.aim)));
      const near = reduceAnd(or(norms.equal(0), by), [0]);
      const { displacement } = problem;
      const last = or(c.after.greaterEqual(displacement ? further : furtherToRoots), spent);
      // Not each step of a secant method comes nearer.
      const ended = displacement ? or(or(near, last), not(better)) : or(and(near, better), last);
      ends = select(c.after.equal(0), and(met, or(near, last)), ended);
    }
    if (nought !== null) {
      ends = or(ends, or(isNone, and(nought.isBest, stale.greaterEqual(patience))));
    }
    status = select(ends, code(statusCode("converged")), status);
  } else status = select(own.greaterEqual(0), own, status);
  const never = and(c.merit.equal(Infinity), steps.greaterEqual(method.seeks ?? 1));
  const lost = or(never, c.share.less(2 ** -(goesBack ? 60 : 12)));
  return select(and(not(finite), lost), code(statusCode("nonfinite")), status);
}

/** Where it goes from there, with what memory: the method's own step, unless that leads astray or makes no progress. */
function followed<S>(
  { problem, method, transforms, held }: Solve<S>,
  c: State,
  { x, r, all, finite, weighed, local, better, best, bestR, stale, astray, nought }: Now,
  moved: NDArray,
  stepped: S,
): Pick<State, "x" | "memory" | "burst" | "due" | "length" | "nought"> {
  let [next, memory] = [moved, stepped as unknown];
  const fresh = method.init(x, { m: problem.m, transforms });
  const choose = (which: NDArray, a: unknown, b: unknown): unknown =>
    treeMap((p: NDArray, q: NDArray) => select(which, p, q), a as never, b as never);
  if (!method.goesBack) {
    const whole = isFinite(total(all.x));
    const step = problem.displacement ? bestR : zerosLike(x);
    const back = best.add(select(whole, x.sub(best), step).mul(c.share));
    next = select(astray, back, next);
    const rest = choose(c.nought === null ? whole : or(whole, c.nought.looking), c.memory, fresh);
    memory = choose(unseen(c, finite), memory, rest);
  }
  if (held) {
    const there = localAt(problem, best, local);
    next = next.add(answerOf(best, method.replay!(best, bestR, stepped, there)));
  }
  let { burst, due, length } = c;
  if (method.fallback !== undefined) {
    const inBurst = burst.greater(0);
    const grew = or(weighed.greater(c.last), not(finite));
    burst = select(grew, code(0), maximum(burst.sub(1), code(0)));
    length = select(and(inBurst, not(or(grew, burst.greater(0)))), length.mul(2), length);
    const begins = and(not(inBurst), stale.greaterEqual(c.due));
    due = select(begins, stale.mul(2).add(length).add(patience), c.due);
    due = select(better, code(patience), due);
    burst = select(begins, length, burst);
    const plain = method.fallback(select(begins, best, x), select(begins, bestR, r));
    next = select(burst.greater(0), plain, next);
    memory = choose(unseen(c, or(inBurst, begins)), fresh, memory);
  }
  if (nought === null) return { x: next, memory, burst, due, length, nought };
  // After a look at 0 all is as before it.
  if (method.goesBack) memory = choose(c.nought!.looking, c.memory, memory);
  next = kept(c, c.nought!.next, next);
  return {
    x: select(nought.looking, withNoughts(x, nought.leaves, problem.sizes), next),
    memory,
    burst: kept(c, c.burst, burst),
    due: kept(c, c.due, due),
    length: kept(c, c.length, length),
    nought: { ...nought, next },
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
const furtherToRoots = 4;

/** Evaluations without a better point before a residual that has grown by 1 / epsilon is divergence. */
const calm = 10;
