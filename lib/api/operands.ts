/**
 * What users pass to operations: arrays, numbers and booleans are brought to a common dtype here,
 * and everything else is refused with a message that says what it was and what to do.
 *
 * Owns weak typing and the checks of operands, axes and dtypes that all namespaces share. Promotion
 * rules themselves are in `lib/core/dtype.ts`.
 *
 * @module
 */
import {
  arrayOfObject,
  type Axes,
  broadcastShapes,
  checkRoom,
  checkShape,
  currentTrace,
  defaultFloat,
  describeValue,
  type DType,
  DTypeError,
  evalTrace,
  expectDType,
  expectInteger,
  formatAval,
  formatShape,
  integerAdvice,
  isFloat,
  isInteger,
  isPlain,
  isTypedArray,
  limits,
  NDArray,
  normalizeAxes,
  normalizeAxis,
  type Operand,
  promoteDTypes,
  promoteScalar,
  sameShape,
  scalarArray,
  ShapeError,
} from "../core/mod.ts";
import {
  and,
  broadcastTo,
  convert,
  minimum,
  mul,
  ne,
  or,
  reshape,
  scalarLike,
  slice,
} from "../primitives/mod.ts";

/** An operation on one array. */
export type Unary = (x: NDArray) => NDArray;
/** An operation on two arrays of one dtype. */
export type Binary = (x: NDArray, y: NDArray) => NDArray;

/** How messages name the operands of operations of two. */
const FIRST = "the first operand";
const SECOND = "the second operand";

// ---------------------------------------------------------------- refusals

/** The error for a value that cannot be an operand. */
export function badOperand(
  op: string,
  what: string,
  value: unknown,
  accepted: string = "an array, number or boolean",
): TypeError {
  let fix = "Arrays are made with np.array(...)";
  if (value === undefined || value === null) {
    fix = "Was an argument left out, a name misspelt or a return forgotten?";
  } else if (Array.isArray(value) || isTypedArray(value)) {
    fix = "Make an array of it with np.array(...)";
  } else if (typeof value === "function") fix = "Did you mean to call it?";
  else if (typeof value === "string") fix = "Convert text with Number(...) first";
  else if (typeof value === "bigint") fix = "Convert it with Number(...) first";
  else fix = arrayOfObject(value) ?? fix;
  const given = value === undefined ? "undefined" : describeValue(value);
  return new TypeError(`${op}: ${what} is ${given}, not ${accepted}. ${fix}`);
}

/**
 * Gives `x` if it is an array.
 *
 * @throws {TypeError} saying what it is instead.
 */
export function expectArray(op: string, x: unknown, what = "x"): NDArray {
  if (x instanceof NDArray) return x;
  throw badOperand(op, what, x, "an array");
}

/**
 * Whether options stand in the place of an argument that may be left out; they may have it in them, as
 * in `{ axis: 0, keepDims: true }`.
 */
export function isNamed<T>(
  x: T,
): x is Exclude<T, Operand | string | readonly unknown[] | null | undefined> {
  return isPlain(x);
}

/** The dtype that options ask for, or `fallback`. */
export function dtypeOption(
  op: string,
  options: { readonly dtype?: DType | null | undefined } | undefined,
  fallback: DType,
): DType {
  return expectDType(op, options?.dtype, fallback);
}

/** Refuses an options object in the place of an axis. */
function checkAxisType(op: string, axis: unknown): void {
  if (
    axis === undefined || axis === null || typeof axis === "number" ||
    (Array.isArray(axis) && axis.every((a) => typeof a === "number"))
  ) return;
  throw new TypeError(
    `${op}: the axis is ${
      axis instanceof NDArray ? "an array" : describeValue(axis)
    }, not a number or a list of numbers`,
  );
}

/** Non-negative ascending axes; all where `axis` is left out. */
export function expectAxes(op: string, axis: Axes | undefined, rank: number): number[] {
  checkAxisType(op, axis);
  return normalizeAxes(op, axis, rank);
}

/** A non-negative axis. */
export function expectAxis(op: string, axis: number, rank: number, what = "axis"): number {
  if (typeof axis !== "number") checkAxisType(op, axis ?? {});
  return normalizeAxis(op, axis, rank, what);
}

/**
 * A shape as a list of lengths.
 *
 * @throws {ShapeError} where a length is not a non-negative integer.
 */
export function expectShape(op: string, shape: unknown): readonly number[] {
  return checkShape(op, typeof shape === "number" ? [shape] : shape);
}

