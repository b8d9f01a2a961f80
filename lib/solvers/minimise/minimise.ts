/**
 * Minima of functions of trees.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  DifferentiationError,
  epsilon,
  type NDArray,
  type OptionTable,
  scalarArray,
  type TreeDef,
  treeLeaves,
  treeMap,
  treeUnflatten,
} from "../../core/mod.ts";
import {
  convert,
  full,
  isFinite,
  mul,
  reshape,
  select,
  stopGradient,
  sub,
  zerosLike,
} from "../../primitives/mod.ts";
import { checkDictionary } from "../../transforms/members.ts";
import { pure } from "../../transforms/pure.ts";
import type { Arrays, Tree, TreeOf } from "../../transforms/tree_types.ts";
import {
  called,
  checkFunction,
  checkSameType,
  flattenResult,
  nameOf,
} from "../../transforms/trees.ts";
import type { HasAux, Transforms } from "../../transforms/types.ts";
import {
  type Adjoint,
  checkAdjoint,
  curvature,
  defaultTolerance,
  implicit,
  solutionOf,
  tangentSolver,
  throughSteps,
} from "../adjoint.ts";
import {
  type Bounds,
  boundTrees,
  checkLeg,
  checkMade,
  checkTolerance,
  checkWarmStart,
  clipped,
  inPrecisionOf,
  named,
  type ScalarHints,
  scalarOf,
  startOf,
  toldDType,
  withAux,
} from "../options.ts";
import type { FloatTree } from "../fixed_point.ts";
import { factorOf, iterate } from "../iterate.ts";
import type { Leg, Outcome, State, Stepper } from "../method.ts";
import { norm, ravelTree } from "../norms.ts";
import { checkConverged, Solution } from "../solution.ts";
import {
  lackOfDerivative,
  lackOfSlopes,
  type Minimiser,
  projected,
  type Setting,
  slopesByDifferences,
  toldOfSlopes,
  within,
} from "./method.ts";
import { lbfgs } from "./methods.ts";

/** Options of `minimise`. */
export interface MinimiseOptions {
  /** The method: `lbfgs()` (the default), `bfgs()`, `nonlinearCg()`, or a `Stepper` of your own. */
  readonly solver?: Minimiser | Stepper<unknown> | undefined;
  /** Bounds of the unknowns: `f` is never evaluated outside. A start outside is brought inside. */
  readonly bounds?: Bounds | undefined;
  /** The dictionary of transforms; pass a module system's where `f` uses modules. */
  readonly transforms?: Transforms | undefined;
  /**
   * Largest relative change of each leaf by the step that is left; default 6e-6 for float32 and 2e-12 for
   * float64. Where rounding forbids it, up to 7e-5 and 4e-10 is accepted.
   */
  readonly rtol?: number | undefined;
  /** Gradient norm that is small enough whatever the step (default 0). */
  readonly atol?: number | undefined;
  /** Largest number of evaluations of `f` and its gradient (default 1000; of `nelderMead` 500 for an unknown). */
  readonly maxSteps?: number | undefined;
  /** Whether a failed solve raises `ConvergenceError` (default false: look at `status`). */
  readonly throw?: boolean | undefined;
  /**
   * How to differentiate the solution: `implicit()` (the default) and its options, `unrolled()` or `checkpointed()`.
   */
  readonly adjoint?: Adjoint | undefined;
  /** Whether to keep the gradient norm of each evaluation. */
  readonly history?: boolean | undefined;
  /** Whether the solution has what the method knew at the end as `memory`, for `warmStart`. */
  readonly keepMemory?: boolean | undefined;
  /** An earlier solution of unknowns of the same shape, kept with `keepMemory`, whose memory is used. */
  readonly warmStart?: { readonly memory: unknown } | undefined;
  /** The part of a long solve that is to be done, which `start` gives. */
  readonly leg?: Leg | undefined;
}

/** What the options hold. */
const minimiseOptions: OptionTable<MinimiseOptions & HasAux> = {
  maxSteps: "count",
  rtol: "tolerance",
  atol: "tolerance",
  solver: "object",
  bounds: "object",
  adjoint: "object",
  transforms: "object",
  throw: "boolean",
  history: "boolean",
  keepMemory: "boolean",
  warmStart: "object",
  leg: "object",
  hasAux: "boolean",
};

