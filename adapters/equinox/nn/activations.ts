/**
 * Activations with parameters, and positions.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type DType, NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import { Module } from "../module.ts";
import type { CallOptions } from "./linear.ts";

/**
 * `x` where that is not negative, and a learned slope times it elsewhere.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.PReLU({ initAlpha: np.array([0.5, 0]) });
 * console.log(layer.call(np.array([-2, -2])).toArray()); // [ -1, -0 ]
 * ```
 */
export class PReLU extends Module {
  /** The slope, or slopes, which broadcast to the input. */
  readonly negativeSlope: NDArray;

  /** Makes the layer; `initAlpha` is the slope to begin with (default 0.25), or an array of such. */
  constructor(options: { readonly initAlpha?: number | NDArray | undefined } = {}) {
    checkCall("new eqx.nn.PReLU(options)", arguments, { initAlpha: "operand" });
    super();
    const { initAlpha = 0.25 } = options;
    this.negativeSlope = initAlpha instanceof NDArray ? initAlpha : np.array(initAlpha);
  }

  /** Applies the layer. */
  call(x: NDArray, _options?: CallOptions): NDArray {
    return np.where(x.greaterEqual(0), x, this.negativeSlope.mul(x));
  }
}

/** Options of `RotaryPositionalEmbedding`. */
export interface RotaryOptions {
  /** The base of the wavelengths (default 10000). */
  readonly theta?: number | undefined;
  /** Element type of the angles (default float32). */
  readonly dtype?: DType | undefined;
}

const rotaryOptions: OptionTable<RotaryOptions> = { theta: "number", dtype: "dtype" };

/**
 * Turns pairs of features by angles that grow with the position (Su et al., 2021), so that inner products
 * depend on distances alone.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const rotary = new eqx.nn.RotaryPositionalEmbedding(2);
 * const [first, second] = [...rotary.call(np.array([[1, 0], [1, 0]]))];
 * console.log(first!.toArray(), second!.at(0).item().toFixed(4)); // [ 1, 0 ] 0.5403
 * ```
 */
export class RotaryPositionalEmbedding extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["embeddingSize", "theta", "dtype"];
  /** The base of the wavelengths. */
  readonly theta: number;
  /** Element type of the angles. */
  readonly dtype: DType;

  /**
   * `embeddingSize` is the number of features.
   *
   * @throws {ShapeError} where it is odd or negative.
   */
  constructor(readonly embeddingSize: number, options: RotaryOptions = {}) {
    checkCall(
      "new eqx.nn.RotaryPositionalEmbedding(embeddingSize, options)",
      arguments,
      rotaryOptions,
    );
    super();
    if (!Number.isInteger(embeddingSize) || embeddingSize < 0 || embeddingSize % 2 !== 0) {
      throw new ShapeError(
        `eqx.nn.RotaryPositionalEmbedding: embeddingSize must be even and not negative, not ${embeddingSize}`,
      );
    }
    this.theta = options.theta ?? 10000;
    this.dtype = options.dtype ?? "float32";
  }

  /**
   * Turns `x` [positions, features].
   *
   * @throws {ShapeError} where it has another number of features.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    const { embeddingSize: size, theta, dtype } = this;
    if (x.ndim !== 2 || x.shape[1] !== size) {
      throw new ShapeError(
        `eqx.nn.RotaryPositionalEmbedding: the input must be [positions, ${size}], but it is ${
          formatAval(x.aval)
        }. For a batch or heads, map it: eqx.filterVmap((x) => layer.call(x))(xs)`,
      );
    }
    const pairs = np.arange(size / 2, { dtype: "float32" }).mul(2);
    const speeds = np.divide(1, np.power(theta, pairs.div(size)));
    const angles = np.outer(np.arange(x.shape[0]!, { dtype: "float32" }), speeds);
    const twice = (half: NDArray): NDArray => np.concatenate([half, half], -1).astype(dtype);
    const [a, b] = np.split(x, 2, -1) as [NDArray, NDArray];
    const quarter = np.concatenate([b.neg(), a], -1);
    return x.mul(twice(np.cos(angles))).add(quarter.mul(twice(np.sin(angles)))).astype(x.dtype);
  }
}
