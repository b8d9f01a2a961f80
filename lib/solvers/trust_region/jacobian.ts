/**
 * What becomes of the Jacobian from point to point: computed each time, kept, or brought up to date by what the
 * step has shown.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { div } from "../../primitives/elementwise/arithmetic.ts";
import { expandDims } from "../../primitives/shape/reshape.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import type { Local } from "../method.ts";
import { dot } from "../norms.ts";
import { type Model, orOne, times } from "./model.ts";

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
