/**
 * A fresh process for `cases/cold.ts`: imports one library, computes one result, and prints when
 * that was there and how much memory it took.
 *
 * @module
 */
import { specifiers } from "./specifiers.ts";

// Nothing is imported beforehand, and for types none of it has to be there.
const OURS: string = new URL("../mod.ts", import.meta.url).href;
const CORE: string = new URL("../lib/essentials.ts", import.meta.url).href;

async function jaxJs(jitted: boolean): Promise<number> {
  Reflect.deleteProperty(globalThis, "Worker");
  const jax = await import(specifiers.jaxJs);
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const double = (x: { add(y: number): { dataSync(): Float32Array } }) => x.add(1);
  const f = jitted ? jax.jit(double) : double;
  return f(jax.numpy.array([1, 2, 3, 4])).dataSync()[0];
}

async function tfjs(backend: string): Promise<number> {
  const { log, warn } = console;
  console.log = console.warn = () => {};
  const tf = await import(specifiers.tfjs);
  if (backend === "wasm") (await import(specifiers.tfjsWasm)).setThreadsCount(1);
  await tf.setBackend(backend);
  console.log = log;
  console.warn = warn;
  return tf.tensor([1, 2, 3, 4]).add(1).dataSync()[0];
}

async function injaxJit(backend: string, module = OURS): Promise<number> {
  const { jit, loadBackend, numpy: np } = await import(module);
  await loadBackend(backend);
  const f = jit((x: { add(y: number): unknown }) => x.add(1), { backend });
  return f(np.array([1, 2, 3, 4])).dataSync()[0];
}

const programs: Readonly<Record<string, () => Promise<number>>> = {
  async "injax eager"() {
    const { numpy: np } = await import(OURS);
    return np.array([1, 2, 3, 4]).add(1).dataSync()[0];
  },
  "injax jit": () => injaxJit("cpu"),
  "injax jit, core": () => injaxJit("cpu", CORE),
  "injax jit, bundled": () => injaxJit("cpu", Deno.args[1]),
  "injax jit on onnx": () => injaxJit("onnx"),
  "jax-js eager": () => jaxJs(false),
  "jax-js jit": () => jaxJs(true),
  "tfjs cpu": () => tfjs("cpu"),
  "tfjs wasm": () => tfjs("wasm"),
  async "onnxruntime-web"() {
    const ort = await import(specifiers.ort);
    const { addModel } = await import("./onnx_graphs.ts");
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(addModel().bytes);
    const tensor = new ort.Tensor("float32", Float32Array.of(1, 2, 3, 4), [4]);
    const one = new ort.Tensor("float32", Float32Array.of(1, 1, 1, 1), [4]);
    const results = await session.run({ a: tensor, b: one });
    return results[session.outputNames[0]].data[0];
  },
};

/** What can be started. */
export const programNames: readonly string[] = Object.keys(programs);

/** What a process prints. */
export interface ColdReport {
  /** When the result was there, in milliseconds of the epoch. */
  readonly at: number;
  /** Resident memory then. */
  readonly rss: number;
  /** The result. */
  readonly value: number;
}

if (import.meta.main) {
  const value = await programs[Deno.args[0]!]!();
  const report: ColdReport = {
    at: performance.timeOrigin + performance.now(),
    rss: Deno.memoryUsage().rss,
    value,
  };
  console.log(JSON.stringify(report));
}
