/**
 * Elementwise comparisons, logic of bools and of bits, choice, and what concerns NaN and infinities.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  DTypeError,
  isFloat,
  limits,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  scalarArray,
} from "../core/mod.ts";
import { abs, add, full, mul, reduceAnd, scalarLike, select, sub } from "../primitives/mod.ts";
import * as c from "../primitives/elementwise/compare.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { applyNamed, asBool, asOperand, type Binary, floatOr32, promote } from "./operands.ts";

// ---------------------------------------------------------------- comparisons

/**
 * Elementwise `x == y`, as bool, as `jax.numpy.equal`; false where either is NaN.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.equal(np.array([1, 2]), 2).toArray()); // [ false, true ]
 * ```
 */
export function equal(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("equal(x, y)", arguments);
  return applyNamed("equal", c.eq, x, y);
}
/**
 * Elementwise `x != y`, as bool, as `jax.numpy.not_equal`; true where either is NaN.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function notEqual(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("notEqual(x, y)", arguments);
  return applyNamed("notEqual", c.ne, x, y);
}
/**
 * Elementwise `x < y`, as bool, as `jax.numpy.less`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.less(np.array([1, 2]), 2).toArray()); // [ true, false ]
 * ```
 */
export function less(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("less(x, y)", arguments);
  return applyNamed("less", c.lt, x, y);
}
/**
 * Elementwise `x <= y`, as bool, as `jax.numpy.less_equal`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function lessEqual(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("lessEqual(x, y)", arguments);
  return applyNamed("lessEqual", c.le, x, y);
}
/**
 * Elementwise `x > y`, as bool, as `jax.numpy.greater`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function greater(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("greater(x, y)", arguments);
  return applyNamed("greater", c.gt, x, y);
}
/**
 * Elementwise `x >= y`, as bool, as `jax.numpy.greater_equal`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function greaterEqual(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("greaterEqual(x, y)", arguments);
  return applyNamed("greaterEqual", c.ge, x, y);
}

/** Options of {@linkcode isClose} and {@linkcode allClose}. */
export interface CloseOptions {
  /** Tolerance relative to `|y|`; 1e-5 where left out. */
  readonly rtol?: number | undefined;
  /** Absolute tolerance; 1e-8 where left out. */
  readonly atol?: number | undefined;
  /** Whether two NaNs count as close; they do not where left out. */
  readonly equalNan?: boolean | undefined;
}

const closeOptions: OptionTable<CloseOptions> = {
  rtol: "number",
  atol: "number",
  equalNan: "boolean",
};

/**
 * Elementwise `|x - y| <= atol + rtol * |y|`, as bool, as `jax.numpy.isclose`; infinities are close to
 * themselves.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.isClose(np.array([1, 2]), np.array([1.000001, 2.1])).toArray()); // [ true, false ]
 * ```
 */
export function isClose(x: Operand, y: Operand, options: CloseOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("isClose(x, y, options)", arguments, closeOptions);
  }
  return close("isClose", x, y, options);
}

function close(op: string, x: Operand, y: Operand, options: CloseOptions): NDArray {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options;
  return applyNamed(
    op,
    (a, b) => {
      const tolerance = add(scalarLike(atol, b), mul(scalarLike(rtol, b), abs(b)));
      const near = c.le(abs(sub(a, b)), tolerance);
      const finite = c.and(u.isFinite(a), u.isFinite(b));
      const is = c.or(c.and(near, finite), c.eq(a, b));
      return equalNan ? c.or(is, c.and(u.isNaN(a), u.isNaN(b))) : is;
    },
    x,
    y,
    floatOr32,
  );
}

/**
 * Whether all elements are close, as a bool scalar, as `jax.numpy.allclose`: see {@linkcode isClose}.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function allClose(x: Operand, y: Operand, options: CloseOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("allClose(x, y, options)", arguments, closeOptions);
  }
  const each = close("allClose", x, y, options);
  return reduceAnd(each, each.shape.map((_, i) => i));
}

/** Options of {@linkcode arrayEqual}. */
export interface ArrayEqualOptions {
  /** Whether NaN is equal to NaN. */
  readonly equalNan?: boolean | undefined;
}

const arrayEqualOptions: OptionTable<ArrayEqualOptions> = { equalNan: "boolean" };

/**
 * Whether shapes and all elements are equal, as a bool scalar, as `jax.numpy.array_equal`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.arrayEqual(np.array([1, 2]), np.array([1, 2])).item()); // 1
 * ```
 */
export function arrayEqual(x: Operand, y: Operand, options: ArrayEqualOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("arrayEqual(x, y, options)", arguments, arrayEqualOptions);
  }
  const [a, b] = promote("arrayEqual", x, y);
  if (!sameShape(a.shape, b.shape)) return scalarArray(0, "bool");
  const equal = c.eq(a, b);
  const same = options.equalNan && isFloat(a.dtype)
    ? c.or(equal, c.and(c.ne(a, a), c.ne(b, b)))
    : equal;
  return reduceAnd(same, a.shape.map((_, i) => i));
}

