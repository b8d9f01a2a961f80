/**
 * Random numbers, as `jax.random`: keys and bits from `keys.ts`, distributions from `distributions.ts`
 * and `continuous.ts`, choices and orders from `selections.ts`.
 *
 * @module
 */
import "./methods.ts";

export * from "./keys.ts";
export * from "./distributions.ts";
export * from "./continuous.ts";
export * from "./selections.ts";
