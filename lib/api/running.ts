/**
 * Running sums and products along an axis.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { AxisError, formatShape } from "../core/errors.ts";
import { checkCall, type OptionTable, tableOf } from "../core/signature.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import type { DTypeOptions, RunningOptions } from "./arguments.ts";
import { expectArray, expectAxis } from "./operands.ts";
import { dtypeOptions, runningOptions } from "./options.ts";
import { runningProduct, runningSum, summand } from "./reducing.ts";

/** Runs along an axis in the dtype that is asked for; in int32 for bool. */
function inDType(
  op: string,
  run: typeof runningSum,
  x: Operand,
  axis: number | null | undefined,
  { dtype, reverse }: RunningOptions,
): NDArray {
  const out = run(summand(op, x, dtype), axis, { reverse });
  return dtype === undefined ? out : convert(out, dtype);
}

/**
 * Running sums along `axis`, of the flat array where it is left out, as `jax.numpy.cumsum`. Bools count
 * as int32; integers wrap.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cumsum(np.array([1, 2, 3])).toArray()); // [ 1, 3, 6 ]
 * ```
 */
export function cumsum(x: Operand, axis?: number | null, options: RunningOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("cumsum(x, axis, options)", arguments, runningOptions);
  return inDType("cumsum", runningSum, x, axis, options);
}

/**
 * Running products along `axis`, of the flat array where it is left out, as `jax.numpy.cumprod`.
 *
 * @throws {AxisError} where the axis is out of range.
 */
export function cumprod(x: Operand, axis?: number | null, options: RunningOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("cumprod(x, axis, options)", arguments, runningOptions);
  return inDType("cumprod", runningProduct, x, axis, options);
}

/** Options of {@linkcode cumulativeSum} and {@linkcode cumulativeProd}. */
export interface CumulativeArrayOptions extends DTypeOptions {
  /** Whether the result begins with that of no elements, and so is one longer. */
  readonly includeInitial?: boolean | undefined;
}

const cumulativeArrayOptions: OptionTable<CumulativeArrayOptions> = /* @__PURE__ */ tableOf(
  dtypeOptions,
  { includeInitial: "boolean" },
);

function withInitial(
  op: string,
  run: (x: NDArray, axis: number, options: DTypeOptions) => NDArray,
  first: number,
  x: NDArray,
  axis: number | null | undefined,
  options: CumulativeArrayOptions,
): NDArray {
  const a = expectArray(op, x);
  if ((axis === undefined || axis === null) && a.ndim !== 1) {
    throw new AxisError(
      `${op}: x has shape ${formatShape(a.shape)}, and so the axis has to be given`,
    );
  }
  const along = expectAxis(op, axis ?? 0, a.ndim);
  const out = run(a, along, { dtype: options.dtype });
  if (!options.includeInitial) return out;
  const initial = broadcastTo(scalarLike(first, out), out.shape.with(along, 1));
  return concatenate([initial, out], along);
}

/**
 * Running sums along `axis`, which may be left out for vectors alone, as `jax.numpy.cumulative_sum`.
 *
 * @throws {AxisError} where the axis is out of range, or left out for more than one.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cumulativeSum(np.array([1, 2]), 0, { includeInitial: true }).toArray()); // [ 0, 1, 3 ]
 * ```
 */
export function cumulativeSum(
  x: NDArray,
  axis?: number | null,
  options: CumulativeArrayOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("cumulativeSum(x, axis, options)", arguments, cumulativeArrayOptions);
  }
  return withInitial("cumulativeSum", cumsum, 0, x, axis, options);
}

/**
 * Running products along `axis`, which may be left out for vectors alone, as
 * `jax.numpy.cumulative_prod`.
 *
 * @throws {AxisError} where the axis is out of range, or left out for more than one.
 */
export function cumulativeProd(
  x: NDArray,
  axis?: number | null,
  options: CumulativeArrayOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("cumulativeProd(x, axis, options)", arguments, cumulativeArrayOptions);
  }
  return withInitial("cumulativeProd", cumprod, 1, x, axis, options);
}
