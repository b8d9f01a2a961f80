/**
 * Functions with derivative rules of their own: `custom_jvp`, `custom_vjp`, and the linear map that
 * stands for a custom backward rule until it is transposed.
 *
 * @module
 */
import {
  allPrograms,
  bind,
  currentTrace,
  definePrimitive,
  DifferentiationError,
  type Eqn,
  evalJaxpr,
  type Jaxpr,
  Linear,
  type NDArray,
  type Passes,
  type Primitive,
  type ShapedArray,
  stationary,
  type Tangent,
  type Trace,
  Var,
  withoutEffects,
} from "../core/mod.ts";
import { batchAxesInFront, batchFlat, batchJaxpr } from "../interpreters/batch.ts";
import { jvpFlat, jvpJaxpr, JvpTrace } from "../interpreters/jvp.ts";
import { PartialTrace } from "../interpreters/partial.ts";
import { StagingTrace } from "../interpreters/staging.ts";
import { notZero } from "../interpreters/transpose.ts";
import { add, batchAxisInFront, cos, mul, reduceSum, sin, zeros } from "../primitives/mod.ts";
import { spread, transposeCall } from "./call.ts";
import { calls, once, program, sampleJaxpr, vec3, whole } from "./jaxprs.ts";

/** What derivative rules know of. Captured values are a program's first inputs. */
export interface Reach {
  /** The function: values that its rules captured, those that it captured itself, its arguments. */
  readonly jaxpr: Jaxpr;
  /** Number of values that the rules captured: they are given them before the arguments. */
  readonly numHeld: number;
  /**
   * Number of values that the function captured. The rules do not know of them, and they have no
   * derivatives.
   */
  readonly numConsts: number;
  /**
   * Number of last arguments by which the derivative is that of the function itself, as if it had no
   * rule. Rules are given their values.
   */
  readonly numThrough: number;
  /** Number of last outputs that the rules do not know of; they have no derivatives. */
  readonly numAux: number;
  /** Whether the rules may hold values of traces around the call, which may be over when they run. */
  readonly open: boolean;
  /** The function's name. */
  readonly name: string;
}

/**
 * Outputs and their tangents, from what the rule holds, the arguments, and the tangents of those that
 * have a rule. At least one of these tangents is not zero.
 */
export type JvpRule = (
  primals: readonly NDArray[],
  tangents: readonly Tangent[],
) => readonly [outs: readonly NDArray[], tangents: readonly Tangent[]];

/** Parameters of `custom_jvp`. */
export interface CustomJvpParams extends Reach {
  /** The derivative rule. */
  readonly rule: JvpRule;
}

/** The outputs and what the backward rule needs, from what the rules hold and the arguments. */
export type FwdRule = (
  args: readonly NDArray[],
) => readonly [outs: readonly NDArray[], residuals: readonly NDArray[]];

/** Cotangents of the arguments that have a rule, from residuals and cotangents of the outputs. */
export type BwdRule = (
  residuals: readonly NDArray[],
  cotangents: readonly NDArray[],
) => readonly Tangent[];

/** Parameters of `custom_vjp`. */
export interface CustomVjpParams extends Reach {
  /** The forward rule. */
  readonly fwd: FwdRule;
  /** The backward rule. */
  readonly bwd: BwdRule;
}

interface CustomLinearParams {
  readonly numResiduals: number;
  /** Which arguments of the function have a tangent. */
  readonly active: readonly boolean[];
  readonly outAvals: readonly ShapedArray[];
  readonly bwd: BwdRule;
  readonly name: string;
}

/** Raises where results depend, in a way that has derivatives, on captured values with tangents. */
function checkConsts(kind: string, params: Reach, tangents: readonly Tangent[]): void {
  const { jaxpr, numHeld, numConsts, numAux, name } = params;
  const active = tangents.map((t, i) => t !== null && i >= numHeld && i < numHeld + numConsts);
  if (!active.includes(true)) return;
  const reached = jvpJaxpr(jaxpr, active).active;
  if (!reached.slice(0, reached.length - numAux).includes(true)) return;
  throw new DifferentiationError(
    `${kind}: ${name} uses a value from outside that is being differentiated, and its rule does not ` +
      "know of it. Pass the value as an argument",
  );
}