/**
 * Checks, where operations run at once, that a result can be held, before any part of it is made. Of a
 * program it is not known what will be computed and what only named.
 *
 * @throws {RangeError} with its type and bytes.
 */
export function expectRoom(op: string, shape: readonly number[], dtype: DType): void {
  if (currentTrace() === evalTrace) checkRoom(op, { shape, dtype });
}

/**
 * Refuses bools, which have neither signs nor differences.
 *
 * @throws {DTypeError} where an array is of bools.
 */
export function expectNumbers(op: string, x: NDArray, what: string): NDArray {
  if (x.dtype !== "bool") return x;
  throw new DTypeError(`${op}: ${what} is ${formatAval(x.aval)}. Convert it with astype("int32")`);
}

/**
 * Checks that an array has so many axes.
 *
 * @throws {ShapeError} where it has fewer.
 */
export function expectRank(op: string, name: string, x: NDArray, least: number): void {
  if (x.ndim >= least) return;
  throw new ShapeError(
    `${op}: ${name} has shape ${formatShape(x.shape)}, but needs ${least} ${
      least === 1 ? "axis" : "axes"
    } or more`,
  );
}

/**
 * An array broadcast to a shape that something else decides.
 *
 * @throws {ShapeError} where it does not broadcast, or has more axes or longer ones.
 */
export function broadcastFor(
  op: string,
  what: string,
  x: NDArray,
  shape: readonly number[],
): NDArray {
  const fits = x.ndim <= shape.length && x.shape.every((n, i) => {
    const wanted = shape[shape.length - x.ndim + i];
    return n === 1 || n === wanted;
  });
  if (fits) return broadcastTo(x, shape);
  throw new ShapeError(
    `${op}: ${what} has shape ${formatShape(x.shape)}, which does not broadcast to ${
      formatShape(shape)
    }: lengths must be 1 or equal, counted from the last axis`,
  );
}

// ---------------------------------------------------------------- numbers

/**
 * Gives a number as it is stored in an array: integers truncate, and must be in range.
 *
 * @throws {RangeError} where an integer type cannot hold it.
 */
export function storable(op: string, what: string, value: number, dtype: DType): number {
  if (!isInteger(dtype)) return value;
  const [min, max] = limits(dtype);
  const whole = Math.trunc(value);
  if (whole >= min && whole <= max) return whole;
  throw new RangeError(
    `${op}: ${what} ${value} does not fit into ${dtype}, which holds ${min} to ${max}. ` +
      "Use a float dtype",
  );
}

/**
 * A number or boolean as a scalar array of an operand's dtype, or of the one that holds both. A negative
 * int32 wraps where that is uint32, as in JAX: `x.add(-1)` is one less.
 */
function weakScalar(op: string, value: number | boolean, dtype: DType): NDArray {
  if (typeof value === "boolean") return scalarArray(value ? 1 : 0, dtype);
  const wraps = dtype === "uint32" && value < 0 && value >= limits("int32")[0];
  if (isInteger(dtype) && !wraps) storable(op, "the number", value, dtype);
  return scalarArray(value, dtype);
}

/** A number as float32, a boolean as bool. */
function strongScalar(value: number | boolean): NDArray {
  return typeof value === "number"
    ? scalarArray(value, defaultFloat)
    : scalarArray(value ? 1 : 0, "bool");
}

/**
 * An operand as an array: numbers become float32, booleans bool.
 *
 * @throws {TypeError} where it is none of these.
 */
export function asOperand(op: string, x: unknown, what = "x"): NDArray {
  if (x instanceof NDArray) return x;
  if (typeof x === "number" || typeof x === "boolean") return strongScalar(x);
  throw badOperand(op, what, x);
}

/** As `asOperand`; whatever is not a float becomes float32. */
export function asFloat(op: string, x: unknown, what = "x"): NDArray {
  const array = asOperand(op, x, what);
  return isFloat(array.dtype) ? array : convert(array, defaultFloat);
}

/** As `asOperand`; whatever is not bool is compared with 0. */
export function asBool(op: string, x: unknown, what = "x"): NDArray {
  const array = asOperand(op, x, what);
  return array.dtype === "bool" ? array : ne(array, scalarLike(0, array));
}

/**
 * An operand as an array of a given dtype.
 *
 * @throws {DTypeError} where that would lose values.
 */
