/**
 * Projections onto sets, and the proximal operator of absolute values. All are differentiable, work along the last
 * axis where that matters, and can be mapped.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { describeValue, DTypeError, ShapeError } from "../../core/errors.ts";
import { isFloat } from "../../core/dtype.ts";
import { checkCall } from "../../core/signature.ts";
import { full, scalarLike } from "../../primitives/constants/full.ts";
import { iota } from "../../primitives/constants/iota.ts";
import { abs, div, maximum, minimum, sign, sub } from "../../primitives/elementwise/arithmetic.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { stopGradient } from "../../primitives/elementwise/stop_gradient.ts";
import { cumsum } from "../../primitives/reduce/cumsum.ts";
import { reduceMax } from "../../primitives/reduce/extremes.ts";
import { expandDims } from "../../primitives/shape/reshape.ts";
import { rev } from "../../primitives/slicing/concatenate.ts";
import { sort } from "../../primitives/sort/sort.ts";
import { broadcastTo, reduceSum } from "../../primitives/sum/broadcast.ts";
import { toArray } from "../../transforms/trees.ts";

/** A number, or an array of numbers, one for each vector or element. */
export type Amount = number | NDArray;

/**
 * The nearest point without negative elements.
 *
 * @example
 * ```ts
 * import { numpy as np, projectNonNegative } from "@injax/injax";
 *
 * console.log(projectNonNegative(np.array([-1, 2])).toArray()); // [ 0, 2 ]
 * ```
 */
export function projectNonNegative(x: NDArray): NDArray {
  checkCall("projectNonNegative(x)", arguments);
  const v = floats("projectNonNegative", x);
  return maximum(v, full(v.shape, 0, v.dtype));
}

/**
 * The nearest point between two bounds, numbers or arrays that broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np, projectBox } from "@injax/injax";
 *
 * console.log(projectBox(np.array([-1, 0.5, 2]), 0, 1).toArray()); // [ 0, 0.5, 1 ]
 * ```
 */
export function projectBox(x: NDArray, lower: Amount, upper: Amount): NDArray {
  checkCall("projectBox(x, lower, upper)", arguments);
  const v = floats("projectBox", x);
  const [lo, hi] = [lower, upper].map((end, i) =>
    spread("projectBox", i === 0 ? "lower" : "upper", end, v, v.shape)
  ) as [NDArray, NDArray];
  return minimum(maximum(v, lo), hi);
}

/**
 * The nearest point of the simplex: elements that are not negative and have the sum `total` (default 1), of each
 * vector along the last axis.
 *
 * @example
 * ```ts
 * import { numpy as np, projectSimplex } from "@injax/injax";
 *
 * console.log(projectSimplex(np.array([0.5, 1.5, -1])).toArray()); // [ 0, 1, 0 ]
 * ```
 */
export function projectSimplex(x: NDArray, total: Amount = 1): NDArray {
  checkCall("projectSimplex(x, total)", arguments);
  const v = vectors("projectSimplex", x);
  return onSimplex(v, perVector("projectSimplex", "total", total, v));
}

/**
 * The nearest point whose 2-norm is at most `radius` (default 1), of each vector along the last axis.
 *
 * @example
 * ```ts
 * import { numpy as np, projectL2Ball } from "@injax/injax";
 *
 * console.log(projectL2Ball(np.array([3, 4]), 2.5).toArray()); // [ 1.5, 2 ]
 * ```
 */
export function projectL2Ball(x: NDArray, radius: Amount = 1): NDArray {
  checkCall("projectL2Ball(x, radius)", arguments);
  const v = vectors("projectL2Ball", x);
  const r = perVector("projectL2Ball", "radius", radius, v);
  const last = [v.ndim - 1];
  // In units of the largest element, so that squares stay in range.
  const most = stopGradient(reduceMax(abs(v), last));
  const unit = select(most.greater(0), most, scalarOnes(most));
  const shares = div(v, wide(unit, v));
  const inside = reduceSum(stopGradient(shares.mul(shares)), last).sqrt().mul(unit).lessEqual(r);
  // Inside, the norm has no part in the result, and none in derivatives.
  const safe = select(wide(inside, v), full(v.shape, 1, v.dtype), shares);
  const size = reduceSum(safe.mul(safe), last).sqrt();
  const outer = safe.mul(wide(div(r, size), v));
  return select(wide(inside, v), v, outer);
}

/**
 * The nearest point whose 1-norm is at most `radius` (default 1), of each vector along the last axis.
 *
 * @example
 * ```ts
 * import { numpy as np, projectL1Ball } from "@injax/injax";
 *
 * console.log(projectL1Ball(np.array([2, -0.5]), 1).toArray()); // [ 1, -0 ]
 * ```
 */
