/**
 * Normalisation: what all of it has in common, `BatchNorm`, whose statistics are state, `LayerNorm` and
 * `RMSNorm`. Norms by groups and by examples are in `norms.ts`.
 *
 * @module
 */
import { type AxisName, checkCall, formatAval, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import {
  axesOf,
  meanSquares,
  normalized,
  otherAxes,
  statistics,
  type StatisticsOptions,
} from "../normalization.ts";
import { Module } from "./graph.ts";
import { type Initializer, ones, zeros } from "./initializers.ts";
import { checkRngs, checkSize, type LayerOptions } from "./layers.ts";
import { BatchStat, Param } from "./variable.ts";

/** What normalising layers take. */
export interface NormOptions extends LayerOptions {
  /** Added to the variance (default 1e-5; 1e-6 for `LayerNorm`). */
  readonly epsilon?: number | undefined;
  /** Whether to multiply by learned factors (default true). */
  readonly useScale?: boolean | undefined;
  /** Whether to add learned terms (default true). */
  readonly useBias?: boolean | undefined;
  /** Initialiser of the factors (default `ones`). */
  readonly scaleInit?: Initializer | undefined;
  /** Initialiser of the terms (default `zeros`). */
  readonly biasInit?: Initializer | undefined;
  /** Dtype of the result (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /**
   * Whether the variance is the mean of squares less the square of the mean, as in the original (default
   * true), or the mean of squared differences, which is more accurate.
   */
  readonly useFastVariance?: boolean | undefined;
  /** The name of an axis of a `vmap` around, or several, over whose lanes the statistics are taken too. */
  readonly axisName?: AxisName | undefined;
}

/** Options of a call of a normalising layer. */
export interface NormCallOptions {
  /** Which elements count, with a shape that broadcasts to that of the input. */
  readonly mask?: NDArray | undefined;
}

/** Kinds of these options. */
export const normOptions: OptionTable<NormOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  epsilon: "number",
  useScale: "boolean",
  useBias: "boolean",
  scaleInit: "function",
  biasInit: "function",
  dtype: "dtype",
  useFastVariance: "boolean",
  axisName: "names",
};

/** Kinds of these options. */
export const callOptions: OptionTable<NormCallOptions> = { mask: "object" };

/** What normalising layers have in common: parameters, and how statistics are taken. */
export abstract class Norm extends Module {
  /** Factors, [features]; `null` without. */
  readonly scale: Param | null;
  /** Terms, [features]; `null` without. */
  readonly bias: Param | null;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Dtype of the result; that of inputs and parameters where there is none. */
  readonly dtype: DType | undefined;
  /** Whether the variance is the mean of squares less the square of the mean. */
  readonly useFastVariance: boolean;
  /** Axes of a `vmap` around, over whose lanes the statistics are taken too. */
  readonly axisName: AxisName | undefined;

