/**
 * Least squares: the unknowns for which the sum of squared residuals is smallest.
 *
 * Losses that bound the weight of outliers, as a change of the residuals: a residual `r` becomes the one
 * whose square is the loss of `r`, with the sign of `r`. So the sum of squares is the loss, and all that is
 * done for least squares (steps, bounds, derivatives) holds for it.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  describeValue,
  type NDArray,
  type OptionTable,
  scalarArray,
  type ShapedArray,
  ShapeError,
  tableOf,
  treeLeaves,
  treeUnflatten,
} from "../core/mod.ts";
import {
  atan,
  convert,
  div,
  full,
  isFinite,
  log1p,
  mul,
  reshape,
  select,
  stopGradient,
} from "../primitives/mod.ts";
import { checkDictionary } from "../transforms/members.ts";
import { alone } from "../transforms/implicit.ts";
import { pure } from "../transforms/pure.ts";
import type { Arrays, Tree, TreeOf } from "../transforms/tree_types.ts";
import { called, checkFunction, flattenResult, nameOf } from "../transforms/trees.ts";
import type { HasAux, Transforms } from "../transforms/types.ts";
import {
  type Adjoint,
  checkAdjoint,
  curvature,
  defaultTolerance,
  implicit,
  solutionOf,
  throughSteps,
  vectorSolver,
} from "./adjoint.ts";
import type { FloatTree } from "./fixed_point.ts";
import { factorOf, iterate } from "./iterate.ts";
import type { Leg, Outcome, State } from "./method.ts";
import { dot, norm, ravelTree } from "./norms.ts";
import {
  between,
  type Bounds,
  boundTrees,
  checkLeg,
  checkMade,
  checkTolerance,
  checkWarmStart,
  clipped,
  inPrecisionOf,
  localAt,
  named,
  startOf,
  toldWhy,
  trustRegionOptions,
  withAux,
} from "./options.ts";
import { checkConverged, Solution } from "./solution.ts";
import type { TrustRegionMemory } from "./trust_region/memory.ts";
import { levenbergMarquardt, made, type TrustRegionMethod } from "./trust_region/methods.ts";

/** How residuals count: names as in SciPy's `least_squares`. */
export type Loss = "squares" | "huber" | "softL1" | "cauchy" | "arctan";

/** For z = r^2 (in units of the scale) beyond `near`: the loss of z. `slope` is that of the root of its share of z, at 0. */
const losses: Readonly<
  Record<Exclude<Loss, "squares">, { readonly of: (z: NDArray) => NDArray; readonly slope: number }>
> = {
  huber: { of: (z) => select(z.lessEqual(1), z, z.sqrt().mul(2).sub(1)), slope: 0 },
  softL1: { of: (z) => div(z, z.add(1).sqrt().add(1)).mul(2), slope: -0.125 },
  cauchy: { of: (z) => log1p(z), slope: -0.25 },
  arctan: { of: (z) => atan(z), slope: 0 },
};

/**
 * Residuals whose squares are the losses of `r`.
 *
 * @throws {RangeError} where there is no such loss.
 */
export function robust(op: string, r: NDArray, loss: Loss, scale: number): NDArray {
  if (loss === "squares") return r;
  const rule = Object.hasOwn(losses, loss) ? losses[loss] : undefined;
  if (rule === undefined) {
    throw new RangeError(
      `${op}: loss must be "squares", ${Object.keys(losses).map((l) => `"${l}"`).join(", ")}, not ${
        describeValue(loss)
      }`,
    );
  }
  const unit = div(r, full([], scale, r.dtype));
  const z = unit.mul(unit);
  const small = z.less(near);
  // Neither root nor quotient is asked for where z is near 0, since their slopes are infinite there.
  const away = select(small, full(z.shape, 1, z.dtype), z);
  const share = div(rule.of(away), away).sqrt();
  const series = z.mul(rule.slope).add(1);
  return r.mul(select(small, series, share));
}

