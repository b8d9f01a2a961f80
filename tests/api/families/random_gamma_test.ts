/**
 * Gamma numbers and what is made of them against JAX's: the same trials are accepted. Derivatives by
 * parameters are those of the distribution function.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("random_gamma");
