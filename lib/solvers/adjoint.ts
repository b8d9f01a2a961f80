/**
 * The one place of implicit differentiation: how the derivative of a solution is had from that of the
 * equation that it solves.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { epsilon } from "../core/dtype.ts";
import { describeValue } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { treeMap } from "../core/tree.ts";
import type { TreeOf } from "../transforms/tree_types.ts";
import type { Transforms } from "../transforms/types.ts";
import type { LinearMethod } from "./linear/method.ts";
import { checkMade, checkTolerance } from "./options.ts";
import { checkCount } from "../core/checks.ts";
import { ravelTree } from "./ravel.ts";
import { solveTangent } from "./tangent.ts";

/** A way to differentiate a solution. */
export type Adjoint =
  | { readonly kind: "implicit"; readonly options: ImplicitOptions }
  | { readonly kind: "oneStep" }
  | { readonly kind: "phantom"; readonly steps: number; readonly tau: number };

/** Options of `implicit`. */
export interface ImplicitOptions {
  /**
   * How the linear system is solved: `"dense"` by factorisation of the Jacobian, `"iterative"` by
   * products with it: plain steps as long as they do well, then accelerated ones; or a method of `linearSolve`,
   * such as `gmres()`, which is given `I - df/dx`. By default dense up to 64 unknowns, otherwise plain steps,
   * then GMRES, then dense up to 1000 unknowns where both fail.
   */
  readonly linearSolver?: "auto" | "dense" | "iterative" | LinearMethod | undefined;
  /** Relative tolerance of the iterative solution; by default that of the dtype. */
  readonly rtol?: number | undefined;
  /** Largest number of products (default 500). */
  readonly maxSteps?: number | undefined;
  /**
   * Directions that the iterative solution remembers (default 10). 0 is plain iteration: more products,
   * but little beside them, so that it is the faster choice where products are cheap and `f` contracts.
   */
  readonly memory?: number | undefined;
  /**
   * Whether a system that cannot be solved raises `CheckError` (the default), in compiled code too;
   * otherwise the derivative is NaN.
   */
  readonly throw?: boolean | undefined;
}

const implicitOptions: OptionTable<ImplicitOptions> = {
  linearSolver: "object",
  rtol: "tolerance",
  maxSteps: "count",
  memory: "count",
  throw: "boolean",
};

/**
 * Differentiation by the implicit function theorem: exact at a solution, whatever way the solver took
 * to it. At a point that is none, since the solve failed, it gives the derivative that a solution
 * there would have: look at the status. Where the linear system cannot be solved to its tolerance, that
 * is raised when the derivative is computed (`CheckError`). Where the solution is NaN, so are its
 * derivatives.
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
  if (typeof linearSolver !== "string") {
    const made = '"auto", "dense", "iterative", or a method such as gmres()';
    checkMade(
      "implicit",
      "linearSolver",
      linearSolver,
      (s) => typeof s.factor === "function" && typeof s.solve === "function",
      made,
    );
  } else if (!["auto", "dense", "iterative"].includes(linearSolver)) {
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

/**
 * Differentiation through `steps` damped steps from the solution, `x <- (1 - tau) x + tau f(x)`: between
 * `oneStep`, which is `phantom(1)`, and `implicit`, to which it comes close with many steps where they
 * contract (Geng et al., "On training implicit models", NeurIPS 2021).
 *
 * @param steps How many, at least 1.
 * @param tau Share of the new point, in (0, 1].
 * @throws {RangeError} where one of them is out of range.
 *
 * @example
 * ```ts
 * import { fixedPoint, grad, numpy as np, phantom } from "@injax/injax";
 *
 * const adjoint = phantom(3, 0.5);
 * const root = (a: np.NDArray) => fixedPoint((x) => np.cos(x.mul(a)), 1, { adjoint }).value;
 * console.log(grad(root)(np.array(1)).item().toFixed(4)); // -0.2962, where -0.2975 is exact
 * ```
 */
export function phantom(steps: number, tau = 1): Adjoint {
  checkCall("phantom(steps, tau)", arguments);
  checkCount("phantom", "steps", steps);
  if (steps < 1) throw new RangeError("phantom: steps must be at least 1, not 0");
  if (typeof tau !== "number") {
    throw new TypeError(`phantom: tau must be a number in (0, 1], not ${describeValue(tau)}`);
  }
  if (!(tau > 0 && tau <= 1)) throw new RangeError(`phantom: tau must be in (0, 1], not ${tau}`);
  return { kind: "phantom", steps, tau };
}

/** Relative and absolute tolerances where the user gives none: the dtype's precision to the 3/4. */
export function defaultTolerance(dtype: NDArray["dtype"]): number {
  return epsilon(dtype) ** 0.75;
}

type ArrayTree = TreeOf<NDArray>;

/** A solver of `g(v) = y` for linear `g` on trees, for `customRoot` of `f(x) - x`. */
export function tangentSolver(
  adjoint: Adjoint,
  transforms: Transforms,
): (g: (v: ArrayTree) => ArrayTree, y: ArrayTree) => ArrayTree {
  // One step takes f for constant in x, so that g is minus the identity.
  if (adjoint.kind === "oneStep") return (_, y) => treeMap((x: NDArray) => x.neg(), y);
  if (adjoint.kind === "phantom") {
    const { steps, tau } = adjoint;
    // Steps on (J - I) x = y from 0: x <- x + tau ((J - I) x - y).
    return (g, y) => {
      let x = treeMap((v: NDArray) => v.mul(-tau), y) as ArrayTree;
      for (let i = 1; i < steps; i++) {
        const step = (a: NDArray, b: NDArray, c: NDArray): NDArray => a.add(b.sub(c).mul(tau));
        x = treeMap(step, x as never, g(x) as never, y as never) as ArrayTree;
      }
      return x;
    };
  }
  const { linearSolver = "auto", memory = 10, maxSteps = 500, throw: raises = true } =
    adjoint.options;
  return (g, y) => {
    const { vector, ravel, unravel } = ravelTree("implicit", y, "the right-hand side");
    const rtol = adjoint.options.rtol ?? defaultTolerance(vector.dtype);
    const options = { linearSolver, memory, maxSteps, rtol, throw: raises };
    const solve = (product: (v: NDArray) => NDArray, b: NDArray): NDArray =>
      solveTangent(product, b, options, transforms);
    const apply = (v: NDArray): NDArray => ravel(g(unravel(v) as ArrayTree));
    const x = transforms.customLinearSolve(apply, vector, solve, { transposeSolve: solve });
    return unravel(x) as ArrayTree;
  };
}
