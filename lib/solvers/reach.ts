/**
 * What the loop claims of a point (`claimOf`), and what every claim has to stand beside: how far the points have been. A residual may become small since
 * the unknowns grow, or since they run to where it vanishes at infinity, and then what is left to go is no small
 * share of the way: a unit step at 20 for `exp`, half the way for `1 / x`.
 *
 * Where numbers end, even that is not seen, since residuals and slopes are 0 there. What tells such points from
 * solutions is that steps did not get shorter on the way (a march), and that the derivative at the end does not explain
 * what the last step has changed: for `exp` a unit step changes 1.7 times as much, at a solution just as much.
 *
 * @module
 */
import { type DType, epsilon, type NDArray, scalarArray, smallestNormal } from "../core/mod.ts";
import {
  and,
  div,
  full,
  isFinite,
  maximum,
  not,
  or,
  reduceAnd,
  reduceMax,
  reshape,
  select,
  stopGradient,
  zerosLike,
} from "../primitives/mod.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Claim, Evaluation, Limits, Nought, Reach, Seen, Solve, State } from "./method.ts";
import { dot, leafNorms, norm, slopeOf, small, spread, total } from "./norms.ts";
import { statusCode } from "./solution.ts";

/** Before the first evaluation. */
export function noReach(x: NDArray, leaves: number): Reach {
  const { dtype } = x;
  return {
    far: full([leaves], 0, dtype),
    blank: full([leaves], 0, "bool"),
    march: scalarArray(0, "int32"),
    last: zerosLike(x),
  };
}

/** With a point of which the leaves have the norms `sizes`; of the first one, those and the first step. */
export function widened(reach: Reach, sizes: NDArray, isFirst: NDArray): Reach {
  const known = select(isFinite(sizes), sizes, reach.far);
  return {
    ...reach,
    far: maximum(reach.far, known),
    blank: select(isFirst, known.equal(0), reach.blank),
  };
}

/** With a step [n] to a better point, in units of the leaves. */
export function marched(reach: Reach, step: NDArray, better: NDArray): Reach {
  const [now, before] = [norm(step), norm(reach.last)];
  const moves = and(better, now.greater(0));
  const onwards = and(
    now.greaterEqual(before.mul(hardlyShorter)),
    dot(div(step, now), div(reach.last, before)).greater(0),
  );
  const count = select(onwards, reach.march.add(1), scalarArray(0, "int32"));
  return {
    ...reach,
    march: select(moves, count, reach.march),
    last: select(moves, step, reach.last),
  };
}

/** Whether steps hardly get shorter: a bool. */
export function marches({ march }: Reach): NDArray {
  return march.greaterEqual(manySteps);
}

/** Whether what is left to go, by leaf, is short beside how far the leaf has been; one that began at 0, any leaf. */
export function isNear({ far, blank }: Reach, left: NDArray, rtol: number): NDArray {
  const own = far.size === 1
    ? far
    : select(blank, full(far.shape, 1, far.dtype).mul(reduceMax(far, [0])), far);
  return reduceAnd(left.lessEqual(own.mul(nearness(rtol, far.dtype))), [0]);
}

/** The same of a step [n]. */
export function isShort(
  reach: Reach,
  step: NDArray,
  sizes: readonly number[],
  rtol: number,
): NDArray {
  const left = leafNorms(stopGradient(step), sizes);
  // After a march much less may be left, since all its steps are hardly longer.
  return isNear(reach, select(marches(reach), left.mul(2 * manySteps), left), rtol);
}

/**
 * What is left to go, by leaf, if steps like the last one [n] go on to change the residual as that did. Of a residual of
 * the norm `size`, and its `change` [m] by that step.
 */
export function leftBy(
  step: NDArray,
  { size, change }: { readonly size: NDArray; readonly change: NDArray },
  sizes: readonly number[],
): NDArray {
  const least = maximum(size, scalarArray(smallestNormal(size.dtype), size.dtype));
  return leafNorms(step, sizes).mul(div(least, norm(change)));
}

