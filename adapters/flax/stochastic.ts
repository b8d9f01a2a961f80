/**
 * Dropout.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, random } from "../../mod.ts";
import { Module } from "./module.ts";
import { chosenOne } from "./normalization.ts";

/** Options of `Dropout`. */
export interface DropoutOptions {
  /** Whether nothing is dropped; here or in `call`. */
  readonly deterministic?: boolean | undefined;
  /** Axes along which the mask is the same. */
  readonly broadcastDims?: readonly number[] | undefined;
  /** The random stream to draw from (default `dropout`). */
  readonly rngCollection?: string | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const dropoutOptions: OptionTable<DropoutOptions> = {
  name: "string",
  deterministic: "boolean",
  broadcastDims: "axes",
  rngCollection: "string",
};

/** Options of `Dropout.call`. */
export interface DropoutCall {
  /** Whether nothing is dropped, if the layer does not say. */
  readonly deterministic?: boolean | undefined;
  /** The key to draw the mask with, in place of one of the stream. */
  readonly rng?: NDArray | undefined;
}

/**
 * Sets elements to zero with probability `rate`, and scales the others so that means stay. The masks are
 * those of flax for the same key.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const dropout = new flax.Dropout(0.5, { deterministic: false });
 * const x = np.ones([6]);
 * const y = dropout.apply({}, x, { rngs: { dropout: random.key(0) } });
 * console.log(y.toArray()); // [ 0, 2, 2, 0, 0, 0 ]
 * ```
 */
export class Dropout extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Dropout";

  /**
   * `rate` is the probability with which an element is dropped.
   *
   * @throws {RangeError} where it is not in [0, 1].
   */
  constructor(readonly rate: number, readonly options: DropoutOptions = {}) {
    checkCall("new flax.Dropout(rate, options)", arguments, dropoutOptions);
    super(options.name);
    if (!(rate >= 0 && rate <= 1)) {
      throw new RangeError(`new flax.Dropout: the rate must be in [0, 1], not ${rate}`);
    }
  }

  /**
   * Drops elements of `x`.
   *
   * @throws {StateError} where nothing says whether to drop any, or there is no stream to draw from.
   */
  call(x: NDArray, { deterministic, rng }: DropoutCall = {}): NDArray {
    const { broadcastDims = [], rngCollection = "dropout" } = this.options;
    const isOff = chosenOne(
      "flax.Dropout",
      "deterministic",
      this.options.deterministic,
      deterministic,
    );
    if (this.rate === 0 || isOff) return x;
    if (this.rate === 1) return np.zerosLike(x);
    const keep = 1 - this.rate;
    const shape = x.shape.map((n, axis) =>
      broadcastDims.some((d) => (d < 0 ? d + x.ndim : d) === axis) ? 1 : n
    );
    const mask = random.bernoulli(rng ?? this.makeRng(rngCollection), keep, shape);
    return np.where(mask, x.div(keep), 0);
  }
}
