/**
 * Roots of functions of one number between two points of opposite signs.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkCount } from "../core/checks.ts";
import { scalarArray } from "../core/concrete.ts";
import { epsilon, isFloat } from "../core/dtype.ts";
import { DTypeError, ShapeError } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { abs, div, maximum, minimum } from "../primitives/elementwise/arithmetic.ts";
import { and, or } from "../primitives/elementwise/compare.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { checkDictionary } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import { checkFunction, flattenResult, toArray } from "../transforms/trees.ts";
import type { Transforms } from "../transforms/types.ts";
import { checkTolerance } from "./options.ts";
import { checkConverged, Solution, statusCode } from "./solution.ts";

/** Options of `bracketRoot`. */
export interface BracketRootOptions {
  /** The dictionary of transforms; pass a module system's where `f` uses modules. */
  readonly transforms?: Transforms | undefined;
  /** Width of the last bracket over the root (default 4 epsilon). */
  readonly rtol?: number | undefined;
  /** Width of the last bracket that is small enough in any case (default 0). */
  readonly atol?: number | undefined;
  /** Largest number of evaluations of `f`, the two of the bracket included (default 200). */
  readonly maxSteps?: number | undefined;
  /** Whether a failed solve raises `ConvergenceError` (default false: look at `status`). */
  readonly throw?: boolean | undefined;
}

const optionTable: OptionTable<BracketRootOptions> = {
  maxSteps: "count",
  rtol: "tolerance",
  atol: "tolerance",
  transforms: "object",
  throw: "boolean",
};

/**
 * Solves `f(x) = 0` between two points where `f` has opposite signs, by inverse quadratic interpolation where
 * that is safe and halving elsewhere (Chandrupatla, "A new hybrid quadratic/bisection algorithm", Advances in
 * Engineering Software 28, 1997). The bracket always holds a change of sign, so that it cannot fail for a
 * continuous function. Without a change of sign the status is `"breakdown"`. The root is differentiable with
 * respect to whatever `f` closes over.
 *
 * @param f From a scalar to a scalar.
 * @param bracket Two scalars, in either order.
 * @throws {ShapeError} where the ends or the values of `f` are not scalars.
 * @throws {DTypeError} where an end is not floating-point.
 *
 * @example
 * ```ts
 * import { bracketRoot } from "@injax/injax";
 *
 * const { value } = bracketRoot((x) => x.pow(3).sub(x).sub(2), [1, 2]);
 * console.log(value.item().toFixed(4)); // 1.5214
 * ```
 */
