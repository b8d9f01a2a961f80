/**
 * Random numbers, as `jax.random`: keys and bits from `keys.ts`, distributions from `distributions.ts`,
 * `continuous.ts`, `counts.ts` and `gamma_draws.ts`, vectors and matrices from `multivariate.ts`, choices and orders from
 * `selections.ts`.
 *
 * @module
 */
import "./methods.ts";

export type { Named } from "../core/method_options.ts";
export * from "./keys.ts";
export * from "./distributions.ts";
export * from "./continuous.ts";
export * from "./counts.ts";
export * from "./gamma_draws.ts";
export * from "./multivariate.ts";
export * from "./selections.ts";
