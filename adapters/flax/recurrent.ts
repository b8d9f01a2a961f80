/**
 * Recurrent cells, and the layer that runs them over sequences.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../lib/extend.ts";
import {
  type DType,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
  treeMap,
} from "../../mod.ts";
import type { Filter } from "./filters.ts";
import { type Initializer, lecunNormal, orthogonal, zeros } from "./initializers.ts";
import { scan, type SplitRngs } from "./lifted.ts";
import { checkSize, Dense } from "./linear.ts";
import { Module } from "./module.ts";

/** Options of cells. */
export interface CellOptions {
  /** The function of gates (default `nn.sigmoid`). */
  readonly gateFn?: ((x: NDArray) => NDArray) | undefined;
  /** The function of values (default `np.tanh`). */
  readonly activationFn?: ((x: NDArray) => NDArray) | undefined;
  /** Initialiser of weights of the input; default `lecunNormal()`. */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of weights of the carry; default `orthogonal()`. */
  readonly recurrentKernelInit?: Initializer | undefined;
  /** Initialiser of biases; default `zeros`. */
  readonly biasInit?: Initializer | undefined;
  /** Initialiser of the carry; default `zeros`. */
  readonly carryInit?: Initializer | undefined;
  /** Dtype of the computation (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters and of the carry (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

/** Kinds of these options. */
export const cellOptions: OptionTable<CellOptions> = {
  name: "string",
  gateFn: "function",
  activationFn: "function",
  kernelInit: "function",
  recurrentKernelInit: "function",
  biasInit: "function",
  carryInit: "function",
  dtype: "dtype",
  paramDtype: "dtype",
};

/** What `RNN` runs over sequences. */
export interface RNNCell<C> extends Module {
  /** One step: the next carry, and the output. */
  call(carry: C, x: NDArray): [carry: C, y: NDArray];
  /** The carry to begin with, for inputs of a shape. */
  initializeCarry(key: NDArray, inputShape: readonly number[]): C;
  /** How many of the last axes of an input are not those of a batch. */
  readonly numFeatureAxes: number;
}

/** What cells have in common: options, and layers over input and carry. */
export abstract class RNNCellBase extends Module {
  /** One axis of features. */
  readonly numFeatureAxes: number = 1;

  /** `op` is how users write it, for messages. */
  constructor(op: string, readonly features: number, readonly options: CellOptions) {
    super(options.name);
    checkSize(op, "features", features);
  }

  /** A layer of this name over the input. */
  protected ofInput(
    name: string,
    features: number,
    useBias: boolean,
    biasInit: Initializer | undefined = this.options.biasInit,
  ): Dense {
    const { kernelInit = lecunNormal(), dtype, paramDtype } = this.options;
    return new Dense(features, { name, useBias, kernelInit, biasInit, dtype, paramDtype });
  }

  /** A layer of this name over the carry. */
  protected ofCarry(
    name: string,
    features: number,
    useBias: boolean,
    biasInit: Initializer | undefined = this.options.biasInit,
  ): Dense {
    const { recurrentKernelInit = orthogonal(), dtype, paramDtype } = this.options;
    const kernelInit = recurrentKernelInit;
    return new Dense(features, { name, useBias, kernelInit, biasInit, dtype, paramDtype });
  }

  /** An initial array of the carry. */
  protected start(key: NDArray, inputShape: readonly number[]): NDArray {
    const { carryInit = zeros, paramDtype = "float32" } = this.options;
    return carryInit(key, [...inputShape.slice(0, -1), this.features], paramDtype);
  }
}

/**
 * A cell with long short-term memory. The carry is `[c, h]`, each [..., features]. Its layers are called
 * `ii`, `if`, `ig`, `io` and `hi`, `hf`, `hg`, `ho`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const rnn = new flax.RNN(new flax.LSTMCell(4));
 * const xs = np.ones([2, 5, 3]); // 2 sequences of 5 steps
 * console.log(rnn.apply(rnn.init(random.key(0), xs), xs).shape); // [ 2, 5, 4 ]
 * ```
 */
export class LSTMCell extends RNNCellBase {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "LSTMCell";

