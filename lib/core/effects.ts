/**
 * What a program does beside giving results: which equations do something, and programs without that.
 *
 * What effects raise out of a program that runs: conditions that do not hold, and NaNs.
 *
 * @module
 */
import { memoize } from "./memo.ts";
import type { Eqn, Jaxpr } from "./primitive.ts";

/** Whether an equation does something beside giving results, itself or by the programs in it. */
export function hasEffect({ primitive, params }: Eqn): boolean {
  const { effect, programs } = primitive.passes;
  return effect !== null ||
    (programs !== null && programs.list(params).some((c) => hasEffects(c.jaxpr)));
}

/** Whether a program does something beside giving results. */
export const hasEffects: (jaxpr: Jaxpr) => boolean = /* @__PURE__ */ memoize((jaxpr: Jaxpr) =>
  jaxpr.eqns.some(hasEffect)
);

/** Whether a program cannot run by itself: it does something besides giving results, or asks the user's functions. */
export const needsHost: (jaxpr: Jaxpr) => boolean = /* @__PURE__ */ memoize((jaxpr: Jaxpr) =>
  jaxpr.eqns.some(callsHost)
);

/** Whether an equation cannot run by itself. */
export function callsHost(eqn: Eqn): boolean {
  const { asksHost, passes: { programs } } = eqn.primitive;
  return asksHost === true || hasEffect(eqn) ||
    (programs !== null && programs.list(eqn.params).some((c) => needsHost(c.jaxpr)));
}

/** The program as it only computes: for what is computed once more. */
export const withoutEffects: (jaxpr: Jaxpr) => Jaxpr = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr): Jaxpr => {
    if (!hasEffects(jaxpr)) return jaxpr;
    const eqns = jaxpr.eqns.flatMap((eqn): readonly Eqn[] => {
      const { effect, programs } = eqn.primitive.passes;
      if (effect !== null) return [];
      if (programs === null || !hasEffect(eqn)) return [eqn];
      const inner = programs.list(eqn.params).map((c) => withoutEffects(c.jaxpr));
      return [{ ...eqn, params: programs.replace(eqn.params, inner) }];
    });
    return { ...jaxpr, eqns };
  },
);

/**
 * A condition given to `check` that does not hold.
 *
 * @example Fails
 * ```ts ignore
 * import { check, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const root = (x: NDArray) => {
 *   check(x.greaterEqual(0), "x must not be negative, but is {}", x);
 *   return np.sqrt(x);
 * };
 * vmap(root)(np.array([4, -4]));
 * // CheckError: x must not be negative, but is -4 (in lane 1 of 2)
 * ```
 *
 * @example Works
 * ```ts
 * import { check, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const root = (x: NDArray) => {
 *   check(x.greaterEqual(0), "x must not be negative, but is {}", x);
 *   return np.sqrt(x);
 * };
 * console.log(vmap(root)(np.array([4, 0])).toArray()); // [ 2, 0 ]
 * ```
 */
export class CheckError extends Error {
  /** The name of the class. */
  override name = "CheckError";
  /** Which lane of `vmap` it was, the outermost first; empty outside of `vmap`. */
  readonly lane: readonly number[];
  /** The values given to `check`, with the arrays as they were. */
  readonly values: readonly unknown[];

  /** Made where the check runs. */
  constructor(
    message: string,
    { lane, values }: Pick<CheckError, "lane" | "values">,
  ) {
    super(message);
    this.lane = lane;
    this.values = values;
  }
}

/**
 * A NaN in a function watched by `debug.nans`. The message names the operation that gave it.
 *
 * @example Fails
 * ```ts ignore
 * import { debug, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => np.log(x).mul(0);
 * debug.nans(f)(np.array(-1));
 * // NanError: log gave NaN as float32[], at ...
 * ```
 *
 * @example Works
 * ```ts
 * import { debug, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => np.log(np.maximum(x, 1)).mul(0);
 * console.log(debug.nans(f)(np.array(-1)).item()); // 0
 * ```
 */
export class NanError extends Error {
  /** The name of the class. */
  override name = "NanError";
  /** Which lane of `vmap` it was, the outermost first; empty outside of `vmap`. */
  readonly lane: readonly number[];

  /** Made where the NaN is found. */
  constructor(message: string, { lane }: Pick<NanError, "lane">) {
    super(message);
    this.lane = lane;
  }
}
