/**
 * Loops over an axis with a carry. ONNX: Scan, or Loop where nothing is scanned over.
 *
 * @module
 */
import {
  bind,
  checkRoom,
  deferUntilReady,
  definePrimitive,
  evalJaxpr,
  type Jaxpr,
  keepInputs,
  Linear,
  type Loop,
  memoize,
  type Narrowed,
  type NDArray,
  type PartialContext,
  type Primitive,
  shaped,
  type ShapedArray,
  type Tangent,
  usedInputs,
  Var,
  withoutDead,
} from "../core/mod.ts";
import type { Value } from "../core/lowering.ts";
import { batchJaxpr } from "../interpreters/batch.ts";
import { jvpJaxpr } from "../interpreters/jvp.ts";
import { partialEvalJaxpr } from "../interpreters/partial.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { notZero, transposeJaxpr } from "../interpreters/transpose.ts";
import {
  add,
  broadcastTo,
  concatenate,
  expandDims,
  moveAxis,
  mul,
  reshape,
  slice,
  zeros,
} from "../primitives/mod.ts";
import { partition, spread } from "./call.ts";
import { count, growMask, loops, program, range, reorder, vec3 } from "./jaxprs.ts";

/** Parameters of `scan`. */
export type ScanParams = Omit<Extract<Loop, { kind: "scan" }>, "kind">;

function parts<T>(inputs: readonly T[], { numConsts, numCarry }: ScanParams): [T[], T[], T[]] {
  return [
    inputs.slice(0, numConsts),
    inputs.slice(numConsts, numConsts + numCarry),
    inputs.slice(numConsts + numCarry),
  ];
}

function stacked(aval: ShapedArray, length: number): ShapedArray {
  return shaped([length, ...aval.shape], aval.dtype);
}

/** Element `i` of the first axis, for a loop that runs eagerly. */
function slab(x: NDArray, i: number): NDArray {
  const rest = x.shape.slice(1);
  const part = slice(x, [i, ...rest.map(() => 0)], [i + 1, ...rest]);
  return reshape(part, rest);
}

function stack(slices: readonly NDArray[], aval: ShapedArray): NDArray {
  if (slices.length === 0) return zeros(stacked(aval, 0));
  return concatenate(slices.map((s) => expandDims(s, [0])), 0);
}

/** Numbers of a differentiated body's inputs (`consts, carry, xs` and the tangents of each). */
function interleave(counts: readonly number[], dots: readonly number[]): number[] {
  const base = counts.reduce((a, b) => a + b, 0);
  const order: number[] = [];
  let at = 0, dotAt = base;
  counts.forEach((n, k) => {
    order.push(...range(at, at + n), ...range(dotAt, dotAt + dots[k]!));
    at += n;
    dotAt += dots[k]!;
  });
  return order;
}

