/**
 * The operations of `jax.lax` under its names: those of `numpy` and of the transforms that are called alike
 * here and there, and those whose arguments mean something else in `lax`. The parts are in files of their
 * own.
 *
 * As everywhere, numbers beside arrays are weakly typed, and operands of two dtypes are brought to one,
 * where JAX refuses them.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.lt(np.array([1, 5]), 3).toArray()); // [ true, false ]
 * ```
 *
 * @module
 */
import "./methods.ts";

export type { Named } from "../core/method_options.ts";
export type { NDArray, Operand } from "../core/array.ts";
export type { DType } from "../core/dtype.ts";

// As in numpy
export {
  abs,
  add,
  astype as convertElementType,
  ceil,
  floor,
  neg,
  pow,
  reciprocal,
  sign,
  square,
  stopGradient,
  sub,
} from "./arithmetic.ts";
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cos,
  cosh,
  exp,
  exp2,
  expm1,
  log,
  log1p,
  rsqrt,
  sin,
  sinh,
  sqrt,
  tan,
  tanh,
} from "./elementary.ts";
export {
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  equal as eq,
  greater as gt,
  greaterEqual as ge,
  isFinite,
  leftShift as shiftLeft,
  less as lt,
  lessEqual as le,
  notEqual as ne,
} from "./logic.ts";
export { full, fullLike } from "./creation.ts";
export { dynamicSlice, dynamicUpdateSlice, slice } from "./indexing.ts";
export { concatenate, stack, tile } from "./joining.ts";
export { expandDims } from "./shaping.ts";
export { broadcastShapes } from "./turning.ts";
export { unstack } from "./stacking.ts";
export { erf, erfc, erfInv, expit as logistic } from "./special.ts";
export { mul, type MulOptions } from "./lax/elementwise.ts";
export { betainc } from "./special/beta.ts";
export { i0e as besselI0e, i1e as besselI1e } from "./special/integrals.ts";
export { digamma, gammaln as lgamma, polygamma, zeta } from "./special/gamma.ts";
export {
  gammainc as igamma,
  gammaincc as igammac,
  igammaGradA,
  randomGammaGrad,
} from "./special/gamma.ts";

// With arguments of their own
export type { ShapeLike } from "./arguments.ts";
export type { CumulativeOptions } from "../core/method_options.ts";
export {
  clamp,
  div,
  integerPow,
  max,
  min,
  mulhi,
  reducePrecision,
  rem,
  round,
  type RoundOptions,
  select,
  selectN,
  shiftRightArithmetic,
  shiftRightLogical,
} from "./lax/elementwise.ts";
export { bitcastConvertType, clz, populationCount } from "./lax/bits.ts";
export { cbrt, nextafter } from "./dtype_info.ts";
export * from "./lax/shaping.ts";
export * from "./lax/reducing.ts";
export * from "./lax/sorting.ts";

// Windows at computed places
export {
  gather,
  type GatherDimensionNumbers,
  type GatherOptions,
  indexTake,
} from "./lax/gather.ts";
export * from "./lax/scatter.ts";
export type { GetOptions, IndexMode, IndexOptions } from "../core/indexing.ts";

// Transforms
export {
  associativeScan,
  cond,
  customLinearSolve,
  customRoot,
  foriLoop,
  map,
  scan,
  switchCase,
  whileLoop,
} from "../transforms/public.ts";

// Between the lanes of a vmap
export * from "./collectives.ts";
export * from "./exchanges.ts";

// Convolutions
export * from "./lax/convolution.ts";
export {
  convGeneralDilatedLocal,
  convGeneralDilatedPatches,
  type PatchOptions,
} from "./lax/patches.ts";
export {
  type ConvDimensionNumbers,
  convDimensionNumbers,
  type ConvDimensionStrings,
} from "./lax/dimension_numbers.ts";
export type { WindowPadding } from "./lax/window_arguments.ts";
export {
  reduceWindow,
  type ReduceWindowOptions,
  type WindowComputation,
  type WindowReducer,
} from "./lax/reduce_window.ts";

// Products
export {
  batchMatmul,
  dot,
  type DotDimensionNumbers,
  dotGeneral,
  type DotGeneralOptions,
  type DotOptions,
  raggedDot,
  type RaggedDotDimensionNumbers,
  raggedDotGeneral,
} from "./lax/products.ts";
