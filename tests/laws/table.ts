/**
 * Prints the matrix of laws: a table for each world, with a row for each library function that is the
 * outermost one of a nest and a column for each kind of effect. A cell has the number of cases that are
 * equal to the purified program (`restored` ones counted with them) and of those refused by name.
 *
 *     deno task test:laws [--nests N] [--only WORLD]
 *
 * The nests are of any weight, where those of the tests are light.
 *
 * @module
 */
import { loadBackend } from "../../mod.ts";
import { seedNote } from "../support/random.ts";
import { casesOf, check, kinds } from "./matrix.ts";
import { members } from "./members.ts";
import { worlds } from "./worlds.ts";

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

if (import.meta.main) {
  await loadBackend("onnx");
  const nests = Number(option("nests") ?? 1);
  const only = option("only");
  const failures: string[] = [];
  let total = 0;
  const began = performance.now();
  for (const world of worlds) {
    if (only !== undefined && world.name !== only) continue;
    const counts = new Map<string, { equal: number; refused: number; wrong: number }>();
    for (const c of casesOf(world, nests, Infinity)) {
      total++;
      const cell = `${c.nest[0]}|${c.effect}`;
      const count = counts.get(cell) ?? { equal: 0, refused: 0, wrong: 0 };
      counts.set(cell, count);
      try {
        count[check(c) === "refused" ? "refused" : "equal"]++;
      } catch (error) {
        count.wrong++;
        failures.push((error as Error).message);
      }
    }
    const shown = kinds.filter((kind) => [...counts.keys()].some((k) => k.endsWith(`|${kind}`)));
    console.log(`\n${world.name}: cases equal to the purified program / refused by name`);
    shown.forEach((kind, i) => console.log(`  ${String.fromCharCode(65 + i)}  ${kind}`));
    const letters = shown.map((_, i) => String.fromCharCode(65 + i).padStart(7)).join("");
    console.log(`${"".padEnd(32)}${letters}`);
    for (const name of Object.keys(members)) {
      const row = shown.map((kind) => {
        const count = counts.get(`${name}|${kind}`);
        if (count === undefined) return "-";
        return `${count.equal}/${count.refused}${count.wrong > 0 ? `!${count.wrong}` : ""}`;
      });
      console.log(`${name.padEnd(32)}${row.map((c) => c.padStart(7)).join("")}`);
    }
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`\n${total} cases, ${failures.length} wrong, ${seconds} s, ${seedNote}`);
  for (const failure of failures) console.log(`\n${failure}`);
  if (failures.length > 0) Deno.exit(1);
}
