/**
 * The one place of implicit differentiation: how the derivative of a solution is had from that of the
 * equation that it solves.
 *
 * A Newton step from the solution of a fixed point. A small residual says little of the error where the map hardly
 * contracts, while a Newton step is right whatever the map does.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  describeValue,
  epsilon,
  InternalError,
  type NDArray,
  type OptionTable,
  scalarArray,
  treeMap,
} from "../core/mod.ts";
import { and, div, select, stopGradient } from "../primitives/mod.ts";
import type { Tree, TreeOf } from "../transforms/tree_types.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Outcome } from "./method.ts";
import type { Problem } from "./method.ts";
import type { LinearMethod } from "./linear/method.ts";
import { errorOf, leafNorms, norm, ravelTree, total } from "./norms.ts";
import { checkMade, checkTolerance } from "./options.ts";
import { statusCode } from "./solution.ts";
import { contraction, denseSolve, solveTangent } from "./tangent.ts";

export { curvature } from "./tangent.ts";

/**
 * The outcome after a Newton step, where success was claimed and the step makes the residual smaller: so nothing
 * is claimed that was not.
 */
export function corrected(
  known: Outcome,
  { evaluate, sizes }: Problem,
  transforms: Transforms,
): Outcome {
  const { x, state, counts, residualNorm } = known;
  const claimed = known.status.equal(statusCode("converged"));
  const weighed = (r: NDArray): NDArray =>
    total(div(leafNorms(stopGradient(r), sizes), state.scale));
  const end = transforms.whileLoop(
    ({ open }) => open,
    ({ x, r, slope }) => {
      const [, push] = transforms.linearize((x: NDArray) => evaluate(x).r, [x]);
      const step = denseSolve(push, r.neg(), transforms);
      const moved = x.add(step);
      const left = evaluate(moved).r;
      const better = weighed(left).less(weighed(r)); // not where it is NaN
      return {
        x: select(better, moved, x),
        r: select(better, left, r),
        slope: select(better, div(norm(stopGradient(step)), norm(stopGradient(r))), slope),
        made: scalarArray(1, "int32"),
        open: scalarArray(0, "bool"),
      };
    },
    {
      x,
      r: state.bestR,
      slope: state.slope,
      made: scalarArray(0, "int32"),
      open: and(claimed, residualNorm.greater(0)),
    },
    { maxSteps: 1 },
  );
  const [size, valueNorm] = [norm(stopGradient(end.r)), norm(stopGradient(end.x))];
  return {
    ...known,
    x: end.x,
    residualNorm: size,
    valueNorm,
    errorEstimate: errorOf(end.slope, size, valueNorm, true),
    counts: {
      ...counts,
      f: counts.f.add(end.made),
      jacobian: counts.jacobian.add(end.made),
    },
  };
}

/** A way to differentiate a solution. */
export type Adjoint =
  | { readonly kind: "implicit"; readonly options: ImplicitOptions }
  | { readonly kind: "oneStep" }
  | { readonly kind: "phantom"; readonly steps: number; readonly tau: number }
  | { readonly kind: "through"; readonly checkpoints: number | null };

