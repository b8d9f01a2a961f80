/**
 * What the method remembers from step to step, and what the evaluation of a trial shows: types alone.
 *
 * @module
 */
import type { NDArray } from "../../core/mod.ts";
import type { Model } from "./model.ts";

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
  /** Whether the slopes after it explain what it changed. */
  readonly explained: NDArray;
  /** Whether the Jacobian has ever lost rank: rounding may give it back. */
  readonly lost: NDArray;
  readonly renews: NDArray;
  /** Damping of the step that is tried, and its share of the damped step. */
  readonly lambda: NDArray;
  readonly share: NDArray;
  readonly jacobians: NDArray;
  /**
   * Of fits: evaluations around claims, products with the Hessian there, and steps by it: int32. And whether the step
   * that is tried is one of those.
   */
  readonly around: {
    readonly looks: NDArray;
    readonly products: NDArray;
    readonly turns: NDArray;
    readonly turned: NDArray;
  } | null;
  /** The largest rank of a Jacobian so far, and without unknowns that rest at bounds: int32. */
  readonly rank: NDArray;
  readonly free: NDArray;
  /** Of roots. */
  readonly attempt: Attempt | null;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

/** What is remembered of the search for a root. */
export interface Attempt {
  /** The first attempt's start [n] and least residual norm; infinite before there is a second. */
  readonly from: NDArray;
  readonly least: NDArray;
  /** Whether this trial is there to see whether a residual of 0 stands alone. */
  readonly probes: NDArray;
}

/** A walk from point to point, while they are added up. */
export interface Walk {
  /** Points in the sum, 0 where there is no walk: int32. */
  readonly points: NDArray;
  readonly sum: NDArray;
  /** The largest gradient on the way. */
  readonly widest: NDArray;
}

/** What the evaluation of a trial shows: scalars, bools where not said otherwise. */
export interface Trial {
  /** The point [n], and the norm of its residual: a number. */
  readonly x: NDArray;
  readonly size: NDArray;
  readonly finite: NDArray;
  /** Whether it is the first point. */
  readonly first: NDArray;
  /** What was gained, as a share of the squared residual norm: a number. */
  readonly gain: NDArray;
  /** Whether it was a step of polishing, or a point of a walk, and whether that is the mean. */
  readonly polished: NDArray;
  readonly walked: NDArray;
  readonly isMean: NDArray;
  /** Whether something else than the gain decides of it: those, or that a Jacobian was asked for. */
  readonly judged: NDArray;
  /** Whether it was to show whether a residual of 0 stands alone. */
  readonly probed: NDArray;
  /** Its model, whether one was made, and whether with a Jacobian of its own. */
  readonly model: Model;
  readonly looked: NDArray;
  readonly anew: NDArray;
  /** What is compared of the gradients there and before, where steps are judged by them: numbers. */
  readonly now: NDArray;
  readonly then: NDArray;
  /** Whether it is taken, and the model to go on from, which has a Jacobian of its own where `fresh`. */
  readonly accepted: NDArray;
  readonly at: Model;
  readonly fresh: NDArray;
  /** Whether it failed by an old Jacobian, and is to be tried again with a new one. */
  readonly failed: NDArray;
}
