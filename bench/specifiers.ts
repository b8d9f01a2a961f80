/**
 * Where the other libraries come from. Exact versions, under a type that keeps them from being
 * literals: so nothing but the benchmarks ever downloads them.
 *
 * @module
 */

/** Specifiers by library. */
export const specifiers: Readonly<Record<"jaxJs" | "tfjs" | "tfjsWasm" | "ort", string>> = {
  jaxJs: "npm:@jax-js/jax@0.1.25",
  tfjs: "npm:@tensorflow/tfjs@4.22.0",
  tfjsWasm: "npm:@tensorflow/tfjs-backend-wasm@4.22.0",
  // The library's own dependency, by the import map.
  ort: "onnxruntime-web",
};
