/**
 * Trees in two parts: which leaves are arrays, one part and the other, and trees that differ at some
 * places.
 *
 * @module
 */
import { checkCall, describeValue, isFloat, toArray } from "../../lib/extend.ts";
import {
  NDArray,
  TreeError,
  treeFlatten,
  treeLeaves,
  treeMap,
  treeStructure,
  treeUnflatten,
} from "../../mod.ts";
import { innerOf, type Module } from "./module.ts";

/** Whether a leaf is an array. */
export function isArray(leaf: unknown): leaf is NDArray {
  return leaf instanceof NDArray;
}

/** Whether a leaf is an array of floating-point numbers, and so can be differentiated. */
export function isInexactArray(leaf: unknown): leaf is NDArray {
  return leaf instanceof NDArray && isFloat(leaf.dtype);
}

/** Whether a leaf is an array, or a number, boolean or typed array that transforms make one. */
export function isArrayLike(leaf: unknown): boolean {
  return toArray(leaf) !== null;
}

/**
 * Which leaves belong to a part: a function of the leaf, a boolean for all, or a tree of these which is
 * a prefix of the tree that is parted.
 */
export type FilterSpec =
  | boolean
  | ((leaf: unknown) => boolean)
  | readonly FilterSpec[]
  | { readonly [name: string]: FilterSpec }
  | Module;

/** For each leaf of a tree, in order, what a prefix says of it. */
export function spread(op: string, what: string, prefix: unknown, tree: unknown): unknown[] {
  const out: unknown[] = [];
  const visit = (spec: unknown, node: unknown, path: string): void => {
    const own = innerOf(spec);
    if (own === null) {
      for (const _ of treeLeaves(node)) out.push(spec);
      return;
    }
    const other = innerOf(node);
    const names = Object.keys(own.children).sort();
    const found = other === null ? null : Object.keys(other.children).sort();
    if (found === null || names.join("\0") !== found.join("\0")) {
      throw new TreeError(
        `${op}: ${what}${path} has the children ${names.join(", ") || "none"}, but the tree has ${
          found === null ? `there ${describeValue(node)}` : found.join(", ") || "none"
        }. It must be a prefix of the tree`,
      );
    }
    // In the order in which leaves are flattened.
    const order = Array.isArray(node) ? node.map((_, i) => String(i)) : names;
    for (const name of order) {
      visit(own.children[name], other!.children[name], `${path}.${name}`);
    }
  };
  visit(prefix, tree, "");
  return out;
}

/** For each leaf, whether it belongs to a part. */
function chosen(
  op: string,
  leaves: readonly unknown[],
  tree: unknown,
  spec: FilterSpec,
): boolean[] {
  const specs = typeof spec === "function"
    ? leaves.map(() => spec)
    : spread(op, "the filter", spec, tree);
  return leaves.map((leaf, i) => {
    const own = specs[i];
    const answer = typeof own === "function" ? (own as (leaf: unknown) => unknown)(leaf) : own;
    if (typeof answer === "boolean") return answer;
    throw new TreeError(
      `${op}: the filter must give true or false for each leaf, not ${describeValue(answer)}. ` +
        "Write eqx.isArray, or a tree of booleans",
    );
  });
}

/**
 * The tree with `null` in place of the leaves that are not chosen.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * console.log(eqx.filter({ w: np.array(1), name: "a" }, eqx.isArray).name); // null
 * ```
 */
export function filter<T>(tree: T, spec: FilterSpec): T {
  if (arguments.length !== 2) checkCall("eqx.filter(tree, spec)", arguments);
  return split("eqx.filter", tree, spec)[0];
}

/**
 * Two trees of the structure of one: with the chosen leaves, and with the others. Where a leaf is in the
 * other one, there is `null`. `combine` makes one of them again.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [params, rest] = eqx.partition({ w: np.array(1), name: "a" }, eqx.isArray);
 * console.log(params.name, rest.w); // null null
 * console.log(eqx.combine(params, rest).name); // a
 * ```
 */
