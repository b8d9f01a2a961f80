/**
 * Descent by gradients, their signs and their sizes, ready for use: chains of parts, those of Optax, with its defaults.
 * Adam and its kin are in `adam.ts`.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../core/mod.ts";
import { chainOf } from "./combine.ts";
import { type Mask, masked } from "./masked.ts";
import type { Optimiser, Scalar } from "./optimiser.ts";
import { ratePart, type RateState } from "./rate.ts";
import { checkScalar } from "./scalars.ts";
import type { Rate } from "./schedules.ts";
import {
  type AdadeltaOptions,
  adadeltaOptions,
  adadeltaPart,
  type AdadeltaState,
  type LionOptions,
  lionOptions,
  lionPart,
  type LionState,
  type RmsOptions,
  rmsOptions,
  rmsPart,
  type RmsState,
  type RssOptions,
  rssOptions,
  rssPart,
  type RssState,
  stddevPart,
  type StddevState,
} from "./squares.ts";
import { decayOptions, decayPart, type DecayState, type WeightDecayOptions } from "./decay.ts";
import {
  identityPart,
  scaleBySign,
  tracePart,
  type TraceState,
  trustPart,
} from "./transformations.ts";

/** Options of `sgd`. */
export interface SgdOptions {
  /** Share of the last step that is made once more (default none). */
  readonly momentum?: Scalar | undefined;
  /** Whether momentum looks a step ahead, as Nesterov's (default false). */
  readonly nesterov?: boolean | undefined;
}

/**
 * Gradient descent, with momentum where that is given.
 *
 * @throws {RangeError} where the learning rate is negative, or `momentum` is not in [0, 1].
 *
 * @example
 * ```ts
 * import { grad, type NDArray, numpy as np, scan } from "@injax/injax";
 * import { applyUpdates, sgd } from "@injax/injax/optim";
 *
 * const loss = (w: NDArray) => w.sub(3).square().sum();
 * const optimiser = sgd(0.1, { momentum: 0.5 });
 * const start = np.zeros([2]);
 * const [[w]] = scan(
 *   ([w, state]) => {
 *     const [updates, next] = optimiser.update(grad(loss)(w), state, w);
 *     return [[applyUpdates(w, updates), next] as const, null];
 *   },
 *   [start, optimiser.init(start)] as const,
 *   null,
 *   { length: 100 },
 * );
 * console.log(w.round(3).toArray()); // [ 3, 3 ]
 * ```
 */
export function sgd(
  learningRate: Rate,
  options: SgdOptions = {},
): Optimiser<readonly [TraceState | null, RateState]> {
  const op = "sgd";
  if (arguments.length > 1) {
    const table: OptionTable<SgdOptions> = { momentum: "operand", nesterov: "boolean" };
    checkCall("sgd(learningRate, options)", arguments, table);
  }
  const { momentum, nesterov = false } = options;
  if (nesterov && momentum === undefined) {
    throw new TypeError(
      `${op}: nesterov is a kind of momentum. Write { momentum: 0.9, nesterov: true }`,
    );
  }
  return chainOf(op, [momentumPart(op, momentum, nesterov), ratePart(op, learningRate)]);
}

/** Momentum, where there is any. */
function momentumPart(
  op: string,
  momentum: Scalar | undefined,
  nesterov: boolean,
): Optimiser<TraceState | null> {
  if (momentum === undefined) return identityPart(op);
  checkScalar(op, "momentum", momentum, "share");
  return tracePart(op, momentum, { nesterov }) as Optimiser<TraceState | null>;
}

/**
 * Steps of the size of the learning rate, against the sign of the gradient.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { signSgd } from "@injax/injax/optim";
 *
 * const optimiser = signSgd(0.5);
 * const g = np.array([0.001, -1000]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].toArray()); // [ -0.5, 0.5 ]
 * ```
 */
export function signSgd(learningRate: Rate): Optimiser<readonly [null, RateState]> {
  const op = "signSgd";
  if (arguments.length > 1) checkCall("signSgd(learningRate)", arguments);
  return chainOf(op, [scaleBySign(), ratePart(op, learningRate)]);
}

