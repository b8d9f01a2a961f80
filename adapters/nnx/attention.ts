/**
 * Attention of several heads.
 *
 * @module
 */
import { checkCall, formatShape, type OptionTable } from "../../lib/extend.ts";
import {
  type DType,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";
import { attended } from "../attention.ts";
import { Module } from "./graph.ts";
import { type Initializer, lecunNormal, zeros } from "./initializers.ts";
import { checkFeatures, checkRngs, checkSize, type LayerOptions } from "./layers.ts";
import { LayerNorm } from "./normalization.ts";
import { Rngs, type RngStream } from "./rngs.ts";
import { sow } from "./sown.ts";
import { Cache, Param } from "./variable.ts";

/** Options of `MultiHeadAttention`. */
export interface AttentionOptions extends LayerOptions {
  /** Features of all heads together (default: those of the queries). */
  readonly qkvFeatures?: number | undefined;
  /** Features of the result (default: those of the queries). */
  readonly outFeatures?: number | undefined;
  /** Features of keys and values (default: those of the queries). */
  readonly inKvFeatures?: number | undefined;
  /** The probability that a weight is dropped (default 0). */
  readonly dropoutRate?: number | undefined;
  /** Whether all examples and heads drop the same weights (default true). */
  readonly broadcastDropout?: boolean | undefined;
  /** Whether nothing is dropped (default false): what `train` and `eval` set. */
  readonly deterministic?: boolean | undefined;
  /** Whether inputs come one at a time, and earlier keys and values are kept (default false). */
  readonly decode?: boolean | undefined;
  /** Whether queries and keys are normalised (default false). */
  readonly normalizeQk?: boolean | undefined;
  /** Whether to add biases (default true). */
  readonly useBias?: boolean | undefined;
  /** Initialiser of weights (default `lecunNormal()`). */
  readonly kernelInit?: Initializer | undefined;
  /** Initialiser of biases (default `zeros`). */
  readonly biasInit?: Initializer | undefined;
}

const attentionOptions: OptionTable<AttentionOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  qkvFeatures: "count",
  outFeatures: "count",
  inKvFeatures: "count",
  dropoutRate: "number",
  broadcastDropout: "boolean",
  deterministic: "boolean",
  decode: "boolean",
  normalizeQk: "boolean",
  useBias: "boolean",
  kernelInit: "function",
  biasInit: "function",
};

/** Options of `MultiHeadAttention.call`. */
export interface AttentionCallOptions {
  /** Where it is false, a weight is zero: broadcasts to [..., heads, queries, keys]. */
  readonly mask?: NDArray | undefined;
  /** In place of the layer's own. */
  readonly deterministic?: boolean | undefined;
  /** In place of the layer's own. */
  readonly decode?: boolean | undefined;
  /** Whether to keep the weights, [..., heads, queries, keys], as the intermediate `attentionWeights`. */
  readonly sowWeights?: boolean | undefined;
  /** Where keys come from, in place of the layer's own stream. */
  readonly rngs?: Rngs | RngStream | undefined;
}

const callOptions: OptionTable<AttentionCallOptions> = {
  mask: "operand",
  deterministic: "boolean",
  decode: "boolean",
  sowWeights: "boolean",
  rngs: "object",
};

/** `x kernel + bias`, over the last axes of `x`, to one or two new ones. */
class Projection extends Module {
  readonly kernel: Param;
  readonly bias: Param | null;

  constructor(
    readonly inner: readonly number[],
    readonly outer: readonly number[],
    { rngs, paramDtype = "float32", useBias = true, ...inits }: AttentionOptions,
  ) {
    super();
    const { kernelInit = lecunNormal(), biasInit = zeros } = inits;
    const [from, to] = [inner, outer].map((sizes) => sizes.reduce((a, b) => a * b, 1)) as [
      number,
      number,
    ];
    const kernel = kernelInit(rngs.next("params"), [from, to], paramDtype);
    this.kernel = new Param(kernel.reshape([...inner, ...outer]));
    this.bias = useBias
      ? new Param(biasInit(rngs.next("params"), [to], paramDtype).reshape(outer))
      : null;
  }

  call(x: NDArray): NDArray {
    const batch = x.shape.slice(0, x.ndim - this.inner.length);
    const from = this.inner.reduce((a, b) => a * b, 1);
    const to = this.outer.reduce((a, b) => a * b, 1);
    const y = np.matmul(x.reshape([...batch, from]), this.kernel.value.reshape([from, to]))
      .reshape([...batch, ...this.outer]);
    return this.bias === null ? y : y.add(this.bias.value);
  }
}

