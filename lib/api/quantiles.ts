/**
 * Quantiles, of all elements or of those that are not NaN.
 *
 * @module
 */
import {
  type Axes,
  describeValue,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import type { AxesOr, ReduceOptions } from "../core/method_options.ts";
import {
  add,
  broadcastTo,
  ceil,
  convert,
  cumsum,
  div,
  eq,
  floor,
  full,
  gt,
  isNaN,
  le,
  lt,
  maximum,
  minimum,
  mul,
  not,
  onesLike,
  or,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sort,
  stopGradient,
  sub,
  transpose,
  zerosLike,
} from "../primitives/mod.ts";
import { takeAlongAxis } from "./indexing.ts";
import { asFloat, expectArray, expectAxes, isNamed, promote } from "./operands.ts";
import { nameIn, reduceOptions } from "./options.ts";
import { countOf } from "./reducing.ts";

/** Between which elements a quantile lies, and what is taken there. */
export type QuantileMethod =
  | ("linear" | "lower" | "higher" | "midpoint" | "nearest")
  | ("invertedCdf" | "inverted_cdf");

/** Options of quantiles. */
export interface QuantileOptions extends ReduceOptions {
  /** What is taken between two elements: `"linear"`, which is the default, interpolates. */
  readonly method?: QuantileMethod | undefined;
  /**
   * How much elements count, for `"invertedCdf"`: of the shape of `x`, or of the axes that are reduced.
   * NaN where one is negative.
   */
  readonly weights?: NDArray | null | undefined;
}

const quantileOptions: OptionTable<QuantileOptions> = /* @__PURE__ */ tableOf(reduceOptions, {
  method: "string",
  weights: "operand",
});

const methods: readonly QuantileMethod[] = [
  ...["linear", "lower", "higher", "midpoint", "nearest"] as const,
  "invertedCdf",
];

/** Weights of the shape of `x`. */
function weightsOf(op: string, x: NDArray, given: NDArray, axes: readonly number[]): NDArray {
  const w = convert(expectArray(op, given, "weights"), x.dtype);
  if (sameShape(w.shape, x.shape)) return w;
  if (!sameShape(w.shape, axes.map((k) => x.shape[k]!))) {
    throw new ShapeError(
      `${op}: weights have shape ${formatShape(w.shape)}, but x has ${
        formatShape(x.shape)
      }: they have the shape of x, or that of the axes that are reduced`,
    );
  }
  return broadcastTo(reshape(w, x.shape.map((n, k) => axes.includes(k) ? n : 1)), x.shape);
}

/**
 * Which of the sorted elements [m, n] are the first up to which the weights add to a share of their sum,
 * and in which rows they do not: [m, k] and [m].
 */
function byWeight(weights: NDArray, missing: NDArray, row: NDArray): [at: NDArray, bad: NDArray] {
  const [m, n] = weights.shape as [number, number];
  const k = row.size;
  const bad = or(lt(weights, scalarLike(0, weights)), isNaN(weights));
  const counted = select(or(bad, missing), zerosLike(weights), weights);
  const sums = cumsum(counted, 1, false);
  const wanted = mul(broadcastTo(row, [m, k]), slice(sums, [0, n - 1], [m, n]));
  const before = lt(
    broadcastTo(reshape(sums, [m, 1, n]), [m, k, n]),
    broadcastTo(reshape(wanted, [m, k, 1]), [m, k, n]),
  );
  const at = reduceSum(convert(before, row.dtype), [2]);
  return [at, gt(reduceSum(convert(bad, "int32"), [1]), full([], 0, "int32"))];
}

/** Quantiles over axes: the axes of `q` are in front of those that are left. */
function quantilesOf(
  op: string,
  x: Operand,
  q: Operand,
  axis: Axes | undefined,
  options: QuantileOptions,
  skipNaN: boolean,
): NDArray {
  const { keepDims } = options;
  const method = nameIn(options.method ?? "linear");
  if (!methods.includes(method)) {
    throw new TypeError(
      `${op}: method must be ${methods.map((m) => `"${m}"`).join(", ")}, not ${
        describeValue(method)
      }`,
    );
  }
  if (typeof q === "number" && !(q >= 0 && q <= 1)) {
    const whole = op.endsWith("percentile");
    throw new RangeError(
      `${op}: q is ${whole ? 100 * q : q}, and must be from 0 to ${whole ? 100 : 1}${
        whole ? "" : ". np.percentile takes percent"
      }`,
    );
  }
  const shares = typeof q === "number" ? q : asFloat(op, q, "q");
  const [a, share] = promote(op, asFloat(op, x), shares);
  const axes = expectAxes(op, axis, a.ndim);
  if (options.weights !== undefined && method !== "invertedCdf") {
    throw new TypeError(
      `${op}: weights are for the method "invertedCdf" alone, and the method is "${method}"`,
    );
  }
  const n = countOf(a, axes);
  if (n === 0) {
    throw new ShapeError(`${op}: x has shape ${formatShape(a.shape)} and so no elements`);
  }
  const others = a.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const rest = others.map((i) => a.shape[i]!);
  const m = rest.reduce((size, k) => size * k, 1);
  const rows = (y: NDArray): NDArray => reshape(transpose(y, [...others, ...axes]), [m, n]);
  const [sorted, order] = sort(rows(a), 1);
  const k = share.size;
  const row = reshape(share, [1, k]);
  const constant = (value: number): NDArray => scalarLike(value, row);
  // How many elements count, by row: NaN is at the end.
  const missing = isNaN(sorted);
  const count = skipNaN
    ? reduceSum(convert(not(missing), a.dtype), [1])
    : broadcastTo(constant(n), [m]);
  const last = maximum(sub(reshape(count, [m, 1]), constant(1)), constant(0));
  let at = mul(broadcastTo(row, [m, k]), last);
  let refused: NDArray | null = null;
  if (method === "invertedCdf") {
    const given = options.weights == null ? onesLike(a) : weightsOf(op, a, options.weights, axes);
    const lacking = isNaN(at);
    [at, refused] = byWeight(takeAlongAxis(rows(given), order, 1), missing, row);
    at = select(lacking, broadcastTo(constant(NaN), [m, k]), at);
  }
  const clamped = (place: NDArray): NDArray => minimum(maximum(place, constant(0)), last);
  const [below, above] = [clamped(floor(at)), clamped(ceil(at))];
  const element = (place: NDArray): NDArray => takeAlongAxis(sorted, convert(place, "int32"), 1);
  const [low, high] = [element(below), element(above)];
  const weight = sub(at, floor(at));
  const zero = constant(0);
  let out: NDArray;
  if (method === "lower" || method === "invertedCdf") out = low;
  else if (method === "higher") out = high;
  else if (method === "nearest") out = select(le(weight, constant(0.5)), low, high);
  else if (method === "midpoint") {
    out = select(eq(below, above), low, div(add(low, high), constant(2)));
  } else {
    // Where a quantile is an element, its neighbour has no share in it, be it infinite or not.
    const between = add(mul(low, sub(constant(1), weight)), mul(high, weight));
    out = select(eq(weight, zero), low, between);
  }
  // NaN comes from no one element, so none has a share in it.
  const nan = stopGradient(slice(sorted, [0, n - 1], [m, n]));
  const none = skipNaN ? eq(reshape(count, [m, 1]), zero) : isNaN(nan);
  const wrong = refused === null ? none : or(none, reshape(refused, [m, 1]));
  const outside = or(broadcastTo(wrong, [m, k]), isNaN(at));
  out = select(outside, broadcastTo(constant(NaN), [m, k]), out);
  const kept = keepDims ? a.shape.map((length, i) => axes.includes(i) ? 1 : length) : rest;
  return reshape(transpose(out, [1, 0]), [...share.shape, ...kept]);
}

/**
 * Quantiles of `x` over `axis`, as `jax.numpy.quantile`: `q` from 0 to 1, a number or an array whose axes
 * are in front of those of the result. NaN where there is one.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([4, 1, 3, 2]);
 * console.log(np.quantile(x, 0.5).item()); // 2.5
 * console.log(np.quantile(x, 0.5, 0, { method: "lower" }).item()); // 2
 * ```
 */
export function quantile(
  x: Operand,
  q: Operand,
  axis?: AxesOr<QuantileOptions>,
  options: QuantileOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("quantile(x, q, axis, options)", arguments, quantileOptions, 2);
  }
  if (isNamed(axis)) return quantile(x, q, axis.axis, axis);
  return quantilesOf("quantile", x, q, axis, options, false);
}

