/**
 * Access to a GPU: ONNX Runtime's WebGPU build, loaded and started on the GPU that there is.
 *
 * Owns finding an adapter, the device and what happens when it is lost, the queue that everything on
 * the GPU goes through, and creating and releasing sessions. Programs and arrays are `webgpu.ts`'s and
 * `gpu_buffer.ts`'s.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import { BackendError, messageOf } from "../core/mod.ts";
import { gpuEntry, withRuntimeFolder } from "./gpu_entry.ts";
import {
  fileSystem,
  inPackage,
  type Place,
  readFirst,
  readWasm,
  resolved,
  withoutComplaints,
} from "./ort_files.ts";
import { importPart } from "./ort_package.ts";
import { keepWorker, packageFolder } from "./ort_module.ts";
import { trial, trialInput, trialOutput } from "./trial.ts";

/** Name of the runtime's module and WebAssembly file, without extension. */
export const GPU_MODULE = "ort-wasm-simd-threaded.asyncify";
const WASM_FILE = `${GPU_MODULE}.wasm`;

/** The last of the tasks that the runtime has been given. */
let lastTask: Promise<unknown> = Promise.resolve();

/** Waits for a task to end, in whatever way, but no longer than a device takes to notice its loss. */
function soon(task: Promise<unknown>): Promise<unknown> {
  const pause = new Promise((resolve) => setTimeout(resolve, NOTICE_MS));
  return Promise.race([task.catch(() => {}), pause]);
}

/** The runtime on a device. */
export class Gpu {
  /** What is waited for; each is told when the device is lost. */
  readonly #waiting = new Set<(error: BackendError) => void>();
  #loss: BackendError | null = null;

  /** Starts to listen for the loss of the device. */
  constructor(
    /** The package. */
    readonly ort: typeof Ort,
    /** The device that sessions run on. */
    readonly device: GPUDevice,
  ) {
    device.lost.then(({ reason, message }) =>
      this.#lose(`was lost (${(message === "" ? reason : message) || "no reason given"})`)
    );
  }

  #lose(how: string): BackendError {
    if (this.#loss !== null) return this.#loss;
    this.#loss = new BackendError(
      `webgpu: the GPU device ${how}, and with it the arrays on it. ` +
        'Start it again with `await loadBackend("webgpu")`, and compute them again',
    );
    for (const reject of this.#waiting) reject(this.#loss);
    this.#waiting.clear();
    return this.#loss;
  }

  /** Why nothing works on this device any more; null where it does. */
  get loss(): BackendError | null {
    return this.#loss;
  }

