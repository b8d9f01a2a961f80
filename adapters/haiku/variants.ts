/**
 * Pairs of pure functions of other forms: without state, without keys; one `init` for several functions.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import {
  type Arrays,
  type Context,
  evalShape,
  type NDArray,
  random,
  StateError,
  treeFlatten,
  treeUnflatten,
} from "../../mod.ts";
import type { ModuleEntries } from "./collections.ts";
import {
  hasState,
  marked,
  runner,
  start,
  stateful,
  stateless,
  type Transformed,
  type TransformedWithState,
} from "./transform.ts";

function expectPair(op: string, pair: unknown, expected: boolean): void {
  if (hasState(pair) === expected) return;
  throw new StateError(
    `${op}: expected what hk.transform${expected ? "WithState" : ""} gave, not ${
      hasState(pair) === undefined
        ? describeValue(pair)
        : `what hk.transform${expected ? "" : "WithState"} gave`
    }`,
  );
}

/**
 * The functions of a model with state as those of one without, which it turns out to have none of.
 *
 * @throws {StateError} where it is none; and at `init` or `apply`, where there is state.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.withoutState(hk.transformWithState((x: NDArray) => new hk.Linear(2).call(x)));
 * const params = model.init(random.key(0), np.ones([3]));
 * console.log(model.apply(params, null, np.ones([3])).shape); // [ 2 ]
 * ```
 */
export function withoutState<A extends unknown[], R>(
  f: TransformedWithState<A, R>,
): Transformed<A, R> {
  if (arguments.length > 1) checkCall("hk.withoutState(f)", arguments);
  expectPair("hk.withoutState", f, true);
  const empty = (state: ModuleEntries): void => {
    const names = Object.keys(state);
    if (names.length === 0) return;
    throw new StateError(
      `hk.withoutState: the function has state (${
        names.join(", ")
      }), which would be lost. Use hk.transformWithState as it is`,
    );
  };
  return marked(false, {
    init(key, ...args) {
      const [params, state] = f.init(key, ...args);
      empty(state);
      return params;
    },
    apply(params, key, ...args) {
      const [out, state] = f.apply(params, {}, key, ...args);
      empty(state);
      return out;
    },
  });
}

/**
 * The functions of a model without state as those of one with state, which is empty.
 *
 * @throws {StateError} where it is none; and at `apply`, where state is given.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.withEmptyState(hk.transform((x: NDArray) => new hk.Linear(2).call(x)));
 * const [params, state] = model.init(random.key(0), np.ones([3]));
 * console.log(state, model.apply(params, state, null, np.ones([3]))[0].shape); // {} [ 2 ]
 * ```
 */
export function withEmptyState<A extends unknown[], R>(
  f: Transformed<A, R>,
): TransformedWithState<A, R> {
  if (arguments.length > 1) checkCall("hk.withEmptyState(f)", arguments);
  expectPair("hk.withEmptyState", f, false);
  return marked(true, {
    init: (key, ...args) => [f.init(key, ...args), {}],
    apply(params, state, key, ...args) {
      const names = Object.keys(state ?? {});
      if (names.length > 0) {
        throw new StateError(
          `hk.withEmptyState: the function has no state, but apply was given some: ${
            names.join(", ")
          }`,
        );
      }
      return [f.apply(params, key, ...args), {}];
    },
  });
}

/** As `Transformed`, but `apply` takes no key. */
export interface TransformedWithoutRng<A extends unknown[], R> {
  /** The parameters. */
  init(key: NDArray | null, ...args: A): ModuleEntries;
  /** The function's result with these parameters. */
  apply(params: ModuleEntries, ...args: A): Arrays<R>;
}

/** As `TransformedWithState`, but `apply` takes no key. */
export interface TransformedWithStateWithoutRng<A extends unknown[], R> {
  /** The parameters and the initial state. */
  init(key: NDArray | null, ...args: A): [params: ModuleEntries, state: ModuleEntries];
  /** The function's result, and the state after it. */
  apply(
    params: ModuleEntries,
    state: ModuleEntries,
    ...args: A
  ): [out: Arrays<R>, state: ModuleEntries];
}

/** The `apply` of each function of a tree, without a key. */
export type AppliesWithoutRng<T> = T extends
  (params: ModuleEntries, key: NDArray | null, ...args: infer A) => infer R
  ? (params: ModuleEntries, ...args: A) => R
  : { [K in keyof T]: AppliesWithoutRng<T[K]> };

