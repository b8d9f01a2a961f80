/**
 * Steps within a radius: what makes of one linear model the methods of Levenberg and Marquardt, of Powell
 * (dogleg) and of Gauss and Newton.
 *
 * Steps along the curved path that residuals take: "geodesic acceleration" (Transtrum and Sethna, "Improvements to
 * the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885, 2012).
 *
 * What becomes of the Jacobian from point to point: computed each time, kept, or brought up to date by what the
 * step has shown.
 *
 * @module
 */
import { type NDArray, scalarArray } from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  expandDims,
  full,
  maximum,
  minimum,
  not,
  reduceSum,
  select,
} from "../../primitives/mod.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import type { Transforms } from "../../transforms/types.ts";
import type { Local } from "../method.ts";
import { dot, norm } from "../norms.ts";
import { keptValues, type Model, orOne, stepAlong, times, transposedTimes } from "./model.ts";

/**
 * The step with what the second derivative of the residuals along it adds, where that is little beside the
 * step: `p + a / 2` with `(J^T J + lambda D^2) a = -J^T r''(p, p)`.
 */
export function bent(model: Model, step: NDArray, lambda: NDArray, local: Local): NDArray {
  const { transforms } = local;
  const residual = (x: NDArray): NDArray => local.evaluate(x).r;
  const slope = (x: NDArray): NDArray => transforms.jvp(residual, [x], [step])[1] as NDArray;
  const curvature = transforms.jvp(slope, [model.x], [step])[1] as NDArray;
  const { s, u, size, d } = model;
  const kept = keptValues(s);
  const one = full(s.shape, 1, s.dtype);
  const share = select(kept, div(s, select(kept, s.mul(s).add(lambda), one)), one.mul(0));
  const along = share.mul(transposedTimes(u!, div(curvature, orOne(size))));
  const acceleration = stepAlong(model, along);
  const little = norm(d.mul(acceleration)).mul(2).lessEqual(norm(d.mul(step)).mul(mostBend));
  return select(little, step.add(acceleration.mul(0.5)), step);
}

/** Twice the acceleration over the step, at most. */
const mostBend = 0.75;

/**
 * `"exact"` at each point; `"chord"` as long as residuals are halved with the one at hand; `"broyden"` the same,
 * changed in the direction of each step to what the step has shown.
 */
export type JacobianRule = "exact" | "chord" | "broyden";

/** All of them. */
export const jacobianRules: readonly JacobianRule[] = ["exact", "chord", "broyden"];

/** The Jacobian at `x`, where the residual is `r`, after the model `old`; a new one where `anew`. */
export function keptJacobian(
  rule: JacobianRule,
  old: Model,
  x: NDArray,
  r: NDArray,
  anew: NDArray,
  local: Local,
): NDArray {
  if (rule === "exact") return local.jacobian();
  return local.transforms.cond(
    anew,
    () => local.jacobian() as Tree,
    () => (rule === "chord" ? old.jacobian! : updated(old, x, r)) as Tree,
  ) as NDArray;
}

/** Broyden's update, where lengths are `|D p|`: `J + (r - r_old - J p) (D^2 p)^T / (p^T D^2 p)`. */
function updated(old: Model, x: NDArray, r: NDArray): NDArray {
  const jacobian = old.jacobian!;
  const scaled = old.d.mul(x.sub(old.x));
  const unit = div(scaled, orOne(dot(scaled, scaled).sqrt()));
  const step = x.sub(old.x);
  const missed = r.sub(old.r!).sub(times(jacobian, step));
  const row = div(old.d.mul(unit), orOne(dot(unit, scaled)));
  return jacobian.add(expandDims(missed, [1]).mul(expandDims(row, [0])));
}

/** A step. */
export interface Bounded {
  /** In the basis `V`, over the size of the residual: [k]. See `stepAlong`. */
  readonly along: NDArray;
  /** Damping: the step is the minimum of the model with this share of `|D p|^2` added. */
  readonly lambda: NDArray;
}

/** A choice of a step no longer than the radius. */
export type StepRule = (model: Model, radius: NDArray, transforms: Transforms) => Bounded;

const zeros = (x: NDArray): NDArray => full(x.shape, 0, x.dtype);

/** The Gauss-Newton step, and the largest length in its units. */
export function wholeStep(
  { s, c, size }: Model,
  radius: NDArray,
): { readonly kept: NDArray; readonly whole: NDArray; readonly most: NDArray } {
  const kept = keptValues(s);
  const whole = select(kept, div(c, orOne(s)), zeros(s));
  return { kept, whole, most: div(radius, orOne(size)) };
}

