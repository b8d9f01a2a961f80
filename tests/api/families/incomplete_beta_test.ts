/**
 * The incomplete beta function against what JAX gives.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("incomplete_beta");
