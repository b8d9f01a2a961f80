/**
 * Order: sorted elements, their positions, where to insert new ones, and where extremes are.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  expectInteger,
  formatShape,
  isFloat,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import type { AxisOr, Named, ReduceOptions, SortOptions } from "../core/method_options.ts";
import {
  add,
  and,
  broadcastTo,
  div,
  full,
  isNaN,
  le,
  lt,
  not,
  or,
  reshape,
  rev,
  scalarLike,
  select,
  sub,
} from "../primitives/mod.ts";
import * as p from "../primitives/sort/sort.ts";
import { takeAlongAxis } from "./indexing.ts";
import { takeInRange, wrapped } from "./indices.ts";
import {
  asIndex,
  asOperand,
  expectArray,
  expectAxes,
  expectAxis,
  expectRank,
  isNamed,
  promote,
} from "./operands.ts";
import { reduceOptions } from "./options.ts";
import { keep } from "./reducing.ts";
import { all, argmax, argmin } from "./reductions.ts";
import { unstack } from "./stacking.ts";

const sortOptions: OptionTable<SortOptions> = { descending: "boolean" };

/** Options of {@linkcode searchsorted}. */
export interface SearchsortedOptions {
  /** Whether elements go in front of equal ones, `"left"`, which is the default, or behind them. */
  readonly side?: "left" | "right" | undefined;
  /** The places of the elements in ascending order, as `argsort` gives them, where they are in another. */
  readonly sorter?: NDArray | null | undefined;
}

const searchsortedOptions: OptionTable<SearchsortedOptions> = { side: "string", sorter: "object" };

/** The array and the axis to sort along: the flat array where the axis is null. */
function lanes(op: string, x: Operand, axis: number | null): [NDArray, number] {
  const a = asOperand(op, x);
  if (axis === null) return [reshape(a, [a.size]), 0];
  return [a, expectAxis(op, axis, a.ndim)];
}

/**
 * Elements in ascending order along `axis`, the last one where it is left out, as `jax.numpy.sort`; with
 * `axis` null, of the flat array. NaN counts as largest. Equal elements keep their order.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.sort(np.array([3, 1, 2]), -1, { descending: true }).toArray()); // [ 3, 2, 1 ]
 * ```
 */
export function sort(
  x: Operand,
  axis: AxisOr<SortOptions> = -1,
  options: SortOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("sort(x, axis, options)", arguments, sortOptions, 1);
  }
  if (isNamed(axis)) return sort(x, axis.axis, axis);
  const [a, along] = lanes("sort", x, axis);
  const [sorted] = p.sort(a, along);
  return options.descending ? rev(sorted, [along]) : sorted;
}

/**
 * Positions (int32) of the elements in ascending order along `axis`, the last one where it is left out,
 * as `jax.numpy.argsort`; with `axis` null, of the flat array. NaN counts as largest. Equal elements
 * keep their order.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.argsort(np.array([3, 1, 2])).toArray()); // [ 1, 2, 0 ]
 * ```
 */
export function argsort(
  x: Operand,
  axis: AxisOr<SortOptions> = -1,
  options: SortOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("argsort(x, axis, options)", arguments, sortOptions, 1);
  }
  if (isNamed(axis)) return argsort(x, axis.axis, axis);
  const [a, along] = lanes("argsort", x, axis);
  if (!options.descending) return p.sort(a, along)[1];
  // Turned round before and after, so that equal elements keep their order.
  const [, places] = p.sort(rev(a, [along]), along);
  const last = scalarLike(a.shape[along]! - 1, places);
  return rev(sub(last, places), [along]);
}

/**
 * Where elements of `values` belong in the ascending vector `sorted` (int32), as
 * `jax.numpy.searchsorted`: in front of equal elements, or behind them with `side: "right"`. NaN counts as
 * largest.
 *
 * @throws {ShapeError} where `sorted` does not have one axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.searchsorted(np.array([1, 3, 5]), np.array([3, 4])).toArray()); // [ 1, 2 ]
 * ```
 */
export function searchsorted(
  sorted: NDArray,
  values: Operand,
  options: SearchsortedOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("searchsorted(sorted, values, options)", arguments, searchsortedOptions);
  }
  const op = "searchsorted";
  const { side = "left" } = options;
  if (side !== "left" && side !== "right") {
    throw new TypeError(`${op}: side must be "left" or "right", not ${describeValue(side)}`);
  }
  const [given, v] = promote(op, sorted, values, undefined, ["sorted", "values"]);
  if (given.ndim !== 1) {
    throw new ShapeError(
      `${op}: sorted has shape ${formatShape(given.shape)}, but must be a vector`,
    );
  }
  const a = inOrder(op, given, options.sorter ?? null);
  const n = a.shape[0]!;
  // Bisection, in as many steps as it can take: the answer is from low to high.
  let low = full(v.shape, 0, "int32");
  let high = full(v.shape, n, "int32");
  const nan = isFloat(a.dtype) ? isNaN(v) : null;
  for (let width = n; width > 0; width >>= 1) {
    const middle = div(add(low, high), scalarLike(2, low));
    const x = takeInRange(a, middle, 0);
    let before = side === "left" ? lt(x, v) : le(x, v);
    if (nan !== null) {
      const both = isNaN(x);
      before = side === "left" ? or(before, and(nan, not(both))) : or(before, nan);
    }
    const open = lt(low, high);
    const next = add(middle, scalarLike(1, middle));
    low = select(and(open, before), next, low);
    high = select(and(open, not(before)), middle, high);
  }
  return low;
}

