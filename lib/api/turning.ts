/**
 * Arrays turned round, diagonals put into matrices, and grids of indices.
 *
 * @module
 */
import {
  broadcastShapes as broadcastOf,
  checkCall,
  describeValue,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  sizeOf,
  tableOf,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import {
  add,
  and,
  broadcastTo,
  convert,
  div,
  eq,
  full,
  int32Constant,
  iota,
  lt,
  moveAxis,
  mul,
  rem,
  reshape,
  rev,
  scalarLike,
  select,
  sub,
  transpose,
} from "../primitives/mod.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { maximum, minimum, mod } from "./arithmetic.ts";
import { diag } from "./creation.ts";
import {
  asDType,
  asIndex,
  asOperand,
  dtypeOption,
  expectArray,
  expectAxis,
  expectRank,
  expectRoom,
  expectShape,
  isNamed,
} from "./operands.ts";
import { dtypeOptions } from "./options.ts";
import { resize } from "./stacking.ts";

// ---------------------------------------------------------------- turned round

function withAxes(op: string, x: NDArray, least: number): NDArray {
  const a = expectArray(op, x);
  expectRank(op, "x", a, least);
  return a;
}

/**
 * `x` with its columns in reverse order, as `jax.numpy.fliplr`.
 *
 * @throws {ShapeError} where `x` has fewer than two axes.
 */
export function fliplr(x: NDArray): NDArray {
  if (arguments.length > 1) checkCall("fliplr(x)", arguments);
  return rev(withAxes("fliplr", x, 2), [1]);
}

/**
 * `x` with its rows in reverse order, as `jax.numpy.flipud`.
 *
 * @throws {ShapeError} where `x` is a scalar.
 */
export function flipud(x: NDArray): NDArray {
  if (arguments.length > 1) checkCall("flipud(x)", arguments);
  return rev(withAxes("flipud", x, 1), [0]);
}

/**
 * `x` turned by `k` right angles in the plane of two axes, from the first to the second, as
 * `jax.numpy.rot90`.
 *
 * @throws {ShapeError} where `x` has fewer than two axes, or both axes are one.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.rot90(np.array([[1, 2], [3, 4]])).toArray()); // [ [ 2, 4 ], [ 1, 3 ] ]
 * ```
 */
export function rot90(
  x: NDArray,
  k: number | Named<unknown, { k: number; axes: readonly [number, number] }> = 1,
  axes: readonly [number, number] | Named<unknown, { axes: readonly [number, number] }> = [0, 1],
): NDArray {
  if (arguments.length > 3 || isNamed(k) || isNamed(axes)) {
    checkCall("rot90(x, k, axes)", arguments, {}, 1);
  }
  if (isNamed(k)) return rot90(x, k.k, k.axes);
  if (isNamed(axes)) return rot90(x, k, axes.axes);
  const a = withAxes("rot90", x, 2);
  expectInteger("rot90", k, "k");
  if (!Array.isArray(axes) || axes.length !== 2) {
    throw new TypeError(`rot90: axes are a list of two, as in [0, 1], not ${describeValue(axes)}`);
  }
  const [i, j] = axes.map((axis) => expectAxis("rot90", axis, a.ndim)) as [number, number];
  if (i === j) throw new ShapeError(`rot90: both axes are ${i}, which is no plane`);
  const swapped = a.shape.map((_, axis) => axis === i ? j : axis === j ? i : axis);
  switch (((k % 4) + 4) % 4) {
    case 0:
      return a;
    case 1:
      return transpose(rev(a, [j]), swapped);
    case 2:
      return rev(a, [i, j].sort((p, q) => p - q));
    default:
      return rev(transpose(a, swapped), [j]);
  }
}

/**
 * `x` with one axis in front of another, as `jax.numpy.rollaxis`; `moveaxis` is easier to read.
 *
 * @throws {AxisError} where an axis is out of range.
 */
export function rollaxis(
  x: NDArray,
  axis: number,
  start: number | Named<unknown, { start: number }> = 0,
): NDArray {
  if (arguments.length > 3 || isNamed(start)) {
    checkCall("rollaxis(x, axis, start)", arguments, {}, 2);
  }
  if (isNamed(start)) return rollaxis(x, axis, start.start);
  const a = expectArray("rollaxis", x);
  const from = expectAxis("rollaxis", axis, a.ndim);
  const before = start === a.ndim ? start : expectAxis("rollaxis", start, a.ndim);
  return moveAxis(a, from, before > from ? before - 1 : before);
}

/**
 * Matrices in the last two axes, transposed, as `jax.numpy.matrix_transpose`.
 *
 * @throws {ShapeError} where `x` has fewer than two axes.
 */
export function matrixTranspose(x: NDArray): NDArray {
  if (arguments.length > 1) checkCall("matrixTranspose(x)", arguments);
  const a = withAxes("matrixTranspose", x, 2);
  return moveAxis(a, a.ndim - 2, a.ndim - 1);
}

// ---------------------------------------------------------------- diagonals

/**
 * A matrix with the elements of the flat `x` on a diagonal, as `jax.numpy.diagflat`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.diagflat(np.array([[1], [2]])).toArray()); // [ [ 1, 0 ], [ 0, 2 ] ]
 * ```
 */
export function diagflat(x: Operand, k: number | Named<unknown, { k: number }> = 0): NDArray {
  if (arguments.length > 2 || isNamed(k)) checkCall("diagflat(x, k)", arguments, {}, 1);
  if (isNamed(k)) return diagflat(x, k.k);
  const a = asOperand("diagflat", x);
  return diag(reshape(a, [a.size]), k);
}

/** Options of {@linkcode fillDiagonal}. */
export interface FillDiagonalOptions {
  /** Whether the diagonal of a tall matrix starts again below the end. */
  readonly wrap?: boolean | undefined;
}

const fillDiagonalOptions: OptionTable<FillDiagonalOptions> = { wrap: "boolean" };

/**
 * `x` with `values` on its main diagonal, as `jax.numpy.fill_diagonal` with `inplace=False`: a number, or
 * elements that are repeated.
 *
 * @throws {ShapeError} where `x` has fewer than two axes, or more than two of different lengths.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.fillDiagonal(np.zeros([2, 2]), 5).toArray()); // [ [ 5, 0 ], [ 0, 5 ] ]
 * ```
 */
export function fillDiagonal(
  x: NDArray,
  values: Operand,
  options: FillDiagonalOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("fillDiagonal(x, values, options)", arguments, fillDiagonalOptions);
  }
  const op = "fillDiagonal";
  const a = withAxes(op, x, 2);
  if (a.ndim > 2 && a.shape.some((n) => n !== a.shape[0])) {
    throw new ShapeError(
      `${op}: x has shape ${formatShape(a.shape)}; with more than two axes, all have one length`,
    );
  }
  const v = asDType(op, values, a.dtype, "values");
  if (v.size === 0 && a.size > 0) {
    throw new ShapeError(`${op}: values have shape ${formatShape(v.shape)} and so no elements`);
  }
  const coordinates = a.shape.map((_, i) => iota(a.shape, i, "int32"));
  let row = coordinates[0]!;
  const columns = a.shape[1]!;
  // Below a square there is a row without, and then the diagonal again.
  if (options.wrap && a.ndim === 2) row = rem(row, scalarLike(columns + 1, row));
  let on = eq(row, coordinates[1]!);
  for (const other of coordinates.slice(2)) on = and(on, eq(coordinates[0]!, other));
  if (v.ndim === 0) return select(on, broadcastTo(v, a.shape), a);
  // The number of an element on the diagonal is its row, less those that have none.
  const whole = coordinates[0]!;
  const skipped = div(whole, scalarLike(columns + 1, whole));
  const index = options.wrap && a.ndim === 2 ? sub(whole, skipped) : whole;
  const repeated = resize(v, Math.max(1, a.shape[0]!));
  const shape = [a.shape[0]!, ...a.shape.slice(1).map(() => 1)];
  const along = reshape(index, [a.size]);
  const chosen = a.size === 0
    ? broadcastTo(reshape(repeated, shape), a.shape)
    : reshape(repeated.at(along), a.shape);
  return select(on, chosen, a);
}

