/**
 * What a matrix product is: shapes, and where the elements are. `dot.ts` computes it.
 *
 * @module
 */
import type { Fn } from "./encoder.ts";
import type { LaneType } from "./lanes.ts";

/** Where the elements of a batch of matrices are. All in elements; strides may be 0 or negative. */
export interface MatrixView {
  /** Of the first element, from the pointer. */
  readonly offset: number;
  /** From one matrix to the next. */
  readonly batch: number;
  /** From one row to the next. */
  readonly row: number;
  /** From one column to the next. */
  readonly column: number;
}

/** What is done to the elements of a product before they are stored. */
export interface Epilogue {
  /** Tells it from others in {@linkcode Module.shared}. */
  readonly key: string;
  /** What it reads beside the element: arrays of the dtype, with a view of `out`'s shape each. */
  readonly operands: readonly MatrixView[];
  /**
   * Changes a vector of elements of `out` in place, given vectors of the same elements of the
   * operands, which are its to change. Some lanes may be anything; what comes of them is not stored.
   */
  emit(f: Fn, value: number, operands: readonly number[]): void;
}

/** A further axis of the batch: how far each array moves from one to the next, in elements. */
export interface OuterAxis {
  /** Length. */
  readonly n: number;
  /** Of x. */
  readonly x: number;
  /** Of y. */
  readonly y: number;
  /** Of out, and of what the epilogue reads. */
  readonly targets: readonly number[];
}

/** A batch of matrix products. */
export interface Product {
  /** Axes of the batch in front of `batch`, where strides do not go on like those of one axis. */
  readonly outer?: readonly OuterAxis[];
  readonly dtype: LaneType;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** [m, k]. */
  readonly x: MatrixView;
  /** [k, n]. */
  readonly y: MatrixView;
  /** [m, n]. Nothing else is written, and it overlaps with nothing else. */
  readonly out: MatrixView;
  readonly epilogue?: Epilogue;
}
