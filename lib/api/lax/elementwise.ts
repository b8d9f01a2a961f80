/**
 * Elementwise operations of `jax.lax` that `numpy` does not have, or has with other arguments. Those on the
 * bits of numbers are in `bits.ts`.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  describeValue,
  type DType,
  DTypeError,
  expectDType,
  expectInteger,
  formatAval,
  formatShape,
  isFloat,
  type NDArray,
  type Operand,
  type OptionTable,
  promoteDTypes,
  readOptions,
  sameShape,
  ShapeError,
} from "../../core/mod.ts";
import {
  broadcastTo,
  convert,
  scalarLike,
  select as selectOf,
  stopGradient,
} from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/arithmetic.ts";
import * as c from "../../primitives/elementwise/compare.ts";
import * as r from "../../primitives/elementwise/convert.ts";
import { rightShift, where } from "../logic.ts";
import { mul as product, pow } from "../arithmetic.ts";
import { applyNamed, asIndex, asOperand, boolToInt, expectArray, promote } from "../operands.ts";

/**
 * Elementwise `x` brought into the range from `min` to `max`, as `jax.lax.clamp`.
 *
 * @throws {ShapeError} where a bound is neither a scalar nor of the shape of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.clamp(0, np.array([-1, 0.5, 2]), 1).toArray()); // [ 0, 0.5, 1 ]
 * ```
 */
export function clamp(min: Operand, x: Operand, max: Operand): NDArray {
  if (arguments.length > 3) checkCall("clamp(min, x, max)", arguments);
  const [low, a] = promote("clamp", min, x, undefined, ["min", "x"]);
  const [high, b] = promote("clamp", max, a, undefined, ["max", "x"]);
  for (const { ndim, shape } of [low, high]) {
    if (ndim > 0 && !sameShape(shape, b.shape)) {
      throw new ShapeError(
        `clamp: a bound has shape ${formatShape(shape)}, and must be a scalar or have the shape ` +
          `of x, ${formatShape(b.shape)}`,
      );
    }
  }
  const wide = convert(low, b.dtype);
  const bound = (v: NDArray): NDArray => broadcastTo(v, b.shape);
  // Where x is a bound, neither moves the result in both directions: the derivatives are 0, as in JAX.
  const isBound = c.or(c.eq(b, wide), c.eq(b, high));
  const settled = stopGradient(p.minimum(p.maximum(b, bound(wide)), bound(high)));
  const free = selectOf(isBound, settled, b);
  // NaN stays, and so does its derivative. The upper bound holds where bounds are crossed.
  const above = selectOf(c.lt(b, wide), bound(wide), free);
  return selectOf(c.gt(above, high), bound(high), above);
}

/**
 * Elementwise quotient, as `jax.lax.div`: of integers it is truncated.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.div(np.array([-7, 7], { dtype: "int32" }), 2).toArray()); // [ -3, 3 ]
 * ```
 */
export function div(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("div(x, y)", arguments);
  return applyNamed("div", p.div, x, y, boolToInt);
}

/** Option of {@linkcode mul}. */
export interface MulOptions {
  /** The dtype to which the operands are converted first. */
  readonly outDtype?: DType | null | undefined;
}

const mulOptions: OptionTable<MulOptions> = { outDtype: "dtype" };

/**
 * Elementwise product, as `jax.lax.mul`, in a dtype that may be asked for.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const n = np.array([1, 2], { dtype: "int32" });
 * console.log(lax.mul(n, n, { outDtype: "float32" }).dtype); // float32
 * ```
 */
export function mul(x: Operand, y: Operand, options: MulOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("mul(x, y, options)", arguments, mulOptions);
  const { outDtype } = options;
  if (outDtype == null) return product(x, y);
  const dtype = expectDType("mul", outDtype, "float32");
  const [a, b] = promote("mul", x, y);
  return product(convert(a, dtype), convert(b, dtype));
}

