/**
 * What a method is: how it begins, how it goes from a point to the next, and, where it wants one, a
 * criterion of its own. `iterate.ts` is the loop that runs it: when that stops, what it knows between two passes, and
 * how it ended.
 *
 * @module
 */
import type { NDArray } from "../core/mod.ts";
import type { Transforms } from "../transforms/types.ts";

/** What is known of a problem at a point. */
export interface Evaluation {
  /**
   * What is to vanish, [m]: `f(x) - x` of a fixed point, `f(x)` of a root, the residuals of least squares,
   * the gradient of a minimum.
   */
  readonly r: NDArray;
  /** What is to become small, a scalar, where that is not the norm of `r`: the value of a minimum. */
  readonly cost: NDArray | null;
  /** The gradient [n] of a value whose method looks at values alone, where it has one. */
  readonly gradient?: NDArray | undefined;
}

/**
 * What a method may ask of the problem at the point that it is given. It is traced when asked, so that
 * what is not asked costs nothing.
 */
export interface Local {
  /** The problem's value there, as minimisation has one; else `null`. */
  readonly cost: NDArray | null;
  /**
   * Size of the unknowns, of shape [n] or []: the same for all elements of a leaf, positive. A method
   * that takes inner products of steps or displacements divides by it, so that units do not matter.
   */
  readonly scale: NDArray;
  /** Evaluations so far, this one included: int32. */
  readonly steps: NDArray;
  /** The dictionary, for inner loops and branches. */
  readonly transforms: Transforms;
  /**
   * Whether a step [n] that is left is short beside how far each leaf has been: of a solution it is, where all runs
   * off to infinity it is not. A method with a `status` of its own asks before it claims: a bool.
   */
  isShort(step: NDArray): NDArray;
  /** How far each leaf has been at most: its largest norm so far, [leaves]. */
  readonly reached: NDArray;
  /**
   * Whether the last steps, many of them, hardly got shorter: then `since` must be explained by the derivative at `x`
   * before a solution is claimed. A bool.
   */
  readonly marches: NDArray;
  /** The step from the best point so far [n], and the change of the residual [m]. */
  readonly since: { readonly step: NDArray; readonly change: NDArray };
  /** The Jacobian of `r`, [m, n]. */
  jacobian(): NDArray;
  /** `J v`: [m] for v [n]. */
  push(v: NDArray): NDArray;
  /** `J^T w`: [n] for w [m]. */
  pull(w: NDArray): NDArray;
  /** The problem at another point, as line searches need. Count it: see `Method.counts`. */
  evaluate(x: NDArray): Evaluation;
}

/** Shapes that a method may need for its memory before there is an evaluation. */
export interface Sizes {
  /** Number of elements of the residual. */
  readonly m: number;
  /** The dictionary. */
  readonly transforms: Transforms;
}

/** Evaluations, Jacobians and products with Jacobians: int32. */
export interface Counts {
  /** Of the function. */
  readonly f: NDArray;
  /** Of its Jacobian. */
  readonly jacobian: NDArray;
  /** Products of its Jacobian, or of that transposed, with a vector. */
  readonly products: NDArray;
}

/**
 * A method: `step` goes from a point `x` with residual `r` to the next point. `S` is its memory, a
 * tree of arrays (or `null`) whose structure, shapes and dtypes stay those that `init` gave.
 *
 * The unknowns are one vector: `x` has shape [n], in the widest dtype of the leaves of `x0`, and `r`
 * [m]; for `fixedPoint` it is `f(x) - x`. The loop evaluates, tests for the end and remembers the best
 * point. `step` is traced, so it takes no branches on values.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np, type Stepper } from "@injax/injax";
 *
 * // Plain iteration that keeps a share of the step before. Its memory is that step: [n].
 * const momentum = (keep: number): Stepper<np.NDArray> => ({
 *   description: `iteration with momentum ${keep}`,
 *   init: (x) => np.zerosLike(x),
 *   step(x, r, before) {
 *     const step = before.mul(keep).add(r);
 *     return [x.add(step), step];
 *   },
 * });
 * const solve = (keep: number) =>
 *   fixedPoint((x) => x.mul(0.9).add(1), 1, { solver: momentum(keep) });
 * console.log(solve(0.4).steps.item() < 0.6 * solve(0).steps.item()); // true
 * ```
 */
