/**
 * Linear systems with all that belongs to them: what `mod.ts` has; operators that are made of others
 * (`blockDiagonal`, `blockMatrix`, `kronecker`, `lowRankUpdate`); and near inverses that are polynomials
 * (`chebyshev`, `neumann`) or incomplete factors (`incompleteCholesky`).
 *
 * @module
 */
export * from "./mod.ts";
export {
  type AnyOperator,
  blockDiagonal,
  blockMatrix,
  type BlockOperator,
  type Blocks,
  type BlockTree,
} from "./blocks.ts";
export { incompleteCholesky, type IncompleteCholeskyOptions } from "./incomplete.ts";
export { chebyshev, type ChebyshevOptions, neumann, type NeumannOptions } from "./polynomials.ts";
export { kronecker } from "./kronecker.ts";
export { lowRankUpdate } from "./low_rank.ts";
