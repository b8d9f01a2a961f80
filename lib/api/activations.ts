/**
 * The activation functions that most networks use, and classes as vectors.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { expectInteger } from "../core/checks.ts";
import { defaultFloat } from "../core/dtype.ts";
import { checkCall, type OptionTable, tableOf } from "../core/signature.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { iota } from "../primitives/constants/iota.ts";
import { add, maximum, minimum, mul, neg } from "../primitives/elementwise/arithmetic.ts";
import { eq, ge, gt, le } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { erfc } from "../primitives/elementwise/erf.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import type { DTypeOptions } from "./arguments.ts";
import { asFloat, asIndex, asOperand, dtypeOption, expectAxis, expectRoom } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** Options of {@linkcode gelu}. */
export interface GeluOptions {
  /** Whether to approximate by tanh, which is the default, or to use the error function. */
  readonly approximate?: boolean | undefined;
}

const geluOptions: OptionTable<GeluOptions> = { approximate: "boolean" };

/** Options of {@linkcode oneHot}. */
export interface OneHotOptions extends DTypeOptions {
  /** Where the new axis is in the result; the last one where left out. */
  readonly axis?: number | undefined;
}

const oneHotOptions: OptionTable<OneHotOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  axis: "number",
});

/**
 * Elementwise `max(x, 0)`, as `jax.nn.relu`; its derivative at 0 is 0. Integers stay integers.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.relu(np.array([-1, 2])).toArray()); // [ 0, 2 ]
 * ```
 */
export function relu(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("relu(x)", arguments);
  const a = asOperand("relu", x);
  const zero = scalarLike(0, a);
  // This way round NaN stays NaN.
  return select(le(a, zero), zero, a);
}

/** Elementwise `min(max(x, 0), 6)`, as `jax.nn.relu6`; its derivative at 0 and 6 is 0. */
export function relu6(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("relu6(x)", arguments);
  const a = asFloat("relu6", x);
  const [zero, six] = [scalarLike(0, a), scalarLike(6, a)];
  return select(le(a, zero), zero, select(ge(a, six), six, a));
}

/**
 * Elementwise `x` where it is positive, else `slope * x`, as `jax.nn.leaky_relu`.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.leakyRelu(np.array([-1, 2]), 0.25).toArray()); // [ -0.25, 2 ]
 * ```
 */
export function leakyRelu(x: Operand, slope: Operand = 0.01): NDArray {
  if (arguments.length > 2) checkCall("leakyRelu(x, slope)", arguments);
  const a = asFloat("leakyRelu", x);
  const s = typeof slope === "number" ? scalarLike(slope, a) : asFloat("leakyRelu", slope, "slope");
  // A choice of factors, which compiles to fewer nodes than one of products.
  return mul(a, select(ge(a, scalarLike(0, a)), scalarLike(1, a), convert(s, a.dtype)));
}

/**
 * Elementwise `x` where it is positive, else `alpha * (exp(x) - 1)`, as `jax.nn.elu`.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.elu(np.array([-Infinity, 2])).toArray()); // [ -1, 2 ]
 * ```
 */
export function elu(x: Operand, alpha: Operand = 1): NDArray {
  if (arguments.length > 2) checkCall("elu(x, alpha)", arguments);
  const a = asFloat("elu", x);
  const s = typeof alpha === "number" ? scalarLike(alpha, a) : asFloat("elu", alpha, "alpha");
  const zero = scalarLike(0, a);
  const positive = gt(a, zero);
  // Without positive arguments, whose exponential may be infinite.
  const below = u.expm1(select(positive, zero, a));
  return select(positive, a, mul(convert(s, a.dtype), below));
}

/**
 * Elementwise logistic function `1 / (1 + exp(-x))`, as `jax.nn.sigmoid`.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.sigmoid(np.array([0, Infinity])).toArray()); // [ 0.5, 1 ]
 * ```
 */
export function sigmoid(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sigmoid(x)", arguments);
  return u.logistic(asFloat("sigmoid", x));
}

