/**
 * Trends taken off, as in `jax.scipy.signal`.
 *
 * @module
 */
import type { Named } from "../../core/method_options.ts";
import {
  describeValue,
  expectInteger,
  type NDArray,
  type OptionTable,
  readOptions,
} from "../../core/mod.ts";
import { concatenate, iota, slice } from "../../primitives/mod.ts";
import { asFloat, expectArray, expectAxis, isNamed } from "../operands.ts";

/** Options of {@linkcode detrend}. */
export interface DetrendOptions {
  /** `"linear"`, the default: a straight line; `"constant"`: the mean. */
  readonly type?: "linear" | "constant" | undefined;
  /** Where one line ends and another begins, positions along the axis. */
  readonly bp?: number | readonly number[] | undefined;
}

const detrendOptions: OptionTable<DetrendOptions> = { type: "string", bp: "shape" };

/** What is left of part of an axis without the line of least squares. */
function withoutLine(x: NDArray, axis: number): NDArray {
  const n = x.shape[axis]!;
  const centred = x.sub(x.mean(axis, { keepDims: true }));
  if (n < 2) return centred;
  const t = iota(x.shape.map((_, i) => i === axis ? n : 1), axis, x.dtype).sub((n - 1) / 2);
  // The sum of the squares of t.
  const squares = n * (n * n - 1) / 12;
  const slope = centred.mul(t).sum(axis, { keepDims: true }).div(squares);
  return centred.sub(t.mul(slope));
}

/**
 * A signal without its trend along an axis, the last one where none is given, as
 * `jax.scipy.signal.detrend`: what is left of it without its mean, or without straight lines of least
 * squares. Integers become float32.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where a break is outside of the axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { detrend } from "@injax/injax/signal";
 *
 * const x = np.array([1, 3, 5, 7]);
 * console.log(detrend(x).toArray()); // [ 0, 0, 0, 0 ]
 * console.log(detrend(x, { type: "constant" }).toArray()); // [ -3, -1, 1, 3 ]
 * ```
 */
export function detrend(
  data: NDArray,
  axis: number | Named<DetrendOptions, { axis: number }> = -1,
  options: DetrendOptions = {},
): NDArray {
  const op = "detrend";
  if (arguments.length > 1) {
    options = readOptions("detrend(data, axis, options)", arguments, detrendOptions, 1);
  }
  if (isNamed(axis)) return detrend(data, axis.axis ?? -1, { type: axis.type, bp: axis.bp });
  const x = asFloat(op, expectArray(op, data, "data"));
  const along = expectAxis(op, axis, x.ndim);
  const { type = "linear", bp = [] } = options;
  if (type === "constant") return x.sub(x.mean(along, { keepDims: true }));
  if (type !== "linear") {
    throw new TypeError(
      `${op}: type is ${describeValue(type)}, but must be "linear" or "constant"`,
    );
  }
  const n = x.shape[along]!;
  const breaks = Array.isArray(bp) ? bp as readonly number[] : [bp as number];
  for (const at of breaks) {
    expectInteger(op, at, "bp", 0);
    if (at > n) {
      throw new RangeError(`${op}: bp has ${at}, but axis ${along} of data has ${n} elements`);
    }
  }
  const ends = [...new Set([0, ...breaks, n])].sort((a, b) => a - b);
  const parts = ends.slice(1).map((stop, k) => {
    const start = x.shape.map((_, i) => i === along ? ends[k]! : 0);
    return withoutLine(slice(x, start, x.shape.with(along, stop)), along);
  });
  return parts.length === 0 ? x : concatenate(parts, along);
}
