/**
 * LU factors: `P a = L U` by elimination with partial pivoting.
 *
 * Pivots of one matrix on the CPU, in double precision, for determinants.
 *
 * @module
 */
import { bind, type NDArray, type Primitive, type Sample, shaped, sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  and,
  argmax,
  broadcastTo,
  concatenate,
  div,
  eq,
  ge,
  gt,
  iota,
  moveAxis,
  mul,
  ne,
  reduceSum,
  reshape,
  scalarLike,
  select,
  sub,
  zeros,
} from "../primitives/mod.ts";
import { decomposition, steps } from "./decomposition.ts";
import {
  columnNumbers,
  columnOf,
  identity,
  leading,
  lowerPart,
  matmul,
  rowNumbers,
  rowOf,
  takeRows,
  transposed,
  upperPart,
} from "./matrices.ts";
import { luRoutine } from "./solve_routines.ts";
import { triangularSolve } from "./triangular_solve.ts";

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

/**
 * Factors, exchanges and the order of rows, one pivot in each step. Rows are exchanged by choosing, which
 * is the same on all backends.
 */
function eliminateProgram(a: NDArray): [lu: NDArray, pivots: NDArray, order: NDArray] {
  const lead = a.shape.slice(0, -2);
  const [m, n] = a.shape.slice(-2) as [number, number];
  const systems = sizeOf(lead);
  const rows = rowNumbers(m);
  const numbers = broadcastTo(reshape(rows, [1, m, 1]), [systems, m, 1]);
  const start = [reshape(a, [systems, m, n]), numbers];
  const { carry: [lu, order], stacked: [pivots] } = steps(
    Math.min(m, n),
    start,
    (k, [x, order]) => {
      const sizes = abs(columnOf(x!, k));
      const free = select(ge(rows, k), sizes, scalarLike(-1, sizes));
      const pivot = reshape(argmax(free, 1), [systems, 1, 1]);
      const [isFirst, isPivot] = [eq(rows, k), eq(rows, pivot)];
      const exchanged = (y: NDArray): NDArray => {
        const first = rowOf(y, k);
        const found = reduceSum(select(isPivot, y, scalarLike(0, y)), [1]);
        const second = reshape(found, first.shape);
        return select(isFirst, second, select(isPivot, first, y));
      };
      const y = exchanged(x!);
      const column = columnOf(y, k);
      const diagonal = columnOf(rowOf(y, k), k);
      const below = gt(rows, k);
      // Below a pivot that is 0 there are zeros only.
      const isZero = eq(column, scalarLike(0, column));
      const factors = select(isZero, column, div(column, diagonal));
      const right = and(below, gt(columnNumbers(n), k));
      const rest = select(
        and(right, ne(factors, scalarLike(0, column))),
        sub(y, mul(factors, rowOf(y, k))),
        y,
      );
      const next = select(and(below, eq(columnNumbers(n), k)), factors, rest);
      return { carry: [next, exchanged(order!)], stacked: [reshape(pivot, [systems])] };
    },
  );
  return [
    reshape(lu!, a.shape),
    reshape(moveAxis(pivots!, 0, 1), [...lead, Math.min(m, n)]),
    reshape(order!, [...lead, m]),
  ];
}

/** The factor L, with `m` rows and columns, and the factor U, with `n`; both with ones to fill. */
function squareFactors(lu: NDArray): [l: NDArray, u: NDArray] {
  const [m, n] = lu.shape.slice(-2) as [number, number];
  if (m === n) return [lu, lu];
  const k = Math.min(m, n);
  const filled = (x: NDArray, size: number): NDArray => {
    const lead = x.shape.slice(0, -2);
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const unit = broadcastTo(identity(size, x.dtype), [...lead, size, size]);
    if (rows < size) return concatenate([x, lastRows(unit, size - rows)], x.ndim - 2);
    return concatenate([x, transposed(lastRows(unit, size - columns))], x.ndim - 1);
  };
  return m > n
    ? [filled(leading(lu, m, k), m), leading(lu, n, n)]
    : [leading(lu, m, m), filled(leading(lu, k, n), n)];
}

function lastRows(unit: NDArray, count: number): NDArray {
  const size = unit.shape.at(-1)!;
  const order = add(iota([count], 0, "int32"), scalarLike(size - count, iota([count], 0, "int32")));
  return takeRows(unit, broadcastTo(order, [...unit.shape.slice(0, -2), count]));
}

