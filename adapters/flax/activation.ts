/**
 * Activations with parameters.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, numpy as np } from "../../mod.ts";
import { Module } from "./module.ts";

/** Options of `PReLU`. */
export interface PReLUOptions {
  /** The slope to begin with (default 0.01). */
  readonly negativeSlopeInit?: number | undefined;
  /** Dtype of the slope (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const prelu: OptionTable<PReLUOptions> = {
  negativeSlopeInit: "number",
  paramDtype: "dtype",
  name: "string",
};

/**
 * `x` where that is not negative, and a learned slope times it elsewhere.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.PReLU({ negativeSlopeInit: 0.5 });
 * const variables = layer.init(random.key(0), np.array([-2, 2]));
 * console.log(layer.apply(variables, np.array([-2, 2])).toArray()); // [ -1, 2 ]
 * ```
 */
export class PReLU extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "PReLU";
  /** What it is made with. */
  readonly options: PReLUOptions;

  /** Makes the layer. */
  constructor(options: PReLUOptions = {}) {
    checkCall("new flax.PReLU(options)", arguments, prelu);
    super(options.name);
    this.options = options;
  }

  /** Applies the layer to `x` of any shape. */
  call(x: NDArray): NDArray {
    const { negativeSlopeInit = 0.01, paramDtype = "float32" } = this.options;
    const slope = this.param(
      "negative_slope",
      () => np.array(negativeSlopeInit, { dtype: paramDtype }),
    );
    return np.where(x.greaterEqual(0), x, slope.astype(x.dtype).mul(x));
  }
}
