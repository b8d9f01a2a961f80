/**
 * Solvers. Each takes a dictionary of transforms, so that it works on pure functions and inside any
 * stateful module system alike, and returns a `Solution` that says how it ended.
 *
 * @module
 */
export { type Adjoint, implicit, type ImplicitOptions, oneStep } from "./adjoint.ts";
export { anderson, type AndersonMemory, type AndersonOptions } from "./anderson.ts";
export { damped, type DampedOptions } from "./damped.ts";
export { fixedPoint, type FixedPointOptions, type FloatTree } from "./fixed_point.ts";
export * from "./linear/mod.ts";
export type { Counts, Evaluation, Local, Sizes, Stepper } from "./method.ts";
export { Solution, type SolutionFields, type Status, statuses } from "./solution.ts";
