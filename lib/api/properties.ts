/**
 * What arrays say of themselves, as functions.
 *
 * @module
 */
import type { Axes, Operand } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import { checkCall } from "../core/signature.ts";
import { asOperand, expectAxes } from "./operands.ts";

/**
 * The shape of an array, as `jax.numpy.shape`; that of a number is empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.shape(np.zeros([2, 3]))); // [ 2, 3 ]
 * ```
 */
export function shape(x: Operand): readonly number[] {
  if (arguments.length > 1) checkCall("shape(x)", arguments);
  return asOperand("shape", x).shape;
}

/** The number of axes of an array, as `jax.numpy.ndim`. */
export function ndim(x: Operand): number {
  if (arguments.length > 1) checkCall("ndim(x)", arguments);
  return asOperand("ndim", x).ndim;
}

/**
 * The number of elements of an array, or its length along axes, as `jax.numpy.size`.
 *
 * @throws {AxisError} where an axis is out of range.
 */
export function size(x: Operand, axis?: Axes): number {
  if (arguments.length > 2) checkCall("size(x, axis)", arguments);
  const array = asOperand("size", x);
  return sizeOf(expectAxes("size", axis, array.ndim).map((k) => array.shape[k]!));
}
