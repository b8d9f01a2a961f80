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
 * @module
 */
import { type OnnxType, onnxTypeCode } from "../onnx/model.ts";

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
    | Float32Array
    | Float64Array
    | Int32Array
    | Uint32Array
    | Uint8Array
    | BigInt64Array;
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
   * An output that is given is written in place, and must have the type and shape that the model
   * computes. For one that is `null`, and for all when `outputs` is left out, the runtime makes a
   * tensor, which the caller releases. When every output is given, `outputs` itself is returned.
   */
  run(inputs: readonly OrtTensor[], outputs?: readonly (OrtTensor | null)[]): OrtTensor[];
  /** Frees the session, but no tensor. Releasing it again does nothing. */
  release(): void;
}

const PACKAGE = "onnxruntime-web 1.30.0";
const WASM_FILE = "onnxruntime-web/ort-wasm-simd-threaded.wasm";

const THREADS = 1;
// Only errors: warnings concern how a model was written, which its user cannot change.
const LOG_SEVERITY = 3;
const OPTIMIZATION_LEVEL = { disabled: 0, basic: 1, all: 99 };
const SEQUENTIAL = 0;
const ON_CPU = 1;

/** What is used of the module. Pointers and handles are numbers, 0 for none. */
interface OrtModule {
  // Replaced by the module whenever its memory grows.
  readonly HEAPU8: Uint8Array;
  readonly HEAPU32: Uint32Array;
  readonly PTR_SIZE: number;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  UTF8ToString(pointer: number): string;
  _OrtInit(threads: number, logSeverity: number): number;
  _OrtGetLastError(code: number, message: number): number;
  _OrtFree(pointer: number): number;
  _OrtCreateSessionOptions(
    graphOptimization: number,
    memoryArena: boolean,
    memoryPattern: boolean,
    executionMode: number,
    profiling: boolean,
    profilePrefix: number,
    logId: number,
    logSeverity: number,
    logVerbosity: number,
    optimizedModelPath: number,
  ): number;
  _OrtCreateSession(model: number, bytes: number, options: number): number;
  _OrtReleaseSession(session: number): number;
  _OrtGetInputOutputCount(session: number, inputs: number, outputs: number): number;
  _OrtGetInputOutputMetadata(
    session: number,
    index: number,
    name: number,
    metadata: number,
  ): number;
  _OrtCreateTensor(
    type: number,
    data: number,
    bytes: number,
    dims: number,
    rank: number,
    location: number,
  ): number;
  _OrtGetTensorData(
    tensor: number,
    type: number,
    data: number,
    dims: number,
    rank: number,
  ): number;
  _OrtReleaseTensor(tensor: number): number;
  _OrtRun(
    session: number,
    inputNames: number,
    inputs: number,
    inputCount: number,
    outputNames: number,
    outputCount: number,
    outputs: number,
    options: number,
  ): number;
}

const FUNCTIONS = [
  "_malloc",
  "_free",
  "UTF8ToString",
  "_OrtInit",
  "_OrtGetLastError",
  "_OrtFree",
  "_OrtCreateSessionOptions",
  "_OrtCreateSession",
  "_OrtReleaseSession",
  "_OrtGetInputOutputCount",
  "_OrtGetInputOutputMetadata",
  "_OrtCreateTensor",
  "_OrtGetTensorData",
  "_OrtReleaseTensor",
  "_OrtRun",
] as const satisfies readonly (keyof OrtModule)[];

type Elements =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Uint8Array
  | BigInt64Array;

const elementBytes: Readonly<Record<OnnxType, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint32: 4,
  bool: 1,
  uint8: 1,
};

const typeOfCode: ReadonlyMap<number, OnnxType> = new Map(
  (Object.keys(onnxTypeCode) as OnnxType[]).map((type) => [onnxTypeCode[type], type]),
);

/** View of a stretch of memory as elements of a type. */
function viewElements(
  type: OnnxType,
  buffer: ArrayBufferLike,
  offset: number,
  count: number,
): Elements {
  switch (type) {
    case "float32":
      return new Float32Array(buffer, offset, count);
    case "float64":
      return new Float64Array(buffer, offset, count);
    case "int32":
      return new Int32Array(buffer, offset, count);
    case "int64":
      return new BigInt64Array(buffer, offset, count);
    case "uint32":
      return new Uint32Array(buffer, offset, count);
    case "bool":
    case "uint8":
      return new Uint8Array(buffer, offset, count);
  }
}

class Runtime implements OrtRuntime {
  /** Four words for results that a call returns through pointers. */
  readonly scratch: number;
  readonly #options: Map<number, number> = new Map();

