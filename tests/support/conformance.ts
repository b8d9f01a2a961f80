/**
 * The checks that hold every primitive to its own rules. They know no operation by name: what they
 * try comes from the samples in the primitives' records.
 *
 * Here are the cases (a sample with inputs drawn for it), the report, and the checks of values,
 * types and programs. Derivatives are checked in `conformance_derivatives.ts`, vectorisation in
 * `conformance_batch.ts`, graphs in `conformance_onnx.ts`.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import {
  dtypeOf,
  formatAval,
  isFloat,
  sameAval,
  shaped,
  type ShapedArray,
  sizeOf,
} from "../../lib/core/dtype.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { checkJaxpr, evalJaxpr, formatJaxpr } from "../../lib/core/jaxpr.ts";
import type { HostValue, Jaxpr, Primitive, Sample, SampleInput } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { difference, make } from "./arrays.ts";
import { Random } from "./random.ts";

/** A primitive of any parameters. */
export type AnyPrimitive = Primitive<unknown>;

/** A sample with inputs. */
export interface Case {
  /** The primitive. */
  readonly primitive: AnyPrimitive;
  /** The sample. */
  readonly sample: Sample<unknown>;
  /** The inputs as the sample has them. */
  readonly inputs: readonly ConcreteArray[];
  /** The inputs with float32 widened to float64, for finite differences. */
  readonly wide: readonly ConcreteArray[];
  /** Applies the primitive in the current interpreter. */
  readonly apply: (inputs: readonly NDArray[]) => NDArray[];
  /** Random numbers for this case alone. */
  readonly random: Random;
}

/** What was checked of one primitive, what was not and why, and what failed. */
export class Report {
  /** Number of checks made, by kind. */
  readonly counts: Map<string, number> = new Map();
  /** Reasons given for checks that were left out, by kind. */
  readonly skipped: Map<string, Set<string>> = new Map();
  /** What failed. */
  readonly failures: string[] = [];

  /** Number of checks made in all. */
  get checks(): number {
    return [...this.counts.values()].reduce((a, b) => a + b, 0);
  }

  /** Makes one check: `found` says what is wrong, or gives `null`; what it throws is wrong too. */
  check(kind: string, c: Case, detail: string, found: () => string | null): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    let message: string | null;
    try {
      message = found();
    } catch (error) {
      const { stack } = error as Error;
      message = `threw ${stack?.split("\n").slice(0, 6).join("\n      ") ?? error}`;
    }
    if (message === null) return;
    const inputs = c.inputs.map((x) => formatAval(x.aval)).join(", ");
    const where = `${c.primitive.name}, sample "${c.sample.name}" (${inputs})`;
    this.failures.push(`${where}\n    ${kind}${detail === "" ? "" : `, ${detail}`}: ${message}`);
  }

  /** Whether the sample rules a kind of check out; if so, notes the reason. */
  skips(kind: keyof NonNullable<Case["sample"]["skip"]>, c: Case): boolean {
    const reason = c.sample.skip?.[kind];
    if (reason === undefined) return false;
    if (!this.skipped.has(kind)) this.skipped.set(kind, new Set());
    this.skipped.get(kind)!.add(reason);
    return true;
  }
}

/** Elements for an input: those given, or drawn from its range. */
export function drawValues(input: SampleInput, random: Random): number[] {
  const n = sizeOf(input.shape);
  if (input.values !== undefined) return [...input.values];
  const { dtype } = input;
  if (dtype === "bool") return Array.from({ length: n }, () => random.integer(0, 2));
  const [low, high] = input.range ?? (dtype === "uint32" ? [0, 4] : [-2, 2]);
  return Array.from({ length: n }, () => {
    const v = random.uniform(low, high);
    return isFloat(dtype) ? v : Math.floor(v);
  });
}

/** An input's type with float32 widened. */
export function widened(aval: ShapedArray): ShapedArray {
  return aval.dtype === "float32" ? shaped(aval.shape, "float64") : aval;
}

