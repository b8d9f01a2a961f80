/**
 * Convolution layers with weights for each channel by itself.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../../lib/extend.ts";
import { convGeneralDilated } from "../../../lib/api/lax.ts";
import { type NDArray, ShapeError } from "../../../mod.ts";
import { checkAxes, type EachAxis } from "../../convolution.ts";
import { Module } from "../module.ts";
import { checkSize } from "./basic.ts";
import {
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

/** Options of `SeparableDepthwiseConv2D`. */
export interface SeparableConvOptions extends CommonConvOptions {
  /** What is put around the input (default `"SAME"`). */
  readonly padding?: Exclude<ConvPadding, (...args: never[]) => unknown> | undefined;
}

/** Options of depthwise convolution layers. */
export interface DepthwiseConvOptions extends SeparableConvOptions {
  /** From one element of the kernel to the next (default 1). */
  readonly rate?: EachAxis | undefined;
}

const separableOptions: OptionTable<SeparableConvOptions> = {
  ...commonConvOptions,
  padding: "names",
};

const depthwiseOptions: OptionTable<DepthwiseConvOptions> = { ...separableOptions, rate: "shape" };

/**
 * A convolution of each channel of [batch, *space, channels] by itself, with `channelMultiplier` results.
 * Parameters: `w` [*window, 1, results] and `b` [results].
 */
export class DepthwiseConvND extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "depthwise_conv_nd";
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
    readonly channelMultiplier: number,
    kernelShape: EachAxis,
    readonly numSpatialDims: number,
    readonly options: DepthwiseConvOptions = {},
  ) {
    checkCall(
      "new hk.DepthwiseConvND(channelMultiplier, kernelShape, numSpatialDims, options)",
      arguments,
      depthwiseOptions,
    );
    super(options.name);
    checkAxes("hk.DepthwiseConvND", numSpatialDims);
    const op = this.#op = `hk.DepthwiseConv${numSpatialDims}D`;
    checkSize(op, "channelMultiplier", channelMultiplier);
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
   * @throws {ShapeError} where `x` has other axes.
   * @throws {StateError} where the parameters do not exist, or `init` was given no key to draw them.
   */
  call(x: NDArray): NDArray {
    const { numSpatialDims: count, channelMultiplier, kernelShape, options } = this;
    const op = this.#op;
    const last = isLast(op, options.dataFormat);
    if (x.ndim !== count + 2) {
      throw new ShapeError(`${op}: the input must have ${count + 2} axes, not ${x.ndim}`);
    }
    const channels = x.shape.at(last ? -1 : 1)!;
    const outputs = channelMultiplier * channels;
    const units = kernelShape.reduce((a, b) => a * b, 1);
    const w = weightsFor(op, x, [...kernelShape, 1, outputs], units, options.wInit);
    const rate = replicated(op, "rate", options.rate, count);
    const y = convGeneralDilated(
      x,
      w,
      replicated(op, "stride", options.stride, count),
      paddingFor(op, options.padding ?? "SAME", kernelShape, rate),
      {
        rhsDilation: rate,
        dimensionNumbers: dimensionNumbers(count, last, false),
        featureGroupCount: channels,
      },
    );
    return withBias(y, x, outputs, last, options);
  }
}

/** A convolution of each channel of [batch, width, channels] by itself. */
export class DepthwiseConv1D extends DepthwiseConvND {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "depthwise_conv1_d";

  /**
   * There are `channelMultiplier` results for each channel.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    channelMultiplier: number,
    kernelShape: EachAxis,
    options: DepthwiseConvOptions = {},
  ) {
    checkCall(
      "new hk.DepthwiseConv1D(channelMultiplier, kernelShape, options)",
      arguments,
      depthwiseOptions,
    );
    super(channelMultiplier, kernelShape, 1, options);
  }
}

/** A convolution of each channel of [batch, height, width, channels] by itself. */
export class DepthwiseConv2D extends DepthwiseConvND {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "depthwise_conv2_d";

  /**
   * There are `channelMultiplier` results for each channel.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    channelMultiplier: number,
    kernelShape: EachAxis,
    options: DepthwiseConvOptions = {},
  ) {
    checkCall(
      "new hk.DepthwiseConv2D(channelMultiplier, kernelShape, options)",
      arguments,
      depthwiseOptions,
    );
    super(channelMultiplier, kernelShape, 2, options);
  }
}

/** A convolution of each channel of [batch, depth, height, width, channels] by itself. */
export class DepthwiseConv3D extends DepthwiseConvND {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "depthwise_conv3_d";

  /**
   * There are `channelMultiplier` results for each channel.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    channelMultiplier: number,
    kernelShape: EachAxis,
    options: DepthwiseConvOptions = {},
  ) {
    checkCall(
      "new hk.DepthwiseConv3D(channelMultiplier, kernelShape, options)",
      arguments,
      depthwiseOptions,
    );
    super(channelMultiplier, kernelShape, 3, options);
  }
}

/** A depthwise convolution of [batch, height, width, channels], first along the height and then the width. */
export class SeparableDepthwiseConv2D extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "separable_depthwise_conv2_d";
  readonly #first: DepthwiseConv2D;
  readonly #second: DepthwiseConv2D;

  /**
   * There are `channelMultiplier` results for each channel.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    channelMultiplier: number,
    kernelShape: EachAxis,
    options: SeparableConvOptions = {},
  ) {
    checkCall(
      "new hk.SeparableDepthwiseConv2D(channelMultiplier, kernelShape, options)",
      arguments,
      separableOptions,
    );
    super(options.name);
    const op = "hk.SeparableDepthwiseConv2D";
    const [height, width] = replicated(op, "kernelShape", kernelShape, 2) as [number, number];
    const { name: _, ...rest } = options;
    const first = { ...rest, withBias: false };
    [this.#first, this.#second] = this.submodules(() => [
      new DepthwiseConv2D(channelMultiplier, [height, 1], first),
      new DepthwiseConv2D(1, [1, width], { ...rest, stride: 1 }),
    ]);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has other axes.
   * @throws {StateError} where the parameters do not exist, or `init` was given no key to draw them.
   */
  call(x: NDArray): NDArray {
    return this.#second.call(this.#first.call(x));
  }
}
