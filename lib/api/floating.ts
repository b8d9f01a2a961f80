/**
 * Elementwise functions about how numbers are made up, sign, whole part, exponent, and small functions
 * that NumPy has names for.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  DTypeError,
  isFloat,
  isInteger,
  NDArray,
  type Operand,
} from "../core/mod.ts";
import {
  and,
  convert,
  eq,
  gt,
  logaddexp as logaddexpOf,
  lt,
  ne,
  onesLike,
  or,
  pow,
  scalarLike,
  select,
  trunc,
  zerosLike,
} from "../primitives/mod.ts";
import * as p from "../primitives/elementwise/arithmetic.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { floorDivide, mod, round } from "./arithmetic.ts";
import {
  applyNamed,
  asDType,
  asFloat,
  asOperand,
  boolToInt,
  expectOperand,
  floatOr32,
  promote,
} from "./operands.ts";

const number = (x: NDArray, value: number): NDArray => scalarLike(value, x);

// ---------------------------------------------------------------- signs

/** Whether a float is negative or -0; NaN has no sign. */
function negative(x: NDArray): NDArray {
  const zero = number(x, 0);
  if (!isFloat(x.dtype)) return lt(x, zero);
  return or(lt(x, zero), and(eq(x, zero), lt(p.div(number(x, 1), x), zero)));
}

/**
 * Whether `x` is negative or -0, elementwise, as `jax.numpy.signbit`; false for NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.signbit(np.array([-1, -0, 0])).toArray()); // [ true, true, false ]
 * ```
 */
export function signbit(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("signbit(x)", arguments);
  return negative(asOperand("signbit", x));
}

/**
 * Elementwise `x` with the sign of `y`, as `jax.numpy.copysign`; integers give float32.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.copysign(np.array([1, -2]), -0).toArray()); // [ -1, -2 ]
 * ```
 */
export function copysign(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("copysign(x, y)", arguments);
  return applyNamed(
    "copysign",
    (a, b) => select(ne(negative(a), negative(b)), p.neg(a), a),
    x,
    y,
    floatOr32,
  );
}

/** Elementwise absolute value as a float, as `jax.numpy.fabs`; integers give float32. */
export function fabs(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("fabs(x)", arguments);
  return p.abs(asFloat("fabs", x));
}

/**
 * `x` itself, as `jax.numpy.positive`.
 *
 * @throws {DTypeError} for bool.
 */
export function positive(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("positive(x)", arguments);
  const a = asOperand("positive", x);
  if (a.dtype === "bool") {
    throw new DTypeError('positive: a bool has no sign. Convert it with astype("int32")');
  }
  return a;
}

/**
 * Elementwise step at 0, as `jax.numpy.heaviside`: 0 below, 1 above and `y` at 0; NaN for NaN.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.heaviside(np.array([-1, 0, 2]), 0.5).toArray()); // [ 0, 0.5, 1 ]
 * ```
 */
export function heaviside(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("heaviside(x, y)", arguments);
  return applyNamed(
    "heaviside",
    (a, b) => {
      const zero = number(a, 0);
      const step = select(gt(a, zero), onesLike(a), zerosLike(a));
      return select(ne(a, a), number(a, NaN), select(eq(a, zero), b, step));
    },
    x,
    y,
    floatOr32,
  );
}

/** Whether `x` is Infinity, elementwise, as `jax.numpy.isposinf`. */
export function isPosInf(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("isPosInf(x)", arguments);
  const a = asFloat("isPosInf", x);
  return eq(a, number(a, Infinity));
}

/** Whether `x` is -Infinity, elementwise, as `jax.numpy.isneginf`. */
export function isNegInf(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("isNegInf(x)", arguments);
  const a = asFloat("isNegInf", x);
  return eq(a, number(a, -Infinity));
}

// ---------------------------------------------------------------- parts

/**
 * Elementwise remainder with the sign of the dividend, as `jax.numpy.fmod` and C have it; `mod` has that
 * of the divisor. 0 where an integer is divided by 0.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.fmod(np.array([7, -7]), 3).toArray()); // [ 1, -1 ]
 * ```
 */
export function fmod(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("fmod(x, y)", arguments);
  return applyNamed("fmod", remainder, x, y, boolToInt);
}

/** The remainder with the sign of the dividend; of integers by 0, 0. */
function remainder(x: NDArray, y: NDArray): NDArray {
  return p.rem(x, isFloat(x.dtype) ? y : select(eq(y, number(y, 0)), number(y, 1), y));
}

/**
 * Elementwise quotient rounded down and remainder, as `jax.numpy.divmod`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [quotient, rest] = np.divmod(np.array([7, -7]), 3);
 * console.log(quotient.toArray(), rest.toArray()); // [ 2, -3 ] [ 1, 2 ]
 * ```
 */
