/**
 * How accurate the relatives of the gamma function are: what their documentation states.
 *
 * @module
 */
import { numpy as np, special } from "../../../mod.ts";
import type { Bounds } from "../../support/accuracy.ts";

const { beta, betaln, bernoulli, binom, comb, digamma, factorial, gammaln, poch, polygamma, zeta } =
  special;

/** The size of a logarithm. */
const size = (x: number): number => Math.abs(Math.log(Math.abs(x)));

/** Bounds by what was recorded. */
export const gamma: Bounds = {
  "gammaln": { f: gammaln, units: [4, 1] },
  "gammaln of what float64 alone has": { f: gammaln, units: [4, null] },
  "gammaln left of -2": { f: gammaln, units: [8, 1], of: 1 },
  "digamma": { f: digamma, units: [4, 1] },
  "digamma on the left": { f: digamma, units: [8, 1], of: 1 },
  "polygamma of order 1": { f: (x) => polygamma(1, x), units: [4, 1] },
  "polygamma of order 2": { f: (x) => polygamma(2, x), units: [5, 1] },
  "polygamma of order 3": { f: (x) => polygamma(3, x), units: [5.5, 1] },
  "polygamma of order 10": { f: (x) => polygamma(10, x), units: [9, 1] },
  "polygamma of order 40": { f: (x) => polygamma(40, x), units: [24, 1] },
  "polygamma of order 1 on the left": { f: (x) => polygamma(1, x), units: [8, 1] },
  "gamma": { f: special.gamma, units: [5, 1] },
  "gamma of what float64 alone has": { f: special.gamma, units: [5, null] },
  "factorial": { f: factorial, units: [5, 1] },
  "betaln": { f: betaln, units: [8, 1], of: 1 },
  "beta": { f: beta, units: [Infinity, 32], more: (y) => 4 + 8 * (size(y) + 1) },
  "comb": {
    f: (n, k) => comb(n, k),
    units: [Infinity, 1],
    more: (y) => y < 2 ** 42 ? 0 : 4 * size(y),
  },
  "binom": { f: binom, units: [Infinity, 1], more: (y) => 4 + 4 * size(y) },
  "poch": { f: poch, units: [10, 1] },
  "zeta": { f: zeta, units: [8, 1] },
  "zeta of negative numbers": { f: zeta, units: [8, 1], of: 1 },
  "bernoulli": {
    f: (n) => np.take(bernoulli(64, { dtype: n.dtype }), n.astype("int32")),
    units: [0.5, 0.51],
  },
};
