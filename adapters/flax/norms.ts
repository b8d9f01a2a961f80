/**
 * Further normalisation layers: by root mean square, by groups of channels, by channel.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, ShapeError } from "../../mod.ts";
import {
  axesOf,
  featuresOfExamples,
  groupStatistics,
  meanSquares,
  otherAxes,
  statistics,
} from "../normalization.ts";
import { Module } from "./module.ts";
import { normalizedBy, type NormCall, type NormOptions, normOptions } from "./normalization.ts";

/** Options of `RMSNorm`. */
export interface RMSNormOptions extends Omit<NormOptions, "useBias" | "biasInit"> {
  /** The axes over which squares are averaged (default -1). */
  readonly reductionAxes?: number | readonly number[] | undefined;
  /** The axes of the scale (default -1). */
  readonly featureAxes?: number | readonly number[] | undefined;
}

const { useBias: _useBias, biasInit: _biasInit, ...scaleOptions } = normOptions;
const rmsNormOptions: OptionTable<RMSNormOptions> = {
  ...scaleOptions,
  reductionAxes: "axes",
  featureAxes: "axes",
};

/**
 * Divides each example by the root of the mean of its squares. `epsilon` is 1e-6 by default.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const norm = new flax.RMSNorm();
 * const x = np.array([[3, -3], [0, 2]]);
 * const y = norm.apply(norm.init(random.key(0), x), x);
 * console.log(np.round(y.square()).toArray()); // [ [ 1, 1 ], [ 0, 2 ] ]
 * ```
 */
export class RMSNorm extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "RMSNorm";

  /** Makes the layer. */
  constructor(readonly options: RMSNormOptions = {}) {
    checkCall("new flax.RMSNorm(options)", arguments, rmsNormOptions);
    super(options.name);
  }

  /**
   * Normalises `x`; gives an array of the same shape.
   *
   * @throws {ShapeError} where `x` does not have the axes.
   */
  call(x: NDArray, { mask }: NormCall = {}): NDArray {
    const { reductionAxes = -1, featureAxes = -1, epsilon = 1e-6 } = this.options;
    const reduced = axesOf("flax.RMSNorm", x, reductionAxes);
    const features = axesOf("flax.RMSNorm", x, featureAxes);
    const used = meanSquares(x, reduced, { mask });
    const options = { ...this.options, epsilon, useBias: false };
    return normalizedBy(this, x, used, reduced, features, options);
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormOptions extends NormOptions {
  /** How many groups of channels there are (default 32); `null` where `groupSize` says it. */
  readonly numGroups?: number | null | undefined;
  /** How many channels a group has, with `numGroups: null`. */
  readonly groupSize?: number | undefined;
  /** The axes over which the statistics are taken, the last among them (default: all but the first). */
  readonly reductionAxes?: number | readonly number[] | undefined;
}

const groupNormOptions: OptionTable<GroupNormOptions> = {
  ...normOptions,
  numGroups: "object",
  groupSize: "count",
  reductionAxes: "axes",
};

/**
 * Normalises groups of channels of each example by themselves; channels are the last axis. `epsilon` is
 * 1e-6 by default.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const norm = new flax.GroupNorm({ numGroups: 2 });
 * const x = np.array([[1, 3, 10, 30]]);
 * const y = norm.apply(norm.init(random.key(0), x), x);
 * console.log(np.round(y).toArray()); // [ [ -1, 1, -1, 1 ] ]
 * ```
 */
export class GroupNorm extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "GroupNorm";

  /**
   * Makes the layer.
   *
   * @throws {ShapeError} where it is given both the number of groups and their size, or neither.
   */
  constructor(readonly options: GroupNormOptions = {}) {
    checkCall("new flax.GroupNorm(options)", arguments, groupNormOptions);
    super(options.name);
    const { numGroups = 32, groupSize } = options;
    if ((numGroups === null) === (groupSize !== undefined)) return;
    throw new ShapeError(
      "new flax.GroupNorm: give the number of groups, { numGroups: 8 }, or their size, " +
        `{ numGroups: null, groupSize: 4 }, not ${numGroups === null ? "neither" : "both"}`,
    );
  }

  /**
   * Normalises `x`; gives an array of the same shape.
   *
   * @throws {ShapeError} where channels do not make whole groups; where `x` does not have the axes, or the
   * last is not among them.
   */
  call(x: NDArray, { mask }: NormCall = {}): NDArray {
    const { epsilon = 1e-6, useFastVariance = true, reductionAxes } = this.options;
    const { groupSize, numGroups } = this.options;
    const [used, reduced] = groupStatistics(
      "flax.GroupNorm",
      x,
      { groupSize, numGroups: numGroups ?? 32 },
      reductionAxes,
      { fast: useFastVariance, mask },
    );
    const features = [x.ndim - 1];
    return normalizedBy(this, x, used, reduced, features, { ...this.options, epsilon });
  }
}

/** Options of `InstanceNorm`. */
export interface InstanceNormOptions extends NormOptions {
  /** The axes of channels (default -1): over all others but the first the statistics are taken. */
  readonly featureAxes?: number | readonly number[] | undefined;
}

const instanceNormOptions: OptionTable<InstanceNormOptions> = {
  ...normOptions,
  featureAxes: "axes",
};

/**
 * Normalises each channel of each example by itself. `epsilon` is 1e-6 by default.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const norm = new flax.InstanceNorm();
 * const x = np.array([[[1, 10], [3, 30]]]);
 * const y = norm.apply(norm.init(random.key(0), x), x);
 * console.log(np.round(y).toArray()); // [ [ [ -1, -1 ], [ 1, 1 ] ] ]
 * ```
 */
export class InstanceNorm extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "InstanceNorm";

  /** Makes the layer. */
  constructor(readonly options: InstanceNormOptions = {}) {
    checkCall("new flax.InstanceNorm(options)", arguments, instanceNormOptions);
    super(options.name);
  }

  /**
   * Normalises `x`; gives an array of the same shape.
   *
   * @throws {ShapeError} where `x` does not have the axes, or the first is one of channels.
   */
  call(x: NDArray, { mask }: NormCall = {}): NDArray {
    const { featureAxes = -1, epsilon = 1e-6, useFastVariance = true } = this.options;
    const features = featuresOfExamples("flax.InstanceNorm", x, featureAxes);
    const reduced = otherAxes(x, [0, ...features]);
    const used = statistics(x, reduced, { fast: useFastVariance, mask });
    return normalizedBy(this, x, used, reduced, features, { ...this.options, epsilon });
  }
}