export interface Stepper<S> {
  /** Name and settings, for messages. */
  readonly description: string;
  /** The memory before the first step from `x` [n]. */
  init(x: NDArray, sizes: Sizes): S;
  /** The next point and memory; `x` and the next point have shape [n], `r` has [m]. */
  step(x: NDArray, r: NDArray, memory: S, local: Local): readonly [x: NDArray, memory: S];
  /**
   * A criterion of its own, in place of the test of the residual: the position of a status in `statuses`, or
   * -1 to go on. `memory` is that after the step from `x`.
   */
  status?(x: NDArray, r: NDArray, memory: S, local: Local): NDArray;
  /**
   * Whether `x` is the best point so far, where that is not the one of the smallest cost or residual
   * norm. `memory` is that after the step from `x`.
   */
  accepts?(x: NDArray, r: NDArray, memory: S, local: Local): NDArray;
  /**
   * Whether the method itself goes back from points where `r` is not finite: it is then given them, and
   * must take a shorter step. Otherwise the loop goes halfway back to the best point, and the method never
   * sees one.
   */
  readonly goesBack?: boolean | undefined;
  /**
   * Evaluations that it makes in search of a first point where `r` is finite (default 1: the start has to be one), of
   * methods that go back themselves.
   */
  readonly seeks?: number | undefined;
  /**
   * Whether it takes `r` for a step in the unknowns, as that of a fixed point is: `minimise`, whose `r` is a gradient,
   * does not take such a method.
   */
  readonly displacement?: boolean | undefined;
  /** Evaluations without a better point after which the solve has stagnated (default 100). */
  readonly patience?: number | undefined;
  /**
   * A step that needs no memory, to which the loop turns for a while, from the best point, where the
   * method makes no progress: the plain step of a fixed point.
   */
  readonly fallback?: ((x: NDArray, r: NDArray) => NDArray) | undefined;
  /**
   * What stands for the solution where that is not one of the points: an average `x` of them [n], and its
   * standard error `r` [n], which is then tested in place of the residual.
   */
  mean?(memory: S): { readonly x: NDArray; readonly r: NDArray };
  /**
   * The step [n] from the best point `x`, whose residual is `r`, as a function of these two, where `memory`, that after
   * the step, holds what was decided: lengths of steps, and what was learnt of the problem. It is what a solution by
   * `unrolled()` or `checkpointed()` is differentiated through in place of `step`. Methods without it are by `step`.
   */
  replay?(x: NDArray, r: NDArray, memory: S, local: Local): NDArray;
  /** What was done beside the loop's own evaluation of each step: totals. */
  counts?(memory: S): Partial<Counts>;
  /** The memory of an earlier solve made ready for a new one (`warmStart`); by default as it is. */
  resume?(memory: S, x: NDArray): S;
}

/** What is solved. */
export interface Problem {
  /** The problem at a point [n]; `step` is how many evaluations the loop has made, none where it is left out. */
  evaluate(x: NDArray, step?: NDArray): Evaluation;
  /** Sizes of the leaves of which the unknowns are made, in order; their sum is n. */
  readonly sizes: readonly number[];
  /** Number of elements of the residual. */
  readonly m: number;
  /** Whether the residual is a step in the unknowns, as that of a fixed point is: `x + r` is `f(x)`. */
  readonly displacement: boolean;
  /** Whether evaluations have a `cost`. */
  readonly hasCost: boolean;
  /** What is compared of the points of a displacement, where that is not all of them. */
  readonly part?: Part | undefined;
  /** What to tell of a function that is no program with derivatives, before what raised it. */
  readonly lacking?: string | undefined;
}

