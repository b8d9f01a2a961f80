/**
 * Cells over sequences: `RNN` and `Bidirectional`. Cells are in `recurrent.ts`.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, ShapeError, StateError, treeMap } from "../../mod.ts";
import { Carry, StateAxes } from "./arguments.ts";
import { Module } from "./graph.ts";
import { scan } from "./mapped.ts";

/** A cell: one step of a recurrent network. */
export interface Cell<C> {
  /** `[carry, output]` from the carry and an input [...batch, features]. */
  call(carry: C, x: NDArray): [C, NDArray];
  /** What it remembers at first, for inputs of these leading axes. */
  initializeCarry(batch?: readonly number[]): C;
}

/** How a sequence is gone through. */
export interface SequenceOptions {
  /** Whether inputs are [time, ...batch, features], and not [...batch, time, features]. */
  readonly timeMajor?: boolean | undefined;
  /** Whether the result is `[carry, output]`. */
  readonly returnCarry?: boolean | undefined;
}

/** Options of `RNN`. */
export interface RNNOptions extends SequenceOptions {
  /** Whether to go from the end of a sequence to its start. The output is in that order. */
  readonly reverse?: boolean | undefined;
  /** With `reverse`: whether the output is in the order of the input. */
  readonly keepOrder?: boolean | undefined;
  /** What becomes of the cell's variables (default: they go from step to step). */
  readonly stateAxes?: StateAxes | undefined;
}

const rnnOptions: OptionTable<RNNOptions> = {
  timeMajor: "boolean",
  returnCarry: "boolean",
  reverse: "boolean",
  keepOrder: "boolean",
  stateAxes: "object",
};

/** Options of `RNN.call`; those of the layer count where they are left out. */
export interface RNNCallOptions<C> extends Omit<RNNOptions, "stateAxes"> {
  /** The carry to begin with (default: what the cell says). */
  readonly initialCarry?: C | undefined;
  /** The length of each sequence, int32 [...batch]: what is beyond is padding. */
  readonly seqLengths?: NDArray | undefined;
}

/**
 * Runs a cell over sequences, as one loop.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rnn = new nnx.RNN(new nnx.GRUCell(3, 4, { rngs: new nnx.Rngs(0) }));
 * console.log(rnn.call(np.ones([2, 5, 3])).shape); // [ 2, 5, 4 ]
 * ```
 */
export class RNN<C> extends Module {
  /** Whether inputs are [time, ...batch, features]. */
  readonly timeMajor: boolean;
  /** Whether the result is `[carry, output]`. */
  readonly returnCarry: boolean;
  /** Whether it goes from the end to the start. */
  readonly reverse: boolean;
  /** Whether the output is in the order of the input nevertheless. */
  readonly keepOrder: boolean;
  /** What becomes of the cell's variables. */
  readonly stateAxes: StateAxes;

  /**
   * Made of a cell.
   *
   * @throws {StateError} where it is none.
   */
  constructor(readonly cell: Module & Cell<C>, options: RNNOptions = {}) {
    checkCall("new nnx.RNN(cell, options)", arguments, rnnOptions);
    super();
    if (!(cell instanceof Module) || typeof cell.initializeCarry !== "function") {
      throw new StateError(
        `new nnx.RNN: the cell must be a module with call and initializeCarry, such as ` +
          `new nnx.LSTMCell(3, 4, { rngs }), not ${describeValue(cell)}`,
      );
    }
    this.timeMajor = options.timeMajor ?? false;
    this.returnCarry = options.returnCarry ?? false;
    this.reverse = options.reverse ?? false;
    this.keepOrder = options.keepOrder ?? false;
    this.stateAxes = options.stateAxes ?? carried;
  }

  /** The carry and the output; with `seqLengths` the carry after the last step of each sequence. */
  call(inputs: NDArray, options: RNNCallOptions<C> & { readonly returnCarry: true }): [C, NDArray];
  /** The output, of the shape of the input but for its features. */
  call(inputs: NDArray, options?: RNNCallOptions<C>): NDArray;
  call(inputs: NDArray, options: RNNCallOptions<C> = {}): NDArray | [C, NDArray] {
    const { timeMajor = this.timeMajor, returnCarry = this.returnCarry } = options;
    const { reverse = this.reverse, keepOrder = this.keepOrder } = options;
    const { seqLengths, initialCarry } = options;
    if (inputs.ndim < 2) {
      throw new ShapeError(
        `nnx.RNN: the input must have an axis of time before that of features, not the shape ${
          formatShape(inputs.shape)
        }`,
      );
    }
    const time = timeMajor ? 0 : inputs.ndim - 2;
    const flipped = (xs: NDArray): NDArray => flipSequences(xs, time, seqLengths);
    const batch = inputs.shape.slice(0, -1).filter((_, axis) => axis !== time);
    const ends = seqLengths !== undefined && returnCarry;
    const loop = scan((cell: Cell<C>, carry: C, x: NDArray): [C, NDArray, C | null] => {
      const [next, y] = cell.call(carry, x);
      return [next, y, ends ? next : null];
    }, { inAxes: [this.stateAxes, Carry, time], outAxes: [Carry, time, 0] });
    const [last, ys, carries] = loop(
      this.cell,
      initialCarry ?? this.cell.initializeCarry(batch),
      reverse ? flipped(inputs) : inputs,
    );
    const out = reverse && keepOrder ? flipped(ys) : ys;
    if (!returnCarry) return out;
    return [ends ? carriesAt(carries as C, seqLengths) : last, out];
  }
}

