/**
 * Layers around layers, which use the weights of these divided by their lengths or by their largest
 * singular values.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../lib/extend.ts";
import { type DType, NDArray, numpy as np, random, ShapeError, StateError } from "../../mod.ts";
import { largestSingular, unitWeights } from "../normalization.ts";
import { type Initializer, ones } from "./initializers.ts";
import { mapVariables } from "./lifted_variables.ts";
import { Module } from "./module.ts";
import { chosenOne } from "./normalization.ts";

/** A layer with weights. */
export type WrappedLayer<A extends unknown[]> = Module & { call(...args: A): NDArray };

/** A layer that sees other parameters: each with its path from the layer's parent is mapped. */
function withWeights<A extends unknown[]>(
  layer: WrappedLayer<A>,
  args: A,
  options: { readonly init: boolean; readonly mutable?: boolean },
  weights: (path: string, value: NDArray) => NDArray,
): NDArray {
  const name = layer.path.at(-1) ?? "";
  // In the order of names, as flax does: each may draw a key.
  const mapped = (tree: unknown, path: string): unknown =>
    tree instanceof NDArray ? weights(path, tree) : Object.fromEntries(
      Object.entries(tree as object).sort(([a], [b]) => a < b ? -1 : 1)
        .map(([key, value]) => [key, mapped(value, `${path}.${key}`)]),
    );
  const transIn = ({ params = {} }): object => ({ params: mapped(params, name) });
  const run = (layer: WrappedLayer<A>, ...args: A): NDArray => layer.call(...args);
  return mapVariables(run, "params", { transIn, ...options })(layer, ...args);
}

/** Checks that there is a layer to be wrapped. */
function checkLayer(op: string, layer: unknown): void {
  if (layer instanceof Module) return;
  throw new StateError(`new ${op}: the layer inside must be a module, not ${describeValue(layer)}`);
}

/** Options of layers around layers. */
export interface WrapperOptions {
  /** Added to the square of a length before dividing by it (default 1e-12). */
  readonly epsilon?: number | undefined;
  /** Dtype of the weights that are used (default: as they are). */
  readonly dtype?: DType | undefined;
  /** Dtype of what the layer adds (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const wrapperOptions: OptionTable<WrapperOptions> = {
  epsilon: "number",
  dtype: "dtype",
  paramDtype: "dtype",
  name: "string",
};

/** Options of `WeightNorm`. */
export interface WeightNormOptions extends WrapperOptions {
  /** Whether weights are multiplied by a parameter, `scale`, after that (default true). */
  readonly useScale?: boolean | undefined;
  /** Initialiser of `scale` (default `ones`). */
  readonly scaleInit?: Initializer | undefined;
  /** The axes along which each slice has unit length (default -1); `null` for the whole array. */
  readonly featureAxes?: number | readonly number[] | null | undefined;
  /** Parts of paths: parameters with one of them are normalised (default `["kernel"]`); `null` for all. */
  readonly variableFilter?: readonly string[] | null | undefined;
}

const weightNormOptions: OptionTable<WeightNormOptions> = {
  ...wrapperOptions,
  useScale: "boolean",
  scaleInit: "function",
  featureAxes: "object",
  variableFilter: "object",
};

/**
 * A layer whose weights have unit length for each feature, times a parameter (Salimans and Kingma, 2016).
 * The factors are parameters of this layer, named after those of the layer inside: `Dense_0.kernel.scale`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.WeightNorm(new flax.Dense(1, { useBias: false, name: "dense" }));
 * const params = { dense: { kernel: np.array([[3], [4]]) }, "dense.kernel.scale": np.ones([1]) };
 * console.log(np.round(layer.apply({ params }, np.array([10, 0]))).toArray()); // [ 6 ]
 * ```
 */
export class WeightNorm<A extends unknown[] = [x: NDArray]> extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "WeightNorm";

  /**
   * Makes the layer around another one.
   *
   * @throws {StateError} where that is no module.
   */
  constructor(readonly layer_instance: WrappedLayer<A>, readonly options: WeightNormOptions = {}) {
    checkCall("new flax.WeightNorm(layerInstance, options)", arguments, weightNormOptions);
    super(options.name);
    checkLayer("flax.WeightNorm", layer_instance);
  }

  /** Calls the layer with its normalised weights. */
  call(...args: A): NDArray {
    const { epsilon = 1e-12, dtype, paramDtype = "float32", featureAxes = -1 } = this.options;
    const { useScale = true, scaleInit = ones, variableFilter = ["kernel"] } = this.options;
    const isMeant = (path: string): boolean =>
      variableFilter === null || variableFilter.some((part) => path.includes(part));
    const init = this.isInitializing();
    return withWeights(this.layer_instance, args, { init }, (path, value) => {
      if (!isMeant(path)) return value;
      const own = unitWeights("flax.WeightNorm", value, featureAxes, epsilon);
      const out = useScale
        ? own.units.mul(
          this.param(`${path}.scale`, scaleInit, own.lengths, paramDtype).reshape(own.inPlace),
        )
        : own.units;
      return dtype === undefined ? out : out.astype(dtype);
    });
  }
}

