/**
 * Windows of an array changed at computed places, as `jax.lax.scatter` and its relatives.
 *
 * @module
 */
import {
  describeValue,
  DTypeError,
  formatAval,
  formatShape,
  type IndexOptions,
  isPlain,
  type NDArray,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
  tableOf,
} from "../../core/mod.ts";
import {
  dynamicSlice,
  gather,
  inversePermutation,
  neg,
  reshape,
  scatterAdd as addAt,
  transpose,
} from "../../primitives/mod.ts";
import * as s from "../../primitives/scatter/scatter.ts";
import { foriLoop } from "../../transforms/public.ts";
import { modeOf } from "../index_plan.ts";
import { asDType, asIndex, expectArray, expectShape } from "../operands.ts";
import { checkNumbers } from "./gather.ts";
import { dropOutside, expectDims, windowsAt } from "./windows_at.ts";

/** Which axes are which in {@linkcode scatter}, as `jax.lax.ScatterDimensionNumbers`. */
export interface ScatterDimensionNumbers {
  /** The axes of the updates that are those of windows, ascending. */
  readonly updateWindowDims: readonly number[];
  /** Axes of the operand whose windows have length 1 and which the updates do not have, ascending. */
  readonly insertedWindowDims: readonly number[];
  /** The axis of the operand for each number of an index. */
  readonly scatterDimsToOperandDims: readonly number[];
  /** Axes of the operand that go along with axes of the indices. */
  readonly operandBatchingDims?: readonly number[] | undefined;
  /** Those axes of the indices. */
  readonly scatterIndicesBatchingDims?: readonly number[] | undefined;
}

/** Options of {@linkcode scatter}: windows that do not lie within the array are dropped, or clipped into it. */
export type ScatterOptions = Omit<IndexOptions, "wrapNegativeIndices">;

const scatterOptions: OptionTable<ScatterOptions> = {
  mode: "string",
  uniqueIndices: "boolean",
  indicesAreSorted: "boolean",
};

type Put = (operand: NDArray, indices: NDArray, updates: NDArray) => NDArray;

/** Understands the places of updates of a shape. */
function placed(
  op: string,
  operand: NDArray,
  indices: NDArray,
  shape: readonly number[],
  d: ScatterDimensionNumbers,
  options: ScatterOptions,
) {
  const { ndim } = operand;
  const starts = asIndex(op, expectArray(op, indices, "indices"), "indices");
  if (!isPlain(d) || starts.ndim === 0) {
    throw new ShapeError(
      starts.ndim === 0
        ? `${op}: indices must have an axis with the numbers of each place, but is a scalar`
        : `${op}: dimensionNumbers is ${describeValue(d)}, and must be { updateWindowDims, ` +
          "insertedWindowDims, scatterDimsToOperandDims }",
    );
  }
  const places = starts.ndim - 1;
  const dropped = expectDims(op, d.insertedWindowDims, "insertedWindowDims", ndim, true);
  const batching = expectDims(op, d.operandBatchingDims, "operandBatchingDims", ndim, true);
  const windows = ndim - dropped.length - batching.length;
  const numbers = {
    dropped,
    batching,
    indicesBatching: expectDims(
      op,
      d.scatterIndicesBatchingDims,
      "scatterIndicesBatchingDims",
      places,
      false,
    ),
    map: expectDims(op, d.scatterDimsToOperandDims, "scatterDimsToOperandDims", ndim, false),
    windowDims: expectDims(op, d.updateWindowDims, "updateWindowDims", places + windows, true),
  };
  const { windowDims } = numbers;
  checkNumbers(op, windowDims, windows, numbers.indicesBatching, batching, "updateWindowDims");
  let next = 0;
  const sizes = operand.shape.map((_, axis) =>
    dropped.includes(axis) || batching.includes(axis) ? 1 : shape[windowDims[next++]!] ?? 1
  );
  const rest = starts.shape.slice(0, -1);
  const wanted = Array.from(
    { length: places + windows },
    (_, i) => windowDims.includes(i) ? shape[i] ?? -1 : rest.shift()!,
  );
  if (!sameShape(wanted, shape) || sizes.some((n, axis) => n > operand.shape[axis]!)) {
    throw new ShapeError(
      `${op}: updates of shape ${formatShape(shape)} do not fit: indices have shape ${
        formatShape(starts.shape)
      }, the operand ${formatShape(operand.shape)}, and axes ${
        formatShape(windowDims)
      } of the updates are those of windows`,
    );
  }
  return windowsAt(op, operand.shape, starts, sizes, numbers, modeOf(op, options) ?? "drop");
}

function scattered(
  op: string,
  put: Put,
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  d: ScatterDimensionNumbers,
  options: ScatterOptions,
): NDArray {
  const given = expectArray(op, operand, "the operand");
  if (given.dtype === "bool" && op !== "scatter") {
    throw new DTypeError(`${op}: the operand is bool. Convert it with astype("int32") first`);
  }
  const v = asDType(op, expectArray(op, updates, "updates"), given.dtype, "updates");
  if (given.ndim === 0) {
    const dims = isPlain(d) ? { ...d, insertedWindowDims: [0] } : d;
    return reshape(scattered(op, put, reshape(given, [1]), indices, v, dims, options), []);
  }
  const at = placed(op, given, indices, v.shape, d, options);
  const blocks = transpose(v, inversePermutation(at.result));
  const changed = put(transpose(given, at.order), dropOutside(at), blocks);
  return transpose(changed, inversePermutation(at.order));
}

