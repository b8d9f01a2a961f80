/**
 * Reductions that leave NaN out.
 *
 * @module
 */
import {
  type Axes,
  formatShape,
  isFloat,
  type NDArray,
  type Operand,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import type {
  AxesOr,
  AxisOr,
  ExtremeOptions,
  MeanOptions,
  SumOptions,
  VarianceOptions,
} from "../core/method_options.ts";
import {
  and,
  broadcastTo,
  isNaN,
  not,
  onesLike,
  scalarLike,
  select,
  sqrt,
  zerosLike,
} from "../primitives/mod.ts";
import type { RunningOptions } from "./arguments.ts";
import { asFloat, asOperand, expectAxes, isNamed } from "./operands.ts";
import { runningOptions } from "./options.ts";
import {
  extremeOptions,
  initialOf,
  maskOf,
  meanOptions,
  sumOptions,
  varianceOptions,
} from "./reducing.ts";
import { all, cumprod, cumsum as runningSum, max, mean, min, prod, sum } from "./reductions.ts";
import { variance } from "./statistics.ts";

/** Which elements are numbers, among those that `where` says count. */
function numbers(
  op: string,
  x: NDArray,
  where: Operand | null | undefined,
): Operand | null | undefined {
  if (!isFloat(x.dtype)) return where;
  const given = not(isNaN(x));
  const mask = maskOf(op, x, where);
  return mask === null ? given : and(mask, given);
}

/** An operand, with the rest of the call checked in the name of the function that a user called. */
function operandOf(
  op: string,
  x: Operand,
  axis: Axes | undefined,
  options: ExtremeOptions<Operand> | undefined,
): NDArray {
  const a = asOperand(op, x);
  expectAxes(op, axis, a.ndim);
  maskOf(op, a, options?.where);
  if (options?.initial != null) initialOf(op, options.initial, asOperand(op, options.initial));
  return a;
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
  if (arguments.length > 2) {
    options = readOptions("nansum(x, axis, options)", arguments, sumOptions, 1);
  }
  if (isNamed(axis)) return nansum(x, axis.axis, axis);
  return sum(replaced(operandOf("nansum", x, axis, options), 0), axis, options);
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
  if (arguments.length > 2) {
    options = readOptions("nanprod(x, axis, options)", arguments, sumOptions, 1);
  }
  if (isNamed(axis)) return nanprod(x, axis.axis, axis);
  return prod(replaced(operandOf("nanprod", x, axis, options), 1), axis, options);
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
  if (arguments.length > 2) {
    options = readOptions("nanmean(x, axis, options)", arguments, meanOptions, 1);
  }
  if (isNamed(axis)) return nanmean(x, axis.axis, axis);
  const a = asFloat("nanmean", operandOf("nanmean", x, axis, options));
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
  if (arguments.length > 2) {
    options = readOptions("nanvar(x, axis, options)", arguments, varianceOptions, 1);
  }
  if (isNamed(axis)) return nanvar(x, axis.axis, axis);
  const a = asFloat("nanvar", operandOf("nanvar", x, axis, { where: options?.where }));
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
  if (arguments.length > 2) {
    options = readOptions("nanstd(x, axis, options)", arguments, varianceOptions, 1);
  }
  if (isNamed(axis)) return nanstd(x, axis.axis, axis);
  operandOf("nanstd", x, axis, { where: options?.where });
  return sqrt(nanvar(x, axis, options));
}

function extreme(
  op: "nanmax" | "nanmin",
  x: Operand,
  axis: Axes | undefined,
  options: ExtremeOptions<Operand> | undefined,
): NDArray {
  const a = operandOf(op, x, axis, options);
  if (options?.initial == null && expectAxes(op, axis, a.ndim).some((k) => a.shape[k] === 0)) {
    throw new ShapeError(
      `${op}: x has shape ${
        formatShape(a.shape)
      } and so no elements, of which one could be returned`,
    );
  }
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
  if (arguments.length > 2) {
    options = readOptions("nanmax(x, axis, options)", arguments, extremeOptions, 1);
  }
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
  if (arguments.length > 2) {
    options = readOptions("nanmin(x, axis, options)", arguments, extremeOptions, 1);
  }
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
  if (arguments.length > 2) {
    options = readOptions("nancumsum(x, axis, options)", arguments, runningOptions, 1);
  }
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
  if (arguments.length > 2) {
    options = readOptions("nancumprod(x, axis, options)", arguments, runningOptions, 1);
  }
  if (isNamed(axis)) return nancumprod(x, axis.axis, axis);
  return cumprod(replaced(asOperand("nancumprod", x), 1), axis, options);
}
