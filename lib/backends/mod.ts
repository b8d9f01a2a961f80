/**
 * The backends: importing this module makes them known to `jit`. `"cpu"` and `"interpreter"` need nothing
 * loaded; the others are loaded when first used, or beforehand by `loadBackend`.
 *
 * @module
 */
import {
  checkCall,
  ConcreteArray,
  eagerKernels,
  getBackend,
  type OptionTable,
  registerBackend,
  renamedBackend,
  treeLeaves,
} from "../core/mod.ts";
import { hostRoutines } from "../routine/routine.ts";
import { cpu } from "./cpu.ts";
import { interpreter, onnx, webgpu } from "./deferred.ts";
import { kernelsOf, wasmRoutine } from "./eager.ts";

registerBackend(cpu);
registerBackend(onnx);
registerBackend(webgpu);
registerBackend(interpreter);
renamedBackend("wasm", "onnx");
hostRoutines(wasmRoutine);
eagerKernels(kernelsOf(cpu));

export { cpu, interpreter };

/** Options of `loadBackend`. */
export interface LoadOptions {
  /**
   * For `"cpu"` and `"onnx"`: bytes that results and copies of arguments may take on the backend's heap
   * (512 MiB where never set). Beyond, results are copied to the host at once.
   */
  readonly memoryBudget?: number | undefined;
  /**
   * For `"onnx"` and `"webgpu"`: where onnxruntime's files are. The URL of a folder with the files of
   * `node_modules/onnxruntime-web/dist`, or of the WebAssembly file alone (`ort-wasm-simd-threaded.wasm`,
   * for `"webgpu"` `ort-wasm-simd-threaded.asyncify.wasm`). Deno and Node have the package, and take its
   * modules where the folder is remote. In a browser, bundles do not carry it: left out, its files are
   * looked for under their name in the import map, then beside the script. Kept for later loads; a
   * backend that is loaded stays as it is.
   */
  readonly url?: string | URL | undefined;
}

const loadOptions: OptionTable<LoadOptions> = {
  memoryBudget: "count",
  url: "url",
};

/**
 * Loads a backend, so that functions compiled for it run at once from the first call on: `"onnx"`
 * gives results that can be read synchronously then. Without it, the first results are in flight.
 * `"cpu"`, the default of `jit`, needs nothing loaded; for it this says whether it can compile here, and
 * takes its budget. What is loaded is tried out with a tiny program.
 *
 * @param name `"cpu"`, `"onnx"`, `"webgpu"` or `"interpreter"`.
 * @throws {BackendError} where there is no such backend, or a program cannot run on it here; the
 * message says what is missing, and once that is there, the backend can be loaded.
 * @throws {RangeError} where `memoryBudget` is not a number of bytes, or the backend has none.
 * @throws {TypeError} where `url` is not one, or the backend loads no files.
 *
 * @example
 * ```ts
 * import { jit, loadBackend, numpy as np } from "@injax/injax";
 *
 * await loadBackend("onnx");
 * const double = jit((x: np.NDArray) => x.mul(2), { backend: "onnx" });
 * console.log(double(np.array([1, 2])).toArray()); // [ 2, 4 ], with no await
 * ```
 */
export async function loadBackend(name: string, options: LoadOptions = {}): Promise<void> {
  if (arguments.length > 1) checkCall("loadBackend(name, options)", arguments, loadOptions);
  const backend = getBackend(name);
  const { memoryBudget, url } = options;
  if (url !== undefined) {
    if (backend.locate === undefined) {
      throw new TypeError(`loadBackend: "${name}" loads no files, so it takes no url`);
    }
    backend.locate(url);
  }
  if (memoryBudget !== undefined) {
    if (backend.memoryBudget === undefined) {
      throw new RangeError(
        `loadBackend: memoryBudget is for "cpu" and "onnx"; "${name}" has none`,
      );
    }
    backend.memoryBudget = memoryBudget;
  }
  await backend.load();
}

/**
 * Waits for all arrays in a tree that are in flight, and brings those on a GPU to the host. They can
 * be read synchronously then.
 *
 * @param tree Arrays in any nesting of arrays, objects and registered classes; other leaves are
 * passed over.
 * @returns The tree, as `jax.block_until_ready` does.
 * @throws The error of the computation, where one failed.
 *
 * @example
 * ```ts
 * import { jit, numpy as np, ready } from "@injax/injax";
 *
 * const total = jit((x: np.NDArray) => x.sum());
 * const { y } = await ready({ y: total(np.ones([3])) });
 * console.log(y.item()); // 3
 * ```
 */
export async function ready<T>(tree: T): Promise<T> {
  if (arguments.length > 1) checkCall("ready(tree)", arguments);
  const arrays = treeLeaves(tree).filter((x) => x instanceof ConcreteArray);
  await Promise.all(arrays.map(async (x) => {
    await x.settled();
    // What can be read at any time is left where it is.
    if (x.device !== null && !x.device.synchronous) await x.load();
  }));
  return tree;
}
