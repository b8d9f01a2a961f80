/**
 * Convolution layers, and transposed ones.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../../lib/extend.ts";
import { convGeneralDilated, convTranspose } from "../../../lib/api/lax.ts";
import { type NDArray, ShapeError } from "../../../mod.ts";
import { checkAxes, type EachAxis, inputsOf } from "../../convolution.ts";
import { Module } from "../module.ts";
import { checkSize } from "./basic.ts";
import {
  batched,
  type CommonConvOptions,
  commonConvOptions,
  type ConvPadding,
  dimensionNumbers,
  isLast,
  paddingFor,
  replicated,
  weightsFor,
  withBias,
} from "./windows.ts";

/** Options of convolution layers. */
export interface ConvOptions extends CommonConvOptions {
  /** From one element of the kernel to the next (default 1). */
  readonly rate?: EachAxis | undefined;
  /** What is put around the input (default `"SAME"`). */
  readonly padding?: ConvPadding | undefined;
  /** What the weights are multiplied by, an array of their shape. */
  readonly mask?: NDArray | undefined;
  /** Into how many groups the channels fall, each with weights of its own (default 1). */
  readonly featureGroupCount?: number | undefined;
}

const convOptions: OptionTable<ConvOptions> = {
  ...commonConvOptions,
  rate: "shape",
  padding: "names",
  mask: "object",
  featureGroupCount: "count",
};

/**
 * A convolution of [batch, *space, inputs], or without the batch axis, along any number of axes. Parameters:
 * `w` [*window, inputs of a group, outputs] and `b` [outputs].
 */
export class ConvND extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "conv_nd";
  readonly #op: string;
  /** The lengths of a window. */
  readonly kernelShape: readonly number[];

  /**
   * Windows run along `numSpatialDims` axes.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    readonly numSpatialDims: number,
    readonly outputChannels: number,
    kernelShape: EachAxis,
    readonly options: ConvOptions = {},
  ) {
    checkCall(
      "new hk.ConvND(numSpatialDims, outputChannels, kernelShape, options)",
      arguments,
      convOptions,
    );
    super(options.name);
    checkAxes("hk.ConvND", numSpatialDims);
    const op = this.#op = `hk.Conv${numSpatialDims}D`;
    checkSize(op, "the number of output channels", outputChannels);
    this.kernelShape = replicated(op, "kernelShape", kernelShape, numSpatialDims);
    replicated(op, "stride", options.stride, numSpatialDims);
    const { padding = "SAME" } = options;
    const rate = replicated(op, "rate", options.rate, numSpatialDims);
    paddingFor(op, padding, this.kernelShape, rate);
    isLast(op, options.dataFormat);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has other axes, or its channels do not fall into the groups.
   * @throws {StateError} where the parameters do not exist, or `init` was given no key to draw them.
   */
  call(x: NDArray): NDArray {
    const { numSpatialDims: count, outputChannels, kernelShape, options } = this;
    const { featureGroupCount = 1, padding = "SAME" } = options;
    const op = this.#op;
    const last = isLast(op, options.dataFormat);
    return batched(op, x, count, (x) => {
      const channels = x.shape.at(last ? -1 : 1)!;
      const inputs = inputsOf(op, "featureGroupCount", channels, featureGroupCount);
      const shape = [...kernelShape, inputs, outputChannels];
      const units = kernelShape.reduce((a, b) => a * b, inputs);
      const w = weightsFor(op, x, shape, units, options.wInit, options.mask);
      const rate = replicated(op, "rate", options.rate, count);
      const y = convGeneralDilated(
        x,
        w,
        replicated(op, "stride", options.stride, count),
        paddingFor(op, padding, kernelShape, rate),
        {
          rhsDilation: rate,
          dimensionNumbers: dimensionNumbers(count, last, false),
          featureGroupCount,
        },
      );
      return withBias(y, x, outputChannels, last, options);
    });
  }
}

/**
 * A convolution of [batch, width, inputs], or without the batch axis.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Conv1D(4, 3, { stride: 2 }).call(x));
 * const x = np.ones([1, 8, 3]);
 * const params = model.init(random.key(0), x);
 * console.log(params.conv1_d!.w!.shape, model.apply(params, null, x).shape); // [ 3, 3, 4 ] [ 1, 4, 4 ]
 * ```
 */
