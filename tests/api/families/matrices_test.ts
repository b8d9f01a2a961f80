/**
 * Matrices with a structure, norms, products and functions of matrices as JAX has them: the programs of
 * `reference/families/matrices.json`.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("matrices");
