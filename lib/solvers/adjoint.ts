/**
 * The one place of implicit differentiation: how the derivative of a solution is had from that of the
 * equation that it solves.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { epsilon } from "../core/dtype.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { treeMap } from "../core/tree.ts";
import { full, scalarLike } from "../primitives/constants/full.ts";
import { iota } from "../primitives/constants/iota.ts";
import { div } from "../primitives/elementwise/arithmetic.ts";
import { eq } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { solve as solveDense } from "../linalg/solve.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import type { TreeOf } from "../transforms/tree_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { anderson } from "./anderson.ts";
import { iterate } from "./iterate.ts";
import { norm } from "./norms.ts";
import { checkTolerance } from "./options.ts";
import { checkCount } from "../core/checks.ts";
import { ravelTree } from "./ravel.ts";
import { statusCode } from "./solution.ts";

/** A way to differentiate a solution. */
export type Adjoint =
  | { readonly kind: "implicit"; readonly options: ImplicitOptions }
  | { readonly kind: "oneStep" };

/** Options of `implicit`. */
export interface ImplicitOptions {
  /**
   * How the linear system is solved: `"dense"` by factorisation of the Jacobian, `"iterative"` by
   * products with it; by default dense up to 64 unknowns.
   */
  readonly linearSolver?: "auto" | "dense" | "iterative" | undefined;
  /** Relative tolerance of the iterative solution; by default that of the dtype. */
  readonly rtol?: number | undefined;
  /** Largest number of products (default 500). */
  readonly maxSteps?: number | undefined;
  /**
   * Directions that the iterative solution remembers (default 10). 0 is plain iteration: more products,
   * but little beside them, so that it is the faster choice where products are cheap and `f` contracts.
   */
  readonly memory?: number | undefined;
}

const implicitOptions: OptionTable<ImplicitOptions> = {
  linearSolver: "string",
  rtol: "tolerance",
  maxSteps: "count",
  memory: "count",
};

/**
 * Differentiation by the implicit function theorem: exact at a solution, whatever way the solver took
 * to it. At a point that is none, since the solve failed, it gives the derivative that a solution
 * there would have: look at the status. Where the linear system cannot be solved to its tolerance,
 * derivatives are NaN rather than wrong.
 *
 * For n unknowns the dense solution makes the Jacobian, [n, n]; the iterative one keeps vectors
 * alone.
 *
 * @throws {RangeError} naming an option that is out of range.
 *
 * @example
 * ```ts
 * import { fixedPoint, grad, implicit, numpy as np } from "@injax/injax";
 *
 * const adjoint = implicit({ linearSolver: "iterative" });
 * const root = (a: np.NDArray) => fixedPoint((x) => np.cos(x.mul(a)), 1, { adjoint }).value;
 * console.log(grad(root)(np.array(1)).item().toFixed(4)); // -0.2975
 * ```
 */
export function implicit(options: ImplicitOptions = {}): Adjoint {
  if (arguments.length > 0) checkCall("implicit(options)", arguments, implicitOptions);
  const { linearSolver = "auto", rtol, maxSteps = 500, memory = 10 } = options;
  if (!["auto", "dense", "iterative"].includes(linearSolver)) {
    throw new RangeError(
      `implicit: linearSolver must be "auto", "dense" or "iterative", not ${linearSolver}`,
    );
  }
  if (rtol !== undefined) checkTolerance("implicit", "rtol", rtol);
  checkCount("implicit", "maxSteps", maxSteps);
  checkCount("implicit", "memory", memory);
  return { kind: "implicit", options };
}

/**
 * Differentiation through one evaluation at the solution: cheap, and off by the contraction factor of
 * the function (Fung et al., "JFB: Jacobian-free backpropagation for implicit networks", AAAI 2022).
 *
 * @example
 * ```ts
 * import { fixedPoint, grad, numpy as np, oneStep } from "@injax/injax";
 *
 * const adjoint = oneStep();
 * const root = (a: np.NDArray) => fixedPoint((x) => np.cos(x.mul(a)), 1, { adjoint }).value;
 * console.log(grad(root)(np.array(1)).item().toFixed(4)); // -0.4979, where -0.2975 is exact
 * ```
 */
export function oneStep(): Adjoint {
  if (arguments.length > 0) checkCall("oneStep()", arguments);
  return { kind: "oneStep" };
}

/** Relative and absolute tolerances where the user gives none: the dtype's precision to the 3/4. */
export function defaultTolerance(dtype: NDArray["dtype"]): number {
  return epsilon(dtype) ** 0.75;
}

const denseLimit = 64;

type ArrayTree = TreeOf<NDArray>;

/** A solver of `g(v) = y` for linear `g` on trees, for `customRoot` of `f(x) - x`. */
export function tangentSolver(
  adjoint: Adjoint,
  transforms: Transforms,
): (g: (v: ArrayTree) => ArrayTree, y: ArrayTree) => ArrayTree {
  // One step takes f for constant in x, so that g is minus the identity.
  if (adjoint.kind === "oneStep") return (_, y) => treeMap((x: NDArray) => x.neg(), y);
  const { options } = adjoint;
  const { linearSolver = "auto", memory = 10, maxSteps = 500 } = options;
  return (g, y) => {
    const { vector, ravel, unravel } = ravelTree("implicit", y, "the right-hand side");
    const apply = (v: NDArray): NDArray => ravel(g(unravel(v) as ArrayTree));
    const n = vector.size;
    if (linearSolver === "dense" || (linearSolver === "auto" && n <= denseLimit)) {
      const identity = eq(iota([n, n], 0, "int32"), iota([n, n], 1, "int32")).astype(vector.dtype);
      const columns = transforms.vmap(apply)(identity);
      const x = solveDense(transpose(columns, [1, 0]), reshape(vector, [n, 1]));
      return unravel(reshape(x, [n])) as ArrayTree;
    }
    const rtol = options.rtol ?? defaultTolerance(vector.dtype);
    const krylov = (matvec: (v: NDArray) => NDArray, b: NDArray): NDArray => {
      // The right-hand side is brought to norm 1, so that tolerances mean the same for all.
      const size = norm(b);
      const zero = eq(size, scalarLike(0, size));
      const unit = div(b, select(zero, scalarLike(1, size), size));
      // g is close to -1 for contractions, so that g(v) - b is a good step to take.
      const outcome = iterate(
        {
          evaluate: (v) => ({ r: matvec(v).sub(unit), cost: null }),
          sizes: [n],
          m: n,
          displacement: true,
          hasCost: false,
        },
        full([n], 0, b.dtype),
        anderson({ memory }),
        { rtol: 0, atol: rtol, maxSteps, history: false },
        transforms,
      );
      const solved = outcome.status.equal(statusCode("converged"));
      return outcome.x.mul(select(solved, size, scalarLike(NaN, size)));
    };
    const x = transforms.customLinearSolve(apply, vector, krylov, { transposeSolve: krylov });
    return unravel(x) as ArrayTree;
  };
}
