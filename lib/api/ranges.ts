/**
 * Numbers at equal ratios.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { defaultFloat } from "../core/dtype.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { expandDims } from "../primitives/shape/reshape.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { abs, neg, pow } from "./arithmetic.ts";
import { linspace, type LinspaceOptions } from "./creation.ts";
import { exp, log } from "./elementary.ts";
import { where } from "./logic.ts";
import { asFloat, dtypeOption, expectAxis, promote } from "./operands.ts";

/** Options of {@linkcode logspace}. */
export interface LogspaceOptions extends LinspaceOptions {
  /** What is raised to the powers; 10 where left out. */
  readonly base?: Operand | undefined;
}

const linspaceOptions: OptionTable<LinspaceOptions> = {
  dtype: "dtype",
  endpoint: "boolean",
  axis: "number",
};

const logspaceOptions: OptionTable<LogspaceOptions> = { ...linspaceOptions, base: "operand" };

/**
 * `num` numbers from `base^start` to `base^stop` at equal ratios, as `jax.numpy.logspace`; with arrays, along
 * a new axis.
 *
 * @param num How many, at least 0; default 50.
 * @throws {RangeError} where `num` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.logspace(0, 2, 3).toArray()); // [ 1, 10, 100 ]
 * ```
 */
export function logspace(
  start: Operand,
  stop: Operand,
  num = 50,
  options: LogspaceOptions = {},
): NDArray {
  if (arguments.length > 3) {
    checkCall("logspace(start, stop, num, options)", arguments, logspaceOptions);
  }
  const { base = 10, endpoint } = options;
  const powers = linspace(start, stop, num, {
    endpoint,
    axis: options.axis,
    dtype: options.dtype === "float64" ? "float64" : undefined,
  });
  const out = pow(base, powers);
  return convert(out, dtypeOption("logspace", options, out.dtype));
}

/**
 * `num` numbers from `start` to `stop` at equal ratios, as `jax.numpy.geomspace`: both negative, or both
 * positive; with arrays, along a new first axis.
 *
 * @param num How many, at least 0; default 50.
 * @throws {RangeError} where `num` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.round(np.geomspace(1, 8, 4), 3).toArray()); // [ 1, 2, 4, 8 ]
 * ```
 */
export function geomspace(
  start: Operand,
  stop: Operand,
  num = 50,
  options: LinspaceOptions = {},
): NDArray {
  if (arguments.length > 3) {
    checkCall("geomspace(start, stop, num, options)", arguments, linspaceOptions);
  }
  const op = "geomspace";
  const wide = options.dtype === "float64" ? "float64" : defaultFloat;
  // Numbers are rounded once, to the dtype of the calculation.
  const end = (x: Operand, what: string): NDArray =>
    typeof x === "number" ? scalarArray(x, wide) : asFloat(op, x, what);
  const [a, b] = promote(op, end(start, "start"), end(stop, "stop"));
  const { endpoint = true } = options;
  const sizes = exp(linspace(log(abs(a)), log(abs(b)), num, { endpoint }));
  const signed = where(a.less(0), neg(sizes), sizes);
  const to = dtypeOption(op, options, signed.dtype);
  const along = expectAxis(op, options.axis ?? 0, signed.ndim);
  const moved = (x: NDArray): NDArray => moveAxis(convert(x, to), 0, along);
  if (num === 0) return moved(signed);
  // Exact at the ends, which rounding of the logarithm would move.
  const rest = signed.shape.slice(1);
  const edge = (x: NDArray): NDArray => expandDims(broadcastTo(x, rest), [0]);
  const inner = (from: number, until: number): NDArray =>
    slice(signed, [from, ...rest.map(() => 0)], [until, ...rest]);
  const parts = num === 1
    ? [edge(a)]
    : endpoint
    ? [edge(a), inner(1, num - 1), edge(b)]
    : [edge(a), inner(1, num)];
  return moved(concatenate(parts, 0));
}
