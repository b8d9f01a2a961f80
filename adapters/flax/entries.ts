/**
 * Variables: how modules create, read and set them.
 *
 * @module
 */
import { describeValue, formatShape, sameShape } from "../../lib/extend.ts";
import {
  type Context,
  type DType,
  evalShape,
  NDArray,
  numpy as np,
  random,
  ShapeError,
  StateError,
  treeFlatten,
  treeUnflatten,
} from "../../mod.ts";
import { type Bindable, currentFrame, needScope, reserve, runOf, type Scope } from "./binding.ts";
import { checkVisible, isMutable, mayCreate, nextKey, protocol } from "./context.ts";
import { collectionOf, isPlain, keyOf, nodeAt, pathOf, toValue } from "./variables.ts";

/** Makes an initial value of a key and further arguments, such as a shape and a dtype. */
export type InitFunction<A extends unknown[] = [shape: readonly number[], dtype?: DType]> = (
  key: NDArray,
  ...args: A
) => NDArray;

/** Options of `sow`. */
export interface SowOptions<V> {
  /** What there is before the first value (default: an empty list). */
  readonly init?: (() => V) | undefined;
  /** Joins a value to those before (default: appends it). */
  readonly reduce?: ((before: V, value: NDArray) => V) | undefined;
}

/** A variable of a module in the run that is going on. */
export class Variable<V = NDArray> {
  readonly #key: string;
  readonly #where: string;

  /** Made by `Module.variable`. */
  constructor(key: string, where: string) {
    this.#key = key;
    this.#where = where;
  }

