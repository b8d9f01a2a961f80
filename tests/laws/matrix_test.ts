/**
 * The matrix of `matrix.ts`, each case of it. `deno task test:laws` prints the table.
 *
 * @module
 */
import { transformNames } from "../../lib/transforms/members.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type Case, casesOf, check, kinds, type Outcome } from "./matrix.ts";
import { memberOf, members, purified } from "./members.ts";
import { worlds } from "./worlds.ts";

const cases: readonly Case[] = worlds.flatMap((world) => casesOf(world));

Deno.test("the matrix is over every member of the dictionary, each with its purified program", () => {
  const used = new Set(Object.keys(members).map(memberOf));
  assertEquals(transformNames.filter((name) => !used.has(name)), []);
  assertEquals(Object.keys(members).sort(), Object.keys(purified).sort());
  assert(cases.length >= 3000, `only ${cases.length} cases`);
});

for (const world of worlds) {
  for (const kind of kinds) {
    const own = cases.filter((c) => c.world === world && c.effect === kind);
    if (own.length === 0) continue;
    Deno.test(`${world.name}: ${kind}, in transforms as in the purified program, or refused by name`, () => {
      const outcomes = new Set<Outcome>(own.map(check));
      assert(outcomes.size > 0);
    });
  }
}
