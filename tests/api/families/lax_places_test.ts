/**
 * Gathers and scatters with dimension numbers drawn at random by `reference/record_places.py`.
 *
 * @module
 */
import * as lax from "../../../lib/api/lax.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("lax_places", { lax });
