/**
 * Options of decompositions and of what solves by them: which triangle is read, and what is symmetric.
 */
import { testFamily } from "../../support/families.ts";

await testFamily("matrix_options");
