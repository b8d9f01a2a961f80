/**
 * What the options hold that functions of several files take, for `checkCall`. Those of one file alone
 * are beside its functions.
 *
 * Options of sums of exponentials, and the tables of their names.
 *
 * @module
 */
import { type Operand, type OptionTable, tableOf } from "../core/mod.ts";
import type {
  CumulativeOptions,
  DiagonalOptions,
  MaskedOptions,
  ReduceOptions,
} from "../core/method_options.ts";
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

/** A name that an option holds, in NumPy's spelling too: `"inverted_cdf"` is `"invertedCdf"`. */
export function nameIn<Name>(given: Name): Name {
  return typeof given !== "string"
    ? given
    : given.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()) as Name & string;
}

/** Options of `logsumexp`. */
export interface LogsumexpOptions extends MaskedOptions<Operand> {
  /** Factors of the exponentials, which broadcast against `x`; where they are 0, `x` does not matter. */
  readonly b?: Operand | null | undefined;
  /** Whether the sum's sign is given too, and the logarithm of its size: sums below 0 are NaN otherwise. */
  readonly returnSign?: boolean | undefined;
}

/** Options of `softmax` and `logSoftmax`. */
export interface SoftmaxOptions {
  /** Which elements count, a mask that broadcasts against `x`: the share of the others is 0. */
  readonly where?: Operand | null | undefined;
}
