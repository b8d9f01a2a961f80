/**
 * Hoisting: what a loop computes from its constants alone is computed once, before the loop.
 *
 * Sinking is the way back into loops of at most one step, which stand for "where it is asked": what such a
 * loop alone reads is computed by its step, so that it costs nothing where the loop makes none.
 *
 * Which equations are better computed again than kept: the one answer for all passes that move
 * equations out of loops.
 *
 * @module
 */
import {
  type Atom,
  bytesOf,
  callsHost,
  type Contained,
  type Eqn,
  hasEffect,
  type Jaxpr,
  JaxprBuilder,
  Literal,
  mayNotEnd,
  narrowed,
  Var,
} from "../core/mod.ts";
import { Inliner } from "./inline.ts";

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
  const lift = (step: Jaxpr, consts: readonly Atom[], runs: boolean) => {
    const { moved, rest } = invariantEqns(step, consts.length, runs);
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
    const loop = programs?.loop?.of(params);
    const runs = loop?.kind === "scan" && loop.length > 0;
    contained.forEach(({ role }, k) => {
      if (role !== "step" && role !== "test") return;
      // Those before it may have got further constants.
      const { jaxpr, consts: { first, count } } = programs!.list(params)[k]!;
      const end = first + count;
      const lifted = lift(jaxpr, ins.slice(first, end), runs);
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
 * result need not be kept. Of the two, what nothing reads is dropped later. What asks the user's functions
 * leaves only a loop that `runs` for certain: they may raise what the loop does not ask for.
 */
function invariantEqns(
  step: Jaxpr,
  numConsts: number,
  runs: boolean,
): { moved: Eqn[]; rest: Eqn[] } {
  const fixed = new Set<Atom>(step.inputs.slice(0, numConsts));
  const moved: Eqn[] = [], rest: Eqn[] = [];
  for (const eqn of step.eqns) {
    const invariant = eqn.inputs.some((a) => a instanceof Var) &&
      eqn.inputs.every((a) => a instanceof Literal || fixed.has(a)) &&
      !mayNotEnd(eqn) && // else a loop that never ran might run for ever
      !(runs ? hasEffect(eqn) : callsHost(eqn));
    if (invariant) {
      eqn.outputs.forEach((v) => fixed.add(v));
      moved.push(eqn);
    }
    if (!invariant || isBetterAgain(eqn)) rest.push(eqn);
  }
  return { moved, rest };
}

/** The program where what only a loop of at most one step reads is computed in its step. */
export function sink(jaxpr: Jaxpr): Jaxpr {
  if (!jaxpr.eqns.some((eqn) => lazyStep(eqn) !== null)) return jaxpr;
  /** For what is read so far, from the end: the loop whose step alone does, or `null`. */
  const readers = new Map<Atom, Eqn | null>(jaxpr.outputs.map((a) => [a, null]));
  const sunk = new Map<Eqn, Eqn[]>();
  for (const eqn of [...jaxpr.eqns].reverse()) {
    const found = new Set(eqn.outputs.flatMap((v) => readers.has(v) ? [readers.get(v)!] : []));
    const [home] = found;
    const moves = found.size === 1 && home != null && !hasEffect(eqn);
    if (moves) sunk.set(home, [eqn, ...sunk.get(home) ?? []]);
    const own = lazyStep(eqn)?.consts;
    eqn.inputs.forEach((a, i) => {
      const lazy = own !== undefined && i >= own.first && i < own.first + own.count;
      const reader = moves ? home : lazy ? eqn : null;
      readers.set(a, readers.has(a) && readers.get(a) !== reader ? null : reader);
    });
  }
  const gone = new Set([...sunk.values()].flat());
  const eqns = jaxpr.eqns.filter((eqn) => !gone.has(eqn))
    .map((eqn) => sunk.has(eqn) ? withInStep(eqn, sunk.get(eqn)!, jaxpr) : eqn);
  return { ...jaxpr, eqns };
}

/** The step of a loop that makes at most one: the condition is a carry, which the step sets to false. */
function lazyStep({ primitive, params }: Eqn): Contained | null {
  const { programs } = primitive.passes;
  const loop = programs?.loop?.of(params);
  if (programs == null || loop?.kind !== "while") return null;
  const flag = loop.cond.inputs.indexOf(loop.cond.outputs[0] as Var) - loop.condConsts;
  const next = flag < 0 ? undefined : loop.body.outputs[flag];
  if (!(next instanceof Literal) || next.value.values[0] !== 0) return null;
  return programs.list(params).find(({ role }) => role === "step")!;
}

/** The loop with equations of the program in front of those of its step; what they read are further constants. */
function withInStep(eqn: Eqn, sunk: readonly Eqn[], { numVars }: Jaxpr): Eqn {
  const programs = eqn.primitive.passes.programs!;
  const contained = programs.list(eqn.params);
  const k = contained.findIndex(({ role }) => role === "step");
  const { jaxpr: step, consts: { first, count } } = contained[k]!;
  const made = sunk.flatMap((e) => e.outputs);
  const read = sunk.flatMap((e) => e.inputs).filter((a): a is Var =>
    a instanceof Var && !made.includes(a)
  );
  const further = [...new Set(read)];
  const inliner = new Inliner();
  const inputs = [...step.inputs.slice(0, count), ...further, ...step.inputs.slice(count)]
    .map((v) => inliner.builder.input(v.aval));
  const end = count + further.length;
  const part = { inputs: further, eqns: sunk, outputs: made, numVars };
  const values = inliner.add(part, inputs.slice(count, end));
  // Constants of the step that are computed in it are inputs that nothing reads, and go.
  const consts = inputs.slice(0, count).map((v, i) =>
    values[made.indexOf(eqn.inputs[first + i] as Var)] ?? v
  );
  const outputs = inliner.add(step, [...consts, ...inputs.slice(end)]);
  const whole = {
    ...eqn,
    inputs: eqn.inputs.toSpliced(first + count, 0, ...further),
    params: programs.extend(eqn.params, k, inliner.builder.build(outputs), further.length),
  };
  return narrowed(whole, eqn.outputs.map(() => true));
}
