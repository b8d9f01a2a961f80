/**
 * How accurate functions of whole orders are, and the inverse of the error function: what their
 * documentation states.
 *
 * @module
 */
import { type NDArray, special } from "../../../mod.ts";
import type { Bound, Bounds } from "../../support/accuracy.ts";

const { besselJn, erfInv, expn } = special;

function exponential(n: number): Bound {
  return { f: (x) => expn(n, x), units: [16, 16] };
}
function bessel(n: number): Bound {
  return { f: (x) => (besselJn(x, n) as NDArray).get(n), units: [4, 4], of: 1 };
}

/** Bounds by what was recorded. */
export const orders: Bounds = {
  "expn of order 1": exponential(1),
  "expn of order 2": exponential(2),
  "expn of order 3": exponential(3),
  "expn of order 10": exponential(10),
  "expn of order 40": exponential(40),
  "besselJn of order 0": bessel(0),
  "besselJn of order 1": bessel(1),
  "besselJn of order 5": bessel(5),
  "erfInv": { f: erfInv, units: [4, null] },
  "erfInv to 1 / 2": { f: erfInv, units: [4, 4] },
};
