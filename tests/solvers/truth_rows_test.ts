/** The truth tables of the solvers (`deno task test:truth` prints them) as tests. */
import { assert } from "../support/assert.ts";
import { truthRows } from "./truth/rows.ts";

for (const [family, rows] of Object.entries(truthRows)) {
  for (const { truth, bar, measure } of rows) {
    Deno.test(`${family}: ${truth}`, () => {
      const { found, met, short } = measure();
      assert(met, [`found ${found}, asked ${bar}`, ...short].join("\n"));
    });
  }
}
