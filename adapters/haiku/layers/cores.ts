/**
 * Cores made of cores: stacked, and reset in the middle of sequences.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, toArray } from "../../../lib/extend.ts";
import {
  type NDArray,
  numpy as np,
  ShapeError,
  StateError,
  treeFlatten,
  treeLeaves,
  type treeStructure,
  treeUnflatten,
} from "../../../mod.ts";
import { RNNCore } from "./recurrent.ts";
import type { NamedOptions } from "./simple.ts";

/**
 * A core that is reset at steps, for some samples of a batch: it takes pairs of an input and of bools,
 * [batch] or a tree like the state, which say what begins anew before the step.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * class Sum extends hk.RNNCore {
 *   call(x: NDArray, total: NDArray): [NDArray, NDArray] {
 *     return [total.add(x), total.add(x)];
 *   }
 *   initialState(_batchSize?: number | null): NDArray {
 *     return np.array(0);
 *   }
 * }
 * const model = hk.transform((xs: NDArray, resets: NDArray) => {
 *   const core = new hk.ResetCore(new Sum());
 *   return hk.dynamicUnroll(core, [xs, resets] as const, core.initialState())[0];
 * });
 * const xs = np.array([1, 2, 3, 4]);
 * console.log(model.apply({}, null, xs, np.array([false, false, true, false])).toArray()); // [ 1, 3, 3, 7 ]
 * ```
 */
export class ResetCore<S = NDArray, I = NDArray> extends RNNCore<S, readonly [I, unknown]> {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "reset_core";

  /**
   * `core` is what is reset.
   *
   * @throws {StateError} where it is no core.
   */
  constructor(readonly core: RNNCore<S, I>, options: NamedOptions = {}) {
    checkCall("new hk.ResetCore(core, options)", arguments, { name: "string" });
    super(options.name);
    checkCore("hk.ResetCore", core);
  }

  /**
   * One step.
   *
   * @throws {ShapeError} where what says what is reset does not begin with the axes of the state.
   */
  call([inputs, shouldReset]: readonly [I, unknown], prevState: S): [NDArray, S] {
    const [leaves, def] = treeFlatten(prevState) as [NDArray[], ReturnType<typeof treeStructure>];
    const state = leaves.map((x) => np.asarray(x));
    const one = toArray(shouldReset);
    const resets = one !== null ? state.map(() => one) : treeLeaves(shouldReset) as NDArray[];
    if (resets.length !== state.length) {
      throw new StateError(
        `hk.ResetCore: the state has ${state.length} arrays, and ${resets.length} say what is reset`,
      );
    }
    const batch = this.#isBatched(state) ? (treeLeaves(inputs) as NDArray[])[0]!.shape[0]! : null;
    const initial = treeLeaves(this.initialState(batch)) as NDArray[];
    const next = state.map((x, i) =>
      np.where(aligned(np.asarray(resets[i]!), x), initial[i]!.astype(x.dtype), x)
    );
    return this.core.call(inputs, treeUnflatten(def, next) as S);
  }

  /** That of the core. */
  initialState(batchSize?: number | null): S {
    return this.core.initialState(batchSize);
  }

  #isBatched(state: readonly NDArray[]): boolean {
    if (state.length === 0) return false;
    const batched = treeLeaves(this.initialState(1)) as NDArray[];
    return state.every((x, i) =>
      x.ndim > 0 && formatShape(batched[i]!.shape.slice(1)) === formatShape(x.shape.slice(1)) &&
      batched[i]!.ndim === x.ndim
    );
  }
}

/** Bools with axes of length 1 in the place of those that they lack at the end. */
function aligned(reset: NDArray, state: NDArray): NDArray {
  const { shape } = reset;
  if (formatShape(shape) === formatShape(state.shape.slice(0, reset.ndim))) {
    return reset.reshape([...shape, ...state.shape.slice(reset.ndim).map(() => 1)]);
  }
  throw new ShapeError(
    `hk.ResetCore: what says what is reset has shape ${formatShape(shape)}, which state of shape ${
      formatShape(state.shape)
    } does not begin with`,
  );
}

