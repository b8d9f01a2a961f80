/**
 * Further normalisation layers: by root mean square, by groups of channels, by channel.
 *
 * @module
 */
import { checkCall, formatShape, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import { Module } from "./module.ts";
import {
  axesOf,
  normalized,
  type NormCall,
  type NormOptions,
  normOptions,
  statistics,
} from "./normalization.ts";

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
    const [mean] = statistics(x.square(), reduced, false, mask);
    const used = [np.zerosLike(mean), mean] as const;
    const options = { ...this.options, epsilon, useBias: false };
    return normalized(this, x, used, reduced, features, options);
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
    const op = "flax.GroupNorm";
    const last = x.ndim - 1;
    const reduced = axesOf(op, x, reductionAxes ?? [...x.shape.keys()].slice(1, -1).concat(last));
    if (reduced.at(-1) !== last) {
      throw new ShapeError(
        `${op}: reductionAxes must have the last axis, ${last}, which is that of channels, not only ${
          reduced.join(", ")
        }`,
      );
    }
    const channels = x.shape[last]!;
    const { groupSize, numGroups = 32 } = this.options;
    const groups = groupSize === undefined ? numGroups! : channels / groupSize;
    const size = channels / groups;
    if (!(Number.isInteger(groups) && Number.isInteger(size) && groups > 0)) {
      throw new ShapeError(
        `${op}: ${channels} channels of ${formatShape(x.shape)} do not make ${
          groupSize === undefined ? `${numGroups} groups` : `groups of ${groupSize}`
        }`,
      );
    }
    const grouped = (y: NDArray): NDArray => y.reshape([...y.shape.slice(0, -1), groups, size]);
    const chosen = mask === undefined ? undefined : grouped(np.broadcastTo(mask, x.shape));
    const others = reduced.slice(0, -1);
    const used = statistics(grouped(x), [...others, last + 1], useFastVariance, chosen)
      .map((y) => np.repeat(y, size, -1)) as [NDArray, NDArray];
    return normalized(this, x, used, others, [last], { ...this.options, epsilon });
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
    const features = axesOf("flax.InstanceNorm", x, featureAxes);
    if (features[0] === 0) {
      throw new ShapeError(
        `flax.InstanceNorm: the first axis of ${
          formatShape(x.shape)
        } is that of examples, not of channels`,
      );
    }
    const reduced = [...x.shape.keys()].filter((axis) => axis > 0 && !features.includes(axis));
    const used = statistics(x, reduced, useFastVariance, mask);
    return normalized(this, x, used, reduced, features, { ...this.options, epsilon });
  }
}
