/**
 * Normalisation: `BatchNorm`, whose statistics are state, `LayerNorm`, `RMSNorm` and `GroupNorm`.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import { Module } from "./graph.ts";
import { type Initializer, ones, zeros } from "./initializers.ts";
import { checkFeatures, checkRngs, checkSize, type LayerOptions } from "./layers.ts";
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
}

const normOptions: OptionTable<NormOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  epsilon: "number",
  useScale: "boolean",
  useBias: "boolean",
  scaleInit: "function",
  biasInit: "function",
};

/** Mean and variance over some axes, which are kept. */
function statistics(x: NDArray, axes: number[]): [mean: NDArray, variance: NDArray] {
  const mean = x.mean(axes, { keepDims: true });
  // By the mean of squares, as the original; rounding may make it negative.
  const variance = np.maximum(0, x.square().mean(axes, { keepDims: true }).sub(mean.square()));
  return [mean, variance];
}

function normalized(
  x: NDArray,
  mean: NDArray | null,
  variance: NDArray,
  epsilon: number,
  scale: Param | null,
  bias: Param | null,
): NDArray {
  const factor = np.rsqrt(variance.add(epsilon));
  const y = (mean === null ? x : x.sub(mean)).mul(
    scale === null ? factor : factor.mul(scale.value),
  );
  return bias === null ? y : y.add(bias.value);
}

/** Factors and terms, each drawing a key, as in the original. */
function affine(
  { rngs, paramDtype = "float32", useScale = true, useBias = true, ...inits }: NormOptions,
  features: number,
): [scale: Param | null, bias: Param | null] {
  const { scaleInit = ones, biasInit = zeros } = inits;
  const scale = useScale ? new Param(scaleInit(rngs.next("params"), [features], paramDtype)) : null;
  const bias = useBias ? new Param(biasInit(rngs.next("params"), [features], paramDtype)) : null;
  return [scale, bias];
}

/** Options of `BatchNorm`. */
export interface BatchNormOptions extends NormOptions {
  /** How much of the running statistics stays at each step (default 0.99). */
  readonly momentum?: number | undefined;
  /** Whether to use the running statistics (default false): what `train` and `eval` set. */
  readonly useRunningAverage?: boolean | undefined;
}

const batchNormOptions: OptionTable<BatchNormOptions> = {
  ...normOptions,
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
export class BatchNorm extends Module {
  /** The running mean, [features]. */
  readonly mean: BatchStat;
  /** The running variance, [features]. */
  readonly var: BatchStat;
  /** Factors, [features]; `null` without. */
  readonly scale: Param | null;
  /** Terms, [features]; `null` without. */
  readonly bias: Param | null;
  /** How much of the running statistics stays. */
  readonly momentum: number;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Whether to use the running statistics. */
  useRunningAverage: boolean;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(readonly numFeatures: number, options: BatchNormOptions) {
    checkCall("new nnx.BatchNorm(numFeatures, options)", arguments, batchNormOptions);
    super();
    checkSize("nnx.BatchNorm", "the number of features", numFeatures);
    checkRngs("nnx.BatchNorm", options);
    const { momentum = 0.99, epsilon = 1e-5, useRunningAverage = false } = options;
    this.mean = new BatchStat(np.zeros([numFeatures]));
    this.var = new BatchStat(np.ones([numFeatures]));
    [this.scale, this.bias] = affine(options, numFeatures);
    this.momentum = momentum;
    this.epsilon = epsilon;
    this.useRunningAverage = useRunningAverage;
  }

  /** Applies the layer to `x` [..., features]. */
  call(
    x: NDArray,
    { useRunningAverage = this.useRunningAverage }: {
      /** In place of the layer's own. */
      readonly useRunningAverage?: boolean | undefined;
    } = {},
  ): NDArray {
    checkFeatures("nnx.BatchNorm", x, this.numFeatures);
    const { epsilon, scale, bias, momentum } = this;
    if (useRunningAverage) {
      return normalized(x, this.mean.value, this.var.value, epsilon, scale, bias);
    }
    const axes = Array.from({ length: x.ndim - 1 }, (_, d) => d);
    const [mean, variance] = statistics(x, axes);
    const running = (before: NDArray, now: NDArray): NDArray =>
      before.mul(momentum).add(now.reshape([this.numFeatures]).mul(1 - momentum));
    this.mean.value = running(this.mean.value, mean);
    this.var.value = running(this.var.value, variance);
    return normalized(x, mean, variance, epsilon, scale, bias);
  }
}

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
export class LayerNorm extends Module {
  /** Factors, [features]; `null` without. */
  readonly scale: Param | null;
  /** Terms, [features]; `null` without. */
  readonly bias: Param | null;
  /** Added to the variance. */
  readonly epsilon: number;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(readonly numFeatures: number, options: NormOptions) {
    checkCall("new nnx.LayerNorm(numFeatures, options)", arguments, normOptions);
    super();
    checkSize("nnx.LayerNorm", "the number of features", numFeatures);
    checkRngs("nnx.LayerNorm", options);
    [this.scale, this.bias] = affine(options, numFeatures);
    this.epsilon = options.epsilon ?? 1e-6;
  }

  /** Applies the layer to `x` [..., features]. */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.LayerNorm", x, this.numFeatures);
    const [mean, variance] = statistics(x, [x.ndim - 1]);
    return normalized(x, mean, variance, this.epsilon, this.scale, this.bias);
  }
}

