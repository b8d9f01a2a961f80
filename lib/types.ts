/**
 * Types that stand in the signatures of the main module, for code that has to name them: what becomes
 * of trees and of arguments, results of derivatives, the memory of steppers.
 *
 * Whoever calls functions needs none of them; the types that library authors name most, such as
 * `Transforms`, `Tree`, `Arrays` and `NDArray`, are in the main module.
 *
 * @example
 * ```ts
 * import { grad, type NDArray } from "@injax/injax";
 * import type { Gradient } from "@injax/injax/types";
 *
 * type Params = { w: NDArray; b: NDArray };
 * const loss = (p: Params): NDArray => p.w.mul(3).add(p.b);
 * const slope: Gradient<[Params], 0> = grad(loss)({ w: 1, b: 2 });
 * console.log(slope.w.item(), slope.b.item()); // 3 1
 * ```
 *
 * @module
 */
export type {
  AllLeaves,
  AnyFunction,
  LeafFunction,
  LeafOf,
  MapLeaves,
  TreeAtom,
} from "./core/tree_types.ts";
export type { Shown } from "./core/display.ts";
export type { TreeKind, TreeRegistration } from "./core/tree.ts";
export type { FileChecks } from "./compile/checks.ts";
export type { Storage } from "./onnx/export.ts";
export type { HalfType } from "./onnx/wire.ts";
export type { AitkenMemory, SteffensenMemory } from "./solvers/fixed_point_methods.ts";
export type { AndersonMemory } from "./solvers/fixed_point_methods.ts";
export type { AveragedMemory } from "./solvers/averaged.ts";
export type { BroydenMemory } from "./solvers/fixed_point_methods.ts";
export type { FloatTree } from "./solvers/fixed_point.ts";
export type {
  At,
  Gradient,
  Hessian,
  HessianOf,
  Jacobian,
  JacobianOf,
  Returned,
  Reversed,
  WithAux,
} from "./transforms/derivative_types.ts";
export type { EntryDerivatives, WithEntries } from "./transforms/lifted_types.ts";
export type {
  ArraysOf,
  AuxTree,
  Convertible,
  Instead,
  Leaf,
  Primals,
  TreeList,
  TreeObject,
  TreeOf,
  TreeRecord,
} from "./transforms/tree_types.ts";
export type { ShapeDtypeConstructor } from "./transforms/shape_dtype.ts";
export type { Cotangents, Examples, HasAux, Shapes } from "./transforms/types.ts";
export type { Account, ChildOptions } from "./lift/streams.ts";
export type { NameChange } from "./lift/names.ts";
