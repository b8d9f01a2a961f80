/**
 * Every module system has a file of tests of its solvers.
 *
 * @module
 */
import { assertEquals } from "../../support/assert.ts";
import { worlds } from "../../laws/worlds.ts";

Deno.test("every module system has a file of tests of its solvers", () => {
  const files = [...Deno.readDirSync(new URL(".", import.meta.url))].map(({ name }) => name);
  const missing = worlds.filter(({ name }) => !files.includes(`${name}_test.ts`));
  assertEquals(missing.map(({ name }) => name), []);
});
