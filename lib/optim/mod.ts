/**
 * First-order optimisers in the manner of Optax: pairs of pure functions on trees, whose state is a tree too.
 *
 * An optimiser is a chain of parts, and users make their own of the same parts. The state shows the learning rate
 * in use. Nothing here needs transforms: optimisers work under `jit`, in the body of `scan`, inside modules and in
 * exported programs alike.
 *
 * - Optimisers: `adam`, `adamw`, `sgd`, `rmsprop`, `adagrad`, `lion`, ...
 * - What parameters become: `applyUpdates`; the learning rate: `learningRateOf`, `withLearningRate`
 * - Losses by example: `squaredError`, `huberLoss`, `softmaxCrossEntropyWithIntegerLabels`, `sigmoidBinaryCrossEntropy`, ...
 * - Schedules: `cosineDecaySchedule`, `warmupCosineDecaySchedule`, `exponentialDecay`, `joinSchedules`, ...
 * - Where a loss stands still: `reduceOnPlateau`
 * - Parts: `scaleByAdam`, `trace`, `clipByGlobalNorm`, `addDecayedWeights`, `addNoise`, `scaleByLearningRate`, ...
 * - Combinations: `chain`, `masked`, `partition`, `multiSteps`, `lookahead`, `applyIfFinite`
 *
 * @example
 * ```ts
 * import { jit, type NDArray, numpy as np, valueAndGrad } from "@injax/injax";
 * import * as optim from "@injax/injax/optim";
 *
 * const x = np.array([[0, 1], [1, 0], [1, 1]]);
 * const y = np.array([1, 2, 3]);
 * const loss = (p: { w: NDArray; b: NDArray }) => x.matmul(p.w).add(p.b).sub(y).square().mean();
 *
 * const rate = optim.cosineDecaySchedule(0.1, 200);
 * const optimiser = optim.chain(optim.clipByGlobalNorm(1), optim.adam(rate));
 * let params = { w: np.zeros([2]), b: np.array(0) };
 * let state = optimiser.init(params);
 * const step = jit((p: typeof params, s: typeof state) => {
 *   const [value, gradient] = valueAndGrad(loss)(p);
 *   const [updates, next] = optimiser.update(gradient, s, p);
 *   return [optim.applyUpdates(p, updates), next, value] as const;
 * });
 * for (let i = 0; i < 200; i++) [params, state] = step(params, state);
 * console.log(params.w.round(1).toArray(), loss(params).item() < 1e-3); // [ 2, 1 ] true
 * ```
 *
 * @module
 */
// Schedules use methods of arrays, and may be called before anything else is loaded.
import "../api/methods.ts";

export { applyUpdates, type Kept, type Optimiser, type Scalar } from "./optimiser.ts";
export {
  adabelief,
  adam,
  adamax,
  type AdamState,
  adamw,
  type AdamWOptions,
  type AdamWState,
  amsgrad,
  lamb,
  nadam,
  radam,
  yogi,
} from "./adam.ts";
export {
  adadelta,
  type AdadeltaDecayOptions,
  adagrad,
  lars,
  type LarsOptions,
  lion,
  type LionWOptions,
  rmsprop,
  type RmspropOptions,
  sgd,
  type SgdOptions,
  signSgd,
} from "./descent.ts";
export {
  cosineDistance,
  type CosineOptions,
  cosineSimilarity,
  hingeLoss,
  huberLoss,
  type HuberOptions,
  klDivergence,
  l2Loss,
  logCosh,
  type LossOptions,
  sigmoidBinaryCrossEntropy,
  smoothLabels,
  softmaxCrossEntropy,
  softmaxCrossEntropyWithIntegerLabels,
  squaredError,
} from "./losses.ts";
export {
  learningRateOf,
  type RateState,
  scaleByLearningRate,
  scaleBySchedule,
  type ScheduleState,
  withLearningRate,
} from "./rate.ts";
export {
  constantSchedule,
  type CosineDecayOptions,
  cosineDecaySchedule,
  type Cycle,
  exponentialDecay,
  type ExponentialDecayOptions,
  joinSchedules,
  linearSchedule,
  polynomialSchedule,
  type Rate,
  type Schedule,
  type ScheduleFunction,
  sgdrSchedule,
  type TransitionOptions,
  type WarmupCosineDecayOptions,
  warmupCosineDecaySchedule,
} from "./schedules.ts";
export {
  type CosineOnecycleOptions,
  cosineOnecycleSchedule,
  type LinearOnecycleOptions,
  linearOnecycleSchedule,
  piecewiseConstantSchedule,
  piecewiseInterpolateSchedule,
} from "./piecewise.ts";
export {
  clip,
  clipByBlockRms,
  clipByGlobalNorm,
  globalNorm,
  zeroNans,
  type ZeroNansState,
} from "./clipping.ts";
export {
  addDecayedWeights,
  type DecayedWeightsOptions,
  type DecayState,
  type WeightDecayOptions,
} from "./decay.ts";
export { addNoise, type NoiseState } from "./noise.ts";
export {
  type Plateau,
  type PlateauOptions,
  type PlateauState,
  reduceOnPlateau,
} from "./plateau.ts";
export {
  centralize,
  ema,
  type EmaOptions,
  type EmaState,
  identity,
  incrementalUpdate,
  scale,
  scaleBySign,
  scaleByTrustRatio,
  setToZero,
  stateless,
  trace,
  type TraceOptions,
  type TraceState,
  type TrustRatioOptions,
} from "./transformations.ts";
export {
  type AdamOptions,
  type AmsgradOptions,
  type AmsgradState,
  type BeliefOptions,
  type MomentsOptions,
  type MomentsState,
  type RadamOptions,
  scaleByAdam,
  scaleByAdamax,
  scaleByAmsgrad,
  scaleByBelief,
  scaleByRadam,
  scaleByYogi,
  type YogiOptions,
} from "./moments.ts";
export {
  type AdadeltaOptions,
  type AdadeltaState,
  type LionOptions,
  type LionState,
  type RmsOptions,
  type RmsState,
  type RssOptions,
  type RssState,
  scaleByAdadelta,
  scaleByLion,
  scaleByRms,
  scaleByRss,
  scaleByStddev,
  type StddevState,
} from "./squares.ts";
export {
  applyIfFinite,
  type ApplyIfFiniteState,
  chain,
  lookahead,
  type LookaheadState,
  multiSteps,
  type MultiStepsState,
} from "./combine.ts";
export { type Labels, type Mask, masked, partition } from "./masked.ts";
