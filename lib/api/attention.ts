/**
 * What layers compute beside activations: gates, standardised values, attention.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  broadcastShapes,
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  ge,
  iota,
  le,
  lt,
  moveAxis,
  mul,
  reshape,
  scalarLike,
  select,
  slice,
  sub,
} from "../primitives/mod.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { sigmoid } from "./activations.ts";
import { einsum } from "./products.ts";
import {
  asBool,
  asFloat,
  expectArray,
  expectAxes,
  expectAxis,
  isNamed,
  promote,
} from "./operands.ts";
import { logsumexp, softmax } from "./softmax.ts";

const number = (x: NDArray, value: number): NDArray => scalarLike(value, x);

/** A parameter in the dtype of an array. */
function like(op: string, x: NDArray, value: Operand, what: string): NDArray {
  return promote(op, x, typeof value === "number" ? number(x, value) : value, undefined, [
    "x",
    what,
  ])[1];
}

/**
 * The first half along `axis` times the sigmoid of the second, as `jax.nn.glu`.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where its length is odd.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.glu(np.array([4, 0])).toArray()); // [ 2 ]
 * ```
 */
export function glu(x: NDArray, axis: number | Named<unknown, { axis: number }> = -1): NDArray {
  if (arguments.length > 2 || isNamed(axis)) checkCall("glu(x, axis)", arguments, {}, 1);
  if (isNamed(axis)) return glu(x, axis.axis);
  const a = asFloat("glu", expectArray("glu", x));
  const along = expectAxis("glu", axis, a.ndim);
  const n = a.shape[along]!;
  if (n % 2 !== 0) {
    throw new ShapeError(
      `glu: x has shape ${formatShape(a.shape)}, but axis ${along} must have an even length`,
    );
  }
  const half = (from: number): NDArray =>
    slice(a, a.shape.map((_, i) => i === along ? from : 0), a.shape.with(along, from + n / 2));
  return mul(half(0), sigmoid(half(n / 2)));
}

/** Options of {@linkcode standardize}. */
export interface StandardizeOptions {
  /** Added to the variance. */
  readonly epsilon?: number | undefined;
  /** The mean, where it is known. */
  readonly mean?: Operand | null | undefined;
  /** The variance, where it is known. */
  readonly variance?: Operand | null | undefined;
  /** Which elements count for both, as a mask that broadcasts to `x`. */
  readonly where?: Operand | null | undefined;
  /**
   * How the variance is computed: `"fast"`, which is the default, is the mean of the squares less the square
   * of the mean, `"stable"` the mean of the squared distances.
   */
  readonly algorithm?: "fast" | "stable" | undefined;
}

const standardizeOptions: OptionTable<StandardizeOptions> = {
  epsilon: "number",
  mean: "operand",
  variance: "operand",
  where: "operand",
  algorithm: "string",
};

/**
 * `x` less its mean over its standard deviation along `axis`, as `jax.nn.standardize`.
 *
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.standardize(np.array([1, 3]), -1, { epsilon: 0 }).toArray()); // [ -1, 1 ]
 * ```
 */
export function standardize(
  x: NDArray,
  axis:
    | number
    | readonly number[]
    | Named<StandardizeOptions, { axis: number | readonly number[] }> = -1,
  options: StandardizeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("standardize(x, axis, options)", arguments, standardizeOptions, 1);
  }
  if (isNamed(axis)) return standardize(x, axis.axis, axis);
  const a = asFloat("standardize", expectArray("standardize", x));
  expectAxes("standardize", axis, a.ndim);
  const { epsilon = 1e-5, where, algorithm = "fast" } = options;
  if (algorithm !== "fast" && algorithm !== "stable") {
    throw new TypeError(
      `standardize: algorithm must be "fast" or "stable", not ${describeValue(algorithm)}`,
    );
  }
  const mean = options.mean == null
    ? a.mean(axis, { keepDims: true, where })
    : like("standardize", a, options.mean, "the mean");
  const centered = sub(a, mean);
  const variance = options.variance == null
    ? algorithm === "stable"
      ? centered.square().mean(axis, { keepDims: true, where })
      // Rounding may leave it below 0.
      : a.square().mean(axis, { keepDims: true, where }).sub(mean.square()).maximum(0)
    : like("standardize", a, options.variance, "the variance");
  return mul(centered, u.rsqrt(add(variance, number(a, epsilon))));
}

