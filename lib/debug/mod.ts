/**
 * Looking inside: programs at each stage, and where a backend and eager code part.
 *
 * @module
 */
export * from "./differences.ts";
export * from "./program.ts";
