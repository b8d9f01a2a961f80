/**
 * Attention, and what it is made with: dropout and embeddings.
 *
 * @module
 */
import {
  checkCall,
  formatAval,
  isInteger,
  type OptionTable,
  sameShape,
} from "../../../lib/extend.ts";
import {
  type DType,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../../mod.ts";
import { transforms } from "../context.ts";
import { Module } from "../module.ts";
import { type CallOptions, type LayerOptions, Linear } from "./linear.ts";
import { checkSize, keysOf } from "./parameters.ts";

/** Options of `Dropout`. */
export interface DropoutOptions {
  /** Whether to leave the input as it is (default false). */
  readonly inference?: boolean | undefined;
}

const dropoutOptions: OptionTable<DropoutOptions> = { inference: "boolean" };

/**
 * Replaces elements by 0, each with probability `p`, and divides the others by `1 - p`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const y = new eqx.nn.Dropout(0.5).call(np.ones([100]), { key: random.key(0) });
 * console.log(y.max().item(), y.min().item()); // 2 0
 * ```
 */
export class Dropout extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["p"];
  /** Whether to leave the input as it is. */
  readonly inference: boolean;

  /**
   * `p` is the probability of 0.
   *
   * @throws {RangeError} where it is not a number from 0 to 1.
   */
  constructor(readonly p: number = 0.5, options: DropoutOptions = {}) {
    checkCall("new eqx.nn.Dropout(p, options)", arguments, dropoutOptions);
    super();
    if (!(typeof p === "number" && p >= 0 && p <= 1)) {
      throw new RangeError(`eqx.nn.Dropout: p must be a number from 0 to 1, not ${String(p)}`);
    }
    this.inference = options.inference ?? false;
  }

  /**
   * Applies the layer; the same key gives the same zeros.
   *
   * @throws {StateError} without a key, in training.
   */
  call(x: NDArray, { key, inference = this.inference }: CallOptions = {}): NDArray {
    if (inference || this.p === 0) return x;
    if (key === undefined) {
      throw new StateError(
        "eqx.nn.Dropout: a key is needed in training. Pass layer.call(x, { key }), or use " +
          "eqx.nn.inferenceMode(model)",
      );
    }
    const kept = random.bernoulli(key, 1 - this.p, x.shape);
    return np.where(kept, x.div(1 - this.p), 0);
  }
}

const embeddingOptions: OptionTable<LayerOptions> = { key: "object", dtype: "dtype" };

/** A vector for each number from 0 on: a table `weight` [number, size], normally distributed. */
export class Embedding extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["numEmbeddings", "embeddingSize"];
  /** The vectors [number, size]. */
  readonly weight: NDArray;

  /**
   * Makes a table.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(
    readonly numEmbeddings: number,
    readonly embeddingSize: number,
    options: LayerOptions = {},
  ) {
    const call = "new eqx.nn.Embedding(numEmbeddings, embeddingSize, options)";
    checkCall(call, arguments, embeddingOptions);
    super();
    checkSize("eqx.nn.Embedding", "numEmbeddings", numEmbeddings);
    checkSize("eqx.nn.Embedding", "embeddingSize", embeddingSize);
    const { key, dtype = "float32" } = options;
    if (key === undefined) keysOf("eqx.nn.Embedding", key, 1);
    this.weight = random.normal(key!, [numEmbeddings, embeddingSize], {
      dtype: dtype as "float32",
    });
  }

  /**
   * The vectors of `x`, integers [...]; gives [..., size].
   *
   * @throws {ShapeError} where `x` is not integers.
   */
  call(x: NDArray | number, _options?: CallOptions): NDArray {
    const indices = typeof x === "number" ? np.array(x, { dtype: "int32" }) : x;
    if (isInteger(indices.dtype)) return np.take(this.weight, indices, 0);
    throw new ShapeError(
      `eqx.nn.Embedding: the input must be integers, but it is ${
        formatAval(indices.aval)
      }. Convert with ` +
        'astype("int32")',
    );
  }
}

/** Options of `MultiheadAttention`. */
export interface AttentionOptions extends LayerOptions {
  /** Features of a key (default: of a query). */
  readonly keySize?: number | undefined;
  /** Features of a value (default: of a query). */
  readonly valueSize?: number | undefined;
  /** Features of the result (default: of a query). */
  readonly outputSize?: number | undefined;
  /** Features by which queries and keys are compared, per head (default `querySize / numHeads`). */
  readonly qkSize?: number | undefined;
  /** Features that are passed on, per head (default `querySize / numHeads`). */
  readonly voSize?: number | undefined;
  /** Whether the projection of queries has a bias (default false). */
  readonly useQueryBias?: boolean | undefined;
  /** Whether that of keys has. */
  readonly useKeyBias?: boolean | undefined;
  /** Whether that of values has. */
  readonly useValueBias?: boolean | undefined;
  /** Whether that of results has. */
  readonly useOutputBias?: boolean | undefined;
  /** Probability with which weights are dropped (default 0). */
  readonly dropoutP?: number | undefined;
  /** Whether nothing is dropped (default false). */
  readonly inference?: boolean | undefined;
}

