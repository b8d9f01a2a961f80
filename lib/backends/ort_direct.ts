/**
 * A synchronous binding to the plain WebAssembly build of onnxruntime-web.
 *
 * Owns: loading the module, the C-like calls it exports, memory on its heap, and turning its
 * errors into `Error`s. Leaves to others: building models (`../onnx/model.ts`), deciding what to
 * run, and the lifetime of handles: nothing here is freed before `release` is called.
 *
 * The package's public API is asynchronous and copies every tensor in and out on each run. The
 * functions below it are synchronous and let a result stay on the heap as the next input. They
 * are not documented, so the version is pinned and the module is checked for them on loading.
 *
 * That build catches C++ exceptions only where the calls begin, and unwinds nothing in between. An
 * error found by an exception, as most about shapes are, therefore leaves behind on the heap what
 * that one call had allocated; one found without, such as a division by zero, an index out of
 * bounds or a wrong type, leaves nothing. Everything stays usable in both cases.
 *
 * @module
 */
import type { OnnxType } from "../onnx/model.ts";
import { elementBytes, onnxTypeCode, typeOfCode } from "../onnx/wire.ts";
import { inPackage, type Place } from "./ort_files.ts";
import { loadModule, type OrtModule, THREADS, WRONG_OPTIMIZERS } from "./ort_module.ts";

/** The runtime: one per process, made by {@linkcode loadOrt}. */
export interface OrtRuntime {
  /**
   * A tensor in memory of its own. Without `data`, the elements are whatever the memory held.
   */
  tensor(type: OnnxType, shape: readonly number[], data?: ArrayBufferView): OrtTensor;
  /** A session for the bytes of an ONNX model, which are not needed afterwards. */
  createSession(
    model: Uint8Array,
    options?: {
      /** How far the graph may be rewritten; `"all"` where left out. */
      graphOptimization?: "disabled" | "basic" | "all";
    },
  ): OrtSession;
  /** Size of the module's memory, which grows as needed and never shrinks. */
  readonly heapBytes: number;
  /** Gives the runtime up after a fault that may have left it broken: nothing is freed any more. */
  abandon(): void;
}

/** A tensor on the module's heap. */
export interface OrtTensor {
  /** The runtime's handle; 0 once released. */
  readonly handle: number;
  /** Element type. */
  readonly type: OnnxType;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
  /** Size of the elements in bytes. */
  readonly byteLength: number;
  /** Overwrites all elements with the bytes of `data`. */
  write(data: ArrayBufferView): void;
  /** A copy of the elements; one byte per element for `bool`. */
  read():
    | Float32Array<ArrayBuffer>
    | Float64Array<ArrayBuffer>
    | Int32Array<ArrayBuffer>
    | Uint32Array<ArrayBuffer>
    | Uint8Array<ArrayBuffer>
    | BigInt64Array<ArrayBuffer>;
  /** Frees the tensor. Releasing it again does nothing. */
  release(): void;
}

/** A model that is ready to run. */
export interface OrtSession {
  /** Names of the inputs, in the order in which `run` takes them. */
  readonly inputNames: readonly string[];
  /** Names of the outputs, in the order in which `run` returns them. */
  readonly outputNames: readonly string[];
  /**
   * Runs the model.
   *
   * An output that is given is written in place. It must have the type and shape that the model
   * computes, and must not be an input too: the runtime would not know, and could read what it has
   * overwritten. For one that is `null`, and for all when `outputs` is left out, the runtime makes a
   * tensor, which the caller releases. When every output is given, `outputs` itself is returned.
   */
  run(inputs: readonly OrtTensor[], outputs?: readonly (OrtTensor | null)[]): OrtTensor[];
  /** Frees the session, but no tensor. Releasing it again does nothing. */
  release(): void;
}

// Nothing short of the end: errors are thrown, and a warning says how a model could be written better,
// which its user cannot do.
const LOG_SEVERITY = 4;
// Neither changed a timing, and without them memory is free again after each run.
const MEMORY_ARENA = false;
const MEMORY_PATTERN = false;
const OPTIMIZATION_LEVEL = { disabled: 0, basic: 1, all: 99 };
const SEQUENTIAL = 0;
const ON_CPU = 1;

/** The bytes as elements of a type. */
function toElements(type: OnnxType, { buffer }: Uint8Array<ArrayBuffer>): ReturnType<
  OrtTensor["read"]
