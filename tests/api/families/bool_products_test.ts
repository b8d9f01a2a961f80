/**
 * Products of bools, of which JAX gives whether any is true, against values recorded from JAX.
 *
 * @module
 */
import { vmap } from "../../../mod.ts";
import * as lax from "../../../lib/api/lax.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("bool_products", { lax, vmap });
