/**
 * Linear layers over several axes, and by an equation.
 *
 * @module
 */
import { checkCall, formatShape, type OptionTable } from "../../lib/extend.ts";
import { dotGeneral } from "../../lib/api/lax.ts";
import { AxisError, type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import { biasShapes, checkEquation } from "../einsum.ts";
import { Module } from "./graph.ts";
import { type Initializer, lecunNormal, zeros } from "./initializers.ts";
import { checkRngs, checkSize, type LayerOptions, type LinearOptions } from "./layers.ts";
import { Param } from "./variable.ts";

/** Options of `LinearGeneral`. */
export interface LinearGeneralOptions extends LinearOptions {
  /** The axes of the input that are summed over, as many as `inFeatures` has lengths (default -1). */
  readonly axis?: number | readonly number[] | undefined;
  /** Lengths of leading axes, by axis, of which each element has weights of its own. */
  readonly batchAxis?: Readonly<Record<number, number>> | undefined;
}

const linearGeneralOptions: OptionTable<LinearGeneralOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  useBias: "boolean",
  kernelInit: "function",
  biasInit: "function",
  axis: "axes",
  batchAxis: "object",
};

const listOf = (x: number | readonly number[]): readonly number[] =>
  typeof x === "number" ? [x] : x;
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * A linear layer over several axes at once, with any shape of features.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.LinearGeneral([2, 3], [4, 5], { axis: [1, -1], rngs: new nnx.Rngs(0) });
 * console.log(layer.kernel.value.shape, layer.bias!.value.shape); // [ 2, 3, 4, 5 ] [ 4, 5 ]
 * console.log(layer.call(np.ones([16, 2, 3])).shape); // [ 16, 4, 5 ]
 * ```
 */
export class LinearGeneral extends Module {
  /** Weights, [...batch, ...inputs, ...outputs]. */
  readonly kernel: Param;
  /** Bias, [...batch, ...outputs]; `null` without one. */
  readonly bias: Param | null;
  /** The lengths of the axes that are summed over. */
  readonly inFeatures: readonly number[];
  /** The last axes of the result. */
  readonly outFeatures: readonly number[];
  /** The axes of the input that are summed over. */
  readonly axis: readonly number[];
  /** The number of leading axes whose elements have weights of their own. */
  readonly numBatchAxes: number;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a length is not a positive integer, or there are more or fewer than axes.
   * @throws {AxisError} where `batchAxis` are not the leading axes.
   */
  constructor(
    inFeatures: number | readonly number[],
    outFeatures: number | readonly number[],
    options: LinearGeneralOptions,
  ) {
    const op = "nnx.LinearGeneral";
    checkCall(
      "new nnx.LinearGeneral(inFeatures, outFeatures, options)",
      arguments,
      linearGeneralOptions,
    );
    super();
    checkRngs(op, options);
    this.inFeatures = listOf(inFeatures);
    this.outFeatures = listOf(outFeatures);
    this.axis = listOf(options.axis ?? -1);
    const batch = options.batchAxis ?? {};
    const sizes = Object.keys(batch).map((_, i) => batch[i]!);
    for (const n of [...this.inFeatures, ...this.outFeatures]) checkSize(op, "each length", n);
    if (this.inFeatures.length !== this.axis.length) {
      throw new ShapeError(
        `${op}: inFeatures has ${this.inFeatures.length} lengths, but axis names ${this.axis.length}`,
      );
    }
    if (sizes.some((n) => n === undefined)) {
      throw new AxisError(
        `${op}: batchAxis must name the leading axes, from 0 on, not ${Object.keys(batch).join()}`,
      );
    }
    this.numBatchAxes = sizes.length;
    const { rngs, paramDtype = "float32", useBias = true } = options;
    const { kernelInit = lecunNormal(), biasInit = zeros } = options;
    // As in Flax, values are drawn for a matrix: a unit's inputs are all the axes that are summed over.
    const drawn = (init: Initializer, flat: readonly number[], shape: readonly number[]): Param =>
      new Param(np.reshape(init(rngs.next("params"), flat, paramDtype), shape));
    const [ins, outs] = [this.inFeatures, this.outFeatures];
    this.kernel = drawn(kernelInit, [count([...sizes, ...ins]), count(outs)], [
      ...sizes,
      ...ins,
      ...outs,
    ]);
    this.bias = useBias ? drawn(biasInit, [count([...sizes, ...outs])], [...sizes, ...outs]) : null;
  }

  /**
   * Applies the layer to `x`; gives its other axes, then those of the features.
   *
   * @throws {ShapeError} where the axes have other lengths.
   */
  call(x: NDArray): NDArray {
    const axes = this.axis.map((a) => a < 0 ? a + x.ndim : a);
    const batch = Array.from({ length: this.numBatchAxes }, (_, i) => i);
    const { shape } = this.kernel.value;
    const fits = [...batch, ...axes].every((a, i) => x.shape[a] === shape[i]);
    if (!fits) {
      throw new ShapeError(
        `nnx.LinearGeneral: the axes ${formatShape([...batch, ...axes])} of the input must be ${
          formatShape(shape.slice(0, batch.length + axes.length))
        }, but it is ${formatShape(x.shape)}`,
      );
    }
    const summed = axes.map((_, i) => batch.length + i);
    const y = dotGeneral(x, this.kernel.value, [[axes, summed], [batch, batch]]);
    if (this.bias === null) return y;
    const lead = x.shape.flatMap((n, a) => axes.includes(a) ? [] : [batch.includes(a) ? n : 1]);
    return y.add(np.reshape(this.bias.value, [...lead, ...this.outFeatures]));
  }
}

/** Options of `Einsum`. */
export interface EinsumOptions extends LayerOptions {
  /** Initialiser of the weights (default `lecunNormal()`). */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of the bias (default `zeros`). */
  readonly biasInit?: Initializer | undefined;
}

const einsumOptions: OptionTable<EinsumOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  kernelInit: "function",
  biasInit: "function",
};

/**
 * The product of an input and weights by an equation, and a bias over the axes of the weights that the
 * result has.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const layer = new nnx.Einsum("nta,hab->nthb", [8, 2, 4], [8, 4], { rngs });
 * console.log(layer.call(np.ones([16, 11, 2])).shape); // [ 16, 11, 8, 4 ]
 * ```
 */