/** Options of `Bidirectional`. */
export interface BidirectionalOptions extends SequenceOptions {
  /** Makes one output of the two (default: features of one after those of the other). */
  readonly mergeFn?: ((forward: NDArray, backward: NDArray) => NDArray) | undefined;
}

const bidirectionalOptions: OptionTable<BidirectionalOptions> = {
  mergeFn: "function",
  timeMajor: "boolean",
  returnCarry: "boolean",
};

/** Options of `Bidirectional.call`; those of the layer count where they are left out. */
export interface BidirectionalCallOptions<A, B> extends SequenceOptions {
  /** The carries to begin with. */
  readonly initialCarry?: readonly [A, B] | undefined;
  /** The length of each sequence, int32 [...batch]. */
  readonly seqLengths?: NDArray | undefined;
}

/**
 * Runs two networks over sequences, one from the start and one from the end.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const rnn = (): nnx.RNN<np.NDArray> => new nnx.RNN(new nnx.GRUCell(3, 4, { rngs }));
 * console.log(new nnx.Bidirectional(rnn(), rnn()).call(np.ones([2, 5, 3])).shape); // [ 2, 5, 8 ]
 * ```
 */
export class Bidirectional<A, B> extends Module {
  /** Whether inputs are [time, ...batch, features]. */
  readonly timeMajor: boolean;
  /** Whether the result is `[[carry, carry], output]`. */
  readonly returnCarry: boolean;
  /** Makes one output of the two. */
  readonly mergeFn: (forward: NDArray, backward: NDArray) => NDArray;

  /** Made of two networks. */
  constructor(
    readonly forwardRnn: RNN<A>,
    readonly backwardRnn: RNN<B>,
    options: BidirectionalOptions = {},
  ) {
    checkCall(
      "new nnx.Bidirectional(forwardRnn, backwardRnn, options)",
      arguments,
      bidirectionalOptions,
    );
    super();
    this.timeMajor = options.timeMajor ?? false;
    this.returnCarry = options.returnCarry ?? false;
    this.mergeFn = options.mergeFn ?? joined;
  }

  /** The carries and the output. */
  call(
    inputs: NDArray,
    options: BidirectionalCallOptions<A, B> & { readonly returnCarry: true },
  ): [[A, B], NDArray];
  /** The output. */
  call(inputs: NDArray, options?: BidirectionalCallOptions<A, B>): NDArray;
  call(
    inputs: NDArray,
    options: BidirectionalCallOptions<A, B> = {},
  ): NDArray | [[A, B], NDArray] {
    const { timeMajor = this.timeMajor, returnCarry = this.returnCarry, seqLengths } = options;
    const [a, b] = options.initialCarry ?? [];
    const shared = { timeMajor, seqLengths, returnCarry: true } as const;
    const [carryA, forward] = this.forwardRnn.call(inputs, {
      ...shared,
      reverse: false,
      initialCarry: a,
    });
    const [carryB, backward] = this.backwardRnn.call(inputs, {
      ...shared,
      reverse: true,
      keepOrder: true,
      initialCarry: b,
    });
    const out = this.mergeFn(forward, backward);
    return returnCarry ? [[carryA, carryB], out] : out;
  }
}

// What modules of the same kind share is one value, by which programs are told apart.
const carried = new StateAxes([[true, Carry]]);
const joined = (a: NDArray, b: NDArray): NDArray => np.concatenate([a, b], -1);

/** The carry after the last step of each sequence, of carries [time, ...batch, features]. */
function carriesAt<C>(carries: C, lengths: NDArray): C {
  const last = (x: NDArray): NDArray => {
    const at = lengths.astype("int32").sub(1).reshape([1, ...lengths.shape, 1]);
    const index = np.broadcastTo(at, [1, ...x.shape.slice(1)]);
    return np.squeeze(np.takeAlongAxis(x, index, 0), 0);
  };
  return treeMap(last as never, carries) as C;
}

/**
 * Sequences from the end to the start, along the axis `time`; what is beyond the `lengths` stays at the
 * end.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const xs = np.array([[1, 0, 0], [2, 3, 0]]).reshape([2, 3, 1]);
 * const flipped = nnx.flipSequences(xs, 1, np.array([1, 2], { dtype: "int32" }));
 * console.log(flipped.reshape([2, 3]).toArray()); // [ [ 1, 0, 0 ], [ 3, 2, 0 ] ]
 * ```
 */
export function flipSequences(xs: NDArray, time: number, lengths?: NDArray): NDArray {
  if (lengths === undefined) return np.flip(xs, time);
  const steps = xs.shape[time]!;
  const back = np.arange(steps - 1, -1, -1, { dtype: "int32" })
    .reshape(xs.shape.map((n, axis) => axis === time ? n : 1));
  const ofBatch = np.expandDims(lengths.astype("int32"), time);
  const wide = ofBatch.reshape([...ofBatch.shape, ...xs.shape.slice(ofBatch.ndim).map(() => 1)]);
  return np.takeAlongAxis(xs, np.broadcastTo(back.add(wide).mod(steps), xs.shape), time);
}
