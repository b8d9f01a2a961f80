/**
 * A recurrent cell of convolutions.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, nn, numpy as np, random } from "../../mod.ts";
import { Conv, type EachAxis, type FlaxPadding } from "./convolution.ts";
import { type Initializer, zeros } from "./initializers.ts";
import { checkSize } from "./linear.ts";
import { Module } from "./module.ts";

/** Options of `ConvLSTMCell`. */
export interface ConvLSTMCellOptions {
  /** From one window to the next, for all axes or for each (default 1). */
  readonly strides?: EachAxis | null | undefined;
  /** What is put around input and carry (default `"SAME"`). */
  readonly padding?: FlaxPadding | undefined;
  /** Whether to add biases (default true). */
  readonly useBias?: boolean | undefined;
  /** Initialiser of the carry; default `zeros`. */
  readonly carryInit?: Initializer | undefined;
  /** Dtype of the computation (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters and of the carry (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const convLstmOptions: OptionTable<ConvLSTMCellOptions> = {
  name: "string",
  strides: "axes",
  padding: "names",
  useBias: "boolean",
  carryInit: "function",
  dtype: "dtype",
  paramDtype: "dtype",
};

/**
 * A cell with long short-term memory whose layers, `ih` over the input and `hh` over the carry, are
 * convolutions (Shi et al., 2015). The carry is `[c, h]`, each [..., *space, features].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const rnn = new flax.RNN(new flax.ConvLSTMCell(4, [2, 2]));
 * const films = np.ones([2, 3, 5, 5, 1]); // 2 films of 3 pictures
 * console.log(rnn.apply(rnn.init(random.key(0), films), films).shape); // [ 2, 3, 5, 5, 4 ]
 * ```
 */
export class ConvLSTMCell extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "ConvLSTMCell";
  /** The axes of space, and that of the channels. */
  readonly numFeatureAxes: number;

  /**
   * `features` is the number of channels of carry and output, `kernelSize` the lengths of a window.
   *
   * @throws {ShapeError} where one is not a positive integer.
   */
  constructor(
    readonly features: number,
    readonly kernelSize: readonly number[],
    readonly options: ConvLSTMCellOptions = {},
  ) {
    checkCall("new flax.ConvLSTMCell(features, kernelSize, options)", arguments, convLstmOptions);
    super(options.name);
    checkSize("new flax.ConvLSTMCell", "features", features);
    this.numFeatureAxes = kernelSize.length + 1;
  }

  /** One step, for `x` [..., *space, channels]. */
  call([c, h]: [NDArray, NDArray], x: NDArray): [carry: [NDArray, NDArray], y: NDArray] {
    const { carryInit: _carryInit, name: _name, ...own } = this.options;
    const layer = (name: string): Conv =>
      new Conv(4 * this.features, this.kernelSize, { ...own, name });
    const gates = layer("ih").call(x).add(layer("hh").call(h));
    const [i, g, f, o] = np.split(gates, 4, -1) as [NDArray, NDArray, NDArray, NDArray];
    const next = nn.sigmoid(f.add(1)).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)));
    const y = nn.sigmoid(o).mul(np.tanh(next));
    return [[next, y], y];
  }

  /** The carry to begin with, for inputs of a shape. */
  initializeCarry(key: NDArray, inputShape: readonly number[]): [NDArray, NDArray] {
    const { carryInit = zeros, paramDtype = "float32" } = this.options;
    const keys = random.split(key);
    const shape = [...inputShape.slice(0, -1), this.features];
    return [carryInit(keys.at(0), shape, paramDtype), carryInit(keys.at(1), shape, paramDtype)];
  }
}
