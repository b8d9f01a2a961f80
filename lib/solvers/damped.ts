/**
 * Plain iteration with damping.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../core/signature.ts";
import type { Stepper } from "./method.ts";

/** Options of `damped`. */
export interface DampedOptions {
  /** Share of the old point that is kept, in [0, 1). 0 (the default) is plain iteration. */
  readonly damping?: number | undefined;
}

const dampedOptions: OptionTable<DampedOptions> = { damping: "number" };

/**
 * `x <- damping x + (1 - damping) f(x)`: converges where that map is a contraction, by its factor in
 * each step.
 *
 * @example
 * ```ts
 * import { damped, fixedPoint } from "@injax/injax";
 *
 * const { value } = fixedPoint((x) => x.cos(), 1, { solver: damped({ damping: 0.2 }) });
 * console.log(value.item().toFixed(4)); // 0.7391
 * ```
 */
export function damped(options: DampedOptions = {}): Stepper<null> {
  if (arguments.length > 0) checkCall("damped(options)", arguments, dampedOptions);
  const { damping = 0 } = options;
  if (!(damping >= 0 && damping < 1)) {
    throw new RangeError(`damped: damping must be in [0, 1), not ${damping}`);
  }
  return {
    description: damping === 0 ? "plain iteration" : `damped iteration (damping ${damping})`,
    init: () => null,
    step: (x, r) => [x.add(damping === 0 ? r : r.mul(1 - damping)), null],
  };
}
