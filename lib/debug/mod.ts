/**
 * Looking inside: values while a function runs, programs at each stage, and where a backend and eager code
 * part.
 *
 * @module
 */
export * from "./differences.ts";
export * from "./nans.ts";
export * from "./print.ts";
export * from "./program.ts";
