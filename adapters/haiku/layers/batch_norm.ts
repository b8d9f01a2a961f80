/**
 * Normalisation over the batch.
 *
 * @module
 */
import {
  type AxisName,
  checkCall,
  describeValue,
  type OptionTable,
  pmean,
} from "../../../lib/extend.ts";
import { type NDArray, StateError } from "../../../mod.ts";
import { checkDecay, ExponentialMovingAverage } from "./averages.ts";
import { runningInit } from "../context.ts";
import { Module } from "../module.ts";
import {
  absolute,
  type AffineOptions,
  affineOptions,
  affines,
  channelAxis,
  checkFormat,
  checkNorm,
  type DataFormat,
  input,
  normalized,
  type NormOptions,
  normOptions,
} from "./normalization.ts";

/** Options of `BatchNorm`. */
export interface BatchNormOptions extends NormOptions {
  /** The axes that statistics are taken over; all but that of the channels where left out. */
  readonly axis?: readonly number[] | undefined;
  /** Where the channels are (default `"channelsLast"`). */
  readonly dataFormat?: DataFormat | undefined;
  /** The name of an axis of a `vmap` around, or several, over whose lanes statistics are taken too. */
  readonly crossReplicaAxis?: AxisName | undefined;
}

const batchNormOptions: OptionTable<BatchNormOptions> = {
  axis: "axes",
  dataFormat: "string",
  crossReplicaAxis: "names",
  ...normOptions,
};

/** Options of a call of `BatchNorm`. */
export interface BatchNormCallOptions extends AffineOptions {
  /** Whether to use the batch's own statistics when not training (default false). */
  readonly testLocalStats?: boolean | undefined;
}

/**
 * Normalises by the statistics of the batch while training, and by their moving averages otherwise. These
 * are state, in `"batch_norm/~/mean_ema"` and `"batch_norm/~/var_ema"`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState((x: NDArray, isTraining: boolean) =>
 *   new hk.BatchNorm(0.9).call(x, isTraining)
 * );
 * const x = np.array([[1, 2], [3, 6]]);
 * const [params, state] = model.init(null, x, true);
 * const [y, next] = model.apply(params, state, null, x, true);
 * console.log(np.round(y).toArray()); // [ [ -1, -1 ], [ 1, 1 ] ]
 * console.log(next["batch_norm/~/mean_ema"]!.average!.toArray()); // [ [ 2, 4 ] ]
 * ```
 */
export class BatchNorm extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "batch_norm";
  /** The moving average of means. */
  readonly meanEma: ExponentialMovingAverage;
  /** The moving average of variances. */
  readonly varEma: ExponentialMovingAverage;

  /**
   * `decayRate` is how much of the running statistics stays at a step.
   *
   * @throws {RangeError} where it is not in [0, 1].
   * @throws {StateError} where what there is not is to be initialised; outside of a transformed function,
   * and inside a pure transform.
   */
  constructor(readonly decayRate: number, readonly options: BatchNormOptions = {}) {
    checkCall("new hk.BatchNorm(decayRate, options)", arguments, batchNormOptions);
    super(options.name);
    checkDecay("hk.BatchNorm", decayRate);
    checkNorm("hk.BatchNorm", options);
    checkFormat("hk.BatchNorm", options.dataFormat);
    [this.meanEma, this.varEma] = this.submodules(() =>
      ["mean_ema", "var_ema"].map((name) => new ExponentialMovingAverage(decayRate, { name })) as [
        ExponentialMovingAverage,
        ExponentialMovingAverage,
      ]
    );
  }

  /**
   * Normalises `x`, and takes the batch's statistics in where `isTraining` is true.
   *
   * @throws {StateError} where a scale or offset is given and the module has one; where `isTraining` is not
   * a bool.
   */
  call(x: NDArray, isTraining: boolean, options: BatchNormCallOptions = {}): NDArray {
    checkCall("batchNorm.call(x, isTraining, options)", arguments, {
      testLocalStats: "boolean",
      ...affineOptions,
    });
    const op = "hk.BatchNorm";
    if (typeof isTraining !== "boolean") {
      throw new StateError(
        `${op}: isTraining must be true or false, not ${
          describeValue(isTraining)
        }: it decides what is computed. Write norm.call(x, true), and staticArgnums where a jit has it as an ` +
          "argument",
      );
    }
    const { eps = 1e-5, axis, dataFormat } = this.options;
    const array = input(op, x);
    const channel = channelAxis(op, array, dataFormat);
    const axes = axis === undefined
      ? array.shape.map((_, i) => i).filter((i) => i !== channel)
      : absolute(op, axis, array);
    const shape = array.shape.map((n, i) => axes.includes(i) ? 1 : n);
    const [mean, variance] = this.#statistics(
      array,
      isTraining || options.testLocalStats === true,
      {
        axes,
        shape,
      },
    );
    if (isTraining) {
      this.meanEma.call(mean);
      this.varEma.call(variance);
    }
    return normalized(array, mean, variance, eps, affines(op, array, shape, this.options, options));
  }

  #statistics(
    x: NDArray,
    isLocal: boolean,
    { axes, shape }: { readonly axes: number[]; readonly shape: number[] },
  ): [mean: NDArray, variance: NDArray] {
    if (isLocal) {
      const { crossReplicaAxis } = this.options;
      const meanOf = (y: NDArray): NDArray => {
        const own = y.mean(axes, { keepDims: true });
        // Initialisation is of one lane, for all.
        return crossReplicaAxis === undefined || runningInit() ? own : pmean(own, crossReplicaAxis);
      };
      const mean = meanOf(x);
      return [mean, meanOf(x.square()).sub(mean.square())];
    }
    if (runningInit()) {
      for (const ema of [this.meanEma, this.varEma]) ema.initialize(shape, x.dtype);
    }
    return [this.meanEma.average.astype(x.dtype), this.varEma.average.astype(x.dtype)];
  }
}
