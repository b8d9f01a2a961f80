/**
 * Further recurrent cells, and the layer that runs two of them over sequences from both ends.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, nn, numpy as np, random, StateError } from "../../mod.ts";
import { type Initializer, ones, zeros } from "./initializers.ts";
import { Module } from "./module.ts";
import {
  type CellOptions,
  cellOptions,
  LSTMCell,
  RNN,
  type RNNCall,
  RNNCellBase,
} from "./recurrent.ts";

/** Options of `SimpleCell`. */
export interface SimpleCellOptions extends Omit<CellOptions, "gateFn"> {
  /** Whether the carry is added to what comes next (default false). */
  readonly residual?: boolean | undefined;
}

const { gateFn: _gateFn, ...ungated } = cellOptions;
const simpleOptions: OptionTable<SimpleCellOptions> = { ...ungated, residual: "boolean" };

/**
 * The simplest cell: `tanh(i(x) + h(carry))`, with layers `i` and `h`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const rnn = new flax.RNN(new flax.SimpleCell(4));
 * const xs = np.ones([2, 5, 3]);
 * console.log(rnn.apply(rnn.init(random.key(0), xs), xs).shape); // [ 2, 5, 4 ]
 * ```
 */
export class SimpleCell extends RNNCellBase {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "SimpleCell";
  readonly #residual: boolean;

  /**
   * `features` is the length of the last axis of carry and output.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(features: number, options: SimpleCellOptions = {}) {
    checkCall("new flax.SimpleCell(features, options)", arguments, simpleOptions);
    super("new flax.SimpleCell", features, options);
    this.#residual = options.residual ?? false;
  }

  /** One step, for `x` [..., inputs]. */
  call(h: NDArray, x: NDArray): [carry: NDArray, y: NDArray] {
    const { activationFn = np.tanh } = this.options;
    const n = h.shape.at(-1)!;
    const sum = this.ofInput("i", n, true).call(x).add(this.ofCarry("h", n, false).call(h));
    const next = activationFn(this.#residual ? sum.add(h) : sum);
    return [next, next];
  }

  /** The carry to begin with, for inputs of this shape [..., inputs]. */
  initializeCarry(key: NDArray, inputShape: readonly number[]): NDArray {
    return this.start(key, inputShape);
  }
}

/** Options of `MGUCell`. */
export interface MGUCellOptions extends Omit<CellOptions, "biasInit"> {
  /** Initialiser of the bias of the gate; default `ones`. */
  readonly forgetBiasInit?: Initializer | undefined;
  /** Initialiser of the other biases; default `zeros`. */
  readonly activationBiasInit?: Initializer | undefined;
  /** Whether the gate is applied to the carry within the next value, too (default true). */
  readonly resetGate?: boolean | undefined;
}

const { biasInit: _biasInit, ...unbiased } = cellOptions;
const mguOptions: OptionTable<MGUCellOptions> = {
  ...unbiased,
  forgetBiasInit: "function",
  activationBiasInit: "function",
  resetGate: "boolean",
};

/**
 * A cell with one gate, which forgets and resets. Its layers are called `if`, `in`, `hf` and `hn`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const rnn = new flax.RNN(new flax.MGUCell(4));
 * const xs = np.ones([2, 5, 3]);
 * console.log(rnn.apply(rnn.init(random.key(0), xs), xs).shape); // [ 2, 5, 4 ]
 * ```
 */
export class MGUCell extends RNNCellBase {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "MGUCell";
  readonly #own: MGUCellOptions;

  /**
   * `features` is the length of the last axis of carry and output.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(features: number, options: MGUCellOptions = {}) {
    checkCall("new flax.MGUCell(features, options)", arguments, mguOptions);
    super("new flax.MGUCell", features, options);
    this.#own = options;
  }

  /** One step, for `x` [..., inputs]. */
  call(h: NDArray, x: NDArray): [carry: NDArray, y: NDArray] {
    const { gateFn = nn.sigmoid, activationFn = np.tanh } = this.options;
    const { forgetBiasInit = ones, activationBiasInit = zeros, resetGate = true } = this.#own;
    const n = h.shape.at(-1)!;
    const f = gateFn(
      this.ofInput("if", n, true, forgetBiasInit).call(x)
        .add(this.ofCarry("hf", n, false).call(h)),
    );
    const before = this.ofCarry("hn", n, resetGate, activationBiasInit).call(h);
    const value = activationFn(
      this.ofInput("in", n, true, activationBiasInit).call(x)
        .add(resetGate ? before.mul(f) : before),
    );
    const next = np.subtract(1, f).mul(value).add(f.mul(h));
    return [next, next];
  }