/** A part of the unknowns, or something computed of them: a vector of leaves of these sizes. */
export interface Part {
  of(x: NDArray): NDArray;
  readonly sizes: readonly number[];
}

/** When to stop. */
export interface Limits {
  /** Relative tolerance: the residual norm against that of the point, or of what is said to be 0, of the first evaluation. */
  readonly rtol: number;
  /** Absolute tolerance on the residual norm. */
  readonly atol: number;
  /** Largest number of evaluations. */
  readonly maxSteps: number;
  /** Evaluations before which no solution is claimed. */
  readonly minSteps?: number | undefined;
  /** Whether to keep the residual norms. */
  readonly history: boolean;
  /** Whether to keep the points. */
  readonly trajectory?: boolean | undefined;
  /**
   * Error relative to the point that is aimed at: where the first point that meets the criterion is estimated to
   * be further off, the method takes up to two steps more, as long as they bring it nearer.
   */
  readonly aim?: number | undefined;
  /** Of how many steps states are kept, where the loop is to be differentiated through its steps. */
  readonly through?: { readonly checkpoints: number } | undefined;
  /** The part of a long solve to do; by default all of it. */
  readonly leg?: Leg | undefined;
  /** Memory to begin with, in place of that of `init`, and the units of the leaves that it is in. */
  readonly warm?: Pick<State, "memory" | "scale"> | undefined;
}

/** A part of a long solve, which `start` (`run.ts`) gives solvers as an option. */
export interface Leg {
  /** Where to go on: the state of an earlier leg of the same problem, method and limits; `null` to begin. */
  readonly from: object | null;
  /** Evaluations to make before pausing: an int32, or the number 0 for what is known without any. */
  readonly pause: NDArray | 0;
  /** Told by the solver, outside of its functions, how far it came and what limits it. */
  take(state: object, maxSteps: number, transforms: Transforms): void;
}

/** How far a solve has been: a tree of arrays. */
export interface Reach {
  /** The largest norm of each leaf so far, and which leaves began at 0: [leaves]. */
  readonly far: NDArray;
  readonly blank: NDArray;
  /** Steps to better points, each in the direction of the one before and hardly shorter: int32. */
  readonly march: NDArray;
  /** The last of them, in units of the leaves: [n]. */
  readonly last: NDArray;
}

/** All that the loop knows between two passes: a tree of arrays. */
export interface State {
  readonly x: NDArray;
  readonly memory: unknown;
  /** The best point so far, its residual, what it is the best by, and its residual norm. */
  readonly best: NDArray;
  readonly bestR: NDArray;
  readonly merit: NDArray;
  readonly bestNorm: NDArray;
  /** Step over change of the residual, from the best point before to the best one; negative where not known. */
  readonly slope: NDArray;
  /** Norms of the first evaluation, and sizes of the unknowns, by leaf: [leaves]. */
  readonly first: NDArray;
  readonly scale: NDArray;
  readonly reach: Reach;
  readonly steps: NDArray;
  /** Code of the status, -1 where it may go on. */
  readonly status: NDArray;
  /** Evaluations since the best point, and those at which the fallback begins. */
  readonly stale: NDArray;
  readonly due: NDArray;
  /** Evaluations beside claims: int32, of roots by methods without a criterion of their own. */
  readonly looks: NDArray | null;
  /** Of fixed points by methods without a criterion of their own: what is known of leaves that are 0 there. */
  readonly nought: Nought | null;
  /** Steps of the fallback that are left, how many there are next time, and the norm before. */
  readonly burst: NDArray;
  readonly length: NDArray;
  readonly last: NDArray;
  /** Steps since the criterion was met, 0 where it was not. */
  readonly after: NDArray;
  /** Share of the way to the best point's next that is left after evaluations that were not finite. */
  readonly share: NDArray;
  readonly history: NDArray | null;
  readonly trajectory: NDArray | null;
}

