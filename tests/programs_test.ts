/**
 * Random programs run alike eagerly, on the interpreter, as one graph and vectorised, and so do
 * their gradients, which agree with finite differences. Programs of awkward arrays, of NaN, infinities and
 * both zeros, give on onnxruntime what they give eagerly.
 *
 * `INJAX_PROGRAMS` sets how many are tried, `INJAX_SEED` which.
 *
 * @module
 */
import { loadBackend } from "../mod.ts";
import { assert } from "./support/assert.ts";
import { wrongOnOnnx } from "./support/onnx_trials.ts";
import { tryProgram } from "./support/program_trials.ts";
import { seedNote } from "./support/random.ts";

await loadBackend("onnx");

const PROGRAMS = Number(Deno.env.get("INJAX_PROGRAMS") ?? 40);

for (let n = 0; n < PROGRAMS; n++) {
  Deno.test(`a random program runs alike everywhere: ${n}`, () => tryProgram(n));
}

Deno.test(`random programs of awkward arrays are the same on onnxruntime (${seedNote})`, () => {
  for (let n = 0; n < PROGRAMS / 8; n++) {
    const wrong = wrongOnOnnx(n);
    assert(wrong === null, wrong ?? "");
  }
});
