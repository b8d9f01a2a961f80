/**
 * Arrays in other shapes: reshape, axes moved, added and removed, broadcasting. What joins arrays or
 * repeats elements is in `joining.ts`.
 *
 * @module
 */
import {
  AxisError,
  broadcastShapes,
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  normalizeAxes,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  sizeOf,
} from "../core/mod.ts";
import type { AxesOr, Named } from "../core/method_options.ts";
import * as s from "../primitives/shape/shape.ts";
import { broadcastTo as broadcastToOf, transpose as transposeOf } from "../primitives/mod.ts";
import type { ShapeLike } from "./arguments.ts";
import {
  asOperand,
  broadcastFor,
  expectArray,
  expectAxes,
  expectAxis,
  expectRoom,
  expectShape,
  isNamed,
} from "./operands.ts";

/** Options of {@linkcode reshape} and {@linkcode ravel}. */
export interface OrderOptions {
  /** Whether elements are counted along the last axis first, `"C"`, or along the first one, `"F"`. */
  readonly order?: "C" | "F" | undefined;
}

const orderOptions: OptionTable<OrderOptions> = { order: "string" };

/**
 * The same elements, row by row, in another shape, as `jax.numpy.reshape`. One length may be -1: it
 * follows from the others.
 *
 * @throws {ShapeError} where the numbers of elements differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.reshape(np.arange(6), [2, -1]).shape); // [ 2, 3 ]
 * ```
 */
export function reshape(x: Operand, shape: ShapeLike, options?: OrderOptions): NDArray {
  if (arguments.length > 2) {
    options = readOptions("reshape(x, shape, options)", arguments, orderOptions);
  }
  const a = asOperand("reshape", x);
  const list = typeof shape === "number" ? [shape] : Array.isArray(shape) ? [...shape] : shape;
  if (!Array.isArray(list) || !list.every((n) => Number.isInteger(n) && n >= -1)) {
    throw new ShapeError(
      `reshape: a shape is a list of non-negative integers, of which one may be -1, not ${
        Array.isArray(list) ? formatShape(list) : describeValue(shape)
      }`,
    );
  }
  const open = list.indexOf(-1);
  let to: readonly number[] = list;
  if (open >= 0) {
    if (list.lastIndexOf(-1) !== open) {
      throw new ShapeError(`reshape: only one length of ${formatShape(list)} can be -1`);
    }
    const others = sizeOf(list.toSpliced(open, 1));
    to = list.with(open, others === 0 ? 0 : a.size / others);
  }
  if (!to.every(Number.isInteger) || sizeOf(to) !== a.size) {
    throw new ShapeError(
      `reshape: an array of shape ${
        formatShape(a.shape)
      } has ${a.size} elements, which do not fill the shape ${formatShape(list)}${
        open >= 0 ? "" : ` of ${sizeOf(to)}`
      }`,
    );
  }
  if (!columnwise("reshape", options)) return s.reshape(a, to);
  return turned(s.reshape(turned(a), to.toReversed()));
}

/** The same elements, row by row, along one axis, as `jax.numpy.ravel`. */
export function ravel(x: Operand, options?: OrderOptions): NDArray {
  if (arguments.length > 1) options = readOptions("ravel(x, options)", arguments, orderOptions);
  const a = asOperand("ravel", x);
  return s.reshape(columnwise("ravel", options) ? turned(a) : a, [a.size]);
}

/** With the axes in reverse order. */
function turned(x: NDArray): NDArray {
  return transposeOf(x, x.shape.map((_, i) => x.ndim - 1 - i));
}

function columnwise(op: string, options: OrderOptions | undefined): boolean {
  const order = options?.order ?? "C";
  if (order === "C" || order === "F") return order === "F";
  throw new TypeError(`${op}: order must be "C" or "F", not ${describeValue(order)}`);
}

/**
 * `x` with its axes permuted, as `jax.numpy.transpose`: axis `i` of the result is axis `axes[i]` of `x`.
 * The order is reversed where `axes` is left out.
 *
 * @throws {AxisError} where `axes` does not name each axis once.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.transpose(np.zeros([2, 3, 4]), [2, 0, 1]).shape); // [ 4, 2, 3 ]
 * ```
 */
export function transpose(
  x: NDArray,
  axes?: readonly number[] | null | Named<unknown, { axes: readonly number[] | null }>,
): NDArray {
  if (arguments.length > 2 || isNamed(axes)) checkCall("transpose(x, axes)", arguments, {}, 1);
  if (isNamed(axes)) return transpose(x, axes.axes);
  const a = expectArray("transpose", x);
  if (axes === undefined || axes === null) {
    return transposeOf(
      a,
      a.shape.map((_, i) => i).reverse(),
    );
  }
  if (!Array.isArray(axes)) {
    throw new TypeError(
      `transpose: the axes are a list, as in transpose(x, [1, 0]), not ${describeValue(axes)}`,
    );
  }
  if (axes.length !== a.ndim) {
    throw new AxisError(
      `transpose: axes must name each of the ${a.ndim} axes of an array of shape ${
        formatShape(a.shape)
      } once, but are ${Array.isArray(axes) ? formatShape(axes) : describeValue(axes)}`,
    );
  }
  normalizeAxes("transpose", axes, a.ndim);
  return transposeOf(a, axes.map((k: number) => k < 0 ? k + a.ndim : k));
}

/**
 * `x` with the axes `from` moved to the positions `to`, as `jax.numpy.moveaxis`; the others keep their
 * order.
 *
 * @throws {AxisError} where an axis is out of range or given twice, or the numbers of axes differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.moveaxis(np.zeros([2, 3, 4]), 0, -1).shape); // [ 3, 4, 2 ]
 * ```
 */