export function partition<T>(tree: T, spec: FilterSpec = isArray): [chosen: T, others: T] {
  if (arguments.length > 2) checkCall("eqx.partition(tree, spec)", arguments);
  return split("eqx.partition", tree, spec);
}

function split<T>(op: string, tree: T, spec: FilterSpec): [T, T] {
  const [leaves, def] = treeFlatten(tree);
  const mask = chosen(op, leaves, tree, spec);
  const part = (yes: boolean): T =>
    treeUnflatten(def, leaves.map((leaf, i) => mask[i] === yes ? leaf : null)) as T;
  return [part(true), part(false)];
}

/**
 * One tree of several: at each place what is not `null` in the first of them that has something there.
 *
 * @throws {TreeError} where they have different structures.
 */
export function combine<T>(...trees: readonly T[]): T {
  const merge = (nodes: readonly unknown[], path: string): unknown => {
    const some = nodes.filter((node) => node !== null && node !== undefined);
    if (some.length < 2) return some[0] ?? nodes[0] ?? null;
    const inner = some.map(innerOf);
    const [first] = inner;
    if (inner.every((node) => node === null)) return some[0];
    const names = first === null ? [] : Object.keys(first!.children);
    for (const node of inner) {
      const own = node === null ? null : Object.keys(node.children);
      if (
        own !== null && first !== null && own.sort().join("\0") === [...names].sort().join("\0")
      ) continue;
      throw new TreeError(
        `eqx.combine: the trees differ at ${path || "the top"}: ${treeStructure(some[0])} and ${
          treeStructure(some[inner.indexOf(node)])
        }. Combine parts of one tree`,
      );
    }
    const children = Object.fromEntries(
      names.map((
        name,
      ) => [name, merge(inner.map((node) => node!.children[name]), `${path}.${name}`)]),
    );
    return first!.rebuild(children);
  };
  return merge(trees, "") as T;
}

/** Stands for a leaf, by its place. */
class Place {
  constructor(readonly value: unknown) {}
}

/**
 * A tree that differs from another at the place, or the places, that `where` picks.
 *
 * @param where Gives a node of the tree, or a list of nodes, by access alone: `(m) => m.layers[0].weight`.
 * @param replace What is there instead: a value (of several places: a list), or `replaceBy`, a function
 * of what is there.
 * @throws {TreeError} where `where` gives something that is no node of the tree.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.Linear(2, 2, { key: random.key(0) });
 * const zeroed = eqx.treeAt((m) => m.weight, layer, np.zeros([2, 2]));
 * console.log(zeroed.weight.sum().item(), zeroed.bias === layer.bias); // 0 true
 * const halved = eqx.treeAt((m) => m.weight, layer, { replaceBy: (w) => w.mul(0.5) });
 * ```
 */
export function treeAt<T, N>(
  where: (tree: T) => N,
  tree: T,
  replace: NoInfer<N> | null | { readonly replaceBy: (node: NDArray) => unknown },
): T {
  if (arguments.length !== 3) checkCall("eqx.treeAt(where, tree, replace)", arguments);
  // A copy in which every place is an object of its own.
  const originals = new Map<unknown, unknown>();
  const copy = (node: unknown): unknown => {
    const inner = innerOf(node);
    const made = inner === null ? new Place(node) : inner.rebuild(
      Object.fromEntries(Object.entries(inner.children).map(([name, x]) => [name, copy(x)])),
    );
    originals.set(made, node);
    return made;
  };
  const places = copy(tree);
  const picked: unknown = where(places as T);
  const isOne = originals.has(picked);
  if (!isOne && !Array.isArray(picked)) throw noPlace(picked);
  const targets: readonly unknown[] = isOne ? [picked] : picked as unknown[];
  const by = replaceBy(replace);
  const values: unknown = by !== null ? null : isOne ? [replace] : replace;
  if (values !== null && (!Array.isArray(values) || values.length !== targets.length)) {
    throw new TreeError(
      `eqx.treeAt: where gives ${targets.length} places, so replace must be a list of as many, not ${
        Array.isArray(values) ? `one of ${values.length}` : describeValue(values)
      }`,
    );
  }
  const list = values as readonly unknown[];
  const instead = new Map(targets.map((target, i) => {
    if (!originals.has(target)) throw noPlace(target);
    return [target, by === null ? list[i] : by(originals.get(target) as NDArray)];
  }));
  const build = (node: unknown): unknown => {
    if (instead.has(node)) return instead.get(node);
    if (node instanceof Place) return node.value;
    const inner = innerOf(node)!;
    const children = Object.entries(inner.children).map(([name, x]) => [name, build(x)]);
    return inner.rebuild(Object.fromEntries(children));
  };
  return build(places) as T;
}

