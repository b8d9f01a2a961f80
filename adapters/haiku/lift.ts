/**
 * Pure functions of a model inside another one: their parameters and state as parts of the outer's.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type Context, type NDArray, StateError } from "../../mod.ts";
import { collections, flattened, type ModuleEntries } from "./collections.ts";
import { protocol, scopeIn, withScope } from "./context.ts";
import { placed, prefixIn } from "./scopes.ts";
import { atEnd } from "./transform.ts";

/** Options of `transparentLift` and its kin. */
export interface TransparentLiftOptions {
  /** Whether entries that the outer model has may be used, and not only new ones (default false). */
  readonly allowReuse?: boolean | undefined;
}

/** Options of `lift` and `liftWithState`. */
export interface LiftInitOptions extends TransparentLiftOptions {
  /** The name under which the entries are kept (default `"lifted"`). */
  readonly name?: string | undefined;
}

const transparentOptions: OptionTable<TransparentLiftOptions> = { allowReuse: "boolean" };
const liftOptions: OptionTable<LiftInitOptions> = { name: "string", ...transparentOptions };

type Kind = keyof typeof collections;

/** Stores entries of an inner model under a prefix. */
function pack(
  op: string,
  context: Context,
  entries: ModuleEntries,
  kind: Kind,
  prefix: string,
  allowReuse: boolean,
): void {
  const head = `${collections[kind]}:`;
  for (const [key, value] of Object.entries(flattened(entries, kind, op))) {
    const outer = `${head}${prefix}${key.slice(head.length)}`;
    if (!allowReuse && context.has(outer)) {
      throw new StateError(
        `${op}: there is ${
          outer.slice(head.length)
        } already. Give another name, or { allowReuse: true }`,
      );
    }
    context.set(outer, value);
  }
}

/** The entries under a prefix, as those of the inner model. */
function unpack(context: Context, kind: Kind, prefix: string): ModuleEntries {
  const head = `${collections[kind]}:${prefix}`;
  const out: ModuleEntries = {};
  for (const key of context.keys()) {
    if (!key.startsWith(head)) continue;
    const path = key.slice(head.length);
    const at = path.lastIndexOf("/");
    (out[path.slice(0, at)] ??= {})[path.slice(at + 1)] = context.get(key) as NDArray;
  }
  return out;
}

/** Where the entries of an inner model are. */
function prefixOf(op: string, name: string | null): string {
  const context = protocol.need(op);
  const scope = scopeIn(context);
  return name === null ? prefixIn(scope) : `${placed(context, scope, name)}/`;
}

type Init<A extends unknown[], R> = (...args: A) => R;

/** Runs an inner `init` while initialising, and gives what it gave after that. */
function lifted<A extends unknown[]>(
  op: string,
  init: Init<A, [ModuleEntries, ModuleEntries]>,
  prefix: string,
  allowReuse: boolean,
  isTransparent: boolean,
): Init<A, [ModuleEntries, ModuleEntries]> {
  return (...args) => {
    const context = protocol.need(op);
    if (!context.initializing) {
      return [unpack(context, "params", prefix), unpack(context, "state", prefix)];
    }
    const scope = scopeIn(context);
    const { depth = 0, boundary, liftedPrefix = "" } = scope.handlers;
    const handlers = {
      ...scope.handlers,
      liftedPrefix: `${liftedPrefix}${prefix}`,
      // Modules from outside would be of one name with those inside.
      boundary: isTransparent ? depth + 1 : boundary,
    };
    const [params, state] = withScope(context, { ...scope, handlers }, () => init(...args));
    pack(op, context, params, "params", prefix, allowReuse);
    pack(op, context, state, "state", prefix, allowReuse);
    return [params, state];
  };
}

function expectInit(op: string, init: unknown): void {
  if (typeof init === "function") return;
  throw new StateError(
    `${op}: expected the init of a transformed function, not ${describeValue(init)}`,
  );
}

/** An inner `init` without state. */
function stateless<A extends unknown[]>(
  op: string,
  init: Init<A, ModuleEntries>,
): Init<A, [ModuleEntries, ModuleEntries]> {
  return (...args) => {
    const params = init(...args);
    if (!Array.isArray(params)) return [params, {}];
    throw new StateError(`${op}: the init gives state, too. Use ${op}WithState`);
  };
}

/**
 * The `init` of an inner model as a part of the outer one: while initialising it runs, and what it gives is
 * kept with the outer's parameters under a name; after that these are given. Pure transforms may be used
 * on the inner `apply`.
 *
 * @throws {StateError} where the inner model has state, or the outer one has such parameters already;
 * outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random, vmap } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const inner = hk.transform((x: NDArray) => new hk.Linear(2).call(x));
 * const model = hk.transform((xs: NDArray) => {
 *   const params = hk.lift(inner.init, { name: "inner" })(hk.maybeNextRngKey(), xs.at(0));
 *   return vmap((x: NDArray) => inner.apply(params, null, x))(xs);
 * });
 * const params = model.init(random.key(0), np.ones([5, 3]));
 * console.log(Object.keys(params), model.apply(params, null, np.ones([5, 3])).shape);
 * // [ "inner/linear" ] [ 5, 2 ]
 * ```
 */
