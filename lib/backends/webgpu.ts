/**
 * The backend `"webgpu"`: programs run on the GPU, through ONNX Runtime's WebGPU build.
 *
 * Owns compiling for it and running: at once in form, the results being in flight. Results stay on
 * the GPU until they are read, and go into the next program from there. The device and the queue
 * are `gpu_device.ts`'s, the life of buffers is `gpu_buffer.ts`'s.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import type { Backend, Executable } from "../core/backend.ts";
import { ConcreteArray } from "../core/concrete.ts";
import { type ShapedArray, sizeOf } from "../core/aval.ts";
import { allocate, type TypedArray } from "../core/dtype.ts";
import { BackendError } from "../core/errors.ts";
import { type Jaxpr, subJaxprs } from "../core/jaxpr.ts";
import { simplify } from "../control/simplify.ts";
import { type Gpu, loadGpu } from "./gpu_device.ts";
import { GpuBuffer, uploadToGpu } from "./gpu_buffer.ts";
import type { Program } from "./gpu_graph.ts";
import { compileProgram } from "./gpu_program.ts";
import { Uploads } from "./uploads.ts";

/** Host arrays up to this size go along with each run; larger ones are copied to the GPU once. */
const SMALL_BYTES = 64 * 1024;

/** GPU memory for copies of host arrays. */
const UPLOAD_BUDGET = 1024 * 1024 * 1024;

let gpu: Gpu | null = null;
const uploads: Uploads<GpuBuffer> = new Uploads(UPLOAD_BUDGET, (buffer) => buffer.release());

/** The buffers that arrays in flight are going to have. */
const coming = new WeakMap<ConcreteArray, GpuBuffer>();

/** An input on its way into a run. */
interface Feed {
  readonly tensor: Ort.Tensor | Promise<Ort.Tensor>;
  readonly buffer: GpuBuffer | null;
}

function feedOf(gpu: Gpu, x: ConcreteArray, held: readonly GpuBuffer[]): Feed {
  const fromBuffer = (buffer: GpuBuffer): Feed => ({ tensor: buffer.use(), buffer });
  const fromHost = (values: TypedArray): Feed => {
    if (values.byteLength <= SMALL_BYTES) {
      return { tensor: new gpu.ort.Tensor(x.dtype, values as never, x.shape), buffer: null };
    }
    const make = (): GpuBuffer =>
      new GpuBuffer(gpu, x.aval, Promise.resolve(uploadToGpu(gpu, x.aval, values)));
    return fromBuffer(uploads.get(x, values.byteLength, make, held));
  };
  if (x.device instanceof GpuBuffer) return fromBuffer(x.device);
  const values = x.peek();
  if (values !== null) return fromHost(values);
  const buffer = coming.get(x);
  if (buffer !== undefined && !x.ready) return fromBuffer(buffer);
  // In flight elsewhere. It comes to the host, and is copied on the way in, whatever its size.
  const tensor = x.load().then(() => new gpu.ort.Tensor(x.dtype, x.values as never, x.shape));
  return { tensor, buffer: null };
}

class WebgpuExecutable implements Executable {
  readonly #gpu: Gpu;
  readonly #name: string;
  readonly #numInputs: number;
  readonly #outAvals: readonly ShapedArray[];
  readonly #program: Program;
  #released = false;

  constructor(gpu: Gpu, jaxpr: Jaxpr, name: string) {
    this.#gpu = gpu;
    this.#name = name;
    this.#numInputs = jaxpr.inputs.length;
    this.#outAvals = jaxpr.outputs.map((out) => out.aval);
    this.#program = compileProgram(gpu, simplify(jaxpr), name);
    finalizer.register(this, this.#program, this);
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    const name = this.#name;
    if (this.#released) throw new BackendError(`webgpu: program ${name} has been released`);
    if (args.length !== this.#numInputs) {
      throw new BackendError(
        `webgpu: program ${name} takes ${this.#numInputs} inputs, ${args.length} were given`,
      );
    }
    const held: GpuBuffer[] = [];
    let results: Promise<Ort.Tensor[]>;
    try {
      // What the inputs are is settled now, so that they may be disposed of right after the call.
      const feeds = args.map((x) => {
        const feed = feedOf(this.#gpu, x, held);
        if (feed.buffer !== null) held.push(feed.buffer);
        return feed.tensor;
      });
      results = Promise.all(feeds).then((tensors) => this.#program.run(tensors));
    } catch (error) {
      for (const buffer of held) buffer.done();
      throw error;
    }
    const finish = (): void => held.forEach((buffer) => buffer.done());
    results.then(finish, finish);
    return this.#outAvals.map((aval, i) => {
      const buffer = new GpuBuffer(this.#gpu, aval, results.then((all) => all[i]!));
      const array = ConcreteArray.inFlight(aval, buffer.settled());
      coming.set(array, buffer);
      return array;
    });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    finalizer.unregister(this);
    this.#program.release();
  }
}

const finalizer = new FinalizationRegistry<Program>((program) => program.release());

/** Whether a program, or one inside it, has a value of dtype float64. */
function usesFloat64(jaxpr: Jaxpr): boolean {
  const pending = [jaxpr];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const atoms = [...next.inputs, ...next.outputs];
    if (atoms.some((a) => a.aval.dtype === "float64")) return true;
    for (const { inputs, outputs, params } of next.eqns) {
      if (inputs.some((a) => a.aval.dtype === "float64")) return true;
      if (outputs.some((a) => a.aval.dtype === "float64")) return true;
      pending.push(...subJaxprs(params));
    }
  }
  return false;
}

/** A program all of whose results are empty has nothing to compute; GPUs refuse some of these. */
function emptyExecutable(outAvals: readonly ShapedArray[]): Executable {
  return {
    run: () => outAvals.map((aval) => ConcreteArray.fromHost(aval, allocate(aval.dtype, 0))),
    release: () => {},
  };
}

/** The GPU backend. */
export const webgpu: Backend = {
  name: "webgpu",
  synchronous: false,
  get ready(): boolean {
    return gpu !== null;
  },
  async load(): Promise<void> {
    gpu = await loadGpu();
  },
  compile(jaxpr: Jaxpr, name: string): Executable {
    if (gpu === null) {
      throw new BackendError(
        'the backend "webgpu" is not loaded: `await loadBackend("webgpu")` first',
      );
    }
    if (usesFloat64(jaxpr)) {
      throw new BackendError(
        "float64 is not available on webgpu: convert with astype('float32') or use backend wasm " +
          `(program ${name})`,
      );
    }
    const outAvals = jaxpr.outputs.map((out) => out.aval);
    if (outAvals.every(({ shape }) => sizeOf(shape) === 0)) return emptyExecutable(outAvals);
    return new WebgpuExecutable(gpu, jaxpr, name);
  },
};
