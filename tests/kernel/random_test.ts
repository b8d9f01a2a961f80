/**
 * Ten thousand random programs, compiled, give what the interpreter gives: bit for bit, but for
 * derivatives, whose sums are rounded.
 *
 * `INJAX_KERNELS` sets how many are tried, `INJAX_SEED` which; `deno task fuzz` goes on and on.
 *
 * @module
 */
import { assert } from "../support/assert.ts";
import { wrongKernel } from "../support/kernel_trials.ts";
import { seedNote } from "../support/random.ts";

const KERNELS = Number(Deno.env.get("INJAX_KERNELS") ?? 10_000);
const TOGETHER = 1000;

for (let from = 0; from < KERNELS; from += TOGETHER) {
  const to = Math.min(from + TOGETHER, KERNELS);
  Deno.test(`random programs ${from} to ${to - 1} are the same compiled (${seedNote})`, () => {
    for (let n = from; n < to; n++) {
      const wrong = wrongKernel(n);
      assert(wrong === null, wrong ?? "");
    }
  });
}

Deno.test("programs run beyond 2 GiB, where addresses have the sign bit, and across", () => {
  for (let n = 0; n < 300; n++) {
    const wrong = wrongKernel(n, n % 2 === 0 ? 2 ** 31 - 4096 : 2 ** 32 - 2 ** 20);
    assert(wrong === null, wrong ?? "");
  }
});
