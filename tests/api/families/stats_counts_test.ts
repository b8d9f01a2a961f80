/**
 * Distributions of counts.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("stats_counts");
