/**
 * Layers around layers, whose weights they divide by their lengths or by their largest singular values.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import { largestSingular, unitWeights } from "../normalization.ts";
import { type Filter, pathContains, toPredicate } from "./filters.ts";
import { Module } from "./graph.ts";
import { type Initializer, normal, ones } from "./initializers.ts";
import { checkRngs, type LayerOptions } from "./layers.ts";
import { variables } from "./state.ts";
import { BatchStat, Param } from "./variable.ts";

/** A layer with weights. */
export type WrappedLayer<A extends unknown[]> = Module & { call(...args: A): NDArray };

/** Checks what is wrapped, and where keys come from. */
function checkWrapped(op: string, layer: unknown, options: LayerOptions | undefined): void {
  if (!(layer instanceof Module)) {
    throw new TypeError(`${op}: the layer inside must be a module, not ${describeValue(layer)}`);
  }
  checkRngs(op, options);
}

/** The parameters of a layer that a filter means, by path, with dots: names of properties. */
function paramsOf(layer: Module, filter: Filter = true): [path: string, param: Param][] {
  const isMeant = toPredicate(filter);
  return variables(layer).flatMap(([path, x]) =>
    x instanceof Param && isMeant(path, x) ? [[path.replaceAll("/", "."), x as Param]] : []
  );
}

/** Options of layers around layers. */
export interface WrapperOptions extends LayerOptions {
  /** Added to the square of a length before dividing by it (default 1e-12). */
  readonly epsilon?: number | undefined;
  /** Dtype of the weights (default: as they are). */
  readonly dtype?: DType | undefined;
}

const wrapperOptions: OptionTable<WrapperOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  epsilon: "number",
  dtype: "dtype",
};

/** Options of `WeightNorm`. */
export interface WeightNormOptions extends WrapperOptions {
  /** Whether weights are multiplied by learned factors after that (default true). */
  readonly useScale?: boolean | undefined;
  /** Initialiser of the factors (default `ones`). */
  readonly scaleInit?: Initializer | undefined;
  /** The axes along which each slice has unit length (default -1); `null` for the whole array. */
  readonly featureAxes?: number | readonly number[] | null | undefined;
  /** Which parameters are meant (default `pathContains("kernel")`). */
  readonly variableFilter?: Filter | undefined;
}

const weightNormOptions: OptionTable<WeightNormOptions> = {
  ...wrapperOptions,
  useScale: "boolean",
  scaleInit: "function",
  featureAxes: "object",
  variableFilter: "object",
};

/**
 * A layer whose weights have unit length for each feature, times learned factors (Salimans and Kingma,
 * 2016). A call sets the weights of the layer inside, as in the original; the factors are `Param`s.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const linear = new nnx.Linear(2, 1, { useBias: false, rngs });
 * linear.kernel.value = np.array([[3], [4]]);
 * const layer = new nnx.WeightNorm(linear, { rngs });
 * console.log(np.round(layer.call(np.array([10, 0]))).toArray()); // [ 6 ]
 * console.log(layer.scales.kernel!.value.toArray()); // [ 1 ]
 * ```
 */
export class WeightNorm<A extends unknown[] = [x: NDArray]> extends Module {
  /** Factors by path in the layer inside; none without. */
  readonly scales: Record<string, Param> = {};
  /** Which parameters are meant. */
  readonly variableFilter: Filter;
  /** The axes along which each slice has unit length. */
  readonly featureAxes: number | readonly number[] | null;
  /** Added to the square of a length. */
  readonly epsilon: number;
  /** Dtype of the weights. */
  readonly dtype: DType | undefined;

  /**
   * Makes the layer around another one; its factors take keys of the stream `params`.
   *
   * @throws {ShapeError} where a parameter does not have the axes.
   */
  constructor(readonly layerInstance: WrappedLayer<A>, options: WeightNormOptions) {
    const op = "nnx.WeightNorm";
    checkCall("new nnx.WeightNorm(layerInstance, options)", arguments, weightNormOptions);
    super();
    checkWrapped(op, layerInstance, options);
    const { featureAxes = -1, epsilon = 1e-12, paramDtype = "float32" } = options;
    const { variableFilter = pathContains("kernel"), scaleInit = ones, rngs } = options;
    this.featureAxes = featureAxes;
    this.epsilon = epsilon;
    this.dtype = options.dtype;
    this.variableFilter = variableFilter;
    if (options.useScale === false) return;
    for (const [path, param] of paramsOf(this.layerInstance, this.variableFilter)) {
      const { lengths } = unitWeights(op, param.value, featureAxes, epsilon);
      this.scales[path] = new Param(scaleInit(rngs.next("params"), lengths, paramDtype));
    }
  }

