/**
 * Arrays made from numbers: constants, ranges and diagonals. Data are read in `array.ts`.
 *
 * @module
 */
import {
  allocate,
  checkCall,
  ConcreteArray,
  convertElement,
  defaultFloat,
  describeValue,
  type DType,
  DTypeError,
  expectInteger,
  formatShape,
  isInteger,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  shaped,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import {
  add,
  convert,
  eq,
  full as filled,
  ge,
  iota,
  mul,
  pad,
  reshape,
  scalarLike,
  select,
} from "../primitives/mod.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { diagonal } from "./indexing.ts";
import {
  asOperand,
  broadcastFor,
  dtypeOption,
  expectArray,
  expectRoom,
  expectShape,
  isNamed,
  storable,
} from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** Options of {@linkcode eye}. */
export interface EyeOptions extends DTypeOptions {
  /** Which diagonal: 0 (the default) is the main one, positive ones are above it. */
  readonly k?: number | undefined;
  /** The same under the name that it has for `np.diagonal` and `np.trace`. */
  readonly offset?: number | undefined;
}

/** Options of functions that make an array like another. */
export interface LikeOptions extends DTypeOptions {
  /** The shape of the result; that of the other array where left out. */
  readonly shape?: ShapeLike | undefined;
}

const likeOptions: OptionTable<LikeOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  shape: "shape",
});

const eyeOptions: OptionTable<Omit<EyeOptions, "k">> = /* @__PURE__ */ tableOf(dtypeOptions, {
  offset: "number",
});

// ---------------------------------------------------------------- constants

/** An array of equal elements. */
function constant(op: string, shape: ShapeLike, value: number, dtype: DType): NDArray {
  const to = expectShape(op, shape);
  expectRoom(op, to, dtype);
  return filled(to, value, dtype);
}

/**
 * Zeros of a shape, as `jax.numpy.zeros`; float32 where no dtype is given.
 *
 * @throws {ShapeError} where a length is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.zeros([2, 3]).shape, np.zeros(4, { dtype: "int32" }).dtype); // [ 2, 3 ] int32
 * ```
 */
export function zeros(shape: ShapeLike, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("zeros(shape, options)", arguments, dtypeOptions);
  return constant("zeros", shape, 0, dtypeOption("zeros", options, defaultFloat));
}

/** Zeros of a shape, as `jax.numpy.empty`: no array is without contents. */
export function empty(shape: ShapeLike, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("empty(shape, options)", arguments, dtypeOptions);
  return constant("empty", shape, 0, dtypeOption("empty", options, defaultFloat));
}

/**
 * Ones of a shape, as `jax.numpy.ones`; float32 where no dtype is given.
 *
 * @throws {ShapeError} where a length is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.ones([2, 2], { dtype: "int32" }).toArray()); // [ [ 1, 1 ], [ 1, 1 ] ]
 * ```
 */
export function ones(shape: ShapeLike, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("ones(shape, options)", arguments, dtypeOptions);
  return constant("ones", shape, 1, dtypeOption("ones", options, defaultFloat));
}

/**
 * An array filled with `value`, which is broadcast if it is an array, as `jax.numpy.full`. The dtype
 * is that of `value` (float32 for a number, bool for a boolean) where none is given.
 *
 * @throws {ShapeError} where the shape is none, or the value does not broadcast to it.
 * @throws {RangeError} where an integer dtype does not hold the number.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.full([3], 7).toArray()); // [ 7, 7, 7 ]
 * ```
 */
export function full(shape: ShapeLike, value: Operand, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("full(shape, value, options)", arguments, dtypeOptions);
  }
  return filledWith("full", shape, value, options);
}

function filledWith(op: string, shape: ShapeLike, value: Operand, options: DTypeOptions): NDArray {
  const to = expectShape(op, shape);
  if (typeof value === "number" && options.dtype !== undefined) {
    const dtype = dtypeOption(op, options, defaultFloat);
    return constant(op, to, storable(op, "the value", value, dtype), dtype);
  }
  const fill = asOperand(op, value, "the value");
  const dtype = dtypeOption(op, options, fill.dtype);
  expectRoom(op, to, dtype);
  return broadcastFor(op, "the value", convert(fill, dtype), to);
}

