/**
 * The beta function, the incomplete one, and other quotients of gamma functions, as in
 * `jax.scipy.special`.
 *
 * @module
 */
import {
  checkCall,
  ConcreteArray,
  expectInteger,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
} from "../../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  eq,
  exp,
  gammasgn,
  ge,
  le,
  lgamma,
  mul,
  scalarLike,
  select,
  sub,
} from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/gamma.ts";
import { applyNamed, asFloat, floatOr32, floatsOf } from "../operands.ts";

/**
 * The logarithm of the size of the beta function `B(a, b)`, elementwise, as `jax.scipy.special.betaln`.
 *
 * For positive arguments within 8 units in the last place of 1, or of the result.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.betaln(1, 4).item()); // -1.3862943649291992, which is log(1 / 4)
 * ```
 */
export function betaln(a: Operand, b: Operand): NDArray {
  if (arguments.length > 2) checkCall("betaln(a, b)", arguments);
  return applyNamed("betaln", p.betaln, a, b, floatOr32);
}

/**
 * The beta function `B(a, b) = Gamma(a) Gamma(b) / Gamma(a + b)`, elementwise, as
 * `jax.scipy.special.beta`.
 *
 * It is the exponential of `betaln`, with the errors of that.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.beta(2, 3).item()); // 0.0833333283662796, which is 1 / 12
 * ```
 */
export function beta(a: Operand, b: Operand): NDArray {
  if (arguments.length > 2) checkCall("beta(a, b)", arguments);
  return applyNamed(
    "beta",
    (x, y) => mul(mul(mul(gammasgn(x), gammasgn(y)), gammasgn(add(x, y))), exp(p.betaln(x, y))),
    a,
    b,
    floatOr32,
  );
}

/**
 * The incomplete beta function over the complete one, elementwise, as `jax.scipy.special.betainc`: the
 * probability that a sample of the beta distribution of shapes `a` and `b` is at most `x`. NaN outside of
 * 0 to 1, for negative shapes, and where the shapes say that all of the probability is at 0 and at 1.
 *
 * Within 32 units in the last place, and 8 more for each unit of the logarithm of the result, for shapes from
 * 1e-150 to 1e150; where `b` is below 1 and `x` above `(a + 1) / (a + b + 4)`, within 32 of 1. It has
 * derivatives of all orders by all operands; JAX 0.10.2 has those by `x`.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.betainc(2, 1, 0.5).item()); // 0.25
 * ```
 */
export function betainc(a: Operand, b: Operand, x: Operand): NDArray {
  if (arguments.length > 3) checkCall("betainc(a, b, x)", arguments);
  const operands = floatsOf("betainc", [a, b, x], ["a", "b", "x"]);
  return p.betainc(...operands as [NDArray, NDArray, NDArray]);
}

/** Options of {@linkcode comb}. */
export interface CombOptions {
  /** Whether things may be taken more than once. */
  readonly repetition?: boolean | undefined;
}

const combOptions: OptionTable<CombOptions> = { repetition: "boolean" };

/**
 * How many ways there are to take `k` things of `N`, elementwise, as `jax.scipy.special.comb`; 0 where `k`
 * is negative or more than `N`, or `N` is negative.
 *
 * Exact where the result is below 2^24 in float32 and below 2^42 in float64; else the relative error
 * is up to 4 units in the last place times the logarithm.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.comb(5, 2).item()); // 10
 * console.log(special.comb(5, 2, { repetition: true }).item()); // 15
 * ```
 */
export function comb(N: Operand, k: Operand, options: CombOptions = {}): NDArray {
  if (arguments.length > 2) options = readOptions("comb(N, k, options)", arguments, combOptions);
  return applyNamed(
    "comb",
    (n, k) => {
      const zero = scalarLike(0, n), one = scalarLike(1, n);
      if (options.repetition !== true) return combinations(n, k);
      const ways = combinations(sub(add(n, k), one), k);
      return select(and(eq(k, zero), ge(n, zero)), broadcastTo(one, ways.shape), ways);
    },
    N,
    k,
    floatOr32,
  );
}

/** Binomial coefficients of what can be chosen, and 0 elsewhere. */
function combinations(n: NDArray, k: NDArray): NDArray {
  const zero = scalarLike(0, n);
  const possible = and(and(le(k, n), ge(n, zero)), ge(k, zero));
  const { shape } = possible;
  const none = broadcastTo(zero, shape);
  // Elsewhere the derivatives are those of a constant.
  const safe = (x: NDArray): NDArray => select(possible, broadcastTo(x, shape), none);
  return select(possible, p.binom(safe(n), safe(k)), none);
}

/**
 * Binomial coefficients `Gamma(n + 1) / (Gamma(k + 1) Gamma(n - k + 1))` of real numbers, elementwise, as
 * `scipy.special.binom`; NaN where a factor has a pole.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.binom(2.5, 1).item()); // 2.5
 * ```
 */
export function binom(n: Operand, k: Operand): NDArray {
  if (arguments.length > 2) checkCall("binom(n, k)", arguments);
  return applyNamed("binom", p.binom, n, k, floatOr32);
}

/**
 * The rising factorial (Pochhammer's symbol) `Gamma(z + m) / Gamma(z)`, elementwise, as
 * `jax.scipy.special.poch`; 1 for `m` = 0.
 *
 * Within 10 units in the last place where `z` and `z + m` are positive and below 150.
 *
 * @throws {ShapeError} where the shapes do not broadcast.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.poch(2, 3).item()); // 24, which is 2 * 3 * 4
 * ```
 */
export function poch(z: Operand, m: Operand): NDArray {
  if (arguments.length > 2) checkCall("poch(z, m)", arguments);
  return applyNamed("poch", p.poch, z, m, floatOr32);
}

/**
 * The logarithm of the multivariate gamma function of dimension `d`, elementwise, as
 * `jax.scipy.special.multigammaln`: `d (d - 1) / 4 log(pi)` and the sum of `gammaln(a - j / 2)`, j from 0
 * to `d - 1`.
 *
 * @param d The dimension: an integer, 0 or more, or an integer scalar whose value is known.
 * @throws {RangeError} where `d` is not an integer, or negative.
 *
 * @example
 * ```ts
 * import { special } from "@injax/injax";
 *
 * console.log(special.multigammaln(2, 1).item()); // 0
 * ```
 */
export function multigammaln(a: Operand, d: Operand): NDArray {
  if (arguments.length > 2) checkCall("multigammaln(a, d)", arguments);
  const given = d instanceof ConcreteArray && d.ndim === 0 ? d.values[0] : d;
  const n = expectInteger("multigammaln", given, "d", 0, LARGEST);
  const x = asFloat("multigammaln", a, "a");
  let sum = broadcastTo(scalarLike((n * n - n) / 4 * Math.log(Math.PI), x), x.shape);
  for (let j = 0; j < n; j++) sum = add(sum, lgamma(sub(x, scalarLike(j / 2, x))));
  return sum;
}

/** Dimensions beyond are taken for a mistake: each is an operation. */
const LARGEST = 10000;
