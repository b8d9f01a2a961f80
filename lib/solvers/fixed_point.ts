/**
 * Fixed points: `x` with `f(x) = x`.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  type NDArray,
  type OptionTable,
  scalarArray,
  treeLeaves,
  treeUnflatten,
} from "../core/mod.ts";
import { mul, sub } from "../primitives/mod.ts";
import { checkDictionary } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import type { Arrays, Tree, TreeLike, TreeOf } from "../transforms/tree_types.ts";
import {
  called,
  checkFunction,
  checkSameType,
  flattenResult,
  nameOf,
} from "../transforms/trees.ts";
import type { HasAux, Transforms } from "../transforms/types.ts";
import {
  type Adjoint,
  checkAdjoint,
  corrected,
  defaultTolerance,
  implicit,
  solutionOf,
  tangentSolver,
  throughSteps,
} from "./adjoint.ts";
import { anderson } from "./fixed_point_methods.ts";
import { factorOf, iterate } from "./iterate.ts";
import type { Leg, Outcome, Part, State } from "./method.ts";
import type { Stepper } from "./method.ts";
import {
  checkLeg,
  checkMade,
  checkTolerance,
  checkWarmStart,
  named,
  startOf,
  withAux,
} from "./options.ts";
import { radiusOf, ravelTree } from "./norms.ts";
import { checkConverged, Solution } from "./solution.ts";
import type { TrustRegionMethod } from "./trust_region/methods.ts";

/** Options of `fixedPoint`. */
export interface FixedPointOptions {
  /**
   * The method: `anderson()` (the default), `broyden()`, `aitken()`, `steffensen()`, `damped()`, or a `Stepper` of
   * your own; or one of `rootFind`, such as `newton()`, which solves `f(x) - x = 0` by Jacobians [n, n] and claims a
   * solution where its step is small.
   */
  readonly solver?: Stepper<unknown> | TrustRegionMethod | undefined;
  /** The dictionary of transforms; pass a module system's where `f` uses modules. */
  readonly transforms?: Transforms | undefined;
  /** Relative tolerance; default 6e-6 for float32 and 2e-12 for float64, and 1e-2 of `averaged`. */
  readonly rtol?: number | undefined;
  /** Absolute tolerance on the residual norm of each leaf (default 0, so that units do not matter). */
  readonly atol?: number | undefined;
  /** Largest number of evaluations of `f` (default 200, or 20,000 of `averaged`). */
  readonly maxSteps?: number | undefined;
  /** Evaluations before which no solution is claimed (default 0). */
  readonly minSteps?: number | undefined;
  /**
   * What is compared, of the value: its part, or anything computed of it, as a tree of floating-point arrays. The
   * solve ends where that no longer changes, `c(f(x)) = c(x)`, whatever the rest does; the norms of the solution
   * are of it.
   */
  readonly comparand?: ((x: never) => TreeOf<NDArray>) | undefined;
  /** Whether a failed solve raises `ConvergenceError` (default false: look at `status`). */
  readonly throw?: boolean | undefined;
  /**
   * How to differentiate the solution: `implicit()` (the default), `oneStep()`, `phantom(k)`, `unrolled()` or
   * `checkpointed()`.
   */
  readonly adjoint?: Adjoint | undefined;
  /** Whether to keep the residual norm of each step. */
  readonly history?: boolean | undefined;
  /** Whether to keep all points as `trajectory`: the value's leaves with an axis of `maxSteps` in front. */
  readonly trajectory?: boolean | undefined;
  /**
   * Whether to estimate the spectral radius of the derivative of `f` at the solution, by products with it. Above 1
   * the solution is one that plain iteration leaves.
   */
  readonly spectralRadius?: boolean | undefined;
  /** Whether the solution has what the method knew at the end as `memory`, for `warmStart`. */
  readonly keepMemory?: boolean | undefined;
  /** An earlier solution of unknowns of the same shape, kept with `keepMemory`, whose memory is used. */
  readonly warmStart?: { readonly memory: unknown } | undefined;
  /**
   * How near the solution is brought beyond the criterion. `true`: by a Newton step, a Jacobian [n, n] and an
   * evaluation, where that makes the residual smaller. `false`: not at all. By default, where neither `rtol` nor
   * `atol` is given, by up to two more steps of the method, while the error is estimated to be above a 16th of
   * the tolerance and they bring it nearer.
   */
  readonly polish?: boolean | undefined;
  /** The part of a long solve that is to be done, which `start` gives. */
  readonly leg?: Leg | undefined;
}

