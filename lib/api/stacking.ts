/**
 * Arrays put together and taken apart along fixed axes, and elements put in and left out at known
 * positions.
 *
 * @module
 */
import {
  checkCall,
  ConcreteArray,
  describeValue,
  expectInteger,
  formatShape,
  NDArray,
  type Operand,
  readOptions,
  ShapeError,
  Slice,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import { broadcastTo, moveAxis, reshape } from "../primitives/mod.ts";
import type { DTypeOptions } from "./arguments.ts";
import { cutOf } from "./index_plan.ts";
import { splitAlong, staticIndex, takeConstant } from "./indices.ts";
import { concatenate, split } from "./joining.ts";
import {
  asOperand,
  broadcastFor,
  expectArray,
  expectAxis,
  expectRank,
  expectRoom,
  expectShape,
  isNamed,
  promoteAll,
} from "./operands.ts";
import { dtypeOptions } from "./options.ts";

// ---------------------------------------------------------------- ranks

/** `x` with axes of length 1 put in: `before` in front and `behind` at the end. */
function widened(x: NDArray, before: number, behind: number): NDArray {
  return reshape(x, [
    ...Array<number>(before).fill(1),
    ...x.shape,
    ...Array<number>(behind).fill(1),
  ]);
}

/**
 * `x` with one axis or more, as `jax.numpy.atleast_1d` of one array: a scalar becomes [1].
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.atleast1d(3).shape); // [ 1 ]
 * ```
 */
export function atleast1d(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("atleast1d(x)", arguments);
  const a = asOperand("atleast1d", x);
  return a.ndim > 0 ? a : widened(a, 1, 0);
}

/** `x` with two axes or more, as `jax.numpy.atleast_2d` of one array: a vector [n] becomes [1, n]. */
export function atleast2d(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("atleast2d(x)", arguments);
  const a = asOperand("atleast2d", x);
  return a.ndim >= 2 ? a : widened(a, 2 - a.ndim, 0);
}

/**
 * `x` with three axes or more, as `jax.numpy.atleast_3d` of one array: a vector [n] becomes [1, n, 1] and
 * a matrix [m, n] becomes [m, n, 1].
 */
export function atleast3d(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("atleast3d(x)", arguments);
  const a = asOperand("atleast3d", x);
  return a.ndim >= 3 ? a : widened(a, a.ndim === 2 ? 0 : 1, a.ndim === 0 ? 2 : 1);
}

// ---------------------------------------------------------------- together

/**
 * Arrays side by side, as `jax.numpy.hstack`: vectors behind one another, others along axis 1.
 *
 * @throws {ShapeError} where the list is empty, or the arrays differ on another axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.hstack([np.ones([2, 1]), np.zeros([2, 2])]).shape); // [ 2, 3 ]
 * ```
 */
export function hstack(arrays: readonly Operand[] | NDArray, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("hstack(arrays, options)", arguments, dtypeOptions);
  }
  const list = promoteAll("hstack", arrays, options).map((x) => atleast1d(x));
  return concatenate(list, list[0]!.ndim === 1 ? 0 : 1);
}

/**
 * Arrays on top of one another, as `jax.numpy.vstack`: vectors become rows.
 *
 * @throws {ShapeError} where the list is empty, or the arrays differ on another axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.vstack([np.array([1, 2]), np.array([3, 4])]).shape); // [ 2, 2 ]
 * ```
 */
export function vstack(arrays: readonly Operand[] | NDArray, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("vstack(arrays, options)", arguments, dtypeOptions);
  }
  return concatenate(promoteAll("vstack", arrays, options).map((x) => atleast2d(x)), 0);
}

/**
 * Arrays along a third axis, as `jax.numpy.dstack`.
 *
 * @throws {ShapeError} where the list is empty, or the arrays differ on another axis.
 */
export function dstack(arrays: readonly Operand[] | NDArray, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("dstack(arrays, options)", arguments, dtypeOptions);
  }
  return concatenate(promoteAll("dstack", arrays, options).map((x) => atleast3d(x)), 2);
}

/**
 * Vectors as the columns of a matrix, matrices side by side, as `jax.numpy.column_stack`.
 *
 * @throws {ShapeError} where the list is empty, or the arrays differ in length.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.columnStack([np.array([1, 2]), np.array([3, 4])]).toArray()); // [ [ 1, 3 ], [ 2, 4 ] ]
 * ```
 */
