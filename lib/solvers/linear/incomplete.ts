/**
 * Approximate inverses by incomplete factors: constants to derivatives, as those of `preconditioners.ts`.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  describeValue,
  formatShape,
  NDArray,
  type OptionTable,
  ShapeError,
} from "../../core/mod.ts";
import { triangularSolve } from "../../linalg/triangular_solve.ts";
import {
  and,
  broadcastTo,
  eq,
  full,
  iota,
  not,
  or,
  reduceSum,
  reshape,
  select,
  stopGradient,
} from "../../primitives/mod.ts";
import { pure } from "../../transforms/pure.ts";
import type { FloatTree } from "../fixed_point.ts";
import { LinearOperator } from "./operator.ts";
import { diagonalOf, square } from "./preconditioners.ts";

/** Options of `incompleteCholesky`. */
export interface IncompleteCholeskyOptions {
  /** Where the factor may be other than 0: bools `[n, n]`. By default where A is not 0. */
  readonly pattern?: NDArray | undefined;
  /** How far from the diagonal the factor may reach: bands below it. By default as far as A does. */
  readonly bandwidth?: number | undefined;
}

const incompleteTable: OptionTable<IncompleteCholeskyOptions> = {
  pattern: "object",
  bandwidth: "count",
};

/**
 * Cholesky factors that are 0 wherever A is, IC(0) (Meijerink and van der Vorst, Math. Comp. 31, 1977): for
 * symmetric and positive definite operators, of which the lower triangle is read. Where the incomplete factors do not
 * exist, those of A with a larger diagonal are taken (Manteuffel, Math. Comp. 34, 1980). Of a band it is
 * the inverse itself.
 *
 * @throws {ShapeError} where `a` is not square, or `pattern` has another shape.
 * @throws {RangeError} where `bandwidth` is no number of bands.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { cg, incompleteCholesky, LinearOperator, linearSolve } from "@injax/injax/linear";
 *
 * const f64 = { dtype: "float64" } as const;
 * const [side, middle, b] = [np.full([50], -1, f64), np.full([50], 2, f64), np.ones([50], f64)];
 * const a = LinearOperator.tridiagonal(side, middle, side, { positiveDefinite: true });
 * const preconditioner = incompleteCholesky(a);
 * console.log(linearSolve(a, b, { solver: cg(), preconditioner }).steps.item()); // 1
 * ```
 */
export function incompleteCholesky(
  a: NDArray | LinearOperator,
  options?: IncompleteCholeskyOptions,
): LinearOperator;
/** Of an operator on trees. */
export function incompleteCholesky<X extends FloatTree>(
  a: LinearOperator<X>,
  options?: IncompleteCholeskyOptions,
): LinearOperator<X>;
export function incompleteCholesky<X extends FloatTree>(
  a: NDArray | LinearOperator<X>,
  options: IncompleteCholeskyOptions = {},
): LinearOperator<X> {
  const op = "incompleteCholesky";
  if (arguments.length > 1) checkCall(`${op}(a, options)`, arguments, incompleteTable);
  const { operator, matrix } = square(op, a);
  const { pattern, bandwidth } = options;
  const n = matrix.shape[0]!;
  if (bandwidth !== undefined) checkCount(op, "bandwidth", bandwidth);
  if (pattern !== undefined) {
    if (!(pattern instanceof NDArray) || formatShape(pattern.shape) !== formatShape([n, n])) {
      throw new ShapeError(
        `${op}: pattern must be bools of shape ${formatShape([n, n])}, as A is, not ${
          pattern instanceof NDArray
            ? `of shape ${formatShape(pattern.shape)}`
            : describeValue(pattern)
        }`,
      );
    }
  }
  const [row, column] = [iota([n, n], 0, "int32"), iota([n, n], 1, "int32")];
  let kept = pattern === undefined ? matrix.notEqual(0) : pattern.notEqual(0);
  if (bandwidth !== undefined) kept = and(kept, row.sub(column).lessEqual(bandwidth));
  const on = eq(row, column);
  const lower = stopGradient(factorOf(matrix, or(on, and(kept, row.greater(column)))));
  const solve = (v: NDArray, transposeA: boolean): NDArray =>
    triangularSolve(lower, v, { lower: true, transposeA, unitDiagonal: false });
  return LinearOperator.between(
    (v) => reshape(solve(solve(reshape(v, [n, 1]), false), true), [n]),
    operator.domain,
    operator.domain,
    { symmetric: true, positiveDefinite: true },
  );
}

/** The incomplete factor, which is 0 where `kept` is false, of A with as much on its diagonal as it takes. */
function factorOf(matrix: NDArray, kept: NDArray): NDArray {
  const n = matrix.shape[0]!;
  const { dtype } = matrix;
  const zero = full([n, n], 0, dtype);
  const at = iota([n], 0, "int32");
  const [row, column] = [iota([n, n], 0, "int32"), iota([n, n], 1, "int32")];
  const sizes = diagonalOf(matrix);
  const columnAt = (m: NDArray, k: NDArray): NDArray =>
    reduceSum(select(eq(column, k), m, zero), [1]);
  const attempt = (shift: NDArray): { readonly l: NDArray; readonly whole: NDArray } => {
    const raised = select(eq(row, column), broadcastTo(sizes.mul(shift.add(1)), [n, n]), matrix);
    const end = pure.foriLoop(
      0,
      n,
      (k: NDArray, c: Readonly<Record<"rest" | "whole", NDArray>>) => {
        const own = columnAt(c.rest, k);
        const pivot = reduceSum(select(eq(at, k), own, full([n], 0, dtype)), [0]);
        const size = reduceSum(select(eq(at, k), sizes, full([n], 0, dtype)), [0]);
        const good = pivot.greater(size.abs().mul(leastPivot));
        // What would have no root is the diagonal.
        const root = select(good, pivot, size.abs()).sqrt();
        const done = select(eq(at, k), broadcastTo(root, [n]), own.div(root));
        const l = select(at.less(k), full([n], 0, dtype), done);
        const outer = mulOuter(select(eq(at, k), full([n], 0, dtype), l));
        const updated = select(and(kept, column.greater(k)), c.rest.sub(outer), c.rest);
        const placed = select(eq(column, k), broadcastTo(reshape(l, [n, 1]), [n, n]), updated);
        return { rest: placed, whole: and(c.whole, good) };
      },
      { rest: select(kept, raised, zero), whole: full([], 1, "bool") },
    );
    return { l: end.rest, whole: end.whole };
  };
  const first = attempt(full([], 0, dtype));
  const end = pure.whileLoop(
    (c) => and(not(c.whole), c.shift.less(largestShift)),
    (c) => {
      const shift = select(c.shift.equal(0), full([], firstShift, dtype), c.shift.mul(4));
      return { ...attempt(shift), shift };
    },
    { ...first, shift: full([], 0, dtype) },
  );
  return end.l;
}

/** `v v^T`. */
function mulOuter(v: NDArray): NDArray {
  return reshape(v, [v.size, 1]).mul(reshape(v, [1, v.size]));
}

/** What has to be left of a pivot of its diagonal, and by what shares that is raised, four times as much each time. */
const leastPivot = 1e-3;
const firstShift = 1e-3;
const largestShift = 10;
