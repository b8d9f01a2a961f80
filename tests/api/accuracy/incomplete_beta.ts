/**
 * How accurate the incomplete beta function is: what its documentation states.
 *
 * @module
 */
import { grad, type NDArray, special } from "../../../mod.ts";
import type { Bounds } from "../../support/accuracy.ts";

/** Far out, results are exponentials of large numbers. */
const more = (y: number): number => 32 + 8 * Math.abs(Math.log(Math.abs(y)));

/** The derivative by an operand. */
function by(argnum: number): (...args: NDArray[]) => NDArray {
  const sum = (a: NDArray, b: NDArray, x: NDArray): NDArray => special.betainc(a, b, x).sum();
  return grad(sum, { argnums: argnum }) as (...args: NDArray[]) => NDArray;
}

/** Bounds by what was recorded. */
export const incompleteBeta: Bounds = {
  "betainc": { f: special.betainc, units: [Infinity, 1], more },
  "betainc of shapes below 1": { f: special.betainc, units: [Infinity, 1], more },
  "betainc of shapes below 1, beyond": { f: special.betainc, units: [32, 1], of: 1 },
  "betainc by a": { f: by(0), units: [Infinity, 1], more },
  "betainc by b": { f: by(1), units: [Infinity, 1], more },
  "betainc by x": { f: by(2), units: [Infinity, 1], more },
};
