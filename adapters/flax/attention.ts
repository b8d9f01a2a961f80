/**
 * Attention with several heads.
 *
 * @module
 */
import { checkCall, formatShape, type OptionTable } from "../../lib/extend.ts";
import { type DType, type NDArray, nn, numpy as np, random, ShapeError } from "../../mod.ts";
import { attended } from "../attention.ts";
import type { Initializer } from "./initializers.ts";
import { checkSize, DenseGeneral } from "./linear.ts";
import { Module } from "./module.ts";
import { chosenOne, LayerNorm } from "./normalization.ts";

/** Options of `dotProductAttention`. */
export interface AttentionOptions {
  /** Added to the weights before softmax; broadcasts to [..., heads, queries, keys]. */
  readonly bias?: NDArray | undefined;
  /** Where weights count; broadcasts to [..., heads, queries, keys]. */
  readonly mask?: NDArray | undefined;
  /** The key with which weights are dropped; needed where any are. */
  readonly dropoutRng?: NDArray | undefined;
  /** With which probability a weight is dropped (default 0). */
  readonly dropoutRate?: number | undefined;
  /** Whether the mask of dropout is the same for all examples and heads (default true). */
  readonly broadcastDropout?: boolean | undefined;
  /** Gets the weights [..., heads, queries, keys] as they are before dropout. */
  readonly onWeights?: ((weights: NDArray) => void) | undefined;
}

/**
 * Attention of queries [..., queries, heads, depth] to keys and values [..., keys, heads, depth].
 *
 * @throws {ShapeError} where heads or depths differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const x = np.ones([4, 2, 3]);
 * console.log(flax.dotProductAttention(x, x, x).shape); // [ 4, 2, 3 ]
 * ```
 */
export function dotProductAttention(
  query: NDArray,
  key: NDArray,
  value: NDArray,
  options: AttentionOptions = {},
): NDArray {
  const { bias, mask, dropoutRng, dropoutRate = 0, broadcastDropout = true } = options;
  const tail = (x: NDArray): string => formatShape(x.shape.slice(-2));
  if (query.ndim < 3 || query.ndim !== key.ndim || tail(query) !== tail(key)) {
    throw new ShapeError(
      `flax.dotProductAttention: queries must be [..., queries, heads, depth] and keys [..., keys, heads, ` +
        `depth] with the same heads and depth, not ${formatShape(query.shape)} and ${
          formatShape(key.shape)
        }`,
    );
  }
  const depth = query.shape.at(-1)!;
  let weights = np.einsum("...qhd,...khd->...hqk", query.div(Math.sqrt(depth)), key);
  if (bias !== undefined) weights = weights.add(bias);
  if (mask !== undefined) weights = np.where(mask, weights, lowest(weights.dtype));
  weights = nn.softmax(weights);
  options.onWeights?.(weights);
  if (dropoutRate > 0 && dropoutRng !== undefined) {
    const keep = 1 - dropoutRate;
    const shape = broadcastDropout
      ? weights.shape.map((n, axis) => axis < weights.ndim - 2 ? 1 : n)
      : weights.shape;
    const kept = random.bernoulli(dropoutRng, keep, shape).astype(weights.dtype);
    weights = weights.mul(kept.div(keep));
  }
  return np.einsum("...hqk,...khd->...qhd", weights, value);
}

/** The lowest finite number. */
function lowest(dtype: DType): number {
  return dtype === "float64" ? -Number.MAX_VALUE : -(2 - 2 ** -23) * 2 ** 127;
}