/** Loops over the first axis of some arrays with a carry; gives the last carry and stacked outputs. */
export const scanP: Primitive<ScanParams> = /* @__PURE__ */ definePrimitive<ScanParams>({
  name: "scan",
  abstractEval: (_, { jaxpr, numCarry, length }) =>
    jaxpr.outputs.map((a, i) => i < numCarry ? a.aval : stacked(a.aval, length)),
  impl: {
    evaluate(args, params) {
      const { jaxpr, numCarry, length, reverse } = params;
      const outAvals = scanP.abstractEval([], params);
      for (const aval of outAvals) checkRoom("scan", aval);
      return deferUntilReady(args, outAvals, (args) => {
        const [consts, init, xs] = parts<NDArray>(args, params);
        let carry = init;
        const ys: NDArray[][] = jaxpr.outputs.slice(numCarry).map(() => new Array(length));
        for (let k = 0; k < length; k++) {
          const i = reverse ? length - 1 - k : k;
          const outs = evalJaxpr(jaxpr, [...consts, ...carry, ...xs.map((x) => slab(x, i))], bind);
          carry = outs.slice(0, numCarry);
          ys.forEach((y, j) => y[i] = outs[numCarry + j]!);
        }
        return [...carry, ...ys.map((y, j) => stack(y, jaxpr.outputs[numCarry + j]!.aval))];
      });
    },
  },
  jvp(primals, tangents, params) {
    const { jaxpr, numCarry } = params;
    const [consts, init, xs] = parts(primals, params);
    const [constDots, initDots, xsDots] = parts(tangents, params);
    const isActive = (t: Tangent): boolean => t !== null;
    const constActive = constDots.map(isActive);
    const xsActive = xsDots.map(isActive);
    const active = growMask(
      initDots.map(isActive),
      (mask) => jvpJaxpr(jaxpr, [...constActive, ...mask, ...xsActive], mask).active,
    );
    const mask = [...constActive, ...active, ...xsActive];
    const body = jvpJaxpr(jaxpr, mask, active);
    const numDots = [count(constActive), count(active), count(xsActive)];
    const numYs = jaxpr.outputs.length - numCarry;
    const ysActive = body.active.slice(numCarry);
    const outs = bind(scanP, [
      ...consts,
      ...constDots.filter(isActive) as NDArray[],
      ...init,
      ...initDots.flatMap((t, i) => active[i] ? [t ?? zeros(init[i]!.aval)] : []),
      ...xs,
      ...xsDots.filter(isActive) as NDArray[],
    ], {
      ...params,
      jaxpr: reorder(
        body.jaxpr,
        interleave([consts.length, numCarry, xs.length], numDots),
        interleave([numCarry, numYs], [numDots[1]!, count(ysActive)]),
      ),
      numConsts: consts.length + numDots[0]!,
      numCarry: numCarry + numDots[1]!,
    });
    const ysAt = numCarry + numDots[1]!;
    return [
      [...outs.slice(0, numCarry), ...outs.slice(ysAt, ysAt + numYs)],
      [...spread(active, outs.slice(numCarry)), ...spread(ysActive, outs.slice(ysAt + numYs))],
    ];
  },
  transpose(cts, inputs, params) {
    const { jaxpr, numCarry, length } = params;
    const [consts, init, xs] = parts(inputs, params);
    const isLinear = (x: NDArray | Linear): boolean => x instanceof Linear;
    const constLinear = consts.map(isLinear);
    const xsLinear = xs.map(isLinear);
    const [carryGiven, carryCts] = notZero(cts.slice(0, numCarry));
    const [ysGiven, ysCts] = notZero(cts.slice(numCarry));
    const transposed = (given: readonly boolean[]) =>
      transposedBody(jaxpr, numCarry, constLinear, xsLinear, given, ysGiven);
    // Cotangents of carries that nothing reads stay zeros that are not written out, unless a step
    // backwards makes something of them.
    const given = growMask(carryGiven, (given) => transposed(given).carry);
    const body = transposed(given);
    const [knownConsts] = partition(consts, constLinear);
    const [knownXs] = partition(xs, xsLinear);
    const sums = consts.filter((_, i) => body.consts[i]).map((x) => zeros(x.aval));
    const start = spread(carryGiven, carryCts);
    const outs = bind(scanP, [
      ...knownConsts as NDArray[],
      ...sums,
      ...given.flatMap((g, i) => g ? [start[i] ?? zeros(init[i]!.aval)] : []),
      ...knownXs as NDArray[],
      ...ysCts,
    ], {
      jaxpr: body.jaxpr,
      numConsts: knownConsts.length,
      numCarry: sums.length + count(given),
      length,
      reverse: !params.reverse,
      sums: sums.length,
    });
    const firstX = sums.length + count(given);
    return [
      ...spread(body.consts, outs),
      ...spread(given, outs.slice(sums.length)).map((ct, i) => isLinear(init[i]!) ? ct : null),
      ...spread(body.xs, outs.slice(firstX)),
    ];
  },
  batch(args, dims, size, params, axisName) {
    const { jaxpr, numCarry } = params;
    const [constDims, initDims, xsDims] = parts(dims, params);
    const isMapped = (d: number | null): boolean => d !== null;
    const fixed = constDims.map(isMapped);
    const sliced = xsDims.map(isMapped);
    const lanes = (mask: readonly boolean[]) =>
      batchJaxpr(jaxpr, size, [...fixed, ...mask, ...sliced], mask, axisName);
    const carryBatched = growMask(
      initDims.map(isMapped),
      (mask) => lanes(mask).batched,
    );
    const body = lanes(carryBatched);
    const [consts, init, xs] = parts(args, params);
    const outs = bind(scanP, [
      ...consts.map((x, i) => fixed[i] ? moveAxis(x, constDims[i]!, 0) : x),
      ...init.map((x, i) => {
        if (!carryBatched[i]) return x;
        const dim = initDims[i]!;
        return dim === null ? broadcastTo(x, [size, ...x.shape]) : moveAxis(x, dim, 0);
      }),
      // The scanned axis stays in front, the lanes come second.
      ...xs.map((x, i) => sliced[i] ? moveAxis(x, xsDims[i]!, 1) : x),
    ], { ...params, jaxpr: body.jaxpr });
    return [outs, body.batched.map((b, i) => b ? (i < numCarry ? 0 : 1) : null)];
  },
  passes: {
    mobile: false,
    cheap: false,
    effect: null,
    algebra: null,
    programs: {
      list: ({ jaxpr, numConsts }) => [{
        role: "step",
        jaxpr,
        consts: { first: 0, count: numConsts },
      }],
      forRules: () => [],
      replace: (params, [jaxpr]) => ({ ...params, jaxpr: jaxpr! }),
      extend: (params, _, jaxpr, count) => ({
        ...params,
        jaxpr,
        numConsts: params.numConsts + count,
      }),
      inline: () => null,
      narrow: narrowScan,
      partial: splitScan,
      loop: /* @__PURE__ */ loops((params) => ({ kind: "scan", ...params })),
      mayNotEnd: false,
      within: null,
    },
  },
  lower(g, inputs, params, inAvals, outAvals) {
    const { jaxpr, numCarry, length, reverse } = params;
    const [consts, init, xs] = parts(inputs, params);
    const spec = ({ shape, dtype }: ShapedArray) => ({ shape, dtype });
    const carries = jaxpr.outputs.slice(0, numCarry).map((a) => spec(a.aval));
    const slices = jaxpr.outputs.slice(numCarry).map((a) => spec(a.aval));
    if (length === 0) {
      const empty = outAvals.slice(numCarry).map((a) => g.constant([], a.shape, a.dtype));
      return [...init, ...empty];
    }
    if (xs.length > 0) {
      const body = g.subgraph(
        "scan",
        [
          ...carries,
          ...inAvals.slice(params.numConsts + numCarry).map((a) =>
            spec(shaped(a.shape.slice(1), a.dtype))
          ),
        ],
        (g, args) => g.inline(jaxpr, [...consts, ...args]),
        [...carries, ...slices],
      );
      return g.nodes("Scan", [...init, ...xs], outAvals.length, {
        body,
        num_scan_inputs: xs.length,
        ...(reverse && { scan_input_directions: xs.map(() => 1) }),
        ...(reverse && slices.length > 0 && { scan_output_directions: slices.map(() => 1) }),
      });
    }
    const flag = { shape: [], dtype: "bool" } as const;
    const body = g.subgraph(
      "loop",
      [{ shape: [], dtype: "int64" }, flag, ...carries],
      (g, [, goOn, ...carry]) => [goOn!, ...g.inline(jaxpr, [...consts, ...carry])],
      [flag, ...carries, ...slices],
    );
    // The condition may be left out, but the reference evaluator of ONNX then makes no step.
    const goOn = g.target === "portable" ? g.scalar(1, "bool") : "";
    const outs: Value[] = g.nodes(
      "Loop",
      [g.scalar(length, "int64"), goOn, ...init],
      outAvals.length,
      { body },
    );
    if (!reverse) return outs;
    return outs.map((y, i) =>
      i < numCarry ? y : g.node("Slice", [
        y,
        g.int64([-1]),
        g.int64([-(2 ** 31)]),
        g.int64([0]),
        g.int64([-1]),
      ])
    );
  },
  kernel(b, inputs, params) {
    const { jaxpr, length, reverse } = params;
    const [consts, init, xs] = parts(inputs, params);
    return b.scan({ jaxpr, consts, init, xs, length, reverse });
  },
  samples: () => {
    const body = program([vec3, vec3, vec3], (w, c, x) => {
      const next = add(mul(w, c), x);
      return [next, mul(next, c)];
    });
    const counting = program([vec3, vec3], (w, c) => {
      const next = mul(w, c);
      return [next, next];
    });
    const f64 = "float64" as const;
    return [false, true].flatMap((reverse) => [{
      name: `over two steps${reverse ? ", backwards" : ""}`,
      inputs: [
        { shape: [3], dtype: f64 },
        { shape: [3], dtype: f64 },
        { shape: [2, 3], dtype: f64 },
      ],
      params: { jaxpr: body, numConsts: 1, numCarry: 1, length: 2, reverse, sums: 0 },
      skip: { linear: "not linear in constant and carry together" },
    }, {
      name: `without slices${reverse ? ", backwards" : ""}`,
      inputs: [{ shape: [3], dtype: f64 }, { shape: [3], dtype: f64 }],
      params: { jaxpr: counting, numConsts: 1, numCarry: 1, length: 3, reverse, sums: 0 },
      skip: { linear: "not linear in constant and carry together" },
    }, {
      name: `over no steps${reverse ? ", backwards" : ""}`,
      inputs: [
        { shape: [3], dtype: f64 },
        { shape: [3], dtype: f64 },
        { shape: [0, 3], dtype: f64 },
      ],
      params: { jaxpr: body, numConsts: 1, numCarry: 1, length: 0, reverse, sums: 0 },
      skip: { linear: "not linear in constant and carry together" },
    }]);
  },
});

