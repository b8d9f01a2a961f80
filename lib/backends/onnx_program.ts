/**
 * Programs of the onnx backend: passing arrays in and out with as little copying as possible, small
 * ones through tensors that each program has once and for all, large ones on the heap.
 *
 * @module
 */
import {
  BackendError,
  bytesOf,
  ConcreteArray,
  deferUntilReady,
  type Executable,
  type Jaxpr,
  messageOf,
  type ShapedArray,
  type TypedArray,
} from "../core/mod.ts";
import type { OrtTensor } from "./ort_direct.ts";
import { isOutOfMemory, type OnnxHost, outputTypes } from "./onnx_host.ts";
import { HeapBuffer, type HeapMemory } from "./onnx_memory.ts";
import { Holdings, type Opened as OpenedOn } from "./onnx_sessions.ts";

/** Arrays up to this size are copied on each run; a copy costs less than keeping books. */
const SMALL_BYTES = 64 * 1024;

/** Makes a program's model, and says how far the runtime may rewrite it. */
export type Lower = () => {
  readonly model: Uint8Array;
  readonly graphOptimization: "basic" | "all";
};

/** What an open program has on the heap. */
type Opened = OpenedOn<HeapMemory>;

const finalizer = new FinalizationRegistry<Holdings>((holdings) => holdings.close());

/** A program, which opens its session again where that was closed or the runtime is another. */
export class OnnxExecutable implements Executable {
  readonly #host: OnnxHost;
  readonly #jaxpr: Jaxpr;
  readonly #name: string;
  readonly #lower: Lower;
  readonly #outAvals: readonly ShapedArray[];
  readonly #allSmall: boolean;
  /** Apart from the program, so that a finalizer can free it. */
  readonly #holdings = new Holdings<HeapMemory>(null);
  #released = false;

  /** Compiles a program on a host that is loaded. */
  constructor(host: OnnxHost, jaxpr: Jaxpr, name: string, lower: Lower) {
    this.#host = host;
    this.#jaxpr = jaxpr;
    this.#name = name;
    this.#lower = lower;
    this.#outAvals = outputTypes(jaxpr);
    this.#allSmall = this.#outAvals.every((aval) => bytesOf(aval) <= SMALL_BYTES);
    this.#open();
    finalizer.register(this, this.#holdings, this);
  }

  #open(): Opened {
    const { memory } = this.#host;
    if (memory === null) {
      throw new BackendError(
        `onnx: program ${this.#name} cannot run: the backend is no longer loaded; ` +
          '`await loadBackend("onnx")` first',
      );
    }
    const { runtime, sessions } = memory;
    const own = ({ aval }: { aval: ShapedArray }): OrtTensor | null =>
      bytesOf(aval) <= SMALL_BYTES ? runtime.tensor(aval.dtype, aval.shape) : null;
    const { model, graphOptimization } = this.#lower();
    const create = (): Opened => {
      const session = runtime.createSession(model, { graphOptimization });
      const inputs = this.#jaxpr.inputs.map(own);
      const outputs = this.#jaxpr.outputs.map(own);
      return { memory, session, inputs, outputs, feeds: new Array(inputs.length) };
    };
    const before = runtime.heapBytes;
    let open: Opened;
    try {
      open = create();
    } catch (cause) {
      try {
        if (!isOutOfMemory(messageOf(cause)) || !sessions.closeOthers(null)) throw cause;
        open = create();
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
    this.#holdings.open = open;
    sessions.add(this.#holdings, memory, runtime.heapBytes > before);
    return open;
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    if (this.#released) throw new BackendError(`onnx: program ${this.#name} has been released`);
    let { open } = this.#holdings;
    if (open === null || open.memory !== this.#host.memory) {
      this.#holdings.close();
      open = this.#open();
    }
    const { memory, inputs, feeds } = open;
    if (args.length !== inputs.length) {
      throw new BackendError(
        `onnx: program ${this.#name} takes ${inputs.length} inputs, ${args.length} were given`,
      );
    }
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
      if (own === null) feeds[i] = this.#upload(open, x, values, i);
      else {
        own.write(values);
        feeds[i] = own;
      }
    }
    this.#holdings.lastUse = ++memory.sessions.clock;
    let results: OrtTensor[];
    try {
      results = open.session.run(feeds, open.outputs);
    } catch (cause) {
      results = this.#runWithMoreRoom(open, cause);
    }
    return this.#allSmall ? this.#copyOut(results) : this.#takeOut(open, results);
  }

  /** Once more after freeing what can be made again, if it was memory that was missing. */
  #runWithMoreRoom({ memory, session, feeds, outputs }: Opened, cause: unknown): OrtTensor[] {
    try {
      if (!isOutOfMemory(messageOf(cause))) throw cause;
      const closed = memory.sessions.closeOthers(this.#holdings);
      if (!memory.dropUploads(feeds) && !closed) throw cause;
      return session.run(feeds, outputs);
    } catch (cause) {
      throw this.#host.failure(memory, cause, `program ${this.#name} failed`, this.#jaxpr);
    }
  }

  /** Runs once all inputs have arrived. */
  #defer(args: readonly ConcreteArray[]): ConcreteArray[] {
    const outs = deferUntilReady(args, this.#outAvals, (held) => this.run(held));
    return outs as ConcreteArray[];
  }

  #upload(
    { memory, feeds }: Opened,
    x: ConcreteArray,
    values: TypedArray,
    count: number,
  ): OrtTensor {
    try {
      return memory.upload(x, values, feeds.slice(0, count));
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
  #takeOut({ memory, outputs }: Opened, results: readonly OrtTensor[]): ConcreteArray[] {
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
    this.#holdings.close();
  }
}
