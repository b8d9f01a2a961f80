/**
 * Arguments that may be left out, by their names in the options that stand in their place.
 */
import * as fft from "../../../lib/api/fft.ts";
import * as lax from "../../../lib/api/lax.ts";
import * as stats from "../../../lib/api/stats.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("named_arguments", { fft, lax, stats });
