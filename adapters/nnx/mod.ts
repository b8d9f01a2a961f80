/**
 * A module system in the manner of Flax's NNX: models are objects that hold their arrays in variables,
 * and transforms take models as arguments and do to them what the function does.
 *
 * - modules and variables: `Module`, `Variable`, `Param`, `BatchStat`, `Intermediate`, ...
 * - random streams: `Rngs`, `RngStream`, `splitRngs`
 * - models as trees: `split`, `merge`, `state`, `update`, `pop`, `clone`
 * - transforms: `jit`, `grad`, `valueAndGrad`, `jvp`, `vjp`, `customVjp`, `vmap`, `scan`, `remat`, `cond`,
 *   `switchCase`, `whileLoop`, `foriLoop`, `evalShape`, with `StateAxes`, `Carry` and `DiffState`
 * - for library code: `transformsFor(model)`, `transforms`
 * - layers, and `Optimizer`
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * class Equilibrium extends nnx.Module {
 *   readonly cell: nnx.Linear;
 *   constructor(rngs: nnx.Rngs) {
 *     super();
 *     this.cell = new nnx.Linear(2, 2, { kernelInit: nnx.initializers.normal(0.1), rngs });
 *   }
 *   call(x: NDArray): NDArray {
 *     return fixedPoint((z) => np.tanh(this.cell.call(z).add(x)), np.zeros([2]), {
 *       transforms: nnx.transformsFor(this),
 *     }).value;
 *   }
 * }
 * const model = new Equilibrium(new nnx.Rngs(0));
 * const loss = (m: Equilibrium, x: NDArray) => m.call(x).square().sum();
 * const slopes = nnx.grad(loss)(model, np.ones([2])); // by the implicit function theorem
 * console.log(Object.keys(slopes), Object.keys(slopes.cell!)); // [ "cell" ] [ "kernel", "bias" ]
 * ```
 *
 * @module
 */
export { all, any, type Filter, not, pathContains, type Predicate } from "./filters.ts";
export { Module } from "./graph.ts";
export * as initializers from "./initializers.ts";
export type { Initializer } from "./initializers.ts";
export {
  Conv,
  type ConvOptions,
  ConvTranspose,
  type ConvTransposeOptions,
  type EachAxis,
  type FlaxPadding,
  type FlaxPaddingName,
  type PaddingNumbers,
  type Pairs,
} from "./convolution.ts";
export {
  avgPool,
  type AvgPoolOptions,
  maxPool,
  minPool,
  pool,
  type PoolOptions,
} from "../flax/pooling.ts";
export {
  Dropout,
  type DropoutCallOptions,
  type DropoutOptions,
  Embed,
  type EmbedOptions,
  type LayerOptions,
  Linear,
  type LinearOptions,
} from "./layers.ts";
export { Einsum, type EinsumOptions, LinearGeneral, type LinearGeneralOptions } from "./general.ts";
export {
  type BaseModule,
  LoRA,
  LoRALinear,
  type LoRALinearOptions,
  type LoRAOptions,
  LoRAParam,
} from "./lora.ts";
export * as metrics from "./metrics.ts";
export { Metric, MetricState, type MetricValues, MultiMetric } from "./metric.ts";
export { PReLU, type PReLUOptions, Sequential, type SequentialLayer } from "./sequential.ts";
export {
  BatchNorm,
  type BatchNormOptions,
  LayerNorm,
  type LayerNormOptions,
  Norm,
  type NormCallOptions,
  type NormOptions,
  RMSNorm,
  type RMSNormOptions,
} from "./normalization.ts";
export {
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm,
  type InstanceNormOptions,
} from "./norms.ts";
export {
  SpectralNorm,
  type SpectralNormCallOptions,
  type SpectralNormOptions,
  WeightNorm,
  type WeightNormOptions,
  type WrappedLayer,
  type WrapperOptions,
} from "./weight_norms.ts";
export {
  type CellOptions,
  GRUCell,
  LSTMCell,
  OptimizedLSTMCell,
  SimpleCell,
  type SimpleCellOptions,
} from "./recurrent.ts";
export {
  Bidirectional,
  type BidirectionalCallOptions,
  type BidirectionalOptions,
  type Cell,
  flipSequences,
  RNN,
  type RNNCallOptions,
  type RNNOptions,
  type SequenceOptions,
} from "./sequences.ts";
export {
  type AttentionCallOptions,
  type AttentionOptions,
  MultiHeadAttention,
} from "./attention.ts";
export { type GradientTransformation, Optimizer, type OptimizerOptions } from "./optimizer.ts";
export { Rngs, RngStream, type Seed, type SplitOptions, splitRngs } from "./rngs.ts";
export {
  clone,
  GraphDef,
  merge,
  pop,
  split,
  type State,
  state,
  update,
  variables,
} from "./state.ts";
export { sow, type SownType } from "./sown.ts";
export { transforms, transformsFor } from "./dictionary.ts";
export { type Axis, Carry, type CarryMark, StateAxes } from "./arguments.ts";
export {
  type ArgumentAt,
  type Auxiliary,
  cond,
  DiffState,
  foriLoop,
  grad,
  type GradientOf,
  type Gradients,
  type GradOptions,
  jit,
  remat,
  switchCase,
  valueAndGrad,
  whileLoop,
} from "./transforms.ts";
export {
  customVjp,
  evalShape,
  type GradientsOf,
  jvp,
  type PullOptions,
  vjp,
} from "./functional.ts";
export { scan, type ScanOptions, vmap, type VmapOptions } from "./mapped.ts";
export {
  BatchStat,
  Cache,
  Intermediate,
  OptState,
  Param,
  RngCount,
  RngKey,
  RngState,
  Variable,
  type VariableType,
} from "./variable.ts";
