/**
 * Pivots of one matrix on the CPU, in double precision, for determinants.
 *
 * @module
 */
import { luRoutine } from "./solve_routines.ts";

/** Pivots of Gaussian elimination, and the sign of the exchanges. */
export interface Pivots {
  /** One for each row. */
  readonly pivots: Float64Array;
  /** 1 or -1: the determinant is this times the product of the pivots. */
  readonly sign: number;
}

/** The pivots of elimination with partial pivoting. */
export function pivotsOf(a: Float64Array, n: number): Pivots {
  const lu = new Float64Array(n * n);
  const exchanges = new Int32Array(n);
  luRoutine.run("float64", [a, lu, exchanges, new Int32Array(n)], 1, n, n, n);
  const pivots = new Float64Array(n);
  let sign = 1;
  for (let k = 0; k < n; k++) {
    pivots[k] = lu[k * n + k]!;
    if (exchanges[k] !== k) sign = -sign;
  }
  return { pivots, sign };
}
