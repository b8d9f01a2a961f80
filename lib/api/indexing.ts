/**
 * Elements looked up along one axis, and parts cut out. Indices of any kind, read and
 * replaced, are in `set_at.ts`.
 *
 * Constant positions that are out of range are errors. Computed ones cannot be, so they follow JAX:
 * negative ones count from the end, and what is out of range is clamped by `dynamicSlice` and gives NaN in
 * `take`.
 *
 * @module
 */
import {
  AxisError,
  broadcastShapes,
  checkCall,
  describeValue,
  expectInteger,
  formatLengths,
  formatShape,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  sizeOf,
  Slice,
  tableOf,
} from "../core/mod.ts";
import type { AxisOr, DiagonalOptions, TakeMode, TakeOptions } from "../core/method_options.ts";
import {
  broadcastTo,
  concatenate,
  gather,
  iota,
  moveAxis,
  rem,
  reshape,
  scalarLike,
  select,
  slice as sliceOf,
} from "../primitives/mod.ts";
import * as d from "../primitives/indexing/dynamic_slice.ts";
import { fillOf } from "./index_plan.ts";
import { diagonalsOf, forBlocks, inside, staticIndex, takeInRange, wrapped } from "./indices.ts";
import { asDType, asIndex, asOperand, expectArray, expectAxis, isNamed } from "./operands.ts";
import { diagonalOptions } from "./options.ts";

const takeOptions: OptionTable<TakeOptions> = { mode: "string", fillValue: "number" };

// ---------------------------------------------------------------- index arithmetic

/** Indices in range, and where they were not (`null`: nowhere that matters). */
function resolved(
  indices: NDArray,
  n: number,
  mode: TakeMode,
): readonly [NDArray, NDArray | null] {
  if (mode === "clip") return [indices, null];
  if (mode === "wrap") {
    const rest = rem(indices, scalarLike(n, indices));
    return [wrapped(rest, n), null];
  }
  const positive = wrapped(indices, n);
  return [positive, inside(positive, n)];
}

/** Options of {@linkcode takeAlongAxis}. */
export interface TakeAlongOptions extends TakeOptions {
  /** Whether negative indices count from the end, as they do where left out; else they are out of range. */
  readonly wrapNegativeIndices?: boolean | undefined;
}

const takeAlongOptions: OptionTable<TakeAlongOptions> = /* @__PURE__ */ tableOf(takeOptions, {
  wrapNegativeIndices: "boolean",
});

function checkMode(op: string, options: TakeOptions): TakeMode {
  const { mode = "fill" } = options;
  if (mode === "fill" || mode === "clip" || mode === "wrap") return mode;
  throw new TypeError(
    `${op}: mode must be "fill", "clip" or "wrap", not ${describeValue(mode)}`,
  );
}

/** What stands at indices out of range. */
function fillFor(op: string, out: NDArray, { fillValue }: TakeOptions): NDArray {
  return fillValue === undefined
    ? scalarLike(fillOf(out.dtype), out)
    : asDType(op, fillValue, out.dtype, "fillValue");
}

// ---------------------------------------------------------------- looking up

/**
 * Elements of `x` at `indices` along `axis`, as `jax.numpy.take`; of the flat array where no axis is given.
 * The axes of `indices` take the place of that axis.
 *
 * @throws {AxisError} where the axis, or an index given as a number, is out of range.
 * @throws {DTypeError} where the indices are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2], [3, 4], [5, 6]]);
 * const rows = np.array([2, 0], { dtype: "int32" });
 * console.log(np.take(x, rows, 0).toArray()); // [ [ 5, 6 ], [ 1, 2 ] ]
 * ```
 */
