/**
 * The activation functions that most networks use, and classes as vectors.
 *
 * Activation functions that resemble those in `activations.ts`: scaled, piecewise linear, sparse.
 *
 * @module
 */
import {
  checkCall,
  defaultFloat,
  expectInteger,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  tableOf,
} from "../core/mod.ts";
import type { Named } from "../core/method_options.ts";
import {
  add,
  convert,
  div,
  eq,
  erfc,
  ge,
  gt,
  iota,
  le,
  lt,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  scalarLike,
  select,
} from "../primitives/mod.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import type { DTypeOptions } from "./arguments.ts";
import {
  asFloat,
  asIndex,
  asOperand,
  dtypeOption,
  expectAxis,
  expectRoom,
  isNamed,
  promote,
} from "./operands.ts";
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
export function leakyRelu(
  x: Operand,
  negativeSlope: Operand | Named<unknown, { negativeSlope: Operand }> = 0.01,
): NDArray {
  if (arguments.length > 2 || isNamed(negativeSlope)) {
    checkCall("leakyRelu(x, negativeSlope)", arguments, {}, 1);
  }
  if (isNamed(negativeSlope)) return leakyRelu(x, negativeSlope.negativeSlope);
  const a = asFloat("leakyRelu", x);
  const s = typeof negativeSlope === "number"
    ? scalarLike(negativeSlope, a)
    : asFloat("leakyRelu", negativeSlope, "negativeSlope");
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
export function elu(x: Operand, alpha: Operand | Named<unknown, { alpha: Operand }> = 1): NDArray {
  if (arguments.length > 2 || isNamed(alpha)) checkCall("elu(x, alpha)", arguments, {}, 1);
  if (isNamed(alpha)) return elu(x, alpha.alpha);
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
  if (arguments.length > 1) options = readOptions("gelu(x, options)", arguments, geluOptions);
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
 * A new axis of length `numClasses` that is 1 at the place given by each index and 0 elsewhere, as
 * `jax.nn.one_hot`; all 0 where an index is out of range. float32 where no dtype is given.
 *
 * @throws {DTypeError} where the indices are not integers.
 * @throws {RangeError} where `numClasses` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * const labels = np.array([2, 0], { dtype: "int32" });
 * console.log(nn.oneHot(labels, 3).toArray()); // [ [ 0, 0, 1 ], [ 1, 0, 0 ] ]
 * ```
 */
export function oneHot(
  indices: Operand,
  numClasses: number | OneHotOptions & { readonly numClasses: number },
  options: OneHotOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("oneHot(indices, numClasses, options)", arguments, oneHotOptions, 1);
  }
  if (isNamed(numClasses)) return oneHot(indices, numClasses.numClasses, numClasses);
  const n = numClasses;
  const at = asIndex("oneHot", indices, "the indices");
  expectInteger("oneHot", n, "the number of classes", 0);
  const dtype = dtypeOption("oneHot", options, defaultFloat);
  const axis = expectAxis("oneHot", options.axis ?? -1, at.ndim + 1);
  expectRoom("oneHot", at.shape.toSpliced(axis, 0, n), dtype);
  const places = reshape(at, at.shape.toSpliced(axis, 0, 1));
  const count = iota(places.shape.map((_, k) => k === axis ? n : 1), axis, "int32");
  return convert(eq(places, count), dtype);
}

const number = (x: NDArray, value: number): NDArray => scalarLike(value, x);

/** A parameter in the dtype of an array. */
function like(op: string, x: NDArray, value: Operand, what: string): NDArray {
  return promote(op, x, typeof value === "number" ? number(x, value) : value, undefined, [
    "x",
    what,
  ])[1];
}

/**
 * Elementwise `x` where it is positive, else `alpha * (exp(x / alpha) - 1)`, as `jax.nn.celu`.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 *
 * console.log(nn.celu(np.array([-Infinity, 2]), 0.5).toArray()); // [ -0.5, 2 ]
 * ```
 */
export function celu(x: Operand, alpha: Operand | Named<unknown, { alpha: Operand }> = 1): NDArray {
  if (arguments.length > 2 || isNamed(alpha)) checkCall("celu(x, alpha)", arguments, {}, 1);
  if (isNamed(alpha)) return celu(x, alpha.alpha);
  const a = asFloat("celu", x);
  const s = like("celu", a, alpha, "alpha");
  const zero = number(a, 0);
  const below = u.expm1(div(minimum(a, zero), s));
  return add(maximum(a, zero), mul(s, below));
}

/**
 * Elementwise scaled exponential linear unit, as `jax.nn.selu` (Klambauer et al., 2017): its constants keep
 * mean and variance of layers at 0 and 1.
 */
export function selu(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("selu(x)", arguments);
  const a = asFloat("selu", x);
  return mul(
    elu(a, 1.6732632423543772848170429916717),
    number(a, 1.0507009873554804934193349852946),
  );
}

/** Elementwise `relu6(x + 3) / 6`, as `jax.nn.hard_sigmoid`. */
export function hardSigmoid(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("hardSigmoid(x)", arguments);
  const a = asFloat("hardSigmoid", x);
  return div(relu6(add(a, number(a, 3))), number(a, 6));
}

/** Elementwise `x * hardSigmoid(x)`, as `jax.nn.hard_silu`; also exported as `hardSwish`. */
export function hardSilu(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("hardSilu(x)", arguments);
  const a = asFloat("hardSilu", x);
  return mul(a, hardSigmoid(a));
}

/** Elementwise `x * hardSigmoid(x)`: {@linkcode hardSilu} under another name, as `jax.nn.hard_swish`. */
export const hardSwish: typeof hardSilu = hardSilu;

/** Elementwise `x` limited to the range from -1 to 1, as `jax.nn.hard_tanh`. */
export function hardTanh(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("hardTanh(x)", arguments);
  const a = asFloat("hardTanh", x);
  const [low, high] = [number(a, -1), number(a, 1)];
  return select(gt(a, high), high, select(lt(a, low), low, a));
}

/** Elementwise `x * tanh(softplus(x))`, as `jax.nn.mish`. */
export function mish(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("mish(x)", arguments);
  const a = asFloat("mish", x);
  return mul(a, u.tanh(softplus(a)));
}

/** Elementwise `x / (|x| + 1)`, as `jax.nn.soft_sign`. */
export function softSign(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("softSign(x)", arguments);
  const a = asFloat("softSign", x);
  return div(a, add(a.abs(), number(a, 1)));
}

/** Elementwise 0 below -1, `x` above 1 and `(x + 1)^2 / 4` between, as `jax.nn.sparse_plus`. */
export function sparsePlus(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sparsePlus(x)", arguments);
  const a = asFloat("sparsePlus", x);
  const one = number(a, 1);
  const up = add(a, one);
  const between = div(mul(up, up), number(a, 4));
  return select(le(a, number(a, -1)), number(a, 0), select(ge(a, one), a, between));
}

/** Elementwise 0 below -1, 1 above 1 and `(x + 1) / 2` between, as `jax.nn.sparse_sigmoid`. */
export function sparseSigmoid(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("sparseSigmoid(x)", arguments);
  const a = asFloat("sparseSigmoid", x);
  const inside = minimum(maximum(add(a, number(a, 1)), number(a, 0)), number(a, 2));
  return mul(number(a, 0.5), inside);
}

/** Elementwise `(x + sqrt(x^2 + b)) / 2`, as `jax.nn.squareplus`. */
export function squareplus(x: Operand, b: Operand | Named<unknown, { b: Operand }> = 4): NDArray {
  if (arguments.length > 2 || isNamed(b)) checkCall("squareplus(x, b)", arguments, {}, 1);
  if (isNamed(b)) return squareplus(x, b.b);
  const a = asFloat("squareplus", x);
  return div(add(a, u.sqrt(add(mul(a, a), like("squareplus", a, b, "b")))), number(a, 2));
}

/**
 * Elementwise `log(1 - exp(-x))` of positive numbers without cancellation, as `jax.nn.log1mexp`
 * (M. Maechler, Accurately computing log(1 - exp(-|a|)), 2012).
 */
export function log1mexp(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("log1mexp(x)", arguments);
  const a = asFloat("log1mexp", x);
  const near = lt(a, number(a, Math.LN2));
  const one = number(a, 1);
  // Each branch without the arguments of the other, where it or its slope may be infinite.
  const close = u.log(neg(u.expm1(neg(select(near, a, one)))));
  const far = u.log1p(neg(u.exp(neg(select(near, one, a)))));
  return select(near, close, far);
}

/** `x` as it is, as `jax.nn.identity`. */
export function identity(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("identity(x)", arguments);
  return asOperand("identity", x);
}
