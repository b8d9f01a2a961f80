/**
 * Random numbers, as `jax.random`: keys and bits from `keys.ts`, distributions from `distributions.ts`.
 *
 * @module
 */
import "./methods.ts";

export * from "./keys.ts";
export * from "./distributions.ts";
