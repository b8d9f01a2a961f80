/**
 * Loading of onnxruntime-web's plain WebAssembly module, and the check that it has the functions that
 * `ort_direct.ts` calls. They are not documented, so the version is pinned.
 *
 * @module
 */
import { messageOf } from "../core/errors.ts";

const PACKAGE = "onnxruntime-web 1.30.0";
const WASM_FILE = "onnxruntime-web/ort-wasm-simd-threaded.wasm";

/** Threads that the module may use. */
export const THREADS = 1;

/** What is used of the module. Pointers and handles are numbers, 0 for none. */
export interface OrtModule {
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
  _OrtAddSessionConfigEntry(options: number, key: number, value: number): number;
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
  "_OrtAddSessionConfigEntry",
  "_OrtCreateSession",
  "_OrtReleaseSession",
  "_OrtGetInputOutputCount",
  "_OrtGetInputOutputMetadata",
  "_OrtCreateTensor",
  "_OrtGetTensorData",
  "_OrtReleaseTensor",
  "_OrtRun",
] as const satisfies readonly (keyof OrtModule)[];

/** A fresh instance of the module. */
export async function loadModule(): Promise<OrtModule> {
  // Under Node and Deno the module replaces the global Worker by that of worker_threads. It needs
  // none with one thread, and the program around may need its own.
  const worker = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  let module: unknown;
  try {
    const { default: factory } = await import("onnxruntime-web/ort-wasm-simd-threaded.mjs");
    module = await instantiate(factory);
  } catch (cause) {
    throw new Error(`${PACKAGE} could not be loaded: ${messageOf(cause)}`, { cause });
  } finally {
    if (worker === undefined) Reflect.deleteProperty(globalThis, "Worker");
    else Object.defineProperty(globalThis, "Worker", worker);
  }
  return checkModule(module);
}

type Factory = (settings: {
  numThreads: number;
  locateFile?: () => string;
  wasmBinary?: ArrayBuffer;
}) => Promise<unknown>;

async function instantiate(factory: Factory): Promise<unknown> {
  try {
    // By itself the module looks for the .wasm file in its own folder. That is right in the
    // package as installed, and it is what bundlers look for that carry such files along.
    return await factory({ numThreads: THREADS });
  } catch (error) {
    // Bundled without that file, or served from elsewhere: ask where the package is.
    const url = resolveWasm();
    if (url?.startsWith("file:")) {
      return await factory({ numThreads: THREADS, locateFile: () => url });
    }
    if (!url?.startsWith("http")) throw error;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: status ${response.status}`, { cause: error });
    return await factory({ numThreads: THREADS, wasmBinary: await response.arrayBuffer() });
  }
}

function resolveWasm(): string | undefined {
  try {
    return import.meta.resolve(WASM_FILE);
  } catch {
    // The host does not offer it, or does not know the package by this name.
    return undefined;
  }
}

/** The module, if it has what is used of it. */
function checkModule(module: unknown): OrtModule {
  const members = module as Partial<Record<keyof OrtModule, unknown>>;
  const missing: string[] = FUNCTIONS.filter((name) => typeof members[name] !== "function");
  if (!(members.HEAPU8 instanceof Uint8Array)) missing.push("HEAPU8");
  if (!(members.HEAPU32 instanceof Uint32Array)) missing.push("HEAPU32");
  if (members.PTR_SIZE !== 4) missing.push("32-bit pointers");
  if (missing.length > 0) {
    throw new Error(`${PACKAGE} is needed; the module found lacks ${missing.join(", ")}`);
  }
  return module as OrtModule;
}
