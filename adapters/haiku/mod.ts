/**
 * A module system in the manner of Haiku: functions that use modules become pairs of pure functions,
 * and `transforms` is the dictionary to use inside of them.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const cell = new hk.Linear(4, { wInit: hk.initializers.randomNormal(0.1) });
 *   return fixedPoint((z) => np.tanh(cell.call(z).add(x)), np.zeros([4]), {
 *     transforms: hk.transforms,
 *   }).value;
 * });
 * const params = model.init(random.key(0), np.ones([4]));
 * console.log(model.apply(params, null, np.ones([4])).shape); // [ 4 ]
 * ```
 *
 * @module
 */
import { constant, randomNormal, truncatedNormal } from "./layers.ts";
import type { Initializer } from "./handlers.ts";

export { getCurrentState, getInitialState, getParams, type ModuleEntries } from "./collections.ts";
export { protocol, runningInit } from "./context.ts";
export { type EntryOptions, getParameter, getState, setState } from "./entries.ts";
export {
  type Creator,
  DO_NOT_STORE,
  type EntryContext,
  type Getter,
  type Initializer,
  type Interceptor,
  type MethodContext,
  type NamedModule,
  type Setter,
} from "./handlers.ts";
export {
  customCreator,
  customGetter,
  customSetter,
  type HookOptions,
  interceptMethods,
} from "./hooks.ts";
export {
  currentName,
  forceName,
  nameLike,
  nameScope,
  type NameScopeOptions,
  transparent,
} from "./scopes.ts";
export {
  maybeGetRngSequenceState,
  maybeNextRngKey,
  nextRngKey,
  nextRngKeys,
  PRNGSequence,
  replaceRngSequenceState,
  type RngSequenceState,
  withRng,
} from "./keys.ts";
export { Linear, type LinearOptions, MLP, type MLPOptions } from "./layers.ts";
export { Module } from "./module.ts";
export {
  strictTransforms,
  transform,
  type Transformed,
  type TransformedWithState,
  transforms,
  transformWithState,
} from "./transform.ts";

/**
 * Initialisers of parameters: each gives a function that makes an array of a given shape and dtype.
 * Random ones raise `StateError` where `init` was given no key.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const { constant, truncatedNormal } = hk.initializers;
 * const model = hk.transform((x: NDArray) =>
 *   new hk.Linear(2, { wInit: truncatedNormal(0.1), bInit: constant(0.5) }).call(x)
 * );
 * const { w, b } = model.init(random.key(0), np.ones([3])).linear!;
 * console.log(np.abs(w!).max().item() <= 0.2, b!.toArray()); // true [ 0.5, 0.5 ]
 * ```
 */
export const initializers: {
  /** Fills with one value. */
  readonly constant: (value: number) => Initializer;
  /** Draws from a normal distribution. */
  readonly randomNormal: (stddev?: number, mean?: number) => Initializer;
  /** Draws from a normal distribution cut off at two standard deviations. */
  readonly truncatedNormal: (stddev?: number, mean?: number) => Initializer;
} = { constant, randomNormal, truncatedNormal };
