/**
 * The runtime that the onnx backend runs on: loading it, trying it out, and replacing it when it has
 * run out of memory or broken.
 *
 * @module
 */
import { BackendError, formatBytes, type Jaxpr, messageOf, type ShapedArray } from "../core/mod.ts";
import { DEFAULT_BUDGET, formatSized, largestArrays, workOnParts } from "./cpu_host.ts";
import { inPackage, type Place, placeAt } from "./ort_files.ts";
import { forgetOrt, loadOrt, type OrtRuntime } from "./ort_direct.ts";
import { WASM_MODULE } from "./ort_module.ts";
import { loadPublicOrt, type PublicCompiler } from "./ort_public.ts";
import { trial, trialInput, trialOutput } from "./trial.ts";
import { HeapMemory } from "./onnx_memory.ts";

/** See the top of the file; there is one in a process. */
export class OnnxHost {
  /** What programs run on; null while not loaded. */
  memory: HeapMemory | null = null;
  /** In place of `memory` where the direct binding does not work. */
  compilePublic: PublicCompiler | null = null;
  #budget = DEFAULT_BUDGET;
  #place: Place = inPackage;
  #loading: Promise<void> | null = null;

  /** Whether programs can be compiled. */
  get ready(): boolean {
    return this.memory !== null || this.compilePublic !== null;
  }

  /** Bytes that arrays may take on the runtime's heap. */
  get budget(): number {
    return this.#budget;
  }
  set budget(bytes: number) {
    this.#budget = bytes;
    if (this.memory !== null) this.memory.budget = bytes;
  }

  /** Says where the runtime's files are. */
  locate(url: string | URL): void {
    this.#place = placeAt(url, WASM_MODULE);
  }

  /** Loads the runtime where there is none, or waits for the one that is being loaded. */
  load(): Promise<void> {
    if (this.#loading !== null) return this.#loading;
    if (this.ready) return Promise.resolve();
    return this.#start();
  }

  #start(): Promise<void> {
    const place = this.#place;
    return this.#loading = this.#attempt(place).finally(() => this.#loading = null);
  }

  async #attempt(place: Place): Promise<void> {
    try {
      const runtime = await loadOrt(place);
      tryOut(runtime);
      // What is left of the runtime before goes with the last array on it.
      this.memory?.sessions.closeOthers(null);
      this.memory = new HeapMemory(runtime, this.#budget);
    } catch (cause) {
      forgetOrt();
      // Missing for the one interface is missing for the other.
      if (cause instanceof BackendError) throw cannotLoad(messageOf(cause), cause);
      await this.#fallBack(messageOf(cause), cause, place);
    }
  }

  async #fallBack(reason: string, cause: unknown, place: Place): Promise<void> {
    try {
      this.compilePublic = await loadPublicOrt(place);
    } catch (second) {
      throw cannotLoad(`${reason}; its documented interface: ${messageOf(second)}`, cause);
    }
    console.warn(
      `injax: "onnx" runs on onnxruntime-web's documented interface, since its module cannot be driven ` +
        `directly (${reason}). Calls take longer, and results are in flight: await ready(...) them`,
    );
  }

  /**
   * The error for work that failed: `what` says what did, of `jaxpr`, and `advice` what to do where
   * neither memory nor the runtime is at fault. It also sees to it that later work is not harmed.
   */
  failure(
    memory: HeapMemory,
    cause: unknown,
    what: string,
    jaxpr: Jaxpr,
    advice = "",
  ): BackendError {
    const message = messageOf(cause);
    if (isBreakdown(cause)) {
      memory.runtime.abandon();
      if (this.memory === memory) {
        this.memory = null;
        forgetOrt();
      }
      return new BackendError(
        `onnx: ${what}: ONNX Runtime has stopped (${message}). ` +
          'The backend must be loaded again: `await loadBackend("onnx")`',
        { cause },
      );
    }
    if (!isOutOfMemory(message)) {
      return new BackendError(`onnx: ${what}: ${message}${advice}`, { cause });
    }
    const { heapBytes } = memory.runtime;
    // What had been allocated for the work is lost to this runtime, which unwinds nothing. Programs go
    // over to a fresh one as soon as that is there; arrays on this one stay readable.
    if (this.memory === memory && this.#loading === null) {
      forgetOrt();
      this.#start().catch(() => {});
    }
    return new BackendError(
      `onnx: ${what}: out of memory. WebAssembly can address 4 GiB, of which ${
        formatBytes(heapBytes)
      } are taken; the program's largest arrays are ${formatSized(largestArrays(jaxpr))}. ` +
        `${workOnParts}. What this attempt had taken is free again once your code awaits something`,
      { cause },
    );
  }
}

function cannotLoad(reason: string, cause: unknown): BackendError {
  return new BackendError(`the backend "onnx" cannot be loaded: ${reason}`, { cause });
}

/** Runs a tiny program, so that a runtime that cannot is found out at once. */
function tryOut(runtime: OrtRuntime): void {
  const session = runtime.createSession(trial);
  const input = runtime.tensor("float32", [1], trialInput);
  const [output] = session.run([input]);
  const values = output!.read();
  for (const held of [session, input, output!]) held.release();
  if (values[0] !== trialOutput) {
    throw new Error(`a trial program gave ${values[0]} and not ${trialOutput}`);
  }
}

/** Whether the module may be broken: WebAssembly code was left in the middle. */
function isBreakdown(cause: unknown): boolean {
  return cause instanceof WebAssembly.RuntimeError ||
    (cause instanceof RangeError && /call stack/i.test(cause.message));
}

/** Whether a message of the runtime, or of its binding, is about memory; sizes that overflow are. */
export function isOutOfMemory(message: string): boolean {
  return /bad_alloc|no memory for|SafeInt|[Ff]ailed to allocate|length_error/.test(message);
}

/** The types of a program's outputs. */
export function outputTypes(jaxpr: Jaxpr): ShapedArray[] {
  return jaxpr.outputs.map((out) => out.aval);
}
