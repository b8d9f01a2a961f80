/**
 * The backend `"wasm"`: programs run synchronously on ONNX Runtime's WebAssembly build, on the CPU.
 *
 * Owns compiling for it and passing arrays in and out with as little copying as possible: small
 * ones through tensors that each program has once and for all, large ones on the heap
 * (`wasm_memory.ts`). The binding to the runtime is `ort_direct.ts`'s; where that fails, programs run
 * on the runtime's documented interface (`ort_public.ts`), with results in flight.
 *
 * @module
 */
import type { Backend, Executable } from "../core/backend.ts";
import { ConcreteArray, deferUntilReady } from "../core/concrete.ts";
import type { ShapedArray } from "../core/aval.ts";
import { BackendError, messageOf } from "../core/errors.ts";
import type { TypedArray } from "../core/dtype.ts";
import type { Jaxpr } from "../core/jaxpr.ts";
import { lowerJaxpr } from "../onnx/lower.ts";
import { encodeModel, type Graph, onnxTypeCode } from "../onnx/model.ts";
import { loadPublicOrt, type PublicCompiler } from "./ort_public.ts";
import { loadOrt, type OrtSession, type OrtTensor } from "./ort_direct.ts";
import { bytesOf, HeapBuffer, HeapMemory } from "./wasm_memory.ts";

/** Arrays up to this size are copied on each run; a copy costs less than keeping books. */
const SMALL_BYTES = 64 * 1024;

let memory: HeapMemory | null = null;
/** Bytes that arrays may take on the runtime's heap. */
let budget = 512 * 1024 * 1024;
/** In place of `memory` where the direct binding does not work. */
let compilePublic: PublicCompiler | null = null;

/** What a program holds on the heap. Apart from the program, so that a finalizer can free it. */
class Holdings {
  constructor(
    readonly session: OrtSession,
    /** A tensor for each small input. */
    readonly inputs: readonly (OrtTensor | null)[],
    /** A tensor for each small output. */
    readonly outputs: readonly (OrtTensor | null)[],
  ) {}
  release(): void {
    this.session.release();
    for (const tensor of this.inputs) tensor?.release();
    for (const tensor of this.outputs) tensor?.release();
  }
}

const finalizer = new FinalizationRegistry<Holdings>((holdings) => holdings.release());

class WasmExecutable implements Executable {
  readonly #memory: HeapMemory;
  readonly #name: string;
  readonly #holdings: Holdings;
  readonly #inputs: readonly (OrtTensor | null)[];
  readonly #outputs: readonly (OrtTensor | null)[];
  readonly #outAvals: readonly ShapedArray[];
  readonly #allSmall: boolean;
  readonly #feeds: OrtTensor[];
  #released = false;

  constructor(
    memory: HeapMemory,
    name: string,
    holdings: Holdings,
    outAvals: readonly ShapedArray[],
  ) {
    this.#memory = memory;
    this.#name = name;
    this.#holdings = holdings;
    this.#inputs = holdings.inputs;
    this.#outputs = holdings.outputs;
    this.#outAvals = outAvals;
    this.#allSmall = holdings.outputs.every((tensor) => tensor !== null);
    this.#feeds = new Array(holdings.inputs.length);
    finalizer.register(this, holdings, this);
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    if (this.#released) throw new BackendError(`wasm: program ${this.#name} has been released`);
    const inputs = this.#inputs;
    if (args.length !== inputs.length) {
      throw new BackendError(
        `wasm: program ${this.#name} takes ${inputs.length} inputs, ${args.length} were given`,
      );
    }
    const feeds = this.#feeds;
    for (let i = 0; i < args.length; i++) {
      const x = args[i]!;
      const { device } = x;
      if (device instanceof HeapBuffer) {
        feeds[i] = device.tensor;
        continue;
      }
      const values = x.peek();
      if (values === null) return this.#defer(args);
      const own = inputs[i]!;
      if (own === null) feeds[i] = this.#upload(x, values, i);
      else {
        own.write(values);
        feeds[i] = own;
      }
    }
    let results: OrtTensor[];
    try {
      results = this.#holdings.session.run(feeds, this.#outputs);
    } catch (cause) {
      throw new BackendError(`wasm: program ${this.#name} failed: ${messageOf(cause)}`, { cause });
    }
    return this.#allSmall ? this.#copyOut(results) : this.#takeOut(results);
  }

  /** Runs once all inputs have arrived. */
  #defer(args: readonly ConcreteArray[]): ConcreteArray[] {
    const outs = deferUntilReady(args, this.#outAvals, (held) => this.run(held));
    return outs as ConcreteArray[];
  }

  #upload(x: ConcreteArray, values: TypedArray, count: number): OrtTensor {
    try {
      return this.#memory.upload(x, values, this.#feeds.slice(0, count));
    } catch (cause) {
      throw new BackendError(`wasm: program ${this.#name}: ${messageOf(cause)}`, { cause });
    }
  }

