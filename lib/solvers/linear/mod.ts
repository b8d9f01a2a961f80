/**
 * Systems of linear equations.
 *
 * @module
 */
export { bicgstab } from "./bicgstab.ts";
export { cg } from "./cg.ts";
export { cholesky, diagonal, lu, triangular, tridiagonal } from "./direct.ts";
export type { Form, LinearTags, Stored } from "./form.ts";
export { gmres, type GmresOptions } from "./gmres.ts";
export {
  type Factorisation,
  factorise,
  type FactoriseOptions,
  type LinearMap,
  linearSolve,
  type LinearSolveOptions,
} from "./linear_solve.ts";
export { type FunctionOptions, LinearOperator, type Space } from "./operator.ts";
export type {
  LinearLimits,
  LinearMethod,
  LinearOutcome,
  LinearProblem,
  LinearReport,
} from "./method.ts";
export { minres } from "./minres.ts";
export { type Explanation, type LinearFields, LinearSolution } from "./solution.ts";
export { qr, type RankOptions, svd } from "./least_squares.ts";
export { lsmr, type LsmrOptions } from "./lsmr.ts";
