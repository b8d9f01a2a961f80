/**
 * Extrapolation of plain iteration by Aitken's delta-squared formula: element by element (`steffensen`), and with
 * one factor for all (`aitken`).
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { full, onesLike, zerosLike } from "../primitives/constants/full.ts";
import { div } from "../primitives/elementwise/arithmetic.ts";
import { and, not } from "../primitives/elementwise/compare.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import type { Stepper } from "./method.ts";
import { dot, norm } from "./norms.ts";

/** Memory of `steffensen`. */
export interface SteffensenMemory {
  /** The point before: [n]. */
  readonly x: NDArray;
  /** Its residual: [n]. */
  readonly r: NDArray;
  /** Whether the next step extrapolates: a bool. */
  readonly second: NDArray;
}

const plainStep = (x: NDArray, r: NDArray): NDArray => x.add(r);

/**
 * Steffensen's method for scalars, and arrays whose elements depend on themselves alone: a plain step, then
 * Aitken's extrapolation from it, each element by itself. It converges quadratically, also where plain iteration
 * does not converge (SciPy's `fixed_point` with `method="del2"`). For coupled unknowns take `anderson`.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np, steffensen } from "@injax/injax";
 *
 * // Many independent equations, x = exp(-a x).
 * const a = np.array([0.5, 1, 2]);
 * const { value } = fixedPoint((x) => np.exp(x.mul(a).neg()), np.ones([3]), { solver: steffensen() });
 * console.log([...value.dataSync()].map((x) => x.toFixed(4)).join(" ")); // 0.7035 0.5671 0.4263
 * ```
 */
export function steffensen(): Stepper<SteffensenMemory> {
  if (arguments.length > 0) checkCall("steffensen()", arguments);
  return {
    description: "Steffensen's method",
    init: (x) => ({ x: zerosLike(x), r: zerosLike(x), second: scalarArray(0, "bool") }),
    resume: (m) => ({ ...m, second: scalarArray(0, "bool") }),
    fallback: plainStep,
    step(x, r, m) {
      const plain = plainStep(x, r);
      const change = r.sub(m.r);
      const usable = not(change.equal(0));
      const far = m.x.sub(
        div(m.r, select(usable, change, onesLike(change))).mul(x.sub(m.x)),
      );
      const good = and(and(usable, isFinite(far)), m.second);
      return [select(good, far, plain), { x, r, second: not(m.second) }];
    },
  };
}

/** Options of `aitken`. */
export interface AitkenOptions {
  /** The factor of the first step, in (0, 2] (default 1, a plain step). */
  readonly first?: number | undefined;
}

const aitkenOptions: OptionTable<AitkenOptions> = { first: "number" };

/** Memory of `aitken`. */
export interface AitkenMemory {
  /** The point before, in units of the leaves: [n]. */
  readonly x: NDArray;
  /** Its residual, likewise. */
  readonly r: NDArray;
  /** The factor of its step. */
  readonly factor: NDArray;
  /** Whether there was a step: a bool. */
  readonly begun: NDArray;
}

/**
 * Aitken's dynamic relaxation: `x <- x + w r`, where the factor `w` is the one that the last two residuals suggest
 * (Irons and Tuck, "A version of the Aitken accelerator for computer iteration", 1969). For a scalar it is the
 * secant method. It remembers two vectors only.
 *
 * @throws {RangeError} where `first` is not in (0, 2].
 *
 * @example
 * ```ts
 * import { aitken, damped, fixedPoint } from "@injax/injax";
 *
 * const steps = [aitken(), damped()].map((solver) =>
 *   fixedPoint((x) => x.cos(), 1, { solver }).steps.item()
 * );
 * console.log(steps[0]! < steps[1]! / 3); // true
 * ```
 */
export function aitken(options: AitkenOptions = {}): Stepper<AitkenMemory> {
  if (arguments.length > 0) checkCall("aitken(options)", arguments, aitkenOptions);
  const { first = 1 } = options;
  if (!(first > 0 && first <= 2)) {
    throw new RangeError(`aitken: first must be in (0, 2], not ${first}`);
  }
  return {
    description: `Aitken's relaxation${first === 1 ? "" : ` (first ${first})`}`,
    init: (x) => ({
      x: zerosLike(x),
      r: zerosLike(x),
      factor: full([], first, x.dtype),
      begun: scalarArray(0, "bool"),
    }),
    resume: (m) => ({ ...m, begun: scalarArray(0, "bool") }),
    fallback: (x, r) => x.add(r.mul(first)),
    step(at, residual, m, { scale }) {
      const [x, r] = [div(at, scale), div(residual, scale)];
      // In units of the change, whose square might leave the range of the dtype.
      const change = r.sub(m.r);
      const size = norm(change);
      const usable = and(m.begun, and(size.greater(0), isFinite(size)));
      const unit = select(usable, size, onesLike(size));
      const ratio = dot(div(x.sub(m.x), unit), div(change, unit)).neg();
      const factor = select(and(usable, isFinite(ratio)), ratio, m.factor);
      return [
        at.add(residual.mul(factor)),
        { x, r, factor, begun: scalarArray(1, "bool") },
      ];
    },
  };
}
