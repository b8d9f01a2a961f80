/**
 * Operations of `lax` that `numpy` does not have, or has with other arguments.
 *
 * @module
 */
import * as lax from "../../../lib/api/lax.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("lax_more", { lax });
