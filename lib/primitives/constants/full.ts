/**
 * Arrays of equal elements, and other constants that rules need. They are broadcast scalars, no
 * operations of their own.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { shaped, type ShapedArray } from "../../core/aval.ts";
import { ConcreteArray, scalarArray } from "../../core/concrete.ts";
import type { DType } from "../../core/dtype.ts";
import type { Tangent } from "../../core/primitive.ts";
import { broadcastTo } from "../sum/broadcast.ts";

/** An array of equal elements. */
export function full(shape: readonly number[], value: number, dtype: DType): NDArray {
  return broadcastTo(scalarArray(value, dtype), shape);
}

/** Zeros of a shape and dtype. */
export function zeros(aval: ShapedArray): NDArray {
  return full(aval.shape, 0, aval.dtype);
}

/** Zeros of the shape and dtype of `x`. */
export function zerosLike(x: NDArray): NDArray {
  return full(x.shape, 0, x.dtype);
}

/** Ones of the shape and dtype of `x`. */
export function onesLike(x: NDArray): NDArray {
  return full(x.shape, 1, x.dtype);
}

/** A scalar constant of the dtype of `x`, which broadcasts against it. */
export function scalarLike(value: number, x: NDArray): NDArray {
  return scalarArray(value, x.dtype);
}

/** A constant int32 array of one axis. */
export function int32Constant(values: readonly number[]): ConcreteArray {
  return ConcreteArray.fromHost(shaped([values.length], "int32"), Int32Array.from(values));
}

/** A tangent or cotangent as an array. */
export function instantiate(tangent: Tangent | undefined, aval: ShapedArray): NDArray {
  return tangent ?? zeros(aval);
}
