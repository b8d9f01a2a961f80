/**
 * Layers.
 *
 * @module
 */
export * from "./activations.ts";
export * from "./attention.ts";
export * from "./convolution.ts";
export * from "./convolution_transpose.ts";
export * from "./inference.ts";
export * from "./linear.ts";
export * from "./norm.ts";
export * from "./pooling.ts";
export * from "./recurrent.ts";
export * from "./sequential.ts";
export * from "./weight_norms.ts";
