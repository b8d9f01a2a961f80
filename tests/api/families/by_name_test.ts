/**
 * Arguments that may be left out, of functions without options, by their names; and calls as NumPy and SciPy
 * have them.
 */
import * as fft from "../../../lib/api/fft.ts";
import * as lax from "../../../lib/api/lax.ts";
import * as stats from "../../../lib/api/stats.ts";
import { testFamily } from "../../support/families.ts";

await testFamily("by_name", { fft, lax, stats });
