/**
 * Hypergeometric functions against what JAX gives.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("hypergeometric");
