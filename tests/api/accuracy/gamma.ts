/**
 * How accurate the relatives of the gamma function are: what their documentation states.
 *
 * @module
 */
import { special } from "../../../mod.ts";
import type { Bounds } from "../../support/accuracy.ts";

const { digamma, gammaln, polygamma } = special;

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
};
