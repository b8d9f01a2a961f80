/**
 * Choice among programs: `cond` evaluates the branch that an index names. ONNX: nested Ifs.
 *
 * @module
 */
import {
  bind,
  type ConcreteArray,
  deferUntilReady,
  definePrimitive,
  evalJaxpr,
  formatAval,
  InternalError,
  isFloat,
  type Jaxpr,
  keepInputs,
  Linear,
  mayNotEnd,
  memoize,
  type NDArray,
  type Primitive,
  type ProgramLowering,
  sameAval,
  shaped,
  usedInputs,
  withoutDead,
} from "../core/mod.ts";
import type { Value } from "../core/lowering.ts";
import { batchAxesInFront, batchJaxpr, isProgramOver } from "../interpreters/batch.ts";
import { jvpJaxpr } from "../interpreters/jvp.ts";
import { partialEvalJaxpr, type PartialJaxpr } from "../interpreters/partial.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { notZero, transposeJaxpr } from "../interpreters/transpose.ts";
import {
  argmax,
  convert,
  eq,
  expandDims,
  gather,
  ge,
  le,
  mul,
  reduceOr,
  reshape,
  scalarLike,
  select,
  stopGradient,
  sub,
  zeros,
} from "../primitives/mod.ts";
import { merge, partition, splitTangents, spread } from "./call.ts";
import { guarded, once, program, vec3, withUnread } from "./jaxprs.ts";

/** Parameters of `cond`. */
export interface CondParams {
  /** The branches; all have the same input and output types. */
  readonly branches: readonly Jaxpr[];
}

const or = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((x, i) => x || b[i]!);

/** Known parts of the branches brought to one output type: each gives zeros for the others' residuals. */
function joinResiduals(parts: readonly PartialJaxpr[]): {
  readonly known: readonly Jaxpr[];
  readonly staged: readonly Jaxpr[];
} {
  const residuals = parts.map((p) =>
    p.known.outputs.slice(p.known.outputs.length - p.numResiduals).map((a) => a.aval)
  );
  const all = residuals.flat();
  const offset = (k: number): number => residuals.slice(0, k).flat().length;
  return {
    known: parts.map((p, k) =>
      padKnown(p.known, k, all.map((a) => [a.shape, a.dtype] as const), {
        from: offset(k),
        count: p.numResiduals,
      })
    ),
    staged: parts.map((p, k) =>
      padStaged(p.staged, k, all.map((a) => [a.shape, a.dtype] as const), {
        from: offset(k),
        count: p.numResiduals,
      })
    ),
  };
}

type Types = readonly (readonly [readonly number[], NDArray["dtype"]])[];
interface Span {
  readonly from: number;
  readonly count: number;
}

const padKnown = /* @__PURE__ */ memoize((jaxpr: Jaxpr, _: number, all: Types, own: Span) =>
  stageClosed("cond", (args) => {
    const outs = evalJaxpr(jaxpr, args, bind);
    const numKnown = outs.length - own.count;
    const padded = all.map(([shape, dtype], i) =>
      i >= own.from && i < own.from + own.count
        ? outs[numKnown + i - own.from]!
        : zeros(shaped(shape, dtype))
    );
    return [...outs.slice(0, numKnown), ...padded];
  }, jaxpr.inputs.map((v) => v.aval))
);

const padStaged = /* @__PURE__ */ memoize((jaxpr: Jaxpr, _: number, all: Types, own: Span) =>
  stageClosed(
    "cond",
    (args) =>
      evalJaxpr(jaxpr, [
        ...args.slice(own.from, own.from + own.count),
        ...args.slice(all.length),
      ], bind),
    [
      ...all.map(([shape, dtype]) => shaped(shape, dtype)),
      ...jaxpr.inputs.slice(own.count).map((v) => v.aval),
    ],
  )
);

/** A value for each lane, shaped to meet arrays of rank `ndim` whose lanes lie along axis 0. */
function alongLanes(x: NDArray, ndim: number): NDArray {
  return reshape(x, [x.shape[0]!, ...new Array(ndim - 1).fill(1)]);
}

/**
 * A batched branch, guarded by whether a lane takes it, evaluated for all lanes. The others get the operands
 * of the first one that does: on their own it might never end, or have infinite derivatives, which
 * times the 0 of their cotangents would be NaN. A branch that no lane takes gives no derivatives, and
 * does not run where it might never end. With operations `between` lanes, which want the values of all, all
 * have their own operands, and derivatives go to those alone that take the branch, as in JAX.
 */