function checkCore(op: string, core: unknown): void {
  if (core instanceof RNNCore) return;
  throw new StateError(
    `${op}: expected a core, such as new hk.LSTM(8), not ${describeValue(core)}`,
  );
}

/** A core of arrays, with any state. */
export interface AnyCore {
  /** One step. */
  call(inputs: NDArray, prevState: never): readonly [output: NDArray, nextState: unknown];
  /** The state to begin with. */
  initialState(batchSize?: number | null): unknown;
}

/** A core, or a function, of a `DeepRNN`. */
export type DeepLayer = AnyCore | ((x: NDArray) => NDArray);

/**
 * Cores and functions one after another, as one core. Its state is the list of those of the cores.
 *
 * @example
 * ```ts
 * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((xs: NDArray) => {
 *   const core = new hk.DeepRNN([new hk.LSTM(4), nn.relu, new hk.GRU(2)]);
 *   return hk.dynamicUnroll(core, xs, core.initialState())[0];
 * });
 * const xs = np.ones([7, 3]);
 * console.log(model.apply(model.init(random.key(0), xs), null, xs).shape); // [ 7, 2 ]
 * ```
 */
export class DeepRNN extends RNNCore<readonly unknown[]> {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "deep_rnn";

  /**
   * Cores and functions.
   *
   * @throws {StateError} where one is neither.
   */
  constructor(readonly layers: readonly DeepLayer[], options: NamedOptions = {}) {
    checkCall("new hk.DeepRNN(layers, options)", arguments, { name: "string" });
    super(options.name);
    if (!Array.isArray(layers)) {
      throw new StateError(`hk.DeepRNN: the layers must be a list, not ${describeValue(layers)}`);
    }
    for (const layer of layers) if (typeof layer !== "function") checkCore("hk.DeepRNN", layer);
  }

  /** One step. */
  call(inputs: NDArray, prevState: readonly unknown[]): [NDArray, readonly unknown[]] {
    const states: unknown[] = [];
    const out = this.layers.reduce<NDArray>((x, layer) => {
      if (typeof layer === "function") return layer(x);
      const [y, next] = layer.call(x, prevState[states.length] as never);
      states.push(next);
      return y;
    }, inputs);
    return [out, states];
  }

  /** Those of the cores. */
  initialState(batchSize?: number | null): readonly unknown[] {
    return this.layers.filter((layer) => typeof layer !== "function")
      .map((layer) => layer.initialState(batchSize));
  }
}

/**
 * Cores one after another, where each takes the input beside the output of the one before. The output is
 * those of all cores, side by side.
 *
 * @throws {StateError} where one is no core; outside of a transformed function, and inside a pure
 * transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((xs: NDArray) => {
 *   const core = hk.deepRnnWithSkipConnections([new hk.LSTM(4), new hk.GRU(2)]);
 *   return hk.dynamicUnroll(core, xs, core.initialState())[0];
 * });
 * const xs = np.ones([7, 3]);
 * console.log(model.apply(model.init(random.key(0), xs), null, xs).shape); // [ 7, 6 ]
 * ```
 */
export function deepRnnWithSkipConnections(
  layers: readonly AnyCore[],
  options: NamedOptions = {},
): DeepRNN {
  checkCall("hk.deepRnnWithSkipConnections(layers, options)", arguments, { name: "string" });
  return new SkippingRNN(layers, options);
}

class SkippingRNN extends DeepRNN {
  static override readonly moduleName: string = "deep_rnn";

  constructor(layers: readonly AnyCore[], options: NamedOptions) {
    super(layers, options);
    for (const layer of layers) checkCore("hk.deepRnnWithSkipConnections", layer);
  }

  override call(inputs: NDArray, prevState: readonly unknown[]): [NDArray, readonly unknown[]] {
    const outs: NDArray[] = [], states: unknown[] = [];
    for (const [i, layer] of (this.layers as readonly AnyCore[]).entries()) {
      const x = i === 0 ? inputs : np.concatenate([inputs, outs[i - 1]!], -1);
      const [y, next] = layer.call(x, prevState[i] as never);
      outs.push(y);
      states.push(next);
    }
    return [np.concatenate(outs, -1), states];
  }
}
