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