export function asDType(op: string, x: unknown, dtype: DType, what: string): NDArray {
  if (typeof x === "number" || typeof x === "boolean") {
    const isBit = dtype === "bool" && (x === 0 || x === 1);
    if (isBit || promoteScalar(dtype, x) === dtype) return weakScalar(op, x, dtype);
    throw new DTypeError(
      `${op}: ${what}, ${x}, does not fit an array of ${dtype}. Convert the array with astype`,
    );
  }
  const array = asOperand(op, x, what);
  if (promoteDTypes(array.dtype, dtype) === dtype) return convert(array, dtype);
  throw new DTypeError(
    `${op}: ${what}, which is ${
      formatAval(array.aval)
    }, does not fit an array of ${dtype}. Convert one of them with astype`,
  );
}

/**
 * A whole number as an int32 array.
 *
 * @throws {DTypeError} where it is an array of floats or bools.
 */
export function asIndex(op: string, x: unknown, what = "the index"): NDArray {
  if (typeof x === "number") {
    expectInteger(op, x, what, ...limits("int32"));
    return scalarArray(x, "int32");
  }
  const array = expectArray(op, x, what);
  if (array.dtype === "uint32") {
    // Beyond int32 is beyond any axis, and must not come out negative, which counts from the end.
    const [, most] = limits("int32");
    return convert(minimum(array, scalarLike(most, array)), "int32");
  }
  if (isInteger(array.dtype)) return convert(array, "int32");
  throw new DTypeError(
    `${op}: ${what} must be an integer array, but is ${formatAval(array.aval)}. ${
      array.dtype === "bool"
        ? "A mask would give a result of unknown shape; use np.where"
        : integerAdvice
    }`,
  );
}

// ---------------------------------------------------------------- two operands

/** The dtype in which two operands are calculated with; numbers and booleans are weakly typed. */
function commonDType(x: Operand, y: Operand): DType {
  if (x instanceof NDArray) {
    return y instanceof NDArray ? promoteDTypes(x.dtype, y.dtype) : promoteScalar(x.dtype, y);
  }
  if (y instanceof NDArray) return promoteScalar(y.dtype, x);
  return typeof x === "boolean" && typeof y === "boolean" ? "bool" : defaultFloat;
}

/** An operand, already known to be one, as an array of the common dtype. */
function operandOf(op: string, x: Operand, dtype: DType): NDArray {
  return x instanceof NDArray ? convert(x, dtype) : weakScalar(op, x, dtype);
}

/**
 * Checks that `x` is an array, a number or a boolean.
 *
 * @throws {TypeError} saying what it is instead.
 */
export function expectOperand(op: string, x: unknown, what: string): asserts x is Operand {
  if (x instanceof NDArray || typeof x === "number" || typeof x === "boolean") return;
  throw badOperand(op, what, x);
}

/** Two operands as arrays of one dtype, which `adjust` may still change. */
export function promote(
  op: string,
  x: Operand,
  y: Operand,
  adjust?: (dtype: DType) => DType,
  names: readonly [string, string] = [FIRST, SECOND],
): [NDArray, NDArray] {
  expectOperand(op, x, names[0]);
  expectOperand(op, y, names[1]);
  let dtype = commonDType(x, y);
  if (adjust !== undefined) dtype = adjust(dtype);
  return [operandOf(op, x, dtype), operandOf(op, y, dtype)];
}

/** Applies an operation of two operands in their common dtype. */
export function apply2(op: string, f: Binary, x: Operand, y: Operand): NDArray {
  // The paths that loops take: two arrays of one dtype, or an array and a number that fits it.
  if (x instanceof NDArray) {
    const { dtype } = x.aval;
    if (y instanceof NDArray) {
      if (y.aval.dtype === dtype) return f(x, y);
    } else if (typeof y === "number" && isFloat(dtype)) return f(x, scalarArray(y, dtype));
  }
  const [a, b] = promote(op, x, y);
  return f(a, b);
}

/**
 * As `apply2`, for operations that users know under another name than the primitive's: shapes are
 * checked first, so that the message has the user's name.
 */
export function applyNamed(
  op: string,
  f: Binary,
  x: Operand,
  y: Operand,
  adjust?: (dtype: DType) => DType,
): NDArray {
  let a: NDArray, b: NDArray;
  if (
    adjust === undefined && x instanceof NDArray && y instanceof NDArray && x.dtype === y.dtype
  ) {
    a = x, b = y;
  } else [a, b] = promote(op, x, y, adjust);
  if (a.ndim > 0 && b.ndim > 0 && !sameShape(a.shape, b.shape)) {
    broadcastShapes(op, a.shape, b.shape);
  }
  return f(a, b);
}

