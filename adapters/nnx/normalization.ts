/**
 * Normalisation: `BatchNorm`, whose statistics are state, and `LayerNorm`.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np } from "../../mod.ts";
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
  /** Initialiser of the factors (default `ones()`). */
  readonly scaleInit?: Initializer | undefined;
  /** Initialiser of the terms (default `zeros()`). */
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
  mean: NDArray,
  variance: NDArray,
  epsilon: number,
  scale: Param | null,
  bias: Param | null,
): NDArray {
  const factor = np.rsqrt(variance.add(epsilon));
  const y = x.sub(mean).mul(scale === null ? factor : factor.mul(scale.value));
  return bias === null ? y : y.add(bias.value);
}

/** Factors and terms, each drawing a key, as in the original. */
function affine(
  { rngs, paramDtype = "float32", useScale = true, useBias = true, ...inits }: NormOptions,
  features: number,
): [scale: Param | null, bias: Param | null] {
  const { scaleInit = ones(), biasInit = zeros() } = inits;
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
