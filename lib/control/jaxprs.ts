/**
 * Rearrangements of programs that the control-flow rules share: choosing outputs, permuting inputs
 * and outputs, dropping what nothing reads.
 *
 * Small programs for the samples of the control-flow primitives.
 *
 * Programs that do what they do only where a flag is true. A branch that lanes choose differently is
 * computed for all of them, and so is a step of a loop that some have left: what is done there is for
 * those lanes alone that are really in it.
 *
 * @module
 */
import {
  type Contained,
  type Eqn,
  hasEffect,
  hasEffects,
  type Jaxpr,
  type Loop,
  memoize,
  type Narrowed,
  type NDArray,
  type Programs,
  shaped,
  type ShapedArray,
  Var,
} from "../core/mod.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { add, mul, sin } from "../primitives/mod.ts";

/** A float64 vector of length 3. */
export const vec3: ShapedArray = /* @__PURE__ */ shaped([3], "float64");

/** Records a program over the given input types. */
export function program(
  avals: readonly ShapedArray[],
  f: (...args: NDArray[]) => NDArray[],
): Jaxpr {
  return stageClosed("sample", (args) => f(...args), avals);
}

/** `(x, y) -> (sin(x) y, x + y)` on vectors of length 3. */
export function sampleJaxpr(): Jaxpr {
  return program([vec3, vec3], (x, y) => [mul(sin(x), y), add(x, y)]);
}

/**
 * The program with a bool for a further first input: what it does beside giving results is done where
 * that is true. What it gives is the same.
 */
export const guarded: (jaxpr: Jaxpr) => Jaxpr = /* @__PURE__ */ memoize((jaxpr: Jaxpr): Jaxpr => {
  const flag = new Var(shaped([], "bool"), jaxpr.numVars);
  const eqns = hasEffects(jaxpr) ? jaxpr.eqns.map((eqn) => within(eqn, flag)) : jaxpr.eqns;
  return { ...jaxpr, inputs: [flag, ...jaxpr.inputs], eqns, numVars: jaxpr.numVars + 1 };
});

function within(eqn: Eqn, flag: Var): Eqn {
  const { passes } = eqn.primitive;
  if (!hasEffect(eqn)) return eqn;
  if (passes.effect !== null) {
    return { ...eqn, params: passes.effect.guarded(eqn.params), inputs: [flag, ...eqn.inputs] };
  }
  let { params, inputs } = eqn;
  const programs = passes.programs!;
  programs.list(params).forEach((_, k) => {
    // Those before it may have got the flag.
    const { jaxpr, consts: { first, count } } = programs.list(params)[k]!;
    if (!hasEffects(jaxpr)) return;
    const { inputs: [own, ...rest], ...inner } = guarded(jaxpr);
    const wider = { ...inner, inputs: [...rest.slice(0, count), own!, ...rest.slice(count)] };
    params = programs.extend(params, k, wider, 1);
    inputs = [...inputs.slice(0, first + count), flag, ...inputs.slice(first + count)];
  });
  return { ...eqn, params, inputs };
}

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