export function divmod(x: Operand, y: Operand): [quotient: NDArray, remainder: NDArray] {
  if (arguments.length > 2) checkCall("divmod(x, y)", arguments);
  const [a, b] = promote("divmod", x, y);
  broadcastShapes("divmod", a.shape, b.shape);
  return [floorDivide(a, b), mod(a, b)];
}

/**
 * Elementwise fraction and whole part, both with the sign of `x`, as `jax.numpy.modf`; integers give
 * float32.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [fraction, whole] = np.modf(np.array([1.5, -2.25]));
 * console.log(fraction.toArray(), whole.toArray()); // [ 0.5, -0.25 ] [ 1, -2 ]
 * ```
 */
export function modf(x: Operand): [fraction: NDArray, whole: NDArray] {
  if (arguments.length > 1) checkCall("modf(x)", arguments);
  const a = asFloat("modf", x);
  const whole = trunc(a);
  // Of an infinite number, Infinity - Infinity would be NaN.
  const none = eq(p.abs(a), number(a, Infinity));
  return [select(none, zerosLike(a), p.sub(a, whole)), whole];
}

/** Elementwise nearest integer, the even one where two are equally near, as `jax.numpy.rint`, as a float. */
export function rint(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("rint(x)", arguments);
  return round(asFloat("rint", x));
}

/**
 * Elementwise `x 2^n`, as `jax.numpy.ldexp`, rounded once; infinite where that is too large.
 *
 * @throws {DTypeError} where `n` is not an integer.
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.ldexp(np.array([1, 3]), 2).toArray()); // [ 4, 12 ]
 * ```
 */
export function ldexp(x: Operand, n: Operand): NDArray {
  if (arguments.length > 2) checkCall("ldexp(x, n)", arguments);
  const a = asFloat("ldexp", x);
  expectOperand("ldexp", n, "the exponent");
  const whole = n instanceof NDArray ? isInteger(n.dtype) : Number.isInteger(n);
  if (!whole) {
    throw new DTypeError(
      `ldexp: the exponent must be an integer, but is ${n instanceof NDArray ? n.dtype : n}`,
    );
  }
  // A power of two that is beyond the dtype is the product of three that are not.
  const [most, least] = a.dtype === "float32" ? [127, -126] : [1023, -1022];
  const power = convert(asOperand("ldexp", n, "the exponent"), a.dtype);
  const one = (k: NDArray): NDArray => p.minimum(p.maximum(k, number(k, least)), number(k, most));
  const first = one(power);
  const second = one(p.sub(power, first));
  const third = one(p.sub(p.sub(power, first), second));
  return applyNamed("ldexp", (y, k) => p.mul(y, powerOfTwo(k)), a, first)
    .mul(powerOfTwo(second)).mul(powerOfTwo(third));
}

/** `2^k` for whole `k` whose power is a normal number: exact, by the bits of `k`. */
function powerOfTwo(k: NDArray): NDArray {
  const size = p.abs(k);
  let rest = size;
  let out = onesLike(k);
  const bits = k.dtype === "float32" ? 7 : 10;
  for (let i = bits - 1; i >= 0; i--) {
    const weight = number(k, 2 ** i);
    const has = lt(weight, p.add(rest, number(k, 0.5)));
    rest = select(has, p.sub(rest, weight), rest);
    // Below 1 by division of a power that is itself a number: 2^-1022 and 2^1023 are.
    out = select(has, p.mul(out, number(k, 2 ** (2 ** i))), out);
  }
  return select(lt(k, number(k, 0)), p.div(number(k, 1), out), out);
}

// ---------------------------------------------------------------- small functions

/**
 * Elementwise `sin(pi x) / (pi x)`, 1 at 0, as `jax.numpy.sinc`; smooth there to every order that is
 * asked for.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.sinc(np.array([0, 0.5], { dtype: "float64" })).toArray()); // [ 1, 0.6366197723675814 ]
 * ```
 */
export function sinc(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sinc(x)", arguments);
  const a = asFloat("sinc", x);
  const t = p.mul(a, number(a, Math.PI));
  const near = lt(p.abs(t), number(t, SERIES));
  // Taylor's series, whose derivatives are right where those of the quotient are 0 / 0. It overflows far
  // away, and there its derivatives would be 0 times infinity.
  const small = select(near, t, zerosLike(t));
  const square = p.mul(small, small);
  let series = onesLike(t);
  for (let k = 12; k >= 2; k -= 2) {
    series = p.sub(number(t, 1), p.mul(p.div(square, number(t, k * (k + 1))), series));
  }
  const away = select(near, onesLike(t), t);
  return select(near, series, p.div(u.sin(away), away));
}

/** Where the first term that is left out, t^14 / 15!, is below an ulp of float64. */
const SERIES = 0.5;

