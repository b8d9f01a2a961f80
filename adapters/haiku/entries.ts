/**
 * Parameters and state: the functions by which modules reach them.
 *
 * @module
 */
import {
  checkCall,
  checkShape,
  describeValue,
  expectDType,
  formatShape,
  type OptionTable,
  sameShape,
  toArray,
} from "../../lib/extend.ts";
import {
  type Context,
  type DType,
  NDArray,
  ShapeError,
  StateError,
  treeFlatten,
  treeUnflatten,
} from "../../mod.ts";
import { collections } from "./collections.ts";
import { bundleOf, protocol, type Scope, scopeIn } from "./context.ts";
import {
  type Creator,
  DO_NOT_STORE,
  type EntryContext,
  type Initializer,
  runChain,
  runCreators,
} from "./handlers.ts";

/** Options of `getParameter` and `getState`. `T` is what the initial value of state is: any tree of arrays. */
export interface EntryOptions<T = NDArray> {
  /** Element type, float32 where left out. */
  readonly dtype?: DType | undefined;
  /** How to make the initial value. */
  readonly init?: ((shape: readonly number[], dtype: DType) => T) | undefined;
}

/** Checks the name of an entry. */
function checkName(name: unknown, op: string): asserts name is string {
  if (typeof name !== "string" || name === "" || name.includes("/") || name === "__proto__") {
    throw new StateError(
      `${op}: a name is a non-empty string without "/", not ${describeValue(name)}`,
    );
  }
}

/** What handlers are told of an entry. */
function contextOf(
  scope: Scope,
  name: string,
  shape: readonly number[] | undefined,
  dtype: DType,
  init: EntryContext["originalInit"],
): EntryContext {
  const moduleName = bundleOf(scope);
  return {
    fullName: `${moduleName}/${name}`,
    moduleName,
    name,
    originalShape: shape,
    originalDtype: dtype,
    originalInit: init,
    liftedPrefixName: scope.handlers.liftedPrefix ?? "",
  };
}

/** A name as users write it, and what stands in its place. */
function quoted(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name) : describeValue(name);
}

/** A call as users write it. */
function callOf(what: string, name: unknown): string {
  return `hk.${what}(${quoted(name)})`;
}

/** An initialiser that checks what it made. */
function checked(
  op: string,
  path: string,
  init: (...args: never[]) => unknown,
  isState: boolean,
): Initializer {
  return (shape, dtype) => {
    const value = (init as Initializer)(shape, dtype) as unknown;
    // The mark that a creator may give in place of an array, which the caller looks for.
    if (value === DO_NOT_STORE) return value as unknown as NDArray;
    const array = toArray(value);
    if (array === null) {
      if (isState) return asEntry(op, path, value) as NDArray;
      throw new StateError(`${op}: the initialiser of ${path} did not return an array`);
    }
    if (!sameShape(array.shape, shape)) {
      throw new ShapeError(
        `${op}: the initialiser of ${path} returned shape ${formatShape(array.shape)}, not ${
          formatShape(shape)
        }`,
      );
    }
    return array;
  };
}

/** A tree with arrays in the place of numbers, of the dtypes of what it replaces. */
function asEntry(op: string, path: string, value: unknown, old?: unknown): unknown {
  const [leaves, def] = treeFlatten(value);
  const [before, beforeDef] = old === undefined ? [[], null] : treeFlatten(old);
  return treeUnflatten(
    def,
    leaves.map((leaf, i) => {
      const array = toArray(leaf);
      if (array === null) {
        const what = `${op}: the value of ${path} ${
          leaves.length === 1 && leaf === value ? "is" : "holds"
        } ${describeValue(leaf)}`;
        throw new StateError(`${what}, not an array`);
      }
      const outer = before[i];
      return typeof leaf !== "object" && def === beforeDef && outer instanceof NDArray
        ? array.astype(outer.dtype)
        : array;
    }),
  );
}

/**
 * The value of an entry that does not exist, by its creators and initialiser; `DO_NOT_STORE` where
 * one of them says so. `mayStore` raises where it may not be made.
 */
function created(
  context: Context,
  key: string,
  creators: readonly Creator[],
  shape: readonly number[],
  dtype: DType,
  init: Initializer,
  describe: EntryContext,
  mayStore: () => void,
): unknown {
  try {
    return context.create(key, () => {
      const value = runCreators(creators, shape, dtype, init, describe);
      if (value === DO_NOT_STORE) throw DO_NOT_STORE;
      mayStore();
      return value;
    });
  } catch (error) {
    if (error === DO_NOT_STORE) return DO_NOT_STORE;
    throw error;
  }
}