/**
 * An array with windows at computed places replaced by updates, as `jax.lax.scatter`: the numbers of each place
 * are along the last axis of `indices`. Windows that do not lie within the array are dropped, or moved into it
 * with the mode `"clip"`; of several for one element the last one stays.
 *
 * @throws {ShapeError} where updates or numbers of axes do not fit.
 * @throws {AxisError} where there is no such axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const numbers = { updateWindowDims: [1], insertedWindowDims: [], scatterDimsToOperandDims: [0] };
 * const starts = np.array([[0], [3]], { dtype: "int32" });
 * const updates = np.array([[1, 2], [3, 4]]);
 * console.log(lax.scatter(np.zeros([5]), starts, updates, numbers).toArray()); // [ 1, 2, 0, 3, 4 ]
 * ```
 */
export function scatter(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "scatter(operand, indices, updates, dimensionNumbers, options)",
      arguments,
      scatterOptions,
    );
  }
  return scattered("scatter", s.scatter, operand, indices, updates, dimensionNumbers, options);
}

/** As {@linkcode scatter}, with updates added, as `jax.lax.scatter_add`. */
export function scatterAdd(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  const op = "scatterAdd";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(operand, indices, updates, dimensionNumbers, options)`,
      arguments,
      scatterOptions,
    );
  }
  const put: Put = addAt;
  return scattered(op, put, operand, indices, updates, dimensionNumbers, options);
}

/** As {@linkcode scatter}, with updates subtracted, as `jax.lax.scatter_sub`. */
export function scatterSub(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  const op = "scatterSub";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(operand, indices, updates, dimensionNumbers, options)`,
      arguments,
      scatterOptions,
    );
  }
  const put: Put = (x, at, v) => addAt(x, at, neg(v));
  return scattered(op, put, operand, indices, updates, dimensionNumbers, options);
}

/** As {@linkcode scatter}, with what is there multiplied by updates, as `jax.lax.scatter_mul`. */
export function scatterMul(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  const op = "scatterMul";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(operand, indices, updates, dimensionNumbers, options)`,
      arguments,
      scatterOptions,
    );
  }
  const put: Put = s.scatterMul;
  return scattered(op, put, operand, indices, updates, dimensionNumbers, options);
}

/** As {@linkcode scatter}, with the lesser of what is there and updates, as `jax.lax.scatter_min`. */
export function scatterMin(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  const op = "scatterMin";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(operand, indices, updates, dimensionNumbers, options)`,
      arguments,
      scatterOptions,
    );
  }
  const put: Put = s.scatterMin;
  return scattered(op, put, operand, indices, updates, dimensionNumbers, options);
}

/** As {@linkcode scatter}, with the greater of what is there and updates, as `jax.lax.scatter_max`. */
export function scatterMax(
  operand: NDArray,
  indices: NDArray,
  updates: NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterOptions = {},
): NDArray {
  const op = "scatterMax";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(operand, indices, updates, dimensionNumbers, options)`,
      arguments,
      scatterOptions,
    );
  }
  const put: Put = s.scatterMax;
  return scattered(op, put, operand, indices, updates, dimensionNumbers, options);
}

/** Options of {@linkcode scatterApply}. */
export interface ScatterApplyOptions extends ScatterOptions {
  /** The shape that updates would have; that of the places alone where it is left out. */
  readonly updateShape?: readonly number[] | undefined;
}

const applyOptions: OptionTable<ScatterApplyOptions> = /* @__PURE__ */ tableOf(scatterOptions, {
  updateShape: "shape",
});

/**
 * An array with a function applied to the windows at computed places, as `jax.lax.scatter_apply`: as often as a
 * place is named, one after another, unless `uniqueIndices` says that none is named twice.
 *
 * @throws {TypeError} where `f` is no function.
 */
export function scatterApply(
  operand: NDArray,
  indices: NDArray,
  f: (x: NDArray) => NDArray,
  dimensionNumbers: ScatterDimensionNumbers,
  options: ScatterApplyOptions = {},
): NDArray {
  const op = "scatterApply";
  if (arguments.length > 4) {
    options = readOptions(
      "scatterApply(operand, indices, f, dimensionNumbers, options)",
      arguments,
      applyOptions,
    );
  }
  const given = expectArray(op, operand, "the operand");
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f is ${describeValue(f)}, and must be a function of an array`);
  }
  if (given.ndim === 0) {
    throw new ShapeError(`${op}: the operand is a scalar and has no places`);
  }
  const places = expectArray(op, indices, "indices").shape.slice(0, -1);
  const shape = expectShape(op, options.updateShape ?? places);
  const at = placed(op, given, indices, shape, dimensionNumbers, options);
  const rows = dropOutside(at);
  const of = (x: NDArray, where: NDArray): NDArray => {
    const part = gather(x, where);
    const y = asDType(op, expectArray(op, f(part), "what f gives"), x.dtype, "what f gives");
    if (sameShape(y.shape, part.shape)) return s.scatter(x, where, y);
    throw new ShapeError(
      `${op}: f gave ${formatAval(y.aval)} for ${formatAval(part.aval)}, and must keep the shape`,
    );
  };
  const front = transpose(given, at.order);
  const back = (x: NDArray): NDArray => transpose(x, inversePermutation(at.order));
  if (rows.size === 0 || front.size === 0) return given;
  if (options.uniqueIndices) return back(of(front, rows));
  const count = places.reduce((a, b) => a * b, 1);
  const list = reshape(rows, [count, ...rows.shape.slice(places.length)]);
  const one = (i: NDArray): NDArray => {
    const starts = list.shape.map((_, axis) => axis === 0 ? i : asIndex(op, 0));
    return reshape(dynamicSlice(list, starts, list.shape.with(0, 1)), list.shape.slice(1));
  };
  return back(foriLoop(0, count, (i, x: NDArray) => of(x, one(i as NDArray)), front));
}