/** Elementwise remainder with the sign of `x`, as `jax.lax.rem`. */
export function rem(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("rem(x, y)", arguments);
  return applyNamed("rem", p.rem, x, y, boolToInt);
}

/** Elementwise larger value, as `jax.lax.max`; NaN wins. Reductions are {@linkcode reduceMax}. */
export function max(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("max(x, y)", arguments);
  return applyNamed("max", p.maximum, x, y);
}

/** Elementwise smaller value, as `jax.lax.min`; NaN wins. Reductions are {@linkcode reduceMin}. */
export function min(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("min(x, y)", arguments);
  return applyNamed("min", p.minimum, x, y);
}

/** Options of {@linkcode round}. */
export interface RoundOptions {
  /** Where halves go: `"awayFromZero"`, which is the default, or `"toNearestEven"`. */
  readonly roundingMethod?: "awayFromZero" | "toNearestEven" | undefined;
}

const roundOptions: OptionTable<RoundOptions> = { roundingMethod: "string" };

/**
 * Elementwise nearest integer as a float, halves away from zero, as `jax.lax.round`.
 *
 * @throws {DTypeError} where `x` is not a float.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.round(np.array([-2.5, 0.5])).toArray()); // [ -3, 1 ]
 * ```
 */
export function round(x: Operand, options: RoundOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("round(x, options)", arguments, roundOptions);
  const { roundingMethod = "awayFromZero" } = options;
  if (roundingMethod !== "awayFromZero" && roundingMethod !== "toNearestEven") {
    throw new TypeError(
      `round: roundingMethod must be "awayFromZero" or "toNearestEven", not ${
        describeValue(roundingMethod)
      }`,
    );
  }
  const a = expectFloat("round", x);
  if (roundingMethod === "toNearestEven") return r.round(a);
  // A half more is exact where there is a fraction; what is below a half has to stay below.
  const size = p.abs(a);
  const whole = r.floor(size);
  const up = c.ge(p.sub(size, whole), scalarLike(0.5, a));
  const nearest = selectOf(up, p.add(whole, scalarLike(1, whole)), whole);
  const isWhole = c.not(c.lt(whole, size));
  const negative = c.lt(a, scalarLike(0, a));
  return selectOf(isWhole, a, selectOf(negative, p.neg(nearest), nearest));
}

function expectFloat(op: string, x: Operand): NDArray {
  const a = asOperand(op, x);
  if (isFloat(a.dtype)) return a;
  throw new DTypeError(
    `${op}: x is ${a.dtype}, and must be a float. Convert it with astype("float32")`,
  );
}

/** Elementwise `x` to the power of an integer known in advance, as `jax.lax.integer_pow`. */
export function integerPow(x: Operand, y: number): NDArray {
  if (arguments.length > 2) checkCall("integerPow(x, y)", arguments);
  const a = asOperand("integerPow", x);
  expectInteger("integerPow", y, "y");
  if (!isFloat(a.dtype) && y < 0) {
    throw new RangeError(`integerPow: y is ${y}, and must not be negative for ${a.dtype}`);
  }
  return pow(a, y);
}

/** Elementwise `x >> y` with the sign of `x` coming in, as `jax.lax.shift_right_arithmetic`. */
export function shiftRightArithmetic(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("shiftRightArithmetic(x, y)", arguments);
  const [a, b] = integers("shiftRightArithmetic", x, y);
  const signed = convert(a, "int32");
  // Places from 32 on leave the sign alone.
  const most = scalarLike(31, b);
  const places = selectOf(c.or(c.gt(b, most), c.lt(b, scalarLike(0, b))), most, b);
  return convert(rightShift(signed, convert(places, "int32")), a.dtype);
}

/** Elementwise `x >> y` with zeros coming in, as `jax.lax.shift_right_logical`. */
export function shiftRightLogical(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("shiftRightLogical(x, y)", arguments);
  return c.shiftRightLogical(...integers("shiftRightLogical", x, y));
}

