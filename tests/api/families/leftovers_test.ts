/**
 * The last names of `nn` and `lax`, and what `polyfit` gives beside coefficients, against JAX's values.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("leftovers");
