/**
 * Layers.
 *
 * @module
 */
export * from "./attention.ts";
export * from "./inference.ts";
export * from "./linear.ts";
export * from "./norm.ts";
export * from "./recurrent.ts";
export * from "./sequential.ts";
