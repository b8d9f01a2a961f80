/**
 * Kinds of calls that JAX's own tests make: numbers beside arrays, arrays in the place of lists, truth values
 * of sums, weights of several axes, against JAX's values.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("kinds_of_calls");
