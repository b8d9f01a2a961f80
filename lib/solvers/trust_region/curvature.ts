/**
 * Steps along the curved path that residuals take: "geodesic acceleration" (Transtrum and Sethna, "Improvements to
 * the Levenberg-Marquardt algorithm for nonlinear least-squares minimization", arXiv:1201.5885, 2012).
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { full } from "../../primitives/constants/full.ts";
import { div } from "../../primitives/elementwise/arithmetic.ts";
import { select } from "../../primitives/elementwise/select.ts";
import type { Local } from "../method.ts";
import { norm } from "../norms.ts";
import { keptValues, type Model, orOne, stepAlong, transposedTimes } from "./model.ts";

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
