/**
 * Forward-mode differentiation: values paired with tangents. A tangent of `null` is a zero, and a
 * value without tangent is not wrapped at all, so that constants cost nothing.
 *
 * @module
 */
import {
  bind,
  currentTrace,
  evalJaxpr,
  type Jaxpr,
  memoize,
  type NDArray,
  type Primitive,
  type ShapedArray,
  type Tangent,
  Trace,
  Tracer,
  withoutDead,
  withTrace,
} from "../core/mod.ts";
import { zeros } from "../primitives/mod.ts";
import { stageClosed } from "./staging.ts";

/** A value with its tangent. */
export class JvpTracer extends Tracer {
  /** Pairs a value with a tangent. */
  constructor(readonly trace: JvpTrace, readonly primal: NDArray, readonly tangent: NDArray) {
    super();
  }
  /** Shape and dtype. */
  get aval(): ShapedArray {
    return this.primal.aval;
  }
}

/** Applies jvp rules. */
export class JvpTrace extends Trace {
  /** Rules run in `parent`. */
  constructor(what: string, readonly parent: Trace) {
    super(what);
  }

  override process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const primals: NDArray[] = new Array(args.length);
    const tangents: Tangent[] = new Array(args.length);
    let active = false;
    for (let i = 0; i < args.length; i++) {
      const x = args[i]!;
      if (x instanceof JvpTracer && x.trace === this) {
        primals[i] = x.primal;
        tangents[i] = x.tangent;
        active = true;
      } else {
        primals[i] = x;
        tangents[i] = null;
      }
    }
    if (!active) return withTrace(this.parent, () => bind(primitive, args, params));
    const [outs, dots] = withTrace(this.parent, () => primitive.jvp(primals, tangents, params));
    return outs.map((out, i) => {
      const dot = dots[i] ?? null;
      return dot === null ? out : new JvpTracer(this, out, dot);
    });
  }
}

/** Outputs of `f` at `primals`, and their tangents along `tangents`. */
export function jvpFlat(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  primals: readonly NDArray[],
  tangents: readonly Tangent[],
): [outs: NDArray[], tangents: Tangent[]] {
  const trace = new JvpTrace(what, currentTrace());
  try {
    const inputs = primals.map((p, i) => {
      const t = tangents[i] ?? null;
      return t === null ? p : new JvpTracer(trace, p, t);
    });
    const outs = withTrace(trace, () => f(inputs));
    const own = (x: NDArray): x is JvpTracer => x instanceof JvpTracer && x.trace === trace;
    return [
      outs.map((x) => own(x) ? x.primal : x),
      outs.map((x) => own(x) ? x.tangent : null),
    ];
  } finally {
    trace.alive = false;
  }
}

/** A differentiated program, and which of its outputs have tangents. */
export interface JvpJaxpr {
  /** Inputs: the primals, then the tangents of the active ones. Outputs likewise. */
  readonly jaxpr: Jaxpr;
  /** Which outputs have a tangent. */
  readonly active: readonly boolean[];
}

/**
 * The program that computes `jaxpr` and its tangents, where the inputs with `active[i]` have one.
 * Outputs with `instantiate[i]` get a tangent in any case.
 */
export const jvpJaxpr: (
  jaxpr: Jaxpr,
  active: readonly boolean[],
  instantiate?: readonly boolean[],
) => JvpJaxpr = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr, active: readonly boolean[], instantiate: readonly boolean[] = []): JvpJaxpr => {
    const avals = jaxpr.inputs.map((v) => v.aval);
    const n = avals.length;
    let outActive: boolean[] = [];
    // What no output needs has no derivative either, and it may not be differentiable.
    const live = withoutDead(jaxpr);
    const differentiated = stageClosed("jvp", (args) => {
      let next = n;
      const tangents = active.map((a) => a ? args[next++]! : null);
      const [outs, dots] = jvpFlat(
        "jvp",
        (xs) => evalJaxpr(live, xs, bind),
        args.slice(0, n),
        tangents,
      );
      const full = dots.map((d, i) => d ?? (instantiate[i] ? zeros(outs[i]!.aval) : null));
      outActive = full.map((d) => d !== null);
      return [...outs, ...full.filter((d) => d !== null)];
    }, [...avals, ...avals.filter((_, i) => active[i])]);
    return { jaxpr: differentiated, active: outActive };
  },
);