/**
 * Whether all elements are equal after broadcasting, as a bool scalar, as `jax.numpy.array_equiv`; not where
 * shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.arrayEquiv(np.array([[1, 2], [1, 2]]), np.array([1, 2])).item()); // 1
 * ```
 */
export function arrayEquiv(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("arrayEquiv(x, y)", arguments);
  const [a, b] = promote("arrayEquiv", x, y);
  const fits = a.shape.toReversed().every((n, i) => {
    const m = b.shape.at(-1 - i) ?? 1;
    return i >= b.ndim || n === m || n === 1 || m === 1;
  });
  if (!fits) return scalarArray(0, "bool");
  const equal = c.eq(a, b);
  return reduceAnd(equal, equal.shape.map((_, i) => i));
}

// ---------------------------------------------------------------- logic

function logical(op: string, f: Binary, x: Operand, y: Operand): NDArray {
  return applyNamed(op, f, asBool(op, x, "the first operand"), asBool(op, y, "the second operand"));
}

/**
 * Elementwise logical and, as bool, as `jax.numpy.logical_and`; all but 0 is true.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.logicalAnd(np.array([true, true]), np.array([true, false])).toArray()); // [ true, false ]
 * ```
 */
export function logicalAnd(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("logicalAnd(x, y)", arguments);
  return logical("logicalAnd", c.and, x, y);
}
/**
 * Elementwise logical or, as bool, as `jax.numpy.logical_or`; all but 0 is true.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function logicalOr(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("logicalOr(x, y)", arguments);
  return logical("logicalOr", c.or, x, y);
}
/**
 * Elementwise exclusive or, as bool, as `jax.numpy.logical_xor`; all but 0 is true.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function logicalXor(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("logicalXor(x, y)", arguments);
  return logical("logicalXor", c.xor, x, y);
}
/** Elementwise logical negation, as bool, as `jax.numpy.logical_not`; all but 0 is true. */
export function logicalNot(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("logicalNot(x)", arguments);
  return c.not(asBool("logicalNot", x));
}

// ---------------------------------------------------------------- bits

function bitwise(op: string, f: Binary, x: Operand, y: Operand, bools = true): NDArray {
  const [a, b] = promote(op, x, y);
  if (isFloat(a.dtype) || (a.dtype === "bool" && !bools)) {
    throw new DTypeError(
      `${op}: the operands are ${a.dtype}, but bits are those of int32${
        bools ? ", uint32 and bool" : " and uint32"
      } arrays. Convert with astype("int32") first`,
    );
  }
  return applyNamed(op, f, a, b);
}

/**
 * Elementwise and of bits, as `jax.numpy.bitwise_and`.
 *
 * @throws {DTypeError} for floats.
 */
export function bitwiseAnd(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("bitwiseAnd(x, y)", arguments);
  return bitwise("bitwiseAnd", c.and, x, y);
}
/**
 * Elementwise or of bits, as `jax.numpy.bitwise_or`.
 *
 * @throws {DTypeError} for floats.
 */
export function bitwiseOr(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("bitwiseOr(x, y)", arguments);
  return bitwise("bitwiseOr", c.or, x, y);
}
/**
 * Elementwise exclusive or of bits, as `jax.numpy.bitwise_xor`.
 *
 * @throws {DTypeError} for floats.
 */
export function bitwiseXor(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("bitwiseXor(x, y)", arguments);
  return bitwise("bitwiseXor", c.xor, x, y);
}
/**
 * Elementwise complement of bits, as `jax.numpy.bitwise_not`.
 *
 * @throws {DTypeError} for floats.
 */
export function bitwiseNot(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("bitwiseNot(x)", arguments);
  const a = asOperand("bitwiseNot", x);
  if (isFloat(a.dtype)) {
    throw new DTypeError(
      `bitwiseNot: x is ${a.dtype}, but bits are those of int32, uint32 and bool arrays. ` +
        'Convert with astype("int32") first',
    );
  }
  return c.not(a);
}
/**
 * Elementwise `x << y`, as `jax.numpy.left_shift`; 0 for 32 places or more.
 *
 * @throws {DTypeError} for floats and bools.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.leftShift(np.array([1, 3], { dtype: "int32" }), 2).toArray()); // [ 4, 12 ]
 * ```
 */
export function leftShift(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("leftShift(x, y)", arguments);
  return bitwise("leftShift", c.shiftLeft, x, y, false);
}
/**
 * Elementwise `x >> y`, as `jax.numpy.right_shift`: int32 keeps its sign, to uint32 zeros come in.
 *
 * @throws {DTypeError} for floats and bools.
 */
