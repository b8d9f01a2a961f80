/**
 * Convolution layers. Their channels come last, and any axes of batches first.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { convGeneralDilatedLocal } from "../../lib/api/lax.ts";
import type { DType, NDArray } from "../../mod.ts";
import {
  channelsLast,
  checkMask,
  convolvedAsFlax,
  type EachAxis,
  eachAxis,
  extent,
  type FlaxPadding,
  type FlaxWindows,
  inputsOf,
  kernelLengths,
  paddedAsFlax,
  transposedAsFlax,
  withOneBatch,
} from "../convolution.ts";
import { type Initializer, lecunNormal, zeros } from "./initializers.ts";
import { checkSize, promoted } from "./linear.ts";
import { Module } from "./module.ts";

export type { EachAxis, FlaxPadding, FlaxPaddingName, PaddingNumbers } from "../convolution.ts";

/** Options of `ConvLocal`, and of other convolution layers. */
export interface ConvLocalOptions {
  /** From one window to the next, for all axes or for each (default 1). */
  readonly strides?: EachAxis | null | undefined;
  /** What is put around the input (default `"SAME"`). */
  readonly padding?: FlaxPadding | undefined;
  /** From one element of the input to the next, in elements of a window (default 1). */
  readonly inputDilation?: EachAxis | null | undefined;
  /** From one element of the kernel to the next (default 1). */
  readonly kernelDilation?: EachAxis | null | undefined;
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
  /** What the weights are multiplied by, an array of their shape. */
  readonly mask?: NDArray | undefined;
  /** Dtype of the computation (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Initialiser of the weights `kernel`; default `lecunNormal()`. */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of the bias `bias`; default `zeros`. */
  readonly biasInit?: Initializer | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

/** Options of `Conv`. */
export interface ConvOptions extends ConvLocalOptions {
  /** Into how many groups the channels fall, each with weights of its own (default 1). */
  readonly featureGroupCount?: number | undefined;
}

const localOptions: OptionTable<ConvLocalOptions> = {
  name: "string",
  strides: "axes",
  padding: "names",
  inputDilation: "axes",
  kernelDilation: "axes",
  useBias: "boolean",
  mask: "object",
  dtype: "dtype",
  paramDtype: "dtype",
  kernelInit: "function",
  biasInit: "function",
};

const convOptions: OptionTable<ConvOptions> = { ...localOptions, featureGroupCount: "count" };

const axesOf = (kernelSize: readonly number[]): string =>
  `${kernelSize.length} axes that windows run along, channels`;

/** What windows go by, for each axis. */
function windowsOf(op: string, kernelSize: readonly number[], o: ConvLocalOptions): FlaxWindows {
  const count = kernelSize.length;
  return {
    kernelSize,
    strides: eachAxis(op, "strides", o.strides, count),
    inputDilation: eachAxis(op, "inputDilation", o.inputDilation, count),
    kernelDilation: eachAxis(op, "kernelDilation", o.kernelDilation, count),
    padding: o.padding ?? "SAME",
  };
}

/** Masked weights in the dtype of the computation. */
function weights(
  op: string,
  module: Module,
  shape: readonly number[],
  { mask, kernelInit = lecunNormal(), paramDtype = "float32", dtype }: ConvLocalOptions,
): NDArray {
  checkMask(op, mask, shape);
  const kernel = module.param("kernel", kernelInit, shape, paramDtype);
  return promoted(dtype, mask === undefined ? kernel : kernel.mul(mask));
}

/** The result with the bias, if there is one. */
function withBias(
  module: Module,
  y: NDArray,
  shape: readonly number[],
  { useBias = true, biasInit = zeros, paramDtype = "float32", dtype }: ConvLocalOptions,
): NDArray {
  if (!useBias) return y;
  return y.add(promoted(dtype, module.param("bias", biasInit, shape, paramDtype)));
}

/**
 * A convolution of [..., *space, inputs] with windows of `kernelSize`, whose length is the number of axes
 * that they run along; gives [..., *places, features].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.Conv(4, [3, 3], { strides: 2 });
 * const { params } = layer.init(random.key(0), np.ones([1, 8, 8, 3]));
 * console.log(params!.kernel!.shape, params!.bias!.shape); // [ 3, 3, 3, 4 ] [ 4 ]
 * console.log(layer.apply({ params: params! }, np.ones([5, 8, 8, 3])).shape); // [ 5, 4, 4, 4 ]
 * ```
 */
export class Conv extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Conv";
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];

  /**
   * `features` is the number of channels of the result; one number as `kernelSize` is for one axis.
   *
   * @throws {ShapeError} where one is not a positive integer.
   */
  constructor(
    readonly features: number,
    kernelSize: EachAxis,
    readonly options: ConvOptions = {},
  ) {
    const op = "new flax.Conv";
    checkCall(`${op}(features, kernelSize, options)`, arguments, convOptions);
    super(options.name);
    checkSize(op, "features", features);
    this.kernelSize = kernelLengths(op, "kernelSize", kernelSize);
    windowsOf(op, this.kernelSize, options);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has too few axes, or its channels do not fall into the groups.
   */
  call(x: NDArray): NDArray {
    const op = "flax.Conv";
    const { features, kernelSize, options } = this;
    const { featureGroupCount = 1, dtype } = options;
    return withOneBatch(op, x, kernelSize.length + 1, axesOf(kernelSize), (x) => {
      const inputs = inputsOf(op, "featureGroupCount", x.shape.at(-1)!, featureGroupCount);
      const kernel = weights(op, this, [...kernelSize, inputs, features], options);
      const windows = { ...windowsOf(op, kernelSize, options), featureGroupCount };
      const y = convolvedAsFlax(op, promoted(dtype, x), kernel, windows);
      return withBias(this, y, [features], options);
    });
  }
}

