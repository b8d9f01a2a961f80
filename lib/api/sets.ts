/**
 * Which values there are, and where: unique values, sets, positions of what holds, elements chosen by a
 * mask. The shape of most results depends on values, and so has to be given in compiled code.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { expectInteger } from "../core/checks.ts";
import { ConcreteArray } from "../core/concrete.ts";
import { isFloat } from "../core/dtype.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { full, scalarLike, zerosLike } from "../primitives/constants/full.ts";
import { iota } from "../primitives/constants/iota.ts";
import { add, div, rem, sub } from "../primitives/elementwise/arithmetic.ts";
import { and, eq, lt, ne, not } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { isNaN } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { scatterAdd } from "../primitives/indexing/gather.ts";
import { cumsum } from "../primitives/reduce/cumsum.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { sort } from "../primitives/sort/sort.ts";
import { broadcastTo, reduceSum } from "../primitives/sum/broadcast.ts";
import { takeInRange, unknownLength } from "./indices.ts";
import { asBool, asDType, asOperand, expectAxis, promote } from "./operands.ts";
import { searchsorted } from "./sorting.ts";

// ---------------------------------------------------------------- what they share

/** Options of functions whose result has as many elements as values say. */
export interface SizedOptions {
  /** How many elements the result has: needed in compiled code. What is too much is left out. */
  readonly size?: number | undefined;
  /** What the result has where there are fewer. */
  readonly fillValue?: Operand | undefined;
}

const sizedOptions: OptionTable<SizedOptions> = { size: "number", fillValue: "operand" };

/** How many elements a result has: as many as it is told, or as hold where that can be read. */
function lengthOf(op: string, held: NDArray, size: number | undefined): number {
  if (size !== undefined) {
    expectInteger(op, size, "size", 0);
    return size;
  }
  const count = reduceSum(convert(held, "int32"), [0]);
  if (!(count instanceof ConcreteArray)) throw unknownLength(op, "size");
  return Number(count.item());
}

/** Positions of the first `k` elements that hold of a vector [n], in order; `n` where there are fewer. */
function positions(held: NDArray, k: number): NDArray {
  const n = held.size;
  const none = full([k], n, "int32");
  if (n === 0 || k === 0) return none;
  const counts = cumsum(convert(held, "int32"), 0, false);
  // The i-th that holds is the first with i + 1 of them up to there.
  const wanted = add(iota([k], 0, "int32"), full([k], 1, "int32"));
  return searchsorted(counts, wanted);
}

/** Rows of `x` at positions along axis 0; where these are behind the end, what fills. */
function rowsAt(x: NDArray, at: NDArray, fill: NDArray): NDArray {
  const n = x.shape[0]!;
  const rest = x.shape.slice(1);
  const filled = broadcastTo(fill, [at.size, ...rest]);
  if (n === 0) return filled;
  const inside = lt(at, scalarLike(n, at));
  const rows = takeInRange(x, select(inside, at, zerosLike(at)), 0);
  const mask = broadcastTo(reshape(inside, [at.size, ...rest.map(() => 1)]), rows.shape);
  return select(mask, rows, filled);
}

