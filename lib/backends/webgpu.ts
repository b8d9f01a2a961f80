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
import {
  allocate,
  allPrograms,
  type Atom,
  type Backend,
  BackendError,
  ConcreteArray,
  type Executable,
  formatBytes,
  type Jaxpr,
  messageOf,
  notLoaded,
  type ShapedArray,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import { simplify } from "../compile/pipeline.ts";
import { compileChecked } from "./checked.ts";
import { type Gpu, GPU_MODULE, loadGpu, locateGpu } from "./gpu_device.ts";
import { GpuBuffer, uploadToGpu } from "./gpu_buffer.ts";
import type { Program } from "./gpu_graph.ts";
import { compileProgram } from "./gpu_program.ts";
import { formatSized, largestArrays, workOnParts } from "./cpu_host.ts";
import { placeAt } from "./ort_files.ts";
import { Uploads } from "./cpu_memory.ts";

/** Host arrays up to this size go along with each run; larger ones are copied to the GPU once. */
const SMALL_BYTES = 64 * 1024;

/** GPU memory for copies of host arrays. */
const UPLOAD_BUDGET = 1024 * 1024 * 1024;

/** A device, and the copies of host arrays that are on it. */
interface Loaded {
  readonly gpu: Gpu;
  readonly uploads: Uploads<GpuBuffer>;
}

let loaded: Loaded | null = null;

/** The buffers that arrays in flight are going to have. */
const coming = new WeakMap<ConcreteArray, GpuBuffer>();

/** An input on its way into a run. */
interface Feed {
  readonly tensor: Ort.Tensor | Promise<Ort.Tensor>;
  readonly buffer: GpuBuffer | null;
}

function feedOf({ gpu, uploads }: Loaded, x: ConcreteArray, held: readonly GpuBuffer[]): Feed {
  const fromBuffer = (buffer: GpuBuffer): Feed => ({ tensor: buffer.use(), buffer });
  const fromHost = (values: TypedArray): Feed => {
    if (values.byteLength <= SMALL_BYTES) {
      return { tensor: new gpu.ort.Tensor(x.dtype, values as never, x.shape), buffer: null };
    }
    const make = (): GpuBuffer =>
      new GpuBuffer(gpu, x.aval, Promise.resolve(uploadToGpu(gpu, x.aval, values)));
    return fromBuffer(uploads.get(x, values.byteLength, make, held));
  };
  const { device } = x;
  if (device instanceof GpuBuffer && device.gpu === gpu) return fromBuffer(device);
  const values = x.peek();
  if (values !== null) return fromHost(values);
  // Nowhere but on a device that is lost: an error that says so.
  if (device instanceof GpuBuffer) return fromBuffer(device);
  const buffer = coming.get(x);
  if (buffer !== undefined && !x.ready) return fromBuffer(buffer);
  // In flight elsewhere. It comes to the host, and is copied on the way in, whatever its size.
  const tensor = x.load().then(() => new gpu.ort.Tensor(x.dtype, x.values as never, x.shape));
  return { tensor, buffer: null };
}

/** A program as compiled for a device. */
interface Compiled {
  readonly gpu: Gpu;
  readonly program: Program;
}

class WebgpuExecutable implements Executable {
  readonly #name: string;
  readonly #jaxpr: Jaxpr;
  readonly #outAvals: readonly ShapedArray[];
  /** Apart from the executable, so that a finalizer can release what is compiled by then. */
  readonly #box: { compiled: Compiled };
  #released = false;
  /** Runs that have begun and are not over. */
  #running = 0;

  constructor(jaxpr: Jaxpr, name: string) {
    this.#name = name;
    this.#jaxpr = jaxpr;
    this.#outAvals = jaxpr.outputs.map((out) => out.aval);
    this.#box = { compiled: this.#compile(device(name).gpu) };
    finalizer.register(this, this.#box, this);
  }

  #compile(gpu: Gpu): Compiled {
    const jaxpr = simplify(this.#jaxpr);
    // Beyond it, the runtime fails in ways that it does not recover from.
    const most = gpu.device.limits.maxBufferSize;
    const tooLarge = largestArrays(jaxpr).filter(({ bytes }) => bytes > most);
    if (tooLarge.length > 0) {
      throw new BackendError(
        `webgpu: program ${this.#name} has arrays beyond the ${formatBytes(most)} that this GPU ` +
          `allows for one: ${formatSized(tooLarge)}. ${workOnParts}`,
      );
    }
    return { gpu, program: compileProgram(gpu, jaxpr, this.#name) };
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    const name = this.#name;
    if (this.#released) throw new BackendError(`webgpu: program ${name} has been released`);
    const { length } = this.#jaxpr.inputs;
    if (args.length !== length) {
      throw new BackendError(
        `webgpu: program ${name} takes ${length} inputs, ${args.length} were given`,
      );
    }
    const on = device(name);
    if (this.#box.compiled.gpu !== on.gpu) this.#box.compiled = this.#compile(on.gpu);
    const { program } = this.#box.compiled;
    const failed = async (cause: unknown): Promise<never> => {
      if (cause instanceof BackendError) throw cause;
      const message = `webgpu: program ${name} failed: ${messageOf(cause)}`;
      throw await on.gpu.failure(new BackendError(message, { cause }));
    };
    const held: GpuBuffer[] = [];
    let results: Promise<Ort.Tensor[]>;
    try {
      // What the inputs are is settled now, so that they may be disposed of right after the call.
      const feeds = args.map((x) => {
        const feed = feedOf(on, x, held);
        if (feed.buffer !== null) held.push(feed.buffer);
        return feed.tensor;
      });
      results = Promise.all(feeds).then((tensors) => program.run(tensors).catch(failed));
    } catch (error) {
      for (const buffer of held) buffer.done();
      throw error;
    }
    this.#running++;
    // It also keeps the executable, whose finalizer would release the sessions of a loop under way.
    const finish = (): void => {
      for (const buffer of held) buffer.done();
      this.#running--;
      // Not of this run: where a device was lost, another is there by now.
      if (this.#released && this.#running === 0) this.#box.compiled.program.release();
    };
    results.then(finish, finish);
    return this.#outAvals.map((aval, i) => {
      const buffer = new GpuBuffer(on.gpu, aval, results.then((all) => all[i]!));
      const array = ConcreteArray.inFlight(aval, buffer.settled());
      coming.set(array, buffer);
      return array;
    });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    finalizer.unregister(this);
    if (this.#running === 0) this.#box.compiled.program.release();
  }
}

const finalizer = new FinalizationRegistry<{ compiled: Compiled }>(({ compiled }) =>
  compiled.program.release()
);

/** The device there is. */
function device(name: string): Loaded {
  if (loaded === null) throw notLoaded("webgpu");
  const { loss } = loaded.gpu;
  if (loss !== null) {
    throw new BackendError(`program ${name} cannot run: ${loss.message}`, { cause: loss });
  }
  return loaded;
}

/** Whether a program, or one inside it, has a value of dtype float64. */
function usesFloat64(jaxpr: Jaxpr): boolean {
  const isDouble = (a: Atom): boolean => a.aval.dtype === "float64";
  for (const program of allPrograms(jaxpr)) {
    for (const { inputs, outputs } of [program, ...program.eqns]) {
      if (inputs.some(isDouble) || outputs.some(isDouble)) return true;
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
  // A device that is lost counts as loaded: programs say that it is lost, rather than wait.
  get ready(): boolean {
    return loaded !== null;
  },
  async load(): Promise<void> {
    const gpu = await loadGpu();
    if (loaded?.gpu === gpu) return;
    const uploads = new Uploads<GpuBuffer>(UPLOAD_BUDGET, (buffer) => buffer.release());
    loaded = { gpu, uploads };
  },
  locate: (url) => locateGpu(placeAt(url, GPU_MODULE)),
  compile(jaxpr: Jaxpr, name: string): Executable {
    device(name);
    if (usesFloat64(jaxpr)) {
      throw new BackendError(
        "float64 is not available on webgpu: convert with astype('float32') or use backend onnx " +
          `(program ${name})`,
      );
    }
    return compileChecked(jaxpr, (program) => {
      const outAvals = program.outputs.map((out) => out.aval);
      if (outAvals.every(({ shape }) => sizeOf(shape) === 0)) return emptyExecutable(outAvals);
      return new WebgpuExecutable(program, name);
    });
  },
};