  #copyOut(results: readonly OrtTensor[]): ConcreteArray[] {
    const avals = this.#outAvals;
    const arrays: ConcreteArray[] = new Array(avals.length);
    for (let i = 0; i < avals.length; i++) {
      arrays[i] = ConcreteArray.fromHost(avals[i]!, results[i]!.read() as TypedArray);
    }
    return arrays;
  }

  /** As `copyOut`, but large results stay on the heap where there is room. */
  #takeOut(results: readonly OrtTensor[]): ConcreteArray[] {
    return this.#outAvals.map((aval, i) => {
      const tensor = results[i]!;
      if (this.#outputs[i] !== null) {
        return ConcreteArray.fromHost(aval, tensor.read() as TypedArray);
      }
      if (this.#memory.hasRoom(bytesOf(aval))) {
        return ConcreteArray.fromDevice(aval, this.#memory.keep(tensor, aval));
      }
      const values = tensor.read() as TypedArray;
      tensor.release();
      return ConcreteArray.fromHost(aval, values);
    });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    finalizer.unregister(this);
    this.#holdings.release();
  }
}

function compile(jaxpr: Jaxpr, name: string): Executable {
  if (memory === null && compilePublic === null) {
    throw new BackendError('the backend "wasm" is not loaded: `await loadBackend("wasm")` first');
  }
  const model = lowerJaxpr(jaxpr, { target: "wasm", name });
  const outAvals = jaxpr.outputs.map((out) => out.aval);
  // The further optimizations fuse more nodes and take half again as long. They paid in loops alone,
  // where a node costs as much as its work; they keep factors in float32, whatever the dtype; and
  // they corrupt memory now and then where a choice holds loops (all of onnxruntime 1.30).
  const { loops, choices, double } = survey(model.graph);
  const graphOptimization = loops && !choices && !double ? "all" : "basic";
  if (memory === null) return compilePublic!(model, name, outAvals, graphOptimization);
  const { runtime } = memory;
  let session: OrtSession;
  try {
    session = runtime.createSession(encodeModel(model), { graphOptimization });
  } catch (cause) {
    throw new BackendError(
      `wasm: program ${name} does not compile: ${messageOf(cause)}. ` +
        "This is a fault of the library: please report it with the program that jit was given",
      { cause },
    );
  }
  const own = ({ aval }: { aval: ShapedArray }): OrtTensor | null =>
    bytesOf(aval) <= SMALL_BYTES ? runtime.tensor(aval.dtype, aval.shape) : null;
  const holdings = new Holdings(session, jaxpr.inputs.map(own), jaxpr.outputs.map(own));
  return new WasmExecutable(memory, name, holdings, outAvals);
}

async function loadFallback(reason: string, cause: unknown): Promise<void> {
  try {
    compilePublic ??= await loadPublicOrt();
  } catch {
    throw new BackendError(`the backend "wasm" cannot be loaded: ${reason}`, { cause });
  }
  console.warn(
    `injax: "wasm" runs on onnxruntime-web's documented interface, since its module cannot be driven ` +
      `directly (${reason}). Calls take longer, and results are in flight: await ready(...) them`,
  );
}

/** The CPU backend. */
export const wasm: Backend & {
  /**
   * Bytes that results and uploaded inputs may take on the runtime's heap, 512 MiB where not set.
   * Beyond it, results are copied to the host at once.
   */
  memoryBudget: number;
  /** Bytes that they take now. */
  readonly memoryInUse: number;
} = {
  name: "wasm",
  get synchronous(): boolean {
    return compilePublic === null;
  },
  get ready(): boolean {
    return memory !== null || compilePublic !== null;
  },
  async load(): Promise<void> {
    if (wasm.ready) return;
    try {
      const runtime = await loadOrt();
      memory ??= new HeapMemory(runtime, budget);
    } catch (cause) {
      await loadFallback(messageOf(cause), cause);
    }
  },
  compile,
  get memoryBudget(): number {
    return budget;
  },
  set memoryBudget(bytes: number) {
    if (!(typeof bytes === "number" && bytes >= 0)) {
      throw new RangeError(
        `wasm.memoryBudget must be a number of bytes that is not negative, not ${bytes}`,
      );
    }
    budget = bytes;
    if (memory !== null) memory.budget = bytes;
  },
  get memoryInUse(): number {
    return memory?.used ?? 0;
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