/** Two operands as integers of one dtype and shape. */
export function integers(op: string, x: Operand, y: Operand): [NDArray, NDArray] {
  const [a, b] = promote(op, x, y);
  if (isFloat(a.dtype) || a.dtype === "bool") {
    throw new DTypeError(`${op}: the operands are ${a.dtype}, and must be integers`);
  }
  const shape = broadcastShapes(op, a.shape, b.shape);
  return [broadcastTo(a, shape), broadcastTo(b, shape)];
}

/** Elementwise upper 32 bits of the product of two integers, as `jax.lax.mulhi`. */
export function mulhi(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("mulhi(x, y)", arguments);
  const [a, b] = integers("mulhi", x, y);
  const [ua, ub] = [convert(a, "uint32"), convert(b, "uint32")];
  // Products of halves fit; what is carried from the lower ones is added up in 32 bits.
  const half = scalarLike(16, ua);
  const low = (v: NDArray): NDArray => c.and(v, scalarLike(65535, v));
  const high = (v: NDArray): NDArray => c.shiftRightLogical(v, half);
  const [al, ah, bl, bh] = [low(ua), high(ua), low(ub), high(ub)];
  const middle = p.add(p.mul(ah, bl), high(p.mul(al, bl)));
  const other = p.add(p.mul(al, bh), low(middle));
  const upper = p.add(p.add(p.mul(ah, bh), high(middle)), high(other));
  if (a.dtype === "uint32") return upper;
  // Of negative factors 2^32 times the other one was too much.
  const signed = convert(upper, "int32");
  const zero = scalarLike(0, a);
  const less = (v: NDArray, by: NDArray, of: NDArray): NDArray =>
    p.sub(v, selectOf(c.lt(of, zero), by, broadcastTo(zero, by.shape)));
  return less(less(signed, b, a), a, b);
}

/**
 * Elementwise `x` rounded to what a float of fewer bits holds, halves to even, as
 * `jax.lax.reduce_precision`: with so many bits of the exponent and of the mantissa. What is too large for it is infinite, and what is below its normal numbers is 0.
 *
 * @throws {DTypeError} where `x` is not a float.
 *
 * @example
 * ```ts
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.reducePrecision(1.2345, 8, 3).item()); // 1.25
 * ```
 */
export function reducePrecision(
  x: Operand,
  exponentBits: number,
  mantissaBits: number,
): NDArray {
  const op = "reducePrecision";
  if (arguments.length > 3) {
    checkCall("reducePrecision(x, exponentBits, mantissaBits)", arguments);
  }
  const a = expectFloat(op, x);
  const [most, digits] = a.dtype === "float32" ? [8, 23] : [11, 52];
  expectInteger(op, exponentBits, "exponentBits", 1);
  expectInteger(op, mantissaBits, "mantissaBits", 0);
  const fewer = Math.min(exponentBits, most);
  let y = a;
  if (mantissaBits < digits) {
    // Dekker: of x (2^k + 1) the lower bits are lost. It is done on numbers that are not too large.
    const factor = scalarLike(2 ** (digits - mantissaBits) + 1, a);
    const large = c.gt(p.abs(a), scalarLike(2 ** (2 ** (most - 1) - 2 - digits), a));
    const scale = selectOf(large, scalarLike(2 ** -(digits + 2), a), scalarLike(1, a));
    const v = p.mul(a, scale);
    const wide = p.mul(v, factor);
    const kept = p.div(p.sub(wide, p.sub(wide, v)), scale);
    const finite = c.lt(p.abs(a), scalarLike(Infinity, a));
    y = selectOf(c.and(finite, c.ne(a, scalarLike(0, a))), kept, a);
  }
  if (fewer < most) {
    const bias = 2 ** (fewer - 1) - 1;
    const zero = p.mul(a, scalarLike(0, a));
    const size = p.abs(y);
    const limit = scalarLike(2 ** (bias + 1), a);
    const sign = selectOf(c.lt(y, scalarLike(0, y)), scalarLike(-Infinity, y), limit);
    const infinite = selectOf(c.lt(y, scalarLike(0, y)), sign, scalarLike(Infinity, y));
    y = selectOf(c.ge(size, limit), infinite, y);
    y = selectOf(c.lt(size, scalarLike(2 ** (1 - bias), a)), zero, y);
  }
  return y;
}

