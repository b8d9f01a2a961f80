/**
 * The other libraries, each on one thread: jax-js, TensorFlow.js, and onnxruntime-web by its public
 * interface. They are fetched when first asked for.
 *
 * Types are the part of theirs that the cases use.
 *
 * @module
 */
import { loadOrt, type OrtSession, type OrtTensor } from "../lib/backends/ort_direct.ts";
import type { HandModel } from "./onnx_graphs.ts";
import { specifiers } from "./specifiers.ts";

/** An array of jax-js. Every use consumes a reference; `ref` adds one. */
export interface JaxArray {
  readonly ref: JaxArray;
  add(y: JaxArray | number): JaxArray;
  sub(y: JaxArray | number): JaxArray;
  mul(y: JaxArray | number): JaxArray;
  div(y: JaxArray | number): JaxArray;
  sum(axis?: number): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  dataSync(): Float32Array;
  blockUntilReady(): Promise<JaxArray>;
  dispose(): void;
}

/** The part of jax-js that the cases use. */
export interface JaxJs {
  jit<F>(f: F): F;
  grad(
    f: (...args: JaxArray[]) => JaxArray,
    options?: { argnums?: number[] },
  ): (...args: JaxArray[]) => JaxArray[];
  valueAndGrad<P>(f: (params: P) => JaxArray): (params: P) => [JaxArray, P];
  numpy: {
    array(data: Float32Array | Int32Array): JaxArray;
    zeros(shape: readonly number[]): JaxArray;
    matmul(x: JaxArray, y: JaxArray): JaxArray;
    tanh(x: JaxArray): JaxArray;
    concatenate(arrays: JaxArray[]): JaxArray;
    square(x: JaxArray): JaxArray;
    sin(x: JaxArray): JaxArray;
    cos(x: JaxArray): JaxArray;
    sort(x: JaxArray): JaxArray;
    take(x: JaxArray, indices: JaxArray): JaxArray;
    linalg: {
      solve(a: JaxArray, b: JaxArray): JaxArray;
      cholesky(a: JaxArray): JaxArray;
      eigh(a: JaxArray): [JaxArray, JaxArray];
      svd(a: JaxArray): [JaxArray, JaxArray, JaxArray];
    };
  };
  random: {
    key(seed: number): JaxArray;
    normal(key: JaxArray, shape: readonly number[]): JaxArray;
  };
  lax: {
    convGeneralDilated(
      x: JaxArray,
      w: JaxArray,
      strides: number[],
      padding: "SAME",
      options: { featureGroupCount: number },
    ): JaxArray;
  };
  nn: {
    relu(x: JaxArray): JaxArray;
    softmax(x: JaxArray): JaxArray;
    logSoftmax(x: JaxArray): JaxArray;
  };
}

/** A tensor of TensorFlow.js. */
export interface TfTensor {
  add(y: TfTensor | number): TfTensor;
  sub(y: TfTensor): TfTensor;
  mul(y: TfTensor | number): TfTensor;
  div(y: TfTensor): TfTensor;
  sin(): TfTensor;
  cos(): TfTensor;
  matMul(y: TfTensor): TfTensor;
  relu(): TfTensor;
  tanh(): TfTensor;
  square(): TfTensor;
  sum(): TfTensor;
  dataSync(): Float32Array;
  dispose(): void;
}

/** A variable of TensorFlow.js. */
export interface TfVariable extends TfTensor {
  assign(value: TfTensor): void;
}

