/**
 * Vectorisation: values that stand for one lane of an array with a batch axis.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { shaped, type ShapedArray } from "../core/aval.ts";
import { evalJaxpr } from "../core/jaxpr.ts";
import type { Jaxpr, Primitive } from "../core/primitive.ts";
import { memoize } from "../core/memo.ts";
import { bind, currentTrace, Trace, Tracer, withTrace } from "../core/trace.ts";
import { batchAxisInFront } from "../primitives/sum/broadcast.ts";
import { stageClosed } from "./staging.ts";

/** One lane of an array with a batch axis. */
export class BatchTracer extends Tracer {
  /** Shape and dtype of a lane. */
  readonly aval: ShapedArray;
  /** `dim` is the position of the batch axis in `value`. */
  constructor(readonly trace: BatchTrace, readonly value: NDArray, readonly dim: number) {
    super();
    const { shape, dtype } = value.aval;
    this.aval = shaped([...shape.slice(0, dim), ...shape.slice(dim + 1)], dtype);
  }
}

/** Applies batching rules. */
export class BatchTrace extends Trace {
  /** Rules run in `parent`; the batch axis has length `size`. */
  constructor(what: string, readonly parent: Trace, readonly size: number) {
    super(what);
  }

  override process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const values: NDArray[] = new Array(args.length);
    const dims: (number | null)[] = new Array(args.length);
    let mapped = false;
    for (let i = 0; i < args.length; i++) {
      const x = args[i]!;
      if (x instanceof BatchTracer && x.trace === this) {
        values[i] = x.value;
        dims[i] = x.dim;
        mapped = true;
      } else {
        values[i] = x;
        dims[i] = null;
      }
    }
    if (!mapped) return withTrace(this.parent, () => bind(primitive, args, params));
    const [outs, outDims] = withTrace(
      this.parent,
      () => primitive.batch(values, dims, this.size, params),
    );
    return outs.map((out, i) => {
      const dim = outDims[i] ?? null;
      return dim === null ? out : new BatchTracer(this, out, dim);
    });
  }
}

/** Runs `f` once for all lanes; gives the outputs and the position of the batch axis in each. */
export function batchFlat(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  size: number,
): [outs: NDArray[], dims: (number | null)[]] {
  const trace = new BatchTrace(what, currentTrace(), size);
  try {
    const inputs = args.map((x, i) => {
      const dim = dims[i] ?? null;
      return dim === null ? x : new BatchTracer(trace, x, dim);
    });
    const outs = withTrace(trace, () => f(inputs));
    const own = (x: NDArray): x is BatchTracer => x instanceof BatchTracer && x.trace === trace;
    return [outs.map((x) => own(x) ? x.value : x), outs.map((x) => own(x) ? x.dim : null)];
  } finally {
    trace.alive = false;
  }
}

/** Arrays with the batch axis in front where they have one. */
export function batchAxesInFront(
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  size: number,
): NDArray[] {
  return args.map((x, i) => dims[i] === null ? x : batchAxisInFront(x, dims[i]!, size));
}

/** A vectorised program, and which of its outputs carry the batch axis. */
export interface BatchedJaxpr {
  /** The program; batch axes are in front. */
  readonly jaxpr: Jaxpr;
  /** Which outputs carry the batch axis. */
  readonly batched: readonly boolean[];
}

/**
 * The program that runs `jaxpr` for `size` lanes, where inputs with `batched[i]` have the batch axis
 * in front. Outputs with `force[i]` get one in any case.
 */
export const batchJaxpr: (
  jaxpr: Jaxpr,
  size: number,
  batched: readonly boolean[],
  force?: readonly boolean[],
) => BatchedJaxpr = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr, size: number, batched: readonly boolean[], force: readonly boolean[] = []) => {
    const avals = jaxpr.inputs.map((v, i) =>
      batched[i] ? shaped([size, ...v.aval.shape], v.aval.dtype) : v.aval
    );
    let outBatched: boolean[] = [];
    const vectorized = stageClosed("vmap", (args) => {
      const [outs, dims] = batchFlat(
        "vmap",
        (xs) => evalJaxpr(jaxpr, xs, bind),
        args,
        batched.map((b) => b ? 0 : null),
        size,
      );
      outBatched = dims.map((d, i) => d !== null || force[i] === true);
      return outs.map((x, i) => outBatched[i] ? batchAxisInFront(x, dims[i]!, size) : x);
    }, avals);
    return { jaxpr: vectorized, batched: outBatched };
  },
);
