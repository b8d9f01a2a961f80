/**
 * Importing this defines all primitives.
 *
 * @module
 */
export { checkpointCall, jitCall } from "./call.ts";
export { condP } from "./cond.ts";
export { customJvpP, customVjpP } from "./custom.ts";
export { linearSolveP } from "./linear_solve.ts";
export { scanP } from "./scan.ts";
export { whileP } from "./while.ts";