function evalWhereTaken(
  branch: Jaxpr,
  taken: NDArray,
  operands: readonly NDArray[],
  batched: readonly boolean[],
  between: boolean,
): NDArray[] {
  // Of no lanes, none does: there is nothing to run it on, and every result is empty.
  if (taken.size === 0) return branch.outputs.map((a) => zeros(a.aval));
  const any = reduceOr(taken, [0]);
  const first = reshape(argmax(convert(taken, "int32"), 0), [1]);
  const meant = operands.map((x, i) => {
    if (!batched[i]) return isFloat(x.dtype) ? select(any, x, stopGradient(x)) : x;
    const still = stopGradient(x);
    const other = between ? still : expandDims(gather(still, first), [0]);
    return select(alongLanes(taken, x.ndim), x, other);
  });
  const inputs = [taken, ...meant];
  if (!branch.eqns.some(mayNotEnd)) return evalJaxpr(branch, inputs, bind);
  return bind(condP, [convert(any, "int32"), ...inputs], {
    branches: [zerosInPlaceOf(branch), branch],
  });
}

const zerosInPlaceOf = /* @__PURE__ */ memoize((branch: Jaxpr) =>
  stageClosed(
    "cond",
    () => branch.outputs.map((a) => zeros(a.aval)),
    branch.inputs.map((v) => v.aval),
  )
);

/** The branch that an index names; one out of range names the first or last. */
export function chosenBranch(branches: readonly Jaxpr[], index: ConcreteArray): Jaxpr {
  return branches[Math.max(0, Math.min(branches.length - 1, index.values[0]!))]!;
}

