/**
 * Rearrangements of programs that the control-flow rules share: choosing outputs, permuting inputs
 * and outputs, dropping what nothing reads.
 *
 * @module
 */
import {
  type Contained,
  type Jaxpr,
  type Loop,
  type Narrowed,
  type Programs,
  Var,
} from "../core/primitive.ts";
import { memoize } from "../core/memo.ts";

/** The program with inputs and outputs in another order: new position `i` holds old `order[i]`. */
export const reorder: (
  jaxpr: Jaxpr,
  inputs: readonly number[],
  outputs: readonly number[],
) => Jaxpr = /* @__PURE__ */ memoize(
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

/** Grows a mask until a step maps it into itself: over carries, say, that a body makes of each other. */
export function growMask(
  start: readonly boolean[],
  step: (mask: readonly boolean[]) => readonly boolean[],
): boolean[] {
  let mask = [...start];
  for (;;) {
    const next = step(mask);
    const grown = mask.map((m, i) => m || next[i]!);
    if (grown.every((m, i) => m === mask[i])) return mask;
    mask = grown;
  }
}

/** How many are true. */
export function count(mask: readonly boolean[]): number {
  return mask.filter((m) => m).length;
}

/** Where a program that takes what the equation does has constants: it has none yet. */
const none = { first: 0, count: 0 } as const;

/** A program that runs once, if at all. */
export function once(
  role: "call" | "branch",
  jaxpr: Jaxpr,
  consts: Contained["consts"] = none,
): Contained {
  return { role, jaxpr, consts };
}

/** The program with further first inputs of these types, which it does not read. */
export function withUnread(jaxpr: Jaxpr, like: readonly Var[]): Jaxpr {
  const extra = like.map(({ aval }, i) => new Var(aval, jaxpr.numVars + i));
  return {
    ...jaxpr,
    inputs: [...extra, ...jaxpr.inputs],
    numVars: jaxpr.numVars + extra.length,
  };
}

/** What passes are told by a primitive that is a call of one program. */
export function calls<P extends { readonly jaxpr: Jaxpr }>(
  rest: Pick<Programs<P>, "partial" | "narrow" | "within">,
): Programs<P> {
  return {
    list: ({ jaxpr }) => [once("call", jaxpr)],
    forRules: () => [],
    replace: (params, [jaxpr]) => ({ ...params, jaxpr: jaxpr! }),
    extend: (params, _, jaxpr) => ({ ...params, jaxpr }),
    inline: ({ jaxpr }, inputs) => ({ jaxpr, inputs }),
    loop: null,
    mayNotEnd: false,
    ...rest,
  };
}

/** The rule `loop` of a primitive whose parameters are those of the loop that it is, and maybe others. */
export function loops<P>(of: (params: P) => Loop): NonNullable<Programs<P>["loop"]> {
  return { of, with: (params, { kind: _, ...loop }) => ({ ...params, ...loop }) };
}

/** The rule `narrow` where rules beside the program count on all of its inputs and outputs. */
export function whole<P extends { readonly jaxpr: Jaxpr }>(params: P): Narrowed<P> {
  return {
    params,
    inputs: params.jaxpr.inputs.map(() => true),
    outputs: params.jaxpr.outputs.map(() => true),
  };
}
