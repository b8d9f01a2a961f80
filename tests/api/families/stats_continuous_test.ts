/**
 * Continuous distributions.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("stats_continuous");
