/**
 * Which kernels the targets lack, and what to write instead: the one table of it.
 *
 * The graph builder puts in the stand-in wherever a lowering asks for the operator, so that lowerings
 * are written for ONNX alone. On a GPU a node without a kernel is no error: onnxruntime runs it on the
 * CPU, and waits for the GPU, in each step of a loop, to bring its inputs there and its result back.
 * A stand-in of many nodes costs less. It gives the very results of the operator.
 *
 * What can only be written otherwise by the primitive itself has `null` here, and the primitive asks
 * `lacks`. What a GPU has no kernel of and is not in the table runs on the CPU: bitwise logic of
 * integers, thus random bits; sorting of long axes; loops in branches and in the solution of linear
 * systems.
 *
 * @module
 */
import { type DType, InternalError, sameShape, sizeOf } from "../core/mod.ts";
import type { LowerAttribute, Lowering, OnnxDType, Value } from "../core/lowering.ts";
import { Formula } from "../primitives/mod.ts";
import type { Attribute } from "./model.ts";
import { type OnnxType, typeOfCode } from "./wire.ts";

/** Where a graph is going to run. */
export type Target = Lowering["target"];

/** Attributes of a node, if it has any. */
export type Attributes = Readonly<Record<string, LowerAttribute>> | undefined;

/** Writes what an operator would compute. */
type StandIn = (
  g: Lowering,
  inputs: readonly Value[],
  attributes: Attributes,
  op: string,
  dtype: OnnxDType,
) => Value;

type Lacking = Readonly<
  Record<string, Readonly<Partial<Record<OnnxDType, StandIn | null>>>>
>;

/** The operator on values of another dtype that can hold them; `data` are the inputs to convert. */
function via(other: OnnxDType, data: readonly number[] | "all" = [0]): StandIn {
  return (g, inputs, attributes, op, dtype) => {
    const converted = inputs.map((x, i) =>
      x !== "" && (data === "all" || data.includes(i)) ? g.cast(x, dtype, other) : x
    );
    return g.cast(g.node(op, converted, attributes), other, dtype);
  };
}

/** The operator, which only moves elements, on the upper and the lower half of the bits as floats. */
const inHalves: StandIn = (g, [x, ...rest], attributes, op, dtype) => {
  const half = g.scalar(2 ** 16, "int32");
  const whole = g.cast(x!, dtype, "int32");
  const upper = g.node("Div", [whole, half]);
  const lower = g.node("Sub", [whole, g.node("Mul", [upper, half])]);
  const [high, low] = [upper, lower].map((part) => {
    const moved = g.node(op, [g.cast(part, "int32", "float32"), ...rest], attributes);
    return g.cast(moved, "float32", "int32");
  });
  return g.cast(g.node("Add", [g.node("Mul", [high!, half]), low!]), "int32", dtype);
};

/** Whether values are known to have one shape, or all but one of them a single element. */
function alike(g: Lowering, inputs: readonly Value[]): boolean {
  const shapes = inputs.map((x) => g.shapeOf(x));
  const known = shapes.filter((shape) => shape !== undefined);
  const many = known.filter((shape) => sizeOf(shape) !== 1);
  return known.length === shapes.length && many.every((shape) => sameShape(shape, many[0]!));
}

/** Values that are spread to the shape of all of them, each by a choice between it and itself. */
function spread(g: Lowering, [x, y]: readonly Value[], dtype: OnnxDType): [Value, Value] {
  const to = (a: Value, b: Value): Value => g.where(g.node("Equal", [b, b]), a, a, dtype);
  return [to(x!, y!), to(y!, x!)];
}

/** The kernel takes four bools for one element, and those of another place where shapes differ. */
const and: StandIn = (g, inputs, _, op, dtype) =>
  alike(g, inputs)
    ? g.nodes(op, inputs, 1)[0]!
    : g.cast(g.node("Mul", inputs.map((x) => g.cast(x, dtype, "int32"))), "int32", dtype);

/**
 * Powers of numbers. There is no shader for shapes that differ, but for single elements without axes, and the
 * kernel makes 0 of 0 to a negative power and, here or there, of NaN; and NaN of 1 to the power NaN and of 1 or -1
 * to an infinite one.
 */
const power: StandIn = (g, inputs, _, op, dtype) => {
  const [a, b] = inputs.map((x) => g.shapeOf(x));
  const plain = a?.length === 0 || b?.length === 0 || a && b && sameShape(a, b);
  const [x, y] = plain ? inputs : spread(g, inputs, dtype);
  const f = new Formula(g, dtype as DType);
  const raw = g.nodes(op, [x!, y!], 1)[0]!;
  const isZero = f.equal(x!, 0);
  const found = f.where(f.equal(x!, x!), raw, NaN);
  const exponent = g.elementsOf(inputs[1]!);
  if (exponent?.every((e) => e > 0)) return found;
  if (exponent?.every((e) => e < 0)) return f.where(isZero, Infinity, found);
  const isPole = g.node("And", [isZero, f.less(y!, 0)]);
  const isUnit = g.node("And", [f.equal(f.op("Abs", x!), 1), f.equal(f.op("Abs", y!), Infinity)]);
  const ofNumber = f.where(isUnit, 1, f.where(isPole, Infinity, found));
  const ofNaN = f.where(f.equal(x!, 1), 1, NaN);
  return f.where(f.equal(y!, 0), 1, f.where(f.equal(y!, y!), ofNumber, ofNaN));
};

