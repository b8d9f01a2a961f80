/**
 * All elementwise functions of floats: the elementary functions, and the error function with its
 * inverse.
 *
 * @module
 */
export * from "./elementary.ts";
export * from "./special.ts";