  constructor(readonly module: OrtModule) {
    this.scratch = this.allocate(16);
    if (module._OrtInit(THREADS, LOG_SEVERITY) !== 0) throw this.error("start");
  }

  get heapBytes(): number {
    return this.module.HEAPU8.byteLength;
  }

  allocate(bytes: number): number {
    // Addresses from 2^31 up come out of the module as negative numbers.
    const pointer = this.module._malloc(bytes) >>> 0;
    if (pointer === 0) throw new RangeError(`ONNX Runtime: out of memory for ${bytes} bytes`);
    return pointer;
  }

  /** The error of the call that just failed. */
  error(doing: string): Error {
    const { module, scratch } = this;
    module._OrtGetLastError(scratch, scratch + 4);
    const code = module.HEAPU32[scratch >>> 2]!;
    const message = module.HEAPU32[(scratch + 4) >>> 2]!;
    const text = message === 0 ? `error ${code}` : module.UTF8ToString(message);
    return new Error(`ONNX Runtime could not ${doing}: ${text}`);
  }

  tensor(type: OnnxType, shape: readonly number[], data?: ArrayBufferView): OrtTensor {
    let bytes = elementBytes[type];
    for (const size of shape) {
      if (!(Number.isInteger(size) && size >= 0)) {
        throw new RangeError(`a tensor cannot have shape [${shape}]`);
      }
      bytes *= size;
    }
    if (data !== undefined && data.byteLength !== bytes) {
      throw new RangeError(`${type}[${shape}] takes ${bytes} bytes, data has ${data.byteLength}`);
    }
    // One block for the elements and then the shape, which is read only while the tensor is made.
    // It is never empty: a tensor without elements has at least one axis.
    const dims = Math.ceil(bytes / 4) * 4;
    const total = dims + 4 * shape.length;
    // malloc would take the size modulo 2^32.
    if (total >= 2 ** 32) throw new RangeError(`${type}[${shape}] is too large for ONNX Runtime`);
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
    );
    if (handle === 0) {
      const error = this.error("make a tensor");
      module._free(block);
      throw error;
    }
    const tensor = new HeapTensor(this, handle >>> 0, block, type, shape.slice());
    if (data !== undefined) tensor.write(data);
    return tensor;
  }

  createSession(
    model: Uint8Array,
    options?: { graphOptimization?: "disabled" | "basic" | "all" },
  ): OrtSession {
    const { module } = this;
    const level = OPTIMIZATION_LEVEL[options?.graphOptimization ?? "all"];
    const optionsHandle = this.#sessionOptions(level);
    // An empty model is for ORT to refuse, but still needs an address.
    const bytes = this.allocate(Math.max(model.byteLength, 1));
    let handle: number;
    try {
      module.HEAPU8.set(model, bytes);
      handle = module._OrtCreateSession(bytes, model.byteLength, optionsHandle) >>> 0;
    } finally {
      module._free(bytes);
    }
    if (handle === 0) throw this.error("create a session");
    return new Session(this, handle);
  }

  /** Options are the same for every session at a level, and are not changed by use. */
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
      this.#options.set(level, handle);
    }
    return handle;
  }
}

const MEMORY_ARENA = false;
const MEMORY_PATTERN = false;

class HeapTensor implements OrtTensor {
  #pointer: number;
  #count: number;

  /**
   * With `block` 0 the runtime owns the elements. What they are is then looked up when first
   * asked for, since a tensor that only goes on to the next run is never asked.
   */
  constructor(
    readonly runtime: Runtime,
    public handle: number,
    readonly block: number,
    private knownType?: OnnxType,
    private knownShape?: readonly number[],
  ) {
    this.#pointer = block;
    this.#count = knownShape === undefined ? 0 : elementCount(knownShape);
  }

  get type(): OnnxType {
    if (this.knownType === undefined) this.#lookUp();
    return this.knownType!;
  }

  get shape(): readonly number[] {
    if (this.knownShape === undefined) this.#lookUp();
    return this.knownShape!;
  }

  get byteLength(): number {
    const bytes = elementBytes[this.type];
    return bytes * this.#count;
  }

  write(data: ArrayBufferView): void {
    this.#checkLive();
    const bytes = this.byteLength;
    if (data.byteLength !== bytes) {
      throw new RangeError(
        `${this.type}[${this.shape}] takes ${bytes} bytes, data has ${data.byteLength}`,
      );
    }
    this.runtime.module.HEAPU8.set(
      new Uint8Array(data.buffer, data.byteOffset, bytes),
      this.#pointer,
    );
  }

