/**
 * Random programs for the compiler are made of all primitives that there are, but for those of which it is
 * said why not; and so is what derivatives are tried on.
 *
 * @module
 */
import { grad, type NDArray } from "../../mod.ts";
import { allPrograms } from "../../lib/core/jaxpr.ts";
import { primitives } from "../../lib/core/primitive.ts";
import { isFloat } from "../../lib/core/dtype.ts";
import { assertEquals } from "../support/assert.ts";
import { staged } from "../support/compiled.ts";
import type { AnyPrimitive } from "../support/conformance.ts";
import { leftOut } from "../support/kernel_primitives.ts";
import { functions } from "../support/random_functions.ts";
import { randomKernel } from "../support/random_kernels.ts";
import { randomProgram } from "../support/random_programs.ts";

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

const flat = "its slope is zero wherever there is one";

/** What has no slope that programs with derivatives could have, and why. */
const withoutSlope: Readonly<Record<string, string>> = {
  sign: flat,
  trunc: flat,
  gammasgn: flat,
  argmin: flat,
  mul_add: "is in draws of random numbers alone, and in the programs without derivatives",
  triangular_sylvester:
    "is made by the rules of Sylvester's equation and of roots, whose programs there are",
  while: "has no backward mode; tests/transforms/loops_test.ts has its tangents",
  ...Object.fromEntries(
    ["debug_print", "debug_callback", "check", "nan_check"].map((name) => [name, leftOut[name]!]),
  ),
};

Deno.test("random programs with derivatives have every primitive that has some", () => {
  const missing = new Set<string>();
  for (const record of primitives().values()) {
    const { name, samples } = record as unknown as AnyPrimitive;
    if (name in withoutSlope) continue;
    const hasSlope = samples().some(({ inputs, skip }) =>
      skip?.jvp === undefined && skip?.slope === undefined &&
      inputs.some(({ dtype }) => isFloat(dtype))
    );
    if (hasSlope) missing.add(name);
  }
  for (let n = 0; n < MOST_PROGRAMS / 4 && missing.size > 0; n++) {
    const { f, inputs } = randomProgram(`program ${n}`, 12, functions);
    const slope = grad((xs: NDArray[]) => f(xs)[0]!);
    const { recorded } = staged((...xs) => [f(xs), slope(xs)], inputs);
    for (const { eqns } of allPrograms(recorded)) {
      for (const { primitive } of eqns) missing.delete(primitive.name);
    }
  }
  assertEquals([...missing], [], "in no random program with derivatives");
});
