/**
 * How accurate the normal distribution, entropies, Bessel functions and integrals are: what their
 * documentation states.
 *
 * @module
 */
import { special } from "../../../mod.ts";
import type { Bounds } from "../../support/accuracy.ts";

/** Bounds by what was recorded. */
export const more: Bounds = {
  "erfcx": { f: special.erfcx, units: [4, 1] },
  "ndtr": { f: special.ndtr, units: [4, 1] },
  "ndtr of what float64 alone has": { f: special.ndtr, units: [4, null] },
  "logNdtr": { f: special.logNdtr, units: [4, 1] },
  "ndtri": { f: special.ndtri, units: [4, 1] },
  "ndtri of what float64 alone has": { f: special.ndtri, units: [4, null] },
  "owensT": { f: special.owensT, units: [8, 1] },
  "owensT of a steep slope": {
    f: special.owensT,
    units: [8, 1],
    more: (value, h) => 8 * Math.max(1, special.ndtr(-h).item() as number / value),
  },
  "entr": { f: special.entr, units: [4, 1] },
  "relEntr": { f: special.relEntr, units: [4, 1] },
  "klDiv": { f: special.klDiv, units: [8, 1] },
  "i0": { f: special.i0, units: [5, 2] },
  "i1": { f: special.i1, units: [5, 2] },
  "i0e": { f: special.i0e, units: [4, 1] },
  "i1e": { f: special.i1e, units: [4, 1] },
  "expi": { f: special.expi, units: [4, 1] },
  "exp1": { f: special.exp1, units: [4, 1] },
  "expi of what float64 alone has": { f: special.expi, units: [4, null] },
  "si": { f: (x) => special.sici(x)[0], units: [4, 1] },
  "ci to 3 / 2": { f: (x) => special.sici(x)[1], units: [4, 1] },
  "ci": {
    f: (x) => special.sici(x)[1],
    units: [4, 1],
    more: (value, x) => Math.max(4, 8 / Math.abs(x * value)),
  },
  "s": { f: (x) => special.fresnel(x)[0], units: [4, 1] },
  "c": { f: (x) => special.fresnel(x)[1], units: [4, 1] },
  "dawsn": { f: special.dawsn, units: [4, 1] },
  "spence": { f: special.spence, units: [4, 1] },
};
