/**
 * Pytrees of arrays as vectors. See `tree.ts`.
 *
 * @module
 */
import {
  checkCall,
  defaultFloat,
  formatAval,
  type NDArray,
  promoteDTypes,
  shaped,
  ShapeError,
  treeUnflatten,
} from "../core/mod.ts";
import { concatenate, convert, reshape, slice, zeros } from "../primitives/mod.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type { Arrays, Tree } from "../transforms/tree_types.ts";
import { expectArray } from "./operands.ts";

/**
 * A tree of arrays as one vector, and the function that makes a tree of such a vector, as
 * `jax.flatten_util.ravel_pytree`. Leaves of several dtypes are brought to one, and back.
 *
 * @throws {TreeError} where a leaf is no array or number.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { ravelPytree } from "@injax/injax/tree";
 *
 * const [flat, unravel] = ravelPytree({ w: np.ones([2, 2]), b: np.zeros([1]) });
 * console.log(flat.toArray()); // [ 0, 1, 1, 1, 1 ]
 * console.log(unravel(flat.add(1)).b.toArray()); // [ 1 ]
 * ```
 */
export function ravelPytree<T extends Tree>(
  tree: T,
): [flat: NDArray, unravel: (flat: NDArray) => Arrays<T>] {
  if (arguments.length > 1) checkCall("ravelPytree(tree)", arguments);
  const [leaves, def] = flattenArrays("ravelPytree", tree, "the tree");
  const avals = leaves.map((x) => x.aval);
  const dtype = avals.length === 0 ? defaultFloat : avals.map((a) => a.dtype).reduce(promoteDTypes);
  const parts = leaves.map((x) => reshape(convert(x, dtype), [x.size]));
  const flat = parts.length === 0
    ? zeros(shaped([0], dtype))
    : parts.length === 1
    ? parts[0]!
    : concatenate(parts, 0);
  const type = flat.aval;
  const unravel = (vector: NDArray): Arrays<T> => {
    expectArray("unravel", vector);
    if (vector.ndim !== 1 || vector.size !== type.shape[0]) {
      throw new ShapeError(
        `unravel: the tree is a vector ${formatAval(type)}, and this is ${formatAval(vector.aval)}`,
      );
    }
    let at = 0;
    const pieces = avals.map((aval) => {
      const size = aval.shape.reduce((a, b) => a * b, 1);
      const piece = avals.length === 1 ? vector : slice(vector, [at], [at + size]);
      at += size;
      return convert(reshape(piece, aval.shape), aval.dtype);
    });
    return treeUnflatten(def, pieces) as Arrays<T>;
  };
  return [flat, unravel];
}