const or: StandIn = (g, inputs) => {
  const [a, b] = inputs.map((x) => g.node("Not", [x]));
  return g.node("Not", [g.node("And", [a!, b!])]);
};

const xor: StandIn = (g, inputs) => g.node("Not", [g.node("Equal", inputs)]);

/** Comparison by value; what is compared becomes int32, the result is bool. */
const equalBools: StandIn = (g, inputs) =>
  g.node("Equal", inputs.map((x) => g.cast(x, "bool", "int32")));

const whereByLogic: StandIn = (g, [condition, a, b]) => {
  const first = g.node("And", [condition!, a!]);
  return g.node("Or", [first, g.node("And", [g.node("Not", [condition!]), b!])]);
};

const negate: StandIn = (g, [x], _, __, dtype) => g.node("Sub", [g.scalar(0, dtype), x!]);

/** All bits flipped: -1 - x, which is 2^32 - 1 - x for unsigned numbers. */
const flipBits: StandIn = (g, [x], _, __, dtype) =>
  g.node("Sub", [g.scalar(dtype === "uint32" ? 2 ** 32 - 1 : -1, dtype), x!]);

const absolute: StandIn = (g, [x], _, __, dtype) =>
  g.node("Max", [x!, g.node("Sub", [g.scalar(0, dtype), x!])]);

/** Shifts are products and quotients of powers of two; by 32 places or more nothing is left. */
const shift: StandIn = (g, [x, y], attributes, _, dtype) => {
  const powers = Array.from({ length: 32 }, (_, i) => 2 ** i);
  const tooFar = g.node("Greater", [y!, g.scalar(31, dtype)]);
  const places = g.cast(g.where(tooFar, g.scalar(0, dtype), y!, dtype), dtype, "int32");
  const power = g.node("Gather", [g.constant(powers, [32], dtype), places], { axis: 0 });
  const op = attributes!.direction === "LEFT" ? "Mul" : "Div";
  return g.where(tooFar, g.scalar(0, dtype), g.node(op, [x!, power]), dtype);
};

/** The nearest integers, halves to the even one. What is beyond 2^23 is one. */
const round: StandIn = (g, [x], _, __, dtype) => {
  const f = new Formula(g, dtype as DType);
  const floor = f.op("Floor", x!);
  const part = f.sub(x!, floor);
  const odd = f.less(f.op("Floor", f.mul(floor, 0.5)), f.mul(floor, 0.5));
  const up = g.node("Or", [f.less(0.5, part), g.node("And", [f.equal(part, 0.5), odd])]);
  return keepSignOfZero(f, f.where(up, f.add(floor, 1), floor), x!);
};

/** The value, a zero with the sign of `x`. */
function keepSignOfZero(f: Formula, value: Value, x: Value): Value {
  return f.where(f.equal(value, 0), f.mul(x, 0), value);
}

/** The remainder with the sign of the dividend; for integers by a divisor other than 0. */
const remainder: StandIn = (g, [x, y], attributes, _, dtype) => {
  if (attributes?.fmod !== 1) throw new InternalError("lowering: Mod is used with fmod alone");
  if (dtype !== "float32") {
    const quotient = g.node("Div", [x!, y!]);
    return g.node("Sub", [x!, g.node("Mul", [quotient, y!])]);
  }
  const f = new Formula(g, dtype);
  // x - q y without rounding, q the quotient's whole part, which may be off by one.
  const ratio = f.div(x!, y!);
  const scale = f.where(f.less(f.op("Abs", x!), 2 ** 100), 1, 2 ** -40);
  const [dividend, divisor] = [f.mul(x!, scale), f.mul(y!, scale)];
  const q = f.where(f.less(ratio, 0), f.op("Ceil", ratio), f.op("Floor", ratio));
  const [qHigh, qLow] = split(f, q), [yHigh, yLow] = split(f, divisor);
  let r: Value = dividend;
  for (const [a, b] of [[qHigh, yHigh], [qHigh, yLow], [qLow, yHigh], [qLow, yLow]]) {
    r = f.sub(r, f.mul(a!, b!));
  }
  // Towards the side of the dividend, and below the divisor.
  const size = f.op("Abs", divisor);
  const turned = f.where(f.less(dividend, 0), f.op("Neg", r), r);
  const low = f.where(f.less(turned, 0), f.add(turned, size), turned);
  const within = f.where(f.less(low, size), low, f.sub(low, size));
  const back = f.div(f.where(f.less(dividend, 0), f.op("Neg", within), within), scale);
  // Of quotients beyond 2^24 not one digit of the remainder is known; 0 is as near as any other. Where
  // x is infinite or y is 0, it is NaN.
  const far = f.less(2 ** 24, f.op("Abs", ratio));
  const unknown = f.mul(f.mul(x!, 0), f.div(y!, y!));
  const found = f.where(far, unknown, keepSignOfZero(f, back, x!));
  return f.where(f.less(f.op("Abs", x!), f.op("Abs", y!)), x!, found);
};

