/**
 * The calls that put users' functions in force while a function runs: custom creators, getters and
 * setters of entries, and interceptors of methods.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";
import { ambientHandlers, protocol, scopeIn, withScope } from "./context.ts";
import type { Creator, Getter, Handlers, Hooks, Interceptor, Setter } from "./handlers.ts";

/** For which entries a creator or getter is meant. */
export interface HookOptions {
  /** For parameters (default true). */
  readonly params?: boolean | undefined;
  /** For state (default false). */
  readonly state?: boolean | undefined;
}

const hookOptions: OptionTable<HookOptions> = { params: "boolean", state: "boolean" };

/** Puts `hook` under each of `kinds`, further in than what is there. */
function added(handlers: Handlers, kinds: readonly (keyof Hooks)[], hook: unknown): Handlers {
  return {
    ...handlers,
    ...Object.fromEntries(kinds.map((kind) => [kind, [...handlers[kind], hook]])),
  };
}

function withHook<R>(
  op: string,
  kinds: readonly (keyof Hooks)[],
  hook: unknown,
  f: () => R,
): R {
  for (const given of [hook, f]) {
    if (typeof given === "function") continue;
    throw new StateError(`${op}: expected two functions, not ${describeValue(given)}`);
  }
  const context = protocol.need(op);
  const scope = scopeIn(context);
  return withScope(context, { ...scope, handlers: added(scope.handlers, kinds, hook) }, f);
}

/** `"params"` and `"state"` as the options choose, as members of `Handlers`. */
function kindsOf(
  op: string,
  { params = true, state = false }: HookOptions,
  what: "Creators" | "Getters",
): (keyof Hooks)[] {
  if (!params && !state) throw new StateError(`${op}: it is for params, state or both`);
  return [
    ...(params ? [`param${what}` as const] : []),
    ...(state ? [`state${what}` as const] : []),
  ];
}

/**
 * Runs `f`; there, `creator` makes the initial values of parameters, or calls `next` for that. Those of
 * calls further in come later. It is called where an entry does not exist.
 *
 * @throws {StateError} where these are no functions; outside of a transformed function, and inside a
 * pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const zeros: hk.Creator = (next, shape, dtype, _init, { name }) =>
 *   next(shape, dtype, hk.initializers.constant(name === "w" ? 2 : 0));
 * const model = hk.transform((x: NDArray) =>
 *   hk.customCreator(zeros, () => new hk.Linear(1).call(x))
 * );
 * console.log(model.init(null, np.ones([2])).linear!.w!.toArray()); // [ [ 2 ], [ 2 ] ]
 * ```
 */
export function customCreator<R>(creator: Creator, f: () => R, options: HookOptions = {}): R {
  if (arguments.length > 2) {
    checkCall("hk.customCreator(creator, f, options)", arguments, hookOptions);
  }
  const op = "hk.customCreator";
  return withHook(op, kindsOf(op, options, "Creators"), creator, f);
}

/**
 * Runs `f`; there, `getParameter` (and `getState` with `{ state: true }`) returns what `getter` gives
 * for the value of the entry, such as a cast or masked one. What is stored stays as it is.
 *
 * @throws {StateError} where these are no functions; outside of a transformed function, and inside a
 * pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   hk.customGetter(
 *     (next, value) => next(value.mul(10)),
 *     () => x.mul(hk.getParameter("s", [], { init: hk.initializers.constant(1) })),
 *   )
 * );
 * const params = model.init(null, np.array(3));
 * console.log(params["~"]!.s!.item(), model.apply(params, null, np.array(3)).item()); // 1 30
 * ```
 */
export function customGetter<R>(getter: Getter, f: () => R, options: HookOptions = {}): R {
  if (arguments.length > 2) {
    checkCall("hk.customGetter(getter, f, options)", arguments, hookOptions);
  }
  const op = "hk.customGetter";
  return withHook(op, kindsOf(op, options, "Getters"), getter, f);
}

/**
 * Runs `f`; there, `setState` stores what `setter` gives for the value, or nothing for `DO_NOT_STORE`.
 *
 * @throws {StateError} where these are no functions; outside of a transformed function, and inside a
 * pure transform.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState(() => {
 *   hk.customSetter((next, value) => next(value.mul(2)), () => hk.setState("n", np.array(4)));
 *   return hk.getState("n");
 * });
 * console.log(model.apply({}, {}, null)[0].item()); // 8
 * ```
 */
export function customSetter<R>(setter: Setter, f: () => R): R {
  if (arguments.length > 2) checkCall("hk.customSetter(setter, f)", arguments);
  return withHook("hk.customSetter", ["setters"], setter, f);
}

/**
 * Runs `f`; there, `interceptor` is called in place of each method of a module, and calls `next` for
 * the method itself: to log, to cast inputs and outputs, to replace a result. Outside of a transformed
 * function it holds for those that `f` calls.
 *
 * @throws {StateError} where these are no functions, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.MLP([4, 1]).call(x));
 * const called: string[] = [];
 * hk.interceptMethods((next, args, { module, methodName }) => {
 *   called.push(`${module.moduleName}.${methodName}`);
 *   return next(...args);
 * }, () => model.init(random.key(0), np.ones([3])));
 * console.log(called); // [ "mlp.call", "mlp/~/linear_0.call", "mlp/~/linear_1.call" ]
 * ```
 */
export function interceptMethods<R>(interceptor: Interceptor, f: () => R): R {
  if (arguments.length > 2) checkCall("hk.interceptMethods(interceptor, f)", arguments);
  const op = "hk.interceptMethods";
  if (protocol.top() !== null || typeof interceptor !== "function" || typeof f !== "function") {
    return withHook(op, ["interceptors"], interceptor, f);
  }
  const before = ambientHandlers.value;
  ambientHandlers.value = added(before, ["interceptors"], interceptor);
  try {
    return f();
  } finally {
    ambientHandlers.value = before;
  }
}
