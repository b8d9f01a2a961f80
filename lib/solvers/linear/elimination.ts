/**
 * Elimination with partial pivoting, of equations and unknowns in units of their own.
 *
 * Of two rows the one in smaller units has the larger elements, and would always be the pivot: rows and columns
 * that differ much are brought to like sizes first.
 *
 * @module
 */
import { ConcreteArray, type NDArray, scalarArray } from "../../core/mod.ts";
import { lu } from "../../linalg/lu.ts";
import {
  diagonalOf,
  lowerPart,
  scaledColumns,
  scaledRows,
  transposed,
  unitsOf,
  upperPart,
} from "../../linalg/matrices.ts";
import { solveByFactors } from "../../linalg/solve.ts";
import {
  abs,
  add,
  and,
  div,
  gt,
  isFinite,
  mul,
  onesLike,
  or,
  reduceMax,
  reduceMin,
  reduceSum,
  scalarLike,
  select,
  sqrt,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { column, flat } from "./form.ts";
import { leastShare, type Pivots, whole } from "./method.ts";

/** Factors of `lu()`, of equations and unknowns in units of their own. */
export interface LuFactors extends Pivots {
  readonly factors: NDArray;
  readonly permutation: NDArray;
  readonly rows: NDArray;
  readonly columns: NDArray;
  /** By how much the largest element grew: what is left of equations is as much more than the rounding of their terms. */
  readonly growth: NDArray;
}

/** The solution by factors of a matrix, or of its transpose. */
export function solveByLu(
  { factors, permutation, rows, columns }: LuFactors,
  b: NDArray,
  transposeA: boolean,
): NDArray {
  const solve = (b: NDArray): NDArray =>
    flat(solveByFactors(factors, permutation, column(b), { transposeA }));
  return transposeA ? mul(rows, solve(mul(columns, b))) : mul(columns, solve(mul(rows, b)));
}

/** The factors of a matrix: in its own units where rows and columns are of like sizes, which takes two sums to see. */
export function luFactors(matrix: NDArray, transforms: Transforms): LuFactors {
  const even = (a: NDArray): readonly [NDArray, NDArray] => {
    const one = onesLike(diagonalOf(a));
    return [one, one];
  };
  const own = (a: NDArray): readonly [NDArray, NDArray] => {
    const sizes = abs(a);
    const along = (axis: number) => (rows: NDArray, columns: NDArray): NDArray =>
      reduceMax(scaledColumns(scaledRows(sizes, rows), columns), [axis]);
    return evened(diagonalOf(a), along(1), along(0), transforms);
  };
  const sizes = abs(matrix);
  const differ = uneven(reduceSum(sizes, [1]), reduceSum(sizes, [0]));
  // Code that runs at once traces no choice, which takes as long as factors of 30 equations.
  const asItIs = differ instanceof ConcreteArray && differ.peek() !== null && !differ.item();
  const [rows, columns] = asItIs ? even(matrix) : transforms.cond(differ, own, even, matrix);
  const scaled = asItIs ? matrix : scaledColumns(scaledRows(matrix, rows), columns);
  const { lu: factors, permutation } = lu(scaled);
  const pivots = diagonalOf(factors);
  const rest = abs(lowerPart(mul(factors, transposed(factors)), -1));
  const share = leastShare(pivots, add(reduceSum(rest, [1]), abs(pivots)));
  const growth = div(largestOf(upperPart(factors)), largestOf(scaled));
  return { factors, permutation, rows, columns, share, growth };
}

/** The size of the largest element of a matrix; 1 of none. */
function largestOf(a: NDArray): NDArray {
  return a.size === 0 ? scalarLike(1, a) : reduceMax(abs(a), [0, 1]);
}

/** Whether sizes of rows, or of columns, differ by more than what elimination cares about. */
export function uneven(ofRows: NDArray, ofColumns: NDArray): NDArray {
  if (ofRows.size === 0) return scalarArray(0, "bool");
  const most = scalarLike(mostSpread, ofRows);
  const spread = (x: NDArray): NDArray => div(reduceMax(x, [0]), reduceMin(x, [0]));
  return or(gt(spread(ofRows), most), gt(spread(ofColumns), most));
}

/**
 * Units of equations and of unknowns, in which the largest element of each is about 1 (Ruiz, 2001): by them units do not
 * choose the pivots. Powers of two, so that nothing is rounded. Of equations as many as `like` has elements, and the
 * largest elements of rows and of columns by units of both.
 */
export function evened(
  like: NDArray,
  ofRows: (rows: NDArray, columns: NDArray) => NDArray,
  ofColumns: (rows: NDArray, columns: NDArray) => NDArray,
  transforms: Transforms,
): readonly [rows: NDArray, columns: NDArray] {
  const one = onesLike(like);
  if (like.size === 0) return [one, one];
  const less = (units: NDArray, largest: NDArray): NDArray => {
    const sound = and(isFinite(largest), gt(largest, zerosLike(largest)));
    return div(units, sqrt(select(sound, largest, onesLike(largest))));
  };
  const { rows, columns } = transforms.whileLoop(
    ({ ofR, ofC, left }) => and(left.greater(0), uneven(ofR, ofC)),
    ({ rows, columns, ofR, left }) => {
      const r = less(rows, ofR);
      const ofC = ofColumns(r, columns);
      const c = less(columns, ofC);
      return { rows: r, columns: c, ofR: ofRows(r, c), ofC, left: left.sub(1) };
    },
    {
      rows: one,
      columns: one,
      ofR: ofRows(one, one),
      ofC: ofColumns(one, one),
      left: whole(evenings),
    },
  );
  return [unitsOf(div(one, rows)), unitsOf(div(one, columns))];
}

/** Each halves the digits by which units differ: of 300, one is left. */
const evenings = 8;

/** By how much units may differ, which hardly changes what elimination loses. */
const mostSpread = 64;
