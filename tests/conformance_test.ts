/**
 * Every primitive keeps its own promises: the samples in its record are tried against all of its
 * rules. The checks are in `support/conformance*.ts`.
 *
 * @module
 */
import "../lib/control/mod.ts";
import { loadBackend } from "../lib/backends/mod.ts";
import { primitives } from "../lib/core/primitive.ts";
import { assert } from "./support/assert.ts";
import {
  type AnyPrimitive,
  casesOf,
  checkProgram,
  checkValues,
  Report,
} from "./support/conformance.ts";
import { checkBatch } from "./support/conformance_batch.ts";
import { checkJvp, checkTranspose, checkVjp } from "./support/conformance_derivatives.ts";
import { checkGradientOnnx, checkOnnx } from "./support/conformance_onnx.ts";
import { checkPasses } from "./support/conformance_passes.ts";
import { seedNote } from "./support/random.ts";
import { filesBelow } from "./support/sources.ts";

// A family that nothing imports yet is tested all the same.
for (const path of filesBelow("lib/primitives")) await import(`../${path}`);

await loadBackend("wasm");

Deno.test("there are primitives, and each has samples of different names", () => {
  const all = [...primitives().values()];
  assert(all.length > 70, `only ${all.length} primitives are defined`);
  const without = all.filter((p) => p.samples().length === 0).map((p) => p.name);
  assert(without.length === 0, `primitives without samples: ${without.join(", ")}`);
  for (const p of all) {
    const names = p.samples().map((s) => s.name);
    assert(new Set(names).size === names.length, `${p.name} has samples of the same name`);
  }
});

for (const [name, entry] of primitives()) {
  Deno.test(`${name} keeps its promises`, () => {
    const primitive = entry as unknown as AnyPrimitive;
    const report = new Report();
    let transposed = 0;
    for (const c of casesOf(primitive)) {
      checkValues(c, report);
      checkProgram(c, report);
      checkJvp(c, report);
      transposed += Number(checkVjp(c, report));
      transposed += checkTranspose(c, report);
      checkBatch(c, report);
      checkPasses(c, report);
      checkOnnx(c, report);
      checkGradientOnnx(c, report);
    }
    assert(report.checks > 0, `nothing was checked of ${name}`);
    // A transpose rule that no sample reaches is not tested.
    if (primitive.transpose !== "nonlinear" && !report.skipped.has("transpose")) {
      assert(transposed > 0, `no sample reaches the transpose rule of ${name}`);
    }
    if (report.failures.length > 0) {
      const shown = report.failures.slice(0, 6);
      const more = report.failures.length - shown.length;
      throw new Error(
        `${report.failures.length} of ${report.checks} checks failed (${seedNote}):\n  ` +
          shown.join("\n  ") + (more > 0 ? `\n  ... and ${more} more` : ""),
      );
    }
  });
}
