/**
 * The backend `"onnx"`: programs run synchronously on ONNX Runtime's WebAssembly build, on the CPU.
 *
 * Owns compiling for it. Running is `onnx_program.ts`'s, the life of the runtime `onnx_host.ts`'s. The
 * binding to the runtime is `ort_direct.ts`'s; where that fails, programs run on the runtime's
 * documented interface (`ort_public.ts`), with results in flight.
 *
 * @module
 */
import { type Backend, type Executable, type Jaxpr, notLoaded } from "../core/mod.ts";
import { lowerJaxpr } from "../onnx/export.ts";
import { encodeModel, type Graph, type Model, onnxTypeCode } from "../onnx/model.ts";
import { checkBudget } from "./cpu_host.ts";
import { compileChecked } from "./checked.ts";
import { OnnxHost, outputTypes } from "./onnx_host.ts";
import { OnnxExecutable } from "./onnx_program.ts";

const host = new OnnxHost();

function compile(jaxpr: Jaxpr, name: string): Executable {
  if (!host.ready) throw notLoaded("onnx");
  return compileChecked(jaxpr, (program) => compilePlain(program, name));
}

/** Compiles a program without checks. */
function compilePlain(jaxpr: Jaxpr, name: string): Executable {
  const lower = (): { model: Model; graphOptimization: "basic" | "all" } => {
    const model = lowerJaxpr(jaxpr, { target: "onnx", name });
    // The further optimizations fuse more nodes and take half again as long. They paid in loops alone,
    // where a node costs as much as its work; they keep factors in float32, whatever the dtype; and
    // they corrupt memory now and then where a choice holds loops (all of onnxruntime 1.30).
    const { loops, choices, double } = survey(model.graph);
    return { model, graphOptimization: loops && !choices && !double ? "all" : "basic" };
  };
  if (host.compilePublic !== null) {
    const { model, graphOptimization } = lower();
    return host.compilePublic(model, name, outputTypes(jaxpr), graphOptimization);
  }
  return new OnnxExecutable(host, jaxpr, name, () => {
    const { model, graphOptimization } = lower();
    return { model: encodeModel(model), graphOptimization };
  });
}

/** The CPU backend. */
export const onnx: Backend & {
  /**
   * Bytes that results and uploaded inputs may take on the runtime's heap, 512 MiB where not set.
   * Beyond it, results are copied to the host at once.
   */
  memoryBudget: number;
  /** Bytes that they take now. */
  readonly memoryInUse: number;
  /** Bytes of the whole heap, which grows as needed and never shrinks. */
  readonly heapBytes: number;
} = {
  name: "onnx",
  get ready(): boolean {
    return host.ready;
  },
  load: () => host.load(),
  locate: (url) => host.locate(url),
  compile,
  get memoryBudget(): number {
    return host.budget;
  },
  set memoryBudget(bytes: number) {
    host.budget = checkBudget("onnx", bytes);
  },
  get memoryInUse(): number {
    return host.memory?.used ?? 0;
  },
  get heapBytes(): number {
    return host.memory?.runtime.heapBytes ?? 0;
  },
};

/** Whether a graph loops, and whether anything in it is float64; bodies included. */
function survey(graph: Graph): { loops: boolean; choices: boolean; double: boolean } {
  const typed = [...graph.inputs, ...graph.outputs, ...graph.initializers];
  let loops = false;
  let choices = false;
  let double = typed.some(({ type }) => type === "float64");
  for (const { op, attributes } of graph.nodes) {
    loops ||= op === "Loop" || op === "Scan";
    choices ||= op === "If";
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if ("graph" in value) {
        const inner = survey(value.graph);
        loops ||= inner.loops;
        choices ||= inner.choices;
        double ||= inner.double;
      } else if (op === "Cast" && key === "to" && "int" in value) {
        double ||= value.int === onnxTypeCode.float64;
      }
    }
  }
  return { loops, choices, double };
}
