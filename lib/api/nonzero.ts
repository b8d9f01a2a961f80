/**
 * Positions of what holds, and elements chosen by a mask. The shape of results depends on values, and so has
 * to be given in compiled code.
 *
 * @module
 */
import type { AxesOr, AxisOr, Named, ReduceOptions } from "../core/method_options.ts";
import {
  type Axes,
  checkCall,
  checkRoom,
  ConcreteArray,
  defaultFloat,
  describeValue,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import {
  broadcastTo,
  concatenate,
  convert,
  div,
  full,
  int32Constant,
  lt,
  moveAxis,
  reduceSum,
  rem,
  reshape,
  scalarLike,
  select,
  slice,
} from "../primitives/mod.ts";
import type { SizedOptions } from "./arguments.ts";
import { ones } from "./creation.ts";
import {
  asBool,
  asDType,
  asOperand,
  expectArray,
  expectAxes,
  expectAxis,
  expectRoom,
  isNamed,
} from "./operands.ts";
import { reduceOptions, sizedOptions } from "./options.ts";
import { any } from "./reductions.ts";
import { lengthOf, positions, rowsAt } from "./sized.ts";
import { reduce } from "./reducing.ts";

/**
 * Positions (int32) of the elements that are not 0, one vector for each axis, as `jax.numpy.nonzero`.
 *
 * @throws {ShapeError} where `x` is a scalar, or its values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.nonzero(np.array([0, 3, 0, 4]))[0]!.toArray()); // [ 1, 3 ]
 * ```
 */
export function nonzero(x: Operand, options: SizedOptions = {}): NDArray[] {
  if (arguments.length > 1) options = readOptions("nonzero(x, options)", arguments, sizedOptions);
  return nonzeroOf("nonzero", x, options);
}

function nonzeroOf(op: string, x: Operand, options: SizedOptions): NDArray[] {
  const held = asBool(op, x);
  if (held.ndim === 0) {
    throw new ShapeError(`${op}: x is a scalar and has no positions. Use np.atleast1d first`);
  }
  const flat = reshape(held, [held.size]);
  const k = lengthOf(op, flat, options.size);
  const at = positions(flat, k);
  const inside = lt(at, full([], held.size, "int32"));
  const fill = asDType(op, options.fillValue ?? 0, "int32", "fillValue");
  let stride = held.size;
  return held.shape.map((n) => {
    stride = n === 0 ? 1 : stride / n;
    const index = rem(div(at, full([], stride, "int32")), full([], Math.max(1, n), "int32"));
    return select(inside, index, broadcastTo(fill, [k]));
  });
}

/**
 * Positions (int32) of the elements of the flat array that are not 0, as `jax.numpy.flatnonzero`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function flatnonzero(x: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("flatnonzero(x, options)", arguments, sizedOptions);
  }
  const a = asOperand("flatnonzero", x);
  return nonzeroOf("flatnonzero", reshape(a, [a.size]), options)[0]!;
}

/**
 * Positions (int32) of the elements that are not 0 as rows [count, axes], as `jax.numpy.argwhere`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.argwhere(np.array([[0, 1], [1, 0]])).toArray()); // [ [ 0, 1 ], [ 1, 0 ] ]
 * ```
 */
export function argwhere(x: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("argwhere(x, options)", arguments, sizedOptions);
  const columns = nonzeroOf("argwhere", x, options);
  return concatenate(columns.map((c) => reshape(c, [c.size, 1])), 1);
}

/**
 * Elements of the flat `x` at which the flat `condition` holds, as `jax.numpy.extract`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([1, 5, 3]);
 * console.log(np.extract(x.greater(2), x).toArray()); // [ 5, 3 ]
 * ```
 */
export function extract(condition: Operand, x: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("extract(condition, x, options)", arguments, sizedOptions);
  }
  return compressed("extract", condition, x, null, options);
}

/**
 * Elements of `x` along `axis` at which the vector `condition` holds, as `jax.numpy.compress`; of the flat
 * array where the axis is left out. Elements behind the end of the condition do not count.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(np.compress(np.array([false, true]), x, 0).toArray()); // [ [ 3, 4 ] ]
 * ```
 */
export function compress(
  condition: Operand,
  x: Operand,
  axis: AxisOr<SizedOptions> = null,
  options: SizedOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("compress(condition, x, axis, options)", arguments, sizedOptions, 2);
  }
  if (isNamed(axis)) return compress(condition, x, axis.axis, axis);
  return compressed("compress", condition, x, axis, options);
}

