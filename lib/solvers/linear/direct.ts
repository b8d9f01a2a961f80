/**
 * Square systems by factors: LU, Cholesky, triangles, bands and diagonals.
 *
 * Whether a matrix is singular is asked in a way that does not depend on units: a pivot is compared with
 * what it was made of, the sum of sizes `(|L| |U|)_kk`. Where it is no more than the rounding of that,
 * nothing is known of it. So neither `diag(1, 1e-30)` nor equations in other units are called
 * singular.
 *
 * Least squares by factors: the x that makes `|A x - b|` smallest, and of all these the shortest, for
 * operators of any shape and rank.
 *
 * @module
 */
import { checkCall, epsilon, type NDArray, type OptionTable, scalarArray } from "../../core/mod.ts";
import { cholesky as choleskyFactor } from "../../linalg/cholesky.ts";
import {
  type LeastSquaresFactors,
  pivotedFactors,
  singularFactors,
  solveLeastSquares,
} from "../../linalg/least_squares.ts";
import { diagonalOf } from "../../linalg/matrices.ts";
import { triangularSolve } from "../../linalg/triangular_solve.ts";
import { tridiagonalSolve } from "../../linalg/tridiagonal.ts";
import {
  abs,
  add,
  and,
  convert,
  div,
  le,
  maximum,
  mul,
  not,
  or,
  reduceAnd,
  reduceSum,
  scalarLike,
  select,
  stopGradient,
  sub,
  zerosLike,
} from "../../primitives/mod.ts";
import { checkTolerance } from "../options.ts";
import { statusCode } from "../solution.ts";
import {
  checkSquare,
  column,
  flat,
  type Form,
  fromBefore,
  fromBehind,
  isSymmetric,
  transposedForm,
  tridiagonalForm,
} from "./form.ts";
import {
  allFinite,
  leastShare,
  type LinearMethod,
  once,
  outcome,
  type Pivots,
  refined,
  roundingOf,
  termsOf,
  whole,
} from "./method.ts";
import { evened, type LuFactors, luFactors, solveByLu } from "./elimination.ts";

/**
 * Elimination with partial pivoting: for square systems of which nothing else is known.
 *
 * @example
 * ```ts
 * import { linearSolve, lu, numpy as np } from "@injax/injax";
 *
 * const { value } = linearSolve(np.array([[0, 2], [4, 0]]), np.array([2, 4]), { solver: lu() });
 * console.log(value.toArray()); // [ 1, 1 ]
 * ```
 */
export function lu(): LinearMethod {
  if (arguments.length > 0) checkCall("lu()", arguments);
  const method: LinearMethod<LuFactors> = {
    description: "LU factors",
    explain: { singular, breakdown: notLinear, stagnated: grown },
    solves: "square",
    direct: true,
    check: (form) => checkSquare("lu()", form),
    factor: (form, transforms) => luFactors(form.matrix(transforms), transforms),
    solve(problem) {
      const { factors, transposed, b } = problem;
      const { share, growth } = factors;
      return { ...outcome(problem, solveByLu(factors, b, transposed), share), growth };
    },
  };
  return once(method);
}

/** Factors of `cholesky()`. */
interface CholeskyFactors extends Pivots {
  readonly l: NDArray;
  /** Whether the matrix is finite and not positive definite. */
  readonly indefinite: NDArray;
}

/**
 * `A = L L^T`, for positive definite operators: half the work of elimination. The mean of the matrix and its
 * transpose is taken.
 *
 * @example
 * ```ts
 * import { cholesky, linearSolve, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[4, 2], [2, 2]]);
 * console.log(linearSolve(a, np.array([6, 4]), { solver: cholesky() }).value.toArray()); // [ 1, 1 ]
 * ```
 */
