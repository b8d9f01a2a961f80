/**
 * Values from a function of the user's, which is no program: asked of the host when the program runs. It has to
 * be pure, since it is asked as often as it suits, or not at all where nothing reads what it gives.
 *
 * @module
 */
import {
  allocate,
  BackendError,
  bind,
  ConcreteArray,
  deferUntilReady,
  definePrimitive,
  DifferentiationError,
  evalTrace,
  type NDArray,
  type Primitive,
  shaped,
  type ShapedArray,
  sizeOf,
  stationary,
  withTrace,
} from "../../core/mod.ts";
import { moveAxis, reshape } from "../shape/shape.ts";
import { broadcastTo } from "../sum/broadcast.ts";
import { inLane } from "./effect.ts";

/** How the function meets the lanes of a `vmap`: one by one, or all at once along first axes. */
export type VmapMethod = "sequential" | "expandDims" | "broadcastAll";

/** Parameters of `pure_callback`. */
export interface PureCallbackParams {
  /** Gives arrays of the types `outs`, from arrays. */
  readonly ask: (
    inputs: readonly ConcreteArray[],
    outs: readonly ShapedArray[],
  ) => readonly ConcreteArray[];
  /** What it gives, in one lane. */
  readonly outs: readonly ShapedArray[];
  /** The function's name. */
  readonly name: string;
  /** How it meets lanes. */
  readonly method: VmapMethod;
  /** Lengths of the axes of lanes that are met one by one, the outermost first. */
  readonly lanes: readonly number[];
  /** For each input, which of these axes it has; they are its first. */
  readonly mapped: readonly (readonly boolean[])[];
}

function outAvals({ outs, lanes }: PureCallbackParams): ShapedArray[] {
  return outs.map(({ shape, dtype }) => shaped([...lanes, ...shape], dtype));
}

/** Asks for all lanes; the arrays must be readable. */
function askAll(
  params: PureCallbackParams,
  inputs: readonly ConcreteArray[],
): readonly ConcreteArray[] {
  const { lanes, mapped, outs, ask } = params;
  return withTrace(evalTrace, () => {
    if (lanes.length === 0) return ask(inputs, outs);
    const whole = outAvals(params).map((aval) => allocate(aval.dtype, sizeOf(aval.shape)));
    const count = sizeOf(lanes);
    for (let n = 0; n < count; n++) {
      const lane = lanes.map((length, k) => Math.floor(n / sizeOf(lanes.slice(k + 1))) % length);
      const given = ask(inputs.map((x, i) => inLane(x, mapped[i]!, lanes, lane)), outs);
      given.forEach((x, i) => whole[i]!.set(x.values as never, n * sizeOf(outs[i]!.shape)));
    }
    return outAvals(params).map((aval, i) => ConcreteArray.fromHost(aval, whole[i]!));
  });
}

const vector = { shape: [3], dtype: "float64" } as const;

/** Arrays that a function of the user's gives. */
export const pureCallbackP: Primitive<PureCallbackParams> = /* @__PURE__ */ definePrimitive<
  PureCallbackParams
>({
  name: "pure_callback",
  abstractEval: (_, params) => outAvals(params),
  impl: {
    evaluate: (inputs, params) =>
      deferUntilReady(inputs, outAvals(params), (arrays) => [...askAll(params, arrays)]),
  },
  jvp(_, __, { name }) {
    throw new DifferentiationError(
      `pureCallback: nothing is known of derivatives of ${name}, which is no program. Say what they are ` +
        "with customJvp or customVjp, or leave it out of them with stopGradient on its arguments",
    );
  },
  transpose: "nonlinear",
  batch(args, dims, size, params) {
    const front = args.map((x, i) => dims[i] === null ? x : moveAxis(x, dims[i]!, 0));
    if (params.method === "sequential") {
      const outs = bind(pureCallbackP, front, {
        ...params,
        lanes: [size, ...params.lanes],
        mapped: params.mapped.map((mask, i) => [dims[i] !== null, ...mask]),
      });
      return [outs, outs.map(() => 0)];
    }
    const all = params.method === "broadcastAll";
    const inputs = front.map((x, i): NDArray => {
      if (dims[i] !== null) return x;
      return all ? broadcastTo(x, [size, ...x.shape]) : reshape(x, [1, ...x.shape]);
    });
    const outs = bind(pureCallbackP, inputs, {
      ...params,
      outs: params.outs.map(({ shape, dtype }) => shaped([size, ...shape], dtype)),
    });
    return [outs, outs.map(() => 0)];
  },
  asksHost: true,
  passes: stationary,
  lower() {
    throw new BackendError(
      "pureCallback: an ONNX graph runs as a whole, and nobody can be asked in the middle of it. Use " +
        'jit(f), whose backend "cpu" can',
    );
  },
  kernel: (b, inputs, params) =>
    b.ask(inputs, outAvals(params), (arrays) => askAll(params, arrays)),
  samples: () => {
    const double = ([x]: readonly ConcreteArray[], [out]: readonly ShapedArray[]) => [
      ConcreteArray.fromHost(out!, Float64Array.from(x!.values, (v) => 2 * v)),
    ];
    return [{
      name: "twice a vector, lane by lane",
      inputs: [vector],
      params: {
        ask: double,
        outs: [vector],
        name: "double",
        method: "sequential",
        lanes: [],
        mapped: [[]],
      },
      skip: {
        jvp: "nothing is known of its derivatives",
        transpose: "nothing is known of its derivatives",
        onnx: "graphs ask nobody",
      },
    }, {
      name: "twice a vector, all lanes at once",
      inputs: [vector],
      params: {
        ask: double,
        outs: [vector],
        name: "double",
        method: "broadcastAll",
        lanes: [],
        mapped: [[]],
      },
      skip: {
        jvp: "nothing is known of its derivatives",
        transpose: "nothing is known of its derivatives",
        onnx: "graphs ask nobody",
      },
    }];
  },
});
