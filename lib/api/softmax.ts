/**
 * Sums of exponentials that neither overflow nor lose their derivatives at infinities: `softmax` and
 * its kin, which are part of `nn` and, as in SciPy, of `special`.
 *
 * @module
 */
import type { Axes, NDArray, Operand } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import type { ReduceOptions } from "../core/method_options.ts";
import { checkCall } from "../core/signature.ts";
import { full, scalarLike } from "../primitives/constants/full.ts";
import { add, div, sub } from "../primitives/elementwise/arithmetic.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import { asFloat, expectAxes } from "./operands.ts";
import { reduceOptions } from "./options.ts";

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

/**
 * `log(sum(exp(x)))` over `axis` without overflow, as `jax.scipy.special.logsumexp`: -Infinity of no
 * elements and of -Infinity alone, Infinity where there is one.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.logsumexp(np.array([1000, 1000])).item()); // 1000.6931762695312
 * ```
 */
export function logsumexp(x: Operand, axis?: Axes, options: ReduceOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("logsumexp(x, axis, options)", arguments, reduceOptions);
  const a = asFloat("logsumexp", x);
  const lanes = lanesOf("logsumexp", a, axis);
  const { axes, kept } = lanes;
  const shape = options.keepDims ? kept : a.shape.filter((_, i) => !axes.includes(i));
  if (sizeOf(axes.map((k) => a.shape[k]!)) === 0) return full(shape, -Infinity, a.dtype);
  const most = largest(a, lanes);
  // Lanes whose largest element is infinite are shifted by nothing: Infinity - Infinity is NaN.
  const shift = select(u.isFinite(most), most, scalarLike(0, most));
  const total = reshape(reduceSum(u.exp(sub(a, shift)), axes), kept);
  return reshape(add(u.log(total), shift), shape);
}

/**
 * `exp(x) / sum(exp(x))` over `axis`, the last one where it is left out, as `jax.nn.softmax`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.softmax(np.array([1, 1])).toArray()); // [ 0.5, 0.5 ]
 * ```
 */
export function softmax(x: Operand, axis: Axes = -1): NDArray {
  if (arguments.length > 2) checkCall("softmax(x, axis)", arguments);
  const a = asFloat("softmax", x);
  if (a.size === 0) return a;
  const lanes = lanesOf("softmax", a, axis);
  const powers = u.exp(sub(a, largest(a, lanes)));
  return div(powers, reshape(reduceSum(powers, lanes.axes), lanes.kept));
}

/**
 * `log(softmax(x))` over `axis`, the last one where it is left out, without underflow, as
 * `jax.nn.log_softmax`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.logSoftmax(np.array([0, 1000])).toArray()); // [ -1000, 0 ]
 * ```
 */
export function logSoftmax(x: Operand, axis: Axes = -1): NDArray {
  if (arguments.length > 2) checkCall("logSoftmax(x, axis)", arguments);
  const a = asFloat("logSoftmax", x);
  if (a.size === 0) return a;
  const lanes = lanesOf("logSoftmax", a, axis);
  const shifted = sub(a, largest(a, lanes));
  const total = reshape(reduceSum(u.exp(shifted), lanes.axes), lanes.kept);
  return sub(shifted, u.log(total));
}
