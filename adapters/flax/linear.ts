/**
 * Linear layers, and embeddings.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  formatShape,
  isFloat,
  type OptionTable,
} from "../../lib/extend.ts";
import { type DType, DTypeError, type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import { type Initializer, lecunNormal, varianceScaling, zeros } from "./initializers.ts";
import { Module } from "./module.ts";

/** Options of `Dense`. */
export interface DenseOptions {
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
  /** Initialiser of the weights `kernel` [inputs, features]; default `lecunNormal()`. */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of the bias `bias` [features]; default `zeros`. */
  readonly biasInit?: Initializer | undefined;
  /** Dtype of the computation (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const denseOptions: OptionTable<DenseOptions> = {
  name: "string",
  useBias: "boolean",
  kernelInit: "function",
  biasInit: "function",
  dtype: "dtype",
  paramDtype: "dtype",
};

/** Checks the size of a layer. */
export function checkSize(op: string, what: string, size: unknown): asserts size is number {
  if (Number.isInteger(size) && (size as number) >= 1) return;
  throw new ShapeError(
    `${op}: ${what} must be a positive integer, not ${
      typeof size === "number" ? size : describeValue(size)
    }`,
  );
}

/** Inputs and parameters in the dtype of a computation: `dtype`, or what they promote to. */
export function promoted(dtype: DType | undefined, x: NDArray): NDArray {
  return dtype === undefined || x.dtype === dtype ? x : x.astype(dtype);
}

/**
 * `x kernel + bias` over the last axis of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.Dense(2);
 * const { params } = layer.init(random.key(0), np.ones([5, 3]));
 * console.log(params!.kernel!.shape, params!.bias!.shape); // [ 3, 2 ] [ 2 ]
 * console.log(layer.apply({ params: params! }, np.ones([5, 3])).shape); // [ 5, 2 ]
 * ```
 */
export class Dense extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Dense";

  /**
   * `features` is the length of the last axis of the result.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(readonly features: number, readonly options: DenseOptions = {}) {
    checkCall("new flax.Dense(features, options)", arguments, denseOptions);
    super(options.name);
    checkSize("new flax.Dense", "features", features);
  }

  /**
   * Applies the layer to `x` [..., inputs]; gives [..., features].
   *
   * @throws {ShapeError} where `x` is a scalar, or the weights were made for other inputs.
   */
  call(x: NDArray): NDArray {
    const inputs = x.shape.at(-1);
    if (inputs === undefined) {
      throw new ShapeError(
        `flax.Dense: the input must have at least one axis, not be a scalar ${formatAval(x.aval)}`,
      );
    }
    const { features, options } = this;
    const { useBias = true, kernelInit = lecunNormal(), biasInit = zeros, dtype } = options;
    const { paramDtype = "float32" } = options;
    const kernel = this.param("kernel", kernelInit, [inputs, features], paramDtype);
    const out = np.matmul(promoted(dtype, x), promoted(dtype, kernel));
    if (!useBias) return out;
    return out.add(promoted(dtype, this.param("bias", biasInit, [features], paramDtype)));
  }
}

/** Options of `DenseGeneral`. */
export interface DenseGeneralOptions extends DenseOptions {
  /** The axes of the input that are summed over, from the end (default -1). */
  readonly axis?: number | readonly number[] | undefined;
}

const denseGeneralOptions: OptionTable<DenseGeneralOptions> = { axis: "axes", ...denseOptions };

/**
 * A linear layer over several axes at once, with any shape of features.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const heads = new flax.DenseGeneral([2, 4]);
 * const { params } = heads.init(random.key(0), np.ones([5, 3]));
 * console.log(params!.kernel!.shape, params!.bias!.shape); // [ 3, 2, 4 ] [ 2, 4 ]
 * ```
 */
