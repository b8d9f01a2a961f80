/**
 * Chains of operations of all namespaces with arguments drawn at random by `reference/draw_programs.py`,
 * against values and gradients recorded from JAX.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("random_programs");
