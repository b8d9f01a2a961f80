/**
 * How accurate the incomplete gamma functions are: what their documentation states.
 *
 * @module
 */
import { special } from "../../../mod.ts";
import type { Bounds } from "../../support/accuracy.ts";

/** Far out, results are exponentials of large numbers. */
const more = (y: number): number => 32 + 4 * Math.abs(Math.log(Math.abs(y)));

/** Bounds by what was recorded. */
export const incompleteGamma: Bounds = {
  "gammainc": { f: special.gammainc, units: [Infinity, 1], more },
  "gammaincc": { f: special.gammaincc, units: [Infinity, 1], more },
  // Near a = x = 1 what is summed cancels.
  "igammaGradA": { f: special.igammaGradA, units: [Infinity, 1], more: (y) => 8 * more(y) },
};
