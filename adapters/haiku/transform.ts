/**
 * From functions that use modules to pairs of pure functions.
 *
 * @module
 */
import { checkCall, deferred, describeValue } from "../../lib/extend.ts";
import {
  type Arrays,
  Context,
  type LiftedTransforms,
  liftTransforms,
  type NDArray,
  StateError,
} from "../../mod.ts";
import { prepare, protocol, stream } from "./context.ts";
import { isKey } from "./keys.ts";
import { atFirst, collections, flattened, type ModuleEntries, nested, now } from "./collections.ts";

/** A pair of pure functions made from a function with parameters. */
export interface Transformed<A extends unknown[], R> {
  /** The parameters, made for arguments like these. `key` is needed where anything is random. */
  init(key: NDArray | null, ...args: A): ModuleEntries;
  /** The function's result with these parameters. `key` is needed where anything is random. */
  apply(params: ModuleEntries, key: NDArray | null, ...args: A): Arrays<R>;
}

/** A pair of pure functions made from a function with parameters and state. */
export interface TransformedWithState<A extends unknown[], R> {
  /** The parameters and the initial state, made for arguments like these. */
  init(key: NDArray | null, ...args: A): [params: ModuleEntries, state: ModuleEntries];
  /** The function's result, and the state after it. */
  apply(
    params: ModuleEntries,
    state: ModuleEntries,
    key: NDArray | null,
    ...args: A
  ): [out: Arrays<R>, state: ModuleEntries];
}

/**
 * The transforms to use inside of transformed functions, and to pass to library functions called
 * there. Outside of transformed functions they are the pure ones.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const layer = new hk.Linear(3);
 *   return hk.transforms.foriLoop(0, 4, (_, h) => np.tanh(layer.call(h)), x);
 * });
 * const params = model.init(random.key(0), np.ones([3]));
 * console.log(Object.keys(params)); // [ "linear" ]: one set of weights for all steps
 * ```
 */
export const transforms: LiftedTransforms = liftTransforms(protocol);

/**
 * As `transforms`, but a `whileLoop` whose condition or body would create entries raises
 * `StateChangedError`, which names them. They are to be created before the loop.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const layer = new hk.Linear(1, { wInit: hk.initializers.constant(2) });
 *   hk.strictTransforms.initialize(() => layer.call(x)); // without this, the loop raises
 *   return hk.strictTransforms.whileLoop((x) => x.sum().less(5), (x) => layer.call(x), x);
 * });
 * const params = model.init(null, np.ones([1]));
 * console.log(model.apply(params, null, np.ones([1])).toArray()); // [ 8 ]
 * ```
 */
export const strictTransforms: LiftedTransforms = liftTransforms(protocol, { strict: true });

/** Checks the key of an `init` or `apply`. */
export function checkKey(key: unknown, usage: string): asserts key is NDArray | null {
  if (key === null || isKey(key)) return;
  throw new StateError(
    `${usage}: the random key must be random.key(seed) or null, not ${describeValue(key)}`,
  );
}

/** A context for a call. */
export function start(key: NDArray | null, entries: Record<string, NDArray> | null): Context {
  return prepare(Context.open(protocol, {
    entries: entries ?? {},
    streams: key === null ? {} : { [stream]: { key, count: 0 } },
    initializing: entries === null,
  }));
}

/**
 * Makes a pair of pure functions from a function that uses modules, parameters and state.
 *
 * @throws {StateError} where `f` is not a function; and at `init` or `apply`, where `f` is
 * asynchronous, the key is neither `random.key(seed)` (uint32 [2]) nor `null`, or parameters or
 * state are not of the form `{ module: { name: array } }`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const counter = hk.transformWithState(() => {
 *   const n = hk.getState("n", [], { init: (s) => np.zeros(s) });
 *   hk.setState("n", n.add(1));
 *   return n;
 * });
 * const [params, state] = counter.init(null);
 * const [out, next] = counter.apply(params, state, null);
 * console.log(out.item(), next["~"]!.n!.item()); // 0 1
 * ```
 */
