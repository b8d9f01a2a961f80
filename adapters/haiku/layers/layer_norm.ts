/**
 * Normalisation over what is in a sample: layers, groups, instances.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import { checkSize } from "./basic.ts";
import type { Initializer } from "../handlers.ts";
import { constant } from "./initializers.ts";
import { Module } from "../module.ts";
import {
  absolute,
  affine,
  type AffineOptions,
  affineOptions,
  affines,
  channelAxis,
  checkAxis,
  checkFormat,
  checkNorm,
  type DataFormat,
  input,
  normalized,
  type NormAxis,
  type NormOptions,
  normOptions,
} from "./normalization.ts";
import type { NamedOptions } from "./simple.ts";

/** Options of `LayerNorm`. */
export interface LayerNormOptions extends NormOptions {
  /** The axes that scale and offset have; the last one where left out. */
  readonly paramAxis?: number | readonly number[] | undefined;
  /** Whether to compute variances as means of squares less squares of means (default false). */
  readonly useFastVariance?: boolean | undefined;
}

const layerNormOptions: OptionTable<LayerNormOptions> = {
  paramAxis: "axes",
  useFastVariance: "boolean",
  ...normOptions,
};

/** The shape of parameters along some axes; along the last axis alone they have no others. */
function paramShape(op: string, axis: NormAxis, x: NDArray): number[] {
  const axes = absolute(op, axis, x);
  if (axes.length === 1 && axes[0] === x.ndim - 1) return [x.shape.at(-1)!];
  return x.shape.map((n, i) => axes.includes(i) ? n : 1);
}

/**
 * Normalises over some axes of each sample.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.LayerNorm(-1).call(x));
 * const x = np.array([[1, 3], [5, 15]]);
 * const params = model.init(null, x);
 * console.log(params.layer_norm!.scale!.shape); // [ 2 ]
 * console.log(np.round(model.apply(params, null, x)).toArray()); // [ [ -1, 1 ], [ -1, 1 ] ]
 * ```
 */
export class LayerNorm extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "layer_norm";

  /**
   * `axis` is what is normalised over.
   *
   * @throws {TypeError} where that is none.
   * @throws {StateError} where what there is not is to be initialised; outside of a transformed function,
   * and inside a pure transform.
   */
  constructor(readonly axis: NormAxis, readonly options: LayerNormOptions = {}) {
    checkCall("new hk.LayerNorm(axis, options)", arguments, layerNormOptions);
    super(options.name);
    checkAxis("hk.LayerNorm", axis);
    checkNorm("hk.LayerNorm", options);
  }

  /**
   * Normalises `x`.
   *
   * @throws {ShapeError} where it does not have the axes.
   * @throws {StateError} where a scale or offset is given and the module has one.
   */
  call(x: NDArray, options: AffineOptions = {}): NDArray {
    checkCall("layerNorm.call(x, options)", arguments, affineOptions);
    const op = "hk.LayerNorm";
    const { eps = 1e-5, paramAxis = -1, useFastVariance = false } = this.options;
    const array = input(op, x);
    const axes = absolute(op, this.axis, array);
    const mean = array.mean(axes, { keepDims: true });
    const variance = useFastVariance
      ? array.square().mean(axes, { keepDims: true }).sub(mean.square())
      : np.var(array, axes, { keepDims: true });
    const own = affines(op, array, paramShape(op, paramAxis, array), this.options, options);
    return normalized(array, mean, variance, eps, own);
  }
}

/** Options of `InstanceNorm`. */
export interface InstanceNormOptions extends NormOptions {
  /** Where the channels are (default `"channelsLast"`). */
  readonly dataFormat?: DataFormat | undefined;
}

const instanceNormOptions: OptionTable<InstanceNormOptions> = {
  dataFormat: "string",
  ...normOptions,
};

/**
 * Normalises each channel of each sample over the axes in between.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.InstanceNorm().call(x));
 * const x = np.array([[[1], [3]], [[5], [15]]]); // [batch, space, channels]
 * console.log(np.round(model.apply(model.init(null, x), null, x)).ravel().toArray()); // [ -1, 1, -1, 1 ]
 * ```
 */
export class InstanceNorm extends LayerNorm {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "instance_norm";

  /** Raises as `LayerNorm`. */
  constructor(options: InstanceNormOptions = {}) {
    checkCall("new hk.InstanceNorm(options)", arguments, instanceNormOptions);
    const { dataFormat = "channelsLast", ...rest } = options;
    checkFormat("hk.InstanceNorm", dataFormat);
    const isLast = dataFormat === "channelsLast";
    super(isLast ? { start: 1, stop: -1 } : { start: 2 }, { ...rest, paramAxis: isLast ? -1 : 1 });
  }
}

/** Options of `RMSNorm`. */
export interface RMSNormOptions extends NamedOptions {
  /** Added to the mean of squares (default 1e-5). */
  readonly eps?: number | undefined;
  /** Whether to multiply by a parameter `scale` (default true). */
  readonly createScale?: boolean | undefined;
  /** Initialiser of the scale; default ones. */
  readonly scaleInit?: Initializer | undefined;
  /** The axes that the scale has; the last one where left out. */
  readonly paramAxis?: number | readonly number[] | undefined;
}

