/**
 * Results whose length depends on values: how long they are, and what is in them. Shared by the functions
 * of `sets.ts`.
 *
 * @module
 */
import { ConcreteArray, expectInteger, isFloat, type NDArray } from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  concatenate,
  convert,
  cumsum,
  full,
  iota,
  isNaN,
  lt,
  ne,
  not,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  zerosLike,
} from "../primitives/mod.ts";
import { any } from "./reductions.ts";
import { takeInRange, unknownLength } from "./indices.ts";
import { searchsorted } from "./sorting.ts";

/** How many elements a result has: as many as it is told, or as hold where that can be read. */
export function lengthOf(op: string, held: NDArray, size: number | null | undefined): number {
  if (size != null) {
    expectInteger(op, size, "size", 0);
    return size;
  }
  const count = reduceSum(convert(held, "int32"), [0]);
  if (!(count instanceof ConcreteArray)) throw unknownLength(op, "size");
  return Number(count.item());
}

/** Positions of the first `k` elements that hold of a vector [n], in order; `n` where there are fewer. */
export function positions(held: NDArray, k: number): NDArray {
  const n = held.size;
  const none = full([k], n, "int32");
  if (n === 0 || k === 0) return none;
  const counts = cumsum(convert(held, "int32"), 0, false);
  // The i-th that holds is the first with i + 1 of them up to there.
  const wanted = add(iota([k], 0, "int32"), full([k], 1, "int32"));
  return searchsorted(counts, wanted);
}

/** Rows of `x` at positions along axis 0; where these are behind the end, what fills. */
export function rowsAt(x: NDArray, at: NDArray, fill: NDArray): NDArray {
  const n = x.shape[0]!;
  const rest = x.shape.slice(1);
  const filled = broadcastTo(fill, [at.size, ...rest]);
  if (n === 0) return filled;
  const inside = lt(at, scalarLike(n, at));
  const rows = takeInRange(x, select(inside, at, zerosLike(at)), 0);
  const mask = broadcastTo(reshape(inside, [at.size, ...rest.map(() => 1)]), rows.shape);
  return select(mask, rows, filled);
}

/**
 * Which rows along axis 0 of a sorted array differ from the one in front of them; NaN does not from NaN
 * where they are equal.
 */
export function firsts(sorted: NDArray, equalNan = true): NDArray {
  const [n, ...rest] = sorted.shape as [number, ...number[]];
  const zeros = rest.map(() => 0);
  const [before, behind] = [
    slice(sorted, [0, ...zeros], [n - 1, ...rest]),
    slice(sorted, [1, ...zeros], [n, ...rest]),
  ];
  let differ = ne(before, behind);
  if (isFloat(sorted.dtype) && equalNan) {
    differ = and(differ, not(and(isNaN(before), isNaN(behind))));
  }
  const rows = rest.length === 0 ? differ : any(differ, rest.map((_, i) => i + 1));
  return concatenate([full([1], 1, "bool"), rows], 0);
}