export function transformWithState<A extends unknown[], R>(
  f: (...args: A) => R,
): TransformedWithState<A, R> {
  if (arguments.length > 1) checkCall("hk.transformWithState(f)", arguments);
  return stateful(runner("hk.transformWithState", f));
}

/** The pair of functions for what runs in a context. */
export function stateful<A extends unknown[], R>(
  run: (context: Context, args: A) => R,
): TransformedWithState<A, R> {
  return marked(true, {
    init(key, ...args) {
      checkKey(key, initUsage);
      const context = start(key, null);
      run(context, args);
      return [
        nested(context, collections.params, now(context)),
        nested(context, collections.state, atFirst(context)),
      ];
    },
    apply(params, state, key, ...args) {
      const usage = "apply(params, state, key, ...args)";
      checkKey(key, usage);
      const context = start(key, {
        ...flattened(params, "params", usage),
        ...flattened(state, "state", usage),
      });
      const out = run(context, args);
      return [out as Arrays<R>, nested(context, collections.state, now(context))];
    },
  });
}

const initUsage = "init(key, ...args)";

/** What is checked when an `init` or `apply` has ended well. */
const endings = new WeakMap<object, (() => void)[]>();

/** Has `check` run when the `init` or `apply` that is running has ended well. */
export function atEnd(context: Context, check: () => void): void {
  const { root } = context;
  endings.set(root, [...endings.get(root) ?? [], check]);
}

/** Runs a user's function in a context. */
export function runner<A extends unknown[], R>(
  op: string,
  f: (...args: A) => R,
): (context: Context, args: A) => R {
  if (typeof f !== "function") {
    throw new StateError(`${op}: expected a function, not ${describeValue(f)}`);
  }
  return (context, args) => {
    const out = protocol.run(context, () => f(...args));
    const later = deferred(out);
    if (later !== null) {
      throw new StateError(`${op}: the function returned ${later}; it must be synchronous`);
    }
    for (const check of endings.get(context.root) ?? []) check();
    return out;
  };
}

/**
 * Makes a pair of pure functions from a function that uses modules and parameters, but no state.
 *
 * @throws {StateError} at `init` or `apply`, where the function has state.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.MLP([8, 1]).call(x));
 * const params = model.init(random.key(0), np.ones([2, 3]));
 * console.log(model.apply(params, null, np.ones([2, 3])).shape); // [ 2, 1 ]
 * ```
 */
export function transform<A extends unknown[], R>(f: (...args: A) => R): Transformed<A, R> {
  if (arguments.length > 1) checkCall("hk.transform(f)", arguments);
  return stateless("hk.transform", runner("hk.transform", f));
}

/** The pair of functions for what runs in a context and has no state. */
export function stateless<A extends unknown[], R>(
  op: string,
  run: (context: Context, args: A) => R,
): Transformed<A, R> {
  const checked = (context: Context, args: A): R => {
    const out = run(context, args);
    const prefix = `${collections.state}:`;
    const state = context.keys().filter((key) => key.startsWith(prefix));
    if (state.length === 0) return out;
    throw new StateError(
      `${op}: the function has state (${
        state.map((key) => key.slice(prefix.length)).join(", ")
      }), which would be lost. Use ${op}WithState`,
    );
  };
  return marked(false, {
    init(key, ...args) {
      checkKey(key, initUsage);
      const context = start(key, null);
      checked(context, args);
      return nested(context, collections.params, now(context));
    },
    apply(params, key, ...args) {
      const usage = "apply(params, key, ...args)";
      checkKey(key, usage);
      return checked(start(key, flattened(params, "params", usage)), args) as Arrays<R>;
    },
  });
}

/** Whether what was transformed has state. */
const withState = new WeakMap<object, boolean>();

/** Notes whether a pair of functions has state. */
export function marked<T extends object>(hasState: boolean, pair: T): T {
  withState.set(pair, hasState);
  return pair;
}

/** Whether a pair of functions has state, or `undefined` for what is none. */
export function hasState(pair: unknown): boolean | undefined {
  return typeof pair === "object" && pair !== null ? withState.get(pair) : undefined;
}