/**
 * Indices of the main diagonal of an array with `ndim` axes of length `n`, as `jax.numpy.diag_indices`: a
 * vector (int32) for each axis.
 *
 * @throws {RangeError} where a number is negative.
 */
export function diagIndices(n: number, ndim = 2): NDArray[] {
  if (arguments.length > 2) checkCall("diagIndices(n, ndim)", arguments);
  expectInteger("diagIndices", n, "n", 0);
  expectRoom("diagIndices", [n], "int32");
  expectInteger("diagIndices", ndim, "ndim", 0, 255);
  return Array.from({ length: ndim }, () => iota([n], 0, "int32"));
}

/**
 * Indices of the main diagonal of `x`, as `jax.numpy.diag_indices_from`.
 *
 * @throws {ShapeError} where `x` has fewer than two axes, or of different lengths.
 */
export function diagIndicesFrom(x: NDArray): NDArray[] {
  if (arguments.length > 1) checkCall("diagIndicesFrom(x)", arguments);
  const { shape } = withAxes("diagIndicesFrom", x, 2);
  if (shape.some((n) => n !== shape[0])) {
    throw new ShapeError(
      `diagIndicesFrom: x has shape ${formatShape(shape)}, but all axes must have one length`,
    );
  }
  return diagIndices(shape[0]!, shape.length);
}

