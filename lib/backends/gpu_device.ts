/**
 * Access to a GPU: ONNX Runtime's WebGPU build, loaded and started on the GPU that there is.
 *
 * Owns finding an adapter, the queue that everything on the GPU goes through, and creating and
 * releasing sessions. Programs and arrays are `webgpu.ts`'s and `gpu_buffer.ts`'s.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import { BackendError, messageOf } from "../core/errors.ts";
import { encodeModel } from "../onnx/model.ts";

/** The runtime, started. */
export interface Gpu {
  /** The package. */
  readonly ort: typeof Ort;
  /** The device that sessions run on. */
  readonly device: GPUDevice;
  /**
   * Waits for its turn: the runtime can neither run two models nor create two sessions at once.
   */
  enqueue<T>(task: () => T | Promise<T>): Promise<T>;
  /** A session whose outputs stay on the GPU. Call it within `enqueue`. */
  createSession(model: Uint8Array): Promise<Ort.InferenceSession>;
}

const REMEDY = "install a Vulkan driver (on Debian `mesa-vulkan-drivers`), or use backend wasm";

let loading: Promise<Gpu> | null = null;

/** The runtime; started on the first call, and again after a failure. */
export function loadGpu(): Promise<Gpu> {
  loading ??= start().catch((cause) => {
    loading = null;
    if (cause instanceof BackendError) throw cause;
    throw new BackendError(
      `the backend "webgpu" cannot be loaded: ${messageOf(cause)}; ${REMEDY}`,
      { cause },
    );
  });
  return loading;
}

async function start(): Promise<Gpu> {
  const entry = globalThis.navigator?.gpu ?? await loadDawn();
  const adapter = await entry.requestAdapter().catch(() => null);
  if (adapter === null) throw new BackendError(`no GPU adapter: ${REMEDY}`);
  // The module replaces the global Worker under Deno and Node, see ort_direct.ts.
  const worker = Object.getOwnPropertyDescriptor(globalThis, "Worker");
  try {
    const ort: typeof Ort = await import("onnxruntime-web/webgpu");
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    let tail: Promise<unknown> = Promise.resolve();
    const gpu = {
      ort,
      enqueue<T>(task: () => T | Promise<T>): Promise<T> {
        const result = tail.then(task);
        tail = result.catch(() => {});
        return result;
      },
      createSession(model: Uint8Array): Promise<Ort.InferenceSession> {
        return ort.InferenceSession.create(model, {
          executionProviders: ["webgpu"],
          preferredOutputLocation: "gpu-buffer",
          logSeverityLevel: 3,
        });
      },
    };
    // The runtime destroys the device with its last session, so this one is never released.
    await gpu.enqueue(() => gpu.createSession(tinyModel()));
    return { ...gpu, device: await ort.env.webgpu.device as GPUDevice };
  } finally {
    if (worker === undefined) Reflect.deleteProperty(globalThis, "Worker");
    else Object.defineProperty(globalThis, "Worker", worker);
  }
}

function tinyModel(): Uint8Array {
  const port = (name: string) => ({ name, type: "float32", shape: [1] }) as const;
  return encodeModel({
    opset: 21,
    graph: {
      name: "keep_alive",
      nodes: [{ op: "Neg", inputs: ["x"], outputs: ["y"] }],
      initializers: [],
      inputs: [port("x")],
      outputs: [port("y")],
    },
  });
}

/** WebGPU for hosts that have none: Dawn, from a package that is downloaded only now. */
async function loadDawn(): Promise<GPU> {
  // Not a literal, so that nothing downloads or bundles the package ahead of time.
  const specifier = "Deno" in globalThis ? "npm:webgpu@0.6.2" : "webgpu";
  let dawn: { create(options: string[]): GPU; globals: Record<string, unknown> };
  try {
    dawn = await import(specifier);
  } catch (cause) {
    throw new BackendError(
      "no WebGPU here, and the package webgpu (Dawn), which would provide it, cannot be loaded: " +
        `${messageOf(cause)}. Install it, or use backend wasm`,
      { cause },
    );
  }
  Object.assign(globalThis, dawn.globals);
  const entry = dawn.create([]);
  Object.defineProperty(globalThis.navigator, "gpu", { value: entry, configurable: true });
  // The runtime writes from its heap, a SharedArrayBuffer, on which Dawn's binding crashes.
  const write = GPUQueue.prototype.writeBuffer;
  GPUQueue.prototype.writeBuffer = function (buffer, offset, data, start, size): undefined {
    const view = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    if (view.buffer instanceof ArrayBuffer) {
      write.call(this, buffer, offset, data, start, size);
      return;
    }
    // Without a copy, `start` and `size` count elements of `data`.
    const width = ArrayBuffer.isView(data) && "BYTES_PER_ELEMENT" in data
      ? data.BYTES_PER_ELEMENT as number
      : 1;
    const from = (start ?? 0) * width;
    const to = size === undefined ? view.byteLength : from + size * width;
    write.call(this, buffer, offset, view.slice(from, to));
  };
  return entry;
}
