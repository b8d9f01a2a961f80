/**
 * Roots of functions of one number between two points of opposite signs.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  ConcreteArray,
  epsilon,
  type NDArray,
  type OptionTable,
  scalarArray,
} from "../core/mod.ts";
import { abs, and, isFinite, maximum, minimum, not, or, select } from "../primitives/mod.ts";
import { checkDictionary } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import { called, checkFunction } from "../transforms/trees.ts";
import type { Transforms } from "../transforms/types.ts";
import { type Adjoint, checkAdjoint, implicit, tangentSolver } from "./adjoint.ts";
import { type Bracket, type BracketMethod, chandrupatla } from "./bracket_methods.ts";
import { factorOf } from "./iterate.ts";
import { bracketOf, checkMade, checkTolerance, endsOf, named, scalarOf } from "./options.ts";
import { checkConverged, Solution, statusCode } from "./solution.ts";

/** Options of `bracketRoot`. */
export interface BracketRootOptions {
  /** The method: `chandrupatla()` (the default), `toms748()`, `brent()` or `bisection()`. */
  readonly solver?: BracketMethod | undefined;
  /**
   * Whether to widen the bracket until the signs at its ends are different (default false), each time at the end
   * where the function is nearer to 0.
   */
  readonly expand?: boolean | undefined;
  /** The dictionary of transforms; pass a module system's where `f` uses modules. */
  readonly transforms?: Transforms | undefined;
  /** Width of the last bracket over the root (default 4 epsilon). */
  readonly rtol?: number | undefined;
  /** Width of the last bracket that is small enough in any case (default 0). */
  readonly atol?: number | undefined;
  /** Largest number of evaluations of `f`, the two of the bracket included, which are made in any case (default 200). */
  readonly maxSteps?: number | undefined;
  /** Whether a failed solve raises `ConvergenceError` (default false: look at `status`). */
  readonly throw?: boolean | undefined;
  /** How to differentiate the root: `implicit()` (the default) and its options. */
  readonly adjoint?: Adjoint | undefined;
}

const optionTable: OptionTable<BracketRootOptions> = {
  solver: "object",
  expand: "boolean",
  maxSteps: "count",
  rtol: "tolerance",
  atol: "tolerance",
  transforms: "object",
  throw: "boolean",
  adjoint: "object",
};

/** What the loop carries. */
interface State extends Bracket {
  readonly memory: readonly NDArray[];
  readonly steps: NDArray;
  readonly status: NDArray;
}

/** Two points with their values, while the bracket is widened. */
interface Ends {
  readonly a: NDArray;
  readonly b: NDArray;
  readonly fa: NDArray;
  readonly fb: NDArray;
  /** By how much of its width the bracket grows. */
  readonly growth: NDArray;
  /** The size of the value before the last one at the end that moved. */
  readonly before: NDArray;
  readonly steps: NDArray;
}

const int = (v: number): NDArray => scalarArray(v, "int32");

/**
 * Solves `f(x) = 0` between two points where `f` has opposite signs. The bracket always holds a change of sign,
 * so that it cannot fail for a continuous function; where the sign changes by a jump or at a pole, the status is
 * `"stagnated"`. Without a change of sign the status is `"breakdown"`, unless
 * `expand` finds one further out. The root is differentiable with respect to whatever `f` closes over.
 *
 * @param f From a scalar to a scalar.
 * @param bracket Two scalars, in either order; numbers are as precise as what `f` gives.
 * @throws {ShapeError} where the ends or the values of `f` are not scalars.
 * @throws {DTypeError} where an end is not floating-point.
 * @throws {ConvergenceError} where the solve fails and `throw` is set.
 *
 * @example
 * ```ts
 * import { bracketRoot, numpy as np, toms748 } from "@injax/injax";
 *
 * const { value } = bracketRoot((x) => x.pow(3).sub(x).sub(2), [1, 2]);
 * console.log(value.item().toFixed(4)); // 1.5214
 * const far = bracketRoot((x) => np.exp(x).sub(1e4), [0, 1], { expand: true, solver: toms748() });
 * console.log(far.value.item().toFixed(4)); // 9.2103
 * ```
 */
