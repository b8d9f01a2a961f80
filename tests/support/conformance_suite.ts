/**
 * All checks of a primitive, and what they found.
 *
 * @module
 */
import type { Primitive } from "../../lib/core/primitive.ts";
import {
  type AnyPrimitive,
  type Case,
  casesOf,
  checkProgram,
  checkValues,
  Report,
} from "./conformance.ts";
import { checkBatch } from "./conformance_batch.ts";
import { checkJvp, checkTranspose, checkVjp } from "./conformance_derivatives.ts";
import { checkGradientOnnx, checkOnnx } from "./conformance_onnx.ts";
import { checkAlgebra, checkPartial, checkPasses } from "./conformance_passes.ts";

/** Tries a primitive on its samples. The backend "onnx" must have been loaded. */
export function reportOf<P>(record: Primitive<P>): Report {
  const primitive = record as unknown as AnyPrimitive;
  const { name } = primitive;
  const report = new Report();
  const cases = casesOf(primitive);
  if (cases.length === 0) report.failures.push(`${name} has no samples`);
  const names = cases.map((c) => c.sample.name);
  if (new Set(names).size < names.length) {
    report.failures.push(`${name} has samples of the same name`);
  }
  let transposed = 0;
  const checks: readonly ((c: Case, report: Report) => number | void)[] = [
    checkValues,
    checkProgram,
    checkJvp,
    checkVjp,
    checkTranspose,
    checkBatch,
    checkPasses,
    checkPartial,
    checkAlgebra,
    checkOnnx,
    checkGradientOnnx,
  ];
  for (const c of cases) {
    for (const check of checks) {
      // What fails while a check is prepared fails it.
      try {
        transposed += check(c, report) ?? 0;
      } catch (error) {
        report.check(check.name, c, "", () => {
          throw error;
        });
      }
    }
  }
  // A transpose rule that no sample reaches is not tested.
  const reachable = cases.some(({ sample: { skip } }) =>
    (skip?.transpose ?? skip?.linear) === undefined
  );
  if (primitive.transpose !== "nonlinear" && reachable && transposed === 0) {
    report.failures.push(`no sample reaches the transpose rule of ${name}`);
  }
  return report;
}
