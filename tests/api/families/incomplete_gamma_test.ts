/**
 * The incomplete gamma functions against what JAX gives.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("incomplete_gamma");
