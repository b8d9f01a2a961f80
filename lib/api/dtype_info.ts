/**
 * What dtypes can hold.
 *
 * Constants of mathematics, and names of dtypes that are read as they are in NumPy.
 *
 * Floats as they are represented: their neighbours, mantissas and exponents; bits of integers; and the cube
 * root, which needs these. Composed of exact arithmetic.
 *
 * @module
 */
import {
  checkCall,
  type DType,
  DTypeError,
  epsilon,
  expectDType,
  isFloat,
  isInteger,
  limits,
  NDArray,
  type Operand,
  promoteDTypes,
  scalarArray,
} from "../core/mod.ts";
import { convert, scalarLike, select, stopGradient } from "../primitives/mod.ts";
import * as p from "../primitives/elementwise/arithmetic.ts";
import * as c from "../primitives/elementwise/compare.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { copysign } from "./floating.ts";
import {
  applyNamed,
  asFloat,
  asOperand,
  commonDTypeOf,
  expectOperand,
  floatOr32,
} from "./operands.ts";

/** The ratio of a circle's circumference to its diameter, as `jax.numpy.pi`. */
export const pi: number = Math.PI;

/** Euler's number, the base of natural logarithms, as `jax.numpy.e`. */
export const e: number = Math.E;

/** Euler's constant, the limit of harmonic numbers less logarithms, as `jax.numpy.euler_gamma`. */
export const eulerGamma: number = 0.5772156649015329;

/** Infinity, as `jax.numpy.inf`. */
export const inf: number = Infinity;

/** Not a number, as `jax.numpy.nan`. */
export const nan: number = NaN;

/** No value: where NumPy writes `np.newaxis`, `null` stands; axes are made by `np.expandDims`. */
export const newaxis: null = null;

/** The dtype `"float32"`: 32-bit floats, which is what arrays have where nothing else is said. */
export const float32 = "float32" as const;

/** The dtype `"float64"`: 64-bit floats, which are JavaScript's numbers. */
export const float64 = "float64" as const;

/** The dtype `"int32"`: integers from -2^31 to 2^31 - 1. */
export const int32 = "int32" as const;

/** The dtype `"uint32"`: integers from 0 to 2^32 - 1. */
export const uint32 = "uint32" as const;

/** The dtype `"bool"`. */
export const bool = "bool" as const;

/** The dtype `"bool"`, under the name that NumPy has long had for it. */
export const bool_ = "bool" as const;

/**
 * Whether a value is a number, a boolean, or an array without axes, as `jax.numpy.isscalar`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.isScalar(3), np.isScalar(np.array(3)), np.isScalar([3])); // true true false
 * ```
 */
export function isScalar(x: unknown): boolean {
  if (arguments.length > 1) checkCall("isScalar(x)", arguments);
  return x instanceof NDArray ? x.ndim === 0 : typeof x === "number" || typeof x === "boolean";
}

/**
 * The dtype in which two dtypes meet, as `jax.numpy.promote_types`.
 *
 * @throws {DTypeError} where one is no dtype.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.promoteTypes("int32", "float32")); // float32
 * ```
 */
export function promoteTypes(x: DType, y: DType): DType {
  if (arguments.length > 2) checkCall("promoteTypes(x, y)", arguments);
  const [a, b] = [x, y].map((d) => expectDType("promoteTypes", d ?? null, "float32"));
  return promoteDTypes(a!, b!);
}

/**
 * The dtype of an operation on arrays, numbers, booleans and dtypes, as `jax.numpy.result_type`: numbers take
 * the dtype of what is beside them wherever that can hold them.
 *
 * @throws {DTypeError} where one is a word that is no dtype.
 * @throws {TypeError} where there is none, or one is none of these.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([1, 2], { dtype: "int32" });
 * console.log(np.resultType(x, 3), np.resultType(x, 0.5), np.resultType(x, "float64")); // int32 float32 float64
 * ```
 */
export function resultType(...operands: readonly (Operand | DType)[]): DType {
  if (operands.length === 0) {
    throw new TypeError(
      "resultType: there is nothing to find the dtype of. Write resultType(x, y)",
    );
  }
  return commonDTypeOf(operands.map((x, i): Operand => {
    // An array of a dtype says what the dtype alone says.
    if (typeof x === "string") return scalarArray(0, expectDType("resultType", x, "float32"));
    expectOperand("resultType", x, `operand ${i}`);
    return x;
  }));
}

/** What a float dtype can hold. */
export interface FloatInfo {
  /** The dtype. */
  readonly dtype: DType;
  /** Bits of a number. */
  readonly bits: number;
  /** Distance from 1 to the next number. */
  readonly eps: number;
  /** Largest finite number. */
  readonly max: number;
  /** Least finite number. */
  readonly min: number;
  /** Smallest positive number of full precision. */
  readonly tiny: number;
  /** Smallest positive number. */
  readonly smallestSubnormal: number;
}

