/**
 * Quotients of gamma functions: the beta function's logarithm, binomial coefficients, rising
 * factorials; and the incomplete beta function with all its derivatives.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { Primitive } from "../../core/primitive.ts";
import type { Formula } from "../../scalar/arithmetic.ts";
import { derivativeOfOrder } from "../../scalar/dual.ts";
import * as scalar from "../../scalar/beta.ts";
import { scalarLike } from "../constants/full.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { bindFamily, familySamples, formulaFamily } from "./formulas.ts";
import { digamma } from "./gamma.ts";

/** `digamma(x) - digamma(y)`. */
function between(x: NDArray, y: NDArray): NDArray {
  return sub(digamma(x), digamma(y));
}

const betalnP = /* @__PURE__ */ formulaFamily({
  name: "betaln",
  key: () => "",
  formula: () => scalar.betaln,
  slopes: [
    (_, [a, b]) => between(a!, add(a!, b!)),
    (_, [a, b]) => between(b!, add(a!, b!)),
  ],
  samples: () =>
    familySamples({}, [[0.2, 12], [0.2, 12]], [
      [0, 1],
      [8, 8],
      [9, 8],
      [7.9, 9],
      [100, 1e-3],
      [1e10, 1e10],
      [1e-10, 1e-10],
      [-0.5, 1.25],
      [-2.5, 20],
      [Infinity, 1],
      [1, Infinity],
      [NaN, 2],
      [3e30, 0.25],
    ]),
});

/** The logarithm of the size of the beta function, elementwise. */
export function betaln(a: NDArray, b: NDArray): NDArray {
  return bindFamily(betalnP, [a, b], {});
}

const binomP = /* @__PURE__ */ formulaFamily({
  name: "binom",
  key: () => "",
  formula: () => scalar.binom,
  slopes: [
    (_, [n, k]) => {
      const one = scalarLike(1, n!);
      return mul(binom(n!, k!), between(add(n!, one), add(sub(n!, k!), one)));
    },
    (_, [n, k]) => {
      const one = scalarLike(1, n!);
      return mul(binom(n!, k!), between(add(sub(n!, k!), one), add(k!, one)));
    },
  ],
  samples: () =>
    familySamples({}, [[4.2, 9], [0.2, 4]], [
      [5, 2],
      [10, 5],
      [0, 0],
      [20, 10],
      [5.5, 2.5],
      [-0.5, 0.25],
      [NaN, 1],
      [2, NaN],
    ]),
});

/** Binomial coefficients of real numbers, elementwise. */
export function binom(n: NDArray, k: NDArray): NDArray {
  return bindFamily(binomP, [n, k], {});
}

const pochP = /* @__PURE__ */ formulaFamily({
  name: "poch",
  key: () => "",
  formula: () => scalar.poch,
  slopes: [
    (_, [z, n]) => mul(poch(z!, n!), between(add(z!, n!), z!)),
    (_, [z, n]) => mul(poch(z!, n!), digamma(add(z!, n!))),
  ],
  samples: () =>
    familySamples({}, [[0.3, 5], [0.3, 5]], [
      [1, 3],
      [2.5, 0],
      [-0.5, 2],
      [-1.5, 0.25],
      [20, 4],
      [NaN, 1],
      [3, NaN],
    ]),
});

/** Rising factorials `Gamma(z + n) / Gamma(z)`, elementwise. */
export function poch(z: NDArray, n: NDArray): NDArray {
  return bindFamily(pochP, [z, n], {});
}

/** Of `incomplete_beta`: how often it is differentiated by `a`, `b` and `x`. */
export interface IncompleteBetaParams {
  /** By `a`. */
  readonly byA: number;
  /** By `b`. */
  readonly byB: number;
  /** By `x`. */
  readonly byX: number;
}

function betaFormula({ byA, byB, byX }: IncompleteBetaParams): Formula {
  if (byX > 0) {
    const byNumber = derivativeOfOrder(scalar.betaDensity, 2, byX - 1);
    return derivativeOfOrder(derivativeOfOrder(byNumber, 1, byB), 0, byA);
  }
  if (byA > 0) return derivativeOfOrder(derivativeOfOrder(scalar.betaincByA, 1, byB), 0, byA - 1);
  return byB > 0 ? derivativeOfOrder(scalar.betaincByB, 1, byB - 1) : scalar.betainc;
}

const incompleteBetaP: Primitive<IncompleteBetaParams> = /* @__PURE__ */ formulaFamily<
  IncompleteBetaParams
>({
  name: "incomplete_beta",
  key: ({ byA, byB, byX }) => `${byA} ${byB} ${byX}`,
  formula: betaFormula,
  slopes: [
    (params, args) => bindFamily(incompleteBetaP, args, { ...params, byA: params.byA + 1 }),
    (params, args) => bindFamily(incompleteBetaP, args, { ...params, byB: params.byB + 1 }),
    (params, args) => bindFamily(incompleteBetaP, args, { ...params, byX: params.byX + 1 }),
  ],
  samples: () =>
    familySamples({ byA: 0, byB: 0, byX: 0 }, [[0.3, 6], [0.3, 6], [0.05, 0.95]], [
      [2, 3, 0],
      [2, 3, 1],
      [0, 1, 0.5],
      [1, 0, 0.5],
      [0, 0, 0.5],
      [Infinity, 2, 0.5],
      [2, Infinity, 0.5],
      [2, NaN, 0.5],
      [NaN, 2, 0.5],
      [2, 2, NaN],
      [-1, 2, 0.5],
      [2, 2, 1.5],
      [2, 2, -0.5],
      [1, 1, 0.25],
      [0.01, 30, 0.1],
      [120, 120, 0.5],
      [200, 1000, 0.2],
      [1000, 200, 0.8],
    ]),
});

/** I(x; a, b), the incomplete beta function over the complete one, elementwise. */
export function betainc(a: NDArray, b: NDArray, x: NDArray): NDArray {
  return bindFamily(incompleteBetaP, [a, b, x], { byA: 0, byB: 0, byX: 0 });
}
