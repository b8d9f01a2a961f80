/**
 * Layers without a memory of sequences: `Linear`, `Embed`, `Dropout`. Normalisation is in
 * `normalization.ts`, cells in `recurrent.ts`, attention in `attention.ts`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  isInteger,
  type OptionTable,
} from "../../lib/extend.ts";
import {
  type DType,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";
import { Module } from "./graph.ts";
import { type Initializer, lecunNormal, varianceScaling, zeros } from "./initializers.ts";
import { Rngs, type RngStream } from "./rngs.ts";
import { Param } from "./variable.ts";

/** What layers with parameters take. */
export interface LayerOptions {
  /** Where the keys for initial values come from: the stream `params`, or `default`. */
  readonly rngs: Rngs;
  /** The dtype of the parameters (default float32). */
  readonly paramDtype?: DType | undefined;
}

/** Checks the size of a layer. */
export function checkSize(op: string, what: string, size: unknown): void {
  if (Number.isInteger(size) && (size as number) >= 1) return;
  throw new ShapeError(
    `${op}: ${what} must be a positive integer, not ${
      typeof size === "number" ? size : describeValue(size)
    }`,
  );
}

/** Checks that there are random streams. */
export function checkRngs(op: string, options: { readonly rngs?: unknown } | undefined): void {
  if (options?.rngs instanceof Rngs) return;
  throw new TypeError(
    `${op}: rngs must be random streams, not ${
      describeValue(options?.rngs)
    }. Write { rngs: new nnx.Rngs(0) }`,
  );
}

/** Checks the last axis of an input. */
export function checkFeatures(op: string, x: NDArray, features: number): void {
  if (x.shape.at(-1) === features) return;
  throw new ShapeError(
    `${op}: the last axis of the input must have ${features} elements, but it is ${
      formatAval(x.aval)
    }`,
  );
}

/** Options of `Linear`. */
export interface LinearOptions extends LayerOptions {
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
  /** Initialiser of the weights, [inputs, outputs] (default `lecunNormal()`). */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of the bias, [outputs] (default `zeros`). */
  readonly biasInit?: Initializer | undefined;
}

const linearOptions: OptionTable<LinearOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  useBias: "boolean",
  kernelInit: "function",
  biasInit: "function",
};

/**
 * `x kernel + bias` over the last axis of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(3, 2, { rngs: new nnx.Rngs(0) });
 * console.log(layer.kernel.value.shape, layer.call(np.ones([5, 3])).shape); // [ 3, 2 ] [ 5, 2 ]
 * ```
 */
export class Linear extends Module {
  /** Weights, [inputs, outputs]. */
  readonly kernel: Param;
  /** Bias, [outputs]; `null` without one. */
  readonly bias: Param | null;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: LinearOptions,
  ) {
    checkCall("new nnx.Linear(inFeatures, outFeatures, options)", arguments, linearOptions);
    super();
    checkSize("nnx.Linear", "the number of inputs", inFeatures);
    checkSize("nnx.Linear", "the number of outputs", outFeatures);
    checkRngs("nnx.Linear", options);
    const { rngs, paramDtype = "float32", useBias = true } = options;
    const { kernelInit = lecunNormal(), biasInit = zeros } = options;
    this.kernel = new Param(kernelInit(rngs.next("params"), [inFeatures, outFeatures], paramDtype));
    this.bias = useBias
      ? new Param(biasInit(rngs.next("params"), [outFeatures], paramDtype))
      : null;
  }

  /** Applies the layer to `x` [..., inputs]; gives [..., outputs]. */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.Linear", x, this.inFeatures);
    const y = np.matmul(x, this.kernel.value);
    return this.bias === null ? y : y.add(this.bias.value);
  }
}

/** Options of `Embed`. */
export interface EmbedOptions extends LayerOptions {
  /** Initialiser of the table, [embeddings, features] (default normal, variance 1 / features). */
  readonly embeddingInit?: Initializer | undefined;
}

const embedOptions: OptionTable<EmbedOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  embeddingInit: "function",
};

/**
 * Vectors for integers from 0 to `numEmbeddings - 1`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Embed(5, 3, { rngs: new nnx.Rngs(0) });
 * console.log(layer.call(np.array([[0, 4]], { dtype: "int32" })).shape); // [ 1, 2, 3 ]
 * ```
 */
export class Embed extends Module {
  /** The vectors, [embeddings, features]. */
  readonly embedding: Param;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(readonly numEmbeddings: number, readonly features: number, options: EmbedOptions) {
    checkCall("new nnx.Embed(numEmbeddings, features, options)", arguments, embedOptions);
    super();
    checkSize("nnx.Embed", "the number of embeddings", numEmbeddings);
    checkSize("nnx.Embed", "the number of features", features);
    checkRngs("nnx.Embed", options);
    const { rngs, paramDtype = "float32" } = options;
    const { embeddingInit = varianceScaling(1, "fanIn", "normal", { outAxis: 0 }) } = options;
    this.embedding = new Param(
      embeddingInit(rngs.next("params"), [numEmbeddings, features], paramDtype),
    );
  }