/** What an integer dtype can hold. */
export interface IntegerInfo {
  /** The dtype. */
  readonly dtype: DType;
  /** Bits of a number. */
  readonly bits: number;
  /** Largest number. */
  readonly max: number;
  /** Least number. */
  readonly min: number;
}

/** The dtype that is named or that an array has. */
function dtypeOf(op: string, x: DType | NDArray): DType {
  return x instanceof NDArray ? x.dtype : expectDType(op, x ?? null, "float32");
}

/**
 * What a float dtype, or that of an array, can hold, as `jax.numpy.finfo`.
 *
 * @throws {DTypeError} where it is not a float.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.finfo("float64").eps === 2 ** -52); // true
 * ```
 */
export function finfo(dtype: DType | NDArray): FloatInfo {
  if (arguments.length > 1) checkCall("finfo(dtype)", arguments);
  const type = dtypeOf("finfo", dtype);
  if (!isFloat(type)) {
    throw new DTypeError(`finfo: ${type} is not a float dtype. Use np.iinfo for integers`);
  }
  const single = type === "float32";
  const max = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  return {
    dtype: type,
    bits: single ? 32 : 64,
    eps: epsilon(type),
    max,
    min: -max,
    tiny: single ? 2 ** -126 : 2 ** -1022,
    smallestSubnormal: single ? 2 ** -149 : Number.MIN_VALUE,
  };
}

/**
 * What an integer dtype, or that of an array, can hold, as `jax.numpy.iinfo`.
 *
 * @throws {DTypeError} where it is not an integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.iinfo("int32").max); // 2147483647
 * ```
 */
export function iinfo(dtype: DType | NDArray): IntegerInfo {
  if (arguments.length > 1) checkCall("iinfo(dtype)", arguments);
  const type = dtypeOf("iinfo", dtype);
  if (!isInteger(type)) {
    throw new DTypeError(`iinfo: ${type} is not an integer dtype. Use np.finfo for floats`);
  }
  const [min, max] = limits(type);
  return { dtype: type, bits: 32, max, min };
}

/**
 * Elementwise cube root, as `jax.numpy.cbrt`, of negative numbers too.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cbrt(-27).item()); // -3
 * ```
 */
export function cbrt(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("cbrt(x)", arguments);
  const a = asFloat("cbrt", x);
  const zero = scalarLike(0, a);
  const one = scalarLike(1, a);
  const negative = c.or(c.lt(a, zero), c.lt(p.div(one, a), zero));
  const size = select(negative, p.neg(a), a);
  // 0, infinity and NaN are their own roots, of either kind; so are slopes there, infinite, 0 and NaN.
  const plain = c.and(
    c.gt(size, zero),
    c.lt(size, scalarLike(Infinity, a)),
  );
  const edge = u.sqrt(select(plain, one, size));
  // Sizes are brought where cubes neither vanish nor overflow.
  const safe = select(plain, size, one);
  const [small, large] = a.dtype === "float32" ? [2 ** -90, 2 ** 90] : [2 ** -900, 2 ** 900];
  const [up, down] = a.dtype === "float32" ? [2 ** 60, 2 ** -20] : [2 ** 600, 2 ** -200];
  const isSmall = c.lt(safe, scalarLike(small, a));
  const isLarge = c.gt(safe, scalarLike(large, a));
  const scaled = p.mul(
    safe,
    select(isSmall, scalarLike(up, a), select(isLarge, scalarLike(1 / up, a), one)),
  );
  const third = scalarLike(1 / 3, a);
  const rough = u.exp(p.mul(u.log(scaled), third));
  // A step of Newton's: y - (y - x / y^2) / 3.
  const off = p.sub(rough, p.div(scaled, p.mul(rough, rough)));
  const root = p.mul(
    p.sub(rough, p.mul(off, third)),
    select(isSmall, scalarLike(down, a), select(isLarge, scalarLike(1 / down, a), one)),
  );
  const whole = select(plain, root, edge);
  return select(negative, p.neg(whole), whole);
}

/**
 * Elementwise the float next to `x` on the side of `y`, as `jax.numpy.nextafter`; `y` where they are equal. It has
 * no derivative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.nextafter(1, 2).item() - 1 === 2 ** -23); // true
 * ```
 */
export function nextafter(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("nextafter(x, y)", arguments);
  return applyNamed(
    "nextafter",
    (a, b) => neighbour(stopGradient(a), stopGradient(b)),
    x,
    y,
    floatOr32,
  );
}

/**
 * S. M. Rump, P. Zimmermann, S. Boldo and G. Melquiond: a little more than half a unit in the last place, added,
 * is rounded to the next number.
 */
