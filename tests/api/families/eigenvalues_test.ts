/**
 * What JAX gives for Hessenberg and Schur forms, eigenvalues of matrices that are not symmetric, and
 * equations and functions of matrices that go by these.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("eigenvalues");
