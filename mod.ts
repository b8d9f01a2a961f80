/**
 * Injax: numerical computing for TypeScript in the manner of JAX.
 *
 * Arrays and automatic differentiation (`grad`, `jvp`, `vjp`, `hessian`), vectorisation (`vmap`),
 * structured control flow (`scan`, `whileLoop`, `cond`), and compilation (`jit`) of whole functions,
 * loops and gradients included, to one ONNX graph. Library functions take their transforms as a
 * dictionary, so that solvers work inside stateful module systems too.
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
export { type Axes, NDArray, type Nested, type Operand } from "./lib/core/array.ts";
export type { DType, TypedArray } from "./lib/core/dtype.ts";
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
export type {
  CumulativeOptions,
  DiagonalOptions,
  ReduceOptions,
  SortOptions,
  TakeMode,
  TakeOptions,
  VarianceOptions,
} from "./lib/core/method_options.ts";
export {
  registerPytreeNode,
  TreeDef,
  treeFlatten,
  treeLeaves,
  treeMap,
  treeStructure,
  treeUnflatten,
} from "./lib/core/tree.ts";
export { linalg, nn, numpy, random, special } from "./lib/api/mod.ts";
export { loadBackend, type LoadOptions, ready } from "./lib/backends/mod.ts";
export * as debug from "./lib/debug/mod.ts";
export * from "./lib/lift/mod.ts";
export { exportOnnx, exportOnnxWith, type ExportOptions } from "./lib/onnx/mod.ts";
export {
  type Adjoint,
  anderson,
  type AndersonOptions,
  damped,
  type DampedOptions,
  fixedPoint,
  type FixedPointOptions,
  implicit,
  type ImplicitOptions,
  oneStep,
  Solution,
  type Status,
  statuses,
  type Stepper,
} from "./lib/solvers/mod.ts";
export { ClosedJaxpr, makeJaxpr } from "./lib/transforms/inspect.ts";
export * from "./lib/transforms/public.ts";
export { pure } from "./lib/transforms/pure.ts";
export { ShapeDtype } from "./lib/transforms/trees.ts";
export type { Arguments, Arrays, Tree, TreeLike } from "./lib/transforms/tree_types.ts";
export type { EntryOptions, LiftedTransforms } from "./lib/transforms/lifted_types.ts";
export type {
  Argnums,
  AssociativeScanOptions,
  DiffOptions,
  InAxes,
  JitOptions,
  LaneReduction,
  ScanOptions,
  Transforms,
  VmapOptions,
} from "./lib/transforms/types.ts";
