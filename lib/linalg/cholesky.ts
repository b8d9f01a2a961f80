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
import { add, div, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { eq, ge, gt } from "../primitives/elementwise/compare.ts";
import { sqrt } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import { reduceAnd } from "../primitives/reduce/logical.ts";
import { choleskyRoutine, symmetrizedCholeskyRoutine } from "./cholesky_routine.ts";
import { decomposition } from "./decomposition.ts";
import {
  columnNumbers,
  columnOf,
  diagonalOf,
  elementOf,
  lowerPart,
  matmul,
  rowNumbers,
  symmetricOf,
  transposed,
} from "./matrices.ts";
import { steps } from "./programs.ts";
import { triangularSolve } from "./triangular_solve.ts";

/** Parameters of Cholesky factors. */
export interface CholeskyParams {
  /** Whether the mean of the matrix and its transpose is factored, or what its lower triangle says. */
  readonly symmetrize: boolean;
}

/** The symmetric matrix that is factored. */
function symmetricBy(a: NDArray, { symmetrize }: CholeskyParams): NDArray {
  return symmetrize ? mul(add(a, transposed(a)), scalarLike(0.5, a)) : symmetricOf(a);
}

/** One column in each step; what it explains leaves the rest of the matrix. */
function factorProgram(a: NDArray, params: CholeskyParams): NDArray {
  const n = a.shape.at(-1)!;
  const systems = sizeOf(a.shape.slice(0, -2));
  const rows = rowNumbers(n);
  const start = symmetricBy(reshape(a, [systems, n, n]), params);
  const { stacked: [columns] } = steps(n, [start], (j, [rest]) => {
    const root = sqrt(elementOf(rest!, j, j));
    const column = select(eq(rows, j), root, div(columnOf(rest!, j), root));
    const own = select(ge(rows, j), column, scalarLike(0, column));
    return {
      carry: [sub(rest!, mul(own, transposed(own)))],
      stacked: [reshape(own, [systems, n])],
    };
  });
  const l = transpose(columns!, [1, 2, 0]);
  const diagonal = diagonalOf(l);
  const definite = reduceAnd(gt(diagonal, scalarLike(0, diagonal)), [1]);
  const found = select(
    reshape(definite, [systems, 1, 1]),
    l,
    select(ge(rows, columnNumbers(n)), scalarLike(NaN, l), scalarLike(0, l)),
  );
  return reshape(found, a.shape);
}

/** Lower triangular factors. */
export const choleskyP: Primitive<CholeskyParams> = /* @__PURE__ */ decomposition<CholeskyParams>({
  name: "cholesky",
  square: true,
  factors: (n) => [{ shape: [n, n] }],
  routine: ({ symmetrize }) => symmetrize ? symmetrizedCholeskyRoutine : choleskyRoutine,
  scalars: (n) => [n],
  program: (a, params) => [factorProgram(a, params)],
  // L^-1 da L^-T is the sum of L^-1 dL, which is lower triangular, and its transpose.
  tangents(_, da, [l], params) {
    const inner = congruent(l!, symmetricBy(da, params));
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

function choleskySamples(): Sample<CholeskyParams>[] {
  const params = { symmetrize: false };
  const no = "not positive definite";
  return [
    {
      name: "three rows; the upper triangle is not read",
      inputs: [{ shape: [3, 3], dtype: "float32", values: [4, 9, 9, 1, 3, 9, -1, 0.5, 2] }],
      params,
    },
    {
      name: "several, float64",
      inputs: [{ shape: [2, 2, 2], dtype: "float64", values: [2, -1, -1, 3, 1, 0.5, 0.5, 5] }],
      params,
    },
    {
      name: "graded",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [1e6, 0, 0, 500, 1, 0, 0.3, 2e-4, 1e-6],
      }],
      params,
      skip: { jvp: "differences of such sizes have no digits", slope: "as for jvp" },
    },
    {
      name: "singular, indefinite, NaN and infinite ones among others",
      inputs: [{
        shape: [5, 2, 2],
        dtype: "float32",
        values: [1, 1, 1, 1, 1, 2, 2, 1, 4, 0, 2, 5, NaN, 0, 0, 1, 1, 0, 0, Infinity],
      }],
      params,
      skip: { jvp: no, slope: no, transpose: no },
    },
    {
      name: "the mean of a matrix and its transpose",
      inputs: [{ shape: [3, 3], dtype: "float32", values: [4, 0.5, -1, 1, 3, 2, -1, 0.5, 2] }],
      params: { symmetrize: true },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [9] }], params },
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params },
  ];
}

/**
 * The lower triangular factors L of `a = L L^T`, for positive definite matrices `[..., n, n]`, of which
 * the lower triangle is read, or with `symmetrize` the mean with their transposes. Of a matrix that is
 * not positive definite all elements of the factor are NaN.
 *
 * @throws {ShapeError} where the matrix is not square.
 */
export function cholesky(a: NDArray, symmetrize: boolean): NDArray {
  return bind1(choleskyP, [a], { symmetrize });
}
