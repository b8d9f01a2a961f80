/**
 * Structures of pytrees: one level of them, one within the other, one along the other, and paths as text. See
 * `tree.ts`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  entriesOf,
  flattenUpTo,
  isKeyEntry,
  type KeyEntry,
  type KeyPath,
  leafDef,
  nameOfKey,
  oneLevel,
  type OptionTable,
  readOptions,
  structureOf,
  TreeDef,
  TreeError,
  treeStructure,
  treeUnflatten,
} from "../core/mod.ts";
import { flatten, type LeafOptions } from "./tree_leaves.ts";

/** Options of {@linkcode keystr}. */
export interface KeystrOptions {
  /** Whether the steps are their names alone, without brackets and dots. */
  readonly simple?: boolean | undefined;
  /** What stands between the steps (default nothing). */
  readonly separator?: string | undefined;
}

const keystrOptions: OptionTable<KeystrOptions> = { simple: "boolean", separator: "string" };
const leafOptions: OptionTable<LeafOptions> = { isLeaf: "function" };

/** Checks that a value is a structure. */
function needDef(op: string, what: string, def: unknown): asserts def is TreeDef {
  if (def instanceof TreeDef) return;
  throw new TreeError(
    `${op}: ${what} must be a structure, as structure(tree) gives it, not ${describeValue(def)}`,
  );
}

/**
 * A path as text, as `jax.tree_util.keystr`, but written as in JavaScript: `.layers[0].w`. Messages write paths
 * in the same way.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const [[path]] = tree.leavesWithPath({ layers: [{ w: 1 }] }) as [[tree.KeyPath, number]];
 * console.log(tree.keystr(path)); // .layers[0].w
 * console.log(tree.keystr(path, { simple: true, separator: "/" })); // layers/0/w
 * ```
 */
export function keystr(path: KeyPath, options: KeystrOptions = {}): string {
  if (arguments.length > 1) {
    options = readOptions("keystr(path, options)", arguments, keystrOptions);
  }
  if (!Array.isArray(path) || !path.every(isKeyEntry)) {
    throw new TypeError(
      `keystr: the path must be a list of keys, as leavesWithPath gives them, not ${
        describeValue(path)
      }`,
    );
  }
  const { simple = false, separator = "" } = options;
  return path.map((entry: KeyEntry) => simple ? nameOfKey(entry) : String(entry)).join(separator);
}

/**
 * Rebuilds a tree from its structure and leaves, as `jax.tree.unflatten`.
 *
 * @throws {TreeError} where the number of leaves is not the structure's.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.unflatten(tree.structure({ w: [1, 2], b: 3 }), ["b", "w0", "w1"]));
 * // { b: "b", w: [ "w0", "w1" ] }
 * ```
 */
export function unflatten(def: TreeDef, leaves: readonly unknown[]): unknown {
  if (arguments.length > 2) checkCall("unflatten(def, leaves)", arguments);
  needDef("unflatten", "the first argument", def);
  if (!Array.isArray(leaves)) {
    throw new TypeError(`unflatten: the leaves must be a list, not ${describeValue(leaves)}`);
  }
  return treeUnflatten(def, leaves);
}

/**
 * A tree like `full` in which each leaf is that of `prefix` above it, as `jax.tree.broadcast`.
 *
 * @throws {TreeError} where `prefix` is not how `full` begins.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.broadcast({ a: 1, b: 2 }, { a: ["x", "y"], b: "z" })); // { a: [ 1, 1 ], b: 2 }
 * ```
 */
export function broadcast(prefix: unknown, full: unknown, options: LeafOptions = {}): unknown {
  if (arguments.length > 2) {
    options = readOptions("broadcast(prefix, full, options)", arguments, leafOptions);
  }
  const [values, def] = flatten(prefix, options);
  const below = flattenUpTo("broadcast", "full differs from prefix", def, full);
  const trees = below.map((subtree, i) => {
    const [leaves, own] = flatten(subtree, options);
    return treeUnflatten(own, leaves.map(() => values[i]));
  });
  return treeUnflatten(def, trees);
}

