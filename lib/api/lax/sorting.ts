/**
 * Sorting, and the largest elements, as in `jax.lax`.
 *
 * @module
 */
import {
  checkCall,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../../core/mod.ts";
import type { Named } from "../../core/method_options.ts";
import { neg, rev, scalarLike, slice, sort as sortOf, sub } from "../../primitives/mod.ts";
import { takeAlongAxis } from "../indexing.ts";
import { asOperand, expectArray, expectAxis, expectNumbers, isNamed } from "../operands.ts";
import { lexsort } from "../sorting.ts";

/** Options of {@linkcode sort}. */
export interface SortOperandsOptions {
  /** The axis; the last one where it is left out. */
  readonly dimension?: number | undefined;
  /** Whether equal elements keep their order, which they do in any case. */
  readonly isStable?: boolean | undefined;
  /** How many of several arrays are compared, the first ones; 1 where it is left out. */
  readonly numKeys?: number | undefined;
}

const sortOperandsOptions: OptionTable<SortOperandsOptions> = {
  dimension: "number",
  isStable: "boolean",
  numKeys: "number",
};

/**
 * Elements in ascending order along an axis, as `jax.lax.sort`; of several arrays the first ones are compared
 * and all brought into that order. NaN counts as largest.
 *
 * @throws {ShapeError} where several arrays have different shapes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const [keys, values] = lax.sort([np.array([2, 1, 2]), np.array([5, 6, 4])], { numKeys: 2 });
 * console.log(keys!.toArray(), values!.toArray()); // [ 1, 2, 2 ] [ 6, 4, 5 ]
 * ```
 */
export function sort(operand: NDArray, options?: SortOperandsOptions): NDArray;
/** Several arrays in the order of the first ones. */
export function sort(operand: readonly NDArray[], options?: SortOperandsOptions): NDArray[];
export function sort(
  operand: NDArray | readonly NDArray[],
  options: SortOperandsOptions = {},
): NDArray | NDArray[] {
  if (arguments.length > 1) {
    options = readOptions("sort(operand, options)", arguments, sortOperandsOptions);
  }
  const op = "sort";
  const { dimension = -1, numKeys = 1 } = options;
  if (!Array.isArray(operand)) {
    const a = expectArray(op, operand);
    return sortOf(a, expectAxis(op, dimension, a.ndim, "dimension"))[0];
  }
  const list = operand.map((a: NDArray, i: number) => expectArray(op, a, `operand ${i}`));
  if (list.length === 0) throw new ShapeError(`${op}: there are no arrays to sort`);
  expectInteger(op, numKeys, "numKeys", 1, list.length);
  const { shape, ndim } = list[0]!;
  list.forEach((a, i) => {
    if (!sameShape(a.shape, shape)) {
      throw new ShapeError(
        `${op}: operands have one shape, but operand 0 has ${formatShape(shape)} and operand ${i} ${
          formatShape(a.shape)
        }`,
      );
    }
  });
  const axis = expectAxis(op, dimension, ndim, "dimension");
  const order = lexsort(list.slice(0, numKeys).reverse(), axis);
  return list.map((a) => takeAlongAxis(a, order, axis, { mode: "clip" }));
}

/** Keys in ascending order along an axis, and values in that order, as `jax.lax.sort_key_val`. */
export function sortKeyVal(
  keys: NDArray,
  values: NDArray,
  dimension: number | Named<unknown, { dimension: number }> = -1,
): [keys: NDArray, values: NDArray] {
  if (arguments.length > 3 || isNamed(dimension)) {
    checkCall("sortKeyVal(keys, values, dimension)", arguments, {}, 2);
  }
  if (isNamed(dimension)) return sortKeyVal(keys, values, dimension.dimension);
  const pair = [
    expectArray("sortKeyVal", keys, "keys"),
    expectArray("sortKeyVal", values, "values"),
  ];
  if (!sameShape(pair[0]!.shape, pair[1]!.shape)) {
    throw new ShapeError(
      `sortKeyVal: keys have shape ${formatShape(pair[0]!.shape)} and values ${
        formatShape(pair[1]!.shape)
      }, and they must have one`,
    );
  }
  const [k, v] = sort(pair, { dimension });
  return [k!, v!];
}

/**
 * The `k` largest elements along `axis`, the largest first, and where they are (int32), as `jax.lax.top_k`. NaN
 * counts as largest; of equal ones the first comes first.
 *
 * @throws {RangeError} where `k` exceeds the length of the axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const [values, places] = lax.topK(np.array([1, 5, 3]), 2);
 * console.log(values.toArray(), places.toArray()); // [ 5, 3 ] [ 1, 2 ]
 * ```
 */
export function topK(
  operand: Operand,
  k: number,
  axis: number | Named<unknown, { axis: number }> = -1,
): [values: NDArray, indices: NDArray] {
  if (arguments.length > 3 || isNamed(axis)) checkCall("topK(operand, k, axis)", arguments, {}, 2);
  if (isNamed(axis)) return topK(operand, k, axis.axis);
  return largest("topK", asOperand("topK", operand), k, axis);
}

function largest(op: string, a: NDArray, k: number, axis: number): [NDArray, NDArray] {
  const along = expectAxis(op, axis, a.ndim);
  const n = a.shape[along]!;
  expectInteger(op, k, "k", 0, n);
  // Turned round before and after, so that equal elements keep their order.
  const first = (x: NDArray): NDArray =>
    slice(rev(x, [along]), x.shape.map(() => 0), x.shape.with(along, k));
  const [values, places] = sortOf(rev(a, [along]), along);
  return [first(values), sub(scalarLike(n - 1, places), first(places))];
}

/** Options of {@linkcode approxMaxK} and {@linkcode approxMinK}. */
export interface ApproxOptions {
  /** The axis; the last one where it is left out. */
  readonly reductionDimension?: number | undefined;
  /** The part of the right elements that is wanted; all are found. */
  readonly recallTarget?: number | undefined;
  /** How many elements there are in all, where these are a part of them; it changes nothing here. */
  readonly reductionInputSizeOverride?: number | undefined;
  /** Whether only the best are given, which they are in any case. */
  readonly aggregateToTopk?: boolean | undefined;
}

const approxOptions: OptionTable<ApproxOptions> = {
  reductionDimension: "number",
  recallTarget: "number",
  reductionInputSizeOverride: "number",
  aggregateToTopk: "boolean",
};

/** The `k` largest elements along an axis and where they are, as `jax.lax.approx_max_k`; here exactly. */
export function approxMaxK(
  operand: Operand,
  k: number,
  options: ApproxOptions = {},
): [values: NDArray, indices: NDArray] {
  if (arguments.length > 2) {
    options = readOptions("approxMaxK(operand, k, options)", arguments, approxOptions);
  }
  const a = asOperand("approxMaxK", operand);
  return largest("approxMaxK", a, k, options.reductionDimension ?? -1);
}

/** The `k` smallest elements along an axis and where they are, as `jax.lax.approx_min_k`; here exactly. */
export function approxMinK(
  operand: Operand,
  k: number,
  options: ApproxOptions = {},
): [values: NDArray, indices: NDArray] {
  if (arguments.length > 2) {
    options = readOptions("approxMinK(operand, k, options)", arguments, approxOptions);
  }
  const a = expectNumbers("approxMinK", asOperand("approxMinK", operand), "operand");
  const axis = options.reductionDimension ?? -1;
  const [, places] = largest("approxMinK", neg(a), k, axis);
  return [takeAlongAxis(a, places, axis, { mode: "clip" }), places];
}