/** The scan that computes known values now, and the one that is recorded for the others. */
function splitScan(
  context: PartialContext,
  args: readonly NDArray[],
  params: ScanParams,
): NDArray[] {
  const { jaxpr } = params;
  const unknown = args.map((x) => context.isUnknown(x));
  const [constUnknown, initUnknown, xsUnknown] = parts(unknown, params);
  const carryUnknown = growMask(
    initUnknown,
    (mask) => partialEvalJaxpr(jaxpr, [...constUnknown, ...mask, ...xsUnknown], mask).unknownOut,
  );
  const mask = [...constUnknown, ...carryUnknown, ...xsUnknown];
  const { known, staged, unknownOut, numResiduals } = partialEvalJaxpr(
    jaxpr,
    mask,
    carryUnknown,
  );
  const [consts, init, xs] = parts(args, params);
  const [knownConsts, laterConsts] = partition(consts, constUnknown);
  const [knownInit, laterInit] = partition(init, carryUnknown);
  const [knownXs, laterXs] = partition(xs, xsUnknown);
  const numKnownOut = known.outputs.length - numResiduals;
  const laterSums = carryUnknown.slice(0, params.sums).filter((u) => u).length;

  // A residual that is one of the constants need not be stacked, nor one that is a slice.
  const source = known.outputs.slice(numKnownOut).map((a) =>
    a instanceof Var ? known.inputs.indexOf(a) : -1
  );
  const firstX = knownConsts.length + knownInit.length;
  const fixed = source.map((s) => s >= 0 && s < knownConsts.length);
  const reused = source.map((s) => s >= firstX);
  const computed = source.map((_, i) => !fixed[i] && !reused[i]);
  const now = context.known(scanP, [...knownConsts, ...knownInit, ...knownXs], {
    ...params,
    jaxpr: withoutDead(known, [...new Array(numKnownOut).fill(true), ...computed]),
    numConsts: knownConsts.length,
    numCarry: knownInit.length,
    sums: params.sums - laterSums,
  });
  let next = numKnownOut;
  const fixedResiduals: NDArray[] = [];
  const slicedResiduals: NDArray[] = [];
  source.forEach((s, i) => {
    if (fixed[i]) fixedResiduals.push(knownConsts[s]!);
    else slicedResiduals.push(reused[i] ? knownXs[s - firstX]! : now[next++]!);
  });
  const [slicedAt, fixedAt] = partition(range(0, numResiduals), fixed);
  const later = context.stage(scanP, [
    ...fixedResiduals,
    ...laterConsts,
    ...init.flatMap((x, i) => carryUnknown[i] ? [x] : []),
    ...slicedResiduals,
    ...laterXs,
  ], {
    ...params,
    jaxpr: reorder(
      staged,
      [
        ...fixedAt,
        ...range(numResiduals, numResiduals + laterConsts.length + laterInit.length),
        ...slicedAt,
        ...range(numResiduals + laterConsts.length + laterInit.length, staged.inputs.length),
      ],
      range(0, staged.outputs.length),
    ),
    numConsts: fixedResiduals.length + laterConsts.length,
    numCarry: laterInit.length,
    sums: laterSums,
  });
  let a = 0, b = 0;
  return unknownOut.map((u) => u ? later[b++]! : now[a++]!);
}

