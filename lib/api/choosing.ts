/**
 * Elements chosen from several arrays, and elements replaced at places.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import {
  add,
  broadcastTo,
  convert,
  cumsum,
  div,
  full,
  iota,
  moveAxis,
  mul,
  rem,
  reshape,
  scalarLike,
  select as selectOf,
  sub,
} from "../primitives/mod.ts";
import { maximum, minimum, mod } from "./arithmetic.ts";
import { inside, takeInRange, wrapped } from "./indices.ts";
import {
  asBool,
  asDType,
  asIndex,
  asOperand,
  broadcastFor,
  expectArray,
  expectAxis,
  isNamed,
  promote,
} from "./operands.ts";
import { setAt } from "./set_at.ts";

/** The members of a list, or an error that says how it is given. */
function listOf<T>(op: string, what: string, list: readonly T[]): readonly T[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(
      `${op}: ${what} are given as a list with one or more, not ${
        Array.isArray(list) ? "an empty one" : describeValue(list)
      }`,
    );
  }
  return list;
}

/** Operands in one dtype and shape. */
function alike(op: string, list: readonly Operand[], shapes: readonly NDArray[] = []): NDArray[] {
  let common = asOperand(op, list[0]);
  for (const x of list.slice(1)) [common] = promote(op, common, x);
  const all = list.map((x) => asDType(op, x, common.dtype, "an array"));
  const shape = broadcastShapes(op, ...all.map((x) => x.shape), ...shapes.map((x) => x.shape));
  return all.map((x) => broadcastTo(x, shape));
}

/**
 * For each element, that of the array in `choices` whose condition is the first to hold, as
 * `jax.numpy.select`; `fallback` where none does.
 *
 * @throws {ShapeError} where there are not as many conditions as choices, or shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.arange(4);
 * console.log(np.select([x.less(1), x.greater(2)], [x, x.mul(10)], -1).toArray()); // [ 0, -1, -1, 30 ]
 * ```
 */
export function select(
  conditions: readonly Operand[],
  choices: readonly Operand[],
  fallback: Operand | Named<unknown, { default: Operand }> = 0,
): NDArray {
  if (arguments.length > 3 || isNamed(fallback)) {
    checkCall("select(conditions, choices, default)", arguments, {}, 2);
  }
  if (isNamed(fallback)) return select(conditions, choices, fallback.default);
  const op = "select";
  listOf(op, "conditions", conditions);
  listOf(op, "choices", choices);
  if (conditions.length !== choices.length) {
    throw new ShapeError(
      `${op}: there are ${conditions.length} conditions, but ${choices.length} choices`,
    );
  }
  const masks = conditions.map((c, i) => asBool(op, c, `condition ${i}`));
  const arrays = alike(op, [...choices, fallback], masks);
  const { shape } = arrays[0]!;
  return masks.reduceRight(
    (out, mask, i) => selectOf(broadcastTo(mask, shape), arrays[i]!, out),
    arrays.at(-1)!,
  );
}

/** What `choose` does with an index that is out of range. */
export type ChooseMode = "clip" | "wrap";

/**
 * For each element of `indices`, that of the array in `choices` with this number, as `jax.numpy.choose`.
 *
 * @param mode For indices out of range: `"clip"` takes the nearest, `"wrap"` starts again.
 * @throws {ShapeError} where shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const which = np.array([1, 0], { dtype: "int32" });
 * console.log(np.choose(which, [np.array([1, 2]), np.array([10, 20])]).toArray()); // [ 10, 2 ]
 * ```
 */
export function choose(
  indices: NDArray,
  choices: readonly Operand[],
  mode: ChooseMode | Named<unknown, { mode: ChooseMode }> = "clip",
): NDArray {
  if (arguments.length > 3 || isNamed(mode)) {
    checkCall("choose(indices, choices, mode)", arguments, {}, 2);
  }
  if (isNamed(mode)) return choose(indices, choices, mode.mode);
  const op = "choose";
  if (mode !== "clip" && mode !== "wrap") {
    throw new TypeError(`${op}: mode must be "clip" or "wrap", not ${describeValue(mode)}`);
  }
  const n = listOf(op, "choices", choices).length;
  const given = asIndex(op, indices, "the indices");
  const at = mode === "wrap" ? mod(given, n) : minimum(maximum(given, 0), n - 1);
  const arrays = alike(op, choices, [at]);
  const { shape } = arrays[0]!;
  const which = broadcastTo(at, shape);
  return arrays.slice(1).reduce(
    (out, x, i) => selectOf(which.equal(i + 1), x, out),
    arrays[0]!,
  );
}

