/**
 * Cells of recurrent networks: functions of what they remember and an input. `RNN` in `sequences.ts` runs
 * them over sequences.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, nn, numpy as np } from "../../mod.ts";
import { Module } from "./graph.ts";
import { type Initializer, lecunNormal, orthogonal, zeros } from "./initializers.ts";
import { checkRngs, type LayerOptions, Linear } from "./layers.ts";

/** Options of cells. */
export interface CellOptions extends LayerOptions {
  /** Initialiser of the weights of inputs (default `lecunNormal()`). */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of the weights of what is remembered (default `orthogonal()`). */
  readonly recurrentKernelInit?: Initializer | undefined;
  /** Initialiser of biases (default `zeros`). */
  readonly biasInit?: Initializer | undefined;
}

const cellOptions: OptionTable<CellOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  kernelInit: "function",
  recurrentKernelInit: "function",
  biasInit: "function",
};

/** The layers that a cell is made of. */
function layers(name: string, options: CellOptions) {
  checkRngs(name, options);
  const { rngs, paramDtype, kernelInit = lecunNormal(), biasInit = zeros } = options;
  const { recurrentKernelInit = orthogonal() } = options;
  return {
    input: (from: number, to: number, useBias: boolean): Linear =>
      new Linear(from, to, { rngs, paramDtype, kernelInit, biasInit, useBias }),
    recurrent: (from: number, to: number, useBias: boolean): Linear =>
      new Linear(from, to, {
        rngs,
        paramDtype,
        kernelInit: recurrentKernelInit,
        biasInit,
        useBias,
      }),
  };
}

/**
 * A long short-term memory. Layers are named as in Flax: `ii`, `if_`, `ig`, `io` of the input, `hi`, `hf`,
 * `hg`, `ho` of what is remembered.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const cell = new nnx.LSTMCell(3, 4, { rngs: new nnx.Rngs(0) });
 * const run = nnx.scan(
 *   (carry: [NDArray, NDArray], cell: nnx.LSTMCell, x: NDArray) => cell.call(carry, x),
 *   { inAxes: [nnx.Carry, null, 0] },
 * );
 * const [, ys] = run(cell.initializeCarry([2]), cell, np.ones([5, 2, 3]));
 * console.log((ys as unknown as NDArray).shape); // [ 5, 2, 4 ]
 * ```
 */
export class LSTMCell extends Module {
  /** The layer of the input, for the input gate. */
  readonly ii: Linear;
  /** That for the forget gate. */
  readonly if_: Linear;
  /** That for the new memory. */
  readonly ig: Linear;
  /** That for the output gate. */
  readonly io: Linear;
  /** The layer of what is remembered, for the input gate. */
  readonly hi: Linear;
  /** That for the forget gate. */
  readonly hf: Linear;
  /** That for the new memory. */
  readonly hg: Linear;
  /** That for the output gate. */
  readonly ho: Linear;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(readonly inFeatures: number, readonly hiddenFeatures: number, options: CellOptions) {
    checkCall("new nnx.LSTMCell(inFeatures, hiddenFeatures, options)", arguments, cellOptions);
    super();
    const { input, recurrent } = layers("nnx.LSTMCell", options);
    const x = (): Linear => input(inFeatures, hiddenFeatures, false);
    const h = (): Linear => recurrent(hiddenFeatures, hiddenFeatures, true);
    [this.ii, this.if_, this.ig, this.io] = [x(), x(), x(), x()];
    [this.hi, this.hf, this.hg, this.ho] = [h(), h(), h(), h()];
  }

  /** One step: `[carry, output]` from the carry `[memory, output]` and an input [..., inputs]. */
  call(carry: readonly [NDArray, NDArray], x: NDArray): [[NDArray, NDArray], NDArray] {
    const [c, h] = carry;
    return lstm(c, [
      this.ii.call(x).add(this.hi.call(h)),
      this.if_.call(x).add(this.hf.call(h)),
      this.ig.call(x).add(this.hg.call(h)),
      this.io.call(x).add(this.ho.call(h)),
    ]);
  }

  /** What it remembers at first: zeros, for inputs of these leading axes. */
  initializeCarry(batch: readonly number[] = []): [NDArray, NDArray] {
    const shape = [...batch, this.hiddenFeatures];
    return [np.zeros(shape), np.zeros(shape)];
  }
}

/**
 * A gated recurrent unit.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const cell = new nnx.GRUCell(3, 4, { rngs: new nnx.Rngs(0) });
 * const [, y] = cell.call(cell.initializeCarry([2]), np.ones([2, 3]));
 * console.log(y.shape); // [ 2, 4 ]
 * ```
 */
export class GRUCell extends Module {
  /** The layer of the input, for all three gates. */
  readonly denseI: Linear;
  /** That of what is remembered. */
  readonly denseH: Linear;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(readonly inFeatures: number, readonly hiddenFeatures: number, options: CellOptions) {
    checkCall("new nnx.GRUCell(inFeatures, hiddenFeatures, options)", arguments, cellOptions);
    super();
    const { input, recurrent } = layers("nnx.GRUCell", options);
    this.denseI = input(inFeatures, 3 * hiddenFeatures, true);
    this.denseH = recurrent(hiddenFeatures, 3 * hiddenFeatures, false);
  }