  /** What a promise gives, or the loss of the device, after which it might never be settled. */
  whileAlive<T>(promise: Promise<T>): Promise<T> {
    if (this.#loss !== null) {
      promise.catch(() => {});
      return Promise.reject(this.#loss);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  /**
   * Waits for its turn: the runtime can neither run two models nor create two sessions at once, be they
   * of a device that is lost and of the one after it.
   */
  enqueue<T>(task: () => T | Promise<T>): Promise<T> {
    const result = lastTask.then(task);
    const alive = this.whileAlive(result);
    // What a lost device still owes may never come. It is waited for a moment and not for ever.
    lastTask = alive.catch(() => this.#loss === null ? null : soon(result));
    return alive;
  }

  /** A session whose outputs stay on the GPU, with further options. Call it within `enqueue`. */
  createSession(
    model: Uint8Array,
    options: Ort.InferenceSession.SessionOptions = {},
  ): Promise<Ort.InferenceSession> {
    return this.ort.InferenceSession.create(model, {
      ...options,
      executionProviders: [{ name: "webgpu", device: this.device }],
      preferredOutputLocation: "gpu-buffer",
      logSeverityLevel: LOG_SEVERITY,
    });
  }

  /** The error to give for a failure: the loss of the device where that is the cause, else `error`. */
  async failure(error: BackendError): Promise<BackendError> {
    // The device says so a little after the operation that noticed it first.
    if (this.#loss === null) await new Promise((resolve) => setTimeout(resolve, NOTICE_MS));
    if (this.#loss !== null) return this.#loss;
    if (!BROKEN.test(error.message)) return error;
    // The runtime does not recover from a buffer that it could not have.
    const loss = this.#lose(
      `was given up after a failure, likely for want of memory (${error.message})`,
    );
    this.device.destroy();
    return loss;
  }
}

/** Messages of the runtime after which nothing works on its device. */
const BROKEN = /buffer_manager|Failed to wait for the operation|[Oo]ut of memory/;

// Nothing short of the end: errors are thrown.
const LOG_SEVERITY = 4;
const NOTICE_MS = 50;

/** Features that the runtime makes use of where they are there. */
const FEATURES = [
  "shader-f16",
  "subgroups",
  "timestamp-query",
  "chromium-experimental-subgroup-matrix",
] as GPUFeatureName[];

/** Limits that the runtime wants as high as they can be. */
const LIMITS = [
  "maxBindGroups",
  "maxBufferSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
] as const;

let place: Place = inPackage;
let loading: Promise<Gpu> | null = null;
let started: Gpu | null = null;

/** Says where the runtime's files are, for the first start. */
export function locateGpu(to: Place): void {
  place = to;
}

/** The runtime; started on the first call, and again after a failure or the loss of the device. */
export function loadGpu(): Promise<Gpu> {
  if (started?.loss) started = loading = null;
  if (loading !== null) return loading;
  const attempt = loading = start().then((gpu) => started = gpu);
  return attempt.catch((cause) => {
    if (loading === attempt) loading = null;
    throw new BackendError(
      `the backend "webgpu" cannot be loaded: ${messageOf(cause)}${
        cause instanceof BackendError ? "" : `; ${REMEDY}`
      }`,
      { cause },
    );
  });
}

const REMEDY = "install a Vulkan driver (on Debian `mesa-vulkan-drivers`), or use backend onnx";

async function start(): Promise<Gpu> {
  const restore = keepWorker();
  try {
    return await withRuntimeFolder(startDevice);
  } finally {
    restore();
  }
}

async function startDevice(): Promise<Gpu> {
  if (broken !== null) throw broken;
  const { gpu: entry, of } = await gpuEntry();
  const adapter = await entry.requestAdapter().catch(() => null);
  if (adapter === null) throw new BackendError(`there is no GPU adapter here${of}: ${REMEDY}`);
  const ort = await loadRuntime();
  const device = await adapter.requestDevice({
    requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  // The runtime asks for an adapter of its own otherwise.
  ort.env.webgpu.adapter = adapter;
  const gpu = new Gpu(ort, device);
  await tryOut(gpu);
  // Where the package itself would note a device of its own, for others that use it.
  Object.assign(ort.env.webgpu, { device });
  warnOfSoftware(adapter);
  return gpu;
}

/** Runs a tiny program. Its session stays: the runtime destroys a device with its last session. */
async function tryOut(gpu: Gpu): Promise<void> {
  const session = await gpu.enqueue(() => withoutComplaints(() => gpu.createSession(trial)))
    .catch((cause) => {
      if (!(cause instanceof BackendError)) throw cause;
      throw broken = new BackendError(
        `${WASM_FILE} cannot be loaded (${cause.message}): serve it beside the script that has the ` +
          'module, or say where it is with loadBackend("webgpu", { url }). onnxruntime-web tries only ' +
          "once: load the page again, or start the program again",
        { cause },
      );
    });
  const x = new gpu.ort.Tensor("float32", trialInput, [1]);
  const results = await gpu.enqueue(() => session.run({ x }));
  // Reading goes through the runtime, too, which may still be at work for a device before this one.
  const [value] = await gpu.enqueue(() => results.y!.getData());
  await gpu.enqueue(() => results.y!.dispose());
  if (value !== trialOutput) {
    throw new Error(`a trial program gave ${value} and not ${trialOutput}`);
  }
}

/** Why the runtime has not started, and never will. */
let broken: BackendError | null = null;
let runtime: Promise<typeof Ort> | null = null;

/** The package, given its WebAssembly file where that can be read beforehand: see `ort_files.ts`. */
function loadRuntime(): Promise<typeof Ort> {
  runtime ??= importRuntime().catch((error) => {
    runtime = null;
    throw error;
  });
  return runtime;
}

async function importRuntime(): Promise<typeof Ort> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  if (place.wasm !== null) bytes = await readWasm(place.wasm);
  else if (fileSystem() !== null) {
    const folder = await packageFolder();
    bytes = await readFirst([
      folder === null ? undefined : folder + WASM_FILE,
      resolved(WASM_FILE),
    ]);
  }
  const ort = await importPart<typeof Ort>("webgpu", place);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "fatal";
  if (bytes !== undefined) ort.env.wasm.wasmBinary = bytes;
  if (place.module !== null) ort.env.wasm.wasmPaths = { mjs: place.module, wasm: place.wasm! };
  return ort;
}

let warned = false;

/** Says once what is slow, since a shader that is being compiled may hold up the whole process. */
function warnOfSoftware({ info }: GPUAdapter): void {
  if (warned || !isSoftware(info)) return;
  warned = true;
  console.warn(
    `injax: "webgpu" runs on ${nameOf(info)}, which is a CPU and no GPU. Where its ` +
      "driver is OpenGL, the first run of a program may wait for minutes until shaders are compiled " +
      "(some 30 s for a matrix product). On a CPU, backend onnx is faster",
  );
}

function nameOf({ description, vendor, architecture }: GPUAdapterInfo): string {
  return description || `${vendor} ${architecture}`.trim();
}

function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter || /llvmpipe|swiftshader|software|WARP/i.test(info.description);
}
