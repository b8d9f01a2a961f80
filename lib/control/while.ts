/**
 * Loops that stop on a condition. ONNX: Loop. They have a reverse-mode derivative where the largest number
 * of steps, and so the memory for them, is known beforehand: see `checkpoints.ts`.
 *
 * @module
 */
import {
  bind,
  type ConcreteArray,
  deferUntilReady,
  definePrimitive,
  DifferentiationError,
  type Eqn,
  evalJaxpr,
  hasEffects,
  type Jaxpr,
  keepInputs,
  Linear,
  type Loop,
  mayNotEnd,
  memoize,
  type Narrowed,
  type NDArray,
  type PartialContext,
  type Primitive,
  type ProgramLowering,
  shaped,
  type Tangent,
  usedInputs,
  withoutDead,
  withoutEffects,
} from "../core/mod.ts";
import type { Value } from "../core/lowering.ts";
import { batchAxesInFront, batchJaxpr } from "../interpreters/batch.ts";
import { jvpJaxpr } from "../interpreters/jvp.ts";
import { partialEvalJaxpr } from "../interpreters/partial.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { notZero } from "../interpreters/transpose.ts";
import {
  add,
  batchAxisInFront,
  lt,
  mul,
  reduceOr,
  reshape,
  select,
  zeros,
} from "../primitives/mod.ts";
import { again, merge, partition, splitTranspose, spread } from "./call.ts";
import { backward, type Bounded, knownPart, knownStep, splitBy } from "./checkpoints.ts";
import { count, growMask, guarded, loops, program, range, reorder, vec3 } from "./jaxprs.ts";

/** Parameters of `while`. */
export type WhileParams = Omit<Extract<Loop, { kind: "while" }>, "kind"> & {
  /** The function with derivative rules that the loop is differentiated in nevertheless. */
  readonly within?: string;
  /** A number of steps that the condition keeps to, and how many values are kept for the way back. */
  readonly bounded?: Bounded;
};

function parts<T>(inputs: readonly T[], { condConsts, bodyConsts }: WhileParams): [T[], T[], T[]] {
  return [
    inputs.slice(0, condConsts),
    inputs.slice(condConsts, condConsts + bodyConsts),
    inputs.slice(condConsts + bodyConsts),
  ];
}

/** A condition that ignores the tangents that a differentiated loop carries along. */
const condIgnoring = /* @__PURE__ */ memoize((
  cond: Jaxpr,
  extra: readonly (readonly number[])[],
  dtypes: readonly NDArray["dtype"][],
) =>
  stageClosed(
    "whileLoop",
    (args) => evalJaxpr(cond, args.slice(0, cond.inputs.length), bind),
    [...cond.inputs.map((v) => v.aval), ...extra.map((shape, i) => shaped(shape, dtypes[i]!))],
  )
);

/** A body whose lanes stand still once their own condition is false, and "any lane goes on". */
const maskedLoop = /* @__PURE__ */ memoize((
  cond: Jaxpr,
  body: Jaxpr,
  size: number,
  condConsts: number,
  condBatched: readonly boolean[],
  bodyBatched: readonly boolean[],
  axisName: string | null,
): { cond: Jaxpr; body: Jaxpr } => {
  const all = body.outputs.map(() => true);
  const lanes = batchJaxpr(cond, size, [...condBatched, ...all], [true], axisName).jaxpr;
  const step = batchJaxpr(guarded(body), size, [true, ...bodyBatched, ...all], all, axisName).jaxpr;
  const again = withoutEffects(lanes);
  const condTypes = lanes.inputs.slice(0, condConsts).map((v) => v.aval);
  return {
    cond: stageClosed("whileLoop", (args) => {
      const goOn = evalJaxpr(lanes, args, bind)[0]!;
      return [reduceOr(goOn, [0])];
    }, lanes.inputs.map((v) => v.aval)),
    // The condition's constants come first: the body needs them to know which lanes go on.
    body: stageClosed("whileLoop", (args) => {
      const carry = args.slice(condConsts + bodyBatched.length);
      const goOn = evalJaxpr(again, [...args.slice(0, condConsts), ...carry], bind)[0]!;
      const next = evalJaxpr(step, [goOn, ...args.slice(condConsts)], bind);
      return next.map((x, i) =>
        select(reshape(goOn, [size, ...new Array(x.ndim - 1).fill(1)]), x, carry[i]!)
      );
    }, [...condTypes, ...step.inputs.slice(1).map((v) => v.aval)]),
  };
});