> {
  switch (type) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "bool":
    case "uint8":
      return new Uint8Array(buffer);
  }
}

function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i]!;
  return count;
}

function checkSize(
  type: OnnxType,
  shape: readonly number[],
  bytes: number,
  data: ArrayBufferView,
): void {
  if (data.byteLength !== bytes) {
    throw new RangeError(`${type}[${shape}] takes ${bytes} bytes, data has ${data.byteLength}`);
  }
}

class Runtime implements OrtRuntime {
  readonly module: OrtModule;
  /** Four words for what a call returns through pointers. */
  readonly scratch: number;
  /** False once the module may be broken. */
  alive = true;
  readonly #options: Map<number, number> = new Map();

  constructor(module: OrtModule) {
    this.module = module;
    this.scratch = this.allocate(16);
    if (module._OrtInit(THREADS, LOG_SEVERITY) !== 0) throw this.error("start");
  }

  get heapBytes(): number {
    return this.module.HEAPU8.byteLength;
  }

  abandon(): void {
    this.alive = false;
  }

  allocate(bytes: number): number {
    // Addresses and handles from 2^31 up can come out of the module as negative numbers.
    const pointer = this.module._malloc(bytes) >>> 0;
    if (pointer === 0) throw new RangeError(`ONNX Runtime: no memory for ${bytes} bytes`);
    return pointer;
  }

  /** A word of memory. The heap may have been replaced by any call before. */
  word(pointer: number): number {
    return this.module.HEAPU32[pointer >>> 2]!;
  }

  /** The error of the call that has just failed. */
  error(doing: string): Error {
    const { module, scratch } = this;
    module._OrtGetLastError(scratch, scratch + 4);
    const message = this.word(scratch + 4);
    const text = message === 0 ? `error ${this.word(scratch)}` : module.UTF8ToString(message);
    return new Error(`ONNX Runtime could not ${doing}: ${text}`);
  }

  tensor(type: OnnxType, shape: readonly number[], data?: ArrayBufferView): OrtTensor {
    for (const size of shape) {
      if (!(Number.isInteger(size) && size >= 0)) {
        throw new RangeError(`a tensor cannot have shape [${shape}]`);
      }
    }
    const bytes = elementCount(shape) * elementBytes[type];
    if (data !== undefined) checkSize(type, shape, bytes, data);
    // One block for the elements and then the shape, which is read only while the tensor is made.
    // The block is never empty: a tensor without elements has at least one axis.
    const dims = Math.ceil(bytes / 4) * 4;
    const total = dims + 4 * shape.length;
    // malloc would take a size modulo 2^32.
    if (total >= 2 ** 32) throw new RangeError(`ONNX Runtime: no memory for ${bytes} bytes`);
    const { module } = this;
    const block = this.allocate(total);
    const heap = module.HEAPU32;
    for (let i = 0; i < shape.length; i++) heap[((block + dims) >>> 2) + i] = shape[i]!;
    const handle = module._OrtCreateTensor(
      onnxTypeCode[type],
      block,
      bytes,
      block + dims,
      shape.length,
      ON_CPU,
    ) >>> 0;
    if (handle === 0) {
      const error = this.error("make a tensor");
      module._free(block);
      throw error;
    }
    const tensor = new HeapTensor(this, handle, block, type, shape.slice());
    if (data !== undefined) tensor.write(data);
    return tensor;
  }

  createSession(
    model: Uint8Array,
    options?: { graphOptimization?: "disabled" | "basic" | "all" },
  ): OrtSession {
    const { module } = this;
    const optionsHandle = this.#sessionOptions(
      OPTIMIZATION_LEVEL[options?.graphOptimization ?? "all"],
    );
    const bytes = this.allocate(Math.max(model.byteLength, 1));
    module.HEAPU8.set(model, bytes);
    const handle = module._OrtCreateSession(bytes, model.byteLength, optionsHandle) >>> 0;
    module._free(bytes);
    if (handle === 0) throw this.error("create a session");
    return new Session(this, handle);
  }

  #configure(options: number, key: string, value: string): void {
    const texts = [key, value].map((text) => {
      const bytes = new TextEncoder().encode(text + "\0");
      const at = this.allocate(bytes.length);
      this.module.HEAPU8.set(bytes, at);
      return at;
    });
    const code = this.module._OrtAddSessionConfigEntry(options, texts[0]!, texts[1]!);
    texts.forEach((at) => this.module._free(at));
    if (code !== 0) throw this.error(`set ${key}`);
  }

  /** Options depend on the level alone and are not changed by use, so each is made once. */
  #sessionOptions(level: number): number {
    let handle = this.#options.get(level);
    if (handle === undefined) {
      handle = this.module._OrtCreateSessionOptions(
        level,
        MEMORY_ARENA,
        MEMORY_PATTERN,
        SEQUENTIAL,
        false,
        0,
        0,
        LOG_SEVERITY,
        0,
        0,
      ) >>> 0;
      if (handle === 0) throw this.error("make session options");
      this.#configure(handle, "optimization.disable_specified_optimizers", WRONG_OPTIMIZERS);
      this.#options.set(level, handle);
    }
    return handle;
  }
}

