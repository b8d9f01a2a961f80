/**
 * Initialisers against JAX's: the same numbers, to the rounding of the distributions that they draw from.
 *
 * @module
 */
import * as initializers from "../../../lib/api/initializers.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("initializers", { initializers });