export function bracketRoot(
  f: (x: NDArray) => NDArray,
  bracket: readonly [number | NDArray, number | NDArray],
  options: BracketRootOptions = {},
): Solution<NDArray> {
  const op = "bracketRoot";
  // Ends that are two arguments are told so before the second is looked at as options.
  bracketOf(op, bracket);
  if (arguments.length > 2) checkCall("bracketRoot(f, bracket, options)", arguments, optionTable);
  checkFunction(op, f);
  const { transforms = pure, rtol, atol = 0, maxSteps = 200, expand = false } = options;
  const { solver = chandrupatla(), adjoint = implicit() } = options;
  if (options.transforms !== undefined) checkDictionary(op, transforms);
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  checkTolerance(op, "atol", atol);
  checkCount(op, "maxSteps", maxSteps);
  checkAdjoint(op, options.adjoint, ["implicit"]);
  const made = "chandrupatla(), toms748(), brent() or bisection()";
  checkMade(op, "solver", solver, (s) => typeof s.next === "function", made);
  const valueAt = (x: NDArray): NDArray => {
    return scalarOf(op, f, called(f, [x]), {
      array: "Several equations are for rootFind, and one at a time for vmap",
      tree: "Return the array itself",
    });
  };
  named(op, f, valueAt);
  const [left, right] = endsOf(op, bracket, valueAt, transforms);
  const wide = left.dtype;
  const number = (v: number): NDArray => scalarArray(v, wide);
  const share = rtol ?? 4 * epsilon(wide);

  const equation = named(op, f, (x: NDArray): NDArray => valueAt(x).astype(wide));
  const enoughAt = (x: NDArray): NDArray => abs(x).mul(share).add(atol);
  const opposite = (fa: NDArray, fb: NDArray): NDArray =>
    or(fa.greater(0).notEqual(fb.greater(0)), or(fa.equal(0), fb.equal(0)));

  /** The bracket made wider at the end where the function is nearer to 0, until it holds a change of sign. */
  const widened = (at: (x: NDArray) => NDArray, start: Ends): Ends =>
    transforms.whileLoop(
      (s) => {
        const { fa, fb, steps } = s as unknown as Ends;
        const open = and(not(opposite(fa, fb)), steps.less(maxSteps));
        return and(open, and(hasSign(fa), hasSign(fb)));
      },
      (s) => {
        const now = s as unknown as Ends;
        const atA = abs(now.fa).less(abs(now.fb));
        const [near, other] = [select(atA, now.a, now.b), select(atA, now.b, now.a)];
        const gap = near.sub(other);
        // A bracket of one point begins with a hundredth of it.
        const width = select(gap.equal(0), maximum(abs(near).mul(0.01), number(1e-3)), gap);
        const x = near.add(width.mul(now.growth));
        const fx = at(x);
        const finite = and(hasSign(fx), isFinite(x));
        const moves = (which: NDArray, to: NDArray, from: NDArray): NDArray =>
          select(and(which, finite), to, from);
        return {
          a: moves(atA, x, now.a),
          fa: moves(atA, fx, now.fa),
          b: moves(not(atA), x, now.b),
          fb: moves(not(atA), fx, now.fb),
          // Back from where nothing is defined.
          growth: select(finite, now.growth, now.growth.mul(0.25)),
          before: select(finite, minimum(abs(now.fa), abs(now.fb)), now.before),
          steps: now.steps.add(1),
        } as never;
      },
      start as never,
    ) as unknown as Ends;

  const [root, outcome] = transforms.customRoot(
    equation as never,
    left,
    (g) => {
      const at = g as unknown as (x: NDArray) => NDArray;
      const beginning = {
        a: left,
        b: right,
        fa: at(left),
        fb: at(right),
        growth: number(1.6),
        before: number(Infinity),
        steps: int(2),
      };
      const { a, b, fa, fb, before, steps } = expand ? widened(at, beginning) : beginning;
      const known = and(and(hasSign(fa), hasSign(fb)), and(isFinite(a), isFinite(b)));
      const zero = or(fa.equal(0), fb.equal(0));
      // What had all but vanished before it was 0, as that of exp, has died out.
      const done = and(zero, before.greater(maximum(abs(fa), abs(fb)).mul(epsilon(wide))));
      const none = expand
        ? select(steps.less(maxSteps), int(codes.breakdown), int(codes.maxSteps))
        : int(codes.breakdown);
      const holds = and(opposite(fa, fb), not(zero));
      const open = select(steps.less(maxSteps), int(-1), int(codes.maxSteps));
      let status = select(done, int(0), select(holds, open, none));
      status = select(known, status, int(codes.nonfinite));
      const inside = int(0);
      const around: Bracket = {
        a: b,
        b: a,
        c: a,
        d: a,
        fa: fb,
        fb: fa,
        fc: fa,
        fd: fa,
        inside,
        enough: enoughAt(select(abs(fa).less(abs(fb)), a, b)),
      };
      const first = abs(b.sub(a));
      const start: State = { ...around, memory: solver.init(around), steps, status };
      const end = transforms.whileLoop(
        (s) => (s as unknown as State).status.equal(-1),
        (s) => {
          const now = s as unknown as State;
          const [wanted, memory] = solver.next(now, now.memory);
          // Not nearer to an end than what is small enough.
          const room = minimum(now.enough, abs(now.b.sub(now.a))).mul(0.5);
          const low = minimum(now.a, now.b).add(room);
          const high = maximum(now.a, now.b).sub(room);
          const inside = minimum(maximum(wanted, low), high);
          // Towards a root at 0 no bracket is small beside it: 0 itself is tried.
          const holds = and(low.less(0), high.greater(0));
          const narrow = abs(now.b.sub(now.a)).lessEqual(first.mul(nearZero(wide)));
          const x = select(and(holds, narrow), number(0), inside);
          const fx = at(x);
          const same = fx.greater(0).equal(now.fa.greater(0));
          const [c, fc] = [select(same, now.a, now.b), select(same, now.fa, now.fb)];
          const [b, fb] = [select(same, now.b, now.a), select(same, now.fb, now.fa)];
          const best = select(abs(fx).less(abs(fb)), x, b);
          const width = abs(b.sub(x));
          const enough = enoughAt(best);
          const steps = now.steps.add(1);
          const met = or(fx.equal(0), or(width.lessEqual(enough), width.equal(0)));
          let status = select(steps.greaterEqual(maxSteps), int(codes.maxSteps), int(-1));
          const finite = or(isFinite(fx), isFinite(fb));
          status = select(met, select(finite, int(0), int(codes.nonfinite)), status);
          status = select(hasSign(fx), status, int(codes.nonfinite));
          return {
            a: x,
            b,
            c,
            d: now.c,
            fa: fx,
            fb,
            fc,
            fd: now.fc,
            inside: now.inside.add(1),
            enough,
            memory,
            steps,
            status,
          } as never;
        },
        start as never,
      ) as unknown as State;
      const nearer = or(abs(end.fa).less(abs(end.fb)), or(end.fa.equal(0), not(hasSign(end.fb))));
      const least = select(nearer, abs(end.fa), abs(end.fb));
      const large = maximum(abs(fa), abs(fb)).mul(epsilon(wide) ** 0.75);
      // At 0 no bracket about a pole is small beside it.
      const width = abs(end.a.sub(end.b));
      const narrowed = and(
        end.status.equal(codes.maxSteps),
        width.lessEqual(first.mul(epsilon(wide))),
      );
      const ended = or(end.status.equal(0), narrowed);
      const suspect = and(ended, least.greater(large));
      // Where values at the ends are of another size than those beside the root, farther off than rounding makes stairs.
      const nearby = abs(end.a).mul(Math.sqrt(epsilon(wide)));
      const away = select(suspect, width.mul(widths), nearby);
      const { leaps, looks } = leap(at, end, away, first, and(ended, least.greater(0)), transforms);
      const rest = {
        status: select(leaps, int(codes.stagnated), end.status),
        steps: end.steps,
        looks,
        residualNorm: least,
        width,
        ends: [a, fa, b, fb],
        last: [end.a, end.fa, end.b, end.fb],
      };
      return [select(nearer, end.a, end.b), rest] as never;
    },
    tangentSolver(adjoint, transforms, "df/dx") as never,
    { hasAux: true },
  ) as unknown as [
    NDArray,
    Readonly<Record<"status" | "steps" | "looks" | "residualNorm" | "width", NDArray>> & {
      readonly ends: readonly NDArray[];
      readonly last: readonly NDArray[];
    },
  ];
  const { status, steps, looks, residualNorm, width, ends, last } = outcome;
  const value = root.mul(factorOf(outcome, wide));
  const solution = new Solution<NDArray>({
    value,
    status,
    steps,
    evaluations: { f: steps.add(looks), jacobian: int(0), products: int(0) },
    residualNorm,
    valueNorm: abs(value),
    errorEstimate: width,
    aux: null,
    description: `${op} by ${solver.description}${signs(status, ends, last, expand)}`,
  });
  if (options.throw) checkConverged(op, solution);
  return solution;
}

