/**
 * Jaxprs as the bytes of `.onnx` files that any runtime reads. Tracing the user's function is left
 * to `lib/transforms`.
 *
 * @module
 */
import type { Jaxpr } from "../core/jaxpr.ts";
import { lowerJaxpr, type LowerOptions } from "./lower.ts";
import { encodeModel } from "./model.ts";

/** What can be chosen when exporting. */
export type ExportOptions = Omit<LowerOptions, "target">;

/**
 * The bytes of a `.onnx` file with one graph that computes what the jaxpr computes.
 *
 * Names of inputs and outputs may be any strings; an empty one is replaced, and one that occurs
 * twice gets a number.
 */
export function exportJaxpr(jaxpr: Jaxpr, options: ExportOptions = {}): Uint8Array<ArrayBuffer> {
  return encodeModel(lowerJaxpr(jaxpr, { ...options, target: "portable" }));
}
