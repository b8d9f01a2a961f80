/**
 * What batching rules need where the place of a block differs from lane to lane.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { inversePermutation, otherAxes } from "../axes.ts";
import { scalarLike } from "../constants/full.ts";
import { maximum, minimum } from "../elementwise/arithmetic.ts";
import { expandDims } from "../shape/reshape.ts";
import { transpose } from "../shape/transpose.ts";
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
