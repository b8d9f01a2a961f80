/**
 * What the options hold that functions of several files take, for `checkCall`. Those of one file alone
 * are beside its functions.
 *
 * @module
 */
import type { CumulativeOptions, DiagonalOptions, ReduceOptions } from "../core/method_options.ts";
import { type OptionTable, tableOf } from "../core/signature.ts";
import type {
  DTypeOptions,
  ModeOptions,
  ProductOptions,
  RunningOptions,
  SizedOptions,
} from "./arguments.ts";

/** Of functions that make arrays. */
export const dtypeOptions: OptionTable<DTypeOptions> = { dtype: "dtype" };

/** Of reductions. */
export const reduceOptions: OptionTable<ReduceOptions> = { keepDims: "boolean" };

/** Of running sums and products. */
export const cumulativeOptions: OptionTable<CumulativeOptions> = { reverse: "boolean" };

/** Of `diagonal` and `trace`. */
export const diagonalOptions: OptionTable<DiagonalOptions> = {
  offset: "number",
  axis1: "number",
  axis2: "number",
};

/** Of draws that may be made more finely. */
export const modeOptions: OptionTable<ModeOptions> = { mode: "string" };

/** Of functions whose result has as many elements as values say. */
export const sizedOptions: OptionTable<SizedOptions> = { size: "number", fillValue: "operand" };

/** Of sums of products. */
export const productOptions: OptionTable<ProductOptions> = { preferredElementType: "dtype" };

/** Of running sums and products with a dtype. */
export const runningOptions: OptionTable<RunningOptions> = /* @__PURE__ */ tableOf(
  cumulativeOptions,
  { dtype: "dtype" },
);
