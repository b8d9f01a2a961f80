/**
 * The part of the main module that starts fast: arrays, derivatives, loops and `jit`, without solvers, module
 * systems, files and the smaller namespaces. What it gives is what the main module gives, so that a program may
 * import from both; a command-line program or a page that wants the first number early imports from here.
 *
 * - `numpy`, `NDArray`: arrays and what is done with them; `numpy.linalg` and `numpy.fft` are in the main module's
 * - `grad`, `valueAndGrad`, `jvp`, `linearize`, `vjp`, `jacfwd`, `jacrev`, `hessian`, `checkpoint`: derivatives;
 *   `customJvp`, `customVjp`, `customRoot`, `customLinearSolve`: rules of one's own
 * - `scan`, `map`, `foriLoop`, `whileLoop`, `cond`, `switchCase`, `associativeScan`: loops and branches; `vmap`
 * - `jit`, `loadBackend`, `ready`, `makeJaxpr`, `evalShape`, `ShapeDtype`, `check`: compiling
 * - `treeMap`, `treeLeaves`, `treeFlatten`, ...: arrays in arrays, objects and classes
 * - `Transforms`, `pure`: the dictionary that library code takes
 *
 * The other namespaces are subpaths of their own: `./linalg`, `./fft`, `./nn`, `./random`,
 * `./special`.
 *
 * @example
 * ```ts
 * import { grad, jit, numpy as np } from "@injax/injax/core";
 *
 * const slope = jit(grad((x: np.NDArray) => np.square(x).sum()));
 * console.log(slope(np.array([1, 2])).toArray()); // [ 2, 4 ]
 * ```
 *
 * @module
 */
// Arrays
import "./loaded/essentials.ts";
export { type Axes, NDArray, type Nested, type Operand } from "./core/array.ts";
export type { DType, TypedArray } from "./core/dtype.ts";
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
} from "./core/method_options.ts";
export * as numpy from "./api/numpy.ts";

// Transforms of functions
export * from "./transforms/public.ts";
export type { CheckpointPolicy } from "./control/call.ts";
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
} from "./transforms/types.ts";

// Compiling
export { loadBackend, type LoadOptions, ready } from "./backends/mod.ts";
export { ClosedJaxpr, makeJaxpr, type MakeJaxprOptions } from "./transforms/inspect.ts";
export { ShapeDtype } from "./transforms/shape_dtype.ts";
export { check } from "./api/effects.ts";

// Trees
export {
  registerPytreeNode,
  TreeDef,
  treeFlatten,
  treeLeaves,
  treeMap,
  treeStructure,
  treeUnflatten,
} from "./core/tree.ts";
export type { Arguments, Arrays, Tree, TreeLike } from "./transforms/tree_types.ts";

// Libraries
export { pure } from "./transforms/pure.ts";

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
} from "./core/errors.ts";
export { CheckError, NanError } from "./core/effects.ts";
