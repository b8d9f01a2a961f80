/**
 * What effects raise out of a program that runs: conditions that do not hold, and NaNs.
 *
 * @module
 */

/**
 * A condition given to `check` that does not hold.
 *
 * @example Fails
 * ```ts ignore
 * import { check, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const root = (x: NDArray) => {
 *   check(x.greaterEqual(0), "x must not be negative, but is {}", x);
 *   return np.sqrt(x);
 * };
 * vmap(root)(np.array([4, -4]));
 * // CheckError: x must not be negative, but is -4 (in lane 1 of 2)
 * ```
 *
 * @example Works
 * ```ts
 * import { check, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const root = (x: NDArray) => {
 *   check(x.greaterEqual(0), "x must not be negative, but is {}", x);
 *   return np.sqrt(x);
 * };
 * console.log(vmap(root)(np.array([4, 0])).toArray()); // [ 2, 0 ]
 * ```
 */
export class CheckError extends Error {
  /** The name of the class. */
  override name = "CheckError";
  /** Which lane of `vmap` it was, the outermost first; empty outside of `vmap`. */
  readonly lane: readonly number[];
  /** The values given to `check`, with the arrays as they were. */
  readonly values: readonly unknown[];

  /** Made where the check runs. */
  constructor(
    message: string,
    { lane, values }: Pick<CheckError, "lane" | "values">,
  ) {
    super(message);
    this.lane = lane;
    this.values = values;
  }
}

/**
 * A NaN in a function watched by `debug.nans`. The message names the operation that gave it.
 *
 * @example Fails
 * ```ts ignore
 * import { debug, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => np.log(x).mul(0);
 * debug.nans(f)(np.array(-1));
 * // NanError: log gave NaN as float32[], at ...
 * ```
 *
 * @example Works
 * ```ts
 * import { debug, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => np.log(np.maximum(x, 1)).mul(0);
 * console.log(debug.nans(f)(np.array(-1)).item()); // 0
 * ```
 */
export class NanError extends Error {
  /** The name of the class. */
  override name = "NanError";
  /** Which lane of `vmap` it was, the outermost first; empty outside of `vmap`. */
  readonly lane: readonly number[];

  /** Made where the NaN is found. */
  constructor(message: string, { lane }: Pick<NanError, "lane">) {
    super(message);
    this.lane = lane;
  }
}