/**
 * Whether the residual, of the norm `size`, at a point `x` [n] is that of a root: not where steps lead to where it dies
 * out at infinity, nor where it is small beside the first one alone, since the start was far away. What is `left` to go
 * has to be short beside how far each leaf has been and beside the leaf itself. A leaf may be 0 at the root: a look there
 * says so, and that point is the root then. After a long `step` [n] a look back says whether residuals are much larger a
 * little before. Gives how many looks it made, too: an int32.
 */
export function isRoot(
  evaluate: (x: NDArray) => Pick<Evaluation, "r">,
  x: NDArray,
  { step, left, leaves, size }: Readonly<Record<"step" | "left" | "leaves" | "size", NDArray>>,
  reach: Reach,
  sizes: readonly number[],
  { asked, rtol, transforms }: {
    readonly asked: NDArray;
    readonly rtol: number;
    readonly transforms: Transforms;
  },
): Pick<Claim, "zero"> & Readonly<Record<"isRoot" | "looks", NDArray>> {
  const { dtype } = x;
  const settled = isSettledBy(left, leaves, reach.far, settledShares(rtol, dtype));
  const small = leaves.lessEqual(reach.far.mul(nearness(rtol, dtype)));
  const may = and(asked, and(isNear(reach, left, rtol), reduceAnd(or(settled, small), [0])));
  const gone = size.equal(0);
  const atZero = and(may, not(or(gone, reduceAnd(settled, [0]))));
  const goesBack = and(may, not(isShort(reach, step, sizes, rtol)));
  const before = stopGradient(x.sub(step.mul(little)));
  const zero = withNoughts(x, not(settled), sizes);
  const least = scalarArray(smallestNormal(dtype) / epsilon(dtype), dtype);
  const none = scalarArray(0, "bool");
  const seen = transforms.whileLoop(
    ({ atZero, goesBack }) => or(atZero, goesBack),
    ({ atZero, goesBack, isRoot, looks }) => {
      const there = norm(stopGradient(evaluate(select(atZero, stopGradient(zero), before)).r));
      const vanishes = there.lessEqual(size.mul(epsilon(dtype) ** 2));
      const alone = there.greater(maximum(size.mul(muchLarger), least));
      const is = and(isRoot, select(atZero, vanishes, alone));
      return {
        atZero: none,
        goesBack: and(and(goesBack, atZero), is),
        isRoot: is,
        looks: looks.add(1),
      };
    },
    { atZero, goesBack, isRoot: may, looks: scalarArray(0, "int32") },
  );
  const isThere = and(seen.isRoot, atZero);
  return {
    isRoot: and(seen.isRoot, not(atZero)),
    looks: seen.looks,
    zero: { isRoot: isThere, x: zero },
  };
}

/** The share of a step by which before its end is a little. */
export const little: number = /* @__PURE__ */ Math.pow(2, -10);

/** By what residuals are larger there, at simple and double roots; an exponential of the smallest number is twice. */
const muchLarger = 16;

/**
 * Whether a leaf has only grown, so that its residual is small beside it, as large as the first one or hidden by
 * rounding: by norms [leaves], of which `first` is that of the first residual and `scale` the size at the beginning.
 */
export function outgrown(
  first: NDArray,
  scale: NDArray,
  x: NDArray,
  r: NDArray,
  rounding: NDArray,
): NDArray {
  const stays = and(r.greater(first.mul(0.1)), r.greater(rounding));
  const hides = and(rounding.greater(first), rounding.greater(scale));
  const grown = and(x.greater(scale.mul(growth)), first.greater(0));
  return and(grown, or(stays, hides)).any();
}

/** Before the first evaluation. */
export function noNought(x: NDArray, leaves: number): Nought {
  const never = scalarArray(0, "bool");
  return {
    looking: never,
    leaves: full([leaves], 0, "bool"),
    residual: full([leaves], 0, x.dtype),
    next: x,
    merit: scalarArray(Infinity, x.dtype),
    isBest: never,
  };
}

/**
 * Where what is left is nothing beside all that was gained, which from a start that is far away is much: whether steps
 * are short enough all the same, unknown by unknown or leaf by leaf: a `share` of what they are made from, or both are
 * `gone` to 0 beside how far that has been, and the step is `most` times that at most.
 */