/** The cases of a primitive: one for each sample. */
export function casesOf(primitive: AnyPrimitive): Case[] {
  return primitive.samples().map((sample) => {
    const random = new Random(`${primitive.name}/${sample.name}`);
    const values = sample.inputs.map((input) => drawValues(input, random));
    return {
      primitive,
      sample,
      inputs: sample.inputs.map((input, i) => make(input, values[i]!)),
      wide: sample.inputs.map((input, i) => make(widened(input), values[i]!)),
      apply: (inputs) => bind(primitive, inputs, sample.params),
      random,
    };
  });
}

/** Whether it has no value of its own, as a linear map known by its transpose: its `skip` says so. */
export function hasNoValue({ sample: { skip } }: Case): boolean {
  return skip?.jvp !== undefined && skip.onnx === skip.jvp;
}

/** The program of one equation. */
export function programOf(c: Case): Jaxpr {
  return stageClosed("conformance", c.apply, c.inputs.map((x) => x.aval));
}

/** The first difference between two lists of arrays. */
export function differences(
  actual: readonly NDArray[],
  expected: readonly NDArray[],
  allowed: (expected: NDArray, k: number) => number,
): string | null {
  if (actual.length !== expected.length) {
    return `gave ${actual.length} outputs and not ${expected.length}`;
  }
  for (let k = 0; k < actual.length; k++) {
    const found = difference(actual[k]!, expected[k]!, allowed(expected[k]!, k));
    if (found !== null) return `output ${k} ${found}`;
  }
  return null;
}

/** Abstract evaluation agrees with the implementation, which leaves its inputs alone. */
export function checkValues(c: Case, report: Report): void {
  const { primitive, sample, inputs } = c;
  report.check("abstract evaluation", c, "", () => {
    const avals = primitive.abstractEval(inputs.map((x) => x.aval), sample.params);
    const before = inputs.map((x) => x.dataSync());
    const { impl } = primitive;
    if (typeof impl !== "function") {
      if (hasNoValue(c)) return null;
      const outs = impl.evaluate(inputs, sample.params);
      if (outs.length !== avals.length) {
        return `there are ${outs.length} outputs, but abstractEval says ${avals.length}`;
      }
      for (let k = 0; k < outs.length; k++) {
        if (!sameAval(outs[k]!.aval, avals[k]!)) {
          return `output ${k} is ${formatAval(outs[k]!.aval)}, but abstractEval says ${
            formatAval(avals[k]!)
          }`;
        }
      }
    } else {
      const outs = impl(inputs as readonly HostValue[], sample.params, avals);
      if (outs.length !== avals.length) {
        return `impl gave ${outs.length} outputs, but abstractEval says ${avals.length}`;
      }
      for (let k = 0; k < outs.length; k++) {
        const { shape, dtype } = avals[k]!;
        if (dtypeOf(outs[k]!) !== dtype || outs[k]!.length !== sizeOf(shape)) {
          return `output ${k} of impl is a ${outs[k]!.constructor.name} of length ${
            outs[k]!.length
          }, but abstractEval says ${formatAval(avals[k]!)}`;
        }
        if (dtype === "bool" && outs[k]!.some((v) => v !== 0 && v !== 1)) {
          return `output ${k} is bool and has elements other than 0 and 1`;
        }
      }
    }
    for (let i = 0; i < inputs.length; i++) {
      const after = inputs[i]!.values;
      if (before[i]!.some((v, j) => !Object.is(v, after[j]))) return `impl wrote to input ${i}`;
    }
    return null;
  });
}

/** The program of one equation prints, is well formed, and computes what the primitive does. */
export function checkProgram(c: Case, report: Report): void {
  report.check("program", c, "", () => {
    const jaxpr = programOf(c);
    checkJaxpr(jaxpr);
    const text = formatJaxpr(jaxpr);
    if (!text.includes(c.primitive.name)) return `its text lacks the primitive's name: ${text}`;
    if (/undefined|\[object/.test(text)) return `its text is not readable: ${text}`;
    if (hasNoValue(c)) return null;
    const expected = c.apply(c.inputs);
    return differences(evalJaxpr(jaxpr, c.inputs, bind), expected, () => 0);
  });
}
