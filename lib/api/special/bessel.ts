/**
 * Bessel functions, as in `jax.scipy.special`.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/array.ts";
import { checkCount } from "../../core/checks.ts";
import { checkCall, type OptionTable } from "../../core/signature.ts";
import { scalarLike } from "../../primitives/constants/full.ts";
import { abs, add, div, mul, sub } from "../../primitives/elementwise/arithmetic.ts";
import * as bessel from "../../primitives/elementwise/bessel.ts";
import { exp } from "../../primitives/elementwise/elementary.ts";
import { reshape } from "../../primitives/shape/reshape.ts";
import { concatenate } from "../../primitives/slicing/concatenate.ts";
import { asFloat } from "../operands.ts";

/**
 * Elementwise modified Bessel function of the first kind of order 0, as `jax.scipy.special.i0`.
 *
 * Within 5 units in the last place. Its derivative is `i1`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.i0(np.array([0, 1])).toArray()); // [ 1, 1.2660658359527588 ]
 * ```
 */
export function i0(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i0(x)", arguments);
  const a = asFloat("i0", x);
  return mul(exp(abs(a)), bessel.i0e(a));
}

/**
 * Elementwise `exp(-|x|) i0(x)`, which does not overflow, as `jax.scipy.special.i0e`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.i0e(1000).item()); // 0.012617240659892559
 * ```
 */
export function i0e(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i0e(x)", arguments);
  return bessel.i0e(asFloat("i0e", x));
}

/**
 * Elementwise modified Bessel function of the first kind of order 1, as `jax.scipy.special.i1`.
 *
 * Within 5 units in the last place.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.i1(np.array([0, 1])).toArray()); // [ 0, 0.5651590824127197 ]
 * ```
 */
export function i1(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i1(x)", arguments);
  const a = asFloat("i1", x);
  return mul(exp(abs(a)), bessel.i1e(a));
}

/**
 * Elementwise `exp(-|x|) i1(x)`, which does not overflow, as `jax.scipy.special.i1e`.
 *
 * Within 4 units in the last place.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.i1e(1000).item()); // 0.012610930018126965
 * ```
 */
export function i1e(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("i1e(x)", arguments);
  return bessel.i1e(asFloat("i1e", x));
}

// ---------------------------------------------------------------- of whole orders

/** Options of {@linkcode besselJn}. */
export interface BesselJnOptions {
  /** The steps of the recurrence, 50 where left out. They must be more than the size of `z`. */
  readonly nIter?: number | undefined;
}

const besselOptions: OptionTable<BesselJnOptions> = { nIter: "count" };

/**
 * Functions of the orders 0 to `v`, `[v + 1, ...]`, by J. C. P. Miller's recurrence. It is that of
 * g_k = k! (2 / z)^k J_k, which neither overflow nor divide by z:
 *
 *     g_(k - 1) = g_k - (z / 2)^2 / (k (k + 1)) g_(k + 1),    J_0 + 2 J_2 + 2 J_4 + ... = 1
 */
function orders(z: NDArray, v: number, steps: number): NDArray {
  const number = (value: number): NDArray => scalarLike(value, z);
  const half = mul(z, number(0.5)), square = mul(half, half);
  const first = Math.max(steps, v + 1);
  const values: NDArray[] = [];
  let [next, here] = [number(1), add(mul(z, number(0)), number(1))];
  values[first] = here;
  for (let k = first; k > 0; k--) {
    const before = sub(here, mul(mul(square, number(1 / (k * (k + 1)))), next));
    [next, here] = [here, before];
    values[k - 1] = here;
  }
  // (z / 2)^k / k!
  let power = add(mul(z, number(0)), number(1));
  let total: NDArray = values[0]!;
  const found: NDArray[] = [total];
  for (let k = 1; k <= first; k++) {
    power = mul(power, mul(half, number(1 / k)));
    const value = mul(power, values[k]!);
    if (k <= v) found.push(value);
    if (k % 2 === 0) total = add(total, mul(number(2), value));
  }
  const rows = found.map((x) => reshape(div(x, total), [1, ...z.shape]));
  return concatenate(rows, 0);
}

/**
 * Bessel functions of the first kind of the orders 0 to `v`, `[v + 1, ...]`, as
 * `jax.scipy.special.bessel_jn`, by a recurrence of `nIter` steps.
 *
 * Within 4 units in the last place of 1 where `|z|` is at most 20; numbers that are larger ask for more
 * steps.
 *
 * @param v The highest order, an integer.
 * @throws {RangeError} where `v` or `nIter` is not an integer from 0 on.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.besselJn(0, 2).toArray()); // [ 1, 0, 0 ]
 * ```
 */
export function besselJn(z: Operand, v: number, options: BesselJnOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("besselJn(z, v, options)", arguments, besselOptions);
  const steps = checkCount("besselJn", "nIter", options.nIter ?? 50);
  return orders(asFloat("besselJn", z, "z"), checkCount("besselJn", "v", v), steps);
}
