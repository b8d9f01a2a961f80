/**
 * Types of arguments that functions of several files take.
 *
 * @module
 */
import type { DType } from "../core/dtype.ts";

/** A shape, or the length of the only axis. */
export type ShapeLike = number | readonly number[];

/** Option of functions that make arrays. */
export interface DTypeOptions {
  /** The element type of the result. */
  readonly dtype?: DType | undefined;
}

/** How finely numbers are drawn that are far out: `"low"` from one fraction, `"high"` from two. */
export type DrawMode = "low" | "high";

/** Option of draws that may be made of one fraction or, finer far out, of two. */
export interface ModeOptions {
  /** `"low"`, from one fraction (where left out), or `"high"`, from two. */
  readonly mode?: DrawMode | undefined;
}
