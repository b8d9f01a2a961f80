/**
 * Pooling layers, of [channels, ...] without a batch axis.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { reduceWindow, type WindowComputation } from "../../../lib/api/lax.ts";
import { type NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import {
  checkAxes,
  type EachAxis,
  eachAxis,
  namedOrPairs,
  type PaddingNumbers,
  type Pairs,
} from "../../convolution.ts";
import { Module } from "../module.ts";
import type { CallOptions } from "./linear.ts";

/** Options of pooling layers. */
export interface PoolOptions {
  /** From one window to the next (default 1). */
  readonly stride?: EachAxis | undefined;
  /** How much is put around the input (default 0). */
  readonly padding?: PaddingNumbers | undefined;
  /** Whether a window that does not fit any more counts (default false). */
  readonly useCeil?: boolean | undefined;
}

const poolOptions: OptionTable<PoolOptions> = {
  stride: "shape",
  padding: "names",
  useCeil: "boolean",
};

/** The elements of windows combined, of [channels, *space] along `numSpatialDims` axes. */
export class Pool extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = [
    "init",
    "operation",
    "numSpatialDims",
    "kernelSize",
    "stride",
    "padding",
    "useCeil",
  ];
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];
  /** From one window to the next. */
  readonly stride: readonly number[];
  /** How much is put around the input. */
  readonly padding: Pairs;
  /** Whether a window that does not fit any more counts. */
  readonly useCeil: boolean;

  /**
   * Makes a layer.
   *
   * @param init What is combined with the elements of each window.
   * @param operation `"add"`, `"mul"`, `"max"`, `"min"`, or a function of two arrays.
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(
    readonly init: number,
    readonly operation: WindowComputation<NDArray>,
    readonly numSpatialDims: number,
    kernelSize: EachAxis,
    options: PoolOptions = {},
  ) {
    const op = "eqx.nn.Pool";
    checkCall(
      `new ${op}(init, operation, numSpatialDims, kernelSize, options)`,
      arguments,
      poolOptions,
    );
    super();
    checkAxes(op, numSpatialDims);
    this.kernelSize = eachAxis(op, "kernelSize", kernelSize, numSpatialDims);
    this.stride = eachAxis(op, "stride", options.stride, numSpatialDims);
    this.padding = namedOrPairs<never>(op, options.padding ?? 0, numSpatialDims, []);
    this.useCeil = options.useCeil ?? false;
  }

  /**
   * Applies the layer to [channels, *space]; gives [channels, *places].
   *
   * @throws {ShapeError} where `x` has other axes, or padding is longer than a window.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    const { numSpatialDims, kernelSize, stride } = this;
    if (x.ndim !== numSpatialDims + 1) {
      throw new ShapeError(
        `eqx.nn.Pool: the input must be [channels, ${numSpatialDims} axes that windows run along], not ${
          formatAval(x.aval)
        }. For a batch, use eqx.filterVmap`,
      );
    }
    const padding = this.padding.map(([low, high], i): [number, number] => {
      const rest = (x.shape[i + 1]! + low + high - kernelSize[i]!) % stride[i]!;
      return this.useCeil && rest !== 0 ? [low, high + stride[i]!] : [low, high];
    });
    if (padding.some((pair, i) => Math.max(...pair) > kernelSize[i]!)) {
      throw new ShapeError(
        `eqx.nn.Pool: padding ${JSON.stringify(padding)} is longer than windows of ${
          JSON.stringify(kernelSize)
        }`,
      );
    }
    const windows = [[1, ...kernelSize], [1, ...stride]] as const;
    const around: Pairs = [[0, 0], ...padding];
    return reduceWindow(x, this.init, this.operation, ...windows, around);
  }
}

/** The means of windows of [channels, width], whose places around the input count as 0. */
export class AvgPool1d extends Pool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(kernelSize: EachAxis, options: PoolOptions = {}) {
    checkCall("new eqx.nn.AvgPool1d(kernelSize, options)", arguments, poolOptions);
    super(0, "add", 1, kernelSize, options);
  }

  /**
   * Applies the layer; gives [channels, *places].
   *
   * @throws {ShapeError} where `x` has other axes, or padding is longer than a window.
   */
  override call(x: NDArray, _options?: CallOptions): NDArray {
    return super.call(x).div(this.kernelSize.reduce((a, b) => a * b, 1));
  }
}

/** The greatest elements of windows of [channels, width]. */
export class MaxPool1d extends Pool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(kernelSize: EachAxis, options: PoolOptions = {}) {
    checkCall("new eqx.nn.MaxPool1d(kernelSize, options)", arguments, poolOptions);
    super(-Infinity, "max", 1, kernelSize, options);
  }
}

/** The means of windows of [channels, height, width], whose places around the input count as 0. */
export class AvgPool2d extends Pool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(kernelSize: EachAxis, options: PoolOptions = {}) {
    checkCall("new eqx.nn.AvgPool2d(kernelSize, options)", arguments, poolOptions);
    super(0, "add", 2, kernelSize, options);
  }

  /**
   * Applies the layer; gives [channels, *places].
   *
   * @throws {ShapeError} where `x` has other axes, or padding is longer than a window.
   */
  override call(x: NDArray, _options?: CallOptions): NDArray {
    return super.call(x).div(this.kernelSize.reduce((a, b) => a * b, 1));
  }
}

