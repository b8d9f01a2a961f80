/**
 * The truth tables of the solvers (`deno task test:truth` prints them) as tests. Those of problems without a solution
 * are in `no_solution_test.ts`.
 */
import { assert } from "../support/assert.ts";
import { noSolutionRows } from "./truth/no_solution_rows.ts";
import { truthRows } from "./truth/rows.ts";

for (const [family, rows] of Object.entries(truthRows)) {
  for (const { truth, bar, measure } of rows) {
    if (rows === noSolutionRows) continue;
    Deno.test(`${family}: ${truth}`, () => {
      const { found, met, short } = measure();
      assert(met, [`found ${found}, asked ${bar}`, ...short].join("\n"));
    });
  }
}
