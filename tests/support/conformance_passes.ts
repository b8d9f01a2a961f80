/**
 * What a primitive's record tells the passes over programs: a simplified program computes the same,
 * and a primitive that contains programs takes others in their places, is narrowed to what is read,
 * and gives them further constants without computing anything else; cut in two, it is the same
 * in two parts; and it is to sums what it says.
 *
 * @module
 */
import { usedInputs, withoutDead } from "../../lib/core/dead_code.ts";
import { checkJaxpr, evalJaxpr } from "../../lib/core/jaxpr.ts";
import { type Eqn, type Jaxpr, Var } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { isFloat, sameAval, shaped } from "../../lib/core/dtype.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { partialEvalJaxpr } from "../../lib/interpreters/partial.ts";
import { make, ulps } from "./arrays.ts";
import { type Case, differences, hasNoValue, programOf, type Report } from "./conformance.ts";
import { randomLike, subsets } from "./conformance_derivatives.ts";

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
      // Rules beside a program may count on all of its inputs.
      const drops = role === "step" || role === "test";
      if (drops && left.inputs.length > eqn.inputs.length) {
        return "a constant that nothing reads stays";
      }
      return computesTheSame(program) ?? computesTheSame(narrow);
    });
  });
}

/** What depends on known inputs alone and what waits for the others make up the whole. */
export function checkPartial(c: Case, report: Report): void {
  if (hasNoValue(c)) return;
  const jaxpr = programOf(c);
  for (const unknown of subsets(c.inputs.map(() => true))) {
    const which = unknown.flatMap((u, i) => u ? [i] : []).join(", ");
    report.check("partial evaluation", c, `inputs ${which} unknown`, () => {
      const { known, staged, unknownOut, numResiduals } = partialEvalJaxpr(jaxpr, unknown);
      checkJaxpr(known);
      checkJaxpr(staged);
      const now = evalJaxpr(known, c.inputs.filter((_, i) => !unknown[i]), bind);
      const residuals = now.splice(now.length - numResiduals);
      const later = c.inputs.filter((_, i) => unknown[i]);
      const then = [...evalJaxpr(staged, [...residuals, ...later], bind)];
      const outs = unknownOut.map((u) => (u ? then : now).shift()!);
      const apart = differences(outs, c.apply(c.inputs), (want) => ulps(want, 16));
      if (apart !== null) return apart;
      const unread = usedInputs(staged).slice(0, numResiduals).filter((used) => !used).length;
      return unread === 0 ? null : `${unread} of ${numResiduals} residuals are not read`;
    });
  }
}

/** What a primitive says that it is to sums over the steps of a loop, it is. */
export function checkAlgebra(c: Case, report: Report): void {
  const { primitive, sample, inputs } = c;
  const { algebra } = primitive.passes;
  if (algebra === null || !inputs.every((x) => isFloat(x.dtype) && x.size > 0)) return;
  const [x, y] = inputs.map((x) => x.values);
  // Broadcasting is the samples' of values; here the elements have to meet one by one.
  if (algebra.kind === "sum" && !sameAval(inputs[0]!.aval, inputs[1]!.aval)) return;
  report.check("algebra", c, `it is a ${algebra.kind}`, () => {
    const outs = c.apply(inputs);
    const out = outs[0]!;
    const compare = (wanted: ArrayLike<number>): string | null =>
      differences(outs, [make(out.aval, wanted)], (want) => ulps(want, 16));
    switch (algebra.kind) {
      case "sum":
        return compare(Array.from(x!, (v, i) => v + y![i]!));
      case "negation":
        return compare(Array.from(x!, (v) => -v));
      case "rearrangement": {
        const sorted = (values: ArrayLike<number>): string => Array.from(values).sort().join();
        return sorted(out.dataSync()) === sorted(x!) ? null : "its elements are not the operand's";
      }
      case "product": {
        const others = inputs.map((x) => randomLike(x, c.random));
        const steps = inputs.map((x, i) =>
          make(shaped([2, ...x.shape], x.dtype), [...x.values, ...others[i]!.values])
        );
        const [first, second] = [out, c.apply(others)[0]!].map((z) => z.dataSync());
        const [total] = bind(primitive, steps, algebra.summed(sample.params));
        const wanted = make(out.aval, Array.from(first!, (v, i) => v + second![i]!));
        return differences([total!], [wanted], (want) => ulps(want, 64));
      }
    }
  });
}