  /**
   * `features` is the length of the last axis of carry and output.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(features: number, options: CellOptions = {}) {
    checkCall("new flax.LSTMCell(features, options)", arguments, cellOptions);
    super("new flax.LSTMCell", features, options);
  }

  /** One step, for `x` [..., inputs]. */
  call([c, h]: [NDArray, NDArray], x: NDArray): [carry: [NDArray, NDArray], y: NDArray] {
    const { gateFn = nn.sigmoid, activationFn = np.tanh } = this.options;
    const n = h.shape.at(-1)!;
    const sum = (gate: string): NDArray =>
      this.ofInput(`i${gate}`, n, false).call(x).add(this.ofCarry(`h${gate}`, n, true).call(h));
    const i = gateFn(sum("i"));
    const f = gateFn(sum("f"));
    const g = activationFn(sum("g"));
    const o = gateFn(sum("o"));
    const next = f.mul(c).add(i.mul(g));
    const out = o.mul(activationFn(next));
    return [[next, out], out];
  }

  /** The carry to begin with, for inputs of this shape [..., inputs]. */
  initializeCarry(key: NDArray, inputShape: readonly number[]): [NDArray, NDArray] {
    const keys = random.split(key);
    return [this.start(keys.at(0), inputShape), this.start(keys.at(1), inputShape)];
  }
}

/**
 * A gated recurrent unit. The carry is `h` [..., features]. Its layers are called `ir`, `iz`, `in` and
 * `hr`, `hz`, `hn`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const rnn = new flax.RNN(new flax.GRUCell(4), { timeMajor: true });
 * const xs = np.ones([5, 2, 3]); // 5 steps of 2 sequences
 * console.log(rnn.apply(rnn.init(random.key(0), xs), xs).shape); // [ 5, 2, 4 ]
 * ```
 */
export class GRUCell extends RNNCellBase {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "GRUCell";

  /**
   * `features` is the length of the last axis of carry and output.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(features: number, options: CellOptions = {}) {
    checkCall("new flax.GRUCell(features, options)", arguments, cellOptions);
    super("new flax.GRUCell", features, options);
  }

  /** One step, for `x` [..., inputs]. */
  call(h: NDArray, x: NDArray): [carry: NDArray, y: NDArray] {
    const { gateFn = nn.sigmoid, activationFn = np.tanh } = this.options;
    const n = h.shape.at(-1)!;
    const gate = (name: string): NDArray =>
      gateFn(
        this.ofInput(`i${name}`, n, true).call(x).add(this.ofCarry(`h${name}`, n, false).call(h)),
      );
    const r = gate("r");
    const z = gate("z");
    const own = this.ofInput("in", n, true).call(x);
    const value = activationFn(own.add(r.mul(this.ofCarry("hn", n, true).call(h))));
    const next = np.subtract(1, z).mul(value).add(z.mul(h));
    return [next, next];
  }

  /** The carry to begin with, for inputs of this shape [..., inputs]. */
  initializeCarry(key: NDArray, inputShape: readonly number[]): NDArray {
    return this.start(key, inputShape);
  }
}

/** Options of `RNN`. */
export interface RNNOptions {
  /** Whether inputs are [time, ...batch, features], and not [...batch, time, features]. */
  readonly timeMajor?: boolean | undefined;
  /** Whether to go from the end of a sequence to its start. The output is in that order. */
  readonly reverse?: boolean | undefined;
  /** With `reverse`: whether the output is in the order of the input. */
  readonly keepOrder?: boolean | undefined;
  /** Collections of which each step has a slice, along an axis. */
  readonly variableAxes?: Readonly<Record<string, number>> | undefined;
  /** Collections that all steps share (default `params`). */
  readonly variableBroadcast?: Filter | undefined;
  /** Collections that steps hand on. */
  readonly variableCarry?: Filter | undefined;
  /** Which streams are split by step (default: none; `params` can be drawn from). */
  readonly splitRngs?: SplitRngs | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const rnnOptions: OptionTable<RNNOptions> = {
  name: "string",
  timeMajor: "boolean",
  reverse: "boolean",
  keepOrder: "boolean",
  variableAxes: "object",
  variableBroadcast: "object",
  variableCarry: "object",
  splitRngs: "object",
};

/** Options of `RNN.call`; what is said of the order goes before what the layer says. */
export interface RNNCall<C> extends Pick<RNNOptions, "timeMajor" | "reverse" | "keepOrder"> {
  /** The carry to begin with (default: what the cell says). */
  readonly initialCarry?: C | undefined;
  /** The key with which the cell makes it (default `random.key(0)`). */
  readonly initKey?: NDArray | undefined;
  /** The length of each sequence, int32 [...batch]: what is beyond is padding. */
  readonly seqLengths?: NDArray | undefined;
  /** Whether the result is `[carry, output]`, with the carry after the last step of each sequence. */
  readonly returnCarry?: boolean | undefined;
}

/**
 * Runs a cell over sequences, with one set of parameters for all steps.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const rnn = new flax.RNN(new flax.GRUCell(4));
 * const xs = np.ones([2, 5, 3]);
 * const variables = rnn.init(random.key(0), xs);
 * console.log(Object.keys(variables.params!)); // [ "cell" ]
 * const seqLengths = np.array([2, 5], { dtype: "int32" });
 * const ys = rnn.apply(variables, xs, { seqLengths });
 * console.log(ys.shape); // [ 2, 5, 4 ]
 * ```
 */
export class RNN<C> extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "RNN";

