/**
 * Reductions of segments, as `jax.ops`: elements that bear one number are added up, multiplied or compared.
 * What a node of a graph receives along its edges is one.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { segmentSum } from "@injax/injax/ops";
 *
 * // Messages along the edges 0 -> 1, 2 -> 1 and 1 -> 2 of a graph of three nodes.
 * const messages = np.array([[1, 10], [2, 20], [4, 40]]);
 * const to = np.array([1, 1, 2], { dtype: "int32" });
 * console.log(segmentSum(messages, to, 3).toArray()); // [ [ 0, 0 ], [ 3, 30 ], [ 4, 40 ] ]
 * ```
 *
 * @module
 */
import "./methods.ts";
import type { IndexMode } from "../core/indexing.ts";
import type { Named } from "../core/method_options.ts";
import {
  ConcreteArray,
  type DType,
  DTypeError,
  expectInteger,
  formatAval,
  formatShape,
  isFloat,
  isInteger,
  limits,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import { broadcastTo, convert, full, iota } from "../primitives/mod.ts";
import { floorDivide } from "./arithmetic.ts";
import { unknownLength } from "./indices.ts";
import { expectArray, isNamed } from "./operands.ts";
import { max, min, prod } from "./reductions.ts";
import { updateAt } from "./set_at.ts";

export type { IndexMode } from "../core/indexing.ts";
export type { Named } from "../core/method_options.ts";

/** Options of reductions of segments. */
export interface SegmentOptions {
  /** What becomes of numbers of segments that there are not: they are left out where this is. */
  readonly mode?: IndexMode | undefined;
  /** Whether the numbers ascend. */
  readonly indicesAreSorted?: boolean | undefined;
  /** Whether the numbers are all different. */
  readonly uniqueIndices?: boolean | undefined;
  /**
   * How many rows are combined at a time, before what comes of them is combined: sums of very many rows
   * round less so. All where left out.
   */
  readonly bucketSize?: number | null | undefined;
}

/** How many segments there are, or options in which that may be. */
export type SegmentCount = number | null | Named<SegmentOptions, { numSegments: number | null }>;

const segmentOptions: OptionTable<SegmentOptions> = {
  mode: "string",
  indicesAreSorted: "boolean",
  uniqueIndices: "boolean",
  bucketSize: "number",
};

/** How many segments there are: as asked for, or one more than the largest number. */
function countOf(op: string, ids: NDArray, given: number | null): number {
  if (given !== null) {
    expectInteger(op, given, "numSegments", 0);
    return given;
  }
  if (!(ids instanceof ConcreteArray)) throw unknownLength(op, "numSegments");
  let count = 0;
  for (const id of ids.dataSync()) count = Math.max(count, id + 1);
  return count;
}

/** What is done with the elements of a segment, by the names of `updateAt`. */
type How = "add" | "mul" | "max" | "min";

/** What leaves every element as it is. */
function identity(how: How, dtype: DType): number {
  if (how === "add") return 0;
  if (how === "mul") return 1;
  const [least, most] = isFloat(dtype) ? [-Infinity, Infinity] : limits(dtype);
  return how === "max" ? least : most;
}

/** What becomes of the results of buckets [n, ...]. */
const combined: { readonly [H in How]: (x: NDArray) => NDArray } = {
  add: (x) => x.sum(0),
  mul: (x) => prod(x, 0),
  max: (x) => max(x, 0, { initial: identity("max", x.dtype) }),
  min: (x) => min(x, 0, { initial: identity("min", x.dtype) }),
};

function reduced(
  op: string,
  how: How,
  data: NDArray,
  segmentIds: NDArray,
  count: SegmentCount | undefined,
  options: SegmentOptions,
): NDArray {
  const x = expectArray(op, data, "data");
  const ids = expectArray(op, segmentIds, "segmentIds");
  if (!isInteger(ids.dtype)) {
    throw new DTypeError(
      `${op}: segmentIds is ${formatAval(ids.aval)}, but must have integers. Convert it with ` +
        'astype("int32")',
    );
  }
  if (ids.ndim !== 1 || x.ndim === 0 || x.shape[0] !== ids.shape[0]) {
    throw new ShapeError(
      `${op}: segmentIds has shape ${formatShape(ids.shape)} and data ${
        formatShape(x.shape)
      }, but ` +
        "there must be one number for each row of data",
    );
  }
  if (x.dtype === "bool") {
    if (how === "add" || how === "mul") {
      throw new DTypeError(
        `${op}: data is bool, which is not added or multiplied. Convert it with astype("int32")`,
      );
    }
    return convert(reduced(op, how, convert(x, "uint32"), ids, count, options), "bool");
  }
  if (isNamed(count)) [count, options] = [count.numSegments, count];
  const n = countOf(op, ids, count ?? null);
  const { mode = "drop", uniqueIndices, indicesAreSorted, bucketSize } = options;
  const from = full([n, ...x.shape.slice(1)], identity(how, x.dtype), x.dtype);
  // A number below 0 is that of no segment: it does not count from the end.
  const settings = { mode, uniqueIndices, indicesAreSorted, wrapNegativeIndices: false };
  if (bucketSize == null) return updateAt(from, ids)[how](x, settings);
  expectInteger(op, bucketSize, "bucketSize", 1);
  const buckets = Math.ceil(ids.size / bucketSize);
  const bucket = floorDivide(iota([ids.size], 0, "int32"), bucketSize);
  const each = broadcastTo(from, [buckets, ...from.shape]);
  return combined[how](updateAt(each, bucket, ids)[how](x, settings));
}

/**
 * The sums of the rows of each segment, as `jax.ops.segment_sum`; of no rows 0.
 *
 * @param data `[n, ...]`, a row for each number.
 * @param segmentIds `[n]`, the number of each row's segment, in any order. Rows with a number that is below
 * 0, or not below `numSegments`, do not count.
 * @param numSegments How many segments there are; one more than the largest number where it is left out,
 * which is an error while a function is traced.
 * @returns `[numSegments, ...]`.
 * @throws {ShapeError} where there is not one number for each row, or `numSegments` is not known.
 * @throws {DTypeError} where the numbers are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { segmentSum } from "@injax/injax/ops";
 *
 * const ids = np.array([0, 0, 1], { dtype: "int32" });
 * console.log(segmentSum(np.array([1, 2, 4]), ids, 2).toArray()); // [ 3, 4 ]
 * ```
 */
export function segmentSum(
  data: NDArray,
  segmentIds: NDArray,
  numSegments?: SegmentCount,
  options: SegmentOptions = {},
): NDArray {
  if (arguments.length > 2) {
    const call = "segmentSum(data, segmentIds, numSegments, options)";
    options = readOptions(call, arguments, segmentOptions, 2);
  }
  return reduced("segmentSum", "add", data, segmentIds, numSegments, options);
}

/**
 * The products of the rows of each segment, as `jax.ops.segment_prod`; of no rows 1.
 *
 * @param data `[n, ...]`, a row for each number.
 * @param segmentIds `[n]`, the number of each row's segment, in any order. Rows with a number that is below
 * 0, or not below `numSegments`, do not count.
 * @param numSegments How many segments there are; one more than the largest number where it is left out,
 * which is an error while a function is traced.
 * @returns `[numSegments, ...]`.
 * @throws {ShapeError} where there is not one number for each row, or `numSegments` is not known.
 * @throws {DTypeError} where the numbers are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { segmentProd } from "@injax/injax/ops";
 *
 * const ids = np.array([0, 0, 1], { dtype: "int32" });
 * console.log(segmentProd(np.array([3, 2, 4]), ids, 2).toArray()); // [ 6, 4 ]
 * ```
 */
export function segmentProd(
  data: NDArray,
  segmentIds: NDArray,
  numSegments?: SegmentCount,
  options: SegmentOptions = {},
): NDArray {
  if (arguments.length > 2) {
    const call = "segmentProd(data, segmentIds, numSegments, options)";
    options = readOptions(call, arguments, segmentOptions, 2);
  }
  return reduced("segmentProd", "mul", data, segmentIds, numSegments, options);
}

/**
 * The largest elements of each segment, as `jax.ops.segment_max`; of no rows -Infinity, or the least number of an integer type.
 *
 * @param data `[n, ...]`, a row for each number.
 * @param segmentIds `[n]`, the number of each row's segment, in any order. Rows with a number that is below
 * 0, or not below `numSegments`, do not count.
 * @param numSegments How many segments there are; one more than the largest number where it is left out,
 * which is an error while a function is traced.
 * @returns `[numSegments, ...]`.
 * @throws {ShapeError} where there is not one number for each row, or `numSegments` is not known.
 * @throws {DTypeError} where the numbers are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { segmentMax } from "@injax/injax/ops";
 *
 * const ids = np.array([0, 0, 1], { dtype: "int32" });
 * console.log(segmentMax(np.array([1, 2, 4]), ids, 2).toArray()); // [ 2, 4 ]
 * ```
 */
export function segmentMax(
  data: NDArray,
  segmentIds: NDArray,
  numSegments?: SegmentCount,
  options: SegmentOptions = {},
): NDArray {
  if (arguments.length > 2) {
    const call = "segmentMax(data, segmentIds, numSegments, options)";
    options = readOptions(call, arguments, segmentOptions, 2);
  }
  return reduced("segmentMax", "max", data, segmentIds, numSegments, options);
}

/**
 * The least elements of each segment, as `jax.ops.segment_min`; of no rows Infinity, or the largest number of an integer type.
 *
 * @param data `[n, ...]`, a row for each number.
 * @param segmentIds `[n]`, the number of each row's segment, in any order. Rows with a number that is below
 * 0, or not below `numSegments`, do not count.
 * @param numSegments How many segments there are; one more than the largest number where it is left out,
 * which is an error while a function is traced.
 * @returns `[numSegments, ...]`.
 * @throws {ShapeError} where there is not one number for each row, or `numSegments` is not known.
 * @throws {DTypeError} where the numbers are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { segmentMin } from "@injax/injax/ops";
 *
 * const ids = np.array([0, 0, 1], { dtype: "int32" });
 * console.log(segmentMin(np.array([1, 2, 4]), ids, 2).toArray()); // [ 1, 4 ]
 * ```
 */
export function segmentMin(
  data: NDArray,
  segmentIds: NDArray,
  numSegments?: SegmentCount,
  options: SegmentOptions = {},
): NDArray {
  if (arguments.length > 2) {
    const call = "segmentMin(data, segmentIds, numSegments, options)";
    options = readOptions(call, arguments, segmentOptions, 2);
  }
  return reduced("segmentMin", "min", data, segmentIds, numSegments, options);
}
