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
  /** The method for one problem, whose setting solvers know. */
  readonly make: (setting: never) => Stepper<unknown>;
}

/** A method for one problem. */
export function made(method: TrustRegionMethod, setting: Setting): Stepper<TrustRegionMemory> {
  return method.make(setting as never) as Stepper<TrustRegionMemory>;
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
 * const valley = ({ x, y }: { x: np.NDArray; y: np.NDArray }) => [y.sub(x.square()).mul(10), x.sub(1)];
 * const { value } = leastSquares(valley, { x: -1.2, y: 1 }, { solver: levenbergMarquardt() });
 * console.log(value.x.item().toFixed(3), value.y.item().toFixed(3)); // 1.000 1.000
 * ```
 */
export function levenbergMarquardt(): TrustRegionMethod {
  if (arguments.length > 0) checkCall("levenbergMarquardt()", arguments);
  const description = "Levenberg-Marquardt";
  return { description, make: (setting: Setting) => trustRegion(description, setting) };
}