/**
 * A function in pieces, as `jax.numpy.piecewise`: `functions[i]` of `x` where the i-th condition is the
 * last to hold; functions are numbers, or functions of an array. One more than there are conditions is
 * for where none holds, which else is 0.
 *
 * @throws {ShapeError} where there are neither as many functions as conditions, nor one more.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([-2, 3]);
 * console.log(np.piecewise(x, [x.less(0), x.greater(0)], [(v) => v.neg(), 1]).toArray()); // [ 2, 1 ]
 * ```
 */
export function piecewise(
  x: Operand,
  conditions: readonly Operand[],
  functions: readonly (Operand | ((x: NDArray) => Operand))[],
): NDArray {
  if (arguments.length > 3) checkCall("piecewise(x, conditions, functions)", arguments);
  const op = "piecewise";
  const a = asOperand(op, x);
  const [n, k] = [
    listOf(op, "conditions", conditions).length,
    listOf(op, "functions", functions).length,
  ];
  if (k !== n && k !== n + 1) {
    throw new ShapeError(
      `${op}: there are ${n} conditions and ${k} functions, which are as many or one more`,
    );
  }
  const values = functions.map((f) => typeof f === "function" ? f(a) : f);
  const fallback = k === n + 1 ? values[n]! : 0;
  const piece = (y: Operand): NDArray =>
    broadcastTo(
      convert(asOperand(op, y, "a piece"), a.dtype),
      a.shape,
    );
  return conditions.reduce<NDArray>(
    (out, c, i) =>
      selectOf(broadcastTo(asBool(op, c, `condition ${i}`), a.shape), piece(values[i]!), out),
    piece(fallback),
  );
}

/**
 * `x` with the elements at which `mask` holds replaced by those of `values` in turn, as
 * `jax.numpy.place` with `inplace=False`.
 *
 * @throws {ShapeError} where the mask is not as large as `x`, or there are no values.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([1, 2, 3]);
 * console.log(np.place(x, x.greater(1), np.array([10, 20])).toArray()); // [ 1, 10, 20 ]
 * ```
 */
export function place(x: NDArray, mask: Operand, values: Operand): NDArray {
  if (arguments.length > 3) checkCall("place(x, mask, values)", arguments);
  const op = "place";
  const a = expectArray(op, x);
  const holds = asBool(op, mask, "the mask");
  if (holds.size !== a.size) {
    throw new ShapeError(
      `${op}: the mask has shape ${formatShape(holds.shape)}, but x has ${formatShape(a.shape)}`,
    );
  }
  const v = asDType(op, values, a.dtype, "values");
  if (a.size === 0) return a;
  if (v.size === 0) throw new ShapeError(`${op}: there are no values to put in`);
  const flat = reshape(holds, [a.size]);
  const order = sub(cumsum(convert(flat, "int32"), 0, false), full([], 1, "int32"));
  const turn = rem(maximum(order, 0), scalarLike(v.size, order));
  const taken = takeInRange(reshape(v, [v.size]), turn, 0);
  return reshape(selectOf(flat, taken, reshape(a, [a.size])), a.shape);
}

/** Options of {@linkcode put}. */
export interface PutOptions {
  /**
   * For positions out of range: `"drop"`, which is the default, `"clip"`, which takes the nearest one, or
   * `"wrap"`, which starts again.
   */
  readonly mode?: "drop" | "clip" | "wrap" | undefined;
}

/** Options of {@linkcode putAlongAxis}. */
export interface PutAlongAxisOptions {
  /** For indices out of range: `"drop"`, which is the default, or `"clip"`, which takes the nearest one. */
  readonly mode?: "drop" | "clip" | undefined;
}

const putOptions: OptionTable<PutOptions> = { mode: "string" };

function expectMode(op: string, mode: unknown, modes: readonly string[]): string {
  if (mode === undefined) return "drop";
  if (modes.includes(mode as string)) return mode as string;
  const names = modes.map((m) => `"${m}"`);
  throw new TypeError(
    `${op}: mode must be ${names.slice(0, -1).join(", ")} or ${names.at(-1)}, not ${
      describeValue(mode)
    }`,
  );
}

