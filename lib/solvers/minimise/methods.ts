/**
 * The methods of minimisation, by name.
 *
 * First-order optimisers as methods of `minimise`: what trains models, for minima that have a status.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  type NDArray,
  type OptionTable,
  scalarArray,
} from "../../core/mod.ts";
import type { Optimiser } from "../../optim/optimiser.ts";
import {
  and,
  div,
  eq,
  isFinite,
  or,
  rem,
  select,
  stopGradient,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import type { Stepper } from "../method.ts";
import { norm, plainNorm } from "../norms.ts";
import { checkMade } from "../options.ts";
import { conjugate, matrix, matrixWithin, pairs } from "./curvature.ts";
import { ending, type Standing, standingAtFirst } from "./ending.ts";
import { freeAt, type Minimiser, noiseRange, orOne, type Setting, within } from "./method.ts";
import { simplex } from "./nelder_mead.ts";
import { newtonTrustRegion } from "./newton_cg.ts";
import { quasiNewton } from "./quasi_newton.ts";

/** What the method remembers. */
interface FirstOrder {
  readonly state: unknown;
  /** The norm of the first gradient, and the least value. */
  readonly unit: NDArray;
  readonly least: NDArray;
  readonly before: NDArray;
  readonly standing: Standing;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

/**
 * An optimiser of `@injax/injax/optim` as a method of `minimise`. Such a method knows nothing of the curvature, so
 * that every 25 evaluations the Hessian is asked whether the step that is left is small.
 *
 * @param optimiser Any object with `init` and `update`.
 *
 * @example
 * ```ts
 * import { first, minimise, numpy as np } from "@injax/injax";
 * import { adam } from "@injax/injax/optim";
 *
 * const bowl = (x: np.NDArray) => np.cosh(x.sub(2)).sum();
 * const found = minimise(bowl, np.zeros([2]), { solver: first(adam(0.1)) });
 * console.log(found.statusName, found.value.at(0).item().toFixed(3)); // converged 2.000
 * ```
 */
export function first<S>(optimiser: Optimiser<S>): Minimiser {
  checkCall("first(optimiser)", arguments);
  checkMade(
    "first",
    "optimiser",
    optimiser,
    (o) => typeof o.init === "function" && typeof o.update === "function",
    "an optimiser such as adam(1e-3)",
  );
  const description = optimiser.description ?? "a first-order optimiser";
  return {
    description,
    make: (setting: Setting) => firstOrder(description, optimiser, setting),
    steps: () => 10000,
  };
}

function firstOrder<S>(
  description: string,
  optimiser: Optimiser<S>,
  setting: Setting,
): Stepper<FirstOrder> {
  const { bounds, ravel, unravel } = setting;
  return {
    description,
    init: (x) => ({
      state: optimiser.init(unravel(x) as Tree),
      unit: scalarArray(0, x.dtype),
      least: scalarArray(Infinity, x.dtype),
      before: scalarArray(Infinity, x.dtype),
      standing: standingAtFirst(x),
      accepted: scalarArray(0, "bool"),
      status: scalarArray(-1, "int32"),
    }),
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ f: m.standing.looks, products: m.standing.products }),
    step(x, r, m, local) {
      const { cost, scale, steps } = local;
      const raw = r.mul(scale);
      const unit = select(m.unit.greater(0), m.unit, orOne(norm(raw)));
      const [value, g] = [div(cost!, unit), div(raw, unit)];
      const free = bounds === null ? null : freeAt(x, g, bounds);
      const g1 = free === null ? g : g.mul(free);
      const finite = and(isFinite(value), isFinite(norm(g)));
      const never = scalarArray(0, "bool");
      const every = eq(rem(steps, scalarArray(between, "int32")), scalarArray(0, "int32"));
      const over = ending(setting, local, m.standing, unit, {
        at: { x, value, g },
        before: m.before,
        noise: scalarArray(noiseRange(x.dtype)[0], x.dtype),
        free,
        g: g1,
        size: plainNorm(g1),
        first: m.unit.equal(0),
        accepted: finite,
        counts: never,
        failed: never,
        // How far an optimiser goes says nothing of what is left.
        step: zerosLike(x),
        informed: every,
        blind: true,
      });
      const [updates, state] = optimiser.update(unravel(r), m.state as S, unravel(x) as never);
      // Steps are not differentiated through the search for what is lower.
      const aside = stopGradient(over.certificate.step).neg();
      const moved = select(over.found, aside, ravel(updates));
      const next = within(x.add(moved), bounds);
      return [next, {
        state,
        unit,
        least: select(value.less(m.least), value, m.least),
        before: value,
        standing: over.standing,
        accepted: or(value.less(m.least), over.status.equal(0)),
        status: over.status,
      }];
    },
  };
}

/** Evaluations between two questions to the Hessian. */
const between = 25;

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
 * needs many. Unknowns are right to half the digits at best, and a claim says no more than values do: in float32, or
 * beside a large constant, what falls by less than the rounding of the values cannot be told from a minimum. Where the
 * function has derivatives, they say where else to look before a minimum is claimed; it needs none, and may be a
 * `pureCallback`. The solution's gradient is computed at the end, by differences where there is no other.
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
