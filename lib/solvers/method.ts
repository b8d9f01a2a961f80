/**
 * What a method is: how it begins, how it goes from a point to the next, and, where it wants one, a
 * criterion of its own. `iterate.ts` is the loop that runs it.
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
}

/** A part of the unknowns, or something computed of them: a vector of leaves of these sizes. */
export interface Part {
  of(x: NDArray): NDArray;
  readonly sizes: readonly number[];
}
