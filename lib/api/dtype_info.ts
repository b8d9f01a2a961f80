/**
 * What dtypes can hold.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { expectDType } from "../core/checks.ts";
import { type DType, epsilon, isFloat, isInteger, limits } from "../core/dtype.ts";
import { DTypeError } from "../core/errors.ts";
import { checkCall } from "../core/signature.ts";

/** What a float dtype can hold. */
export interface FloatInfo {
  /** The dtype. */
  readonly dtype: DType;
  /** Bits of a number. */
  readonly bits: number;
  /** Distance from 1 to the next number. */
  readonly eps: number;
  /** Largest finite number. */
  readonly max: number;
  /** Least finite number. */
  readonly min: number;
  /** Smallest positive number of full precision. */
  readonly tiny: number;
  /** Smallest positive number. */
  readonly smallestSubnormal: number;
}

/** What an integer dtype can hold. */
export interface IntegerInfo {
  /** The dtype. */
  readonly dtype: DType;
  /** Bits of a number. */
  readonly bits: number;
  /** Largest number. */
  readonly max: number;
  /** Least number. */
  readonly min: number;
}

/** The dtype that is named or that an array has. */
function dtypeOf(op: string, x: DType | NDArray): DType {
  return x instanceof NDArray ? x.dtype : expectDType(op, x ?? null, "float32");
}

/**
 * What a float dtype, or that of an array, can hold, as `jax.numpy.finfo`.
 *
 * @throws {DTypeError} where it is not a float.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.finfo("float64").eps === 2 ** -52); // true
 * ```
 */
export function finfo(dtype: DType | NDArray): FloatInfo {
  if (arguments.length > 1) checkCall("finfo(dtype)", arguments);
  const type = dtypeOf("finfo", dtype);
  if (!isFloat(type)) {
    throw new DTypeError(`finfo: ${type} is not a float dtype. Use np.iinfo for integers`);
  }
  const single = type === "float32";
  const max = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  return {
    dtype: type,
    bits: single ? 32 : 64,
    eps: epsilon(type),
    max,
    min: -max,
    tiny: single ? 2 ** -126 : 2 ** -1022,
    smallestSubnormal: single ? 2 ** -149 : Number.MIN_VALUE,
  };
}

/**
 * What an integer dtype, or that of an array, can hold, as `jax.numpy.iinfo`.
 *
 * @throws {DTypeError} where it is not an integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.iinfo("int32").max); // 2147483647
 * ```
 */
export function iinfo(dtype: DType | NDArray): IntegerInfo {
  if (arguments.length > 1) checkCall("iinfo(dtype)", arguments);
  const type = dtypeOf("iinfo", dtype);
  if (!isInteger(type)) {
    throw new DTypeError(`iinfo: ${type} is not an integer dtype. Use np.finfo for floats`);
  }
  const [min, max] = limits(type);
  return { dtype: type, bits: 32, max, min };
}
