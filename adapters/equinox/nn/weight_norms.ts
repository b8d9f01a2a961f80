/**
 * Layers around layers, whose weights they divide by their lengths or by their largest singular values.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { stopGradient } from "../../../lib/api/lax.ts";
import { NDArray, numpy as np, random, ShapeError } from "../../../mod.ts";
import { Module } from "../module.ts";
import { type State, StateIndex } from "../state.ts";
import { treeAt } from "../trees.ts";
import type { CallOptions } from "./linear.ts";
import { keysOf } from "./parameters.ts";
import { StatefulLayer, type StatelessLayer } from "./sequential.ts";

/** A layer with weights. */
export type WrappedLayer = Module & StatelessLayer;

/** The weights of a name. */
function weightOf(op: string, layer: object, name: string): NDArray {
  const weight = (layer as Record<string, unknown>)[name];
  if (weight instanceof NDArray) return weight;
  throw new TypeError(
    `${op}: ${layer.constructor.name} must have an array in ${JSON.stringify(name)}, not ${
      describeValue(weight)
    }. weightName names another field`,
  );
}

/** A layer with other weights, applied. */
function applied(
  layer: WrappedLayer,
  name: string,
  weight: NDArray,
  x: NDArray,
  options: CallOptions,
): NDArray {
  const own = treeAt((l) => (l as unknown as Record<string, NDArray>)[name]!, layer, weight);
  return own.call(x, options);
}

/** Options of `WeightNorm`. */
export interface WeightNormOptions {
  /** The field that has the weights (default `weight`). */
  readonly weightName?: string | undefined;
  /** The axis along which each slice has a length of its own (default 0); `null` for one in all. */
  readonly axis?: number | null | undefined;
}

const weightNormOptions: OptionTable<WeightNormOptions> = { weightName: "string", axis: "count" };

/** Lengths over all axes but one, which stay with length 1. */
function lengths(v: NDArray, axis: number | null): NDArray {
  const axes = v.shape.map((_, i) => i).filter((i) => i !== axis);
  return v.square().sum(axes, { keepDims: true }).sqrt();
}

/**
 * A layer whose weights are directions `v` times lengths `g`, one for each output (Salimans and Kingma,
 * 2016). Both are learned; at first the weights are those of the layer inside.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const linear = new eqx.nn.Linear(3, 2, { key: random.key(0) });
 * const layer = new eqx.nn.WeightNorm(linear);
 * console.log(layer.g.shape, layer.call(np.ones([3])).shape); // [ 2, 1 ] [ 2 ]
 * ```
 */
export class WeightNorm<L extends WrappedLayer = WrappedLayer> extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["weightName", "axis"];
  /** The lengths, with as many axes as the weights. */
  readonly g: NDArray;
  /** The field that has the weights. */
  readonly weightName: string;
  /** The axis along which each slice has a length of its own. */
  readonly axis: number | null;

  /**
   * Makes the layer around another one.
   *
   * @throws {TypeError} where that has no such weights.
   */
  constructor(readonly layer: L, options: WeightNormOptions = {}) {
    checkCall("new eqx.nn.WeightNorm(layer, options)", arguments, weightNormOptions);
    super();
    const { weightName = "weight", axis = 0 } = options;
    this.weightName = weightName;
    this.axis = axis;
    this.g = lengths(weightOf("eqx.nn.WeightNorm", layer, weightName), axis);
  }

  /** Applies the layer inside, with these weights. */
  call(x: NDArray, options: CallOptions = {}): NDArray {
    const v = weightOf("eqx.nn.WeightNorm", this.layer, this.weightName);
    const weight = v.mul(this.g).div(lengths(v, this.axis));
    return applied(this.layer, this.weightName, weight, x, options);
  }
}

/** Options of `SpectralNorm`. */
export interface SpectralNormOptions {
  /** The key of the vectors that the power method begins with. */
  readonly key: NDArray;
  /** How many steps of the power method a call takes (default 1). */
  readonly numPowerIterations?: number | undefined;
  /** The least length that is divided by (default 1e-12). */
  readonly eps?: number | undefined;
  /** Whether what the power method found is left as it is (default false). */
  readonly inference?: boolean | undefined;
}

