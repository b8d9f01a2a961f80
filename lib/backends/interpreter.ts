/**
 * The backend `"interpreter"`: programs run on the CPU interpreter, one equation after another, as
 * eager operations do. It compiles nothing, needs nothing loaded, and serves as the reference that
 * the other backends are tested against.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import type { Backend, Executable } from "../core/backend.ts";
import { type ConcreteArray, deferUntilReady } from "../core/concrete.ts";
import { hasEffects } from "../core/effects.ts";
import { evalJaxpr } from "../core/jaxpr.ts";
import type { Jaxpr, Primitive } from "../core/primitive.ts";
import { bind, evalTrace, Trace, withTrace } from "../core/trace.ts";

/** Eager evaluation that enters calls instead of handing them to their backends. */
class Interpreter extends Trace {
  process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    // What branch a choice takes is left to its evaluation, which waits for arrays in flight.
    const call = primitive.passes.programs?.inline(params, args, () => null) ?? null;
    if (call !== null) return evalJaxpr(call.jaxpr, call.inputs, bind);
    return evalTrace.process(primitive, args, params);
  }
}

const trace = new Interpreter("the interpreter backend", false);

/** The backend that interprets. */
export const interpreter: Backend = {
  name: "interpreter",
  ready: true,
  load: () => Promise.resolve(),
  compile(jaxpr: Jaxpr): Executable {
    const evaluate = (args: readonly NDArray[]): NDArray[] =>
      withTrace(trace, () => evalJaxpr(jaxpr, args, bind));
    const avals = jaxpr.outputs.map((a) => a.aval);
    // Operations on arrays in flight are queued by the evaluator itself. What effects raise must reach the
    // results, so these wait for what is in flight as a whole.
    const run = hasEffects(jaxpr)
      ? (args: readonly NDArray[]) => deferUntilReady(args, avals, evaluate)
      : evaluate;
    return { run: (args) => run(args) as ConcreteArray[], release: () => {} };
  },
};
