/**
 * Products by numbers of axes against values and gradients recorded from JAX.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("dot_products");
