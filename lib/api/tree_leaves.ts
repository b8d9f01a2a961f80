/**
 * The leaves of pytrees, with and without the paths to them: taking apart, mapping, reducing. See `tree.ts`.
 *
 * @module
 */
import {
  describeValue,
  entriesOf,
  flattenUpTo,
  isTreeNode,
  type KeyPath,
  keyPaths,
  NDArray,
  oneLevel,
  type OptionTable,
  readOptions,
  structureOf,
  tableOf,
  type TreeDef,
  TreeError,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import type { LeafFunction, MapLeaves } from "../core/tree_types.ts";

/** Option of functions that take trees apart: what counts as a leaf, besides what is one. */
export interface LeafOptions {
  /** Asked of each node from the top down, whether it is a leaf; what is below is left alone then. */
  readonly isLeaf?: ((value: unknown) => boolean) | undefined;
}

/** The same for functions that know paths. */
export interface PathLeafOptions {
  /** Asked of each node from the top down, whether it is a leaf; what is below is left alone then. */
  readonly isLeaf?: ((...args: never[]) => boolean) | undefined;
  /** Whether `isLeaf` is given the path too: `isLeaf(path, value)`. */
  readonly isLeafTakesPath?: boolean | undefined;
}

/** Options of {@linkcode mapWith}. */
export interface MapOptions extends PathLeafOptions {
  /** Whether the function is given the path first: `f(path, leaf, ...others)`. */
  readonly withPath?: boolean | undefined;
}

/** Options of {@linkcode reduceAssociative}. */
export interface ReduceAssociativeOptions extends LeafOptions {
  /** What the operation gives for no leaves. */
  readonly identity?: unknown;
}

const leafOptions: OptionTable<LeafOptions> = { isLeaf: "function" };
const pathLeafOptions: OptionTable<PathLeafOptions> = {
  isLeaf: "function",
  isLeafTakesPath: "boolean",
};
const mapOptions: OptionTable<MapOptions> = /* @__PURE__ */ tableOf(pathLeafOptions, {
  withPath: "boolean",
});
const associativeOptions: OptionTable<ReduceAssociativeOptions> = {
  identity: "object",
  isLeaf: "function",
};

/** A tree taken apart. */
interface Parts {
  readonly leaves: unknown[];
  readonly def: TreeDef;
  /** The path to each leaf. */
  readonly paths: () => readonly KeyPath[];
}

/** The leaves of a tree where the options say what is one. */
function partsOf(tree: unknown, { isLeaf, isLeafTakesPath = false }: PathLeafOptions): Parts {
  if (isLeaf === undefined) {
    const [leaves, def] = treeFlatten(tree);
    return { leaves, def, paths: () => keyPaths(def) };
  }
  const ask = isLeaf as (...args: unknown[]) => boolean;
  const leaves: unknown[] = [];
  const paths: KeyPath[] = [];
  const [, leafDef] = treeFlatten(0);
  const visit = (value: unknown, path: KeyPath): TreeDef => {
    const level = (isLeafTakesPath ? ask(path, value) : ask(value)) ? null : oneLevel(value);
    if (level === null) {
      leaves.push(value);
      paths.push(path);
      return leafDef;
    }
    const steps = entriesOf(level);
    return structureOf(level, level.children.map((child, i) => visit(child, [...path, steps[i]!])));
  };
  try {
    return { def: visit(tree, []), leaves, paths: () => paths };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TreeError("a tree contains itself, or is nested too deeply", { cause: error });
  }
}

/**
 * The leaves of a tree in order, and its structure, as `jax.tree.flatten`.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const [leaves, def] = tree.flatten({ w: [1, 2], b: 3 });
 * console.log(leaves, String(def)); // [ 3, 1, 2 ] {b: *, w: [*, *]}
 * console.log(tree.flatten({ w: [1, 2], b: 3 }, { isLeaf: Array.isArray })[0]); // [ 3, [ 1, 2 ] ]
 * ```
 */
export function flatten(
  tree: unknown,
  options: LeafOptions = {},
): [leaves: unknown[], def: TreeDef] {
  if (arguments.length > 1) options = readOptions("flatten(tree, options)", arguments, leafOptions);
  const { leaves, def } = partsOf(tree, options);
  return [leaves, def];
}

/**
 * The leaves of a tree in order, as `jax.tree.leaves`.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 */
export function leaves(tree: unknown, options: LeafOptions = {}): unknown[] {
  if (arguments.length > 1) options = readOptions("leaves(tree, options)", arguments, leafOptions);
  return partsOf(tree, options).leaves;
}

/**
 * The structure of a tree, as `jax.tree.structure`. Equal structures are the same object.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 */
export function structure(tree: unknown, options: LeafOptions = {}): TreeDef {
  if (arguments.length > 1) {
    options = readOptions("structure(tree, options)", arguments, leafOptions);
  }
  return partsOf(tree, options).def;
}

/**
 * The leaves of a tree in order, each with the path to it, and its structure, as
 * `jax.tree.flatten_with_path`.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const [pairs] = tree.flattenWithPath({ layers: [{ w: 1 }, { w: 2 }] });
 * console.log(pairs.map(([path, leaf]) => `${tree.keystr(path)} = ${leaf}`));
 * // [ ".layers[0].w = 1", ".layers[1].w = 2" ]
 * ```
 */
export function flattenWithPath(
  tree: unknown,
  options: PathLeafOptions = {},
): [pairs: [path: KeyPath, leaf: unknown][], def: TreeDef] {
  if (arguments.length > 1) {
    options = readOptions("flattenWithPath(tree, options)", arguments, pathLeafOptions);
  }
  const { leaves, def, paths } = partsOf(tree, options);
  const all = paths();
  return [leaves.map((leaf, i) => [all[i]!, leaf]), def];
}

/**
 * The leaves of a tree in order, each with the path to it, as `jax.tree.leaves_with_path`.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 */
export function leavesWithPath(
  tree: unknown,
  options: PathLeafOptions = {},
): [path: KeyPath, leaf: unknown][] {
  if (arguments.length > 1) {
    options = readOptions("leavesWithPath(tree, options)", arguments, pathLeafOptions);
  }
  return flattenWithPath(tree, options)[0];
}

function needFunction(op: string, f: unknown): asserts f is (...args: unknown[]) => unknown {
  if (typeof f === "function") return;
  throw new TypeError(`${op}: the function comes first, but it is ${describeValue(f)}`);
}

function mapped(
  op: string,
  f: unknown,
  tree: unknown,
  rest: readonly unknown[],
  { withPath = false, ...options }: MapOptions,
): unknown {
  needFunction(op, f);
  const { leaves, def, paths } = partsOf(tree, options);
  const others = rest.map((other, k) =>
    flattenUpTo(op, `tree ${k + 1} differs from the first`, def, other)
  );
  const all = withPath ? paths() : [];
  return treeUnflatten(
    def,
    leaves.map((leaf, i) => {
      const args = [leaf, ...others.map((o) => o[i])];
      return withPath ? f(all[i], ...args) : f(...args);
    }),
  );
}

/**
 * Applies `f` to each leaf of `tree`, and to what the trees of `rest` have in the same places, as
 * `jax.tree.map`: leaves or subtrees. The same as `treeMap` of the main module. What else is a leaf, is said
 * to {@linkcode mapWith}.
 *
 * @throws {TreeError} where a tree of `rest` has another structure above the leaves of `tree`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.map((x, y) => x + y, { a: 1, b: [2] }, { a: 10, b: [20] })); // { a: 11, b: [ 22 ] }
 * ```
 */
export function map<T, R, Rest extends readonly MapLeaves<T, unknown>[]>(
  f: LeafFunction<T, Rest, R>,
  tree: T,
  ...rest: Rest
): MapLeaves<T, R> {
  return mapped("map", f, tree, rest, {}) as MapLeaves<T, R>;
}

/**
 * Applies `f(path, leaf, ...others)` to each leaf of `tree`, as `jax.tree.map_with_path`.
 *
 * @throws {TreeError} where a tree of `rest` has another structure above the leaves of `tree`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const named = tree.mapWithPath((path, x) => `${tree.keystr(path)}: ${x}`, { a: 1, b: [2] });
 * console.log(named); // { a: ".a: 1", b: [ ".b[0]: 2" ] }
 * ```
 */
export function mapWithPath<T, R>(
  f: (path: KeyPath, leaf: never, ...others: never[]) => R,
  tree: T,
  ...rest: readonly unknown[]
): MapLeaves<T, R> {
  return mapped("mapWithPath", f, tree, rest, { withPath: true }) as MapLeaves<T, R>;
}

/**
 * {@linkcode map} and {@linkcode mapWithPath} with options, which come first as trees may follow without end:
 * `isLeaf` says what is a leaf besides what is one.
 *
 * @throws {TreeError} where a tree of `rest` has another structure above the leaves of `tree`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * const lengths = tree.mapWith({ isLeaf: Array.isArray }, (x: number[]) => x.length, { a: [1, 2], b: [3] });
 * console.log(lengths); // { a: 2, b: 1 }
 * ```
 */
export function mapWith(
  options: MapOptions,
  f: (...args: never[]) => unknown,
  tree: unknown,
  ...rest: readonly unknown[]
): unknown {
  options = readOptions("mapWith(options, f, tree, ...rest)", arguments, mapOptions);
  return mapped("mapWith", f, tree, rest, options);
}

const nothing = Symbol("nothing");

/**
 * Combines all leaves in order, `f(f(f(initial, leaf), leaf), leaf)`, as `jax.tree.reduce`. Without `initial`
 * the first leaf takes its place.
 *
 * @throws {TreeError} where there is neither a leaf nor `initial`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.reduce((sum: number, x: number) => sum + x, { a: 1, b: [2, 3] }, 0)); // 6
 * ```
 */
export function reduce<A>(
  f: (accumulated: A, leaf: never) => A,
  tree: unknown,
  initial?: A,
  options: LeafOptions = {},
): A {
  if (arguments.length > 3) {
    options = readOptions("reduce(f, tree, initial, options)", arguments, leafOptions);
  }
  needFunction("reduce", f);
  const { leaves } = partsOf(tree, options);
  if (initial === undefined && leaves.length === 0) throw noLeaves("reduce", "initial");
  const call = f as (accumulated: unknown, leaf: unknown) => unknown;
  const [first, ...others] = initial === undefined ? leaves : [initial, ...leaves];
  return others.reduce(call, first) as A;
}

function noLeaves(op: string, instead: string): TreeError {
  return new TreeError(`${op}: the tree has no leaves, and there is no ${instead} to give instead`);
}

/**
 * Combines all leaves by an operation for which brackets do not matter, in a balanced order, as
 * `jax.tree.reduce_associative`: sums err less so, and programs are less deep.
 *
 * @throws {TreeError} where there is neither a leaf nor `identity`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.reduceAssociative((a: number, b: number) => a + b, { a: 1, b: [2, 3] })); // 6
 * ```
 */
export function reduceAssociative<A>(
  operation: (a: A, b: A) => A,
  tree: unknown,
  options: ReduceAssociativeOptions = {},
): A {
  if (arguments.length > 2) {
    options = readOptions(
      "reduceAssociative(operation, tree, options)",
      arguments,
      associativeOptions,
    );
  }
  needFunction("reduceAssociative", operation);
  const { identity = nothing, ...rest } = options;
  let row = partsOf(tree, rest).leaves as A[];
  if (row.length === 0 && identity === nothing) throw noLeaves("reduceAssociative", "identity");
  if (row.length === 0) return identity as A;
  while (row.length > 1) {
    const pairs: A[] = [];
    for (let i = 0; i < row.length; i += 2) {
      pairs.push(i + 1 < row.length ? operation(row[i]!, row[i + 1]!) : row[i]!);
    }
    row = pairs;
  }
  return row[0]!;
}

/**
 * Whether all leaves are true, as `jax.tree.all`: booleans, or arrays of one element that are known.
 *
 * @throws {ConcretizationError} where a leaf is traced, and so not known.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as tree from "@injax/injax/tree";
 *
 * const finite = tree.map((x) => np.isFinite(x).all(), { a: np.ones([2]), b: np.array([1 / 0]) });
 * console.log(tree.all(finite)); // false
 * ```
 */
export function all(tree: unknown, options: LeafOptions = {}): boolean {
  if (arguments.length > 1) options = readOptions("all(tree, options)", arguments, leafOptions);
  return partsOf(tree, options).leaves.every((leaf) =>
    Boolean(leaf instanceof NDArray ? leaf.item() : leaf)
  );
}

/**
 * Whether all values of a list are leaves, as `jax.tree_util.all_leaves`.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * console.log(tree.allLeaves([1, 2]), tree.allLeaves([1, [2]])); // true false
 * ```
 */
export function allLeaves(values: readonly unknown[], options: LeafOptions = {}): boolean {
  if (arguments.length > 1) {
    options = readOptions("allLeaves(values, options)", arguments, leafOptions);
  }
  if (!Array.isArray(values)) {
    throw new TypeError(`allLeaves: values must be a list, not ${describeValue(values)}`);
  }
  return values.every((value) => options.isLeaf?.(value) || !isTreeNode(value));
}
