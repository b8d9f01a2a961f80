/**
 * Statistics of arrays: spread, order, averages, covariance, and how often values occur.
 *
 * @module
 */
import {
  type Axes,
  type DType,
  DTypeError,
  expectDType,
  formatShape,
  isFloat,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import type { AxesOr, Named, ReduceOptions, VarianceOptions } from "../core/method_options.ts";
import {
  add,
  broadcastTo,
  convert,
  div,
  gt,
  isNaN,
  mul,
  onesLike,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sort,
  sqrt,
  stopGradient,
  sub,
  transpose,
  zerosLike,
} from "../primitives/mod.ts";
import { maximum, minimum } from "./arithmetic.ts";
import { diagonal } from "./indexing.ts";
import { concatenate } from "./joining.ts";
import {
  asDType,
  asFloat,
  asOperand,
  expectArray,
  expectAxes,
  expectNumbers,
  floatOr32,
  isNamed,
  promote,
} from "./operands.ts";
import { reduceOptions } from "./options.ts";
import { matmul } from "./matrices.ts";
import { countOf, floatOf, keep, maskOf, meanOf, reduce, varianceOptions } from "./reducing.ts";
import { max, mean, min, sum } from "./reductions.ts";

/**
 * Variance over `axis`, the mean squared distance from the mean, as `jax.numpy.var`. The divisor is the
 * number of elements less `ddof`. Exported as `var` too.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.var(np.array([1, 3]), null, { ddof: 1 }).item()); // 2
 * ```
 */
export function variance(
  x: Operand,
  axis?: AxesOr<VarianceOptions<Operand>>,
  options: VarianceOptions<Operand> = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("variance(x, axis, options)", arguments, varianceOptions, 1);
  }
  if (isNamed(axis)) return variance(x, axis.axis, axis);
  return varianceOf("variance", x, axis, options);
}

function varianceOf(
  op: string,
  x: Operand,
  axis: Axes | undefined,
  options: VarianceOptions<Operand>,
): NDArray {
  const { correction } = options;
  const ddof = options.ddof || (correction ?? 0);
  if (options.ddof && correction != null) {
    throw new TypeError(
      `${op}: ddof is ${ddof} and correction ${correction}, which are two names of one number. ` +
        `Write ${op}(x, axis, { ddof: ${ddof} })`,
    );
  }
  const given = floatOf(op, x, options.dtype);
  const mask = maskOf(op, given, options.where);
  return reduce(
    op,
    (y, axes) => {
      const middle = options.mean === undefined
        ? keep(
          mask === null ? meanOf(y, axes) : mean(y, axes, { where: mask }),
          y.shape,
          axes,
          true,
        )
        : asDType(op, options.mean, y.dtype, "mean");
      const distance = sub(y, middle);
      // What does not count may be NaN, whose square would have a slope of NaN.
      const centered = mask === null ? distance : select(mask, distance, zerosLike(distance));
      const squares = mul(centered, centered);
      if (mask !== null) {
        const total = reduceSum(squares, axes);
        const count = reduceSum(convert(mask, y.dtype), axes);
        const divisor = sub(count, scalarLike(ddof, count));
        const zero = scalarLike(0, divisor);
        // One element has no distance from its mean: 0 / 0, which is NaN as any other divisor below 1 is.
        const defined = gt(divisor, zero);
        const nan = broadcastTo(scalarLike(NaN, divisor), divisor.shape);
        return select(defined, div(total, select(defined, divisor, onesLike(divisor))), nan);
      }
      const total = reduceSum(squares, axes);
      const count = countOf(y, axes);
      const divisor = count - ddof;
      // One element has no distance from its mean, and 0 / 0 is NaN as well. So the divisor of one element
      // is computed as that of any other number, which a file that leaves the number open asks for.
      const defined = divisor > 0 || (count === 1 && divisor === 0);
      return div(total, scalarLike(defined ? divisor : NaN, total));
    },
    given,
    axis,
    options,
  );
}

