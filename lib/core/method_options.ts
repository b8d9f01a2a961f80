/**
 * What the methods of arrays, and the functions of the same names, take besides arrays. `X` is what may
 * be an operand, which this file does not know: arrays have methods that take these options.
 *
 * @module
 */
import type { DType } from "./dtype.ts";

/**
 * Options in which arguments that come before them, and may be left out, can stand by their names:
 * `np.sum(x, { axis: 0, keepDims: true })`.
 */
export type Named<Options, Before> =
  & Options
  & { readonly [Name in keyof Before]?: Before[Name] | undefined };

/** The axes of a reduction: one, several, or all (`null` or left out). */
export type Axes = number | readonly number[] | null;

/** Axes, or options in which they may be. */
export type AxesOr<Options> = Axes | Named<Options, { axis: Axes }>;

/** An axis, `null` for the flat array, or options in which it may be. */
export type AxisOr<Options> = number | null | Named<Options, { axis: number | null }>;

/** Options of reductions. */
export interface ReduceOptions {
  /** Whether reduced axes stay, with length 1. */
  readonly keepDims?: boolean | undefined;
}

/** Options of reductions that may leave elements out. */
export interface MaskedOptions<X> extends ReduceOptions {
  /** Which elements count, as a mask that broadcasts to the array; all where left out. */
  readonly where?: X | null | undefined;
}

/** Options of `max` and `min`. */
export interface ExtremeOptions<X> extends MaskedOptions<X> {
  /** What the result is compared with too; needed with `where`, and where there may be no elements. */
  readonly initial?: X | null | undefined;
}

/** Options of `sum` and `prod`. */
export interface SumOptions<X> extends MaskedOptions<X> {
  /** What is added or multiplied to. */
  readonly initial?: X | null | undefined;
  /** The element type to which elements are converted first. */
  readonly dtype?: DType | null | undefined;
}

/** Options of `mean`. */
export interface MeanOptions<X> extends MaskedOptions<X> {
  /** The element type to which elements are converted first. */
  readonly dtype?: DType | null | undefined;
}

/** Options of `var` and `std`. */
export interface VarianceOptions<X> extends MeanOptions<X> {
  /** What is subtracted from the number of elements in the divisor; 0 where left out. */
  readonly ddof?: number | undefined;
  /** The same as `ddof`, under the name of the array API standard. */
  readonly correction?: number | undefined;
  /** The mean, where it is known: it broadcasts to the array. */
  readonly mean?: X | null | undefined;
}

/** Options of `cumsum` and `cumprod`. */
export interface CumulativeOptions {
  /** Whether to go from the end to the start. */
  readonly reverse?: boolean | undefined;
}

/** Options of `sort` and `argsort`. */
export interface SortOptions {
  /** Whether the largest come first. */
  readonly descending?: boolean | undefined;
}

/** What `take` does with an index that is out of range. */
export type TakeMode = "fill" | "clip" | "wrap";

/** Options of `take` and `takeAlongAxis`. */
export interface TakeOptions {
  /**
   * For indices out of range: `"fill"` (the default) gives NaN, or the dtype's extreme for integers, and
   * takes negative ones from the end; `"clip"` takes the nearest element; `"wrap"` starts again.
   */
  readonly mode?: TakeMode | undefined;
  /** What `"fill"` gives for indices out of range. */
  readonly fillValue?: number | undefined;
}

/** Options of `diagonal` and `trace`. */
export interface DiagonalOptions {
  /** Which diagonal: 0 (the default) is the main one, positive ones are above it. */
  readonly offset?: number | undefined;
  /** The axis of rows; 0 where left out. */
  readonly axis1?: number | undefined;
  /** The axis of columns; 1 where left out. */
  readonly axis2?: number | undefined;
}
