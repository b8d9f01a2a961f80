/**
 * The gamma and beta distributions, and those that come of them.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("stats_gamma");