/**
 * A convolution with weights of its own at each place: `kernel` has shape [*places, window * inputs, features]
 * and `bias` [*places, features].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.ConvLocal(4, 3, { padding: "VALID" });
 * const { params } = layer.init(random.key(0), np.ones([1, 8, 3]));
 * console.log(params!.kernel!.shape, params!.bias!.shape); // [ 6, 9, 4 ] [ 6, 4 ]
 * ```
 */
export class ConvLocal extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "ConvLocal";
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];

  /**
   * `features` is the number of channels of the result; one number as `kernelSize` is for one axis.
   *
   * @throws {ShapeError} where one is not a positive integer.
   */
  constructor(
    readonly features: number,
    kernelSize: EachAxis,
    readonly options: ConvLocalOptions = {},
  ) {
    const op = "new flax.ConvLocal";
    checkCall(`${op}(features, kernelSize, options)`, arguments, localOptions);
    super(options.name);
    checkSize(op, "features", features);
    this.kernelSize = kernelLengths(op, "kernelSize", kernelSize);
    windowsOf(op, this.kernelSize, options);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has too few axes, or no room for a window.
   */
  call(x: NDArray): NDArray {
    const op = "flax.ConvLocal";
    const { features, kernelSize, options } = this;
    const windows = windowsOf(op, kernelSize, options);
    return withOneBatch(op, x, kernelSize.length + 1, axesOf(kernelSize), (x) => {
      const inputs = x.shape.at(-1)!;
      const [array, padding] = paddedAsFlax(op, promoted(options.dtype, x), windows);
      const { strides, inputDilation, kernelDilation } = windows;
      const places = kernelSize.map((k, i) => {
        const length = extent(array.shape[i + 1]!, inputDilation[i]!);
        if (padding === "SAME") return Math.ceil(length / strides[i]!);
        const around = padding === "VALID" ? 0 : padding[i]![0] + padding[i]![1];
        const room = length + around - extent(k, kernelDilation[i]!);
        return Math.max(0, Math.floor(room / strides[i]!) + 1);
      });
      const inWindow = kernelSize.reduce((a, b) => a * b, inputs);
      const kernel = weights(op, this, [...places, inWindow, features], options);
      const y = convGeneralDilatedLocal(array, kernel, strides, padding, kernelSize, {
        lhsDilation: inputDilation,
        rhsDilation: kernelDilation,
        dimensionNumbers: channelsLast(array.ndim),
      });
      return withBias(this, y, [...places, features], options);
    });
  }
}

/** Options of `ConvTranspose`. */
export interface ConvTransposeOptions extends Omit<ConvLocalOptions, "inputDilation" | "padding"> {
  /** What is put around the input that is spread by `strides` (default `"SAME"`). */
  readonly padding?: Exclude<FlaxPadding, "REFLECT" | "CAUSAL"> | undefined;
  /** Whether `kernel`, [*window, features, inputs] then, is that of the convolution that is transposed. */
  readonly transposeKernel?: boolean | undefined;
}

const { inputDilation: _inputDilation, ...ofTransposed } = localOptions;
const transposeOptions: OptionTable<ConvTransposeOptions> = {
  ...ofTransposed,
  transposeKernel: "boolean",
};

/**
 * A transposed convolution of [..., *space, inputs]: the input is spread by `strides`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.ConvTranspose(4, [3, 3], { strides: [2, 2] });
 * const variables = layer.init(random.key(0), np.ones([1, 8, 8, 3]));
 * console.log(layer.apply(variables, np.ones([5, 8, 8, 3])).shape); // [ 5, 16, 16, 4 ]
 * ```
 */
export class ConvTranspose extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "ConvTranspose";
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];

  /**
   * `features` is the number of channels of the result; one number as `kernelSize` is for one axis.
   *
   * @throws {ShapeError} where one is not a positive integer.
   */
  constructor(
    readonly features: number,
    kernelSize: EachAxis,
    readonly options: ConvTransposeOptions = {},
  ) {
    const op = "new flax.ConvTranspose";
    checkCall(`${op}(features, kernelSize, options)`, arguments, transposeOptions);
    super(options.name);
    checkSize(op, "features", features);
    this.kernelSize = kernelLengths(op, "kernelSize", kernelSize);
    windowsOf(op, this.kernelSize, { ...options, padding: "SAME" });
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has too few axes.
   */
  call(x: NDArray): NDArray {
    const op = "flax.ConvTranspose";
    const { features, kernelSize, options } = this;
    const { transposeKernel = false, padding = "SAME", dtype } = options;
    return withOneBatch(op, x, kernelSize.length + 1, axesOf(kernelSize), (x) => {
      const inputs = x.shape.at(-1)!;
      const ends = transposeKernel ? [features, inputs] : [inputs, features];
      const kernel = weights(op, this, [...kernelSize, ...ends], options);
      const { strides, kernelDilation } = windowsOf(op, kernelSize, { ...options, padding });
      const windows = { kernelSize, strides, kernelDilation, padding, transposeKernel };
      const y = transposedAsFlax(op, promoted(dtype, x), kernel, windows);
      return withBias(this, y, [features], options);
    });
  }
}
