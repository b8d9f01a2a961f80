/**
 * Layers one after another.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import { type NDArray, StateError } from "../../mod.ts";
import { Module } from "./module.ts";

/** A module whose method `call` is meant, or a function. */
export type SequentialLayer =
  | ((...args: never[]) => unknown)
  | { call(...args: never[]): unknown };

/**
 * Layers one after another. The first gets all arguments; each gets what the one before gave, and where that
 * is a list, its items.
 *
 * @example
 * ```ts
 * import { nn, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const model = new flax.Sequential([new flax.Dense(4), nn.relu, new flax.Dense(2)]);
 * const variables = model.init(random.key(0), np.ones([3]));
 * console.log(Object.keys(variables.params!)); // [ "layers_0", "layers_2" ]
 * console.log(model.apply(variables, np.ones([3])).shape); // [ 2 ]
 * ```
 */
export class Sequential extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Sequential";

  /**
   * Modules and functions.
   *
   * @throws {StateError} where one is neither, or there is none.
   */
  constructor(
    readonly layers: readonly SequentialLayer[],
    options: { readonly name?: string | undefined } = {},
  ) {
    checkCall("new flax.Sequential(layers, options)", arguments, { name: "string" });
    super(options.name);
    const isLayer = (x: unknown): boolean => typeof x === "function" || x instanceof Module;
    if (Array.isArray(layers) && layers.length > 0 && layers.every(isLayer)) return;
    const wrong = Array.isArray(layers) ? layers.find((x) => !isLayer(x)) : layers;
    throw new StateError(
      `new flax.Sequential: the layers must be a list of modules and functions, not ${
        Array.isArray(layers) && layers.length === 0 ? "an empty one" : describeValue(wrong)
      }`,
    );
  }

  /** Applies the layers. */
  call(x: NDArray, ...rest: unknown[]): NDArray {
    return this.layers.reduce<unknown>((given, layer) => {
      const own = (Array.isArray(given) ? given : [given]) as never[];
      return typeof layer === "function" ? layer(...own) : layer.call(...own);
    }, [x, ...rest]) as NDArray;
  }
}
