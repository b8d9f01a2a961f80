/** No solution is claimed where there is none: the rows of the truth tables about that, as tests. */
import { assert } from "../support/assert.ts";
import { noSolutionRows } from "./truth/no_solution_rows.ts";

for (const { truth, bar, measure } of noSolutionRows) {
  Deno.test(truth, () => {
    const { found, met, short } = measure();
    assert(met, [`found ${found}, asked ${bar}`, ...short.slice(0, 20)].join("\n"));
  });
}
