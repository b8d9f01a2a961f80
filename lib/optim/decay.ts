/**
 * Decay of weights, by a share that may change from step to step.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../core/mod.ts";
import type { Tree } from "../transforms/tree_types.ts";
import { type Mask, masked } from "./masked.ts";
import {
  mapTrees,
  type Optimiser,
  type Scalar,
  transformation,
  withoutState,
} from "./optimiser.ts";
import { rateAt, type ScheduleState } from "./rate.ts";
import { checkScalar, counted, noSteps, scaled, widest } from "./scalars.ts";
import type { Rate } from "./schedules.ts";

/** What a decay of weights keeps: steps so far where its share is scheduled, else nothing. */
export type DecayState = ScheduleState | null;

/** Options of `addDecayedWeights`. */
export interface DecayedWeightsOptions {
  /** Which parameters decay: a tree of booleans, or a function from the parameters to one (default all). */
  readonly mask?: Mask | undefined;
}

const decayedOptions: OptionTable<DecayedWeightsOptions> = { mask: "object" };

/**
 * Adds a share of the parameters: behind what divides by a second moment, this is the decoupled decay of weights of
 * Loshchilov and Hutter (2019).
 *
 * @param weightDecay The share: a number, a scalar array, or a schedule.
 * @throws {RangeError} where `weightDecay` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { addDecayedWeights } from "@injax/injax/optim";
 *
 * const part = addDecayedWeights(0.5, { mask: { w: true, b: false } });
 * const params = { w: np.array([2]), b: np.array([2]) };
 * const [g] = part.update({ w: np.array([0]), b: np.array([0]) }, part.init(params), params);
 * console.log(g.w.toArray(), g.b.toArray()); // [ 1 ] [ 0 ]
 * ```
 */
export function addDecayedWeights(
  weightDecay: Rate,
  options: DecayedWeightsOptions = {},
): Optimiser<DecayState> {
  const op = "addDecayedWeights";
  if (arguments.length > 1) checkCall(`${op}(weightDecay, options)`, arguments, decayedOptions);
  return decayPart(op, weightDecay, options.mask);
}

/** `addDecayedWeights` under the name by which users called it. */
export function decayPart(
  op: string,
  weightDecay: Rate,
  mask: Mask | undefined,
): Optimiser<DecayState> {
  const decay = typeof weightDecay === "function"
    ? scheduledDecay(op, weightDecay)
    : steadyDecay(op, weightDecay);
  return mask === undefined ? decay : masked(decay, mask);
}

/** A gradient with a share of the parameters added. */
function decayed(op: string, gradient: Tree, params: Tree | undefined, share: Scalar): Tree {
  const parts = [["the gradient", gradient], ["the parameters", params]] as const;
  return mapTrees(op, [...parts], (g, p) => g.add(scaled(p, share)));
}

function steadyDecay(op: string, weightDecay: Scalar): Optimiser<DecayState> {
  checkScalar(op, "weightDecay", weightDecay, "notNegative");
  return withoutState(op, {
    description: `weight decay ${weightDecay}`,
    needsParams: true,
    of: (at, gradient, params) => decayed(at, gradient, params, weightDecay),
  }) as Optimiser<DecayState>;
}

function scheduledDecay(
  op: string,
  weightDecay: Exclude<Rate, Scalar>,
): Optimiser<DecayState> {
  return transformation<DecayState>(op, {
    description: "scheduled weight decay",
    needsParams: true,
    keeps: ["count"] as never,
    init: () => ({ count: noSteps() }),
    update(gradient, state, params) {
      const { count } = state!;
      const share = rateAt(op, weightDecay, count, widest(gradient));
      return [decayed(`${op}.update`, gradient, params, share), { count: counted(count) }];
    },
  });
}

/** Options for the decay of weights. */
export interface WeightDecayOptions {
  /** Share of the parameters that is taken off, times the learning rate; a number, or a schedule. */
  readonly weightDecay?: Rate | undefined;
  /** Which parameters decay: a tree of booleans, or a function from the parameters to one (default all). */
  readonly mask?: Mask | undefined;
}

/** The names of `WeightDecayOptions`. */
export const decayOptions: OptionTable<WeightDecayOptions> = {
  weightDecay: "operand",
  mask: "object",
};