export function moveaxis(
  x: NDArray,
  from: number | readonly number[],
  to: number | readonly number[],
): NDArray {
  if (arguments.length > 3) checkCall("moveaxis(x, from, to)", arguments);
  const a = expectArray("moveaxis", x);
  const list = (axes: number | readonly number[]): number[] => {
    if (axes === undefined || axes === null) {
      throw new TypeError("moveaxis: an axis is left out. Give both: np.moveaxis(x, from, to)");
    }
    expectAxes("moveaxis", axes, a.ndim);
    return (typeof axes === "number" ? [axes] : axes).map((k) => k < 0 ? k + a.ndim : k);
  };
  const sources = list(from);
  const targets = list(to);
  if (sources.length !== targets.length) {
    throw new AxisError(
      `moveaxis: ${sources.length} axes cannot be moved to ${targets.length} positions`,
    );
  }
  const perm = a.shape.map((_, i) => i).filter((i) => !sources.includes(i));
  const order = targets.map((_, i) => i).sort((i, j) => targets[i]! - targets[j]!);
  for (const i of order) perm.splice(targets[i]!, 0, sources[i]!);
  return transposeOf(a, perm);
}

/**
 * `x` with two axes in each other's place, as `jax.numpy.swapaxes`.
 *
 * @throws {AxisError} where an axis is out of range.
 */
export function swapaxes(x: NDArray, axis1: number, axis2: number): NDArray {
  if (arguments.length > 3) checkCall("swapaxes(x, axis1, axis2)", arguments);
  const a = expectArray("swapaxes", x);
  const i = expectAxis("swapaxes", axis1, a.ndim);
  const j = expectAxis("swapaxes", axis2, a.ndim);
  const perm = a.shape.map((_, k) => k === i ? j : k === j ? i : k);
  return transposeOf(a, perm);
}

/**
 * `x` with axes of length 1 at the positions `axis` of the result, as `jax.numpy.expand_dims`.
 *
 * @throws {AxisError} where a position is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.expandDims(np.zeros([2, 3]), 0).shape); // [ 1, 2, 3 ]
 * ```
 */
export function expandDims(
  x: Operand,
  axis: number | readonly number[] | { readonly axis: number | readonly number[] },
): NDArray {
  if (arguments.length > 2 || isNamed(axis)) checkCall("expandDims(x, axis)", arguments, {}, 1);
  if (isNamed(axis)) return expandDims(x, axis.axis);
  const a = asOperand("expandDims", x);
  if (typeof axis === "number") {
    return s.expandDims(a, [expectAxis("expandDims", axis, a.ndim + 1)]);
  }
  if (!Array.isArray(axis)) {
    throw new TypeError(
      `expandDims: the axis is ${
        axis === undefined ? "left out" : describeValue(axis)
      }. Say where the new axis goes: np.expandDims(x, 0)`,
    );
  }
  return s.expandDims(a, expectAxes("expandDims", axis, a.ndim + axis.length));
}

/**
 * `x` without axes of length 1, or without those in `axis`, as `jax.numpy.squeeze`.
 *
 * @throws {ShapeError} where an axis in `axis` has another length.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.squeeze(np.zeros([1, 3, 1]), 0).shape); // [ 3, 1 ]
 * ```
 */
export function squeeze(x: Operand, axis?: AxesOr<unknown>): NDArray {
  if (arguments.length > 2 || isNamed(axis)) checkCall("squeeze(x, axis)", arguments, {}, 1);
  if (isNamed(axis)) return squeeze(x, axis.axis);
  const a = asOperand("squeeze", x);
  if (axis === undefined || axis === null) {
    return s.reshape(a, a.shape.filter((n) => n !== 1));
  }
  const axes = expectAxes("squeeze", axis, a.ndim);
  for (const k of axes) {
    if (a.shape[k] !== 1) {
      throw new ShapeError(
        `squeeze: axis ${k} of an array of shape ${formatShape(a.shape)} has length ${
          a.shape[k]
        }, and only axes of length 1 can be removed`,
      );
    }
  }
  return s.squeeze(a, axes);
}

/**
 * `x` repeated to a shape by NumPy's rule, as `jax.numpy.broadcast_to`: axes are aligned on the right.
 *
 * @throws {ShapeError} where a length of `x` is neither 1 nor the one asked for.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.broadcastTo(np.array([1, 2]), [2, 2]).toArray()); // [ [ 1, 2 ], [ 1, 2 ] ]
 * ```
 */
export function broadcastTo(x: Operand, shape: ShapeLike): NDArray {
  if (arguments.length > 2) checkCall("broadcastTo(x, shape)", arguments);
  const a = asOperand("broadcastTo", x);
  const to = expectShape("broadcastTo", shape);
  expectRoom("broadcastTo", to, a.dtype);
  return broadcastFor("broadcastTo", "x", a, to);
}

/**
 * Arrays brought to the shape that they broadcast to together, as `jax.numpy.broadcast_arrays`.
 *
 * @throws {ShapeError} where they do not broadcast.
 */
export function broadcastArrays(...arrays: readonly Operand[]): NDArray[] {
  const list = arrays.map((x, i) => asOperand("broadcastArrays", x, `argument ${i}`));
  const shape = broadcastShapes("broadcastArrays", ...list.map((x) => x.shape));
  return list.map((x) => broadcastToOf(x, shape));
}

// ---------------------------------------------------------------- NumPy's other names

/** {@linkcode transpose} under another name of NumPy's. */
export const permuteDims: typeof transpose = transpose;
