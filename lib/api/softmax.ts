/**
 * Sums of exponentials that neither overflow nor lose their derivatives at infinities: `softmax` and
 * its kin, which are part of `nn` and, as in SciPy, of `special`.
 *
 * @module
 */
import {
  type Axes,
  broadcastShapes,
  type NDArray,
  type Operand,
  readOptions,
} from "../core/mod.ts";
import type { AxesOr, MaskedOptions, Named } from "../core/method_options.ts";
import {
  abs,
  add,
  broadcastTo,
  convert,
  div,
  eq,
  full,
  mul,
  ne,
  onesLike,
  reduceMax,
  reduceSum,
  reshape,
  scalarLike,
  select,
  sign,
  stopGradient,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { asFloat, expectAxes, floatOr32, isNamed, promote } from "./operands.ts";
import type { LogsumexpOptions, SoftmaxOptions } from "./options.ts";
import {
  countOf,
  logsumexpOptions,
  masked,
  maskedOptions,
  maskOf,
  softmaxOptions,
} from "./reducing.ts";

export type { LogsumexpOptions, SoftmaxOptions } from "./options.ts";

/** Axes, and the shape in which they have length 1. */
interface Lanes {
  readonly axes: readonly number[];
  readonly kept: readonly number[];
}

function lanesOf(op: string, x: NDArray, axis: Axes | undefined): Lanes {
  const axes = expectAxes(op, axis, x.ndim);
  return { axes, kept: x.shape.map((n, i) => axes.includes(i) ? 1 : n) };
}

/** The largest element of each lane, a constant for derivatives: it cancels out. */
function largest(x: NDArray, { axes, kept }: Lanes): NDArray {
  return stopGradient(reshape(reduceMax(x, axes), kept));
}

/** What {@linkcode logsumexp} gives with `returnSign`. */
export interface SignedLogsumexp {
  /** The logarithm of the size of the sum. */
  readonly logsumexp: NDArray;
  /** 1, -1, or 0. */
  readonly sign: NDArray;
}

/**
 * `log(sum(b exp(x)))` over `axis` without overflow, as `jax.scipy.special.logsumexp`: -Infinity of no
 * elements and of -Infinity alone, Infinity where there is one.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where `b` or `where` do not fit.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * const x = np.array([1000, 1000]);
 * console.log(nn.logsumexp(x).item()); // 1000.6931762695312
 * console.log(nn.logsumexp(x, null, { where: np.array([true, false]) }).item()); // 1000
 * console.log(nn.logsumexp(x, null, { b: np.array([1, -2]), returnSign: true }).sign.item()); // -1
 * ```
 */
export function logsumexp(
  x: Operand,
  axis: Axes | undefined,
  options: LogsumexpOptions & { readonly returnSign: true },
): SignedLogsumexp;
/** The same, with the axis in the options. */
export function logsumexp(
  x: Operand,
  options: Named<LogsumexpOptions, { axis: Axes }> & { readonly returnSign: true },
): SignedLogsumexp;
/** The logarithm alone. */
export function logsumexp(
  x: Operand,
  axis?: AxesOr<LogsumexpOptions>,
  options?: LogsumexpOptions,
): NDArray;
export function logsumexp(
  x: Operand,
  axis?: AxesOr<LogsumexpOptions>,
  options: LogsumexpOptions = {},
): NDArray | SignedLogsumexp {
  const op = "logsumexp";
  if (arguments.length > 2) {
    options = readOptions("logsumexp(x, axis, options)", arguments, logsumexpOptions, 1);
  }
  if (isNamed(axis)) return logsumexp(x, axis.axis, axis);
  let a = asFloat(op, x);
  let factors: NDArray | null = null;
  if (options.b != null) {
    const [y, b] = promote(op, a, options.b, floatOr32, ["x", "b"]);
    const shape = broadcastShapes(op, y.shape, b.shape);
    [a, factors] = [broadcastTo(y, shape), broadcastTo(b, shape)];
    a = masked(op, a, ne(factors, scalarLike(0, factors)), -Infinity);
  }
  a = masked(op, a, options.where, -Infinity);
  const lanes = lanesOf(op, a, axis);
  const { axes, kept } = lanes;
  const shape = options.keepDims ? kept : a.shape.filter((_, i) => !axes.includes(i));
  if (countOf(a, axes) === 0) {
    const none = full(shape, -Infinity, a.dtype);
    return options.returnSign ? { logsumexp: none, sign: full(shape, 0, a.dtype) } : none;
  }
  const most = largest(a, lanes);
  // Lanes whose largest element is infinite are shifted by nothing: Infinity - Infinity is NaN.
  const shift = select(u.isFinite(most), most, scalarLike(0, most));
  const powers = u.exp(sub(a, shift));
  const terms = factors === null ? powers : mul(powers, factors);
  const total = reshape(reduceSum(terms, axes), kept);
  const log = (y: NDArray): NDArray => reshape(add(u.log(y), shift), shape);
  if (!options.returnSign) return log(total);
  return { logsumexp: log(abs(total)), sign: reshape(sign(total), shape) };
}

/**
 * `log(mean(exp(x)))` over `axis` without overflow, as `jax.nn.logmeanexp`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where `where` does not fit.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.logmeanexp(np.array([1000, 1000])).item()); // 1000
 * ```
 */
export function logmeanexp(
  x: Operand,
  axis?: AxesOr<MaskedOptions<Operand>>,
  options: MaskedOptions<Operand> = {},
): NDArray {
  const op = "logmeanexp";
  if (arguments.length > 2) {
    options = readOptions(`${op}(x, axis, options)`, arguments, maskedOptions, 1);
  }
  if (isNamed(axis)) return logmeanexp(x, axis.axis, axis);
  const a = asFloat(op, x);
  const sum = logsumexp(a, axis, options);
  const mask = maskOf(op, a, options.where);
  const { axes, kept } = lanesOf(op, a, axis);
  if (mask === null) return sub(sum, scalarLike(Math.log(countOf(a, axes)), sum));
  const count = reduceSum(convert(mask, a.dtype), axes);
  return sub(sum, u.log(options.keepDims ? reshape(count, kept) : count));
}

/**
 * `x` without its largest element, exponentials, and their sums; where no element of a lane counts,
 * these are 1.
 */
function shares(op: string, x: NDArray, axis: Axes, mask: NDArray | null) {
  const a = mask === null ? x : masked(op, x, mask, -Infinity);
  const lanes = lanesOf(op, a, axis);
  const most = largest(a, lanes);
  const shifted = sub(
    a,
    mask === null ? most : select(eq(most, scalarLike(-Infinity, most)), zerosLike(most), most),
  );
  const powers = u.exp(shifted);
  const total = reshape(reduceSum(powers, lanes.axes), lanes.kept);
  if (mask === null) return { shifted, powers, total };
  const isNone = eq(total, scalarLike(0, total));
  return { shifted, powers, total: select(isNone, onesLike(total), total) };
}

/**
 * `exp(x) / sum(exp(x))` over `axis`, the last one where it is left out, as `jax.nn.softmax`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where `where` does not broadcast to the shape of x.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.softmax(np.array([1, 1])).toArray()); // [ 0.5, 0.5 ]
 * const where = np.array([true, true, false]);
 * console.log(nn.softmax(np.array([1, 1, 9]), -1, { where }).toArray()); // [ 0.5, 0.5, 0 ]
 * ```
 */
export function softmax(
  x: Operand,
  axis: AxesOr<SoftmaxOptions> = -1,
  options: SoftmaxOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("softmax(x, axis, options)", arguments, softmaxOptions, 1);
  }
  if (isNamed(axis)) return softmax(x, axis.axis, axis);
  const a = asFloat("softmax", x);
  const mask = maskOf("softmax", a, options.where);
  if (a.size === 0) return a;
  const { powers, total } = shares("softmax", a, axis, mask);
  return div(powers, total);
}

/**
 * `log(softmax(x))` over `axis`, the last one where it is left out, without underflow, as
 * `jax.nn.log_softmax`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 * @throws {ShapeError} where `where` does not broadcast to the shape of x.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.logSoftmax(np.array([0, 1000])).toArray()); // [ -1000, 0 ]
 * ```
 */
export function logSoftmax(
  x: Operand,
  axis: AxesOr<SoftmaxOptions> = -1,
  options: SoftmaxOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("logSoftmax(x, axis, options)", arguments, softmaxOptions, 1);
  }
  if (isNamed(axis)) return logSoftmax(x, axis.axis, axis);
  const a = asFloat("logSoftmax", x);
  const mask = maskOf("logSoftmax", a, options.where);
  if (a.size === 0) return a;
  const { shifted, total } = shares("logSoftmax", a, axis, mask);
  const out = sub(shifted, u.log(total));
  return mask === null ? out : masked("logSoftmax", out, mask, -Infinity);
}