// ---------------------------------------------------------------- grids

/** Options of {@linkcode indices}. */
export interface IndicesOptions extends DTypeOptions {
  /** Whether to give a list of arrays that broadcast with each other. */
  readonly sparse?: boolean | undefined;
}

const indicesOptions: OptionTable<IndicesOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  sparse: "boolean",
});

/**
 * Indices of a grid, as `jax.numpy.indices`: [axes, ...shape], int32 where nothing else is said.
 *
 * @throws {ShapeError} where the shape is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.indices([1, 2]).toArray()); // [ [ [ 0, 0 ] ], [ [ 0, 1 ] ] ]
 * ```
 */
export function indices(
  shape: readonly number[],
  options?: IndicesOptions & { readonly sparse?: false | undefined },
): NDArray;
/** One array for each axis, of length 1 on the others. */
export function indices(shape: readonly number[], options: IndicesOptions): NDArray[];
export function indices(
  shape: readonly number[],
  options: IndicesOptions = {},
): NDArray | NDArray[] {
  if (arguments.length > 1) {
    options = readOptions("indices(shape, options)", arguments, indicesOptions);
  }
  const lengths = expectShape("indices", shape);
  const dtype = dtypeOption("indices", options, "int32");
  const rank = lengths.length;
  // Without sparse ones the size is that of the result; a length of 0 has numbers of others all the same.
  expectRoom("indices", options.sparse ? [Math.max(0, ...lengths)] : [rank, ...lengths], dtype);
  if (options.sparse) {
    return lengths.map((n, i) =>
      convert(iota(lengths.map((_, k) => k === i ? n : 1), i, "int32"), dtype)
    );
  }
  const flat = iota([rank, sizeOf(lengths)], 1, "int32");
  if (rank === 0) return convert(reshape(flat, [0]), dtype);
  const strides = lengths.map((_, i) => Math.max(1, sizeOf(lengths.slice(i + 1))));
  const column = (values: readonly number[]): NDArray => reshape(int32Constant(values), [rank, 1]);
  const index = rem(div(flat, column(strides)), column(lengths.map((n) => Math.max(1, n))));
  return convert(reshape(index, [rank, ...lengths]), dtype);
}

/** Options of {@linkcode ravelMultiIndex}. */
export interface RavelMultiIndexOptions {
  /** For indices out of range: `"clip"`, which is the default, or `"wrap"`. */
  readonly mode?: "clip" | "wrap" | undefined;
  /** Whether the last axis runs fastest, `"C"`, which is the default, or the first one, `"F"`. */
  readonly order?: "C" | "F" | undefined;
}