/**
 * The same where the condition does something beside giving a bool: it is asked once for each lane and
 * step, at the end of the step before, and what it said is carried in front.
 */
const loopOfTests = /* @__PURE__ */ memoize((
  cond: Jaxpr,
  body: Jaxpr,
  size: number,
  condConsts: number,
  condBatched: readonly boolean[],
  bodyBatched: readonly boolean[],
  axisName: string | null,
): { cond: Jaxpr; body: Jaxpr } => {
  const masked = maskedLoop(cond, body, size, condConsts, condBatched, bodyBatched, axisName).body;
  const all = body.outputs.map(() => true);
  const lanes =
    batchJaxpr(guarded(cond), size, [true, ...condBatched, ...all], [true], axisName).jaxpr;
  const flags = shaped([size], "bool");
  const consts = masked.inputs.slice(0, condConsts + bodyBatched.length).map((v) => v.aval);
  const carry = masked.outputs.map((a) => a.aval);
  return {
    cond: stageClosed("whileLoop", ([goOn]) => [reduceOr(goOn!, [0])], [flags, ...carry]),
    body: stageClosed("whileLoop", (args) => {
      const own = args.slice(0, consts.length);
      const [goOn, ...carry] = args.slice(consts.length);
      const next = evalJaxpr(masked, [...own, ...carry], bind);
      const test = evalJaxpr(lanes, [goOn!, ...own.slice(0, condConsts), ...next], bind);
      return [...test, ...next];
    }, [...consts, flags, ...carry]),
  };
});

/** The parameters of lanes each of which has a number of steps of its own. */
function uncounted({ bounded, ...params }: WhileParams): WhileParams {
  return bounded === undefined
    ? params
    : { ...params, bounded: { ...bounded, counted: undefined } };
}