export function columnStack(arrays: readonly Operand[] | NDArray): NDArray {
  if (arguments.length > 1) checkCall("columnStack(arrays)", arguments);
  return concatenate(
    promoteAll("columnStack", arrays).map((x) => {
      const a = atleast1d(x);
      return a.ndim >= 2 ? a : widened(a, 0, 1);
    }),
    1,
  );
}

/** Arrays in lists in lists, as {@linkcode block} takes them. */
export type Blocks = Operand | readonly Blocks[];

/**
 * An array of blocks, as `jax.numpy.block`: the innermost lists are joined along the last axis, those
 * around them along the one before, and so on.
 *
 * @throws {ShapeError} where the blocks do not fit, or lists are not nested equally deep.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [a, b] = [np.eye(2), np.zeros([2, 1])];
 * console.log(np.block([[a, b], [np.ones([1, 2]), 7]]).shape); // [ 3, 3 ]
 * ```
 */
export function block(blocks: Blocks): NDArray {
  if (arguments.length > 1) checkCall("block(blocks)", arguments);
  const levels = depthOf(blocks);
  const parts = promoteAll("block", leaves(blocks));
  const rank = Math.max(levels, ...parts.map((x) => x.ndim));
  let next = 0;
  const join = (b: Blocks, level: number): NDArray => {
    if (!Array.isArray(b)) {
      const a = parts[next++]!;
      return widened(a, rank - a.ndim, 0);
    }
    return concatenate(b.map((part: Blocks) => join(part, level + 1)), rank - levels + level);
  };
  return join(blocks, 0);
}

function leaves(blocks: Blocks): readonly Operand[] {
  return Array.isArray(blocks) ? blocks.flatMap((b: Blocks) => leaves(b)) : [blocks as Operand];
}

/** How deep lists are nested: equally everywhere. */
function depthOf(blocks: Blocks): number {
  if (!Array.isArray(blocks)) return 0;
  if (blocks.length === 0) throw new ShapeError("block: a list of blocks is empty");
  const depths = blocks.map((b: Blocks) => depthOf(b));
  const other = depths.findIndex((d) => d !== depths[0]);
  if (other >= 0) {
    throw new ShapeError(
      `block: lists are nested equally deep, but entry 0 of a list has depth ${
        depths[0]
      } and entry ${other} has depth ${depths[other]}`,
    );
  }
  return depths[0]! + 1;
}

/**
 * `x` with `values` at its end along `axis`, as `jax.numpy.append`; where the axis is left out, of both
 * flat.
 *
 * @throws {ShapeError} where they differ on another axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.append(np.array([1, 2]), 3).toArray()); // [ 1, 2, 3 ]
 * ```
 */
export function append(
  x: Operand,
  values: Operand,
  axis: number | null | Named<unknown, { axis: number | null }> = null,
): NDArray {
  if (arguments.length > 3 || isNamed(axis)) checkCall("append(x, values, axis)", arguments, {}, 2);
  if (isNamed(axis)) return append(x, values, axis.axis);
  const parts = promoteAll("append", [x, values]);
  return axis === null
    ? concatenate(parts.map((a) => reshape(a, [a.size])))
    : concatenate(parts, axis);
}

// ---------------------------------------------------------------- apart

/** Parts that an array can have: each is an array of its own. */
const MOST_PARTS = 1e6;

/**
 * The parts of `x` along `axis`, as `jax.numpy.array_split`: as `split`, but where the axis does not
 * divide, the first parts are one longer.
 *
 * @throws {RangeError} where the number of parts is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.arraySplit(np.arange(5), 2).map((part) => part.size)); // [ 3, 2 ]
 * ```
 */
export function arraySplit(
  x: NDArray,
  sections: number | readonly number[],
  axis: number | Named<unknown, { axis: number }> = 0,
): NDArray[] {
  if (arguments.length > 3 || isNamed(axis)) {
    checkCall("arraySplit(x, sections, axis)", arguments, {}, 2);
  }
  if (isNamed(axis)) return arraySplit(x, sections, axis.axis);
  const a = expectArray("arraySplit", x);
  const along = expectAxis("arraySplit", axis, a.ndim);
  if (typeof sections !== "number") return splitAlong("arraySplit", a, sections, along);
  expectInteger("arraySplit", sections, "the number of parts", 1, MOST_PARTS);
  const n = a.shape[along]!;
  const [least, longer] = [Math.floor(n / sections), n % sections];
  const ends = Array.from(
    { length: sections - 1 },
    (_, i) => (i + 1) * least + Math.min(i + 1, longer),
  );
  return splitAlong("arraySplit", a, ends, along);
}

