/**
 * What `numpy` has beyond the list of operations, against JAX's values.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("numpy_more");
