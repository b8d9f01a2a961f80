/**
 * The table of JAX's names is that of the exports.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import { compatibility, counted, rows } from "./table.ts";
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