/**
 * A look at whether leaves are 0 at the solution, which have become small beside the first evaluation and whose residuals
 * are not small beside themselves: an evaluation where they are 0.
 */
export interface Nought {
  /** Whether this evaluation is one: a bool. */
  readonly looking: NDArray;
  /** Which leaves: bools [leaves], their residuals at the point that it is made for, and that point's next: [n]. */
  readonly leaves: NDArray;
  readonly residual: NDArray;
  readonly next: NDArray;
  /** The merit at the last such point, and whether it is the best one. */
  readonly merit: NDArray;
  readonly isBest: NDArray;
}

/** What all passes of a loop share. */
export interface Solve<S> {
  readonly problem: Problem;
  readonly method: Stepper<S>;
  readonly limits: Limits;
  readonly transforms: Transforms;
  /** Whether what a method makes of the points is held in derivatives, and `replay` is differentiated. */
  readonly held: boolean;
}

/** Norms by leaf of a point, of its residual, and of where that leads. */
export interface Norms {
  readonly x: NDArray;
  readonly r: NDArray;
  readonly f: NDArray;
}

/** What a pass sees at its point. */
export interface Seen {
  readonly x: NDArray;
  readonly r: NDArray;
  /** Evaluations, this one included, and whether it is the first. */
  readonly steps: NDArray;
  readonly isFirst: NDArray;
  /** Norms by leaf, and those of what is compared, which may be a part. */
  readonly all: Norms;
  readonly own: Norms;
  /** What the first evaluation says small is, and the sizes of the leaves. */
  readonly first: NDArray;
  readonly scale: NDArray;
  readonly reach: Reach;
  /** The norm of the residual, of displacements in units of the leaves, and what points are the better by. */
  readonly weighed: NDArray;
  readonly merit: NDArray;
  readonly finite: NDArray;
  /** What of it is rounding, by leaf: it says nothing of a slope. */
  readonly rounding: NDArray;
  /** What the method may ask. */
  readonly local: Local;
}

/** What is claimed of it. */
export interface Claim {
  /** What would be the result: the point and its residual, or a mean. Norms of the residual, as a whole and by leaf. */
  readonly at: { readonly x: NDArray; readonly r: NDArray };
  readonly size: NDArray;
  readonly norms: NDArray;
  /** The sizes of the unknowns, by leaf, beside which the aim of `Limits` is small. */
  readonly aimed: NDArray;
  /** A status by the method's own criterion, of methods that have one. */
  readonly own: NDArray | undefined;
  /** Whether the point meets the criterion, and whether it ends the loop by itself: a look at 0 that found a solution. */
  readonly met: NDArray;
  readonly isNone: NDArray;
  /** The step from the best point over the change of the residual. */
  readonly slope: NDArray;
  readonly looks: NDArray | null;
  readonly nought: Nought | null;
  /** Of roots: whether a look has said that leaves are 0 at one, and the point [n] where they are. */
  readonly zero: { readonly isRoot: NDArray; readonly x: NDArray } | null;
}

/** How a loop ended. */
export interface Outcome {
  /** The point that met the criterion; where none did, the best. */
  readonly x: NDArray;
  /** Its residual norm; infinite where none was finite. */
  readonly residualNorm: NDArray;
  /** Its norm. */
  readonly valueNorm: NDArray;
  /** Its value, of problems that have one. */
  readonly cost: NDArray | null;
  /** Estimate of its distance from the solution, from the last steps; infinite where unknown. */
  readonly errorEstimate: NDArray;
  /** Code of the status. */
  readonly status: NDArray;
  /** Number of evaluations that the loop made. */
  readonly steps: NDArray;
  /** All that was evaluated. */
  readonly counts: Counts;
  /** Residual norms by step, NaN where there was none. */
  readonly history: NDArray | null;
  /** Points by step [maxSteps, n], likewise. */
  readonly trajectory: NDArray | null;
  /** To go on with. */
  readonly state: State;
}