// ---------------------------------------------------------------- where something holds

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
  if (arguments.length > 1) checkCall("nonzero(x, options)", arguments, sizedOptions);
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
  if (arguments.length > 1) checkCall("flatnonzero(x, options)", arguments, sizedOptions);
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
  if (arguments.length > 1) checkCall("argwhere(x, options)", arguments, sizedOptions);
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
  if (arguments.length > 2) checkCall("extract(condition, x, options)", arguments, sizedOptions);
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
  axis: number | null = null,
  options: SizedOptions = {},
): NDArray {
  if (arguments.length > 3) {
    checkCall("compress(condition, x, axis, options)", arguments, sizedOptions);
  }
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
  const mask = reshape(all, [all.size]);
  if (mask.size > a.shape[along]!) {
    throw new ShapeError(
      `${op}: the condition has ${mask.size} elements, but x has shape ${
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

// ---------------------------------------------------------------- unique values

/** Options of {@linkcode unique}. */
export interface UniqueOptions {
  /** How many values the result has: needed in compiled code. What is too much is left out. */
  readonly size?: number | undefined;
  /** What the result has where there are fewer; the smallest value where left out. */
  readonly fillValue?: Operand | undefined;
}

const uniqueOptions: OptionTable<UniqueOptions> = { size: "number", fillValue: "operand" };

/** What {@linkcode uniqueAll} gives. */
export interface Unique {
  /** The values in ascending order: [k]. */
  readonly values: NDArray;
  /** Where each occurs first in the flat array: [k], int32. */
  readonly indices: NDArray;
  /** Which value each element of the array is: of its shape, int32. */
  readonly inverseIndices: NDArray;
  /** How often each occurs: [k], int32. */
  readonly counts: NDArray;
}

/**
 * The values of the flat `x` in ascending order, each once, as `jax.numpy.unique`; NaN is one.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.unique(np.array([3, 1, 3, 2])).toArray()); // [ 1, 2, 3 ]
 * ```
 */
export function unique(x: Operand, options: UniqueOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("unique(x, options)", arguments, uniqueOptions);
  return uniqueOf("unique", x, options).values;
}

/** As {@linkcode unique}: the name of the array API standard. */
export function uniqueValues(x: Operand, options: UniqueOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("uniqueValues(x, options)", arguments, uniqueOptions);
  return uniqueOf("uniqueValues", x, options).values;
}

/**
 * The values of `x`, where each occurs first, which value each element is, and how often each occurs, as
 * `jax.numpy.unique_all`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const { counts, indices } = np.uniqueAll(np.array([3, 1, 3]));
 * console.log(counts.toArray(), indices.toArray()); // [ 1, 2 ] [ 1, 0 ]
 * ```
 */
export function uniqueAll(x: Operand, options: UniqueOptions = {}): Unique {
  if (arguments.length > 1) checkCall("uniqueAll(x, options)", arguments, uniqueOptions);
  return uniqueOf("uniqueAll", x, options);
}

/** The values of `x` and how often each occurs, as `jax.numpy.unique_counts`. */
export function uniqueCounts(
  x: Operand,
  options: UniqueOptions = {},
): Pick<Unique, "values" | "counts"> {
  if (arguments.length > 1) checkCall("uniqueCounts(x, options)", arguments, uniqueOptions);
  const { values, counts } = uniqueOf("uniqueCounts", x, options);
  return { values, counts };
}

/** The values of `x` and which of them each element is, as `jax.numpy.unique_inverse`. */
export function uniqueInverse(
  x: Operand,
  options: UniqueOptions = {},
): Pick<Unique, "values" | "inverseIndices"> {
  if (arguments.length > 1) checkCall("uniqueInverse(x, options)", arguments, uniqueOptions);
  const { values, inverseIndices } = uniqueOf("uniqueInverse", x, options);
  return { values, inverseIndices };
}

/** Which elements of a sorted vector differ from the one in front of them; NaN does not from NaN. */
function firsts(sorted: NDArray): NDArray {
  const n = sorted.size;
  const [before, behind] = [slice(sorted, [0], [n - 1]), slice(sorted, [1], [n])];
  let differ = ne(before, behind);
  if (isFloat(sorted.dtype)) differ = and(differ, not(and(isNaN(before), isNaN(behind))));
  return concatenate([full([1], 1, "bool"), differ], 0);
}

function uniqueOf(op: string, x: Operand, options: UniqueOptions): Unique {
  const a = asOperand(op, x);
  const n = a.size;
  const flat = reshape(a, [n]);
  if (n === 0) {
    const k = lengthOf(op, full([0], 0, "bool"), options.size);
    const none = full([k], 0, "int32");
    const fill = asDType(op, options.fillValue ?? 0, a.dtype, "fillValue");
    return {
      values: broadcastTo(fill, [k]),
      indices: none,
      inverseIndices: full(a.shape, 0, "int32"),
      counts: none,
    };
  }
  const [sorted, order] = sort(flat, 0);
  const first = firsts(sorted);
  const k = lengthOf(op, first, options.size);
  const at = positions(first, k);
  const inside = lt(at, scalarLike(n, at));
  const fill = options.fillValue === undefined
    ? reshape(slice(sorted, [0], [1]), [])
    : asDType(op, options.fillValue, a.dtype, "fillValue");
  const values = rowsAt(sorted, at, fill);
  // Each run ends where the next one begins.
  const all = positions(first, n);
  const ends = concatenate([slice(all, [1], [n]), full([1], n, "int32")], 0);
  const counted = rowsAt(sub(ends, all), iota([k], 0, "int32"), full([], 0, "int32"));
  const counts = select(inside, counted, zerosLike(counted));
  const group = sub(cumsum(convert(first, "int32"), 0, false), full([], 1, "int32"));
  const inverse = scatterAdd(full([n], 0, "int32"), reshape(order, [n, 1]), group);
  return {
    values,
    indices: rowsAt(order, at, reshape(slice(order, [0], [1]), [])),
    inverseIndices: reshape(inverse, a.shape),
    counts,
  };
}

// ---------------------------------------------------------------- sets

/** Options of {@linkcode isin}. */
export interface IsinOptions {
  /** Whether to say of which elements it does not hold. */
  readonly invert?: boolean | undefined;
}

const isinOptions: OptionTable<IsinOptions> = { invert: "boolean" };

/**
 * Whether each element of `x` is one of `values`, as `jax.numpy.isin`. NaN is never one.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.isin(np.array([1, 2, 3]), np.array([3, 1])).toArray()); // [ true, false, true ]
 * ```
 */
export function isin(x: Operand, values: Operand, options: IsinOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("isin(x, values, options)", arguments, isinOptions);
  const out = contained("isin", x, values);
  return options.invert ? not(out) : out;
}

/** Whether elements are among others, by bisection of these. */
function contained(op: string, x: Operand, values: Operand): NDArray {
  const [a, v] = promote(op, x, values, undefined, ["x", "values"]);
  const m = v.size;
  if (m === 0) return full(a.shape, 0, "bool");
  const wide = a.dtype === "bool"
    ? [convert(a, "int32"), convert(v, "int32")] as const
    : [a, v] as const;
  const [sorted] = sort(reshape(wide[1], [m]), 0);
  const at = searchsorted(sorted, wide[0]);
  const last = scalarLike(m - 1, at);
  const found = takeInRange(sorted, select(lt(last, at), broadcastTo(last, at.shape), at), 0);
  return eq(found, wide[0]);
}

/**
 * Values that are in both arrays, ascending, as `jax.numpy.intersect1d`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.intersect1d(np.array([3, 1, 2]), np.array([2, 3, 5])).toArray()); // [ 2, 3 ]
 * ```
 */
export function intersect1d(x: Operand, y: Operand, options: UniqueOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("intersect1d(x, y, options)", arguments, uniqueOptions);
  const [a, b] = promote("intersect1d", x, y);
  return chosen("intersect1d", a, contained("intersect1d", a, b), options);
}

/**
 * Values that are in one array or the other, ascending, as `jax.numpy.union1d`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function union1d(x: Operand, y: Operand, options: UniqueOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("union1d(x, y, options)", arguments, uniqueOptions);
  const [a, b] = promote("union1d", x, y);
  return uniqueOf("union1d", concatenate([reshape(a, [a.size]), reshape(b, [b.size])], 0), options)
    .values;
}

/**
 * Values of `x` that are not in `y`, ascending, as `jax.numpy.setdiff1d`: 0 fills where they are too few.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function setdiff1d(x: Operand, y: Operand, options: UniqueOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("setdiff1d(x, y, options)", arguments, uniqueOptions);
  const [a, b] = promote("setdiff1d", x, y);
  const { size, fillValue = 0 } = options;
  return chosen("setdiff1d", a, not(contained("setdiff1d", a, b)), { size, fillValue });
}

/**
 * Values that are in one of both arrays alone, ascending, as `jax.numpy.setxor1d`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function setxor1d(x: Operand, y: Operand, options: UniqueOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("setxor1d(x, y, options)", arguments, uniqueOptions);
  const op = "setxor1d";
  const [a, b] = promote(op, x, y);
  const [u, v] = [reshape(a, [a.size]), reshape(b, [b.size])];
  const alone = concatenate([not(contained(op, u, v)), not(contained(op, v, u))], 0);
  return chosen(op, concatenate([u, v], 0), alone, options);
}

/** The values of those elements that a mask chooses, ascending and each once. */
function chosen(op: string, x: NDArray, mask: NDArray, options: UniqueOptions): NDArray {
  const n = x.size;
  if (n === 0) return uniqueOf(op, x, options).values;
  const [sorted, order] = sort(reshape(x, [n]), 0);
  const held = takeInRange(reshape(mask, [n]), order, 0);
  // Equal elements are all in the set or none is, so that its first one stands for all.
  const first = and(firsts(sorted), held);
  const k = lengthOf(op, first, options.size);
  const at = positions(first, k);
  const fill = options.fillValue === undefined
    ? defaultFill(sorted, at)
    : asDType(op, options.fillValue, x.dtype, "fillValue");
  return rowsAt(sorted, at, fill);
}

/** What fills a set where nothing else is said: its smallest value, 0 where there is none. */
function defaultFill(sorted: NDArray, at: NDArray): NDArray {
  if (at.size === 0) return scalarLike(0, sorted);
  const first = slice(at, [0], [1]);
  return reshape(rowsAt(sorted, first, scalarLike(0, sorted)), []);
}
