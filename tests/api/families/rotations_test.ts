/**
 * Rotations as JAX has them: the programs of `reference/families/rotations.json`.
 *
 * @module
 */
import * as spatial from "../../../lib/api/spatial.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("rotations", { spatial });
