/**
 * Arrays and what is done with them, as `jax.numpy`; users write
 * `import { numpy as np } from "@injax/injax"`. The parts are in files of their own,
 * which export nothing else: what is re-exported by name is on no page of the documentation.
 *
 * Functions take arrays, numbers and booleans. Numbers are weakly typed: they adopt the dtype of the
 * array beside them wherever that can hold them. Options come last.
 *
 * @module
 */
import "./methods.ts";

export type { Axes, NDArray, Nested, Operand } from "../core/array.ts";
export type { Index } from "./index_plan.ts";
export type {
  GetOptions,
  IndexMode,
  IndexOf,
  IndexOptions,
  PlaceOf,
  Slice,
} from "../core/indexing.ts";
export type { DType, TypedArray } from "../core/dtype.ts";
export type {
  AxesOr,
  AxisOr,
  CumulativeOptions,
  DiagonalOptions,
  ExtremeOptions,
  MaskedOptions,
  MeanOptions,
  Named,
  ReduceOptions,
  SortOptions,
  SumOptions,
  TakeMode,
  TakeOptions,
  VarianceOptions,
} from "../core/method_options.ts";
export * from "./arguments.ts";
export * from "./dtype_info.ts";
export * from "./arithmetic.ts";
export * from "./elementary.ts";
export * from "./logic.ts";
export * from "./reductions.ts";
export * from "./statistics.ts";
export * from "./shaping.ts";
export * from "./joining.ts";
export * from "./padding.ts";
export * from "./products.ts";
export * from "./set_at.ts";
export * from "./array.ts";
export * from "./creation.ts";
export * from "./indexing.ts";
export * from "./sorting.ts";
export * from "./stacking.ts";
export * from "./floating.ts";
export * from "./nan_reductions.ts";
export * from "./quantiles.ts";
export * from "./histograms.ts";
export * from "./sequences.ts";
export * from "./signals.ts";
export * from "./sets.ts";
export * from "./nonzero.ts";
export * from "./turning.ts";
export * from "./choosing.ts";
export * from "./vector_products.ts";
export * from "./polynomials.ts";
export * from "./mapping.ts";
export * from "./ranges.ts";
