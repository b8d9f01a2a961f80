/**
 * Elementwise arithmetic: sums, products, quotients, powers, sign and rounding.
 *
 * Operands are arrays, numbers and booleans; they broadcast by NumPy's rule and are brought to a
 * common dtype, with numbers weakly typed. Functions such as `exp` are in `elementary.ts`,
 * comparisons and logic in `logic.ts`.
 *
 * @module
 */
import {
  checkCall,
  type DType,
  DTypeError,
  expectDType,
  expectInteger,
  isFloat,
  isInteger,
  NDArray,
  type Operand,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import {
  and,
  convert,
  eq,
  logaddexp as logaddexpOf,
  lt,
  ne,
  onesLike,
  or,
  pow as powOf,
  scalarLike,
  select,
  sqrt,
  stopGradient as barrier,
} from "../primitives/mod.ts";
import * as p from "../primitives/elementwise/arithmetic.ts";
import * as rounding from "../primitives/elementwise/convert.ts";
import {
  andOf,
  apply2,
  applyNamed,
  asOperand,
  boolToInt,
  expectOperand,
  floatOr32,
  isNamed,
  orOf,
  promote,
} from "./operands.ts";

// ---------------------------------------------------------------- sums, products, quotients

/**
 * Elementwise `x + y`, as `jax.numpy.add`. Integers wrap; of bools, whether either is true.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 * @throws {TypeError} where an operand is not an array, number or boolean.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.add(np.array([1, 2]), 0.5).toArray()); // [ 1.5, 2.5 ]
 * ```
 */
export function add(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("add(x, y)", arguments);
  return isBools(x, y) ? applyNamed("add", orOf, x, y) : apply2("add", p.add, x, y);
}

/**
 * Elementwise `x - y`, as `jax.numpy.subtract`. Integers wrap.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 * @throws {TypeError} where an operand is not an array, number or boolean, or both are bool.
 */
export function sub(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("sub(x, y)", arguments);
  return apply2("sub", p.sub, x, y);
}

/**
 * Elementwise `x * y`, as `jax.numpy.multiply`. Integers wrap; of bools, whether both are true.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 * @throws {TypeError} where an operand is not an array, number or boolean.
 */
export function mul(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("mul(x, y)", arguments);
  return isBools(x, y) ? applyNamed("mul", andOf, x, y) : apply2("mul", p.mul, x, y);
}

/** Whether both operands are bools. */
function isBools(x: Operand, y: Operand): boolean {
  return (x instanceof NDArray ? x.aval.dtype === "bool" : typeof x === "boolean") &&
    (y instanceof NDArray ? y.aval.dtype === "bool" : typeof y === "boolean");
}

/**
 * Elementwise `x / y`, as `jax.numpy.divide`: true division, so integers and bools give float32.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 * @throws {TypeError} where an operand is not an array, number or boolean.
 */
export function div(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("div(x, y)", arguments);
  if (x instanceof NDArray && isFloat(x.aval.dtype)) return apply2("div", p.div, x, y);
  const [a, b] = promote("div", x, y, floatOr32);
  return p.div(a, b);
}

/** Moves a quotient down by one where `down` holds. */
function lowered(quotient: NDArray, down: NDArray): NDArray {
  return select(down, p.sub(quotient, scalarLike(1, quotient)), quotient);
}

/**
 * Elementwise quotient rounded down, as `jax.numpy.floor_divide`. A step function: its derivative is 0.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.floorDivide(np.array([7, -7]), 2).toArray()); // [ 3, -4 ]
 * ```
 */
export function floorDivide(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("floorDivide(x, y)", arguments);
  return applyNamed("floorDivide", floorDivided, x, y, boolToInt);
}

function floorDivided(dividend: NDArray, divisor: NDArray): NDArray {
  if (dividend.dtype === "uint32") return p.div(dividend, divisor);
  if (dividend.dtype === "int32") {
    const inexact = ne(p.rem(dividend, divisor), scalarLike(0, dividend));
    return lowered(
      p.div(dividend, divisor),
      and(ne(p.sign(dividend), p.sign(divisor)), inexact),
    );
  }
  // Quotients have slopes, steps have none: not even a zero, which beside an infinity would be NaN.
  const [x, y] = [barrier(dividend), barrier(divisor)];
  const zero = scalarLike(0, x);
  // As Python does it, so that x is y times the quotient plus the remainder as well as can be.
  const rest = p.rem(x, y);
  const quotient = p.div(p.sub(x, rest), y);
  const whole = rounding.round(lowered(quotient, and(ne(rest, zero), ne(p.sign(y), p.sign(rest)))));
  return select(eq(y, zero), p.div(x, y), whole);
}

/**
 * Elementwise remainder with the sign of the divisor, as `jax.numpy.mod`; 0 where an integer is divided
 * by 0.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.mod(np.array([7, -7]), 3).toArray()); // [ 1, 2 ]
 * ```
 */
export function mod(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("mod(x, y)", arguments);
  return applyNamed("mod", modulo, x, y, boolToInt);
}

function modulo(x: NDArray, divisor: NDArray): NDArray {
  const zero = scalarLike(0, x);
  const y = isInteger(x.dtype) ? select(eq(divisor, zero), scalarLike(1, x), divisor) : divisor;
  const rest = p.rem(x, y);
  if (x.dtype === "uint32") return rest;
  const other = and(ne(lt(rest, zero), lt(y, zero)), ne(rest, zero));
  return select(other, p.add(rest, y), rest);
}

// ---------------------------------------------------------------- powers

/** Largest constant exponent for which a power is multiplied out. */
const LARGEST_PRODUCT = 8;

/** `x` to a small whole power, by squaring. */
function product(x: NDArray, n: number): NDArray {
  let result: NDArray | null = null;
  let base = x;
  for (let rest = n; rest > 0; rest >>= 1) {
    if (rest & 1) result = result === null ? base : p.mul(result, base);
    if (rest > 1) base = p.mul(base, base);
  }
  return result ?? onesLike(x);
}

/**
 * Elementwise `x` to the power `y`, as `jax.numpy.power`. Small whole numbers `y` are multiplied out.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 * @throws {DTypeError} where an array of integers is raised to a negative number.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.pow(np.array([1, 2, 3]), 2).toArray()); // [ 1, 4, 9 ]
 * ```
 */
export function pow(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("pow(x, y)", arguments);
  if (x instanceof NDArray && typeof y === "number" && Number.isInteger(y)) {
    const base = x.dtype === "bool" ? convert(x, "int32") : x;
    if (y < 0 && isInteger(base.dtype)) {
      throw new DTypeError(
        `pow: ${base.dtype} cannot be raised to the negative power ${y}: ` +
          'convert with astype("float32") first',
      );
    }
    if (y === -1) return p.div(scalarLike(1, base), base);
    if (y >= 0 && y <= LARGEST_PRODUCT) return product(base, y);
  }
  return applyNamed("pow", powOf, x, y, boolToInt);
}

/** Elementwise `x * x`, as `jax.numpy.square`. */
export function square(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("square(x)", arguments);
  const a = asOperand("square", x);
  const number = convert(a, boolToInt(a.dtype));
  return p.mul(number, number);
}

/** Elementwise `1 / x`, as `jax.numpy.reciprocal`; integers and bools give float32. */
export function reciprocal(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("reciprocal(x)", arguments);
  return div(1, asOperand("reciprocal", x));
}

// ---------------------------------------------------------------- sign

/**
 * Elementwise `-x`, as `jax.numpy.negative`; integers wrap.
 *
 * @throws {DTypeError} for bool, which `logicalNot` inverts.
 */
export function neg(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("neg(x)", arguments);
  return p.neg(asOperand("neg", x));
}

/** Elementwise absolute value, as `jax.numpy.abs`. */
export function abs(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("abs(x)", arguments);
  const a = asOperand("abs", x);
  return a.dtype === "bool" || a.dtype === "uint32" ? a : p.abs(a);
}

/**
 * Elementwise sign, -1, 0, 1 or NaN, as `jax.numpy.sign`.
 *
 * @throws {DTypeError} for bool.
 */
export function sign(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sign(x)", arguments);
  return p.sign(asOperand("sign", x));
}

// ---------------------------------------------------------------- rounding

function rounded(op: string, f: (x: NDArray) => NDArray, x: Operand): NDArray {
  const a = asOperand(op, x);
  return isFloat(a.dtype) ? f(a) : a;
}

/** Elementwise largest integer that is not above `x`, as `jax.numpy.floor`; integers stay. */
export function floor(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("floor(x)", arguments);
  return rounded("floor", rounding.floor, x);
}

/** Elementwise smallest integer that is not below `x`, as `jax.numpy.ceil`; integers stay. */
export function ceil(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("ceil(x)", arguments);
  return rounded("ceil", rounding.ceil, x);
}

/** Elementwise `x` without its fractional part, as `jax.numpy.trunc`; integers stay. */
export function trunc(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("trunc(x)", arguments);
  return rounded("trunc", rounding.trunc, x);
}

/**
 * Elementwise nearest number with `decimals` digits after the point, the even one where two are
 * equally near, as `jax.numpy.round`; with `decimals` below 0 to tens, hundreds and so on.
 *
 * @throws {RangeError} where `decimals` is not an integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.round(np.array([0.5, 1.5, 2.25]), 1).toArray()); // [ 0.5, 1.5, 2.200000047683716 ]
 * ```
 */
export function round(
  x: Operand,
  decimals: number | Named<unknown, { decimals: number }> = 0,
): NDArray {
  if (arguments.length > 2 || isNamed(decimals)) checkCall("round(x, decimals)", arguments, {}, 1);
  if (isNamed(decimals)) return round(x, decimals.decimals);
  expectInteger("round", decimals, "decimals");
  if (decimals === 0) return rounded("round", rounding.round, x);
  const scale = 10 ** Math.abs(decimals);
  const given = asOperand("round", x);
  // In doubles, which hold all integers, and in which halves stay halves.
  if (isInteger(given.dtype) && decimals < 0) {
    return convert(round(convert(given, "float64"), decimals), given.dtype);
  }
  return rounded("round", (a) => {
    // Where the factor overflows, either no digit is left out or all are.
    const largest = a.dtype === "float32" ? Math.fround(scale) : scale;
    if (largest === Infinity) return decimals > 0 ? a : p.mul(a, scalarLike(0, a));
    const factor = scalarLike(scale, a);
    return decimals > 0
      ? p.div(rounding.round(p.mul(a, factor)), factor)
      : p.mul(rounding.round(p.div(a, factor)), factor);
  }, x);
}

// ---------------------------------------------------------------- larger and smaller

/**
 * Elementwise larger value, NaN where either is NaN, as `jax.numpy.maximum`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.maximum(np.array([-1, 2]), 0).toArray()); // [ 0, 2 ]
 * ```
 */
export function maximum(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("maximum(x, y)", arguments);
  return apply2("maximum", p.maximum, x, y);
}

/**
 * Elementwise smaller value, NaN where either is NaN, as `jax.numpy.minimum`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function minimum(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("minimum(x, y)", arguments);
  return apply2("minimum", p.minimum, x, y);
}

/**
 * Elementwise `x` limited to the range from `min` to `max`, as `jax.numpy.clip`; `null` or left out, a
 * bound does not limit. Where `min` is above `max`, the result is `max`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.clip(np.array([-2, 0.5, 7]), 0, 1).toArray()); // [ 0, 0.5, 1 ]
 * ```
 */
export function clip(
  x: Operand,
  min?: Operand | null | Named<unknown, { min: Operand | null; max: Operand | null }>,
  max?: Operand | null | Named<unknown, { max: Operand | null }>,
): NDArray {
  if (arguments.length > 3 || isNamed(min) || isNamed(max)) {
    checkCall("clip(x, min, max)", arguments, {}, 1);
  }
  if (isNamed(min)) return clip(x, min.min, min.max);
  if (isNamed(max)) return clip(x, min, max.max);
  expectOperand("clip", x, "x");
  let out: Operand = x;
  if (min !== undefined && min !== null) {
    expectOperand("clip", min, "min");
    out = applyNamed("clip", p.maximum, out, min);
  }
  if (max !== undefined && max !== null) {
    expectOperand("clip", max, "max");
    out = applyNamed("clip", p.minimum, out, max);
  }
  return asOperand("clip", out);
}

/**
 * Elementwise `sqrt(x^2 + y^2)` without overflow in between, as `jax.numpy.hypot`; infinite where either
 * is.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function hypot(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("hypot(x, y)", arguments);
  return applyNamed(
    "hypot",
    (a, b) => {
      const [u, v] = [p.abs(a), p.abs(b)];
      const large = p.maximum(u, v);
      const zero = scalarLike(0, large);
      const none = eq(large, zero);
      const one = scalarLike(1, large);
      const ratio = p.div(p.minimum(u, v), select(none, one, large));
      const length = select(none, large, p.mul(large, sqrt(p.add(one, p.mul(ratio, ratio)))));
      const infinity = scalarLike(Infinity, large);
      return select(or(eq(u, infinity), eq(v, infinity)), infinity, length);
    },
    x,
    y,
    floatOr32,
  );
}

/**
 * Elementwise `log(exp(x) + exp(y))` without overflow, as `jax.numpy.logaddexp`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.logaddexp(1000, 1000).item()); // 1000.6931762695312
 * ```
 */
export function logaddexp(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("logaddexp(x, y)", arguments);
  return applyNamed("logaddexp", logaddexpOf, x, y, floatOr32);
}

/** `x`, taken for a constant by derivatives, as `jax.lax.stop_gradient`. */
export function stopGradient(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("stopGradient(x)", arguments);
  return barrier(asOperand("stopGradient", x));
}

/**
 * Gives `x` converted to `dtype`: floats to integers truncate and saturate, NaN becomes 0, integers wrap
 * among themselves, and all but 0 is true.
 *
 * @throws {DTypeError} where `dtype` is none.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.astype(np.array([1.9, -1.9]), "int32").toArray()); // [ 1, -1 ]
 * ```
 */
export function astype(x: Operand, dtype: DType): NDArray {
  if (arguments.length > 2) checkCall("astype(x, dtype)", arguments);
  const array = asOperand("astype", x);
  return convert(array, expectDType("astype", dtype ?? null, array.dtype));
}

// ---------------------------------------------------------------- NumPy's long names

/** Elementwise `x / y`: {@linkcode div} under NumPy's name. */
export const divide: typeof div = div;
/** Elementwise `x * y`: {@linkcode mul} under NumPy's name. */
export const multiply: typeof mul = mul;
/** Elementwise `-x`: {@linkcode neg} under NumPy's name. */
export const negative: typeof neg = neg;
/** Elementwise `x` to the power `y`: {@linkcode pow} under NumPy's name. */
export const power: typeof pow = pow;
/** Elementwise `x - y`: {@linkcode sub} under NumPy's name. */
export const subtract: typeof sub = sub;

/** {@linkcode abs} under another name of NumPy's. */
export const absolute: typeof abs = abs;

/** {@linkcode round} under another name of NumPy's. */
export const around: typeof round = round;

/** {@linkcode mod} under another name of NumPy's. */
export const remainder: typeof mod = mod;

/** {@linkcode div} under another name of NumPy's. */
export const trueDivide: typeof div = div;
