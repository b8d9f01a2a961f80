/**
 * Plans for programs with loops on a GPU. The runtime has no GPU kernel for loops: it would run them
 * on the CPU and download every carry in every step. So a program is cut at its loops, and the host
 * drives these (`gpu_loops.ts`), with everything staying on the GPU.
 *
 * Owns where a program is cut. Loops inside the branches of a conditional stay with the runtime: right,
 * but slow.
 *
 * @module
 */
import {
  type Atom,
  bytesOf,
  type Eqn,
  type Jaxpr,
  type Loop,
  type ShapedArray,
  Var,
} from "../core/mod.ts";

/** What a stage does with its inputs. */
export type Work = { readonly kind: "graph"; readonly jaxpr: Jaxpr } | Loop;

/** A piece of a program. */
export interface Stage {
  /** What it does. */
  readonly work: Work;
  /** What it reads. */
  readonly inputs: readonly Atom[];
  /** What it defines: tensors of their own, never ones that it read. */
  readonly outputs: readonly Var[];
  /** Values that no later stage reads, nor the caller. */
  readonly dead: readonly Var[];
}

/** A program as pieces. */
export interface Plan {
  /** Its inputs. */
  readonly inputs: readonly Var[];
  /** The pieces in order. */
  readonly stages: readonly Stage[];
  /** Its outputs: each an output of a stage, none twice. */
  readonly outputs: readonly Var[];
}

/**
 * The pieces of a program, or null where it has no loop for the host to drive. Calls in it have been
 * inlined.
 */
export function makePlan(jaxpr: Jaxpr): Plan | null {
  if (jaxpr.eqns.every((eqn) => loopOf(eqn) === null)) return null;
  const stages: Omit<Stage, "dead">[] = [];
  let segment: Eqn[] = [];
  const flush = (): void => {
    if (segment.length > 0) stages.push(graphStage(jaxpr, segment));
    segment = [];
  };
  for (const eqn of jaxpr.eqns) {
    const work = loopOf(eqn);
    if (work === null) segment.push(eqn);
    else {
      flush();
      stages.push({ work, inputs: eqn.inputs, outputs: eqn.outputs });
    }
  }
  flush();
  const outputs = ownOutputs(jaxpr, stages);
  return { inputs: jaxpr.inputs, stages: withDead(trim(stages, outputs), jaxpr, outputs), outputs };
}

/** A stage for a run of equations; its outputs are everything that it defines. */
function graphStage({ numVars }: Jaxpr, eqns: readonly Eqn[]): Omit<Stage, "dead"> {
  const defined = new Set(eqns.flatMap((eqn) => eqn.outputs));
  const inputs = new Set<Var>();
  for (const eqn of eqns) {
    for (const a of eqn.inputs) if (a instanceof Var && !defined.has(a)) inputs.add(a);
  }
  const outputs = [...defined];
  const jaxpr = { inputs: [...inputs], eqns, outputs, numVars };
  return { work: { kind: "graph", jaxpr }, inputs: jaxpr.inputs, outputs };
}

/** Leaves a stage of equations only those outputs that others read. */
function trim(
  stages: readonly Omit<Stage, "dead">[],
  outputs: readonly Var[],
): Omit<Stage, "dead">[] {
  const read = new Set<Atom>(outputs);
  for (const stage of stages) for (const a of stage.inputs) read.add(a);
  return stages.flatMap((stage) => {
    const { work, inputs } = stage;
    if (work.kind !== "graph") return [stage];
    const kept = stage.outputs.map((_, i) => i).filter((i) => read.has(stage.outputs[i]!));
    if (kept.length === 0) return [];
    const jaxpr = { ...work.jaxpr, outputs: kept.map((i) => work.jaxpr.outputs[i]!) };
    return [{
      work: { kind: "graph", jaxpr },
      inputs,
      outputs: kept.map((i) => stage.outputs[i]!),
    }];
  });
}

/** Outputs that the caller can have for its own, with a last stage that copies where needed. */
function ownOutputs(flat: Jaxpr, stages: Omit<Stage, "dead">[]): Var[] {
  const fresh = new Set<Atom>(stages.flatMap((stage) => stage.outputs));
  const copied: Atom[] = [];
  let next = flat.numVars;
  const copies: Var[] = [];
  const outputs = flat.outputs.map((a) => {
    if (fresh.delete(a)) return a as Var;
    const copy = new Var(a.aval, next++);
    copied.push(a);
    copies.push(copy);
    return copy;
  });
  if (copied.length > 0) {
    const inputs = [...new Set(copied.filter((a) => a instanceof Var))];
    const jaxpr = { inputs, eqns: [], outputs: copied, numVars: next };
    stages.push({ work: { kind: "graph", jaxpr }, inputs, outputs: copies });
  }
  return outputs;
}

function withDead(
  stages: readonly Omit<Stage, "dead">[],
  flat: Jaxpr,
  outputs: readonly Var[],
): Stage[] {
  const needed = new Set<Atom>([...outputs, ...flat.inputs]);
  const result: Stage[] = [];
  for (let i = stages.length - 1; i >= 0; i--) {
    const stage = stages[i]!;
    const dead = new Set<Var>();
    for (const a of [...stage.inputs, ...stage.outputs]) {
      if (a instanceof Var && !needed.has(a)) dead.add(a);
    }
    for (const a of stage.inputs) needed.add(a);
    result.push({ ...stage, dead: [...dead] });
  }
  return result.reverse();
}

/** The loop that an equation is, where the host can drive it. */
function loopOf(eqn: Eqn): Loop | null {
  const loop = eqn.primitive.passes.programs?.loop?.of(eqn.params) ?? null;
  if (loop === null || loop.kind === "while") return loop;
  const { numConsts, numCarry, length } = loop;
  // Slices are copied on the GPU, which takes 4 bytes at a time.
  const copyable = ({ aval }: { readonly aval: ShapedArray }): boolean => {
    const bytes = bytesOf(aval);
    return bytes > 0 && bytes % (4 * length) === 0;
  };
  const stacks = [...eqn.inputs.slice(numConsts + numCarry), ...eqn.outputs.slice(numCarry)];
  return length > 0 && stacks.every(copyable) ? loop : null;
}