function splitAxis(
  op: string,
  x: NDArray,
  sections: number | readonly number[],
  axis: number,
): NDArray[] {
  const a = expectArray(op, x);
  expectRank(op, "x", a, axis + 1);
  return splitAlong(op, a, sections, axis);
}

/**
 * The parts of `x` along axis 1, of a vector along axis 0, as `jax.numpy.hsplit`.
 *
 * @throws {ShapeError} where the axis cannot be divided equally.
 */
export function hsplit(x: NDArray, sections: number | readonly number[]): NDArray[] {
  if (arguments.length > 2) checkCall("hsplit(x, sections)", arguments);
  return splitAxis("hsplit", x, sections, expectArray("hsplit", x).ndim === 1 ? 0 : 1);
}

/**
 * The parts of `x` along axis 0, as `jax.numpy.vsplit`.
 *
 * @throws {ShapeError} where `x` has one axis, or it cannot be divided equally.
 */
export function vsplit(x: NDArray, sections: number | readonly number[]): NDArray[] {
  if (arguments.length > 2) checkCall("vsplit(x, sections)", arguments);
  const a = expectArray("vsplit", x);
  expectRank("vsplit", "x", a, 2);
  return splitAlong("vsplit", a, sections, 0);
}

/**
 * The parts of `x` along axis 2, as `jax.numpy.dsplit`.
 *
 * @throws {ShapeError} where `x` has fewer than three axes, or the axis cannot be divided equally.
 */
export function dsplit(x: NDArray, sections: number | readonly number[]): NDArray[] {
  if (arguments.length > 2) checkCall("dsplit(x, sections)", arguments);
  return splitAxis("dsplit", x, sections, 2);
}

/**
 * The elements of `x` along `axis`, which they no longer have, as `jax.numpy.unstack`: what `stack` put
 * together.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [a, b] = np.unstack(np.array([[1, 2], [3, 4]]));
 * console.log(a!.toArray(), b!.toArray()); // [ 1, 2 ] [ 3, 4 ]
 * ```
 */
export function unstack(
  x: NDArray,
  axis: number | Named<unknown, { axis: number }> = 0,
): NDArray[] {
  if (arguments.length > 2 || isNamed(axis)) checkCall("unstack(x, axis)", arguments, {}, 1);
  if (isNamed(axis)) return unstack(x, axis.axis);
  const a = expectArray("unstack", x);
  const along = expectAxis("unstack", axis, a.ndim);
  const n = a.shape[along]!;
  const shape = a.shape.toSpliced(along, 1);
  return n === 0 ? [] : split(a, n, along).map((part) => reshape(part, shape));
}

// ---------------------------------------------------------------- put in and left out

/** The array and axis that positions are along: the flat array where no axis is given. */
function alongAxis(op: string, x: Operand, axis: number | null): [NDArray, number] {
  const a = asOperand(op, x);
  return axis === null ? [reshape(a, [a.size]), 0] : [a, expectAxis(op, axis, a.ndim)];
}

/** Positions along an axis: numbers, a slice, or a mask of the length of the axis. */
export type Positions = number | readonly number[] | readonly boolean[] | NDArray | Slice;

/** Positions counted from the start; where elements are put in, the end is one too. */
function positions(
  op: string,
  given: Positions,
  n: number,
  axis: number,
  x: NDArray,
  end = false,
): number[] {
  if (given instanceof Slice) {
    const { start, step, count } = cutOf(given, n);
    return Array.from({ length: count }, (_, i) => start + i * step);
  }
  if (
    given instanceof NDArray
      ? !(given instanceof ConcreteArray)
      : typeof given !== "number" && !Array.isArray(given)
  ) {
    throw new TypeError(
      `${op}: positions are a number, a list of numbers or an array of them that is not traced, since the ` +
        `shape of the result depends on them, not ${
          given instanceof NDArray ? "a traced array" : describeValue(given)
        }`,
    );
  }
  const list = ([given instanceof NDArray ? given.toArray() : given] as unknown[]).flat(Infinity);
  if (typeof list[0] !== "boolean") {
    return (list as number[]).map((i) => end && i === n ? n : staticIndex(op, i, n, axis, x));
  }
  if (list.length === n) return list.flatMap((held, i) => held ? [i] : []);
  const what = `axis ${axis} of x, of shape ${formatShape(x.shape)}, has length ${n}`;
  throw new ShapeError(`${op}: the mask has ${list.length} elements, but ${what}`);
}