/**
 * Whether the sign changes by a leap: at a jump, or at a pole. Towards a root values fall; to both sides of what is
 * none they are no larger at some distance from the last bracket. Looked for where it is asked.
 */
function leap(
  at: (x: NDArray) => NDArray,
  { a, b, fa, fb }: Bracket,
  distance: NDArray,
  first: NDArray,
  asked: NDArray,
  transforms: Transforms,
): { readonly leaps: NDArray; readonly looks: NDArray } {
  const away = select(a.less(b), distance, distance.neg());
  const inside = abs(away).mul(2).less(first);
  const { leaps, looks } = transforms.whileLoop(
    (s) => s.open,
    ({ looks }) => {
      const second = looks.equal(1);
      const fx = at(select(second, b.add(away), a.sub(away)));
      const leaps = not(abs(fx).greater(abs(select(second, fb, fa)).mul(grown)));
      return { leaps, looks: looks.add(1), open: and(leaps, not(second)) };
    },
    { leaps: scalarArray(0, "bool"), looks: int(0), open: and(asked, inside) },
  );
  return { leaps, looks };
}

/**
 * Widths of the last bracket between it and a look, of which beside a root of order p values are larger by the p-th power;
 * and by how much a value is larger there beside a root.
 */
const widths = 8;
const grown = 1.2;

