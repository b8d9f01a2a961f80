/**
 * Options that functions have in JAX: masks, factors, signs, fillers, axes. The programs of
 * `reference/families/options.json`.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("options");