// ---------------------------------------------------------------- attention

/** Options of {@linkcode dotProductAttention}. */
export interface AttentionOptions {
  /** Added to the logits: broadcasts to [batch, heads, queries, keys]. */
  readonly bias?: NDArray | null | undefined;
  /** Which keys a query sees: broadcasts to [batch, heads, queries, keys]. */
  readonly mask?: NDArray | null | undefined;
  /** Factor of the logits; 1 / sqrt(head size) where left out. */
  readonly scale?: number | undefined;
  /** Whether a query sees no keys behind its own place. */
  readonly isCausal?: boolean | undefined;
  /** How many queries of each batch count, from the first: [batch], int32. */
  readonly querySeqLengths?: NDArray | null | undefined;
  /** How many keys of each batch count, from the first: [batch], int32. */
  readonly keyValueSeqLengths?: NDArray | null | undefined;
  /** How many keys before and behind its own place a query sees; one number for both. */
  readonly localWindowSize?: number | readonly [number, number] | undefined;
  /** Whether the result is `[out, residual]`, with the logarithms of the sums of exponentials, [batch, t, heads]. */
  readonly returnResidual?: boolean | undefined;
}

const attentionOptions: OptionTable<AttentionOptions> = {
  bias: "operand",
  mask: "operand",
  scale: "number",
  isCausal: "boolean",
  querySeqLengths: "operand",
  keyValueSeqLengths: "operand",
  localWindowSize: "shape",
  returnResidual: "boolean",
};

/**
 * Scaled dot product attention, as `jax.nn.dot_product_attention` (Vaswani et al., 2017): queries
 * [batch, t, heads, h], keys and values [batch, s, groups, h], of which each group serves several heads
 * (Ainslie et al., 2023); batches may be left out. The result has the shape of the queries.
 *
 * @throws {ShapeError} where shapes do not go together.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * const x = np.array([[[1]], [[3]]]);
 * const seen = nn.dotProductAttention(np.zeros([2, 1, 1]), x, x, { isCausal: true });
 * console.log(seen.ravel().toArray()); // [ 1, 2 ]
 * ```
 */
