/**
 * Transforms under the names that they have in dm-haiku. They are members of the dictionary, but for
 * `vmap`, which asks whether lanes have keys of their own.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import type { Arguments, Arrays, LiftedTransforms, NDArray, Tree, VmapOptions } from "../../mod.ts";
import { transforms } from "./transform.ts";

/** Chooses one of two functions, as `hk.transforms.cond`. */
export const cond: LiftedTransforms["cond"] = transforms.cond;

/** Shapes and dtypes of what a function gives, as `hk.transforms.evalShape`. */
export const evalShape: LiftedTransforms["evalShape"] = transforms.evalShape;

/** A loop over a range of numbers, as `hk.transforms.foriLoop`. */
export const foriLoop: LiftedTransforms["foriLoop"] = transforms.foriLoop;

/** The gradient of a scalar function by its arguments, or by entries, as `hk.transforms.grad`. */
export const grad: LiftedTransforms["grad"] = transforms.grad;

/** A function applied to each row in turn, as `hk.transforms.map`. */
export const map: LiftedTransforms["map"] = transforms.map;

/** What is computed again on the way back, as `hk.transforms.checkpoint`. */
export const remat: LiftedTransforms["checkpoint"] = transforms.checkpoint;

/** A loop over rows with a carry, as `hk.transforms.scan`. */
export const scan: LiftedTransforms["scan"] = transforms.scan;

/** Chooses one of several functions, `hk.switch` of dm-haiku, as `hk.transforms.switchCase`. */
export const switchCase: LiftedTransforms["switchCase"] = transforms.switchCase;

/** Value and gradient of a scalar function, as `hk.transforms.valueAndGrad`. */
export const valueAndGrad: LiftedTransforms["valueAndGrad"] = transforms.valueAndGrad;

/** A loop while a condition holds, as `hk.transforms.whileLoop`. */
export const whileLoop: LiftedTransforms["whileLoop"] = transforms.whileLoop;

/** Options of `vmap`. */
export interface SplitVmapOptions extends VmapOptions {
  /** Whether each lane draws random keys of its own (`true`), or all draw the same (`false`). */
  readonly splitRng: boolean;
}

const splitVmapOptions: OptionTable<SplitVmapOptions> = {
  inAxes: "axes",
  outAxes: "axes",
  axisName: "string",
  axisSize: "number",
  splitRng: "object",
  stateAxes: "object",
  reduceState: "object",
};

/**
 * Maps a function over axes of its arguments; lanes share parameters and state. `splitRng` must be given,
 * as in dm-haiku: dropout whose mask is the same in all lanes is seldom meant. Initial values are the
 * same either way, since lanes share them. `hk.transforms.vmap`, which library code uses, shares keys
 * where nothing is said.
 *
 * @throws {TypeError} when it is called, where `splitRng` was not given.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const masks = (splitRng: boolean) =>
 *   hk.transform((xs: NDArray) =>
 *     hk.vmap((x: NDArray) => random.bernoulli(hk.nextRngKey(), 0.5, x.shape), { splitRng })(xs)
 *   ).apply({}, random.key(0), np.ones([2, 3])).toArray();
 * console.log(masks(false)); // [ [ false, true, false ], [ false, true, false ] ]
 * console.log(masks(true)); // [ [ true, false, false ], [ true, true, true ] ]
 * ```
 */
export function vmap<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
  options: SplitVmapOptions,
): (...args: Arguments<A>) => Arrays<R> {
  checkCall("hk.vmap(f, options)", arguments, splitVmapOptions);
  const { splitRng } = (options ?? {}) as Partial<SplitVmapOptions>;
  const mapped = transforms.vmap(f, options);
  if (typeof splitRng === "boolean") return mapped;
  return (): never => {
    throw new TypeError(
      "hk.vmap: splitRng must be true, for random keys of each lane's own, or false, for the same keys in " +
        `all lanes, not ${
          describeValue(splitRng)
        }. Write hk.vmap(f, { splitRng: true }): initial values are ` +
        "the same for all lanes with either",
    );
  };
}