/**
 * Minimises `f` from `x0`. Success is claimed where the step that is left is small beside each leaf and what it
 * promises beside the value, or where that is nothing beside what was gained; not where progress is slow, and not
 * before some products with the Hessian agree. So units do not matter, and saddles are left. The minimum is
 * differentiable with respect to whatever `f` closes over, by the implicit function theorem: one
 * linear system with the Hessian.
 *
 * @param f From a tree to a floating-point scalar.
 * @param x0 Where to start: a tree of floating-point arrays or numbers.
 * @returns A solution: `cost` is the value there, `residualNorm` and `gradientNorm` the norm of its gradient, of
 * the unknowns that rest at no bound.
 * @throws {ShapeError} where `f` gives no scalar.
 * @throws {DTypeError} where a leaf of `x0`, or what `f` gives, is not floating-point.
 * @throws {RangeError} where an option is out of range, or a lower bound is above an upper one.
 * @throws {ConvergenceError} where the solve fails and `throw` is set.
 *
 * @example
 * ```ts
 * import { grad, minimise, numpy as np } from "@injax/injax";
 *
 * const nearest = (a: np.NDArray) =>
 *   minimise((x) => np.exp(x).sub(x.mul(a)), np.array(1)).value;
 * console.log(nearest(np.array(2)).item().toFixed(4)); // 0.6931
 * console.log(grad(nearest)(np.array(2)).item().toFixed(4)); // 0.5000
 * ```
 */
export function minimise<T extends FloatTree>(
  f: (x: Arrays<T>) => NDArray,
  x0: T,
  options?: MinimiseOptions & HasAux<false>,
): Solution<T>;
/**
 * With `hasAux`, `f` gives `[value, aux]`, and the solution's `aux` is that of `f` at the solution, evaluated
 * once. It may be any tree of arrays, and has derivatives.
 *
 * @example
 * ```ts
 * import { minimise, numpy as np } from "@injax/injax";
 *
 * const fit = minimise((x) => [np.cosh(x.sub(2)), { twice: x.mul(2) }], 0, { hasAux: true });
 * console.log(fit.aux.twice.item().toFixed(3)); // 4.000
 * ```
 */
export function minimise<T extends FloatTree, Aux extends Tree>(
  f: (x: Arrays<T>) => readonly [NDArray, Aux],
  x0: T,
  options: MinimiseOptions & { readonly hasAux: true },
): Solution<T, Aux>;
export function minimise<T extends FloatTree>(
  f: (x: Arrays<T>) => unknown,
  x0: T,
  options: MinimiseOptions & HasAux = {},
): Solution<T> {
  const op = "minimise";
  if (arguments.length > 2) checkCall("minimise(f, x0, options)", arguments, minimiseOptions);
  checkFunction(op, f);
  checkOptions(op, options);
  return solveMinimum(op, f, x0, options, options.solver ?? lbfgs());
}

/** What the equation of a minimum is about: unknowns, and what the solver needs to see beside it. */
interface Unknowns {
  readonly x: unknown;
  /** The value, and the gradient [n]. */
  readonly value: NDArray;
  readonly gradient: NDArray;
}

/** The start as arrays; plain numbers in it are as precise as the values of the function. */
function preciseStart<T extends FloatTree>(
  op: string,
  f: (x: Arrays<T>) => unknown,
  x0: T,
  plain: readonly NDArray[],
  def: TreeDef,
  { hasAux, transforms }: { readonly hasAux: boolean; readonly transforms: Transforms },
): readonly NDArray[] {
  if (!treeLeaves(x0).some((x) => typeof x === "number")) return plain;
  const valueAt = (x: Arrays<T>): NDArray => {
    const result = called(f, [x]);
    return scalarOf(op, f, hasAux ? withAux(op, f, result, "value")[0] : result, hints);
  };
  named(op, f, valueAt);
  const start = treeUnflatten(def, plain) as Arrays<T>;
  // The start is a tree of arrays of the user's own type, which the dictionary's types do not know.
  const dtype = toldDType(transforms.evalShape(valueAt as never, start as never));
  return startOf(op, inPrecisionOf(dtype, x0))[0];
}

