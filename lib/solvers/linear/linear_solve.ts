/**
 * Systems of linear equations `A x = b` on trees.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { checkCall } from "../../core/signature.ts";
import type { Arrays, TreeLike } from "../../transforms/tree_types.ts";
import type { FloatTree } from "../fixed_point.ts";
import { laidOut, type LinearOperator } from "./operator.ts";
import { type LinearSolveOptions, planned, solved, solveTable } from "./plan.ts";
import type { LinearSolution } from "./solution.ts";

/**
 * Solves `A x = b`; where A is not square, or the method is one of least squares, finds the x that makes
 * `|A x - b|` smallest, and of all these the shortest.
 *
 * It is differentiable in whatever A and b are made of, to all orders: derivatives are solutions of
 * systems with A or its transpose by the same factors or method, not derivatives of its steps.
 *
 * @param a A matrix `[m, n]`, a `LinearOperator`, or a linear function of trees like `b`.
 * @param b A vector `[m]`, or a tree of what the operator gives. Map over more with `vmap`.
 * @returns A solution whose status says how the solve ended; it never claims convergence falsely.
 * @throws {ShapeError} where shapes do not fit each other, or the method.
 * @throws {TreeError} where a function gives another kind of tree than `b`.
 * @throws {DTypeError} where a leaf is not floating-point.
 * @throws {TypeError} where an argument or option is not what it should be.
 * @throws {RangeError} where a tolerance or `maxSteps` is out of range.
 * @throws {ConvergenceError} where the solve fails and `throw` is set; a `CheckError` out of
 * transforms.
 * @throws {CheckError} where the system of a derivative cannot be solved: see the option `adjoint`.
 *
 * @example
 * ```ts
 * import { grad, linearSolve, type NDArray, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[2, 1], [0, 4]]);
 * console.log(linearSolve(a, np.array([4, 8])).value.toArray()); // [ 1, 2 ]
 * const total = (a: NDArray) => linearSolve(a, np.array([4, 8])).value.sum();
 * console.log(grad(total)(a).toArray()); // [ [ -0.5, -1 ], [ -0.125, -0.25 ] ]
 *
 * // An operator on trees, as a function.
 * const twice = (x: { u: NDArray; v: NDArray }) => ({ u: x.u.mul(2), v: x.v.sub(x.u) });
 * console.log(linearSolve(twice, { u: np.array(4), v: np.array(1) }).value.v.item()); // 3
 * ```
 */
export function linearSolve(
  a: NDArray,
  b: NDArray | Float32Array | Float64Array,
  options?: LinearSolveOptions<NDArray>,
): LinearSolution<NDArray>;
/** With an operator, which may take another kind of tree than it gives. */
export function linearSolve<X extends FloatTree, Y extends FloatTree = X>(
  a: LinearOperator<X, Y>,
  b: Y,
  options?: LinearSolveOptions<X>,
): LinearSolution<X>;
/** With a linear function of trees like `b`. */
export function linearSolve<X extends FloatTree>(
  a: (x: Arrays<X>) => TreeLike<X>,
  b: X,
  options?: LinearSolveOptions<X>,
): LinearSolution<X>;
export function linearSolve(
  a: unknown,
  b: unknown,
  given?: unknown,
): unknown {
  const op = "linearSolve";
  const options = (given ?? {}) as LinearSolveOptions<never>;
  if (arguments.length > 2) checkCall(`${op}(a, b, options)`, arguments, solveTable);
  const side = laidOut(op, "b", b);
  const plan = planned(op, a, side, options);
  return solved(plan, side, false);
}