/** Repeats a program while a condition on the carry holds. */
export const whileP: Primitive<WhileParams> = /* @__PURE__ */ definePrimitive<WhileParams>({
  name: "while",
  abstractEval: (_, { body }) => body.outputs.map((a) => a.aval),
  impl: {
    evaluate: (args, params) =>
      deferUntilReady(args, params.body.outputs.map((a) => a.aval), (args) => {
        const [condArgs, bodyArgs, init] = parts<NDArray>(args, params);
        let carry = init;
        for (;;) {
          const goOn = evalJaxpr(params.cond, [...condArgs, ...carry], bind)[0] as ConcreteArray;
          if (goOn.values[0] === 0) return carry;
          carry = evalJaxpr(params.body, [...bodyArgs, ...carry], bind);
        }
      }),
  },
  jvp(primals, tangents, params) {
    const { cond, body, condConsts, bodyConsts } = params;
    const [condArgs, bodyArgs, init] = parts(primals, params);
    const [, bodyDots, initDots] = parts<Tangent>(tangents, params);
    const constActive = bodyDots.map((t) => t !== null);
    const active = growMask(
      initDots.map((t) => t !== null),
      (mask) => jvpJaxpr(body, [...constActive, ...mask], mask).active,
    );
    const differentiated = jvpJaxpr(body, [...constActive, ...active], active).jaxpr;
    const n = init.length;
    const numDots = constActive.filter((a) => a).length;
    // From [consts, carry, const tangents, carry tangents] to constants first.
    const total = differentiated.inputs.length;
    const newBody = reorder(differentiated, [
      ...range(0, bodyConsts),
      ...range(bodyConsts + n, bodyConsts + n + numDots),
      ...range(bodyConsts, bodyConsts + n),
      ...range(bodyConsts + n + numDots, total),
    ], range(0, differentiated.outputs.length));
    const dots = initDots.flatMap((t, i) => active[i] ? [t ?? zeros(init[i]!.aval)] : []);
    const outs = bind(whileP, [
      ...condArgs,
      ...bodyArgs,
      ...bodyDots.filter((t) => t !== null),
      ...init,
      ...dots,
    ], {
      ...params,
      cond: condIgnoring(cond, dots.map((d) => d.shape), dots.map((d) => d.dtype)),
      body: newBody,
      condConsts,
      bodyConsts: bodyConsts + numDots,
    });
    let next = n;
    return [outs.slice(0, n), active.map((a) => a ? outs[next++]! : null)];
  },
  transpose(cts, inputs, params) {
    const { bounded, within, body } = params;
    if (bounded !== undefined) {
      const [, bodyArgs, init] = parts(inputs, params);
      const isLinear = (x: NDArray | Linear): boolean => x instanceof Linear;
      const constLinear = bodyArgs.map(isLinear);
      const carryLinear = growMask(
        init.map(isLinear),
        (mask) => partialEvalJaxpr(body, [...constLinear, ...mask]).unknownOut,
      );
      return bounded.counted && count(carryLinear) === init.length - 1
        ? countedBack(cts, inputs, params, constLinear)
        : splitTranspose((xs) => bind(whileP, xs, params), cts, inputs);
    }
    throw new DifferentiationError(
      "reverse-mode differentiation of whileLoop is not possible, since its number of steps is not " +
        "known beforehand: say how many it may be, whileLoop(cond, body, init, { maxSteps }), or use " +
        "foriLoop with constant bounds or scan, or forward mode (jvp, jacfwd), or differentiate the " +
        "solution implicitly (customRoot, fixedPoint)" +
        (within === undefined
          ? ""
          : `. The loop is in ${within}: its rules are for derivatives by ` +
            "its arguments; by the parameters and state of modules it differentiates as if it had none. " +
            "Use customRoot or fixedPoint in its place, which differentiate by those too without going " +
            "through the loop"),
    );
  },
  batch(args, dims, size, params, axisName = null) {
    const { cond, body, condConsts } = params;
    const [condDims, bodyDims, initDims] = parts(dims, params);
    const condBatched = condDims.map((d) => d !== null);
    const bodyBatched = bodyDims.map((d) => d !== null);
    const carryBatched = growMask(
      initDims.map((d) => d !== null),
      (mask) => batchJaxpr(body, size, [...bodyBatched, ...mask], mask, axisName).batched,
    );
    const front = batchAxesInFront(args, dims, size);
    const [condArgs, bodyArgs, init] = parts(front, params);
    const perLane = batchJaxpr(cond, size, [...condBatched, ...carryBatched], [], axisName)
      .batched[0]!;
    const carryMask = perLane ? carryBatched.map(() => true) : carryBatched;
    const start = init.map((x, i) =>
      carryMask[i] && initDims[i] === null ? batchAxisInFront(x, null, size) : x
    );
    if (perLane && hasEffects(cond)) {
      const loop = loopOfTests(cond, body, size, condConsts, condBatched, bodyBatched, axisName);
      const all = start.map(() => true);
      const lanes = batchJaxpr(cond, size, [...condBatched, ...all], [true], axisName).jaxpr;
      const goOn = evalJaxpr(lanes, [...condArgs, ...start], bind);
      const outs = bind(whileP, [...condArgs, ...bodyArgs, ...goOn, ...start], {
        ...uncounted(params),
        ...loop,
        condConsts: 0,
        bodyConsts: condConsts + params.bodyConsts,
      });
      return [outs.slice(1), start.map(() => 0)];
    }
    if (perLane) {
      const loop = maskedLoop(cond, body, size, condConsts, condBatched, bodyBatched, axisName);
      const outs = bind(whileP, [...condArgs, ...condArgs, ...bodyArgs, ...start], {
        ...uncounted(params),
        ...loop,
        bodyConsts: condConsts + params.bodyConsts,
      });
      return [outs, outs.map(() => 0)];
    }
    const outs = bind(whileP, [...condArgs, ...bodyArgs, ...start], {
      ...params,
      cond: batchJaxpr(cond, size, [...condBatched, ...carryMask], [], axisName).jaxpr,
      body: batchJaxpr(body, size, [...bodyBatched, ...carryMask], carryMask, axisName).jaxpr,
    });
    return [outs, carryMask.map((m) => m ? 0 : null)];
  },
  passes: {
    mobile: false,
    cheap: false,
    effect: null,
    algebra: null,
    programs: {
      list: ({ cond, body, condConsts, bodyConsts }) => [
        { role: "test", jaxpr: cond, consts: { first: 0, count: condConsts } },
        { role: "step", jaxpr: body, consts: { first: condConsts, count: bodyConsts } },
      ],
      forRules: () => [],
      replace: (params, [cond, body]) => ({ ...params, cond: cond!, body: body! }),
      extend: (params, k, jaxpr, count) =>
        k === 0
          ? { ...params, cond: jaxpr, condConsts: params.condConsts + count }
          : { ...params, body: jaxpr, bodyConsts: params.bodyConsts + count },
      inline: () => null,
      narrow: narrowWhile,
      partial: splitWhile,
      loop: /* @__PURE__ */ loops((params) => ({ kind: "while", ...params })),
      mayNotEnd: true,
      within: (params, name) => ({ within: name, ...params }),
    },
  },
  lower(g, inputs, params, _, outAvals) {
    const [condArgs, bodyArgs, init] = parts<Value>(inputs, params);
    const test = (g: ProgramLowering, carry: readonly Value[]): Value =>
      g.inline(params.cond, [...condArgs, ...carry])[0]!;
    const specs = outAvals.map(({ shape, dtype }) => ({ shape, dtype }));
    const flag = { shape: [], dtype: "bool" } as const;
    const body = g.subgraph(
      "while",
      [{ shape: [], dtype: "int64" }, flag, ...specs],
      (g, [, , ...carry]) => {
        const next = g.inline(params.body, [...bodyArgs, ...carry]);
        return [test(g, next), ...next];
      },
      [flag, ...specs],
    );
    return g.nodes("Loop", ["", test(g, init), ...init], specs.length, { body });
  },
  kernel(b, inputs, params) {
    const { cond, body } = params;
    const [condConsts, bodyConsts, init] = parts(inputs, params);
    return b.while({ cond, body, condConsts, bodyConsts, init });
  },
  samples: () => {
    const scalar = shaped([], "float64");
    const doubling = {
      name: "doubling until a bound",
      inputs: [
        { shape: [], dtype: "float64", values: [20] },
        { shape: [3], dtype: "float64", values: [0.5, 1, 2] },
        { shape: [], dtype: "float64", values: [0.75] },
        { shape: [3], dtype: "float64", values: [1, -2, 0.25] },
      ],
      params: {
        cond: program([scalar, scalar, vec3], (bound, n) => [lt(n, bound)]),
        body: program([vec3, scalar, vec3], (w, n, x) => [add(n, n), mul(w, add(x, n))]),
        condConsts: 1,
        bodyConsts: 1,
      },
      skip: { transpose: "the number of steps is not known beforehand" },
    } as const;
    return [doubling, {
      ...doubling,
      name: "doubling until a bound, at most 8 times",
      params: { ...doubling.params, bounded: { maxSteps: 8 } },
      skip: { linear: "not linear in constants and carry together" },
    }];
  },
});

