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
import { type Context, type DType, type NDArray, ShapeError, StateError } from "../../mod.ts";
import { protocol, scopeIn } from "./context.ts";

/** Makes an array of the given shape and dtype; draws random numbers with `nextRngKey`. */
export type Initializer = (shape: readonly number[], dtype: DType) => NDArray;

/** Options of `getParameter` and `getState`. */
export interface EntryOptions {
  /** Element type, float32 where left out. */
  readonly dtype?: DType | undefined;
  /** How to make the initial value. */
  readonly init?: Initializer | undefined;
}

/** The collections of entries. */
export const collections = { params: "params", state: "state" } as const;

function entryName(context: Context, name: string, op: string): string {
  if (typeof name !== "string" || name === "" || name.includes("/") || name === "__proto__") {
    throw new StateError(
      `${op}: a name is a non-empty string without "/", not ${describeValue(name)}`,
    );
  }
  const { module } = scopeIn(context);
  return `${module === "" ? "~" : module}/${name}`;
}

/** A name as users write it, and what stands in its place. */
function quoted(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name) : describeValue(name);
}

/** Runs an initialiser. */
function makeEntry(
  op: string,
  path: string,
  shape: readonly number[],
  dtype: DType,
  init: Initializer,
): NDArray {
  const value = toArray(init(shape, dtype));
  if (value === null) {
    throw new StateError(`${op}: the initialiser of ${path} did not return an array`);
  }
  if (!sameShape(value.shape, shape)) {
    throw new ShapeError(
      `${op}: the initialiser of ${path} returned shape ${formatShape(value.shape)}, not ${
        formatShape(shape)
      }`,
    );
  }
  return value;
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
  const call = `hk.getParameter(${quoted(name)})`;
  const context = protocol.need(call);
  const path = entryName(context, name, "hk.getParameter");
  checkShape(call, shape, SCALAR);
  const dtype = expectDType(call, options.dtype, "float32");
  const key = `${collections.params}:${path}`;
  let value = context.get(key) as NDArray | undefined;
  if (value === undefined) {
    if (!context.initializing) throw missing(context, path);
    const { init } = options;
    if (init === undefined) {
      throw new StateError(
        `hk.getParameter: ${path} does not exist yet: give an initialiser, init`,
      );
    }
    const make = (): NDArray => makeEntry("hk.getParameter", path, shape, dtype, init);
    value = context.create(key, make) as NDArray;
  }
  if (!sameShape(value.shape, shape)) {
    throw new ShapeError(
      `hk.getParameter: ${path} has shape ${formatShape(value.shape)}, but ${
        formatShape(shape)
      } was asked for. Were the parameters made for other inputs?`,
    );
  }
  return value;
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
export function getState(
  name: string,
  shape?: readonly number[],
  options: EntryOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("hk.getState(name, shape, options)", arguments, entryOptions);
  }
  const call = `hk.getState(${quoted(name)})`;
  const context = protocol.need(call);
  const path = entryName(context, name, "hk.getState");
  if (shape !== undefined) checkShape(call, shape, SCALAR);
  const dtype = expectDType(call, options.dtype, "float32");
  const key = `${collections.state}:${path}`;
  let value = context.get(key) as NDArray | undefined;
  if (value === undefined) {
    const { init } = options;
    if (init === undefined || shape === undefined) {
      throw new StateError(
        `hk.getState: ${path} has no value yet: give its shape and an initialiser, init, or set it first`,
      );
    }
    const make = (): NDArray => makeEntry("hk.getState", path, shape, dtype, init);
    value = context.create(key, make) as NDArray;
  }
  if (shape !== undefined && !sameShape(value.shape, shape)) {
    throw new ShapeError(
      `hk.getState: ${path} has shape ${formatShape(value.shape)}, but ${
        formatShape(shape)
      } was asked for. Was the state made for other inputs, or did setState give it this shape?`,
    );
  }
  return value;
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
export function setState(name: string, value: NDArray | number | boolean): void {
  if (arguments.length > 2) checkCall("hk.setState(name, value)", arguments);
  const context = protocol.need(`hk.setState(${quoted(name)})`);
  const path = entryName(context, name, "hk.setState");
  const key = `${collections.state}:${path}`;
  const old = context.get(key) as NDArray | undefined;
  let array = toArray(value);
  if (array === null) {
    throw new StateError(
      `hk.setState: the value of ${path} is ${describeValue(value)}, not an array`,
    );
  }
  if (old !== undefined && typeof value !== "object") array = array.astype(old.dtype);
  context.set(key, array);
}
