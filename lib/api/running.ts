/**
 * Running sums, products and the like, and differences, along an axis.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { AxisError, formatShape } from "../core/errors.ts";
import type { CumulativeOptions } from "../core/method_options.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { mul } from "../primitives/elementwise/arithmetic.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { cumsum as cumsumOf } from "../primitives/reduce/cumsum.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { pad } from "../primitives/slicing/slice.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { asOperand, expectArray, expectAxis } from "./operands.ts";
import { cumulativeOptions } from "./options.ts";

/** The array and the axis along which something runs: the flat array where no axis is given. */
function running(op: string, x: Operand, axis: number | null | undefined): [NDArray, number] {
  const given = asOperand(op, x);
  const a = given.dtype === "bool" ? convert(given, "int32") : given;
  if (axis === undefined || axis === null) return [reshape(a, [a.size]), 0];
  return [a, expectAxis(op, axis, a.ndim)];
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
export function cumsum(x: Operand, axis?: number | null, options?: CumulativeOptions): NDArray {
  if (arguments.length > 2) checkCall("cumsum(x, axis, options)", arguments, cumulativeOptions);
  const [a, along] = running("cumsum", x, axis);
  return cumsumOf(a, along, options?.reverse ?? false);
}

/**
 * Running products along `axis`, of the flat array where it is left out, as `jax.numpy.cumprod`.
 *
 * @throws {AxisError} where the axis is out of range.
 */
export function cumprod(x: Operand, axis?: number | null, options?: CumulativeOptions): NDArray {
  if (arguments.length > 2) checkCall("cumprod(x, axis, options)", arguments, cumulativeOptions);
  const [a, along] = running("cumprod", x, axis);
  const n = a.shape[along]!;
  const one = scalarLike(1, a);
  const only = (k: number): number[] => a.shape.map((_, i) => i === along ? k : 0);
  // Products of twice as many elements in each round, missing ones being 1.
  let out = a;
  for (let reach = 1; reach < n; reach *= 2) {
    const shifted = options?.reverse
      ? pad(out, one, only(-reach), only(reach))
      : pad(out, one, only(reach), only(-reach));
    out = mul(out, shifted);
  }
  return out;
}

/** Options of {@linkcode cumulativeSum} and {@linkcode cumulativeProd}. */
export interface CumulativeArrayOptions {
  /** Whether the result begins with that of no elements, and so is one longer. */
  readonly includeInitial?: boolean | undefined;
}

const cumulativeArrayOptions: OptionTable<CumulativeArrayOptions> = { includeInitial: "boolean" };

function withInitial(
  op: string,
  run: (x: NDArray, axis: number) => NDArray,
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
  const out = run(a, along);
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
