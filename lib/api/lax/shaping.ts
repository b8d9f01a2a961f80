/**
 * Arrays in other shapes, and parts of them along one axis, as in `jax.lax`.
 *
 * @module
 */
import type { Named } from "../../core/method_options.ts";
import {
  AxisError,
  checkCall,
  type DType,
  expectDType,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../../core/mod.ts";
import {
  broadcastTo,
  iota as iotaOf,
  pad as padOf,
  reshape as reshapeOf,
  rev as revOf,
  slice as sliceOf,
  transpose as transposeOf,
} from "../../primitives/mod.ts";
import type { ShapeLike } from "../arguments.ts";
import { empty as emptyOf } from "../creation.ts";
import { dynamicSlice, dynamicUpdateSlice } from "../indexing.ts";
import { staticIndex } from "../indices.ts";
import {
  asDType,
  asIndex,
  asOperand,
  broadcastFor,
  expectArray,
  expectAxes,
  expectAxis,
  expectShape,
  isNamed,
} from "../operands.ts";

/** More axes than anyone has use for. */
const MOST_AXES = 255;

/** A list of integers, one for each axis of something. */
function expectList(op: string, list: unknown, name: string, length?: number): readonly number[] {
  if (!Array.isArray(list) || (length !== undefined && list.length !== length)) {
    throw new ShapeError(
      `${op}: ${name} must be a list of ${length ?? ""} integers, as in [0, 1]`.replace("  ", " "),
    );
  }
  list.forEach((n, i) => expectInteger(op, n, `${name}[${i}]`));
  return list;
}

// ---------------------------------------------------------------- new axes

/** `x` with leading axes of the lengths `sizes`, as `jax.lax.broadcast`. */
export function broadcast(x: Operand, sizes: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("broadcast(x, sizes)", arguments);
  const a = asOperand("broadcast", x);
  return broadcastTo(a, [...expectShape("broadcast", sizes), ...a.shape]);
}

/**
 * `x` broadcast to `shape`, where axis `i` of it becomes `dimensions[i]`, as `jax.lax.broadcast_in_dim`.
 *
 * @throws {ShapeError} where there is not an axis for each of `x`, they do not ascend, or lengths differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.broadcastInDim(np.array([1, 2]), [2, 3], [0]).toArray()); // [ [ 1, 1, 1 ], [ 2, 2, 2 ] ]
 * ```
 */
export function broadcastInDim(
  x: Operand,
  shape: readonly number[],
  dimensions: readonly number[],
): NDArray {
  if (arguments.length > 3) checkCall("broadcastInDim(x, shape, dimensions)", arguments);
  const op = "broadcastInDim";
  const a = asOperand(op, x);
  const to = expectShape(op, shape);
  const axes = expectList(op, dimensions, "dimensions", a.ndim);
  const wide = to.map(() => 1);
  axes.forEach((axis, i) => {
    const n = a.shape[i]!;
    if (axis < 0 || axis >= to.length || (i > 0 && axis <= axes[i - 1]!)) {
      throw new ShapeError(
        `${op}: dimensions ${formatShape(axes)} must ascend from 0 to ${to.length - 1}`,
      );
    }
    if (n !== 1 && n !== to[axis]) {
      throw new ShapeError(
        `${op}: axis ${i} of x, of shape ${
          formatShape(a.shape)
        }, has length ${n}, but axis ${axis} of ` +
          `${formatShape(to)} has ${to[axis]}`,
      );
    }
    wide[axis] = n;
  });
  return broadcastTo(reshapeOf(a, wide), to);
}

/** `x` with so many leading axes of length 1 that it has `rank` axes, as `jax.lax.broadcast_to_rank`. */
export function broadcastToRank(x: Operand, rank: number): NDArray {
  if (arguments.length > 2) checkCall("broadcastToRank(x, rank)", arguments);
  const a = asOperand("broadcastToRank", x);
  expectInteger("broadcastToRank", rank, "rank", a.ndim, MOST_AXES);
  return reshapeOf(a, [...new Array<number>(rank - a.ndim).fill(1), ...a.shape]);
}

/** Positions along `dimension` in an array of a shape, as `jax.lax.broadcasted_iota`. */
export function broadcastedIota(dtype: DType, shape: ShapeLike, dimension: number): NDArray {
  if (arguments.length > 3) checkCall("broadcastedIota(dtype, shape, dimension)", arguments);
  const op = "broadcastedIota";
  const to = expectShape(op, shape);
  const axis = expectAxis(op, dimension, to.length, "dimension");
  return iotaOf(to, axis, expectDType(op, dtype, "int32"));
}

/** Zeros of a shape and a dtype, as `jax.lax.empty`: no array is without contents. */
export function empty(shape: ShapeLike, dtype: DType): NDArray {
  if (arguments.length > 2) checkCall("empty(shape, dtype)", arguments);
  return emptyOf(shape, { dtype: expectDType("empty", dtype ?? null, "float32") });
}

/** The numbers from 0 to `size`, as `jax.lax.iota`. */
export function iota(dtype: DType, size: number): NDArray {
  if (arguments.length > 2) checkCall("iota(dtype, size)", arguments);
  expectInteger("iota", size, "size", 0);
  return iotaOf([size], 0, expectDType("iota", dtype, "int32"));
}

/**
 * `x` with the axes from `start` up to `stop` as one, as `jax.lax.collapse`.
 *
 * @throws {AxisError} where there are no such axes.
 */
export function collapse(x: NDArray, start: number, stop?: number | null): NDArray {
  if (arguments.length > 3) checkCall("collapse(x, start, stop)", arguments);
  const { shape, ndim } = expectArray("collapse", x);
  const from = expectAxis("collapse", start, ndim, "start");
  const end = stop ?? ndim;
  expectInteger("collapse", end, "stop", -ndim, ndim);
  const to = end < 0 ? end + ndim : end;
  if (to < from) {
    throw new AxisError(`collapse: stop ${end} lies in front of start ${start}`);
  }
  const length = shape.slice(from, to).reduce((a, b) => a * b, 1);
  return reshapeOf(x, [...shape.slice(0, from), length, ...shape.slice(to)]);
}

// ---------------------------------------------------------------- the same elements

/** `x` in another shape, its axes taken in the order `dimensions` first, as `jax.lax.reshape`. */
export function reshape(
  x: Operand,
  newSizes: readonly number[],
  dimensions?: readonly number[] | null,
): NDArray {
  if (arguments.length > 3) checkCall("reshape(x, newSizes, dimensions)", arguments);
  const a = asOperand("reshape", x);
  const to = expectShape("reshape", newSizes);
  const turned = dimensions === undefined || dimensions === null ? a : transpose(a, dimensions);
  if (to.reduce((m, n) => m * n, 1) !== a.size) {
    throw new ShapeError(
      `reshape: x has shape ${formatShape(a.shape)} and so ${a.size} elements, not those of ${
        formatShape(to)
      }`,
    );
  }
  return reshapeOf(turned, to);
}

/** `x` with its axes in another order, as `jax.lax.transpose`. */
export function transpose(x: NDArray, permutation: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("transpose(x, permutation)", arguments);
  const a = expectArray("transpose", x);
  const order = expectList("transpose", permutation, "permutation", a.ndim);
  if (!sameShape([...order].sort((i, j) => i - j), order.map((_, i) => i))) {
    throw new AxisError(
      `transpose: ${formatShape(order)} is no order of the ${a.ndim} axes of x, from 0`,
    );
  }
  return transposeOf(a, order);
}

/**
 * `x` without axes of length 1, as `jax.lax.squeeze`.
 *
 * @throws {ShapeError} where such an axis is longer.
 */
export function squeeze(x: Operand, dimensions: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("squeeze(x, dimensions)", arguments);
  const a = asOperand("squeeze", x);
  const axes = expectAxes("squeeze", expectList("squeeze", dimensions, "dimensions"), a.ndim);
  for (const axis of axes) {
    if (a.shape[axis] !== 1) {
      throw new ShapeError(
        `squeeze: axis ${axis} of x, of shape ${formatShape(a.shape)}, is longer than 1`,
      );
    }
  }
  return reshapeOf(a, a.shape.filter((_, i) => !axes.includes(i)));
}

/** `x` with the order along some axes reversed, as `jax.lax.rev`. */
export function rev(x: NDArray, dimensions: readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("rev(x, dimensions)", arguments);
  const a = expectArray("rev", x);
  return revOf(a, expectAxes("rev", expectList("rev", dimensions, "dimensions"), a.ndim));
}

/**
 * `x` with elements of a value put in front, behind and between, as `jax.lax.pad`: for each axis `[low, high,
 * interior]`; negative numbers at the ends remove elements.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.pad(np.array([1, 2]), 0, [[1, 0, 1]]).toArray()); // [ 0, 1, 0, 2 ]
 * ```
 */
export function pad(
  x: NDArray,
  value: Operand,
  config: readonly (readonly [low: number, high: number, interior: number])[],
): NDArray {
  if (arguments.length > 3) checkCall("pad(x, value, config)", arguments);
  const a = expectArray("pad", x);
  if (!Array.isArray(config) || config.length !== a.ndim) {
    throw new ShapeError(
      `pad: config must have [low, high, interior] for each of the ${a.ndim} axes of x`,
    );
  }
  const lists = config.map((c, i) => expectList("pad", c, `config[${i}]`, 3));
  lists.forEach((c, i) => expectInteger("pad", c[2], `config[${i}][2]`, 0));
  const fill = asDType("pad", value, a.dtype, "the value");
  if (fill.ndim > 0) {
    throw new ShapeError(
      `pad: the value must be a scalar, but has shape ${formatShape(fill.shape)}`,
    );
  }
  const column = (k: number): number[] => lists.map((c) => c[k]!);
  return padOf(a, fill, column(0), column(1), column(2));
}

/** `x` in parts of the lengths `sizes` along `axis`, as `jax.lax.split`. */
export function split(
  x: NDArray,
  sizes: readonly number[],
  axis: number | Named<unknown, { axis: number }> = 0,
): NDArray[] {
  if (arguments.length > 3 || isNamed(axis)) checkCall("split(x, sizes, axis)", arguments, {}, 2);
  if (isNamed(axis)) return split(x, sizes, axis.axis);
  const a = expectArray("split", x);
  const along = expectAxis("split", axis, a.ndim);
  const list = expectShape("split", sizes);
  const total = list.reduce((m, n) => m + n, 0);
  if (total !== a.shape[along]) {
    throw new ShapeError(
      `split: sizes ${formatShape(list)} add up to ${total}, but axis ${along} of x, of shape ${
        formatShape(a.shape)
      }, has length ${a.shape[along]}`,
    );
  }
  let start = 0;
  return list.map((n) => cut(a, along, start, start += n, 1));
}

/** `x` broadcast to the shape of another array, as `jax.lax.broadcast_like`. */
export function broadcastLike(x: Operand, like: NDArray): NDArray {
  if (arguments.length > 2) checkCall("broadcastLike(x, like)", arguments);
  const op = "broadcastLike";
  const a = asOperand(op, x);
  return broadcastFor(op, "x", a, expectArray(op, like, "like").shape);
}

// ---------------------------------------------------------------- parts along one axis

function cut(x: NDArray, axis: number, from: number, to: number, stride: number): NDArray {
  const each = (value: number, all: readonly number[]): number[] =>
    all.map((n, i) => i === axis ? value : n);
  return sliceOf(
    x,
    each(from, x.shape.map(() => 0)),
    each(to, x.shape),
    each(stride, x.shape.map(() => 1)),
  );
}

/** The part from `start` up to `stop` along `axis`, in steps of `stride`, as `jax.lax.slice_in_dim`. */
export function sliceInDim(
  x: NDArray,
  start: number | null,
  stop: number | null,
  stride: number | Named<unknown, { stride: number; axis: number }> = 1,
  axis: number | Named<unknown, { axis: number }> = 0,
): NDArray {
  if (arguments.length > 5 || isNamed(stride) || isNamed(axis)) {
    checkCall("sliceInDim(x, start, stop, stride, axis)", arguments, {}, 3);
  }
  if (isNamed(stride)) return sliceInDim(x, start, stop, stride.stride, stride.axis);
  if (isNamed(axis)) return sliceInDim(x, start, stop, stride, axis.axis);
  const op = "sliceInDim";
  const a = expectArray(op, x);
  const along = expectAxis(op, axis, a.ndim);
  const n = a.shape[along]!;
  expectInteger(op, stride, "stride", 1);
  const within = (at: number | null, missing: number, name: string): number => {
    if (at === null || at === undefined) return missing;
    expectInteger(op, at, name);
    const from = at < 0 ? at + n : at;
    if (from < 0 || from > n) {
      throw new AxisError(
        `${op}: ${name} ${at} is out of range for axis ${along} of an array of shape ${
          formatShape(a.shape)
        }`,
      );
    }
    return from;
  };
  const from = within(start, 0, "start");
  return cut(a, along, from, Math.max(from, within(stop, n, "stop")), stride);
}

/** Options of {@linkcode indexInDim} and {@linkcode dynamicIndexInDim}. */
export interface IndexInDimOptions {
  /** Whether the axis stays, with length 1, which is the default. */
  readonly keepDims?: boolean | undefined;
}

const indexInDimOptions: OptionTable<IndexInDimOptions> = { keepDims: "boolean" };

/** What is at a position of `axis` known in advance, as `jax.lax.index_in_dim`. */
export function indexInDim(
  x: NDArray,
  index: number,
  axis: number | Named<IndexInDimOptions, { axis: number }> = 0,
  options: IndexInDimOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("indexInDim(x, index, axis, options)", arguments, indexInDimOptions, 2);
  }
  if (isNamed(axis)) return indexInDim(x, index, axis.axis, axis);
  const op = "indexInDim";
  const a = expectArray(op, x);
  const along = expectAxis(op, axis, a.ndim);
  const at = staticIndex(op, index, a.shape[along]!, along, a);
  const part = cut(a, along, at, at + 1, 1);
  return options.keepDims === false ? reshapeOf(part, a.shape.toSpliced(along, 1)) : part;
}

