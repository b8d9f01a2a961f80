/**
 * Prints the truth tables of the solvers: what was asked, what was found, and what the best peer does.
 *
 *     deno task test:truth [WORD]
 *
 * With a word, rows that contain it only. Ends with 1 where a row is not met.
 *
 * @module
 */
import { truthRows } from "./rows.ts";

if (import.meta.main) {
  const [word = ""] = Deno.args;
  let missed = 0;
  for (const [family, rows] of Object.entries(truthRows)) {
    const shown = rows.filter((row) => `${family} ${row.truth}`.includes(word));
    if (shown.length === 0) continue;
    console.log(`\n${family}`);
    for (const { truth, bar, peer, measure } of shown) {
      const { found, met, short } = measure();
      if (!met) missed++;
      console.log(`  ${met ? "met   " : "MISSED"}  ${truth}`);
      console.log(`          found ${found}; asked ${bar}${peer === undefined ? "" : `; ${peer}`}`);
      for (const line of short) console.log(`            ${line}`);
    }
  }
  if (missed > 0) Deno.exit(1);
}