/** What functions with rules say to passes: of themselves, all stays; they have noted their own. */
function ruledPasses<P extends Reach>(): Passes<P> {
  return {
    mobile: false,
    cheap: false,
    effect: null,
    algebra: null,
    programs: {
      ...calls({ partial: null, narrow: whole, within: (params) => params }),
      // Further constants are captured values, of which the rules know nothing.
      list: ({ jaxpr, numHeld, numConsts }) => [
        once("call", jaxpr, { first: 0, count: numHeld + numConsts }),
      ],
      extend: (params, _, jaxpr, count) => ({
        ...params,
        jaxpr,
        numConsts: params.numConsts + count,
      }),
    },
  };
}

/** What rules are given of a call's inputs: all but what the function captured. */
function ruleArgs<T>({ numHeld, numConsts }: Reach, inputs: readonly T[]): T[] {
  return [...inputs.slice(0, numHeld), ...inputs.slice(numHeld + numConsts)];
}

/** Whether derivatives may be taken of what is computed now, now or later. */
function mayBeDifferentiated(): boolean {
  type Inner = Trace & { readonly parent?: Inner };
  for (let t: Inner | undefined = currentTrace(); t !== undefined; t = t.parent) {
    if (t instanceof JvpTrace) return true;
    if (t instanceof StagingTrace && !(t instanceof PartialTrace)) return true;
  }
  return false;
}

/**
 * The derivative of a function with a rule: the rule's by the arguments that have one, and by the
 * others that of the function itself. `rule` takes the arguments, and tangents of those that it is for.
 */
function ruledJvp<P extends Reach>(
  primitive: Primitive<P>,
  kind: string,
  primals: readonly NDArray[],
  tangents: readonly Tangent[],
  params: P,
  rule: JvpRule,
): [outs: NDArray[], tangents: Tangent[]] {
  const { jaxpr, numHeld, numConsts, numThrough, numAux, name } = params;
  const last = primals.length - numThrough;
  const first = numHeld + numConsts;
  checkConsts(kind, params, tangents);
  const own = tangents.slice(first, last);
  const isRuled = own.some((t) => t !== null);
  const numOuts = jaxpr.outputs.length - numAux;
  let outs: readonly NDArray[] = [];
  let dots: readonly Tangent[] = [];
  // What the function does is done once: by its rule where that takes its place, else by itself.
  const quiet = withoutEffects(jaxpr);
  const again = mayBeDifferentiated();
  if (tangents.slice(last).some((t) => t !== null)) {
    const free = tangents.map((t, i) => i < last ? null : t);
    const once = isRuled || again ? quiet : jaxpr;
    [outs, dots] = jvpFlat(`${kind} of ${name}`, (xs) => evalJaxpr(once, xs, bind), primals, free);
    // Those are without a rule, which a further derivative of the outputs would miss.
    if (again) outs = [];
  }
  if (outs.length === 0 && (numAux > 0 || !isRuled)) {
    outs = bind(primitive, primals, isRuled ? { ...params, jaxpr: quiet } : params);
  }
  let ruled: readonly Tangent[] = [];
  if (isRuled) {
    const [values, change] = rule(ruleArgs(params, primals), own);
    outs = [...values, ...outs.slice(numOuts)];
    ruled = change;
  }
  return [
    [...outs],
    outs.map((_, i) => {
      const [a, b] = i < numOuts ? [ruled[i] ?? null, dots[i] ?? null] : [null, null];
      return a === null || b === null ? a ?? b : add(a, b);
    }),
  ];
}

/**
 * A program for all lanes, with batch axes in front. Outputs that the rules know of have one in any
 * case; others only where they differ by lane.
 */
