/**
 * Pooling.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../../lib/extend.ts";
import { NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import { type EachAxis, extremes, means, type PoolWindows } from "../../convolution.ts";
import { Module } from "../module.ts";

/** Options of pooling. */
export interface PoolOptions {
  /** The axis along which windows of one number do not run (default -1); `null` for none. */
  readonly channelAxis?: number | null | undefined;
}

/** Options of pooling layers. */
export interface PoolLayerOptions extends PoolOptions {
  /** Name in place of that of the class. */
  readonly name?: string | undefined;
}

const poolOptions: OptionTable<PoolOptions> = { channelAxis: "axes" };
const layerOptions: OptionTable<PoolLayerOptions> = { name: "string", ...poolOptions };

/** A number for each axis of an array: of a list those of the last axes, of a number all but two. */
function forAxes(
  op: string,
  what: string,
  x: NDArray,
  size: EachAxis,
  channelAxis: number | null,
): readonly number[] {
  const fits = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 1;
  if (fits(size)) {
    const isAxis = Number.isInteger(channelAxis) && Math.abs(channelAxis!) < x.ndim;
    if (channelAxis !== null && !isAxis) {
      throw new ShapeError(
        `${op}: there is no channelAxis ${describeValue(channelAxis)} in an array of shape ${
          formatShape(x.shape)
        }`,
      );
    }
    const channels = channelAxis !== null && channelAxis < 0 ? channelAxis + x.ndim : channelAxis;
    return x.shape.map((_, i) => i === 0 || i === channels ? 1 : size as number);
  }
  if (Array.isArray(size) && size.length <= x.ndim && size.every(fits)) {
    return [...new Array<number>(x.ndim - size.length).fill(1), ...size];
  }
  throw new ShapeError(
    `${op}: ${what} must be a positive integer, or a list of at most ${x.ndim} such for an array of shape ${
      formatShape(x.shape)
    }, not ${
      Array.isArray(size) && size.every((n) => typeof n === "number")
        ? formatShape(size)
        : describeValue(size)
    }`,
  );
}

function windowsOf(
  op: string,
  x: NDArray,
  windowShape: EachAxis,
  strides: EachAxis,
  padding: "SAME" | "VALID",
  { channelAxis = -1 }: PoolOptions,
): PoolWindows {
  if (padding !== "SAME" && padding !== "VALID") {
    throw new TypeError(
      `${op}: the padding must be "SAME" or "VALID", not ${describeValue(padding)}`,
    );
  }
  return {
    sizes: forAxes(op, "windowShape", x, windowShape, channelAxis),
    strides: forAxes(op, "strides", x, strides, channelAxis),
    padding,
  };
}

function expectArray(op: string, value: unknown): NDArray {
  if (value instanceof NDArray) return value;
  if (typeof value === "number" || Array.isArray(value)) return np.asarray(value);
  throw new TypeError(`${op}: the value must be an array, not ${describeValue(value)}`);
}

/**
 * The greatest elements of windows. Lists have a number for each of the last axes; one number is for all axes but the
 * first and `channelAxis`.
 *
 * @throws {ShapeError} where there are more numbers than axes.
 * @throws {TypeError} where the padding is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const x = np.array([[[1], [3], [5], [7]]]); // a batch of one, four places, one channel
 * console.log(hk.maxPool(x, 2, 2, "VALID").ravel().toArray()); // [ 3, 7 ]
 * ```
 */
export function maxPool(
  value: NDArray,
  windowShape: EachAxis,
  strides: EachAxis,
  padding: "SAME" | "VALID",
  options: PoolOptions = {},
): NDArray {
  const op = "hk.maxPool";
  if (arguments.length > 4) {
    checkCall(`${op}(value, windowShape, strides, padding, options)`, arguments, poolOptions);
  }
  const x = expectArray(op, value);
  return extremes(x, "max", windowsOf(op, x, windowShape, strides, padding, options));
}

/** {@linkcode maxPool} as a layer. */
export class MaxPool extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "max_pool";

  /**
   * Makes the layer.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    readonly windowShape: EachAxis,
    readonly strides: EachAxis,
    readonly padding: "SAME" | "VALID",
    readonly options: PoolLayerOptions = {},
  ) {
    checkCall("new hk.MaxPool(windowShape, strides, padding, options)", arguments, layerOptions);
    super(options.name);
    windowsOf("hk.MaxPool", np.zeros(new Array(MOST).fill(1)), windowShape, strides, padding, {});
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where there are more numbers than axes.
   */
  call(value: NDArray): NDArray {
    const { windowShape, strides, padding, options: { channelAxis } } = this;
    return maxPool(value, windowShape, strides, padding, { channelAxis });
  }
}

/**
 * The means, over places within the array, of windows. Lists have a number for each of the last axes; one number is for all axes but the
 * first and `channelAxis`.
 *
 * @throws {ShapeError} where there are more numbers than axes.
 * @throws {TypeError} where the padding is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const x = np.array([[[1], [3], [5], [7]]]); // a batch of one, four places, one channel
 * console.log(hk.avgPool(x, 2, 2, "VALID").ravel().toArray()); // [ 2, 6 ]
 * ```
 */
export function avgPool(
  value: NDArray,
  windowShape: EachAxis,
  strides: EachAxis,
  padding: "SAME" | "VALID",
  options: PoolOptions = {},
): NDArray {
  const op = "hk.avgPool";
  if (arguments.length > 4) {
    checkCall(`${op}(value, windowShape, strides, padding, options)`, arguments, poolOptions);
  }
  const x = expectArray(op, value);
  return means(x, windowsOf(op, x, windowShape, strides, padding, options), false);
}

/** {@linkcode avgPool} as a layer. */
export class AvgPool extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "avg_pool";

  /**
   * Makes the layer.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    readonly windowShape: EachAxis,
    readonly strides: EachAxis,
    readonly padding: "SAME" | "VALID",
    readonly options: PoolLayerOptions = {},
  ) {
    checkCall("new hk.AvgPool(windowShape, strides, padding, options)", arguments, layerOptions);
    super(options.name);
    windowsOf("hk.AvgPool", np.zeros(new Array(MOST).fill(1)), windowShape, strides, padding, {});
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where there are more numbers than axes.
   */
  call(value: NDArray): NDArray {
    const { windowShape, strides, padding, options: { channelAxis } } = this;
    return avgPool(value, windowShape, strides, padding, { channelAxis });
  }
}

/** As many axes as arrays have at most: what layers are given is checked before there is an array. */
const MOST = 16;
