/**
 * Abstract values: what is known of an array without its elements, and the shape arithmetic that
 * every layer shares.
 *
 * @module
 */
import { byteWidth, type DType } from "./dtype.ts";
import { AxisError, describeValue, formatBytes, formatShape, ShapeError } from "./errors.ts";

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
export function checkRoom(op: string, aval: ShapedArray): number {
  const bytes = bytesOf(aval);
  if (bytes <= mostBytes) return bytes;
  throw new RangeError(
    `${op}: the result, ${formatAval(aval)}, takes ${formatBytes(bytes)}, and an array at most ${
      formatBytes(mostBytes)
    }. If the lengths are right, work on parts, in scan or in a loop`,
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
