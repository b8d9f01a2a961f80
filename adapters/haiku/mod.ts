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
import type { Initializer } from "./frame.ts";

export {
  type EntryOptions,
  getParameter,
  getState,
  type Initializer,
  maybeNextRngKey,
  nextRngKey,
  protocol,
  runningInit,
  setState,
} from "./frame.ts";
export { Linear, type LinearOptions, MLP, type MLPOptions } from "./layers.ts";
export { Module } from "./module.ts";
export {
  type ModuleEntries,
  strictTransforms,
  transform,
  type Transformed,
  type TransformedWithState,
  transforms,
  transformWithState,
} from "./transform.ts";

/** Initialisers of parameters. */
export const initializers: {
  /** Fills with one value. */
  readonly constant: (value: number) => Initializer;
  /** Draws from a normal distribution. */
  readonly randomNormal: (stddev?: number, mean?: number) => Initializer;
  /** Draws from a normal distribution cut off at two standard deviations. */
  readonly truncatedNormal: (stddev?: number, mean?: number) => Initializer;
} = { constant, randomNormal, truncatedNormal };
