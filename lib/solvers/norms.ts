/**
 * Norms of vectors that are trees laid out, as a whole and leaf by leaf.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { abs, div } from "../primitives/elementwise/arithmetic.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";

/** Inner product of two vectors, a scalar. */
export function dot(a: NDArray, b: NDArray): NDArray {
  return dotGeneral(a, b, { contract: [[0], [0]], batch: [[], []] });
}

/** 2-norm of a vector whose squares are in the range of its dtype. */
export function plainNorm(x: NDArray): NDArray {
  return dot(x, x).sqrt();
}

/**
 * 2-norm of a vector, computed in units of the mean size of its elements: right wherever it is in the
 * range of the dtype, where squares would be infinite or 0.
 */
export function norm(x: NDArray): NDArray {
  const shares = abs(x).mul(1 / Math.max(1, x.size));
  const mean = reduceSum(shares, [0]);
  // Nothing is added instead: onnxruntime takes the smallest numbers of float64 for 0 where it shares
  // constants.
  const unit = select(mean.equal(0), scalarArray(1, x.dtype), mean);
  return plainNorm(div(x, unit)).mul(unit);
}

/** 2-norms of the leaves of a vector [n]: [leaves]. */
export function leafNorms(x: NDArray, sizes: readonly number[]): NDArray {
  if (sizes.length === 1) return reshape(norm(x), [1]);
  let at = 0;
  return concatenate(
    sizes.map((size) => {
      const leaf = slice(x, [at], [at + size]);
      at += size;
      return reshape(norm(leaf), [1]);
    }),
    0,
  );
}

/** The norm of a vector from those of its leaves, a scalar. */
export function total(norms: NDArray): NDArray {
  return norms.size === 1 ? reshape(norms, []) : norm(norms);
}

/** Numbers by leaf [leaves] as numbers by element: [n], or [] where there is one leaf. */
export function spread(values: NDArray, sizes: readonly number[]): NDArray {
  if (sizes.length === 1) return reshape(values, []);
  return concatenate(sizes.map((size, i) => broadcastTo(slice(values, [i], [i + 1]), [size])), 0);
}
