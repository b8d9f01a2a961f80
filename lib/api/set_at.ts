/**
 * Arrays with elements replaced or added to: what `x.at[i].set(v)` and `x.at[i].add(v)` are in JAX.
 *
 * A constant index that is out of range is an error; computed ones are dropped there.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { broadcastShapes, formatAval } from "../core/aval.ts";
import { DTypeError, formatShape, ShapeError } from "../core/errors.ts";
import { checkCall } from "../core/signature.ts";
import { int32Constant, scalarLike, zerosLike } from "../primitives/constants/full.ts";
import { iota } from "../primitives/constants/iota.ts";
import { eq, gt, ne, or } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { select } from "../primitives/elementwise/select.ts";
import * as d from "../primitives/indexing/dynamic_slice.ts";
import { scatterAdd } from "../primitives/indexing/gather.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice as sliceOf } from "../primitives/slicing/slice.ts";
import { sort } from "../primitives/sort/sort.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { expectAxisZero, forBlocks, inside, staticIndex, takeInRange, wrapped } from "./indices.ts";
import { asDType, asIndex, expectArray } from "./operands.ts";

/** Indices with which one or several sub-arrays along the first axis are updated. */
function targets(op: string, x: NDArray, index: Operand): NDArray {
  const n = expectAxisZero(op, x);
  if (typeof index === "number") return asIndex(op, staticIndex(op, index, n, 0, x));
  return wrapped(asIndex(op, index), n);
}

/** Updates of the dtype of `x`, one block for each index. */
function blocksFor(op: string, x: NDArray, indices: NDArray, updates: Operand): NDArray {
  const blocks = asDType(op, updates, x.dtype, "the update");
  const shape = [...indices.shape, ...x.shape.slice(1)];
  if (blocks.ndim > shape.length) {
    throw new ShapeError(
      `${op}: the update has shape ${formatShape(blocks.shape)}, but indices of shape ${
        formatShape(indices.shape)
      } into x, which is ${formatAval(x.aval)}, take ${formatShape(shape)}`,
    );
  }
  broadcastShapes(op, blocks.shape, shape);
  return broadcastTo(blocks, shape);
}

/**
 * `x` with `value` at `index` of the first axis, as `x.at[index].set(value)` in JAX. With an array of
 * indices, one sub-array is replaced for each; of equal indices the last one counts. Computed indices
 * that are out of range are dropped.
 *
 * @throws {AxisError} where a constant index is out of range.
 * @throws {DTypeError} where the value's dtype does not fit that of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.setAt(np.zeros([3]), -1, 5).toArray()); // [ 0, 0, 5 ]
 * ```
 */
export function setAt(x: NDArray, index: Operand, value: Operand): NDArray {
  if (arguments.length > 3) checkCall("setAt(x, index, value)", arguments);
  const a = expectArray("setAt", x);
  const indices = targets("setAt", a, index);
  const blocks = blocksFor("setAt", a, indices, value);
  if (indices.ndim > 0) return setSeveral(a, indices, blocks);
  const start = [indices, ...a.shape.slice(1).map(() => scalarLike(0, indices))];
  const sizes = a.shape.with(0, 1);
  if (a.shape[0] === 0) return a;
  let block = reshape(blocks, sizes);
  if (typeof index !== "number") {
    // The block is clamped into range: out of range, it replaces what is there by itself.
    block = select(inside(indices, a.shape[0]!), block, d.dynamicSlice(a, start, sizes));
  }
  return d.dynamicUpdateSlice(a, block, start);
}

/** Replaces blocks: the last one of those for the same place is scattered, the others as zeros. */
function setSeveral(x: NDArray, indices: NDArray, blocks: NDArray): NDArray {
  const k = indices.size;
  if (k === 0 || x.size === 0) return x;
  if (x.dtype === "bool") {
    return ne(
      setSeveral(convert(x, "int32"), indices, convert(blocks, "int32")),
      scalarLike(0, indices),
    );
  }
  const [order, places] = sort(reshape(indices, [k]), 0);
  const sorted = takeInRange(reshape(blocks, [k, ...x.shape.slice(1)]), places, 0);
  // Equal indices are neighbours now, in the order in which they were given.
  const next = concatenate([sliceOf(order, [1], [k]), int32Constant([-1])], 0);
  const last = or(ne(order, next), eq(iota([k], 0, "int32"), scalarLike(k - 1, order)));
  const kept = select(forBlocks(last, sorted.ndim), sorted, scalarLike(0, sorted));
  const column = reshape(order, [k, 1]);
  const scattered = scatterAdd(zerosLike(x), column, kept);
  const counts = scatterAdd(
    zerosLike(iota([x.shape[0]!], 0, "int32")),
    column,
    convert(last, "int32"),
  );
  const covered = gt(counts, scalarLike(0, counts));
  return select(forBlocks(covered, x.ndim), scattered, x);
}

/**
 * `x` with `updates` added at `indices` of the first axis, as `x.at[indices].add(updates)` in JAX: what
 * falls on the same place adds up. Computed indices that are out of range are dropped.
 *
 * @throws {AxisError} where a constant index is out of range.
 * @throws {DTypeError} where the updates' dtype does not fit that of `x`, or `x` is bool.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const rows = np.array([1, 1, 0], { dtype: "int32" });
 * console.log(np.addAt(np.zeros([3]), rows, np.array([1, 2, 4])).toArray()); // [ 4, 3, 0 ]
 * ```
 */
export function addAt(x: NDArray, indices: Operand, updates: Operand): NDArray {
  if (arguments.length > 3) checkCall("addAt(x, indices, updates)", arguments);
  const a = expectArray("addAt", x);
  if (a.dtype === "bool") {
    throw new DTypeError('addAt: bools cannot be added up. Convert x with astype("int32") first');
  }
  const places = targets("addAt", a, indices);
  const blocks = blocksFor("addAt", a, places, updates);
  return scatterAdd(a, reshape(places, [...places.shape, 1]), blocks);
}