export function isSettledBy(
  step: NDArray,
  x: NDArray,
  reached: NDArray,
  { share, gone, most }: Shares,
): NDArray {
  const none = maximum(step, x).lessEqual(reached.mul(gone));
  const both = most === undefined ? none : and(none, step.lessEqual(x.mul(most)));
  return or(both, step.lessEqual(x.mul(share)));
}

/** What a step is short beside. */
export interface Shares {
  readonly share: number;
  readonly gone: number;
  readonly most?: number | undefined;
}

/** The shares that go with a tolerance. To a root of order four steps are no shorter at the precision of the gain. */
export function settledShares(rtol: number, dtype: DType): Shares {
  return { share: Math.sqrt(rtol), gone: epsilon(dtype), most: 2 };
}

/** Which leaves of norms `x` are so small beside the first evaluation that they may be 0 at the solution. */
export function mayVanish(x: NDArray, first: NDArray, rtol: number): NDArray {
  return x.lessEqual(first.mul(Math.sqrt(rtol)));
}

/**
 * Whether a look says that leaves are 0 at the solution: their residuals there are 0, or nothing beside those at the
 * point before, as of a solution that is nothing beside that point.
 */
export function isNought(look: Nought, r: NDArray, own: NDArray): NDArray {
  const vanishes = r.lessEqual(look.residual.mul(epsilon(r.dtype) ** 2));
  return and(look.looking, reduceAnd(select(look.leaves, vanishes, own), [0]));
}

/** A point [n] with the leaves of a look at 0. It moves as the point does, and so do derivatives through steps. */
export function withNoughts(x: NDArray, leaves: NDArray, sizes: readonly number[]): NDArray {
  const zero = sizes.length === 1 ? reshape(leaves, []) : spread(leaves, sizes);
  return select(zero, x.sub(stopGradient(x)), x);
}

/** What is so and not seen in a look at 0: that is for the look alone. */
export function unseen({ nought }: State, v: NDArray): NDArray {
  return nought === null ? v : and(v, not(nought.looking));
}

/** What becomes of something, except in a look. */
export function kept({ nought }: State, was: NDArray, is: NDArray): NDArray {
  return nought === null ? is : select(nought.looking, was, is);
}

/** What is claimed of a point that was seen, from which the method went on with the memory `stepped`. */
export function claimOf<S>(solve: Solve<S>, c: State, seen: Seen, stepped: S): Claim {
  const { problem: { sizes, displacement }, method, limits } = solve;
  const { x, r, steps, isFirst, first, scale, rounding, local } = seen;
  const mean = method.mean?.(stepped);
  const at = mean ?? { x, r };
  const [xNorms, norms] = mean === undefined
    ? [seen.own.x, seen.own.r]
    : [leafNorms(mean.x, sizes), leafNorms(mean.r, sizes)];
  const size = total(norms);
  const soon = limits.minSteps === undefined ? null : steps.less(limits.minSteps);
  const claimed = method.status?.(x, r, stepped, local);
  const own = soon === null || claimed === undefined
    ? claimed
    : select(and(soon, claimed.equal(statusCode("converged"))), scalarArray(-1, "int32"), claimed);
  const many = displacement && sizes.length > 1;
  const even = (v: NDArray): NDArray => stopGradient(many ? div(v, local.scale) : v);
  const since = { step: even(at.x.sub(c.best)), change: even(at.r.sub(c.bestR)), size };
  const slope = slopeOf(
    c,
    since.step,
    since.change,
    total(many ? div(rounding, scale) : rounding),
    local.isShort(at.x.sub(c.best)),
  );
  const enough = reduceAnd(norms.lessEqual(limits.atol), [0]);
  const sure = limits.atol === 0 ? isFirst : or(isFirst, enough);
  const byFirst = displacement ? maximum(xNorms, first) : first;
  const beside = c.nought === null ? byFirst : xNorms;
  const leaves = small(norms, beside, limits);
  const asked = { soon, sure, leaves, isSmall: reduceAnd(leaves, [0]) };
  const claim = c.nought !== null
    ? besideNought(limits, c, seen, { ...asked, xNorms, norms, byFirst, slope }, c.nought)
    : c.looks !== null
    ? besideRoot(solve, seen, { ...asked, ...since, xNorms }, c.looks)
    : { met: asked.isSmall, isNone: sure, looks: null, nought: null, zero: null };
  const met = soon === null ? claim.met : and(claim.met, not(soon));
  // Of unknowns that have gone to 0 no more is aimed at.
  const aimed = displacement ? beside : maximum(xNorms, seen.reach.far.mul(epsilon(x.dtype)));
  return { ...claim, aimed, at, size, norms, own, met, slope };
}

