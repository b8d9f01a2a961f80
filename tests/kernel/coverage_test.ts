/**
 * Random programs for the compiler are made of all primitives that there are, but for those of which it is
 * said why not; and so is what derivatives are tried on.
 *
 * @module
 */
import { allPrograms } from "../../lib/core/jaxpr.ts";
import { primitives } from "../../lib/core/primitive.ts";
import { assertEquals } from "../support/assert.ts";
import { staged } from "../support/compiled.ts";
import { leftOut } from "../support/kernel_primitives.ts";
import { randomKernel } from "../support/random_kernels.ts";

/** After so many programs a primitive is taken to be in none. */
const MOST_PROGRAMS = 4000;

Deno.test("random programs have every primitive, or it is said why not", () => {
  const all = new Set(primitives().keys());
  const unknown = Object.keys(leftOut).filter((name) => !all.has(name));
  assertEquals(unknown, [], "reasons are given for primitives that there are");
  const missing = new Set([...all].filter((name) => !(name in leftOut)));
  for (let n = 0; n < MOST_PROGRAMS && missing.size > 0; n++) {
    const { f, inputs } = randomKernel(`kernel ${n}`);
    for (const { eqns } of allPrograms(staged(f, inputs).recorded)) {
      for (const { primitive } of eqns) missing.delete(primitive.name);
    }
  }
  assertEquals([...missing], [], "in no random program");
});