/** The greatest elements of windows of [channels, height, width]. */
export class MaxPool2d extends Pool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(kernelSize: EachAxis, options: PoolOptions = {}) {
    checkCall("new eqx.nn.MaxPool2d(kernelSize, options)", arguments, poolOptions);
    super(-Infinity, "max", 2, kernelSize, options);
  }
}

/** The means of windows of [channels, depth, height, width], whose places around the input count as 0. */
export class AvgPool3d extends Pool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(kernelSize: EachAxis, options: PoolOptions = {}) {
    checkCall("new eqx.nn.AvgPool3d(kernelSize, options)", arguments, poolOptions);
    super(0, "add", 3, kernelSize, options);
  }

  /**
   * Applies the layer; gives [channels, *places].
   *
   * @throws {ShapeError} where `x` has other axes, or padding is longer than a window.
   */
  override call(x: NDArray, _options?: CallOptions): NDArray {
    return super.call(x).div(this.kernelSize.reduce((a, b) => a * b, 1));
  }
}

/** The greatest elements of windows of [channels, depth, height, width]. */
export class MaxPool3d extends Pool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(kernelSize: EachAxis, options: PoolOptions = {}) {
    checkCall("new eqx.nn.MaxPool3d(kernelSize, options)", arguments, poolOptions);
    super(-Infinity, "max", 3, kernelSize, options);
  }
}

/** Combines the elements of an array along an axis. */
export type AxisOperation = (x: NDArray, axis: number) => NDArray;

const meanOf: AxisOperation = (x, axis) => x.mean(axis);
const maxOf: AxisOperation = (x, axis) => x.max(axis);

/** [channels, *space] brought to a shape: each axis is cut into parts whose lengths differ by one at most. */
export class AdaptivePool extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["targetShape", "operation"];
  /** The lengths of the result. */
  readonly targetShape: readonly number[];

  /**
   * Makes a layer; `operation` combines the elements of a part, along an axis.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(
    targetShape: EachAxis,
    numSpatialDims: number,
    readonly operation: AxisOperation,
  ) {
    const op = "eqx.nn.AdaptivePool";
    checkCall(`new ${op}(targetShape, numSpatialDims, operation)`, arguments);
    super();
    checkAxes(op, numSpatialDims);
    this.targetShape = eachAxis(op, "targetShape", targetShape, numSpatialDims);
    if (typeof operation === "function") return;
    throw new TypeError(`${op}: the operation must be a function, not ${describeValue(operation)}`);
  }

  /**
   * Applies the layer to [channels, *space]; gives [channels, *targetShape].
   *
   * @throws {ShapeError} where `x` has other axes, or an axis has fewer elements than parts.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    const { targetShape, operation } = this;
    if (
      x.ndim !== targetShape.length + 1 || targetShape.some((n, i) => x.shape[i + 1]! < n)
    ) {
      throw new ShapeError(
        `eqx.nn.AdaptivePool: the input must be [channels, ...] with at least ${
          JSON.stringify(targetShape)
        } elements, not ${formatAval(x.aval)}`,
      );
    }
    return targetShape.reduce((y, parts, i) => {
      const axis = i + 1;
      const n = y.shape[axis]!;
      const short = Math.floor(n / parts);
      // The first parts are one longer.
      const longer = n % parts;
      const cut = longer * (short + 1);
      const pieces = [[0, cut, longer], [cut, n, parts - longer]].flatMap(([from, to, count]) => {
        if (count === 0) return [];
        const starts = y.shape.map((_, a) => a === axis ? from! : 0);
        const piece = np.slice(y, starts, y.shape.with(axis, to!));
        const length = (to! - from!) / count!;
        const split = y.shape.toSpliced(axis, 1, count!, length);
        return [operation(piece.reshape(split), axis + 1)];
      });
      return pieces.length === 1 ? pieces[0]! : np.concatenate(pieces, axis);
    }, x);
  }
}

/** The means of parts of [channels, width]. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(targetShape: EachAxis) {
    checkCall("new eqx.nn.AdaptiveAvgPool1d(targetShape)", arguments);
    super(targetShape, 1, meanOf);
  }
}

/** The greatest elements of parts of [channels, width]. */
export class AdaptiveMaxPool1d extends AdaptivePool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(targetShape: EachAxis) {
    checkCall("new eqx.nn.AdaptiveMaxPool1d(targetShape)", arguments);
    super(targetShape, 1, maxOf);
  }
}

/** The means of parts of [channels, height, width]. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(targetShape: EachAxis) {
    checkCall("new eqx.nn.AdaptiveAvgPool2d(targetShape)", arguments);
    super(targetShape, 2, meanOf);
  }
}

/** The greatest elements of parts of [channels, height, width]. */
export class AdaptiveMaxPool2d extends AdaptivePool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(targetShape: EachAxis) {
    checkCall("new eqx.nn.AdaptiveMaxPool2d(targetShape)", arguments);
    super(targetShape, 2, maxOf);
  }
}

/** The means of parts of [channels, depth, height, width]. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(targetShape: EachAxis) {
    checkCall("new eqx.nn.AdaptiveAvgPool3d(targetShape)", arguments);
    super(targetShape, 3, meanOf);
  }
}

/** The greatest elements of parts of [channels, depth, height, width]. */
export class AdaptiveMaxPool3d extends AdaptivePool {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a length is not a positive integer.
   */
  constructor(targetShape: EachAxis) {
    checkCall("new eqx.nn.AdaptiveMaxPool3d(targetShape)", arguments);
    super(targetShape, 3, maxOf);
  }
}