/** Solves for a minimum, for all functions that do. */
export function solveMinimum<T extends FloatTree>(
  op: string,
  f: (x: Arrays<T>) => unknown,
  x0: T,
  options: MinimiseOptions & HasAux,
  solver: Minimiser | Stepper<unknown>,
): Solution<T> {
  const { transforms = pure, adjoint = implicit() } = options;
  const { history = false, hasAux = false, keepMemory = false, leg } = options;
  const [plain, def] = startOf(op, x0);
  const given = preciseStart(op, f, x0, plain, def, { hasAux, transforms });
  const trees = options.bounds === undefined ? null : boundTrees(op, options.bounds, given, def);
  const start = trees === null
    ? treeUnflatten(def, given)
    : clipped(treeUnflatten(def, given), trees.lower, trees.upper, def);
  const { vector, ravel, unravel, sizes } = ravelTree(op, start, "x0");
  const { dtype } = vector;
  const tolerance = Math.max(...given.map((x) => defaultTolerance(x.dtype)));
  const { rtol = tolerance, atol = 0 } = options;
  const usual = "make" in solver ? solver.steps?.(vector.size) : undefined;
  const { maxSteps = usual ?? 1000 } = options;
  const box = trees === null ? null : { lower: ravel(trees.lower), upper: ravel(trees.upper) };
  const operator = "make" in solver ? solver.prox : undefined;
  if (operator !== undefined && box !== null) {
    throw new TypeError(
      `${op}: proximalGradient() has no bounds; project onto them in its operator, with projectBox()`,
    );
  }
  const prox = operator === undefined ? null : (v: NDArray, step: NDArray): NDArray => {
    const [leaves, own] = flattenResult(op, operator, called(operator, [unravel(v), step]));
    checkSameType(
      op,
      `the unknowns and what ${nameOf(operator)} gives`,
      given.map((x) => x.aval),
      def,
      leaves.map((x) => x.aval),
      own,
      "A proximal operator gives what it takes",
    );
    return ravel(treeUnflatten(own, leaves));
  };
  const precision = Math.max(...given.map((x) => epsilon(x.dtype)));
  /** The value at a vector [n], and what is beside it. */
  const valueAt = (v: NDArray): [NDArray, unknown] => {
    const result = called(f, [unravel(v)]);
    const [value, aux] = hasAux ? withAux(op, f, result, "value") : [result, null];
    return [convert(scalarOf(op, f, value, hints), dtype), aux];
  };
  named(op, f, valueAt);
  const valuesOnly = "make" in solver && solver.gradientFree === true;
  const why = valuesOnly ? lackOfSlopes((v) => valueAt(v)[0], vector, transforms) : null;
  const rough = prox === null
    ? null
    : lackOfDerivative((v) => prox(v, scalarArray(1, dtype)), vector, transforms);
  const setting: Setting = {
    rtol,
    atol,
    precision,
    sizes,
    bounds: box,
    ravel,
    unravel,
    prox,
    smooth: (why ?? rough) === null,
  };
  const method = "make" in solver ? solver.make(setting as never) : solver;
  /** Where one comes from a point along the gradient, within what is allowed; `null` where all is. */
  const settled = prox !== null
    ? (v: NDArray, g: NDArray) => {
      const from = v.sub(g);
      return prox(rough === null ? from : stopGradient(from), scalarArray(1, dtype));
    }
    : box !== null
    ? (v: NDArray, g: NDArray) => within(v.sub(g), box)
    : null;
  const warm = options.warmStart?.memory as Pick<State, "memory" | "scale"> | undefined;
  const through = throughSteps(adjoint, maxSteps);
  const limits = { rtol, atol, maxSteps, history, warm, leg, through };

  // Unknowns of the equation are x, the value and the gradient: so its solver sees all of them.
  const equation = ({ x, value, gradient }: Unknowns): Unknowns | [Unknowns, unknown] => {
    const v = ravel(x);
    if (why !== null) {
      const [cost, aux] = valueAt(v);
      const all = { x: unravel(zerosLike(v)), value: cost.sub(value), gradient: gradient.neg() };
      return hasAux ? [all, aux] : all;
    }
    const [cost, g, aux] = toldOfSlopes(`${op} by ${method.description}`, nameOf(f), () => {
      const [cost, pull, aux] = transforms.vjp(valueAt as never, [v] as never, {
        hasAux: true,
      }) as unknown as [NDArray, (w: NDArray) => [NDArray], unknown];
      return [cost, pull(full([], 1, dtype))[0], aux] as const;
    });
    const zero = settled === null ? g : v.sub(settled(v, g));
    const all = {
      x: unravel(zero),
      value: cost.sub(value),
      gradient: settled === null ? gradient.neg() : g.sub(gradient),
    };
    return hasAux ? [all, aux] : all;
  };
  named(op, f, equation);
  const gradientAt = (apply: (z: Unknowns) => Unknowns, v: NDArray) => {
    const { x, value, gradient } = apply({ x: unravel(v), ...none });
    return { r: settled === null ? ravel(x) : gradient, cost: value };
  };
  const none = { value: scalarArray(0, dtype), gradient: zerosLike(vector) };
  const root = solutionOf(adjoint, transforms, {
    equation: equation as (x: never) => unknown,
    start: { x: start, ...none },
    solve: (apply, z) => {
      const equationAt = apply as unknown as (z: Unknowns) => Unknowns;
      const problem = {
        evaluate: (v: NDArray) => {
          const { r, cost } = gradientAt(equationAt, v);
          if (!valuesOnly) return { r, cost };
          return { r: reshape(cost, [1]), cost, gradient: why === null ? r : undefined };
        },
        sizes,
        m: valuesOnly ? 1 : vector.size,
        displacement: false,
        hasCost: true,
      };
      const first = ravel((z as unknown as Unknowns).x);
      const { x, state, ...rest } = iterate(problem, first, method, limits, transforms);
      const bestR = why !== null
        ? slopesByDifferences((v) => gradientAt(equationAt, v).cost, x, box, transforms)
        : valuesOnly
        ? gradientAt(equationAt, x).r
        : state.bestR;
      // Infinite where nothing was finite.
      const { residualNorm } = rest;
      const gradient = select(
        isFinite(residualNorm),
        norm(prox === null ? projected(x, bestR, box) : x.sub(settled!(x, bestR))),
        residualNorm,
      );
      return [
        { x: unravel(x), value: rest.cost, gradient: settled === null ? none.gradient : bestR },
        {
          ...rest,
          gradient,
          memory: keepMemory ? { memory: state.memory, scale: state.scale } : null,
          state: leg === undefined ? null : state,
        },
      ] as unknown as [Tree, Tree];
    },
    tangents: () => (at: (z: Unknowns) => Unknowns, { x: yx, value, gradient }: Unknowns) => {
      if ((why ?? rough) !== null) {
        const what = why === null ? `${nameOf(operator!)} has no` : `${nameOf(f)} has no second`;
        throw new DifferentiationError(
          `${op}: ${what} derivatives, so that the minimum has no derivative. ${
            (why ?? rough)!.message
          }`,
        );
      }
      const tangents = tangentSolver(adjoint, transforms, curvature);
      // Of the equation's sign, a descent: what contracts for fixed points.
      const hessian = (v: TreeOf<NDArray>): TreeOf<NDArray> =>
        treeMap((a: NDArray) => a.neg(), at({ x: v, ...none }).x as never) as TreeOf<NDArray>;
      const dx = tangents(
        hessian,
        treeMap((a: NDArray) => a.neg(), yx as never) as TreeOf<NDArray>,
      );
      const moved = at({ x: dx, ...none });
      return {
        x: dx,
        value: moved.value.sub(value),
        gradient: sub(moved.gradient, gradient),
      };
    },
    hasAux,
  });
  type Rest = Omit<Outcome, "x"> & {
    readonly gradient: NDArray;
    readonly memory: unknown;
  };
  const [{ x: best, value }, outcome, aux = null] = root as unknown as [Unknowns, Rest, null?];
  leg?.take(outcome.state, maxSteps, transforms);
  const known = (treeLeaves(best) as NDArray[]).map((x) => mul(x, factorOf(outcome, x.dtype)));
  const solution = new Solution<T>({
    value: treeUnflatten(def, known) as Arrays<T>,
    status: outcome.status,
    steps: outcome.steps,
    evaluations: outcome.counts,
    residualNorm: outcome.gradient,
    valueNorm: mul(outcome.valueNorm, factorOf(outcome, dtype)),
    cost: value,
    gradientNorm: outcome.gradient,
    errorEstimate: outcome.errorEstimate,
    history: outcome.history,
    aux,
    memory: outcome.memory,
    description: `${op} by ${method.description}`,
    vanishes: "gradient",
  });
  if (options.throw) checkConverged(op, solution);
  return solution;
}

