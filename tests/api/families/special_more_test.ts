/**
 * Special functions: the normal distribution, entropies, Bessel functions and integrals.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("special_more");
