/**
 * The methods of minimisation, by name.
 *
 * @module
 */
import { checkCount } from "../../core/checks.ts";
import { checkCall, type OptionTable } from "../../core/signature.ts";
import { conjugate, matrix, matrixWithin, pairs } from "./curvature.ts";
import type { Minimiser, Setting } from "./method.ts";
import { newtonTrustRegion } from "./newton_cg.ts";
import { simplex } from "./nelder_mead.ts";
import { quasiNewton } from "./quasi_newton.ts";

/** Options of `lbfgs`. */
export interface LbfgsOptions {
  /** How many steps it remembers (default 10). */
  readonly memory?: number | undefined;
}

const lbfgsOptions: OptionTable<LbfgsOptions> = { memory: "count" };

/**
 * The method of Broyden, Fletcher, Goldfarb and Shanno with an inverse Hessian of [n, n] that is learnt on the
 * way: for up to some hundreds of unknowns, where it needs the fewest evaluations.
 *
 * @example
 * ```ts
 * import { bfgs, minimise, numpy as np } from "@injax/injax";
 *
 * const valley = ({ x, y }: { x: np.NDArray; y: np.NDArray }) =>
 *   y.sub(x.square()).square().mul(100).add(x.sub(1).square());
 * const { value } = minimise(valley, { x: -1.2, y: 1 }, { solver: bfgs() });
 * console.log(value.x.item().toFixed(3), value.y.item().toFixed(3)); // 1.000 1.000
 * ```
 */
export function bfgs(): Minimiser {
  if (arguments.length > 0) checkCall("bfgs()", arguments);
  const description = "BFGS";
  return {
    description,
    make: (setting: Setting) =>
      quasiNewton(description, setting.bounds === null ? matrix() : matrixWithin(), setting),
  };
}

/**
 * The same with the last `memory` steps in place of a matrix (Liu and Nocedal, "On the limited memory BFGS method
 * for large scale optimization", 1989): for any number of unknowns.
 *
 * @throws {RangeError} where `memory` is not a whole number of at least 1.
 *
 * @example
 * ```ts
 * import { lbfgs, minimise, numpy as np } from "@injax/injax";
 *
 * const target = np.linspace(0, 1, 1000);
 * const { value } = minimise((x) => np.cosh(x.sub(target)).sum(), np.zeros([1000]), {
 *   solver: lbfgs({ memory: 5 }),
 * });
 * console.log(value.at(500).item().toFixed(3)); // 0.501
 * ```
 */
export function lbfgs(options: LbfgsOptions = {}): Minimiser {
  if (arguments.length > 0) checkCall("lbfgs(options)", arguments, lbfgsOptions);
  const { memory = 10 } = options;
  checkCount("lbfgs", "memory", memory);
  if (memory < 1) throw new RangeError("lbfgs: memory must be at least 1, not 0");
  const description = `L-BFGS of memory ${memory}`;
  return {
    description,
    make: (setting: Setting) => quasiNewton(description, pairs(memory), setting),
  };
}

/**
 * Nonlinear conjugate gradients (Hager and Zhang, "A new conjugate gradient method with guaranteed descent and
 * an efficient line search", 2005): the least memory, and more evaluations than `lbfgs`.
 *
 * @example
 * ```ts
 * import { minimise, nonlinearCg, numpy as np } from "@injax/injax";
 *
 * const { value } = minimise((x) => np.cosh(x.sub(2)), 0, { solver: nonlinearCg() });
 * console.log(value.item().toFixed(3)); // 2.000
 * ```
 */
export function nonlinearCg(): Minimiser {
  if (arguments.length > 0) checkCall("nonlinearCg()", arguments);
  const description = "nonlinear conjugate gradients";
  return {
    description,
    make: (setting: Setting) => quasiNewton(description, conjugate(), setting),
  };
}

/**
 * Newton's method in a trust region by products with the Hessian (Steihaug, "The conjugate gradient method and
 * trust regions in large scale optimization", 1983): few evaluations, some products each, and no stop at
 * saddles.
 *
 * @example
 * ```ts
 * import { minimise, newtonCg, numpy as np } from "@injax/injax";
 *
 * const valley = ({ x, y }: { x: np.NDArray; y: np.NDArray }) =>
 *   y.sub(x.square()).square().mul(100).add(x.sub(1).square());
 * const { value } = minimise(valley, { x: -1.2, y: 1 }, { solver: newtonCg() });
 * console.log(value.x.item().toFixed(3), value.y.item().toFixed(3)); // 1.000 1.000
 * ```
 */
export function newtonCg(): Minimiser {
  if (arguments.length > 0) checkCall("newtonCg()", arguments);
  const description = "Newton's method by conjugate gradients";
  return { description, make: (setting: Setting) => newtonTrustRegion(description, setting) };
}

/**
 * The simplex method of Nelder and Mead, for few unknowns and values that are rough: it looks at values alone, and
 * needs many. Unknowns are right to half the digits at best. The solution's gradient is computed at the end.
 *
 * @example
 * ```ts
 * import { minimise, nelderMead, numpy as np } from "@injax/injax";
 *
 * const rough = (x: np.NDArray) => np.abs(x.sub(np.array([1, 2]))).sum();
 * const { value } = minimise(rough, np.zeros([2]), { solver: nelderMead() });
 * console.log(value.at(0).item().toFixed(2), value.at(1).item().toFixed(2)); // 1.00 2.00
 * ```
 */
export function nelderMead(): Minimiser {
  if (arguments.length > 0) checkCall("nelderMead()", arguments);
  const description = "the simplex method of Nelder and Mead";
  return {
    description,
    make: (setting: Setting) => simplex(description, setting),
    gradientFree: true,
    steps: (n) => Math.max(1000, 500 * n),
  };
}
