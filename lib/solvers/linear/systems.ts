/**
 * Linear systems with all that belongs to them: what `mod.ts` has, and near inverses that are polynomials
 * (`chebyshev`, `neumann`) or incomplete factors (`incompleteCholesky`).
 *
 * @module
 */
export * from "./mod.ts";
export { incompleteCholesky, type IncompleteCholeskyOptions } from "./incomplete.ts";
export { chebyshev, type ChebyshevOptions, neumann, type NeumannOptions } from "./polynomials.ts";
