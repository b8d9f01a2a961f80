/**
 * What JAX gives for operations between the lanes of a `vmap`, in other transforms too.
 *
 * @module
 */
import {
  associativeScan,
  checkpoint,
  cond,
  foriLoop,
  grad,
  hessian,
  jit,
  jvp,
  scan,
  vmap,
  whileLoop,
} from "../../../mod.ts";
import * as lax from "../../../lib/api/lax.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("collectives", {
  associativeScan,
  checkpoint,
  cond,
  foriLoop,
  grad,
  hessian,
  jit,
  jvp,
  lax,
  scan,
  vmap,
  whileLoop,
});
