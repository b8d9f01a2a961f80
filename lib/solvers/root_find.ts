/**
 * Roots of square systems: `x` with `f(x) = 0`.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  type NDArray,
  type OptionTable,
  sameShape,
  tableOf,
  type TreeDef,
  treeLeaves,
  treeUnflatten,
} from "../core/mod.ts";
import { mul } from "../primitives/mod.ts";
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
  defaultTolerance,
  implicit,
  solutionOf,
  tangentSolver,
  throughSteps,
} from "./adjoint.ts";
import {
  type Bounds,
  boundTrees,
  checkLeg,
  checkMade,
  checkTolerance,
  checkWarmStart,
  clipped,
  named,
  startOf,
  trustRegionOptions,
  withAux,
} from "./options.ts";
import type { FloatTree } from "./fixed_point.ts";
import { factorOf, iterate } from "./iterate.ts";
import { levenbergMarquardt, made, type TrustRegionMethod } from "./trust_region/methods.ts";
import type { Leg, Outcome, State, Stepper } from "./method.ts";
import { ravelTree } from "./norms.ts";
import { checkConverged, Solution } from "./solution.ts";

/** Options of `rootFind`. */
export interface RootFindOptions {
  /**
   * The method: `levenbergMarquardt()` (the default), `dogleg()`, `newton()`, `chord()`, or a `Stepper` of your own,
   * whose solve ends where the residual is small beside the first one, and what steps like the last leave to go is short
   * beside the unknowns.
   */
  readonly solver?: TrustRegionMethod | Stepper<unknown> | undefined;
  /** The dictionary of transforms; pass a module system's where `f` uses modules. */
  readonly transforms?: Transforms | undefined;
  /** Largest relative change of each unknown by the last Newton step; default 6e-6 for float32, 2e-12 for float64. */
  readonly rtol?: number | undefined;
  /** Residual norm that is small enough whatever the step (default 0). */
  readonly atol?: number | undefined;
  /** Largest number of evaluations of `f` (default 200). */
  readonly maxSteps?: number | undefined;
  /** Whether a failed solve raises `ConvergenceError` (default false: look at `status`). */
  readonly throw?: boolean | undefined;
  /**
   * How to differentiate the solution: `implicit()` (the default) and its options, `unrolled()` or `checkpointed()`.
   */
  readonly adjoint?: Adjoint | undefined;
  /** Whether to keep the residual norm of each evaluation. */
  readonly history?: boolean | undefined;
  /** Bounds of the unknowns: `f` is never evaluated outside. A start outside is brought inside. */
  readonly bounds?: Bounds | undefined;
  /** Whether the solution has what the method knew at the end as `memory`, for `warmStart`. */
  readonly keepMemory?: boolean | undefined;
  /**
   * An earlier solution of unknowns of the same shape by the same solver, kept with `keepMemory`: the lengths of the
   * unknowns go on, and the Jacobian of `"chord"` and `"broyden"`.
   */
  readonly warmStart?: { readonly memory: unknown } | undefined;
  /** The part of a long solve that is to be done, which `start` gives. */
  readonly leg?: Leg | undefined;
}

const optionTable: OptionTable<RootFindOptions & HasAux> = /* @__PURE__ */ tableOf(
  trustRegionOptions,
  {
    keepMemory: "boolean",
    warmStart: "object",
    hasAux: "boolean",
  },
);

