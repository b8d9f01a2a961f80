/**
 * Special functions, as `jax.scipy.special`: the error function and the normal distribution, the gamma
 * function and its relatives, logistic functions, sums of exponentials, entropies, Bessel functions, and
 * integrals without a closed form. Most are in files of their own, in `special/`.
 *
 * @module
 */
import type { AxesOr, Named } from "../core/method_options.ts";
import "./methods.ts";

import { type Axes, checkCall, type NDArray, type Operand, readOptions } from "../core/mod.ts";
import { neg, sub } from "../primitives/mod.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import * as e from "../primitives/elementwise/erf.ts";
import { asFloat, isNamed } from "./operands.ts";
import { logsumexpOptions, softmaxOptions } from "./reducing.ts";
import * as sums from "./softmax.ts";

export type { AxesOr, Named } from "../core/method_options.ts";

/**
 * Elementwise error function, as `jax.scipy.special.erf`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.erf(np.array([0, Infinity])).toArray()); // [ 0, 1 ]
 * ```
 */
export function erf(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("erf(x)", arguments);
  return e.erf(asFloat("erf", x));
}

/**
 * Elementwise `1 - erf(x)`, accurate in its tail too, as `jax.scipy.special.erfc`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.erfc(5).item()); // 1.5374598295869735e-12
 * ```
 */
export function erfc(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("erfc(x)", arguments);
  return e.erfc(asFloat("erfc", x));
}

/**
 * Elementwise inverse of the error function, infinite at -1 and 1, as `jax.scipy.special.erfinv`.
 *
 * Within 4 units in the last place; in float32 up to 1 / 2, and beyond with XLA's rounding of `x^2`, so that
 * normal random numbers are JAX's: as if `x` were off by up to two units in its last place.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.erfInv(0.5).item()); // 0.4769362807273865
 * ```
 */
export function erfInv(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("erfInv(x)", arguments);
  return e.erfInv(asFloat("erfInv", x));
}

/**
 * Elementwise logistic function `1 / (1 + exp(-x))`, as `jax.scipy.special.expit`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.expit(0).item()); // 0.5
 * ```
 */
export function expit(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("expit(x)", arguments);
  return u.logistic(asFloat("expit", x));
}

/**
 * Elementwise `log(x / (1 - x))`, the inverse of `expit`, as `jax.scipy.special.logit`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.logit(0.5).item()); // 0
 * ```
 */
export function logit(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("logit(x)", arguments);
  const a = asFloat("logit", x);
  // As a difference, its derivative is infinite and not NaN at 0 and 1.
  return sub(u.log(a), u.log1p(neg(a)));
}

export * from "./special/entropy.ts";
export * from "./special/integrals.ts";
export * from "./special/hypergeometric.ts";

export * from "./special/gamma.ts";
export * from "./special/beta.ts";

// ---------------------------------------------------------------- as in nn

/**
 * `log(sum(exp(x)))` over `axis` without overflow: `nn.logsumexp`, as `jax.scipy.special.logsumexp`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.logsumexp(np.array([1000, 1000])).item()); // 1000.6931762695312
 * ```
 */
export function logsumexp(
  x: Operand,
  axis: Axes | undefined,
  options: sums.LogsumexpOptions & { readonly returnSign: true },
): sums.SignedLogsumexp;
/** The same, with the axis in the options. */
export function logsumexp(
  x: Operand,
  options: Named<sums.LogsumexpOptions, { axis: Axes }> & { readonly returnSign: true },
): sums.SignedLogsumexp;
/** The logarithm alone. */
export function logsumexp(
  x: Operand,
  axis?: AxesOr<sums.LogsumexpOptions>,
  options?: sums.LogsumexpOptions,
): NDArray;
export function logsumexp(
  x: Operand,
  axis?: AxesOr<sums.LogsumexpOptions>,
  options: sums.LogsumexpOptions = {},
): NDArray | sums.SignedLogsumexp {
  if (arguments.length > 2) {
    options = readOptions("logsumexp(x, axis, options)", arguments, logsumexpOptions, 1);
  }
  if (isNamed(axis)) return logsumexp(x, axis.axis, axis);
  return sums.logsumexp(x, axis, options);
}

/**
 * `exp(x) / sum(exp(x))` over `axis`, all where it is left out, as `jax.scipy.special.softmax`;
 * `nn.softmax` is over the last one then.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.softmax(np.array([1, 1])).toArray()); // [ 0.5, 0.5 ]
 * ```
 */
export function softmax(
  x: Operand,
  axis: AxesOr<sums.SoftmaxOptions> = null,
  options: sums.SoftmaxOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("softmax(x, axis, options)", arguments, softmaxOptions, 1);
  }
  if (isNamed(axis)) return softmax(x, axis.axis, axis);
  return sums.softmax(x, axis, options);
}

/**
 * `log(softmax(x))` over `axis`, all where it is left out, as `jax.scipy.special.log_softmax`;
 * `nn.logSoftmax` is over the last one then.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.logSoftmax(np.array([0, 1000])).toArray()); // [ -1000, 0 ]
 * ```
 */
export function logSoftmax(
  x: Operand,
  axis: AxesOr<sums.SoftmaxOptions> = null,
  options: sums.SoftmaxOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("logSoftmax(x, axis, options)", arguments, softmaxOptions, 1);
  }
  if (isNamed(axis)) return logSoftmax(x, axis.axis, axis);
  return sums.logSoftmax(x, axis, options);
}
