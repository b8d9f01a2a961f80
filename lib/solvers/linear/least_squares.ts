/**
 * Least squares by factors: the x that makes `|A x - b|` smallest, and of all these the shortest, for
 * operators of any shape and rank.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { epsilon } from "../../core/dtype.ts";
import { scalarArray } from "../../core/concrete.ts";
import { checkCall, type OptionTable } from "../../core/signature.ts";
import {
  type LeastSquaresFactors,
  pivotedFactors,
  singularFactors,
  solveLeastSquares,
} from "../../linalg/least_squares.ts";
import { and } from "../../primitives/elementwise/compare.ts";
import { convert } from "../../primitives/elementwise/convert.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { stopGradient } from "../../primitives/elementwise/stop_gradient.ts";
import { reduceSum } from "../../primitives/sum/broadcast.ts";
import { checkTolerance } from "../options.ts";
import { statusCode } from "../solution.ts";
import { allFinite } from "./direct.ts";
import { column, flat } from "./form.ts";
import { type LinearMethod, once, whole } from "./method.ts";

/** Options of `qr` and `svd`. */
export interface RankOptions {
  /**
   * What is up to this times the largest counts as 0, of singular values or of the diagonal of R; by default
   * the larger side of the matrix times the distance from 1 to the next number.
   */
  readonly rtol?: number | undefined;
}

const rankOptions: OptionTable<RankOptions> = { rtol: "tolerance" };

function byFactors(
  name: "qr" | "svd",
  description: string,
  { rtol }: RankOptions,
  factors: (a: NDArray, rtol: number) => LeastSquaresFactors,
): LinearMethod {
  if (rtol !== undefined) checkTolerance(name, "rtol", rtol);
  const method: LinearMethod<LeastSquaresFactors> = {
    description: rtol === undefined ? description : `${description} (rtol ${rtol})`,
    solves: "leastSquares",
    direct: true,
    explain: { breakdown: "the function is not linear: at 0 its norm is {}" },
    factor(form, transforms) {
      const { rows, columns, dtype } = form;
      return factors(
        form.matrix(transforms),
        rtol ?? Math.max(rows, columns) * epsilon(dtype),
      );
    },
    solve({ factors: { factors, counts }, form, b, transposed: transposeA, transforms }) {
      const a = form.matrix(transforms);
      const x = flat(solveLeastSquares(a, factors, column(b), { transposeA, by: name }));
      const finite = and(
        allFinite(stopGradient(x)),
        and(allFinite(factors[0]!), allFinite(factors[2]!)),
      );
      return {
        x,
        status: select(finite, whole(statusCode("converged")), whole(statusCode("nonfinite"))),
        steps: whole(0),
        products: whole(0),
        detail: scalarArray(NaN, b.dtype),
        rank: reduceSum(convert(counts, "int32"), [0]),
      };
    },
  };
  return once(method);
}

/**
 * QR factors with pivoting: least squares of any rank, at less cost than singular values. Derivatives are
 * right where the rank does not change.
 *
 * @throws {RangeError} where `rtol` is out of range.
 *
 * @example
 * ```ts
 * import { linearSolve, numpy as np, qr } from "@injax/injax";
 *
 * const a = np.array([[1, 1], [1, 2], [1, 3]]);
 * const line = linearSolve(a, np.array([1, 2, 4]), { solver: qr() });
 * console.log(np.round(line.value.mul(6)).toArray(), line.rank.item()); // [ -4, 9 ] 2
 * ```
 */
export function qr(options: RankOptions = {}): LinearMethod {
  if (arguments.length > 0) checkCall("qr(options)", arguments, rankOptions);
  return byFactors("qr", "pivoted QR factors", options, pivotedFactors);
}

/**
 * Singular values: the surest judgement of rank. Derivatives are right where the rank does not change.
 *
 * @throws {RangeError} where `rtol` is out of range.
 *
 * @example
 * ```ts
 * import { linearSolve, numpy as np, svd } from "@injax/injax";
 *
 * // The shortest of all solutions.
 * const solution = linearSolve(np.array([[1, 1], [1, 1]]), np.array([2, 2]), { solver: svd() });
 * console.log(np.round(solution.value).toArray(), solution.rank.item()); // [ 1, 1 ] 1
 * ```
 */
export function svd(options: RankOptions = {}): LinearMethod {
  if (arguments.length > 0) checkCall("svd(options)", arguments, rankOptions);
  return byFactors("svd", "singular values", options, singularFactors);
}