/** The scan without results that nothing reads, and carries that feed only themselves. */
function narrowScan(params: ScanParams, used: readonly boolean[]): Narrowed<ScanParams> {
  const { numConsts, numCarry } = params;
  const firstX = numConsts + numCarry;
  const ys = used.slice(numCarry);
  const live = (carry: readonly boolean[]): Jaxpr => withoutDead(params.jaxpr, [...carry, ...ys]);
  const carry = growMask(
    used.slice(0, numCarry),
    (carry) => usedInputs(live(carry)).slice(numConsts, firstX),
  );
  const body = live(carry);
  const keep = usedInputs(body).map((u, i) =>
    i >= numConsts && i < firstX ? carry[i - numConsts]! : u
  );
  return {
    params: {
      ...params,
      jaxpr: keepInputs(body, keep),
      numConsts: count(keep.slice(0, numConsts)),
      numCarry: count(carry),
      sums: count(carry.slice(0, params.sums)),
    },
    inputs: keep,
    outputs: [...carry, ...ys],
  };
}

/** The body of a backward loop, and what it has cotangents for. */
interface TransposedBody {
  /**
   * From known constants, sums for linear constants, cotangents of the carry, known slices and
   * cotangents of the ys, to the sums, the carry's cotangents and those of linear xs.
   */
  readonly jaxpr: Jaxpr;
  /** Which constants get a cotangent, */
  readonly consts: readonly boolean[];
  /** which carries, beside those whose cotangents are given, */
  readonly carry: readonly boolean[];
  /** and which xs. */
  readonly xs: readonly boolean[];
}

