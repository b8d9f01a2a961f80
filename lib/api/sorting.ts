/**
 * Order: sorted elements, their positions, and where to insert new ones.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { isFloat } from "../core/dtype.ts";
import { describeValue, formatShape, ShapeError } from "../core/errors.ts";
import type { SortOptions } from "../core/method_options.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { full, scalarLike } from "../primitives/constants/full.ts";
import { add, div, sub } from "../primitives/elementwise/arithmetic.ts";
import { and, le, lt, not, or } from "../primitives/elementwise/compare.ts";
import { isNaN } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { rev } from "../primitives/slicing/concatenate.ts";
import * as p from "../primitives/sort/sort.ts";
import { takeInRange } from "./indices.ts";
import { asOperand, expectAxis, promote } from "./operands.ts";

const sortOptions: OptionTable<SortOptions> = { descending: "boolean" };

/** Options of {@linkcode searchsorted}. */
export interface SearchsortedOptions {
  /** Whether elements go in front of equal ones, `"left"`, which is the default, or behind them. */
  readonly side?: "left" | "right" | undefined;
}

const searchsortedOptions: OptionTable<SearchsortedOptions> = { side: "string" };

/** The array and the axis to sort along: the flat array where the axis is null. */
function lanes(op: string, x: Operand, axis: number | null): [NDArray, number] {
  const a = asOperand(op, x);
  if (axis === null) return [reshape(a, [a.size]), 0];
  return [a, expectAxis(op, axis, a.ndim)];
}

/**
 * Elements in ascending order along `axis`, the last one where it is left out, as `jax.numpy.sort`; with
 * `axis` null, of the flat array. NaN counts as largest. Equal elements keep their order.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.sort(np.array([3, 1, 2]), -1, { descending: true }).toArray()); // [ 3, 2, 1 ]
 * ```
 */
export function sort(x: Operand, axis: number | null = -1, options: SortOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("sort(x, axis, options)", arguments, sortOptions);
  const [a, along] = lanes("sort", x, axis);
  const [sorted] = p.sort(a, along);
  return options.descending ? rev(sorted, [along]) : sorted;
}

/**
 * Positions (int32) of the elements in ascending order along `axis`, the last one where it is left out,
 * as `jax.numpy.argsort`; with `axis` null, of the flat array. NaN counts as largest. Equal elements
 * keep their order.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.argsort(np.array([3, 1, 2])).toArray()); // [ 1, 2, 0 ]
 * ```
 */
export function argsort(
  x: Operand,
  axis: number | null = -1,
  options: SortOptions = {},
): NDArray {
  if (arguments.length > 2) checkCall("argsort(x, axis, options)", arguments, sortOptions);
  const [a, along] = lanes("argsort", x, axis);
  if (!options.descending) return p.sort(a, along)[1];
  // Turned round before and after, so that equal elements keep their order.
  const [, places] = p.sort(rev(a, [along]), along);
  const last = scalarLike(a.shape[along]! - 1, places);
  return rev(sub(last, places), [along]);
}

/**
 * Where elements of `values` belong in the ascending vector `sorted` (int32), as
 * `jax.numpy.searchsorted`: in front of equal elements, or behind them with `side: "right"`. NaN counts as
 * largest.
 *
 * @throws {ShapeError} where `sorted` does not have one axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.searchsorted(np.array([1, 3, 5]), np.array([3, 4])).toArray()); // [ 1, 2 ]
 * ```
 */
export function searchsorted(
  sorted: NDArray,
  values: Operand,
  options: SearchsortedOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("searchsorted(sorted, values, options)", arguments, searchsortedOptions);
  }
  const op = "searchsorted";
  const { side = "left" } = options;
  if (side !== "left" && side !== "right") {
    throw new TypeError(`${op}: side must be "left" or "right", not ${describeValue(side)}`);
  }
  const [a, v] = promote(op, sorted, values, undefined, ["sorted", "values"]);
  if (a.ndim !== 1) {
    throw new ShapeError(`${op}: sorted has shape ${formatShape(a.shape)}, but must be a vector`);
  }
  const n = a.shape[0]!;
  // Bisection, in as many steps as it can take: the answer is from low to high.
  let low = full(v.shape, 0, "int32");
  let high = full(v.shape, n, "int32");
  const nan = isFloat(a.dtype) ? isNaN(v) : null;
  for (let width = n; width > 0; width >>= 1) {
    const middle = div(add(low, high), scalarLike(2, low));
    const x = takeInRange(a, middle, 0);
    let before = side === "left" ? lt(x, v) : le(x, v);
    if (nan !== null) {
      const both = isNaN(x);
      before = side === "left" ? or(before, and(nan, not(both))) : or(before, nan);
    }
    const open = lt(low, high);
    const next = add(middle, scalarLike(1, middle));
    low = select(and(open, before), next, low);
    high = select(and(open, not(before)), middle, high);
  }
  return low;
}
