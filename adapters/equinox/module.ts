/**
 * Modules: immutable objects that are pytrees. Fields are children, but for those that a class
 * declares static, which belong to the structure of the tree.
 *
 * @module
 */
import { advise } from "../../lib/extend.ts";
import { NDArray, registerPytreeNode, TreeError, treeStructure } from "../../mod.ts";
import { watchInputs } from "../inputs.ts";

/** A class of modules, as far as trees are concerned. */
interface ModuleClass {
  readonly name: string;
  readonly prototype: object;
  readonly staticFields?: readonly string[];
}

const registered = new WeakSet<object>();
const statics = new WeakMap<object, ReadonlySet<string>>();

/** The fields that a class and its bases declare static. */
function staticFieldsOf(ctor: ModuleClass): ReadonlySet<string> {
  let fields = statics.get(ctor);
  if (fields === undefined) {
    const all: string[] = [];
    for (let at = ctor; at !== null && at !== Function.prototype; at = Object.getPrototypeOf(at)) {
      if (Object.hasOwn(at, "staticFields")) all.push(...at.staticFields!);
    }
    statics.set(ctor, fields = new Set(all));
  }
  return fields;
}

/**
 * A module: its fields are its children in trees, so that transforms take it as an argument and give
 * it back. Fields named in a static list `staticFields` (those of
 * base classes are added) are part of the structure instead: numbers, strings,
 * functions, lists of these; arrays never. Modules do not change; `treeAt` gives one that differs.
 *
 * Once it was part of a tree a module is frozen, so that nothing can be lost by assigning to a copy of
 * it within a transform. Fields must be public: transforms make copies without the constructor. A
 * function that is kept in a field sees the module that it was made in, so methods must be methods.
 *
 * @example
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * class Scale extends eqx.Module {
 *   static readonly staticFields = ["power"];
 *   constructor(readonly factor: NDArray, readonly power: number) {
 *     super();
 *   }
 *   call(x: NDArray): NDArray {
 *     return np.power(x, this.power).mul(this.factor);
 *   }
 * }
 * const slope = grad((m: Scale) => m.call(np.array(3)))(new Scale(np.array(2), 2));
 * console.log(slope.factor.item(), slope.power); // 9 2
 * ```
 */
export abstract class Module {
  /** For types: a module has arrays as leaves already. */
  declare readonly "~arrays"?: this;

  /** Makes instances of the class trees. */
  constructor() {
    watchInputs(new.target, Module.prototype);
    register(new.target as ModuleClass);
  }
}

advise(
  Module,
  "for modules with leaves that are no arrays of floats there are eqx.filterGrad, eqx.filterJit, " +
    "eqx.filterVmap and the others whose names begin so",
);

function register(ctor: ModuleClass): void {
  if (registered.has(ctor)) return;
  registered.add(ctor);
  const fixed = staticFieldsOf(ctor);
  registerPytreeNode(
    ctor as abstract new () => Module,
    (module) => {
      let parts = taken.get(module);
      if (parts === undefined) taken.set(module, parts = apart(ctor, module, fixed));
      return parts;
    },
    (children, statics) => {
      const module = withFields(ctor, children, statics as Statics);
      taken.set(module, [children, statics as Statics]);
      return module;
    },
  );
}

/** The static fields of a module; the same object for the same fields, by which trees tell them apart. */
class Statics {
  constructor(readonly names: readonly string[], readonly values: readonly unknown[]) {}
}

type Parts = readonly [children: Record<string, unknown>, statics: Statics];

/** What modules were taken apart into, which do not change. */
const taken = new WeakMap<Module, Parts>();

function apart(ctor: ModuleClass, module: Module, fixed: ReadonlySet<string>): Parts {
  const children: Record<string, unknown> = {};
  const statics: [string, unknown][] = [];
  for (const [name, value] of Object.entries(module)) {
    if (!fixed.has(name)) children[name] = value;
    else if (value instanceof NDArray) throw staticArray(ctor, name);
    else statics.push([name, value]);
  }
  Object.freeze(module);
  // Whatever the order in which a constructor assigned them.
  statics.sort(([a], [b]) => a < b ? -1 : 1);
  const [names, values] = [statics.map(([name]) => name), statics.map(([, value]) => value)];
  return [children, interned(ctor, new Statics(names, values))];
}

const known = new WeakMap<object, Map<string, Statics>>();
const ids = new WeakMap<object, number>();
let count = 0;

/** Numbers, strings and lists compare by value, all else by identity. */
function keyOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  if (value === null || (typeof value !== "object" && typeof value !== "function")) {
    return `${typeof value}:${Object.is(value, -0) ? "-0" : String(value)}`;
  }
  let id = ids.get(value);
  if (id === undefined) ids.set(value, id = count++);
  return `#${id}`;
}

function interned(ctor: ModuleClass, statics: Statics): Statics {
  let own = known.get(ctor);
  if (own === undefined) known.set(ctor, own = new Map());
  const key = keyOf([statics.names, statics.values]);
  const same = own.get(key);
  if (same !== undefined) return same;
  own.set(key, statics);
  return statics;
}

function staticArray({ name: owner }: ModuleClass, name: string): TreeError {
  return new TreeError(
    `${owner}: the field ${name} holds an array, but staticFields names it. Static fields are compared to ` +
      "tell structures apart, which arrays cannot be: take it out of staticFields, and choose what is " +
      "differentiated by filterGrad and a filter",
  );
}

/** A module that is made without its constructor. */
function withFields(
  ctor: ModuleClass,
  children: Readonly<Record<string, unknown>>,
  { names, values }: Statics,
): Module {
  const module = Object.create(ctor.prototype);
  for (let i = 0; i < names.length; i++) module[names[i]!] = values[i];
  return Object.freeze(Object.assign(module, children));
}

/** An inner node of a tree: its children by name, and how to make one like it with others. */
export interface Inner {
  /** Children; those of lists by their number. */
  readonly children: Readonly<Record<string, unknown>>;
  /** A node like this one. */
  readonly rebuild: (children: Readonly<Record<string, unknown>>) => unknown;
}

/** A node as an inner one; `null` for leaves, `null` and `undefined`. */
export function innerOf(node: unknown): Inner | null {
  if (node === null || node === undefined || typeof node !== "object") return null;
  if (Array.isArray(node)) {
    return { children: { ...node }, rebuild: (own) => node.map((_, i) => own[i]) };
  }
  const def = treeStructure(node);
  if (def.kind === "object") {
    return { children: node as Readonly<Record<string, unknown>>, rebuild: (own) => ({ ...own }) };
  }
  const { registration } = def;
  if (registration === null) return null;
  const [children, aux] = registration.flatten(node);
  return { children, rebuild: (own) => registration.unflatten({ ...own }, aux) };
}

/** The fields of a module that are part of its structure. */
export function staticsOf(node: object): Readonly<Record<string, unknown>> {
  if (!(node instanceof Module)) return {};
  const fixed = staticFieldsOf(node.constructor as ModuleClass);
  return Object.fromEntries(Object.entries(node).filter(([name]) => fixed.has(name)));
}

/** A module with other static fields. */
export function withStatics<M extends Module>(module: M, fields: Partial<M>): M {
  const { constructor } = module;
  const all = { ...module, ...fields };
  return withFields(constructor as ModuleClass, all, { names: [], values: [] }) as M;
}
