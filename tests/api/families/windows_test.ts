/**
 * Reductions over windows against values and gradients recorded from JAX.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("windows");