/**
 * Solves `f(x) = 0` for as many equations as unknowns, from `x0`: Newton's method in a trust region. Success is
 * claimed where the Newton step is small in each unknown and the residual of each equation is what rounding of its
 * terms leaves, or where unknowns and residual have gone to 0; a point where the residual is merely smallest is none, and
 * a singular Jacobian there is said by the status. The solution is differentiable with respect to whatever `f` closes over.
 *
 * @param f From a tree to one of as many elements of the same dtypes: laid out as the unknowns are, or several equations in
 * a list, a record or an array of their own.
 * @param x0 Where to start: a tree of floating-point arrays or numbers.
 * @throws {TreeError} where `f` gives another number of elements, or another dtype, than it takes.
 * @throws {DTypeError} where a leaf of `x0` is not floating-point.
 * @throws {RangeError} where an option is out of range.
 * @throws {ConvergenceError} where the solve fails and `throw` is set.
 *
 * @example
 * ```ts
 * import { grad, numpy as np, rootFind } from "@injax/injax";
 *
 * const root = (a: np.NDArray) => rootFind((x) => x.square().sub(a), np.array(1)).value;
 * console.log(root(np.array(2)).item().toFixed(4)); // 1.4142
 * console.log(grad(root)(np.array(2)).item().toFixed(4)); // 0.3536
 * ```
 */
export function rootFind<T extends FloatTree>(
  f: (x: Arrays<T>) => TreeLike<T> | TreeOf<NDArray>,
  x0: T,
  options?: RootFindOptions & HasAux<false>,
): Solution<T>;
/**
 * With `hasAux`, `f` gives `[y, aux]`, and the solution's `aux` is that of `f` at the solution, evaluated once. It may
 * be any tree of arrays, and has derivatives.
 *
 * @example
 * ```ts
 * import { rootFind } from "@injax/injax";
 *
 * const solution = rootFind((x) => [x.square().sub(2), { half: x.mul(0.5) }], 1, { hasAux: true });
 * console.log(solution.aux.half.item().toFixed(4)); // 0.7071
 * ```
 */
