/**
 * Windows of an array looked up at computed places, as `jax.lax.gather`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  expectInteger,
  formatShape,
  type GetOptions,
  isPlain,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../../core/mod.ts";
import {
  concatenate,
  gather as gatherOf,
  reshape,
  scalarLike,
  select,
  transpose,
} from "../../primitives/mod.ts";
import { mod } from "../arithmetic.ts";
import { fillOf, modeOf } from "../index_plan.ts";
import { asDType, asIndex, expectArray, expectAxis } from "../operands.ts";
import { expectDims, windowsAt } from "./windows_at.ts";

/** Which axes are which in {@linkcode gather}, as `jax.lax.GatherDimensionNumbers`. */
export interface GatherDimensionNumbers {
  /** The axes of the result that are those of windows, ascending. */
  readonly offsetDims: readonly number[];
  /** Axes of the operand whose windows have length 1 and which the result does not have, ascending. */
  readonly collapsedSliceDims: readonly number[];
  /** The axis of the operand for each number of an index. */
  readonly startIndexMap: readonly number[];
  /** Axes of the operand that go along with axes of the indices. */
  readonly operandBatchingDims?: readonly number[] | undefined;
  /** Those axes of the indices. */
  readonly startIndicesBatchingDims?: readonly number[] | undefined;
}

/** Options of {@linkcode gather}: `"fill"` is the mode where it is left out. */
export type GatherOptions = Omit<GetOptions, "wrapNegativeIndices">;

const gatherOptions: OptionTable<GatherOptions> = {
  mode: "string",
  fillValue: "operand",
  uniqueIndices: "boolean",
  indicesAreSorted: "boolean",
};

/**
 * Windows of `sliceSizes` of an array, one at each place that `startIndices` names by the numbers along its
 * last axis, as `jax.lax.gather`. Windows that do not lie within the array are filled, or moved into it with
 * the mode `"clip"`; negative positions do not count from the end.
 *
 * @throws {ShapeError} where sizes or numbers of axes do not fit.
 * @throws {AxisError} where there is no such axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([[1, 2, 3], [4, 5, 6]]);
 * const numbers = { offsetDims: [1], collapsedSliceDims: [0], startIndexMap: [0, 1] };
 * const starts = np.array([[0, 1], [1, 0]], { dtype: "int32" });
 * console.log(lax.gather(x, starts, numbers, [1, 2]).toArray()); // [ [ 2, 3 ], [ 4, 5 ] ]
 * ```
 */
export function gather(
  operand: NDArray,
  startIndices: NDArray,
  dimensionNumbers: GatherDimensionNumbers,
  sliceSizes: readonly number[],
  options: GatherOptions = {},
): NDArray {
  const op = "gather";
  if (arguments.length > 4) {
    options = readOptions(
      "gather(operand, startIndices, dimensionNumbers, sliceSizes, options)",
      arguments,
      gatherOptions,
    );
  }
  const given = expectArray(op, operand, "the operand");
  if (given.ndim === 0) return ofScalar(given, startIndices, dimensionNumbers, options);
  const starts = asIndex(op, expectArray(op, startIndices, "startIndices"), "startIndices");
  if (!isPlain(dimensionNumbers) || starts.ndim === 0) {
    throw new ShapeError(
      starts.ndim === 0
        ? `${op}: startIndices must have an axis with the numbers of each place, but is a scalar`
        : `${op}: dimensionNumbers is ${
          describeValue(dimensionNumbers)
        }, and must be { offsetDims, ` +
          "collapsedSliceDims, startIndexMap }",
    );
  }
  const { ndim, shape } = given;
  const sizes = sizesOf(op, sliceSizes, shape);
  const d = dimensionNumbers;
  const places = starts.ndim - 1;
  const dropped = expectDims(op, d.collapsedSliceDims, "collapsedSliceDims", ndim, true);
  const batching = expectDims(op, d.operandBatchingDims, "operandBatchingDims", ndim, true);
  const windows = ndim - dropped.length - batching.length;
  const numbers = {
    dropped,
    batching,
    indicesBatching: expectDims(
      op,
      d.startIndicesBatchingDims,
      "startIndicesBatchingDims",
      places,
      false,
    ),
    map: expectDims(op, d.startIndexMap, "startIndexMap", ndim, false),
    windowDims: expectDims(op, d.offsetDims, "offsetDims", places + windows, true),
  };
  checkNumbers(op, numbers.windowDims, windows, numbers.indicesBatching, batching, "offsetDims");
  for (const axis of [...dropped, ...batching]) {
    if (sizes[axis]! > 1) {
      throw new ShapeError(
        `${op}: the windows have no axis ${axis}, so sliceSizes[${axis}] must be 1, not ${
          sizes[axis]
        }`,
      );
    }
  }
  const mode = modeOf(op, options) ?? "fill";
  const at = windowsAt(op, shape, starts, sizes, numbers, mode);
  const found = gatherOf(transpose(given, at.order), at.indices);
  if (at.inside === null) return transpose(found, at.result);
  const { fillValue } = options;
  const fill = fillValue === undefined
    ? scalarLike(fillOf(found.dtype), found)
    : asDType(op, fillValue as Operand, found.dtype, "fillValue");
  const mask = reshape(at.inside, [
    ...at.inside.shape,
    ...new Array<number>(found.ndim - places).fill(1),
  ]);
  return transpose(select(mask, found, fill), at.result);
}

