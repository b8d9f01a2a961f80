/**
 * Parameters and state as users hold them, by module and name, and as contexts do, by key.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import { type Context, NDArray, StateError, treeLeaves } from "../../mod.ts";
import { protocol } from "./context.ts";

/** Parameters or state: the name of each module with its entries, `{ "linear": { w, b } }`. */
export type ModuleEntries = { [module: string]: { [name: string]: NDArray } };

/** The collections of entries. */
export const collections = { params: "params", state: "state" } as const;

/** The entries of a collection, as `value` has them. */
export function nested(
  context: Context,
  collection: string,
  value: (key: string) => unknown,
): ModuleEntries {
  const out: ModuleEntries = {};
  const prefix = `${collection}:`;
  for (const key of context.keys()) {
    if (!key.startsWith(prefix)) continue;
    const at = key.lastIndexOf("/");
    const module = key.slice(prefix.length, at);
    if (!Object.hasOwn(out, module)) out[module] = {};
    out[module]![key.slice(at + 1)] = value(key) as NDArray;
  }
  return out;
}

/** The entries of a collection by key. Those of state may be trees of arrays. */
export function flattened(
  entries: unknown,
  what: keyof typeof collections,
  usage: string,
): Record<string, NDArray> {
  const out: Record<string, NDArray> = {};
  const wrong = (found: string): StateError =>
    new StateError(`${usage}: ${what} must be { module: { name: array } }, but ${found}`);
  if (typeof entries !== "object" || entries === null || entries instanceof NDArray) {
    throw wrong(`it is ${describeValue(entries)}`);
  }
  for (const [module, own] of Object.entries(entries)) {
    if (typeof own !== "object" || own === null || own instanceof NDArray) {
      throw wrong(`${module} is ${describeValue(own)}`);
    }
    for (const [name, value] of Object.entries(own)) {
      if (!(value instanceof NDArray)) {
        const isTree = what === "state" && typeof value === "object" && value !== null;
        const foreign = isTree ? treeLeaves(value).find((x) => !(x instanceof NDArray)) : value;
        if (!isTree || foreign !== undefined) {
          throw wrong(
            `${module}.${name} ${isTree ? "holds" : "is"} ${
              describeValue(foreign)
            }. Arrays are made ` +
              "of numbers and of lists, as files have them, by np.array(...)",
          );
        }
      }
      out[`${collections[what]}:${module}/${name}`] = value as NDArray;
    }
  }
  return out;
}

/** Values as they are now. */
export const now = (context: Context): (key: string) => unknown => (key) => context.get(key);

/** Values as they were when the entries came to be, or as the context was given them. */
export const atFirst = (context: Context): (key: string) => unknown => (key) =>
  initialOf(context, key);

function initialOf(context: Context, key: string): unknown {
  return context.initial(key) ??
    (context.parent === null
      ? context.before(key) ?? context.get(key)
      : initialOf(context.parent, key));
}

function collectionNow(
  op: string,
  collection: keyof typeof collections,
  value: (context: Context) => (key: string) => unknown,
): ModuleEntries {
  const context = protocol.need(op);
  return nested(context, collections[collection], value(context));
}

/**
 * All parameters that there are at this point, by module and name. Those that `init` has yet to make are
 * not among them; getters are not run.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const y = new hk.Linear(1).call(x);
 *   return y.add(hk.getParams().linear!.w!.square().sum()); // weight decay
 * });
 * const params = model.init(random.key(0), np.ones([2]));
 * console.log(model.apply(params, null, np.ones([2])).shape); // [ 1 ]
 * ```
 */
export function getParams(): ModuleEntries {
  if (arguments.length > 0) checkCall("hk.getParams()", arguments);
  return collectionNow("hk.getParams", "params", now);
}

/**
 * All state as it is at this point, by module and name.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState(() => {
 *   hk.setState("n", np.array(1));
 *   hk.setState("n", np.array(2));
 *   console.log(hk.getCurrentState()["~"]!.n!.item(), hk.getInitialState()["~"]!.n!.item()); // 2 1
 *   return 0;
 * });
 * model.init(null);
 * ```
 */
export function getCurrentState(): ModuleEntries {
  if (arguments.length > 0) checkCall("hk.getCurrentState()", arguments);
  return collectionNow("hk.getCurrentState", "state", now);
}

/**
 * All state that there is at this point, with the values that it had when it came to be, or that
 * `apply` was given.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState(() => {
 *   hk.setState("n", hk.getState("n", [], { init: (s) => np.zeros(s) }).add(1));
 *   return hk.getInitialState()["~"]!.n!;
 * });
 * console.log(model.apply({}, { "~": { n: np.array(5) } }, null)[0].item()); // 5
 * ```
 */
export function getInitialState(): ModuleEntries {
  if (arguments.length > 0) checkCall("hk.getInitialState()", arguments);
  return collectionNow("hk.getInitialState", "state", atFirst);
}
