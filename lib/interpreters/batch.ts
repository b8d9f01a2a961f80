/**
 * Vectorisation: values that stand for one lane of an array with a batch axis. The axis may have a name,
 * by which operations between lanes find it.
 *
 * @module
 */
import {
  allPrograms,
  bind,
  currentTrace,
  evalJaxpr,
  type Jaxpr,
  memoize,
  type NDArray,
  type Primitive,
  shaped,
  type ShapedArray,
  Trace,
  Tracer,
  withTrace,
} from "../core/mod.ts";
import { batchAxisInFront } from "../primitives/mod.ts";
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
  /** Rules run in `parent`; the batch axis has length `size`, and maybe a name. */
  constructor(
    what: string,
    readonly parent: Trace,
    readonly size: number,
    readonly axisName: string | null = null,
  ) {
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
    if (!mapped && (this.axisName === null || !isOver(primitive, params, this.axisName))) {
      return withTrace(this.parent, () => bind(primitive, args, params));
    }
    const [outs, outDims] = withTrace(
      this.parent,
      () => primitive.batch(values, dims, this.size, params, this.axisName),
    );
    return outs.map((out, i) => {
      const dim = outDims[i] ?? null;
      return dim === null ? out : new BatchTracer(this, out, dim);
    });
  }
}

/** Whether an operation, or one in the programs that it contains, is over the axis of that name. */
function isOver<P>({ over, passes }: Primitive<P>, params: P, axisName: string): boolean {
  if (over?.(params) === axisName) return true;
  const { programs } = passes;
  if (programs === null) return false;
  const within = [...programs.list(params).map((c) => c.jaxpr), ...programs.forRules(params)];
  return within.some((jaxpr) => isProgramOver(jaxpr, axisName));
}

/** Whether a program has operations over the axis of that name, at any depth. */
export const isProgramOver: (jaxpr: Jaxpr, axisName: string) => boolean = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr, axisName: string): boolean => {
    for (const { eqns } of allPrograms(jaxpr)) {
      for (const { primitive, params } of eqns) {
        if (primitive.over?.(params) === axisName) return true;
      }
    }
    return false;
  },
);

/** Lengths of named axes, by name. */
export type NamedAxes = ReadonlyMap<string, number>;

/** The named axes of all the batching around what is running; of equal names, the innermost. */
export function namedAxes(): NamedAxes {
  type Inner = Trace & { readonly parent?: Inner };
  const axes = new Map<string, number>();
  for (let t: Inner | undefined = currentTrace(); t !== undefined; t = t.parent) {
    if (t instanceof BatchTrace && t.axisName !== null && !axes.has(t.axisName)) {
      axes.set(t.axisName, t.size);
    }
  }
  return axes;
}

/** Lengths that were asked for while somebody wants to know. */
let asked: Map<string, number>[] = [];

/** The length of the axis of that name; `undefined` where none around has it. */
export function lengthOfAxis(axisName: string): number | undefined {
  const length = namedAxes().get(axisName);
  if (length !== undefined) { for (const axes of asked) axes.set(axisName, length); }
  return length;
}

/** Runs `f`, and gives the named axes that it asked for: what it recorded holds where they are alike. */
export function withAxesAsked<T>(f: () => T): [result: T, axes: NamedAxes] {
  const axes = new Map<string, number>();
  const before = asked;
  asked = [...before, axes];
  try {
    return [f(), axes];
  } finally {
    asked = before;
  }
}

/** Whether axes of these names and lengths are around what is running; it counts as asking for them. */
export function areAxes(axes: NamedAxes): boolean {
  for (const [axisName, length] of axes) if (lengthOfAxis(axisName) !== length) return false;
  return true;
}

/** Runs `f` once for all lanes; gives the outputs and the position of the batch axis in each. */
export function batchFlat(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  size: number,
  axisName: string | null = null,
): [outs: NDArray[], dims: (number | null)[]] {
  const trace = new BatchTrace(what, currentTrace(), size, axisName);
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
 * in front. Outputs with `force[i]` get one in any case. The axis may have a name.
 */
export const batchJaxpr: (
  jaxpr: Jaxpr,
  size: number,
  batched: readonly boolean[],
  force?: readonly boolean[],
  axisName?: string | null,
) => BatchedJaxpr = /* @__PURE__ */ memoize(
  (
    jaxpr: Jaxpr,
    size: number,
    batched: readonly boolean[],
    force: readonly boolean[] = [],
    axisName: string | null = null,
  ) => {
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
        axisName,
      );
      outBatched = dims.map((d, i) => d !== null || force[i] === true);
      return outs.map((x, i) => outBatched[i] ? batchAxisInFront(x, dims[i]!, size) : x);
    }, avals);
    return { jaxpr: vectorized, batched: outBatched };
  },
);
