/**
 * Element types: their names, storage classes, promotion and limits.
 *
 * Owns everything that is known about a dtype without looking at an array. Kernels that exist or
 * not for a dtype are the business of each primitive's lowering.
 *
 * @module
 */
import { formatBytes } from "./errors.ts";

/** The element types that arrays can have. `float32` is the default. */
export type DType = "float32" | "float64" | "int32" | "uint32" | "bool";

/** Storage of an array's elements; `bool` is kept as one byte per element, 0 or 1. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** The dtype given to JavaScript numbers where nothing else decides. */
export const defaultFloat: DType = "float32";

const order: Readonly<Record<DType, number>> = {
  bool: 0,
  uint32: 1,
  int32: 2,
  float32: 3,
  float64: 4,
};

/** All dtypes, in promotion order. */
export const dtypes: readonly DType[] = ["bool", "uint32", "int32", "float32", "float64"];

/** Whether `name` is the name of a dtype. */
export function isDType(name: unknown): name is DType {
  return typeof name === "string" && Object.hasOwn(order, name);
}

/** Whether a dtype is a floating-point type, and so can carry derivatives. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** Whether a dtype is `int32` or `uint32`. */
export function isInteger(dtype: DType): boolean {
  return dtype === "int32" || dtype === "uint32";
}

/**
 * The dtype that holds values of both arguments, by the lattice
 * `bool < uint32 < int32 < float32 < float64`. As in 32-bit JAX, `uint32` with `int32` gives `int32`.
 */
export function promoteDTypes(a: DType, b: DType): DType {
  return order[a] >= order[b] ? a : b;
}

/**
 * The dtype of an operation between an array of `dtype` and a JavaScript number or boolean, which is
 * weakly typed: it adopts the array's dtype wherever that can hold it.
 */
export function promoteScalar(dtype: DType, scalar: number | boolean): DType {
  if (typeof scalar === "boolean") return dtype;
  if (isFloat(dtype)) return dtype;
  if (!Number.isInteger(scalar)) return defaultFloat;
  return dtype === "bool" ? "int32" : dtype;
}

/** Bytes per element in memory. */
export function byteWidth(dtype: DType): number {
  return dtype === "float64" ? 8 : dtype === "bool" ? 1 : 4;
}

/** The distance from 1 to the next larger float; 0 for other dtypes. */
export function epsilon(dtype: DType): number {
  return dtype === "float32" ? 2 ** -23 : dtype === "float64" ? 2 ** -52 : 0;
}

/** The smallest positive float of full precision; 0 for other dtypes. */
export function smallestNormal(dtype: DType): number {
  return dtype === "float32" ? 2 ** -126 : dtype === "float64" ? 2 ** -1022 : 0;
}

/** The smallest and largest finite values of a dtype. */
export function limits(dtype: DType): readonly [min: number, max: number] {
  switch (dtype) {
    case "float32":
      return [-3.4028234663852886e38, 3.4028234663852886e38];
    case "float64":
      return [-Number.MAX_VALUE, Number.MAX_VALUE];
    case "int32":
      return [-2147483648, 2147483647];
    case "uint32":
      return [0, 4294967295];
    case "bool":
      return [0, 1];
  }
}

/** A zero-filled typed array for `size` elements. */
export function allocate(dtype: DType, size: number): TypedArray {
  try {
    return new storage[dtype](size);
  } catch (cause) {
    const bytes = formatBytes(size * byteWidth(dtype));
    throw new RangeError(
      `an array of ${size} ${dtype} elements takes ${bytes}, and there is not that much memory left`,
      { cause },
    );
  }
}

const storage = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/** The dtype whose storage class `data` is an instance of (`Uint8Array` reads as `bool`). */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Int32Array) return "int32";
  if (data instanceof Uint32Array) return "uint32";
  return "bool";
}

/** Whether a typed array has lost its elements, to a worker for example. */
export function isDetached(value: ArrayBufferView): boolean {
  return (value.buffer as ArrayBuffer & { readonly detached?: boolean }).detached === true;
}

/** Whether `value` is one of the typed arrays that can hold elements. */
export function isTypedArray(value: unknown): value is TypedArray {
  return value instanceof Float32Array || value instanceof Float64Array ||
    value instanceof Int32Array || value instanceof Uint32Array || value instanceof Uint8Array;
}

/**
 * One element converted as JAX converts it: floats to integers truncate, saturate and map NaN to 0;
 * integers wrap among themselves; anything but 0 is `true`.
 */
export function convertElement(value: number, from: DType, to: DType): number {
  if (to === "bool") return value !== 0 ? 1 : 0;
  if (isInteger(to)) {
    if (!isFloat(from)) return to === "int32" ? value | 0 : value >>> 0;
    if (Number.isNaN(value)) return 0;
    const [min, max] = limits(to);
    return Math.min(max, Math.max(min, Math.trunc(value)));
  }
  return to === "float32" ? Math.fround(value) : value;
}