export function rightShift(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("rightShift(x, y)", arguments);
  return bitwise(
    "rightShift",
    (a, b) => {
      const shifted = c.shiftRightLogical(a, b);
      if (a.dtype === "uint32") return shifted;
      // The complement of a negative number has zeros where ones must come in.
      const filled = c.not(c.shiftRightLogical(c.not(a), b));
      return select(c.lt(a, scalarLike(0, a)), filled, shifted);
    },
    x,
    y,
    false,
  );
}

// ---------------------------------------------------------------- choice

/**
 * Elementwise `condition ? x : y`; all three broadcast, as `jax.numpy.where`. A condition that is not
 * bool is compared with 0.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 * @throws {TypeError} where `x` or `y` is left out: how many elements are true is not a shape.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([-1, 2]);
 * console.log(np.where(x.greater(0), x, 0).toArray()); // [ 0, 2 ]
 * ```
 */
export function where(condition: Operand, x: Operand, y: Operand): NDArray {
  if (arguments.length > 3) checkCall("where(condition, x, y)", arguments);
  if (x === undefined && y === undefined) {
    throw new TypeError(
      "where: x and y are left out. Give np.where(condition, x, y); the positions where it holds are " +
        "np.nonzero(condition)",
    );
  }
  const choice = asBool("where", condition, "the condition");
  const [a, b] = promote("where", x, y, undefined, ["x", "y"]);
  if (!sameShape(choice.shape, a.shape) || !sameShape(a.shape, b.shape)) {
    // Checked here, so that a message has the name that users know.
    broadcastShapes("where", choice.shape, a.shape, b.shape);
  }
  return select(choice, a, b);
}

// ---------------------------------------------------------------- NaN and infinities

function constantBool(x: NDArray, value: boolean): NDArray {
  return full(x.shape, value ? 1 : 0, "bool");
}

/**
 * Elementwise, whether `x` is NaN, as bool, as `jax.numpy.isnan`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.isNaN(np.array([1, NaN])).toArray()); // [ false, true ]
 * ```
 */
export function isNaN(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("isNaN(x)", arguments);
  const a = asOperand("isNaN", x);
  return isFloat(a.dtype) ? u.isNaN(a) : constantBool(a, false);
}
/** Elementwise, whether `x` is neither infinite nor NaN, as bool, as `jax.numpy.isfinite`. */
export function isFinite(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("isFinite(x)", arguments);
  const a = asOperand("isFinite", x);
  return isFloat(a.dtype) ? u.isFinite(a) : constantBool(a, true);
}
/** Elementwise, whether `x` is infinite, as bool, as `jax.numpy.isinf`. */
export function isInf(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("isInf(x)", arguments);
  const a = asOperand("isInf", x);
  return isFloat(a.dtype) ? c.eq(abs(a), scalarLike(Infinity, a)) : constantBool(a, false);
}

/** Options of {@linkcode nanToNum}. */
export interface NanToNumOptions {
  /** What replaces NaN; 0 where left out. */
  readonly nan?: number | undefined;
  /** What replaces Infinity; the largest number of the dtype where left out. */
  readonly posinf?: number | undefined;
  /** What replaces -Infinity; the smallest number of the dtype where left out. */
  readonly neginf?: number | undefined;
  /** The same as `posinf`. */
  readonly posInf?: number | undefined;
  /** The same as `neginf`. */
  readonly negInf?: number | undefined;
}

const nanToNumOptions: OptionTable<NanToNumOptions> = {
  nan: "number",
  posinf: "number",
  neginf: "number",
  posInf: "number",
  negInf: "number",
};

/**
 * Elementwise, `x` with NaN and infinities replaced by numbers, as `jax.numpy.nan_to_num`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.nanToNum(np.array([1, NaN])).toArray()); // [ 1, 0 ]
 * ```
 */
export function nanToNum(x: Operand, options: NanToNumOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("nanToNum(x, options)", arguments, nanToNumOptions);
  }
  const a = asOperand("nanToNum", x);
  if (!isFloat(a.dtype)) return a;
  const [min, max] = limits(a.dtype);
  const { nan = 0 } = options;
  const posinf = options.posinf ?? options.posInf ?? max;
  const neginf = options.neginf ?? options.negInf ?? min;
  const number = select(u.isNaN(a), scalarLike(nan, a), a);
  const below = select(c.eq(a, scalarLike(Infinity, a)), scalarLike(posinf, a), number);
  return select(c.eq(a, scalarLike(-Infinity, a)), scalarLike(neginf, a), below);
}

// ---------------------------------------------------------------- NumPy's other names

/** {@linkcode bitwiseNot} under another name of NumPy's. */
export const bitwiseInvert: typeof bitwiseNot = bitwiseNot;

/** {@linkcode leftShift} under another name of NumPy's. */
export const bitwiseLeftShift: typeof leftShift = leftShift;

/** {@linkcode rightShift} under another name of NumPy's. */
export const bitwiseRightShift: typeof rightShift = rightShift;

/** {@linkcode bitwiseNot} under another name of NumPy's. */
export const invert: typeof bitwiseNot = bitwiseNot;
