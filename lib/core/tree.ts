/**
 * Pytrees: nested plain objects, arrays and registered classes with leaves at the bottom.
 *
 * Structures are interned, so that two trees have the same structure exactly when their `TreeDef`s
 * are the same object; `jit` relies on that to look a call up quickly. Anything that is not a
 * container is a leaf; who needs arrays as leaves checks them (`flattenArrays` in
 * `lib/transforms/trees.ts`).
 *
 * @module
 */
import { describeValue, TreeError } from "./errors.ts";
import { checkCall } from "./signature.ts";
import {
  describeTreeDifference,
  entriesOf,
  FlattenedIndexKey,
  GetAttrKey,
  TreeDef,
  type TreeKind,
  type TreeRegistration,
} from "./tree_def.ts";
import type { LeafFunction, MapLeaves } from "./tree_types.ts";

export {
  describeTreeDifference,
  TreeDef,
  type TreeKind,
  treePaths,
  type TreeRegistration,
} from "./tree_def.ts";

const interned = new Map<string, TreeDef>();
const registrations = new Map<unknown, TreeRegistration>();
const auxIds = new WeakMap<object, number>();
let auxCount = 0;

function intern(
  kind: TreeKind,
  keys: readonly string[],
  children: readonly TreeDef[],
  registration: TreeRegistration | null = null,
  aux?: unknown,
): TreeDef {
  let key: string = kind;
  for (let i = 0; i < children.length; i++) key += " " + children[i]!.id;
  if (keys.length > 0) key += "|" + (keys.length === 1 ? keys[0] : JSON.stringify(keys));
  if (registration !== null) key += `|${registration.name}|${auxKey(registration)}|${auxKey(aux)}`;
  let def = interned.get(key);
  if (def === undefined) {
    def = new TreeDef(kind, keys, children, registration, aux, interned.size);
    interned.set(key, def);
  }
  return def;
}

const symbols: symbol[] = [];

/** Symbols cannot be kept weakly where they are registered ones; there are few. */
function symbolNumber(symbol: symbol): number {
  const known = symbols.indexOf(symbol);
  return known >= 0 ? known : symbols.push(symbol) - 1;
}

/** Whether a value is made of primitives alone. */
function isData(value: unknown): boolean {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return true;
  return (Array.isArray(value) || isPlainObject(value)) && Object.values(value).every(isData);
}

/**
 * What a class keeps besides its children: primitives, lists, and plain objects of these compare by value, all
 * else by identity.
 */
function auxKey(aux: unknown): string {
  if (aux === null || (typeof aux !== "object" && typeof aux !== "function")) {
    if (typeof aux === "string") return JSON.stringify(aux);
    if (typeof aux === "symbol") return `symbol ${symbolNumber(aux)}`;
    return `${typeof aux}:${Object.is(aux, -0) ? "-0" : String(aux)}`;
  }
  if (Array.isArray(aux)) return `[${aux.map(auxKey)}]`;
  if (isData(aux)) {
    const object = aux as Record<string, unknown>;
    return `{${sortedKeys(object).map((k) => JSON.stringify(k) + auxKey(object[k]))}}`;
  }
  let id = auxIds.get(aux);
  if (id === undefined) auxIds.set(aux, id = ++auxCount);
  return `#${id}`;
}

/** The structure of a single leaf. */
export const leafDef: TreeDef = intern("leaf", [], []);
const nullDef: TreeDef = intern("null", [], []);
const undefinedDef: TreeDef = intern("undefined", [], []);

/** What rebuilds an instance is given: children by name and what was kept, or what was kept and a list. */
export type TreeParts<C> = [C] extends [readonly unknown[]]
  ? [aux: unknown, children: readonly unknown[]]
  : [children: Record<string, unknown>, aux: unknown];

/**
 * Makes instances of a class inner nodes of pytrees, as `jax.tree_util.register_pytree_node`.
 *
 * `flatten` gives the children, and whatever else `unflatten` needs. That is part of the structure: primitives,
 * lists, and plain objects of them are compared by value, all else by identity. `unflatten` rebuilds an instance;
 * it may be given children that are not arrays. Children have names, and then stand first, or are a list as in
 * JAX, and then stand last, as there.
 *
 * @param ctor The class.
 * @throws {TreeError} where the class is registered already; in use, where `flatten` does not give such a pair.
 *
 * @example
 * ```ts
 * import { registerPytreeNode, treeLeaves, treeMap } from "@injax/injax";
 *
 * class Point {
 *   constructor(readonly x: unknown, readonly y: unknown) {}
 * }
 * registerPytreeNode(Point, (p) => [{ x: p.x, y: p.y }, null], ({ x, y }) => new Point(x, y));
 * console.log(treeLeaves(new Point(1, 2))); // [ 1, 2 ]
 *
 * class Stack {
 *   constructor(readonly items: readonly unknown[], readonly unit: string) {}
 * }
 * registerPytreeNode(Stack, (s) => [s.items, s.unit], (unit, items) => new Stack(items, unit as string));
 * console.log(treeLeaves([new Stack([1, 2], "m"), 3])); // [ 1, 2, 3 ]
 * ```
 */
