/**
 * Programs of the wasm backend: passing arrays in and out with as little copying as possible, small
 * ones through tensors that each program has once and for all, large ones on the heap.
 *
 * @module
 */
import type { Executable } from "../core/backend.ts";
import { ConcreteArray, deferUntilReady } from "../core/concrete.ts";
import type { ShapedArray } from "../core/aval.ts";
import { BackendError, messageOf } from "../core/errors.ts";
import type { TypedArray } from "../core/dtype.ts";
import type { Jaxpr } from "../core/jaxpr.ts";
import { bytesOf } from "./largest.ts";
import type { OrtTensor } from "./ort_direct.ts";
import { isOutOfMemory, outputTypes, type WasmHost } from "./wasm_host.ts";
import { HeapBuffer, type HeapMemory } from "./wasm_memory.ts";
import { Holdings } from "./wasm_sessions.ts";

/** Arrays up to this size are copied on each run; a copy costs less than keeping books. */
const SMALL_BYTES = 64 * 1024;

/** Makes a program's model, and says how far the runtime may rewrite it. */
export type Lower = () => {
  readonly model: Uint8Array;
  readonly graphOptimization: "basic" | "all";
};

const finalizer = new FinalizationRegistry<{ held: Holdings }>(({ held }) =>
  held.memory.sessions.drop(held)
);

/** A program, which opens its session again where that was closed or the runtime is another. */
export class WasmExecutable implements Executable {
  readonly #host: WasmHost;
  readonly #jaxpr: Jaxpr;
  readonly #name: string;
  readonly #lower: Lower;
  readonly #outAvals: readonly ShapedArray[];
  readonly #allSmall: boolean;
  readonly #feeds: OrtTensor[];
  /** Apart from the program, so that a finalizer can free what is held by then. */
  readonly #box: { held: Holdings };
  #released = false;

  /** Compiles a program on a host that is loaded. */
  constructor(host: WasmHost, jaxpr: Jaxpr, name: string, lower: Lower) {
    this.#host = host;
    this.#jaxpr = jaxpr;
    this.#name = name;
    this.#lower = lower;
    this.#outAvals = outputTypes(jaxpr);
    this.#allSmall = this.#outAvals.every((aval) => bytesOf(aval) <= SMALL_BYTES);
    this.#feeds = new Array(jaxpr.inputs.length);
    this.#box = { held: this.#hold() };
    finalizer.register(this, this.#box, this);
  }

  #hold(): Holdings {
    const { memory } = this.#host;
    if (memory === null) {
      throw new BackendError(
        `wasm: program ${this.#name} cannot run: the backend is no longer loaded; ` +
          '`await loadBackend("wasm")` first',
      );
    }
    const { runtime, sessions } = memory;
    const own = ({ aval }: { aval: ShapedArray }): OrtTensor | null =>
      bytesOf(aval) <= SMALL_BYTES ? runtime.tensor(aval.dtype, aval.shape) : null;
    const { model, graphOptimization } = this.#lower();
    const open = (): Holdings => {
      const session = runtime.createSession(model, { graphOptimization });
      const { inputs, outputs } = this.#jaxpr;
      return new Holdings(memory, session, inputs.map(own), outputs.map(own));
    };
    const before = runtime.heapBytes;
    let held: Holdings;
    try {
      held = open();
    } catch (cause) {
      try {
        if (!isOutOfMemory(messageOf(cause)) || !sessions.dropOthers(null)) throw cause;
        held = open();
      } catch (cause) {
        throw this.#host.failure(
          memory,
          cause,
          `program ${this.#name} does not compile`,
          this.#jaxpr,
          ". This is a fault of the library: please report it with the program that jit was given",
        );
      }
    }
    sessions.add(held, runtime.heapBytes > before);
    return held;
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    if (this.#released) throw new BackendError(`wasm: program ${this.#name} has been released`);
    let { held } = this.#box;
    if (held.session === null || held.memory !== this.#host.memory) {
      held.memory.sessions.drop(held);
      held = this.#box.held = this.#hold();
    }
    const { memory, inputs } = held;
    if (args.length !== inputs.length) {
      throw new BackendError(
        `wasm: program ${this.#name} takes ${inputs.length} inputs, ${args.length} were given`,
      );
    }
    const feeds = this.#feeds;
    for (let i = 0; i < args.length; i++) {
      const x = args[i]!;
      const { device } = x;
      if (device instanceof HeapBuffer && device.memory === memory) {
        feeds[i] = device.tensor;
        continue;
      }
      const values = x.peek();
      if (values === null) return this.#defer(args);
      const own = inputs[i]!;
      if (own === null) feeds[i] = this.#upload(memory, x, values, i);
      else {
        own.write(values);
        feeds[i] = own;
      }
    }
    held.lastUse = ++memory.sessions.clock;
    let results: OrtTensor[];
    try {
      results = held.session!.run(feeds, held.outputs);
    } catch (cause) {
      results = this.#runWithMoreRoom(held, cause);
    }
    return this.#allSmall ? this.#copyOut(results) : this.#takeOut(held, results);
  }

  /** Once more after freeing what can be made again, if it was memory that was missing. */
  #runWithMoreRoom(held: Holdings, cause: unknown): OrtTensor[] {
    const { memory, session, outputs } = held;
    try {
      if (!isOutOfMemory(messageOf(cause))) throw cause;
      const others = memory.sessions.dropOthers(held);
      if (!memory.dropUploads(this.#feeds) && !others) throw cause;
      return session!.run(this.#feeds, outputs);
    } catch (cause) {
      throw this.#host.failure(memory, cause, `program ${this.#name} failed`, this.#jaxpr);
    }
  }

  /** Runs once all inputs have arrived. */
  #defer(args: readonly ConcreteArray[]): ConcreteArray[] {
    const outs = deferUntilReady(args, this.#outAvals, (held) => this.run(held));
    return outs as ConcreteArray[];
  }

  #upload(memory: HeapMemory, x: ConcreteArray, values: TypedArray, count: number): OrtTensor {
    try {
      return memory.upload(x, values, this.#feeds.slice(0, count));
    } catch (cause) {
      throw this.#host.failure(memory, cause, `program ${this.#name} failed`, this.#jaxpr);
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
  #takeOut({ memory, outputs }: Holdings, results: readonly OrtTensor[]): ConcreteArray[] {
    return this.#outAvals.map((aval, i) => {
      const tensor = results[i]!;
      if (outputs[i] !== null) return ConcreteArray.fromHost(aval, tensor.read() as TypedArray);
      if (memory.hasRoom(bytesOf(aval))) {
        return ConcreteArray.fromDevice(aval, memory.keep(tensor, aval));
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
    const { held } = this.#box;
    held.memory.sessions.drop(held);
  }
}
