/**
 * A module system in the manner of Trax: layers are objects with weights and state, `init` makes these for a
 * signature, `pureFn` takes them as arguments, and combinators work on a stack. `transforms` is the
 * dictionary to use inside of layers, and in `withLayers`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const model = tl.Serial(tl.Dense(4), tl.Tanh(), tl.Residual(tl.Dense(4), tl.Relu()));
 * const x = np.ones([2, 3]);
 * const [weights, state] = model.init(tl.signature(x), random.key(0));
 * console.log(model.pureFn(x, weights, state)[0].shape); // [ 2, 4 ]
 * ```
 *
 * @module
 */
export type { BackwardArguments } from "./backward.ts";
export {
  Add,
  Branch,
  Concatenate,
  Drop,
  Dup,
  Gate,
  type Layers,
  Multiply,
  type NameOptions,
  Parallel,
  Residual,
  type ResidualOptions,
  Select,
  Serial,
  SerialWithSideOutputs,
  Split,
  SubtractTop,
  Swap,
} from "./combinators.ts";
export { type KeyOf, protocol, transforms } from "./context.ts";
export { Chunk, Cond, Scan, type ScanOptions } from "./control.ts";
export {
  AvgPool,
  CausalConv,
  type CausalConvOptions,
  CausalDepthwiseConv,
  type CausalDepthwiseConvOptions,
  Conv,
  Conv1d,
  type Conv1dOptions,
  type ConvOptions,
  MaxPool,
  type PoolOptions,
  SumPool,
} from "./convolution.ts";
export {
  Dense,
  type DenseOptions,
  Dropout,
  type DropoutOptions,
  Elu,
  Embedding,
  type EmbeddingOptions,
  Exp,
  FastGelu,
  Flatten,
  Fn,
  Gelu,
  LeakyRelu,
  Log,
  LogSoftmax,
  Mean,
  type Mode,
  Negate,
  Relu,
  Sigmoid,
  Softmax,
  Softplus,
  Sum,
  Swish,
  Tanh,
  Weights,
} from "./core.ts";
export {
  AtariConvInit,
  ConstantInitializer,
  GlorotNormalInitializer,
  GlorotUniformInitializer,
  type Initializer,
  KaimingNormalInitializer,
  KaimingUniformInitializer,
  LeCunNormalInitializer,
  LeCunUniformInitializer,
  OrthogonalInitializer,
  RandomNormalInitializer,
  RandomUniformInitializer,
  ScaledInitializer,
  type ScaledMaker,
  type ScaledOptions,
} from "./initializers.ts";
export { type AnyLayer, type CallOptions, Layer, type LayerOptions } from "./layer.ts";
export { BatchNorm, type BatchNormOptions, LayerNorm, type LayerNormOptions } from "./norm.ts";
export { type CellOptions, GRU, GRUCell, LSTM, LSTMCell, MakeZeroState } from "./recurrent.ts";
export { type Signature, signature, type Tensors } from "./tensors.ts";
export { shared, type Values } from "./values.ts";
export { BatchLeadingAxes, Bidirectional, type BidirectionalOptions } from "./wrappers.ts";
export { withLayers, type WithLayersOptions } from "./with_layers.ts";