/** The `apply` of each function of a tree, with state and without a key. */
export type AppliesWithStateWithoutRng<T> = T extends (
  params: ModuleEntries,
  state: ModuleEntries,
  key: NDArray | null,
  ...args: infer A
) => infer R ? (params: ModuleEntries, state: ModuleEntries, ...args: A) => R
  : { [K in keyof T]: AppliesWithStateWithoutRng<T[K]> };

/**
 * The same functions, where `apply` takes no key: what draws random numbers in it raises.
 *
 * @throws {StateError} where it is none of what `hk.transform`, `hk.multiTransform` and their kin give.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.withoutApplyRng(hk.transform((x: NDArray) => new hk.Linear(2).call(x)));
 * const params = model.init(random.key(0), np.ones([3]));
 * console.log(model.apply(params, np.ones([3])).shape); // [ 2 ]
 * ```
 */
export function withoutApplyRng<A extends unknown[], R>(
  f: Transformed<A, R>,
): TransformedWithoutRng<A, R>;
/** For models with state. */
export function withoutApplyRng<A extends unknown[], R>(
  f: TransformedWithState<A, R>,
): TransformedWithStateWithoutRng<A, R>;
/** For several functions. */
export function withoutApplyRng<A extends unknown[], T>(
  f: MultiTransformed<A, T>,
): { init: MultiTransformed<A, T>["init"]; readonly apply: AppliesWithoutRng<Applies<T>> };
/** For several functions with state. */
export function withoutApplyRng<A extends unknown[], T>(f: MultiTransformedWithState<A, T>): {
  init: MultiTransformedWithState<A, T>["init"];
  readonly apply: AppliesWithStateWithoutRng<AppliesWithState<T>>;
};
export function withoutApplyRng(f: unknown): unknown {
  if (arguments.length > 1) checkCall("hk.withoutApplyRng(f)", arguments);
  const isStateful = hasState(f) ?? ofSeveral.get(f as object);
  if (isStateful === undefined) {
    throw new StateError(
      `hk.withoutApplyRng: expected what hk.transform or hk.transformWithState gave, not ${
        describeValue(f)
      }`,
    );
  }
  const { init, apply } = f as { init: unknown; apply: unknown };
  const without = (apply: Apply): Apply =>
    isStateful
      ? (params, state, ...args) => apply(params, state, null, ...args)
      : (params, ...args) => apply(params, null, ...args);
  const [leaves, def] = treeFlatten(apply);
  return { init, apply: treeUnflatten(def, leaves.map((own) => without(own as Apply))) };
}

type Apply = (...args: unknown[]) => unknown;

/** A function in a tree of them. */
// deno-lint-ignore ban-types -- any function
type AnyFunction = Function;

/** The `apply` of each function of a tree. */
export type Applies<T> = T extends (...args: infer A) => infer R
  ? (params: ModuleEntries, key: NDArray | null, ...args: A) => Arrays<R>
  : { [K in keyof T]: Applies<T[K]> };

/** The `apply` of each function of a tree, with state. */
export type AppliesWithState<T> = T extends (...args: infer A) => infer R ? (
    params: ModuleEntries,
    state: ModuleEntries,
    key: NDArray | null,
    ...args: A
  ) => [out: Arrays<R>, state: ModuleEntries]
  : { [K in keyof T]: AppliesWithState<T[K]> };

/** One `init` for several functions. */
export interface MultiTransformed<A extends unknown[], T> {
  /** The parameters of all. */
  init(key: NDArray | null, ...args: A): ModuleEntries;
  /** The functions' results with these parameters, in the tree that the functions are in. */
  readonly apply: Applies<T>;
}

/** One `init` for several functions with state. */
export interface MultiTransformedWithState<A extends unknown[], T> {
  /** The parameters and the initial state of all. */
  init(key: NDArray | null, ...args: A): [params: ModuleEntries, state: ModuleEntries];
  /** The functions' results and the state after them, in the tree that the functions are in. */
  readonly apply: AppliesWithState<T>;
}

/** Whether what was made of several functions has state. */
const ofSeveral = new WeakMap<object, boolean>();