const rmsNormOptions: OptionTable<RMSNormOptions> = {
  eps: "number",
  createScale: "boolean",
  scaleInit: "function",
  paramAxis: "axes",
  name: "string",
};

/**
 * Divides by the root of the mean of squares over some axes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.RMSNorm(-1).call(x));
 * const x = np.array([[3, 3], [0, 5]]);
 * const y = model.apply(model.init(null, x), null, x);
 * console.log(np.round(y.square()).toArray()); // [ [ 1, 1 ], [ 0, 2 ] ]
 * ```
 */
export class RMSNorm extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "rms_norm";

  /** `axis` is what is normalised over. Raises as `LayerNorm`. */
  constructor(readonly axis: NormAxis, readonly options: RMSNormOptions = {}) {
    checkCall("new hk.RMSNorm(axis, options)", arguments, rmsNormOptions);
    super(options.name);
    checkAxis("hk.RMSNorm", axis);
    checkNorm("hk.RMSNorm", options);
  }

  /**
   * Normalises `x`.
   *
   * @throws {ShapeError} where it does not have the axes.
   */
  call(x: NDArray): NDArray {
    const op = "hk.RMSNorm";
    const { eps = 1e-5, createScale = true, scaleInit = constant(1), paramAxis = -1 } =
      this.options;
    const array = input(op, x);
    const axes = absolute(op, this.axis, array);
    const shape = paramShape(op, paramAxis, array);
    const scale = affine(op, "scale", array, shape, createScale, scaleInit, undefined);
    const inverse = np.rsqrt(array.square().mean(axes, { keepDims: true }).add(eps));
    return (scale === undefined ? array : array.mul(scale)).mul(inverse);
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormOptions extends NormOptions {
  /** What is normalised over; all but the first axis where left out. */
  readonly axis?: NormAxis | undefined;
  /** Where the channels are (default `"channelsLast"`). */
  readonly dataFormat?: DataFormat | undefined;
}

const groupNormOptions: OptionTable<GroupNormOptions> = {
  axis: "object",
  dataFormat: "string",
  ...normOptions,
};

/**
 * Normalises over groups of channels, and over the axes of `axis`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.GroupNorm(2).call(x));
 * const x = np.array([[1, 3, 5, 15]]);
 * console.log(np.round(model.apply(model.init(null, x), null, x)).toArray()); // [ [ -1, 1, -1, 1 ] ]
 * ```
 */
export class GroupNorm extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "group_norm";

  /**
   * `groups` is how many groups there are.
   *
   * @throws {ShapeError} where it is not a positive integer.
   * @throws {StateError} where what there is not is to be initialised; outside of a transformed function,
   * and inside a pure transform.
   */
  constructor(readonly groups: number, readonly options: GroupNormOptions = {}) {
    const { axis, ...others } = options ?? {};
    checkCall(
      "new hk.GroupNorm(groups, options)",
      arguments.length > 2 || axis === undefined ? arguments : [groups, others],
      groupNormOptions,
    );
    super(options.name);
    checkSize("hk.GroupNorm", "the number of groups", groups);
    if (axis !== undefined) checkAxis("hk.GroupNorm", axis);
    checkFormat("hk.GroupNorm", options.dataFormat);
    checkNorm("hk.GroupNorm", options);
  }

  /**
   * Normalises `x`.
   *
   * @throws {ShapeError} where its channels cannot be divided into the groups.
   * @throws {StateError} where a scale or offset is given and the module has one.
   */
  call(x: NDArray, options: AffineOptions = {}): NDArray {
    checkCall("groupNorm.call(x, options)", arguments, affineOptions);
    const op = "hk.GroupNorm";
    const { eps = 1e-5, axis = { start: 1 }, dataFormat } = this.options;
    const array = input(op, x);
    const { shape } = array;
    const channel = channelAxis(op, array, dataFormat);
    const channels = shape[channel]!;
    if (channels % this.groups !== 0) {
      throw new ShapeError(
        `${op}: the ${channels} channels cannot be divided into ${this.groups} groups: ${
          formatAval(array.aval)
        }`,
      );
    }
    // The groups are an axis of their own before that of their channels.
    const parts = shape.toSpliced(channel, 1, this.groups, channels / this.groups);
    const axes = absolute(op, axis, array).map((a) => a < channel ? a : a + 1);
    const grouped = array.reshape(parts);
    const mean = grouped.mean(axes, { keepDims: true });
    const variance = np.var(grouped, axes, { keepDims: true });
    const y = normalized(grouped, mean, variance, eps, [undefined, undefined]).reshape(shape);
    const own = channel === array.ndim - 1
      ? [channels]
      : shape.slice(1).map((n, i) => i === 0 ? n : 1);
    const [scale, offset] = affines(op, array, own, this.options, options);
    const scaled = scale === undefined ? y : y.mul(scale);
    return offset === undefined ? scaled : scaled.add(offset);
  }
}
