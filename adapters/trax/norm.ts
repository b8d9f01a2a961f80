/**
 * Normalisation.
 *
 * @module
 */
import { checkCall, formatShape, type OptionTable } from "../../lib/extend.ts";
import { AxisError, type NDArray, numpy as np, type ShapeDtype, StateError } from "../../mod.ts";
import { type Mode, weightsOf } from "./core.ts";
import { Layer } from "./layer.ts";

/** Options of `BatchNorm`. */
export interface BatchNormOptions {
  /** The axes over which is averaged (default 0, 1 and 2: of a batch of images). */
  readonly axis?: readonly number[] | number | undefined;
  /** What is added to the variance (default 1e-5). */
  readonly epsilon?: number | undefined;
  /** Whether a parameter is added (default true). */
  readonly center?: boolean | undefined;
  /** Whether the result is scaled by a parameter (default true). */
  readonly scale?: boolean | undefined;
  /** How much of the running statistics is kept (default 0.999). */
  readonly momentum?: number | undefined;
  /** In `"train"` (the default) the batch's own statistics are used, else the running ones. */
  readonly mode?: Mode | undefined;
}

const batchNormOptions: OptionTable<BatchNormOptions> = {
  axis: "axes",
  mode: "string",
  epsilon: "number",
  momentum: "number",
  center: "boolean",
  scale: "boolean",
};

class BatchNormLayer extends Layer<NDArray, NDArray> {
  readonly axes: readonly number[];

  constructor(readonly options: BatchNormOptions) {
    super({ name: "BatchNorm" });
    const { axis = [0, 1, 2] } = options;
    this.axes = typeof axis === "number" ? [axis] : axis;
  }

  /** The axes counted from the front. */
  #over(shape: readonly number[]): number[] {
    return this.axes.map((axis) => {
      const own = axis < 0 ? axis + shape.length : axis;
      if (own >= 0 && own < shape.length) return own;
      throw new AxisError(
        `tl.BatchNorm: averages are over the axes ${this.axes.join(", ")}, but x is ${
          formatShape(shape)
        }. By default they are those of a batch of images; for rows write tl.BatchNorm({ axis: 0 })`,
      );
    });
  }

  #stays(shape: readonly number[]): number[] {
    const over = this.#over(shape);
    return shape.map((n, i) => over.includes(i) ? 1 : n);
  }

  override initWeightsAndState(x: ShapeDtype): void {
    const { center = true, scale = true } = this.options;
    const over = this.#over(x.shape as readonly number[]);
    const own = x.shape.filter((_, i) => !over.includes(i));
    this.weights = [center ? np.zeros(own) : [], scale ? np.ones(own) : []];
    const shape = this.#stays(x.shape);
    this.state = [np.zeros(shape), np.ones(shape), np.array(0, { dtype: "int32" })];
  }

  override forward(x: NDArray): NDArray {
    const { epsilon = 1e-5, momentum = 0.999, mode = "train" } = this.options;
    const [beta, gamma] = weightsOf<NDArray | readonly []>(this, "beta", "gamma");
    const state = this.state as readonly NDArray[];
    if (state.length === 0) {
      throw new StateError(`${this.name} has no state yet. Call init on the model before`);
    }
    let [mean, variance, n] = state as [NDArray, NDArray, NDArray];
    if (mode === "train") {
      const [oldMean, oldVariance] = [mean, variance];
      mean = x.mean(this.axes, { keepDims: true });
      variance = x.square().mean(this.axes, { keepDims: true }).sub(mean.square());
      const moved = (old: NDArray, now: NDArray): NDArray =>
        old.mul(momentum).add(now.mul(1 - momentum)).astype(old.dtype);
      n = n.add(1);
      this.state = [moved(oldMean, mean), moved(oldVariance, variance), n];
    }
    let out = x.sub(mean).div(variance.add(epsilon).sqrt());
    const shape = this.#stays(x.shape);
    if (!Array.isArray(gamma)) out = (gamma as NDArray).reshape(shape).mul(out);
    if (!Array.isArray(beta)) out = out.add((beta as NDArray).reshape(shape));
    return out;
  }
}

/**
 * Takes the mean off and divides by the standard deviation over some axes. Weights `[beta, gamma]`, which are
 * added and multiplied by; state `[mean, variance, number of batches]`, as they run.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const x = np.array([[1], [3]]);
 * const layer = tl.BatchNorm({ axis: 0, momentum: 0.5 });
 * layer.init(tl.signature(x));
 * layer.call(x);
 * console.log((layer.state as np.NDArray[])[0]!.item()); // 1: half of the way to 2
 * ```
 */
export function BatchNorm(options: BatchNormOptions = {}): Layer<NDArray, NDArray> {
  checkCall("tl.BatchNorm(options)", arguments, batchNormOptions);
  return new BatchNormLayer(options);
}

/** Options of `LayerNorm`. */
export interface LayerNormOptions {
  /** Whether the mean is taken off, and a parameter added (default true). */
  readonly center?: boolean | undefined;
  /** What is added to the variance (default 1e-6). */
  readonly epsilon?: number | undefined;
}

const layerNormOptions: OptionTable<LayerNormOptions> = { center: "boolean", epsilon: "number" };

class LayerNormLayer extends Layer<NDArray, NDArray> {
  constructor(readonly options: LayerNormOptions) {
    super({ name: "LayerNorm" });
  }

  override initWeightsAndState({ shape, dtype }: ShapeDtype): void {
    const features = [shape.at(-1) ?? 1];
    this.weights = [np.ones(features, { dtype }), np.zeros(features, { dtype })];
  }

  override forward(x: NDArray): NDArray {
    const { center = true, epsilon = 1e-6 } = this.options;
    const [scale, bias] = weightsOf(this, "scale", "bias");
    const centred = center ? x.sub(x.mean(-1, { keepDims: true })) : x;
    const variance = centred.square().mean(-1, { keepDims: true });
    const scaled = centred.div(variance.add(epsilon).sqrt()).mul(scale!);
    return center ? scaled.add(bias!) : scaled;
  }
}

/** Takes the mean off and divides by the standard deviation over the last axis. Weights `[scale, bias]`. */
export function LayerNorm(options: LayerNormOptions = {}): Layer<NDArray, NDArray> {
  checkCall("tl.LayerNorm(options)", arguments, layerNormOptions);
  return new LayerNormLayer(options);
}
