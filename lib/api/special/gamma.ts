/**
 * The gamma function's logarithm and its derivatives, as in `jax.scipy.special`.
 *
 * The incomplete gamma functions, as in `jax.scipy.special` and `jax.lax`.
 *
 * Bernoulli's numbers, by integers of any size.
 *
 * Source: R. P. Brent, D. Harvey, Fast computation of Bernoulli, tangent and secant numbers (2013).
 *
 * @module
 */
import {
  allocate,
  broadcastShapes,
  checkCall,
  ConcreteArray,
  defaultFloat,
  DTypeError,
  expectInteger,
  isFloat,
  NDArray,
  type Operand,
  readOptions,
  shaped,
} from "../../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  eq,
  floor,
  ge,
  gt,
  lt,
  mul,
  ne,
  neg,
  scalarLike,
  select,
} from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/gamma.ts";
import type { DTypeOptions } from "../arguments.ts";
import { applyNamed, asFloat, asIndex, dtypeOption, floatOr32 } from "../operands.ts";
import { dtypeOptions } from "../options.ts";

/**
 * The logarithm of the size of the gamma function, elementwise, as `jax.scipy.special.gammaln`:
 * infinite at 0, -1, -2, ...
 *
 * Within 4 units in the last place where `x` is not below -2; below, where the logarithm is 0 between any
 * two poles, within 8 of 1 or of the result. Its derivative is `digamma`.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.gammaln(np.array([1, 2, Infinity])).toArray()); // [ 0, 0, Infinity ]
 * ```
 */
export function gammaln(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("gammaln(x)", arguments);
  return p.lgamma(asFloat("gammaln", x));
}

/**
 * The derivative of `gammaln`, elementwise, as `jax.scipy.special.digamma`: NaN at 0, -1, -2, ...
 *
 * Within 4 units in the last place for positive `x`; elsewhere, where it is 0 between any two poles, within
 * 8 of 1 or of the result. Its derivative is `polygamma(1, x)`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.digamma(1).item()); // -0.5772156715393066
 * ```
 */
export function digamma(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("digamma(x)", arguments);
  return p.digamma(asFloat("digamma", x));
}

/**
 * The `n`th derivative of `digamma`, elementwise, as `jax.scipy.special.polygamma`. At 0, -1, -2, ... it is
 * infinite for odd `n` and NaN for even `n`.
 *
 * For positive `x` within 4 + n / 2 units in the last place. Its derivative is that of the next order.
 *
 * @param n The order: an integer, 0 or more. A number up to 170, or a scalar whose value is known, is
 * computed with fewer steps than an array.
 * @throws {RangeError} where the number `n` is not an integer, or out of range.
 * @throws {DTypeError} where the array `n` is one of floats or bools.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.polygamma(1, 1).item()); // 1.644934058189392, which is pi^2 / 6
 * ```
 */
export function polygamma(n: Operand, x: Operand): NDArray {
  if (arguments.length > 2) checkCall("polygamma(n, x)", arguments);
  if (n instanceof NDArray) {
    const orders = asIndex("polygamma", n, "n");
    const known = orders instanceof ConcreteArray && orders.ndim === 0;
    if (!known) {
      return applyNamed("polygamma", polygammaOf, asFloat("polygamma", n, "n"), x, floatOr32);
    }
  }
  const order = n instanceof ConcreteArray ? n.values[0] : n;
  expectInteger("polygamma", order, "n", 0, MOST);
  return p.polygamma(order as number, asFloat("polygamma", x));
}

/** Of orders in an array: `(-1)^(n + 1) n! zeta(n + 1, x)`. */
function polygammaOf(n: NDArray, x: NDArray): NDArray {
  const one = scalarLike(1, n);
  const shape = broadcastShapes("polygamma", n.shape, x.shape);
  const s = broadcastTo(add(n, one), shape), q = broadcastTo(x, shape);
  const half = mul(n, scalarLike(0.5, n));
  const odd = ne(floor(half), half);
  const size = mul(p.gamma(s), p.zeta(s, q));
  const signed = select(broadcastTo(odd, shape), size, neg(size));
  return select(eq(s, one), p.digamma(q), signed);
}

