/**
 * The table of JAX's names is that of the exports.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import { compatibility, counted, options, rows } from "./table.ts";
import { never as neverOptions, otherNames } from "./option_reasons.ts";
import { nameOf } from "./options.ts";
import { never } from "./reasons.ts";

Deno.test("COMPATIBILITY.md is what deno task compatibility writes", async () => {
  const file = new URL("../../COMPATIBILITY.md", import.meta.url);
  assertEquals(await Deno.readTextFile(file), compatibility());
});

Deno.test("every reason is that of a name, and no reason stands for what is there", () => {
  const used = new Set(rows.flatMap(({ reason }) => reason ?? []));
  assertEquals(never.filter(({ reason }) => !used.has(reason)).map(({ reason }) => reason), []);
});

Deno.test("most names that apply are there", () => {
  const { present, applicable } = counted(rows);
  assert(present >= 0.85 * applicable, `${present} of ${applicable}`);
});

Deno.test("every reason for an option is that of an option, and no reason stands for what is there", () => {
  const unused = neverOptions.filter((r) =>
    !options.some((o) =>
      o.reason === r.reason && r.options.test(o.option) && (r.functions?.test(nameOf(o)) ?? true)
    )
  );
  assertEquals(unused, []);
});

Deno.test("every other name of an option is that of one that is there", () => {
  const unused = otherNames.filter((r) =>
    !options.some((o) => r.functions.test(nameOf(o)) && o.option === r.option && o.here === r.here)
  );
  assertEquals(unused, []);
});

Deno.test("what functions take is found, through types that others name", () => {
  const found = (module: string, name: string): readonly (string | undefined)[] =>
    options.filter((o) => o.module === module && o.name === name).map(({ here }) => here);
  assert(found("jax.numpy", "std").includes("keepDims"));
  assert(found("jax", "vmap").includes("axisName"));
  assert(found("jax.random", "normal").includes("dtype"));
});

Deno.test("most options that apply are there", () => {
  const { present, applicable } = counted(options);
  assert(present >= 0.85 * applicable, `${present} of ${applicable}`);
});