/** A loop whose number of steps is bounded in two parts. */
const split = /* @__PURE__ */ splitBy((bounded, inputs, programs) =>
  bind(whileP, inputs, { ...programs, bounded })
);

/** Cotangents of a counted loop whose other carries are linear, by a loop of the same kind. */
function countedBack(
  cts: readonly Tangent[],
  inputs: readonly (NDArray | Linear)[],
  params: WhileParams,
  constLinear: readonly boolean[],
): Tangent[] {
  const [[steps], bodyArgs, [first, ...init]] = parts(inputs, params);
  const [given, outCts] = notZero(cts.slice(1));
  const back = backward(params.body, constLinear, given);
  const [known, linear] = partition(bodyArgs, constLinear);
  const start = spread(given, outCts);
  const sums = linear.filter((_, i) => back.consts[i]).map((x) => zeros(x.aval));
  const n = steps as NDArray;
  const [, ...outs] = bind(whileP, [
    ...[n, n, ...known as NDArray[], first as NDArray],
    ...back.carry.flatMap((on, i) => on ? [start[i] ?? zeros(init[i]!.aval)] : []),
    ...sums,
  ], {
    ...params,
    cond: back.cond,
    body: back.body,
    condConsts: 1,
    bodyConsts: 1 + known.length,
  });
  const numCts = count(back.carry);
  return [
    null,
    ...merge<Tangent>(constLinear, known.map(() => null), spread(back.consts, outs.slice(numCts))),
    null,
    // A carry that is linear from the second step on begins as what it is.
    ...spread(back.carry, outs).map((ct, i) => init[i] instanceof Linear ? ct : null),
  ];
}