class HeapTensor implements OrtTensor {
  handle: number;
  readonly #runtime: Runtime;
  /** What was allocated for the elements; 0 where the runtime did that. */
  readonly #block: number;
  #type: OnnxType | undefined;
  #shape: readonly number[] | undefined;
  #pointer: number;

  /**
   * Type and shape of a result are left out, and looked up when first asked for: that costs a
   * third of a small run, and a result that only goes on to the next run is never asked.
   */
  constructor(
    runtime: Runtime,
    handle: number,
    block: number,
    type?: OnnxType,
    shape?: readonly number[],
  ) {
    this.handle = handle;
    this.#runtime = runtime;
    this.#block = block;
    this.#type = type;
    this.#shape = shape;
    this.#pointer = block;
  }

  get type(): OnnxType {
    if (this.#type === undefined) this.#lookUp();
    return this.#type!;
  }

  get shape(): readonly number[] {
    if (this.#shape === undefined) this.#lookUp();
    return this.#shape!;
  }

  get byteLength(): number {
    return elementCount(this.shape) * elementBytes[this.type];
  }

  write(data: ArrayBufferView): void {
    this.#checkLive();
    const bytes = this.byteLength;
    checkSize(this.type, this.shape, bytes, data);
    this.#runtime.module.HEAPU8.set(
      new Uint8Array(data.buffer, data.byteOffset, bytes),
      this.#pointer,
    );
  }

  read(): ReturnType<OrtTensor["read"]> {
    this.#checkLive();
    const bytes = this.byteLength;
    const pointer = this.#pointer;
    return toElements(this.type, this.#runtime.module.HEAPU8.slice(pointer, pointer + bytes));
  }

  release(): void {
    if (this.handle === 0) return;
    const { module, alive } = this.#runtime;
    if (alive) {
      module._OrtReleaseTensor(this.handle);
      if (this.#block !== 0) module._free(this.#block);
    }
    this.handle = 0;
  }

  #checkLive(): void {
    if (this.handle === 0) throw new Error("the tensor has been released");
  }

  #lookUp(): void {
    this.#checkLive();
    const runtime = this.#runtime;
    const { module, scratch } = runtime;
    const status = module._OrtGetTensorData(
      this.handle,
      scratch,
      scratch + 4,
      scratch + 8,
      scratch + 12,
    );
    if (status !== 0) throw runtime.error("look into a tensor");
    const code = runtime.word(scratch);
    const dims = runtime.word(scratch + 8);
    const rank = runtime.word(scratch + 12);
    const shape: number[] = [];
    for (let i = 0; i < rank; i++) shape.push(runtime.word(dims + 4 * i));
    module._OrtFree(dims);
    const type = typeOfCode.get(code);
    if (type === undefined) throw new Error(`ONNX element type ${code} is not supported`);
    this.#type = type;
    this.#shape = shape;
    this.#pointer = runtime.word(scratch + 4);
  }
}

class Session implements OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #runtime: Runtime;
  #handle: number;
  readonly #inputCount: number;
  readonly #outputCount: number;
  // Four arrays of words in one block, kept for the whole life of the session so that a run
  // allocates nothing: pointers to the names, and the handles of a run.
  readonly #inputNames: number;
  readonly #outputNames: number;
  readonly #inputs: number;
  readonly #outputs: number;