/**
 * `x` with elements at positions in the flat array replaced, as `jax.numpy.put` with `inplace=False`:
 * `values` are repeated where they are too few. Positions that are out of range are dropped.
 *
 * @throws {DTypeError} where positions are not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const at = np.array([0, -1], { dtype: "int32" });
 * console.log(np.put(np.zeros([3]), at, np.array([5, 7])).toArray()); // [ 5, 0, 7 ]
 * ```
 */
export function put(
  x: NDArray,
  indices: Operand,
  values: Operand,
  options: PutOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("put(x, indices, values, options)", arguments, putOptions);
  }
  const op = "put";
  const a = expectArray(op, x);
  const mode = expectMode(op, options.mode, ["drop", "clip", "wrap"]);
  const placed = asIndex(op, indices, "the positions");
  const given = mode === "clip"
    ? minimum(maximum(placed, 0), Math.max(0, a.size - 1))
    : mode === "wrap"
    ? mod(placed, Math.max(1, a.size))
    : placed;
  const v = asDType(op, values, a.dtype, "values");
  const at = reshape(given, [given.size]);
  if (at.size === 0 || a.size === 0) return a;
  if (v.size === 0) throw new ShapeError(`${op}: there are no values to put in`);
  const turn = rem(iota([at.size], 0, "int32"), full([], v.size, "int32"));
  const taken = takeInRange(reshape(v, [v.size]), turn, 0);
  return reshape(setAt(reshape(a, [a.size]), at, taken), a.shape);
}

/**
 * `x` with one element for each element of `indices`, which runs over `axis`, replaced by that of
 * `values`, as `jax.numpy.put_along_axis` with `inplace=False`. On all other axes they broadcast.
 *
 * @throws {ShapeError} where the numbers of axes differ, or other axes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 5], [7, 2]]);
 * const most = np.argmax(x, 1, { keepDims: true });
 * console.log(np.putAlongAxis(x, most, 0, 1).toArray()); // [ [ 1, 0 ], [ 0, 2 ] ]
 * ```
 */
export function putAlongAxis(
  x: NDArray,
  indices: NDArray,
  values: Operand,
  axis: number | PutAlongAxisOptions & { readonly axis: number },
  options: PutAlongAxisOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "putAlongAxis(x, indices, values, axis, options)",
      arguments,
      putOptions,
      3,
    );
  }
  if (isNamed(axis)) return putAlongAxis(x, indices, values, axis.axis, axis);
  const op = "putAlongAxis";
  const a = expectArray(op, x);
  const mode = expectMode(op, options.mode, ["drop", "clip"]);
  const at = asIndex(op, indices, "the indices");
  const along = expectAxis(op, axis, a.ndim);
  if (at.ndim !== a.ndim) {
    throw new ShapeError(
      `${op}: x and indices must have as many axes, but have shapes ${formatShape(a.shape)} and ${
        formatShape(at.shape)
      }`,
    );
  }
  const n = a.shape[along]!;
  const m = at.shape[along]!;
  const others = a.shape.toSpliced(along, 1);
  const lanes = broadcastShapes(op, others, at.shape.toSpliced(along, 1));
  if (!sameShape(lanes, others)) {
    throw new ShapeError(
      `${op}: indices of shape ${formatShape(at.shape)} do not broadcast to x of shape ${
        formatShape(a.shape)
      }`,
    );
  }
  const last = a.ndim - 1;
  const rows = others.reduce((p, k) => p * k, 1);
  const given = asDType(op, values, a.dtype, "values");
  const v = broadcastFor(op, "values", given, a.shape.with(along, m));
  const lane = (y: NDArray, length: number): NDArray =>
    reshape(moveAxis(broadcastTo(y, a.shape.with(along, length)), along, last), [rows * length]);
  const counted = wrapped(lane(at, m), n);
  const index = mode === "clip" ? minimum(maximum(counted, 0), Math.max(0, n - 1)) : counted;
  // In the flat array of lanes; what is out of the range of its lane is out of that of all.
  const row = div(iota([rows * m], 0, "int32"), full([], Math.max(1, m), "int32"));
  const flatAt = add(mul(row, full([], n, "int32")), index);
  const within = inside(index, n);
  const target = selectOf(within, flatAt, full([rows * m], rows * n, "int32"));
  const out = rows * m * n === 0 ? lane(a, n) : setAt(lane(a, n), target, lane(v, m));
  return moveAxis(reshape(out, [...others, n]), last, along);
}
