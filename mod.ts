/**
 * Injax: numerical computing for TypeScript in the manner of JAX.
 *
 * **Arrays**
 *
 * - `numpy`: arrays and what is done with them, `numpy.linalg` and `numpy.fft` among it; `NDArray` has most of it
 *   as methods
 * - `linalg`, `nn`, `special`: linear algebra, neural networks, special functions
 * - `random`: random numbers from keys
 *
 * **Derivatives**
 *
 * - `grad`, `valueAndGrad`: gradients of scalar functions
 * - `jvp`, `linearize`, `vjp`: forward and reverse mode, one direction at a time
 * - `jacfwd`, `jacrev` (`jacobian`), `hessian`: whole Jacobians, and second derivatives
 * - `checkpoint` (`remat`): values computed again in the backward pass, to save memory; `checkpointPolicies`,
 *   `checkpointName`: what is kept all the same
 * - `customJvp`, `customVjp`, `customGradient`: functions with rules of their own
 * - `fwdAndBwd`, `linearTranspose`, `closureConvert`: reverse mode in two, linear functions transposed, what a
 *   function closes over
 * - `customRoot`, `customLinearSolve`: solutions, differentiated as what they solve
 *
 * **Loops and lanes**
 *
 * - `scan`, `map`, `foriLoop`, `whileLoop`: loops, compiled as loops
 * - `cond`, `switchCase`: branches on traced values
 * - `associativeScan`: prefixes in a logarithmic number of steps
 * - `vmap`: one function over an axis of its arguments; `customVmap`, `sequentialVmap`: with a rule of its own
 *
 * **Compiling**
 *
 * - `jit`: a function as one compiled program, loops and derivatives included
 * - `loadBackend`, `ready`: where it runs, and waiting for it
 * - `exportOnnx`, `exportOnnxWith`: a function as a file for any ONNX runtime
 * - `exportWasm`, `exportWasmWith`: a function as a WebAssembly module that needs nothing else
 * - `makeJaxpr`, `evalShape`, `ShapeDtype`: programs and shapes, without running
 * - `pureCallback`: values from functions that are no programs
 * - `check`: conditions that raise out of a function, compiled or not
 * - `debug`: values while a function runs, NaNs, programs at each stage, where compiled code differs
 *
 * **Trees**
 *
 * - `treeMap`, `treeLeaves`, `treeFlatten`, ...: arrays in arrays, objects and classes
 * - `registerPytreeNode`: classes of one's own
 *
 * **Solvers**
 *
 * - `fixedPoint`: `x = f(x)`, by `anderson`, `broyden`, `aitken`, `steffensen` or `damped` steps, of maps with
 *   noise by `averaged` ones; differentiated by `implicit`, `oneStep` or `phantom`, or through its steps by
 *   `unrolled` or `checkpointed`
 * - `leastSquares`: the smallest sum of squares, by `levenbergMarquardt`, `dogleg` or `gaussNewton`, within bounds,
 *   with losses for outliers
 * - `curveFit`: a curve through data, with standard errors, covariance, bands, a report and a plot
 * - `minimise`: the smallest value, within bounds, by `lbfgs`, `bfgs`, `newtonCg`, `nonlinearCg` or
 *   `nelderMead`, by an optimiser (`first`), or `proximalGradient` with `projectSimplex`, `projectBox`,
 *   `projectL1Ball`, `projectL2Ball`, `projectNonNegative`, `softThreshold`; `minimiseScalar`: of one number, by
 *   `brentMinimum` or `goldenSection`
 * - `rootFind`: `f(x) = 0` for as many equations as unknowns, by methods of `leastSquares`, `newton` or `chord`;
 *   `bracketRoot`: between two numbers, by `chandrupatla`, `toms748`, `brent` or `bisection`
 * - `linearSolve`: `A x = b` on trees, by `lu`, `cholesky`, `triangular`, `tridiagonal`, `diagonal`, or by
 *   products alone: `gmres`, `cg`, `minres`, `bicgstab`; least squares by `qr`, `svd`, `lsmr`;
 *   near inverses by `jacobi`, `blockJacobi`, `ssor`; `LinearOperator` says what is known of A, `factorise` keeps what was made of it
 * - `start`, `advance`, `progress`, `finish`: long solves in parts, to be watched, stopped, saved and gone on with
 * - `Solution`, `LinearSolution`: the answer, and how it came about
 *
 * **Libraries and module systems**
 *
 * - `Transforms`, `pure`: the dictionary that library code takes, and the one for pure functions
 * - `ambient`, `withTransforms`, ...: a dictionary without passing it
 * - `liftTransforms`, `contextStack`, `Context`: the dictionary of a stateful module system
 * - `compose`, `initSafe`: several systems at once; systems that initialise by running
 *
 * Errors are classes by what is wrong: `ShapeError`, `DTypeError`, `TreeError`, `StateError` and others.
 * For those who extend the library there is `@injax/injax/extend`; for types that only signatures
 * name, `@injax/injax/types`.
 *
 * @example
 * ```ts
 * import { grad, numpy as np } from "@injax/injax";
 *
 * const loss = (w: np.NDArray) => np.tanh(w).sub(0.5).square().sum();
 * console.log(grad(loss)(np.array([0, 1])).shape); // [ 2 ]
 * ```
 *
 * @module
 */
