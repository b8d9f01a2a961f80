/**
 * Loading of onnxruntime-web's plain WebAssembly module, and the check that it has the functions that
 * `ort_direct.ts` calls. They are not documented, so the version is pinned.
 *
 * @module
 */
import { BackendError, messageOf } from "../core/mod.ts";
import { fileSystem, inPackage, type Place, readFirst, readWasm, resolved } from "./ort_files.ts";
import { importPart, VERSION } from "./ort_package.ts";

const PACKAGE = `onnxruntime-web ${VERSION}`;
/** Name of the module, without extension; its WebAssembly file has the same. */
export const WASM_MODULE = "ort-wasm-simd-threaded";
const WASM_FILE = `${WASM_MODULE}.wasm`;

/** Threads that the module may use. */
export const THREADS = 1;

/**
 * Optimisers that change results (onnxruntime 1.30). One drops `x + c` where `c` is 0 as a float32, and
 * takes -0 + 0 for -0. Another, where a Gemm has a transposed operand, loses results of it that the
 * graph's outputs and a further Transpose read. A third takes a transposed matrix times a vector for the
 * matrix times the vector. The last makes `y / x` of `1 / x * y`, which has fewer axes where those of the
 * result are the constant's, and is another number where `1 / x` is infinite.
 */
export const WRONG_OPTIMIZERS =
  "NoopElimination;GemmTransposeFusion;MatmulTransposeFusion;DivMulFusion";

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

type Factory = (settings: {
  numThreads: number;
  locateFile?: (file: string, folder: string) => string;
  instantiateWasm?: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => void;
}) => Promise<unknown>;

/** The compiled file, which further instances of the module share, and where it was read. */
let compiled: { readonly wasm: WebAssembly.Module; readonly place: Place } | null = null;

/**
 * A fresh instance of the module.
 *
 * @throws {BackendError} that says what is missing, where the module cannot be had; an error of
 * another class where it is not the one that is known here.
 */
export async function loadModule(place: Place): Promise<OrtModule> {
  const restore = keepWorker();
  try {
    return checkModule(await instantiate(await importFactory(place), place));
  } finally {
    restore();
  }
}

/**
 * Under Node and Deno the runtime replaces the global Worker by that of worker_threads. It needs none
 * with one thread, and the program around may need its own: what is returned puts that back.
 */
export function keepWorker(): () => void {
  const worker = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  return () => {
    if (worker === undefined) Reflect.deleteProperty(globalThis, "Worker");
    else Object.defineProperty(globalThis, "Worker", worker);
  };
}

async function importFactory(place: Place): Promise<Factory> {
  try {
    return (await importPart<{ default: Factory }>("module", place)).default;
  } catch (cause) {
    if (cause instanceof BackendError) throw cause;
    const message = `${place.module ?? PACKAGE} cannot be imported: ${messageOf(cause)}`;
    if (place.module !== null) throw new BackendError(message, { cause });
    throw new Error(message, { cause });
  }
}

async function instantiate(factory: Factory, place: Place): Promise<unknown> {
  if (compiled !== null && compiled.place === place) return await withWasm(factory, compiled.wasm);
  let bytes: Uint8Array<ArrayBuffer>;
  if (place.wasm !== null) bytes = await readWasm(place.wasm);
  else if (fileSystem() !== null) {
    const folder = await folderOf(factory);
    // Something else than what is known here; it is asked for what it has.
    if (folder === null) return await factory({ numThreads: THREADS });
    // Beside the module, or, bundled without that file, where the package is.
    bytes = await readFirst([folder + WASM_FILE, resolved(WASM_FILE)]);
  } else {
    // The module looks for the file beside itself.
    const { module, said } = await silenced(factory);
    if (module !== null) return module;
    const elsewhere = resolved(WASM_FILE);
    if (elsewhere === undefined) {
      throw new BackendError(
        `${WASM_FILE} cannot be loaded (${said}): serve it beside the script that has the module, ` +
          'or say where it is with loadBackend("onnx", { url })',
      );
    }
    bytes = await readWasm(elsewhere);
  }
  let wasm: WebAssembly.Module;
  try {
    wasm = await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new BackendError(
      `${place.wasm ?? WASM_FILE} is not a WebAssembly module: ${messageOf(cause)}`,
      { cause },
    );
  }
  const module = await withWasm(factory, wasm);
  compiled = { wasm, place };
  return module;
}

/** The module over its file, which it would otherwise read itself, complaining on the terminal. */
function withWasm(factory: Factory, wasm: WebAssembly.Module): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const restore = withoutWaiting();
    factory({
      numThreads: THREADS,
      instantiateWasm: (imports, done) => {
        restore();
        WebAssembly.instantiate(wasm, imports).then((instance) => done(instance, wasm), (cause) => {
          reject(
            new BackendError(`${WASM_FILE} is not that of ${PACKAGE}: ${messageOf(cause)}`, {
              cause,
            }),
          );
        });
      },
    }).finally(restore).then(resolve, reject);
  });
}

/**
 * Hides `Atomics.waitAsync` from the module, which looks for it when it starts. With it, the module would
 * wait for messages of threads, of which there are none, and this wait would keep its memory, up to
 * 4 GiB, when nothing else does.
 */
function withoutWaiting(): () => void {
  const found = Object.getOwnPropertyDescriptor(Atomics, "waitAsync");
  if (found === undefined) return () => {};
  Reflect.deleteProperty(Atomics, "waitAsync");
  return () => void Object.defineProperty(Atomics, "waitAsync", found);
}

/** The folder with the package's files, where they are files; null where it cannot be told. */
export async function packageFolder(): Promise<string | null> {
  const restore = keepWorker();
  try {
    return await folderOf(await importFactory(inPackage));
  } finally {
    restore();
  }
}

/** The folder in which the module would look for its file; null where it does not look for one. */
async function folderOf(factory: Factory): Promise<string | null> {
  let found: string | null = null;
  const stop = new Error("found");
  try {
    await factory({
      numThreads: THREADS,
      locateFile: (_, folder) => {
        found = folder;
        throw stop;
      },
    });
  } catch (error) {
    if (error !== stop) throw error;
  }
  return found;
}

/** The module as it loads itself in a browser; null, and what it said, where it could not. */
async function silenced(factory: Factory): Promise<{ module: unknown; said: string }> {
  const lines: unknown[] = [];
  const { error } = console;
  const restore = withoutWaiting();
  console.error = (line: unknown) => void lines.push(line);
  let loading: Promise<unknown>;
  try {
    // It takes hold of `console.error` in this call, and never later.
    loading = factory({ numThreads: THREADS });
  } finally {
    console.error = error;
    restore();
  }
  try {
    return { module: await loading, said: "" };
  } catch (cause) {
    return { module: null, said: String(lines[0] ?? messageOf(cause)) };
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