function batchedCall(
  { jaxpr, numAux }: Reach,
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  size: number,
  axisName: string | null,
): {
  readonly inputs: NDArray[];
  readonly jaxpr: Jaxpr;
  readonly batched: boolean[];
  readonly outDims: (number | null)[];
} {
  const batched = dims.map((d) => d !== null);
  const inputs = batchAxesInFront(args, dims, size);
  const numOuts = jaxpr.outputs.length - numAux;
  const known = jaxpr.outputs.map((_, i) => i < numOuts);
  const lanes = batchJaxpr(jaxpr, size, batched, known, axisName);
  return { inputs, jaxpr: lanes.jaxpr, batched, outDims: lanes.batched.map((b) => b ? 0 : null) };
}

/** Runs a flat function for all lanes, with every output's batch axis in front. */
function mapLanes(
  f: (args: NDArray[]) => readonly NDArray[],
  args: readonly NDArray[],
  batched: readonly boolean[],
  size: number,
  axisName: string | null,
): NDArray[] {
  const front = batched.map((b) => b ? 0 : null);
  const [outs, dims] = batchFlat("vmap", f, args, front, size, axisName);
  return outs.map((x, i) => batchAxisInFront(x, dims[i]!, size));
}

/** A backward rule for all lanes; every residual and cotangent has the batch axis in front. */
function backwardLanes(bwd: BwdRule, size: number, axisName: string | null): BwdRule {
  return (residuals, cts) => {
    let active: readonly boolean[] = [];
    const all = [...residuals, ...cts];
    const outs = mapLanes(
      (xs) => {
        const back = bwd(xs.slice(0, residuals.length), xs.slice(residuals.length));
        const [isActive, given] = notZero(back);
        active = isActive;
        return given;
      },
      all,
      all.map(() => true),
      size,
      axisName,
    );
    return spread(active, outs);
  };
}

/** A function with its own jvp rule. */
export const customJvpP: Primitive<CustomJvpParams> = /* @__PURE__ */ definePrimitive<
  CustomJvpParams
>({
  name: "custom_jvp",
  abstractEval: (_, { jaxpr }) => jaxpr.outputs.map((a) => a.aval),
  impl: { evaluate: (args, { jaxpr }) => evalJaxpr(jaxpr, args, bind) },
  jvp: (primals, tangents, params) =>
    ruledJvp(customJvpP, "customJvp", primals, tangents, params, params.rule),
  // The rule is for derivatives: what is linear is its own, and is transposed as it stands.
  transpose: (cts, inputs, { jaxpr }) => transposeCall(jaxpr, cts, inputs),
  batch(args, dims, size, params, axisName = null) {
    const { numHeld, numThrough, numAux } = params;
    const call = batchedCall(params, args, dims, size, axisName);
    const lanes = ruleArgs(params, call.batched);
    const ruled = lanes.slice(numHeld, lanes.length - numThrough);
    const numOuts = params.jaxpr.outputs.length - numAux;
    const rule: JvpRule = (primals, tangents) => {
      // A zero tangent still has to be told from an active one in every lane.
      const [given, dotsIn] = notZero(tangents);
      let active: readonly boolean[] = [];
      const outs = mapLanes(
        (xs) => {
          const tangents = spread(given, xs.slice(lanes.length));
          const [ys, dots] = params.rule(xs.slice(0, lanes.length), tangents);
          const [isActive, dotsOut] = notZero(dots);
          active = isActive;
          return [...ys, ...dotsOut];
        },
        [...primals, ...dotsIn],
        [...lanes, ...ruled.filter((_, i) => given[i])],
        size,
        axisName,
      );
      return [outs.slice(0, numOuts), spread(active, outs.slice(numOuts))];
    };
    const outs = bind(customJvpP, call.inputs, { ...params, jaxpr: call.jaxpr, rule });
    return [outs, call.outDims];
  },
  passes: /* @__PURE__ */ ruledPasses(),
  lower: (g, inputs, { jaxpr }) => g.inline(jaxpr, inputs),
  kernel: (b, inputs, { jaxpr }) => b.inline(jaxpr, inputs),
  samples: () => [{
    name: "a function with its true derivative, linear in its last argument",
    inputs: [vec3, vec3],
    params: {
      jaxpr: program([vec3, vec3], (x, y) => [mul(sin(x), y), add(y, y)]),
      numHeld: 0,
      open: false,
      numConsts: 0,
      numThrough: 0,
      numAux: 0,
      name: "sample",
      rule: ([x, y], dots) => {
        const [dx, dy] = dots.map((d) => d ?? zeros(vec3));
        return [
          [mul(sin(x!), y!), add(y!, y!)],
          [add(mul(mul(cos(x!), y!), dx!), mul(sin(x!), dy!)), add(dy!, dy!)],
        ];
      },
    },
  }],
});

