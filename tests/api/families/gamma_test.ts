/**
 * The gamma function's relatives against what JAX gives.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("gamma");