/** T. J. Dekker: a float as a sum of two with half of the digits each. */
function split(f: Formula, x: Value): [Value, Value] {
  const c = f.mul(x, 2 ** 12 + 1);
  const high = f.sub(c, f.sub(c, x));
  return [high, f.sub(x, high)];
}

/** On the CPU: no choice between bools, or between uint32; casts between integers keep the bits. */
const cpu: Lacking = {
  Where: { bool: whereByLogic, uint32: via("int32", [1, 2]) },
};

/** onnxruntime-web 1.30's WebGPU execution provider. */
const webgpu: Lacking = {
  Abs: { int32: absolute },
  // So positions that are int64, as for ScatterND, cannot be computed.
  Add: { int64: null },
  And: { bool: and },
  // Their result is int64, for which there is not even a Cast.
  ArgMax: { float32: null, int32: null },
  ArgMin: { float32: null, int32: null },
  BitShift: { uint32: shift },
  BitwiseAnd: { int32: null, uint32: null },
  BitwiseNot: { int32: flipBits, uint32: flipBits },
  Concat: { bool: via("int32", "all") },
  Equal: { bool: equalBools },
  GatherElements: { bool: via("float32"), int32: inHalves, uint32: inHalves },
  GatherND: { bool: via("int32") },
  MatMul: { int32: null, uint32: null },
  Mod: { float32: remainder, int32: remainder, uint32: remainder },
  Neg: { int32: negate },
  Or: { bool: or },
  Pad: { bool: via("int32", [0, 2]) },
  Pow: { float32: power },
  ReduceMax: { bool: via("int32") },
  ReduceMin: { bool: via("int32") },
  Round: { float32: round },
  ScatterND: { bool: via("int32", [0, 2]) },
  ScatterElements: { bool: via("int32", [0, 2]) },
  Slice: { bool: via("float32"), int32: inHalves, uint32: inHalves },
  Tile: { bool: via("int32") },
  // Its positions are int64.
  TopK: { float32: null, int32: null, uint32: null, bool: null },
  Transpose: { bool: via("int32") },
  // The kernel for bool is wrong where shapes differ.
  Where: { bool: via("int32", [1, 2]) },
  Xor: { bool: xor },
};

const tables: Readonly<Record<Target, Lacking>> = { onnx: cpu, portable: cpu, webgpu };

/** Which input's dtype chooses the kernel. */
export function decidingInput(op: string): number {
  return op === "Where" ? 1 : 0;
}

/** Whether a target lacks the kernel of an operator for a dtype. */
export function lacks(target: Target, op: string, dtype: OnnxDType): boolean {
  return tables[target][op]?.[dtype] !== undefined;
}

/** What to write in place of an operator; undefined where the operator itself will do. */
export function standIn(
  target: Target,
  op: string,
  dtype: OnnxDType | undefined,
): StandIn | undefined {
  if (dtype === undefined) return undefined;
  return tables[target][op]?.[dtype] ?? undefined;
}

// ---------------------------------------------------------------- types of results

const GIVE_BOOL: ReadonlySet<string> = new Set([
  "And",
  "Equal",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
  "Not",
  "Or",
  "Xor",
]);

/** The dtypes of a node's results, undefined where they are not known. */
export function resultTypes(
  op: string,
  inputs: readonly (OnnxType | undefined)[],
  count: number,
  attributes: Readonly<Record<string, Attribute>> | undefined,
): readonly (OnnxType | undefined)[] {
  if (GIVE_BOOL.has(op)) return ["bool"];
  switch (op) {
    case "ArgMax":
    case "ArgMin":
      return ["int64"];
    case "Cast": {
      const to = attributes!.to!;
      return ["int" in to ? typeOfCode.get(Number(to.int)) : undefined];
    }
    case "TopK":
      return [inputs[0], "int64"];
    case "If":
    case "Loop":
    case "Scan": {
      const body = attributes!.then_branch ?? attributes!.body!;
      if (!("graph" in body)) return [];
      // A loop's first result is its condition, which it keeps.
      return body.graph.outputs.slice(op === "Loop" ? 1 : 0).map(({ type }) => type);
    }
    default:
      return new Array(count).fill(inputs[decidingInput(op)]);
  }
}