/**
 * A tree of trees turned inside out, as `jax.tree.transpose`: from `outer` structures with `inner` ones in the
 * place of their leaves to `inner` with `outer` in the place of its leaves. With `null` for `inner` it is that
 * of the first subtree.
 *
 * @throws {TreeError} where the tree is not of these structures.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const grads = [{ w: 1, b: 2 }, { w: 3, b: 4 }];
 * const outer = tree.structure([0, 0]);
 * console.log(tree.transpose(outer, null, grads)); // { b: [ 2, 4 ], w: [ 1, 3 ] }
 * ```
 */
export function transpose(outer: TreeDef, inner: TreeDef | null, tree: unknown): unknown {
  if (arguments.length > 3) checkCall("transpose(outer, inner, tree)", arguments);
  needDef("transpose", "outer", outer);
  const parts = flattenUpTo("transpose", "the tree differs from outer", outer, tree);
  if (inner === null && parts.length === 0) {
    throw new TreeError("transpose: outer has no leaves, so inner has to be given");
  }
  const within = inner === null ? treeStructure(parts[0]) : inner;
  needDef("transpose", "inner", within);
  const rows = parts.map((part) =>
    flattenUpTo("transpose", "a part of the tree differs from inner", within, part)
  );
  const columns = Array.from(
    { length: within.numLeaves },
    (_, k) => treeUnflatten(outer, rows.map((row) => row[k])),
  );
  return treeUnflatten(within, columns);
}

/**
 * The children of a node, and what it keeps besides them, as `jax.tree_util.flatten_one_level`.
 *
 * @throws {TreeError} where it is a leaf.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.flattenOneLevel({ a: 1, b: [2] })); // [ [ 1, [ 2 ] ], [ "a", "b" ] ]
 * ```
 */
export function flattenOneLevel(tree: unknown): [children: unknown[], aux: unknown] {
  if (arguments.length > 1) checkCall("flattenOneLevel(tree)", arguments);
  const [pairs, aux] = level("flattenOneLevel", tree);
  return [pairs.map(([, child]) => child), aux];
}

/**
 * The children of a node with their keys, and what it keeps besides them, as
 * `jax.tree_util.flatten_one_level_with_keys`.
 *
 * @throws {TreeError} where it is a leaf.
 */
export function flattenOneLevelWithKeys(
  tree: unknown,
): [pairs: [key: KeyEntry, child: unknown][], aux: unknown] {
  if (arguments.length > 1) checkCall("flattenOneLevelWithKeys(tree)", arguments);
  return level("flattenOneLevelWithKeys", tree);
}

function level(op: string, tree: unknown): [pairs: [KeyEntry, unknown][], aux: unknown] {
  const node = oneLevel(tree);
  if (node === null) {
    throw new TreeError(`${op}: ${describeValue(tree)} is a leaf, which has no children`);
  }
  const steps = entriesOf(node);
  const aux = node.kind === "object" ? [...node.keys] : node.aux;
  return [node.children.map((child, i) => [steps[i]!, child]), aux];
}

/**
 * The structures of a node's children, as `jax.tree_util.treedef_children`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.treedefChildren(tree.structure({ a: 1, b: [2] })).map(String)); // [ "*", "[*]" ]
 * ```
 */
export function treedefChildren(def: TreeDef): readonly TreeDef[] {
  if (arguments.length > 1) checkCall("treedefChildren(def)", arguments);
  needDef("treedefChildren", "the argument", def);
  return def.children;
}

/** Whether a structure is that of a leaf, as `jax.tree_util.treedef_is_leaf`. */
export function treedefIsLeaf(def: TreeDef): boolean {
  if (arguments.length > 1) checkCall("treedefIsLeaf(def)", arguments);
  needDef("treedefIsLeaf", "the argument", def);
  return def === leafDef;
}

/**
 * The structure of a list of trees of these structures, as `jax.tree_util.treedef_tuple`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(String(tree.treedefTuple([tree.structure(1), tree.structure([2])]))); // [*, [*]]
 * ```
 */
export function treedefTuple(defs: readonly TreeDef[]): TreeDef {
  if (arguments.length > 1) checkCall("treedefTuple(defs)", arguments);
  if (!Array.isArray(defs)) {
    throw new TypeError(
      `treedefTuple: the argument must be a list of structures, not ${describeValue(defs)}`,
    );
  }
  defs.forEach((def, i) => needDef("treedefTuple", `structure ${i}`, def));
  return structureOf(oneLevel([])!, defs);
}
