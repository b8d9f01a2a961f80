/**
 * Products and transposes of matrices in the last two axes, for rules.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { transpose } from "../primitives/shape/transpose.ts";

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