/** Options of `MultiHeadDotProductAttention`. */
export interface AttentionLayerOptions {
  /** Length of queries, keys and values of all heads together (default: that of the queries' features). */
  readonly qkvFeatures?: number | undefined;
  /** Length of the last axis of the result (default: that of the queries' features). */
  readonly outFeatures?: number | undefined;
  /** With which probability weights are dropped (default 0). */
  readonly dropoutRate?: number | undefined;
  /** Whether no weights are dropped; here or in `call`. */
  readonly deterministic?: boolean | undefined;
  /** Whether the mask of dropout is the same for all examples and heads (default true). */
  readonly broadcastDropout?: boolean | undefined;
  /** Initialiser of weights; default `lecunNormal()`. */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of biases; default `zeros`. */
  readonly biasInit?: Initializer | undefined;
  /** Whether layers have biases (default true). */
  readonly useBias?: boolean | undefined;
  /** Whether queries and keys are normalised. */
  readonly normalizeQk?: boolean | undefined;
  /**
   * Whether queries come one at a time, and attend to those before: keys and values are kept in the
   * collection `cache`, which `init` makes for inputs of the whole length.
   */
  readonly decode?: boolean | undefined;
  /** Dtype of the computation (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
  /** Dtype of the parameters (default float32). */
  readonly paramDtype?: DType | undefined;
  /** Name in place of the one by field or class. */
  readonly name?: string | undefined;
}

const layerOptions: OptionTable<AttentionLayerOptions> = {
  name: "string",
  qkvFeatures: "count",
  outFeatures: "count",
  dropoutRate: "number",
  deterministic: "boolean",
  broadcastDropout: "boolean",
  kernelInit: "function",
  biasInit: "function",
  useBias: "boolean",
  normalizeQk: "boolean",
  decode: "boolean",
  dtype: "dtype",
  paramDtype: "dtype",
};

/** Options of `MultiHeadDotProductAttention.call`. */
export interface AttentionCall {
  /** Where to attend; broadcasts to [..., heads, queries, keys]. */
  readonly mask?: NDArray | undefined;
  /** Whether no weights are dropped, if the layer does not say. */
  readonly deterministic?: boolean | undefined;
  /** The key with which weights are dropped, in place of one of the stream `dropout`. */
  readonly dropoutRng?: NDArray | undefined;
  /** Whether to sow the weights into `intermediates`. */
  readonly sowWeights?: boolean | undefined;
}

const callOptions: OptionTable<AttentionCall> = {
  mask: "operand",
  deterministic: "boolean",
  dropoutRng: "operand",
  sowWeights: "boolean",
};

/**
 * Attention with several heads. Its layers are called `query`, `key`, `value` and `out`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const attention = new flax.MultiHeadDotProductAttention(2);
 * const x = np.ones([5, 4]); // 5 positions
 * const variables = attention.init(random.key(0), x);
 * console.log(variables.params!.query!.kernel!.shape); // [ 4, 2, 2 ]
 * const mask = flax.makeCausalMask(np.ones([5]));
 * console.log(attention.apply(variables, x, { mask }).shape); // [ 5, 4 ]
 * ```
 */