/** Options of `RMSNorm`. */
export type RMSNormOptions = Omit<NormOptions, "useBias" | "biasInit">;

const { useBias: _, biasInit: __, ...rmsNormOptions } = normOptions;

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
export class RMSNorm extends Module {
  /** Factors, [features]; `null` without. */
  readonly scale: Param | null;
  /** Added to the mean square. */
  readonly epsilon: number;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(readonly numFeatures: number, options: RMSNormOptions) {
    checkCall("new nnx.RMSNorm(numFeatures, options)", arguments, rmsNormOptions);
    super();
    checkSize("nnx.RMSNorm", "the number of features", numFeatures);
    checkRngs("nnx.RMSNorm", options);
    [this.scale] = affine({ ...options, useBias: false }, numFeatures);
    this.epsilon = options.epsilon ?? 1e-6;
  }

  /** Applies the layer to `x` [..., features]. */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.RMSNorm", x, this.numFeatures);
    const square = x.square().mean([x.ndim - 1], { keepDims: true });
    return normalized(x, null, square, this.epsilon, this.scale, null);
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormOptions extends NormOptions {
  /** Number of groups (default 32, or what `groupSize` says). */
  readonly numGroups?: number | undefined;
  /** Features of a group, in place of `numGroups`. */
  readonly groupSize?: number | undefined;
}

const groupNormOptions: OptionTable<GroupNormOptions> = {
  ...normOptions,
  numGroups: "count",
  groupSize: "count",
};

/**
 * Makes mean 0 and variance 1 of groups of features, over all axes but the first, then scales and shifts
 * each feature.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.GroupNorm(4, { numGroups: 2, rngs: new nnx.Rngs(0) });
 * const y = layer.call(np.array([[1, 3, 10, 30]]));
 * console.log(np.round(y, 2).toArray()); // [ [ -1, 1, -1, 1 ] ]
 * ```
 */
export class GroupNorm extends Module {
  /** Factors, [features]; `null` without. */
  readonly scale: Param | null;
  /** Terms, [features]; `null` without. */
  readonly bias: Param | null;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Number of groups. */
  readonly numGroups: number;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the features cannot be divided among the groups.
   */
  constructor(readonly numFeatures: number, options: GroupNormOptions) {
    checkCall("new nnx.GroupNorm(numFeatures, options)", arguments, groupNormOptions);
    super();
    checkSize("nnx.GroupNorm", "the number of features", numFeatures);
    checkRngs("nnx.GroupNorm", options);
    const { numGroups, groupSize } = options;
    if (numGroups !== undefined && groupSize !== undefined) {
      throw new ShapeError("nnx.GroupNorm: give numGroups or groupSize, not both");
    }
    const size = groupSize ?? numFeatures / (numGroups ?? 32);
    this.numGroups = numFeatures / size;
    if (!Number.isInteger(size) || !Number.isInteger(this.numGroups)) {
      throw new ShapeError(
        `nnx.GroupNorm: ${numFeatures} features cannot be divided into groups: ${
          groupSize === undefined ? `${numGroups ?? 32} groups` : `groups of ${groupSize}`
        }`,
      );
    }
    [this.scale, this.bias] = affine(options, numFeatures);
    this.epsilon = options.epsilon ?? 1e-6;
  }

  /** Applies the layer to `x` [batch, ..., features]. */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.GroupNorm", x, this.numFeatures);
    const { numGroups, numFeatures } = this;
    const grouped = x.reshape([...x.shape.slice(0, -1), numGroups, numFeatures / numGroups]);
    const axes = Array.from({ length: grouped.ndim }, (_, d) => d)
      .filter((d) => d === grouped.ndim - 1 || (d > 0 && d < grouped.ndim - 2));
    const [mean, variance] = statistics(grouped, axes);
    const y = normalized(grouped, mean, variance, this.epsilon, null, null).reshape(x.shape);
    const scaled = this.scale === null ? y : y.mul(this.scale.value);
    return this.bias === null ? scaled : scaled.add(this.bias.value);
  }
}

/**
 * Makes mean 0 and variance 1 of each feature of each example, over the axes between the first and the last,
 * then scales and shifts.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.InstanceNorm(2, { rngs: new nnx.Rngs(0) });
 * const y = layer.call(np.array([[[1, 10], [3, 30]]]));
 * console.log(np.round(y, 2).toArray()); // [ [ [ -1, -1 ], [ 1, 1 ] ] ]
 * ```
 */
export class InstanceNorm extends Module {
  /** Factors, [features]; `null` without. */
  readonly scale: Param | null;
  /** Terms, [features]; `null` without. */
  readonly bias: Param | null;
  /** Added to the variance. */
  readonly epsilon: number;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(readonly numFeatures: number, options: NormOptions) {
    checkCall("new nnx.InstanceNorm(numFeatures, options)", arguments, normOptions);
    super();
    checkSize("nnx.InstanceNorm", "the number of features", numFeatures);
    checkRngs("nnx.InstanceNorm", options);
    [this.scale, this.bias] = affine(options, numFeatures);
    this.epsilon = options.epsilon ?? 1e-6;
  }

  /** Applies the layer to `x` [batch, ..., features]. */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.InstanceNorm", x, this.numFeatures);
    const axes = Array.from({ length: Math.max(0, x.ndim - 2) }, (_, d) => d + 1);
    const [mean, variance] = statistics(x, axes);
    return normalized(x, mean, variance, this.epsilon, this.scale, this.bias);
  }
}
