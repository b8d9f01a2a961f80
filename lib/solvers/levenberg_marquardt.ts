/**
 * The methods of least squares and square systems, by name.
 *
 * @module
 */
import { checkCall } from "../core/signature.ts";
import type { Stepper } from "./method.ts";
import { type Setting, trustRegion, type TrustRegionMemory } from "./trust_region.ts";

/** A method of `leastSquares` or `rootFind`, made once it is known what is solved. */
export interface TrustRegionMethod {
  /** Name and settings, for messages. */
  readonly description: string;
  /** The method for one problem. */
  make(setting: Setting): Stepper<TrustRegionMemory>;
}

/**
 * Levenberg-Marquardt in a trust region: Gauss-Newton steps, shortened where the linear model does not hold,
 * with unknowns measured by the columns of the Jacobian (Moré, "The Levenberg-Marquardt algorithm:
 * implementation and theory", 1978). Works where the Jacobian has not full rank, too.
 *
 * @example
 * ```ts
 * import { leastSquares, levenbergMarquardt, numpy as np } from "@injax/injax";
 *
 * const valley = (x: np.NDArray) => np.stack([x.at(1).sub(x.at(0).square()).mul(10), x.at(0).sub(1)]);
 * const { value } = leastSquares(valley, np.array([-1.2, 1]), { solver: levenbergMarquardt() });
 * console.log(value.dataSync().map((v) => v.toFixed(3))); // [ "1.000", "1.000" ]
 * ```
 */
export function levenbergMarquardt(): TrustRegionMethod {
  if (arguments.length > 0) checkCall("levenbergMarquardt()", arguments);
  const description = "Levenberg-Marquardt";
  return { description, make: (setting) => trustRegion(description, setting) };
}