  /**
   * Makes the parameters; they take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(op: string, readonly numFeatures: number, options: NormOptions, epsilon = 1e-6) {
    super();
    checkSize(op, "the number of features", numFeatures);
    checkRngs(op, options);
    const { rngs, paramDtype = "float32", useScale = true, useBias = true } = options;
    const { scaleInit = ones, biasInit = zeros } = options;
    // Each draws a key, as in the original.
    const made = (init: Initializer): Param =>
      new Param(init(rngs.next("params"), [numFeatures], paramDtype));
    this.scale = useScale ? made(scaleInit) : null;
    this.bias = useBias ? made(biasInit) : null;
    this.epsilon = options.epsilon ?? epsilon;
    this.dtype = options.dtype;
    this.useFastVariance = options.useFastVariance ?? true;
    this.axisName = options.axisName;
  }
}

/** How a layer takes statistics in a call. */
export const statisticsOf = (
  { useFastVariance: fast, axisName }: Norm,
  { mask }: NormCallOptions,
): StatisticsOptions => ({ fast, axisName, mask });

/** Normalises by statistics, and scales and shifts by the parameters of a layer. */
export function normalizedBy(
  { scale, bias, epsilon, dtype }: Norm,
  x: NDArray,
  used: readonly [NDArray, NDArray],
  reduced: readonly number[],
  features: readonly number[],
): NDArray {
  const affine = { scale: scale?.value ?? null, bias: bias?.value ?? null, epsilon, dtype };
  return normalized(x, used, reduced, features, affine);
}

/** Checks that axes have the features of a layer between them. */
function checkFeatures(op: string, x: NDArray, axes: readonly number[], features: number): void {
  if (axes.reduce((n, axis) => n * x.shape[axis]!, 1) === features) return;
  const which = axes.length === 1 && axes[0] === x.ndim - 1
    ? "the last axis"
    : axes.length === 1
    ? `axis ${axes[0]}`
    : `axes ${axes.join(", ")}`;
  throw new ShapeError(
    `${op}: ${which} of the input must have ${features} elements, but it is ${formatAval(x.aval)}`,
  );
}

/** Axes of features, which must have those of a layer. */
export function featuresIn(
  op: string,
  x: NDArray,
  axes: number | readonly number[],
  { numFeatures }: Norm,
): number[] {
  const features = x.ndim === 0 ? [] : axesOf(op, x, axes);
  checkFeatures(op, x, features, x.ndim === 0 ? NaN : numFeatures);
  return features;
}

/** Options of `BatchNorm`. */
export interface BatchNormOptions extends NormOptions {
  /** How much of the running statistics stays at each step (default 0.99). */
  readonly momentum?: number | undefined;
  /** Whether to use the running statistics (default false): what `train` and `eval` set. */
  readonly useRunningAverage?: boolean | undefined;
  /** The axes of features (default -1): over all others the statistics are taken. */
  readonly axis?: number | readonly number[] | undefined;
}

const batchNormOptions: OptionTable<BatchNormOptions> = {
  ...normOptions,
  axis: "axes",
  momentum: "number",
  useRunningAverage: "boolean",
};

/**
 * Makes mean 0 and variance 1 of each feature over all other axes, then scales and shifts. In training,
 * running statistics are updated; else these are used.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.BatchNorm(1, { momentum: 0.5, rngs: new nnx.Rngs(0) });
 * layer.call(np.array([[1], [3]]));
 * console.log(layer.mean.value.toArray(), layer.var.value.toArray()); // [ 1 ] [ 1 ]
 * ```
 */
export class BatchNorm extends Norm {
  /** The running mean, [features]. */
  readonly mean: BatchStat;
  /** The running variance, [features]. */
  readonly var: BatchStat;
  /** How much of the running statistics stays. */
  readonly momentum: number;
  /** The axes of features. */
  readonly axis: number | readonly number[];
  /** Whether to use the running statistics. */
  useRunningAverage: boolean;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(numFeatures: number, options: BatchNormOptions) {
    checkCall("new nnx.BatchNorm(numFeatures, options)", arguments, batchNormOptions);
    super("nnx.BatchNorm", numFeatures, options, 1e-5);
    const { momentum = 0.99, useRunningAverage = false, axis = -1 } = options;
    this.mean = new BatchStat(np.zeros([numFeatures]));
    this.var = new BatchStat(np.ones([numFeatures]));
    this.momentum = momentum;
    this.axis = axis;
    this.useRunningAverage = useRunningAverage;
  }

