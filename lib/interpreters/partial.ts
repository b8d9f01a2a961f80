/**
 * Partial evaluation: what depends on known values alone is computed now, the rest is recorded.
 * Reverse-mode differentiation is forward mode under partial evaluation with unknown tangents, then
 * transposition of what was recorded (`transpose.ts`).
 *
 * @module
 */
import {
  bind,
  currentTrace,
  DifferentiationError,
  evalJaxpr,
  isFloat,
  type Jaxpr,
  Linear,
  memoize,
  type NDArray,
  type PartialContext,
  type Primitive,
  type Trace,
  usedInputs,
  withoutDead,
  withTrace,
} from "../core/mod.ts";
import { jvpFlat } from "./jvp.ts";
import { stageClosed, type Staged, StagingTrace } from "./staging.ts";

/** Evaluates what is known in its parent and records the rest. */
export class PartialTrace extends StagingTrace implements PartialContext {
  /** Known operations run in `parent`. */
  constructor(what: string, parent: Trace, hoistArrays: boolean) {
    super(what, hoistArrays, parent);
  }
  /** Whether a value waits to be computed. */
  isUnknown(x: NDArray): boolean {
    return this.owns(x);
  }
  /** Computes now. */
  known<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    return withTrace(this.parent, () => bind(primitive, args, params));
  }
  override process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    if (!args.some((x) => this.owns(x))) return this.known(primitive, args, params);
    const rule = primitive.passes.programs?.partial ?? null;
    if (rule !== null) return rule(this, args, params);
    return this.stage(primitive, args, params);
  }
}

/** A function's outputs, and the linear program from input to output tangents. */
export interface Linearized extends Staged {
  /** The outputs. */
  readonly outs: readonly NDArray[];
  /** Which inputs the linear program has: those of floating-point type. */
  readonly activeIn: readonly boolean[];
  /** Which outputs the linear program has. */
  readonly activeOut: readonly boolean[];
}

/** Runs `f` at `primals` and records its derivative as a linear program. */
export function linearizeFlat(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  primals: readonly NDArray[],
): Linearized {
  const trace = new PartialTrace(what, currentTrace(), true);
  try {
    const activeIn = primals.map((p) => isFloat(p.dtype));
    const tangents = primals.map((p, i) => activeIn[i] ? trace.input(p.aval) : null);
    const [outs, dots] = withTrace(trace, () => jvpFlat(what, f, primals, tangents));
    outs.forEach((out) => {
      if (trace.owns(out)) {
        throw new DifferentiationError(
          `${what}: a result depends on tangents, which only custom derivative rules can cause. ` +
            "A rule's primal outputs must be computed from its primals alone",
        );
      }
    });
    const staged = trace.finish(dots.filter((d) => d !== null));
    return { ...staged, outs, activeIn, activeOut: dots.map((d) => d !== null) };
  } finally {
    trace.alive = false;
  }
}

/**
 * Runs `f` with some inputs unknown: computes what does not depend on them and records the rest.
 * `outs` has the outputs that are known, and `null` for those recorded.
 */
export function splitFlat(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  args: readonly (NDArray | Linear)[],
): Staged & { readonly outs: readonly (NDArray | null)[] } {
  const trace = new PartialTrace(what, currentTrace(), true);
  try {
    const inputs = args.map((x) => x instanceof Linear ? trace.input(x.aval) : x);
    const outs = withTrace(trace, () => f(inputs));
    const staged = trace.finish(outs.filter((x) => trace.owns(x)));
    return { ...staged, outs: outs.map((x) => trace.owns(x) ? null : x) };
  } finally {
    trace.alive = false;
  }
}

/** A program cut in two. */
export interface PartialJaxpr {
  /** From the known inputs to the known outputs, then the residuals. */
  readonly known: Jaxpr;
  /** From the residuals, then the unknown inputs, to the unknown outputs. */
  readonly staged: Jaxpr;
  /** Which outputs are unknown. */
  readonly unknownOut: readonly boolean[];
  /** Number of residuals. */
  readonly numResiduals: number;
}

/**
 * Cuts a program in two by which inputs are known. Outputs with `instantiate[i]` count as unknown
 * in any case.
 */
export const partialEvalJaxpr: (
  jaxpr: Jaxpr,
  unknownIn: readonly boolean[],
  instantiate?: readonly boolean[],
) => PartialJaxpr = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr, unknownIn: readonly boolean[], instantiate: readonly boolean[] = []) => {
    let staged: Staged | undefined;
    let unknownOut: boolean[] = [];
    const avals = jaxpr.inputs.map((v) => v.aval);
    const known = stageClosed("partial evaluation", (args) => {
      const trace = new PartialTrace("partial evaluation", currentTrace(), false);
      try {
        let next = 0;
        const inputs = avals.map((aval, i) => unknownIn[i] ? trace.input(aval) : args[next++]!);
        const outs = withTrace(trace, () => evalJaxpr(jaxpr, inputs, bind));
        unknownOut = outs.map((x, i) => trace.owns(x) || instantiate[i] === true);
        staged = pruned(trace.finish(outs.filter((_, i) => unknownOut[i])));
        return [...outs.filter((_, i) => !unknownOut[i]), ...staged.consts];
      } finally {
        trace.alive = false;
      }
    }, avals.filter((_, i) => !unknownIn[i]));
    return {
      known,
      staged: staged!.jaxpr,
      unknownOut,
      numResiduals: staged!.consts.length,
    };
  },
);

/** A recorded program without what its outputs do not need, captured values included. */
export function pruned({ jaxpr, consts }: Staged): Staged {
  const live = withoutDead(jaxpr);
  const used = usedInputs(live);
  const keep = used.map((u, i) => u || i >= consts.length);
  return {
    jaxpr: { ...live, inputs: live.inputs.filter((_, i) => keep[i]) },
    consts: consts.filter((_, i) => keep[i]),
  };
}