  /**
   * Made of a cell.
   *
   * @throws {StateError} where it is none.
   */
  constructor(readonly cell: RNNCell<C>, readonly options: RNNOptions = {}) {
    checkCall("new flax.RNN(cell, options)", arguments, rnnOptions);
    super(options.name);
    if (cell instanceof Module && typeof cell.initializeCarry === "function") return;
    throw new StateError(
      `new flax.RNN: the cell must be a module with call, initializeCarry and numFeatureAxes, such as ` +
        `new flax.LSTMCell(4), not ${describeValue(cell)}`,
    );
  }

  /** The output and the carry. */
  call(inputs: NDArray, options: RNNCall<C> & { readonly returnCarry: true }): [C, NDArray];
  /** The output, of the shape of the input but for its features. */
  call(inputs: NDArray, options?: RNNCall<C>): NDArray;
  call(inputs: NDArray, options: RNNCall<C> = {}): NDArray | [C, NDArray] {
    const {
      timeMajor = this.options.timeMajor ?? false,
      reverse = this.options.reverse ?? false,
      keepOrder = this.options.keepOrder ?? false,
    } = options;
    const { initKey = random.key(0), initialCarry, seqLengths, returnCarry = false } = options;
    const features = this.cell.numFeatureAxes;
    if (inputs.ndim <= features) {
      throw new ShapeError(
        `flax.RNN: the input must have an axis of time before ${features} of features, not the shape ${
          formatShape(inputs.shape)
        }`,
      );
    }
    const time = timeMajor ? 0 : inputs.ndim - features - 1;
    const flipped = (xs: NDArray): NDArray => flippedSequences(xs, time, seqLengths);
    const xs = reverse ? flipped(inputs) : inputs;
    const batch = inputs.shape.filter((_, axis) => axis !== time);
    const carry = initialCarry ?? this.cell.initializeCarry(initKey, batch);
    const ends = seqLengths !== undefined && returnCarry;
    const step = (cell: RNNCell<C>, c: C, x: NDArray): [C, unknown] => {
      const [next, y] = cell.call(c, x);
      return [next, ends ? [next, y] : y];
    };
    const loop = scan(step, {
      inAxes: time,
      outAxes: ends ? [0, time] : time,
      variableAxes: this.options.variableAxes,
      variableBroadcast: this.options.variableBroadcast ?? "params",
      variableCarry: this.options.variableCarry,
      splitRngs: this.options.splitRngs ?? { params: false },
    });
    const [last, out] = loop(this.cell, carry, xs);
    const [carries, ys] = ends ? out as [C, NDArray] : [null, out as NDArray];
    const result = reverse && keepOrder ? flipped(ys) : ys;
    if (!returnCarry) return result;
    return [carries === null ? last : carriesAt(carries, seqLengths!), result];
  }
}

/** The carry after the last step of each sequence, of carries [time, ...batch, features]. */
function carriesAt<C>(carries: C, lengths: NDArray): C {
  const last = (x: NDArray): NDArray => {
    const at = np.reshape(lengths.sub(1).astype("int32"), [1, ...lengths.shape, 1]);
    const index = np.broadcastTo(at, [1, ...x.shape.slice(1)]);
    return np.squeeze(np.takeAlongAxis(x, index, 0), 0);
  };
  return treeMap(last as never, carries) as C;
}

/** Sequences from the end to the start; padding stays at the end. */
function flippedSequences(xs: NDArray, time: number, lengths: NDArray | undefined): NDArray {
  if (lengths === undefined) return np.flip(xs, time);
  const steps = xs.shape[time]!;
  const onTime = xs.shape.map((n, axis) => axis === time ? n : 1);
  const back = np.reshape(np.arange(steps - 1, -1, -1, { dtype: "int32" }), onTime);
  const ofBatch = np.expandDims(lengths.astype("int32"), time);
  const wide = np.reshape(
    ofBatch,
    [...ofBatch.shape, ...Array<number>(xs.ndim - ofBatch.ndim).fill(1)],
  );
  const index = back.add(wide).mod(steps);
  return np.takeAlongAxis(xs, np.broadcastTo(index, xs.shape), time);
}
