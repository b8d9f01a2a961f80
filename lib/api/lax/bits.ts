/**
 * The bits of numbers: counted, and as those of another type. Composed of exact arithmetic, so that they work
 * wherever that does.
 *
 * @module
 */
import {
  checkCall,
  type DType,
  DTypeError,
  expectDType,
  isFloat,
  type NDArray,
  type Operand,
} from "../../core/mod.ts";
import {
  abs,
  add,
  convert,
  div,
  mul,
  neg,
  scalarLike,
  select,
  setBits,
  sub,
} from "../../primitives/mod.ts";
import * as c from "../../primitives/elementwise/compare.ts";
import { asOperand } from "../operands.ts";

function unsigned(op: string, x: Operand): [bits: NDArray, dtype: DType] {
  const a = asOperand(op, x);
  if (isFloat(a.dtype) || a.dtype === "bool") {
    throw new DTypeError(`${op}: x is ${a.dtype}, and must be an integer array`);
  }
  return [convert(a, "uint32"), a.dtype];
}

/**
 * Elementwise number of bits that are 1, as `jax.lax.population_count`.
 *
 * @throws {DTypeError} where `x` is not an integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.populationCount(np.array([7, -1], { dtype: "int32" })).toArray()); // [ 3, 32 ]
 * ```
 */
export function populationCount(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("populationCount(x)", arguments);
  const [bits, dtype] = unsigned("populationCount", x);
  return convert(setBits(bits), dtype);
}

/**
 * Elementwise number of zeros in front of the first bit that is 1, as `jax.lax.clz`.
 *
 * @throws {DTypeError} where `x` is not an integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.clz(np.array([1, 0], { dtype: "int32" })).toArray()); // [ 31, 32 ]
 * ```
 */
export function clz(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("clz(x)", arguments);
  const [bits, dtype] = unsigned("clz", x);
  // All bits below the first one are set.
  const filled = [1, 2, 4, 8, 16].reduce(
    (v, by) => c.or(v, c.shiftRightLogical(v, scalarLike(by, v))),
    bits,
  );
  return convert(setBits(c.not(filled)), dtype);
}

/**
 * The bits of `x` as another type of 32 bits, as `jax.lax.bitcast_convert_type`. NaN has one pattern of bits
 * for all that it may have had.
 *
 * @throws {DTypeError} for types of other sizes, and bool.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.bitcastConvertType(np.array(1), "int32").item()); // 1065353216
 * ```
 */
export function bitcastConvertType(x: Operand, dtype: DType): NDArray {
  if (arguments.length > 2) checkCall("bitcastConvertType(x, dtype)", arguments);
  const op = "bitcastConvertType";
  const a = asOperand(op, x);
  const to = expectDType(op, dtype ?? null, a.dtype);
  if (to === a.dtype) return a;
  for (const type of [a.dtype, to]) {
    if (type === "bool" || type === "float64") {
      throw new DTypeError(`${op}: from ${a.dtype} to ${to}: both must be types of 32 bits`);
    }
  }
  if (a.dtype === "float32") return convert(bitsOf(a), to);
  if (to === "float32") return fromBits(convert(a, "uint32"));
  return convert(a, to);
}

/** Powers of two by which an exponent is found, each half of the one before. */
const HALVES = [64, 32, 16, 8, 4, 2, 1];

/** The bits of `float32` as `uint32`. */
export function bitsOf(x: NDArray): NDArray {
  const zero = scalarLike(0, x);
  const negative = c.or(c.lt(x, zero), isMinusZero(x));
  const size = abs(x);
  const normal = c.and(c.ge(size, scalarLike(2 ** -126, x)), c.lt(size, scalarLike(Infinity, x)));
  let part = select(normal, size, scalarLike(1, x));
  let exponent = convert(scalarLike(0, x), "int32");
  // Into [1, 2), by powers of two alone, so that nothing is rounded.
  for (const by of HALVES) {
    const large = c.ge(part, scalarLike(2 ** by, x));
    part = mul(part, select(large, scalarLike(2 ** -by, x), scalarLike(1, x)));
    exponent = add(exponent, select(large, count(by, exponent), count(0, exponent)));
  }
  for (const by of HALVES) {
    const small = c.lt(part, scalarLike(2 ** (1 - by), x));
    part = mul(part, select(small, scalarLike(2 ** by, x), scalarLike(1, x)));
    exponent = add(exponent, select(small, count(-by, exponent), count(0, exponent)));
  }
  const digits = convert(mul(sub(part, scalarLike(1, x)), scalarLike(2 ** 23, x)), "int32");
  const whole = add(mul(add(exponent, count(127, exponent)), count(2 ** 23, exponent)), digits);
  // Below the normal numbers the bits count the smallest one; 2^149 is none itself.
  const tiny = select(normal, zero, select(c.lt(size, scalarLike(1, x)), size, zero));
  const few = convert(mul(mul(tiny, scalarLike(2 ** 100, x)), scalarLike(2 ** 49, x)), "int32");
  const infinite = count(0x7f800000, few);
  const rest = select(
    c.eq(x, x),
    select(c.lt(size, scalarLike(Infinity, x)), few, infinite),
    count(0x7fc00000, few),
  );
  const bits = convert(select(normal, whole, rest), "uint32");
  return add(bits, select(negative, count(2 ** 31, bits), count(0, bits)));
}

const count = (value: number, like: NDArray): NDArray => scalarLike(value, like);

/** Whether elements are -0, of which only a quotient tells. */
function isMinusZero(x: NDArray): NDArray {
  const one = scalarLike(1, x);
  const isZero = c.eq(x, scalarLike(0, x));
  // Of what is not 0 the quotient does not matter.
  return c.and(isZero, c.lt(div(one, x), scalarLike(0, x)));
}

/** The `float32` with some bits, `uint32`. */
export function fromBits(bits: NDArray): NDArray {
  const at = (by: number, mask: number): NDArray =>
    convert(
      c.and(c.shiftRightLogical(bits, scalarLike(by, bits)), scalarLike(mask, bits)),
      "int32",
    );
  const [sign, exponent, digits] = [at(31, 1), at(23, 255), at(0, 2 ** 23 - 1)];
  const normal = c.gt(exponent, scalarLike(0, exponent));
  const wide = add(digits, select(normal, count(2 ** 23, digits), count(0, digits)));
  // times 2^(exponent - 150), where subnormal numbers have the exponent of the least normal ones: first up,
  // then down, so that nothing is rounded and nothing overflows on the way.
  let value = convert(wide, "float32");
  let left = sub(select(normal, exponent, count(1, exponent)), count(150, exponent));
  for (const by of HALVES) {
    const up = c.ge(left, count(by, left));
    value = mul(value, select(up, scalarLike(2 ** by, value), scalarLike(1, value)));
    left = sub(left, select(up, count(by, left), count(0, left)));
  }
  for (const by of [...HALVES.slice(0, 1), ...HALVES]) {
    const down = c.lt(left, count(1 - by, left));
    value = mul(value, select(down, scalarLike(2 ** -by, value), scalarLike(1, value)));
    left = add(left, select(down, count(by, left), count(0, left)));
  }
  const none = c.eq(digits, count(0, digits));
  const special = select(none, scalarLike(Infinity, value), scalarLike(NaN, value));
  const size = select(c.eq(exponent, count(255, exponent)), special, value);
  return select(c.gt(sign, count(0, sign)), neg(size), size);
}
