/**
 * Fourier transforms as JAX has them: the programs of `reference/families/fft.json`.
 *
 * @module
 */
import { testFamily } from "../../support/families.ts";

await testFamily("fft");