  /** The value as it is now. */
  get value(): V {
    const context = protocol.need(this.#where);
    checkVisible(context, collectionOf(this.#key), this.#where);
    return read(context, this.#key) as V;
  }

  /**
   * Sets the value.
   *
   * @throws {StateError} where the collection may not change.
   */
  set value(value: V | number | boolean) {
    write(protocol.need(this.#where), this.#key, value, this.#where);
  }
}

/** What is being done, for messages. */
function doing(module: Bindable, method: string, name: unknown): string {
  const quoted = typeof name === "string" ? JSON.stringify(name) : describeValue(name);
  return `${module.constructor.name}.${method}(${quoted})`;
}

/** The value of a variable, which may be a tree whose parts are entries. */
function read(context: Context, key: string): unknown {
  const own = context.get(key);
  if (own !== undefined) return own;
  const node = nodeAt(runOf(context).given, key);
  if (!isPlain(node)) return undefined;
  const parts = Object.keys(node).map((name) => [name, read(context, `${key}/${name}`)] as const);
  return parts.some(([, part]) => part === undefined) ? undefined : Object.fromEntries(parts);
}

/** Sets a variable that may be set. */
function write(context: Context, key: string, value: unknown, what: string): void {
  const collection = collectionOf(key);
  checkVisible(context, collection, what);
  if (!isMutable(context, collection)) {
    throw new StateError(
      `${what}: cannot change ${
        pathOf(key)
      }, since the collection ${collection} is immutable here. ` +
        `Give apply { mutable: [${
          JSON.stringify(collection)
        }] }, or name it among the collections that ` +
        "the transform carries",
    );
  }
  store(context, key, value, what);
}

function store(context: Context, key: string, value: unknown, what: string): void {
  const before = context.get(key);
  if (before === undefined && isPlain(value) && isPlain(nodeAt(runOf(context).given, key))) {
    for (const [name, part] of Object.entries(value)) {
      store(context, `${key}/${name}`, part, what);
    }
    return;
  }
  // A number takes the dtype of what it replaces.
  const array = toValue(what, key, value);
  const plain = typeof value !== "object" && before instanceof NDArray && array instanceof NDArray;
  context.set(key, plain ? array.astype(before.dtype) : array);
}

/** Creates a variable. Keys that its initialiser draws are counted as drawn. */
function create(context: Context, key: string, what: string, make: () => unknown): unknown {
  let drawn: (() => void) | null = null;
  const value = context.create(key, () => {
    const made = toValue(what, key, make());
    const inner = protocol.top()!.names.changes();
    drawn = () => context.names.apply(inner);
    return made;
  });
  (drawn as (() => void) | null)?.();
  return value;
}

function missing(context: Context, key: string, what: string): StateError {
  const collection = collectionOf(key);
  const known = context.keys().filter((k) => collectionOf(k) === collection).map(pathOf);
  return new StateError(
    `${what}: there is no ${
      pathOf(key)
    } in the collection ${collection}, and it cannot be made, since ` +
      `that is immutable here. ${
        known.length > 0
          ? `It has ${known.slice(0, 12).join(", ")}${known.length > 12 ? ", ..." : ""}`
          : `The collection is empty: give apply what init returned, { ${collection}, ... }`
      }`,
  );
}

function reserveHere(context: Context, module: Bindable, name: string, collection: string): void {
  const frame = currentFrame();
  if (frame !== null && frame.module === module) reserve(context, frame, name, collection);
}

/** As `Module.param`. */
export function param(
  module: Bindable,
  name: string,
  init: InitFunction<unknown[]>,
  args: unknown[],
): NDArray {
  const what = doing(module, "param", name);
  const context = protocol.need(what);
  const { path } = needScope(context, module, what);
  if (typeof init !== "function") {
    throw new StateError(
      `${what}: the second argument must be an initialiser, such as flax.initializers.lecunNormal(), not ${
        describeValue(init)
      }`,
    );
  }
  checkVisible(context, "params", what);
  const key = keyOf("params", path, name);
  const value = read(context, key);
  if (value !== undefined) checkShapes(what, key, value, init, args);
  else if (!mayCreate(context, "params")) throw missing(context, key, what);
  // Only now: what fails leaves no name behind.
  reserveHere(context, module, name, "params");
  return (value ?? create(
    context,
    key,
    what,
    () => init(nextKey(protocol.need(what), "params", path, what), ...args),
  )) as NDArray;
}

/** Raises where a parameter has another shape than its initialiser would give. */
function checkShapes(
  what: string,
  key: string,
  value: unknown,
  init: InitFunction<unknown[]>,
  args: unknown[],
): void {
  const [shape] = args;
  const wanted = Array.isArray(shape) && shape.every((n) => typeof n === "number")
    ? [{ shape: shape as number[] }]
    : treeFlatten(evalShape((k: NDArray) => init(k, ...args), random.key(0)))[0] as {
      shape: readonly number[];
    }[];
  const found = treeFlatten(value)[0] as NDArray[];
  wanted.forEach(({ shape }, i) => {
    const has = found[i]?.shape;
    if (has !== undefined && sameShape(has, shape)) return;
    throw new ShapeError(
      `${what}: the parameter ${pathOf(key)} has shape ${
        has === undefined ? "none" : formatShape(has)
      }, but its initialiser would give ${
        formatShape(shape)
      }. Were the variables made for other inputs, or by another model?`,
    );
  });
}

/** As `Module.variable`. */
export function variable<V>(
  module: Bindable,
  collection: string,
  name: string,
  init: ((...args: unknown[]) => V) | undefined,
  args: unknown[],
): Variable<V> {
  const what = doing(module, "variable", name);
  const context = protocol.need(what);
  const key = place(context, module, collection, name, what);
  checkVisible(context, collection, what);
  const exists = read(context, key) !== undefined;
  if (!exists && (init === undefined || !mayCreate(context, collection))) {
    throw missing(context, key, what);
  }
  reserveHere(context, module, name, collection);
  if (!exists) create(context, key, what, () => init!(...args));
  return new Variable<V>(key, what);
}

function place(
  context: Context,
  module: Bindable,
  collection: string,
  name: string,
  what: string,
): string {
  if (typeof collection !== "string" || collection === "" || /[/:]/.test(collection)) {
    throw new StateError(
      `${what}: a collection has a name without "/" and ":", not ${
        typeof collection === "string" ? JSON.stringify(collection) : describeValue(collection)
      }`,
    );
  }
  const scope: Scope = needScope(context, module, what);
  return keyOf(collection, scope.path, name);
}

/** As `Module.getVariable`. */
export function getVariable(module: Bindable, collection: string, name: string): unknown {
  const what = doing(module, "getVariable", name);
  const context = protocol.need(what);
  const key = place(context, module, collection, name, what);
  checkVisible(context, collection, what);
  return read(context, key);
}

/** As `Module.hasVariable`. */
export function hasVariable(module: Bindable, collection: string, name: string): boolean {
  const what = doing(module, "hasVariable", name);
  const context = protocol.need(what);
  return read(context, place(context, module, collection, name, what)) !== undefined;
}

/** As `Module.putVariable`. */
export function putVariable(
  module: Bindable,
  collection: string,
  name: string,
  value: unknown,
): void {
  const what = doing(module, "putVariable", name);
  const context = protocol.need(what);
  write(context, place(context, module, collection, name, what), value, what);
}

/** As `Module.sow`. */
export function sow(
  module: Bindable,
  collection: string,
  name: string,
  value: NDArray,
  { init, reduce }: SowOptions<unknown>,
): boolean {
  const what = doing(module, "sow", name);
  const context = protocol.need(what);
  const key = place(context, module, collection, name, what);
  if (!isMutable(context, collection)) return false;
  const before = read(context, key);
  if (before === undefined) reserveHere(context, module, name, collection);
  const start = before ?? (init === undefined ? [] : init());
  const after = reduce === undefined ? [...start as unknown[], value] : reduce(start, value);
  store(context, key, after, what);
  return true;
}

/** As `Module.perturb`. */
export function perturb(
  module: Bindable,
  name: string,
  value: NDArray,
  collection: string,
): NDArray {
  const what = doing(module, "perturb", name);
  const context = protocol.need(what);
  const key = place(context, module, collection, name, what);
  if (isMutable(context, collection) && read(context, key) === undefined) {
    reserveHere(context, module, name, collection);
    const [leaves, def] = treeFlatten(value) as [NDArray[], ReturnType<typeof treeFlatten>[1]];
    const avals = leaves.map((x) => ({ shape: x.shape, dtype: x.dtype }));
    create(
      context,
      key,
      what,
      () => treeUnflatten(def, avals.map(({ shape, dtype }) => np.zeros(shape, { dtype }))),
    );
  }
  const own = read(context, key) as NDArray | undefined;
  if (own !== undefined) return value.add(own);
  if (!Object.hasOwn(runOf(context).given, collection)) return value;
  throw new StateError(
    `${what}: the collection ${collection} is given, but ${
      pathOf(key)
    } is not in it. Give all that init made`,
  );
}
