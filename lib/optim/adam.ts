/**
 * Adam and its kin, ready for use: chains of parts, those of Optax, with its defaults.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../core/mod.ts";
import { chainOf } from "./combine.ts";
import {
  adamaxPart,
  type AdamOptions,
  adamOptions,
  adamPart,
  type AmsgradOptions,
  amsgradOptions,
  amsgradPart,
  type AmsgradState,
  type BeliefOptions,
  beliefPart,
  type MomentsOptions,
  momentsOptions,
  type MomentsState,
  type RadamOptions,
  radamOptions,
  radamPart,
  type YogiOptions,
  yogiOptions,
  yogiPart,
} from "./moments.ts";
import type { Optimiser } from "./optimiser.ts";
import { ratePart, type RateState } from "./rate.ts";
import type { Rate } from "./schedules.ts";
import { decayOptions, decayPart, type DecayState, type WeightDecayOptions } from "./decay.ts";
import { trustPart } from "./transformations.ts";

/** What Adam and its kin keep. */
export type AdamState = readonly [MomentsState, RateState];

/** What Adam and its kin keep with a decay of weights. */
export type AdamWState = readonly [MomentsState, DecayState, RateState];

/**
 * Adam (Kingma and Ba, 2015): the first choice for networks.
 *
 * @param learningRate A number, a scalar array or a schedule.
 * @throws {RangeError} where the learning rate is negative, `b1` or `b2` is not in [0, 1), or `eps` is negative.
 *
 * @example
 * ```ts
 * import { grad, jit, type NDArray, numpy as np } from "@injax/injax";
 * import { adam, type AdamState, applyUpdates } from "@injax/injax/optim";
 *
 * const loss = (w: NDArray) => w.sub(np.array([1, 100])).square().sum();
 * const optimiser = adam(0.5);
 * const step = jit((w: NDArray, state: AdamState) => {
 *   const [updates, next] = optimiser.update(grad(loss)(w), state, w);
 *   return [applyUpdates(w, updates), next] as const;
 * });
 * let w = np.zeros([2]);
 * let state = optimiser.init(w);
 * for (let i = 0; i < 800; i++) [w, state] = step(w, state);
 * console.log(w.round(1).toArray()); // [ 1, 100 ]
 * ```
 */
export function adam(learningRate: Rate, options: AdamOptions = {}): Optimiser<AdamState> {
  const op = "adam";
  if (arguments.length > 1) checkCall("adam(learningRate, options)", arguments, adamOptions);
  return chainOf(op, [adamPart(op, options), ratePart(op, learningRate)]);
}

/**
 * Adam with Nesterov's momentum (Dozat, 2016).
 *
 * @throws {RangeError} where the learning rate is negative, `b1` or `b2` is not in [0, 1), or `eps` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { nadam } from "@injax/injax/optim";
 *
 * const optimiser = nadam(0.1);
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -0.146..., 0.146... ]
 * ```
 */
export function nadam(
  learningRate: Rate,
  options: Omit<AdamOptions, "nesterov"> = {},
): Optimiser<AdamState> {
  const op = "nadam";
  if (arguments.length > 1) checkCall("nadam(learningRate, options)", arguments, amsgradOptions);
  return chainOf(op, [adamPart(op, { ...options, nesterov: true }), ratePart(op, learningRate)]);
}

/** Options of `adamw`. */
export interface AdamWOptions extends AdamOptions, WeightDecayOptions {}

/**
 * Adam with decoupled decay of weights (Loshchilov and Hutter, 2019), by default 1e-4.
 *
 * @throws {RangeError} where the learning rate or `weightDecay` is negative, or an option of `adam` is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { adamw } from "@injax/injax/optim";
 *
 * const optimiser = adamw(0.1, { weightDecay: 0.5, mask: { w: true, b: false } });
 * const params = { w: np.array([10]), b: np.array([10]) };
 * const gradient = { w: np.array([1]), b: np.array([1]) };
 * const [{ w, b }] = optimiser.update(gradient, optimiser.init(params), params);
 * console.log(w.round(3).toArray(), b.round(3).toArray()); // [ -0.6... ] [ -0.1... ]
 * ```
 */
export function adamw(learningRate: Rate, options: AdamWOptions = {}): Optimiser<AdamWState> {
  const op = "adamw";
  if (arguments.length > 1) {
    const table: OptionTable<AdamWOptions> = { ...adamOptions, ...decayOptions };
    checkCall("adamw(learningRate, options)", arguments, table);
  }
  const { weightDecay = 1e-4, mask, ...rest } = options;
  const decay = decayPart(op, weightDecay, mask);
  return chainOf(op, [adamPart(op, rest), decay, ratePart(op, learningRate)]);
}

