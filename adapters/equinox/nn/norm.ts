/**
 * Normalisation.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  formatShape,
  type OptionTable,
  sameShape,
} from "../../../lib/extend.ts";
import { type DType, type NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import { Module } from "../module.ts";
import { type State, StateIndex } from "../state.ts";
import type { CallOptions } from "./linear.ts";
import { checkSize } from "./parameters.ts";
import { StatefulLayer } from "./sequential.ts";

/** Options of `LayerNorm` and `RMSNorm`. */
export interface NormOptions {
  /** What is added to the variance (default 1e-5). */
  readonly eps?: number | undefined;
  /** Whether the result is scaled by a parameter (default true). */
  readonly useWeight?: boolean | undefined;
  /** Whether a parameter is added (default true). */
  readonly useBias?: boolean | undefined;
  /** Element type of the parameters (default float32). */
  readonly dtype?: DType | undefined;
}

const normOptions: OptionTable<NormOptions> = {
  eps: "number",
  useWeight: "boolean",
  useBias: "boolean",
  dtype: "dtype",
};

/** What normalises over the whole of its input. */
abstract class Norm extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["shape", "eps"];
  /** Shape of the input. */
  readonly shape: readonly number[];
  /** What is added to the variance. */
  readonly eps: number;
  /** The scale, of the shape of the input; `null` without. */
  readonly weight: NDArray | null;
  /** What is added, of the shape of the input; `null` without. */
  readonly bias: NDArray | null;

  constructor(shape: number | readonly number[], options: NormOptions) {
    super();
    this.shape = typeof shape === "number" ? [shape] : [...shape];
    const { eps = 1e-5, useWeight = true, useBias = true, dtype = "float32" } = options;
    this.eps = eps;
    this.weight = useWeight ? np.ones(this.shape, { dtype }) : null;
    this.bias = useBias ? np.zeros(this.shape, { dtype }) : null;
  }

  protected finish(x: NDArray): NDArray {
    const scaled = this.weight === null ? x : x.mul(this.weight);
    return this.bias === null ? scaled : scaled.add(this.bias);
  }

  protected check(op: string, x: NDArray): void {
    if (sameShape(x.shape, this.shape)) return;
    throw new ShapeError(
      `${op}: the input is ${formatAval(x.aval)}, but the layer was made for shape ${
        formatShape(this.shape)
      }. For a batch, map it: eqx.filterVmap((x) => layer.call(x))(xs)`,
    );
  }
}

/**
 * Takes the mean off and divides by the standard deviation, over all of the input. Then
 * `weight x + bias`, with parameters of the shape of the input.
 */
export class LayerNorm extends Norm {
  /** `shape` is that of the input. */
  constructor(shape: number | readonly number[], options: NormOptions = {}) {
    checkCall("new eqx.nn.LayerNorm(shape, options)", arguments, normOptions);
    super(shape, options);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has another shape than the layer was made for.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    this.check("eqx.nn.LayerNorm", x);
    const centred = x.sub(x.mean());
    return this.finish(centred.div(centred.square().mean().add(this.eps).sqrt()));
  }
}

/** Options of `GroupNorm`. */
export interface GroupNormOptions {
  /** What is added to the variance (default 1e-5). */
  readonly eps?: number | undefined;
  /** Whether each channel is scaled and shifted by parameters (default true). */
  readonly channelwiseAffine?: boolean | undefined;
  /** Element type of the parameters (default float32). */
  readonly dtype?: DType | undefined;
}

const groupNormOptions: OptionTable<GroupNormOptions> = {
  eps: "number",
  channelwiseAffine: "boolean",
  dtype: "dtype",
};

/**
 * Takes the mean off and divides by the standard deviation, over groups of channels of `[channels, ...]`.
 * Then `weight x + bias`, with a parameter for each channel.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const norm = new eqx.nn.GroupNorm(2, 4);
 * console.log(np.round(norm.call(np.array([1, 3, 10, 30]))).toArray()); // [ -1, 1, -1, 1 ]
 * ```
 */