/** Sums of bools: true where any is. */
export const orOf: Binary = or;
/** Products of bools: true where both are. */
export const andOf: Binary = and;

/** Products of arrays of one dtype; of bools, whether both are true. */
export function times(x: NDArray, y: NDArray): NDArray {
  return (x.dtype === "bool" ? and : mul)(x, y);
}

/** Floats stay, everything else is calculated with as float32. */
export function floatOr32(dtype: DType): DType {
  return isFloat(dtype) ? dtype : defaultFloat;
}

/** Bools are calculated with as int32. */
export function boolToInt(dtype: DType): DType {
  return dtype === "bool" ? "int32" : dtype;
}

// ---------------------------------------------------------------- any number of operands

/** Operands in the one dtype of floats that holds all arrays among them. */
export function inFloats(
  op: string,
  values: readonly unknown[],
  names: readonly string[],
): NDArray[] {
  const operands = values.map((value, i) => {
    expectOperand(op, value, names[i]!);
    return value;
  });
  const arrays = operands.filter((x): x is NDArray => typeof x === "object");
  const common = arrays.map((x) => x.dtype).reduce(promoteDTypes, arrays[0]?.dtype ?? defaultFloat);
  const dtype = isFloat(common) ? common : defaultFloat;
  return operands.map((x) =>
    typeof x === "object" ? convert(x, dtype) : scalarArray(Number(x), dtype)
  );
}

/**
 * As {@linkcode inFloats}, for operands that broadcast.
 *
 * @throws {ShapeError} where their shapes do not.
 */
export function floatsOf(
  op: string,
  values: readonly unknown[],
  names: readonly string[],
): NDArray[] {
  const floats = inFloats(op, values, names);
  floats.map((x) => x.shape).reduce((a, b) => broadcastShapes(op, a, b));
  return floats;
}

/** The dtype in which arrays, numbers and booleans meet; numbers are weakly typed. */
export function commonDTypeOf(list: readonly Operand[]): DType {
  let dtype: DType | null = null;
  for (const x of list) {
    if (x instanceof NDArray) dtype = dtype === null ? x.dtype : promoteDTypes(dtype, x.dtype);
  }
  for (const x of list) {
    if (typeof x === "number") dtype = dtype === null ? defaultFloat : promoteScalar(dtype, x);
  }
  return dtype ?? "bool";
}

/**
 * The members of a list, or of an array along its first axis, as arrays of one dtype, where it is not given;
 * numbers are weakly typed then.
 */
export function promoteAll(
  op: string,
  list: readonly Operand[] | NDArray,
  options: { readonly dtype?: DType | null | undefined } = {},
): NDArray[] {
  if (list instanceof NDArray) {
    const [n, ...rest] = list.shape;
    const row = (_: unknown, i: number): NDArray =>
      reshape(slice(list, [i, ...rest.map(() => 0)], [i + 1, ...rest]), rest);
    return promoteAll(op, Array.from({ length: n ?? 0 }, row), options);
  }
  if (!Array.isArray(list)) {
    throw new TypeError(
      `${op}: the arrays are given as a list, ${op}([x, y]), not as ${describeValue(list)}`,
    );
  }
  if (list.length === 0) throw new ShapeError(`${op}: the list of arrays is empty`);
  if (options.dtype !== undefined) {
    const to = dtypeOption(op, options, defaultFloat);
    return list.map((x: Operand, i) => convert(asOperand(op, x, `array ${i}`), to));
  }
  const to = commonDTypeOf(list);
  return list.map((x: Operand, i) => asDType(op, x, to, `array ${i}`));
}

/**
 * The dtype that sums of products are asked for in, that of the operands where none is. Bools are
 * counted in any, and integers may be added up as floats.
 *
 * @throws {DTypeError} where it is narrower, or of integers where the operands are floats.
 */
export function expectPreferred(op: string, asked: unknown, own: DType): DType {
  if (asked === undefined || asked === null) return own;
  const dtype = expectDType(op, asked, own);
  if (promoteDTypes(own, dtype) === dtype) return dtype;
  throw new DTypeError(
    `${op}: preferredElementType is ${dtype}, but the operands are ${own}, which do not fit in it. ` +
      "Convert the operands or the result with astype",
  );
}