/**
 * Quantiles of `x` over `axis` with `q` from 0 to 100, as `jax.numpy.percentile`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.percentile(np.array([4, 1, 3, 2, 5]), np.array([0, 25])).toArray()); // [ 1, 2 ]
 * ```
 */
export function percentile(
  x: Operand,
  q: Operand,
  axis?: AxesOr<QuantileOptions>,
  options: QuantileOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("percentile(x, q, axis, options)", arguments, quantileOptions, 2);
  }
  if (isNamed(axis)) return percentile(x, q, axis.axis, axis);
  return quantilesOf("percentile", x, hundredth("percentile", q), axis, options, false);
}

function hundredth(op: string, q: Operand): Operand {
  if (typeof q === "number") return q / 100;
  const share = asFloat(op, q, "q");
  return div(share, scalarLike(100, share));
}

/**
 * Quantiles of the elements of `x` that are not NaN, as `jax.numpy.nanquantile`; NaN where there are none.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function nanquantile(
  x: Operand,
  q: Operand,
  axis?: AxesOr<QuantileOptions>,
  options: QuantileOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("nanquantile(x, q, axis, options)", arguments, quantileOptions, 2);
  }
  if (isNamed(axis)) return nanquantile(x, q, axis.axis, axis);
  return quantilesOf("nanquantile", x, q, axis, options, true);
}

/**
 * As {@linkcode nanquantile}, with `q` from 0 to 100, as `jax.numpy.nanpercentile`.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function nanpercentile(
  x: Operand,
  q: Operand,
  axis?: AxesOr<QuantileOptions>,
  options: QuantileOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("nanpercentile(x, q, axis, options)", arguments, quantileOptions, 2);
  }
  if (isNamed(axis)) return nanpercentile(x, q, axis.axis, axis);
  return quantilesOf("nanpercentile", x, hundredth("nanpercentile", q), axis, options, true);
}

/**
 * Median of the elements of `x` that are not NaN, as `jax.numpy.nanmedian`; NaN where there are none.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function nanmedian(
  x: Operand,
  axis?: AxesOr<ReduceOptions>,
  options: ReduceOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("nanmedian(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return nanmedian(x, axis.axis, axis);
  return quantilesOf("nanmedian", x, 0.5, axis, options, true);
}