export class Conv1D extends ConvND {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "conv1_d";

  /**
   * `outputChannels` is the number of channels of the result.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputChannels: number, kernelShape: EachAxis, options: ConvOptions = {}) {
    checkCall("new hk.Conv1D(outputChannels, kernelShape, options)", arguments, convOptions);
    super(1, outputChannels, kernelShape, options);
  }
}

/**
 * A convolution of [batch, height, width, inputs], or without the batch axis.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Conv2D(4, 3, { stride: 2 }).call(x));
 * const x = np.ones([1, 8, 8, 3]);
 * const params = model.init(random.key(0), x);
 * console.log(params.conv2_d!.w!.shape, model.apply(params, null, x).shape); // [ 3, 3, 3, 4 ] [ 1, 4, 4, 4 ]
 * ```
 */
export class Conv2D extends ConvND {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "conv2_d";

  /**
   * `outputChannels` is the number of channels of the result.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputChannels: number, kernelShape: EachAxis, options: ConvOptions = {}) {
    checkCall("new hk.Conv2D(outputChannels, kernelShape, options)", arguments, convOptions);
    super(2, outputChannels, kernelShape, options);
  }
}

/**
 * A convolution of [batch, depth, height, width, inputs], or without the batch axis.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Conv3D(4, 3, { stride: 2 }).call(x));
 * const x = np.ones([1, 4, 4, 4, 3]);
 * const params = model.init(random.key(0), x);
 * console.log(params.conv3_d!.w!.shape, model.apply(params, null, x).shape); // [ 3, 3, 3, 3, 4 ] [ 1, 2, 2, 2, 4 ]
 * ```
 */
export class Conv3D extends ConvND {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "conv3_d";

  /**
   * `outputChannels` is the number of channels of the result.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputChannels: number, kernelShape: EachAxis, options: ConvOptions = {}) {
    checkCall("new hk.Conv3D(outputChannels, kernelShape, options)", arguments, convOptions);
    super(3, outputChannels, kernelShape, options);
  }
}

/** Options of transposed convolution layers. */
export interface ConvTransposeOptions extends CommonConvOptions {
  /** The lengths of the result, with padding by name; as long as they come where left out. */
  readonly outputShape?: EachAxis | null | undefined;
  /** What is put around the input that is spread by `stride` (default `"SAME"`). */
  readonly padding?: Exclude<ConvPadding, (...args: never[]) => unknown> | undefined;
  /** What the weights are multiplied by, an array of their shape. */
  readonly mask?: NDArray | undefined;
}

const transposeOptions: OptionTable<ConvTransposeOptions> = {
  ...commonConvOptions,
  outputShape: "shape",
  padding: "names",
  mask: "object",
};

/** The padding with which a result has a length. */
function adjusted(
  op: string,
  input: number,
  output: number,
  kernel: number,
  stride: number,
  padding: "SAME" | "VALID",
): [number, number] {
  const expected = padding === "VALID"
    ? Math.floor((output - kernel + stride) / stride)
    : Math.floor((output + stride - 1) / stride);
  if (input !== expected) {
    throw new ShapeError(
      `${op}: a result of length ${output} is that of an input of length ${expected} with windows of ${kernel} ` +
        `in strides of ${stride} and padding "${padding}", but the input has length ${input}`,
    );
  }
  const needed = padding === "VALID" ? 0 : Math.max(0, (input - 1) * stride + kernel - output);
  const before = kernel - 1 - Math.floor(needed / 2);
  return [before, output + kernel - 1 - ((input - 1) * stride + 1) - before];
}

/**
 * A transposed convolution of [batch, *space, inputs], or without the batch axis: the input is spread by
 * `stride`. Parameters: `w` [*window, outputs, inputs] and `b` [outputs].
 */
export class ConvNDTranspose extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "conv_nd_transpose";
  readonly #op: string;
  /** The lengths of a window. */
  readonly kernelShape: readonly number[];