function neighbour(x: NDArray, y: NDArray): NDArray {
  const single = x.dtype === "float32";
  const of = (value: number): NDArray => scalarLike(value, x);
  const [half, scale] = single ? [2 ** -24, 2 ** 50] : [2 ** -53, 2 ** 200];
  const [least, subnormal] = single ? [2 ** -149, 2 ** -125] : [2 ** -1074, 2 ** -1021];
  const most = single ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  const size = p.abs(x);
  const small = c.lt(size, of(single ? 2 ** -70 : 2 ** -700));
  const scaled = p.mul(size, select(small, of(scale), of(1)));
  const up = c.lt(x, y);
  // Away from 0 where it grows and is positive, or shrinks and is negative.
  const outwards = c.eq(up, c.ge(x, of(0)));
  const step = p.mul(scaled, of(half * (1 + 2 * half)));
  const moved = p.mul(
    p.add(scaled, select(outwards, step, p.neg(step))),
    select(small, of(1 / scale), of(1)),
  );
  const tiny = p.add(size, select(outwards, of(least), of(-least)));
  const next = select(c.lt(size, of(subnormal)), tiny, moved);
  const bounded = select(c.eq(size, of(Infinity)), of(most), next);
  const signed = select(c.lt(x, of(0)), p.neg(bounded), bounded);
  const fromZero = select(up, of(least), of(-least));
  const found = select(c.eq(x, of(0)), fromZero, signed);
  // NaN where one is.
  return select(c.eq(x, y), y, select(c.and(c.eq(x, x), c.eq(y, y)), found, p.add(x, y)));
}

/**
 * Elementwise the distance from `x` to the next float away from 0, with the sign of `x`, as
 * `jax.numpy.spacing`. It has no derivative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.spacing(1).item() === 2 ** -23); // true
 * ```
 */
export function spacing(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("spacing(x)", arguments);
  const a = stopGradient(asFloat("spacing", x));
  const far = copysign(scalarLike(Infinity, a), a);
  const least = a.dtype === "float32" ? 2 ** -149 : 2 ** -1074;
  const step = p.sub(nextafter(a, far), a);
  return select(c.eq(step, scalarLike(0, step)), copysign(scalarLike(least, a), a), step);
}

/**
 * Mantissas, from 1/2 up to but without 1, and exponents (int32) so that `x` is `mantissa 2^exponent`, as
 * `jax.numpy.frexp`; of 0, infinities and NaN themselves and 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.frexp(np.array([6, -0.5])).map((a) => a.toArray())); // [ [ 0.75, -0.5 ], [ 3, 0 ] ]
 * ```
 */
export function frexp(x: Operand): [mantissa: NDArray, exponent: NDArray] {
  if (arguments.length > 1) checkCall("frexp(x)", arguments);
  const a = asFloat("frexp", x);
  const of = (value: number): NDArray => scalarLike(value, a);
  const size = p.abs(a);
  const plain = c.and(c.gt(size, of(0)), c.lt(size, of(Infinity)));
  let part = select(plain, size, of(1));
  let exponent = convert(select(plain, of(1), of(0)), "int32");
  const moved = (by: number): NDArray => scalarLike(by, exponent);
  const halves = a.dtype === "float32" ? HALVES : [512, 256, 128, ...HALVES];
  // Into [1, 2), by powers of two alone, so that nothing is rounded.
  for (const by of halves) {
    const large = c.ge(part, of(2 ** by));
    part = p.mul(part, select(large, of(2 ** -by), of(1)));
    exponent = p.add(exponent, select(large, moved(by), moved(0)));
  }
  // Subnormal numbers are further down than the largest ones are up.
  for (const by of [64, ...halves]) {
    const small = c.lt(part, of(2 ** (1 - by)));
    part = p.mul(part, select(small, of(2 ** by), of(1)));
    exponent = p.add(exponent, select(small, moved(-by), moved(0)));
  }
  const half = p.mul(part, of(0.5));
  return [select(plain, select(c.lt(a, of(0)), p.neg(half), half), a), exponent];
}

/** Powers of two by which an exponent is found, each half of the one before. */
const HALVES = [64, 32, 16, 8, 4, 2, 1];

/**
 * Elementwise number of bits of the absolute value that are 1, as `jax.numpy.bitwise_count`, of the dtype of
 * `x`.
 *
 * @throws {DTypeError} where `x` is no integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.bitwiseCount(np.array([7, -1], { dtype: "int32" })).toArray()); // [ 3, 1 ]
 * ```
 */
export function bitwiseCount(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("bitwiseCount(x)", arguments);
  const a = asOperand("bitwiseCount", x);
  if (isFloat(a.dtype) || a.dtype === "bool") {
    throw new DTypeError(`bitwiseCount: x is ${a.dtype}, and must be an integer array`);
  }
  return convert(p.setBits(convert(p.abs(a), "uint32")), a.dtype);
}