const spectralNormOptions: OptionTable<SpectralNormOptions> = {
  key: "object",
  numPowerIterations: "count",
  eps: "number",
  inference: "boolean",
};

type Vectors = [u: NDArray, v: NDArray];

/** One step of the power method. */
function powerStep(weight: NDArray, v: NDArray, eps: number): Vectors {
  const unit = (x: NDArray): NDArray => x.div(np.maximum(eps, x.square().sum().sqrt()));
  const u = unit(weight.matmul(v));
  return [u, unit(weight.transpose().matmul(u))];
}

/**
 * A layer whose weights are divided by an estimate of their largest singular value (Miyato et al., 2018),
 * which steps of the power method, kept in the state, make better with each call.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [layer, state] = eqx.makeWithState(() => {
 *   const linear = new eqx.nn.Linear(2, 2, { useBias: false, key: random.key(0) });
 *   const diagonal = eqx.treeAt((l) => l.weight, linear, np.array([[4, 0], [0, 1]]));
 *   return new eqx.nn.SpectralNorm(diagonal, "weight", { key: random.key(1) });
 * })();
 * const [y, after] = layer.call(np.array([1, 1]), state);
 * console.log(np.round(y, 3).toArray(), after.keys()); // [ 1, 0.25 ] [ "uvIndex" ]
 * ```
 */
export class SpectralNorm<L extends WrappedLayer = WrappedLayer> extends StatefulLayer {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["weightName", "numPowerIterations", "eps"];
  /** The vectors of the power method, [outputs] and [all else]. */
  readonly uvIndex: StateIndex<Vectors>;
  /** How many steps of the power method a call takes. */
  readonly numPowerIterations: number;
  /** The least length that is divided by. */
  readonly eps: number;
  /** Whether what the power method found is left as it is. */
  readonly inference: boolean;

  /**
   * Makes the layer around another one, whose field `weightName` has the weights.
   *
   * @throws {ShapeError} where they have fewer than two axes.
   */
  constructor(readonly layer: L, readonly weightName: string, options: SpectralNormOptions) {
    const op = "eqx.nn.SpectralNorm";
    checkCall(
      "new eqx.nn.SpectralNorm(layer, weightName, options)",
      arguments,
      spectralNormOptions,
    );
    super();
    const { key, numPowerIterations = 1, eps = 1e-12, inference = false } = options ?? {};
    this.numPowerIterations = numPowerIterations;
    this.eps = eps;
    this.inference = inference;
    const weight = weightOf(op, layer, weightName);
    if (weight.ndim < 2) {
      throw new ShapeError(
        `${op}: ${JSON.stringify(weightName)} must have at least two axes, but it is ${
          formatAval(weight.aval)
        }`,
      );
    }
    const matrix = weight.reshape([weight.shape[0]!, -1]);
    const [, vKey] = keysOf(op, key, 2);
    const { dtype } = matrix;
    let v = random.normal(vKey!, [matrix.shape[1]!], { dtype: dtype as "float32" });
    let u = v;
    for (let i = 0; i < FIRST_STEPS; i++) [u, v] = powerStep(matrix, v, eps);
    this.uvIndex = new StateIndex<Vectors>([u, v]);
  }

  /** Applies the layer inside with its weights divided; gives the state after. */
  override call(x: NDArray, state: State, options: CallOptions = {}): [out: NDArray, state: State] {
    const { inference = this.inference } = options;
    const weight = weightOf("eqx.nn.SpectralNorm", this.layer, this.weightName);
    const matrix = weight.reshape([weight.shape[0]!, -1]);
    let [[u, v], after] = [state.get(this.uvIndex), state];
    if (!inference) {
      const fixed = stopGradient(matrix);
      for (let i = 0; i < this.numPowerIterations; i++) [u, v] = powerStep(fixed, v, this.eps);
      after = state.set(this.uvIndex, [u, v]);
    }
    const sigma = u.mul(matrix.matmul(v)).sum();
    const divided = matrix.div(sigma).reshape(weight.shape);
    return [applied(this.layer, this.weightName, divided, x, options), after];
  }
}

/** Steps of the power method that a layer begins with, as in Equinox. */
const FIRST_STEPS = 15;