/** The loop over what is known, run now, and a loop over the rest, recorded. */
function splitWhile(
  context: PartialContext,
  args: readonly NDArray[],
  params: WhileParams,
): NDArray[] {
  const { cond, body, bounded } = params;
  const [condArgs, bodyArgs, init] = parts(args, params);
  const isUnknown = (xs: readonly NDArray[]): boolean[] => xs.map((x) => context.isUnknown(x));
  const constUnknown = isUnknown(bodyArgs);
  const carryUnknown = growMask(
    isUnknown(init),
    (mask) => partialEvalJaxpr(body, [...constUnknown, ...mask]).unknownOut,
  );
  const unknown = { cond: isUnknown(condArgs), consts: constUnknown, carry: carryUnknown };
  const condUnknown = partialEvalJaxpr(cond, [...unknown.cond, ...carryUnknown]).unknownOut[0];
  if (condUnknown) return context.stage(whileP, args, params);
  const [knownCondArgs] = partition(condArgs, unknown.cond);
  const [knownConsts, laterConsts] = partition(bodyArgs, constUnknown);
  const [knownInit, laterInit] = partition(init, carryUnknown);
  const inputs = [...knownCondArgs, ...knownConsts, ...knownInit];
  // The steps of what is unknown need nothing of the known carries but their number.
  const byNumber = () => !knownStep(body, unknown).needed.slice(1).includes(true);
  if (bounded !== undefined && !(bounded.counted && byNumber())) {
    const { now, later } = split(body, cond, bounded, unknown);
    const outs = evalJaxpr(now, inputs, (...eqn) => context.known(...eqn));
    const kept = outs.slice(knownInit.length);
    const rest = [...kept, ...knownConsts, ...laterConsts, ...laterInit];
    return merge(
      carryUnknown,
      outs,
      evalJaxpr(later, rest, (...eqn) => context.stage(...eqn)),
    );
  }
  // The rest needs the known values of each step again, so all that it needs of the loop is recorded.
  const now = context.known(whileP, inputs, {
    ...params,
    cond: knownPart(cond, [...unknown.cond, ...carryUnknown], [false]),
    body: knownPart(body, [...constUnknown, ...carryUnknown], carryUnknown),
    condConsts: knownCondArgs.length,
    bodyConsts: knownConsts.length,
  });
  const { staged } = partialEvalJaxpr(body, [...constUnknown, ...carryUnknown]);
  const rest = narrowWhile({
    ...params,
    cond: withoutEffects(cond), // all of it was known
    body: again(body, staged),
  }, carryUnknown);
  const outs = context.stage(whileP, args.filter((_, i) => rest.inputs[i]), rest.params);
  const [, later] = partition(outs, carryUnknown.filter((_, i) => rest.outputs[i]));
  return merge(carryUnknown, now, later);
}

/** The loop without carries that nothing reads, nor the condition, nor what is read. */
function narrowWhile(params: WhileParams, used: readonly boolean[]): Narrowed<WhileParams> {
  const { body, condConsts, bodyConsts } = params;
  const cond = withoutDead(params.cond);
  const tested = usedInputs(cond);
  const carry = growMask(
    used.map((u, i) => u || tested[condConsts + i]!),
    (carry) => usedInputs(withoutDead(body, carry)).slice(bodyConsts),
  );
  const live = withoutDead(body, carry);
  const condKeep = [...tested.slice(0, condConsts), ...carry];
  const bodyKeep = [...usedInputs(live).slice(0, bodyConsts), ...carry];
  return {
    params: {
      ...params,
      cond: keepInputs(cond, condKeep),
      body: keepInputs(live, bodyKeep),
      condConsts: count(condKeep.slice(0, condConsts)),
      bodyConsts: count(bodyKeep.slice(0, bodyConsts)),
    },
    inputs: [...condKeep.slice(0, condConsts), ...bodyKeep],
    outputs: carry,
  };
}

/**
 * The program with its loops noted to be in a function with derivative rules, for the message where
 * they are differentiated all the same.
 */
export const loopsWithin: (jaxpr: Jaxpr, name: string) => Jaxpr = /* @__PURE__ */ memoize(
  (jaxpr: Jaxpr, name: string): Jaxpr => {
    if (!jaxpr.eqns.some(mayNotEnd)) return jaxpr;
    const eqns = jaxpr.eqns.map((eqn): Eqn => {
      const { programs } = eqn.primitive.passes;
      if (programs === null || !mayNotEnd(eqn)) return eqn;
      const { params } = eqn;
      if (programs.within !== null) return { ...eqn, params: programs.within(params, name) };
      const inner = programs.list(params).map((c) => loopsWithin(c.jaxpr, name));
      return { ...eqn, params: programs.replace(params, inner) };
    });
    return { ...jaxpr, eqns };
  },
);
