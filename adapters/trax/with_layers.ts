/**
 * Layers that keep what becomes of them.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import type { NDArray } from "../../mod.ts";
import { placeOf } from "./context.ts";
import { type AnyLayer, Layer } from "./layer.ts";
import { listOf } from "./tensors.ts";

/** Options of `withLayers`. */
export interface WithLayersOptions {
  /** The key of what is random in there. */
  readonly rng?: NDArray | undefined;
}

const withLayersOptions: OptionTable<WithLayersOptions> = { rng: "object" };

/**
 * Runs a function that calls layers with what the objects hold. In there `tl.transforms` carries weights
 * and state of these layers through everything; afterwards the objects hold what there is then: new state,
 * weights that were assigned, weights of layers that were initialised there. An exception leaves them as
 * they were.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const model = tl.Dense(1);
 * const x = np.ones([8, 3]);
 * model.init(tl.signature(x), random.key(0));
 * const { grad, foriLoop } = tl.transforms;
 * const loss = () => (model.call(x) as NDArray).sub(1).square().mean();
 * tl.withLayers(model, () =>
 *   foriLoop(0, 100, (_, last) => {
 *     const [, slopes] = grad(loss, { entries: "weights", argnums: [] })();
 *     const [w, b] = model.weights as NDArray[];
 *     const [dw, db] = slopes["Dense_1"] as unknown as NDArray[];
 *     model.weights = [w!.sub(dw!.mul(0.05)), b!.sub(db!.mul(0.05))];
 *     return last;
 *   }, 0));
 * console.log(loss().item() < 1e-3); // true
 * ```
 */
export function withLayers<T>(
  layers: AnyLayer | readonly AnyLayer[],
  f: () => T,
  options: WithLayersOptions = {},
): T {
  if (arguments.length > 2) {
    checkCall("tl.withLayers(layers, f, options)", arguments, withLayersOptions);
  }
  const all = listOf(layers) as readonly AnyLayer[];
  if (!all.every((layer) => layer instanceof Layer) || typeof f !== "function") {
    throw new TypeError(
      `tl.withLayers: the arguments must be a layer or a list of layers, and a function, not ${
        describeValue(layers)
      } and ${describeValue(f)}. Write tl.withLayers(model, () => ...)`,
    );
  }
  if (all.every((layer) => placeOf(layer) !== undefined)) return f();
  return Layer.within(all, f, options.rng);
}
