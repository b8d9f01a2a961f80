/**
 * Recurrent networks: cells, and loops over them.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, nn, numpy as np, random, type ShapeDtype, ShapeError } from "../../mod.ts";
import { Branch, Select, Serial } from "./combinators.ts";
import { Scan } from "./control.ts";
import { checkSize, Fn, weightsOf } from "./core.ts";
import {
  GlorotUniformInitializer,
  type Initializer,
  RandomNormalInitializer,
  RandomUniformInitializer,
} from "./initializers.ts";
import { type AnyLayer, Layer } from "./layer.ts";
import type { Tensors } from "./tensors.ts";

/** Options of cells. */
export interface CellOptions {
  /** What is added to the biases of gates at first (LSTM 1, GRU 0). */
  readonly forgetBias?: number | undefined;
  /** Of the weights. */
  readonly kernelInitializer?: Initializer | undefined;
  /** Of the biases. */
  readonly biasInitializer?: Initializer | undefined;
}

const cellOptions: OptionTable<CellOptions> = {
  forgetBias: "number",
  kernelInitializer: "function",
  biasInitializer: "function",
};

type Pair = readonly [NDArray, NDArray];

function checkState(name: string, state: ShapeDtype, length: number): void {
  if (state.shape.at(-1) === length) return;
  throw new ShapeError(
    `${name}: the last axis of the state must have length ${length}, but the state is ${state}`,
  );
}

class LstmCell extends Layer<readonly NDArray[], readonly NDArray[]> {
  constructor(readonly nUnits: number, readonly options: CellOptions) {
    super({ nIn: 2, nOut: 2, name: "LSTMCell" });
  }

  override initWeightsAndState(signature: readonly ShapeDtype[]): void {
    const [x, state] = signature as [ShapeDtype, ShapeDtype];
    checkState(this.name, state, 2 * this.nUnits);
    const { forgetBias = 1, kernelInitializer, biasInitializer } = this.options;
    const keys = random.split(this.rng, 2);
    const inputs = x.shape.at(-1)! + this.nUnits;
    const n = 4 * this.nUnits;
    const w = (kernelInitializer ?? GlorotUniformInitializer())([inputs, n], keys.at(0));
    const b = (biasInitializer ?? RandomNormalInitializer(1e-6))([n], keys.at(1)).add(forgetBias);
    this.weights = [w, b];
  }

  override forward(inputs: readonly NDArray[]): readonly NDArray[] {
    const [x, state] = inputs as Pair;
    const [memory, hidden] = np.split(state, 2, -1) as NDArray[];
    const [w, b] = weightsOf(this, "w", "b") as Pair;
    const y = np.matmul(np.concatenate([x, hidden!], -1), w).add(b);
    const [i, j, f, o] = np.split(y, 4, -1) as NDArray[];
    const next = memory!.mul(nn.sigmoid(f!)).add(nn.sigmoid(i!).mul(np.tanh(j!)));
    const out = np.tanh(next).mul(nn.sigmoid(o!));
    return [out, np.concatenate([next, out], -1)];
  }
}

/** Long short-term memory: from input and state [..., 2 units] (memory and output) to output and state. */
export function LSTMCell(
  nUnits: number,
  options: CellOptions = {},
): Layer<readonly NDArray[], readonly NDArray[]> {
  checkCall("tl.LSTMCell(nUnits, options)", arguments, cellOptions);
  checkSize("tl.LSTMCell", "nUnits", nUnits);
  return new LstmCell(nUnits, options);
}

class GruCell extends Layer<readonly NDArray[], readonly NDArray[]> {
  constructor(readonly nUnits: number, readonly options: CellOptions) {
    super({ nIn: 2, nOut: 2, name: "GRUCell" });
  }

  override initWeightsAndState(signature: readonly ShapeDtype[]): void {
    const [x, state] = signature as [ShapeDtype, ShapeDtype];
    checkState(this.name, state, this.nUnits);
    const { forgetBias = 0, kernelInitializer, biasInitializer } = this.options;
    const kernel = kernelInitializer ?? RandomUniformInitializer(0.01);
    const bias = biasInitializer ?? RandomNormalInitializer(1e-6);
    const keys = random.split(this.rng, 4);
    const inputs = x.shape.at(-1)! + this.nUnits;
    this.weights = [
      kernel([inputs, 2 * this.nUnits], keys.at(0)),
      bias([2 * this.nUnits], keys.at(1)).add(forgetBias),
      kernel([inputs, this.nUnits], keys.at(2)),
      bias([this.nUnits], keys.at(3)),
    ];
  }

  override forward(inputs: readonly NDArray[]): readonly NDArray[] {
    const [x, state] = inputs as Pair;
    const [w1, b1, w2, b2] = weightsOf(this, "w1", "b1", "w2", "b2");
    const gates = nn.sigmoid(np.matmul(np.concatenate([x, state], -1), w1!).add(b1!));
    const [update, reset] = np.split(gates, 2, -1) as NDArray[];
    const candidate = np.matmul(np.concatenate([x, reset!.mul(state)], -1), w2!).add(b2!);
    const next = update!.mul(state).add(np.sub(1, update!).mul(np.tanh(candidate)));
    return [next, next];
  }
}

/** A gated recurrent unit: from input and state [..., units] to output and state, which are the same. */
export function GRUCell(
  nUnits: number,
  options: CellOptions = {},
): Layer<readonly NDArray[], readonly NDArray[]> {
  checkCall("tl.GRUCell(nUnits, options)", arguments, cellOptions);
  checkSize("tl.GRUCell", "nUnits", nUnits);
  return new GruCell(nUnits, options);
}

/** Zeros like the input [batch, steps, features] without the steps, `depthMultiplier` times as deep. */
export function MakeZeroState(depthMultiplier = 1): Layer<NDArray, NDArray> {
  if (arguments.length > 1) checkCall("tl.MakeZeroState(depthMultiplier)", arguments);
  return Fn("MakeZeroState", (x) => {
    if (x.ndim === 3) return np.zeros([x.shape[0]!, depthMultiplier * x.shape[2]!]);
    throw new ShapeError(
      `tl.MakeZeroState: the input must be [batch, steps, features], but it is ${
        formatAval(x.aval)
      }`,
    );
  });
}

function loop(name: string, cell: AnyLayer, depth: number): Layer<NDArray, NDArray> {
  return Serial(
    Branch(null, MakeZeroState(depth) as AnyLayer) as AnyLayer,
    Scan(cell, { axis: 1 }),
    Select([0], 2) as Layer<Tensors, Tensors>,
    { name },
  );
}

/** An LSTM over axis 1 of [batch, steps, units]; the features must be as many as the units. */
export function LSTM(nUnits: number): Layer<NDArray, NDArray> {
  if (arguments.length > 1) checkCall("tl.LSTM(nUnits)", arguments);
  return loop(`LSTM_${nUnits}`, LSTMCell(nUnits) as AnyLayer, 2);
}

/** A GRU over axis 1 of [batch, steps, units]; the features must be as many as the units. */
export function GRU(nUnits: number): Layer<NDArray, NDArray> {
  if (arguments.length > 1) checkCall("tl.GRU(nUnits)", arguments);
  return loop(`GRU_${nUnits}`, GRUCell(nUnits) as AnyLayer, 1);
}
