/**
 * Which values there are, each once: unique values and sets. The shape of most results depends on values,
 * and so has to be given in compiled code.
 *
 * @module
 */
import { type NDArray, type Operand, type OptionTable, readOptions, tableOf } from "../core/mod.ts";
import {
  and,
  broadcastTo,
  concatenate,
  convert,
  cumsum,
  eq,
  full,
  iota,
  lt,
  moveAxis,
  not,
  reshape,
  scalarLike,
  scatterAdd,
  select,
  slice,
  sort,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import { takeInRange } from "./indices.ts";
import type { SizedOptions } from "./arguments.ts";
import { asDType, asOperand, expectAxis, promote } from "./operands.ts";
import { sizedOptions } from "./options.ts";
import { firsts, lengthOf, positions, rowsAt } from "./sized.ts";
import { lexsort, searchsorted } from "./sorting.ts";

// ---------------------------------------------------------------- unique values

/** Options of {@linkcode unique}. */
export interface UniqueOptions extends SizedOptions {
  /** The axis whose slices are compared; elements of the flat array where left out. */
  readonly axis?: number | null | undefined;
  /** Whether NaN is one value, which is the default. */
  readonly equalNan?: boolean | undefined;
  /** Whether values are in order, which they are in any case. */
  readonly sorted?: boolean | undefined;
}

/** What {@linkcode unique} gives beside the values. */
export interface UniqueReturns {
  /** Whether to give where each value occurs first. */
  readonly returnIndex?: boolean | undefined;
  /** Whether to give which value each element is. */
  readonly returnInverse?: boolean | undefined;
  /** Whether to give how often each value occurs. */
  readonly returnCounts?: boolean | undefined;
}

/** The values and what options ask for beside them, in the order of JAX. */
export type UniqueParts<R extends UniqueReturns> = [
  values: NDArray,
  ...(R["returnIndex"] extends true ? [indices: NDArray] : []),
  ...(R["returnInverse"] extends true ? [inverse: NDArray] : []),
  ...(R["returnCounts"] extends true ? [counts: NDArray] : []),
];

const uniqueOptions: OptionTable<UniqueOptions & UniqueReturns> = /* @__PURE__ */ tableOf(
  sizedOptions,
  {
    axis: "axes",
    equalNan: "boolean",
    sorted: "boolean",
    returnIndex: "boolean",
    returnInverse: "boolean",
    returnCounts: "boolean",
  },
);

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
 * The values of the flat `x` in ascending order, each once, as `jax.numpy.unique`, or the slices along an
 * axis; NaN is one. With options that ask for more, a list of them and of that.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.unique(np.array([3, 1, 3, 2])).toArray()); // [ 1, 2, 3 ]
 * const [values, counts] = np.unique(np.array([[1, 2], [3, 4], [1, 2]]), { axis: 0, returnCounts: true });
 * console.log(values.toArray(), counts.toArray()); // [ [ 1, 2 ], [ 3, 4 ] ] [ 2, 1 ]
 * ```
 */
export function unique(
  x: Operand,
  options?: UniqueOptions & { readonly [K in keyof UniqueReturns]?: false | undefined },
): NDArray;
/** The values and more about them. */
export function unique<const R extends UniqueReturns>(
  x: Operand,
  options: UniqueOptions & R,
): UniqueParts<R>;
export function unique(
  x: Operand,
  options: UniqueOptions & UniqueReturns = {},
): NDArray | NDArray[] {
  if (arguments.length > 1) options = readOptions("unique(x, options)", arguments, uniqueOptions);
  const { values, indices, inverseIndices, counts } = uniqueOf("unique", x, options);
  const { returnIndex, returnInverse, returnCounts } = options;
  if (!returnIndex && !returnInverse && !returnCounts) return values;
  return [
    values,
    ...(returnIndex ? [indices] : []),
    ...(returnInverse ? [inverseIndices] : []),
    ...(returnCounts ? [counts] : []),
  ];
}

/** As {@linkcode unique}, the name of the array API standard: each NaN is a value of its own. */
export function uniqueValues(x: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("uniqueValues(x, options)", arguments, sizedOptions);
  }
  return uniqueOf("uniqueValues", x, { ...options, equalNan: false }).values;
}

/**
 * The values of `x`, where each occurs first, which value each element is, and how often each occurs, as
 * `jax.numpy.unique_all`. Each NaN is a value of its own.
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
export function uniqueAll(x: Operand, options: SizedOptions = {}): Unique {
  if (arguments.length > 1) options = readOptions("uniqueAll(x, options)", arguments, sizedOptions);
  return uniqueOf("uniqueAll", x, { ...options, equalNan: false });
}

/** The values of `x` and how often each occurs, as `jax.numpy.unique_counts`. */
export function uniqueCounts(
  x: Operand,
  options: SizedOptions = {},
): Pick<Unique, "values" | "counts"> {
  if (arguments.length > 1) {
    options = readOptions("uniqueCounts(x, options)", arguments, sizedOptions);
  }
  const { values, counts } = uniqueOf("uniqueCounts", x, { ...options, equalNan: false });
  return { values, counts };
}

/** The values of `x` and which of them each element is, as `jax.numpy.unique_inverse`. */
export function uniqueInverse(
  x: Operand,
  options: SizedOptions = {},
): Pick<Unique, "values" | "inverseIndices"> {
  if (arguments.length > 1) {
    options = readOptions("uniqueInverse(x, options)", arguments, sizedOptions);
  }
  const { values, inverseIndices } = uniqueOf("uniqueInverse", x, { ...options, equalNan: false });
  return { values, inverseIndices };
}

/** The order of rows along axis 0, the first elements decide; and the rows in it. */
function ordered(x: NDArray): readonly [sorted: NDArray, order: NDArray] {
  const n = x.shape[0]!;
  if (x.ndim === 1) return sort(x, 0) as readonly [NDArray, NDArray];
  const m = x.size / n;
  const columns = reshape(x, [n, m]);
  const keys = Array.from(
    { length: m },
    (_, k) => reshape(slice(columns, [0, m - 1 - k], [n, m - k]), [n]),
  );
  const order = lexsort(keys);
  return [takeInRange(x, order, 0), order];
}

function uniqueOf(op: string, x: Operand, options: UniqueOptions): Unique {
  const given = asOperand(op, x);
  const { axis = null, equalNan = true, size } = options;
  const along = axis === null ? 0 : expectAxis(op, axis, given.ndim);
  const a = axis === null ? reshape(given, [given.size]) : moveAxis(given, along, 0);
  const n = a.shape[0]!;
  const shape = axis === null ? given.shape : [n];
  const fillValue = options.fillValue === undefined
    ? undefined
    : asDType(op, options.fillValue, a.dtype, "fillValue");
  const placed = (values: NDArray): NDArray => moveAxis(values, 0, along);
  if (a.size === 0) {
    // Slices without elements are all alike.
    const held = full([n === 0 ? 0 : 1], 1, "bool");
    const k = lengthOf(op, held, size);
    const there = lt(iota([k], 0, "int32"), full([], held.size, "int32"));
    return {
      values: placed(broadcastTo(fillValue ?? scalarLike(0, a), [k, ...a.shape.slice(1)])),
      indices: full([k], 0, "int32"),
      inverseIndices: full(shape, 0, "int32"),
      counts: select(there, full([k], n, "int32"), full([k], 0, "int32")),
    };
  }
  const [sorted, order] = ordered(a);
  const first = firsts(sorted, equalNan);
  const k = lengthOf(op, first, size);
  const at = positions(first, k);
  const inside = lt(at, scalarLike(n, at));
  const rest = a.shape.slice(1);
  const smallest = slice(sorted, a.shape.map(() => 0), [1, ...rest]);
  const values = rowsAt(sorted, at, fillValue ?? reshape(smallest, rest));
  // Each run ends where the next one begins.
  const all = positions(first, n);
  const ends = concatenate([slice(all, [1], [n]), full([1], n, "int32")], 0);
  const counted = rowsAt(sub(ends, all), iota([k], 0, "int32"), full([], 0, "int32"));
  const counts = select(inside, counted, zerosLike(counted));
  const group = sub(cumsum(convert(first, "int32"), 0, false), full([], 1, "int32"));
  const inverse = scatterAdd(full([n], 0, "int32"), reshape(order, [n, 1]), group);
  return {
    values: placed(values),
    indices: rowsAt(order, at, reshape(slice(order, [0], [1]), [])),
    inverseIndices: reshape(inverse, shape),
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
  if (arguments.length > 2) {
    options = readOptions("isin(x, values, options)", arguments, isinOptions);
  }
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

/** Options of {@linkcode intersect1d}. */
export interface IntersectOptions extends SizedOptions {
  /** Whether to give where each value occurs first in both arrays; the size of an array where it does not. */
  readonly returnIndices?: boolean | undefined;
}

const intersectOptions: OptionTable<IntersectOptions> = /* @__PURE__ */ tableOf(sizedOptions, {
  returnIndices: "boolean",
});

/**
 * Values that are in both arrays, ascending, as `jax.numpy.intersect1d`; with `returnIndices` a list of them
 * and of where they are in both flat arrays.
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
export function intersect1d(
  x: Operand,
  y: Operand,
  options?: IntersectOptions & { readonly returnIndices?: false | undefined },
): NDArray;
/** The values and where they are. */
export function intersect1d(
  x: Operand,
  y: Operand,
  options: IntersectOptions,
): [values: NDArray, xIndices: NDArray, yIndices: NDArray];
export function intersect1d(
  x: Operand,
  y: Operand,
  options: IntersectOptions = {},
): NDArray | NDArray[] {
  const op = "intersect1d";
  if (arguments.length > 2) {
    options = readOptions(`${op}(x, y, options)`, arguments, intersectOptions);
  }
  const [a, b] = promote(op, x, y);
  const { values, indices } = chosen(op, a, contained(op, a, b), options);
  if (!options.returnIndices) return values;
  const there = lt(indices, full([], a.size, "int32"));
  const none = full(indices.shape, b.size, "int32");
  if (b.size === 0) return [values, indices, none];
  const [sorted, order] = sort(reshape(b, [b.size]), 0);
  const at = searchsorted(sorted!, values);
  const inside = select(there, at, zerosLike(at));
  return [values, indices, select(there, takeInRange(order!, inside, 0), none)];
}

/**
 * Values that are in one array or the other, ascending, as `jax.numpy.union1d`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function union1d(x: Operand, y: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("union1d(x, y, options)", arguments, sizedOptions);
  }
  const [a, b] = promote("union1d", x, y);
  return uniqueOf("union1d", concatenate([reshape(a, [a.size]), reshape(b, [b.size])], 0), options)
    .values;
}

/**
 * Values of `x` that are not in `y`, ascending, as `jax.numpy.setdiff1d`: 0 fills where they are too few.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function setdiff1d(x: Operand, y: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("setdiff1d(x, y, options)", arguments, sizedOptions);
  }
  const own = asOperand("setdiff1d", x);
  const [a, b] = promote("setdiff1d", x, y);
  const { size, fillValue = 0 } = options;
  return chosen("setdiff1d", own, not(contained("setdiff1d", a, b)), { size, fillValue }).values;
}

/**
 * Values that are in one of both arrays alone, ascending, as `jax.numpy.setxor1d`.
 *
 * @throws {ShapeError} where values are not known and no `size` is given.
 */
export function setxor1d(x: Operand, y: Operand, options: SizedOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("setxor1d(x, y, options)", arguments, sizedOptions);
  }
  const op = "setxor1d";
  const [a, b] = promote(op, x, y);
  const [u, v] = [reshape(a, [a.size]), reshape(b, [b.size])];
  const alone = concatenate([not(contained(op, u, v)), not(contained(op, v, u))], 0);
  return chosen(op, concatenate([u, v], 0), alone, options).values;
}

/** The values of those elements that a mask chooses, ascending and each once, and where each is first. */
function chosen(
  op: string,
  x: NDArray,
  mask: NDArray,
  options: SizedOptions,
): Pick<Unique, "values" | "indices"> {
  const n = x.size;
  if (n === 0) return uniqueOf(op, x, options);
  const [sorted, order] = sort(reshape(x, [n]), 0);
  const held = takeInRange(reshape(mask, [n]), order, 0);
  // Equal elements are all in the set or none is, so that its first one stands for all.
  const first = and(firsts(sorted), held);
  const k = lengthOf(op, first, options.size);
  const at = positions(first, k);
  const fill = options.fillValue === undefined
    ? defaultFill(sorted, at)
    : asDType(op, options.fillValue, x.dtype, "fillValue");
  return {
    values: rowsAt(sorted, at, fill),
    indices: rowsAt(order, at, full([], n, "int32")),
  };
}

/** What fills a set where nothing else is said: its smallest value, 0 where there is none. */
function defaultFill(sorted: NDArray, at: NDArray): NDArray {
  if (at.size === 0) return scalarLike(0, sorted);
  const first = slice(at, [0], [1]);
  return reshape(rowsAt(sorted, first, scalarLike(0, sorted)), []);
}