/**
 * Attention: queries look at keys, and get a mean of values.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.MultiHeadAttention(2, 6, { rngs: new nnx.Rngs(0) });
 * console.log(layer.call(np.ones([3, 5, 6])).shape); // [ 3, 5, 6 ]
 * ```
 */
export class MultiHeadAttention extends Module {
  /** Makes queries, kernel [features, heads, head features]. */
  readonly query: Module & { call(x: NDArray): NDArray };
  /** Makes keys. */
  readonly key: Module & { call(x: NDArray): NDArray };
  /** Makes values. */
  readonly value: Module & { call(x: NDArray): NDArray };
  /** Makes results of what all heads give, kernel [heads, head features, features]. */
  readonly out: Module & { call(x: NDArray): NDArray };
  /** Features of one head. */
  readonly headFeatures: number;
  /** Whether nothing is dropped. */
  deterministic: boolean;
  /** The probability that a weight is dropped. */
  readonly dropoutRate: number;
  /** Whether all examples and heads drop the same weights. */
  readonly broadcastDropout: boolean;
  /** Whether inputs come one at a time. */
  decode: boolean;
  /** Normalises queries, where that is wanted. */
  readonly queryLn: LayerNorm | null;
  /** Normalises keys, where that is wanted. */
  readonly keyLn: LayerNorm | null;
  /** Keys so far, [...batch, length, heads, head features]; `null` before `initCache`. */
  cachedKey: Cache | null = null;
  /** Values so far. */
  cachedValue: Cache | null = null;
  /** How many there are, int32. */
  cacheIndex: Cache | null = null;
  /** Its own stream, forked from `dropout`, where it drops. */
  readonly rngs: RngStream | null;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer, or the features cannot be divided
   * among the heads.
   */
  constructor(readonly numHeads: number, readonly inFeatures: number, options: AttentionOptions) {
    checkCall(
      "new nnx.MultiHeadAttention(numHeads, inFeatures, options)",
      arguments,
      attentionOptions,
    );
    super();
    const name = "nnx.MultiHeadAttention";
    const { qkvFeatures = inFeatures, outFeatures = inFeatures, inKvFeatures = inFeatures } =
      options;
    checkSize(name, "the number of heads", numHeads);
    checkSize(name, "the number of features", inFeatures);
    checkRngs(name, options);
    if (qkvFeatures % numHeads !== 0) {
      throw new ShapeError(
        `${name}: ${qkvFeatures} features cannot be divided among ${numHeads} heads`,
      );
    }
    this.headFeatures = qkvFeatures / numHeads;
    const heads = [numHeads, this.headFeatures];
    this.query = new Projection([inFeatures], heads, options);
    this.key = new Projection([inKvFeatures], heads, options);
    this.value = new Projection([inKvFeatures], heads, options);
    this.deterministic = options.deterministic ?? false;
    this.dropoutRate = options.dropoutRate ?? 0;
    this.broadcastDropout = options.broadcastDropout ?? true;
    this.decode = options.decode ?? false;
    const norm = { useBias: false, rngs: options.rngs, paramDtype: options.paramDtype };
    const normalizes = options.normalizeQk === true;
    this.queryLn = normalizes ? new LayerNorm(heads[1]!, norm) : null;
    this.keyLn = normalizes ? new LayerNorm(heads[1]!, norm) : null;
    this.out = new Projection(heads, [outFeatures], options);
    this.rngs = this.dropoutRate > 0 ? options.rngs.stream("dropout").fork() : null;
  }

