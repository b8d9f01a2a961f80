/**
 * Compiled to WebAssembly, each primitive gives what it gives eagerly, on all samples of its record, on
 * memory in which everything else is NaN, and writes to nothing that is not its own.
 *
 * @module
 */
import "../../lib/backends/mod.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { primitives } from "../../lib/core/primitive.ts";
import { assert } from "../support/assert.ts";
import {
  type AnyPrimitive,
  casesOf,
  differences,
  hasNoValue,
  programOf,
} from "../support/conformance.ts";
import { ulps } from "../support/arrays.ts";
import { runProgram } from "../support/cpu_program.ts";
import { seedNote } from "../support/random.ts";
import { filesBelow } from "../support/sources.ts";

for (const folder of ["lib/primitives", "lib/control", "lib/linalg"]) {
  for (const path of filesBelow(folder)) await import(`../../${path}`);
}

/** Rounding errors, relative to the largest element, of sums in another order. */
const ROUNDING = 64;

for (const [name, primitive] of primitives()) {
  Deno.test(`${name} is the same compiled (${seedNote})`, () => {
    for (const c of casesOf(primitive as unknown as AnyPrimitive)) {
      if (hasNoValue(c) || c.sample.skip?.kernel !== undefined) continue;
      const expected = c.apply(c.inputs) as ConcreteArray[];
      const jaxpr = simplify(programOf(c));
      for (const large of [0, 1 << 16]) {
        const values = runProgram(jaxpr, c.inputs.map((x) => x.values), {
          large,
          fma: false,
          poison: true,
        });
        const actual = values.map((v, i) => ConcreteArray.fromHost(expected[i]!.aval, v));
        const found = differences(actual, expected, (want) => ulps(want, ROUNDING));
        assert(found === null, `${c.sample.name}: ${found}`);
      }
    }
  });
}
