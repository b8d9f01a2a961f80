/**
 * Element types: their names, storage classes, promotion and limits.
 *
 * Owns everything that is known about a dtype without looking at an array. Kernels that exist or
 * not for a dtype are the business of each primitive's lowering.
 *
 * Abstract values: what is known of an array without its elements, and the shape arithmetic that
 * every layer shares.
 *
 * @module
 */
import { AxisError, describeValue, formatBytes, formatShape, ShapeError } from "./errors.ts";

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

/** Bytes up to which arrays share memory with others, and of that memory. */
const SMALL = 256;
const SHARED = 4096;

let shared: ArrayBuffer | null = null;
let used = 0;

/**
 * A zero-filled typed array for `size` elements.
 *
 * Small ones lie side by side in memory that they share, no place of which is given out twice: an
 * engine takes about a microsecond for a buffer (Deno for any, V8 elsewhere for more than 64 bytes) and
 * a twentieth of that for a view. So what leaves the library, as `x.data()` does, is a copy, and the
 * shared pieces are short, since one array that is kept keeps its piece.
 */
export function allocate(dtype: DType, size: number): TypedArray {
  const bytes = size * byteWidth(dtype);
  if (!(bytes <= SMALL)) return allocateAlone(dtype, size);
  const room = (bytes + 7) & ~7;
  if (shared === null || used + room > SHARED) {
    shared = new ArrayBuffer(SHARED);
    used = 0;
  }
  const at = used;
  used += room;
  // Not by a table of classes: a constructor that the engine knows is called twice as fast.
  switch (dtype) {
    case "float32":
      return new Float32Array(shared, at, size);
    case "float64":
      return new Float64Array(shared, at, size);
    case "int32":
      return new Int32Array(shared, at, size);
    case "uint32":
      return new Uint32Array(shared, at, size);
    case "bool":
      return new Uint8Array(shared, at, size);
  }
}

/** A zero-filled typed array with a buffer of its own. */
function allocateAlone(dtype: DType, size: number): TypedArray {
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

/** The shape and dtype of an array. */
export interface ShapedArray {
  /** Length of each axis, outermost first. */
  readonly shape: readonly number[];
  /** Element type. */
  readonly dtype: DType;
}

/** Makes an abstract value. */
export function shaped(shape: readonly number[], dtype: DType): ShapedArray {
  return { shape, dtype };
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether two abstract values are equal. */
export function sameAval(a: ShapedArray, b: ShapedArray): boolean {
  return a === b || (a.dtype === b.dtype && sameShape(a.shape, b.shape));
}

/** Bytes that the elements of an array take. */
export function bytesOf(aval: ShapedArray): number {
  return sizeOf(aval.shape) * byteWidth(aval.dtype);
}

/**
 * Most bytes that the elements of one array may take: 4 GiB, what a WebAssembly memory holds. Eager
 * code keeps to it too, so that it and compiled code agree, and a length that is wrong is an error
 * before the machine runs out of memory.
 */
export const mostBytes: number = 2 ** 32;

/**
 * Checks that an array can be held, before it is allocated, and gives its bytes.
 *
 * @throws {RangeError} with its type and bytes.
 */
export function checkRoom(
  op: string,
  aval: ShapedArray,
  what = "the result",
  advice = "If the lengths are right, work on parts, in scan or in a loop",
): number {
  const bytes = bytesOf(aval);
  if (bytes <= mostBytes) return bytes;
  throw new RangeError(
    `${op}: ${what}, ${formatAval(aval)}, takes ${formatBytes(bytes)}, and an array at most ${
      formatBytes(mostBytes)
    }. ${advice}`,
  );
}

/** Formats an abstract value: `float32[2,3]`. */
export function formatAval(aval: ShapedArray): string {
  return `${aval.dtype}${formatShape(aval.shape)}`;
}

/**
 * The shape that `shapes` broadcast to by NumPy's rule.
 *
 * @throws {ShapeError} naming `op` and the shapes where an axis differs and neither length is 1.
 */
export function broadcastShapes(op: string, ...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out: number[] = new Array(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const at = rank - shape.length + i;
      const n = shape[i]!;
      if (n === 1 || out[at] === n) continue;
      if (out[at] !== 1) {
        throw new ShapeError(
          `${op}: shapes ${shapes.map(formatShape).join(" and ")} do not broadcast: axis ${
            at - rank
          } has lengths ${
            out[at]
          } and ${n}. Lengths must be equal or 1; reshape or slice one argument`,
        );
      }
      out[at] = n;
    }
  }
  return out;
}

/**
 * A non-negative axis for a possibly negative one.
 *
 * @throws {AxisError} where `axis` is not an integer in [-rank, rank).
 */
export function normalizeAxis(op: string, axis: number, rank: number, what = "axis"): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const given = typeof axis === "number" ? axis : describeValue(axis);
    throw new AxisError(
      rank === 0
        ? `${op}: ${what} ${given} is out of range: the array is a scalar and has no axes`
        : `${op}: ${what} ${given} is out of range for an array of ${rank} axes (${-rank} to ${
          rank - 1
        })`,
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * Non-negative, sorted axes; `undefined` means all.
 *
 * @throws {AxisError} where one is out of range or given twice.
 */
export function normalizeAxes(
  op: string,
  axes: number | readonly number[] | undefined | null,
  rank: number,
): number[] {
  if (axes === undefined || axes === null) return Array.from({ length: rank }, (_, i) => i);
  const list = (typeof axes === "number" ? [axes] : axes).map((a) => normalizeAxis(op, a, rank));
  const sorted = [...list].sort((a, b) => a - b);
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] === sorted[i - 1]) {
      throw new AxisError(`${op}: axis ${sorted[i]} is given twice in [${list.join(",")}]`);
    }
  }
  return sorted;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = new Array(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}
