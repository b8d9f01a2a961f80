/**
 * Attention with several heads.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type NDArray, nn, numpy as np, ShapeError, StateError } from "../../../mod.ts";
import { checkSize, Linear } from "./basic.ts";
import type { Initializer } from "../handlers.ts";
import { Module } from "../module.ts";
import type { NamedOptions } from "./simple.ts";

/** Options of `MultiHeadAttention`. */
export interface MultiHeadAttentionOptions extends NamedOptions {
  /** Whether the linear layers have biases (default true). */
  readonly withBias?: boolean | undefined;
  /** Initialiser of the biases; default zeros. */
  readonly bInit?: Initializer | undefined;
  /** Length of a value of a head (default that of a key). */
  readonly valueSize?: number | undefined;
  /** Length of a vector of the result (default key size times heads). */
  readonly modelSize?: number | undefined;
}

const attentionOptions: OptionTable<MultiHeadAttentionOptions> = {
  withBias: "boolean",
  bInit: "function",
  valueSize: "number",
  modelSize: "number",
  name: "string",
};

/**
 * Attention: values weighted by how much queries and keys agree, in several heads. Parameters are those of
 * linear layers `query`, `key`, `value` and `linear`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   new hk.MultiHeadAttention(2, 4, hk.initializers.varianceScaling()).call(x, x, x)
 * );
 * const x = np.ones([5, 3]);
 * const params = model.init(random.key(0), x);
 * console.log(params["multi_head_attention/query"]!.w!.shape); // [ 3, 8 ]
 * console.log(model.apply(params, null, x).shape); // [ 5, 8 ]
 * ```
 */
export class MultiHeadAttention extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "multi_head_attention";
  /** Length of a value. */
  readonly valueSize: number;
  /** Length of a result. */
  readonly modelSize: number;

  /**
   * Number of heads, length of a key, and the initialiser of all weights, such as
   * `hk.initializers.varianceScaling(1)`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} where there is no initialiser; outside of a transformed function, and inside a
   * pure transform.
   */
  constructor(
    readonly numHeads: number,
    readonly keySize: number,
    readonly wInit: Initializer,
    readonly options: MultiHeadAttentionOptions = {},
  ) {
    const call = "new hk.MultiHeadAttention(numHeads, keySize, wInit, options)";
    checkCall(call, arguments, attentionOptions);
    super(options.name);
    const op = "hk.MultiHeadAttention";
    if (typeof wInit !== "function") {
      throw new StateError(
        `${op}: give an initialiser of weights: new hk.MultiHeadAttention(8, 64, hk.initializers.varianceScaling())`,
      );
    }
    const sizes = { numHeads, keySize, valueSize: options.valueSize, modelSize: options.modelSize };
    for (const [what, size] of Object.entries(sizes)) {
      if (size !== undefined || what === "numHeads" || what === "keySize") {
        checkSize(op, what, size);
      }
    }
    this.valueSize = options.valueSize ?? keySize;
    this.modelSize = options.modelSize ?? keySize * numHeads;
  }

  /**
   * Gives [..., queries, modelSize] for `query` [..., queries, q], `key` [..., keys, k] and `value`
   * [..., keys, v]. `mask` [..., heads or 1, queries, keys] is true where a query may see a key.
   *
   * @throws {ShapeError} where an input has less than two axes, or the mask not as many as the weights.
   */
  call(query: NDArray, key: NDArray, value: NDArray, mask?: NDArray): NDArray {
    const { numHeads, keySize, valueSize, modelSize, wInit } = this;
    const { bInit, withBias } = this.options;
    const linear = (size: number, name?: string): Linear =>
      new Linear(size, { wInit, bInit, withBias, name });
    // [..., time, features] as [..., heads, time, size]
    const heads = (x: NDArray, size: number, name: string): NDArray => {
      const array = np.asarray(x);
      if (array.ndim < 2) {
        throw new ShapeError(
          `hk.MultiHeadAttention: the ${name} must have two axes or more: ${
            formatAval(array.aval)
          }`,
        );
      }
      const y = linear(numHeads * size, name).call(array);
      return np.swapaxes(y.reshape([...y.shape.slice(0, -1), numHeads, size]), -3, -2);
    };
    const q = heads(query, keySize, "query");
    const k = heads(key, keySize, "key");
    const v = heads(value, valueSize, "value");
    const logits = np.matmul(q, np.swapaxes(k, -2, -1)).div(Math.sqrt(keySize));
    const weights = nn.softmax(mask === undefined ? logits : masked(logits, mask));
    const out = np.swapaxes(np.matmul(weights, v), -3, -2);
    return linear(modelSize).call(out.reshape([...out.shape.slice(0, -2), numHeads * valueSize]));
  }
}

function masked(logits: NDArray, mask: NDArray): NDArray {
  const array = np.asarray(mask);
  if (array.ndim !== logits.ndim) {
    throw new ShapeError(
      `hk.MultiHeadAttention: the mask must have ${logits.ndim} axes, [..., heads or 1, queries, keys], not ${
        formatAval(array.aval)
      }`,
    );
  }
  return np.where(array, logits, -1e30);
}
