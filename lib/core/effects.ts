/**
 * What a program does beside giving results: which equations do something, and programs without that.
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
  jaxpr.eqns.some((eqn) => {
    const { asksHost, passes: { programs } } = eqn.primitive;
    return asksHost === true || hasEffect(eqn) ||
      (programs !== null && programs.list(eqn.params).some((c) => needsHost(c.jaxpr)));
  })
);

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
