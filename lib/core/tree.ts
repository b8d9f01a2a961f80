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
import { showAsText } from "./display.ts";
import { describeValue, TreeError } from "./errors.ts";
import { checkCall } from "./signature.ts";
import type { LeafFunction, MapLeaves } from "./tree_types.ts";

/** The sorts of node in a tree. */
export type TreeKind = "leaf" | "null" | "undefined" | "array" | "object" | "class";

/** How instances of a class are taken apart and rebuilt. */
export interface TreeRegistration {
  /** The class's name. */
  readonly name: string;
  /** Children by name, and what else `unflatten` needs. */
  readonly flatten: (node: unknown) => readonly [Record<string, unknown>, unknown];
  /** Rebuilds an instance. */
  readonly unflatten: (children: Record<string, unknown>, aux: unknown) => unknown;
}

/** The structure of a pytree; equal structures are the same object. */
export class TreeDef {
  /** Number of leaves below this node. */
  readonly numLeaves: number;
  /** Position in the table of interned structures. */
  readonly id: number;

  /** For this module alone: structures come from `treeFlatten` and `treeStructure`. */
  constructor(
    /** What sort of node this is. */
    readonly kind: TreeKind,
    /** Keys of an object's or class's children, sorted. */
    readonly keys: readonly string[],
    /** Structures of the children. */
    readonly children: readonly TreeDef[],
    /** How to rebuild a registered class. */
    readonly registration: TreeRegistration | null,
    /** What a registered class keeps besides its children. */
    readonly aux: unknown,
    id: number,
  ) {
    this.id = id;
    let n = kind === "leaf" ? 1 : 0;
    for (const child of children) n += child.numLeaves;
    this.numLeaves = n;
  }

  /** The structure with `*` for each leaf. */
  toString(): string {
    switch (this.kind) {
      case "leaf":
        return "*";
      case "null":
      case "undefined":
        return this.kind;
      case "array":
        return `[${this.children.join(", ")}]`;
      default: {
        const inner = this.keys.map((k, i) => `${k}: ${this.children[i]}`).join(", ");
        return `${this.registration?.name ?? ""}{${inner}}`;
      }
    }
  }
}

showAsText(TreeDef);

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

/** What a class keeps besides its children compares by value if primitive, else by identity. */
function auxKey(aux: unknown): string {
  if (aux === null || (typeof aux !== "object" && typeof aux !== "function")) {
    if (typeof aux === "string") return JSON.stringify(aux);
    if (typeof aux === "symbol") return `symbol ${symbolNumber(aux)}`;
    return `${typeof aux}:${Object.is(aux, -0) ? "-0" : String(aux)}`;
  }
  if (Array.isArray(aux)) return `[${aux.map(auxKey).join(",")}]`;
  let id = auxIds.get(aux);
  if (id === undefined) auxIds.set(aux, id = ++auxCount);
  return `#${id}`;
}

/** The structure of a single leaf. */
export const leafDef: TreeDef = intern("leaf", [], []);
const nullDef: TreeDef = intern("null", [], []);
const undefinedDef: TreeDef = intern("undefined", [], []);

/**
 * Makes instances of a class inner nodes of pytrees.
 *
 * @param ctor The class.
 * @param flatten Gives the children by name, and whatever else `unflatten` needs (compared by value
 * if it is a primitive or an array of them, else by identity).
 * @param unflatten Rebuilds an instance. It may be given children that are not arrays.
 *
 * @example
 * ```ts
 * import { registerPytreeNode, treeLeaves } from "@injax/injax";
 *
 * class Point {
 *   constructor(readonly x: unknown, readonly y: unknown) {}
 * }
 * registerPytreeNode(Point, (p) => [{ x: p.x, y: p.y }, null], ({ x, y }) => new Point(x, y));
 * console.log(treeLeaves(new Point(1, 2))); // [ 1, 2 ]
 * ```
 */
export function registerPytreeNode<T extends object>(
  ctor: abstract new (...args: never[]) => T,
  flatten: (node: T) => readonly [Record<string, unknown>, unknown],
  unflatten: (children: Record<string, unknown>, aux: unknown) => T,
): void {
  if (arguments.length > 3) checkCall("registerPytreeNode(ctor, flatten, unflatten)", arguments);
  if (typeof ctor !== "function") {
    throw new TreeError(`registerPytreeNode: expected a class, got ${describeValue(ctor)}`);
  }
  if (registrations.has(ctor)) {
    throw new TreeError(`registerPytreeNode: class ${ctor.name} is registered already`);
  }
  registrations.set(ctor, {
    name: ctor.name,
    flatten: (node) => flatten(node as T),
    unflatten,
  });
}

function isPlainObject(value: object): value is Record<string, unknown> {
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

/** Whether `value` is an inner node of a pytree and not a leaf. */
export function isTreeNode(value: unknown): boolean {
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

/** The path of each leaf, in the order of the leaves: `.layers[0].w`; a lone leaf has path `""`. */
export function treePaths(def: TreeDef): string[] {
  const paths: string[] = [];
  const visit = (node: TreeDef, path: string): void => {
    if (node.kind === "leaf") paths.push(path);
    else {
      node.children.forEach((child, i) =>
        visit(child, node.kind === "array" ? `${path}[${i}]` : `${path}${formatKey(node.keys[i]!)}`)
      );
    }
  };
  visit(def, "");
  return paths;
}

function formatKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** The first place where two structures differ, for an error message. */
export function describeTreeDifference(a: TreeDef, b: TreeDef, path = ""): string {
  const where = path === "" ? "at the top" : `at ${path}`;
  if (a.kind !== b.kind || a.registration !== b.registration) return `${where}: ${a} and ${b}`;
  if (a.kind === "array" && a.children.length !== b.children.length) {
    return `${where}: arrays of length ${a.children.length} and ${b.children.length}`;
  }
  if (a.keys.join("\0") !== b.keys.join("\0")) {
    return `${where}: keys {${a.keys.join(", ")}} and {${b.keys.join(", ")}}`;
  }
  for (let i = 0; i < a.children.length; i++) {
    if (a.children[i] !== b.children[i]) {
      const step = a.kind === "array" ? `[${i}]` : formatKey(a.keys[i]!);
      return describeTreeDifference(a.children[i]!, b.children[i]!, path + step);
    }
  }
  return `${where}: what ${a.registration?.name ?? "the node"} keeps besides its children`;
}

/**
 * Applies `f` to each leaf of `tree`, and to the leaves at the same places in `rest`.
 *
 * @throws {TreeError} where a tree of `rest` has another structure.
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
    if (otherDef !== def) {
      throw new TreeError(
        `treeMap: tree ${k + 1} differs from the first ${describeTreeDifference(def, otherDef)}`,
      );
    }
    return otherLeaves;
  });
  const apply = f as (...leaves: unknown[]) => R;
  return treeUnflatten(
    def,
    leaves.map((leaf, i) => apply(leaf, ...others.map((o) => o[i]))),
  ) as MapLeaves<T, R>;
}