export class Einsum extends Module {
  /** Weights, of `kernelShape`. */
  readonly kernel: Param;
  /** Bias, of `biasShape`; `null` without one. */
  readonly bias: Param | null;
  /** The equation, where calls give no other. */
  readonly einsumStr: string;

  /**
   * Makes the layer; its parameters take keys of the stream `params`. Without a `biasShape`, there is no bias.
   *
   * @throws {ShapeError} where the equation is not of two operands.
   */
  constructor(
    einsumStr: string,
    readonly kernelShape: readonly number[],
    readonly biasShape: readonly number[] | null,
    options: EinsumOptions,
  ) {
    checkCall(
      "new nnx.Einsum(einsumStr, kernelShape, biasShape, options)",
      arguments,
      einsumOptions,
    );
    super();
    this.einsumStr = checkEquation("nnx.Einsum", einsumStr);
    checkRngs("nnx.Einsum", options);
    const { rngs, paramDtype = "float32", kernelInit = lecunNormal(), biasInit = zeros } = options;
    this.kernel = new Param(kernelInit(rngs.next("params"), kernelShape, paramDtype));
    this.bias = biasShape === null
      ? null
      : new Param(biasInit(rngs.next("params"), biasShape, paramDtype));
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where the equation does not fit the weights or the bias.
   */
  call(x: NDArray, einsumStr: string = this.einsumStr): NDArray {
    const equation = checkEquation("nnx.Einsum", einsumStr);
    const { own, broadcast } = biasShapes("nnx.Einsum", equation, x.ndim, this.kernelShape);
    const y = np.einsum(equation, x, this.kernel.value);
    if (this.bias === null) return y;
    if (count(own) !== this.bias.value.size) {
      throw new ShapeError(
        `nnx.Einsum: the bias is ${
          formatShape(this.bias.value.shape)
        }, but the axes of the weights that ` +
          `${JSON.stringify(equation)} keeps are ${formatShape(own)}`,
      );
    }
    return y.add(np.reshape(this.bias.value, broadcast));
  }
}