/** Zeros of the shape of `x`, and of its dtype where none is given, as `jax.numpy.zeros_like`. */
export function zerosLike(x: Operand, options: LikeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("zerosLike(x, options)", arguments, likeOptions);
  const like = asOperand("zerosLike", x);
  return constant(
    "zerosLike",
    options.shape ?? like.shape,
    0,
    dtypeOption("zerosLike", options, like.dtype),
  );
}

/** Zeros of the shape of `x`, and of its dtype where none is given, as `jax.numpy.empty_like`. */
export function emptyLike(x: Operand, options: LikeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("emptyLike(x, options)", arguments, likeOptions);
  const like = asOperand("emptyLike", x);
  return constant(
    "emptyLike",
    options.shape ?? like.shape,
    0,
    dtypeOption("emptyLike", options, like.dtype),
  );
}

/** `x` as an array, as `jax.numpy.copy`: arrays never change, so that it needs no memory of its own. */
export function copy(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("copy(x)", arguments);
  return asOperand("copy", x);
}

/** Ones of the shape of `x`, and of its dtype where none is given, as `jax.numpy.ones_like`. */
export function onesLike(x: Operand, options: LikeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("onesLike(x, options)", arguments, likeOptions);
  const like = asOperand("onesLike", x);
  return constant(
    "onesLike",
    options.shape ?? like.shape,
    1,
    dtypeOption("onesLike", options, like.dtype),
  );
}

/**
 * An array of the shape of `x` filled with `value`, as `jax.numpy.full_like`; of the dtype of `x` where
 * none is given.
 *
 * @throws {RangeError} where an integer dtype does not hold the number.
 */
export function fullLike(x: Operand, value: Operand, options: LikeOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("fullLike(x, value, options)", arguments, likeOptions);
  }
  const like = asOperand("fullLike", x);
  return filledWith("fullLike", options.shape ?? like.shape, value, {
    dtype: dtypeOption("fullLike", options, like.dtype),
  });
}

// ---------------------------------------------------------------- ranges

/**
 * Numbers from `start` (0 where only one number is given) up to but without `stop` in steps of `step`
 * (default 1), as `jax.numpy.arange`. int32 where all three are integers, else float32.
 *
 * @throws {TypeError} where a bound is not a number: lengths of arrays cannot depend on values.
 * @throws {RangeError} where the step is 0 or a bound is not finite.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.arange(4).toArray()); // [ 0, 1, 2, 3 ]
 * console.log(np.arange(1, 2, 0.25).toArray()); // [ 1, 1.25, 1.5, 1.75 ]
 * ```
 */
export function arange(
  start: number,
  options?: Named<DTypeOptions, { stop: number; step: number }>,
): NDArray;
/** As above, from `start`. */
export function arange(
  start: number,
  stop: number,
  step?: number,
  options?: DTypeOptions,
): NDArray;
/** As above, from `start` in steps of 1. */
export function arange(
  start: number,
  stop: number,
  options?: Named<DTypeOptions, { step: number }>,
): NDArray;
export function arange(
  start: number,
  stop?: number | Named<DTypeOptions, { stop: number; step: number }>,
  step?: number | Named<DTypeOptions, { step: number }>,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 1) {
    options = readOptions("arange(start, stop, step, options)", arguments, dtypeOptions, 1);
  }
  // The options may stand in the place of the first number left out.
  if (isNamed(stop)) return numbersOf(start, stop.stop, stop.step, options);
  return numbersOf(start, stop, isNamed(step) ? step.step : step, options);
}

function numbersOf(
  start: number,
  stop: number | null | undefined,
  step: number | null | undefined,
  options: DTypeOptions,
): NDArray {
  return (stop ?? null) === null
    ? range(0, start, step ?? 1, options)
    : range(start, stop as number, step ?? 1, options);
}

