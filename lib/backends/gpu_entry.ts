/**
 * The way to a GPU: that of the host, or a package where the host has none.
 *
 * @module
 */
import { BackendError, messageOf } from "../core/mod.ts";
import { fileSystem } from "./ort_files.ts";

/** WebGPU, and what to call it in a message. */
export interface GpuEntry {
  /** The entry. */
  readonly gpu: GPU;
  /** Whose it is: `""` for the host's. */
  readonly of: string;
}

let dawn: GPU | null = null;

/** The host's WebGPU, or Dawn's. */
export async function gpuEntry(): Promise<GpuEntry> {
  if (dawn !== null) return { gpu: dawn, of: " that the package webgpu (Dawn) can use" };
  const gpu = globalThis.navigator?.gpu;
  if (gpu !== undefined) return { gpu, of: "" };
  if (fileSystem() === null) {
    throw new BackendError(
      "this browser has no WebGPU, or not on this page: it takes one that has it, and a page from " +
        "https or localhost. Or use backend onnx",
    );
  }
  dawn = await loadDawn();
  return gpuEntry();
}

/**
 * Runs a task with `XDG_RUNTIME_DIR` set: without, graphics drivers complain on the terminal, although
 * nothing here is drawn.
 */
export async function withRuntimeFolder<T>(task: () => Promise<T>): Promise<T> {
  const env = environment();
  if (env === null || env[RUNTIME_FOLDER] !== undefined) return await task();
  env[RUNTIME_FOLDER] = "/";
  try {
    return await task();
  } finally {
    delete env[RUNTIME_FOLDER];
  }
}

/** The environment, where the program may change it without being asked. */
function environment(): Record<string, string | undefined> | null {
  const { process, Deno } = globalThis as {
    process?: { env: Record<string, string | undefined> };
    Deno?: { permissions: { querySync(wanted: object): { state: string } } };
  };
  const wanted = { name: "env", variable: RUNTIME_FOLDER };
  if (Deno !== undefined && Deno.permissions.querySync(wanted).state !== "granted") return null;
  return process?.env ?? null;
}

const RUNTIME_FOLDER = "XDG_RUNTIME_DIR";

/** WebGPU for hosts that have none: Dawn, from a package that is downloaded only now. */
async function loadDawn(): Promise<GPU> {
  // Not a literal, so that nothing downloads or bundles the package ahead of time.
  const specifier = "Deno" in globalThis ? "npm:webgpu@0.6.2" : "webgpu";
  let module: { create(options: string[]): GPU; globals: Record<string, unknown> };
  try {
    module = await import(specifier);
  } catch (cause) {
    throw new BackendError(
      "no WebGPU here, and the package webgpu (Dawn), which would provide it, cannot be loaded: " +
        `${messageOf(cause)}. Install it, or use backend onnx`,
      { cause },
    );
  }
  Object.assign(globalThis, module.globals);
  const entry = module.create([]);
  // The runtime looks there, and Node 20 has no navigator.
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  }
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