export function dotProductAttention(
  query: NDArray,
  key: NDArray,
  value: NDArray,
  options: AttentionOptions & { readonly returnResidual: true },
): [out: NDArray, residual: NDArray];
/** The result alone. */
export function dotProductAttention(
  query: NDArray,
  key: NDArray,
  value: NDArray,
  options?: AttentionOptions,
): NDArray;
export function dotProductAttention(
  query: NDArray,
  key: NDArray,
  value: NDArray,
  options: AttentionOptions = {},
): NDArray | [out: NDArray, residual: NDArray] {
  if (arguments.length > 3) {
    options = readOptions(
      "dotProductAttention(query, key, value, options)",
      arguments,
      attentionOptions,
    );
  }
  const op = "dotProductAttention";
  const given = [query, key, value].map((x, i) =>
    asFloat(op, expectArray(op, x, ["query", "key", "value"][i]!))
  );
  const rank = given[0]!.ndim;
  const [q, k, v] = given.map((x) => x.ndim === 3 ? reshape(x, [1, ...x.shape]) : x) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  const [batch, t, heads, h] = q.shape as [number, number, number, number];
  const [, s, groups] = k.shape as [number, number, number];
  if (
    ![3, 4].includes(rank) || given.some((x) => x.ndim !== rank) || !sameShape(k.shape, v.shape) ||
    k.shape[0] !== batch || k.shape[3] !== h || groups === 0 || heads % groups !== 0
  ) {
    throw new ShapeError(
      `${op}: queries are [batch, t, heads, h], keys and values [batch, s, groups, h], with groups that ` +
        `divide the heads, or all without batch, but they have shapes ${
          given.map((x) => formatShape(x.shape)).join(", ")
        }`,
    );
  }
  const [scale, full] = [options.scale ?? 1 / Math.sqrt(h), [batch, heads, t, s]];
  const split = reshape(q, [batch, t, groups, heads / groups, h]);
  let logits = reshape(einsum("btgrh,bsgh->bgrts", split, k), full);
  logits = mul(logits, number(logits, scale));
  const fit = (x: NDArray, what: string): NDArray => {
    const shape = x.ndim <= 4 ? broadcastShapes(`${op}: ${what}`, x.shape, full) : [];
    if (!sameShape(shape, full)) {
      throw new ShapeError(
        `${op}: ${what} has shape ${formatShape(x.shape)}, which does not broadcast to ${
          formatShape(full)
        }`,
      );
    }
    return broadcastTo(x, full);
  };
  if (options.bias !== undefined) {
    logits = add(
      logits,
      fit(like(op, logits, expectArray(op, options.bias, "bias"), "bias"), "bias"),
    );
  }
  const row = iota([t, 1], 0, "int32");
  const column = iota([1, s], 1, "int32");
  const masks: NDArray[] = [];
  if (options.mask !== undefined) masks.push(fit(asBool(op, options.mask, "mask"), "mask"));
  if (options.isCausal) masks.push(fit(le(column, row), "the causal mask"));
  if (options.localWindowSize !== undefined) {
    const window = options.localWindowSize;
    const pair = typeof window === "number" ? [window, window] : window;
    const [left, right] = Array.isArray(pair) ? pair as [number, number] : [NaN, NaN];
    if (!Number.isInteger(left) || !Number.isInteger(right)) {
      throw new TypeError(
        `${op}: localWindowSize is a whole number or a pair of them, not ${describeValue(window)}`,
      );
    }
    masks.push(fit(
      and(
        ge(column, sub(row, scalarLike(left, row))),
        le(column, add(row, scalarLike(right, row))),
      ),
      "the window",
    ));
  }
  const within = (lengths: NDArray | null | undefined, places: NDArray, what: string): void => {
    if (lengths === undefined) return;
    const n = expectArray(op, lengths, what);
    if (n.ndim !== 1 || n.size !== batch) {
      throw new ShapeError(
        `${op}: ${what} has shape ${formatShape(n.shape)}, but there are ${batch} batches`,
      );
    }
    masks.push(fit(lt(places, reshape(n.astype("int32"), [batch, 1, 1, 1])), what));
  };
  within(options.querySeqLengths, row, "querySeqLengths");
  within(options.keyValueSeqLengths, column, "keyValueSeqLengths");
  if (masks.length > 0) {
    // Not -Infinity, of which a row of nothing else would be NaN: as JAX, 0.7 times the least number.
    const least = logits.dtype === "float32"
      ? -0.7 * 3.4028234663852886e38
      : -0.7 * Number.MAX_VALUE;
    logits = select(
      masks.reduce((a, b) => and(a, b)),
      logits,
      broadcastTo(number(logits, least), full),
    );
  }
  const residual = (): NDArray => {
    const sums = moveAxis(logsumexp(logits, -1), 1, 2);
    return rank === 3 ? reshape(sums, [t, heads]) : sums;
  };
  const ending = (out: NDArray): NDArray | [out: NDArray, residual: NDArray] => {
    const result = reshape(out, given[0]!.shape);
    return options.returnResidual ? [result, residual()] : result;
  };
  const weights = reshape(softmax(logits, -1), [batch, groups, heads / groups, t, s]);
  const out = reshape(einsum("bgrts,bsgh->btgrh", weights, v), [batch, t, heads, h]);
  if (options.querySeqLengths == null) return ending(out);
  // Queries that do not count give 0.
  const counted = lt(
    iota([1, t, 1, 1], 1, "int32"),
    reshape(options.querySeqLengths.astype("int32"), [batch, 1, 1, 1]),
  );
  const shown = select(
    broadcastTo(counted, out.shape),
    out,
    broadcastTo(number(out, 0), out.shape),
  );
  return ending(shown);
}
