/**
 * What a primitive's record tells the passes over programs: a simplified program computes the same,
 * and a primitive that contains programs takes others in their places, is narrowed to what is read,
 * and gives its steps further constants without computing anything else.
 *
 * @module
 */
import { usedInputs, withoutDead } from "../../lib/core/dead_code.ts";
import { checkJaxpr, type Eqn, evalJaxpr, type Jaxpr, Var } from "../../lib/core/jaxpr.ts";
import { bind } from "../../lib/core/trace.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { ulps } from "./arrays.ts";
import { type Case, differences, programOf, type Report } from "./conformance.ts";

/** Checks `passes` of a primitive on a sample. */
export function checkPasses(c: Case, report: Report): void {
  if (report.skips("onnx", c)) return;
  const jaxpr = programOf(c);
  const expected = c.apply(c.inputs);
  const computesTheSame = (program: Jaxpr, wanted = expected): string | null => {
    checkJaxpr(program);
    // Sums may be taken in another order: those of cotangents, and those within matrix products.
    return differences(evalJaxpr(program, c.inputs, bind), wanted, (want) => ulps(want, 16));
  };
  report.check("passes", c, "simplified", () => {
    const simple = simplify(jaxpr, (_, program) => checkJaxpr(program));
    if (simple.inputs.length !== jaxpr.inputs.length) return "an input is gone";
    return computesTheSame(simple);
  });

  const at = jaxpr.eqns.findIndex((eqn) => eqn.primitive === c.primitive);
  const eqn = jaxpr.eqns[at]!;
  const { programs } = eqn.primitive.passes;
  if (programs === null) return;
  const withEqn = (other: Eqn, numVars = jaxpr.numVars): Jaxpr => ({
    ...jaxpr,
    eqns: jaxpr.eqns.with(at, other),
    numVars,
  });
  report.check("passes", c, "other programs in place", () => {
    const copies = programs.list(eqn.params).map(({ jaxpr }) => ({ ...jaxpr }));
    const params = programs.replace(eqn.params, copies);
    const found = programs.list(params);
    if (found.some(({ jaxpr }, k) => jaxpr !== copies[k])) return "replace did not put them in";
    return computesTheSame(withEqn({ ...eqn, params }));
  });
  for (const k of eqn.outputs.keys()) {
    report.check("passes", c, `narrowed to output ${k}`, () => {
      const narrow = withoutDead(jaxpr, jaxpr.outputs.map((a) => a === eqn.outputs[k]));
      return computesTheSame(narrow, [expected[k]!]);
    });
  }
  programs.list(eqn.params).forEach(({ role, jaxpr: inner, consts }, k) => {
    if (role !== "step" && role !== "test") return;
    report.check("passes", c, `a further constant for program ${k}`, () => {
      const end = consts.first + consts.count;
      const extra = new Var(jaxpr.inputs[0]!.aval, inner.numVars);
      const wider: Jaxpr = {
        ...inner,
        inputs: [
          ...inner.inputs.slice(0, consts.count),
          extra,
          ...inner.inputs.slice(consts.count),
        ],
        numVars: inner.numVars + 1,
      };
      const params = programs.extend(eqn.params, k, wider, 1);
      const inputs = [...eqn.inputs.slice(0, end), jaxpr.inputs[0]!, ...eqn.inputs.slice(end)];
      const program = withEqn({ ...eqn, params, inputs });
      const narrow = withoutDead(program);
      const left = narrow.eqns.find((e) => e.primitive === c.primitive)!;
      if (usedInputs(wider)[consts.count]) return "the constant that nothing reads is read";
      if (left.inputs.length > eqn.inputs.length) return "a constant that nothing reads stays";
      return computesTheSame(program) ?? computesTheSame(narrow);
    });
  });
}
