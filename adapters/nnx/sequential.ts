/**
 * Layers one after another, and an activation with a parameter.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, numpy as np } from "../../mod.ts";
import { Module } from "./graph.ts";
import { Param } from "./variable.ts";

/** A module whose method `call` is meant, or a function. */
export type SequentialLayer =
  | ((...args: never[]) => unknown)
  | (Module & { call(...args: never[]): unknown });

/**
 * Layers one after another. The first gets all arguments; each gets what the one before gave, and where that
 * is a list, its items.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const model = new nnx.Sequential(
 *   new nnx.Linear(1, 4, { rngs }),
 *   nn.relu,
 *   new nnx.Linear(4, 2, { rngs }),
 * );
 * console.log(model.call(np.ones([5, 1])).shape); // [ 5, 2 ]
 * console.log(Object.keys(nnx.state(model).layers!)); // [ "0", "2" ]
 * ```
 */
export class Sequential extends Module {
  /** Modules and functions. */
  readonly layers: SequentialLayer[];

  /**
   * Makes one of layers.
   *
   * @throws {TypeError} where one is neither a module nor a function.
   */
  constructor(...layers: SequentialLayer[]) {
    super();
    layers.forEach((layer, i) => {
      if (typeof layer === "function" || layer instanceof Module) return;
      throw new TypeError(
        `new nnx.Sequential: layer ${i} must be a module or a function, not ${
          describeValue(layer)
        }`,
      );
    });
    this.layers = layers;
  }

  /** Applies the layers. */
  call(x: NDArray, ...rest: unknown[]): NDArray {
    return this.layers.reduce<unknown>((given, layer, i) => {
      const own = (i === 0 || Array.isArray(given) ? given : [given]) as never[];
      return typeof layer === "function" ? layer(...own) : layer.call(...own);
    }, this.layers.length === 0 ? x : [x, ...rest]) as NDArray;
  }
}

/** Options of `PReLU`. */
export interface PReLUOptions {
  /** The slope to begin with (default 0.01). */
  readonly negativeSlopeInit?: number | undefined;
  /** Dtype of the slope (default float32). */
  readonly paramDtype?: DType | undefined;
}

const preluOptions: OptionTable<PReLUOptions> = {
  negativeSlopeInit: "number",
  paramDtype: "dtype",
};

/**
 * `x` where that is not negative, and a learned slope times it elsewhere.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.PReLU({ negativeSlopeInit: 0.5 });
 * console.log(layer.call(np.array([-2, 2])).toArray()); // [ -1, 2 ]
 * ```
 */
export class PReLU extends Module {
  /** The slope. */
  readonly negativeSlope: Param;

  /** Makes the layer. */
  constructor(options: PReLUOptions = {}) {
    checkCall("new nnx.PReLU(options)", arguments, preluOptions);
    super();
    const { negativeSlopeInit = 0.01, paramDtype = "float32" } = options;
    this.negativeSlope = new Param(np.array(negativeSlopeInit, { dtype: paramDtype }));
  }

  /** Applies the layer to `x` of any shape. */
  call(x: NDArray): NDArray {
    return np.where(x.greaterEqual(0), x, this.negativeSlope.value.astype(x.dtype).mul(x));
  }
}
