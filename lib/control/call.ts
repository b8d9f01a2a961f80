/**
 * Calls of programs: `jit`, which a backend runs as one compiled graph, and `checkpoint`, which is
 * computed again in the backward pass instead of keeping its intermediate values.
 *
 * @module
 */
import {
  bind,
  type ConcreteArray,
  deferUntilReady,
  definePrimitive,
  evalJaxpr,
  type Executable,
  getBackend,
  hasEffects,
  type Jaxpr,
  keepInputs,
  Linear,
  type NDArray,
  type Passes,
  type Primitive,
  type Programs,
  type Tangent,
  usedInputs,
  type Var,
  withoutDead,
  withoutEffects,
} from "../core/mod.ts";
import { batchAxesInFront, batchJaxpr } from "../interpreters/batch.ts";
import { jvpJaxpr } from "../interpreters/jvp.ts";
import { partialEvalJaxpr, splitFlat } from "../interpreters/partial.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { backwardPass, notZero, transposeJaxpr } from "../interpreters/transpose.ts";
import { calls, sampleJaxpr } from "./jaxprs.ts";

/** Parameters of a call. */
export interface CallParams {
  /** The program. */
  readonly jaxpr: Jaxpr;
  /** The function's name, for printing and messages. */
  readonly name: string;
  /** The backend that runs it. */
  readonly backend: string;
  /** Of `checkpoint`: what is kept for a backward pass all the same. */
  readonly policy?: CheckpointPolicy;
}

/** Whether the results of an operation are kept; its `params` are what it is printed with. */
export type CheckpointPolicy = (
  operation: { readonly primitive: string; readonly params: unknown },
) => boolean;

const executables = new WeakMap<Jaxpr, Map<string, Executable>>();

/** The compiled program of a jaxpr on a backend that is loaded; compiled at most once. */
export function compiled(jaxpr: Jaxpr, backendName: string, name: string): Executable {
  let table = executables.get(jaxpr);
  if (table === undefined) executables.set(jaxpr, table = new Map());
  let executable = table.get(backendName);
  if (executable === undefined) {
    executable = getBackend(backendName).compile(jaxpr, name);
    table.set(backendName, executable);
  }
  return executable;
}

/** Runs a program on its backend; the outputs are in flight where that is not loaded yet. */
export function runCompiled(args: readonly NDArray[], params: CallParams): NDArray[] {
  const { jaxpr, name } = params;
  if (jaxpr.outputs.length === 0 && !hasEffects(jaxpr)) return [];
  const backend = getBackend(params.backend);
  if (backend.ready) {
    return compiled(jaxpr, backend.name, name).run(args as readonly ConcreteArray[]);
  }
  return deferUntilReady(
    args,
    jaxpr.outputs.map((a) => a.aval),
    (held) => compiled(jaxpr, backend.name, name).run(held),
    backend.load(),
  );
}

/** Splits arguments by a mask: those with `false`, then those with `true`. */
export function partition<T>(items: readonly T[], mask: readonly boolean[]): [T[], T[]] {
  return [items.filter((_, i) => !mask[i]), items.filter((_, i) => mask[i])];
}

/**
 * A program to be computed again, of which the known part has run: what it did then is not done twice.
 * Where `staged`, what is unknown of it, does something, all of it stays.
 */
export function again(jaxpr: Jaxpr, staged: Jaxpr): Jaxpr {
  return hasEffects(staged) ? jaxpr : withoutEffects(jaxpr);
}

/** Undoes `partition`. */
export function merge<T>(mask: readonly boolean[], no: readonly T[], yes: readonly T[]): T[] {
  let a = 0, b = 0;
  return mask.map((m) => m ? yes[b++]! : no[a++]!);
}

/** Tangents or cotangents of which only those of a mask are not zero. */
export function spread(mask: readonly boolean[], values: readonly NDArray[]): Tangent[] {
  let next = 0;
  return mask.map((m) => m ? values[next++]! : null);
}

/** Cotangents through a call of a program. `run` runs the program that pulls them back. */
export function transposeCall(
  jaxpr: Jaxpr,
  cts: readonly Tangent[],
  inputs: readonly (NDArray | Linear)[],
  run: (jaxpr: Jaxpr, args: NDArray[]) => NDArray[] = (jaxpr, args) => evalJaxpr(jaxpr, args, bind),
): Tangent[] {
  const [given, outCts] = notZero(cts);
  const back = transposeJaxpr(jaxpr, inputs.map((x) => x instanceof Linear), given);
  const known = inputs.filter((x) => !(x instanceof Linear)) as NDArray[];
  return spread(back.active, run(back.jaxpr, [...known, ...outCts]));
}

