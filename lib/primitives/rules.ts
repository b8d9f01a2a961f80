/**
 * Small parts that the rules of several structural primitives share: axes around a batch axis,
 * constant index arrays, checks, and the ways round what ONNX lacks for a dtype.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { formatAval, shaped, type ShapedArray, sizeOf } from "../core/aval.ts";
import { ConcreteArray } from "../core/concrete.ts";
import type { DType } from "../core/dtype.ts";
import { DTypeError } from "../core/errors.ts";
import type { Lowering, Value } from "../core/lowering.ts";
import { Linear, type SampleInput, type Tangent } from "../core/primitive.ts";
import { broadcastTo, moveAxis, zeros } from "./shape.ts";

/** An array with its extra axis in front: moved there, or broadcast where it has none. */
export function mappedInFront(x: NDArray, dim: number | null, size: number): NDArray {
  return dim === null ? broadcastTo(x, [size, ...x.shape]) : moveAxis(x, dim, 0);
}

/** Axes of an array after an extra axis was put in at `dim`. */
export function shiftAxes(axes: readonly number[], dim: number): number[] {
  return axes.map((a) => a >= dim ? a + 1 : a);
}

/** The axes of an array of `rank` axes that are in none of `groups`, ascending. */
export function otherAxes(rank: number, ...groups: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  for (let i = 0; i < rank; i++) if (!groups.some((g) => g.includes(i))) out.push(i);
  return out;
}

/** The permutation that undoes `perm`. */
export function inversePermutation(perm: readonly number[]): number[] {
  const out: number[] = new Array(perm.length);
  perm.forEach((p, i) => out[p] = i);
  return out;
}

/** A constant int32 array of one axis. */
export function int32Constant(values: readonly number[]): ConcreteArray {
  return ConcreteArray.fromHost(shaped([values.length], "int32"), Int32Array.from(values));
}

/** A tangent or cotangent as an array. */
export function instantiate(tangent: Tangent | undefined, aval: ShapedArray): NDArray {
  return tangent ?? zeros(aval);
}

/** The type of an input during transposition, be it known or not. */
export function avalOf(x: NDArray | Linear): ShapedArray {
  return x instanceof Linear ? x.aval : x.aval;
}

/** Refuses dtypes that an operation does not have, saying what to do. */
export function checkDType(
  op: string,
  what: string,
  aval: ShapedArray,
  allowed: readonly DType[],
  fix = "Convert it with astype first",
): void {
  if (!allowed.includes(aval.dtype)) {
    throw new DTypeError(
      `${op}: ${what} is ${formatAval(aval)}, but only ${
        allowed.join(", ")
      } arrays have this operation. ${fix}`,
    );
  }
}

/** Refuses operands of different dtypes. */
export function checkSameDType(op: string, x: ShapedArray, y: ShapedArray, names: string): void {
  if (x.dtype !== y.dtype) {
    throw new DTypeError(
      `${op}: ${names} have different dtypes, ${formatAval(x)} and ${
        formatAval(y)
      }. Convert one with astype`,
    );
  }
}

/** The dtypes that numbers are calculated with. */
export const numeric: readonly DType[] = ["float32", "float64", "int32", "uint32"];

/** The floating-point dtypes. */
export const floating: readonly DType[] = ["float32", "float64"];

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

/** A float32 sample input with elements counted from `start`. */
export function counting(shape: readonly number[], start = 1): SampleInput {
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => start + i);
  return { shape, dtype: "float32", values };
}