const transposedBody = /* @__PURE__ */ memoize((
  jaxpr: Jaxpr,
  numCarry: number,
  constLinear: readonly boolean[],
  xsLinear: readonly boolean[],
  carryGiven: readonly boolean[],
  ysGiven: readonly boolean[],
): TransposedBody => {
  const numConsts = constLinear.length;
  const firstX = numConsts + numCarry;
  const carry = carryGiven.map(() => true);
  const { jaxpr: back, active } = transposeJaxpr(
    jaxpr,
    [...constLinear, ...carry, ...xsLinear],
    [...carryGiven, ...ysGiven],
    [...constLinear.map(() => false), ...carryGiven],
  );
  const consts = active.slice(0, numConsts);
  const numKnown = constLinear.filter((l) => !l).length;
  const numKnownXs = xsLinear.filter((l) => !l).length;
  const avals = back.inputs.map((v) => v.aval);
  const firstCt = numKnown + numKnownXs;
  const firstYs = firstCt + count(carryGiven);
  const summing = stageClosed("transposed scan", (args) => {
    const take = (n: number): NDArray[] => args.splice(0, n);
    const known = take(numKnown);
    const sums = take(count(consts));
    const carryCts = take(count(carryGiven));
    const xs = take(numKnownXs);
    const outs = evalJaxpr(back, [...known, ...xs, ...carryCts, ...args], bind);
    return [...sums.map((sum, i) => add(sum, outs[i]!)), ...outs.slice(sums.length)];
  }, [
    ...avals.slice(0, numKnown),
    ...back.outputs.slice(0, count(consts)).map((a) => a.aval),
    ...avals.slice(firstCt, firstYs),
    ...avals.slice(numKnown, firstCt),
    ...avals.slice(firstYs),
  ]);
  return {
    jaxpr: summing,
    consts,
    carry: active.slice(numConsts, firstX),
    xs: active.slice(firstX),
  };
});