const attentionOptions: OptionTable<AttentionOptions> = {
  key: "object",
  keySize: "count",
  valueSize: "count",
  outputSize: "count",
  qkSize: "count",
  voSize: "count",
  useQueryBias: "boolean",
  useKeyBias: "boolean",
  useValueBias: "boolean",
  useOutputBias: "boolean",
  dropoutP: "number",
  inference: "boolean",
  dtype: "dtype",
};

/** What `MultiheadAttention` takes when it is called. */
export interface AttentionCallOptions extends CallOptions {
  /** Where a query may look: bool [queries, keys], or [heads, queries, keys]. */
  readonly mask?: NDArray | undefined;
}

/**
 * Attention of several heads.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const attention = new eqx.nn.MultiheadAttention(2, 8, { key: random.key(0) });
 * const x = random.normal(random.key(1), [5, 8]);
 * const mask = np.tril(np.ones([5, 5])).astype("bool");
 * console.log(attention.call(x, x, x, { mask }).shape); // [ 5, 8 ]
 * ```
 */
export class MultiheadAttention extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["numHeads"];
  /** Of queries. */
  readonly queryProj: Linear;
  /** Of keys. */
  readonly keyProj: Linear;
  /** Of values. */
  readonly valueProj: Linear;
  /** Of what the heads give. */
  readonly outputProj: Linear;
  /** Of weights. */
  readonly dropout: Dropout;

  /**
   * Makes a layer for queries of `querySize` features.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(readonly numHeads: number, querySize: number, options: AttentionOptions = {}) {
    const call = "new eqx.nn.MultiheadAttention(numHeads, querySize, options)";
    checkCall(call, arguments, attentionOptions);
    super();
    checkSize("eqx.nn.MultiheadAttention", "numHeads", numHeads);
    checkSize("eqx.nn.MultiheadAttention", "querySize", querySize);
    const perHead = Math.floor(querySize / numHeads);
    const { keySize = querySize, valueSize = querySize, outputSize = querySize } = options;
    const { qkSize = perHead, voSize = perHead, dtype } = options;
    const keys = keysOf("eqx.nn.MultiheadAttention", options.key, 4);
    const linear = (i: number, from: number, to: number, useBias = false): Linear =>
      new Linear(from, to, { key: keys[i], useBias, dtype });
    this.queryProj = linear(0, querySize, numHeads * qkSize, options.useQueryBias);
    this.keyProj = linear(1, keySize, numHeads * qkSize, options.useKeyBias);
    this.valueProj = linear(2, valueSize, numHeads * voSize, options.useValueBias);
    this.outputProj = linear(3, numHeads * voSize, outputSize, options.useOutputBias);
    this.dropout = new Dropout(options.dropoutP ?? 0, { inference: options.inference });
  }

  /**
   * For each of `query` [queries, features], the values [keys, features] by how well it meets `key`
   * [keys, features]; gives [queries, features].
   *
   * @throws {ShapeError} where shapes do not match, the mask's among them.
   * @throws {StateError} without a key, where weights are dropped.
   */
  call(
    query: NDArray,
    key: NDArray,
    value: NDArray,
    { mask, key: rng, inference }: AttentionCallOptions = {},
  ): NDArray {
    const heads = (proj: Linear, x: NDArray): NDArray =>
      proj.call(x).reshape([x.shape[0]!, this.numHeads, -1]).transpose([1, 0, 2]);
    const [q, k, v] = [
      heads(this.queryProj, query),
      heads(this.keyProj, key),
      heads(this.valueProj, value),
    ];
    let logits = np.matmul(q.div(Math.sqrt(q.shape[2]!)), k.transpose([0, 2, 1]));
    if (mask !== undefined) {
      if (!sameShape(mask.shape, logits.shape.slice(-mask.ndim)) || mask.ndim < 2) {
        throw new ShapeError(
          `eqx.nn.MultiheadAttention: the mask must be [${
            logits.shape.slice(1)
          }] or [${logits.shape}], but it is ` +
            formatAval(mask.aval),
        );
      }
      logits = np.where(mask, logits, lowest(logits.dtype));
    }
    let weights = nn.softmax(logits, -1);
    if (rng !== undefined) {
      const drop = (w: NDArray, key: NDArray): NDArray => this.dropout.call(w, { key, inference });
      weights = transforms.vmap(drop)(weights, random.split(rng, this.numHeads));
    } else weights = this.dropout.call(weights, { inference });
    const out = np.matmul(weights, v).transpose([1, 0, 2]);
    return this.outputProj.call(out.reshape([query.shape[0]!, -1]));
  }
}

/** The lowest finite number: a row that is masked altogether gets equal weights, not NaN. */
function lowest(dtype: DType): number {
  return dtype === "float64" ? -Number.MAX_VALUE : -(2 - 2 ** -23) * 2 ** 127;
}
