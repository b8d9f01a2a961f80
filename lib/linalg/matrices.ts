/**
 * Matrices in the last two axes, for rules and programs: products, triangles, diagonals, and rows in
 * another order.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { iota } from "../primitives/constants/iota.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { add, mul } from "../primitives/elementwise/arithmetic.ts";
import { eq, ge, le } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { select } from "../primitives/elementwise/select.ts";
import { dynamicSlice } from "../primitives/indexing/dynamic_slice.ts";
import { gather } from "../primitives/indexing/gather.ts";
import { expandDims, reshape } from "../primitives/shape/reshape.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";

/** Product of matrices with equal leading axes. */
export function matmul(x: NDArray, y: NDArray): NDArray {
  const rank = x.ndim;
  const leading = Array.from({ length: rank - 2 }, (_, i) => i);
  return dotGeneral(x, y, { contract: [[rank - 1], [rank - 2]], batch: [leading, leading] });
}

/** Matrices with rows and columns exchanged. */
export function transposed(x: NDArray): NDArray {
  const perm = x.shape.map((_, i) => i);
  return transpose(x, [...perm.slice(0, -2), x.ndim - 1, x.ndim - 2]);
}

/** The numbers of rows, `[m, 1]`. */
export function rowNumbers(m: number): NDArray {
  return iota([m, 1], 0, "int32");
}

/** The numbers of columns, `[1, n]`. */
export function columnNumbers(n: number): NDArray {
  return iota([1, n], 1, "int32");
}

/** A unit matrix. */
export function identity(n: number, dtype: DType): NDArray {
  return convert(eq(rowNumbers(n), columnNumbers(n)), dtype);
}

/** Unit matrices, one for each matrix of `x`. */
export function identityLike(x: NDArray): NDArray {
  return broadcastTo(identity(x.shape.at(-1)!, x.dtype), x.shape);
}

/** Elements up to the `k`-th diagonal; 0 above it, whatever is there. */
export function lowerPart(x: NDArray, k = 0): NDArray {
  const [m, n] = x.shape.slice(-2);
  const rows = k === 0 ? rowNumbers(m!) : add(rowNumbers(m!), scalarLike(k, rowNumbers(m!)));
  return select(ge(rows, columnNumbers(n!)), x, scalarLike(0, x));
}

/** Elements from the `k`-th diagonal on; 0 below it, whatever is there. */
export function upperPart(x: NDArray, k = 0): NDArray {
  const [m, n] = x.shape.slice(-2);
  const rows = k === 0 ? rowNumbers(m!) : add(rowNumbers(m!), scalarLike(k, rowNumbers(m!)));
  return select(le(rows, columnNumbers(n!)), x, scalarLike(0, x));
}

/** The symmetric matrix that has the lower triangle of `x`. */
export function symmetricOf(x: NDArray): NDArray {
  return add(lowerPart(x), transposed(lowerPart(x, -1)));
}

/** The diagonals of matrices `[..., m, n]`: `[..., min(m, n)]`. */
export function diagonalOf(x: NDArray): NDArray {
  const [m, n] = x.shape.slice(-2);
  const k = Math.min(m!, n!);
  const square = leading(x, k, k);
  const on = eq(rowNumbers(k), columnNumbers(k));
  return reduceSum(select(on, square, scalarLike(0, x)), [x.ndim - 1]);
}

/** The first `m` rows and `n` columns. */
export function leading(x: NDArray, m: number, n: number): NDArray {
  if (x.shape.at(-2) === m && x.shape.at(-1) === n) return x;
  const lead = x.shape.slice(0, -2);
  return slice(x, x.shape.map(() => 0), [...lead, m, n]);
}

/** Columns from `from` up to `to`. */
export function columns(x: NDArray, from: number, to: number): NDArray {
  if (from === 0 && to === x.shape.at(-1)) return x;
  return slice(x, [...x.shape.slice(0, -1).map(() => 0), from], [...x.shape.slice(0, -1), to]);
}

/** Rows of matrices times numbers of `[..., m]`. */
export function scaledRows(x: NDArray, by: NDArray): NDArray {
  return mul(x, expandDims(by, [by.ndim]));
}

/** Columns of matrices times numbers of `[..., n]`. */
export function scaledColumns(x: NDArray, by: NDArray): NDArray {
  return mul(x, expandDims(by, [by.ndim - 1]));
}

/** Rows `order` (int32 `[..., k]`) of matrices `[..., m, n]`: `[..., k, n]`. */
export function takeRows(x: NDArray, order: NDArray): NDArray {
  const lead = x.shape.slice(0, -2);
  const [m, n] = x.shape.slice(-2);
  const k = order.shape.at(-1)!;
  if (lead.length === 0) return gather(x, reshape(order, [k, 1]));
  const systems = sizeOf(lead);
  const places = concatenate(
    [iota([systems, k, 1], 0, "int32"), reshape(order, [systems, k, 1])],
    2,
  );
  return reshape(gather(reshape(x, [systems, m!, n!]), places), [...lead, k, n!]);
}

/** Columns `order` (int32 `[..., k]`) of matrices `[..., m, n]`: `[..., m, k]`. */
export function takeColumns(x: NDArray, order: NDArray): NDArray {
  return transposed(takeRows(transposed(x), order));
}

/** Row `i`, an int32 scalar, of matrices `[systems, m, n]`: `[systems, 1, n]`. */
export function rowOf(x: NDArray, i: NDArray): NDArray {
  const zero = scalarLike(0, i);
  return dynamicSlice(x, [zero, i, zero], [x.shape[0]!, 1, x.shape[2]!]);
}

/** Column `j`, an int32 scalar, of matrices `[systems, m, n]`: `[systems, m, 1]`. */
export function columnOf(x: NDArray, j: NDArray): NDArray {
  const zero = scalarLike(0, j);
  return dynamicSlice(x, [zero, zero, j], [x.shape[0]!, x.shape[1]!, 1]);
}

/** The elements of matrices `[systems, m, n]` in row `i` and column `j`: `[systems, 1, 1]`. */
export function elementOf(x: NDArray, i: NDArray, j: NDArray): NDArray {
  return dynamicSlice(x, [scalarLike(0, i), i, j], [x.shape[0]!, 1, 1]);
}