export function bracketRoot(
  f: (x: NDArray) => NDArray,
  bracket: readonly [number | NDArray, number | NDArray],
  options: BracketRootOptions = {},
): Solution<NDArray> {
  const op = "bracketRoot";
  if (arguments.length > 2) checkCall("bracketRoot(f, bracket, options)", arguments, optionTable);
  checkFunction(op, f);
  const { transforms = pure, rtol, atol = 0, maxSteps = 200 } = options;
  if (options.transforms !== undefined) checkDictionary(op, transforms);
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  checkTolerance(op, "atol", atol);
  checkCount(op, "maxSteps", maxSteps);
  if (!Array.isArray(bracket) || bracket.length !== 2) {
    throw new TypeError(`${op}: the bracket must be a list of two scalars`);
  }
  const [first, second] = bracket.map((end) => {
    const x = toArray(end);
    if (x === null) throw new TypeError(`${op}: the ends of the bracket must be numbers or arrays`);
    if (x.ndim !== 0) {
      throw new ShapeError(`${op}: an end of the bracket has shape [${x.shape}], not []`);
    }
    if (!isFloat(x.dtype)) {
      throw new DTypeError(`${op}: an end of the bracket is ${x.dtype}, not a float`);
    }
    return x;
  }) as [NDArray, NDArray];
  const wide = first.dtype === "float64" ? first.dtype : second.dtype;
  const [left, right] = [first.astype(wide), second.astype(wide)];
  const number = (v: number): NDArray => scalarArray(v, wide);
  const int = (v: number): NDArray => scalarArray(v, "int32");
  const share = rtol ?? 4 * epsilon(wide);

  const equation = (x: NDArray): NDArray => {
    const [[y, ...others]] = flattenResult(op, f, f(x));
    if (y === undefined || others.length > 0 || y.ndim !== 0) {
      throw new ShapeError(`${op}: f must give a scalar`);
    }
    return y.astype(wide);
  };
  interface State {
    readonly a: NDArray;
    readonly b: NDArray;
    readonly c: NDArray;
    readonly fa: NDArray;
    readonly fb: NDArray;
    readonly fc: NDArray;
    readonly t: NDArray;
    readonly steps: NDArray;
    readonly status: NDArray;
  }
  const [root, outcome] = transforms.customRoot(
    equation as never,
    left,
    (g) => {
      const at = g as unknown as (x: NDArray) => NDArray;
      const [fa, fb] = [at(left), at(right)];
      const known = and(isFinite(fa), isFinite(fb));
      const changes = fa.greater(0).notEqual(fb.greater(0));
      const done = or(fa.equal(0), fb.equal(0));
      let status = select(done, int(0), select(changes, int(-1), int(statusCode("breakdown"))));
      status = select(known, status, int(statusCode("nonfinite")));
      const start: State = {
        a: right,
        b: left,
        c: left,
        fa: fb,
        fb: fa,
        fc: fa,
        t: number(0.5),
        steps: int(2),
        status,
      };
      const end = transforms.whileLoop(
        (s) => (s as unknown as State).status.equal(-1),
        (s) => {
          const now = s as unknown as State;
          const x = now.a.add(now.t.mul(now.b.sub(now.a)));
          const fx = at(x);
          const same = fx.greater(0).equal(now.fa.greater(0));
          const [c, fc] = [select(same, now.a, now.b), select(same, now.fa, now.fb)];
          const [b, fb] = [select(same, now.b, now.a), select(same, now.fb, now.fa)];
          const best = select(abs(fx).less(abs(fb)), x, b);
          const width = abs(b.sub(x));
          const limit = div(abs(best).mul(share / 2).add(atol / 2), width);
          const xi = div(x.sub(b), c.sub(b));
          const phi = div(fx.sub(fb), fc.sub(fb));
          const [over, under] = [number(1).sub(phi), number(1).sub(xi)];
          const safe = and(phi.mul(phi).less(xi), over.mul(over).less(under));
          const inverse = div(fx, fb.sub(fx)).mul(div(fc, fb.sub(fc))).add(
            div(c.sub(x), b.sub(x)).mul(div(fx, fc.sub(fx))).mul(div(fb, fc.sub(fb))),
          );
          const wanted = select(and(safe, isFinite(inverse)), inverse, number(0.5));
          const t = minimum(maximum(wanted, limit), number(1).sub(limit));
          const steps = now.steps.add(1);
          const met = or(fx.equal(0), or(limit.greaterEqual(0.5), width.equal(0)));
          let status = select(steps.greaterEqual(maxSteps), int(statusCode("maxSteps")), int(-1));
          status = select(met, int(0), status);
          status = select(isFinite(fx), status, int(statusCode("nonfinite")));
          return { a: x, b, c, fa: fx, fb, fc, t, steps, status } as never;
        },
        start as never,
      ) as unknown as State;
      const nearer = or(abs(end.fa).less(abs(end.fb)), end.fa.equal(0));
      const rest = {
        status: end.status,
        steps: end.steps,
        residualNorm: select(nearer, abs(end.fa), abs(end.fb)),
        width: abs(end.a.sub(end.b)),
      };
      return [select(nearer, end.a, end.b), rest] as never;
    },
    (g, y) => div(y as NDArray, (g as unknown as (x: NDArray) => NDArray)(number(1))) as never,
    { hasAux: true },
  ) as unknown as [
    NDArray,
    { status: NDArray; steps: NDArray; residualNorm: NDArray; width: NDArray },
  ];
  const { status, steps, residualNorm, width } = outcome;
  const solution = new Solution<NDArray>({
    value: root,
    status,
    steps,
    evaluations: { f: steps, jacobian: int(0), products: int(0) },
    residualNorm,
    valueNorm: abs(root),
    errorEstimate: width,
    aux: null,
    description: `${op} by Chandrupatla's method`,
  });
  if (options.throw) checkConverged(op, solution);
  return solution;
}