/** A scalar at each place. */
function ofScalar(
  operand: NDArray,
  startIndices: NDArray,
  numbers: GatherDimensionNumbers,
  options: GatherOptions,
): NDArray {
  const dims = { ...numbers, collapsedSliceDims: [0] };
  return gather(reshape(operand, [1]), startIndices, dims, [1], options);
}

/** The lengths of windows, none longer than its axis. */
function sizesOf(op: string, sizes: unknown, shape: readonly number[]): readonly number[] {
  if (!Array.isArray(sizes) || sizes.length !== shape.length) {
    throw new ShapeError(
      `${op}: sliceSizes must be a list with a length for each axis of the operand, of shape ${
        formatShape(shape)
      }`,
    );
  }
  sizes.forEach((n, axis) => {
    expectInteger(op, n, `sliceSizes[${axis}]`, 0);
    if (n > shape[axis]!) {
      throw new ShapeError(
        `${op}: sliceSizes ${formatShape(sizes)} do not fit into the operand, of shape ${
          formatShape(shape)
        }`,
      );
    }
  });
  return sizes;
}

/** Checks that there are as many axes of windows as there should be, and pairs of those that go along. */
export function checkNumbers(
  op: string,
  windowDims: readonly number[],
  windows: number,
  indicesBatching: readonly number[],
  batching: readonly number[],
  name: string,
): void {
  if (windowDims.length !== windows) {
    throw new ShapeError(
      `${op}: windows have ${windows} axes, but ${name} ${
        formatShape(windowDims)
      } are ${windowDims.length}`,
    );
  }
  if (indicesBatching.length !== batching.length) {
    throw new ShapeError(
      `${op}: axes ${formatShape(batching)} of the operand go along with axes ${
        formatShape(indicesBatching)
      } of the indices, which must be as many`,
    );
  }
}

/**
 * Slices of `x` at positions along some axes, which they lose, as `jax.lax.index_take`: [places, ...others].
 * Positions out of range start again.
 *
 * @param indices A vector of integers for each of the axes.
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where there is not one vector for each axis, or they differ in length.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const at = np.array([1, 0], { dtype: "int32" });
 * console.log(lax.indexTake(np.array([[1, 2], [3, 4]]), [at, at], [0, 1]).toArray()); // [ 4, 1 ]
 * ```
 */
export function indexTake(
  x: NDArray,
  indices: readonly NDArray[],
  axes: readonly number[],
): NDArray {
  const op = "indexTake";
  if (arguments.length > 3) checkCall(`${op}(x, indices, axes)`, arguments);
  const a = expectArray(op, x);
  if (!Array.isArray(indices) || !Array.isArray(axes) || indices.length !== axes.length) {
    throw new ShapeError(`${op}: indices and axes must be lists of one length`);
  }
  if (indices.length === 0) throw new ShapeError(`${op}: the list of indices is empty`);
  const along = axes.map((axis) => expectAxis(op, axis, a.ndim));
  const none = along.find((k) => a.shape[k] === 0);
  if (none !== undefined) {
    throw new ShapeError(
      `${op}: x has shape ${formatShape(a.shape)} and so no elements along axis ${none}`,
    );
  }
  const places = indices.map((index, i) => {
    const at = asIndex(op, index, `index ${i}`);
    if (at.ndim !== 1 || at.size !== (indices[0] as NDArray).size) {
      throw new ShapeError(
        `${op}: index ${i} has shape ${
          formatShape(at.shape)
        }, and all must be vectors of one length`,
      );
    }
    return reshape(mod(at, Math.max(1, a.shape[along[i]!]!)), [at.size, 1]);
  });
  return gather(a, concatenate(places, 1), {
    offsetDims: Array.from({ length: a.ndim - along.length }, (_, i) => i + 1),
    collapsedSliceDims: along.toSorted((i, j) => i - j),
    startIndexMap: along,
  }, a.shape.map((n, k) => along.includes(k) ? 1 : n));
}
