/**
 * The methods of least squares and square systems, by name.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable, tableOf } from "../../core/mod.ts";
import type { Stepper } from "../method.ts";
import { type JacobianRule, jacobianRules, leastWithin, onDogleg, shortened } from "./steps.ts";
import type { TrustRegionMemory } from "./memory.ts";
import { type Kind, trustRegion } from "./method.ts";
import type { Setting } from "./model.ts";

/** A method of `leastSquares` or `rootFind`, made once it is known what is solved. */
export interface TrustRegionMethod {
  /** Name and settings, for messages. */
  readonly description: string;
  /** What tells it from the methods of `minimise`. */
  readonly trustRegion: true;
  /** The method for one problem, whose setting solvers know. */
  readonly make: (setting: never) => Stepper<unknown>;
}

/** A method for one problem. */
export function made(method: TrustRegionMethod, setting: Setting): Stepper<TrustRegionMemory> {
  return method.make(setting as never) as Stepper<TrustRegionMemory>;
}

/** Options of methods that need a Jacobian. */
export interface JacobianOptions {
  /**
   * `"exact"` (the default): computed at each point. `"chord"`: kept as long as residuals are halved with
   * it. `"broyden"`: the same, and each step changes it to what it has shown, as MINPACK's `hybrj` does. The
   * last two are for problems whose Jacobians cost much more than their residuals; a solution is claimed by
   * a Jacobian of its own in any case.
   */
  readonly jacobian?: JacobianRule | undefined;
}

/** Options of `levenbergMarquardt`. */
export interface LevenbergMarquardtOptions extends JacobianOptions {
  /**
   * Whether steps follow the curvature of the residuals (Transtrum and Sethna, arXiv:1201.5885, 2012; default
   * false): fewer steps through narrow curved valleys, each with a second derivative along it.
   */
  readonly geodesic?: boolean | undefined;
}

const jacobianTable: OptionTable<JacobianOptions> = { jacobian: "string" };
const levenbergMarquardtTable: OptionTable<LevenbergMarquardtOptions> = /* @__PURE__ */ tableOf(
  jacobianTable,
  {
    geodesic: "boolean",
  },
);

/** A method of the family. */
function method(op: string, name: string, kind: Omit<Kind, "description">): TrustRegionMethod {
  if (!jacobianRules.includes(kind.jacobian)) {
    throw new RangeError(
      `${op}: jacobian must be ${jacobianRules.map((r) => `"${r}"`).join(", ")}, not ${
        describeValue(kind.jacobian)
      }`,
    );
  }
  const settings = [
    ...(kind.geodesic ? ["geodesic acceleration"] : []),
    ...(kind.jacobian === "exact" ? [] : [`${kind.jacobian} Jacobians`]),
  ];
  const description = settings.length === 0 ? name : `${name} with ${settings.join(" and ")}`;
  return {
    description,
    trustRegion: true,
    make: (setting: Setting) => trustRegion({ ...kind, description }, setting),
  };
}

/**
 * Levenberg-Marquardt in a trust region: Gauss-Newton steps, shortened and turned to the gradient where the linear
 * model does not hold, with unknowns measured by the columns of the Jacobian (Moré, "The Levenberg-Marquardt
 * algorithm: implementation and theory", 1978). Works where the Jacobian has not full rank, too. The default of
 * `leastSquares` and `rootFind`.
 *
 * @throws {RangeError} where `jacobian` is none of its values.
 *
 * @example
 * ```ts
 * import { leastSquares, levenbergMarquardt, numpy as np } from "@injax/injax";
 *
 * const valley = ({ x, y }: { x: np.NDArray; y: np.NDArray }) => [y.sub(x.square()).mul(10), x.sub(1)];
 * const solver = levenbergMarquardt({ geodesic: true });
 * const { value, steps } = leastSquares(valley, { x: -1.2, y: 1 }, { solver });
 * console.log(value.x.item().toFixed(3), value.y.item().toFixed(3)); // 1.000 1.000
 * console.log(steps.item() < leastSquares(valley, { x: -1.2, y: 1 }).steps.item()); // true
 * ```
 */
