/**
 * Inputs for the conformance suite that several families use.
 *
 * @module
 */
import { sizeOf } from "../core/aval.ts";
import type { SampleInput } from "../core/primitive.ts";

/** A float32 sample input with elements counted from `start`. */
export function counting(shape: readonly number[], start = 1): SampleInput {
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => start + i);
  return { shape, dtype: "float32", values };
}
