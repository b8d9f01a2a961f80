/**
 * Solvers. Each takes a dictionary of transforms, so that it works on pure functions and inside any
 * stateful module system alike, and returns a `Solution` that says how it ended.
 *
 * - `fixedPoint`: `x = f(x)`
 * - `rootFind`, `bracketRoot`: `f(x) = 0`
 * - `leastSquares`, `curveFit`: the smallest sum of squares; a curve through data
 * - `minimise`: the smallest value
 * - `linearSolve`: `A x = b`
 *
 * The guide has a page on which to take, `examples/guide/solving.md`, and one for each family: its mathematics and
 * sources, when it fails, and how to read what it reports.
 *
 * @module
 */
export {
  type Adjoint,
  checkpointed,
  type CheckpointedOptions,
  implicit,
  type ImplicitOptions,
  oneStep,
  phantom,
  unrolled,
} from "./adjoint.ts";
export {
  aitken,
  type AitkenMemory,
  type AitkenOptions,
  steffensen,
  type SteffensenMemory,
} from "./fixed_point_methods.ts";
export { anderson, type AndersonMemory, type AndersonOptions } from "./fixed_point_methods.ts";
export {
  bisection,
  type Bracket,
  type BracketMethod,
  brent,
  chandrupatla,
  toms748,
} from "./bracket_methods.ts";
export { averaged, type AveragedMemory, type AveragedOptions } from "./averaged.ts";
export { bracketRoot, type BracketRootOptions } from "./bracket_root.ts";
export { broyden, type BroydenMemory, type BroydenOptions } from "./fixed_point_methods.ts";
export { curveFit, type CurveFitOptions } from "./curve_fit.ts";
export type { CurveFit } from "./curve_fit/fit.ts";
export type { Band, FitPlotOptions, Prediction, PredictOptions } from "./curve_fit/parts.ts";
export { damped, type DampedOptions } from "./fixed_point_methods.ts";
export { fixedPoint, type FixedPointOptions, type FloatTree } from "./fixed_point.ts";
export * from "./linear/mod.ts";
export type { Box, Minimiser, Setting } from "./minimise/method.ts";
export {
  bfgs,
  lbfgs,
  type LbfgsOptions,
  nelderMead,
  newtonCg,
  nonlinearCg,
} from "./minimise/methods.ts";
export { minimiseScalar, type MinimiseScalarOptions } from "./minimise/minimise_scalar.ts";
export { brentMinimum, goldenSection, type ScalarMinimiser } from "./minimise/minimise_scalar.ts";
export { minimise, type MinimiseOptions } from "./minimise/minimise.ts";
export {
  type Amount,
  projectBox,
  projectL1Ball,
  projectL2Ball,
  projectNonNegative,
  projectSimplex,
  softThreshold,
} from "./minimise/proximal.ts";
export { proximalGradient } from "./minimise/proximal.ts";
export { first } from "./minimise/methods.ts";
export { leastSquares, type LeastSquaresOptions } from "./least_squares.ts";
export {
  chord,
  dogleg,
  gaussNewton,
  type JacobianOptions,
  levenbergMarquardt,
  type LevenbergMarquardtOptions,
  newton,
  type TrustRegionMethod,
} from "./trust_region/methods.ts";
export type { JacobianRule } from "./trust_region/steps.ts";
export { progress, type ProgressOptions } from "./progress.ts";
export { rootFind, type RootFindOptions } from "./root_find.ts";
export {
  advance,
  finish,
  type LegOptions,
  type Run,
  type RunState,
  type SavedArray,
  type SavedRun,
  start,
  type StartOptions,
} from "./run.ts";
export type { Leg } from "./method.ts";
export type { Bounds } from "./options.ts";
export type { Loss } from "./least_squares.ts";
export type { Counts, Evaluation, Local, Sizes, Stepper } from "./method.ts";
export { Solution, type SolutionFields, type Status, statuses } from "./solution.ts";