/** LU factors in one matrix, rows exchanged, and the order of the rows. */
export const luP: Primitive<null> = /* @__PURE__ */ decomposition<null>({
  name: "lu",
  square: false,
  factors: (m, n) => [
    { shape: [m, n] },
    { shape: [Math.min(m, n)], dtype: "int32" },
    { shape: [m], dtype: "int32" },
  ],
  routine: () => luRoutine,
  scalars: (m, n) => [m, n, Math.min(m, n)],
  program: eliminateProgram,
  // L^-1 P da U^-1 is L^-1 dL, below the diagonal, and dU U^-1, from the diagonal on.
  tangents(_, da, [lu, , order]) {
    const [l, u] = squareFactors(lu!);
    const parts = solveRight(u, triangularSolve(l, takeRows(da, order!), UNIT_LOWER));
    const [k, n] = [Math.min(...lu!.shape.slice(-2)), lu!.shape.at(-1)!];
    const ones = identity(l.shape.at(-1)!, l.dtype);
    const dl = matmul(add(lowerPart(l, -1), broadcastTo(ones, l.shape)), lowerPart(parts, -1));
    const du = matmul(upperPart(parts), upperPart(u));
    return [k === 0 || n === 0 ? zeros(shaped(lu!.shape, lu!.dtype)) : add(dl, du), null, null];
  },
  samples: luSamples,
});

const UNIT_LOWER = { lower: true, transposeA: false, unitDiagonal: true };

/** `x U^-1` for an upper triangular U. */
function solveRight(u: NDArray, x: NDArray): NDArray {
  const transpose = { lower: false, transposeA: true, unitDiagonal: false };
  return transposed(triangularSolve(u, transposed(x), transpose));
}

function luSamples(): Sample<null>[] {
  const singular = "a factor is singular";
  return [
    {
      name: "needs pivoting",
      inputs: [{ shape: [3, 3], dtype: "float32", values: [0, 2, 1, 1, 0, 0, 3, 0, 1] }],
      params: null,
    },
    {
      name: "more rows, several, float64",
      inputs: [{
        shape: [2, 3, 2],
        dtype: "float64",
        values: [1, 2, -3, 4, 0.5, 1, 5, 1, -1, 0.25, 2, -3],
      }],
      params: null,
    },
    {
      name: "more columns",
      inputs: [{ shape: [2, 4], dtype: "float32", values: [1, 2, 3, -1, -2, 0.5, 1, 4] }],
      params: null,
    },
    {
      name: "singular: the last pivot is 0, the first column is 0, all is 0",
      inputs: [{
        shape: [3, 2, 2],
        dtype: "float32",
        values: [2, 4, 1, 2, 0, 1, 0, 3, 0, 0, 0, 0],
      }],
      params: null,
      skip: { jvp: singular, slope: singular, transpose: singular },
    },
    {
      name: "graded",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [1, 1e-4, 1e-8, 1e-4, 3e-4, 2e-8, 2e-8, 1e-8, -3e-8],
      }],
      params: null,
      skip: { jvp: "differences of such sizes have no digits", slope: "as for jvp" },
    },
    {
      name: "NaN and infinity",
      inputs: [{ shape: [2, 2, 2], dtype: "float32", values: [1, 1, NaN, 3, 1, 2, Infinity, 1] }],
      params: null,
      skip: { jvp: "not finite", slope: "not finite", transpose: "not finite" },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [-4] }], params: null },
    { name: "no rows", inputs: [{ shape: [0, 3], dtype: "float32" }], params: null },
    { name: "no columns", inputs: [{ shape: [3, 0], dtype: "float32" }], params: null },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: null },
  ];
}

/** What elimination with partial pivoting gives. */
export interface LuFactors {
  /** U from the diagonal on, and L below it, whose diagonal is 1. */
  readonly lu: NDArray;
  /** int32 `[..., k]`: row i was exchanged with row `pivots[i]`, one after the other. */
  readonly pivots: NDArray;
  /** int32 `[..., m]`: which row of the matrix each row of L U is. */
  readonly permutation: NDArray;
}

/** LU factors of matrices `[..., m, n]`, by elimination with partial pivoting, as `jax.lax.linalg.lu`. */
export function lu(a: NDArray): LuFactors {
  const [factors, pivots, permutation] = bind(luP, [a], null);
  return { lu: factors!, pivots: pivots!, permutation: permutation! };
}
