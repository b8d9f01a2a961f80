/**
 * Systems of linear equations `A x = b` on trees.
 *
 * Factors of a linear operator that are used again.
 *
 * @module
 */
import { checkCall, type NDArray, registerPytreeNode, Shown } from "../../core/mod.ts";
import type { Arrays, TreeLike } from "../../transforms/tree_types.ts";
import type { Transforms } from "../../transforms/types.ts";
import type { Adjoint } from "../adjoint.ts";
import type { FloatTree } from "../fixed_point.ts";
import { type FormTree, putTogether, takenApart } from "./form.ts";
import type { LinearMethod } from "./method.ts";
import type { LinearOperator } from "./operator.ts";
import { laidOut, spaceFrom, type SpaceKey, spaceKey } from "./space.ts";
import {
  factorTable,
  type LinearSolveOptions,
  type Plan,
  planned,
  solved,
  solveTable,
} from "./plan.ts";
import type { LinearSolution } from "./solution.ts";

/**
 * Solves `A x = b`; where A is not square, or the method is one of least squares, finds the x that makes
 * `|A x - b|` smallest, and of all these the shortest.
 *
 * What a status claims is that `A x` is b: to the tolerance by an iteration, but for rounding of its terms by factors.
 * How near x is to the solution depends on the condition of A, too: where that is 1e6, six digits of x may be wrong
 * of those that the dtype has. Where next to none are right the status is mostly `"singular"`.
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

/**
 * What `factorise` gives: solves systems with one operator, or its transpose, for many right-hand sides. A pytree
 * of the operator and its factors: an argument of compiled functions, a carry, or mapped over.
 */
export class Factorisation<X extends FloatTree = NDArray, Y extends FloatTree = X> extends Shown {
  /** For types: factors are arrays already. */
  declare readonly "~arrays"?: Factorisation<X, Y>;
  readonly #plan: Plan;

  /** Made by `factorise`. */
  constructor(plan: unknown) {
    super();
    this.#plan = plan as Plan;
    Factorisation.#register();
  }

  /** The solution of `A x = b`. */
  solve(b: Y): LinearSolution<X> {
    return solved(this.#plan, laidOut("factorise", "b", b), false) as unknown as LinearSolution<X>;
  }

  /** The solution of `A^T y = c`. */
  solveTransposed(c: X): LinearSolution<Y> {
    return solved(this.#plan, laidOut("factorise", "b", c), true) as unknown as LinearSolution<Y>;
  }

  /** What it is. */
  override toString(): string {
    const { method, form: { rows, columns, dtype } } = this.#plan;
    return `Factorisation(${method.description}, ${dtype}[${rows},${columns}])`;
  }

  static #registered = false;

  /** With the first, so that pages without any do not carry this. */
  static #register(): void {
    if (Factorisation.#registered) return;
    Factorisation.#registered = true;
    registerPytreeNode(
      Factorisation as never as new () => Factorisation,
      (factorisation) => treeOfPlan(factorisation.#plan),
      (tree, aux) => new Factorisation(planOf(tree, aux as readonly unknown[])),
    );
  }
}

/** The arrays of a plan, and all else, in lists that compare by what is in them. */
function treeOfPlan(plan: Plan): readonly [Record<string, unknown>, unknown[]] {
  const { op, form, offset, domain, codomain, method, factors, preconditioner, contradiction } =
    plan;
  const [tree, rest] = takenApart(form);
  const [before, restBefore] = preconditioner === null ? [null, null] : takenApart(preconditioner);
  const { rtol, atol, maxSteps, throw: raises, adjoint, history } = plan.options;
  const of = adjoint?.kind === "implicit" ? adjoint.options : null;
  return [
    { tree, before, offset, factors, contradiction },
    [
      op,
      rest,
      restBefore,
      spaceKey(domain),
      spaceKey(codomain),
      method,
      plan.transforms,
      [rtol, atol, maxSteps, raises, history],
      of === null ? null : [of.rtol, of.maxSteps, of.throw],
    ],
  ];
}

function planOf(given: Record<string, unknown>, aux: readonly unknown[]): Plan {
  const { tree, before, offset, factors, contradiction } = given as unknown as {
    readonly tree: FormTree;
    readonly before: FormTree | null;
  } & Pick<Plan, "offset" | "factors" | "contradiction">;
  const [op, rest, restBefore, domain, codomain, method, transforms, limits, derivatives] = aux as [
    string,
    unknown[],
    unknown[] | null,
    SpaceKey,
    SpaceKey,
    LinearMethod,
    Transforms,
    [
      number | undefined,
      number | undefined,
      number | undefined,
      boolean | undefined,
      boolean | undefined,
    ],
    [number | undefined, number | undefined, boolean | undefined] | null,
  ];
  const [rtol, atol, maxSteps, raises, history] = limits;
  let adjoint: Adjoint | undefined;
  if (derivatives !== null) {
    const [rtol, maxSteps, raises] = derivatives;
    adjoint = { kind: "implicit", options: { rtol, maxSteps, throw: raises } };
  }
  return {
    op,
    form: putTogether(tree, rest),
    offset,
    domain: spaceFrom(domain),
    codomain: spaceFrom(codomain),
    method,
    factors,
    contradiction,
    preconditioner: before === null ? null : putTogether(before, restBefore!),
    options: { rtol, atol, maxSteps, throw: raises, adjoint, history },
    transforms,
  };
}

/**
 * Makes the factors of an operator once, to solve many systems with; options as for `linearSolve`. They
 * are differentiable as it is.
 *
 * @throws {ShapeError} where the shape does not fit the method.
 * @throws {TypeError} where an argument or option is not what it should be.
 *
 * @example
 * ```ts
 * import { factorise, numpy as np } from "@injax/injax";
 *
 * const factors = factorise(np.array([[2, 1], [0, 4]]));
 * console.log(factors.solve(np.array([4, 8])).value.toArray()); // [ 1, 2 ]
 * console.log(factors.solveTransposed(np.array([2, 5])).value.toArray()); // [ 1, 1 ]
 * ```
 */
export function factorise(
  a: NDArray,
  options?: Omit<LinearSolveOptions<NDArray>, "x0">,
): Factorisation;
/** With an operator on trees. */
export function factorise<X extends FloatTree, Y extends FloatTree = X>(
  a: LinearOperator<X, Y>,
  options?: Omit<LinearSolveOptions<X>, "x0">,
): Factorisation<X, Y>;
export function factorise(a: unknown, given?: unknown): unknown {
  const op = "factorise";
  if (arguments.length > 1) checkCall(`${op}(a, options)`, arguments, factorTable);
  return new Factorisation(planned(op, a, null, (given ?? {}) as LinearSolveOptions<never>));
}
