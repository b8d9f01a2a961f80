/**
 * Linear algebra, as `jax.numpy.linalg`, and what `jax.scipy.linalg` and `jax.lax.linalg` have beside.
 * The parts are in files of their own, as for `numpy.ts`.
 *
 * Matrices are in the last two axes, leading axes are batches. Decompositions are in
 * `decompositions.ts`, those of matrices that are not symmetric in `eigenvalues.ts` with
 * what comes of them (functions of matrices, equations with two matrices), what solves systems of
 * equations in `systems.ts`, numbers of matrices in `norms.ts`, powers, exponentials and what is
 * composed of decompositions in `matrix_functions.ts`. Matrices with a structure are in
 * `structured_matrices.ts` and `special_matrices.ts`, and what is of tensors in `tensor_algebra.ts`.
 *
 * @module
 */
import "./methods.ts";

export * from "./decompositions.ts";
export * from "./eigenvalues.ts";
export * from "./matrix_functions.ts";
export * from "./norms.ts";
export * from "./special_matrices.ts";
export * from "./structured_matrices.ts";
export * from "./systems.ts";
export * from "./tensor_algebra.ts";
export type { DTypeOptions } from "./arguments.ts";
export type { Complex } from "./complex.ts";
