/**
 * Inlining: calls give way to the programs that they call, choices by a constant to the branch that
 * it names, and equations on small constants to what they give.
 *
 * @module
 */
import {
  type Atom,
  bind,
  type ConcreteArray,
  type Eqn,
  evalTrace,
  type Jaxpr,
  JaxprBuilder,
  Literal,
  sizeOf,
  withTrace,
} from "../core/mod.ts";

/** The same program without calls. */
export function inlineCalls(jaxpr: Jaxpr): Jaxpr {
  const inliner = new Inliner();
  const inputs = jaxpr.inputs.map((v) => inliner.builder.input(v.aval));
  return inliner.builder.build(inliner.add(jaxpr, inputs));
}

/** Copies equations into a new program, inlining calls and computing what is constant. */
export class Inliner {
  /** Adds to a program under construction. */
  constructor(readonly builder: JaxprBuilder = new JaxprBuilder()) {}

  /** Adds the equations of `jaxpr` for these inputs; gives its outputs. */
  add(jaxpr: Jaxpr, inputs: readonly Atom[]): Atom[] {
    const env: Atom[] = new Array(jaxpr.numVars);
    jaxpr.inputs.forEach((v, i) => env[v.id] = inputs[i]!);
    const read = (a: Atom): Atom => a instanceof Literal ? a : env[a.id]!;
    for (const eqn of jaxpr.eqns) {
      const outs = this.#equation(eqn, eqn.inputs.map(read));
      eqn.outputs.forEach((v, i) => env[v.id] = outs[i]!);
    }
    return jaxpr.outputs.map(read);
  }

  #equation(eqn: Eqn, inputs: readonly Atom[]): readonly Atom[] {
    const { primitive, params } = eqn;
    const call = primitive.passes.programs?.inline(params, inputs, constant) ?? null;
    if (call !== null) return this.add(call.jaxpr, call.inputs);
    const values = folded(eqn, inputs);
    if (values !== null) return values;
    return this.builder.equation(primitive, inputs, params, eqn.outputs.map((v) => v.aval));
  }
}

/** The value of an atom that is a constant whose elements are there. */
function constant(a: Atom): ConcreteArray | null {
  return a instanceof Literal && a.value.ready ? a.value : null;
}

/** Constants of at most this many elements are computed with; beyond that they would only grow files. */
const SMALL = 16;

/**
 * What an equation gives that reads small constants alone, computed as eager code does; null where
 * it reads more or is not small. Left to onnxruntime, a choice by a computed constant inside another
 * makes a model that cannot run (1.30.0: "IsTensor() was false").
 */
function folded({ primitive, params, outputs }: Eqn, inputs: readonly Atom[]): Literal[] | null {
  const small = (a: Atom): boolean => sizeOf(a.aval.shape) <= SMALL;
  if (inputs.length === 0 || typeof primitive.impl !== "function") return null;
  if (!inputs.every(small) || !outputs.every(small)) return null;
  const values = inputs.flatMap((a) => constant(a) ?? []);
  if (values.length < inputs.length) return null;
  const outs = withTrace(evalTrace, () => bind(primitive, values, params));
  return outs.map((x) => new Literal(x as ConcreteArray));
}