  /**
   * Applies the layer to `x` [..., features].
   *
   * @throws {ShapeError} where `x` does not have the axes, or other features.
   */
  call(
    x: NDArray,
    { useRunningAverage = this.useRunningAverage, mask }: NormCallOptions & {
      /** In place of the layer's own. */
      readonly useRunningAverage?: boolean | undefined;
    } = {},
  ): NDArray {
    const features = featuresIn("nnx.BatchNorm", x, this.axis, this);
    const { momentum } = this;
    const reduced = otherAxes(x, features);
    const shape = features.map((axis) => x.shape[axis]!);
    const of = (running: BatchStat): NDArray => running.value.reshape(shape);
    if (useRunningAverage) {
      return normalizedBy(this, x, [of(this.mean), of(this.var)], reduced, features);
    }
    const used = statistics(x, reduced, statisticsOf(this, { mask }));
    for (const [running, now] of [[this.mean, used[0]], [this.var, used[1]]] as const) {
      const part = now.reshape([this.numFeatures]).mul(1 - momentum);
      running.value = running.value.mul(momentum).add(part);
    }
    return normalizedBy(this, x, used, reduced, features);
  }
}

/** Options of `LayerNorm`. */
export interface LayerNormOptions extends NormOptions {
  /** The axes over which the statistics are taken (default -1). */
  readonly reductionAxes?: number | readonly number[] | undefined;
  /** The axes of features (default -1). */
  readonly featureAxes?: number | readonly number[] | undefined;
}

const layerNormOptions: OptionTable<LayerNormOptions> = {
  ...normOptions,
  reductionAxes: "axes",
  featureAxes: "axes",
};

/**
 * Makes mean 0 and variance 1 of the features of each example, then scales and shifts.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.LayerNorm(4, { rngs: new nnx.Rngs(0) });
 * console.log(layer.call(np.array([1, 2, 3, 4])).mean().item().toFixed(3)); // 0.000
 * ```
 */
export class LayerNorm extends Norm {
  /** The axes over which the statistics are taken. */
  readonly reductionAxes: number | readonly number[];
  /** The axes of features. */
  readonly featureAxes: number | readonly number[];

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(numFeatures: number, options: LayerNormOptions) {
    checkCall("new nnx.LayerNorm(numFeatures, options)", arguments, layerNormOptions);
    super("nnx.LayerNorm", numFeatures, options);
    this.reductionAxes = options.reductionAxes ?? -1;
    this.featureAxes = options.featureAxes ?? -1;
  }

  /**
   * Applies the layer to `x` [..., features].
   *
   * @throws {ShapeError} where `x` does not have the axes, or other features.
   */
  call(x: NDArray, options: NormCallOptions = {}): NDArray {
    checkCall("layerNorm.call(x, options)", arguments, callOptions);
    const op = "nnx.LayerNorm";
    const features = featuresIn(op, x, this.featureAxes, this);
    const reduced = axesOf(op, x, this.reductionAxes);
    const used = statistics(x, reduced, statisticsOf(this, options));
    return normalizedBy(this, x, used, reduced, features);
  }
}

/** Options of `RMSNorm`. */
export type RMSNormOptions = Omit<LayerNormOptions, "useBias" | "biasInit" | "useFastVariance">;

const { useBias: _, biasInit: __, useFastVariance: ___, ...rmsNormOptions } = layerNormOptions;

/**
 * Makes the mean square of the features of each example 1, then scales.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.RMSNorm(2, { rngs: new nnx.Rngs(0) });
 * console.log(layer.call(np.array([3, 4])).square().mean().item().toFixed(3)); // 1.000
 * ```
 */
export class RMSNorm extends Norm {
  /** The axes over which the statistics are taken. */
  readonly reductionAxes: number | readonly number[];
  /** The axes of features. */
  readonly featureAxes: number | readonly number[];

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(numFeatures: number, options: RMSNormOptions) {
    checkCall("new nnx.RMSNorm(numFeatures, options)", arguments, rmsNormOptions);
    super("nnx.RMSNorm", numFeatures, { ...options, useBias: false });
    this.reductionAxes = options.reductionAxes ?? -1;
    this.featureAxes = options.featureAxes ?? -1;
  }

  /**
   * Applies the layer to `x` [..., features].
   *
   * @throws {ShapeError} where `x` does not have the axes, or other features.
   */
  call(x: NDArray, options: NormCallOptions = {}): NDArray {
    checkCall("rmsNorm.call(x, options)", arguments, callOptions);
    const op = "nnx.RMSNorm";
    const features = featuresIn(op, x, this.featureAxes, this);
    const reduced = axesOf(op, x, this.reductionAxes);
    const used = meanSquares(x, reduced, statisticsOf(this, options));
    return normalizedBy(this, x, used, reduced, features);
  }
}
