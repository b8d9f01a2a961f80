/**
 * Effects in programs: printing, calling a function of the user's, raising where a condition is false.
 * They give nothing, and are run for what they do (`passes.effect`). What that is, is in `run.ts`.
 *
 * @module
 */
import { NDArray } from "../../core/array.ts";
import { deferUntilReady } from "../../core/concrete.ts";
import { BackendError, InternalError } from "../../core/errors.ts";
import {
  definePrimitive,
  type Eqn,
  ordinary,
  type Primitive,
  type Sample,
  type Var,
} from "../../core/primitive.ts";
import { bind } from "../../core/trace.ts";
import { treeFlatten } from "../../core/tree.ts";
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
    passes: { ...ordinary, mobile: false, effect: true },
    lower() {
      const call = kind === "print" ? "debug.print" : "debug.callback";
      if (kind !== "print" && kind !== "callback") {
        throw new InternalError(`${name}: graphs have no checks; they are outputs by then`);
      }
      throw new BackendError(
        `${call}: an ONNX graph runs as a whole, and nothing can be done in the middle of it. Use ` +
          'jit(f, { backend: "interpreter" }), or return the values and look at them outside',
      );
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
  print: effect("print", "debug_print", () => [{
    name: "in no lanes",
    inputs: [{ shape: [0, 3], dtype: "float64" }, vector],
    params: { ...sample("print"), lanes: [0], mapped: [[true], [false]] },
    skip: { onnx: "graphs do nothing beside giving results" },
  }]),
  callback: effect("callback", "debug_callback", () => [{
    name: "a function that does nothing",
    inputs: [vector, vector],
    params: sample("callback"),
    skip: { onnx: "graphs do nothing beside giving results" },
  }]),
  check: effect("check", "check", () => [{
    name: "a condition without elements",
    inputs: [{ shape: [0], dtype: "bool" }, vector],
    params: sample("check"),
  }]),
  nan: effect("nan", "nan_check", () => [{
    name: "a condition without elements",
    inputs: [{ shape: [0], dtype: "bool" }, vector],
    params: sample("nan"),
  }]),
};

/** What an operation checks; `null` where it is none that raises by a condition. */
export function checksOf(primitive: unknown, params: unknown): EffectParams | null {
  const isCheck = primitive === primitives.check || primitive === primitives.nan;
  return isCheck ? params as EffectParams : null;
}

/** An effect as it is where a further bool without axes is true. */
export function guardedEffect(eqn: Eqn, flag: Var): Eqn {
  if (!(Object.values(primitives) as readonly unknown[]).includes(eqn.primitive)) {
    throw new InternalError(`${eqn.primitive.name} has an effect and no guard`);
  }
  const params = eqn.params as EffectParams;
  return {
    ...eqn,
    inputs: [flag, ...eqn.inputs],
    params: { ...params, guards: params.guards + 1, mapped: [[], ...params.mapped] },
  };
}