export function registerPytreeNode<
  T extends object,
  C extends Record<string, unknown> | readonly unknown[],
>(
  ctor: abstract new (...args: never[]) => T,
  flatten: (node: T) => readonly [children: C, aux: unknown],
  unflatten: (...parts: TreeParts<C>) => T,
): void {
  if (arguments.length > 3) checkCall("registerPytreeNode(ctor, flatten, unflatten)", arguments);
  if (typeof ctor !== "function") {
    throw new TreeError(`registerPytreeNode: expected a class, got ${describeValue(ctor)}`);
  }
  if (registrations.has(ctor)) {
    throw new TreeError(`registerPytreeNode: class ${ctor.name} is registered already`);
  }
  const rebuild = unflatten as (first: unknown, second: unknown) => object;
  // Which of the two forms is known once an instance was taken apart, and before one is rebuilt.
  let listed = false;
  register(ctor, {
    name: ctor.name,
    flatten(node) {
      const parts = flatten(node as T) as unknown;
      const children = Array.isArray(parts) && parts.length === 2 ? parts[0] : null;
      if (typeof children !== "object" || children === null) {
        throw new TreeError(
          `registerPytreeNode: flatten of ${ctor.name} must return [{ name: child, ... }, aux] or ` +
            `[[child, ...], aux], and returned ${describeValue(parts)}`,
        );
      }
      listed = Array.isArray(children);
      const named = listed
        ? Object.fromEntries((children as unknown[]).map((child, i) => [keyAt(i), child]))
        : children;
      return [named, (parts as unknown[])[1]];
    },
    unflatten: (children, aux) =>
      listed ? rebuild(aux, Object.values(children)) : rebuild(children, aux),
    entries: (_, keys) => keys.map((k, i) => listed ? new FlattenedIndexKey(i) : new GetAttrKey(k)),
  });
}

/** Names of children by position, which sorting leaves in order. */
export function keyAt(i: number): string {
  return String(i).padStart(9, "0");
}

/** Makes instances of a class, which has not been registered, inner nodes of pytrees. */
export function register(ctor: unknown, registration: TreeRegistration): void {
  registrations.set(ctor, registration);
}

/** Whether a class is registered. */
export function isRegistered(ctor: unknown): boolean {
  return registrations.has(ctor);
}

