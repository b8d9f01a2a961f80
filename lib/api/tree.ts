/**
 * Pytrees: nested arrays, plain objects and registered classes with leaves at the bottom, as in `jax.tree`,
 * `jax.tree_util` and `jax.flatten_util`. `null` and `undefined` are nodes without leaves. Keys of objects are
 * taken in sorted order.
 *
 * - `flatten`, `leaves`, `structure`, `unflatten`: apart and together
 * - `map`, `mapWithPath`, `mapWith`, `reduce`, `reduceAssociative`, `all`: over leaves
 * - `flattenWithPath`, `leavesWithPath`, `keystr`: with paths, whose steps are `DictKey`, `SequenceKey`,
 *   `GetAttrKey` and `FlattenedIndexKey`
 * - `broadcast`, `transpose`: trees along and within others
 * - `registerPytreeNode`, `registerPytreeWithKeys`, `registerDataclass`, `registerStatic`: classes
 * - `flattenOneLevel`, `treedefChildren`, `isTreeNode` and others: one node at a time
 * - `ravelPytree`: all arrays as one vector
 * - `fromJson`: a tree from a file
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const params = { dense: [{ w: 1, b: 2 }], scale: 3 };
 * console.log(tree.leavesWithPath(params).map(([path]) => tree.keystr(path)));
 * // [ ".dense[0].b", ".dense[0].w", ".scale" ]
 * ```
 *
 * @module
 */
export { isTreeNode, registerPytreeNode, TreeDef, type TreeParts } from "../core/tree.ts";
export {
  DictKey,
  FlattenedIndexKey,
  GetAttrKey,
  type KeyEntry,
  type KeyPath,
  SequenceKey,
} from "../core/tree_def.ts";
export * from "./ravel.ts";
export * from "./tree_classes.ts";
export * from "./tree_json.ts";
export * from "./tree_leaves.ts";
export * from "./tree_structures.ts";
