/**
 * Recurrent cores, and unrolling them over sequences.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  type OptionTable,
  toArray,
} from "../../../lib/extend.ts";
import {
  type NDArray,
  nn,
  numpy as np,
  ShapeError,
  StateError,
  treeFlatten,
  treeMap,
  treeUnflatten,
} from "../../../mod.ts";
import { checkSize, Linear } from "./basic.ts";
import { getParameter } from "../entries.ts";
import type { Initializer } from "../handlers.ts";
import { constant, varianceScaling } from "./initializers.ts";
import { Module } from "../module.ts";
import type { NamedOptions } from "./simple.ts";
import { transforms } from "../transform.ts";

/**
 * A recurrent core: `call` takes an input and the state before, and gives an output and the next state.
 * `S` is what the state is: an array or a tree of arrays. `I` is what the inputs are.
 */
export abstract class RNNCore<S = NDArray, I = NDArray> extends Module {
  /** One step. */
  abstract call(inputs: I, prevState: S): [output: NDArray, nextState: S];
  /** The state to begin with, for a batch of that size, or for a single sequence where left out. */
  abstract initialState(batchSize?: number | null): S;
}

/** Zeros [size], or [batch, size]. */
function zeros(batchSize: number | null | undefined, size: number): NDArray {
  return np.zeros(batchSize === null || batchSize === undefined ? [size] : [batchSize, size]);
}

function checkHidden(op: string, size: number): void {
  checkSize(op, "the hidden size", size);
}

/** The input of a core, [features] or [batch, features]. */
function input(op: string, x: NDArray): NDArray {
  const array = np.asarray(x);
  if (array.ndim === 1 || array.ndim === 2) return array;
  throw new ShapeError(
    `${op}: the input must be [features] or [batch, features], not ${formatAval(array.aval)}`,
  );
}

/** Options of `VanillaRNN`. */
export interface VanillaRNNOptions extends NamedOptions {
  /** Whether both linear layers have a bias (default true). */
  readonly doubleBias?: boolean | undefined;
}

const vanillaOptions: OptionTable<VanillaRNNOptions> = { doubleBias: "boolean", name: "string" };

/**
 * `h' = relu(x w_i + b_i + h w_h + b_h)`; the output is `h'`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((xs: NDArray) => {
 *   const core = new hk.VanillaRNN(4);
 *   return hk.dynamicUnroll(core, xs, core.initialState(2))[0];
 * });
 * const xs = np.ones([7, 2, 3]); // [time, batch, features]
 * console.log(model.apply(model.init(random.key(0), xs), null, xs).shape); // [ 7, 2, 4 ]
 * ```
 */
export class VanillaRNN extends RNNCore {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "vanilla_rnn";

  /**
   * `hiddenSize` is the length of `h`.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(readonly hiddenSize: number, readonly options: VanillaRNNOptions = {}) {
    checkCall("new hk.VanillaRNN(hiddenSize, options)", arguments, vanillaOptions);
    super(options.name);
    checkHidden("hk.VanillaRNN", hiddenSize);
  }

  /** One step. */
  call(inputs: NDArray, prevState: NDArray): [NDArray, NDArray] {
    const { doubleBias = true } = this.options;
    const fromInput = new Linear(this.hiddenSize);
    const fromHidden = new Linear(this.hiddenSize, { withBias: doubleBias });
    const h = nn.relu(
      fromInput.call(np.asarray(inputs)).add(fromHidden.call(np.asarray(prevState))),
    );
    return [h, h];
  }

  /** Zeros. */
  initialState(batchSize?: number | null): NDArray {
    return zeros(batchSize, this.hiddenSize);
  }
}

/** The state of an `LSTM`. */
export interface LSTMState {
  /** The output of the step before. */
  readonly hidden: NDArray;
  /** What is remembered. */
  readonly cell: NDArray;
}

/**
 * Long short-term memory: with `i, g, f, o = [x, h] w + b`, `c' = sigmoid(f + 1) c + sigmoid(i) tanh(g)`
 * and `h' = sigmoid(o) tanh(c')`. The output is `h'`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((xs: NDArray) => {
 *   const core = new hk.LSTM(4);
 *   return hk.dynamicUnroll(core, xs, core.initialState(2))[1].cell;
 * });
 * const params = model.init(random.key(0), np.ones([7, 2, 3]));
 * console.log(params["lstm/linear"]!.w!.shape); // [ 7, 16 ]
 * ```
 */
export class LSTM extends RNNCore<LSTMState> {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "lstm";

  /**
   * `hiddenSize` is the length of `h` and of `c`.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(readonly hiddenSize: number, options: NamedOptions = {}) {
    checkCall("new hk.LSTM(hiddenSize, options)", arguments, { name: "string" });
    super(options.name);
    checkHidden("hk.LSTM", hiddenSize);
  }

  /** One step. */
  call(inputs: NDArray, prevState: LSTMState): [NDArray, LSTMState] {
    const x = input("hk.LSTM", inputs);
    const all = new Linear(4 * this.hiddenSize).call(np.concatenate([x, prevState.hidden], -1));
    const [i, g, f, o] = np.split(all, 4, -1) as [NDArray, NDArray, NDArray, NDArray];
    const kept = nn.sigmoid(f.add(1)).mul(prevState.cell);
    const cell = kept.add(nn.sigmoid(i).mul(np.tanh(g)));
    const hidden = nn.sigmoid(o).mul(np.tanh(cell));
    return [hidden, { hidden, cell }];
  }