/** Where the first two terms of the series are exact to the fourth digit beyond float32's. */
const near = 1e-9;

/** Options of `leastSquares`. */
export interface LeastSquaresOptions {
  /** The method: `levenbergMarquardt()` (the default), `dogleg()` or `gaussNewton()`. */
  readonly solver?: TrustRegionMethod | undefined;
  /** The dictionary of transforms; pass a module system's where the function uses modules. */
  readonly transforms?: Transforms | undefined;
  /**
   * Largest relative change of each unknown by the last Gauss-Newton step; default 6e-6 for float32 and
   * 2e-12 for float64. Where rounding forbids it, up to 7e-5 and 4e-10 is accepted. What rounding makes of the step may
   * be as large, or as `rtol`, or 1e-5 of what scatter makes of the unknowns.
   */
  readonly rtol?: number | undefined;
  /** Residual norm that is small enough whatever the step (default 0). */
  readonly atol?: number | undefined;
  /** Largest number of evaluations of the residuals (default 1000). */
  readonly maxSteps?: number | undefined;
  /** Whether a failed solve raises `ConvergenceError` (default false: look at `status`). */
  readonly throw?: boolean | undefined;
  /**
   * How to differentiate the solution: `implicit()` (the default) and its options, `unrolled()` or `checkpointed()`.
   */
  readonly adjoint?: Adjoint | undefined;
  /** Whether to keep the residual norm of each evaluation. */
  readonly history?: boolean | undefined;
  /** Bounds of the unknowns: residuals are never evaluated outside. A start outside is brought inside. */
  readonly bounds?: Bounds | undefined;
  /** How residuals count: `"squares"` (the default), or a loss that bounds the weight of outliers. */
  readonly loss?: Loss | undefined;
  /** The size of residual from which the loss departs from squares (default 1). */
  readonly lossScale?: number | undefined;
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

/** What the options hold. */
export const leastSquaresOptions: OptionTable<
  Omit<LeastSquaresOptions, "keepMemory" | "warmStart">
> = /* @__PURE__ */ tableOf(trustRegionOptions, {
  loss: "string",
  lossScale: "number",
});

const optionTable: OptionTable<LeastSquaresOptions & HasAux> = /* @__PURE__ */ tableOf(
  leastSquaresOptions,
  {
    keepMemory: "boolean",
    warmStart: "object",
    hasAux: "boolean",
  },
);

/**
 * Minimises half the sum of squares of what `residuals` gives, from `x0`. Claims success only where the last
 * Gauss-Newton step is small in each unknown, not where progress is slow. The solution is differentiable with
 * respect to whatever `residuals` closes over, by the implicit function theorem: `n` products with the
 * Hessian, [n, n].
 *
 * @param residuals From a tree to an array or tree of floating-point arrays.
 * @param x0 Where to start: a tree of floating-point arrays, or of numbers, which are as precise as the residuals.
 * @returns A solution: `cost` is half the sum of squares (with a `loss`, of what that makes of it), and has derivatives.
 * @throws {DTypeError} where a leaf is not floating-point.
 * @throws {RangeError} where an option is out of range, or a lower bound is above an upper one.
 * @throws {ConvergenceError} where the solve fails and `throw` is set.
 *
 * @example
 * ```ts
 * import { leastSquares, numpy as np } from "@injax/injax";
 *
 * const x = np.array([0, 1, 2, 3]);
 * const y = np.array([2, 1.2131, 0.7358, 0.4463]);
 * const fit = leastSquares(({ a, b }) => np.exp(x.mul(b).neg()).mul(a).sub(y), { a: 1, b: 1 });
 * console.log(fit.statusName, fit.value.a.item().toFixed(2), fit.value.b.item().toFixed(2));
 * // converged 2.00 0.50
 * ```
 */
export function leastSquares<T extends FloatTree>(
  residuals: (x: Arrays<T>) => TreeOf<NDArray>,
  x0: T,
  options?: LeastSquaresOptions & HasAux<false>,
): Solution<T>;
/**
 * With `hasAux`, `residuals` gives `[r, aux]`, and the solution's `aux` is that at the solution, evaluated once. It may
 * be any tree of arrays, and has derivatives.
 *
 * @example
 * ```ts
 * import { leastSquares, numpy as np } from "@injax/injax";
 *
 * const y = np.array([1, 2, 4]);
 * const mean = leastSquares((m) => [y.sub(m), { total: m.mul(3) }], 0, { hasAux: true });
 * console.log(mean.aux.total.item().toFixed(3)); // 7.000
 * ```
 */
export function leastSquares<T extends FloatTree, Aux extends Tree>(
  residuals: (x: Arrays<T>) => readonly [TreeOf<NDArray>, Aux],
  x0: T,
  options: LeastSquaresOptions & { readonly hasAux: true },
): Solution<T, Aux>;
export function leastSquares<T extends FloatTree>(
  residuals: (x: Arrays<T>) => unknown,
  x0: T,
  options: LeastSquaresOptions & HasAux = {},
): Solution<T> {
  if (arguments.length > 2) {
    checkCall("leastSquares(residuals, x0, options)", arguments, optionTable);
  }
  return solveLeastSquares("leastSquares", residuals, x0, options, false)[0];
}

/** What statistics need of a solution: the residuals [m], without the loss, and their Jacobian [m, n]. */
export interface AtSolution {
  readonly r: NDArray;
  readonly jacobian: NDArray;
}

/**
 * As `leastSquares`, for `op`, with what statistics need. It is had within the solve, where the residuals are a pure
 * function: with modules another evaluation would write state and draw keys again.
 */
export function solveLeastSquares<T extends FloatTree>(
  op: string,
  residuals: (x: Arrays<T>) => unknown,
  x0: T,
  options: LeastSquaresOptions & HasAux,
  wantsJacobian: true,
): [Solution<T>, AtSolution];
export function solveLeastSquares<T extends FloatTree>(
  op: string,
  residuals: (x: Arrays<T>) => unknown,
  x0: T,
  options: LeastSquaresOptions & HasAux,
  wantsJacobian: boolean,
): [Solution<T>, AtSolution | null];
export function solveLeastSquares<T extends FloatTree>(
  op: string,
  residuals: (x: Arrays<T>) => unknown,
  x0: T,
  options: LeastSquaresOptions & HasAux,
  wantsJacobian: boolean,
): [Solution<T>, AtSolution | null] {
  checkFunction(op, residuals);
  checkOptions(op, options);
  const { transforms = pure, maxSteps = 1000, history = false, loss = "squares", leg } = options;
  const { adjoint = implicit(), hasAux = false, keepMemory = false } = options;
  const [given, def] = startOf(op, x0);
  const bounds = options.bounds === undefined ? null : boundTrees(op, options.bounds, given, def);
  const start = bounds === null
    ? treeUnflatten(def, given)
    : clipped(treeUnflatten(def, given), bounds.lower, bounds.upper, def);
  const { vector, ravel, unravel, sizes } = ravelTree(op, start, "x0");
  const { dtype } = vector;
  const tolerance = Math.max(...given.map((x) => defaultTolerance(x.dtype)));
  const { rtol = tolerance, atol = 0, lossScale = 1 } = options;

  /** The residuals as a vector [m], and what is given beside them. */
  const own = (v: NDArray): readonly [r: NDArray, aux: Tree] => {
    const result = called(residuals, [unravel(v)]);
    const [given, aux] = hasAux ? withAux(op, residuals, result, "r") : [result, null];
    flattenResult(op, residuals, given);
    return [ravelTree(op, given, "the residuals").vector, aux as Tree];
  };
  const plain = (v: NDArray): readonly [r: NDArray, aux: Tree] => {
    const [r, aux] = own(v);
    return [convert(r, dtype), aux];
  };
  /** As the loss has them. */
  const weighed = (r: NDArray): NDArray => robust(op, r, loss, lossScale);
  const ownValue = named(op, residuals, (v: NDArray): NDArray => own(v)[0]);
  const told = transforms.evalShape(ownValue, vector) as unknown as ShapedArray;
  const m = told.shape[0]!;
  if (told.dtype !== dtype) {
    const precise = inPrecisionOf(told.dtype, x0) as T;
    if (precise !== x0) return solveLeastSquares(op, residuals, precise, options, wantsJacobian);
  }
  if (m === 0 && vector.size > 0) {
    throw new ShapeError(
      `${op}: ${nameOf(residuals)} gives no residuals, which determine no unknowns`,
    );
  }
  const warm = options.warmStart?.memory as Pick<State, "memory" | "scale"> | undefined;
  const through = throughSteps(adjoint, maxSteps);
  const limits = { rtol, atol, maxSteps, history, leg, warm, through };

  // Unknowns of the equation are x and the residuals: so its solver sees residuals, where the equation alone
  // has their gradient.
  interface Unknowns {
    readonly x: unknown;
    readonly q: NDArray;
  }
  const lower = bounds === null ? null : ravel(bounds.lower);
  const upper = bounds === null ? null : ravel(bounds.upper);
  const method = made(options.solver ?? levenbergMarquardt(), {
    rtol,
    atol,
    sizes,
    root: false,
    bounds: lower === null ? null : { lower, upper: upper! },
  });
  const lacking =
    `${op} by ${method.description}: it needs the Jacobian of ${nameOf(residuals)} and, but for ` +
    "{ adjoint: unrolled() }, derivatives of that, and there are none. Say what they are with customJvp, or minimise " +
    "the sum of squares by nelderMead(), which looks at values alone";
  const equation = ({ x, q }: Unknowns): Unknowns | [Unknowns, Tree] => {
    const v = ravel(x);
    const both = (v: NDArray): [NDArray, [NDArray, Tree]] => {
      const [r, aux] = plain(v);
      return [weighed(r), [r, aux]];
    };
    const [, pull, [r, aux]] = toldWhy(
      lacking,
      () => transforms.vjp(both, [v], { hasAux: true }),
    ) as unknown as [
      NDArray,
      (w: NDArray) => [NDArray],
      [NDArray, Tree],
    ];
    const g = pull(weighed(r))[0];
    const zero = lower === null ? g : v.sub(between(v.sub(g), lower, upper!));
    const at = { x: unravel(zero), q: r.sub(q) };
    return hasAux ? [at, aux] : at;
  };
  named(op, residuals, equation);
  const none = full([m], 0, dtype);
  const [root, outcome, aux = null] = solutionOf(adjoint, transforms, {
    equation: equation as (x: never) => unknown,
    start: { x: start, q: none },
    solve: (g, z) => {
      const apply = g as unknown as (z: Unknowns) => Unknowns;
      // Without the gradient, and the derivatives of that.
      const residual = through === undefined
        ? alone((v) => apply({ x: unravel(v), q: none }).q, vector)
        : (v: NDArray): NDArray => plain(v)[0];
      const problem = {
        evaluate: (v: NDArray) => ({ r: weighed(residual(v)), cost: null }),
        sizes,
        m,
        displacement: false,
        hasCost: false,
        lacking,
      };
      const first = ravel((z as unknown as Unknowns).x);
      const { x, state, ...rest } = iterate(problem, first, method, limits, transforms);
      const { model } = state.memory as TrustRegionMemory;
      const gradient = norm(
        model.d.mul(combine(model.vt, model.s.mul(model.c))).mul(model.size),
      );
      return [
        { x: unravel(x), q: loss === "squares" ? state.bestR : residual(x) },
        {
          ...rest,
          gradient,
          memory: keepMemory ? { memory: state.memory, scale: state.scale } : null,
          state: leg === undefined ? null : state,
          at: wantsJacobian ? atSolution(residual, x, transforms) : null,
        },
      ] as unknown as [Tree, Tree];
    },
    tangents: () => {
      const byHessian = vectorSolver(adjoint, transforms, curvature);
      return (apply: (z: Unknowns) => Unknowns, { x: yx, q: yq }: Unknowns) => {
        // Of the equation's sign, a descent, as of minima.
        const hessian = (v: NDArray): NDArray => ravel(apply({ x: unravel(v), q: none }).x).neg();
        const dx = unravel(byHessian(hessian, ravel(yx).neg()));
        return { x: dx, q: apply({ x: dx, q: none }).q.sub(yq) };
      };
    },
    hasAux,
  }) as unknown as [
    Unknowns,
    Omit<Outcome, "x"> & {
      readonly gradient: NDArray;
      readonly memory: unknown;
      readonly at: AtSolution | null;
    },
    null?,
  ];
  leg?.take(outcome.state, maxSteps, transforms);

  const known = (treeLeaves(root.x) as NDArray[]).map((x) => mul(x, factorOf(outcome, x.dtype)));
  const { status, steps, residualNorm, valueNorm } = outcome;
  // By the norm, which has no square that leaves the dtype; its derivative by the residuals.
  const half = (v: NDArray): NDArray => dot(v, v).mul(0.5);
  const cost = half(reshape(residualNorm, [1]));
  const moves = half(weighed(root.q));
  const moved = cost.add(moves.sub(stopGradient(moves)));
  const solution = new Solution<T>({
    value: treeUnflatten(def, known) as Arrays<T>,
    status,
    steps,
    evaluations: outcome.counts,
    residualNorm,
    valueNorm: mul(valueNorm, factorOf(outcome, dtype)),
    cost: select(isFinite(moves), moved, cost),
    gradientNorm: outcome.gradient,
    errorEstimate: null,
    history: outcome.history,
    aux,
    memory: outcome.memory,
    description: `${op} by ${method.description}`,
  });
  if (options.throw) checkConverged(op, solution);
  return [solution, outcome.at];
}

function atSolution(
  residual: (v: NDArray) => NDArray,
  x: NDArray,
  transforms: Transforms,
): AtSolution {
  const evaluate = (v: NDArray) => ({ r: residual(v), cost: null });
  return { r: residual(x), jacobian: localAt({ evaluate }, x, { transforms }).jacobian() };
}

/** `m^T v`. */
function combine(m: NDArray, v: NDArray): NDArray {
  return m.mul(v.reshape([v.size, 1])).sum(0);
}

function checkOptions(op: string, options: LeastSquaresOptions): void {
  const { solver, transforms, rtol, atol, maxSteps, loss, lossScale } = options;
  if (solver !== undefined) {
    checkMade(
      op,
      "solver",
      solver,
      (s) => s.trustRegion === true,
      "levenbergMarquardt(), dogleg() or gaussNewton()",
    );
  }
  if (transforms !== undefined) checkDictionary(op, transforms);
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  if (atol !== undefined) checkTolerance(op, "atol", atol);
  if (maxSteps !== undefined) checkCount(op, "maxSteps", maxSteps);
  checkLeg(op, options.leg);
  checkWarmStart(op, options.warmStart);
  checkAdjoint(op, options.adjoint, ["implicit", "through"]);
  if (lossScale !== undefined && loss === undefined) {
    throw new TypeError(
      `${op}: lossScale is the size from which on a loss departs from squares, but there is no loss. Give it too, ` +
        `{ loss: "huber", lossScale: ${describeValue(lossScale).replace(/^number /, "")} }`,
    );
  }
  if (lossScale !== undefined && !(lossScale > 0 && lossScale < Infinity)) {
    throw new RangeError(
      `${op}: lossScale must be a positive finite number, not ${describeValue(lossScale)}`,
    );
  }
  if (loss !== undefined && loss !== "squares") robust(op, scalarArray(0, "float32"), loss, 1);
}
