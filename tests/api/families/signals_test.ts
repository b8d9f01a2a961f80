/**
 * Convolutions, spectra and cosine transforms as JAX has them: the programs of
 * `reference/families/signals.json`.
 *
 * @module
 */
import * as signal from "../../../lib/api/signal.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("signals", { signal });