export class GroupNorm extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["groups", "channels", "eps"];
  /** What is added to the variance. */
  readonly eps: number;
  /** The scale, [channels]; `null` without. */
  readonly weight: NDArray | null;
  /** What is added, [channels]; `null` without. */
  readonly bias: NDArray | null;

  /**
   * `groups` of `channels`; these may be `null` without parameters.
   *
   * @throws {ShapeError} where the channels do not make the groups, or must be given.
   */
  constructor(
    readonly groups: number,
    readonly channels: number | null = null,
    options: GroupNormOptions = {},
  ) {
    const op = "eqx.nn.GroupNorm";
    checkCall(`new ${op}(groups, channels, options)`, arguments, groupNormOptions);
    super();
    checkSize(op, "groups", groups);
    const { eps = 1e-5, channelwiseAffine = true, dtype = "float32" } = options;
    if (channels !== null) checkSize(op, "channels", channels);
    if (channels === null && channelwiseAffine) {
      throw new ShapeError(
        `${op}: the parameters need the number of channels. Write new ${op}(${groups}, channels), or ` +
          "{ channelwiseAffine: false }",
      );
    }
    if (channels !== null) checkGroups(op, groups, channels);
    this.eps = eps;
    this.weight = channelwiseAffine ? np.ones([channels!], { dtype }) : null;
    this.bias = channelwiseAffine ? np.zeros([channels!], { dtype }) : null;
  }

  /**
   * Applies the layer to `x` [channels, ...].
   *
   * @throws {ShapeError} where `x` has other channels than the layer was made for.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    const op = "eqx.nn.GroupNorm";
    const count = x.shape[0];
    if (count === undefined || (this.channels !== null && count !== this.channels)) {
      throw new ShapeError(
        `${op}: the input is ${formatAval(x.aval)}, but must be [${
          this.channels ?? "channels"
        }, ...]. For ` +
          "a batch, map it: eqx.filterVmap((x) => layer.call(x))(xs)",
      );
    }
    checkGroups(op, this.groups, count);
    const y = x.reshape([this.groups, -1]);
    const centred = y.sub(y.mean(1, { keepDims: true }));
    const variance = centred.square().mean(1, { keepDims: true });
    const out = centred.mul(np.rsqrt(variance.add(this.eps))).reshape(x.shape);
    const inPlace = x.shape.map((_, axis) => axis === 0 ? count : 1);
    return this.weight === null || this.bias === null
      ? out
      : out.mul(this.weight.reshape(inPlace)).add(this.bias.reshape(inPlace));
  }
}

/** Checks that channels fall into groups. */
function checkGroups(op: string, groups: number, channels: number): void {
  if (channels % groups === 0) return;
  throw new ShapeError(`${op}: ${channels} channels do not make ${groups} groups`);
}

/** Divides by the root of the mean square, over all of the input. Then `weight x + bias`. */
export class RMSNorm extends Norm {
  /** `shape` is that of the input. */
  constructor(shape: number | readonly number[], options: NormOptions = {}) {
    checkCall("new eqx.nn.RMSNorm(shape, options)", arguments, normOptions);
    super(shape, options);
  }

  /**
   * Applies the layer.
   *
   * @throws {ShapeError} where `x` has another shape than the layer was made for.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    this.check("eqx.nn.RMSNorm", x);
    return this.finish(x.div(x.square().mean().add(this.eps).sqrt()));
  }
}

/** Options of `BatchNorm`. */
export interface BatchNormOptions {
  /**
   * `"batch"`: in training, what is normalised by is the batch's own statistics, and in inference their
   * running means. `"ema"`: the running means are used in training too.
   */
  readonly mode: "batch" | "ema";
  /** What is added to the variance (default 1e-5). */
  readonly eps?: number | undefined;
  /** How much of the running statistics is kept (default 0.99). */
  readonly momentum?: number | undefined;
  /** Whether channels have a scale and an offset (default true). */
  readonly channelwiseAffine?: boolean | undefined;
  /** Whether to use the running statistics alone, and leave them (default false). */
  readonly inference?: boolean | undefined;
  /** Element type of parameters and statistics (default float32). */
  readonly dtype?: DType | undefined;
}

const batchNormOptions: OptionTable<BatchNormOptions> = {
  mode: "string",
  eps: "number",
  momentum: "number",
  channelwiseAffine: "boolean",
  inference: "boolean",
  dtype: "dtype",
};

/**
 * Normalises each channel by mean and variance over the batch and all axes beyond the channels, which
 * are axis 1. Running statistics are in the state.
 *
 * The layer takes a whole batch, [batch, channels, ...], and is called outside of `vmap`, so that its
 * state need not leave the lanes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(1, { mode: "ema" });
 * const [y, after] = norm.call(np.array([[1], [3]]), state);
 * const still = eqx.nn.inferenceMode(norm);
 * console.log(still.call(np.array([[2]]), after)[0].item()); // 0
 * ```
 */
export class BatchNorm extends StatefulLayer {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = [
    ...["inputSize", "eps", "momentum", "mode"],
  ];
  /** The scale [channels]; `null` without. */
  readonly weight: NDArray | null;
  /** The offset [channels]; `null` without. */
  readonly bias: NDArray | null;
  /** Which statistics are used in training. */
  readonly mode: "batch" | "ema";
  /** What is added to the variance. */
  readonly eps: number;
  /** How much of the running statistics is kept. */
  readonly momentum: number;
  /** Whether to use the running statistics alone. */
  readonly inference: boolean;
  /** How many batches there were, int32; for `"ema"`, bool: whether there was none. */
  readonly counter: StateIndex<NDArray>;
  /** Mean and variance, as they run. */
  readonly hidden: StateIndex<[mean: NDArray, variance: NDArray]>;

