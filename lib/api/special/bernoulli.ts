/**
 * Bernoulli's numbers, by integers of any size.
 *
 * Source: R. P. Brent, D. Harvey, Fast computation of Bernoulli, tangent and secant numbers (2013).
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { shaped } from "../../core/aval.ts";
import { expectInteger } from "../../core/checks.ts";
import { ConcreteArray } from "../../core/concrete.ts";
import { allocate, defaultFloat, isFloat } from "../../core/dtype.ts";
import { DTypeError } from "../../core/errors.ts";
import { checkCall } from "../../core/signature.ts";
import type { DTypeOptions } from "../arguments.ts";
import { dtypeOption } from "../operands.ts";
import { dtypeOptions } from "../options.ts";

/**
 * Bernoulli's numbers `B_0`, `B_1` = -1/2, ..., `B_n`, as `jax.scipy.special.bernoulli`, each rounded once.
 *
 * @param n The last one's index: an integer, 0 or more.
 * @param options `dtype`: float32 by default, in which numbers from `B_66` on are infinite.
 * @returns Of shape `[n + 1]`.
 * @throws {RangeError} where `n` is not an integer, or negative.
 * @throws {DTypeError} where the dtype is not one of floats.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.bernoulli(4, { dtype: "float64" }).toArray());
 * // [ 1, -0.5, 0.16666666666666666, 0, -0.03333333333333333 ]
 * ```
 */
export function bernoulli(n: number, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("bernoulli(n, options)", arguments, dtypeOptions);
  expectInteger("bernoulli", n, "n", 0, MOST);
  const dtype = dtypeOption("bernoulli", options, defaultFloat);
  if (!isFloat(dtype)) {
    throw new DTypeError(`bernoulli: the dtype must be float32 or float64, not ${dtype}`);
  }
  const even = evenNumbers(Math.min(n >> 1, LAST));
  const values = allocate(dtype, n + 1);
  values[0] = 1;
  if (n > 0) values[1] = -0.5;
  for (let i = 2; i <= n; i += 2) {
    values[i] = even[i / 2 - 1] ?? (i % 4 === 2 ? Infinity : -Infinity);
  }
  return ConcreteArray.fromHost(shaped([n + 1], dtype), values);
}

/** `B_2`, `B_4`, ..., `B_2count`: 2 k T / (4^k (4^k - 1)) with the tangent numbers T, of alternating sign. */
function evenNumbers(count: number): number[] {
  const tangent: bigint[] = [];
  for (let k = 0, product = 1n; k < count; product *= BigInt(++k)) tangent.push(product);
  for (let k = 2; k <= count; k++) {
    for (let j = k; j <= count; j++) {
      tangent[j - 1] = BigInt(j - k) * tangent[j - 2]! + BigInt(j - k + 2) * tangent[j - 1]!;
    }
  }
  return tangent.map((t, i) => {
    const k = BigInt(i + 1);
    const power = 1n << (2n * k);
    const size = quotient(2n * k * t, power * (power - 1n));
    return i % 2 === 0 ? size : -size;
  });
}

/** A quotient of positive integers as the nearest number. */
function quotient(above: bigint, below: bigint): number {
  const bits = (x: bigint): number => x.toString(2).length;
  // A whole part of 64 bits or more, whose last bit says whether there is a rest.
  const shift = Math.max(0, 65 + bits(below) - bits(above));
  const shifted = above << BigInt(shift);
  const whole = shifted / below;
  const sticky = whole * below === shifted ? whole : whole | 1n;
  return Number(sticky) / 2 ** shift;
}

/** B_2k of double precision is infinite from the one behind. */
const LAST = 129;

/** As many as an array is made of without a second thought. */
const MOST = 1e7;