function compressed(
  op: string,
  condition: Operand,
  x: Operand,
  axis: number | null,
  options: SizedOptions,
): NDArray {
  const given = asOperand(op, x);
  const a = axis === null ? reshape(given, [given.size]) : given;
  const along = axis === null ? 0 : expectAxis(op, axis, a.ndim);
  const all = asBool(op, condition, "the condition");
  const whole = reshape(all, [all.size]);
  const n = a.shape[along]!;
  const mask = whole.size > n ? slice(whole, [0], [n]) : whole;
  // What is behind the end may only say that nothing is taken from there.
  const behind = whole.size > n ? any(slice(whole, [n], [whole.size])) : null;
  if (behind !== null && !(behind instanceof ConcreteArray && !behind.item())) {
    throw new ShapeError(
      `${op}: the condition has ${whole.size} elements, but x has shape ${
        formatShape(given.shape)
      } and so ${a.shape[along]}`,
    );
  }
  const k = lengthOf(op, mask, options.size);
  const found = positions(mask, k);
  // What is behind the end of the condition is behind that of the array.
  const none = scalarLike(a.shape[along]!, found);
  const at = select(lt(found, scalarLike(mask.size, found)), found, broadcastTo(none, [k]));
  const fill = asDType(op, options.fillValue ?? 0, a.dtype, "fillValue");
  return moveAxis(rowsAt(moveAxis(a, along, 0), at, fill), 0, along);
}

/**
 * Rows and columns (int32) of the elements of a matrix [n, n] that a function such as `triu` keeps, as
 * `jax.numpy.mask_indices`.
 *
 * @param f Of a matrix of ones and `k`.
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [rows, columns] = np.maskIndices(2, np.triu);
 * console.log(rows!.toArray(), columns!.toArray()); // [ 0, 0, 1 ] [ 0, 1, 1 ]
 * ```
 */