export function levenbergMarquardt(options: LevenbergMarquardtOptions = {}): TrustRegionMethod {
  const op = "levenbergMarquardt";
  if (arguments.length > 0) checkCall(`${op}(options)`, arguments, levenbergMarquardtTable);
  const { geodesic = false, jacobian = "exact" } = options;
  return method(op, "Levenberg-Marquardt", { rule: leastWithin, jacobian, geodesic });
}

/**
 * Powell's dogleg in a trust region: from the minimum along the gradient towards the Gauss-Newton step, as far as
 * the radius allows (Powell, "A hybrid method for nonlinear equations", 1970). With
 * `jacobian: "broyden"` it is close to MINPACK's `hybrj`.
 *
 * @throws {RangeError} where `jacobian` is none of its values.
 *
 * @example
 * ```ts
 * import { dogleg, numpy as np, rootFind } from "@injax/injax";
 *
 * const circle = ({ x, y }: { x: np.NDArray; y: np.NDArray }) => ({
 *   x: x.square().add(y.square()).sub(4),
 *   y: x.mul(y).sub(1),
 * });
 * const solver = dogleg({ jacobian: "broyden" });
 * const { value, evaluations } = rootFind(circle, { x: 2, y: 0 }, { solver });
 * console.log(value.x.item().toFixed(4), value.y.item().toFixed(4)); // 1.9319 0.5176
 * console.log(evaluations.jacobian.item() < evaluations.f.item()); // true
 * ```
 */
export function dogleg(options: JacobianOptions = {}): TrustRegionMethod {
  if (arguments.length > 0) checkCall("dogleg(options)", arguments, jacobianTable);
  const { jacobian = "exact" } = options;
  return method("dogleg", "dogleg", { rule: onDogleg, jacobian, geodesic: false });
}

/**
 * Gauss-Newton: the step to the minimum of the linear model, shortened where the model does not hold. For square
 * systems that is Newton's method (`newton`). It never turns to the gradient, so it may end where
 * `levenbergMarquardt` goes on.
 *
 * @throws {RangeError} where `jacobian` is none of its values.
 *
 * @example
 * ```ts
 * import { gaussNewton, leastSquares, numpy as np } from "@injax/injax";
 *
 * const x = np.array([0, 1, 2, 3]);
 * const residuals = (a: np.NDArray) => np.exp(a.mul(x).neg()).sub(np.array([1, 0.6, 0.37, 0.23]));
 * const { value } = leastSquares(residuals, 1, { solver: gaussNewton() });
 * console.log(value.item().toFixed(3)); // 0.498
 * ```
 */
export function gaussNewton(options: JacobianOptions = {}): TrustRegionMethod {
  if (arguments.length > 0) checkCall("gaussNewton(options)", arguments, jacobianTable);
  const { jacobian = "exact" } = options;
  return method("gaussNewton", "Gauss-Newton", { rule: shortened, jacobian, geodesic: false });
}

/**
 * Newton's method for square systems, with steps shortened where the residual would not fall.
 *
 * @throws {RangeError} where `jacobian` is none of its values.
 *
 * @example
 * ```ts
 * import { newton, numpy as np, rootFind } from "@injax/injax";
 *
 * const solution = rootFind((x) => np.exp(x).sub(2), 5, { solver: newton() });
 * console.log(solution.value.item().toFixed(4)); // 0.6931
 * ```
 */
export function newton(options: JacobianOptions = {}): TrustRegionMethod {
  if (arguments.length > 0) checkCall("newton(options)", arguments, jacobianTable);
  const { jacobian = "exact" } = options;
  return method("newton", "Newton's method", { rule: shortened, jacobian, geodesic: false });
}

/**
 * Newton's method with one Jacobian for many steps: `newton({ jacobian: "chord" })`.
 *
 * @example
 * ```ts
 * import { chord, numpy as np, rootFind } from "@injax/injax";
 *
 * const { value, evaluations } = rootFind((x) => np.cos(x).sub(x), 0.7, { solver: chord() });
 * console.log(value.item().toFixed(4), evaluations.jacobian.item()); // 0.7391 2
 * ```
 */
export function chord(): TrustRegionMethod {
  if (arguments.length > 0) checkCall("chord()", arguments);
  return method("chord", "Newton's method", {
    rule: shortened,
    jacobian: "chord",
    geodesic: false,
  });
}
