/**
 * Systems of linear equations: which method when is a page of the guide, `linear_systems.md`.
 *
 * `plan.ts` settles what is solved and how, and makes of a method what is differentiable;
 * `operator.ts` and `form.ts` are the operators, on trees (`space.ts`) and on vectors; `method.ts` says what a method
 * is; `gmres.ts` has the loop of those that work by products.
 *
 * @module
 */
export { bicgstab } from "./short_recurrences.ts";
export { cg } from "./short_recurrences.ts";
export { cholesky, diagonal, lu, triangular, tridiagonal } from "./direct.ts";
export type { Form, LinearTags, Made, Parts, Stored } from "./form.ts";
export { gmres, type GmresOptions } from "./gmres.ts";
export { Factorisation, factorise } from "./linear_solve.ts";
export { linearSolve } from "./linear_solve.ts";
export type { FactoriseOptions, LinearMap, LinearSolveOptions } from "./plan.ts";
export { type FunctionOptions, LinearOperator } from "./operator.ts";
export type { Space } from "./space.ts";
export type {
  DerivativeOptions,
  LinearLimits,
  LinearMethod,
  LinearOutcome,
  LinearProblem,
  LinearReport,
} from "./method.ts";
export { minres } from "./short_recurrences.ts";
export { blockJacobi, jacobi, ssor, type SsorOptions } from "./preconditioners.ts";
export { type Explanation, type LinearFields, LinearSolution } from "./solution.ts";
export { qr, type RankOptions, svd } from "./direct.ts";
export { lsmr, type LsmrOptions } from "./lsmr.ts";
