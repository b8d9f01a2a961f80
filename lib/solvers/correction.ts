/**
 * A Newton step from the solution of a fixed point. A small residual says little of the error where the map hardly
 * contracts, while a Newton step is right whatever the map does.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { div } from "../primitives/elementwise/arithmetic.ts";
import { and } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Outcome, Problem } from "./iterate.ts";
import { leafNorms, norm, total } from "./norms.ts";
import { statusCode } from "./solution.ts";
import { denseSolve } from "./tangents.ts";

/**
 * The outcome after a Newton step, where success was claimed and the step makes the residual smaller: so nothing
 * is claimed that was not.
 */
export function corrected(
  known: Outcome,
  { evaluate, sizes }: Problem,
  transforms: Transforms,
): Outcome {
  const { x, state, counts, residualNorm } = known;
  const claimed = known.status.equal(statusCode("converged"));
  const weighed = (r: NDArray): NDArray =>
    total(div(leafNorms(stopGradient(r), sizes), state.scale));
  const end = transforms.whileLoop(
    ({ open }) => open,
    ({ x, r }) => {
      const [, push] = transforms.linearize((x: NDArray) => evaluate(x).r, [x]);
      const moved = x.add(denseSolve(push, r.neg(), transforms));
      const left = evaluate(moved).r;
      const better = weighed(left).less(weighed(r)); // not where it is NaN
      return {
        x: select(better, moved, x),
        r: select(better, left, r),
        made: scalarArray(1, "int32"),
        open: scalarArray(0, "bool"),
      };
    },
    {
      x,
      r: state.bestR,
      made: scalarArray(0, "int32"),
      open: and(claimed, residualNorm.greater(0)),
    },
    { maxSteps: 1 },
  );
  const size = norm(stopGradient(end.r));
  return {
    ...known,
    x: end.x,
    residualNorm: size,
    valueNorm: norm(stopGradient(end.x)),
    errorEstimate: select(size.equal(0), size, state.slope.mul(size)),
    counts: {
      ...counts,
      f: counts.f.add(end.made),
      jacobian: counts.jacobian.add(end.made),
    },
  };
}