/** What to do about a function that gives no scalar. */
export const hints: ScalarHints = {
  array: "Sum it; for the sum of its squares there is leastSquares",
  tree: "Return the value itself; minimise has hasAux for what is returned beside it",
};

/** Checks what the table of options does not say. */
export function checkOptions(op: string, options: MinimiseOptions): void {
  const { solver, transforms, rtol, atol, maxSteps, adjoint, warmStart } = options;
  if (solver !== undefined) {
    checkMade(
      op,
      "solver",
      solver,
      // Not those of fixed points, roots and functions of one number.
      (s) =>
        typeof s.step === "function"
          ? s.displacement !== true
          : typeof s.make === "function" && !s.trustRegion && !s.scalar,
      "lbfgs(), bfgs(), nonlinearCg(), newtonCg(), nelderMead(), proximalGradient() or another Stepper",
    );
  }
  if (transforms !== undefined) checkDictionary(op, transforms);
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  if (atol !== undefined) checkTolerance(op, "atol", atol);
  if (maxSteps !== undefined) checkCount(op, "maxSteps", maxSteps);
  checkLeg(op, options.leg);
  checkAdjoint(op, adjoint, ["implicit", "through"]);
  if (
    adjoint?.kind === "through" && solver !== undefined && "make" in solver && solver.gradientFree
  ) {
    throw new TypeError(
      `${op}: ${solver.description} looks at values alone, and its steps have no derivatives. ` +
        "Take implicit(), or another solver",
    );
  }
  checkWarmStart(op, warmStart);
}
