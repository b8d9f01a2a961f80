/**
 * Random programs run alike eagerly, on the interpreter, as one graph and vectorised, and so do
 * their gradients, which agree with finite differences.
 *
 * `INJAX_PROGRAMS` sets how many are tried, `INJAX_SEED` which.
 *
 * @module
 */
import { loadBackend } from "../mod.ts";
import { tryProgram } from "./support/program_trials.ts";

await loadBackend("onnx");

const PROGRAMS = Number(Deno.env.get("INJAX_PROGRAMS") ?? 40);

for (let n = 0; n < PROGRAMS; n++) {
  Deno.test(`a random program runs alike everywhere: ${n}`, () => tryProgram(n));
}
