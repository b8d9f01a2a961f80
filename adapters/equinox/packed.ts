/**
 * Trees with leaves that are no arrays, as trees that transforms take: arrays are children, all other
 * leaves belong to the structure.
 *
 * @module
 */
import { toArray } from "../../lib/extend.ts";
import {
  NDArray,
  registerPytreeNode,
  ShapeDtype,
  type TreeDef,
  treeFlatten,
  treeUnflatten,
} from "../../mod.ts";

/** In the place of an array among the other leaves. */
const array = Symbol("array");

/** A tree in two parts. Two of them have the same structure where all but the arrays is the same. */
export class Packed {
  /** For types: this has arrays as leaves already. */
  declare readonly "~arrays"?: Packed;

  constructor(
    /** The arrays. */
    readonly arrays: readonly unknown[],
    /** The structure of the tree. */
    readonly def: TreeDef,
    /** Its leaves, with a symbol in the place of each array. */
    readonly others: readonly unknown[],
  ) {}

  /** The same structure with other arrays. */
  withArrays(arrays: readonly unknown[]): Packed {
    return new Packed(arrays, this.def, this.others);
  }

  /** The tree. */
  unpack(): unknown {
    let next = 0;
    return treeUnflatten(
      this.def,
      this.others.map((leaf) => leaf === array ? this.arrays[next++] : leaf),
    );
  }
}

registerPytreeNode(
  Packed,
  ({ arrays, def, others }) => [{ arrays }, [def, ...others]],
  ({ arrays }, aux) => {
    const [def, ...others] = aux as [TreeDef, ...unknown[]];
    return new Packed(arrays as readonly unknown[], def, others);
  },
);

/** Packs a tree: arrays, typed arrays and shapes of arrays are its arrays, all else is structure. */
export function pack(tree: unknown): Packed {
  const [leaves, def] = treeFlatten(tree);
  const arrays: unknown[] = [];
  const others = leaves.map((leaf) => {
    const isArray = leaf instanceof NDArray || leaf instanceof ShapeDtype ||
      ArrayBuffer.isView(leaf);
    if (!isArray) return leaf;
    arrays.push(toArray(leaf) ?? leaf);
    return array;
  });
  return new Packed(arrays, def, others);
}
