/**
 * Kronecker products of operators, with which systems are solved factor by factor.
 *
 * @module
 */
import { checkCall, type NDArray, promoteDTypes } from "../../core/mod.ts";
import { full, reshape } from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import { converted, flat, type Form, isSymmetric, type LinearTags, type Made } from "./form.ts";
import { type LinearMethod, type LinearOutcome, once } from "./method.ts";
import { LinearOperator } from "./operator.ts";
import { laidOut, type Space } from "./space.ts";
import {
  byRows,
  checkOperator,
  explain,
  factorsOf,
  isSquare,
  made,
  type PartFactors,
  together,
  within,
} from "./within.ts";

/** `(A x B) v`, where v is laid out as a matrix `V`: `A V B^T`. */
const buildKronecker: Made["build"] = (of, _, layout, tags) => {
  const [a, b] = of as [Form, Form];
  const both = (
    f: (v: NDArray) => NDArray,
    g: (v: NDArray) => NDArray,
    v: NDArray,
    shape: readonly number[],
    { vmap }: Transforms,
  ): NDArray => {
    const rows = vmap(g)(reshape(v, shape)) as NDArray;
    const all = vmap(f, { inAxes: 1, outAxes: 1 })(rows) as NDArray;
    return reshape(all, [all.size]);
  };
  return made(buildKronecker, of, {}, layout, {
    rows: a.rows * b.rows,
    columns: a.columns * b.columns,
    dtype: a.dtype,
    tags,
    own: isSquare(a) && isSquare(b) ? factorByFactor : undefined,
    apply: (v, d) => both((x) => a.apply(x, d), (x) => b.apply(x, d), v, [a.columns, b.columns], d),
    pull: (u, d) => both((x) => a.pull(x, d), (x) => b.pull(x, d), u, [a.rows, b.rows], d),
    matrix(d) {
      const product = reshape(a.matrix(d), [a.rows, 1, a.columns, 1])
        .mul(reshape(b.matrix(d), [1, b.rows, 1, b.columns]));
      return reshape(product, [a.rows * b.rows, a.columns * b.columns]);
    },
  });
};

const factorByFactor: LinearMethod = /* @__PURE__ */ once<readonly PartFactors[]>({
  description: "methods of the factors",
  solves: "square",
  direct: true,
  explain,
  factor: ({ parts: { of } }, transforms) => of.map((a) => factorsOf(a, transforms)),
  solve(problem) {
    const { form, factors, b, transposed, transforms } = problem;
    const [first, second] = form.parts.of as [Form, Form];
    const solve = (i: 0 | 1, rows: NDArray): LinearOutcome =>
      byRows(
        (row) => within(i === 0 ? first : second, factors[i]!, row, transposed, problem as never),
        rows,
        transforms,
      );
    const rows = solve(1, reshape(b, [first.rows, second.rows]));
    const columns = solve(0, rows.x.T);
    return { ...together([rows, columns]), x: flat(columns.x.T.reshape([b.size, 1])) };
  },
});

/**
 * The Kronecker product of two operators, on vectors: that of matrices has `A[i, j] B` as its blocks. It is never
 * written out; where both are square, systems are solved by those of A and of B.
 *
 * @throws {TypeError} where one is no operator.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { kronecker, LinearOperator, linearSolve } from "@injax/injax/linear";
 *
 * const a = LinearOperator.matrix(np.array([[2, 0], [0, 4]]));
 * const b = LinearOperator.diagonal(np.array([1, 2, 4]));
 * const { value } = linearSolve(kronecker(a, b), np.array([2, 4, 8, 4, 8, 16]));
 * console.log(value.toArray()); // [ 1, 1, 1, 1, 1, 1 ]
 * ```
 */
export function kronecker(a: LinearOperator, b: LinearOperator): LinearOperator {
  const op = "kronecker";
  checkCall(`${op}(a, b)`, arguments);
  checkOperator(op, "a", a);
  checkOperator(op, "b", b);
  const dtype = promoteDTypes(a.form.dtype, b.form.dtype);
  const of = [a, b].map((x) => converted(op, x.form, dtype)) as [Form, Form];
  const alike = of[0].tags.triangular;
  const tags: LinearTags = {
    symmetric: of.every((x) => isSymmetric(x.tags)),
    positiveDefinite: of.every((x) => x.tags.positiveDefinite === true),
    triangular: alike !== undefined && alike === of[1].tags.triangular ? alike : undefined,
  };
  const form = buildKronecker(of, {}, [], tags);
  const vector = (n: number): Space => laidOut(op, "x", full([n], 0, dtype))[1];
  return LinearOperator.made(form, vector(form.columns), vector(form.rows));
}
