/**
 * Options of JAX's signatures that change what is computed, against JAX's values.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("signatures");