function range(start: number, stop: number, step: number, options: DTypeOptions): NDArray {
  const bounds: [string, unknown][] = [["start", start], ["stop", stop], ["step", step]];
  for (const [name, value] of bounds) {
    if (typeof value !== "number") {
      throw new TypeError(
        `arange: ${name} is ${
          value instanceof NDArray ? "an array" : describeValue(value)
        }, not a number: the length of an array cannot depend on traced values. Write ` +
          `${name}.item() where the array is not traced`,
      );
    }
    if (!Number.isFinite(value) || (name === "step" && value === 0)) {
      throw new RangeError(`arange: ${name} must be finite${name === "step" ? ", and not 0" : ""}`);
    }
  }
  const whole = Number.isInteger(start) && Number.isInteger(stop) && Number.isInteger(step);
  const dtype = dtypeOption("arange", options, whole ? "int32" : defaultFloat);
  if (dtype === "bool") throw new DTypeError("arange: bool cannot count. Use an integer dtype");
  const n = Math.max(0, Math.ceil((stop - start) / step));
  const last = start + (n - 1) * step;
  if (n > 0 && isInteger(dtype)) {
    storable("arange", "the first element", start, dtype);
    storable("arange", "the last element", last, dtype);
  }
  expectRoom("arange", [n], dtype);
  // A range that only counts is computed where it is used, and so is no constant in a program.
  if (start === 0 && step === 1) return iota([n], 0, dtype);
  if (whole && isInteger(dtype) && Math.abs(step) < 2 ** 31) {
    const count = iota([n], 0, dtype);
    const scaled = step === 1 ? count : mul(count, scalarLike(step, count));
    return start === 0 ? scaled : add(scaled, scalarLike(start, count));
  }
  const values = allocate(dtype, n);
  for (let i = 0; i < n; i++) values[i] = convertElement(start + i * step, "float64", dtype);
  return ConcreteArray.fromHost(shaped([n], dtype), values);
}

// ---------------------------------------------------------------- diagonals

/** Row and column numbers of a matrix, as a column and a row. */
function positions(n: number, m: number): [rows: NDArray, columns: NDArray] {
  return [iota([n, 1], 0, "int32"), iota([1, m], 1, "int32")];
}

/** Checks what `eye` and `tri` are given, and the options among it. */
function expectMatrix(
  op: string,
  n: number,
  second: number | null | Named<EyeOptions, { m: number }> | undefined,
  third: number | null | EyeOptions | undefined,
  options: EyeOptions = {},
): { readonly m: number; readonly offset: number; readonly dtype: DType } {
  const m = (isNamed(second) ? second.m : second) ?? n;
  const k = (isNamed(third) ? null : third) ?? options.k ?? options.offset ?? 0;
  expectInteger(op, n, "n", 0);
  const columns = expectInteger(op, m, "m", 0);
  const dtype = dtypeOption(op, options, defaultFloat);
  // A matrix without rows has numbers of columns all the same.
  expectRoom(op, [Math.max(1, n), Math.max(1, columns)], dtype);
  return { m: columns, offset: expectInteger(op, k, "k"), dtype };
}

/**
 * A matrix of shape `[n, m]` with ones on a diagonal and zeros elsewhere, as `jax.numpy.eye`; `m` is `n`
 * where it is left out, and the diagonal is the main one where `k` is.
 *
 * @throws {RangeError} where a length is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.eye(2).toArray()); // [ [ 1, 0 ], [ 0, 1 ] ]
 * console.log(np.eye(1, 3, { k: 1, dtype: "int32" }).toArray()); // [ [ 0, 1, 0 ] ]
 * ```
 */
export function eye(
  n: number,
  m?: number | Named<EyeOptions, { m: number }>,
  k?: number | null | EyeOptions,
  options?: Omit<EyeOptions, "k">,
): NDArray {
  if (arguments.length > 1) {
    options = readOptions("eye(n, m, k, options)", arguments, eyeOptions, 1);
  }
  const { m: columns, offset, dtype } = expectMatrix("eye", n, m, k, options);
  const [row, column] = positions(n, columns);
  return convert(eq(add(row, scalarLike(offset, row)), column), dtype);
}

/** The identity matrix of shape `[n, n]`, as `jax.numpy.identity`. */
export function identity(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("identity(n, options)", arguments, dtypeOptions);
  expectRoom("identity", [expectInteger("identity", n, "n", 0), n], options.dtype ?? defaultFloat);
  return eye(n, options);
}

/**
 * A matrix of shape `[n, m]` with ones on and below a diagonal and zeros above, as `jax.numpy.tri`; `m`
 * is `n` where it is left out, and the diagonal is the main one where `k` is.
 *
 * @throws {RangeError} where a length is not a non-negative integer.
 */