/** Cotangents through a function that mixes what is linear with what is to be computed: it is cut in two first. */
export function splitTranspose(
  f: (inputs: NDArray[]) => NDArray[],
  cts: readonly Tangent[],
  inputs: readonly (NDArray | Linear)[],
): Tangent[] {
  const { jaxpr, consts, outs } = splitFlat("transpose", f, inputs);
  const args = jaxpr.inputs.map((v, i) => consts[i] ?? new Linear(v.aval));
  const back = backwardPass(jaxpr, args, cts.filter((_, i) => outs[i] === null));
  const linear = inputs.map((x) => x instanceof Linear);
  const known = linear.filter((l) => !l).map(() => null);
  return merge<Tangent>(linear, known, back.slice(consts.length));
}

/** Tangents of a call's outputs, from the outputs of its differentiated program. */
export function splitTangents(
  outs: readonly NDArray[],
  active: readonly boolean[],
): [NDArray[], Tangent[]] {
  const n = active.length;
  return [outs.slice(0, n), spread(active, outs.slice(n))];
}

/**
 * The program of a `checkpoint` without calls of compiled programs in it, and which of its variables a policy
 * keeps, of those that do not depend on unknown inputs.
 */
function savedBy(
  policy: CheckpointPolicy,
  whole: Jaxpr,
  unknown: readonly boolean[],
): { readonly jaxpr: Jaxpr; readonly saved: readonly Var[] } {
  const avals = whole.inputs.map((v) => v.aval);
  const jaxpr = stageClosed("checkpoint", (args) => evalJaxpr(whole, args, withoutJit), avals);
  const open = new Set<unknown>(jaxpr.inputs.filter((_, i) => unknown[i]));
  const saved: Var[] = [];
  for (const { primitive, inputs, outputs, params } of jaxpr.eqns) {
    if (inputs.some((a) => open.has(a))) outputs.forEach((v) => open.add(v));
    else if (policy({ primitive: primitive.name, params })) saved.push(...outputs);
  }
  return { jaxpr, saved };
}

/** Applies an operation, and a compiled program operation by operation. */
function withoutJit<P>(primitive: Primitive<P>, args: NDArray[], params: P): NDArray[] {
  return primitive === jitCall as unknown
    ? evalJaxpr((params as CallParams).jaxpr, args, withoutJit)
    : bind(primitive, args, params);
}

/** The program with variables that it computed as further last inputs. */
function readingSaved(jaxpr: Jaxpr, saved: readonly Var[]): Jaxpr {
  if (saved.length === 0) return jaxpr;
  const given = new Set<Var>(saved);
  return {
    ...jaxpr,
    inputs: [...jaxpr.inputs, ...saved],
    eqns: jaxpr.eqns.filter(({ outputs }) => outputs.length === 0 || !given.has(outputs[0]!)),
  };
}

/** What both calls have in common. */
function callRules(self: () => Primitive<CallParams>): Pick<
  Primitive<CallParams>,
  "abstractEval" | "jvp" | "batch" | "lower" | "kernel"
> {
  return {
    abstractEval: (_, { jaxpr }) => jaxpr.outputs.map((a) => a.aval),
    jvp(primals, tangents, params) {
      const { jaxpr, active } = jvpJaxpr(params.jaxpr, tangents.map((t) => t !== null));
      const outs = bind(self(), [...primals, ...tangents.filter((t) => t !== null)], {
        ...params,
        jaxpr,
      });
      return splitTangents(outs, active);
    },
    batch(args, dims, size, params, axisName) {
      const mapped = dims.map((d) => d !== null);
      const { jaxpr, batched } = batchJaxpr(params.jaxpr, size, mapped, [], axisName);
      const inputs = batchAxesInFront(args, dims, size);
      const outs = bind(self(), inputs, { ...params, jaxpr });
      return [outs, batched.map((b) => b ? 0 : null)];
    },
    kernel: (b, inputs, { jaxpr }) => b.inline(jaxpr, inputs),
    lower: (g, inputs, { jaxpr }) => g.inline(jaxpr, inputs),
  };
}