/** Options of `lars`. */
export interface LarsOptions {
  /** Share of the parameters that is added to the gradient (default 0). */
  readonly weightDecay?: Scalar | undefined;
  /** Which parameters decay (default all). */
  readonly weightDecayMask?: Mask | undefined;
  /** Length of a step as a share of the parameters' (default 0.001). */
  readonly trustCoefficient?: Scalar | undefined;
  /** Added to the update's norm (default 0). */
  readonly eps?: Scalar | undefined;
  /** Which parameters have steps of that length (default all). */
  readonly trustRatioMask?: Mask | undefined;
  /** Share of the last step that is made once more (default 0.9). */
  readonly momentum?: Scalar | undefined;
  /** Whether momentum looks a step ahead, as Nesterov's (default false). */
  readonly nesterov?: boolean | undefined;
}

const larsOptions: OptionTable<LarsOptions> = {
  weightDecay: "operand",
  weightDecayMask: "object",
  trustCoefficient: "operand",
  eps: "operand",
  trustRatioMask: "object",
  momentum: "operand",
  nesterov: "boolean",
};

/**
 * LARS (You, Gitman and Ginsburg, 2017), for large batches: momentum, with steps as long as a share of the parameters,
 * leaf by leaf.
 *
 * @throws {RangeError} where the learning rate or `weightDecay` is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { lars } from "@injax/injax/optim";
 *
 * const optimiser = lars(1, { trustCoefficient: 0.1 });
 * const params = np.array([6, 8]);
 * const [updates] = optimiser.update(np.array([3, 4]), optimiser.init(params), params);
 * console.log(updates.round(3).toArray()); // [ -0.600..., -0.800... ]
 * ```
 */
export function lars(
  learningRate: Rate,
  options: LarsOptions = {},
): Optimiser<readonly [DecayState, null, RateState, TraceState]> {
  const op = "lars";
  if (arguments.length > 1) checkCall("lars(learningRate, options)", arguments, larsOptions);
  const { weightDecay = 0, weightDecayMask, trustCoefficient = 0.001, eps = 0 } = options;
  const { trustRatioMask = true, momentum = 0.9, nesterov = false } = options;
  checkScalar(op, "momentum", momentum, "share");
  return chainOf(op, [
    decayPart(op, weightDecay, weightDecayMask),
    masked(trustPart(op, { trustCoefficient, eps }), trustRatioMask),
    ratePart(op, learningRate),
    tracePart(op, momentum, { nesterov }),
  ]);
}

/** Options of `lion`. */
export interface LionWOptions extends LionOptions, WeightDecayOptions {}

/**
 * Lion (Chen and others, 2023): steps of the size of the learning rate, by the sign of a mean of gradients. It wants a
 * learning rate three to ten times smaller than Adam's. Weights decay by 1e-3 by default.
 *
 * @throws {RangeError} where the learning rate or `weightDecay` is negative, or `b1` or `b2` is not in [0, 1).
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { lion } from "@injax/injax/optim";
 *
 * const optimiser = lion(0.5, { weightDecay: 0 });
 * const params = np.ones([2]);
 * const [updates] = optimiser.update(np.array([1, -10]), optimiser.init(params), params);
 * console.log(updates.toArray()); // [ -0.5, 0.5 ]
 * ```
 */
export function lion(
  learningRate: Rate,
  options: LionWOptions = {},
): Optimiser<readonly [LionState, DecayState, RateState]> {
  const op = "lion";
  if (arguments.length > 1) {
    checkCall("lion(learningRate, options)", arguments, { ...lionOptions, ...decayOptions });
  }
  const { weightDecay = 1e-3, mask, ...rest } = options;
  const decay = decayPart(op, weightDecay, mask);
  return chainOf(op, [lionPart(op, rest), decay, ratePart(op, learningRate)]);
}