/** What the last form takes. */
interface WithStep {
  readonly withStep?: boolean | undefined;
}

const fixedPointOptions: OptionTable<FixedPointOptions & HasAux & WithStep> = {
  maxSteps: "count",
  rtol: "tolerance",
  atol: "tolerance",
  solver: "object",
  adjoint: "object",
  transforms: "object",
  throw: "boolean",
  history: "boolean",
  minSteps: "count",
  withStep: "boolean",
  comparand: "function",
  trajectory: "boolean",
  spectralRadius: "boolean",
  keepMemory: "boolean",
  warmStart: "object",
  hasAux: "boolean",
  leg: "object",
  polish: "boolean",
};

/** A pytree of what may be solved for: floating-point arrays and numbers. */
export type FloatTree = TreeOf<NDArray | number | Float32Array | Float64Array>;

const isFunction = (x: unknown): boolean => typeof x === "function";

function checkOptions(options: FixedPointOptions): void {
  const { solver, adjoint, transforms, rtol, atol, maxSteps, warmStart, minSteps, comparand } =
    options;
  if (solver !== undefined) {
    const made = "anderson(), damped() or another Stepper";
    checkMade(
      "fixedPoint",
      "solver",
      solver,
      (s) => isFunction(s.init) && isFunction(s.step) || s.trustRegion === true,
      made,
    );
  }
  checkAdjoint("fixedPoint", adjoint);
  if (transforms !== undefined) checkDictionary("fixedPoint", transforms);
  if (rtol !== undefined) checkTolerance("fixedPoint", "rtol", rtol);
  if (atol !== undefined) checkTolerance("fixedPoint", "atol", atol);
  if (maxSteps !== undefined) checkCount("fixedPoint", "maxSteps", maxSteps);
  if (minSteps !== undefined) {
    checkCount("fixedPoint", "minSteps", minSteps);
    if (minSteps > (maxSteps ?? stepsOf(solver))) {
      throw new RangeError(
        `fixedPoint: minSteps must be at most maxSteps, ${
          maxSteps ?? stepsOf(solver)
        }, not ${minSteps}`,
      );
    }
  }
  if (comparand !== undefined) checkFunction("fixedPoint", comparand, "comparand");
  checkLeg("fixedPoint", options.leg);
  checkWarmStart("fixedPoint", warmStart);
}

/**
 * Solves `f(x) = x`, stopping where `|f(x) - x| <= atol + rtol |x|` in the 2-norm for each leaf, so that units do not
 * matter. Of a leaf that is 0 at the solution, `|f(x) - x|` is compared with the smaller of `|f(x0) - x0|` and `|f(x0)|`;
 * an evaluation where that leaf is 0 says whether it is one. The solution is differentiable with respect to whatever `f`
 * closes over.
 *
 * @param f From a tree to one of the same structure, shapes and dtypes.
 * @param x0 Where to start: a tree of floating-point arrays or numbers.
 * @returns A solution whose status says how the solve ended; it never claims convergence falsely. Its
 * value and derivatives are NaN where no residual was finite, not even that of the start.
 * @throws {TreeError} where `f` gives another structure, shape or dtype than it takes, where `x0`
 * has no arrays.
 * @throws {DTypeError} where a leaf of `x0` is not floating-point.
 * @throws {ConvergenceError} where the solve fails and `throw` is set.
 * @throws {CheckError} the same when a compiled or mapped function runs.
 * @throws {RangeError} where a tolerance or `maxSteps` is out of range.
 * @throws {TypeError} where `f` is not a function, or another option is not what it should be.
 *
 * @example
 * ```ts
 * import { fixedPoint, grad, numpy as np } from "@injax/injax";
 *
 * const root = (a: np.NDArray) => fixedPoint((x) => np.cos(x.mul(a)), np.array(1)).value;
 * console.log(root(np.array(1)).item().toFixed(4)); // 0.7391
 * console.log(grad(root)(np.array(1)).item().toFixed(4)); // -0.2975
 * ```
 */
export function fixedPoint<T extends FloatTree>(
  f: (x: Arrays<T>) => TreeLike<T>,
  x0: T,
  options?: FixedPointOptions & HasAux<false> & { readonly withStep?: false | undefined },
): Solution<T>;
/**
 * With `hasAux`, `f` gives `[x, aux]`, and the solution's `aux` is that of `f` at the solution, evaluated
 * once: by it, state that is passed explicitly comes out of a solve. It may be any tree of arrays, and
 * has derivatives.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np } from "@injax/injax";
 *
 * const solution = fixedPoint((x) => [np.cos(x), { calls: np.array(1) }], 1, { hasAux: true });
 * console.log(solution.steps.item() > 1, solution.aux.calls.item()); // true 1
 * ```
 */
