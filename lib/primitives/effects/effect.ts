/**
 * Effects in programs: printing, calling a function of the user's, raising where a condition is false.
 * They give nothing, and are run for what they do (`passes.effect`).
 *
 * What effects are, as plain descriptions, and how one is run: the one place that prints, calls and
 * raises, for the interpreter and for every backend that can run effects in the middle of a program.
 *
 * @module
 */
import {
  BackendError,
  bind,
  CheckError,
  ConcreteArray,
  deferUntilReady,
  definePrimitive,
  evalTrace,
  formatElements,
  InternalError,
  NanError,
  NDArray,
  ordinary,
  type Primitive,
  type Sample,
  scalarArray,
  shaped,
  sizeOf,
  type TreeDef,
  treeFlatten,
  treeUnflatten,
  withTrace,
} from "../../core/mod.ts";
import { and, not } from "../elementwise/compare.ts";
import { reduceAnd, reduceOr } from "../reduce/extremes.ts";
import { moveAxis, reshape } from "../shape/shape.ts";

/** What an effect does: prints, calls a function, raises where a condition is false, or for a NaN. */
export type EffectKind = "print" | "callback" | "check" | "nan";

/** The place of an array among the values of an effect. */
export class Slot {
  /** `index` counts the arrays. */
  constructor(readonly index: number) {}
}

/** Values of a user's, in which slots stand for the arrays. */
export interface Template {
  /** Structure of the list of values. */
  readonly def: TreeDef;
  /** Its leaves. */
  readonly leaves: readonly unknown[];
}

/**
 * An effect. Its inputs are `guards` bools, of a `"check"` or `"nan"` the condition, and the arrays of
 * `values`.
 */
export interface EffectParams {
  /** What it does. */
  readonly kind: EffectKind;
  /** Text with `{}` for each value: what is printed, or the message of the error. */
  readonly text: string;
  /** The function that a `"callback"` calls. */
  readonly call: ((...values: never[]) => unknown) | null;
  /** What is printed, given to the function or put into the message. */
  readonly values: Template;
  /** Number of first inputs that are bools without axes; nothing is done where one is false. */
  readonly guards: number;
  /** Lengths of the axes along which it is mapped, the outermost first: it is done once for each lane. */
  readonly lanes: readonly number[];
  /** For each input, which of these axes it has; they are its first. */
  readonly mapped: readonly (readonly boolean[])[];
}

/**
 * Does what an effect does, lane after lane. The arrays must be readable and are kept by nobody who
 * writes to them.
 *
 * @throws {CheckError} where it is a check whose condition is false in some lane, for the first such.
 * @throws {NanError} likewise.
 * @throws what the function of a callback throws.
 */
export function runEffect(params: EffectParams, inputs: readonly ConcreteArray[]): void {
  const { lanes } = params;
  const count = sizeOf(lanes);
  for (let n = 0; n < count; n++) {
    const lane = lanes.map((length, k) => Math.floor(n / sizeOf(lanes.slice(k + 1))) % length);
    const own = inputs.map((x, i) => inLane(x, params.mapped[i]!, lanes, lane));
    if (own.slice(0, params.guards).some((x) => x.values[0] === 0)) continue;
    runOne(params, own.slice(params.guards), lane);
  }
}

/** What of an input is one lane's. */
export function inLane(
  x: ConcreteArray,
  mapped: readonly boolean[],
  lanes: readonly number[],
  lane: readonly number[],
): ConcreteArray {
  const axes = mapped.filter((m) => m).length;
  if (axes === 0) return x;
  const shape = x.aval.shape.slice(axes);
  const size = sizeOf(shape);
  const index = lane.reduce((at, i, k) => mapped[k] ? at * lanes[k]! + i : at, 0);
  const values = x.values.slice(index * size, (index + 1) * size);
  return ConcreteArray.fromHost(shaped(shape, x.dtype), values);
}

function runOne(
  params: EffectParams,
  inputs: readonly ConcreteArray[],
  lane: readonly number[],
): void {
  const { kind, text, call } = params;
  switch (kind) {
    case "print":
      console.log(withValues(text, valuesOf(params, inputs)));
      return;
    case "callback":
      // It may compute, and call jitted functions: outside of whatever is being run.
      withTrace(evalTrace, () => call!(...valuesOf(params, inputs) as never[]));
      return;
    case "check":
    case "nan": {
      const [ok, ...rest] = inputs;
      const at = ok!.values.indexOf(0);
      if (at < 0) return;
      const values = valuesOf(params, rest);
      const where = params.lanes.length === 0
        ? ""
        : ` (in lane ${lane.join(", ")} of ${params.lanes.join(" x ")})`;
      const message = withValues(text, values) + where;
      if (kind === "nan") throw new NanError(message, { lane });
      throw new CheckError(message, { lane, values });
    }
  }
}

/** The user's values, with the arrays in their places. */
function valuesOf({ values: { def, leaves } }: EffectParams, arrays: readonly ConcreteArray[]) {
  const full = leaves.map((leaf) => leaf instanceof Slot ? arrays[leaf.index]! : leaf);
  return treeUnflatten(def, full) as readonly unknown[];
}

/** A text with values in place of `{}`. */
export function withValues(text: string, values: readonly unknown[]): string {
  let next = 0;
  return text.replaceAll("{}", () => shownValue(values[next++]));
}

/** Number of values that a text has places for. */
export function placesIn(text: string): number {
  return text.split("{}").length - 1;
}

/** A value in a text: arrays by their elements alone, trees by their leaves. */
function shownValue(value: unknown): string {
  if (value instanceof NDArray) {
    const { values, aval } = value as ConcreteArray;
    return formatElements(values, aval) ?? String(value);
  }
  if (Array.isArray(value)) return `[${value.map(shownValue).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const proto = Object.getPrototypeOf(value);
    if (proto !== Object.prototype && proto !== null) return String(value);
    return `{${Object.entries(value).map(([k, v]) => `${k}: ${shownValue(v)}`).join(", ")}}`;
  }
  return String(value);
}

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