/** A linear map known by its transpose alone. */
export const customLinearP: Primitive<CustomLinearParams> = /* @__PURE__ */ definePrimitive<
  CustomLinearParams
>({
  name: "custom_vjp_tangents",
  abstractEval: (_, { outAvals }) => outAvals,
  impl: {
    evaluate(_, { name }) {
      throw forward(name);
    },
  },
  jvp(_, __, { name }) {
    throw forward(name);
  },
  transpose(cts, inputs, { numResiduals, active, outAvals, bwd }) {
    const residuals = inputs.slice(0, numResiduals) as NDArray[];
    const all = bwd(residuals, cts.map((ct, i) => ct ?? zeros(outAvals[i]!)));
    const back = all.filter((_, i) => active[i]);
    return [
      ...residuals.map(() => null),
      ...inputs.slice(numResiduals).map((x, i) => x instanceof Linear ? back[i] ?? null : null),
    ];
  },
  batch(args, dims, size, params, axisName = null) {
    const inputs = args.map((x, i) => batchAxisInFront(x, dims[i]!, size));
    const outs = bind(customLinearP, inputs, {
      ...params,
      outAvals: params.outAvals.map((a) => ({ ...a, shape: [size, ...a.shape] })),
      bwd: backwardLanes(params.bwd, size, axisName),
    });
    return [outs, outs.map(() => 0)];
  },
  // Its rule is for one step.
  passes: stationary,
  lower(_, __, { name }) {
    throw forward(name);
  },
  kernel(_, __, { name }) {
    throw forward(name);
  },
  samples: () => [{
    name: "tangents of a product",
    inputs: [{ shape: [3], dtype: "float64" }, { shape: [3], dtype: "float64" }],
    params: {
      numResiduals: 1,
      active: [true],
      outAvals: [{ shape: [3], dtype: "float64" }],
      name: "sample",
      bwd: ([r], [ct]) => [mul(r!, ct!)],
    },
    skip: {
      jvp: "has a transpose only",
      transpose: "has a transpose only, so nothing to compare it with; the laws test customVjp",
      batch: "has a transpose only",
      onnx: "has a transpose only",
    },
  }],
});

function forward(name: string): DifferentiationError {
  return new DifferentiationError(
    `customVjp: forward-mode differentiation (jvp, jacfwd, linearize) of ${name} is not possible, since it ` +
      "has a backward rule alone. Use reverse mode, or define the derivative by customJvp",
  );
}

/** A function with its own forward and backward rules for reverse mode. */
export const customVjpP: Primitive<CustomVjpParams> = /* @__PURE__ */ definePrimitive<
  CustomVjpParams