  /**
   * `inputSize` is the number of channels.
   *
   * @throws {ShapeError} where it is not a positive integer.
   * @throws {RangeError} where the mode is neither of the two.
   */
  constructor(readonly inputSize: number, options: BatchNormOptions) {
    checkCall("new eqx.nn.BatchNorm(inputSize, options)", arguments, batchNormOptions);
    super();
    checkSize("eqx.nn.BatchNorm", "inputSize", inputSize);
    const { mode, eps = 1e-5, momentum = 0.99, channelwiseAffine = true } = options ?? {};
    if (mode !== "batch" && mode !== "ema") {
      throw new RangeError(
        `eqx.nn.BatchNorm: mode must be "batch" or "ema", not ${
          describeValue(mode)
        }. "batch" is what other libraries do`,
      );
    }
    const { inference = false, dtype = "float32" } = options;
    const shape = [inputSize];
    this.weight = channelwiseAffine ? np.ones(shape, { dtype }) : null;
    this.bias = channelwiseAffine ? np.zeros(shape, { dtype }) : null;
    this.mode = mode;
    this.eps = eps;
    this.momentum = momentum;
    this.inference = inference;
    this.counter = new StateIndex(
      mode === "ema" ? np.array(true) : np.array(0, { dtype: "int32" }),
    );
    this.hidden = new StateIndex([np.zeros(shape, { dtype }), np.ones(shape, { dtype })]);
  }

  /**
   * Normalises `x` [batch, channels, ...].
   *
   * @throws {ShapeError} where `x` has another number of channels.
   * @throws {StateError} where the state is old or another model's.
   */
  override call(x: NDArray, state: State, options: CallOptions = {}): [out: NDArray, state: State] {
    if (x.ndim < 2 || x.shape[1] !== this.inputSize) {
      throw new ShapeError(
        `eqx.nn.BatchNorm: the input must be [batch, ${this.inputSize}, ...], but it is ${
          formatAval(x.aval)
        }. The layer takes a whole batch: call it outside of vmap`,
      );
    }
    const { inference = this.inference } = options;
    const [mean, variance, next] = inference ? running(this, state) : training(this, x, state);
    const along = (v: NDArray): NDArray =>
      v.reshape([this.inputSize, ...x.shape.slice(2).map(() => 1)]);
    let out = x.sub(along(mean)).div(along(variance).add(this.eps).sqrt());
    if (this.weight !== null) out = out.mul(along(this.weight));
    if (this.bias !== null) out = out.add(along(this.bias));
    return [out, next];
  }
}

type Statistics = [mean: NDArray, variance: NDArray, state: State];

/** Mean and variance as they run, and the state as it is. */
function running({ mode, momentum, counter, hidden }: BatchNorm, state: State): Statistics {
  const [mean, variance] = state.get(hidden);
  if (mode === "ema") return [mean, variance, state];
  // They began at (0, 1): the share of that in them is taken out of the scale.
  const n = state.get(counter).astype(mean.dtype);
  const share = np.where(n.equal(0), 1, np.sub(1, np.power(momentum, n)));
  return [mean.div(share), variance.div(share), state];
}

/** Mean and variance to normalise a batch by, and the state after it. */
function training(norm: BatchNorm, x: NDArray, state: State): Statistics {
  const { mode, momentum, counter, hidden } = norm;
  const axes = x.shape.map((_, i) => i).filter((i) => i !== 1);
  const mean = x.mean(axes);
  const shape = [1, norm.inputSize, ...x.shape.slice(2).map(() => 1)];
  const variance = x.sub(mean.reshape(shape)).square().mean(axes);
  const [oldMean, oldVariance] = state.get(hidden);
  const moved = (old: NDArray, now: NDArray): NDArray =>
    old.mul(momentum).add(now.mul(1 - momentum));
  let [nextMean, nextVariance] = [moved(oldMean, mean), moved(oldVariance, variance)];
  const n = state.get(counter);
  if (mode === "batch") {
    const next = state.set(counter, n.add(1)).set(hidden, [nextMean, nextVariance]);
    return [mean, variance, next];
  }
  // The first batch stands for all that was before it.
  [nextMean, nextVariance] = [np.where(n, mean, nextMean), np.where(n, variance, nextVariance)];
  const next = state.set(counter, np.zerosLike(n)).set(hidden, [nextMean, nextVariance]);
  return [nextMean, nextVariance, next];
}
