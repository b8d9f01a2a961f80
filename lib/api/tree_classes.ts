/**
 * Classes as nodes of pytrees, beyond `registerPytreeNode`. See `tree.ts`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  DictKey,
  FlattenedIndexKey,
  GetAttrKey,
  isKeyEntry,
  isRegistered,
  keyAt,
  type KeyEntry,
  nameOfKey,
  type OptionTable,
  readOptions,
  register,
  SequenceKey,
  TreeError,
  type TreeRegistration,
} from "../core/mod.ts";

function newClass(
  op: string,
  ctor: unknown,
): asserts ctor is abstract new (...args: never[]) => object {
  if (typeof ctor !== "function") {
    throw new TreeError(`${op}: expected a class, got ${describeValue(ctor)}`);
  }
  if (isRegistered(ctor)) throw new TreeError(`${op}: class ${ctor.name} is registered already`);
}

/** Sorts of keys, as a structure keeps them: it compares what it keeps by value where that is primitive. */
const sorts: Readonly<Record<string, (name: string) => KeyEntry>> = {
  a: (name) => new GetAttrKey(name),
  d: (name) => new DictKey(name),
  s: (name) => new SequenceKey(Number(name)),
  f: (name) => new FlattenedIndexKey(Number(name)),
};

function kept(entry: KeyEntry): string {
  const sort = entry instanceof GetAttrKey
    ? "a"
    : entry instanceof DictKey
    ? "d"
    : entry instanceof SequenceKey
    ? "s"
    : "f";
  return sort + nameOfKey(entry);
}

/**
 * Makes instances of a class inner nodes of pytrees whose children have keys of their own and keep their
 * order, as `jax.tree_util.register_pytree_with_keys`.
 *
 * @param ctor The class.
 * @param flattenWithKeys Gives pairs of key and child, and whatever else `unflatten` needs.
 * @param unflatten Rebuilds an instance from that and the children, which need not be arrays.
 * @throws {TreeError} where the class is registered already.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * class Stack {
 *   constructor(readonly items: readonly unknown[]) {}
 * }
 * tree.registerPytreeWithKeys(
 *   Stack,
 *   (s) => [s.items.map((x, i) => [new tree.SequenceKey(i), x]), null],
 *   (_, children) => new Stack(children),
 * );
 * const [[path]] = tree.leavesWithPath({ s: new Stack([1]) }) as [[tree.KeyPath, number]];
 * console.log(tree.keystr(path)); // .s[0]
 * ```
 */
export function registerPytreeWithKeys<T extends object>(
  ctor: abstract new (...args: never[]) => T,
  flattenWithKeys: (node: T) => readonly [readonly (readonly [KeyEntry, unknown])[], unknown],
  unflatten: (aux: unknown, children: readonly unknown[]) => T,
): void {
  const op = "registerPytreeWithKeys";
  if (arguments.length > 3) checkCall(`${op}(ctor, flattenWithKeys, unflatten)`, arguments);
  newClass(op, ctor);
  const registration: TreeRegistration = {
    name: ctor.name,
    flatten(node) {
      const [pairs, aux] = flattenWithKeys(node as T);
      for (const [key] of pairs) {
        if (isKeyEntry(key)) continue;
        throw new TreeError(
          `${op}: the keys of ${ctor.name} must be DictKey, GetAttrKey, SequenceKey or ` +
            `FlattenedIndexKey, not ${describeValue(key)}`,
        );
      }
      const children = Object.fromEntries(pairs.map(([, child], i) => [keyAt(i), child]));
      return [children, [aux, ...pairs.map(([key]) => kept(key))]];
    },
    unflatten: (children, aux) => unflatten((aux as unknown[])[0], Object.values(children)),
    entries: (aux) =>
      (aux as [unknown, ...string[]]).slice(1).map((text) => {
        const [sort, name] = [(text as string)[0]!, (text as string).slice(1)];
        return sorts[sort]!(name);
      }),
  };
  register(ctor, registration);
}

/** Options of {@linkcode registerDataclass}. */
export interface DataclassOptions {
  /** Fields that are children. */
  readonly dataFields: readonly string[];
  /** Fields that belong to the structure (default none): compared by value if primitive. */
  readonly metaFields?: readonly string[] | undefined;
  /** Fields that are left out: instances that are rebuilt do not have them (default none). */
  readonly dropFields?: readonly string[] | undefined;
}

const dataclassOptions: OptionTable<DataclassOptions> = {
  dataFields: "names",
  metaFields: "names",
  dropFields: "names",
};

/**
 * Makes instances of a class of plain fields inner nodes of pytrees, as `jax.tree_util.register_dataclass`: an
 * instance is rebuilt without its constructor, by setting the fields.
 *
 * @throws {TreeError} where the class is registered already, or a field is named twice.
 *
 * @example
 * ```ts
 * import { treeMap } from "@injax/injax";
 * import * as tree from "@injax/injax/tree";
 *
 * class Circle {
 *   constructor(readonly radius: number, readonly colour: string) {}
 * }
 * tree.registerDataclass(Circle, { dataFields: ["radius"], metaFields: ["colour"] });
 * const { radius, colour } = treeMap((x: number) => x * 2, new Circle(1, "red") as unknown) as Circle;
 * console.log(radius, colour); // 2 red
 * ```
 */
export function registerDataclass<T extends object>(
  ctor: abstract new (...args: never[]) => T,
  options: DataclassOptions,
): void {
  const op = "registerDataclass";
  options = readOptions(`${op}(ctor, options)`, arguments, dataclassOptions);
  newClass(op, ctor);
  const { dataFields, metaFields = [], dropFields = [] } = options ?? {};
  for (const [name, list] of Object.entries({ dataFields, metaFields, dropFields })) {
    if (Array.isArray(list) && list.every((field) => typeof field === "string")) continue;
    throw new TypeError(`${op}: ${name} must be a list of names, not ${describeValue(list)}`);
  }
  const all = [...dataFields, ...metaFields, ...dropFields];
  const twice = all.find((name, i) => all.indexOf(name) !== i);
  if (twice !== undefined) throw new TreeError(`${op}: the field ${twice} is named twice`);
  type Fields = Record<string, unknown>;
  const take = (node: unknown, names: readonly string[]): [string, unknown][] =>
    names.map((name) => [name, (node as Fields)[name]]);
  register(ctor, {
    name: ctor.name,
    flatten: (node) => [
      Object.fromEntries(take(node, dataFields)),
      take(node, metaFields).map(([, value]) => value),
    ],
    unflatten(children, aux) {
      const node = Object.create(ctor.prototype);
      for (const [name, value] of Object.entries(children)) node[name] = value;
      metaFields.forEach((name, i) => node[name] = (aux as unknown[])[i]);
      return node;
    },
  });
}

/**
 * Makes instances of a class nodes without leaves, which belong to the structure, as
 * `jax.tree_util.register_static`. They are compared by identity: two instances are two structures.
 *
 * @throws {TreeError} where the class is registered already.
 *
 * @example
 * ```ts
 * import * as tree from "@injax/injax/tree";
 *
 * class Config {
 *   constructor(readonly depth: number) {}
 * }
 * tree.registerStatic(Config);
 * console.log(tree.leaves({ config: new Config(3), w: 1 })); // [ 1 ]
 * ```
 */
export function registerStatic<T extends object>(ctor: abstract new (...args: never[]) => T): void {
  if (arguments.length > 1) checkCall("registerStatic(ctor)", arguments);
  newClass("registerStatic", ctor);
  register(ctor, {
    name: ctor.name,
    flatten: (node) => [{}, node],
    unflatten: (_, node) => node,
  });
}
