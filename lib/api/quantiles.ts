/**
 * Quantiles, of all elements or of those that are not NaN.
 *
 * Reductions that leave NaN out.
 *
 * @module
 */
import type { Axes, NDArray, Operand } from "../core/array.ts";
import { isFloat, sameShape } from "../core/dtype.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type {
  AxesOr,
  AxisOr,
  ExtremeOptions,
  MeanOptions,
  ReduceOptions,
  SumOptions,
  VarianceOptions,
} from "../core/method_options.ts";
import { checkCall, type OptionTable, tableOf } from "../core/signature.ts";
import { full, onesLike, scalarLike, zerosLike } from "../primitives/constants/constants.ts";
import { add, div, maximum, minimum, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { and, eq, gt, le, lt, not, or } from "../primitives/elementwise/compare.ts";
import { ceil, convert, floor } from "../primitives/elementwise/convert.ts";
import { isNaN, sqrt } from "../primitives/elementwise/elementary.ts";
import { stopGradient } from "../primitives/elementwise/marks.ts";
import { select } from "../primitives/elementwise/select.ts";
import { cumsum } from "../primitives/reduce/cumsum.ts";
import { reshape, transpose } from "../primitives/shape/shape.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { sort } from "../primitives/sort/sort.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import type { RunningOptions } from "./arguments.ts";
import { takeAlongAxis } from "./indexing.ts";
import { asFloat, asOperand, expectArray, expectAxes, isNamed, promote } from "./operands.ts";
import { reduceOptions, runningOptions } from "./options.ts";
import {
  countOf,
  extremeOptions,
  maskOf,
  meanOptions,
  sumOptions,
  varianceOptions,
} from "./reducing.ts";
import { all, cumprod, cumsum as runningSum, max, mean, min, prod, sum } from "./reductions.ts";
import { variance } from "./statistics.ts";

/** Which elements are numbers, among those that `where` says count. */
function numbers(op: string, x: NDArray, where: Operand | undefined): Operand | undefined {
  if (!isFloat(x.dtype)) return where;
  const given = not(isNaN(x));
  const mask = maskOf(op, x, where);
  return mask === null ? given : and(mask, given);
}

/** `x` with a number in the place of NaN. */
function replaced(x: NDArray, value: number): NDArray {
  if (!isFloat(x.dtype)) return x;
  const rest = value === 0 ? zerosLike(x) : value === 1 ? onesLike(x) : null;
  return select(isNaN(x), rest ?? broadcastTo(scalarLike(value, x), x.shape), x);
}

/**
 * Sum of the elements over `axis` that are not NaN, as `jax.numpy.nansum`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.nansum(np.array([1, NaN, 2])).item()); // 3
 * ```
 */
export function nansum(
  x: Operand,
  axis?: AxesOr<SumOptions<Operand>>,
  options?: SumOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nansum(x, axis, options)", arguments, sumOptions, 1);
  if (isNamed(axis)) return nansum(x, axis.axis, axis);
  return sum(replaced(asOperand("nansum", x), 0), axis, options);
}

/**
 * Product of the elements over `axis` that are not NaN, as `jax.numpy.nanprod`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function nanprod(
  x: Operand,
  axis?: AxesOr<SumOptions<Operand>>,
  options?: SumOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nanprod(x, axis, options)", arguments, sumOptions, 1);
  if (isNamed(axis)) return nanprod(x, axis.axis, axis);
  return prod(replaced(asOperand("nanprod", x), 1), axis, options);
}

/**
 * Mean of the elements over `axis` that are not NaN, as `jax.numpy.nanmean`; NaN where there are none.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function nanmean(
  x: Operand,
  axis?: AxesOr<MeanOptions<Operand>>,
  options?: MeanOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nanmean(x, axis, options)", arguments, meanOptions, 1);
  if (isNamed(axis)) return nanmean(x, axis.axis, axis);
  const a = asFloat("nanmean", x);
  return mean(a, axis, { ...options, where: numbers("nanmean", a, options?.where) });
}

/**
 * Variance of the elements over `axis` that are not NaN, as `jax.numpy.nanvar`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function nanvar(
  x: Operand,
  axis?: AxesOr<VarianceOptions<Operand>>,
  options?: VarianceOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nanvar(x, axis, options)", arguments, varianceOptions, 1);
  if (isNamed(axis)) return nanvar(x, axis.axis, axis);
  const a = asFloat("nanvar", x);
  return variance(a, axis, { ...options, where: numbers("nanvar", a, options?.where) });
}

/**
 * Standard deviation of the elements over `axis` that are not NaN, as `jax.numpy.nanstd`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function nanstd(
  x: Operand,
  axis?: AxesOr<VarianceOptions<Operand>>,
  options?: VarianceOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nanstd(x, axis, options)", arguments, varianceOptions, 1);
  if (isNamed(axis)) return nanstd(x, axis.axis, axis);
  return sqrt(nanvar(x, axis, options));
}

function extreme(
  op: "nanmax" | "nanmin",
  x: Operand,
  axis: Axes | undefined,
  options: ExtremeOptions<Operand> | undefined,
): NDArray {
  const a = asOperand(op, x);
  const [f, none] = op === "nanmax" ? [max, -Infinity] as const : [min, Infinity] as const;
  if (!isFloat(a.dtype)) return f(a, axis, options);
  const out = f(replaced(a, none), axis, options);
  if (options?.initial !== undefined) return out;
  // Where nothing but NaN is there, it is what is given.
  const axes = expectAxes(op, axis, a.ndim);
  const empty = all(isNaN(a), axes, { keepDims: options?.keepDims });
  return select(empty, broadcastTo(scalarLike(NaN, out), out.shape), out);
}

/**
 * Largest element over `axis` that is not NaN, as `jax.numpy.nanmax`; NaN where there is none.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.nanmax(np.array([1, NaN, 2])).item()); // 2
 * ```
 */
export function nanmax(
  x: Operand,
  axis?: AxesOr<ExtremeOptions<Operand>>,
  options?: ExtremeOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nanmax(x, axis, options)", arguments, extremeOptions, 1);
  if (isNamed(axis)) return nanmax(x, axis.axis, axis);
  return extreme("nanmax", x, axis, options);
}

/**
 * Smallest element over `axis` that is not NaN, as `jax.numpy.nanmin`; NaN where there is none.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 */
export function nanmin(
  x: Operand,
  axis?: AxesOr<ExtremeOptions<Operand>>,
  options?: ExtremeOptions<Operand>,
): NDArray {
  if (arguments.length > 2) checkCall("nanmin(x, axis, options)", arguments, extremeOptions, 1);
  if (isNamed(axis)) return nanmin(x, axis.axis, axis);
  return extreme("nanmin", x, axis, options);
}

/**
 * Running sums along `axis` with 0 in the place of NaN, as `jax.numpy.nancumsum`.
 *
 * @throws {AxisError} where the axis is out of range.
 */
export function nancumsum(
  x: Operand,
  axis?: AxisOr<RunningOptions>,
  options?: RunningOptions,
): NDArray {
  if (arguments.length > 2) checkCall("nancumsum(x, axis, options)", arguments, runningOptions, 1);
  if (isNamed(axis)) return nancumsum(x, axis.axis, axis);
  return runningSum(replaced(asOperand("nancumsum", x), 0), axis, options);
}

/**
 * Running products along `axis` with 1 in the place of NaN, as `jax.numpy.nancumprod`.
 *
 * @throws {AxisError} where the axis is out of range.
 */
export function nancumprod(
  x: Operand,
  axis?: AxisOr<RunningOptions>,
  options?: RunningOptions,
): NDArray {
  if (arguments.length > 2) checkCall("nancumprod(x, axis, options)", arguments, runningOptions, 1);
  if (isNamed(axis)) return nancumprod(x, axis.axis, axis);
  return cumprod(replaced(asOperand("nancumprod", x), 1), axis, options);
}

/** Between which elements a quantile lies, and what is taken there. */
export type QuantileMethod =
  | ("linear" | "lower" | "higher" | "midpoint" | "nearest")
  | "invertedCdf";

/** Options of quantiles. */
export interface QuantileOptions extends ReduceOptions {
  /** What is taken between two elements: `"linear"`, which is the default, interpolates. */
  readonly method?: QuantileMethod | undefined;
  /**
   * How much elements count, for `"invertedCdf"`: of the shape of `x`, or of the axes that are reduced.
   * NaN where one is negative.
   */
  readonly weights?: NDArray | undefined;
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
  const { method = "linear", keepDims } = options;
  if (!methods.includes(method)) {
    throw new TypeError(
      `${op}: method must be ${methods.map((m) => `"${m}"`).join(", ")}, not ${
        describeValue(method)
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
    const given = options.weights === undefined
      ? onesLike(a)
      : weightsOf(op, a, options.weights, axes);
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
    checkCall("quantile(x, q, axis, options)", arguments, quantileOptions, 2);
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
    checkCall("percentile(x, q, axis, options)", arguments, quantileOptions, 2);
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
    checkCall("nanquantile(x, q, axis, options)", arguments, quantileOptions, 2);
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
    checkCall("nanpercentile(x, q, axis, options)", arguments, quantileOptions, 2);
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
  if (arguments.length > 2) checkCall("nanmedian(x, axis, options)", arguments, reduceOptions, 1);
  if (isNamed(axis)) return nanmedian(x, axis.axis, axis);
  return quantilesOf("nanmedian", x, 0.5, axis, options, true);
}
