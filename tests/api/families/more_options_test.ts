/**
 * Options that few programs use, against JAX's values.
 *
 * @module
 */
import * as lax from "../../../lib/api/lax.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("more_options", { lax });
