/**
 * Further normalisation layers: by groups of features, and by each feature of an example.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, ShapeError } from "../../mod.ts";
import { featuresOfExamples, groupStatistics, otherAxes, statistics } from "../normalization.ts";
import {
  callOptions,
  featuresIn,
  Norm,
  normalizedBy,
  type NormCallOptions,
  type NormOptions,
  normOptions,
  statisticsOf,
} from "./normalization.ts";

/** Options of `GroupNorm`. */
export interface GroupNormOptions extends NormOptions {
  /** Number of groups (default 32, or what `groupSize` says). */
  readonly numGroups?: number | undefined;
  /** Features of a group, in place of `numGroups`. */
  readonly groupSize?: number | undefined;
  /** The axes over which the statistics are taken, the last among them (default: all but the first). */
  readonly reductionAxes?: number | readonly number[] | undefined;
}

const groupNormOptions: OptionTable<GroupNormOptions> = {
  ...normOptions,
  numGroups: "count",
  groupSize: "count",
  reductionAxes: "axes",
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
export class GroupNorm extends Norm {
  /** Number of groups. */
  readonly numGroups: number;
  /** The axes over which the statistics are taken; all but the first where there are none. */
  readonly reductionAxes: number | readonly number[] | undefined;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the features cannot be divided among the groups.
   */
  constructor(numFeatures: number, options: GroupNormOptions) {
    checkCall("new nnx.GroupNorm(numFeatures, options)", arguments, groupNormOptions);
    super("nnx.GroupNorm", numFeatures, options);
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
    this.reductionAxes = options.reductionAxes;
  }

  /**
   * Applies the layer to `x` [batch, ..., features].
   *
   * @throws {ShapeError} where `x` does not have the axes, or other features.
   */
  call(x: NDArray, options: NormCallOptions = {}): NDArray {
    checkCall("groupNorm.call(x, options)", arguments, callOptions);
    const op = "nnx.GroupNorm";
    const features = featuresIn(op, x, -1, this);
    const [used, reduced] = groupStatistics(
      op,
      x,
      this,
      this.reductionAxes,
      statisticsOf(this, options),
    );
    return normalizedBy(this, x, used, reduced, features);
  }
}

/** Options of `InstanceNorm`. */
export interface InstanceNormOptions extends NormOptions {
  /** The axes of features (default -1): over all others but the first the statistics are taken. */
  readonly featureAxes?: number | readonly number[] | undefined;
}

const instanceNormOptions: OptionTable<InstanceNormOptions> = {
  ...normOptions,
  featureAxes: "axes",
};

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
export class InstanceNorm extends Norm {
  /** The axes of features. */
  readonly featureAxes: number | readonly number[];

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where the number of features is not a positive integer.
   */
  constructor(numFeatures: number, options: InstanceNormOptions) {
    checkCall("new nnx.InstanceNorm(numFeatures, options)", arguments, instanceNormOptions);
    super("nnx.InstanceNorm", numFeatures, options);
    this.featureAxes = options.featureAxes ?? -1;
  }

  /**
   * Applies the layer to `x` [batch, ..., features].
   *
   * @throws {ShapeError} where `x` does not have the axes, or other features, or the first is one of them.
   */
  call(x: NDArray, options: NormCallOptions = {}): NDArray {
    checkCall("instanceNorm.call(x, options)", arguments, callOptions);
    const op = "nnx.InstanceNorm";
    const features = featuresOfExamples(op, x, featuresIn(op, x, this.featureAxes, this));
    const reduced = otherAxes(x, [0, ...features]);
    const used = statistics(x, reduced, statisticsOf(this, options));
    return normalizedBy(this, x, used, reduced, features);
  }
}
