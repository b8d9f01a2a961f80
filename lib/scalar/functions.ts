/**
 * The accurate functions under one name. The files export nothing else, since what is re-exported
 * by name is on no page of the documentation.
 *
 * @module
 */
export * from "./error.ts";
export * from "./error_inverse.ts";
export * from "./exp.ts";
export * from "./hyperbolic.ts";
export * from "./inverse.ts";
export * from "./log.ts";
export * from "./power.ts";
export * from "./sums.ts";
export * from "./trig.ts";