const entryOptions: OptionTable<EntryOptions> = { init: "function", dtype: "dtype" };

/** For messages about shapes. */
const SCALAR = "; that of a scalar is []";

/**
 * A parameter of the current module: created by `init` while initialising, read from the parameters
 * that `apply` was given after that. The current module is the one whose method is running. A
 * constructor is none of its methods: there, call it in `this.submodules(() => ...)`.
 *
 * @param name Name within the module, without `/`.
 * @param shape Shape; an existing parameter must have it. `[]` for a scalar.
 * @throws {StateError} where the parameter does not exist after initialisation, or nothing says how
 * to make it; where the name is none; outside of a transformed function, and inside a pure transform.
 * @throws {ShapeError} where the shape is none; where the parameter, or what the initialiser makes, has
 * another one.
 * @throws {DTypeError} where the dtype is none.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   x.mul(hk.getParameter("scale", x.shape, { init: hk.initializers.constant(2) }))
 * );
 * const params = model.init(null, np.ones([3])); // outside of modules, names are under "~"
 * console.log(params["~"]!.scale!.toArray()); // [ 2, 2, 2 ]
 * console.log(model.apply(params, null, np.array([1, 2, 3])).toArray()); // [ 2, 4, 6 ]
 * ```
 */
export function getParameter(
  name: string,
  shape: readonly number[],
  options: EntryOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("hk.getParameter(name, shape, options)", arguments, entryOptions);
  }
  const context = protocol.current() ?? protocol.need(callOf("getParameter", name));
  checkName(name, "hk.getParameter");
  const scope = scopeIn(context);
  const { paramGetters } = scope.handlers;
  let value = context.get(`${collections.params}:${bundleOf(scope)}/${name}`);
  // Mostly it is there and as it should be: this is where most of a module's time goes.
  if (
    value instanceof NDArray && paramGetters.length === 0 && options.dtype === undefined &&
    Array.isArray(shape) && sameShape(value.shape, shape)
  ) return value;
  checkShape(callOf("getParameter", name), shape, SCALAR);
  const dtype = expectDType(callOf("getParameter", name), options.dtype, "float32");
  if (value === undefined) value = newParameter(context, scope, name, shape, dtype, options.init);
  const path = `${bundleOf(scope)}/${name}`;
  if (paramGetters.length > 0) {
    const describe = contextOf(scope, name, shape, dtype, options.init);
    value = toArray(runChain(paramGetters, value, describe));
  }
  if (!(value instanceof NDArray)) throw notThere(value, path);
  if (!sameShape(value.shape, shape)) {
    throw new ShapeError(
      `hk.getParameter: ${path} has shape ${formatShape(value.shape)}, but ${
        formatShape(shape)
      } was asked for. Were the parameters made for other inputs?`,
    );
  }
  return value;
}

/** The error for a parameter that neither is stored nor given by a getter. */
function notThere(value: unknown, path: string): StateError {
  const hint = "give it by a getter, hk.customGetter, which must return an array";
  return new StateError(
    value === DO_NOT_STORE
      ? `hk.getParameter: ${path} is not stored (DO_NOT_STORE): ${hint}`
      : `hk.getParameter: the getters of ${path} gave no array`,
  );
}

/** Makes a parameter. */
function newParameter(
  context: Context,
  scope: Scope,
  name: string,
  shape: readonly number[],
  dtype: DType,
  given: Initializer | undefined,
): unknown {
  const path = `${bundleOf(scope)}/${name}`;
  const key = `${collections.params}:${path}`;
  const { paramCreators } = scope.handlers;
  // After initialisation there is nothing to make; but creators may say that it is not stored.
  const mayStore = (): void => {
    if (!context.initializing) throw missing(context, path);
  };
  if (given === undefined && paramCreators.length === 0) mayStore();
  const none = (): never => {
    mayStore();
    throw new StateError(
      `hk.getParameter: ${path} does not exist yet: give an initialiser, init`,
    );
  };
  const init = given === undefined ? none : checked("hk.getParameter", path, given, false);
  const describe = contextOf(scope, name, shape, dtype, given);
  try {
    return created(context, key, paramCreators, shape, dtype, init, describe, mayStore);
  } catch (error) {
    mayStore(); // whatever went wrong in making it is beside the point then
    throw error;
  }
}

function missing(context: Context, path: string): StateError {
  const prefix = `${collections.params}:`;
  const known = context.keys().filter((k) => k.startsWith(prefix)).map((k) =>
    k.slice(prefix.length)
  );
  return new StateError(
    `hk.getParameter: ${path} is not among the parameters that apply was given. All parameters must be ` +
      `created by init; the parameters are ${known.join(", ") || "none"}`,
  );
}

