/**
 * Quotients of gamma functions: the beta function's logarithm, binomial coefficients, rising
 * factorials.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
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
