/**
 * Tries random programs on the compiler until it is stopped, or as many as `INJAX_PROGRAMS` says,
 * and prints those that go wrong. It begins at program `INJAX_FROM`, or anywhere.
 *
 * @module
 */
import { wrongKernel } from "../support/kernel_trials.ts";
import { seedNote } from "../support/random.ts";

const programs = Number(Deno.env.get("INJAX_PROGRAMS") ?? Infinity);
const start = Number(Deno.env.get("INJAX_FROM") ?? Math.floor(Math.random() * 1e9));
console.log(`from program ${start} on, ${seedNote} INJAX_FROM=${start}`);
let wrong = 0;
for (let n = 0; n < programs; n++) {
  const found = wrongKernel(start + n);
  if (found !== null) console.log(`${++wrong} wrong: ${found}\n`);
  if ((n + 1) % 1000 === 0) console.log(`${n + 1} programs, ${wrong} wrong`);
}
Deno.exit(wrong > 0 ? 1 : 0);