/** The starts of a block that begins at a computed position of one axis. */
function startsOf(op: string, x: NDArray, start: Operand, axis: number): [NDArray[], number] {
  const along = expectAxis(op, axis, x.ndim);
  const at = asIndex(op, start, "the position");
  if (at.ndim > 0) {
    throw new ShapeError(
      `${op}: the position has shape ${formatShape(at.shape)}, not that of a scalar`,
    );
  }
  return [x.shape.map((_, i) => i === along ? at : asIndex(op, 0)), along];
}

/** `size` elements of `axis` from a computed position on, as `jax.lax.dynamic_slice_in_dim`. */
export function dynamicSliceInDim(
  x: NDArray,
  start: Operand,
  size: number,
  axis: number | Named<unknown, { axis: number }> = 0,
): NDArray {
  if (arguments.length > 4 || isNamed(axis)) {
    checkCall("dynamicSliceInDim(x, start, size, axis)", arguments, {}, 3);
  }
  if (isNamed(axis)) return dynamicSliceInDim(x, start, size, axis.axis);
  const a = expectArray("dynamicSliceInDim", x);
  const [starts, along] = startsOf("dynamicSliceInDim", a, start, axis);
  expectInteger("dynamicSliceInDim", size, "the size", 0, a.shape[along]!);
  return dynamicSlice(a, starts, a.shape.with(along, size));
}