  /**
   * Windows run along `numSpatialDims` axes.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {TypeError} where `outputShape` is given with padding by numbers.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    readonly numSpatialDims: number,
    readonly outputChannels: number,
    kernelShape: EachAxis,
    readonly options: ConvTransposeOptions = {},
  ) {
    checkCall(
      "new hk.ConvNDTranspose(numSpatialDims, outputChannels, kernelShape, options)",
      arguments,
      transposeOptions,
    );
    super(options.name);
    checkAxes("hk.ConvNDTranspose", numSpatialDims);
    const op = this.#op = `hk.Conv${numSpatialDims}DTranspose`;
    checkSize(op, "the number of output channels", outputChannels);
    this.kernelShape = replicated(op, "kernelShape", kernelShape, numSpatialDims);
    replicated(op, "stride", options.stride, numSpatialDims);
    isLast(op, options.dataFormat);
    const { padding = "SAME", outputShape } = options;
    const named = paddingFor(op, padding, this.kernelShape, this.kernelShape.map(() => 1));
    if (outputShape === undefined || outputShape === null) return;
    replicated(op, "outputShape", outputShape, numSpatialDims);
    if (typeof named === "string") return;
    throw new TypeError(`${op}: with outputShape the padding must be "SAME" or "VALID", not pairs`);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has other axes, or its lengths are not those of `outputShape`.
   * @throws {StateError} where the parameters do not exist, or `init` was given no key to draw them.
   */
  call(x: NDArray): NDArray {
    const { numSpatialDims: count, outputChannels, kernelShape, options } = this;
    const { padding = "SAME", outputShape } = options;
    const op = this.#op;
    const last = isLast(op, options.dataFormat);
    return batched(op, x, count, (x) => {
      const inputs = x.shape.at(last ? -1 : 1)!;
      const shape = [...kernelShape, outputChannels, inputs];
      const units = kernelShape.reduce((a, b) => a * b, inputs);
      const w = weightsFor(op, x, shape, units, options.wInit, options.mask);
      const stride = replicated(op, "stride", options.stride, count);
      const named = paddingFor(op, padding, kernelShape, kernelShape.map(() => 1));
      const lengths = last ? x.shape.slice(1, -1) : x.shape.slice(2);
      const fitted = outputShape === undefined || outputShape === null || typeof named !== "string"
        ? named
        : replicated(op, "outputShape", outputShape, count).map((n, i) =>
          adjusted(op, lengths[i]!, n, kernelShape[i]!, stride[i]!, named)
        );
      const y = convTranspose(x, w, stride, fitted, {
        dimensionNumbers: dimensionNumbers(count, last, true),
      });
      return withBias(y, x, outputChannels, last, options);
    });
  }
}

/** A transposed convolution of [batch, width, inputs], or without the batch axis. */
export class Conv1DTranspose extends ConvNDTranspose {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "conv1_d_transpose";

  /**
   * `outputChannels` is the number of channels of the result.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputChannels: number, kernelShape: EachAxis, options: ConvTransposeOptions = {}) {
    checkCall(
      "new hk.Conv1DTranspose(outputChannels, kernelShape, options)",
      arguments,
      transposeOptions,
    );
    super(1, outputChannels, kernelShape, options);
  }
}

/** A transposed convolution of [batch, height, width, inputs], or without the batch axis. */
export class Conv2DTranspose extends ConvNDTranspose {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "conv2_d_transpose";

  /**
   * `outputChannels` is the number of channels of the result.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputChannels: number, kernelShape: EachAxis, options: ConvTransposeOptions = {}) {
    checkCall(
      "new hk.Conv2DTranspose(outputChannels, kernelShape, options)",
      arguments,
      transposeOptions,
    );
    super(2, outputChannels, kernelShape, options);
  }
}

/** A transposed convolution of [batch, depth, height, width, inputs], or without the batch axis. */
export class Conv3DTranspose extends ConvNDTranspose {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "conv3_d_transpose";

  /**
   * `outputChannels` is the number of channels of the result.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputChannels: number, kernelShape: EachAxis, options: ConvTransposeOptions = {}) {
    checkCall(
      "new hk.Conv3DTranspose(outputChannels, kernelShape, options)",
      arguments,
      transposeOptions,
    );
    super(3, outputChannels, kernelShape, options);
  }
}