export function rootFind<T extends FloatTree, Aux extends Tree>(
  f: (x: Arrays<T>) => readonly [TreeLike<T> | TreeOf<NDArray>, Aux],
  x0: T,
  options: RootFindOptions & { readonly hasAux: true },
): Solution<T, Aux>;
export function rootFind<T extends FloatTree>(
  f: (x: Arrays<T>) => unknown,
  x0: T,
  options: RootFindOptions & HasAux = {},
): Solution<T> {
  const op = "rootFind";
  if (arguments.length > 2) checkCall("rootFind(f, x0, options)", arguments, optionTable);
  checkFunction(op, f);
  checkOptions(op, options);
  const { transforms = pure, maxSteps = 200, history = false, leg } = options;
  const { keepMemory = false } = options;
  const warm = options.warmStart?.memory as Pick<State, "memory" | "scale"> | undefined;
  const { adjoint = implicit(), hasAux = false, solver = levenbergMarquardt() } = options;
  const [given, def] = startOf(op, x0);
  const bounds = options.bounds === undefined ? null : boundTrees(op, options.bounds, given, def);
  const start = bounds === null
    ? treeUnflatten(def, given)
    : clipped(treeUnflatten(def, given), bounds.lower, bounds.upper, def);
  const { vector, ravel, unravel, sizes } = ravelTree(op, start, "x0");
  const tolerance = Math.max(...given.map((x) => defaultTolerance(x.dtype)));
  const { rtol = tolerance, atol = 0 } = options;
  const method: Stepper<unknown> = !("make" in solver) ? solver : made(solver, {
    rtol,
    atol,
    sizes,
    root: true,
    bounds: bounds === null ? null : { lower: ravel(bounds.lower), upper: ravel(bounds.upper) },
  });
  /** Several equations in a list, a record or an array of their own, as the unknowns are; null where they are none. */
  const laidOut = (fx: readonly NDArray[], fxDef: TreeDef): Arrays<T> | null => {
    const count = fx.reduce((sum, l) => sum + l.size, 0);
    const isOwn = fxDef !== def || fx.some((l, i) => !sameShape(l.shape, given[i]!.shape));
    const alike = new Set([...given, ...fx].map((l) => l.dtype)).size === 1;
    if (!isOwn || !alike || count < 2 || count !== vector.size) return null;
    return unravel(ravelTree(op, fx, "f(x)").vector) as Arrays<T>;
  };
  const equation = (x: Arrays<T>): Arrays<T> | [Arrays<T>, unknown] => {
    const result = called(f, [x]);
    const [y, aux] = hasAux ? withAux(op, f, result, "y") : [result, null];
    const [fx, fxDef] = flattenResult(op, f, y);
    const laid = laidOut(fx, fxDef);
    if (laid !== null) return hasAux ? [laid, aux] : laid;
    const count = fx.reduce((sum, l) => sum + l.size, 0);
    checkSameType(
      op,
      `x0 and the result of ${nameOf(f)}`,
      given.map((l) => l.aval),
      def,
      fx.map((l) => l.aval),
      fxDef,
      count === vector.size
        ? "Equations are of the unknowns' dtype, and one is given as its unknown is"
        : `There must be as many equations as unknowns, ${vector.size}, not ${count}; for other numbers of ` +
          "equations there is leastSquares",
    );
    return hasAux ? [y as Arrays<T>, aux] : y as Arrays<T>;
  };
  named(op, f, equation);
  const through = throughSteps(adjoint, maxSteps);
  const [root, outcome, aux = null] = solutionOf(adjoint, transforms, {
    equation: equation as (x: never) => unknown,
    start,
    solve: (g, x) => {
      const problem = {
        evaluate: (v: NDArray) => ({ r: ravel(g(unravel(v) as never)), cost: null }),
        sizes,
        m: vector.size,
        displacement: false,
        hasCost: false,
        lacking:
          `${op} by ${method.description}: it needs the Jacobian of ${
            nameOf(f)
          }, which has none. Take ` +
          "{ solver: broyden() }, which looks at values alone",
      };
      const limits = { rtol, atol, maxSteps, history, leg, warm, through, aim: rtol };
      const { x: best, state, ...rest } = iterate(problem, ravel(x), method, limits, transforms);
      return [
        unravel(best) as Tree,
        {
          ...rest,
          memory: keepMemory ? { memory: state.memory, scale: state.scale } : null,
          state: leg === undefined ? null : state,
        } as unknown as Tree,
      ];
    },
    tangents: () => tangentSolver(adjoint, transforms, "df/dx") as never,
    hasAux,
  }) as unknown as [Arrays<T>, Omit<Outcome, "x"> & { readonly memory: unknown }, null?];
  leg?.take(outcome.state, maxSteps, transforms);
  const known = (treeLeaves(root) as NDArray[]).map((x) => mul(x, factorOf(outcome, x.dtype)));
  const { status, steps, residualNorm, valueNorm } = outcome;
  const solution = new Solution<T>({
    value: treeUnflatten(def, known) as Arrays<T>,
    status,
    steps,
    evaluations: outcome.counts,
    residualNorm,
    valueNorm: mul(valueNorm, factorOf(outcome, valueNorm.dtype)),
    errorEstimate: outcome.errorEstimate,
    history: outcome.history,
    aux,
    memory: outcome.memory,
    description: `${op} by ${method.description}`,
  });
  if (options.throw) checkConverged(op, solution);
  return solution;
}

function checkOptions(op: string, options: RootFindOptions): void {
  const { solver, transforms, rtol, atol, maxSteps, bounds } = options;
  if (solver !== undefined) {
    checkMade(
      op,
      "solver",
      solver,
      (s) => s.trustRegion === true || typeof s.step === "function",
      "levenbergMarquardt(), dogleg(), newton(), chord() or another Stepper",
    );
    if (!("make" in solver) && bounds !== undefined) {
      throw new TypeError(
        `${op}: ${solver.description} does not keep bounds. Take levenbergMarquardt(), dogleg() or newton()`,
      );
    }
  }
  if (transforms !== undefined) checkDictionary(op, transforms);
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  if (atol !== undefined) checkTolerance(op, "atol", atol);
  if (maxSteps !== undefined) checkCount(op, "maxSteps", maxSteps);
  checkLeg(op, options.leg);
  checkWarmStart(op, options.warmStart);
  checkAdjoint(op, options.adjoint, ["implicit", "through"]);
}
