/**
 * A module system in the manner of Haiku: functions that use modules become pairs of pure functions,
 * and `transforms` is the dictionary to use inside of them.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const cell = new hk.Linear(4, { wInit: hk.initializers.randomNormal(0.1) });
 *   return fixedPoint((z) => np.tanh(cell.call(z).add(x)), np.zeros([4]), {
 *     transforms: hk.transforms,
 *   }).value;
 * });
 * const params = model.init(random.key(0), np.ones([4]));
 * console.log(model.apply(params, null, np.ones([4])).shape); // [ 4 ]
 * ```
 *
 * @module
 */
import type { NDArray, Nested } from "../../mod.ts";
import type { Initializer } from "./handlers.ts";
import * as data from "./data_structures.ts";
import * as init from "./layers/initializers.ts";
import * as precision from "./mixed_precision.ts";
import type { FanMode, ScalingDistribution } from "./layers/initializers.ts";

export { getCurrentState, getInitialState, getParams, type ModuleEntries } from "./collections.ts";
export { protocol, runningInit } from "./context.ts";
export { type Callable, Deferred, type FunctionModule, toModule } from "./deferred.ts";
export { type EntryOptions, getParameter, getState, setState } from "./entries.ts";
export {
  type Creator,
  DO_NOT_STORE,
  type EntryContext,
  type Getter,
  type Initializer,
  type Interceptor,
  type MethodContext,
  type NamedModule,
  type Policy,
  type Setter,
} from "./handlers.ts";
export {
  customCreator,
  customGetter,
  customSetter,
  type HookOptions,
  interceptMethods,
} from "./hooks.ts";
export {
  currentName,
  forceName,
  nameLike,
  nameScope,
  type NameScopeOptions,
  transparent,
} from "./scopes.ts";
export {
  maybeGetRngSequenceState,
  maybeNextRngKey,
  nextRngKey,
  nextRngKeys,
  PRNGSequence,
  replaceRngSequenceState,
  type RngSequenceState,
  withRng,
} from "./keys.ts";
export {
  EMAParamsTree,
  type EMAParamsTreeOptions,
  ExponentialMovingAverage,
  type ExponentialMovingAverageOptions,
  SNParamsTree,
  type SNParamsTreeOptions,
  SpectralNorm,
  type SpectralNormCallOptions,
  type SpectralNormOptions,
  type UpdateOptions,
} from "./layers/averages.ts";
export { MultiHeadAttention, type MultiHeadAttentionOptions } from "./layers/attention.ts";
export {
  dropout,
  type DropoutOptions,
  Linear,
  type LinearOptions,
  MLP,
  type MLPCallOptions,
  type MLPOptions,
  type MLPReverseOptions,
} from "./layers/basic.ts";
export {
  BatchNorm,
  type BatchNormCallOptions,
  type BatchNormOptions,
} from "./layers/batch_norm.ts";
export {
  type AnyCore,
  type DeepLayer,
  DeepRNN,
  deepRnnWithSkipConnections,
  ResetCore,
} from "./layers/cores.ts";
export {
  Conv1D,
  Conv1DTranspose,
  Conv2D,
  Conv2DTranspose,
  Conv3D,
  Conv3DTranspose,
  ConvND,
  ConvNDTranspose,
  type ConvOptions,
  type ConvTransposeOptions,
} from "./layers/convolution.ts";
export {
  DepthwiseConv1D,
  DepthwiseConv2D,
  DepthwiseConv3D,
  DepthwiseConvND,
  type DepthwiseConvOptions,
  type SeparableConvOptions,
  SeparableDepthwiseConv2D,
} from "./layers/depthwise.ts";
export * as pad from "./layers/pad.ts";
export type { PadFn } from "./layers/pad.ts";
export {
  AvgPool,
  avgPool,
  MaxPool,
  maxPool,
  type PoolLayerOptions,
  type PoolOptions,
} from "./layers/pooling.ts";
export type { CommonConvOptions, ConvFormat, ConvPadding } from "./layers/windows.ts";
export type { EachAxis, Pairs } from "../convolution.ts";
export type { FanMode, ScalingDistribution } from "./layers/initializers.ts";
export {
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm,
  type InstanceNormOptions,
  LayerNorm,
  type LayerNormOptions,
  RMSNorm,
  type RMSNormOptions,
} from "./layers/layer_norm.ts";
export type { AffineOptions, DataFormat, NormAxis, NormOptions } from "./layers/normalization.ts";
export {
  dynamicUnroll,
  type DynamicUnrollOptions,
  GRU,
  type GRUOptions,
  IdentityCore,
  LSTM,
  type LSTMState,
  RNNCore,
  staticUnroll,
  type StaticUnrollOptions,
  type UnrolledCore,
  VanillaRNN,
  type VanillaRNNOptions,
} from "./layers/recurrent.ts";
export { BatchApply, expandApply, Flatten, Reshape, type ReshapeOptions } from "./layers/shape.ts";
export {
  Bias,
  type BiasCallOptions,
  type BiasOptions,
  Embed,
  type EmbedCallOptions,
  type EmbedLookupStyle,
  type EmbedOptions,
  type Layer,
  type NamedOptions,
  Sequential,
} from "./layers/simple.ts";
export { toDot } from "./dot.ts";
export { layerStack, type LayerStackOptions, layerStackWithInputs } from "./layer_stack.ts";
export type { TransparencyMap } from "./unstacked.ts";
export {
  lift,
  type LiftedWithState,
  type LiftInitOptions,
  liftWithState,
  type LiftWithStateUpdater,
  transparentLift,
  type TransparentLiftOptions,
  transparentLiftWithState,
} from "./lift.ts";
export {
  cond,
  evalShape,
  foriLoop,
  grad,
  map,
  remat,
  scan,
  type SplitVmapOptions,
  switchCase,
  valueAndGrad,
  vmap,
  whileLoop,
} from "./lifted.ts";
export { Module } from "./module.ts";
export {
  strictTransforms,
  transform,
  type Transformed,
  type TransformedWithState,
  transforms,
  transformWithState,
} from "./transform.ts";
export {
  type Applies,
  type AppliesWithoutRng,
  type AppliesWithState,
  type AppliesWithStateWithoutRng,
  type MultiFactory,
  multiTransform,
  type MultiTransformed,
  type MultiTransformedWithState,
  multiTransformWithState,
  type TransformedWithoutRng,
  type TransformedWithStateWithoutRng,
  withEmptyState,
  withoutApplyRng,
  withoutState,
} from "./variants.ts";
export {
  evalSummary,
  type MethodInvocation,
  type SummaryColumn,
  tabulate,
  type TabulateOptions,
} from "./summary.ts";
export type { ModuleClass, PolicyOptions } from "./mixed_precision.ts";
export type { MutableStructure, Structure } from "./data_structures.ts";

