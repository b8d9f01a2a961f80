/**
 * First-order optimisers as methods of `minimise`: what trains models, for minima that have a status.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { checkCall } from "../../core/signature.ts";
import { zerosLike } from "../../primitives/constants/full.ts";
import { div, rem } from "../../primitives/elementwise/arithmetic.ts";
import { and, eq, or } from "../../primitives/elementwise/compare.ts";
import { isFinite } from "../../primitives/elementwise/elementary.ts";
import { select } from "../../primitives/elementwise/select.ts";
import type { Optimiser } from "../../optim/optimiser.ts";
import type { Tree } from "../../transforms/tree_types.ts";
import type { Stepper } from "../method.ts";
import { norm, plainNorm } from "../norms.ts";
import { checkMade } from "../options.ts";
import { ending, type Standing, standingAtFirst } from "./ending.ts";
import { freeAt, type Minimiser, noiseRange, orOne, type Setting, within } from "./method.ts";

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
      standing: standingAtFirst(x.dtype),
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
      const next = within(x.add(ravel(updates)), bounds);
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
