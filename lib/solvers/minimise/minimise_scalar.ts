/**
 * Minima of functions of one number between two points.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { ConcreteArray } from "../../core/concrete.ts";
import { isFloat } from "../../core/dtype.ts";
import { DTypeError, formatShape, ShapeError } from "../../core/errors.ts";
import { checkCall, type OptionTable } from "../../core/signature.ts";
import { maximum, minimum } from "../../primitives/elementwise/arithmetic.ts";
import { checkFunction, toArray } from "../../transforms/trees.ts";
import { checkMade } from "../options.ts";
import type { Solution } from "../solution.ts";
import { checkOptions, type MinimiseOptions, solveMinimum } from "./minimise.ts";
import { brentMinimum, type ScalarMinimiser, section } from "./scalar_methods.ts";

/** Options of `minimiseScalar`. */
export interface MinimiseScalarOptions extends
  Pick<
    MinimiseOptions,
    "transforms" | "maxSteps" | "throw" | "adjoint" | "leg"
  > {
  /** The method: `brentMinimum()` (the default) or `goldenSection()`. */
  readonly solver?: ScalarMinimiser | undefined;
  /** Width of the last bracket over the minimum; no less than half the digits are to be had (default 1e-8 or so). */
  readonly rtol?: number | undefined;
}

const optionTable: OptionTable<MinimiseScalarOptions> = {
  maxSteps: "count",
  rtol: "tolerance",
  solver: "object",
  adjoint: "object",
  transforms: "object",
  throw: "boolean",
  leg: "object",
};

/**
 * Minimises a function of one number between two. Where it has several minima there, one of them is found; where
 * it has none inside, the end of the smaller value is come close to. The minimum is differentiable with respect
 * to whatever `f` closes over.
 *
 * @param f From a scalar to a scalar.
 * @param bracket Two scalars, in either order.
 * @throws {ShapeError} where the ends or the values of `f` are not scalars.
 * @throws {DTypeError} where an end is not floating-point.
 * @throws {RangeError} where the ends are the same or not finite.
 *
 * @example
 * ```ts
 * import { minimiseScalar } from "@injax/injax";
 *
 * const { value, cost } = minimiseScalar((x) => x.pow(3).sub(x), [0, 2]);
 * console.log(value.item().toFixed(3), cost!.item().toFixed(4)); // 0.577 -0.3849
 * ```
 */
export function minimiseScalar(
  f: (x: NDArray) => NDArray,
  bracket: readonly [number | NDArray, number | NDArray],
  options: MinimiseScalarOptions = {},
): Solution<NDArray> {
  const op = "minimiseScalar";
  if (arguments.length > 2) {
    checkCall("minimiseScalar(f, bracket, options)", arguments, optionTable);
  }
  checkFunction(op, f);
  const { solver = brentMinimum() } = options;
  checkMade(op, "solver", solver, (s) => s.scalar === true, "brentMinimum() or goldenSection()");
  checkOptions(op, options);
  if (!Array.isArray(bracket) || bracket.length !== 2) {
    throw new TypeError(`${op}: the bracket must be a list of two scalars`);
  }
  const [one, other] = bracket.map((end) => {
    const x = toArray(end);
    if (x === null) throw new TypeError(`${op}: the ends of the bracket must be numbers or arrays`);
    if (x.ndim !== 0) {
      throw new ShapeError(
        `${op}: an end of the bracket has shape ${formatShape(x.shape)}, not []`,
      );
    }
    if (!isFloat(x.dtype)) {
      throw new DTypeError(`${op}: an end of the bracket is ${x.dtype}, not a float`);
    }
    return x;
  }) as [NDArray, NDArray];
  const wide = one.dtype === "float64" ? one.dtype : other.dtype;
  const [p, q] = [one.astype(wide), other.astype(wide)];
  checkEnds(op, p, q);
  const lower = minimum(p, q);
  const upper = maximum(p, q);
  const start = lower.add(upper.sub(lower).mul(section));
  return solveMinimum(
    op,
    f,
    start,
    { ...options, solver, bounds: { lower, upper } },
    solver,
  ) as Solution<NDArray>;
}

/** Raises where the ends are known and make no bracket. */
function checkEnds(op: string, p: NDArray, q: NDArray): void {
  if (!(p instanceof ConcreteArray && q instanceof ConcreteArray)) return;
  if (p.peek() === null || q.peek() === null) return;
  const [a, b] = [p.item(), q.item()];
  if (Number.isFinite(a) && Number.isFinite(b) && a !== b) return;
  throw new RangeError(
    `${op}: the ends of the bracket must be finite and differ, not ${a} and ${b}`,
  );
}
