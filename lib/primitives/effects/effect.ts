/**
 * Effects in programs: printing, calling a function of the user's, raising where a condition is false.
 * They give nothing, and are run for what they do (`passes.effect`). What that is, is in `run.ts`.
 *
 * @module
 */
import { NDArray } from "../../core/array.ts";
import { sizeOf } from "../../core/aval.ts";
import { deferUntilReady, scalarArray } from "../../core/concrete.ts";
import { BackendError, InternalError } from "../../core/errors.ts";
import { definePrimitive, ordinary, type Primitive, type Sample } from "../../core/primitive.ts";
import { bind } from "../../core/trace.ts";
import { treeFlatten } from "../../core/tree.ts";
import { and, not } from "../elementwise/compare.ts";
import { reduceAnd, reduceOr } from "../reduce/logical.ts";
import { reshape } from "../shape/reshape.ts";
import { moveAxis } from "../shape/transpose.ts";
import { type EffectKind, type EffectParams, runEffect, Slot } from "./run.ts";

function effect(
  kind: EffectKind,
  name: string,
  samples: () => readonly Sample<EffectParams>[],
): Primitive<EffectParams> {
  return definePrimitive<EffectParams>({
    name,
    abstractEval: () => [],
    impl: {
      evaluate: (inputs, params) =>
        deferUntilReady(inputs, [], (arrays) => {
          runEffect(params, arrays);
          return [];
        }),
    },
    // Of values alone: what is done with tangents is done by rules of the user's.
    jvp(primals, _, params) {
      bind(primitives[kind], primals, params);
      return [[], []];
    },
    transpose: "nonlinear",
    batch(args, dims, size, params) {
      const inputs = args.map((x, i) => dims[i] === null ? x : moveAxis(x, dims[i]!, 0));
      bind(primitives[kind], inputs, {
        ...params,
        lanes: [size, ...params.lanes],
        mapped: params.mapped.map((mask, i) => [dims[i] !== null, ...mask]),
      });
      return [[], []];
    },
    passes: {
      ...ordinary,
      mobile: false,
      effect: {
        guarded: (params) => ({
          ...params,
          guards: params.guards + 1,
          mapped: [[], ...params.mapped],
        }),
        check: kind === "check" || kind === "nan"
          ? {
            message: ({ text }) => text,
            fails,
            raise: (inputs, params) => runEffect(params, inputs),
          }
          : null,
      },
    },
    lower() {
      const call = kind === "print" ? "debug.print" : "debug.callback";
      if (kind !== "print" && kind !== "callback") {
        throw new InternalError(`${name}: graphs have no checks; they are outputs by then`);
      }
      throw new BackendError(
        `${call}: an ONNX graph runs as a whole, and nothing can be done in the middle of it. Use ` +
          'jit(f), whose backend "cpu" can, or return the values and look at them outside',
      );
    },
    kernel(b, inputs, params) {
      // A check that holds in all lanes costs no call.
      const condition = kind === "check" || kind === "nan" ? inputs[params.guards]! : null;
      const failed = condition === null ? undefined : b.reduce(
        b.map([condition], { shape: condition.shape, dtype: "bool" }, (e, [c]) => e.not(c!)),
        condition.shape.map((_, i) => i),
        "or",
      );
      b.effect(inputs, (arrays) => runEffect(params, arrays), failed);
      return [];
    },
    samples,
  });
}

/** The parameters of an effect that no transform has changed, and its inputs. */
export function effectOf(
  kind: EffectKind,
  text: string,
  values: readonly unknown[],
  { condition = null, call = null }: {
    readonly condition?: NDArray | null;
    readonly call?: EffectParams["call"];
  } = {},
): { readonly inputs: NDArray[]; readonly params: EffectParams } {
  const [leaves, def] = treeFlatten(values);
  const arrays: NDArray[] = [];
  const slots = leaves.map((leaf) =>
    leaf instanceof NDArray ? new Slot(arrays.push(leaf) - 1) : leaf
  );
  const inputs = condition === null ? arrays : [condition, ...arrays];
  const params = {
    kind,
    text,
    call,
    values: { def, leaves: slots },
    guards: 0,
    lanes: [],
    mapped: inputs.map(() => []),
  };
  return { inputs, params };
}

/** Does an effect in the current trace. */
export function doEffect(...args: Parameters<typeof effectOf>): void {
  const { inputs, params } = effectOf(...args);
  bind(primitives[params.kind], inputs, params);
}

const vector = { shape: [3], dtype: "float64" } as const;

function sample(kind: EffectKind): Sample<EffectParams>["params"] {
  return {
    kind,
    text: "",
    call: () => {},
    values: { def: treeFlatten([])[1], leaves: [] },
    guards: 0,
    lanes: [],
    mapped: [[], []],
  };
}

const primitives: Readonly<Record<EffectKind, Primitive<EffectParams>>> = {
  print: /* @__PURE__ */ effect("print", "debug_print", () => [{
    name: "in no lanes",
    inputs: [{ shape: [0, 3], dtype: "float64" }, vector],
    params: { ...sample("print"), lanes: [0], mapped: [[true], [false]] },
    skip: { onnx: "graphs do nothing beside giving results" },
  }]),
  callback: /* @__PURE__ */ effect("callback", "debug_callback", () => [{
    name: "a function that does nothing",
    inputs: [vector, vector],
    params: sample("callback"),
    skip: { onnx: "graphs do nothing beside giving results" },
  }]),
  check: /* @__PURE__ */ effect("check", "check", () => [{
    name: "a condition without elements",
    inputs: [{ shape: [0], dtype: "bool" }, vector],
    params: sample("check"),
  }]),
  nan: /* @__PURE__ */ effect("nan", "nan_check", () => [{
    name: "a condition without elements",
    inputs: [{ shape: [0], dtype: "bool" }, vector],
    params: sample("nan"),
  }]),
};

/** Whether a check fails in some lane in which it is made. */
function fails(inputs: readonly NDArray[], { guards, lanes, mapped }: EffectParams): NDArray {
  if (sizeOf(lanes) === 0) return scalarArray(0, "bool");
  const byLane = (x: NDArray, i: number): NDArray => {
    const axes = mapped[i]!.filter((m) => m).length;
    const rest = x.shape.slice(axes).map((_, k) => axes + k);
    return reshape(reduceAnd(x, rest), lanes.map((n, k) => mapped[i]![k] ? n : 1));
  };
  const ok = byLane(inputs[guards]!, guards);
  const found = inputs.slice(0, guards).map(byLane).reduce((a, b) => and(a, b), not(ok));
  return reduceOr(found, found.shape.map((_, k) => k));
}
