/**
 * Normalisation layers.
 *
 * @module
 */
import { type AxisName, checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, numpy as np, StateError } from "../../mod.ts";
import { axesOf, normalized, otherAxes, statistics } from "../normalization.ts";
import { type Initializer, ones, zeros } from "./initializers.ts";
import { Module } from "./module.ts";

/** What normalisation layers have in common. */
export interface NormOptions {
  /** Added to the variance (default: as the layer says). */
  readonly epsilon?: number | undefined;
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
  /** Whether to multiply by a scale (default true). */
  readonly useScale?: boolean | undefined;
  /** Initialiser of `bias`; default `zeros`. */
  readonly biasInit?: Initializer | undefined;
  /** Initialiser of `scale`; default `ones`. */
  readonly scaleInit?: Initializer | undefined;
  /** Dtype of the result (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters (default float32). */
  readonly paramDtype?: DType | undefined;
  /**
   * Whether the variance is the mean of squares less the square of the mean, as in flax (default true), or
   * the mean of squared differences, which is more accurate.
   */
  readonly useFastVariance?: boolean | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

/** Kinds of these options. */
export const normOptions: OptionTable<NormOptions> = {
  name: "string",
  epsilon: "number",
  useBias: "boolean",
  useScale: "boolean",
  biasInit: "function",
  scaleInit: "function",
  dtype: "dtype",
  paramDtype: "dtype",
  useFastVariance: "boolean",
};

/** What is normalised, scaled and shifted by parameters of a module. */
export function normalizedBy(
  module: Module,
  x: NDArray,
  used: readonly [NDArray, NDArray],
  reduced: readonly number[],
  features: readonly number[],
  { useBias = true, useScale = true, ...options }: NormOptions & { readonly epsilon: number },
): NDArray {
  const { biasInit = zeros, scaleInit = ones, paramDtype = "float32", epsilon, dtype } = options;
  const lengths = features.map((axis) => x.shape[axis]!);
  const scale = useScale ? module.param("scale", scaleInit, lengths, paramDtype) : null;
  const bias = useBias ? module.param("bias", biasInit, lengths, paramDtype) : null;
  return normalized(x, used, reduced, features, { scale, bias, epsilon, dtype });
}

/** Options of calls of layers that normalise examples. */
export interface NormCall {
  /** Which elements count, with a shape that broadcasts to that of the input. */
  readonly mask?: NDArray | undefined;
}

/** Options of `BatchNorm`. */
export interface BatchNormOptions extends NormOptions {
  /** Whether to use the running statistics, and not those of the batch; here or in `call`. */
  readonly useRunningAverage?: boolean | undefined;
  /** The axes of features (default -1): over all others the statistics are taken. */
  readonly axis?: number | readonly number[] | undefined;
  /** How much of the running statistics stays in each step (default 0.99). */
  readonly momentum?: number | undefined;
  /** The name of an axis of a `vmap` around, or several, over whose lanes the statistics are taken too. */
  readonly axisName?: AxisName | undefined;
}

const batchNormOptions: OptionTable<BatchNormOptions> = {
  ...normOptions,
  useRunningAverage: "boolean",
  axis: "axes",
  momentum: "number",
  axisName: "names",
};

/** Options of `BatchNorm.call`. */
export interface BatchNormCall extends NormCall {
  /** Whether to use the running statistics, if the layer does not say. */
  readonly useRunningAverage?: boolean | undefined;
}

/**
 * Normalises with the statistics of the batch, of which `batch_stats` has running averages, `mean` and
 * `var`; they start at 0 and 1, and `init` does not change them. `epsilon` is 1e-5 by default.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const norm = new flax.BatchNorm({ momentum: 0.5 });
 * const x = np.array([[1, 2], [3, 6]]);
 * const variables = norm.init(random.key(0), x, { useRunningAverage: false });
 * const options = { mutable: ["batch_stats"] };
 * const [y, changed] = norm.apply(variables, x, { useRunningAverage: false }, options);
 * console.log(changed.batch_stats!.mean!.toArray()); // [ 1, 2 ]
 * console.log(y.mean(0).toArray()); // [ 0, 0 ]
 * ```
 */
export class BatchNorm extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "BatchNorm";