  /** Zeros. */
  initialState(batchSize?: number | null): LSTMState {
    return { hidden: zeros(batchSize, this.hiddenSize), cell: zeros(batchSize, this.hiddenSize) };
  }
}

/** Options of `GRU`. */
export interface GRUOptions extends NamedOptions {
  /** Initialiser of `w_i` [inputs, 3 hidden]; default variance scaling. */
  readonly wIInit?: Initializer | undefined;
  /** Initialiser of `w_h` [hidden, 3 hidden]; default variance scaling. */
  readonly wHInit?: Initializer | undefined;
  /** Initialiser of `b` [3 hidden]; default zeros. */
  readonly bInit?: Initializer | undefined;
}

const gruOptions: OptionTable<GRUOptions> = {
  wIInit: "function",
  wHInit: "function",
  bInit: "function",
  name: "string",
};

/**
 * Gated recurrent unit: `z` and `r` are sigmoids of `x w_i + h w_h + b`, `a = tanh(x w_i + (r h) w_h + b)`
 * with parts of the weights of their own, and `h' = (1 - z) h + z a`. The output is `h'`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((xs: NDArray) => {
 *   const core = new hk.GRU(4);
 *   return hk.dynamicUnroll(core, xs, core.initialState())[1];
 * });
 * const xs = np.ones([7, 3]); // [time, features]
 * console.log(model.apply(model.init(random.key(0), xs), null, xs).shape); // [ 4 ]
 * ```
 */
export class GRU extends RNNCore {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "gru";

  /**
   * `hiddenSize` is the length of `h`.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(readonly hiddenSize: number, readonly options: GRUOptions = {}) {
    checkCall("new hk.GRU(hiddenSize, options)", arguments, gruOptions);
    super(options.name);
    checkHidden("hk.GRU", hiddenSize);
  }

  /** One step. */
  call(inputs: NDArray, prevState: NDArray): [NDArray, NDArray] {
    const x = input("hk.GRU", inputs);
    const h = np.asarray(prevState);
    const n = this.hiddenSize;
    const { dtype } = x;
    const { wIInit = varianceScaling(), wHInit = varianceScaling(), bInit = constant(0) } =
      this.options;
    const wI = getParameter("w_i", [x.shape.at(-1)!, 3 * n], { dtype, init: wIInit });
    const wH = getParameter("w_h", [n, 3 * n], { dtype, init: wHInit });
    const b = getParameter("b", [3 * n], { dtype, init: bInit });
    const parts = (w: NDArray): [NDArray, NDArray] =>
      np.split(w, [2 * n], -1) as [NDArray, NDArray];
    const [gatesX, candidateX] = parts(np.matmul(x, wI));
    const [gatesH, candidateH] = parts(wH);
    const [gatesB, candidateB] = parts(b);
    const gates = nn.sigmoid(gatesX.add(np.matmul(h, gatesH)).add(gatesB));
    const [z, r] = np.split(gates, 2, -1) as [NDArray, NDArray];
    const a = np.tanh(candidateX.add(np.matmul(r.mul(h), candidateH)).add(candidateB));
    const next = z.neg().add(1).mul(h).add(z.mul(a));
    return [next, next];
  }

  /** Zeros. */
  initialState(batchSize?: number | null): NDArray {
    return zeros(batchSize, this.hiddenSize);
  }
}

/** A core without state: the output is the input. */
export class IdentityCore extends RNNCore<readonly []> {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "identity_core";

  /**
   * A layer with these options.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(options: NamedOptions = {}) {
    checkCall("new hk.IdentityCore(options)", arguments, { name: "string" });
    super(options.name);
  }

  /** One step. */
  call(inputs: NDArray, prevState: readonly []): [NDArray, readonly []] {
    return [inputs, prevState];
  }

  /** Nothing. */
  initialState(_batchSize?: number | null): readonly [] {
    return [];
  }
}

/** Options of the functions that unroll. */
export interface StaticUnrollOptions {
  /** Whether sequences are [time, batch, ...] and not [batch, time, ...] (default true). */
  readonly timeMajor?: boolean | undefined;
}

/** Options of `dynamicUnroll`. */
export interface DynamicUnrollOptions extends StaticUnrollOptions {
  /** Whether to begin at the end (default false). */
  readonly reverse?: boolean | undefined;
  /** Whether to give the states after all steps, and not only the last one (default false). */
  readonly returnAllStates?: boolean | undefined;
}

const unrollOptions: OptionTable<DynamicUnrollOptions> = {
  timeMajor: "boolean",
  reverse: "boolean",
  returnAllStates: "boolean",
};

/** What is called at each step of a sequence. */
export type UnrolledCore<S, I, O> =
  | { call(inputs: I, prevState: S): readonly [O, S] }
  | ((inputs: I, prevState: S) => readonly [O, S]);

