/**
 * Computed places of blocks in an array, as gather and the scatters have them: their checks, the scalars
 * of routines, and what rules and graphs need of them.
 *
 * What batching rules need where the place of a block differs from lane to lane.
 *
 * Looking up and adding at computed positions on the CPU. The indexed axes come first, and their lengths
 * last among the scalars; what is behind these axes is a block.
 *
 * Blocks at computed places in ONNX: where they begin, and what is put in their place.
 *
 * @module
 */
import {
  checkSameDType,
  DTypeError,
  formatAval,
  formatShape,
  type NDArray,
  sameShape,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { type Routine, routine } from "../../routine/routine.ts";
import { inversePermutation, otherAxes } from "../axes.ts";
import { int32Constant, iota, scalarLike } from "../constants/constants.ts";
import { maximum, minimum } from "../elementwise/arithmetic.ts";
import { and, ge, lt } from "../elementwise/compare.ts";
import { reduceAnd } from "../reduce/extremes.ts";
import { expandDims, reshape, transpose } from "../shape/shape.ts";
import { concatenate } from "../slicing/concatenate.ts";

/** Starts for each lane, clamped, to be added to index arrays of `rank` axes with lanes in front. */
export function laneStarts(start: NDArray, last: number, rank: number): NDArray {
  const clamped = minimum(maximum(start, scalarLike(0, start)), scalarLike(last, start));
  return clamped.ndim === 0
    ? clamped
    : expandDims(clamped, Array.from({ length: rank - 1 }, (_, i) => i + 1));
}

/** Index arrays side by side along a new last axis. */
export function stacked(columns: readonly NDArray[]): NDArray {
  const rank = columns[0]!.ndim;
  return concatenate(columns.map((c) => expandDims(c, [rank])), rank);
}

/** Puts `axes` first, behind the lanes where there are any. */
export function axesFirst(x: NDArray, lanes: boolean, axes: readonly number[]): NDArray {
  const rank = x.ndim - (lanes ? 1 : 0);
  const perm = [...axes, ...otherAxes(rank, axes)];
  return transpose(x, lanes ? [0, ...perm.map((p) => p + 1)] : perm);
}

/** Undoes `axesFirst`, for an array with lanes. */
export function axesBack(x: NDArray, axes: readonly number[]): NDArray {
  const perm = inversePermutation([...axes, ...otherAxes(x.ndim - 1, axes)]);
  return transpose(x, [0, ...perm.map((p) => p + 1)]);
}

/** Checks the indices and gives the shape of what they pick: one block of the operand for each. */
export function pickedShape(op: string, operand: ShapedArray, indices: ShapedArray): number[] {
  const depth = indices.shape.at(-1);
  if (indices.dtype !== "int32" || depth === undefined) {
    throw new DTypeError(
      `${op}: indices must be an int32 array of at least one axis, but are ${formatAval(indices)}`,
    );
  }
  if (depth === 0 || depth > operand.shape.length) {
    throw new ShapeError(
      `${op}: the last axis of indices, of shape ${
        formatShape(indices.shape)
      }, must have a length from 1 to the ${operand.shape.length} axes of the operand, which is ${
        formatAval(operand)
      }`,
    );
  }
  return [...indices.shape.slice(0, -1), ...operand.shape.slice(depth)];
}

/** Checks that there is an update of the operand's dtype for each block that the indices pick. */
export function checkUpdates(
  op: string,
  operand: ShapedArray,
  indices: ShapedArray,
  updates: ShapedArray,
): void {
  checkSameDType(op, operand, updates, "operand and updates");
  const shape = pickedShape(op, operand, indices);
  if (!sameShape(shape, updates.shape)) {
    throw new ShapeError(
      `${op}: updates have shape ${formatShape(updates.shape)}, but operand ${
        formatAval(operand)
      } at indices of shape ${formatShape(indices.shape)} takes ${formatShape(shape)}`,
    );
  }
}

/** Scalars of the routines: number of indices, size of a block, lengths of the indexed axes. */
export function blocksOf(operand: ShapedArray, indices: ShapedArray): number[] {
  const depth = indices.shape.at(-1)!;
  const block = sizeOf(operand.shape.slice(depth));
  return [sizeOf(indices.shape) / depth, block, ...operand.shape.slice(0, depth)];
}

/** A column of lane numbers in front of each lane's indices. */
export function withLane(indices: NDArray): NDArray {
  const shape = indices.shape.with(-1, 1);
  return concatenate([iota(shape, 0, "int32"), indices], indices.ndim - 1);
}

/** Indices clamped into the range of the operand. */
export function clamped(indices: NDArray, shape: readonly number[]): NDArray {
  const last = int32Constant(shape.slice(0, indices.shape.at(-1)!).map((n) => n - 1));
  return minimum(maximum(indices, scalarLike(0, indices)), last);
}

/** Whether each index is in range; one axis less than the indices. */
export function inRange(indices: NDArray, shape: readonly number[]): NDArray {
  const lengths = int32Constant(shape.slice(0, indices.shape.at(-1)!));
  return reduceAnd(
    and(ge(indices, scalarLike(0, indices)), lt(indices, lengths)),
    [indices.ndim - 1],
  );
}

/** A mask of places as one of the blocks at them, whose array has `rank` axes. */
export function ofBlocks(mask: NDArray, rank: number): NDArray {
  return reshape(mask, [...mask.shape, ...new Array<number>(rank - mask.ndim).fill(1)]);
}

/**
 * The indices along each axis in the graph, without the last axis of the array of indices. What is done
 * to them takes scalars beside them: a column of one beside a vector of one costs the kernels ten times
 * as much.
 */
export function lowerColumns(g: Lowering, indices: Value, { shape }: ShapedArray): Value[] {
  const [rows, depth] = [shape.slice(0, -1), shape.at(-1)!];
  if (depth === 1) return [g.reshape(indices, rows)];
  return Array.from(
    { length: depth },
    (_, k) => g.node("Gather", [indices, g.scalar(k, "int64")], { axis: rows.length }),
  );
}

/** An array in the graph with its indexed axes as one. */
export function lowerMerged(
  g: Lowering,
  x: Value,
  { shape }: ShapedArray,
  lengths: readonly number[],
): Value {
  if (lengths.length === 1) return x;
  return g.reshape(x, [sizeOf(lengths), ...shape.slice(lengths.length)]);
}

/** Positions of blocks where all indexed axes are one, from indices in range along each. */
export function lowerPositions(
  g: Lowering,
  columns: readonly Value[],
  lengths: readonly number[],
): Value {
  const strides = stridesOf(lengths);
  return columns
    .map((column, k) =>
      k === lengths.length - 1 ? column : g.node("Mul", [column, g.scalar(strides[k]!, "int32")])
    )
    .reduce((sum, column) => g.node("Add", [sum, column]));
}

/** Whether each place lies within the array, in the graph, from the indices along each axis. */
export function lowerInside(
  g: Lowering,
  columns: readonly Value[],
  lengths: readonly number[],
): Value {
  const zero = g.scalar(0, "int32");
  return columns
    .flatMap((column, k) => [
      g.node("GreaterOrEqual", [column, zero]),
      g.node("Less", [column, g.scalar(lengths[k]!, "int32")]),
    ])
    .reduce((a, b) => g.node("And", [a, b]));
}

/** One routine for each number of indexed axes, made when first asked for. */
function perDepth(make: (axes: readonly number[]) => Routine): (depth: number) => Routine {
  const made: Routine[] = [];
  return (depth) => made[depth] ??= make(Array.from({ length: depth }, (_, k) => k));
}

const lengths = (axes: readonly number[]): string => axes.map((k) => `n${k}`).join(", ");

/** Blocks at indices, which are clamped into range. */
export const gatherRoutine: (depth: number) => Routine = /* @__PURE__ */ perDepth((axes) => {
  const at = `let at = 0
    ${
    axes.map((k) => `at = at * n${k} + max(0, min(indices[r, ${k}], n${k} - 1))`).join("\n    ")
  }`;
  return routine(`
gather${axes.length}(in x: T[any, block], in indices: i32[rows, ${axes.length}], out y: T[rows, block],
        rows, block, ${lengths(axes)}) {
  if block == 1 {
    for r in 0..rows {
      ${at}
      y[r] = x[at]
    }
  } else {
    for r in 0..rows {
      ${at}
      vector j in 0..block { y[r, j] = x[at, j] }
    }
  }
}`);
});

/** How an update is put to what is at its place. */
export type Combining = "set" | "add" | "mul" | "min" | "max";

const combined: Readonly<Record<Combining, (to: string, update: string) => string>> = {
  set: (to, update) => `${to} = ${update}`,
  add: (to, update) => `${to} += ${update}`,
  mul: (to, update) => `${to} *= ${update}`,
  min: (to, update) => `${to} = min(${to}, ${update})`,
  max: (to, update) => `${to} = max(${to}, ${update})`,
};

/**
 * An array of `size` elements with blocks put to it at indices, in their order; what is out of range is
 * dropped.
 */
const scatterRoutine = (how: Combining): (depth: number) => Routine =>
  perDepth((axes) =>
    routine(`
scatter_${how}${axes.length}(in x: T[size], in indices: i32[rows, ${axes.length}],
        in updates: T[rows, block], out y: T[size], size, rows, block, ${lengths(axes)}) {
  vector i in 0..size { y[i] = x[i] }
  for r in 0..rows {
    ${axes.map((k) => `let i${k} = indices[r, ${k}]`).join("\n    ")}
    if ${axes.map((k) => `i${k} >= 0 and i${k} < n${k}`).join(" and ")} {
      let at = 0
      ${axes.map((k) => `at = at * n${k} + i${k}`).join("\n      ")}
      if block == 1 { ${combined[how]("y[at]", "updates[r]")} }
      else { vector j in 0..block { ${combined[how]("y[at * block + j]", "updates[r, j]")} } }
    }
  }
}`)
  );

/** By how updates are put to what is there, and the number of indexed axes. */
export const scatterRoutines: Readonly<Record<Combining, (depth: number) => Routine>> = {
  set: /* @__PURE__ */ scatterRoutine("set"),
  add: /* @__PURE__ */ scatterRoutine("add"),
  mul: /* @__PURE__ */ scatterRoutine("mul"),
  min: /* @__PURE__ */ scatterRoutine("min"),
  max: /* @__PURE__ */ scatterRoutine("max"),
};

/** An array with blocks added at indices. */
export const scatterAddRoutine: (depth: number) => Routine = scatterRoutines.add;

/** Starts along some axes as one int64 vector, clamped; a `null` start is 0. */
export function startsIn(
  g: Lowering,
  starts: readonly (Value | null)[],
  limits: readonly number[],
): Value {
  const parts = starts.map((s) => s === null ? g.constant([0], [1], "int32") : g.reshape(s, [1]));
  const joined = parts.length === 1 ? parts[0]! : g.node("Concat", parts, { axis: 0 });
  const low = g.node("Max", [joined, g.scalar(0, "int32")]);
  const clamped = g.node("Min", [low, g.constant(limits, [limits.length], "int32")]);
  return g.cast(clamped, "int32", "int64");
}

/** An int32 start, moved to 0 to `limit`. */
export function within(g: Lowering, start: Value, limit: number): Value {
  const low = g.node("Max", [start, g.scalar(0, "int32")]);
  return g.node("Min", [low, g.scalar(limit, "int32")]);
}

/**
 * The update in place of a block, without positions in int64: the update spread over all of `x`, its
 * outer elements repeated, and a choice between both.
 */
export function overlaidIn(
  g: Lowering,
  x: Value,
  update: Value,
  starts: readonly Value[],
  { shape, dtype }: ShapedArray,
  sizes: readonly number[],
  axes: readonly number[],
): Value {
  let spread = update;
  let inside: Value | null = null;
  for (const axis of axes) {
    const n = shape[axis]!;
    const size = sizes[axis]!;
    const start = within(g, starts[axis]!, n - size);
    const positions = g.constant(Array.from({ length: n }, (_, i) => i), [n], "int32");
    const at = g.node("Sub", [positions, start]);
    spread = g.node("Gather", [spread, within(g, at, size - 1)], { axis });
    const here = g.node("Equal", [at, within(g, at, size - 1)]);
    const along = g.reshape(here, shape.slice(axis).map((_, i) => i === 0 ? n : 1));
    inside = inside === null ? along : g.node("And", [inside, along]);
  }
  return g.where(inside!, spread, x, dtype);
}

/**
 * The update in place of a block, without listing positions: along the first axis that is cut, what
 * lies before it, the block with the update put in along the other axes, and what lies behind.
 */
export function insertedIn(
  g: Lowering,
  x: Value,
  update: Value,
  starts: readonly Value[],
  shape: readonly number[],
  sizes: readonly number[],
  [axis, ...others]: readonly number[],
): Value {
  if (axis === undefined) return update;
  const n = sizes[axis]!;
  const at = g.int64([axis]);
  const first = startsIn(g, [starts[axis]!], [shape[axis]! - n]);
  const end = g.node("Add", [first, g.int64([n])]);
  const block = others.length === 0 ? x : g.node("Slice", [x, first, end, at]);
  const inner = insertedIn(g, block, update, starts, shape.with(axis, n), sizes, others);
  const before = g.node("Slice", [x, g.int64([0]), first, at]);
  const behind = g.node("Slice", [x, end, g.int64([shape[axis]!]), at]);
  return g.node("Concat", [before, inner, behind], { axis });
}