>({
  name: "custom_vjp",
  abstractEval: (_, { jaxpr }) => jaxpr.outputs.map((a) => a.aval),
  impl: { evaluate: (args, { jaxpr }) => evalJaxpr(jaxpr, args, bind) },
  jvp(primals, tangents, params) {
    const { jaxpr, numAux, fwd, bwd, name } = params;
    const outAvals = jaxpr.outputs.slice(0, jaxpr.outputs.length - numAux).map((a) => a.aval);
    return ruledJvp(customVjpP, "customVjp", primals, tangents, params, (args, dots) => {
      const [outs, residuals] = fwd(args);
      const numResiduals = residuals.length;
      const [active, given] = notZero(dots);
      const linear = { numResiduals, active, outAvals, bwd, name };
      return [outs, bind(customLinearP, [...residuals, ...given], linear)];
    });
  },
  transpose: "nonlinear",
  batch(args, dims, size, params, axisName = null) {
    const call = batchedCall(params, args, dims, size, axisName);
    const lanes = ruleArgs(params, call.batched);
    const numOuts = params.jaxpr.outputs.length - params.numAux;
    const fwd: FwdRule = (xs) => {
      const outs = mapLanes((xs) => params.fwd(xs).flat(), xs, lanes, size, axisName);
      return [outs.slice(0, numOuts), outs.slice(numOuts)];
    };
    const back = backwardLanes(params.bwd, size, axisName);
    // An argument shared by all lanes gets the sum of their cotangents.
    const bwd: BwdRule = (residuals, cts) =>
      back(residuals, cts).map((ct, i) =>
        ct === null || lanes[params.numHeld + i] ? ct : reduceSum(ct, [0])
      );
    const outs = bind(customVjpP, call.inputs, { ...params, jaxpr: call.jaxpr, fwd, bwd });
    return [outs, call.outDims];
  },
  passes: /* @__PURE__ */ ruledPasses(),
  lower: (g, inputs, { jaxpr }) => g.inline(jaxpr, inputs),
  kernel: (b, inputs, { jaxpr }) => b.inline(jaxpr, inputs),
  samples: () => [{
    name: "a function with its true derivative",
    inputs: [{ shape: [3], dtype: "float64" }, { shape: [3], dtype: "float64" }],
    params: {
      jaxpr: sampleJaxpr(),
      numHeld: 0,
      open: false,
      numConsts: 0,
      numThrough: 0,
      numAux: 0,
      name: "sample",
      fwd: ([x, y]) => [[mul(sin(x!), y!), add(x!, y!)], [x!, y!]],
      bwd: ([x, y], [a, b]) => [
        add(mul(mul(cos(x!), y!), a!), b!),
        add(mul(sin(x!), a!), b!),
      ],
    },
    skip: { jvp: "reverse mode only" },
  }],
});

/** What an equation says of a function with rules; `null` where it is no call of one. */
function reachOf({ params }: Eqn): Reach | null {
  // Its parameters tell, so that pages without such functions do not carry what these are.
  const reach = params as Reach | null | undefined;
  return reach?.numHeld === undefined ? null : reach;
}

/** Whether a program has functions in it, at any depth, whose rules are open. */
export function holdsOpenRules(jaxpr: Jaxpr): boolean {
  for (const { eqns } of allPrograms(jaxpr)) {
    for (const eqn of eqns) if (reachOf(eqn)?.open === true) return true;
  }
  return false;
}

/** Whether derivatives of a program by inputs of `mask` ask for rules that are open. */
export function asksOpenRules(jaxpr: Jaxpr, mask: readonly boolean[]): boolean {
  const active = new Uint8Array(jaxpr.numVars);
  jaxpr.inputs.forEach((v, i) => active[v.id] = Number(mask[i]));
  return jaxpr.eqns.some((eqn) => {
    const own = eqn.inputs.map((a) => a instanceof Var && active[a.id] === 1);
    if (!own.includes(true)) return false;
    for (const v of eqn.outputs) active[v.id] = 1;
    const reach = reachOf(eqn);
    if (reach !== null) {
      const last = own.length - reach.numThrough;
      const isRuled = own.slice(reach.numHeld + reach.numConsts, last).includes(true);
      if (isRuled && reach.open) return true;
      return asksOpenRules(reach.jaxpr, own.map((on, i) => on && i >= last));
    }
    const within = eqn.primitive.passes.programs?.list(eqn.params) ?? [];
    return within.some(({ jaxpr }) => holdsOpenRules(jaxpr));
  });
}