export function take(
  x: Operand,
  indices: Operand,
  axis?: AxisOr<TakeOptions>,
  options: TakeOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("take(x, indices, axis, options)", arguments, takeOptions, 2);
  }
  if (isNamed(axis)) return take(x, indices, axis.axis, axis);
  const mode = checkMode("take", options);
  const given = asOperand("take", x);
  const flat = axis === undefined || axis === null;
  const a = flat ? reshape(given, [given.size]) : given;
  const along = flat ? 0 : expectAxis("take", axis, a.ndim);
  const n = a.shape[along]!;
  const constant = typeof indices === "number" && mode === "fill";
  const at = constant
    ? asIndex("take", staticIndex("take", indices, n, along, a))
    : asIndex("take", indices, "the indices");
  if (n === 0 && at.size > 0) {
    throw new AxisError(
      `take: x has shape ${formatShape(given.shape)}, so no index along axis ${along} is in range`,
    );
  }
  if (constant) return takeInRange(a, at, along);
  const [index, mask] = resolved(at, n, mode);
  const out = takeInRange(a, index, along);
  if (mask === null) return out;
  const behind = out.ndim - along;
  return select(forBlocks(mask, behind), out, fillFor("take", out, options));
}

/**
 * One element of `x` for each element of `indices`, which runs over `axis`, as
 * `jax.numpy.take_along_axis`. On all other axes the two broadcast. With `axis` null `x` is flat.
 *
 * @throws {ShapeError} where the numbers of axes differ, or other axes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[3, 1], [2, 4]]);
 * console.log(np.takeAlongAxis(x, np.argsort(x, 1), 1).toArray()); // [ [ 1, 3 ], [ 2, 4 ] ]
 * ```
 */
export function takeAlongAxis(
  x: NDArray,
  indices: NDArray,
  axis: number | null | TakeAlongOptions & { readonly axis: number | null },
  options: TakeAlongOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions(
      "takeAlongAxis(x, indices, axis, options)",
      arguments,
      takeAlongOptions,
      2,
    );
  }
  if (isNamed(axis)) return takeAlongAxis(x, indices, axis.axis, axis);
  const op = "takeAlongAxis";
  const mode = checkMode(op, options);
  const own = expectArray(op, x);
  const a = axis === null ? reshape(own, [own.size]) : own;
  const at = asIndex(op, indices, "the indices");
  if (at.ndim !== a.ndim) {
    throw new ShapeError(
      `${op}: x and indices must have as many axes, but have shapes ${formatShape(a.shape)} and ${
        formatShape(at.shape)
      }`,
    );
  }
  const along = expectAxis(op, axis === null ? 0 : axis, a.ndim);
  const last = a.ndim - 1;
  const n = a.shape[along]!;
  const others = broadcastShapes(
    op,
    a.shape.toSpliced(along, 1),
    at.shape.toSpliced(along, 1),
  );
  const m = at.shape[along]!;
  if (n === 0 && m * sizeOf(others) > 0) {
    throw new AxisError(`${op}: x has shape ${formatShape(a.shape)}, so no index is in range`);
  }
  const rows = sizeOf(others);
  const lanes = reshape(broadcastTo(moveAxis(a, along, last), [...others, n]), [rows, n]);
  const given = reshape(broadcastTo(moveAxis(at, along, last), [...others, m]), [rows, m]);
  const fromEnd = options.wrapNegativeIndices ?? true;
  // Of both ways that count from the end, "fill" does so by itself.
  const [index, mask] = mode === "wrap" || (mode === "fill") === fromEnd
    ? resolved(given, n, mode)
    : mode === "fill"
    ? [given, inside(given, n)]
    : [fromEnd ? wrapped(given, n) : given, null];
  const pair = [rows, m, 1];
  const pairs = concatenate([iota(pair, 0, "int32"), reshape(index, pair)], 2);
  const found = gather(lanes, pairs);
  const out = mask === null ? found : select(mask, found, fillFor(op, found, options));
  return moveAxis(reshape(out, [...others, m]), last, along);
}

// ---------------------------------------------------------------- cutting out

/**
 * The part of `x` from `starts` up to `stops` along the leading axes, in steps of `strides` (1 where left
 * out), as `x[start:stop:stride, ...]`: negative numbers count from the end, and what lies outside
 * is cut off.
 *
 * @throws {ShapeError} where there are more numbers than axes, or the lists differ in length.
 * @throws {TypeError} where a number is not an integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.slice(np.arange(5), [1], [-1]).toArray()); // [ 1, 2, 3 ]
 * ```
 */
