/**
 * Random counts against JAX's: the same trials are accepted.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("random_counts");
