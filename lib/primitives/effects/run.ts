/**
 * What effects are, as plain descriptions, and how one is run: the one place that prints, calls and
 * raises, for the interpreter and for every backend that can run effects in the middle of a program.
 *
 * @module
 */
import { NDArray } from "../../core/array.ts";
import { shaped, sizeOf } from "../../core/aval.ts";
import { ConcreteArray } from "../../core/concrete.ts";
import { formatElements } from "../../core/display.ts";
import { CheckError, NanError } from "../../core/effect_errors.ts";
import { evalTrace, withTrace } from "../../core/trace.ts";
import { type TreeDef, treeUnflatten } from "../../core/tree.ts";

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
      console.log(filled(text, valuesOf(params, inputs)));
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
      const message = filled(text, values) + where;
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
export function filled(text: string, values: readonly unknown[]): string {
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
