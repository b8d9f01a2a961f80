/**
 * Minima: which method when is a page of the guide, `minima.md`.
 *
 * `minimise.ts` settles what is solved and makes of a method what is differentiable, for `minimise_scalar.ts`
 * too; `method.ts` is what methods are told. Those that search along directions are `quasi_newton.ts`, with a
 * `curvature.ts`; others have a file each. `ending.ts` says when they are done,
 * `certify.ts` asks the Hessian, and `around.ts` looks around.
 *
 * @module
 */
export type { Box, Minimiser, Setting } from "./method.ts";
export { bfgs, lbfgs, type LbfgsOptions, nelderMead, newtonCg, nonlinearCg } from "./methods.ts";
export { minimiseScalar, type MinimiseScalarOptions } from "./minimise_scalar.ts";
export { brentMinimum, goldenSection, type ScalarMinimiser } from "./minimise_scalar.ts";
export { minimise, type MinimiseOptions } from "./minimise.ts";
export {
  type Amount,
  projectBox,
  projectL1Ball,
  projectL2Ball,
  projectNonNegative,
  projectSimplex,
  softThreshold,
} from "./proximal.ts";
export { proximalGradient } from "./proximal.ts";
export { first } from "./methods.ts";
