/**
 * Computed places of blocks in an array, as gather and the scatters have them: their checks, the scalars
 * of routines, and what rules and graphs need of them.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { formatAval, sameShape, type ShapedArray, sizeOf, stridesOf } from "../../core/aval.ts";
import { checkSameDType } from "../../core/checks.ts";
import { DTypeError, formatShape, ShapeError } from "../../core/errors.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { int32Constant, scalarLike } from "../constants/full.ts";
import { iota } from "../constants/iota.ts";
import { maximum, minimum } from "../elementwise/arithmetic.ts";
import { and, ge, lt } from "../elementwise/compare.ts";
import { reduceAnd } from "../reduce/logical.ts";
import { reshape } from "../shape/reshape.ts";
import { concatenate } from "../slicing/concatenate.ts";

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
