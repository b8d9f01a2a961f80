/**
 * The incomplete gamma functions, as in `jax.scipy.special` and `jax.lax`.
 *
 * @module
 */
import type { NDArray, Operand } from "../../core/array.ts";
import { checkCall } from "../../core/signature.ts";
import * as p from "../../primitives/elementwise/incomplete_gamma.ts";
import { applyNamed, floatOr32 } from "../operands.ts";

/**
 * The lower incomplete gamma function over Gamma(a), elementwise, as `jax.scipy.special.gammainc`: the
 * probability that a sample of the gamma distribution of shape `a` is at most `x`. NaN for negative
 * operands and where both are 0.
 *
 * Within 32 units in the last place, and 4 more for each unit of the logarithm of the result or of its density:
 * far out, it is an exponential of large numbers. Derivatives of all orders by both operands are within 8
 * times that.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.gammainc(1, 2).item()); // 0.8646647334098816, which is 1 - e^-2
 * ```
 */
export function gammainc(a: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("gammainc(a, x)", arguments);
  return applyNamed("gammainc", p.igamma, a, x, floatOr32);
}

/**
 * The upper incomplete gamma function over Gamma(a), `1 - gammainc(a, x)` to full relative precision,
 * elementwise, as `jax.scipy.special.gammaincc`. As accurate as `gammainc`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.gammaincc(1, 2).item()); // 0.1353352814912796, which is e^-2
 * ```
 */
export function gammaincc(a: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("gammaincc(a, x)", arguments);
  return applyNamed("gammaincc", p.igammac, a, x, floatOr32);
}

/**
 * The derivative of `gammainc(a, x)` by `a`, elementwise, as `jax.lax.igamma_grad_a`. Within 8
 * times the bound of `gammainc`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.igammaGradA(1, 2).item().toFixed(4)); // -0.2208
 * ```
 */
export function igammaGradA(a: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("igammaGradA(a, x)", arguments);
  return applyNamed("igammaGradA", p.igammaGradA, a, x, floatOr32);
}

/**
 * The derivative by `a` of samples `x` of the gamma distribution of shape `a`, elementwise, as
 * `jax.lax.random_gamma_grad`: how a sample moves where its probability `gammainc(a, x)` stays.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.randomGammaGrad(1, 2).item().toFixed(4)); // 1.6317
 * ```
 */
export function randomGammaGrad(a: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("randomGammaGrad(a, x)", arguments);
  return applyNamed("randomGammaGrad", p.randomGammaGrad, a, x, floatOr32);
}