/** What is at a computed position of `axis`, as `jax.lax.dynamic_index_in_dim`. */
export function dynamicIndexInDim(
  x: NDArray,
  index: Operand,
  axis: number | Named<IndexInDimOptions, { axis: number }> = 0,
  options: IndexInDimOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions(
      "dynamicIndexInDim(x, index, axis, options)",
      arguments,
      indexInDimOptions,
      2,
    );
  }
  if (isNamed(axis)) return dynamicIndexInDim(x, index, axis.axis, axis);
  const a = expectArray("dynamicIndexInDim", x);
  const [starts, along] = startsOf("dynamicIndexInDim", a, index, axis);
  if (a.shape[along] === 0) {
    throw new ShapeError(
      `dynamicIndexInDim: x has shape ${
        formatShape(a.shape)
      } and so no elements along axis ${along}`,
    );
  }
  const part = dynamicSlice(a, starts, a.shape.with(along, 1));
  return options.keepDims === false ? reshapeOf(part, a.shape.toSpliced(along, 1)) : part;
}

/**
 * `x` with what begins at a computed position of `axis` replaced, as
 * `jax.lax.dynamic_update_slice_in_dim`.
 */
export function dynamicUpdateSliceInDim(
  x: NDArray,
  update: Operand,
  start: Operand,
  axis = 0,
): NDArray {
  if (arguments.length > 4) {
    checkCall("dynamicUpdateSliceInDim(x, update, start, axis)", arguments);
  }
  const op = "dynamicUpdateSliceInDim";
  const a = expectArray(op, x);
  const given = asDType(op, update, a.dtype, "the update");
  return withBlock(op, a, given, startsOf(op, a, start, axis)[0]);
}