function replaceBy(replace: unknown): ((node: NDArray) => unknown) | null {
  if (typeof replace !== "object" || replace === null || !("replaceBy" in replace)) return null;
  return replace.replaceBy as (node: NDArray) => unknown;
}

function noPlace(found: unknown): TreeError {
  return new TreeError(
    `eqx.treeAt: where must give a node of the tree, or a list of nodes, but it gave ${
      describeValue(found)
    }. It may only access fields and items, (m) => m.layers[0].weight, not compute; static fields are no ` +
      "nodes",
  );
}

/**
 * Whether two trees have the same structure, and equal leaves: arrays of the same dtype, shape and
 * elements, all else by `Object.is`.
 */
export function treeEqual(a: unknown, b: unknown): boolean {
  if (arguments.length !== 2) checkCall("eqx.treeEqual(a, b)", arguments);
  const [x, xDef] = treeFlatten(a);
  const [y, yDef] = treeFlatten(b);
  return xDef === yDef && x.every((leaf, i) => {
    const other = y[i];
    if (!(leaf instanceof NDArray && other instanceof NDArray)) return Object.is(leaf, other);
    if (leaf.dtype !== other.dtype || leaf.shape.join() !== other.shape.join()) return false;
    const [p, q] = [leaf.dataSync(), other.dataSync()];
    return p.every((v, k) => v === q[k]);
  });
}

/**
 * A model moved by updates, as an optimiser gives them: leaves are added, and where an update is `null`
 * the model stays.
 *
 * @throws {TreeError} where the updates have another structure.
 */
export function applyUpdates<T>(model: T, updates: T): T {
  if (arguments.length !== 2) checkCall("eqx.applyUpdates(model, updates)", arguments);
  const go = (node: unknown, update: unknown, path: string): unknown => {
    if (update === null || update === undefined) return node;
    const inner = innerOf(node);
    if (inner === null) {
      if (node instanceof NDArray && update instanceof NDArray) return node.add(update);
      throw new TreeError(
        `eqx.applyUpdates: at ${path || "the top"} the model has ${
          describeValue(node)
        } and the update ${
          describeValue(update)
        }. Updates are arrays where the model has arrays, and null elsewhere`,
      );
    }
    const other = innerOf(update);
    if (other === null) {
      throw new TreeError(
        `eqx.applyUpdates: at ${path || "the top"} the update is ${
          describeValue(update)
        }, not a tree like ` +
          "the model's",
      );
    }
    const children = Object.entries(inner.children).map(([name, x]) => [
      name,
      go(x, other.children[name], `${path}.${name}`),
    ]);
    return inner.rebuild(Object.fromEntries(children));
  };
  return go(model, updates, "") as T;
}

/** The arrays of a tree, all else in place. */
export function mapArrays<T>(f: (x: NDArray) => NDArray, tree: T): T {
  return treeMap((leaf: unknown) => leaf instanceof NDArray ? f(leaf) : leaf, tree) as T;
}