export function cholesky(): LinearMethod {
  if (arguments.length > 0) checkCall("cholesky()", arguments);
  const method: LinearMethod<CholeskyFactors> = {
    description: "Cholesky factors",
    symmetric: true,
    explain: {
      singular,
      breakdown:
        "the operator is not positive definite (or, as a function, not linear). Take lu(), which " +
        "needs no sign",
    },
    solves: "square",
    direct: true,
    check: (form) => checkSquare("cholesky()", form),
    factor(form, transforms) {
      const a = form.matrix(transforms);
      const l = choleskyFactor(a, true);
      const pivots = diagonalOf(l);
      const found = leastShare(mul(pivots, pivots), reduceSum(mul(l, l), [1]));
      const indefinite = and(allFinite(a), found.notEqual(found));
      return { l, share: select(indefinite, scalarLike(0, found), found), indefinite };
    },
    solve(problem) {
      const { factors: { l, share, indefinite }, b } = problem;
      const params = { lower: true, unitDiagonal: false };
      const y = triangularSolve(l, column(b), { ...params, transposeA: false });
      const x = flat(triangularSolve(l, y, { ...params, transposeA: true }));
      return outcome(problem, x, share, indefinite);
    },
  };
  return once(method);
}

/** Factors of methods that read an operator as it is. */
interface PlainFactors extends Pivots {
  readonly matrix: readonly NDArray[];
}

/**
 * Substitution, for operators that are said to be triangular.
 *
 * @example
 * ```ts
 * import { LinearOperator, linearSolve, numpy as np, triangular } from "@injax/injax";
 *
 * const a = LinearOperator.matrix(np.array([[2, 0], [1, 1]]), { triangular: "lower" });
 * const { value } = linearSolve(a, np.array([2, 3]), { solver: triangular() });
 * console.log(value.toArray()); // [ 1, 2 ]
 * ```
 */
export function triangular(): LinearMethod {
  if (arguments.length > 0) checkCall("triangular()", arguments);
  const method: LinearMethod<PlainFactors> = {
    description: "substitution",
    explain: { singular: zeroPivot, breakdown: notLinear },
    solves: "square",
    direct: true,
    check(form) {
      checkSquare("triangular()", form);
      if (form.tags.triangular !== undefined || form.stored.kind === "diagonal") return;
      throw new TypeError(
        "linearSolve: triangular() needs to be told which triangle the operator has: " +
          'LinearOperator.matrix(a, { triangular: "lower" })',
      );
    },
    factor(form, transforms) {
      const matrix = form.matrix(transforms);
      const pivots = abs(diagonalOf(matrix));
      return { matrix: [matrix], share: leastShare(pivots, pivots) };
    },
    solve(problem) {
      const { factors: { matrix: [matrix], share }, transposed: transposeA, tags, b } = problem;
      const params = { lower: tags.triangular !== "upper", transposeA, unitDiagonal: false };
      return outcome(problem, flat(triangularSolve(matrix!, column(b), params)), share);
    },
  };
  return once(method);
}

/**
 * Elimination of neighbours, for tridiagonal operators: work and memory as the number of unknowns.
 *
 * @example
 * ```ts
 * import { LinearOperator, linearSolve, numpy as np, tridiagonal } from "@injax/injax";
 *
 * const a = LinearOperator.tridiagonal(np.array([0, 1]), np.array([2, 2]), np.array([1, 0]));
 * const { value } = linearSolve(a, np.array([3, 3]), { solver: tridiagonal() });
 * console.log(value.toArray()); // [ 1, 1 ]
 * ```
 */