export function lift<A extends unknown[]>(
  init: (...args: A) => ModuleEntries,
  options: LiftInitOptions = {},
): (...args: A) => ModuleEntries {
  checkCall("hk.lift(init, options)", arguments, liftOptions);
  const { allowReuse = false, name = "lifted" } = options;
  expectInit("hk.lift", init);
  const prefix = prefixOf("hk.lift", name);
  const run = lifted("hk.lift", stateless("hk.lift", init), prefix, allowReuse, false);
  return (...args) => run(...args)[0];
}

/**
 * As `lift`, but the inner model's parameters have no name before theirs.
 *
 * @throws {StateError} as `lift`; and where the inner model uses a module from outside of it.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const inner = hk.transform((x: NDArray) => new hk.Linear(2).call(x));
 * const model = hk.transform((x: NDArray) =>
 *   inner.apply(hk.transparentLift(inner.init)(hk.maybeNextRngKey(), x), null, x)
 * );
 * console.log(Object.keys(model.init(random.key(0), np.ones([3])))); // [ "linear" ]
 * ```
 */
export function transparentLift<A extends unknown[]>(
  init: (...args: A) => ModuleEntries,
  options: TransparentLiftOptions = {},
): (...args: A) => ModuleEntries {
  checkCall("hk.transparentLift(init, options)", arguments, transparentOptions);
  const op = "hk.transparentLift";
  expectInit(op, init);
  const run = lifted(
    op,
    stateless(op, init),
    prefixOf(op, null),
    options.allowReuse ?? false,
    true,
  );
  return (...args) => run(...args)[0];
}

/** Takes the state of an inner model after its `apply`: to be used once. */
export interface LiftWithStateUpdater {
  /**
   * Makes this the inner model's state.
   *
   * @throws {StateError} where it was used, and in another `init` or `apply`.
   */
  update(state: ModuleEntries): void;
  /**
   * Leaves the inner model's state as it is.
   *
   * @throws {StateError} where it was used, and in another `init` or `apply`.
   */
  ignoreUpdate(): void;
}

function updater(op: string, prefix: string): LiftWithStateUpdater {
  const home = protocol.need(op);
  const { root } = home;
  let isUsed = false;
  atEnd(home, () => {
    if (isUsed) return;
    throw new StateError(
      `${op}: what updates the inner state was not used. Call update(state), or ignoreUpdate()`,
    );
  });
  const use = (): Context => {
    const context = protocol.need(`${op}: an updater`);
    if (context.root !== root) {
      throw new StateError(`${op}: an updater is for the init or apply that it was made in`);
    }
    if (isUsed) throw new StateError(`${op}: an updater is to be used once`);
    isUsed = true;
    return context;
  };
  return {
    update(state) {
      pack(op, use(), state, "state", prefix, true);
    },
    ignoreUpdate() {
      use();
    },
  };
}

/** What `liftWithState` gives. */
export type LiftedWithState<A extends unknown[]> = [
  init: (...args: A) => [params: ModuleEntries, state: ModuleEntries],
  updater: LiftWithStateUpdater,
];

/**
 * As `lift`, for an inner model with state. What it gives beside the function takes the state after the
 * inner `apply`, and has to be used.
 *
 * @throws {StateError} as `lift`; and at the end of the outer function, where the updater was not used.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const inner = hk.transformWithState(() => {
 *   const n = hk.getState("n", [], { init: (s) => np.zeros(s) }).add(1);
 *   hk.setState("n", n);
 *   return n;
 * });
 * const model = hk.transformWithState(() => {
 *   const [init, updater] = hk.liftWithState(inner.init);
 *   const [out, state] = inner.apply(...init(null), null);
 *   updater.update(state);
 *   return out;
 * });
 * const [params, state] = model.init(null);
 * console.log(model.apply(params, state, null)[1]["lifted/~"]!.n!.item()); // 1
 * ```
 */
export function liftWithState<A extends unknown[]>(
  init: (...args: A) => [params: ModuleEntries, state: ModuleEntries],
  options: LiftInitOptions = {},
): LiftedWithState<A> {
  checkCall("hk.liftWithState(init, options)", arguments, liftOptions);
  const op = "hk.liftWithState";
  expectInit(op, init);
  const prefix = prefixOf(op, options.name ?? "lifted");
  return [lifted(op, init, prefix, options.allowReuse ?? false, false), updater(op, prefix)];
}

/**
 * As `liftWithState`, but the inner model's entries have no name before theirs.
 *
 * @throws {StateError} as `liftWithState`.
 *
 * @example See `liftWithState`.
 */
export function transparentLiftWithState<A extends unknown[]>(
  init: (...args: A) => [params: ModuleEntries, state: ModuleEntries],
  options: TransparentLiftOptions = {},
): LiftedWithState<A> {
  checkCall("hk.transparentLiftWithState(init, options)", arguments, transparentOptions);
  const op = "hk.transparentLiftWithState";
  expectInit(op, init);
  const prefix = prefixOf(op, null);
  return [lifted(op, init, prefix, options.allowReuse ?? false, true), updater(op, prefix)];
}
