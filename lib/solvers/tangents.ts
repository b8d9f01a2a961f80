/**
 * The linear systems behind derivatives of roots and minima, solved by factorisation.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { identity, scaledColumns, scaledRows, transposed } from "../linalg/matrices.ts";
import { solve } from "../linalg/solve.ts";
import { full } from "../primitives/constants/full.ts";
import { abs, div } from "../primitives/elementwise/arithmetic.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import type { Transforms } from "../transforms/types.ts";

/**
 * The solution of `apply(v) = y` for a linear `apply` from [n] to [n], by its matrix, whose columns and rows
 * are brought to one size first, so that units do not matter.
 */
export function denseSolve(
  apply: (v: NDArray) => NDArray,
  y: NDArray,
  transforms: Transforms,
): NDArray {
  const n = y.size;
  if (n === 1) return div(y, apply(full([1], 1, y.dtype)));
  const matrix = transposed(transforms.vmap(apply)(identity(n, y.dtype)) as NDArray);
  const byColumn = reciprocals(matrix, 0);
  const even = scaledColumns(matrix, byColumn);
  const byRow = reciprocals(even, 1);
  const x = solve(scaledRows(even, byRow), reshape(y.mul(byRow), [n, 1]));
  return reshape(x, [n]).mul(byColumn);
}

/** 1 over the largest element of each column (axis 0) or row (axis 1): constants. */
function reciprocals(a: NDArray, axis: number): NDArray {
  const largest = reduceMax(abs(stopGradient(a)), [axis]);
  const one = full(largest.shape, 1, a.dtype);
  return div(one, select(largest.greater(0), largest, one));
}