  /** The carry to begin with, for inputs of this shape [..., inputs]. */
  initializeCarry(key: NDArray, inputShape: readonly number[]): NDArray {
    return this.start(key, inputShape);
  }
}

/**
 * As `LSTMCell`, under the name of the cell that flax computes in another order; with the same parameters.
 *
 * @example See `LSTMCell`.
 */
export class OptimizedLSTMCell extends LSTMCell {
  /** The name of its modules, whatever a bundler calls the class. */
  static override readonly moduleName: string = "OptimizedLSTMCell";
}

/** Options of `Bidirectional`. */
export interface BidirectionalOptions {
  /** What is made of the outputs of both (default: one behind the other, along the last axis). */
  readonly mergeFn?: ((forward: NDArray, backward: NDArray) => NDArray) | undefined;
  /** Whether inputs are [time, ...batch, features], and not [...batch, time, features]. */
  readonly timeMajor?: boolean | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const bidirectionalOptions: OptionTable<BidirectionalOptions> = {
  mergeFn: "function",
  timeMajor: "boolean",
  name: "string",
};

/** Options of `Bidirectional.call`. */
export type BidirectionalCall<F, B> = Omit<RNNCall<readonly [F, B]>, "reverse" | "keepOrder">;

/**
 * Runs one layer over sequences from the start and another one from the end. Its layers are called
 * `forward_rnn` and `backward_rnn`, which are the names of their parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const { Bidirectional, GRUCell, RNN } = flax;
 * const both = new Bidirectional(new RNN(new GRUCell(4)), new RNN(new GRUCell(4)));
 * const xs = np.ones([2, 5, 3]);
 * console.log(both.apply(both.init(random.key(0), xs), xs).shape); // [ 2, 5, 8 ]
 * ```
 */
export class Bidirectional<F, B> extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Bidirectional";

  /**
   * Made of two layers.
   *
   * @throws {StateError} where one is none.
   */
  constructor(
    readonly forward_rnn: RNN<F>,
    readonly backward_rnn: RNN<B>,
    readonly options: BidirectionalOptions = {},
  ) {
    const call = "new flax.Bidirectional(forward, backward, options)";
    checkCall(call, arguments, bidirectionalOptions);
    super(options.name);
    for (const rnn of [forward_rnn, backward_rnn]) {
      if (rnn instanceof RNN) continue;
      throw new StateError(
        `new flax.Bidirectional: both layers must be flax.RNN, not ${describeValue(rnn)}`,
      );
    }
  }

  /** The output and the carries. */
  call(
    inputs: NDArray,
    options: BidirectionalCall<F, B> & { readonly returnCarry: true },
  ): [carry: [F, B], y: NDArray];
  /** The output, in the order of the input. */
  call(inputs: NDArray, options?: BidirectionalCall<F, B>): NDArray;
  call(
    inputs: NDArray,
    options: BidirectionalCall<F, B> = {},
  ): NDArray | [carry: [F, B], y: NDArray] {
    const { mergeFn = (a, b) => np.concatenate([a, b], -1) } = this.options;
    const { initialCarry, initKey, seqLengths, returnCarry = false } = options;
    const { timeMajor = this.options.timeMajor } = options;
    const keys = initKey === undefined ? null : random.split(initKey);
    const run = <C>(rnn: RNN<C>, i: 0 | 1): [C, NDArray] =>
      rnn.call(inputs, {
        initialCarry: initialCarry?.[i] as C | undefined,
        initKey: keys?.at(i),
        seqLengths,
        timeMajor,
        reverse: i === 1,
        keepOrder: i === 1,
        returnCarry: true,
      });
    const [forward, ys] = run(this.forward_rnn, 0);
    const [backward, zs] = run(this.backward_rnn, 1);
    const out = mergeFn(ys, zs);
    return returnCarry ? [[forward, backward], out] : out;
  }
}