  /** Normalises the weights of the layer inside, and calls it. */
  call(...args: A): NDArray {
    for (const [path, param] of paramsOf(this.layerInstance, this.variableFilter)) {
      const { featureAxes, epsilon, dtype } = this;
      const own = unitWeights("nnx.WeightNorm", param.value, featureAxes, epsilon);
      const scale = this.scales[path];
      const out = scale === undefined ? own.units : own.units.mul(scale.value.reshape(own.inPlace));
      param.value = dtype === undefined ? out : out.astype(dtype);
    }
    return this.layerInstance.call(...args);
  }
}

/** Options of `SpectralNorm`. */
export interface SpectralNormOptions extends WrapperOptions {
  /** How many steps of the power method a call takes (default 1). */
  readonly nSteps?: number | undefined;
  /** Whether parameters of more than two axes are errors (default false: all but the last count as one). */
  readonly errorOnNonMatrix?: boolean | undefined;
  /** Whether what the power method finds is kept (default true): `eval` sets that it is not. */
  readonly updateStats?: boolean | undefined;
}

const spectralNormOptions: OptionTable<SpectralNormOptions> = {
  ...wrapperOptions,
  nSteps: "count",
  errorOnNonMatrix: "boolean",
  updateStats: "boolean",
};

/** Options of a call of `SpectralNorm`. */
export interface SpectralNormCallOptions {
  /** In place of the layer's own. */
  readonly updateStats?: boolean | undefined;
}

/**
 * A layer whose weights are divided by their largest singular value (Miyato et al., 2018), as the power
 * method finds it from call to call. A call sets the weights of the layer inside, as in the original.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const linear = new nnx.Linear(2, 2, { useBias: false, rngs });
 * linear.kernel.value = np.array([[4, 0], [0, 1]]);
 * const layer = new nnx.SpectralNorm(linear, { nSteps: 30, rngs });
 * console.log(np.round(layer.call(np.array([1, 1])), 3).toArray()); // [ 1, 0.25 ]
 * console.log(layer.batchStats.kernel!.sigma.value.item().toFixed(3)); // 4.000
 * ```
 */
export class SpectralNorm extends Module {
  /** What the power method knows, by path in the layer inside: vectors [1, columns] and values []. */
  readonly batchStats: Record<string, { readonly u: BatchStat; readonly sigma: BatchStat }> = {};
  /** How many steps of the power method a call takes. */
  readonly nSteps: number;
  /** Added to the square of a length. */
  readonly epsilon: number;
  /** Dtype of the weights. */
  readonly dtype: DType | undefined;
  /** Whether what the power method finds is left as it was: what `train` and `eval` set. */
  useRunningAverage: boolean;

  /**
   * Makes the layer around another one; its vectors take keys of the stream `params`.
   *
   * @throws {ShapeError} where a parameter has more than two axes and that is an error.
   */
  constructor(
    readonly layerInstance: WrappedLayer<[x: NDArray]>,
    options: SpectralNormOptions,
  ) {
    const op = "nnx.SpectralNorm";
    checkCall("new nnx.SpectralNorm(layerInstance, options)", arguments, spectralNormOptions);
    super();
    checkWrapped(op, layerInstance, options);
    const { nSteps = 1, epsilon = 1e-12, updateStats = true, rngs } = options;
    const { errorOnNonMatrix = false, paramDtype = "float32" } = options;
    this.nSteps = nSteps;
    this.epsilon = epsilon;
    this.dtype = options.dtype;
    this.useRunningAverage = !updateStats;
    for (const [path, { value }] of nSteps < 1 ? [] : paramsOf(layerInstance)) {
      if (value.ndim <= 1) continue;
      if (value.ndim > 2 && errorOnNonMatrix) {
        throw new ShapeError(
          `${op}: ${path} is no matrix, but ${
            formatShape(value.shape)
          }. Leave errorOnNonMatrix out ` +
            "to have all axes but the last count as one",
        );
      }
      const u = normal()(rngs.next("params"), [1, value.shape.at(-1)!], paramDtype);
      this.batchStats[path] = {
        u: new BatchStat(u),
        sigma: new BatchStat(np.ones([], { dtype: paramDtype })),
      };
    }
  }

  /** Divides the weights of the layer inside, and calls it. */
  call(x: NDArray, options: SpectralNormCallOptions = {}): NDArray {
    checkCall("spectralNorm.call(x, options)", arguments, { updateStats: "boolean" });
    const { nSteps, epsilon, dtype } = this;
    for (const [path, param] of paramsOf(this.layerInstance)) {
      const stats = this.batchStats[path];
      if (stats === undefined) continue;
      const { u, sigma } = largestSingular(param.value, stats.u.value, nSteps, epsilon);
      if (options.updateStats ?? !this.useRunningAverage) {
        stats.u.value = u;
        stats.sigma.value = sigma;
      }
      const out = param.value.div(np.where(sigma.equal(0), 1, sigma));
      param.value = dtype === undefined ? out : out.astype(dtype);
    }
    return this.layerInstance.call(x);
  }
}