export function tridiagonal(): LinearMethod {
  if (arguments.length > 0) checkCall("tridiagonal()", arguments);
  const method: LinearMethod<PlainFactors> = {
    description: "tridiagonal elimination",
    explain: { singular: unrefined },
    solves: "square",
    direct: true,
    check({ stored }) {
      if (stored.kind === "tridiagonal") return;
      throw new TypeError(
        `linearSolve: tridiagonal() needs an operator of bands, not one of ${stored.kind}: ` +
          "LinearOperator.tridiagonal(lower, diagonal, upper)",
      );
    },
    factor(form) {
      const bands = (a: Form): NDArray[] => {
        const { stored } = a;
        return stored.kind === "tridiagonal" ? [stored.lower, stored.diagonal, stored.upper] : [];
      };
      const turned = isSymmetric(form.tags) ? form : transposedForm(form);
      return {
        matrix: [...bands(form), ...bands(turned)],
        share: scalarLike(1, bands(form)[1]!),
      };
    },
    solve(problem) {
      const { factors: { matrix, share }, transposed, b } = problem;
      const [lower, diagonal, upper] = transposed ? matrix.slice(3) : matrix;
      const largest = (...bands: NDArray[]): NDArray =>
        bands.map((band) => abs(band)).reduce((a, b) => maximum(a, b));
      const [rows, columns] = evened(
        diagonal!,
        (r, c) =>
          mul(
            r,
            largest(mul(lower!, fromBefore(c)), mul(diagonal!, c), mul(upper!, fromBehind(c))),
          ),
        (r, c) =>
          mul(
            c,
            largest(fromBehind(mul(lower!, r)), mul(diagonal!, r), fromBefore(mul(upper!, r))),
          ),
        problem.transforms,
      );
      const [below, along, above] = [fromBefore(columns), columns, fromBehind(columns)]
        .map((units, i) => mul(mul([lower!, diagonal!, upper!][i]!, rows), units));
      const solved = (b: NDArray): NDArray =>
        mul(columns, flat(tridiagonalSolve(below!, along!, above!, column(mul(b, rows)))));
      const x = solved(b);
      const finite = and(allFinite(diagonal!), and(allFinite(lower!), allFinite(upper!)));
      // Elimination keeps no pivots to judge by: what is left of the equations, and their rounding, are solved for.
      const r = sub(b, problem.apply(x));
      const terms = termsOf(tridiagonalForm(lower!, diagonal!, upper!), x)!;
      const holds = reduceAnd(le(abs(r), mul(abs(b), scalarLike(epsilon(b.dtype) ** 0.5, b))), [0]);
      const change = problem.transforms.cond(
        holds,
        (r) => zerosLike(r),
        (r, rounding) => add(abs(solved(r)), abs(solved(rounding))),
        r,
        roundingOf(terms),
      );
      const report = refined(outcome(problem, x, share), change);
      return { ...report, status: select(finite, report.status, whole(statusCode("nonfinite"))) };
    },
  };
  return once(method);
}

/**
 * Division, for diagonal operators.
 *
 * @example
 * ```ts
 * import { diagonal, LinearOperator, linearSolve, numpy as np } from "@injax/injax";
 *
 * const a = LinearOperator.diagonal(np.array([2, 4]));
 * console.log(linearSolve(a, np.array([2, 2]), { solver: diagonal() }).value.toArray()); // [ 1, 0.5 ]
 * ```
 */
export function diagonal(): LinearMethod {
  if (arguments.length > 0) checkCall("diagonal()", arguments);
  const method: LinearMethod<PlainFactors> = {
    description: "division by the diagonal",
    explain: { singular: zeroPivot },
    solves: "square",
    direct: true,
    check({ stored }) {
      if (stored.kind === "diagonal") return;
      throw new TypeError(
        `linearSolve: diagonal() needs a diagonal operator, not one of ${stored.kind}: ` +
          "LinearOperator.diagonal(d)",
      );
    },
    factor({ stored }) {
      const d = (stored as { diagonal: NDArray }).diagonal;
      return { matrix: [d], share: leastShare(d, abs(d)) };
    },
    solve(problem) {
      const { factors: { matrix: [d], share }, b } = problem;
      return outcome(problem, div(b, d!), share);
    },
  };
  return once(method);
}

/** What least squares would do in the place of what failed. */
const withInstead = (text: string): string => `${text} ${instead}`;
const instead =
  "For a solution of least squares take svd() or qr(), or add a multiple of the identity";
const singular = /* @__PURE__ */ withInstead(
  "the operator is singular to working precision: of a pivot, {} of what it was made of is left.",
);
const zeroPivot = /* @__PURE__ */ withInstead(
  "the operator is singular: an element of the diagonal is 0, or so small that a quotient is infinite.",
);
const unrefined = /* @__PURE__ */ withInstead(
  "the operator is singular to working precision: a step of refinement changes the solution by {} of itself.",
);
const grown =
  "elements grew by a factor of {} in elimination, and their rounding with them. Take qr() or svd(), where they do not";
const notLinear =
  "the function is not linear: at 0, or at a sum of vectors, it is off by a norm of {}";

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
    explain: { breakdown: notLinear },
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
      // Of a matrix with NaN the rank is 0, and so is the solution.
      const given = and(allFinite(stopGradient(a)), allFinite(stopGradient(b)));
      // Nor is there a rank where lengths of columns are beyond all numbers.
      const known = or(counts.any(), not(stopGradient(a).notEqual(0).any()));
      const sound = and(known, and(allFinite(stopGradient(x)), allFinite(factors[0]!)));
      const finite = and(given, sound);
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
