/**
 * Ways to pad, against JAX's values.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("padding");
