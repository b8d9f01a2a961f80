/**
 * Every primitive keeps its own promises: the samples in its record are tried against all of its
 * rules. The checks are in `support/conformance*.ts`.
 *
 * @module
 */
import { loadBackend } from "../lib/backends/mod.ts";
import { primitives } from "../lib/core/primitive.ts";
import { assert } from "./support/assert.ts";
import { reportOf } from "./support/conformance_suite.ts";
import { seedNote } from "./support/random.ts";
import { filesBelow } from "./support/sources.ts";

// A record that nothing imports yet is tested all the same.
for (const folder of ["lib/primitives", "lib/control", "lib/linalg"]) {
  for (const path of filesBelow(folder)) await import(`../${path}`);
}

await loadBackend("onnx");

Deno.test("the primitives are found", () => {
  const { size } = primitives();
  assert(size > 70, `only ${size} primitives are defined`);
});

for (const [name, primitive] of primitives()) {
  Deno.test(`${name} keeps its promises`, () => {
    const { checks, failures } = reportOf(primitive);
    if (failures.length === 0) return;
    const more = failures.length > 6 ? `\n  ... and ${failures.length - 6} more` : "";
    throw new Error(
      `${failures.length} of ${checks} checks failed (${seedNote}):\n  ` +
        failures.slice(0, 6).join("\n  ") + more,
    );
  });
}
