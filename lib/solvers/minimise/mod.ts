/**
 * Minima: which method when is a page of the guide, `minima.md`.
 *
 * `minimise.ts` settles what is solved and makes of a method what is differentiable; `method.ts` says what
 * methods share; `methods.ts` are those that search along directions, whose loop body is `quasi_newton.ts`.
 *
 * @module
 */
export type { Box, Minimiser, Setting } from "./method.ts";
export { bfgs, lbfgs, type LbfgsOptions, nelderMead, newtonCg, nonlinearCg } from "./methods.ts";
export { minimiseScalar, type MinimiseScalarOptions } from "./minimise_scalar.ts";
export { brentMinimum, goldenSection, type ScalarMinimiser } from "./scalar_methods.ts";
export { minimise, type MinimiseOptions } from "./minimise.ts";
export {
  type Amount,
  projectBox,
  projectL1Ball,
  projectL2Ball,
  projectNonNegative,
  projectSimplex,
  softThreshold,
} from "./projections.ts";
export { proximalGradient } from "./proximal.ts";
export { first } from "./first.ts";