/**
 * `x` with what is at a computed position of `axis` replaced, as
 * `jax.lax.dynamic_update_index_in_dim`; the update may lack that axis.
 */
export function dynamicUpdateIndexInDim(
  x: NDArray,
  update: Operand,
  index: Operand,
  axis = 0,
): NDArray {
  if (arguments.length > 4) {
    checkCall("dynamicUpdateIndexInDim(x, update, index, axis)", arguments);
  }
  const op = "dynamicUpdateIndexInDim";
  const a = expectArray(op, x);
  const [starts, along] = startsOf(op, a, index, axis);
  const given = asDType(op, update, a.dtype, "the update");
  const one = given.ndim === a.ndim - 1 ? given.shape.toSpliced(along, 0, 1) : given.shape;
  return withBlock(op, a, reshapeOf(given, one), starts);
}

function withBlock(op: string, x: NDArray, update: NDArray, starts: readonly NDArray[]): NDArray {
  if (update.ndim === x.ndim && update.shape.every((n, k) => n <= x.shape[k]!)) {
    return dynamicUpdateSlice(x, update, starts);
  }
  throw new ShapeError(
    `${op}: the update has shape ${formatShape(update.shape)}, which does not fit into x of shape ${
      formatShape(x.shape)
    }. It must have as many axes, none of them longer`,
  );
}
