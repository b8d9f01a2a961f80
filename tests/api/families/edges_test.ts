/**
 * Bounds that are met, and numbers far away: what JAX gives there.
 *
 * @module
 */
import * as lax from "../../../lib/api/lax.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("edges", { lax });