export function tri(
  n: number,
  m?: number | Named<EyeOptions, { m: number }>,
  k?: number | null | EyeOptions,
  options?: Omit<EyeOptions, "k">,
): NDArray {
  if (arguments.length > 1) {
    options = readOptions("tri(n, m, k, options)", arguments, eyeOptions, 1);
  }
  const { m: columns, offset, dtype } = expectMatrix("tri", n, m, k, options);
  return convert(triangle(n, columns, offset), dtype);
}

/** Where a matrix has its lower triangle. */
function triangle(n: number, m: number, offset: number): NDArray {
  const [rows, columns] = positions(n, m);
  return ge(add(rows, scalarLike(offset, rows)), columns);
}

function matrixMask(op: string, x: NDArray, offset: number): NDArray {
  if (x.ndim < 2) {
    throw new ShapeError(
      `${op}: x has shape ${formatShape(x.shape)}, but must have at least two axes`,
    );
  }
  expectInteger(op, offset, "k");
  return triangle(x.shape.at(-2)!, x.shape.at(-1)!, offset);
}

/**
 * Matrices `[..., n, m]` with everything above a diagonal set to zero, as `jax.numpy.tril`. Diagonal
 * 0 is the main one, where `k` is left out; positive ones are above it.
 *
 * @throws {ShapeError} where `x` has less than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.tril(np.array([[1, 2], [3, 4]])).toArray()); // [ [ 1, 0 ], [ 3, 4 ] ]
 * ```
 */
export function tril(x: NDArray, k: number | Named<unknown, { k: number }> = 0): NDArray {
  if (arguments.length > 2 || isNamed(k)) checkCall("tril(x, k)", arguments, {}, 1);
  if (isNamed(k)) return tril(x, k.k);
  const mask = matrixMask("tril", expectArray("tril", x), k);
  return select(mask, x, scalarLike(0, x));
}

/**
 * Matrices `[..., n, m]` with everything below a diagonal set to zero, as `jax.numpy.triu`.
 *
 * @throws {ShapeError} where `x` has less than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.triu(np.array([[1, 2], [3, 4]])).toArray()); // [ [ 1, 2 ], [ 0, 4 ] ]
 * ```
 */
export function triu(x: NDArray, k: number | Named<unknown, { k: number }> = 0): NDArray {
  if (arguments.length > 2 || isNamed(k)) checkCall("triu(x, k)", arguments, {}, 1);
  if (isNamed(k)) return triu(x, k.k);
  expectInteger("triu", k, "k");
  const mask = matrixMask("triu", expectArray("triu", x), k - 1);
  return select(mask, scalarLike(0, x), x);
}

/**
 * The matrix with a vector on a diagonal, or the vector of a matrix' diagonal, as `jax.numpy.diag`.
 *
 * @throws {ShapeError} where `x` has neither one nor two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.diag(np.array([1, 2])).toArray()); // [ [ 1, 0 ], [ 0, 2 ] ]
 * console.log(np.diag(np.array([[1, 2], [3, 4]])).toArray()); // [ 1, 4 ]
 * ```
 */
export function diag(x: NDArray, k: number | Named<unknown, { k: number }> = 0): NDArray {
  if (arguments.length > 2 || isNamed(k)) checkCall("diag(x, k)", arguments, {}, 1);
  if (isNamed(k)) return diag(x, k.k);
  expectArray("diag", x);
  expectInteger("diag", k, "k");
  if (x.ndim === 2) return diagonal(x, { offset: k });
  if (x.ndim !== 1) {
    throw new ShapeError(
      `diag: x has shape ${formatShape(x.shape)}, but must be a vector or a matrix. ` +
        "For the diagonals of stacked matrices use np.diagonal",
    );
  }
  const n = x.shape[0]! + Math.abs(k);
  // Shifted so that each element is in the row in which the diagonal has it.
  const column = pad(x, scalarLike(0, x), [Math.max(0, -k)], [Math.max(0, k)]);
  const here = eye(n, { k, dtype: "bool" });
  return select(here, reshape(column, [n, 1]), scalarLike(0, x));
}
