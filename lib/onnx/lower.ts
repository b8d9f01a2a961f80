/**
 * From a jaxpr to an ONNX model. The nodes come from the primitives' lowering rules, the graph from
 * `builder.ts`; here the two meet.
 *
 * @module
 */
import type { Jaxpr, ProgramLowering } from "../core/primitive.ts";
import type { Value } from "../core/lowering.ts";
import { checksAsOutputs } from "../compile/checks.ts";
import { simplify } from "../compile/pipeline.ts";
import { buildModel } from "./builder.ts";
import type { Target } from "./kernels.ts";
import type { Model } from "./model.ts";

/** What is chosen when a jaxpr becomes a model. */
export interface LowerOptions {
  /** Where the model is going to run; `"portable"` for any ONNX runtime. */
  readonly target: Target;
  /** Names of the inputs, in order; made up where absent or empty, changed where taken. */
  readonly inputNames?: readonly string[] | undefined;
  /** Names of the outputs, likewise. */
  readonly outputNames?: readonly string[] | undefined;
  /** Name of the program, for messages and viewers. */
  readonly name?: string | undefined;
  /** Free-form notes to store in the model. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Which lengths stand for any, in a model that is to be made of several; see `open.ts`. */
  readonly isOpen?: ((length: number) => boolean) | undefined;
}

/**
 * The ONNX model that computes what a jaxpr computes. Inputs and outputs are in the jaxpr's order;
 * arrays in it become initializers. Behind the results comes what its checks say, if it has any.
 */
export function lowerJaxpr(jaxpr: Jaxpr, options: LowerOptions): Model {
  const { inputNames, outputNames } = options;
  const { jaxpr: program } = checksAsOutputs(simplify(jaxpr));
  return buildModel({
    target: options.target,
    name: options.name ?? "program",
    metadata: options.metadata,
    isOpen: options.isOpen,
    inputs: jaxpr.inputs.map(({ aval }, i) => ({ ...aval, name: inputNames?.[i] })),
    outputs: program.outputs.map(({ aval }, i) => ({ ...aval, name: outputNames?.[i] })),
    build: (g, inputs) => lowerEqns(g, program, inputs),
  });
}

/** Adds a jaxpr's equations to a graph and gives the values of its outputs. */
export function lowerEqns(g: ProgramLowering, jaxpr: Jaxpr, inputs: readonly Value[]): Value[] {
  return g.inline(jaxpr, inputs);
}