  /** Makes the layer. */
  constructor(readonly options: BatchNormOptions = {}) {
    checkCall("new flax.BatchNorm(options)", arguments, batchNormOptions);
    super(options.name);
  }

  /**
   * Normalises `x`; gives an array of the same shape.
   *
   * @throws {StateError} where nothing says which statistics to use, or `batch_stats` may not change.
   * @throws {ShapeError} where `x` does not have the axes of features.
   */
  call(x: NDArray, { useRunningAverage, mask }: BatchNormCall = {}): NDArray {
    const { axis = -1, momentum = 0.99, epsilon = 1e-5, useFastVariance = true } = this.options;
    const running = chosenOne(
      "flax.BatchNorm",
      "useRunningAverage",
      this.options.useRunningAverage,
      useRunningAverage,
    );
    const features = axesOf("flax.BatchNorm", x, axis);
    const reduced = otherAxes(x, features);
    const shape = features.map((i) => x.shape[i]!);
    const mean = this.variable("batch_stats", "mean", () => np.zeros(shape));
    const variance = this.variable("batch_stats", "var", () => np.ones(shape));
    let used: [NDArray, NDArray] = [mean.value, variance.value];
    if (!running) {
      // Initialisation is of one lane, for all.
      const axisName = this.isInitializing() ? undefined : this.options.axisName;
      used = statistics(x, reduced, { fast: useFastVariance, mask, axisName });
      if (!this.isInitializing()) {
        const after = (old: NDArray, now: NDArray): NDArray =>
          old.mul(momentum).add(now.mul(1 - momentum));
        mean.value = after(mean.value, used[0]);
        variance.value = after(variance.value, used[1]);
      }
    }
    return normalizedBy(this, x, used, reduced, features, { ...this.options, epsilon });
  }
}

/**
 * What a layer says, or its call.
 *
 * @throws {StateError} where neither or both say something.
 */
export function chosenOne(
  op: string,
  name: string,
  ofLayer: boolean | undefined,
  ofCall: boolean | undefined,
): boolean {
  const chosen = ofLayer ?? ofCall;
  if (typeof chosen === "boolean" && (ofLayer === undefined || ofCall === undefined)) return chosen;
  throw new StateError(
    chosen === undefined
      ? `${op}: say ${name} (true or false) where the layer is made, or where it is called`
      : typeof chosen === "boolean"
      ? `${op}: ${name} is said both where the layer is made (${ofLayer}) and where it is called ` +
        `(${ofCall}). Say it in one place`
      : `${op}: ${name} must be true or false, not ${describeValue(chosen)}`,
  );
}

/** Options of `LayerNorm`. */
export interface LayerNormOptions extends NormOptions {
  /** The axes over which the statistics are taken (default -1). */
  readonly reductionAxes?: number | readonly number[] | undefined;
  /** The axes of scale and bias (default -1). */
  readonly featureAxes?: number | readonly number[] | undefined;
}

const layerNormOptions: OptionTable<LayerNormOptions> = {
  ...normOptions,
  reductionAxes: "axes",
  featureAxes: "axes",
};

/**
 * Normalises each example by itself. `epsilon` is 1e-6 by default.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const norm = new flax.LayerNorm();
 * const x = np.array([[1, 3], [2, 6]]);
 * const y = norm.apply(norm.init(random.key(0), x), x);
 * console.log(np.round(y).toArray()); // [ [ -1, 1 ], [ -1, 1 ] ]
 * ```
 */
export class LayerNorm extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "LayerNorm";

  /** Makes the layer. */
  constructor(readonly options: LayerNormOptions = {}) {
    checkCall("new flax.LayerNorm(options)", arguments, layerNormOptions);
    super(options.name);
  }

  /**
   * Normalises `x`; gives an array of the same shape.
   *
   * @throws {ShapeError} where `x` does not have the axes.
   */
  call(x: NDArray, { mask }: NormCall = {}): NDArray {
    const { reductionAxes = -1, featureAxes = -1, epsilon = 1e-6, useFastVariance = true } =
      this.options;
    const reduced = axesOf("flax.LayerNorm", x, reductionAxes);
    const features = axesOf("flax.LayerNorm", x, featureAxes);
    const used = statistics(x, reduced, { fast: useFastVariance, mask });
    return normalizedBy(this, x, used, reduced, features, { ...this.options, epsilon });
  }
}
