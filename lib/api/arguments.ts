/**
 * Types of arguments that functions of several files take.
 *
 * @module
 */
import type { DType, Operand } from "../core/mod.ts";
import type { CumulativeOptions } from "../core/method_options.ts";

/** A shape, or the length of the only axis. */
export type ShapeLike = number | readonly number[];

/** Option of functions that make arrays. */
export interface DTypeOptions {
  /** The element type of the result. */
  readonly dtype?: DType | null | undefined;
}

/** How finely numbers are drawn that are far out: `"low"` from one fraction, `"high"` from two. */
export type DrawMode = "low" | "high";

/** Option of draws that may be made of one fraction or, finer far out, of two. */
export interface ModeOptions {
  /** `"low"`, from one fraction (where left out), or `"high"`, from two. */
  readonly mode?: DrawMode | undefined;
}

/** Options of functions whose result has as many elements as values say. */
export interface SizedOptions {
  /** How many elements the result has: needed in compiled code. What is too much is left out. */
  readonly size?: number | null | undefined;
  /** What the result has where there are fewer. */
  readonly fillValue?: Operand | null | undefined;
}

/** Option of sums of products. */
export interface ProductOptions {
  /** The dtype of sums and result, of the operands' kind and no narrower; theirs where left out. */
  readonly preferredElementType?: DType | null | undefined;
}

/** Options of running sums and products. */
export interface RunningOptions extends CumulativeOptions {
  /** The element type to which elements are converted first. */
  readonly dtype?: DType | null | undefined;
}
