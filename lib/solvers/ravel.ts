/**
 * Pytrees as vectors: solvers work on one vector, users on trees.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { formatAval } from "../core/aval.ts";
import { isFloat, promoteDTypes } from "../core/dtype.ts";
import { DTypeError, TreeError } from "../core/errors.ts";
import { treePaths, treeUnflatten } from "../core/tree.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { flattenArrays } from "../transforms/trees.ts";

/** A tree laid out as a vector. */
export interface Raveled {
  /** The elements of all leaves in order, in the widest of their dtypes: shape [n]. */
  readonly vector: NDArray;
  /** Numbers of elements of the leaves. */
  readonly sizes: readonly number[];
  /** The tree for another such vector. */
  readonly unravel: (vector: NDArray) => unknown;
  /** The vector for another such tree. */
  readonly ravel: (tree: unknown) => NDArray;
}

/**
 * Lays out a tree of floating-point arrays as a vector.
 *
 * @throws {DTypeError} where a leaf is not floating-point.
 * @throws {TreeError} where there are no leaves.
 */
export function ravelTree(op: string, tree: unknown, what: string): Raveled {
  const [leaves, def] = flattenArrays(op, tree, what);
  if (leaves.length === 0) throw new TreeError(`${op}: ${what} has no arrays`);
  leaves.forEach((x, i) => {
    if (isFloat(x.dtype)) return;
    throw new DTypeError(
      `${op}: ${what}${treePaths(def)[i]} is ${
        formatAval(x.aval)
      }, but the unknowns must be floating-point. Convert with astype("float32")`,
    );
  });
  const dtype = leaves.map((x) => x.dtype).reduce(promoteDTypes);
  const join = (xs: readonly NDArray[]): NDArray => {
    const flat = xs.map((x) => reshape(convert(x, dtype), [x.size]));
    return flat.length === 1 ? flat[0]! : concatenate(flat, 0);
  };
  return {
    vector: join(leaves),
    sizes: leaves.map((x) => x.size),
    ravel: (other) => join(flattenArrays(op, other, what)[0]),
    unravel(vector) {
      let at = 0;
      return treeUnflatten(
        def,
        leaves.map((x) => {
          const part = leaves.length === 1 ? vector : slice(vector, [at], [at + x.size]);
          at += x.size;
          return convert(reshape(part, x.shape), x.dtype);
        }),
      );
    },
  };
}