/** Options of `SpectralNorm`. */
export interface SpectralNormOptions extends WrapperOptions {
  /** How many steps of the power method a call takes (default 1). */
  readonly nSteps?: number | undefined;
  /** Whether parameters of more than two axes are errors (default false: all but the last count as one). */
  readonly errorOnNonMatrix?: boolean | undefined;
  /** The collection of what the power method knows (default `batch_stats`). */
  readonly collectionName?: string | undefined;
  /** Whether what the power method finds is kept, if `call` does not say. */
  readonly updateStats?: boolean | undefined;
}

const spectralNormOptions: OptionTable<SpectralNormOptions> = {
  ...wrapperOptions,
  nSteps: "count",
  errorOnNonMatrix: "boolean",
  collectionName: "string",
  updateStats: "boolean",
};

/** The last argument of a call of `SpectralNorm`, beside the options of the layer inside. */
export interface SpectralNormCall {
  /** Whether what the power method finds is kept, if the layer does not say. */
  readonly updateStats?: boolean | undefined;
}

/**
 * A layer whose weights are divided by their largest singular value (Miyato et al., 2018), as the power
 * method finds it from call to call. The collection `batch_stats` has its vectors and values, named after
 * the parameters: `Dense_0.kernel.u`, `Dense_0.kernel.sigma`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const dense = new flax.Dense(2, { useBias: false, name: "dense" });
 * const layer = new flax.SpectralNorm(dense, { nSteps: 30 });
 * const x = np.array([1, 1]);
 * const made = layer.init(random.key(0), x, { updateStats: false });
 * const variables = { ...made, params: { dense: { kernel: np.array([[4, 0], [0, 1]]) } } };
 * const y = layer.apply(variables, x, { updateStats: false });
 * console.log(np.round(y, 3).toArray()); // [ 1, 0.25 ]
 * ```
 */
export class SpectralNorm<A extends unknown[] = [x: NDArray]> extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "SpectralNorm";

  /**
   * Makes the layer around another one.
   *
   * @throws {StateError} where that is no module.
   */
  constructor(
    readonly layer_instance: WrappedLayer<A>,
    readonly options: SpectralNormOptions = {},
  ) {
    checkCall("new flax.SpectralNorm(layerInstance, options)", arguments, spectralNormOptions);
    super(options.name);
    checkLayer("flax.SpectralNorm", layer_instance);
  }

  /**
   * Calls the layer with its weights divided. `updateStats` is among the options that stand last.
   *
   * @throws {StateError} where nothing says whether to keep what the power method finds, or its collection
   * may not change.
   * @throws {ShapeError} where a parameter has more than two axes and that is an error.
   */
  call(...args: [...A, options?: SpectralNormCall]): NDArray {
    const op = "flax.SpectralNorm";
    const { epsilon = 1e-12, nSteps = 1, dtype, errorOnNonMatrix = false } = this.options;
    const [given, said] = withoutUpdateStats(args);
    const keep = chosenOne(op, "updateStats", this.options.updateStats, said);
    const options = { init: this.isInitializing(), mutable: true };
    return withWeights(this.layer_instance, given as A, options, (path, value) => {
      if (value.ndim <= 1 || nSteps < 1) return value;
      if (value.ndim > 2 && errorOnNonMatrix) {
        throw new ShapeError(
          `${op}: ${path} is no matrix, but ${
            formatShape(value.shape)
          }. Leave errorOnNonMatrix out ` +
            "to have all axes but the last count as one",
        );
      }
      const { collectionName = "batch_stats", paramDtype = "float32" } = this.options;
      const u = this.variable(
        collectionName,
        `${path}.u`,
        () => random.normal(this.makeRng(), [1, value.shape.at(-1)!], { dtype: paramDtype }),
      );
      const sigma = this.variable(
        collectionName,
        `${path}.sigma`,
        () => np.ones([], { dtype: paramDtype }),
      );
      const found = largestSingular(value, u.value, nSteps, epsilon);
      if (keep) {
        u.value = found.u;
        sigma.value = found.sigma;
      }
      const out = value.div(np.where(found.sigma.equal(0), 1, found.sigma));
      return dtype === undefined ? out : out.astype(dtype);
    });
  }
}

/** The arguments of the layer inside, and what the last of these said beside its options. */
function withoutUpdateStats(
  args: readonly unknown[],
): [args: unknown[], said: boolean | undefined] {
  const last = args.at(-1);
  if (typeof last !== "object" || last === null || !Object.hasOwn(last, "updateStats")) {
    return [[...args], undefined];
  }
  const { updateStats, ...others } = last as { updateStats: boolean };
  const rest = Object.keys(others).length === 0 ? [] : [others];
  return [[...args.slice(0, -1), ...rest], updateStats];
}