/** A vector with its elements in the order of a sorter. */
function inOrder(op: string, x: NDArray, sorter: NDArray | null): NDArray {
  if (sorter === null) return x;
  const order = asIndex(op, sorter, "the sorter");
  if (order.ndim !== 1 || order.size !== x.size) {
    throw new ShapeError(
      `${op}: sorter has shape ${formatShape(order.shape)}, but must be that of sorted, ${
        formatShape(x.shape)
      }`,
    );
  }
  return x.size === 0 ? x : takeInRange(x, wrapped(order, x.size), 0);
}

/**
 * Elements along `axis` so that the `k`-th is where it is in ascending order, smaller ones in front of it
 * and larger ones behind, as `jax.numpy.partition`. Here all of them are sorted.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where there is no `k`-th element.
 */
export function partition(
  x: NDArray,
  k: number,
  axis: number | Named<unknown, { axis: number }> = -1,
): NDArray {
  if (arguments.length > 3 || isNamed(axis)) checkCall("partition(x, k, axis)", arguments, {}, 2);
  if (isNamed(axis)) return partition(x, k, axis.axis);
  checkPlace("partition", x, k, axis);
  return sort(x, axis);
}

/**
 * Positions (int32) of the elements in an order as of {@linkcode partition}, as `jax.numpy.argpartition`.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where there is no `k`-th element.
 */
export function argpartition(
  x: NDArray,
  k: number,
  axis: number | Named<unknown, { axis: number }> = -1,
): NDArray {
  if (arguments.length > 3 || isNamed(axis)) {
    checkCall("argpartition(x, k, axis)", arguments, {}, 2);
  }
  if (isNamed(axis)) return argpartition(x, k, axis.axis);
  checkPlace("argpartition", x, k, axis);
  return argsort(x, axis);
}

function checkPlace(op: string, x: NDArray, k: number, axis: number): void {
  const a = expectArray(op, x);
  const n = a.shape[expectAxis(op, axis, a.ndim)]!;
  expectInteger(op, k, "k", -n, n - 1);
}

/**
 * Positions (int32) of the elements in ascending order by several keys, as `jax.numpy.lexsort`: the last
 * key goes first, those before it decide between equal ones.
 *
 * @throws {ShapeError} where there are no keys, or of different shapes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [first, second] = [np.array([3, 1, 2]), np.array([0, 1, 0])];
 * console.log(np.lexsort([first, second]).toArray()); // [ 2, 0, 1 ]
 * ```
 */
export function lexsort(
  keys: readonly NDArray[] | NDArray,
  axis: number | Named<unknown, { axis: number }> = -1,
): NDArray {
  if (arguments.length > 2 || isNamed(axis)) checkCall("lexsort(keys, axis)", arguments, {}, 1);
  if (isNamed(axis)) return lexsort(keys, axis.axis);
  let list = keys as readonly NDArray[];
  if (!Array.isArray(keys)) {
    const a = expectArray("lexsort", keys as NDArray, "keys");
    expectRank("lexsort", "keys", a, 1);
    list = unstack(a);
  }
  const [first] = list;
  if (first === undefined) throw new ShapeError("lexsort: there are no keys to sort by");
  list.forEach((key: NDArray, i: number) => {
    if (!sameShape(expectArray("lexsort", key, `key ${i}`).shape, first.shape)) {
      throw new ShapeError(
        `lexsort: keys have one shape, but key 0 has ${formatShape(first.shape)} and key ${i} ${
          formatShape(key.shape)
        }`,
      );
    }
  });
  const along = expectAxis("lexsort", axis, first.ndim);
  // Sorting keeps the order of equal elements: so by each key in turn, the most important one last.
  let order = argsort(first, along);
  for (const key of list.slice(1)) {
    order = takeAlongAxis(order, argsort(takeAlongAxis(key, order, along), along), along);
  }
  return order;
}

// ---------------------------------------------------------------- extremes that are not NaN

function position(
  op: "nanargmax" | "nanargmin",
  x: Operand,
  axis: number | null | undefined,
  options: ReduceOptions | undefined,
): NDArray {
  const a = asOperand(op, x);
  if (expectAxes(op, axis, a.ndim).some((k) => a.shape[k] === 0)) {
    throw new ShapeError(`${op}: x has shape ${formatShape(a.shape)} and so no elements`);
  }
  const [f, none] = op === "nanargmax" ? [argmax, -Infinity] as const : [argmin, Infinity] as const;
  if (!isFloat(a.dtype)) return f(a, axis, options);
  const missing = isNaN(a);
  const out = f(select(missing, broadcastTo(scalarLike(none, a), a.shape), a), axis, options);
  const axes = expectAxes(op, axis, a.ndim);
  const empty = keep(all(missing, axes), a.shape, axes, options?.keepDims);
  return select(empty, broadcastTo(scalarLike(-1, out), out.shape), out);
}

/**
 * Index (int32) of the first largest element along `axis` that is not NaN, as `jax.numpy.nanargmax`; -1
 * where there is none.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function nanargmax(
  x: Operand,
  axis?: AxisOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("nanargmax(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return nanargmax(x, axis.axis, axis);
  return position("nanargmax", x, axis, options);
}

/**
 * Index (int32) of the first smallest element along `axis` that is not NaN, as `jax.numpy.nanargmin`; -1
 * where there is none.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are no elements.
 */
export function nanargmin(
  x: Operand,
  axis?: AxisOr<ReduceOptions>,
  options?: ReduceOptions,
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("nanargmin(x, axis, options)", arguments, reduceOptions, 1);
  }
  if (isNamed(axis)) return nanargmin(x, axis.axis, axis);
  return position("nanargmin", x, axis, options);
}
