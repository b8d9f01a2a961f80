/**
 * Namespaces within `numpy`, where users of NumPy look for them.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import * as core from "../../lib/essentials.ts";
import * as fft from "../../lib/api/fft.ts";
import { linalg, numpy as np } from "../../mod.ts";

Deno.test("linalg and fft are in numpy too, and what starts fast is without them", () => {
  assert(np.linalg.solve === linalg.solve);
  assert(np.fft.rfft === fft.rfft);
  assertEquals(Object.keys(np.linalg), Object.keys(linalg));
  assertEquals(Object.keys(np.fft), Object.keys(fft));
  const whole = Object.keys(np).filter((name) => !Object.hasOwn(core.numpy, name));
  assertEquals(whole, ["fft", "linalg"]);
});
