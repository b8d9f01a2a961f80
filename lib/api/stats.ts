/**
 * Distributions and statistics of samples, as `jax.scipy.stats`. A distribution is an object of its
 * functions: `norm.logpdf(x, loc, scale)`. Numbers and parameters broadcast; names are those of JAX in camel
 * case.
 *
 * Outside of what a distribution is on, densities are 0, their logarithms minus infinity, and derivatives 0.
 *
 * @example
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 * import * as stats from "@injax/injax/stats";
 *
 * const loss = (mean: NDArray) => stats.norm.logpdf(np.array([2, 4]), mean, 2).mean().neg();
 * console.log(grad(loss)(np.array(5)).item()); // 0.5
 * ```
 *
 * @module
 */
import "./methods.ts";

export type { AxisOr, Named } from "../core/method_options.ts";
export type { NDArray, Operand } from "../core/array.ts";
export type { Law, Laws, Placed } from "./stats/distribution.ts";
export * from "./stats/location_scale.ts";
export * from "./stats/shaped.ts";
export * from "./stats/gamma_beta.ts";
export * from "./stats/discrete.ts";
export * from "./stats/multivariate.ts";
export * from "./stats/ranks.ts";
export * from "./stats/kernel_density.ts";
