/**
 * Linear algebra, as `jax.numpy.linalg`, and what `jax.scipy.linalg` and `jax.lax.linalg` have beside.
 * The parts are in files of their own, as for `numpy.ts`.
 *
 * Matrices are in the last two axes, leading axes are batches. Decompositions are in
 * `decompositions.ts`, what solves systems of equations in `systems.ts`, numbers of matrices in
 * `norms.ts`, and powers and exponentials in `matrix_functions.ts`.
 *
 * @module
 */
import "./methods.ts";

export * from "./decompositions.ts";
export * from "./matrix_functions.ts";
export * from "./norms.ts";
export * from "./systems.ts";