/**
 * Elementwise one of several arrays, the one whose number `which` says, as `jax.lax.select_n`; of two, the
 * second where a bool is true. They have one shape, and `which` that or none.
 *
 * @throws {DTypeError} where `which` is a bool for more than two arrays, or neither bool nor int32.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const which = np.array([2, 0, 1], { dtype: "int32" });
 * const [a, b, c] = [np.zeros([3]), np.ones([3]), np.full([3], 2)];
 * console.log(lax.selectN(which, a, b, c).toArray()); // [ 2, 0, 1 ]
 * ```
 */
export function selectN(which: Operand, ...cases: readonly NDArray[]): NDArray {
  const op = "selectN";
  if (cases.length === 0) throw new TypeError(`${op}: there are no arrays to choose from`);
  const first = expectArray(op, cases[0], "case 0");
  cases.forEach((x, i) => {
    const { shape } = expectArray(op, x, `case ${i}`);
    if (!sameShape(shape, first.shape)) {
      throw new ShapeError(
        `${op}: cases have one shape, but case 0 has ${formatShape(first.shape)} and case ${i} ${
          formatShape(shape)
        }`,
      );
    }
  });
  const number = asOperand(op, which, "which");
  if (number.ndim > 0 && !sameShape(number.shape, first.shape)) {
    throw new ShapeError(
      `${op}: which has shape ${formatShape(number.shape)}, and must be a scalar or have that of ` +
        `the cases, ${formatShape(first.shape)}`,
    );
  }
  const dtype = cases.map((x) => x.dtype).reduce(promoteDTypes);
  const list = cases.map((x) => convert(x, dtype));
  if (number.dtype === "bool") {
    if (list.length > 2) {
      throw new DTypeError(`${op}: which is bool, which names two arrays, not ${list.length}`);
    }
    return list.length === 1 ? list[0]! : selectOf(number, list[1]!, list[0]!);
  }
  const index = typeof which === "number"
    ? asIndex(op, which, "which")
    : asIndex(op, number, "which");
  // Beyond the last one it is the last, and below the first one the first.
  return list.slice(1).reduce(
    (chosen, x, i) => selectOf(c.lt(index, scalarLike(i + 1, index)), chosen, x),
    list[0]!,
  );
}

/**
 * Elementwise `onTrue` where `condition` holds, else `onFalse`, as `jax.lax.select`; shapes are equal, or the
 * condition is a scalar.
 */
export function select(condition: Operand, onTrue: NDArray, onFalse: NDArray): NDArray {
  if (arguments.length > 3) checkCall("select(condition, onTrue, onFalse)", arguments);
  const [a, b] = promote(
    "select",
    expectArray("select", onTrue, "onTrue"),
    expectArray("select", onFalse, "onFalse"),
  );
  if (!sameShape(a.shape, b.shape)) {
    throw new ShapeError(
      `select: onTrue and onFalse have shapes ${formatShape(a.shape)} and ${
        formatShape(b.shape)
      }, and must have one. np.where broadcasts`,
    );
  }
  const which = asOperand("select", condition, "condition");
  if (which.dtype !== "bool" && which.dtype !== "int32") {
    throw new DTypeError(
      `select: condition is ${
        formatAval(which.aval)
      }, but must be bool. Compare, as in x.greater(0)`,
    );
  }
  if (which.ndim > 0 && !sameShape(which.shape, a.shape)) {
    throw new ShapeError(
      `select: condition has shape ${
        formatShape(which.shape)
      }, but must be a scalar or have that of ` +
        `onTrue and onFalse, ${formatShape(a.shape)}. np.where broadcasts`,
    );
  }
  return where(which, a, b);
}
