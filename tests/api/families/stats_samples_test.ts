/**
 * Distributions of vectors, statistics of samples, and densities estimated from them.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("stats_samples");
