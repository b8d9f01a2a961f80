/**
 * Convolution layers. Their channels come last, and any axes of batches first.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import type { NDArray } from "../../mod.ts";
import {
  checkMask,
  convolvedAsFlax,
  type EachAxis,
  eachAxis,
  type FlaxPadding,
  inputsOf,
  kernelLengths,
  transposedAsFlax,
  withOneBatch,
} from "../convolution.ts";
import { Module } from "./graph.ts";
import { type Initializer, lecunNormal, zeros } from "./initializers.ts";
import { checkFeatures, checkRngs, checkSize, type LayerOptions } from "./layers.ts";
import { Param } from "./variable.ts";

export type {
  EachAxis,
  FlaxPadding,
  FlaxPaddingName,
  PaddingNumbers,
  Pairs,
} from "../convolution.ts";

/** Options of `ConvTranspose`. */
export interface ConvTransposeOptions extends LayerOptions {
  /** From one window to the next, for all axes or for each (default 1). */
  readonly strides?: EachAxis | null | undefined;
  /** What is put around the input (default `"SAME"`). */
  readonly padding?: Exclude<FlaxPadding, "REFLECT" | "CAUSAL"> | undefined;
  /** From one element of the kernel to the next (default 1). */
  readonly kernelDilation?: EachAxis | null | undefined;
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
  /** What the weights are multiplied by, an array of their shape. */
  readonly mask?: NDArray | undefined;
  /** Initialiser of the weights (default `lecunNormal()`). */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of the bias, [outputs] (default `zeros`). */
  readonly biasInit?: Initializer | undefined;
  /** Whether the weights, [*window, outputs, inputs] then, are those of the convolution that is transposed. */
  readonly transposeKernel?: boolean | undefined;
}

/** Options of `Conv`. */
export interface ConvOptions extends Omit<ConvTransposeOptions, "transposeKernel" | "padding"> {
  /** What is put around the input (default `"SAME"`). */
  readonly padding?: FlaxPadding | undefined;
  /** From one element of the input to the next, in elements of a window (default 1). */
  readonly inputDilation?: EachAxis | null | undefined;
  /** Into how many groups the channels fall, each with weights of its own (default 1). */
  readonly featureGroupCount?: number | undefined;
}

const common = {
  rngs: "object",
  strides: "axes",
  padding: "names",
  kernelDilation: "axes",
  useBias: "boolean",
  mask: "object",
  kernelInit: "function",
  biasInit: "function",
  paramDtype: "dtype",
} as const;

const convOptions: OptionTable<ConvOptions> = {
  ...common,
  inputDilation: "axes",
  featureGroupCount: "count",
};

const transposeOptions: OptionTable<ConvTransposeOptions> = {
  ...common,
  transposeKernel: "boolean",
};

function checkOptions(
  op: string,
  inFeatures: number,
  outFeatures: number,
  options: LayerOptions,
): void {
  checkSize(op, "the number of inputs", inFeatures);
  checkSize(op, "the number of outputs", outFeatures);
  checkRngs(op, options);
}

/** Weights and bias, each drawing a key. */
function parameters(
  op: string,
  shape: readonly number[],
  outFeatures: number,
  options: ConvTransposeOptions | ConvOptions,
): [kernel: Param, bias: Param | null] {
  const { rngs, paramDtype = "float32", useBias = true, mask } = options;
  const { kernelInit = lecunNormal(), biasInit = zeros } = options;
  checkMask(op, mask, shape);
  const kernel = new Param(kernelInit(rngs.next("params"), shape, paramDtype));
  return [
    kernel,
    useBias ? new Param(biasInit(rngs.next("params"), [outFeatures], paramDtype)) : null,
  ];
}

const axesOf = (kernelSize: readonly number[]): string =>
  `${kernelSize.length} axes that windows run along, channels`;

/**
 * A convolution of [..., *space, inFeatures] with windows of `kernelSize`, whose length is the number of axes
 * that they run along; gives [..., *places, outFeatures].
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Conv(3, 4, [3, 3], { strides: 2, rngs: new nnx.Rngs(0) });
 * console.log(layer.kernel.value.shape); // [ 3, 3, 3, 4 ]
 * console.log(layer.call(np.ones([5, 8, 8, 3])).shape); // [ 5, 4, 4, 4 ]
 * ```
 */