export function fixedPoint<T extends FloatTree, Aux extends Tree>(
  f: (x: Arrays<T>) => readonly [TreeLike<T>, Aux],
  x0: T,
  options: FixedPointOptions & { readonly hasAux: true },
): Solution<T, Aux>;
/**
 * With `withStep`, `f` is given the number of the evaluation as second argument, an int32 from 0, to draw other noise
 * in each by `random.foldIn(key, step)`: see `averaged`. The solution's derivatives are those of the map with the
 * noise of 0.
 *
 * @example
 * ```ts
 * import { damped, fixedPoint, numpy as np } from "@injax/injax";
 *
 * // Shares of the old point that grow, by the step.
 * const slower = (x: np.NDArray, step: np.NDArray) => {
 *   const share = np.div(1, step.add(1));
 *   return np.cos(x).mul(share).add(x.mul(share.neg().add(1)));
 * };
 * const s = fixedPoint(slower, 1, { solver: damped(), withStep: true, rtol: 1e-3 });
 * console.log(s.converged); // true
 * ```
 */
export function fixedPoint<T extends FloatTree>(
  f: (x: Arrays<T>, step: NDArray) => TreeLike<T>,
  x0: T,
  options: FixedPointOptions & { readonly withStep: true },
): Solution<T>;
export function fixedPoint<T extends FloatTree>(
  f: (x: Arrays<T>, step: NDArray) => unknown,
  x0: T,
  options: FixedPointOptions & HasAux & WithStep = {},
): Solution<T> {
  if (arguments.length > 2) checkCall("fixedPoint(f, x0, options)", arguments, fixedPointOptions);
  checkFunction("fixedPoint", f);
  checkOptions(options);
  const { transforms = pure, adjoint = implicit(), maxSteps = stepsOf(options.solver) } = options;
  const { history = false, hasAux = false, keepMemory = false, leg, minSteps, comparand } = options;
  const { trajectory = false, spectralRadius = false, withStep = false } = options;
  const [leaves, def] = startOf("fixedPoint", x0);
  const start = treeUnflatten(def, leaves) as Arrays<T>;
  const { sizes } = ravelTree("fixedPoint", start, "x0");
  // By the least precise leaf, which could not meet more.
  const tolerance = Math.max(...leaves.map((x) => defaultTolerance(x.dtype)));
  const { rtol = isMean(options.solver) ? meanTolerance : tolerance, atol = 0 } = options;
  const warm = options.warmStart?.memory as Pick<State, "memory" | "scale"> | undefined;
  const { polish = options.rtol === undefined && options.atol === undefined ? null : false } =
    options;
  const aim = polish === null && comparand === undefined && !isMean(options.solver)
    ? tolerance / 16
    : undefined;
  const given = options.solver ?? anderson();
  const byJacobians = "make" in given;
  const solver: Stepper<unknown> = byJacobians
    ? given.make({ rtol, atol, sizes, root: true, displacement: true, bounds: null } as never)
    : given;
  const through = throughSteps(adjoint, maxSteps);
  const limits = { rtol, atol, maxSteps, history, warm, leg, aim, through, minSteps, trajectory };

  const change = (x: Arrays<T>, step: NDArray): [Arrays<T>, unknown] => {
    const at = treeLeaves(x) as NDArray[];
    const result = called(f, withStep ? [x, step] : [x]);
    const [next, aux] = hasAux ? withAux("fixedPoint", f, result, "x") : [result, null];
    const [fx, fxDef] = flattenResult("fixedPoint", f, next);
    checkSameType(
      "fixedPoint",
      `x0 and the result of ${nameOf(f)}`,
      leaves.map((l) => l.aval),
      def,
      fx.map((l) => l.aval),
      fxDef,
      "A fixed-point map gives what it takes; convert x0 or the result",
    );
    return [treeUnflatten(def, fx.map((y, i) => sub(y, at[i]!))) as Arrays<T>, aux];
  };
  // With steps, the number is one more unknown, whose solution is 0.
  type Point = Arrays<T> | { readonly x: Arrays<T>; readonly step: NDArray };
  const pointOf = (x: Arrays<T>, step: NDArray): Point =>
    withStep ? { x, step: step.astype("float32") } : x;
  const unknowns = (point: Point): Arrays<T> =>
    withStep ? (point as { x: Arrays<T> }).x : point as Arrays<T>;
  const residual = (point: Point): unknown => {
    const { step } = withStep ? point as { step: NDArray } : { step: none };
    const [moved, aux] = change(unknowns(point), withStep ? step.astype("int32") : none);
    const r = withStep ? { x: moved, step: step.neg() } : moved;
    return hasAux ? [r, aux] : r;
  };
  named("fixedPoint", f, residual);

  /** The fixed point of `g(x) + x`, and what is said of it. */
  const solve = (g: (x: never) => unknown, point: unknown): [Tree, Tree] => {
    const x0 = unknowns(point as Point);
    const { vector, ravel, unravel } = ravelTree("fixedPoint", x0, "x0");
    const problem = {
      evaluate(v: NDArray, step: NDArray = none) {
        const moved = g(pointOf(unravel(v) as Arrays<T>, step) as never);
        return { r: ravel(unknowns(moved as Point)), cost: null };
      },
      sizes,
      m: vector.size,
      displacement: !byJacobians,
      hasCost: false,
      part: comparand === undefined ? undefined : partOf(comparand, unravel, vector),
      lacking:
        `fixedPoint by ${solver.description}: it needs the derivative of ${
          nameOf(f)
        }, which has none. Take ` +
        "{ solver: anderson() }, which looks at values alone",
    };
    const outcome = iterate(problem, vector, solver, limits, transforms);
    const { x: best, state, ...rest } = polish === true
      ? corrected(outcome, problem, transforms)
      : outcome;
    const told = {
      ...rest,
      radius: spectralRadius ? radiusOf(problem.evaluate, best, transforms) : null,
      trajectory: rest.trajectory === null
        ? null
        : transforms.vmap(unravel as (v: NDArray) => Tree)(rest.trajectory),
      memory: keepMemory ? { memory: state.memory, scale: state.scale } : null,
      state: leg === undefined ? null : state,
    };
    return [pointOf(unravel(best) as Arrays<T>, none) as Tree, told as Tree];
  };

  const root = solutionOf(adjoint, transforms, {
    equation: residual as (x: never) => unknown,
    start: pointOf(start, none),
    solve,
    tangents: () => tangentSolver(adjoint, transforms) as never,
    hasAux,
  });
  type Rest = Omit<Outcome, "x" | "trajectory"> & {
    readonly memory: unknown;
    readonly radius: NDArray | null;
    readonly trajectory: Arrays<T> | null;
  };
  const [found, outcome, aux = null] = root as unknown as [Point, Rest, null?];
  const best = unknowns(found);
  leg?.take(outcome.state, maxSteps, transforms);
  const known = (treeLeaves(best) as NDArray[]).map((x) => mul(x, factorOf(outcome, x.dtype)));
  const value = treeUnflatten(def, known) as Arrays<T>;

  const { status, steps, residualNorm, valueNorm, errorEstimate, history: norms } = outcome;
  const solution = new Solution<T>({
    value,
    status,
    steps,
    evaluations: outcome.counts,
    residualNorm,
    valueNorm: mul(valueNorm, factorOf(outcome, valueNorm.dtype)),
    errorEstimate,
    history: norms,
    trajectory: outcome.trajectory,
    spectralRadius: outcome.radius,
    aux,
    memory: outcome.memory,
    description: `fixedPoint by ${solver.description}`,
  });
  if (options.throw) checkConverged("fixedPoint", solution);
  return solution;
}

/** What is compared of points [n], such as `like`. */
function partOf(
  comparand: (x: never) => unknown,
  unravel: (v: NDArray) => unknown,
  like: NDArray,
): Part {
  const laid = (v: NDArray) =>
    ravelTree("fixedPoint", called(comparand, [unravel(v)]), "what comparand returns");
  return { of: (v) => laid(v).vector, sizes: laid(like).sizes };
}

/** Whether a method's solution is a mean of points. */
const isMean = (solver: FixedPointOptions["solver"]): boolean =>
  solver !== undefined && "mean" in solver;

/** Evaluations where the user says nothing. */
const stepsOf = (solver: FixedPointOptions["solver"]): number => isMean(solver) ? 20_000 : 200;

/** Relative standard error of a mean where the user says nothing. */
const meanTolerance = 1e-2;

/** The number of an evaluation outside of the loop. */
const none = /* @__PURE__ */ scalarArray(0, "int32");