/**
 * Standard deviation over `axis`, the root of the variance, as `jax.numpy.std`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.std(np.array([2, 4])).item()); // 1
 * ```
 */
export function std(
  x: Operand,
  axis?: AxesOr<VarianceOptions<Operand>>,
  options: VarianceOptions<Operand> = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("std(x, axis, options)", arguments, varianceOptions, 1);
  }
  if (isNamed(axis)) return std(x, axis.axis, axis);
  return sqrt(varianceOf("std", x, axis, options));
}

/**
 * Median over `axis`, the mean of the two middle elements where their number is even, as
 * `jax.numpy.median`; NaN where there is one.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.median(np.array([3, 1, 2, 10])).item()); // 2.5
 * ```
 */
export function median(
  x: Operand,
  axis?: AxesOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("median(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return median(x, axis.axis, axis);
  const a = asFloat("median", x);
  const axes = expectAxes("median", axis, a.ndim);
  const rest = a.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const shape = rest.map((i) => a.shape[i]!);
  const n = countOf(a, axes);
  if (n === 0) {
    throw new ShapeError(`median: x has shape ${formatShape(a.shape)} and so no elements`);
  }
  // Several axes are made one, the last.
  const lanes = axes.length === 1
    ? a
    : reshape(rest.length === 0 ? a : transpose(a, [...rest, ...axes]), [...shape, n]);
  const along = axes.length === 1 ? axes[0]! : rest.length;
  const [sorted] = sort(lanes, along);
  const at = (i: number): NDArray =>
    slice(
      sorted,
      sorted.shape.map((_, k) => k === along ? i : 0),
      sorted.shape.map((m, k) => k === along ? i + 1 : m),
    );
  const low = at((n - 1) >> 1);
  const middle = n % 2 === 1 ? low : mul(add(low, at(n >> 1)), scalarLike(0.5, low));
  const last = at(n - 1);
  // NaN comes from no one element, so none has a share in it.
  const out = select(isNaN(last), stopGradient(last), middle);
  return reshape(
    out,
    options?.keepDims ? a.shape.map((m, i) => axes.includes(i) ? 1 : m) : shape,
  );
}

/**
 * Largest less smallest element over `axis`, as `jax.numpy.ptp`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where there are no elements.
 */
export function ptp(
  x: Operand,
  axis?: AxesOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("ptp(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return ptp(x, axis.axis, axis);
  const a = expectNumbers("ptp", asOperand("ptp", x), "x");
  const axes = expectAxes("ptp", axis, a.ndim);
  if (axes.some((k) => a.shape[k] === 0)) {
    throw new ShapeError(`ptp: x has shape ${formatShape(a.shape)} and so no elements`);
  }
  const keepDims = options?.keepDims;
  return sub(max(a, axes, { keepDims }), min(a, axes, { keepDims }));
}

// ---------------------------------------------------------------- averages and covariance

/** Options of {@linkcode average}. */
export interface AverageOptions extends ReduceOptions {
  /** How much elements count: of the shape of `x`, or the lengths of the axes, in the order named. */
  readonly weights?: NDArray | null | undefined;
  /** Whether to give the sum of the weights too. */
  readonly returned?: boolean | undefined;
}

const averageOptions: OptionTable<AverageOptions> = /* @__PURE__ */ tableOf(reduceOptions, {
  weights: "operand",
  returned: "boolean",
});

/**
 * Weighted mean over `axis`, as `jax.numpy.average`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where the weights have neither the shape of `x` nor the lengths of the axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.average(np.array([1, 4]), 0, { weights: np.array([2, 1]) }).item()); // 2
 * ```
 */
export function average(
  x: Operand,
  axis?: AxesOr<AverageOptions & { readonly returned?: false | undefined }>,
  options?: AverageOptions & { readonly returned?: false | undefined },
): NDArray;
/** The mean and the sum of the weights. */
export function average(
  x: Operand,
  axis: AxesOr<AverageOptions> | undefined,
  options?: AverageOptions,
): [mean: NDArray, weights: NDArray];
export function average(
  x: Operand,
  axis?: AxesOr<AverageOptions>,
  options: AverageOptions = {},
): NDArray | NDArray[] {
  if (arguments.length > 2) {
    options = readOptions("average(x, axis, options)", arguments, averageOptions, 1);
  }
  if (isNamed(axis)) return average(x, axis.axis, axis);
  const { returned = false, weights, keepDims } = options;
  const [out, total] = averageOf(x, axis, { weights, keepDims });
  return returned ? [out, broadcastTo(total, out.shape)] : out;
}

function averageOf(
  x: Operand,
  axis: Axes | undefined,
  options: AverageOptions,
): [NDArray, NDArray] {
  const { weights, ...rest } = options;
  if (weights == null) {
    const given = asOperand("average", x);
    const axes = expectAxes("average", axis, given.ndim);
    const out = mean(x, axis, rest);
    return [out, scalarLike(countOf(given, axes), out)];
  }
  const [a, w] = promote("average", asFloat("average", x), weights, floatOr32, ["x", "weights"]);
  const axes = expectAxes("average", axis, a.ndim);
  let full = w;
  if (!sameShape(a.shape, w.shape)) {
    // Weights have their axes in the order in which a user names those of `x`.
    const named = axis == null ? axes : [axis].flat().map((k) => k < 0 ? k + a.ndim : k);
    if (axis == null || !sameShape(w.shape, named.map((k) => a.shape[k]!))) {
      throw new ShapeError(
        `average: weights have shape ${formatShape(w.shape)}, but x has ${
          formatShape(a.shape)
        }: they have the shape of x, or the lengths of the axes that are averaged over`,
      );
    }
    const sorted = transpose(w, axes.map((k) => named.indexOf(k)));
    full = reshape(sorted, a.shape.map((n, i) => axes.includes(i) ? n : 1));
  }
  full = broadcastTo(full, a.shape);
  const total = sum(full, axes, rest);
  return [div(sum(mul(a, full), axes, rest), total), total];
}

/** Options of {@linkcode corrcoef}. */
export interface CorrcoefOptions {
  /** Whether rows are variables and columns observations, which is the default. */
  readonly rowvar?: boolean | undefined;
  /** The element type, of floats, to which elements are converted first. */
  readonly dtype?: DType | null | undefined;
}

/** Options of {@linkcode cov}. */
export interface CovOptions extends CorrcoefOptions {
  /** Whether to divide by the number of observations, not by one less. */
  readonly bias?: boolean | undefined;
  /** What is subtracted from the number of observations; it goes before `bias`. */
  readonly ddof?: number | undefined;
  /** How often each observation was made: whole numbers [n]. */
  readonly fweights?: NDArray | null | undefined;
  /** How much each observation counts: [n]. */
  readonly aweights?: NDArray | null | undefined;
}

const corrcoefOptions: OptionTable<CorrcoefOptions> = { rowvar: "boolean", dtype: "dtype" };

const covOptions: OptionTable<CovOptions> = /* @__PURE__ */ tableOf(corrcoefOptions, {
  bias: "boolean",
  ddof: "number",
  fweights: "operand",
  aweights: "operand",
});

/** Variables as rows [variables, observations]. */
function variables(
  op: string,
  x: Operand,
  rowvar: boolean,
  dtype: DType | null | undefined,
): NDArray {
  if (dtype != null && !isFloat(expectDType(op, dtype, dtype))) {
    throw new DTypeError(`${op}: dtype is ${dtype}, and must be "float32" or "float64"`);
  }
  const a = floatOf(op, x, dtype);
  if (a.ndim > 2) {
    throw new ShapeError(`${op}: x has shape ${formatShape(a.shape)}, but at most two axes`);
  }
  const rows = a.ndim === 2 ? a : reshape(a, [1, a.size]);
  return rowvar || a.ndim < 2 || a.shape[0] === 1 ? rows : transpose(rows, [1, 0]);
}

/**
 * Covariance of variables, as `jax.numpy.cov`: the rows of `x`, and of `y` where it is given. [v, v], or
 * a scalar for one variable.
 *
 * @throws {ShapeError} where there are more than two axes, or weights have another length.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cov(np.array([[1, 2, 3], [3, 2, 1]])).toArray()); // [ [ 1, -1 ], [ -1, 1 ] ]
 * ```
 */
export function cov(
  x: Operand,
  y?: Operand | null | Named<CovOptions, { y: Operand | null }>,
  options: CovOptions = {},
): NDArray {
  if (arguments.length > 2) options = readOptions("cov(x, y, options)", arguments, covOptions, 1);
  if (isNamed(y)) return cov(x, y.y, y);
  return covariance("cov", x, y, options);
}

function covariance(
  op: string,
  x: Operand,
  y: Operand | null | undefined,
  options: CovOptions,
): NDArray {
  const { rowvar = true, bias = false, fweights, aweights, dtype } = options;
  const ddof = options.ddof ?? (bias ? 0 : 1);
  const own = variables(op, x, rowvar, dtype);
  const rows = y === undefined || y === null
    ? own
    : concatenate([own, variables(op, y, rowvar, dtype)], 0);
  const [v, n] = rows.shape as [number, number];
  const weightOf = (given: NDArray, name: string): NDArray => {
    const w = expectArray(op, given, name);
    if (w.ndim !== 1 || w.size !== n) {
      throw new ShapeError(
        `${op}: ${name} have shape ${formatShape(w.shape)}, but there are ${n} observations`,
      );
    }
    return convert(w, rows.dtype);
  };
  const often = fweights == null ? null : weightOf(fweights, "fweights");
  const much = aweights == null ? null : weightOf(aweights, "aweights");
  const w = often === null ? much : much === null ? often : mul(often, much);
  const number = (value: number): NDArray => scalarLike(value, rows);
  let divisor: NDArray;
  let middle: NDArray;
  if (w === null) {
    divisor = number(Math.max(0, n - ddof));
    middle = mean(rows, 1, { keepDims: true });
  } else {
    const total = reduceSum(w, [0]);
    middle = div(sum(mul(rows, w), 1, { keepDims: true }), total);
    const lost = much === null || ddof === 0
      ? number(ddof)
      : div(mul(number(ddof), reduceSum(mul(w, much), [0])), total);
    divisor = sub(total, lost);
  }
  const centered = sub(rows, middle);
  const out = div(
    matmul(centered, transpose(w === null ? centered : mul(centered, w), [1, 0])),
    divisor,
  );
  return v === 1 ? reshape(out, []) : out;
}

/**
 * Correlation coefficients of variables, as `jax.numpy.corrcoef`: covariances over the product of both
 * standard deviations, from -1 to 1.
 *
 * @throws {ShapeError} where there are more than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.corrcoef(np.array([[1, 2, 3], [3, 2, 1]])).toArray()); // [ [ 1, -1 ], [ -1, 1 ] ]
 * ```
 */
export function corrcoef(
  x: Operand,
  y?: Operand | null | Named<CorrcoefOptions, { y: Operand | null }>,
  options: CorrcoefOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("corrcoef(x, y, options)", arguments, corrcoefOptions, 1);
  }
  if (isNamed(y)) return corrcoef(x, y.y, y);
  const c = covariance("corrcoef", x, y, options);
  if (c.ndim === 0) return div(c, c);
  const deviation = sqrt(diagonal(c));
  const n = deviation.size;
  const over = div(div(c, reshape(deviation, [n, 1])), deviation);
  return minimum(maximum(over, scalarLike(-1, over)), scalarLike(1, over));
}

/** Variance over `axis`: {@linkcode variance} under NumPy's name, as `np.var`. */
const named: typeof variance = variance;
// No declaration may be called by that name.
export { named as var };