export function slice(
  x: NDArray,
  starts: readonly number[],
  stops: readonly number[],
  strides?: readonly number[],
): NDArray;
/**
 * A range as an index of {@linkcode at}, as Python's `slice(start, stop, step)`, which between brackets is
 * `start:stop:step`; `null` stands for what is left out there. A single
 * number is where it starts, which in Python is where it stops.
 *
 * @throws {TypeError} where a number is not an integer.
 * @throws {RangeError} where the step is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.arange(5);
 * console.log(np.at(x, np.slice(1, 4)).toArray()); // [ 1, 2, 3 ]
 * console.log(np.at(x, np.slice(null, null, -2)).toArray()); // [ 4, 2, 0 ]
 * ```
 */
export function slice(start: number | null, stop?: number | null, step?: number | null): Slice;
export function slice(
  x: NDArray | number | null,
  starts?: readonly number[] | number | null,
  stops?: readonly number[] | number | null,
  strides?: readonly number[],
): NDArray | Slice {
  const isRange = !Array.isArray(starts) && (x === null || typeof x === "number");
  if (isRange) {
    if (arguments.length > 3) checkCall("slice(start, stop, step)", arguments);
    return rangeOf(x, starts as number, stops as number);
  }
  if (arguments.length > 4) checkCall("slice(x, starts, stops, strides)", arguments);
  return partOf(x as NDArray, starts as number[], stops as number[], strides);
}

/** A range, of which `null` and what is left out are open. */
function rangeOf(...range: readonly (number | null | undefined)[]): Slice {
  const [start, stop, step] = ["start", "stop", "step"].map((name, i) => {
    const value = range[i] ?? null;
    return value === null ? null : expectInteger("slice", value, name);
  });
  if (step === 0) throw new RangeError("slice: the step must not be 0");
  return new Slice(start ?? null, stop ?? null, step ?? null);
}

function partOf(
  x: NDArray,
  starts: readonly number[],
  stops: readonly number[],
  strides: readonly number[] | undefined,
): NDArray {
  const a = expectArray("slice", x);
  const lists: [string, readonly number[]][] = [["starts", starts], ["stops", stops]];
  if (strides !== undefined) lists.push(["strides", strides]);
  for (const [name, list] of lists) {
    if (!Array.isArray(list) || !list.every((v) => Number.isInteger(v) || v === Infinity)) {
      throw new TypeError(
        `slice: ${name} must be a list of integers, one for each of the first axes, not ${
          Array.isArray(list) ? formatLengths(list) : describeValue(list)
        }. Write x.slice([0], [2]); for computed positions use np.dynamicSlice`,
      );
    }
    if (list.length > a.ndim || list.length !== starts.length) {
      throw new ShapeError(
        `slice: ${name} ${formatShape(list)} ${
          list.length > a.ndim
            ? `are more than the axes of an array of shape ${formatShape(a.shape)}`
            : `and starts ${formatShape(starts)} differ in length`
        }`,
      );
    }
  }
  if (strides?.some((v) => v < 1)) {
    throw new RangeError(
      `slice: strides must be 1 or more, not ${formatShape(strides)}. Use np.flip to reverse`,
    );
  }
  const within = (v: number | undefined, n: number, missing: number): number =>
    v === undefined ? missing : Math.min(n, Math.max(0, v < 0 ? v + n : v));
  const from = a.shape.map((n, k) => within(starts[k], n, 0));
  const to = a.shape.map((n, k) => Math.max(from[k]!, within(stops[k], n, n)));
  return sliceOf(a, from, to, a.shape.map((_, k) => strides?.[k] ?? 1));
}

/** Computed positions as one int32 scalar an axis. */
function startsOf(op: string, x: NDArray, starts: readonly Operand[] | NDArray): NDArray[] {
  let list: NDArray[];
  if (starts instanceof NDArray) {
    const vector = asIndex(op, starts, "starts");
    list = vector.ndim === 1 ? vector.shape[0] === 0 ? [] : unstack(vector) : [vector];
  } else if (Array.isArray(starts)) {
    list = starts.map((s: Operand, i) => asIndex(op, s, `starts[${i}]`));
  } else {
    throw new TypeError(
      `${op}: starts must be a list with an integer for each axis, not ${describeValue(starts)}`,
    );
  }
  if (list.length !== x.ndim || list.some((s) => s.ndim > 0)) {
    throw new ShapeError(
      `${op}: starts must be ${x.ndim} scalars, one for each axis of an array of shape ${
        formatShape(x.shape)
      }, but there are ${list.length}${
        list.some((s) => s.ndim > 0) ? ", not all of them scalars" : ""
      }`,
    );
  }
  return list.map((s, k) => wrapped(s, x.shape[k]!));
}