/** Evaluates one of several programs: inputs are an int32 index (clamped), then the operands. */
export const condP: Primitive<CondParams> = /* @__PURE__ */ definePrimitive<CondParams>({
  name: "cond",
  abstractEval(_, { branches }) {
    const avals = branches[0]!.outputs.map((a) => a.aval);
    for (const branch of branches) {
      branch.outputs.forEach((a, i) => {
        if (!sameAval(a.aval, avals[i]!)) {
          throw new InternalError(
            `cond: branches differ: ${formatAval(avals[i]!)} and ${formatAval(a.aval)}`,
          );
        }
      });
    }
    return avals;
  },
  impl: {
    evaluate: (args, { branches }) =>
      deferUntilReady(
        args,
        branches[0]!.outputs.map((a) => a.aval),
        (args) => evalJaxpr(chosenBranch(branches, args[0]!), args.slice(1), bind),
      ),
  },
  jvp(primals, tangents, { branches }) {
    const active = tangents.slice(1).map((t) => t !== null);
    const outActive = branches.map((b) => jvpJaxpr(b, active).active).reduce(or);
    const differentiated = branches.map((b) => jvpJaxpr(b, active, outActive).jaxpr);
    const outs = bind(condP, [...primals, ...tangents.filter((t) => t !== null)], {
      branches: differentiated,
    });
    return splitTangents(outs, outActive);
  },
  transpose(cts, inputs, { branches }) {
    const linear = inputs.slice(1).map((x) => x instanceof Linear);
    const known = inputs.filter((x) => !(x instanceof Linear)) as NDArray[];
    const [given, outCts] = notZero(cts);
    const active = branches.map((b) => transposeJaxpr(b, linear, given).active).reduce(or);
    const outs = bind(condP, [...known, ...outCts], {
      branches: branches.map((b) => transposeJaxpr(b, linear, given, active).jaxpr),
    });
    return [null, ...spread(active, outs)];
  },
  batch(args, dims, size, { branches }, axisName = null) {
    const batched = dims.slice(1).map((d) => d !== null);
    const inputs = batchAxesInFront(args, dims, size);
    const index = inputs[0]!;
    // A single branch is taken whatever the lanes' indices are.
    if (dims[0] === null || branches.length === 1) {
      const outBatched = branches.map((b) => batchJaxpr(b, size, batched, [], axisName).batched)
        .reduce(or);
      const chosen = dims[0] === null ? index : scalarLike(0, index);
      const outs = bind(condP, [chosen, ...inputs.slice(1)], {
        branches: branches.map((b) => batchJaxpr(b, size, batched, outBatched, axisName).jaxpr),
      });
      return [outs, outBatched.map((b) => b ? 0 : null)];
    }
    // The lanes choose differently: evaluate every branch for all and select.
    const all = branches[0]!.outputs.map(() => true);
    const last = branches.length - 1;
    const taken = branches.map((_, b) =>
      b === 0
        ? le(index, scalarLike(0, index))
        : (b === last ? ge : eq)(index, scalarLike(b, index))
    );
    const results = branches.map((branch, b) => {
      const lanes = batchJaxpr(guarded(branch), size, [true, ...batched], all, axisName).jaxpr;
      const between = axisName !== null && isProgramOver(branch, axisName);
      return evalWhereTaken(lanes, taken[b]!, inputs.slice(1), batched, between);
    });
    const outs = all.map((_, k) =>
      results.slice(0, last).reduceRight(
        (out, result, b) => select(alongLanes(taken[b]!, out.ndim), result[k]!, out),
        results[last]![k]!,
      )
    );
    return [outs, all.map(() => 0)];
  },
  passes: {
    mobile: false,
    cheap: false,
    effect: null,
    algebra: null,
    programs: {
      list: ({ branches }) =>
        branches.map((jaxpr) => once("branch", jaxpr, { first: 1, count: 0 })),
      forRules: () => [],
      replace: (_, branches) => ({ branches }),
      extend: ({ branches }, k, jaxpr, count) => ({
        branches: branches.map((b, i) =>
          i === k ? jaxpr : withUnread(b, jaxpr.inputs.slice(0, count))
        ),
      }),
      inline({ branches }, [index, ...operands], known) {
        const value = known(index!);
        return value === null ? null : { jaxpr: chosenBranch(branches, value), inputs: operands };
      },
      narrow({ branches }, used) {
        const live = branches.map((b) => withoutDead(b, used));
        const needed = live.map((b) => usedInputs(b)).reduce(or);
        return {
          params: {
            branches: live.map((b) => keepInputs(b, needed)),
          },
          inputs: [true, ...needed],
          outputs: used,
        };
      },
      partial(context, args, params) {
        const unknown = args.map((x) => context.isUnknown(x));
        if (unknown[0]) return context.stage(condP, args, params);
        const rest = unknown.slice(1);
        const unknownOut = params.branches.map((b) => partialEvalJaxpr(b, rest).unknownOut).reduce(
          or,
        );
        const { known, staged } = joinResiduals(
          params.branches.map((b) => partialEvalJaxpr(b, rest, unknownOut)),
        );
        const [knownArgs, unknownArgs] = partition(args, unknown);
        const results = context.known(condP, knownArgs, { branches: known });
        const numKnown = unknownOut.filter((u) => !u).length;
        const later = context.stage(
          condP,
          [args[0]!, ...results.slice(numKnown), ...unknownArgs],
          { branches: staged },
        );
        return merge(unknownOut, results.slice(0, numKnown), later);
      },
      loop: null,
      mayNotEnd: false,
      within: null,
    },
  },
  lower(g, inputs, { branches }, _, outAvals) {
    const specs = outAvals.map(({ shape, dtype }) => ({ shape, dtype }));
    // By halves: files nest only so deep.
    const choose = (g: ProgramLowering, from: number, to: number): Value[] => {
      if (to - from === 1) return g.inline(branches[from]!, inputs.slice(1));
      const middle = (from + to) >> 1;
      const below = g.node("Less", [inputs[0]!, g.scalar(middle, "int32")]);
      const half = (name: string, from: number, to: number) =>
        g.subgraph(name, [], (body) => choose(body, from, to), specs);
      return g.nodes("If", [below], specs.length, {
        then_branch: half("then", from, middle),
        else_branch: half("else", middle, to),
      });
    };
    return choose(g, 0, branches.length);
  },
  kernel: (b, [index, ...inputs], { branches }) => b.choose(index!, branches, inputs),
  samples: () => {
    const branches = [
      program([vec3, vec3], (x, y) => [mul(x, y), x]),
      program([vec3, vec3], (x, y) => [sub(x, y), y]),
    ];
    const [one] = branches;
    const cases = [
      ["branch 0", 0, branches],
      ["branch 1", 1, branches],
      ["the only branch", 2, [one!]],
    ] as const;
    return cases.map(([name, index, branches]) => ({
      name,
      inputs: [
        { shape: [], dtype: "int32", values: [index] },
        { shape: [3], dtype: "float64" },
        { shape: [3], dtype: "float64" },
      ],
      params: { branches },
    }));
  },
});
