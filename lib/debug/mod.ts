/**
 * Looking inside: values while a function runs, programs at each stage, and where a backend and eager code
 * part.
 *
 * @module
 */
export * from "./programs.ts";
export * from "./values.ts";