// Arrays
import "./lib/loaded/essentials.ts";
import "./lib/loaded/others.ts";
export { type Axes, NDArray, type Nested, type Operand } from "./lib/core/array.ts";
export type { DType, TypedArray } from "./lib/core/dtype.ts";
export type { Index } from "./lib/api/index_plan.ts";
export type {
  GetOptions,
  IndexMode,
  IndexOf,
  IndexOptions,
  PlaceOf,
  Slice,
} from "./lib/core/indexing.ts";
export type {
  AxesOr,
  AxisOr,
  CumulativeOptions,
  DiagonalOptions,
  ExtremeOptions,
  MaskedOptions,
  MeanOptions,
  Named,
  ReduceOptions,
  SortOptions,
  SumOptions,
  TakeMode,
  TakeOptions,
  VarianceOptions,
} from "./lib/core/method_options.ts";
export * as linalg from "./lib/api/linalg.ts";
export * as nn from "./lib/api/nn.ts";
export * as numpy from "./lib/api/numpy_whole.ts";
export * as random from "./lib/api/random.ts";
export * as special from "./lib/api/special.ts";

// Transforms of functions
export * from "./lib/transforms/public.ts";
export {
  checkpointName,
  checkpointPolicies,
  type CheckpointPolicy,
} from "./lib/transforms/checkpoint.ts";
export { type Batched, customVmap, sequentialVmap } from "./lib/transforms/custom.ts";
export { closureConvert, customGradient, linearTranspose } from "./lib/transforms/linear.ts";
export { fwdAndBwd, type FwdAndBwdOptions, type Residuals } from "./lib/transforms/linear.ts";
export type {
  Argnums,
  AssociativeScanOptions,
  CheckpointOptions,
  DiffOptions,
  EntryAxes,
  ForiOptions,
  InAxes,
  JitOptions,
  LaneReduction,
  MapOptions,
  RuleOptions,
  ScanOptions,
  Transforms,
  VmapOptions,
  WhileOptions,
} from "./lib/transforms/types.ts";

// Compiling and looking
export { loadBackend, type LoadOptions, ready } from "./lib/backends/mod.ts";
export { exportOnnx, exportOnnxWith, type ExportOptions } from "./lib/onnx/mod.ts";
export { exportWasm, exportWasmWith, type WasmFiles, type WasmOptions } from "./lib/kernel/mod.ts";
export { ClosedJaxpr, makeJaxpr, type MakeJaxprOptions } from "./lib/transforms/inspect.ts";
export { ShapeDtype } from "./lib/transforms/shape_dtype.ts";
export { check } from "./lib/api/effects.ts";
export { type CallbackResult, pureCallback, type PureCallbackOptions } from "./lib/api/effects.ts";
export * as debug from "./lib/debug/mod.ts";

// Trees
export {
  registerPytreeNode,
  TreeDef,
  treeFlatten,
  treeLeaves,
  treeMap,
  type TreeParts,
  treeStructure,
  treeUnflatten,
} from "./lib/core/tree.ts";
export type { Arguments, Arrays, Tree, TreeLike } from "./lib/transforms/tree_types.ts";

// Solvers
export {
  type Adjoint,
  advance,
  aitken,
  type AitkenOptions,
  type Amount,
  anderson,
  type AndersonOptions,
  averaged,
  type AveragedOptions,
  type Band,
  bfgs,
  bisection,
  type Bounds,
  type Bracket,
  type BracketMethod,
  bracketRoot,
  type BracketRootOptions,
  brent,
  brentMinimum,
  broyden,
  type BroydenOptions,
  chandrupatla,
  checkpointed,
  type CheckpointedOptions,
  chord,
  type Counts,
  type CurveFit,
  curveFit,
  type CurveFitOptions,
  damped,
  type DampedOptions,
  dogleg,
  type Evaluation,
  finish,
  first,
  type FitPlotOptions,
  fixedPoint,
  type FixedPointOptions,
  gaussNewton,
  goldenSection,
  implicit,
  type ImplicitOptions,
  type JacobianOptions,
  type JacobianRule,
  lbfgs,
  type LbfgsOptions,
  leastSquares,
  type LeastSquaresOptions,
  type Leg,
  type LegOptions,
  levenbergMarquardt,
  type LevenbergMarquardtOptions,
  type Local,
  type Loss,
  minimise,
  type MinimiseOptions,
  type Minimiser,
  minimiseScalar,
  type MinimiseScalarOptions,
  nelderMead,
  newton,
  newtonCg,
  nonlinearCg,
  oneStep,
  phantom,
  type Prediction,
  type PredictOptions,
  progress,
  type ProgressOptions,
  projectBox,
  projectL1Ball,
  projectL2Ball,
  projectNonNegative,
  projectSimplex,
  proximalGradient,
  rootFind,
  type RootFindOptions,
  type Run,
  type RunState,
  type SavedArray,
  type SavedRun,
  type ScalarMinimiser,
  type Sizes,
  softThreshold,
  Solution,
  type SolutionFields,
  start,
  type StartOptions,
  type Status,
  statuses,
  steffensen,
  type Stepper,
  toms748,
  type TrustRegionMethod,
  unrolled,
} from "./lib/solvers/mod.ts";

export * from "./lib/solvers/linear/mod.ts";

// Libraries and module systems
export { pure } from "./lib/transforms/pure.ts";
export type { EntryOptions, LiftedTransforms } from "./lib/transforms/lifted_types.ts";
export * from "./lib/lift/mod.ts";

// Errors
export {
  AxisError,
  BackendError,
  ConcretizationError,
  ConvergenceError,
  DifferentiationError,
  DTypeError,
  InFlightError,
  LeakedTracerError,
  ShapeError,
  StateChangedError,
  StateError,
  TreeError,
} from "./lib/core/errors.ts";
export { CheckError, NanError } from "./lib/core/effects.ts";
