/**
 * Rearrangements of programs that the control-flow rules share: choosing outputs, permuting inputs
 * and outputs, dropping what nothing reads.
 *
 * @module
 */
import { type Jaxpr, liveEqns } from "../core/jaxpr.ts";
import { memoize } from "../interpreters/memo.ts";

/** The program with the outputs of `mask` alone, and without the equations that only others need. */
export const selectOutputs: (jaxpr: Jaxpr, mask: readonly boolean[]) => Jaxpr = memoize(
  (jaxpr: Jaxpr, mask: readonly boolean[]) => {
    const outputs = jaxpr.outputs.filter((_, i) => mask[i]);
    return { ...jaxpr, eqns: liveEqns(jaxpr, outputs), outputs };
  },
);

/** The program with inputs and outputs in another order: new position `i` holds old `order[i]`. */
export const reorder: (
  jaxpr: Jaxpr,
  inputs: readonly number[],
  outputs: readonly number[],
) => Jaxpr = memoize(
  (jaxpr: Jaxpr, inputs: readonly number[], outputs: readonly number[]) => ({
    ...jaxpr,
    inputs: inputs.map((i) => jaxpr.inputs[i]!),
    outputs: outputs.map((i) => jaxpr.outputs[i]!),
  }),
);

/** Whole numbers from `start` up to `stop`. */
export function range(start: number, stop: number): number[] {
  return Array.from({ length: Math.max(0, stop - start) }, (_, i) => start + i);
}