function several<T extends object>(isStateful: boolean, made: T): T {
  ofSeveral.set(made, isStateful);
  return made;
}

/** What a factory gives: a template, which uses all that there is, and a tree of functions. */
export type MultiFactory<A extends unknown[], T> = () => readonly [
  template: (...args: A) => unknown,
  fns: T,
];

/** The template's pair and the tree of pairs. */
function multi<A extends unknown[], T, P>(
  op: string,
  f: MultiFactory<A, T>,
  pair: (run: (context: Context, args: unknown[]) => unknown) => P,
): {
  readonly template: P;
  readonly apply: (get: (pair: P) => unknown) => unknown;
} {
  const parts = (): ReturnType<MultiFactory<A, T>> => {
    const out = f();
    if (Array.isArray(out) && out.length === 2 && typeof out[0] === "function") return out;
    throw new StateError(
      `${op}: the function must give [template, functions], not ${describeValue(out)}`,
    );
  };
  if (typeof f !== "function") {
    throw new StateError(`${op}: expected a function, not ${describeValue(f)}`);
  }
  // What functions there are is found without computing anything.
  let tree: unknown;
  evalShape(() => {
    runner(op, () => {
      tree = parts()[1];
      return null;
    })(start(random.key(0), null), []);
    return [];
  });
  const [leaves, def] = treeFlatten(tree);
  for (const leaf of leaves) {
    if (typeof leaf === "function") continue;
    throw new StateError(`${op}: the tree must hold functions, not ${describeValue(leaf)}`);
  }
  const nth = (i: number): P =>
    pair(runner(op, (...args) => (treeFlatten(parts()[1])[0][i] as AnyFunction)(...args)));
  return {
    template: pair(runner(op, (...args) => parts()[0](...args as A))),
    apply: (get) => treeUnflatten(def, leaves.map((_, i) => get(nth(i)))),
  };
}

/**
 * Pure functions from a function that makes modules and gives a template, by which all of them are
 * initialised, and a tree of functions that use them.
 *
 * @throws {StateError} where `f` does not give these; and where functions have state.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const coder = hk.multiTransform(() => {
 *   const [enc, dec] = [new hk.Linear(2, { name: "enc" }), new hk.Linear(3, { name: "dec" })];
 *   const encode = (x: NDArray) => enc.call(x);
 *   const decode = (z: NDArray) => dec.call(z);
 *   return [(x: NDArray) => decode(encode(x)), { encode, decode }] as const;
 * });
 * const params = coder.init(random.key(0), np.ones([3]));
 * const z = coder.apply.encode(params, null, np.ones([3]));
 * console.log(z.shape, coder.apply.decode(params, null, z).shape); // [ 2 ] [ 3 ]
 * ```
 */
export function multiTransform<A extends unknown[], T>(
  f: MultiFactory<A, T>,
): MultiTransformed<A, T> {
  if (arguments.length > 1) checkCall("hk.multiTransform(f)", arguments);
  const op = "hk.multiTransform";
  const { template, apply } = multi(op, f, (run) => stateless(op, run));
  return several(false, {
    init: (key: NDArray | null, ...args: A) => template.init(key, ...args),
    apply: apply((pair) => pair.apply) as Applies<T>,
  });
}

/**
 * As `multiTransform`, for functions with state.
 *
 * @throws {StateError} where `f` does not give a template and functions.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const counter = hk.multiTransformWithState(() => {
 *   const read = () => hk.getState("n", [], { init: (s) => np.zeros(s) });
 *   const bump = () => {
 *     hk.setState("n", read().add(1));
 *     return 0;
 *   };
 *   return [read, { read, bump }] as const;
 * });
 * const [params, state] = counter.init(null);
 * const [, after] = counter.apply.bump(params, state, null);
 * console.log(counter.apply.read(params, after, null)[0].item()); // 1
 * ```
 */
export function multiTransformWithState<A extends unknown[], T>(
  f: MultiFactory<A, T>,
): MultiTransformedWithState<A, T> {
  if (arguments.length > 1) checkCall("hk.multiTransformWithState(f)", arguments);
  const { template, apply } = multi("hk.multiTransformWithState", f, stateful);
  return several(true, {
    init: (key: NDArray | null, ...args: A) => template.init(key, ...args),
    apply: apply((pair) => pair.apply) as AppliesWithState<T>,
  });
}