export function projectL1Ball(x: NDArray, radius: Amount = 1): NDArray {
  checkCall("projectL1Ball(x, radius)", arguments);
  const v = vectors("projectL1Ball", x);
  const r = perVector("projectL1Ball", "radius", radius, v);
  const size = abs(v);
  const inside = reduceSum(size, [v.ndim - 1]).lessEqual(r);
  return select(wide(inside, v), v, sign(v).mul(onSimplex(size, r)));
}

/**
 * Elements brought nearer to 0 by `threshold`, and those within it to 0: the proximal operator of absolute
 * values times that. By it, `proximalGradient` finds sparse minima.
 *
 * @example
 * ```ts
 * import { minimise, numpy as np, proximalGradient, softThreshold } from "@injax/injax";
 *
 * const target = np.array([3, 0.5, -2]);
 * const lasso = proximalGradient((x: np.NDArray, step) => softThreshold(x, step.mul(1)));
 * // The smallest |x - target|^2 / 2 + |x|_1.
 * const { value } = minimise((x) => x.sub(target).square().sum().mul(0.5), np.zeros([3]), {
 *   solver: lasso,
 * });
 * console.log([...value.dataSync()].map((v) => v.toFixed(2))); // [ "2.00", "0.00", "-1.00" ]
 * ```
 */
export function softThreshold(x: NDArray, threshold: Amount): NDArray {
  checkCall("softThreshold(x, threshold)", arguments);
  const v = floats("softThreshold", x);
  const t = spread("softThreshold", "threshold", threshold, v, v.shape);
  const zero = full(v.shape, 0, v.dtype);
  return select(abs(v).greater(t), sub(v, sign(v).mul(t)), zero);
}

/** The projection of vectors [..., n] onto the simplex of a sum [...]. */
function onSimplex(v: NDArray, total: NDArray): NDArray {
  const axis = v.ndim - 1;
  // Which elements stay positive is settled without derivatives; how much they lose, with them.
  const fixed = stopGradient(v);
  const [ascending] = sort(fixed, axis);
  const descending = rev(ascending, [axis]);
  const counts = iota(v.shape, axis, "int32").astype(v.dtype).add(1);
  const excess = cumsum(descending, axis).sub(wide(stopGradient(total), v));
  const stays = descending.mul(counts).greater(excess);
  const threshold = reduceMax(
    select(stays, div(excess, counts), full(v.shape, -Infinity, v.dtype)),
    [axis],
  );
  const positive = fixed.greater(wide(threshold, v));
  const zero = full(v.shape, 0, v.dtype);
  const most = reduceMax(fixed, [axis]);
  // Where the sum is nothing, all are 0.
  const any = positive.astype(v.dtype);
  const count = maximum(reduceSum(any, [axis]), scalarOnes(most));
  const loss = div(sub(reduceSum(select(positive, v, zero), [axis]), total), count);
  return select(positive, maximum(sub(v, wide(loss, v)), zero), zero);
}

/** Numbers for each vector [...] as numbers for each element [..., n]. */
function wide(perVector: NDArray, like: NDArray): NDArray {
  return broadcastTo(expandDims(perVector, [like.ndim - 1]), like.shape);
}

function scalarOnes(like: NDArray): NDArray {
  return broadcastTo(scalarLike(1, like), like.shape);
}

/** An operand, which must be of floats. */
function floats(op: string, x: unknown): NDArray {
  const v = toArray(x);
  if (v === null) throw new TypeError(`${op}: x must be an array, not ${describeValue(x)}`);
  if (!isFloat(v.dtype)) {
    throw new DTypeError(`${op}: x is ${v.dtype}, but projections are of floats. Convert it first`);
  }
  return v;
}

/** The same, of at least one axis. */
function vectors(op: string, x: unknown): NDArray {
  const v = floats(op, x);
  if (v.ndim > 0 && v.shape[v.ndim - 1]! > 0) return v;
  throw new ShapeError(`${op}: x must be vectors along its last axis, not of shape [${v.shape}]`);
}

/** A number for each vector. */
function perVector(op: string, name: string, given: unknown, v: NDArray): NDArray {
  return spread(op, name, given, v, v.shape.slice(0, -1));
}

/** A number, or an array of them, in a shape. */
function spread(
  op: string,
  name: string,
  given: unknown,
  v: NDArray,
  shape: readonly number[],
): NDArray {
  // Not by way of float32, which numbers become by themselves.
  const a = typeof given === "number" ? scalarArray(given, v.dtype) : toArray(given);
  if (a === null) {
    throw new TypeError(`${op}: ${name} must be a number or an array, not ${describeValue(given)}`);
  }
  const fits = a.ndim <= shape.length &&
    a.shape.every((n, i) => n === 1 || n === shape[shape.length - a.ndim + i]);
  if (!fits) {
    throw new ShapeError(
      `${op}: ${name} has shape [${a.shape}], which is not one of [${shape}] broadcast`,
    );
  }
  return broadcastTo(a.astype(v.dtype), shape);
}