/** What the criterion of the loop says of a point. */
interface Asked {
  /** Whether it is too early for a claim, where that is asked. */
  readonly soon: NDArray | null;
  /** Whether a small residual needs nothing beside it: at the start, and within `atol`. */
  readonly sure: NDArray;
  /** Which leaves of the residual are small, and whether all are. */
  readonly leaves: NDArray;
  readonly isSmall: NDArray;
}

type Looked = Pick<Claim, "met" | "isNone" | "looks" | "nought" | "zero">;

/** Of a fixed point: what is left to go has to be short, too, and a leaf that goes to 0 is looked at there. */
function besideNought(
  limits: Limits,
  c: State,
  { first, reach, weighed, rounding }: Seen,
  { soon, sure, leaves, isSmall, xNorms, norms, byFirst, slope }: Asked & {
    readonly xNorms: NDArray;
    readonly norms: NDArray;
    readonly byFirst: NDArray;
    readonly slope: NDArray;
  },
  before: Nought,
): Looked {
  const left = slope.mul(maximum(norms, rounding));
  const stays = not(outgrown(c.first, c.scale, xNorms, norms, rounding));
  const near = and(isNear(reach, left, limits.rtol), and(weighed.lessEqual(c.merit), stays));
  const isNone = isNought(before, norms, leaves);
  const may = and(small(norms, byFirst, limits), mayVanish(xNorms, first, limits.rtol));
  const all = and(near, reduceAnd(or(leaves, may), [0]));
  const isBest = soon === null ? all : and(all, not(soon));
  const news = and(weighed.less(before.merit.mul(aSixteenth)), c.after.equal(0));
  const met = and(unseen(c, isSmall), or(sure, near));
  const looking = unseen(c, and(and(isBest, news), not(met)));
  const nought = {
    looking,
    leaves: kept(c, before.leaves, not(leaves)),
    residual: kept(c, before.residual, norms),
    next: before.next,
    merit: select(looking, weighed, before.merit),
    isBest,
  };
  return { met, isNone, looks: null, nought, zero: null };
}

/** Of a root: what is left to go has to be short beside the unknowns, too, and no long step have led out to infinity. */
function besideRoot<S>(
  { problem, limits, transforms }: Solve<S>,
  { x, reach }: Seen,
  { sure, isSmall, xNorms, step, change, size }: Asked & {
    readonly xNorms: NDArray;
    readonly step: NDArray;
    readonly change: NDArray;
    readonly size: NDArray;
  },
  before: NDArray,
): Looked {
  const left = leftBy(step, { size, change }, problem.sizes);
  const at = { step, left, leaves: xNorms, size };
  const asked = and(isSmall, not(sure));
  const given = { asked, rtol: limits.rtol, transforms };
  const found = isRoot(problem.evaluate, x, at, reach, problem.sizes, given);
  return {
    met: and(isSmall, or(sure, found.isRoot)),
    isNone: sure,
    looks: before.add(found.looks),
    nought: null,
    zero: found.zero,
  };
}

/**
 * The share of the way that may be left. Of a solution of multiplicity m it is the m-th root of the tolerance: those of
 * 3 are let pass, in float64, and what falls as a power of the unknown is not, nor as an exponential before it is 0.
 */
export function nearness(rtol: number, dtype: DType): number {
  const tolerance = Math.max(rtol, epsilon(dtype) ** 0.75);
  return Math.max(tolerance, Math.min(Math.cbrt(tolerance), 1 / 400));
}

/** Steps that hardly get shorter, after which a claim has to explain the last of them. */
const manySteps = 8;

/** What is hardly shorter than 1. Newton's steps to a solution of multiplicity m become shorter by `1 - 1 / m`. */
const hardlyShorter = 0.8;

/** Growth of a leaf beyond which its residual has to have fallen. */
const growth = 10;

/** What a residual has to have become, beside that at the last look at 0, for another. */
const aSixteenth = 0.0625;