const ravelMultiIndexOptions: OptionTable<RavelMultiIndexOptions> = {
  mode: "string",
  order: "string",
};

/**
 * Positions in the flat array of elements whose indices are given for each axis, as
 * `jax.numpy.ravel_multi_index`.
 *
 * @throws {ShapeError} where there is not one array of indices for each axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const rows = np.array([0, 1], { dtype: "int32" });
 * console.log(np.ravelMultiIndex([rows, 2], [2, 3]).toArray()); // [ 2, 5 ]
 * ```
 */
export function ravelMultiIndex(
  multiIndex: readonly Operand[],
  shape: readonly number[],
  options: RavelMultiIndexOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions(
      "ravelMultiIndex(multiIndex, shape, options)",
      arguments,
      ravelMultiIndexOptions,
    );
  }
  const op = "ravelMultiIndex";
  const lengths = expectShape(op, shape);
  const { mode = "clip", order = "C" } = options;
  if (mode !== "clip" && mode !== "wrap") {
    throw new TypeError(`${op}: mode must be "clip" or "wrap", not ${describeValue(mode)}`);
  }
  if (order !== "C" && order !== "F") {
    throw new TypeError(`${op}: order must be "C" or "F", not ${describeValue(order)}`);
  }
  if (!Array.isArray(multiIndex) || multiIndex.length !== lengths.length) {
    throw new ShapeError(
      `${op}: the shape ${formatShape(lengths)} has ${lengths.length} axes, but there are ${
        Array.isArray(multiIndex) ? `${multiIndex.length} arrays` : describeValue(multiIndex)
      } of indices`,
    );
  }
  let flat = full([], 0, "int32");
  const places = lengths.map((_, i) => i);
  (order === "C" ? places : places.reverse()).forEach((i) => {
    const n = lengths[i]!;
    const at = asIndex(op, multiIndex[i], `the index of axis ${i}`);
    const inside = mode === "wrap" ? mod(at, n) : minimum(maximum(at, 0), n - 1);
    flat = add(mul(flat, scalarLike(n, flat)), inside);
  });
  return flat;
}

/**
 * Indices for each axis (int32) of elements whose positions in the flat array are given, as
 * `jax.numpy.unravel_index`. What is out of range is clipped.
 *
 * @throws {DTypeError} where positions are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.unravelIndex(5, [2, 3]).map((i) => i.item())); // [ 1, 2 ]
 * ```
 */
export function unravelIndex(positions: Operand, shape: ShapeLike): NDArray[] {
  if (arguments.length > 2) checkCall("unravelIndex(positions, shape)", arguments);
  const op = "unravelIndex";
  const lengths = expectShape(op, typeof shape === "number" ? [shape] : shape);
  const total = sizeOf(lengths);
  if (total > MOST) {
    throw new RangeError(
      `${op}: the shape ${formatShape(lengths)} has more places than int32 holds`,
    );
  }
  const given = asIndex(op, positions, "the positions");
  const at = minimum(maximum(wrap(given, total), 0), Math.max(0, total - 1));
  let stride = total;
  return lengths.map((n) => {
    stride = n === 0 ? 1 : stride / n;
    return rem(div(at, scalarLike(stride, at)), scalarLike(Math.max(1, n), at));
  });
}

/** The largest int32. */
const MOST = 0x7fff_ffff;

/** Negative positions counted from the end. */
function wrap(at: NDArray, n: number): NDArray {
  return select(lt(at, scalarLike(0, at)), add(at, scalarLike(n, at)), at);
}

/**
 * The shape to which shapes broadcast, as `jax.numpy.broadcast_shapes`.
 *
 * @throws {ShapeError} where they do not.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.broadcastShapes([3, 1], [2])); // [ 3, 2 ]
 * ```
 */
export function broadcastShapes(...shapes: readonly ShapeLike[]): number[] {
  const lists = shapes.map((s) => expectShape("broadcastShapes", typeof s === "number" ? [s] : s));
  return [...broadcastOf("broadcastShapes", ...lists)];
}
