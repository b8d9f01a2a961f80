/**
 * Cells of recurrent networks: one step each, for `scan`.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type NDArray, nn, numpy as np, ShapeError } from "../../../mod.ts";
import { Module } from "../module.ts";
import type { LayerOptions } from "./linear.ts";
import { checkSize, keysOf, uniformInit } from "./parameters.ts";

/** Options of `GRUCell` and `LSTMCell`. */
export interface CellOptions extends LayerOptions {
  /** Whether to add biases (default true). */
  readonly useBias?: boolean | undefined;
}

const cellOptions: OptionTable<CellOptions> = { key: "object", useBias: "boolean", dtype: "dtype" };

/** What both cells hold: `n` gates side by side. */
abstract class Cell extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["inputSize", "hiddenSize"];
  /** Of the input: [gates * hidden, inputs]. */
  readonly weightIh: NDArray;
  /** Of the hidden state: [gates * hidden, hidden]. */
  readonly weightHh: NDArray;
  /** [gates * hidden]; `null` without. */
  readonly bias: NDArray | null;
  /** Length of the input. */
  readonly inputSize: number;
  /** Length of the hidden state. */
  readonly hiddenSize: number;

  constructor(
    op: string,
    gates: number,
    [inputSize, hiddenSize]: readonly [number, number],
    keys: readonly NDArray[],
    { useBias = true, dtype = "float32" }: CellOptions,
  ) {
    super();
    checkSize(op, "inputSize", inputSize);
    checkSize(op, "hiddenSize", hiddenSize);
    const limit = 1 / Math.sqrt(hiddenSize);
    this.weightIh = uniformInit(keys[0]!, [gates * hiddenSize, inputSize], limit, dtype);
    this.weightHh = uniformInit(keys[1]!, [gates * hiddenSize, hiddenSize], limit, dtype);
    this.bias = useBias ? uniformInit(keys[2]!, [gates * hiddenSize], limit, dtype) : null;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
  }
}

function checkStep(op: string, cell: Cell, x: NDArray, h: NDArray): void {
  const expect = (what: string, array: NDArray, size: number): void => {
    if (array.ndim === 1 && array.shape[0] === size) return;
    throw new ShapeError(
      `${op}: ${what} must be [${size}], but it is ${
        formatAval(array.aval)
      }. A cell does one step of one ` +
        "sequence: scan over steps, and map over a batch",
    );
  };
  expect("the input", x, cell.inputSize);
  expect("the hidden state", h, cell.hiddenSize);
}

/**
 * A gated recurrent unit.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random, scan } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const cell = new eqx.nn.GRUCell(2, 4, { key: random.key(0) });
 * const [h] = scan((h: NDArray, x: NDArray) => [cell.call(x, h), null], np.zeros([4]), np.ones([9, 2]));
 * console.log(h.shape); // [ 4 ]
 * ```
 */
export class GRUCell extends Cell {
  /** Added to the hidden part of the new state, before it is reset [hidden]; `null` without. */
  readonly biasN: NDArray | null;

  /**
   * Makes a cell.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    checkCall("new eqx.nn.GRUCell(inputSize, hiddenSize, options)", arguments, cellOptions);
    const keys = keysOf("eqx.nn.GRUCell", options.key, 4);
    super("eqx.nn.GRUCell", 3, [inputSize, hiddenSize], keys, options);
    const { useBias = true, dtype = "float32" } = options;
    this.biasN = useBias
      ? uniformInit(keys[3]!, [hiddenSize], 1 / Math.sqrt(hiddenSize), dtype)
      : null;
  }

  /**
   * The hidden state after `x` [inputs], from that before [hidden].
   *
   * @throws {ShapeError} where one of them has another shape.
   */
  call(x: NDArray, hidden: NDArray): NDArray {
    checkStep("eqx.nn.GRUCell", this, x, hidden);
    const own = np.matmul(this.weightIh, x);
    const [resetX, updateX, newX] = np.split(this.bias === null ? own : own.add(this.bias), 3);
    const [resetH, updateH, newH] = np.split(np.matmul(this.weightHh, hidden), 3);
    const reset = nn.sigmoid(resetX!.add(resetH!));
    const update = nn.sigmoid(updateX!.add(updateH!));
    const old = this.biasN === null ? newH! : newH!.add(this.biasN);
    const next = np.tanh(newX!.add(reset.mul(old)));
    return next.add(update.mul(hidden.sub(next)));
  }
}

/** A cell with long short-term memory. */
export class LSTMCell extends Cell {
  /**
   * Makes a cell.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    checkCall("new eqx.nn.LSTMCell(inputSize, hiddenSize, options)", arguments, cellOptions);
    const keys = keysOf("eqx.nn.LSTMCell", options.key, 3);
    super("eqx.nn.LSTMCell", 4, [inputSize, hiddenSize], keys, options);
  }

  /**
   * Hidden state and memory after `x` [inputs], from those before, [hidden] each.
   *
   * @throws {ShapeError} where one of them has another shape.
   */
  call(
    x: NDArray,
    [hidden, memory]: readonly [hidden: NDArray, memory: NDArray],
  ): [hidden: NDArray, memory: NDArray] {
    checkStep("eqx.nn.LSTMCell", this, x, hidden);
    const sum = np.matmul(this.weightIh, x).add(np.matmul(this.weightHh, hidden));
    const [i, f, g, o] = np.split(this.bias === null ? sum : sum.add(this.bias), 4);
    const next = nn.sigmoid(f!).mul(memory).add(nn.sigmoid(i!).mul(np.tanh(g!)));
    return [nn.sigmoid(o!).mul(np.tanh(next)), next];
  }
}