function isPlainObject(value: object): value is Record<string, unknown> {
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** Whether `value` is an inner node of a pytree and not a leaf, as `jax.tree_util.is_tree_node` says of types. */
export function isTreeNode(value: unknown): boolean {
  if (arguments.length > 1) checkCall("isTreeNode(value)", arguments);
  if (value === null || value === undefined) return true;
  if (typeof value !== "object") return false;
  return Array.isArray(value) || isPlainObject(value) || registrations.has(value.constructor);
}

function sortedKeys(value: Record<string, unknown>): string[] {
  const keys = Object.keys(value);
  for (let i = 1; i < keys.length; i++) if (keys[i]! < keys[i - 1]!) return keys.sort();
  return keys;
}

function flattenInto(value: unknown, leaves: unknown[]): TreeDef {
  if (value === null) return nullDef;
  if (value === undefined) return undefinedDef;
  if (typeof value === "object") {
    if (Array.isArray(value)) {
      const children: TreeDef[] = new Array(value.length);
      for (let i = 0; i < value.length; i++) children[i] = flattenInto(value[i], leaves);
      return intern("array", [], children);
    }
    const proto = Object.getPrototypeOf(value);
    if (proto === Object.prototype || proto === null) {
      return flattenObject("object", value as Record<string, unknown>, leaves, null, null);
    }
    const registration = registrations.get(value.constructor);
    if (registration !== undefined) {
      const [children, aux] = registration.flatten(value);
      return flattenObject("class", children, leaves, registration, aux);
    }
  }
  leaves.push(value);
  return leafDef;
}

/** A node of a tree, with its children as they are. */
export interface TreeLevel {
  /** What sort of node it is, its children's keys, its class and what that keeps: as in `TreeDef`. */
  readonly kind: TreeKind;
  readonly keys: readonly string[];
  readonly children: readonly unknown[];
  readonly registration: TreeRegistration | null;
  readonly aux: unknown;
}

/** A node without what is below its children; `null` for a leaf. */
export function oneLevel(value: unknown): TreeLevel | null {
  const level = (
    kind: TreeKind,
    keys: readonly string[],
    children: readonly unknown[],
    registration: TreeRegistration | null = null,
    aux: unknown = null,
  ): TreeLevel => ({ kind, keys, children, registration, aux });
  if (!isTreeNode(value)) return null;
  if (value === null || value === undefined) {
    return level(value === null ? "null" : "undefined", [], []);
  }
  if (Array.isArray(value)) return level("array", [], value);
  const registration = isPlainObject(value as object)
    ? null
    : registrations.get((value as object).constructor)!;
  const [record, aux] = registration === null
    ? [value as Record<string, unknown>, null]
    : registration.flatten(value);
  const keys = sortedKeys(record);
  const kind = registration === null ? "object" : "class";
  return level(kind, keys, keys.map((k) => record[k]), registration, aux);
}

/** The structure of a node, from those of its children. */
export function structureOf(level: TreeLevel, children: readonly TreeDef[]): TreeDef {
  if (level.kind === "null") return nullDef;
  if (level.kind === "undefined") return undefinedDef;
  if (level.kind === "array") return intern("array", [], children);
  return intern(level.kind, level.keys, children, level.registration, level.aux);
}

/**
 * What a tree has in the places of the leaves of a structure that it begins with: subtrees, where it goes on.
 *
 * @throws {TreeError} saying where it differs; `what` is the tree, for messages.
 */
export function flattenUpTo(op: string, what: string, def: TreeDef, tree: unknown): unknown[] {
  const out: unknown[] = [];
  const visit = (node: TreeDef, value: unknown, path: string): void => {
    if (node.kind === "leaf") {
      out.push(value);
      return;
    }
    const level = oneLevel(value);
    const fits = level !== null && level.kind === node.kind &&
      level.registration === node.registration && level.children.length === node.children.length &&
      level.keys.every((k, i) => k === node.keys[i]) &&
      (node.registration === null || auxKey(level.aux) === auxKey(node.aux));
    if (!fits) {
      throw new TreeError(
        `${op}: ${what} ${describeTreeDifference(node, treeFlatten(value)[1], path)}`,
      );
    }
    const steps = entriesOf(node);
    node.children.forEach((child, i) => visit(child, level.children[i], `${path}${steps[i]}`));
  };
  visit(def, tree, "");
  return out;
}

function flattenObject(
  kind: TreeKind,
  value: Record<string, unknown>,
  leaves: unknown[],
  registration: TreeRegistration | null,
  aux: unknown,
): TreeDef {
  const keys = sortedKeys(value);
  const children: TreeDef[] = new Array(keys.length);
  for (let i = 0; i < keys.length; i++) children[i] = flattenInto(value[keys[i]!], leaves);
  return intern(kind, keys, children, registration, aux);
}

/**
 * The leaves of a tree, in order, and its structure. Keys of objects are taken in sorted order.
 *
 * @param tree Plain objects, arrays and registered classes, nested; all else but `null` and
 * `undefined`, which are trees without leaves, is a leaf.
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 *
 * @example
 * ```ts
 * import { treeFlatten } from "@injax/injax";
 *
 * const [leaves, def] = treeFlatten({ w: [1, 2], b: 3 });
 * console.log(leaves, String(def)); // [ 3, 1, 2 ] {b: *, w: [*, *]}
 * ```
 */
export function treeFlatten(tree: unknown): [leaves: unknown[], def: TreeDef] {
  if (arguments.length > 1) checkCall("treeFlatten(tree)", arguments);
  const leaves: unknown[] = [];
  try {
    return [leaves, flattenInto(tree, leaves)];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TreeError("a tree contains itself, or is nested too deeply", { cause: error });
  }
}

/**
 * The leaves of a tree, in the order of `treeFlatten`.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 *
 * @example
 * ```ts
 * import { treeLeaves } from "@injax/injax";
 *
 * console.log(treeLeaves({ w: [1, null], b: 3 })); // [ 3, 1 ]
 * ```
 */
export function treeLeaves(tree: unknown): unknown[] {
  if (arguments.length > 1) checkCall("treeLeaves(tree)", arguments);
  return treeFlatten(tree)[0];
}

/**
 * The structure of a tree. Equal structures are the same object, so that `===` compares them.
 *
 * @throws {TreeError} where the tree contains itself, or is nested too deeply.
 *
 * @example
 * ```ts
 * import { treeStructure } from "@injax/injax";
 *
 * console.log(treeStructure({ w: 1, b: [2] }) === treeStructure({ b: [3], w: 4 })); // true
 * ```
 */
export function treeStructure(tree: unknown): TreeDef {
  if (arguments.length > 1) checkCall("treeStructure(tree)", arguments);
  return treeFlatten(tree)[1];
}

function build(def: TreeDef, leaves: readonly unknown[], at: { next: number }): unknown {
  switch (def.kind) {
    case "leaf":
      return leaves[at.next++];
    case "null":
      return null;
    case "undefined":
      return undefined;
    case "array":
      return def.children.map((child) => build(child, leaves, at));
    default: {
      const out: Record<string, unknown> = {};
      for (let i = 0; i < def.keys.length; i++) {
        const key = def.keys[i]!;
        const value = build(def.children[i]!, leaves, at);
        // A key named __proto__ would otherwise set the prototype and vanish from the tree.
        if (key === "__proto__") {
          Object.defineProperty(out, key, {
            value,
            enumerable: true,
            writable: true,
            configurable: true,
          });
        } else {
          out[key] = value;
        }
      }
      return def.registration === null ? out : def.registration.unflatten(out, def.aux);
    }
  }
}

/**
 * Rebuilds a tree from its structure and leaves: the inverse of `treeFlatten`.
 *
 * @param leaves As many as the structure has, in its order; of any type.
 * @throws {TreeError} where the number of leaves is not the structure's.
 *
 * @example
 * ```ts
 * import { treeFlatten, treeUnflatten } from "@injax/injax";
 *
 * const [, def] = treeFlatten({ w: [1, 2], b: 3 });
 * console.log(treeUnflatten(def, ["b", "w0", "w1"])); // { b: "b", w: [ "w0", "w1" ] }
 * ```
 */
export function treeUnflatten(def: TreeDef, leaves: readonly unknown[]): unknown {
  if (arguments.length > 2) checkCall("treeUnflatten(def, leaves)", arguments);
  if (!(def instanceof TreeDef) || !Array.isArray(leaves)) {
    throw new TreeError(
      `treeUnflatten: ${
        def instanceof TreeDef
          ? `the leaves must be a list, not ${describeValue(leaves)}`
          : `the structure must be one that treeFlatten gives, not ${describeValue(def)}`
      }. Write treeUnflatten(def, leaves)`,
    );
  }
  if (leaves.length !== def.numLeaves) {
    throw new TreeError(
      `treeUnflatten: the structure ${def} has ${def.numLeaves} leaves, but ${leaves.length} were given`,
    );
  }
  return def === leafDef ? leaves[0] : build(def, leaves, { next: 0 });
}

/**
 * Applies `f` to each leaf of `tree`, and to what the trees of `rest` have in the same places: leaves, or as
 * in JAX subtrees.
 *
 * @throws {TreeError} where a tree of `rest` has another structure above the leaves of `tree`.
 *
 * @example
 * ```ts
 * import { treeMap } from "@injax/injax";
 *
 * console.log(treeMap((x, y) => x + y, { a: 1, b: [2] }, { a: 10, b: [20] })); // { a: 11, b: [ 22 ] }
 * ```
 */
export function treeMap<T, R, Rest extends readonly MapLeaves<T, unknown>[]>(
  f: LeafFunction<T, Rest, R>,
  tree: T,
  ...rest: Rest
): MapLeaves<T, R> {
  if (typeof f !== "function") {
    throw new TypeError(`treeMap: the first argument must be a function, not ${describeValue(f)}`);
  }
  const [leaves, def] = treeFlatten(tree);
  const others = rest.map((other, k) => {
    const [otherLeaves, otherDef] = treeFlatten(other);
    return otherDef === def
      ? otherLeaves
      : flattenUpTo("treeMap", `tree ${k + 1} differs from the first`, def, other);
  });
  const apply = f as (...leaves: unknown[]) => R;
  return treeUnflatten(
    def,
    leaves.map((leaf, i) => apply(leaf, ...others.map((o) => o[i]))),
  ) as MapLeaves<T, R>;
}
