/**
 * Activation functions that resemble those in `activations.ts`: scaled, piecewise linear, sparse.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { checkCall } from "../core/signature.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add, div, maximum, minimum, mul, neg } from "../primitives/elementwise/arithmetic.ts";
import { ge, gt, le, lt } from "../primitives/elementwise/compare.ts";
import * as u from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { elu, relu6, softplus } from "./activations.ts";
import { asFloat, asOperand, promote } from "./operands.ts";

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
export function celu(x: Operand, alpha: Operand = 1): NDArray {
  if (arguments.length > 2) checkCall("celu(x, alpha)", arguments);
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
export function squareplus(x: Operand, b: Operand = 4): NDArray {
  if (arguments.length > 2) checkCall("squareplus(x, b)", arguments);
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