/** Elementwise `log(sigmoid(x))` without underflow, as `jax.nn.log_sigmoid`. */
export function logSigmoid(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("logSigmoid(x)", arguments);
  return neg(softplus(neg(asFloat("logSigmoid", x))));
}

/** Elementwise `x * sigmoid(x)`, as `jax.nn.silu`; also exported as `swish`. */
export function silu(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("silu(x)", arguments);
  const a = asFloat("silu", x);
  return mul(a, u.logistic(a));
}

/** Elementwise `x * sigmoid(x)`: {@linkcode silu} under another name, as `jax.nn.swish`. */
export const swish: typeof silu = silu;

/**
 * Elementwise `log(1 + exp(x))` without overflow, as `jax.nn.softplus`; derivatives of all orders are
 * right everywhere.
 *
 * @example
 * ```ts
 * import { nn } from "@injax/injax";
 *
 * console.log(nn.softplus(1000).item()); // 1000
 * ```
 */
export function softplus(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("softplus(x)", arguments);
  const a = asFloat("softplus", x);
  const positive = gt(a, scalarLike(0, a));
  // Branches instead of maximum and abs, whose second derivatives at 0 would be lost.
  const linear = select(positive, a, scalarLike(0, a));
  return add(linear, u.log1p(u.exp(select(positive, neg(a), a))));
}

/**
 * Elementwise Gaussian error linear unit, `x` times the normal distribution function, as `jax.nn.gelu`;
 * approximated by tanh unless `approximate` is false.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.gelu(np.array([0, 1]), { approximate: false }).toArray()); // [ 0, 0.8413447141647339 ]
 * ```
 */
export function gelu(x: Operand, options: GeluOptions = {}): NDArray {
  if (arguments.length > 1) checkCall("gelu(x, options)", arguments, geluOptions);
  const a = asFloat("gelu", x);
  const c = (value: number): NDArray => scalarLike(value, a);
  const half = mul(a, c(0.5));
  if (options.approximate === false) {
    // Not 1 + erf, which cancels for negative numbers.
    return mul(half, erfc(mul(neg(a), c(Math.SQRT1_2))));
  }
  // The tangent is 1 far before the cube overflows, where its derivative would be 0 times infinity.
  const b = minimum(maximum(a, c(-100)), c(100));
  const cube = mul(mul(b, b), b);
  const inner = mul(c(Math.sqrt(2 / Math.PI)), add(b, mul(c(0.044715), cube)));
  return mul(half, add(c(1), u.tanh(inner)));
}

/** Elementwise hyperbolic tangent, as `jax.nn.tanh`. */
export function tanh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("tanh(x)", arguments);
  return u.tanh(asFloat("tanh", x));
}

/**
 * A new axis of length `n` that is 1 at the place given by each index and 0 elsewhere, as
 * `jax.nn.one_hot`; all 0 where an index is out of range. float32 where no dtype is given.
 *
 * @throws {DTypeError} where the indices are not integers.
 * @throws {RangeError} where `n` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * const labels = np.array([2, 0], { dtype: "int32" });
 * console.log(nn.oneHot(labels, 3).toArray()); // [ [ 0, 0, 1 ], [ 1, 0, 0 ] ]
 * ```
 */
export function oneHot(indices: Operand, n: number, options: OneHotOptions = {}): NDArray {
  if (arguments.length > 2) checkCall("oneHot(indices, n, options)", arguments, oneHotOptions);
  const at = asIndex("oneHot", indices, "the indices");
  expectInteger("oneHot", n, "the number of classes", 0);
  const dtype = dtypeOption("oneHot", options, defaultFloat);
  const axis = expectAxis("oneHot", options.axis ?? -1, at.ndim + 1);
  expectRoom("oneHot", at.shape.toSpliced(axis, 0, n), dtype);
  const places = reshape(at, at.shape.toSpliced(axis, 0, 1));
  const count = iota(places.shape.map((_, k) => k === axis ? n : 1), axis, "int32");
  return convert(eq(places, count), dtype);
}
