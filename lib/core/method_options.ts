/**
 * What the methods of arrays, and the functions of the same names, take besides arrays.
 *
 * @module
 */

/** Options of reductions. */
export interface ReduceOptions {
  /** Whether reduced axes stay, with length 1. */
  readonly keepDims?: boolean | undefined;
}

/** Options of `var` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** What is subtracted from the number of elements in the divisor; 0 where left out. */
  readonly ddof?: number | undefined;
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