/** What both calls say to passes, except how they are cut in two. */
function passes(partial: Programs<CallParams>["partial"]): Passes<CallParams> {
  return {
    mobile: false,
    cheap: false,
    effect: null,
    algebra: null,
    programs: calls({
      partial,
      narrow(params, used) {
        const live = withoutDead(params.jaxpr, used);
        const inputs = usedInputs(live);
        return { params: { ...params, jaxpr: keepInputs(live, inputs) }, inputs, outputs: used };
      },
      within: null,
    }),
  };
}

/** A function that a backend runs as one compiled graph. */
export const jitCall: Primitive<CallParams> = /* @__PURE__ */ definePrimitive<CallParams>({
  name: "jit",
  impl: { evaluate: runCompiled },
  ...callRules(() => jitCall),
  transpose: (cts, inputs, params) =>
    transposeCall(
      params.jaxpr,
      cts,
      inputs,
      (jaxpr, args) => bind(jitCall, args, { ...params, jaxpr }),
    ),
  passes: /* @__PURE__ */ passes((context, args, params) => {
    const unknown = args.map((x) => context.isUnknown(x));
    const { known, staged, unknownOut, numResiduals } = partialEvalJaxpr(params.jaxpr, unknown);
    const [knownArgs, unknownArgs] = partition(args, unknown);
    const results = context.known(jitCall, knownArgs, { ...params, jaxpr: known });
    const numKnown = results.length - numResiduals;
    const later = context.stage(jitCall, [...results.slice(numKnown), ...unknownArgs], {
      ...params,
      jaxpr: staged,
    });
    return merge(unknownOut, results.slice(0, numKnown), later);
  }),
  samples: () => [{
    name: "call of a small program",
    inputs: [{ shape: [3], dtype: "float64" }, { shape: [3], dtype: "float64" }],
    params: { jaxpr: sampleJaxpr(), name: "sample", backend: "interpreter" },
  }],
});

/** A function whose intermediate values are computed again where a backward pass needs them. */
export const checkpointCall: Primitive<CallParams> = /* @__PURE__ */ definePrimitive(
  /* @__PURE__ */ checkpointRecord(),
);

/** What it is: a function, so that pages which do not use it do not carry it. */
function checkpointRecord(): Primitive<CallParams> {
  return {
    name: "checkpoint",
    impl: { evaluate: (args, { jaxpr }) => evalJaxpr(jaxpr, args, bind) },
    ...callRules(() => checkpointCall),
    transpose: (cts, inputs, { jaxpr }) =>
      splitTranspose((xs) => evalJaxpr(jaxpr, xs, bind), cts, inputs),
    passes: /* @__PURE__ */ passes((context, args, params) => {
      const unknown = args.map((x) => context.isUnknown(x));
      const { policy } = params;
      const { jaxpr, saved } = policy === undefined
        ? { jaxpr: params.jaxpr, saved: [] }
        : savedBy(policy, params.jaxpr, unknown);
      // What is kept is given once more, beside the results.
      const program = saved.length === 0
        ? jaxpr
        : { ...jaxpr, outputs: [...jaxpr.outputs, ...saved] };
      const { known, staged, unknownOut, numResiduals } = partialEvalJaxpr(program, unknown);
      const [knownArgs] = partition(args, unknown);
      const numKnown = known.outputs.length - numResiduals;
      const now = context.known(checkpointCall, knownArgs, {
        ...params,
        jaxpr: withoutDead(known, known.outputs.map((_, i) => i < numKnown)),
      });
      const kept = now.slice(numKnown - saved.length);
      const numOuts = jaxpr.outputs.length;
      const rest = withoutDead(
        readingSaved(again(jaxpr, staged), saved),
        unknownOut.slice(0, numOuts),
      );
      const later = context.stage(checkpointCall, [...args, ...kept], { ...params, jaxpr: rest });
      return merge(unknownOut.slice(0, numOuts), now, later);
    }),
    samples: () => [{
      name: "call of a small program",
      inputs: [{ shape: [3], dtype: "float64" }, { shape: [3], dtype: "float64" }],
      params: { jaxpr: sampleJaxpr(), name: "sample", backend: "interpreter" },
    }],
  };
}