/**
 * `x` with `values` in front of the elements at some positions along `axis`, as `jax.numpy.insert`; where
 * the axis is left out, of the flat array. Values broadcast to the places, in the dtype of `x`.
 *
 * @throws {AxisError} where a position is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.insert(np.array([1, 2, 3]), [0, 2], 9).toArray()); // [ 9, 1, 2, 9, 3 ]
 * ```
 */
export function insert(
  x: Operand,
  at: Positions,
  values: Operand,
  axis: number | null | Named<unknown, { axis: number | null }> = null,
): NDArray {
  if (arguments.length > 4 || isNamed(axis)) {
    checkCall("insert(x, at, values, axis)", arguments, {}, 3);
  }
  if (isNamed(axis)) return insert(x, at, values, axis.axis);
  const [a, along] = alongAxis("insert", x, axis);
  const n = a.shape[along]!;
  const places = positions("insert", at, n, along, a, true);
  const given = asOperand("insert", values, "values").astype(a.dtype);
  let added = given.ndim < a.ndim ? widened(given, a.ndim - given.ndim, 0) : given;
  // Behind a position that is a number, the first axis of the values is the one to insert along.
  if (typeof at === "number" || (at instanceof NDArray && at.ndim === 0)) {
    added = moveAxis(added, 0, along);
  }
  const count = places.length === 1 ? added.shape[along]! : places.length;
  const fill = broadcastFor("insert", "values", added, a.shape.with(along, count));
  const goals = places.length === 1 ? new Array<number>(count).fill(places[0]!) : places;
  // One behind the other, from which each place takes its element: of one position, the first is first.
  const order = goals.map((p, i) => ({ p, from: n + i })).sort((u, v) => u.p - v.p);
  const sources: number[] = [];
  for (let i = 0, k = 0; i <= n; i++) {
    for (; k < order.length && order[k]!.p === i; k++) sources.push(order[k]!.from);
    if (i < n) sources.push(i);
  }
  return takeConstant(concatenate([a, fill], along), sources, along);
}

/**
 * `x` without the elements at some positions along `axis`, as `jax.numpy.delete`, exported as `np.delete`;
 * where the axis is left out, of the flat array.
 *
 * @throws {AxisError} where a position is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.delete(np.array([1, 2, 3]), [0, -1]).toArray()); // [ 2 ]
 * ```
 */
function without(
  x: Operand,
  at: Positions,
  axis: number | null | Named<unknown, { axis: number | null }> = null,
): NDArray {
  if (arguments.length > 3 || isNamed(axis)) checkCall("delete(x, at, axis)", arguments, {}, 2);
  if (isNamed(axis)) return without(x, at, axis.axis);
  const [a, along] = alongAxis("delete", x, axis);
  const n = a.shape[along]!;
  const left = new Set(positions("delete", at, n, along, a));
  return takeConstant(a, Array.from({ length: n }, (_, i) => i).filter((i) => !left.has(i)), along);
}

// No declaration may be called by that name.
export { without as delete };

/**
 * `x` in another shape, as `jax.numpy.resize`: its elements in order, from the start again where there
 * are too few.
 *
 * @throws {ShapeError} where elements are asked for and there are none.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.resize(np.array([1, 2, 3]), [2, 2]).toArray()); // [ [ 1, 2 ], [ 3, 1 ] ]
 * ```
 */
export function resize(x: Operand, shape: number | readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("resize(x, shape)", arguments);
  const a = asOperand("resize", x);
  const to = expectShape("resize", shape);
  expectRoom("resize", to, a.dtype);
  const size = to.reduce((p, n) => p * n, 1);
  if (size > 0 && a.size === 0) {
    throw new ShapeError(
      `resize: x has shape ${formatShape(a.shape)} and so no elements to fill ${
        formatShape(to)
      } with`,
    );
  }
  const flat = reshape(a, [a.size]);
  const times = a.size === 0 ? 1 : Math.ceil(size / a.size);
  const all = times <= 1 ? flat : reshape(broadcastTo(flat, [times, a.size]), [times * a.size]);
  return reshape(split(all, [size], 0)[0]!, to);
}
