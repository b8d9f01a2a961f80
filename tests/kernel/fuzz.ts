/**
 * Tries random programs on the compiler until it is stopped, or as many as `INJAX_PROGRAMS` says,
 * and prints those that go wrong. It begins at program `INJAX_FROM`, or anywhere. Some of them are tried on
 * onnxruntime as well, and some are programs with derivatives, tried on all backends of the CPU and against
 * finite differences.
 *
 * @module
 */
import { loadBackend } from "../../mod.ts";
import { wrongKernel } from "../support/kernel_trials.ts";
import { wrongOnOnnx } from "../support/onnx_trials.ts";
import { tryProgram } from "../support/program_trials.ts";
import { seedNote } from "../support/random.ts";

await loadBackend("onnx");

/** As many programs of the cheap kind there are for one that is tried in every way. */
const CHEAP = 64;

/** What is wrong with a program that is tried in every way. */
function wrongProgram(n: number): string | null {
  try {
    tryProgram(n);
    return null;
  } catch (error) {
    return `program ${n}, tried in every way: ${(error as Error).message}`;
  }
}

const programs = Number(Deno.env.get("INJAX_PROGRAMS") ?? Infinity);
const start = Number(Deno.env.get("INJAX_FROM") ?? Math.floor(Math.random() * 1e9));
console.log(`from program ${start} on, ${seedNote} INJAX_FROM=${start}`);
let wrong = 0;
for (let n = start; n < start + programs; n++) {
  const found = [
    wrongKernel(n),
    n % CHEAP === 0 ? wrongProgram(n / CHEAP) : null,
    n % CHEAP === 1 ? wrongOnOnnx((n - 1) / CHEAP) : null,
  ];
  for (const text of found) if (text !== null) console.log(`${++wrong} wrong: ${text}\n`);
  if ((n - start + 1) % 1000 === 0) console.log(`${n - start + 1} programs, ${wrong} wrong`);
}
Deno.exit(wrong > 0 ? 1 : 0);
