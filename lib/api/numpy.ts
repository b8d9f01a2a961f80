/**
 * Arrays and what is done with them, as `jax.numpy`; users write
 * `import { numpy as np } from "@injax/injax"`. The parts are in files of their own.
 *
 * Functions take arrays, numbers and booleans. Numbers are weakly typed: they adopt the dtype of the
 * array beside them wherever that can hold them. Options come last.
 *
 * @module
 */
export type { Axes, NDArray, Nested, Operand } from "../core/array.ts";
export type { DType, TypedArray } from "../core/dtype.ts";
export type { DTypeOptions } from "./operands.ts";
export * from "./arithmetic.ts";
export * from "./functions.ts";
export * from "./logic.ts";
export * from "./reductions.ts";
export * from "./shaping.ts";
export * from "./joining.ts";
export * from "./linear.ts";
export * from "./updating.ts";
export { array, type ArrayData, asarray, type SmallTypedArray } from "./nested.ts";
export {
  arange,
  diag,
  eye,
  type EyeOptions,
  full,
  fullLike,
  identity,
  linspace,
  type LinspaceOptions,
  meshgrid,
  ones,
  onesLike,
  type ShapeLike,
  tri,
  tril,
  triu,
  zeros,
  zerosLike,
} from "./creation.ts";
export { einsum } from "./einsum.ts";
export {
  at,
  diagonal,
  type DiagonalOptions,
  dynamicSlice,
  dynamicUpdateSlice,
  slice,
  take,
  takeAlongAxis,
  type TakeMode,
  type TakeOptions,
} from "./indexing.ts";
export { argsort, searchsorted, sort, type SortOptions } from "./sorting.ts";