/** Options of `implicit`. */
export interface ImplicitOptions {
  /**
   * How the linear system is solved: `"dense"` by factorisation of the Jacobian, `"iterative"` by
   * products with it: plain steps as long as they do well, then accelerated ones; or a method of `linearSolve`,
   * such as `gmres()`, which is given `I - df/dx`, or the Hessian of a minimum; those of least squares give that
   * solution where there is none. By default dense up to 64 unknowns, otherwise plain steps,
   * then GMRES, then dense up to 1000 unknowns where both fail.
   */
  readonly linearSolver?: "auto" | "dense" | "iterative" | LinearMethod | undefined;
  /**
   * Relative tolerance of the iterative solution, on its residual; by default that of the dtype. Of systems that are next
   * to singular it says little of the error: there `"dense"` tells.
   */
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
 * there would have: look at the status. Where the linear system cannot be solved to its tolerance, or, by its
 * matrix, rounding leaves no digit of the derivative, that is raised when the derivative is computed
 * (`CheckError`). Where the solution is NaN, so are its derivatives.
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

/**
 * Differentiation through all steps that the solver made, with the state of each of them in memory: of what it
 * returned, whether that is a solution or not, by what `f` closes over and by the start. Where `f` uses modules,
 * each step writes their state and draws a key, as in a loop; by the other adjoints a solve does so once. A step may
 * call `f` several times: where a system names modules as they are made, make them outside of `f`.
 *
 * Steps of fixed points and of first-order optimisers are differentiated as they are. Those of Newton's kind (`rootFind`,
 * `leastSquares`, and `minimise` by `bfgs`, `lbfgs`, `nonlinearCg` and `newtonCg`) are at what the method decided: their
 * damping, length, and what was learnt of the curvature are held. That is exact at a solution, to which the derivative
 * comes as the steps do.
 *
 * @example
 * ```ts
 * import { damped, fixedPoint, grad, numpy as np, unrolled } from "@injax/injax";
 *
 * // Four steps of Heron's method, which are no solution.
 * const options = { adjoint: unrolled(), solver: damped(), maxSteps: 5 };
 * const root = (a: np.NDArray) => fixedPoint((x) => x.add(a.div(x)).div(2), a, options).value;
 * console.log(grad(root)(np.array(100)).item().toFixed(4)); // 0.0684, where 0.05 is exact
 * ```
 */
export function unrolled(): Adjoint {
  if (arguments.length > 0) checkCall("unrolled()", arguments);
  return { kind: "through", checkpoints: Infinity };
}

/** Options of `checkpointed`. */
export interface CheckpointedOptions {
  /** How many states are kept (default: the square root of the solver's `maxSteps`). */
  readonly checkpoints?: number | undefined;
}

const checkpointedOptions: OptionTable<CheckpointedOptions> = { checkpoints: "count" };

/**
 * As `unrolled`, in less memory: the states of some steps are kept and those between them computed again.
 *
 * @throws {RangeError} where `checkpoints` is no number of states.
 *
 * @example
 * ```ts
 * import { checkpointed, fixedPoint, grad, numpy as np } from "@injax/injax";
 *
 * const adjoint = checkpointed();
 * const root = (a: np.NDArray) => fixedPoint((x) => np.cos(x.mul(a)), 1, { adjoint }).value;
 * console.log(grad(root)(np.array(1)).item().toFixed(4)); // -0.2975
 * ```
 */
export function checkpointed(options: CheckpointedOptions = {}): Adjoint {
  if (arguments.length > 0) checkCall("checkpointed(options)", arguments, checkpointedOptions);
  const { checkpoints } = options;
  if (checkpoints === undefined) return { kind: "through", checkpoints: null };
  checkCount("checkpointed", "checkpoints", checkpoints);
  if (checkpoints < 1) throw new RangeError("checkpointed: checkpoints must be at least 1, not 0");
  return { kind: "through", checkpoints };
}

/** Of how many of `maxSteps` steps states are kept, where a solution is differentiated through them. */
export function throughSteps(
  adjoint: Adjoint,
  maxSteps: number,
): { readonly checkpoints: number } | undefined {
  if (adjoint.kind !== "through") return undefined;
  const { checkpoints } = adjoint;
  return { checkpoints: Math.min(checkpoints ?? Math.ceil(Math.sqrt(maxSteps)), maxSteps) };
}

/** An equation and its solver, as `customRoot` takes them. */
export interface Equation {
  /** What is 0 at the solution; with `hasAux` a list of that and what is given beside it. */
  readonly equation: (x: never) => unknown;
  readonly start: unknown;
  /** The solution of such a function from a start, and what is told of it. */
  readonly solve: (f: (x: never) => unknown, start: never) => readonly [Tree, Tree];
  /** The solver of its linear systems, which differentiation through steps does without. */
  readonly tangents: () => (g: never, y: never) => unknown;
  readonly hasAux: boolean;
}

/**
 * The solution of an equation, what is told of it and what the function gave beside, differentiable by an adjoint:
 * the one place of all families.
 */
export function solutionOf(
  adjoint: Adjoint,
  transforms: Transforms,
  { equation, start, solve, tangents, hasAux }: Equation,
): readonly unknown[] {
  if (adjoint.kind !== "through") {
    return transforms.customRoot(
      equation as unknown as (x: Tree) => [Tree, Tree],
      start as Tree,
      solve as never,
      tangents() as never,
      { hasAux: true, functionHasAux: hasAux as true },
    ) as readonly unknown[];
  }
  const plain = (x: never): unknown => hasAux ? (equation(x) as unknown[])[0] : equation(x);
  const [best, told] = solve(plain, start as never);
  const rest = treeMap(stopGradient, told as never);
  return [best, rest, ...hasAux ? [(equation(best as never) as unknown[])[1]] : []];
}

/** Relative and absolute tolerances where the user gives none: the dtype's precision to the 3/4. */
export function defaultTolerance(dtype: NDArray["dtype"]): number {
  return epsilon(dtype) ** 0.75;
}

type ArrayTree = TreeOf<NDArray>;
type Apply<T> = (v: T) => T;

/**
 * A solver of `g(v) = y` for linear `g` on vectors, by what `implicit` says. `matrix` says what `g` is, for
 * messages.
 */
export function vectorSolver(
  adjoint: Adjoint,
  transforms: Transforms,
  matrix: string,
): (g: Apply<NDArray>, y: NDArray) => NDArray {
  if (adjoint.kind !== "implicit") throw new InternalError(`${adjoint.kind} solves no system`);
  const { options } = adjoint;
  const { linearSolver = "auto", memory = 10, maxSteps = 500, throw: raises = true } = options;
  return (g, y) => {
    const rtol = options.rtol ?? defaultTolerance(y.dtype);
    const all = { linearSolver, memory, maxSteps, rtol, throw: raises, matrix };
    const solve = (product: Apply<NDArray>, b: NDArray): NDArray =>
      solveTangent(product, b, all, transforms);
    return transforms.customLinearSolve(g, y, solve, { transposeSolve: solve }) as NDArray;
  };
}

/** A solver of `g(v) = y` for linear `g` on trees, for `customRoot`: of `f(x) - x`, or what `matrix` says. */
export function tangentSolver(
  adjoint: Adjoint,
  transforms: Transforms,
  matrix: string = contraction,
): (g: Apply<ArrayTree>, y: ArrayTree) => ArrayTree {
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
  const solve = vectorSolver(adjoint, transforms, matrix);
  return (g, y) => {
    const { vector, ravel, unravel } = ravelTree("implicit", y, "the right-hand side");
    return unravel(solve((v) => ravel(g(unravel(v) as ArrayTree)), vector)) as ArrayTree;
  };
}

/**
 * Checks an adjoint that a solver was given.
 *
 * @throws {TypeError} where it is none, or is of fixed points alone.
 */
export function checkAdjoint(
  op: string,
  adjoint: Adjoint | undefined,
  kinds: readonly Adjoint["kind"][] = ["implicit", "oneStep", "phantom", "through"],
): void {
  if (adjoint === undefined) return;
  const names = {
    implicit: "implicit()",
    oneStep: "oneStep()",
    phantom: "phantom(k)",
    through: "unrolled() or checkpointed()",
  };
  const made = kinds.map((kind) => names[kind]).join(", ");
  const kind = (adjoint as Partial<Adjoint> | null)?.kind;
  if (kind !== undefined && Object.hasOwn(names, kind) && !kinds.includes(kind)) {
    throw new TypeError(`${op}: adjoint must be ${made}, not ${names[kind]}`);
  }
  checkMade(op, "adjoint", adjoint, (a) => kinds.includes(a.kind as never), made);
}
