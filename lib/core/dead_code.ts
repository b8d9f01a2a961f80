/**
 * What of a program is read: equations and inputs that nothing needs, inside of loops and choices too.
 * Derivatives and compilation both leave it out.
 *
 * @module
 */
import { type Atom, type Eqn, type Jaxpr, Var } from "./primitive.ts";
import { hasEffect } from "./effects.ts";
import { memoize } from "./memo.ts";

/** Which inputs of a program are read. */
export const usedInputs: (jaxpr: Jaxpr) => readonly boolean[] = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr) => {
    const used = new Set<Atom>(jaxpr.outputs);
    for (const eqn of jaxpr.eqns) eqn.inputs.forEach((a) => used.add(a));
    return jaxpr.inputs.map((v) => used.has(v));
  },
);

/**
 * The program with the outputs of `wanted` alone (all where left out), without what neither these nor
 * its effects need; the same program where that is all of it. Its inputs stay as they are.
 */
export const withoutDead: (jaxpr: Jaxpr, wanted?: readonly boolean[]) => Jaxpr =
  /* @__PURE__ */ memoize(
    (jaxpr: Jaxpr, wanted?: readonly boolean[]): Jaxpr => {
      const outputs = wanted === undefined || !wanted.includes(false)
        ? jaxpr.outputs
        : jaxpr.outputs.filter((_, i) => wanted[i]);
      const live: boolean[] = new Array(jaxpr.numVars).fill(false);
      const mark = (a: Atom): void => {
        if (a instanceof Var) live[a.id] = true;
      };
      outputs.forEach(mark);
      let changed = outputs !== jaxpr.outputs;
      const eqns: Eqn[] = [];
      for (let i = jaxpr.eqns.length - 1; i >= 0; i--) {
        const whole = jaxpr.eqns[i]!;
        const used = whole.outputs.map((v) => live[v.id]!);
        const eqn = used.includes(true) || hasEffect(whole) ? narrowed(whole, used) : null;
        changed ||= eqn !== whole;
        if (eqn === null) continue;
        eqn.inputs.forEach(mark);
        eqns.push(eqn);
      }
      return changed ? { ...jaxpr, eqns: eqns.reverse(), outputs } : jaxpr;
    },
  );

/** The program with the inputs of `mask` alone, of which it reads no others. */
export const keepInputs: (jaxpr: Jaxpr, mask: readonly boolean[]) => Jaxpr =
  /* @__PURE__ */ memoize(
    (jaxpr: Jaxpr, mask: readonly boolean[]): Jaxpr =>
      mask.includes(false) ? { ...jaxpr, inputs: jaxpr.inputs.filter((_, i) => mask[i]) } : jaxpr,
  );

/** An equation that contains programs without the results that nothing reads, and what only they read. */
export function narrowed(eqn: Eqn, used: readonly boolean[]): Eqn {
  const { programs } = eqn.primitive.passes;
  if (programs === null) return eqn;
  const { params, inputs, outputs } = programs.narrow(eqn.params, used);
  const [before, after] = [programs.list(eqn.params), programs.list(params)];
  if (before.every(({ jaxpr }, i) => jaxpr === after[i]!.jaxpr)) return eqn;
  return {
    primitive: eqn.primitive,
    params,
    inputs: eqn.inputs.filter((_, i) => inputs[i]),
    outputs: eqn.outputs.filter((_, i) => outputs[i]),
  };
}

/** Whether an equation may run for ever: it must not run where the user's program would not run it. */
export function mayNotEnd({ primitive, params }: Eqn): boolean {
  const { programs } = primitive.passes;
  return programs !== null &&
    (programs.mayNotEnd || programs.list(params).some(({ jaxpr }) => anyMayNotEnd(jaxpr)));
}

const anyMayNotEnd = /* @__PURE__ */ memoize((jaxpr: Jaxpr) => jaxpr.eqns.some(mayNotEnd));

/** Whether a program has no loops in it, at any depth. */
export const isLoopless: (jaxpr: Jaxpr) => boolean = /* @__PURE__ */ memoize((jaxpr: Jaxpr) =>
  jaxpr.eqns.every(({ primitive, params }) => {
    const { programs } = primitive.passes;
    return programs === null ||
      (programs.loop === null && programs.list(params).every((c) => isLoopless(c.jaxpr)));
  })
);

/** What of a program is needed. */
export interface Needed {
  /** Which variables, by number. */
  readonly vars: Uint8Array;
  /** The equations, taken whole. */
  readonly eqns: readonly Eqn[];
}

/** What of a program some outputs need, and with `effects` what it does beside. */
export function neededFor(
  jaxpr: Pick<Jaxpr, "eqns" | "numVars">,
  outputs: readonly Atom[],
  effects: boolean,
): Needed {
  const vars = new Uint8Array(jaxpr.numVars);
  const eqns: Eqn[] = [];
  for (const a of outputs) if (a instanceof Var) vars[a.id] = 1;
  for (let i = jaxpr.eqns.length - 1; i >= 0; i--) {
    const eqn = jaxpr.eqns[i]!;
    if (!eqn.outputs.some((v) => vars[v.id] === 1) && !(effects && hasEffect(eqn))) continue;
    for (const a of eqn.inputs) if (a instanceof Var) vars[a.id] = 1;
    eqns.push(eqn);
  }
  return { vars, eqns: eqns.reverse() };
}