/** Elementwise degrees in radians, as `jax.numpy.deg2rad`. */
export function deg2rad(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("deg2rad(x)", arguments);
  const a = asFloat("deg2rad", x);
  return p.mul(a, number(a, Math.PI / 180));
}

/** Elementwise radians in degrees, as `jax.numpy.rad2deg`. */
export function rad2deg(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("rad2deg(x)", arguments);
  const a = asFloat("rad2deg", x);
  return p.mul(a, number(a, 180 / Math.PI));
}

/** Elementwise radians in degrees: {@linkcode rad2deg} under NumPy's other name. */
export const degrees: typeof rad2deg = rad2deg;
/** Elementwise degrees in radians: {@linkcode deg2rad} under NumPy's other name. */
export const radians: typeof deg2rad = deg2rad;

/**
 * Elementwise `log2(2^x + 2^y)` without overflow, as `jax.numpy.logaddexp2`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function logaddexp2(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("logaddexp2(x, y)", arguments);
  return applyNamed(
    "logaddexp2",
    (a, b) => {
      const base = number(a, Math.LN2);
      return p.div(logaddexpOf(p.mul(a, base), p.mul(b, base)), base);
    },
    x,
    y,
    floatOr32,
  );
}

/**
 * Elementwise `x` to the power `y` in floats, as `jax.numpy.float_power`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function floatPower(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("floatPower(x, y)", arguments);
  return applyNamed("floatPower", pow, x, y, floatOr32);
}

/**
 * Elementwise larger value, the other one where one is NaN, as `jax.numpy.fmax`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.fmax(np.array([1, NaN]), 0).toArray()); // [ 1, 0 ]
 * ```
 */
export function fmax(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("fmax(x, y)", arguments);
  return applyNamed(
    "fmax",
    (a, b) => select(or(gt(a, b), ne(b, b)), a, b),
    x,
    y,
  );
}

/**
 * Elementwise smaller value, the other one where one is NaN, as `jax.numpy.fmin`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 */
export function fmin(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("fmin(x, y)", arguments);
  return applyNamed(
    "fmin",
    (a, b) => select(or(lt(a, b), ne(b, b)), a, b),
    x,
    y,
  );
}

// ---------------------------------------------------------------- integers

/** Steps that Euclid's algorithm takes at most for 32-bit numbers: consecutive Fibonacci numbers. */
const EUCLID = 47;

/** Greatest common divisor of arrays of whole numbers that are not negative. */
function divisor(x: NDArray, y: NDArray): NDArray {
  let [a, b] = [x, y];
  const zero = number(a, 0);
  for (let i = 0; i < EUCLID; i++) {
    const done = eq(b, zero);
    const rest = p.rem(a, select(done, number(a, 1), b));
    [a, b] = [select(done, a, b), select(done, b, rest)];
  }
  return a;
}

function wholeOperands(op: string, x: Operand, y: Operand, f: typeof divisor): NDArray {
  for (const [k, z] of [["x", x], ["y", y]] as const) {
    expectOperand(op, z, k);
    const whole = z instanceof NDArray ? !isFloat(z.dtype) : Number.isInteger(Number(z));
    if (!whole) {
      throw new DTypeError(
        `${op}: ${k} must be integers, but is ${
          z instanceof NDArray ? z.dtype : String(z)
        }. Convert it with astype("int32")`,
      );
    }
  }
  const given = [x, y].find((z) => z instanceof NDArray);
  const like = boolToInt(given?.dtype ?? "int32");
  const [a, b] = [x, y].map((z) =>
    z instanceof NDArray ? z : asDType(op, Number(z), like, "a number")
  );
  return applyNamed(op, f, a!, b!, boolToInt);
}

const size = (x: NDArray): NDArray => x.dtype === "uint32" ? x : p.abs(x);

/**
 * Elementwise greatest common divisor of integers, not negative, as `jax.numpy.gcd`.
 *
 * @throws {DTypeError} where an operand is not integers.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.gcd(np.array([12, 18], { dtype: "int32" }), 8).toArray()); // [ 4, 2 ]
 * ```
 */
export function gcd(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("gcd(x, y)", arguments);
  return wholeOperands("gcd", x, y, (a, b) => divisor(size(a), size(b)));
}

/**
 * Elementwise least common multiple of integers, not negative, as `jax.numpy.lcm`.
 *
 * @throws {DTypeError} where an operand is not integers.
 */
export function lcm(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("lcm(x, y)", arguments);
  return wholeOperands("lcm", x, y, (a, b) => {
    const [m, n] = [size(a), size(b)];
    const d = divisor(m, n);
    const none = eq(d, number(d, 0));
    return select(none, d, p.mul(p.div(m, select(none, number(d, 1), d)), n));
  });
}