  /**
   * The vectors of integers [...]; gives [..., features]. Integers that are out of range give NaN.
   *
   * @throws {TypeError} where `indices` are not integers.
   */
  call(indices: NDArray): NDArray {
    if (!isInteger(indices.dtype)) {
      throw new TypeError(
        `nnx.Embed: the input must be integers, not ${formatAval(indices.aval)}. Write ` +
          'x.astype("int32")',
      );
    }
    return np.take(this.embedding.value, indices, 0, { mode: "fill" });
  }

  /** The products of vectors [..., features] with all that are in the table; [..., embeddings]. */
  attend(query: NDArray): NDArray {
    checkFeatures("nnx.Embed.attend", query, this.features);
    return np.matmul(query, this.embedding.value.transpose());
  }
}

/** Options of `Dropout`. */
export interface DropoutOptions {
  /** Where keys come from: a stream of its own, forked from `rngCollection`. */
  readonly rngs?: Rngs | RngStream | undefined;
  /** The stream to fork (default `dropout`). */
  readonly rngCollection?: string | undefined;
  /** Whether nothing is dropped (default false): what `train` and `eval` set. */
  readonly deterministic?: boolean | undefined;
  /** Axes along which all elements share their fate. */
  readonly broadcastDims?: readonly number[] | undefined;
}

/** Options of `Dropout.call`. */
export interface DropoutCallOptions {
  /** In place of the layer's own. */
  readonly deterministic?: boolean | undefined;
  /** A key, or where keys come from, in place of the layer's own. */
  readonly rngs?: Rngs | RngStream | NDArray | undefined;
}

const dropoutOptions: OptionTable<DropoutOptions> = {
  rngs: "object",
  rngCollection: "string",
  deterministic: "boolean",
  broadcastDims: "axes",
};

/**
 * Sets elements to zero at random, and scales the others up.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Dropout(0.5, { rngs: new nnx.Rngs(0) });
 * console.log(layer.call(np.ones([4])).toArray()); // [ 2, 0, 2, 0 ]
 * layer.eval();
 * console.log(layer.call(np.ones([4])).toArray()); // [ 1, 1, 1, 1 ]
 * ```
 */
export class Dropout extends Module {
  /** Whether nothing is dropped. */
  deterministic: boolean;
  /** The stream to take keys from, where a call is given `Rngs`. */
  readonly rngCollection: string;
  /** Axes along which all elements share their fate. */
  readonly broadcastDims: readonly number[];
  /** Its own stream. */
  readonly rngs: RngStream | null;

  /**
   * `rate` is the probability that an element becomes zero.
   *
   * @throws {RangeError} where it is not from 0 to 1.
   */
  constructor(readonly rate: number, options: DropoutOptions = {}) {
    checkCall("new nnx.Dropout(rate, options)", arguments, dropoutOptions);
    super();
    if (!(rate >= 0 && rate <= 1)) {
      throw new RangeError(`nnx.Dropout: the rate must be from 0 to 1, not ${String(rate)}`);
    }
    const { rngs, rngCollection = "dropout", deterministic = false, broadcastDims = [] } = options;
    this.deterministic = deterministic;
    this.rngCollection = rngCollection;
    this.broadcastDims = broadcastDims;
    this.rngs = rngs === undefined
      ? null
      : (rngs instanceof Rngs ? rngs.stream(rngCollection) : rngs).fork();
  }

  /** Applies the layer. @throws {StateError} where it needs a key and has no stream. */
  call(x: NDArray, options: DropoutCallOptions = {}): NDArray {
    const { deterministic = this.deterministic, rngs = this.rngs } = options;
    if (this.rate === 0 || deterministic) return x;
    if (this.rate === 1) return np.zerosLike(x);
    if (rngs === null) {
      throw new StateError(
        "nnx.Dropout: there is no random stream: give it { rngs: new nnx.Rngs(0) }, to the constructor " +
          "or to call, or switch it off by eval()",
      );
    }
    const key = rngs instanceof Rngs
      ? rngs.next(this.rngCollection)
      : "next" in rngs
      ? rngs.next()
      : rngs;
    const keep = 1 - this.rate;
    const shape = x.shape.map((n, d) =>
      this.broadcastDims.some((b) => (b < 0 ? b + x.ndim : b) === d) ? 1 : n
    );
    return np.where(random.bernoulli(key, keep, shape), x.div(keep), np.zerosLike(x));
  }
}
