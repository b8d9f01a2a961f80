/**
 * Programs that do what they do only where a flag is true. A branch that lanes choose differently is
 * computed for all of them, and so is a step of a loop that some have left: what is done there is for
 * those lanes alone that are really in it.
 *
 * @module
 */
import { shaped } from "../core/aval.ts";
import { hasEffect, hasEffects } from "../core/effects.ts";
import { type Eqn, type Jaxpr, Var } from "../core/primitive.ts";
import { memoize } from "../core/memo.ts";

/**
 * The program with a bool for a further first input: what it does beside giving results is done where
 * that is true. What it gives is the same.
 */
export const guarded: (jaxpr: Jaxpr) => Jaxpr = /* @__PURE__ */ memoize((jaxpr: Jaxpr): Jaxpr => {
  const flag = new Var(shaped([], "bool"), jaxpr.numVars);
  const eqns = hasEffects(jaxpr) ? jaxpr.eqns.map((eqn) => within(eqn, flag)) : jaxpr.eqns;
  return { ...jaxpr, inputs: [flag, ...jaxpr.inputs], eqns, numVars: jaxpr.numVars + 1 };
});

function within(eqn: Eqn, flag: Var): Eqn {
  const { passes } = eqn.primitive;
  if (!hasEffect(eqn)) return eqn;
  if (passes.effect !== null) {
    return { ...eqn, params: passes.effect.guarded(eqn.params), inputs: [flag, ...eqn.inputs] };
  }
  let { params, inputs } = eqn;
  const programs = passes.programs!;
  programs.list(params).forEach((_, k) => {
    // Those before it may have got the flag.
    const { jaxpr, consts: { first, count } } = programs.list(params)[k]!;
    if (!hasEffects(jaxpr)) return;
    const { inputs: [own, ...rest], ...inner } = guarded(jaxpr);
    const wider = { ...inner, inputs: [...rest.slice(0, count), own!, ...rest.slice(count)] };
    params = programs.extend(params, k, wider, 1);
    inputs = [...inputs.slice(0, first + count), flag, ...inputs.slice(first + count)];
  });
  return { ...eqn, params, inputs };
}
