/**
 * What JAX gives for loops, branches, and rules of one's own in each other, as people have reported them.
 *
 * @module
 */
import {
  associativeScan,
  checkpoint,
  cond,
  customJvp,
  customVjp,
  grad,
  hessian,
  jacrev,
  jit,
  jvp,
  linearize,
  scan,
  switchCase,
  treeLeaves,
  vmap,
  whileLoop,
} from "../../../mod.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("control_flow", {
  associativeScan,
  checkpoint,
  cond,
  customJvp,
  customVjp,
  grad,
  hessian,
  jacrev,
  jit,
  jvp,
  linearize,
  scan,
  switchCase,
  treeLeaves,
  vmap,
  whileLoop,
});
