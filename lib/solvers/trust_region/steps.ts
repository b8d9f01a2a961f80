/**
 * Steps within a radius: what makes of one linear model the methods of Levenberg and Marquardt, of Powell
 * (dogleg) and of Gauss and Newton.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { full } from "../../primitives/constants/full.ts";
import { abs, div, maximum, minimum } from "../../primitives/elementwise/arithmetic.ts";
import { and, not } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { reduceSum } from "../../primitives/sum/broadcast.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import type { Transforms } from "../../transforms/types.ts";
import { dot, norm } from "../norms.ts";
import { keptValues, type Model, orOne } from "./model.ts";

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
