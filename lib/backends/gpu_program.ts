/**
 * Programs with loops on the GPU: from a jaxpr to sessions and loops, run one after another. Where
 * a program is cut is `gpu_plan.ts`'s, how a loop runs is `gpu_loops.ts`'s.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import { type Atom, type Jaxpr, Literal, type ShapedArray, type Var } from "../core/mod.ts";
import type { Gpu } from "./gpu_device.ts";
import { dispose, GraphProgram, type Program } from "./gpu_graph.ts";
import { ScanProgram, WhileProgram } from "./gpu_loops.ts";
import { makePlan, type Plan, type Stage } from "./gpu_plan.ts";

/** The program of a jaxpr: one graph, or a plan where there are loops. */
export function compileProgram(gpu: Gpu, jaxpr: Jaxpr, name: string): Program {
  const plan = makePlan(jaxpr);
  if (plan !== null) return new PlannedProgram(gpu, plan, name);
  const avals = (atoms: readonly Atom[]): ShapedArray[] => atoms.map((a) => a.aval);
  return new GraphProgram(
    gpu,
    name,
    avals(jaxpr.inputs),
    avals(jaxpr.outputs),
    (g, inputs) => g.inline(jaxpr, inputs),
  );
}

/** A program that is a sequence of graphs and loops. */
class PlannedProgram implements Program {
  readonly #gpu: Gpu;
  readonly #plan: Plan;
  readonly #programs: readonly Program[];
  readonly #literals = new Map<Literal, Ort.Tensor>();

  constructor(gpu: Gpu, plan: Plan, name: string) {
    this.#gpu = gpu;
    this.#plan = plan;
    this.#programs = plan.stages.map((stage) => this.#compile(stage, name));
    for (const stage of plan.stages) {
      for (const a of stage.inputs) {
        if (!(a instanceof Literal) || this.#literals.has(a)) continue;
        const { dtype, shape, values } = a.value;
        this.#literals.set(a, new gpu.ort.Tensor(dtype, values as never, shape));
      }
    }
  }

  #compile({ work, inputs }: Stage, name: string): Program {
    const gpu = this.#gpu;
    const compile = (jaxpr: Jaxpr, what: string): Program =>
      compileProgram(gpu, jaxpr, `${name} (${what})`);
    switch (work.kind) {
      case "graph":
        return compileProgram(gpu, work.jaxpr, name);
      case "while":
        return new WhileProgram(gpu, work, name, compile);
      case "scan":
        return new ScanProgram(gpu, work, inputs.map((a) => a.aval), compile);
    }
  }

  async run(inputs: readonly Ort.Tensor[]): Promise<Ort.Tensor[]> {
    const { stages, outputs } = this.#plan;
    const env = new Map<Var, Ort.Tensor>();
    this.#plan.inputs.forEach((v, i) => env.set(v, inputs[i]!));
    const owned = new Map<Var, Ort.Tensor>();
    const read = (a: Atom): Ort.Tensor =>
      a instanceof Literal ? this.#literals.get(a)! : env.get(a)!;
    try {
      for (let i = 0; i < stages.length; i++) {
        const stage = stages[i]!;
        const results = await this.#programs[i]!.run(stage.inputs.map(read));
        stage.outputs.forEach((v, k) => {
          env.set(v, results[k]!);
          owned.set(v, results[k]!);
        });
        const dead = stage.dead.filter((v) => owned.has(v));
        dispose(this.#gpu, dead.map((v) => owned.get(v)!));
        for (const v of dead) owned.delete(v);
      }
    } catch (error) {
      dispose(this.#gpu, [...owned.values()]);
      throw error;
    }
    return outputs.map((v) => env.get(v)!);
  }

  release(): void {
    for (const program of this.#programs) program.release();
  }
}
