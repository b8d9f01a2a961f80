/**
 * Layers one after the other, with state and without.
 *
 * @module
 */
import { checkCall, describeValue } from "../../../lib/extend.ts";
import { type NDArray, random } from "../../../mod.ts";
import { Module } from "../module.ts";
import { State } from "../state.ts";
import type { CallOptions } from "./linear.ts";

/** A layer that takes the state and gives the new one: `Sequential` passes it on. */
export abstract class StatefulLayer extends Module {
  /** Applies the layer. */
  abstract call(x: NDArray, state: State, options?: CallOptions): [out: NDArray, state: State];
}

/** A layer without state. */
export interface StatelessLayer {
  /** Applies the layer. */
  call(x: NDArray, options?: CallOptions): NDArray;
}

/** What `Sequential` takes. */
export type Layer = StatelessLayer | StatefulLayer | Sequential;

/**
 * Layers one after the other. Each gets a key of its own, split from the one that is given.
 *
 * @example
 * ```ts
 * import { nn, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [model, state] = eqx.makeWithState(() =>
 *   new eqx.nn.Sequential([
 *     new eqx.nn.Linear(3, 4, { key: random.key(0) }),
 *     new eqx.nn.BatchNorm(4, { mode: "batch" }),
 *     new eqx.nn.Lambda(nn.relu),
 *   ])
 * )();
 * const [y, after] = model.call(np.ones([5, 3]), state);
 * console.log(y.shape, after.keys()); // [ 5, 4 ] [ "layers[1].counter", "layers[1].hidden" ]
 * ```
 */
export class Sequential extends Module {
  /** Makes one of a list of layers. */
  constructor(readonly layers: readonly Layer[]) {
    checkCall("new eqx.nn.Sequential(layers)", arguments);
    super();
    if (!Array.isArray(layers)) {
      throw new TypeError(`eqx.nn.Sequential: layers must be a list, not ${describeValue(layers)}`);
    }
  }

  /** Whether one of the layers has state. */
  get isStateful(): boolean {
    return this.layers.some(hasState);
  }

  /**
   * Applies the layers, none of which has state.
   *
   * @throws {TypeError} where one has.
   */
  call(x: NDArray, options?: CallOptions): NDArray;
  /** Applies the layers, and gives the state after them. */
  call(x: NDArray, state: State, options?: CallOptions): [out: NDArray, state: State];
  call(
    x: NDArray,
    given?: State | CallOptions,
    last?: CallOptions,
  ): NDArray | [NDArray, State] {
    const state = given instanceof State ? given : null;
    const { key, ...rest } = (given instanceof State ? last : given) ?? {};
    const keys = key === undefined ? null : random.split(key, this.layers.length);
    let [h, now] = [x, state];
    this.layers.forEach((layer, i) => {
      const options = keys === null ? rest : { ...rest, key: keys.at(i) };
      if (!hasState(layer)) h = (layer as StatelessLayer).call(h, options);
      else if (now !== null) [h, now] = (layer as StatefulLayer).call(h, now, options);
      else {
        throw new TypeError(
          `eqx.nn.Sequential: layer ${i} (${layer.constructor.name}) has state, so the state must be passed. ` +
            "Write const [y, state2] = model.call(x, state)",
        );
      }
    });
    return now === null ? h : [h, now];
  }
}

function hasState(layer: Layer): boolean {
  return layer instanceof Sequential ? layer.isStateful : layer instanceof StatefulLayer;
}
