/**
 * Products of updates that fall on the same place, each without itself: what the derivative of scatter_mul
 * is made of. It takes no quotient, so that zeros do no harm, to derivatives of any order neither.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { sizeOf, stridesOf } from "../../core/aval.ts";
import { int32Constant, onesLike, scalarLike } from "../constants/full.ts";
import { mul } from "../elementwise/arithmetic.ts";
import { eq } from "../elementwise/compare.ts";
import { select } from "../elementwise/select.ts";
import { gather } from "../indexing/gather.ts";
import { inRange, ofBlocks } from "../indexing/places.ts";
import { reshape } from "../shape/reshape.ts";
import { pad } from "../slicing/slice.ts";
import { sort } from "../sort/sort.ts";
import { reduceSum } from "../sum/broadcast.ts";

/** For each update, the product of the others at its place. */
export function productOfOthers(
  indices: NDArray,
  updates: NDArray,
  shape: readonly number[],
): NDArray {
  const depth = indices.shape.at(-1)!;
  const rows = sizeOf(indices.shape.slice(0, -1));
  if (rows < 2) return onesLike(updates);
  const strides = int32Constant(stridesOf(shape.slice(0, depth)));
  const place = reduceSum(mul(indices, strides), [indices.ndim - 1]);
  const known = select(inRange(indices, shape), place, scalarLike(-1, place));
  // Updates of one place become neighbours.
  const [keys, order] = sort(reshape(known, [rows]), 0);
  const [, back] = sort(order, 0);
  const column = (at: NDArray): NDArray => reshape(at, [rows, 1]);
  const factors = gather(reshape(updates, [rows, updates.size / rows]), column(order));
  const product = mul(before(factors, keys, 1), before(factors, keys, -1));
  return reshape(gather(product, column(back)), updates.shape);
}

/** The product of the rows with the same key in front of each row, or behind it with `sign` -1. */
function before(factors: NDArray, keys: NDArray, sign: 1 | -1): NDArray {
  const n = keys.size;
  const one = scalarLike(1, factors);
  const moved = (x: NDArray, fill: NDArray, by: number): NDArray => {
    const rest = x.shape.slice(1).map(() => 0);
    return pad(x, fill, [sign * by, ...rest], [-sign * by, ...rest]);
  };
  // What lies `by` rows away, where that has the same key; else 1. No key is -2.
  const away = (x: NDArray, by: number): NDArray => {
    const same = eq(keys, moved(keys, scalarLike(-2, keys), by));
    return select(ofBlocks(same, x.ndim), moved(x, one, by), one);
  };
  let product = away(factors, 1);
  for (let by = 1; by < n; by *= 2) product = mul(product, away(product, by));
  return product;
}