export class Conv extends Module {
  /** Weights, [*window, inputs of a group, outputs]. */
  readonly kernel: Param;
  /** Bias, [outputs]; `null` without one. */
  readonly bias: Param | null;
  /** What the weights are multiplied by; `null` for nothing. */
  readonly mask: NDArray | null;
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];
  /** From one window to the next. */
  readonly strides: readonly number[];
  /** What is put around the input. */
  readonly padding: FlaxPadding;
  /** From one element of the input to the next. */
  readonly inputDilation: readonly number[];
  /** From one element of the kernel to the next. */
  readonly kernelDilation: readonly number[];
  /** Into how many groups the channels fall. */
  readonly featureGroupCount: number;

  /**
   * Makes the layer; its parameters take keys of the stream `params`. One number as `kernelSize` is for one axis.
   *
   * @throws {ShapeError} where a size is not a positive integer, or the inputs do not fall into the groups.
   */
  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    kernelSize: EachAxis,
    options: ConvOptions,
  ) {
    const op = "nnx.Conv";
    checkCall(`new ${op}(inFeatures, outFeatures, kernelSize, options)`, arguments, convOptions);
    super();
    checkOptions(op, inFeatures, outFeatures, options);
    this.kernelSize = kernelLengths(op, "kernelSize", kernelSize);
    const { featureGroupCount = 1, padding = "SAME" } = options;
    const count = this.kernelSize.length;
    const inputs = inputsOf(op, "featureGroupCount", inFeatures, featureGroupCount);
    this.strides = eachAxis(op, "strides", options.strides, count);
    this.inputDilation = eachAxis(op, "inputDilation", options.inputDilation, count);
    this.kernelDilation = eachAxis(op, "kernelDilation", options.kernelDilation, count);
    this.padding = padding;
    this.featureGroupCount = featureGroupCount;
    this.mask = options.mask ?? null;
    const shape = [...this.kernelSize, inputs, outFeatures];
    [this.kernel, this.bias] = parameters(op, shape, outFeatures, options);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has too few axes or other channels.
   */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.Conv", x, this.inFeatures);
    const { kernelSize, bias, mask } = this;
    const kernel = mask === null ? this.kernel.value : this.kernel.value.mul(mask);
    return withOneBatch("nnx.Conv", x, kernelSize.length + 1, axesOf(kernelSize), (x) => {
      const y = convolvedAsFlax("nnx.Conv", x, kernel, this);
      return bias === null ? y : y.add(bias.value);
    });
  }
}

/**
 * A transposed convolution of [..., *space, inFeatures]: the input is spread by `strides`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.ConvTranspose(3, 4, [3, 3], { strides: 2, rngs: new nnx.Rngs(0) });
 * console.log(layer.call(np.ones([5, 8, 8, 3])).shape); // [ 5, 16, 16, 4 ]
 * ```
 */
export class ConvTranspose extends Module {
  /** Weights, [*window, inputs, outputs], or with `transposeKernel` [*window, outputs, inputs]. */
  readonly kernel: Param;
  /** Bias, [outputs]; `null` without one. */
  readonly bias: Param | null;
  /** What the weights are multiplied by; `null` for nothing. */
  readonly mask: NDArray | null;
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];
  /** From one element of the input to the next. */
  readonly strides: readonly number[];
  /** What is put around the input. */
  readonly padding: Exclude<FlaxPadding, "REFLECT" | "CAUSAL">;
  /** From one element of the kernel to the next. */
  readonly kernelDilation: readonly number[];
  /** Whether the weights are those of the convolution that is transposed. */
  readonly transposeKernel: boolean;

  /**
   * Makes the layer; its parameters take keys of the stream `params`. One number as `kernelSize` is for one axis.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    kernelSize: EachAxis,
    options: ConvTransposeOptions,
  ) {
    const op = "nnx.ConvTranspose";
    checkCall(
      `new ${op}(inFeatures, outFeatures, kernelSize, options)`,
      arguments,
      transposeOptions,
    );
    super();
    checkOptions(op, inFeatures, outFeatures, options);
    this.kernelSize = kernelLengths(op, "kernelSize", kernelSize);
    const { padding = "SAME", transposeKernel = false } = options;
    const count = this.kernelSize.length;
    this.strides = eachAxis(op, "strides", options.strides, count);
    this.kernelDilation = eachAxis(op, "kernelDilation", options.kernelDilation, count);
    this.padding = padding;
    this.transposeKernel = transposeKernel;
    this.mask = options.mask ?? null;
    const ends = transposeKernel ? [outFeatures, inFeatures] : [inFeatures, outFeatures];
    [this.kernel, this.bias] = parameters(op, [...this.kernelSize, ...ends], outFeatures, options);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has too few axes or other channels.
   */
  call(x: NDArray): NDArray {
    const op = "nnx.ConvTranspose";
    checkFeatures(op, x, this.inFeatures);
    const { kernelSize, bias, mask } = this;
    const kernel = mask === null ? this.kernel.value : this.kernel.value.mul(mask);
    return withOneBatch(op, x, kernelSize.length + 1, axesOf(kernelSize), (x) => {
      const y = transposedAsFlax(op, x, kernel, this);
      return bias === null ? y : y.add(bias.value);
    });
  }
}
