/**
 * Activation functions and what else neural networks are made of, as `jax.nn`. The parts are in files of
 * their own, as for `numpy.ts`.
 *
 * Derivatives at kinks and limits follow JAX: that of `relu` at 0 is 0, that of `softplus` is right to
 * all orders.
 *
 * @module
 */
import "./methods.ts";

export type { AxesOr, Named } from "../core/method_options.ts";
export * from "./activations.ts";
export * from "./attention.ts";
export * from "./softmax.ts";