/** The share of the first bracket in which 0 is tried as a root. */
const nearZero = (dtype: NDArray["dtype"]): number => epsilon(dtype) ** 0.25;

/** Whether a value is positive, negative or 0, as infinite ones are: not NaN. */
const hasSign = (f: NDArray): NDArray => f.equal(f);

/** The statuses of a solve that has not converged. */
const codes = {
  maxSteps: /* @__PURE__ */ statusCode("maxSteps"),
  nonfinite: /* @__PURE__ */ statusCode("nonfinite"),
  breakdown: /* @__PURE__ */ statusCode("breakdown"),
  stagnated: /* @__PURE__ */ statusCode("stagnated"),
};

/** Where there is no change of sign at the ends, or one that is no root, and that is known: the values there. */
function signs(
  status: NDArray,
  ends: readonly NDArray[],
  last: readonly NDArray[],
  expand: boolean,
): string {
  const all = [status, ...ends, ...last];
  if (!all.every((x) => x instanceof ConcreteArray && x.peek() !== null && x.ndim === 0)) return "";
  const code = status.item();
  const values = ([a, fa, b, fb]: readonly NDArray[]): string => {
    const [p, fp, q, fq] = [a, fa, b, fb].map((x) => Number(x!.item().toPrecision(6)));
    return `f(${p}) = ${fp} and f(${q}) = ${fq}`;
  };
  if (code === codes.stagnated) {
    return ` (f changes its sign by a jump or at a pole, ${values(last)})`;
  }
  if (code === codes.nonfinite) return ` (${values(ends)})`;
  if (code !== codes.breakdown) return "";
  return ` (f has one sign at both ends, ${values(ends)}` +
    `${expand ? "" : "; expand: true looks further out"})`;
}