export function maskIndices(
  n: number,
  f: (ones: NDArray, k: number) => NDArray,
  k: number | Named<SizedOptions, { k: number }> = 0,
  options: SizedOptions = {},
): NDArray[] {
  if (arguments.length > 3) {
    options = readOptions("maskIndices(n, f, k, options)", arguments, sizedOptions, 2);
  }
  if (isNamed(k)) return maskIndices(n, f, k.k, k);
  const op = "maskIndices";
  expectInteger(op, n, "n", 0);
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f must be a function such as np.triu, not ${describeValue(f)}`);
  }
  expectRoom(op, [n, n], defaultFloat);
  return nonzeroOf(op, f(ones([n, n]), k), options);
}

// ---------------------------------------------------------------- triangles

function triangle(
  op: string,
  n: number,
  offset: number,
  m: number,
  inside: (row: number, column: number) => boolean,
): [NDArray, NDArray] {
  expectInteger(op, n, "n", 0);
  expectInteger(op, offset, "k");
  expectInteger(op, m, "m", 0);
  checkRoom(op, { shape: [n, m], dtype: "int32" });
  const rows: number[] = [];
  const columns: number[] = [];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      if (inside(i, j)) rows.push(i), columns.push(j);
    }
  }
  return [int32Constant(rows), int32Constant(columns)];
}

/**
 * Rows and columns (int32) of the elements of a matrix `[n, m]` on and below a diagonal, as
 * `jax.numpy.tril_indices`.
 *
 * @throws {RangeError} where a length is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [rows, columns] = np.trilIndices(2);
 * console.log(rows.toArray(), columns.toArray()); // [ 0, 1, 1 ] [ 0, 0, 1 ]
 * ```
 */
export function trilIndices(
  n: number,
  k: number | Named<unknown, { k: number; m: number }> = 0,
  m?: number | Named<unknown, { m: number }>,
): [NDArray, NDArray] {
  if (arguments.length > 3 || isNamed(k) || isNamed(m)) {
    checkCall("trilIndices(n, k, m)", arguments, {}, 1);
  }
  if (isNamed(k)) return trilIndices(n, k.k, k.m);
  if (isNamed(m)) return trilIndices(n, k, m.m);
  return triangle("trilIndices", n, k, m ?? n, (i, j) => j <= i + k);
}

/**
 * Rows and columns (int32) of the elements of a matrix `[n, m]` on and above a diagonal, as
 * `jax.numpy.triu_indices`.
 *
 * @throws {RangeError} where a length is negative.
 */
export function triuIndices(
  n: number,
  k: number | Named<unknown, { k: number; m: number }> = 0,
  m?: number | Named<unknown, { m: number }>,
): [NDArray, NDArray] {
  if (arguments.length > 3 || isNamed(k) || isNamed(m)) {
    checkCall("triuIndices(n, k, m)", arguments, {}, 1);
  }
  if (isNamed(k)) return triuIndices(n, k.k, k.m);
  if (isNamed(m)) return triuIndices(n, k, m.m);
  return triangle("triuIndices", n, k, m ?? n, (i, j) => j >= i + k);
}

function matrixShape(op: string, x: NDArray): [number, number] {
  const { shape } = expectArray(op, x);
  if (shape.length !== 2) {
    throw new ShapeError(`${op}: x has shape ${formatShape(shape)}, but must be a matrix`);
  }
  return shape as [number, number];
}

/**
 * As {@linkcode trilIndices} for the shape of a matrix, as `jax.numpy.tril_indices_from`.
 *
 * @throws {ShapeError} where `x` is not a matrix.
 */
export function trilIndicesFrom(
  x: NDArray,
  k: number | Named<unknown, { k: number }> = 0,
): [NDArray, NDArray] {
  if (arguments.length > 2 || isNamed(k)) checkCall("trilIndicesFrom(x, k)", arguments, {}, 1);
  const [n, m] = matrixShape("trilIndicesFrom", x);
  return trilIndices(n, isNamed(k) ? k.k : k, m);
}

/**
 * As {@linkcode triuIndices} for the shape of a matrix, as `jax.numpy.triu_indices_from`.
 *
 * @throws {ShapeError} where `x` is not a matrix.
 */
export function triuIndicesFrom(
  x: NDArray,
  k: number | Named<unknown, { k: number }> = 0,
): [NDArray, NDArray] {
  if (arguments.length > 2 || isNamed(k)) checkCall("triuIndicesFrom(x, k)", arguments, {}, 1);
  const [n, m] = matrixShape("triuIndicesFrom", x);
  return triuIndices(n, isNamed(k) ? k.k : k, m);
}

/**
 * `x` without the zeros at its ends, as `jax.numpy.trim_zeros`: in front, `"f"`, behind, `"b"`, or both,
 * `"fb"`; along some axes, along all where none is given.
 *
 * @throws {ShapeError} where values are not known.
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.trimZeros(np.array([0, 1, 0, 2, 0])).toArray()); // [ 1, 0, 2 ]
 * ```
 */
export function trimZeros(
  x: NDArray,
  trim: string | Named<unknown, { trim: string; axis: Axes }> = "fb",
  axis?: AxesOr<unknown>,
): NDArray {
  if (arguments.length > 3 || isNamed(trim) || isNamed(axis)) {
    checkCall("trimZeros(x, trim, axis)", arguments, {}, 1);
  }
  if (isNamed(trim)) return trimZeros(x, trim.trim, trim.axis);
  if (isNamed(axis)) return trimZeros(x, trim, axis.axis);
  const op = "trimZeros";
  const a = expectArray(op, x);
  if (typeof trim !== "string" || !/^[fb]*$/i.test(trim)) {
    throw new TypeError(`${op}: trim must be "f", "b" or "fb", not ${describeValue(trim)}`);
  }
  const held = asBool(op, a);
  const axes = expectAxes(op, axis, a.ndim);
  const [front, back] = ["f", "b"].map((end) => trim.toLowerCase().includes(end));
  const ends = a.shape.map((n, k): [number, number] => {
    if (!axes.includes(k) || (!front && !back)) return [0, n];
    const others = a.shape.map((_, i) => i).filter((i) => i !== k);
    const lines = others.length === 0 ? held : any(held, others);
    if (!(lines instanceof ConcreteArray)) {
      throw new ShapeError(
        `${op}: the shape of the result depends on values, which are not known while a function is traced`,
      );
    }
    const flags = lines.toArray() as number[];
    const first = flags.findIndex(Boolean);
    if (first < 0) return [0, 0];
    return [front ? first : 0, back ? flags.findLastIndex(Boolean) + 1 : n];
  });
  return slice(a, ends.map(([start]) => start), ends.map(([, stop]) => stop));
}

/**
 * Number of elements over `axis` that are not 0, as int32, as `jax.numpy.count_nonzero`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.countNonzero(np.array([0, 1, 2])).item()); // 2
 * ```
 */
export function countNonzero(
  x: Operand,
  axis?: AxesOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("countNonzero(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return countNonzero(x, axis.axis, axis);
  return reduce(
    "countNonzero",
    reduceSum,
    convert(asBool("countNonzero", x), "int32"),
    axis,
    options,
  );
}