  read(): Elements {
    this.#checkLive();
    const bytes = this.byteLength;
    const copy = this.runtime.module.HEAPU8.slice(this.#pointer, this.#pointer + bytes);
    return viewElements(this.type, copy.buffer, 0, this.#count);
  }

  release(): void {
    if (this.handle === 0) return;
    const { module } = this.runtime;
    module._OrtReleaseTensor(this.handle);
    if (this.block !== 0) module._free(this.block);
    this.handle = 0;
  }

  #checkLive(): void {
    if (this.handle === 0) throw new Error("the tensor has been released");
  }

  #lookUp(): void {
    this.#checkLive();
    const { module, scratch } = this.runtime;
    const status = module._OrtGetTensorData(
      this.handle,
      scratch,
      scratch + 4,
      scratch + 8,
      scratch + 12,
    );
    if (status !== 0) throw this.runtime.error("look into a tensor");
    const heap = module.HEAPU32;
    const [code, pointer, dims, rank] = heap.subarray(scratch >>> 2, (scratch >>> 2) + 4);
    const shape = Array.from(heap.subarray(dims! >>> 2, (dims! >>> 2) + rank!));
    module._OrtFree(dims!);
    const type = typeOfCode.get(code!);
    if (type === undefined) throw new Error(`element type ${code} is not supported`);
    this.knownType = type;
    this.knownShape = shape;
    this.#pointer = pointer!;
    this.#count = elementCount(shape);
  }
}

function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i]!;
  return count;
}

class Session implements OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  // One block of words: names of inputs, names of outputs, inputs, outputs.
  readonly #block: number;
  #handle: number;

  constructor(readonly runtime: Runtime, handle: number) {
    const { module, scratch } = runtime;
    this.#handle = handle;
    if (module._OrtGetInputOutputCount(handle, scratch, scratch + 4) !== 0) throw runtime.error("x");
    const nIn = module.HEAPU32[scratch >>> 2]!;
    const nOut = module.HEAPU32[(scratch >>> 2) + 1]!;
    this.#block = runtime.allocate(8 * (nIn + nOut) + 8);
    const names: string[] = [];
    for (let i = 0; i < nIn + nOut; i++) {
      if (module._OrtGetInputOutputMetadata(handle, i, scratch, scratch + 4) !== 0) throw runtime.error("x");
      const p = module.HEAPU32[scratch >>> 2]!;
      module._OrtFree(module.HEAPU32[(scratch >>> 2) + 1]!);
      module.HEAPU32[(this.#block >>> 2) + i] = p;
      names.push(module.UTF8ToString(p));
    }
    this.inputNames = names.slice(0, nIn);
    this.outputNames = names.slice(nIn);
  }

  run(inputs: readonly OrtTensor[], outputs?: readonly (OrtTensor | null)[]): OrtTensor[] {
    const { module } = this.runtime;
    const nIn = this.inputNames.length;
    const nOut = this.outputNames.length;
    const names = this.#block;
    const inP = names + 4 * (nIn + nOut);
    const outP = inP + 4 * nIn;
    let heap = module.HEAPU32;
    for (let i = 0; i < nIn; i++) {
      heap[(inP >>> 2) + i] = inputs[i]!.handle;
    }
    let fresh = outputs === undefined;
    for (let i = 0; i < nOut; i++) {
      const t = outputs === undefined ? null : outputs[i]!;
      if (t === null) { fresh = true; heap[(outP >>> 2) + i] = 0; }
      else heap[(outP >>> 2) + i] = t.handle;
    }
    if (module._OrtRun(this.#handle, names, inP, nIn, names + 4 * nIn, nOut, outP, 0) !== 0) {
      throw this.runtime.error("run a model");
    }
    if (!fresh) return outputs as OrtTensor[];
    heap = module.HEAPU32;
    const result: OrtTensor[] = [];
    for (let i = 0; i < nOut; i++) {
      const t = outputs === undefined ? null : outputs[i]!;
      result.push(t ?? new HeapTensor(this.runtime, heap[(outP >>> 2) + i]!, 0));
    }
    return result;
  }

  release(): void {
    if (this.#handle === 0) return;
    const { module } = this.runtime;
    module._OrtReleaseSession(this.#handle);
    this.#handle = 0;
    const n = this.inputNames.length + this.outputNames.length;
    for (let i = 0; i < n; i++) module._OrtFree(module.HEAPU32[(this.#block >>> 2) + i]!);
    module._free(this.#block);
  }
}

export async function loadOrt(): Promise<OrtRuntime> {
  const { default: factory } = await import("onnxruntime-web/ort-wasm-simd-threaded.mjs");
  return new Runtime(await factory({ numThreads: 1 }));
}
