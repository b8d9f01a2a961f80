/**
 * What is at a place of an array: NumPy's `x[...]` with indices of any kind, as functions. How indices are
 * read is in `index_plan.ts`; looking up along one axis, and blocks of fixed size, are in `indexing.ts`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import type { GetOptions } from "../core/indexing.ts";
import { checkCall, isPlain } from "../core/signature.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { slice as sliceOf } from "../primitives/slicing/slice.ts";
import { getFrom } from "./index_parts.ts";
import { getOptions, type Index } from "./index_plan.ts";
import { staticIndex } from "./indices.ts";
import { expectArray } from "./operands.ts";

/**
 * What is at some indices, as `x[...]` in NumPy: an integer takes a position of an axis (negative ones count
 * from the end), `np.slice(start, stop, step)` a range, an integer array several positions, a bool array
 * those where it is true, `null` makes a new axis, and `"..."` stands for all axes that the others leave.
 * Arrays broadcast against each other; the axes that they give stand where the arrays are if these are side
 * by side, else first. Computed positions are clamped into range.
 *
 * @throws {AxisError} where a number is out of range.
 * @throws {DTypeError} where positions are not integers.
 * @throws {ShapeError} where there are more indices than axes, arrays do not broadcast, or a mask is not known
 * while a function is traced.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2, 3], [4, 5, 6]]);
 * console.log(np.at(x, -1).toArray()); // [ 4, 5, 6 ]
 * console.log(np.at(x, 0, np.slice(null, null, -1)).toArray()); // [ 3, 2, 1 ]
 * console.log(np.at(x, "...", np.array([0, 2], { dtype: "int32" })).toArray()); // [ [ 1, 3 ], [ 4, 6 ] ]
 * console.log(np.at(x, x.greater(4)).toArray()); // [ 5, 6 ]
 * ```
 */
export function at(x: NDArray, ...indices: readonly Index[]): NDArray {
  const a = expectArray("at", x);
  if (indices.length === 1 && typeof indices[0] === "number" && a.ndim > 0) {
    const i = staticIndex("at", indices[0], a.shape[0]!, 0, a);
    const row = sliceOf(a, a.shape.map((_, k) => k === 0 ? i : 0), a.shape.with(0, i + 1));
    return reshape(row, a.shape.slice(1));
  }
  return getFrom("at", a, indices, {});
}

/**
 * As {@linkcode at}, and as `x.at[...].get(...)` in JAX: the options, which come last, say what is read where
 * computed positions are out of range. With a mode, numbers may be out of range too.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([1, 2, 3]);
 * const places = np.array([2, 3], { dtype: "int32" });
 * console.log(np.get(x, places, { mode: "fill", fillValue: 0 }).toArray()); // [ 3, 0 ]
 * ```
 */
export function get(x: NDArray, ...indices: readonly (Index | GetOptions)[]): NDArray {
  const a = expectArray("get", x);
  const last = indices.at(-1);
  const options = isPlain(last) ? last as GetOptions : {};
  if (isPlain(last)) checkCall("get(index, options)", [0, options], getOptions);
  const list = isPlain(last) ? indices.slice(0, -1) : indices;
  return getFrom("get", a, list, options);
}
