/**
 * Variables as users have them, trees by collection and path, and as contexts have them, entries by
 * key: `"params:block/Dense_0/kernel"`.
 *
 * @module
 */
import { describeValue, toArray } from "../../lib/extend.ts";
import { type Context, NDArray, StateError, treeLeaves } from "../../mod.ts";
import { type Filter, inFilter } from "./filters.ts";

/**
 * What is under a name: an array, or the variables of a submodule by their names. Types cannot tell which,
 * so it can be used as either.
 */
export type VariableNode = NDArray & VariableTree;

/** The variables of a module: arrays by name, and more such trees by submodule. */
export interface VariableTree {
  /** A variable or a submodule. */
  readonly [name: string]: VariableNode;
}

/** All variables, as `init` gives them: `{ params: { Dense_0: { kernel, bias } }, batch_stats: ... }`. */
export interface Variables {
  /** The variables of a collection. */
  readonly [collection: string]: VariableTree;
}

/** Variables that are given to a model: trees of arrays by collection and name. */
export interface GivenVariables {
  /** The variables of a collection. */
  readonly [collection: string]: { readonly [name: string]: unknown };
}

/** The collection in a key. */
export function collectionOf(key: string): string {
  return key.slice(0, key.indexOf(":"));
}

/** The path in a key. */
export function pathOf(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}

/** The key of a variable. */
export function keyOf(collection: string, path: string, name: string): string {
  return `${collection}:${path === "" ? name : `${path}/${name}`}`;
}

/** Whether a value is a plain object, which has submodules or parts by name. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The entries of variables, by key. What is no plain object is one entry. */
export function entriesOf(op: string, variables: unknown): Record<string, unknown> {
  const entries: Record<string, unknown> = {};
  if (!isPlain(variables)) {
    throw new StateError(
      `${op}: the variables must be { collection: { name: array } }, as init gives them, not ${
        describeValue(variables)
      }`,
    );
  }
  for (const [collection, tree] of Object.entries(variables)) {
    if (!isPlain(tree)) {
      throw new StateError(
        `${op}: the collection ${collection} must be { name: array }, not ${
          describeValue(tree)
        }. Variables are given with their collection: { params }`,
      );
    }
    if (collection === "params" && isPlain(tree.params)) {
      throw new StateError(
        `${op}: the variables have the structure { params: { params: ... } }. Give what init returned, ` +
          "not { params: what init returned }",
      );
    }
    flattenInto(entries, `${collection}:`, tree, op);
  }
  return entries;
}

function flattenInto(
  entries: Record<string, unknown>,
  prefix: string,
  tree: Record<string, unknown>,
  op: string,
): void {
  for (const [name, value] of Object.entries(tree)) {
    const key = prefix + name;
    if (isPlain(value)) flattenInto(entries, `${key}/`, value, op);
    else entries[key] = value instanceof NDArray ? value : toValue(op, key, value);
  }
}

/** The value of a variable with arrays in place of numbers. */
export function toValue(op: string, key: string, value: unknown): unknown {
  const array = typeof value === "object" ? null : toArray(value);
  if (array !== null) return array;
  const isTree = typeof value === "object" && value !== null;
  const foreign = isTree ? treeLeaves(value).find((x) => typeof x === "number") : value;
  if (isTree && foreign === undefined) return value;
  throw new StateError(
    `${op}: the variable ${key.replace(":", "/")} must be an array or a tree of arrays, not ${
      describeValue(value)
    }${
      isTree ? ` with ${describeValue(foreign)} in it` : ""
    }. Arrays are made of lists, as files ` +
      "have them, by np.array(...)",
  );
}

/** What is under a key in given variables: a tree, where a variable is a plain object. */
export function nodeAt(variables: GivenVariables, key: string): unknown {
  const at = key.indexOf(":");
  let node: unknown = variables[key.slice(0, at)];
  for (const name of key.slice(at + 1).split("/")) {
    if (!isPlain(node) || !Object.hasOwn(node, name)) return undefined;
    node = node[name];
  }
  return node;
}

/** The variables of the collections that a filter means, as they are in a context now. */
export function variablesIn(
  context: Context,
  given: GivenVariables,
  filter: Filter,
): Variables {
  const out: Record<string, Nested> = {};
  for (const [collection, tree] of Object.entries(given)) {
    if (inFilter(filter, collection)) out[collection] = copied(tree);
  }
  const { made, written, removed } = context.account;
  for (const key of new Set([...made.keys(), ...written.keys()])) {
    if (removed.has(key)) continue;
    const collection = key.slice(0, key.indexOf(":"));
    if (inFilter(filter, collection)) put(out, key, context.get(key));
  }
  return out as Variables;
}

/** A tree that is one's own, to change. */
export type Nested = { [name: string]: unknown };

function copied(tree: Nested): Nested {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => [name, isPlain(value) ? copied(value) : value]),
  );
}

/** Puts a value under a key in trees that are one's own. */
export function put(variables: Nested, key: string, value: unknown): void {
  const at = key.indexOf(":");
  const names = [key.slice(0, at), ...key.slice(at + 1).split("/")];
  const last = names.pop()!;
  let tree = variables;
  for (const name of names) {
    if (!Object.hasOwn(tree, name)) tree[name] = {};
    tree = tree[name] as Nested;
  }
  tree[last] = value;
}