/**
 * A state entry of the current module, as it is now.
 *
 * @param name Name within the module, without `/`.
 * @param shape Shape, needed where the entry may have to be made; an existing entry must have it.
 * @throws {StateError} where the entry does not exist and nothing says how to make it; where the
 * name is none; outside of a transformed function, and inside a pure transform.
 * @throws {ShapeError} where the shape is none; where the entry, or what the initialiser makes, has
 * another one.
 * @throws {DTypeError} where the dtype is none.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const total = hk.transformWithState((x: NDArray) => {
 *   const sum = hk.getState("sum", x.shape, { init: hk.initializers.constant(0) }).add(x);
 *   hk.setState("sum", sum);
 *   return sum;
 * });
 * const [params, state] = total.init(null, np.zeros([2]));
 * console.log(state["~"]!.sum!.toArray()); // [ 0, 0 ], whatever init wrote after that
 * const [, after] = total.apply(params, state, null, np.array([1, 2]));
 * console.log(total.apply(params, after, null, np.array([3, 4]))[0].toArray()); // [ 4, 6 ]
 * ```
 */
export function getState<T = NDArray>(
  name: string,
  shape?: readonly number[],
  options: EntryOptions<T> = {},
): T {
  if (arguments.length > 2) {
    checkCall("hk.getState(name, shape, options)", arguments, entryOptions);
  }
  const call = `hk.getState(${quoted(name)})`;
  const context = protocol.need(call);
  checkName(name, "hk.getState");
  if (shape !== undefined) checkShape(call, shape, SCALAR);
  const dtype = expectDType(call, options.dtype, "float32");
  const scope = scopeIn(context);
  const path = `${bundleOf(scope)}/${name}`;
  const key = `${collections.state}:${path}`;
  const { stateCreators, stateGetters } = scope.handlers;
  const describe = (): EntryContext => contextOf(scope, name, shape, dtype, options.init);
  let value: unknown = context.get(key);
  if (value === undefined) {
    const { init } = options;
    if (init === undefined || shape === undefined) {
      throw new StateError(
        `hk.getState: ${path} has no value yet: give its shape and an initialiser, init, or set it first`,
      );
    }
    const make = checked("hk.getState", path, init, true);
    value = created(context, key, stateCreators, shape, dtype, make, describe(), () => {});
  }
  if (stateGetters.length > 0) value = runChain(stateGetters, value, describe());
  if (value === DO_NOT_STORE) {
    throw new StateError(
      `hk.getState: ${path} is not stored (DO_NOT_STORE): give it by a getter, hk.customGetter`,
    );
  }
  if (shape !== undefined && value instanceof NDArray && !sameShape(value.shape, shape)) {
    throw new ShapeError(
      `hk.getState: ${path} has shape ${formatShape(value.shape)}, but ${
        formatShape(shape)
      } was asked for. Was the state made for other inputs, or did setState give it this shape?`,
    );
  }
  return value as T;
}

/**
 * Sets a state entry of the current module, which is made where it does not exist: then this value
 * is also the initial one that `init` gives. A number takes the dtype of the entry that it
 * replaces; an array may have any shape and dtype, but inside transforms the entry must keep its
 * own.
 *
 * @param name Name within the module, without `/`.
 * @throws {StateError} where the name is none, or the value is not an array; outside of a
 * transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const delay = hk.transformWithState((x: NDArray) => {
 *   const before = hk.getState("last", [], { init: hk.initializers.constant(0) });
 *   hk.setState("last", x);
 *   return before;
 * });
 * const [params, state] = delay.init(null, np.array(0));
 * const [out, after] = delay.apply(params, state, null, np.array(7));
 * console.log(out.item(), after["~"]!.last!.item()); // 0 7
 * ```
 */
export function setState(name: string, value: unknown): void {
  if (arguments.length > 2) checkCall("hk.setState(name, value)", arguments);
  const context = protocol.need(`hk.setState(${quoted(name)})`);
  checkName(name, "hk.setState");
  const scope = scopeIn(context);
  const path = `${bundleOf(scope)}/${name}`;
  const key = `${collections.state}:${path}`;
  const old = context.get(key);
  const { setters } = scope.handlers;
  let entry = asEntry("hk.setState", path, value, old);
  if (setters.length > 0) {
    const { shape, dtype = "float32" } = (entry instanceof NDArray ? entry : {}) as Partial<
      NDArray
    >;
    const set = runChain(setters, entry, contextOf(scope, name, shape, dtype, undefined));
    if (set === DO_NOT_STORE) return;
    entry = asEntry("hk.setState", path, set, old);
  }
  context.set(key, entry);
}
