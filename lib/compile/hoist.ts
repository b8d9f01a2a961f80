/**
 * Hoisting: what a loop computes from its constants alone is computed once, before the loop.
 *
 * Which equations are better computed again than kept: the one answer for all passes that move
 * equations out of loops.
 *
 * @module
 */
import { mayNotEnd } from "../core/dead_code.ts";
import { bytesOf } from "../core/dtype.ts";
import { hasEffect } from "../core/effects.ts";
import { JaxprBuilder } from "../core/jaxpr.ts";
import { type Atom, type Eqn, type Jaxpr, Literal, Var } from "../core/primitive.ts";

/**
 * Whether what an equation gives is better computed again where it is read: it is cheap, and takes more
 * room than what it is made of. One that is cheap but takes no more room, as a reshape, may as well be
 * kept, and is a step of the loop less.
 */
export function isBetterAgain({ primitive, inputs, outputs }: Eqn): boolean {
  const bytes = (atoms: readonly Atom[]): number =>
    atoms.reduce((n, a) => a instanceof Literal ? n : n + bytesOf(a.aval), 0);
  return primitive.passes.cheap && bytes(outputs) > bytes(inputs);
}

/** The program with the invariant equations of its loops in front of them. */
export function hoist(jaxpr: Jaxpr): Jaxpr {
  const builder = new JaxprBuilder();
  const env: Atom[] = new Array(jaxpr.numVars);
  const read = (a: Atom): Atom => a instanceof Literal ? a : env[a.id]!;
  const inputs = jaxpr.inputs.map((v) => env[v.id] = builder.input(v.aval));
  const emit = (eqn: Eqn, ins: readonly Atom[], params: unknown): readonly Var[] =>
    builder.equation(eqn.primitive, ins, params, eqn.outputs.map((v) => v.aval));

  /** Emits what can leave a step; gives the new step and the values of its further constants. */
  const lift = (step: Jaxpr, consts: readonly Atom[]) => {
    const { moved, rest } = invariantEqns(step, consts.length);
    const value = new Map<Atom, Atom>(consts.map((a, i) => [step.inputs[i]!, a]));
    for (const eqn of moved) {
      const ins = eqn.inputs.map((a) => a instanceof Literal ? a : value.get(a)!);
      const outs = emit(eqn, ins, eqn.params);
      eqn.outputs.forEach((v, i) => value.set(v, outs[i]!));
    }
    const read = new Set<Atom>([...rest.flatMap((e) => e.inputs), ...step.outputs]);
    const kept = new Set<Atom>(rest.flatMap((e) => e.outputs));
    const crossing = moved.flatMap((e) => e.outputs).filter((v) => read.has(v) && !kept.has(v));
    const own = step.inputs.slice(0, consts.length);
    return {
      jaxpr: {
        ...step,
        inputs: [...own, ...crossing, ...step.inputs.slice(consts.length)],
        eqns: rest,
      },
      extra: crossing.map((v) => value.get(v)!),
    };
  };

  for (const eqn of jaxpr.eqns) {
    let ins = eqn.inputs.map(read);
    let { params } = eqn;
    const { programs } = eqn.primitive.passes;
    const contained = programs?.list(params) ?? [];
    contained.forEach(({ role }, k) => {
      if (role !== "step" && role !== "test") return;
      // Those before it may have got further constants.
      const { jaxpr, consts: { first, count } } = programs!.list(params)[k]!;
      const end = first + count;
      const lifted = lift(jaxpr, ins.slice(first, end));
      if (lifted.extra.length === 0) return;
      params = programs!.extend(params, k, lifted.jaxpr, lifted.extra.length);
      ins = [...ins.slice(0, end), ...lifted.extra, ...ins.slice(end)];
    });
    const outs = emit(eqn, ins, params);
    eqn.outputs.forEach((v, i) => env[v.id] = outs[i]!);
  }
  return builder.build(jaxpr.outputs.map(read), inputs);
}

/**
 * The equations of a step that depend on its constants alone, and those that stay. What is better
 * computed again is among both: outside for what leaves the loop because of it, inside so that its
 * result need not be kept. Of the two, what nothing reads is dropped later.
 */
function invariantEqns(step: Jaxpr, numConsts: number): { moved: Eqn[]; rest: Eqn[] } {
  const fixed = new Set<Atom>(step.inputs.slice(0, numConsts));
  const moved: Eqn[] = [], rest: Eqn[] = [];
  for (const eqn of step.eqns) {
    const invariant = eqn.inputs.some((a) => a instanceof Var) &&
      eqn.inputs.every((a) => a instanceof Literal || fixed.has(a)) &&
      !mayNotEnd(eqn) && // else a loop that never ran might run for ever
      !hasEffect(eqn);
    if (invariant) {
      eqn.outputs.forEach((v) => fixed.add(v));
      moved.push(eqn);
    }
    if (!invariant || isBetterAgain(eqn)) rest.push(eqn);
  }
  return { moved, rest };
}
