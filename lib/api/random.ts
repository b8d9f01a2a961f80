/**
 * Random numbers, as `jax.random`: keys and bits from `keys.ts`, distributions from `distributions.ts`.
 *
 * @module
 */
export * from "./keys.ts";
export * from "./distributions.ts";
