/**
 * Operations between the lanes of a `vmap` that was given an `axisName`: sums, extremes, and the number of a
 * lane. Each works on trees of arrays, over one axis or several, and may stand inside of derivatives, loops,
 * branches and compiled functions. What they are made of is in `primitives/lanes/collective.ts`; those that
 * exchange values are in `exchanges.ts`.
 *
 * @module
 */
import { AxisError, checkCall, isFloat, type NDArray } from "../core/mod.ts";
import { add, convert, div, mul, reduceMax, reduceMin, scalarLike } from "../primitives/mod.ts";
import * as lanes from "../primitives/lanes/collective.ts";
import type { Arrays, Tree } from "../transforms/tree_types.ts";
import { axesOf, type AxisName, gathered, lengthOf, onLeaves } from "./named_axes.ts";

export type { AxisName } from "./named_axes.ts";

/**
 * The sum of a value over all lanes of the `vmap` whose axis has that name, as `jax.lax.psum`; each lane
 * gets it. Booleans are counted.
 *
 * @param x A tree of arrays; shapes stay as they are.
 * @throws {AxisError} where no `vmap` around has an axis of that name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { psum } from "@injax/injax/lax";
 *
 * const shares = vmap((x: NDArray) => x.div(psum(x, "all")), { axisName: "all" });
 * console.log(shares(np.array([1, 2, 5])).toArray()); // [ 0.125, 0.25, 0.625 ]
 * ```
 */
export function psum<X extends Tree>(x: X, axisName: AxisName): Arrays<X> {
  if (arguments.length > 2) checkCall("psum(x, axisName)", arguments);
  const axes = axesOf("psum", axisName);
  return onLeaves("psum", x, (leaf) => axes.reduce((sum, axis) => lanes.psum(sum, axis), leaf));
}

/**
 * The mean of a value over all lanes, as `jax.lax.pmean`. Whole numbers have a mean in float32.
 *
 * @param x A tree of arrays; shapes stay as they are.
 * @throws {AxisError} where no `vmap` around has an axis of that name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { pmean } from "@injax/injax/lax";
 *
 * const centre = vmap((x: NDArray) => x.sub(pmean(x, "batch")), { axisName: "batch" });
 * console.log(centre(np.array([1, 2, 6])).toArray()); // [ -2, -1, 3 ]
 * ```
 */
export function pmean<X extends Tree>(x: X, axisName: AxisName): Arrays<X> {
  if (arguments.length > 2) checkCall("pmean(x, axisName)", arguments);
  const axes = axesOf("pmean", axisName);
  const count = lengthOf(axes);
  return onLeaves("pmean", x, (leaf) => {
    const sum = axes.reduce((sum, axis) => lanes.psum(sum, axis), leaf);
    const whole = isFloat(sum.dtype) ? sum : convert(sum, "float32");
    return div(whole, scalarLike(count, whole));
  });
}

function extreme<X extends Tree>(
  op: string,
  x: X,
  axisName: AxisName,
  reduce: (x: NDArray, axes: readonly number[]) => NDArray,
): Arrays<X> {
  const axes = axesOf(op, axisName);
  return onLeaves(op, x, (leaf) => {
    if (leaf.dtype === "bool") {
      return convert(reduce(gathered(convert(leaf, "int32"), axes), [0]), "bool");
    }
    return reduce(gathered(leaf, axes), [0]);
  });
}

/**
 * The largest value of all lanes, element by element, as `jax.lax.pmax`. It has derivatives, which JAX's
 * has not: they go to the lanes that have the largest value, as those of `max` do.
 *
 * @param x A tree of arrays; shapes stay as they are.
 * @throws {AxisError} where no `vmap` around has an axis of that name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { pmax } from "@injax/injax/lax";
 *
 * const behind = vmap((x: NDArray) => pmax(x, "all").sub(x), { axisName: "all" });
 * console.log(behind(np.array([3, 7, 5])).toArray()); // [ 4, 0, 2 ]
 * ```
 */
export function pmax<X extends Tree>(x: X, axisName: AxisName): Arrays<X> {
  if (arguments.length > 2) checkCall("pmax(x, axisName)", arguments);
  return extreme("pmax", x, axisName, reduceMax);
}

/**
 * The smallest value of all lanes, element by element, as `jax.lax.pmin`; with derivatives, as `pmax`.
 *
 * @param x A tree of arrays; shapes stay as they are.
 * @throws {AxisError} where no `vmap` around has an axis of that name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { pmin } from "@injax/injax/lax";
 *
 * const lead = vmap((x: NDArray) => x.sub(pmin(x, "all")), { axisName: "all" });
 * console.log(lead(np.array([3, 7, 5])).toArray()); // [ 0, 4, 2 ]
 * ```
 */
export function pmin<X extends Tree>(x: X, axisName: AxisName): Arrays<X> {
  if (arguments.length > 2) checkCall("pmin(x, axisName)", arguments);
  return extreme("pmin", x, axisName, reduceMin);
}

/**
 * The number of the lane along the axis of that name, an int32 scalar, as `jax.lax.axis_index`. Over
 * several axes it counts the lanes of all of them, the last axis fastest.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { axisIndex } from "@injax/injax/lax";
 *
 * const numbered = vmap((x: NDArray) => x.mul(axisIndex("i").astype("float32")), { axisName: "i" });
 * console.log(numbered(np.array([5, 5, 5])).toArray()); // [ 0, 5, 10 ]
 * ```
 */
export function axisIndex(axisName: AxisName): NDArray {
  if (arguments.length > 1) checkCall("axisIndex(axisName)", arguments);
  const [first, ...more] = axesOf("axisIndex", axisName);
  if (first === undefined) throw new AxisError("axisIndex: the list of names is empty");
  return more.reduce(
    (index, axis) => add(mul(index, scalarLike(axis.size, index)), lanes.axisIndex(axis)),
    lanes.axisIndex(first),
  );
}

/**
 * The number of lanes along the axis of that name, as `jax.lax.axis_size`: a plain number, known while the
 * function is traced. Of several axes, the product.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { axisSize } from "@injax/injax/lax";
 *
 * const f = vmap((x: NDArray) => x.div(axisSize("i")), { axisName: "i" });
 * console.log(f(np.array([2, 4])).toArray()); // [ 1, 2 ]
 * ```
 */
export function axisSize(axisName: AxisName): number {
  if (arguments.length > 1) checkCall("axisSize(axisName)", arguments);
  return lengthOf(axesOf("axisSize", axisName));
}
