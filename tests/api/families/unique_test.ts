/**
 * Unique values and common ones, and where they are, against JAX's values.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("unique");