/** Factorials of more are infinite. */
const MOST = 170;

/**
 * The gamma function, elementwise, as `jax.scipy.special.gamma`: infinite at 0, with its sign, and NaN at
 * -1, -2, ...
 *
 * Within 5 units in the last place. Its derivative is `gamma(x) digamma(x)`.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.gamma(5).item()); // 24
 * ```
 */
export function gamma(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("gamma(x)", arguments);
  return p.gamma(asFloat("gamma", x));
}

/**
 * The sign of the gamma function, elementwise, as `jax.scipy.special.gammasgn`: 1 or -1; NaN at -1, -2, ...
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.gammasgn(np.array([0.5, -0.5, -1.5])).toArray()); // [ 1, -1, 1 ]
 * ```
 */
export function gammasgn(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("gammasgn(x)", arguments);
  return p.gammasgn(asFloat("gammasgn", x));
}

/**
 * The logarithm of the gamma function of positive numbers, elementwise, as `jax.scipy.special.loggamma`; NaN
 * elsewhere, where it is complex. `gammaln` is that of its size.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.loggamma(np.array([1, -0.5])).toArray()); // [ 0, NaN ]
 * ```
 */
export function loggamma(x: Operand): NDArray {
  if (arguments.length > 1) checkCall("loggamma(x)", arguments);
  const a = asFloat("loggamma", x);
  const value = p.lgamma(a);
  const nan = broadcastTo(scalarLike(NaN, a), a.shape);
  return select(gt(a, scalarLike(0, a)), value, nan);
}

/**
 * `n!`, elementwise, as `jax.scipy.special.factorial`: `gamma(n + 1)`, and 0 for negative `n`.
 *
 * Within 5 units in the last place of whole numbers.
 *
 * @example
 * ```ts
 * import { numpy as np, special } from "@injax/injax";
 *
 * console.log(special.factorial(np.array([0, 1, 5])).toArray()); // [ 1, 1, 120 ]
 * ```
 */
export function factorial(n: Operand): NDArray {
  if (arguments.length > 1) checkCall("factorial(n)", arguments);
  const x = asFloat("factorial", n, "n");
  const zero = scalarLike(0, x);
  const value = p.gamma(add(x, scalarLike(1, x)));
  return select(lt(x, zero), broadcastTo(zero, x.shape), value);
}

/**
 * Hurwitz's zeta function, the sum over k = 0, 1, 2, ... of `(q + k)^-x`, elementwise, as
 * `jax.scipy.special.zeta`: infinite for `x` = 1, NaN below. Riemann's is that of `q` = 1.
 *
 * Within 8 units in the last place for positive `q`. For negative `q`, `x` must be whole, and the function is
 * infinite where `q` is whole too.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.zeta(2, 1).item()); // 1.644934058189392, which is pi^2 / 6
 * ```
 */
export function zeta(x: Operand, q: Operand): NDArray {
  if (arguments.length > 2) checkCall("zeta(x, q)", arguments);
  return applyNamed("zeta", p.zeta, x, q, floatOr32);
}

/** `f(a, x)`, and its limit where `a` is infinite and `x` is not. */
function atInfinity(
  f: (a: NDArray, x: NDArray) => NDArray,
  limit: number,
): (a: NDArray, x: NDArray) => NDArray {
  return (a, x) => {
    const [zero, infinity] = [scalarLike(0, a), scalarLike(Infinity, a)];
    const far = and(eq(a, infinity), and(ge(x, zero), lt(x, infinity)));
    return select(far, scalarLike(limit, a), f(select(far, scalarLike(1, a), a), x));
  };
}

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
  return applyNamed("gammainc", atInfinity(p.igamma, 0), a, x, floatOr32);
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
  return applyNamed("gammaincc", atInfinity(p.igammac, 1), a, x, floatOr32);
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
  if (arguments.length > 1) options = readOptions("bernoulli(n, options)", arguments, dtypeOptions);
  expectInteger("bernoulli", n, "n", 0, MOST_NUMBERS);
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
const MOST_NUMBERS = 1e7;
