/**
 * A module system in the manner of Flax (Linen): modules with named variables in collections, `init` and
 * `apply`, and `transforms`, the dictionary to use inside of them.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Equilibrium extends flax.Module {
 *   readonly cell = new flax.Dense(4, { kernelInit: flax.initializers.normal(0.1) });
 *   call(x: NDArray): NDArray {
 *     return fixedPoint((z) => np.tanh(this.cell.call(z).add(x)), np.zeros([4]), {
 *       transforms: flax.transforms,
 *     }).value;
 *   }
 * }
 * const model = new Equilibrium();
 * const variables = model.init(random.key(0), np.ones([4]));
 * console.log(model.apply(variables, np.ones([4])).shape); // [ 4 ]
 * ```
 *
 * @module
 */
export { protocol, transforms } from "./context.ts";
export { type InitFunction, type SowOptions, Variable } from "./entries.ts";
export { type DenyList, denyList, type Filter } from "./filters.ts";
export * as initializers from "./initializers.ts";
export type { Initializer } from "./initializers.ts";
export {
  cond,
  jit,
  type LiftedJitOptions,
  type LiftedScanOptions,
  type LiftedVmapOptions,
  type LiftedWhileOptions,
  remat,
  scan,
  type ScanAxes,
  type SplitRngs,
  switch,
  type VariableAxes,
  vmap,
  whileLoop,
} from "./lifted.ts";
export {
  customVjp,
  jvp,
  type LiftedCustomVjpOptions,
  type LiftedVjpOptions,
  type MappedVariables,
  mapVariables,
  type MapVariablesOptions,
  type Pulled,
  vjp,
} from "./lifted_variables.ts";
export { Sequential, type SequentialLayer } from "./combinators.ts";
export {
  Bidirectional,
  type BidirectionalCall,
  type BidirectionalOptions,
  MGUCell,
  type MGUCellOptions,
  OptimizedLSTMCell,
  SimpleCell,
  type SimpleCellOptions,
} from "./cells.ts";
export {
  Conv,
  ConvLocal,
  type ConvLocalOptions,
  type ConvOptions,
  ConvTranspose,
  type ConvTransposeOptions,
  type EachAxis,
  type FlaxPadding,
  type FlaxPaddingName,
  type PaddingNumbers,
} from "./convolution.ts";
export {
  avgPool,
  type AvgPoolOptions,
  maxPool,
  minPool,
  type Pairs,
  pool,
  type PoolOptions,
} from "./pooling.ts";
export { PReLU, type PReLUOptions } from "./activation.ts";
export { ConvLSTMCell, type ConvLSTMCellOptions } from "./conv_lstm.ts";
export { Einsum } from "./einsum.ts";
export { rematScan, type RematScanOptions } from "./remat_scan.ts";
export type { TargetOptions } from "./targets.ts";
export {
  Dense,
  DenseGeneral,
  type DenseGeneralOptions,
  type DenseOptions,
  Embed,
  type EmbedOptions,
} from "./linear.ts";
export type { BindOptions, BoundMembers } from "./bound.ts";
export { type BoundFields, type BoundModule, Module, shareScope } from "./module.ts";
export type {
  Apply,
  ApplyOptions,
  CallOptions,
  FunctionOptions,
  Init,
  InitOptions,
  InitWithOutput,
  MethodArguments,
  MethodOptions,
  MethodResult,
  MethodResults,
  ModuleFunction,
  MutatingFunctionOptions,
  MutatingMethodOptions,
  MutatingOptions,
  WithOptions,
} from "./module_types.ts";
export {
  BatchNorm,
  type BatchNormCall,
  type BatchNormOptions,
  LayerNorm,
  type LayerNormOptions,
  type NormCall,
  type NormOptions,
} from "./normalization.ts";
export {
  GroupNorm,
  type GroupNormOptions,
  InstanceNorm,
  type InstanceNormOptions,
  RMSNorm,
  type RMSNormOptions,
} from "./norms.ts";
export {
  SpectralNorm,
  type SpectralNormCall,
  type SpectralNormOptions,
  WeightNorm,
  type WeightNormOptions,
  type WrappedLayer,
  type WrapperOptions,
} from "./weight_norms.ts";
export {
  type AttentionCall,
  type AttentionLayerOptions,
  type AttentionOptions,
  dotProductAttention,
  makeAttentionMask,
  makeCausalMask,
  MultiHeadDotProductAttention,
} from "./attention.ts";
export {
  type CellOptions,
  GRUCell,
  LSTMCell,
  RNN,
  type RNNCall,
  type RNNCell,
  RNNCellBase,
  type RNNOptions,
} from "./recurrent.ts";
export { Dropout, type DropoutCall, type DropoutOptions } from "./stochastic.ts";
export type { Rngs } from "./run.ts";
export type { GivenVariables, VariableNode, Variables, VariableTree } from "./variables.ts";