function stepOf<S, I, O>(
  op: string,
  core: UnrolledCore<S, I, O>,
): (inputs: I, state: S) => readonly [O, S] {
  if (typeof core !== "function" && typeof core?.call !== "function") {
    throw new StateError(
      `${op}: expected a core, such as new hk.LSTM(8), not ${describeValue(core)}`,
    );
  }
  return (inputs, state) => {
    const result = typeof core === "function" ? core(inputs, state) : core.call(inputs, state);
    if (Array.isArray(result) && result.length === 2) return result as readonly [O, S];
    throw new StateError(
      `${op}: the core must give [output, state], not ${describeValue(result)}`,
    );
  };
}

/** Trees with batch and time in each other's place. */
function swapped<T>(tree: T): T {
  return treeMap((x: NDArray) => np.swapaxes(x, 0, 1), tree as never) as T;
}

/**
 * Runs a core over a sequence in a loop, which stays one in compiled programs; outside of transformed
 * functions too. Gives the outputs, and the last state (all of them where that is asked for).
 *
 * @param core A core, or a function of an input and a state.
 * @param inputs Array or tree of arrays [time, batch, ...].
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const sum = (x: NDArray, total: NDArray) => [total.add(x), total.add(x)] as const;
 * const [outs, last] = hk.dynamicUnroll(sum, np.array([1, 2, 3]), np.array(0));
 * console.log(outs.toArray(), last.item()); // [ 1, 3, 6 ] 6
 * ```
 */
export function dynamicUnroll<S, I, O>(
  core: UnrolledCore<S, I, O>,
  inputs: I,
  initialState: S,
  options: DynamicUnrollOptions = {},
): [outputs: O, state: S] {
  checkCall("hk.dynamicUnroll(core, inputs, initialState, options)", arguments, unrollOptions);
  const { timeMajor = true, reverse = false, returnAllStates = false } = options;
  const call = stepOf("hk.dynamicUnroll", core);
  const step = (state: S, x: I): [S, unknown] => {
    const [out, next] = call(x, state);
    return [next, returnAllStates ? [out, next] : out];
  };
  const xs = timeMajor ? inputs : swapped(inputs);
  const [last, ys] = transforms.scan(step as never, initialState as never, xs as never, {
    reverse,
  }) as [S, unknown];
  const [outs, states] = returnAllStates ? ys as [O, S] : [ys as O, last];
  if (timeMajor) return [outs, states];
  return [swapped(outs), returnAllStates ? swapped(states) : states];
}

/**
 * Runs a core over a sequence step by step, so that compiled programs have all steps one after another.
 * Gives the outputs and the last state.
 *
 * @param core A core, or a function of an input and a state.
 * @param inputs Array or tree of arrays [time, batch, ...].
 * @throws {ShapeError} where there are no steps.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const sum = (x: NDArray, total: NDArray) => [total.add(x), total.add(x)] as const;
 * const [outs, last] = hk.staticUnroll(sum, np.array([1, 2, 3]), np.array(0));
 * console.log(outs.toArray(), last.item()); // [ 1, 3, 6 ] 6
 * ```
 */
export function staticUnroll<S, I, O>(
  core: UnrolledCore<S, I, O>,
  inputs: I,
  initialState: S,
  options: StaticUnrollOptions = {},
): [outputs: O, state: S] {
  checkCall("hk.staticUnroll(core, inputs, initialState, options)", arguments, {
    timeMajor: "boolean",
  });
  const call = stepOf("hk.staticUnroll", core);
  const axis = options.timeMajor ?? true ? 0 : 1;
  const [leaves, def] = treeFlatten(inputs);
  const arrays = leaves.map((x) => {
    const array = toArray(x);
    if (array !== null && array.ndim > axis) return array;
    throw new ShapeError(
      `hk.staticUnroll: the inputs must be arrays [${
        axis === 0 ? "time" : "batch, time"
      }, ...], not ${array === null ? describeValue(x) : formatAval(array.aval)}`,
    );
  });
  const steps = arrays[0]?.shape[axis] ?? 0;
  if (steps === 0) {
    throw new ShapeError("hk.staticUnroll: the sequence has no steps, so that there is no output");
  }
  const other = arrays.find((x) => x.shape[axis] !== steps);
  if (other !== undefined) {
    throw new ShapeError(
      `hk.staticUnroll: the inputs have ${steps} steps and ${other.shape[axis]}: ${
        formatAval(other.aval)
      }`,
    );
  }
  const xs = arrays.map((x) => axis === 0 ? x : np.swapaxes(x, 0, 1));
  let state = initialState;
  const outs: O[] = [];
  for (let t = 0; t < steps; t++) {
    const [out, next] = call(treeUnflatten(def, xs.map((x) => np.at(x, t))) as I, state);
    outs.push(out);
    state = next;
  }
  const flat = outs.map((out) => treeFlatten(out)[0] as NDArray[]);
  const stacked = flat[0]!.map((_, i) => np.stack(flat.map((list) => list[i]!), axis));
  return [treeUnflatten(treeFlatten(outs[0])[1], stacked) as O, state];
}
