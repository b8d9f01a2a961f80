/**
 * Cholesky factors: `a = L L^T` for positive definite matrices.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import type { Primitive, Sample } from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { div, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { eq, ge, gt } from "../primitives/elementwise/compare.ts";
import { sqrt } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import { reduceAnd } from "../primitives/reduce/logical.ts";
import { decomposition } from "./decomposition.ts";
import {
  columnNumbers,
  columnOf,
  elementOf,
  lowerPart,
  matmul,
  rowNumbers,
  symmetricOf,
  transposed,
} from "./matrices.ts";
import { steps } from "./programs.ts";
import { triangularSolve } from "./triangular_solve.ts";

/**
 * Row by row: `l_ij = (a_ij - sum over k of l_ik l_jk) / l_jj`. Gives false where the matrix is not
 * positive definite.
 */
function factor(a: Float64Array, l: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j]!;
      for (let k = 0, p = i * n, q = j * n; k < j; k++) rest -= l[p + k]! * l[q + k]!;
      if (j < i) {
        l[i * n + j] = rest / l[j * n + j]!;
      } else {
        if (!(rest > 0) || rest === Infinity) return false;
        l[i * n + i] = Math.sqrt(rest);
      }
    }
  }
  return true;
}

/** One column in each step; what it explains leaves the rest of the matrix. */
function factorProgram(a: NDArray): NDArray {
  const n = a.shape.at(-1)!;
  const systems = sizeOf(a.shape.slice(0, -2));
  const rows = rowNumbers(n);
  const start = symmetricOf(reshape(a, [systems, n, n]));
  const { stacked: [columns] } = steps(n, [start], (j, [rest]) => {
    const column = div(columnOf(rest!, j), sqrt(elementOf(rest!, j, j)));
    const own = select(ge(rows, j), column, scalarLike(0, column));
    return {
      carry: [sub(rest!, mul(own, transposed(own)))],
      stacked: [reshape(own, [systems, n])],
    };
  });
  const l = transpose(columns!, [1, 2, 0]);
  // A pivot that is not above 0 has made its column infinite or NaN.
  const finite = eq(sub(l, l), scalarLike(0, l));
  const definite = reduceAnd(finite, [1, 2]);
  const found = select(
    reshape(definite, [systems, 1, 1]),
    l,
    select(ge(rows, columnNumbers(n)), scalarLike(NaN, l), scalarLike(0, l)),
  );
  return reshape(found, a.shape);
}

/** Lower triangular factors of matrices whose lower triangle is given. */
export const choleskyP: Primitive<null> = decomposition<null>({
  name: "cholesky",
  square: true,
  factors: (n) => [{ shape: [n, n] }],
  loops(a, n, _, [l]) {
    if (factor(a, l as Float64Array, n)) return;
    for (let i = 0; i < n; i++) l!.fill(NaN, i * n, i * n + i + 1);
  },
  program: (a) => [factorProgram(a)],
  // L^-1 da L^-T is the sum of L^-1 dL, which is lower triangular, and its transpose.
  tangents(_, da, [l]) {
    const inner = congruent(l!, symmetricOf(da));
    const half = select(
      gt(rowNumbers(l!.shape.at(-1)!), columnNumbers(l!.shape.at(-1)!)),
      inner,
      mul(lowerPart(inner), scalarLike(0.5, inner)),
    );
    return [matmul(l!, half)];
  },
  samples: choleskySamples,
});

/** `L^-1 x L^-T` for symmetric `x`. */
function congruent(l: NDArray, x: NDArray): NDArray {
  const solve = (b: NDArray): NDArray =>
    triangularSolve(l, b, { lower: true, transposeA: false, unitDiagonal: false });
  return solve(transposed(solve(x)));
}

function choleskySamples(): Sample<null>[] {
  const no = "not positive definite";
  return [
    {
      name: "three rows; the upper triangle is not read",
      inputs: [{ shape: [3, 3], dtype: "float32", values: [4, 9, 9, 1, 3, 9, -1, 0.5, 2] }],
      params: null,
    },
    {
      name: "several, float64",
      inputs: [{ shape: [2, 2, 2], dtype: "float64", values: [2, -1, -1, 3, 1, 0.5, 0.5, 5] }],
      params: null,
    },
    {
      name: "graded",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [1e6, 0, 0, 500, 1, 0, 0.3, 2e-4, 1e-6],
      }],
      params: null,
      skip: { jvp: "differences of such sizes have no digits", slope: "as for jvp" },
    },
    {
      name: "singular, indefinite, NaN and infinite ones among others",
      inputs: [{
        shape: [5, 2, 2],
        dtype: "float32",
        values: [1, 1, 1, 1, 1, 2, 2, 1, 4, 0, 2, 5, NaN, 0, 0, 1, 1, 0, 0, Infinity],
      }],
      params: null,
      skip: { jvp: no, slope: no, transpose: no },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [9] }], params: null },
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params: null },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: null },
  ];
}

/**
 * The lower triangular factors L of `a = L L^T`, for positive definite matrices `[..., n, n]`, of which
 * only the lower triangle is read. Of a matrix that is not positive definite all elements of the factor
 * are NaN.
 *
 * @throws {ShapeError} where the matrix is not square.
 */
export function cholesky(a: NDArray): NDArray {
  return bind1(choleskyP, [a], null);
}
