/**
 * Indices as operations need them, and elements looked up at them: what `indexing.ts`, `set_at.ts`
 * and whatever rearranges arrays share.
 *
 * @module
 */
import type { DiagonalOptions } from "../core/method_options.ts";
import {
  AxisError,
  describeValue,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  ShapeError,
} from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  concatenate,
  expandDims,
  gather,
  ge,
  int32Constant,
  iota,
  lt,
  moveAxis,
  reshape,
  scalarLike,
  select,
  slice as sliceOf,
  transpose,
} from "../primitives/mod.ts";
import { asOperand, expectArray, expectAxis, expectRank, expectRoom } from "./operands.ts";

/** A constant index as a non-negative one. */
export function staticIndex(
  op: string,
  index: number,
  n: number,
  axis: number,
  x: NDArray,
): number {
  if (!Number.isInteger(index)) {
    throw new TypeError(
      `${op}: an index must be an integer, not ${
        typeof index === "number" ? index : describeValue(index)
      }`,
    );
  }
  if (index < -n || index >= n) {
    throw new AxisError(
      `${op}: index ${index} is out of range for axis ${axis} of an array of shape ${
        formatShape(x.shape)
      }${n === 0 ? "" : ` (${-n} to ${n - 1})`}`,
    );
  }
  return index < 0 ? index + n : index;
}

/** Refuses arrays without axes. */
export function expectAxisZero(op: string, x: NDArray): number {
  if (x.ndim === 0) {
    throw new ShapeError(`${op}: x is a scalar and has no axis to index`);
  }
  return x.shape[0]!;
}

/** Negative indices counted from the end. */
export function wrapped(indices: NDArray, n: number): NDArray {
  const zero = scalarLike(0, indices);
  return select(lt(indices, zero), add(indices, scalarLike(n, indices)), indices);
}

/** Whether each index is at least 0 and below `n`. */
export function inside(indices: NDArray, n: number): NDArray {
  return and(ge(indices, scalarLike(0, indices)), lt(indices, scalarLike(n, indices)));
}

/** A mask for blocks, from one for their positions. */
export function forBlocks(mask: NDArray, rank: number): NDArray {
  return reshape(mask, [...mask.shape, ...new Array<number>(rank - mask.ndim).fill(1)]);
}

/** Elements along an axis at indices in range, whose axes take the place of that axis. */
export function takeInRange(x: NDArray, indices: NDArray, axis: number): NDArray {
  const rows = gather(moveAxis(x, axis, 0), reshape(indices, [...indices.shape, 1]));
  if (axis === 0) return rows;
  const k = indices.ndim;
  const order = rows.shape.map((_, i) => i);
  return transpose(rows, [
    ...order.slice(k, k + axis),
    ...order.slice(0, k),
    ...order.slice(k + axis),
  ]);
}

/** Elements along an axis at constant indices in range. */
export function takeConstant(x: NDArray, indices: readonly number[], axis: number): NDArray {
  return takeInRange(x, int32Constant(indices), axis);
}

/** The parts of an array along an axis: so many of one length, or those between positions. */
export function splitAlong(
  op: string,
  a: NDArray,
  sections: number | readonly number[],
  along: number,
): NDArray[] {
  const n = a.shape[along]!;
  let ends: number[];
  if (typeof sections === "number") {
    expectInteger(op, sections, "the number of parts", 1);
    if (n % sections !== 0) {
      throw new ShapeError(
        `${op}: axis ${along} of an array of shape ${
          formatShape(a.shape)
        } has length ${n}, which does not divide into ${sections} equal parts. ` +
          "Give the positions at which to split instead",
      );
    }
    ends = Array.from({ length: sections }, (_, i) => (i + 1) * n / sections);
  } else {
    if (!Array.isArray(sections)) {
      throw new TypeError(
        `${op}: the second argument is a number of parts or a list of positions, not ${
          describeValue(sections)
        }`,
      );
    }
    ends = [
      ...sections.map((k: number, i) => {
        expectInteger(op, k, `position ${i}`);
        return Math.min(n, Math.max(0, k < 0 ? k + n : k));
      }),
      n,
    ];
  }
  let start = 0;
  return ends.map((end) => {
    const from = a.shape.map((_, k) => k === along ? start : 0);
    const part = sliceOf(a, from, a.shape.with(along, Math.max(start, end)));
    start = end;
    return part;
  });
}

/** The diagonals over two axes. */
export function diagonalsOf(op: string, x: NDArray, options: DiagonalOptions): NDArray {
  const a = expectArray(op, x);
  const { offset = 0, axis1 = 0, axis2 = 1 } = options;
  expectRank(op, "x", a, 2);
  expectInteger(op, offset, "the offset");
  const row = expectAxis(op, axis1, a.ndim, "axis1");
  const column = expectAxis(op, axis2, a.ndim, "axis2");
  if (row === column) {
    throw new AxisError(`${op}: axis1 and axis2 are both axis ${row}`);
  }
  const rest = a.shape.map((_, k) => k).filter((k) => k !== row && k !== column);
  const front = transpose(a, [row, column, ...rest]);
  const first = Math.max(0, -offset);
  const n = Math.max(0, Math.min(a.shape[row]! - first, a.shape[column]! - Math.max(0, offset)));
  // Counted and not listed, so that a program for long diagonals stays short.
  const count = iota([n, 1], 0, "int32");
  const from = (start: number): NDArray => start === 0 ? count : add(count, int32Constant([start]));
  const pairs = concatenate([from(first), from(first + offset)], 1);
  return moveAxis(gather(front, pairs), 0, rest.length);
}

/** Each element along an axis so often, as `repeat` of known numbers. */
export function repeated(
  x: Operand,
  repeats: number | readonly number[],
  axis?: number | null,
): NDArray {
  const given = asOperand("repeat", x);
  const flat = axis === undefined || axis === null;
  const a = flat ? reshape(given, [given.size]) : given;
  const along = flat ? 0 : expectAxis("repeat", axis, a.ndim);
  const n = a.shape[along]!;
  if (typeof repeats === "number") {
    expectInteger("repeat", repeats, "the number of repeats", 0);
    expectRoom("repeat", a.shape.with(along, n * repeats), a.dtype);
    const shape = a.shape.toSpliced(along + 1, 0, repeats);
    const all = broadcastTo(expandDims(a, [along + 1]), shape);
    return reshape(all, a.shape.with(along, n * repeats));
  }
  if (!Array.isArray(repeats) || repeats.length !== n) {
    throw new ShapeError(
      `repeat: the list of repeats must have a number for each of the ${n} elements along axis ${along}, ` +
        `not ${Array.isArray(repeats) ? formatShape(repeats) : describeValue(repeats)}`,
    );
  }
  const total = repeats.reduce(
    (sum: number, r: number, i) => sum + expectInteger("repeat", r, `repeats[${i}]`, 0),
    0,
  );
  expectRoom("repeat", a.shape.with(along, total), a.dtype);
  const indices = repeats.flatMap((r: number, i) => new Array<number>(r).fill(i));
  return takeConstant(a, indices, along);
}

/** The error for a result whose shape depends on values that are not known. */
export function unknownLength(op: string, option: string): ShapeError {
  return new ShapeError(
    `${op}: the shape of the result depends on values, which are not known while a function is traced. ` +
      `Give the option ${option}`,
  );
}