  /**
   * Queries [..., length, features] look at keys, and at values, which are the keys where left out. Options may
   * stand in the place of what is left out.
   */
  call(
    queries: NDArray,
    keysOr?: NDArray | AttentionCallOptions,
    valuesOr?: NDArray | AttentionCallOptions,
    last?: AttentionCallOptions,
  ): NDArray {
    checkCall(
      "nnx.MultiHeadAttention.call(queries, keys, values, options)",
      arguments,
      callOptions,
      1,
    );
    const { keys, values, options } = attended(queries, [keysOr, valuesOr, last]);
    checkFeatures("nnx.MultiHeadAttention", queries, this.inFeatures);
    const { deterministic = this.deterministic, rngs = this.rngs, decode = this.decode } = options;
    let { mask } = options;
    let [query, key, value] = [
      this.query.call(queries),
      this.key.call(keys),
      this.value.call(values),
    ];
    if (this.queryLn !== null) query = this.queryLn.call(query);
    if (this.keyLn !== null) key = this.keyLn.call(key);
    if (decode) [key, value, mask] = cachedWith(this, key, value, mask);
    // [..., length, heads, features] to [..., heads, length, features]
    const byHead = (x: NDArray): NDArray => np.swapaxes(x, -3, -2);
    const [q, k, v] = [byHead(query), byHead(key), byHead(value)];
    const scale = 1 / Math.sqrt(q.shape.at(-1)!);
    let logits = np.matmul(q.mul(scale), np.swapaxes(k, -1, -2));
    if (mask !== undefined) logits = np.where(mask, logits, lowest);
    let weights = nn.softmax(logits, -1);
    if (this.dropoutRate > 0 && !deterministic) weights = dropped(this, weights, rngs);
    if (options.sowWeights === true) sow(this, "attentionWeights", weights);
    return this.out.call(byHead(np.matmul(weights, v)));
  }

  /**
   * Makes room for the keys and values of inputs [...batch, length, features], which come one at a time
   * from then on where `decode` is set. What was kept before is gone.
   *
   * @example
   * ```ts
   * import { numpy as np } from "@injax/injax";
   * import * as nnx from "@injax/injax/adapters/nnx";
   *
   * const layer = new nnx.MultiHeadAttention(2, 6, { decode: true, rngs: new nnx.Rngs(0) });
   * layer.initCache([3, 5, 6]);
   * console.log(layer.call(np.ones([3, 1, 6])).shape, layer.cacheIndex!.value.item()); // [ 3, 1, 6 ] 1
   * ```
   */
  initCache(inputShape: readonly number[], dtype: DType = "float32"): void {
    const shape = [...inputShape.slice(0, -1), this.numHeads, this.headFeatures];
    this.cachedKey = new Cache(np.zeros(shape, { dtype }));
    this.cachedValue = new Cache(np.zeros(shape, { dtype }));
    this.cacheIndex = new Cache(np.array(0, { dtype: "int32" }));
  }
}

// Functions, and not private methods: a module that is put together by `merge` has none.

/** Keys and values so far, and the mask of those that there are. */
function cachedWith(
  layer: MultiHeadAttention,
  key: NDArray,
  value: NDArray,
  mask: NDArray | undefined,
): [key: NDArray, value: NDArray, mask: NDArray] {
  const { cachedKey: keys, cachedValue: values, cacheIndex: index } = layer;
  if (keys === null || values === null || index === null) {
    throw new StateError(
      "nnx.MultiHeadAttention: with decode there must be room for keys and values: call " +
        "layer.initCache([...batch, length, features]) first",
    );
  }
  const { shape } = keys.value;
  const batch = shape.slice(0, -3);
  const one = [...batch, 1, ...shape.slice(-2)];
  if (formatShape(one) !== formatShape(key.shape)) {
    throw new ShapeError(
      `nnx.MultiHeadAttention: with decode, inputs come one at a time: keys of the heads must be ${
        formatShape(one)
      }, as initCache said, not ${formatShape(key.shape)}`,
    );
  }
  const now = index.value;
  const start = [...batch.map(() => 0), now, 0, 0];
  keys.value = np.dynamicUpdateSlice(keys.value, key, start);
  values.value = np.dynamicUpdateSlice(values.value, value, start);
  index.value = now.add(1);
  const length = shape.at(-3)!;
  const past = np.arange(length, { dtype: "int32" }).lessEqual(now);
  const seen = np.broadcastTo(past, [...batch, 1, 1, length]);
  const both = mask === undefined ? seen : np.logicalAnd(mask.astype("bool"), seen);
  return [keys.value, values.value, both];
}

/** Weights of which some are dropped. */
function dropped(
  layer: MultiHeadAttention,
  weights: NDArray,
  rngs: Rngs | RngStream | null,
): NDArray {
  if (rngs === null) {
    throw new StateError("nnx.MultiHeadAttention: there is no random stream: give call { rngs }");
  }
  const key = (rngs instanceof Rngs ? rngs.stream("dropout") : rngs).next();
  const keep = 1 - layer.dropoutRate;
  const { shape } = weights;
  const drawn = layer.broadcastDropout ? shape.map((n, d) => d < shape.length - 2 ? 1 : n) : shape;
  const factor = random.bernoulli(key, keep, drawn).astype(weights.dtype).div(keep);
  return weights.mul(factor);
}

// The least float32, as in the original.
const lowest = -3.4028234663852886e38;