function unstack(vector: NDArray): NDArray[] {
  return Array.from({ length: vector.size }, (_, i) => reshape(sliceOf(vector, [i], [i + 1]), []));
}

/**
 * The block of `x` of size `sizes` that begins at `starts`, which may be computed, as
 * `jax.lax.dynamic_slice`: negative starts count from the end, and the block is moved so far that it lies
 * within `x`.
 *
 * @param starts An integer for each axis: numbers and scalars, or a vector.
 * @throws {AxisError} where a size exceeds the axis' length.
 * @throws {ShapeError} where there is not one start and one size for each axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.dynamicSlice(np.arange(5), [2], [2]).toArray()); // [ 2, 3 ]
 * ```
 */
export function dynamicSlice(
  x: NDArray,
  starts: readonly Operand[] | NDArray,
  sizes: readonly number[],
): NDArray {
  if (arguments.length > 3) checkCall("dynamicSlice(x, starts, sizes)", arguments);
  const op = "dynamicSlice";
  const a = expectArray(op, x);
  if (!Array.isArray(sizes) || sizes.length !== a.ndim) {
    throw new ShapeError(
      `${op}: sizes must have a length for each axis of an array of shape ${
        formatShape(a.shape)
      }, but are ${Array.isArray(sizes) ? formatShape(sizes) : describeValue(sizes)}`,
    );
  }
  sizes.forEach((n, k) => {
    expectInteger(op, n, `sizes[${k}]`, 0);
    if (n > a.shape[k]!) {
      throw new AxisError(
        `${op}: size ${n} exceeds axis ${k} of an array of shape ${formatShape(a.shape)}`,
      );
    }
  });
  return d.dynamicSlice(a, startsOf(op, a, starts), sizes);
}

/**
 * `x` with the block that begins at `starts` replaced by `update`, as `jax.lax.dynamic_update_slice`:
 * negative starts count from the end, and the block is moved so far that it lies within `x`.
 *
 * @throws {ShapeError} where the update is larger than `x` along an axis.
 * @throws {DTypeError} where the update's dtype does not fit that of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.dynamicUpdateSlice(np.zeros([4]), np.ones([2]), [1]).toArray()); // [ 0, 1, 1, 0 ]
 * ```
 */
export function dynamicUpdateSlice(
  x: NDArray,
  update: Operand,
  starts: readonly Operand[] | NDArray,
): NDArray {
  if (arguments.length > 3) checkCall("dynamicUpdateSlice(x, update, starts)", arguments);
  const op = "dynamicUpdateSlice";
  const a = expectArray(op, x);
  const block = asDType(op, update, a.dtype, "the update");
  if (block.ndim !== a.ndim || block.shape.some((n, k) => n > a.shape[k]!)) {
    throw new ShapeError(
      `${op}: the update has shape ${
        formatShape(block.shape)
      }, which does not fit into x of shape ${
        formatShape(a.shape)
      }. It must have as many axes, none of them longer`,
    );
  }
  return d.dynamicUpdateSlice(a, block, startsOf(op, a, starts));
}

/**
 * The diagonals of `x` over two of its axes, as `jax.numpy.diagonal`; they are the last axis of the
 * result. A positive offset is above the main diagonal.
 *
 * @throws {ShapeError} where `x` has less than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.diagonal(np.array([[1, 2], [3, 4]])).toArray()); // [ 1, 4 ]
 * console.log(np.diagonal(np.array([[1, 2], [3, 4]]), 1).toArray()); // [ 2 ]
 * ```
 */
export function diagonal(
  x: NDArray,
  offset: number | null | DiagonalOptions = 0,
  options: Omit<DiagonalOptions, "offset"> = {},
): NDArray {
  if (arguments.length > 1) {
    options = readOptions("diagonal(x, offset, options)", arguments, diagonalOptions, 1);
  }
  if (!isNamed(offset)) options = { ...options, offset: offset ?? 0 } as DiagonalOptions;
  return diagonalsOf("diagonal", x, options);
}
