/**
 * Cholesky factors: `a = L L^T` for positive definite matrices.
 *
 * The Cholesky decomposition on the CPU.
 *
 * @module
 */
import { bind1, type NDArray, type Primitive, type Sample, sizeOf } from "../core/mod.ts";
import {
  add,
  div,
  eq,
  ge,
  gt,
  mul,
  reduceAnd,
  reshape,
  scalarLike,
  select,
  sqrt,
  sub,
  transpose,
} from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";
import { decomposition, steps } from "./decomposition.ts";
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
import { triangularSolve } from "./triangular_solve.ts";

/**
 * L with L L^T = A from the lower triangle of each of `count` matrices. A matrix that is not positive
 * definite gives NaN.
 *
 * Four columns are made first, of which `panel` has a copy as rows, and then taken from the rest together,
 * two rows at a time.
 */
const routineOf = (element: string): Routine =>
  routine(() => `
cholesky(in a: T[count, n, n], out l: T[count, n, n], scratch panel: T[4, n], count, n) {
  for s in 0..count {
    for i in 0..n {
      ${element}
    }
    let definite = 0 == 0
    for first in 0..n by 4 {
      let last = min(first + 4, n)
      for p in first..last {
        let k = p - first
        let root = sqrt(l[s, p, p])
        if not (root > 0) { definite = 0 != 0 }
        l[s, p, p] = root
        for i in p + 1..n {
          let x = l[s, i, p] / root
          l[s, i, p] = x
          panel[k, i] = x
        }
        for c in p + 1..last {
          let factor = panel[k, c]
          for i in c..n { l[s, i, c] = l[s, i, c] - factor * panel[k, i] }
        }
      }
      let i = last
      while i + 1 < n {
        let a0 = panel[0, i]
        let a1 = panel[1, i]
        let a2 = panel[2, i]
        let a3 = panel[3, i]
        let b0 = panel[0, i + 1]
        let b1 = panel[1, i + 1]
        let b2 = panel[2, i + 1]
        let b3 = panel[3, i + 1]
        // The element above the diagonal in the first of the two rows is anything, and read by nobody.
        vector j in last..i + 2 {
          let x0 = panel[0, j]
          let x1 = panel[1, j]
          let x2 = panel[2, j]
          let x3 = panel[3, j]
          l[s, i, j] = l[s, i, j] - (a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3)
          l[s, i + 1, j] = l[s, i + 1, j] - (b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3)
        }
        i += 2
      }
      if i < n {
        let a0 = panel[0, i]
        let a1 = panel[1, i]
        let a2 = panel[2, i]
        let a3 = panel[3, i]
        vector j in last..i + 1 {
          l[s, i, j] = l[s, i, j] - (a0 * panel[0, j] + a1 * panel[1, j] + a2 * panel[2, j] +
            a3 * panel[3, j])
        }
      }
    }
    for i in 0..n {
      vector j in i + 1..n { l[s, i, j] = 0 }
    }
    if not definite {
      for i in 0..n {
        vector j in 0..i + 1 { l[s, i, j] = NaN }
      }
    }
  }
}`);

/** Of the matrices whose lower triangle is given. */
export const choleskyRoutine: Routine = /* @__PURE__ */ routineOf(
  "vector j in 0..i + 1 { l[s, i, j] = a[s, i, j] }",
);

/** Of the means of the matrices and their transposes. */
export const symmetrizedCholeskyRoutine: Routine = /* @__PURE__ */ routineOf(
  "for j in 0..i + 1 { l[s, i, j] = 0.5 * (a[s, i, j] + a[s, j, i]) }",
);

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