/** The Gauss-Newton step, shortened to the radius. */
export function shortened(model: Model, radius: NDArray): Bounded {
  const { whole, most } = wholeStep(model, radius);
  const share = minimum(div(most, orOne(norm(whole))), scalarArray(1, whole.dtype));
  return { along: whole.mul(share), lambda: scalarArray(0, whole.dtype) };
}

/**
 * Powell's path from the minimum along the gradient to the Gauss-Newton step, up to the radius ("A hybrid
 * method for nonlinear equations", 1970).
 */
export function onDogleg(model: Model, radius: NDArray): Bounded {
  const { s, c } = model;
  const { kept, whole, most } = wholeStep(model, radius);
  const gradient = select(kept, s.mul(c), zeros(s));
  const steep = norm(gradient);
  const unit = div(gradient, orOne(steep));
  const bend = s.mul(unit);
  const reach = div(steep, orOne(dot(bend, bend)));
  const cauchy = unit.mul(minimum(reach, most));
  // |cauchy + beta rest| = most, as the root that does not cancel.
  const rest = whole.sub(cauchy);
  const [a, b] = [dot(rest, rest), dot(cauchy, rest)];
  const room = maximum(most.mul(most).sub(dot(cauchy, cauchy)), zeros(most));
  const root = b.mul(b).add(a.mul(room)).sqrt();
  const beta = select(b.greater(0), div(room, orOne(b.add(root))), div(root.sub(b), orOne(a)));
  const bent = cauchy.add(rest.mul(minimum(beta, scalarArray(1, s.dtype))));
  const along = select(reach.greaterEqual(most), cauchy, bent);
  return {
    along: select(norm(whole).lessEqual(most), whole, along),
    lambda: scalarArray(0, s.dtype),
  };
}

/** The step of least model residual among those no longer than the radius (within a tenth). */
export function leastWithin(model: Model, radius: NDArray, transforms: Transforms): Bounded {
  const { s, c } = model;
  const { dtype } = s;
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const { kept, whole, most } = wholeStep(model, radius);
  const sc = select(kept, s.mul(c), zeros(s));
  const stepFor = (lambda: NDArray): NDArray =>
    div(sc, select(kept, s.mul(s).add(lambda), full(s.shape, 1, dtype)));
  const inside = norm(whole).lessEqual(most.mul(1.1));
  // |p(lambda)| falls from its value at 0, and is below |S c| / lambda.
  const above = div(norm(sc), select(most.greater(0), most, number(1)));
  interface Search {
    readonly lambda: NDArray;
    readonly lower: NDArray;
    readonly upper: NDArray;
    readonly step: NDArray;
    readonly passes: NDArray;
  }
  const off = (p: NDArray): NDArray => abs(norm(p).sub(most)).greater(most.mul(0.1));
  const guess = above.mul(1e-3);
  const found = transforms.whileLoop(
    (q) => {
      const { step, passes } = q as unknown as Search;
      return and(and(not(inside), off(step)), passes.less(20));
    },
    (q) => {
      const { lambda, lower, upper, step, passes } = q as unknown as Search;
      const p = norm(step);
      const excess = p.sub(most);
      const lo = select(excess.greater(0), maximum(lower, lambda), lower);
      const hi = select(excess.less(0), minimum(upper, lambda), upper);
      const denominator = select(kept, s.mul(s).add(lambda), full(s.shape, 1, dtype));
      const unit = div(step, orOne(p));
      const fall = reduceSum(div(unit.mul(unit), denominator), [0]);
      // Newton's method on 1/|p|, which is nearly linear.
      const next = lambda.add(div(excess, orOne(most.mul(fall))));
      const usable = and(next.greater(lo), next.less(hi));
      const middle = maximum(lo.mul(hi).sqrt(), hi.mul(1e-3));
      const chosen = select(usable, next, middle);
      return {
        lambda: chosen,
        lower: lo,
        upper: hi,
        step: stepFor(chosen),
        passes: passes.add(1),
      } as unknown as Tree;
    },
    {
      lambda: guess,
      lower: number(0),
      upper: above,
      step: stepFor(guess),
      passes: scalarArray(0, "int32"),
    } as unknown as Tree,
  ) as unknown as Search;
  return {
    along: select(inside, whole, found.step),
    lambda: select(inside, number(0), found.lambda),
  };
}