export class MultiHeadDotProductAttention extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "MultiHeadDotProductAttention";

  /**
   * Made of a number of heads.
   *
   * @throws {ShapeError} where it is not a positive integer.
   */
  constructor(readonly numHeads: number, readonly options: AttentionLayerOptions = {}) {
    checkCall("new flax.MultiHeadDotProductAttention(numHeads, options)", arguments, layerOptions);
    super(options.name);
    checkSize("new flax.MultiHeadDotProductAttention", "numHeads", numHeads);
  }

  /**
   * Attends from `queries` [..., length, features] to `keys` and `values`, by default the queries. Options may
   * stand in the place of what is left out.
   *
   * @throws {ShapeError} where the features of the heads are not a multiple of their number.
   */
  call(
    queries: NDArray,
    keysOr?: NDArray | AttentionCall,
    valuesOr?: NDArray | AttentionCall,
    last?: AttentionCall,
  ): NDArray {
    const op = "flax.MultiHeadDotProductAttention";
    checkCall(`${op}.call(queries, keys, values, options)`, arguments, callOptions, 1);
    const { keys, values, options } = attended(queries, [keysOr, valuesOr, last]);
    const { dropoutRate = 0, broadcastDropout, normalizeQk = false } = this.options;
    const { kernelInit, biasInit, useBias, dtype, paramDtype } = this.options;
    const width = queries.shape.at(-1)!;
    const { qkvFeatures = width, outFeatures = width } = this.options;
    if (qkvFeatures % this.numHeads !== 0) {
      throw new ShapeError(
        `${op}: qkvFeatures (${qkvFeatures}) must be a multiple of the number of heads, ${this.numHeads}`,
      );
    }
    const shared = { kernelInit, biasInit, useBias, dtype, paramDtype };
    const heads = [this.numHeads, qkvFeatures / this.numHeads];
    const project = (name: string, x: NDArray): NDArray =>
      new DenseGeneral(heads, { ...shared, name }).call(x);
    let query = project("query", queries);
    let key = project("key", keys);
    let value = project("value", values);
    if (normalizeQk) {
      const norm = { useBias: false, dtype, paramDtype };
      query = new LayerNorm({ ...norm, name: "query_ln" }).call(query);
      key = new LayerNorm({ ...norm, name: "key_ln" }).call(key);
    }
    let { mask, dropoutRng } = options;
    if (this.options.decode) [key, value, mask] = this.cached(query, key, value, mask);
    const isOff = dropoutRate === 0 ||
      chosenOne(op, "deterministic", this.options.deterministic, options.deterministic);
    if (!isOff) dropoutRng ??= this.makeRng("dropout");
    const out = dotProductAttention(query, key, value, {
      mask,
      dropoutRate,
      broadcastDropout,
      dropoutRng: isOff ? undefined : dropoutRng,
      onWeights: options.sowWeights
        ? (weights) => this.sow("intermediates", "attention_weights", weights)
        : undefined,
    });
    return new DenseGeneral(outFeatures, { ...shared, name: "out", axis: [-2, -1] }).call(out);
  }

  /** Keys and values so far, and the mask of those that there are. */
  private cached(
    query: NDArray,
    key: NDArray,
    value: NDArray,
    mask: NDArray | undefined,
  ): [key: NDArray, value: NDArray, mask: NDArray | undefined] {
    const exists = this.hasVariable("cache", "cached_key");
    const zeros = (x: NDArray) => () => np.zeros(x.shape, { dtype: x.dtype });
    const keys = this.variable("cache", "cached_key", zeros(key));
    const values = this.variable("cache", "cached_value", zeros(value));
    const index = this.variable("cache", "cache_index", () => np.array(0, { dtype: "int32" }));
    if (!exists) return [key, value, mask];
    const { shape } = keys.value;
    const [length, ...tail] = shape.slice(-3) as [number, number, number];
    const batch = shape.slice(0, -3);
    const one = [...batch, 1, ...tail];
    if (formatShape(one) !== formatShape(query.shape)) {
      throw new ShapeError(
        `flax.MultiHeadDotProductAttention: with decode, queries come one at a time: those of the heads ` +
          `must be ${formatShape(one)}, as the cache was made, not ${formatShape(query.shape)}`,
      );
    }
    const now = index.value;
    const start = [...batch.map(() => 0), now, 0, 0];
    keys.value = np.dynamicUpdateSlice(keys.value, key, start);
    values.value = np.dynamicUpdateSlice(values.value, value, start);
    index.value = now.add(1);
    const past = np.arange(length, { dtype: "int32" }).lessEqual(now);
    const seen = np.broadcastTo(past, [...batch, 1, 1, length]);
    return [
      keys.value,
      values.value,
      mask === undefined ? seen : np.logicalAnd(mask.astype("bool"), seen),
    ];
  }
}

/**
 * The mask of pairs of queries and keys that both count: of [..., queries] and [..., keys], [..., 1,
 * queries, keys].
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const counts = np.array([1, 1, 0]);
 * console.log(flax.makeAttentionMask(counts, counts).at(0).at(2).toArray()); // [ false, false, false ]
 * ```
 */
export function makeAttentionMask(queries: NDArray, keys: NDArray): NDArray {
  const pairs = np.expandDims(queries, -1).mul(np.expandDims(keys, -2));
  return np.expandDims(pairs.notEqual(0), -3);
}

/**
 * The mask with which a position attends to those up to itself: for [..., length], [..., 1, length, length].
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * console.log(flax.makeCausalMask(np.ones([2])).toArray()); // [ [ [ true, false ], [ true, true ] ] ]
 * ```
 */
export function makeCausalMask(x: NDArray): NDArray {
  const length = x.shape.at(-1)!;
  const at = np.broadcastTo(np.arange(length, { dtype: "int32" }), x.shape);
  const mask = np.expandDims(at, -1).greaterEqual(np.expandDims(at, -2));
  return np.expandDims(mask, -3);
}