/**
 * AdaMax (Kingma and Ba, 2015): Adam by the largest gradients in the place of squares.
 *
 * @throws {RangeError} where the learning rate is negative, `b1` or `b2` is not in [0, 1), or `eps` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { adamax } from "@injax/injax/optim";
 *
 * const optimiser = adamax(0.5);
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -0.5, 0.5 ]
 * ```
 */
export function adamax(learningRate: Rate, options: MomentsOptions = {}): Optimiser<AdamState> {
  const op = "adamax";
  if (arguments.length > 1) checkCall("adamax(learningRate, options)", arguments, momentsOptions);
  return chainOf(op, [adamaxPart(op, options), ratePart(op, learningRate)]);
}

/**
 * AMSGrad (Reddi, Kale and Kumar, 2018): Adam with steps that do not grow again.
 *
 * @throws {RangeError} where the learning rate is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { amsgrad } from "@injax/injax/optim";
 *
 * const optimiser = amsgrad(0.5);
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -0.5, 0.5 ]
 * ```
 */
export function amsgrad(
  learningRate: Rate,
  options: AmsgradOptions = {},
): Optimiser<readonly [AmsgradState, RateState]> {
  const op = "amsgrad";
  if (arguments.length > 1) checkCall("amsgrad(learningRate, options)", arguments, amsgradOptions);
  return chainOf(op, [amsgradPart(op, options), ratePart(op, learningRate)]);
}

/**
 * AdaBelief (Zhuang and others, 2020): Adam by the squares of what the mean did not foresee.
 *
 * @throws {RangeError} where the learning rate is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { adabelief } from "@injax/injax/optim";
 *
 * const optimiser = adabelief(0.9);
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -1, 1 ]
 * ```
 */
export function adabelief(learningRate: Rate, options: BeliefOptions = {}): Optimiser<AdamState> {
  const op = "adabelief";
  if (arguments.length > 1) checkCall("adabelief(learningRate, options)", arguments, adamOptions);
  return chainOf(op, [beliefPart(op, options), ratePart(op, learningRate)]);
}

/**
 * RAdam (Liu and others, 2020): Adam that needs no warm-up.
 *
 * @throws {RangeError} where the learning rate is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { radam } from "@injax/injax/optim";
 *
 * const optimiser = radam(0.5);
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(3).toArray()); // [ -0.5, 5 ]
 * ```
 */
export function radam(learningRate: Rate, options: RadamOptions = {}): Optimiser<AdamState> {
  const op = "radam";
  if (arguments.length > 1) checkCall("radam(learningRate, options)", arguments, radamOptions);
  return chainOf(op, [radamPart(op, options), ratePart(op, learningRate)]);
}

/**
 * Yogi (Zaheer and others, 2018): Adam whose steps do not grow at once where gradients fall.
 *
 * @throws {RangeError} where the learning rate is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { yogi } from "@injax/injax/optim";
 *
 * const optimiser = yogi(0.5);
 * const g = np.array([1, -10]);
 * console.log(optimiser.update(g, optimiser.init(g))[0].round(2).toArray()); // [ -0.5, 0.5 ]
 * ```
 */
export function yogi(learningRate: Rate, options: YogiOptions = {}): Optimiser<AdamState> {
  const op = "yogi";
  if (arguments.length > 1) checkCall("yogi(learningRate, options)", arguments, yogiOptions);
  return chainOf(op, [yogiPart(op, options), ratePart(op, learningRate)]);
}

/**
 * LAMB (You and others, 2020), for large batches: AdamW whose steps are as long as the parameters, leaf by leaf.
 *
 * @throws {RangeError} where the learning rate or `weightDecay` is negative, or an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { lamb } from "@injax/injax/optim";
 *
 * const optimiser = lamb(0.1);
 * const params = np.array([6, 8]);
 * const [updates] = optimiser.update(np.array([5, 3]), optimiser.init(params), params);
 * console.log(updates.round(3).toArray()); // [ -0.707..., -0.707... ]
 * ```
 */
export function lamb(
  learningRate: Rate,
  options: Omit<AdamWOptions, "nesterov"> = {},
): Optimiser<readonly [MomentsState, DecayState, null, RateState]> {
  const op = "lamb";
  if (arguments.length > 1) {
    checkCall("lamb(learningRate, options)", arguments, { ...amsgradOptions, ...decayOptions });
  }
  const { weightDecay = 0, mask, ...rest } = options;
  const parts = [adamPart(op, { eps: 1e-6, ...rest }), decayPart(op, weightDecay, mask)] as const;
  return chainOf(op, [...parts, trustPart(op, {}), ratePart(op, learningRate)]);
}
