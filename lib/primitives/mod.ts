/**
 * The primitive operations that most other layers compose theirs of, in one place, for the same reason as
 * `lib/core/mod.ts`. What few need is imported from its own file, so that nobody loads it for nothing.
 *
 * Primitives import each other in the order of their families.
 *
 * @module
 */
export { sort } from "./sort/sort.ts";
export { cumsum } from "./reduce/cumsum.ts";
export { dynamicSlice, dynamicUpdateSlice } from "./indexing/dynamic_slice.ts";
export { gather, scatterAdd } from "./indexing/gather.ts";
export { concatenate, rev } from "./slicing/concatenate.ts";
export { logaddexp, pow } from "./elementwise/power.ts";
export { stopGradient, withName } from "./elementwise/marks.ts";
export { digamma, gammasgn, lgamma, poch, randomGammaGrad } from "./elementwise/gamma.ts";
export { erf, erfc, erfcx, erfInv } from "./elementwise/erf.ts";
export {
  atan,
  cos,
  exp,
  expm1,
  isFinite,
  isNaN,
  log,
  log1p,
  sin,
  sqrt,
  tan,
} from "./elementwise/elementary.ts";
export { pureCallbackP, type VmapMethod } from "./effects/pure_callback.ts";
export { doEffect, placesIn, withValues } from "./effects/effect.ts";
export {
  argmax,
  reduceAnd,
  reduceMax,
  reduceMin,
  reduceOr,
  reduceProd,
} from "./reduce/extremes.ts";
export { withoutAxes } from "./reduce/reduction.ts";
export { pad, slice } from "./slicing/slice.ts";
export { type AxisPairs, dotGeneral } from "./dot/dot_general.ts";
export {
  abs,
  add,
  div,
  maximum,
  minimum,
  mul,
  mulAdd,
  neg,
  rem,
  setBits,
  sign,
  sub,
} from "./elementwise/arithmetic.ts";
export { select } from "./elementwise/select.ts";
export { ceil, convert, floor, round, trunc } from "./elementwise/convert.ts";
export {
  and,
  eq,
  ge,
  gt,
  le,
  lt,
  ne,
  not,
  or,
  shiftRightLogical,
  xor,
} from "./elementwise/compare.ts";
export { emptyOutput, filled, Formula } from "./graph/nodes.ts";
export {
  full,
  instantiate,
  int32Constant,
  iota,
  onesLike,
  scalarLike,
  zeros,
  zerosLike,
} from "./constants/constants.ts";
export { batchAxisInFront, broadcastTo, reduceSum } from "./sum/broadcast.ts";
export { expandDims, moveAxis, reshape, transpose } from "./shape/shape.ts";
export { aroundAxis } from "./loops/loops.ts";
export { type AxisParams, checkAxis, inversePermutation, otherAxes } from "./axes.ts";