  /** One step: `[carry, output]` from the carry and an input [..., inputs]. */
  call(h: NDArray, x: NDArray): [NDArray, NDArray] {
    const n = this.hiddenFeatures;
    const [xr, xz, xn] = np.split(this.denseI.call(x), [n, 2 * n], -1) as NDArray[];
    const [hr, hz, hn] = np.split(this.denseH.call(h), [n, 2 * n], -1) as NDArray[];
    const r = nn.sigmoid(xr!.add(hr!));
    const z = nn.sigmoid(xz!.add(hz!));
    const candidate = np.tanh(xn!.add(r.mul(hn!)));
    const next = np.subtract(1, z).mul(candidate).add(z.mul(h));
    return [next, next];
  }

  /** What it remembers at first: zeros, for inputs of these leading axes. */
  initializeCarry(batch: readonly number[] = []): NDArray {
    return np.zeros([...batch, this.hiddenFeatures]);
  }
}

/** Options of `SimpleCell`. */
export interface SimpleCellOptions extends CellOptions {
  /** What makes the output of the sum (default `tanh`). */
  readonly activationFn?: ((x: NDArray) => NDArray) | undefined;
  /** Whether what is remembered is added to the sum (default false). */
  readonly residual?: boolean | undefined;
}

const simpleCellOptions: OptionTable<SimpleCellOptions> = {
  ...cellOptions,
  activationFn: "function",
  residual: "boolean",
};

/**
 * The simplest cell: `tanh` of a layer of the input and one of what is remembered.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const cell = new nnx.SimpleCell(3, 4, { rngs: new nnx.Rngs(0) });
 * console.log(cell.call(cell.initializeCarry(), np.ones([3]))[1].shape); // [ 4 ]
 * ```
 */
export class SimpleCell extends Module {
  /** The layer of what is remembered. */
  readonly denseH: Linear;
  /** That of the input. */
  readonly denseI: Linear;
  /** Whether what is remembered is added to the sum. */
  readonly residual: boolean;
  /** What makes the output of the sum. */
  readonly activationFn: (x: NDArray) => NDArray;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(
    readonly inFeatures: number,
    readonly hiddenFeatures: number,
    options: SimpleCellOptions,
  ) {
    checkCall(
      "new nnx.SimpleCell(inFeatures, hiddenFeatures, options)",
      arguments,
      simpleCellOptions,
    );
    super();
    const { input, recurrent } = layers("nnx.SimpleCell", options);
    this.denseH = recurrent(hiddenFeatures, hiddenFeatures, false);
    this.denseI = input(inFeatures, hiddenFeatures, true);
    this.residual = options.residual ?? false;
    this.activationFn = options.activationFn ?? np.tanh;
  }

  /** One step: `[carry, output]` from the carry and an input [..., inputs]. */
  call(h: NDArray, x: NDArray): [NDArray, NDArray] {
    const sum = this.denseI.call(x).add(this.denseH.call(h));
    const next = this.activationFn(this.residual ? sum.add(h) : sum);
    return [next, next];
  }

  /** What it remembers at first: zeros, for inputs of these leading axes. */
  initializeCarry(batch: readonly number[] = []): NDArray {
    return np.zeros([...batch, this.hiddenFeatures]);
  }
}

/**
 * As `LSTMCell`, with one layer for all gates of the input and one for what is remembered.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const cell = new nnx.OptimizedLSTMCell(3, 4, { rngs: new nnx.Rngs(0) });
 * console.log(cell.denseH.kernel.value.shape); // [ 4, 16 ]
 * console.log(cell.call(cell.initializeCarry(), np.ones([3]))[1].shape); // [ 4 ]
 * ```
 */
export class OptimizedLSTMCell extends Module {
  /** The layer of the input, for the gates `i`, `f`, `g`, `o`. */
  readonly denseI: Linear;
  /** That of what is remembered. */
  readonly denseH: Linear;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(readonly inFeatures: number, readonly hiddenFeatures: number, options: CellOptions) {
    checkCall(
      "new nnx.OptimizedLSTMCell(inFeatures, hiddenFeatures, options)",
      arguments,
      cellOptions,
    );
    super();
    const { input, recurrent } = layers("nnx.OptimizedLSTMCell", options);
    this.denseI = input(inFeatures, 4 * hiddenFeatures, false);
    this.denseH = recurrent(hiddenFeatures, 4 * hiddenFeatures, true);
  }

  /** One step: `[carry, output]` from the carry `[memory, output]` and an input [..., inputs]. */
  call([c, h]: readonly [NDArray, NDArray], x: NDArray): [[NDArray, NDArray], NDArray] {
    return lstm(c, np.split(this.denseI.call(x).add(this.denseH.call(h)), 4, -1));
  }

  /** What it remembers at first: zeros, for inputs of these leading axes. */
  initializeCarry(batch: readonly number[] = []): [NDArray, NDArray] {
    const shape = [...batch, this.hiddenFeatures];
    return [np.zeros(shape), np.zeros(shape)];
  }
}

/** The step of a long short-term memory, from what its four gates are made of. */
function lstm(
  c: NDArray,
  [i, f, g, o]: readonly NDArray[],
): [[NDArray, NDArray], NDArray] {
  const memory = nn.sigmoid(f!).mul(c).add(nn.sigmoid(i!).mul(np.tanh(g!)));
  const out = nn.sigmoid(o!).mul(np.tanh(memory));
  return [[memory, out], out];
}
