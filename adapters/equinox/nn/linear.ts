/**
 * Linear layers, and layers one after the other.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type DType, type NDArray, nn, numpy as np, ShapeError } from "../../../mod.ts";
import { Module } from "../module.ts";
import { checkSize, keysOf, uniformInit } from "./parameters.ts";

/** What all layers take when they are made. */
export interface LayerOptions {
  /** The key of random initial parameters. */
  readonly key?: NDArray | undefined;
  /** Element type of the parameters (default float32). */
  readonly dtype?: DType | undefined;
}

/** A number of features, or no axis of features. */
export type Features = number | "scalar";

/** The length of an axis of weights. */
const lengthOf = (features: Features): number => features === "scalar" ? 1 : features;

/** What all layers take when they are called, whether they use it or not. */
export interface CallOptions {
  /** The key of what is random. */
  readonly key?: NDArray | undefined;
  /** Whether to behave as in inference, in place of the layer's own setting. */
  readonly inference?: boolean | undefined;
}

/** Options of `Linear`. */
export interface LinearOptions extends LayerOptions {
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
}

const linearOptions: OptionTable<LinearOptions> = {
  key: "object",
  useBias: "boolean",
  dtype: "dtype",
};

/**
 * `weight x + bias`. Parameters `weight` [outputs, inputs] and `bias` [outputs] are uniform on
 * [-1/sqrt(inputs), 1/sqrt(inputs)). With "scalar" in place of a size, there is no axis of inputs or outputs,
 * and 1 in the parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.Linear(3, 2, { key: random.key(0) });
 * console.log(layer.call(np.ones([3])).shape); // [ 2 ]
 * ```
 */
export class Linear extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = [
    "inFeatures",
    "outFeatures",
    "useBias",
  ];
  /** [outputs, inputs]. */
  readonly weight: NDArray;
  /** [outputs]; `null` without bias. */
  readonly bias: NDArray | null;
  /** Whether a bias is added. */
  readonly useBias: boolean;

  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(
    readonly inFeatures: Features,
    readonly outFeatures: Features,
    options: LinearOptions = {},
  ) {
    checkCall("new eqx.nn.Linear(inFeatures, outFeatures, options)", arguments, linearOptions);
    super();
    const [inputs, outputs] = [lengthOf(inFeatures), lengthOf(outFeatures)];
    checkSize("eqx.nn.Linear", "inFeatures", inputs);
    checkSize("eqx.nn.Linear", "outFeatures", outputs);
    const { useBias = true, dtype = "float32" } = options;
    const [forWeight, forBias] = keysOf("eqx.nn.Linear", options.key, 2);
    const limit = 1 / Math.sqrt(inputs);
    this.weight = uniformInit(forWeight!, [outputs, inputs], limit, dtype);
    this.bias = useBias ? uniformInit(forBias!, [outputs], limit, dtype) : null;
    this.useBias = useBias;
  }

  /**
   * Applies the layer to `x` [..., inputs]; gives [..., outputs], without the axes that are "scalar".
   *
   * @throws {ShapeError} where the last axis of `x` has another length.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    const { inFeatures, outFeatures } = this;
    if (inFeatures !== "scalar" && x.shape.at(-1) !== inFeatures) {
      throw new ShapeError(
        `eqx.nn.Linear: the input is ${
          formatAval(x.aval)
        }, but its last axis must have length inFeatures = ${inFeatures}`,
      );
    }
    const given = inFeatures === "scalar" ? np.expandDims(x, -1) : x;
    const product = np.matmul(given, this.weight.transpose());
    const out = this.bias === null ? product : product.add(this.bias);
    return outFeatures === "scalar" ? np.squeeze(out, -1) : out;
  }
}

/** Gives what it takes. */
export class Identity extends Module {
  /** `x`. */
  call(x: NDArray, _options?: CallOptions): NDArray {
    return x;
  }
}

/** A function as a layer, for `Sequential`. */
export class Lambda extends Module {
  /** `fn` is applied to the input. */
  constructor(readonly fn: (x: NDArray) => NDArray) {
    checkCall("new eqx.nn.Lambda(fn)", arguments);
    super();
  }

  /** `fn(x)`. */
  call(x: NDArray, _options?: CallOptions): NDArray {
    return this.fn(x);
  }
}

/** Options of `MLP`. */
export interface MLPOptions extends LayerOptions {
  /** Nonlinearity after all layers but the last (default `nn.relu`). */
  readonly activation?: ((x: NDArray) => NDArray) | undefined;
  /** Nonlinearity after the last layer (default none). */
  readonly finalActivation?: ((x: NDArray) => NDArray) | undefined;
  /** Whether to add biases before the last layer (default true). */
  readonly useBias?: boolean | undefined;
  /** Whether to add one in the last layer (default true). */
  readonly useFinalBias?: boolean | undefined;
}

const mlpOptions: OptionTable<MLPOptions> = {
  key: "object",
  activation: "function",
  finalActivation: "function",
  useBias: "boolean",
  useFinalBias: "boolean",
  dtype: "dtype",
};

const identity = (x: NDArray): NDArray => x;

/**
 * `depth` hidden layers of the given width, and a last one. Sizes of input and output may be "scalar".
 *
 * @example
 * ```ts
 * import { nn, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const mlp = new eqx.nn.MLP(2, 1, 16, 2, { key: random.key(0), activation: nn.gelu });
 * console.log(mlp.layers.length, mlp.call(np.ones([2])).shape); // 3 [ 1 ]
 * ```
 */
export class MLP extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = [
    ...["inSize", "outSize", "widthSize", "depth"],
  ];
  /** The linear layers, `depth + 1` of them. */
  readonly layers: readonly Linear[];
  /** Nonlinearity after all layers but the last. */
  readonly activation: (x: NDArray) => NDArray;
  /** Nonlinearity after the last layer. */
  readonly finalActivation: (x: NDArray) => NDArray;

  /**
   * Makes the layers.
   *
   * @throws {ShapeError} where a size is not a positive integer, or `depth` is negative.
   * @throws {StateError} without a key.
   */
  constructor(
    readonly inSize: Features,
    readonly outSize: Features,
    readonly widthSize: number,
    readonly depth: number,
    options: MLPOptions = {},
  ) {
    checkCall("new eqx.nn.MLP(inSize, outSize, widthSize, depth, options)", arguments, mlpOptions);
    super();
    checkSize("eqx.nn.MLP", "depth", depth, 0);
    const { activation = nn.relu, finalActivation = identity, useBias = true } = options;
    const { useFinalBias = true, dtype } = options;
    const keys = keysOf("eqx.nn.MLP", options.key, depth + 1);
    this.layers = Array.from({ length: depth + 1 }, (_, i) => {
      const isLast = i === depth;
      return new Linear(i === 0 ? inSize : widthSize, isLast ? outSize : widthSize, {
        key: keys[i],
        useBias: isLast ? useFinalBias : useBias,
        dtype,
      });
    });
    this.activation = activation;
    this.finalActivation = finalActivation;
  }

  /** Applies the layers to `x` [..., inputs]; gives [..., outputs]. Raises as `Linear.call`. */
  call(x: NDArray, _options?: CallOptions): NDArray {
    return this.layers.reduce((h, layer, i) => {
      const out = layer.call(h);
      return i < this.depth ? this.activation(out) : this.finalActivation(out);
    }, x);
  }
}
