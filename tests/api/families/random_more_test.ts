/**
 * Distributions and choices of `random` against JAX's: a uniform number behind each, so that streams are
 * the same.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("random_more");
