/**
 * Nodes that lowerings of several families need: constants for empty results, and ways round what ONNX
 * lacks for a dtype.
 *
 * @module
 */
import { type ShapedArray, sizeOf } from "../../core/aval.ts";
import type { DType } from "../../core/dtype.ts";
import type { Lowering, Value } from "../../core/lowering.ts";

/** An output without elements as a constant, since kernels differ on empty inputs; else null. */
export function emptyOutput(g: Lowering, aval: ShapedArray): Value | null {
  return sizeOf(aval.shape) === 0 ? g.constant([], aval.shape, aval.dtype) : null;
}

/** An array of equal elements in the graph. */
export function filled(g: Lowering, value: Value, shape: readonly number[]): Value {
  return shape.length === 0 ? value : g.node("Expand", [value, g.int64(shape)]);
}

const SIGN_BIT = 2 ** 31;

/**
 * Elements as numbers of a dtype for which ONNX has ordering kernels (ReduceMax, TopK, ArgMax):
 * uint32 becomes int32 with the sign bit flipped, bool becomes int32.
 */
export function toOrdered(g: Lowering, x: Value, dtype: DType): readonly [Value, DType] {
  if (dtype === "bool") return [g.cast(x, "bool", "int32"), "int32"];
  if (dtype !== "uint32") return [x, dtype];
  // Adding the sign bit modulo 2^32 flips it.
  const flipped = g.node("Add", [x, g.scalar(SIGN_BIT, "uint32")]);
  return [g.cast(flipped, "uint32", "int32"), "int32"];
}

/** Undoes `toOrdered`. */
export function fromOrdered(g: Lowering, x: Value, dtype: DType): Value {
  if (dtype === "bool") return g.cast(x, "int32", "bool");
  if (dtype !== "uint32") return x;
  return g.node("Add", [g.cast(x, "int32", "uint32"), g.scalar(SIGN_BIT, "uint32")]);
}

/** Runs `f` on int32 in place of uint32: right for whatever works on the bits modulo 2^32. */
export function viaInt32(
  g: Lowering,
  inputs: readonly Value[],
  dtype: DType,
  f: (inputs: readonly Value[]) => Value,
): Value {
  if (dtype !== "uint32") return f(inputs);
  return g.cast(f(inputs.map((x) => g.cast(x, "uint32", "int32"))), "int32", "uint32");
}