/** The part of TensorFlow.js that the cases use. */
export interface Tf {
  setBackend(name: string): Promise<boolean>;
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype?: "int32"): TfTensor;
  variable(initial: TfTensor): TfVariable;
  zeros(shape: readonly number[]): TfTensor;
  stack(tensors: readonly TfTensor[]): TfTensor;
  logSoftmax(x: TfTensor): TfTensor;
  softmax(x: TfTensor): TfTensor;
  gather(x: TfTensor, indices: TfTensor): TfTensor;
  transpose(x: TfTensor, axes: readonly number[]): TfTensor;
  conv2d(x: TfTensor, w: TfTensor, strides: number, padding: "same"): TfTensor;
  depthwiseConv2d(x: TfTensor, w: TfTensor, strides: number, padding: "same"): TfTensor;
  maxPool(x: TfTensor, size: number, strides: number, padding: "valid"): TfTensor;
  tidy<T>(f: () => T): T;
  dispose(tensors: unknown): void;
  grads(f: (...args: TfTensor[]) => TfTensor): (args: TfTensor[]) => TfTensor[];
  valueAndGrads(
    f: (...args: TfTensor[]) => TfTensor,
  ): (args: TfTensor[]) => { value: TfTensor; grads: TfTensor[] };
  train: {
    sgd(rate: number): { minimize(loss: () => TfTensor, returnCost: true): TfTensor };
  };
}

/** A tensor of onnxruntime-web. */
export interface PublicTensor {
  readonly data: Float32Array;
}

/** The part of onnxruntime-web's public interface that the cases use. */
export interface PublicOrt {
  env: { wasm: { numThreads: number } };
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => PublicTensor;
  InferenceSession: {
    create(model: Uint8Array): Promise<{
      readonly outputNames: readonly string[];
      run(feeds: Record<string, PublicTensor>): Promise<Record<string, PublicTensor>>;
    }>;
  };
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => loading ??= load();
}

/** jax-js on its WebAssembly backend. */
export const loadJaxJs: () => Promise<JaxJs> = once(async () => {
  hideWorker();
  const jax = await import(specifiers.jaxJs);
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  return jax;
});

/**
 * Where there is Worker, jax-js hands its kernels to a pool of them, which on small work costs more
 * than it gains, and is not the one thread that everybody has here. It looks again whenever it
 * compiles, and onnxruntime-web sets the global to the class of worker_threads, so that Worker has
 * to stay away for good.
 */
export function hideWorker(): void {
  Object.defineProperty(globalThis, "Worker", {
    configurable: true,
    get: () => undefined,
    set() {},
  });
}

/** TensorFlow.js with its WebAssembly backend registered, to be chosen by `setBackend`. */
export const loadTf: () => Promise<Tf> = once(() =>
  // It recommends its Node package on loading and on first use, which is another thing.
  quietly(async () => {
    const tf = await import(specifiers.tfjs);
    const wasm = await import(specifiers.tfjsWasm);
    wasm.setThreadsCount(1);
    await tf.setBackend("cpu");
    tf.tensor([0]).dispose();
    await tf.setBackend("wasm");
    return tf;
  })
);

/** onnxruntime-web by its public interface. */
export const loadOrtPublic: () => Promise<PublicOrt> = once(async () => {
  const ort = await import(specifiers.ort);
  ort.env.wasm.numThreads = 1;
  return ort;
});

async function quietly<T>(f: () => Promise<T>): Promise<T> {
  const { log, warn } = console;
  console.log = console.warn = () => {};
  try {
    return await f();
  } finally {
    console.log = log;
    console.warn = warn;
  }
}

/** A model written by hand, run through the direct binding: all tensors stay on the heap. */
export interface ByHand {
  readonly session: OrtSession;
  /** The inputs, in the model's order. */
  readonly feeds: OrtTensor[];
  /** The outputs, made by a first run. */
  readonly outputs: OrtTensor[];
}

/** Loads a model that was written by hand, and runs it once. */
export async function byHand(
  model: HandModel,
  data: Readonly<Record<string, Float32Array>>,
): Promise<ByHand> {
  const ort = await loadOrt();
  const session = ort.createSession(model.bytes);
  const feeds = session.inputNames.map((name) =>
    ort.tensor("float32", model.inputs[name]!, data[name]!)
  );
  return { session, feeds, outputs: session.run(feeds) };
}

/** The elements of a tensor of floats. */
export function floats(tensor: OrtTensor): Float32Array {
  return tensor.read() as Float32Array;
}