/**
 * AdaGrad (Duchi, Hazan and Singer, 2011), for sparse gradients: steps that fall with all that came before.
 *
 * @throws {RangeError} where the learning rate or an option is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { adagrad } from "@injax/injax/optim";
 *
 * const optimiser = adagrad(0.5, { initialAccumulatorValue: 0 });
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -0.5, 0.5 ]
 * ```
 */
export function adagrad(
  learningRate: Rate,
  options: RssOptions = {},
): Optimiser<readonly [RssState, RateState]> {
  const op = "adagrad";
  if (arguments.length > 1) checkCall("adagrad(learningRate, options)", arguments, rssOptions);
  return chainOf(op, [rssPart(op, options), ratePart(op, learningRate)]);
}

/** Options of `adadelta`. */
export interface AdadeltaDecayOptions extends AdadeltaOptions {
  /** Share of the parameters that is added to the gradient (default 0). */
  readonly weightDecay?: Scalar | undefined;
  /** Which parameters decay (default all). */
  readonly weightDecayMask?: Mask | undefined;
}

/**
 * AdaDelta (Zeiler, 2012): steps in the size of those before; 1 is the usual learning rate.
 *
 * @throws {RangeError} where the learning rate or `weightDecay` is negative, or `rho` is not in [0, 1).
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { adadelta } from "@injax/injax/optim";
 *
 * const optimiser = adadelta(1, { rho: 0.75, eps: 1e-4 });
 * const params = np.ones([2]);
 * const [updates] = optimiser.update(np.array([1, -10]), optimiser.init(params), params);
 * console.log(updates.round(2).toArray()); // [ -0.01..., 0.01... ]
 * ```
 */
export function adadelta(
  learningRate: Rate,
  options: AdadeltaDecayOptions = {},
): Optimiser<readonly [DecayState, AdadeltaState, RateState]> {
  const op = "adadelta";
  if (arguments.length > 1) {
    const table: OptionTable<AdadeltaDecayOptions> = {
      ...adadeltaOptions,
      weightDecay: "operand",
      weightDecayMask: "object",
    };
    checkCall("adadelta(learningRate, options)", arguments, table);
  }
  const { weightDecay = 0, weightDecayMask, ...rest } = options;
  const decay = decayPart(op, weightDecay, weightDecayMask);
  return chainOf(op, [decay, adadeltaPart(op, rest), ratePart(op, learningRate)]);
}

/** Options of `rmsprop`. */
export interface RmspropOptions extends RmsOptions {
  /** Whether squares are those of what differs from the mean (default false). */
  readonly centered?: boolean | undefined;
  /** Share of the last step that is made once more (default none). */
  readonly momentum?: Scalar | undefined;
  /** Whether momentum looks a step ahead, as Nesterov's (default false). */
  readonly nesterov?: boolean | undefined;
}

/**
 * RMSProp (Tieleman and Hinton, 2012; centred: Graves, 2013): gradients over the root of the mean of their squares.
 *
 * @throws {RangeError} where the learning rate is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { rmsprop } from "@injax/injax/optim";
 *
 * const optimiser = rmsprop(0.5, { decay: 0.75 });
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -1, 1 ]
 * ```
 */
export function rmsprop(
  learningRate: Rate,
  options: RmspropOptions = {},
): Optimiser<readonly [RmsState | StddevState, RateState, TraceState | null]> {
  const op = "rmsprop";
  if (arguments.length > 1) {
    const table: OptionTable<RmspropOptions> = {
      ...rmsOptions,
      centered: "boolean",
      momentum: "operand",
      nesterov: "boolean",
    };
    checkCall("rmsprop(learningRate, options)", arguments, table);
  }
  const { centered = false, momentum, nesterov = false, ...rest } = options;
  if (nesterov && momentum === undefined) {
    throw new TypeError(
      `${op}: nesterov is a kind of momentum. Write { momentum: 0.9, nesterov: true }`,
    );
  }
  const part: Optimiser<RmsState | StddevState> = centered
    ? stddevPart(op, rest) as Optimiser<RmsState | StddevState>
    : rmsPart(op, rest);
  return chainOf(op, [part, ratePart(op, learningRate), momentumPart(op, momentum, nesterov)]);
}