  /** Takes over the handle: it is released if anything fails here. */
  constructor(runtime: Runtime, handle: number) {
    const { module, scratch } = runtime;
    this.#runtime = runtime;
    this.#handle = handle;
    if (module._OrtGetInputOutputCount(handle, scratch, scratch + 4) !== 0) {
      const error = runtime.error("count inputs and outputs");
      module._OrtReleaseSession(handle);
      throw error;
    }
    const inputs = this.#inputCount = runtime.word(scratch);
    const outputs = this.#outputCount = runtime.word(scratch + 4);
    const words = 2 * (inputs + outputs);
    try {
      this.#inputNames = runtime.allocate(4 * words);
    } catch (error) {
      module._OrtReleaseSession(handle);
      throw error;
    }
    this.#outputNames = this.#inputNames + 4 * inputs;
    this.#inputs = this.#outputNames + 4 * outputs;
    this.#outputs = this.#inputs + 4 * inputs;
    const start = this.#inputNames >>> 2;
    module.HEAPU32.fill(0, start, start + words);
    const names: string[] = [];
    for (let i = 0; i < inputs + outputs; i++) {
      if (module._OrtGetInputOutputMetadata(handle, i, scratch, scratch + 4) !== 0) {
        const error = runtime.error("name inputs and outputs");
        this.release();
        throw error;
      }
      const name = runtime.word(scratch);
      module._OrtFree(runtime.word(scratch + 4));
      module.HEAPU32[start + i] = name;
      names.push(module.UTF8ToString(name));
    }
    this.inputNames = names.slice(0, inputs);
    this.outputNames = names.slice(inputs);
  }

  run(inputs: readonly OrtTensor[], outputs?: readonly (OrtTensor | null)[]): OrtTensor[] {
    const { module } = this.#runtime;
    const inputCount = this.#inputCount;
    const outputCount = this.#outputCount;
    if (this.#handle === 0) throw new Error("the session has been released");
    if (inputs.length !== inputCount) {
      throw new RangeError(`the model takes ${inputCount} inputs, ${inputs.length} given`);
    }
    if (outputs !== undefined && outputs.length !== outputCount) {
      throw new RangeError(`the model has ${outputCount} outputs, ${outputs.length} given`);
    }
    // Nothing allocates between here and the run.
    const heap = module.HEAPU32;
    const inputAt = this.#inputs >>> 2;
    const outputAt = this.#outputs >>> 2;
    for (let i = 0; i < inputCount; i++) heap[inputAt + i] = liveHandle(inputs[i]!);
    let allGiven = outputs !== undefined;
    for (let i = 0; i < outputCount; i++) {
      const output = outputs === undefined ? null : outputs[i]!;
      if (output === null) allGiven = false;
      heap[outputAt + i] = output === null ? 0 : liveHandle(output);
    }
    const status = module._OrtRun(
      this.#handle,
      this.#inputNames,
      this.#inputs,
      inputCount,
      this.#outputNames,
      outputCount,
      this.#outputs,
      0,
    );
    if (status !== 0) throw this.#runtime.error("run a model");
    if (allGiven) return outputs as OrtTensor[];
    const handles = module.HEAPU32;
    const results: OrtTensor[] = [];
    for (let i = 0; i < outputCount; i++) {
      results.push(outputs?.[i] ?? new HeapTensor(this.#runtime, handles[outputAt + i]!, 0));
    }
    return results;
  }

  release(): void {
    if (this.#handle === 0) return;
    const runtime = this.#runtime;
    const { module, alive } = runtime;
    const handle = this.#handle;
    this.#handle = 0;
    if (!alive) return;
    module._OrtReleaseSession(handle);
    for (let i = 0; i < this.#inputCount + this.#outputCount; i++) {
      module._OrtFree(runtime.word(this.#inputNames + 4 * i));
    }
    module._free(this.#inputNames);
  }
}

/** ORT takes 0 for an absent tensor, so that a released one must not get through to it. */
function liveHandle(tensor: OrtTensor): number {
  const { handle } = tensor;
  if (handle === 0) throw new Error("a tensor of the run has been released");
  return handle;
}

let loading: Promise<OrtRuntime> | undefined;

/**
 * The runtime, which is loaded on the first call. A load that fails is tried again on the next.
 */
export function loadOrt(place: Place = inPackage): Promise<OrtRuntime> {
  const attempt = loading ??= loadModule(place).then((module) => new Runtime(module));
  attempt.catch(() => {
    if (loading === attempt) loading = undefined;
  });
  return attempt;
}

/** Makes the next `loadOrt` give a runtime with memory of its own; those there are stay usable. */
export function forgetOrt(): void {
  loading = undefined;
}