export class DenseGeneral extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "DenseGeneral";
  /** The last axes of the result. */
  readonly features: readonly number[];

  /**
   * `features` are the lengths of the last axes of the result.
   *
   * @throws {ShapeError} where one is not a positive integer.
   */
  constructor(
    features: number | readonly number[],
    readonly options: DenseGeneralOptions = {},
  ) {
    checkCall("new flax.DenseGeneral(features, options)", arguments, denseGeneralOptions);
    super(options.name);
    this.features = typeof features === "number" ? [features] : features;
    for (const n of this.features) checkSize("new flax.DenseGeneral", "features", n);
  }

  /**
   * Applies the layer to `x` [..., axes]; gives [..., features].
   *
   * @throws {ShapeError} where the axes are not the last ones of `x`.
   */
  call(x: NDArray): NDArray {
    const { features, options } = this;
    const { useBias = true, kernelInit = lecunNormal(), biasInit = zeros, dtype } = options;
    const { paramDtype = "float32", axis = -1 } = options;
    const axes = (typeof axis === "number" ? [axis] : axis).map((a) => a < 0 ? a + x.ndim : a);
    const first = x.ndim - axes.length;
    if (axes.some((a, i) => a !== first + i)) {
      throw new ShapeError(
        `flax.DenseGeneral: axis must name the last axes of the input in order, not ${
          formatShape(axes)
        } of ${formatShape(x.shape)}. Transpose the input first`,
      );
    }
    const ins = x.shape.slice(first);
    const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
    // As in flax, the kernel is drawn as a matrix: a unit's inputs are all the axes that are summed over.
    const asMatrix: Initializer = (key, shape, dtype) =>
      np.reshape(kernelInit(key, [count(ins), count(features)], dtype), shape);
    const kernel = this.param("kernel", asMatrix, [...ins, ...features], paramDtype);
    const flat = np.reshape(promoted(dtype, x), [...x.shape.slice(0, first), count(ins)]);
    const matrix = np.reshape(promoted(dtype, kernel), [count(ins), count(features)]);
    const out = np.reshape(np.matmul(flat, matrix), [...x.shape.slice(0, first), ...features]);
    if (!useBias) return out;
    return out.add(promoted(dtype, this.param("bias", biasInit, [...features], paramDtype)));
  }
}

/** Options of `Embed`. */
export interface EmbedOptions {
  /** Initialiser of `embedding` [numEmbeddings, features]; default: variance one over `features`. */
  readonly embeddingInit?: Initializer | undefined;
  /** Dtype of the result (default: that of the parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const embedOptions: OptionTable<EmbedOptions> = {
  name: "string",
  embeddingInit: "function",
  dtype: "dtype",
  paramDtype: "dtype",
};

/**
 * A table of vectors, of which integers choose.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const table = new flax.Embed(10, 4);
 * const ids = np.array([3, 3, 7], { dtype: "int32" });
 * const variables = table.init(random.key(0), ids);
 * const vectors = table.apply(variables, ids);
 * console.log(vectors.shape); // [ 3, 4 ]
 * console.log(table.apply(variables, vectors, { method: "attend" }).shape); // [ 3, 10 ]
 * ```
 */
export class Embed extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Embed";

  /**
   * `numEmbeddings` vectors of length `features`.
   *
   * @throws {ShapeError} where one is not a positive integer.
   */
  constructor(
    readonly numEmbeddings: number,
    readonly features: number,
    readonly options: EmbedOptions = {},
  ) {
    checkCall("new flax.Embed(numEmbeddings, features, options)", arguments, embedOptions);
    super(options.name);
    checkSize("new flax.Embed", "numEmbeddings", numEmbeddings);
    checkSize("new flax.Embed", "features", features);
  }

  /** Both methods read the table. */
  private table(): NDArray {
    const { embeddingInit = defaultEmbedding, paramDtype = "float32", dtype } = this.options;
    const shape = [this.numEmbeddings, this.features];
    return promoted(dtype, this.param("embedding", embeddingInit, shape, paramDtype));
  }

  /**
   * The vectors that integers choose: `ids` [...] gives [..., features].
   *
   * @throws {DTypeError} where `ids` are not integers.
   */
  call(ids: NDArray): NDArray {
    if (isFloat(ids.dtype) || ids.dtype === "bool") {
      throw new DTypeError(
        `flax.Embed: the input must be integers, not ${
          formatAval(ids.aval)
        }. Use ids.astype("int32")`,
      );
    }
    return np.take(this.table(), ids, 0);
  }

  /** The inner products of `query` [..., features] with all vectors: [..., numEmbeddings]. */
  attend(query: NDArray): NDArray {
    return np.matmul(promoted(this.options.dtype, query), np.transpose(this.table()));
  }
}

const defaultEmbedding = varianceScaling(1, "fanIn", "normal", { outAxis: 0 });