/**
 * Parameters and state taken apart and put together: functions of `{ module: { name: value } }`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.MLP([4, 1]).call(x));
 * const params = model.init(random.key(0), np.ones([3]));
 * const [weights, others] = hk.dataStructures.partition((_module, name) => name === "w", params);
 * console.log(hk.dataStructures.treeSize(weights), hk.dataStructures.treeSize(others)); // 16 5
 * console.log(hk.dataStructures.isSubset(weights, hk.dataStructures.merge(others, weights))); // true
 * ```
 */
export { data as dataStructures };

/**
 * In which dtypes modules of a class keep their parameters, compute, and give results.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.MLP([4, 1]).call(x));
 * const { pushPolicy } = hk.mixedPrecision;
 * // Stored in float64, used in float32.
 * const params = pushPolicy(hk.MLP, { params: "float64" }, () =>
 *   model.init(random.key(0), np.ones([3])));
 * console.log(params["mlp/~/linear_0"]!.w!.dtype); // float64
 * ```
 */
export { precision as mixedPrecision };

/**
 * Initialisers of parameters: each gives a function that makes an array of a given shape and dtype.
 * Random ones raise `StateError` where `init` was given no key.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const { constant, truncatedNormal } = hk.initializers;
 * const model = hk.transform((x: NDArray) =>
 *   new hk.Linear(2, { wInit: truncatedNormal(0.1), bInit: constant(0.5) }).call(x)
 * );
 * const { w, b } = model.init(random.key(0), np.ones([3])).linear!;
 * console.log(np.abs(w!).max().item() <= 0.2, b!.toArray()); // true [ 0.5, 0.5 ]
 * ```
 */
export const initializers: {
  /** Fills with one value, or with those of an array that broadcasts. */
  readonly constant: (value: number | NDArray | Nested) => Initializer;
  /** The identity matrix times a gain. */
  readonly identity: (gain?: number) => Initializer;
  /** Draws a matrix with orthonormal rows or columns. */
  readonly orthogonal: (scale?: number, axis?: number) => Initializer;
  /** Draws from a normal distribution. */
  readonly randomNormal: (stddev?: number, mean?: number) => Initializer;
  /** Draws evenly from an interval. */
  readonly randomUniform: (minval?: number, maxval?: number) => Initializer;
  /** Draws from a normal distribution cut off at two standard deviations. */
  readonly truncatedNormal: (
    stddev?: number,
    mean?: number,
    lower?: number,
    upper?: number,
  ) => Initializer;
  /** Draws evenly, with a standard deviation that depends on the number of inputs. */
  readonly uniformScaling: (scale?: number) => Initializer;
  /** Draws with a variance that depends on the numbers of inputs and outputs. */
  readonly varianceScaling: (
    scale?: number,
    mode?: FanMode,
    distribution?: ScalingDistribution,
    fanInAxes?: readonly number[],
  ) => Initializer;
} = {
  constant: init.constant,
  identity: init.identity,
  orthogonal: init.orthogonal,
  randomNormal: init.randomNormal,
  randomUniform: init.randomUniform,
  truncatedNormal: init.truncatedNormal,
  uniformScaling: init.uniformScaling,
  varianceScaling: init.varianceScaling,
};
