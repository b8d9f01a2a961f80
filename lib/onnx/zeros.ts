/**
 * Which values of a graph are never -0, as far as their nodes tell. onnxruntime's Where (1.30, and the
 * same in native builds) adds up two halves, in which a -0 chosen from its first branch becomes 0: the
 * builder gives it a branch that has none, and pays for more nodes only where neither is such.
 *
 * Choices between floats on the CPU that keep the sign of zeros: by a condition, and of the larger or
 * the smaller. onnxruntime's Where loses a -0 of its
 * first branch (`zeros.ts`), so a choice is the first of these that is right:
 *
 * - one Where, where the first branch has no -0
 * - one Where with the branches swapped, where the second has none
 * - a Gather of rows from both branches together, where the condition chooses rows and not elements:
 *   in loops whose lanes stop one by one, and where one condition is for a whole array
 * - a product of two, each with 1 in the place of the other branch
 *
 * Measured in onnxruntime-web 1.30, in microseconds:
 *
 * | condition | arrays   | one Where | rows | product |
 * | --------- | -------- | --------- | ---- | ------- |
 * | []        | [512]    |       1.4 |  1.8 |     3.7 |
 * | [2, 1]    | [2, 512] |       1.7 |  1.4 |     3.9 |
 * | [32, 1]   | [32, 32] |       3.1 |  2.0 |     8.2 |
 * | [8]       | [8]      |       1.0 |  1.2 |     2.5 |
 * | [64]      | [64]     |       1.1 |  3.2 |     2.9 |
 *
 * @module
 */
import { sameShape, type ShapedArray, sizeOf } from "../core/mod.ts";
import type { Lowering, OnnxDType, Value } from "../core/lowering.ts";
import { onnxTypeCode } from "./wire.ts";

/** Whether an input of a node, by its position, is known to be such. */
type Known = (input: number) => boolean;
/** Whether the result of a node is, given which of its inputs are. Others may be. */
type Rules = Readonly<Record<string, (known: Known, inputs: readonly Value[]) => boolean>>;

const always = (): boolean => true;
const asFirst = (known: Known): boolean => known(0);
const both = (known: Known): boolean => known(0) && known(1);

/** What moves elements, and adds none. */
const moving: Rules = {
  Identity: asFirst,
  Reshape: asFirst,
  Transpose: asFirst,
  Expand: asFirst,
  Slice: asFirst,
  Gather: asFirst,
  Concat: (known, inputs) => inputs.every((_, i) => known(i)),
};

/** Of which operators the result has no sign: neither -0 nor any negative number. */
const unsigned: Rules = {
  ...moving,
  Abs: always,
  Exp: always,
  Add: both,
  Mul: (known, [x, y]) => x === y || both(known),
  Div: both,
  Max: both,
  Min: both,
  ReduceSum: asFirst,
  ReduceSumSquare: always,
};

/** Of which operators the result is never -0, beside those of which it has no sign. */
const neverMinusZero: Rules = {
  ...moving,
  Cos: always,
  Log: always,
  // A sum is -0 only where both are, a difference where the first is.
  Add: (known) => known(0) || known(1),
  Sub: asFirst,
  Max: both,
  Min: both,
  // Of the first branch, -0 is lost.
  Where: (known) => known(2),
};

/** Keeps account of values that are never -0. */
export class Zeros {
  readonly #never = new Set<Value>();
  readonly #unsigned = new Set<Value>();
  /** Constants without zeros. */
  readonly #none = new Set<Value>();
  /** For conditions such as `x > 0`: the value that is not 0 where they hold. */
  readonly #guarded = new Map<Value, Value>();
  /** What is negated, in arithmetic or logic, to give a value. */
  readonly #negated = new Map<Value, Value>();

  /** `rankOf` gives the number of axes of a value, where it is known. */
  constructor(readonly rankOf: (value: Value) => number | undefined) {}

  /** Whether a value is known not to be -0 where a condition holds. */
  neverWhere(condition: Value, value: Value): boolean {
    if (this.#never.has(value)) return true;
    const guarded = this.#guarded.get(condition);
    return guarded !== undefined && (guarded === value || guarded === this.#negated.get(value));
  }

  /** What a node Neg or Not gave a value of. */
  negated(value: Value): Value | undefined {
    return this.#negated.get(value);
  }

  /** Whether a value is known never to be -0. */
  never(value: Value): boolean {
    return this.#never.has(value);
  }

  /** Whether a value is known to have no sign: neither -0 nor a negative number is in it. */
  unsigned(value: Value): boolean {
    return this.#unsigned.has(value);
  }

  /** Whether a value is known to have no zeros in it. */
  none(value: Value): boolean {
    return this.#none.has(value);
  }

  /** Notes a constant. */
  constant(value: Value, elements: ArrayLike<number | bigint>): void {
    let isUnsigned = true, hasZeros = false;
    for (let i = 0; i < elements.length; i++) {
      const x = elements[i]!;
      if (Object.is(x, -0)) return;
      if (x < 0) isUnsigned = false;
      if (x === 0) hasZeros = true;
    }
    if (!hasZeros) this.#none.add(value);
    this.#never.add(value);
    if (isUnsigned) this.#unsigned.add(value);
  }

  /** Notes a value that was an integer or a bool. */
  whole(value: Value): void {
    this.#never.add(value);
  }

  /** Notes the result of a node. */
  node(op: string, inputs: readonly Value[], output: Value): void {
    const [x, y] = inputs as [Value, Value];
    if (op === "Neg" || op === "Not") this.#negated.set(output, x);
    else if (op === "Greater" && this.#unsigned.has(y)) this.#guarded.set(output, x);
    else if (op === "Less" && this.#unsigned.has(x)) this.#guarded.set(output, y);
    else if (this.#isUnsigned(op, inputs)) {
      this.#unsigned.add(output);
      this.#never.add(output);
    } else if (neverMinusZero[op]?.((i) => this.#never.has(inputs[i]!), inputs)) {
      this.#never.add(output);
    }
  }

  #isUnsigned(op: string, inputs: readonly Value[]): boolean {
    const [x, y] = inputs as [Value, Value];
    // The square root of -0 is -0, that of other negative numbers is NaN.
    if (op === "Sqrt") return this.#never.has(x);
    // The product of a vector with itself adds up squares.
    if (op === "MatMul" && x === y) return this.rankOf(x) === 1;
    return unsigned[op]?.((i) => this.#unsigned.has(inputs[i]!), inputs) ?? false;
  }
}

/** What a choice is made with. */
export interface ChoiceContext {
  /** The graph. */
  readonly g: Lowering;
  /** What is known of zeros in it. */
  readonly zeros: Zeros;
  /** Shape of a value, where it is known. */
  readonly shapeOf: (value: Value) => readonly number[] | undefined;
}

/** As Where, with the sign of zeros. */
export function chooseFloats(
  context: ChoiceContext,
  condition: Value,
  a: Value,
  b: Value,
  dtype: OnnxDType,
): Value {
  const { g, zeros } = context;
  for (let c = zeros.negated(condition); c !== undefined; c = zeros.negated(c)) {
    [condition, a, b] = [c, b, a];
  }
  if (zeros.neverWhere(condition, a)) return g.node("Where", [condition, a, b]);
  // Conditions are not negated by Not: onnxruntime would drop it and swap the branches.
  const otherwise = (): Value => g.node("Xor", [condition, g.scalar(1, "bool")]);
  if (zeros.never(b)) return g.node("Where", [otherwise(), b, a]);
  const rows = chooseRows(context, condition, a, b);
  if (rows !== null) return rows;
  const one = g.scalar(1, dtype);
  const first = g.node("Where", [otherwise(), one, a]);
  return g.node("Mul", [first, g.node("Where", [condition, one, b])]);
}

/**
 * A choice of rows, by their positions in the one branch behind the other; null where the condition is
 * not for rows of two arrays of one shape, or there are too many.
 */
function chooseRows(
  { g, shapeOf }: ChoiceContext,
  condition: Value,
  a: Value,
  b: Value,
): Value | null {
  const [mask, shape, other] = [condition, a, b].map(shapeOf);
  if (!mask || !shape || !other || !sameShape(shape, other)) return null;
  if (shape.length === 0 || sizeOf(shape) === 0) return null;
  // Files may leave lengths open, and these would be among the numbers of rows.
  if (shape.some((n) => g.isOpen(n))) return null;
  const rank = mask.findLastIndex((n) => n !== 1) + 1;
  const lanes = mask.slice(0, rank);
  const isRows = rank === 0 ? mask.length <= shape.length : mask.length === shape.length;
  if (!isRows || !sameShape(lanes, shape.slice(0, rank))) return null;
  const count = sizeOf(lanes);
  const row = shape.slice(rank);
  if (count > (sizeOf(row) === 1 ? MOST_ELEMENTS : MOST_ROWS)) return null;
  const both = g.node("Concat", [b, a], { axis: 0 });
  const table = rank === 1 ? both : g.reshape(both, [2 * count, ...row]);
  return g.node("Gather", [table, positions(g, g.reshape(condition, lanes), lanes)], { axis: 0 });
}

/** For each lane its row in the second branch, or that in the first behind it where it is chosen. */
function positions(g: Lowering, chosen: Value, lanes: readonly number[]): Value {
  const count = sizeOf(lanes);
  if (count === 1) return g.node("Cast", [chosen], { to: onnxTypeCode.int64 });
  const from = (first: number): Value =>
    g.constant(Array.from({ length: count }, (_, i) => first + i), lanes, "int64");
  return g.node("Where", [chosen, from(count), from(0)]);
}

/** A row of one element takes about as long as a longer one, 15 ns. */
const MOST_ELEMENTS = 32;
/** Each has two positions of 8 bytes among the constants. */
const MOST_ROWS = 4096;

// ---------------------------------------------------------------- the larger, the smaller

/**
 * The larger or smaller of two values, elementwise. Of 0 and -0 the kernels give either, by the shapes
 * that they meet, but of two arrays of one shape the one that comes first, or the one that comes second.
 * So the other is what they give of both in the other order, and a sum has the sign of both. What is
 * added is too small to count where there is no zero.
 */
export function extremumOfFloats(
  { g, zeros, shapeOf }: ChoiceContext,
  op: "Max" | "Min",
  x: Value,
  y: Value,
  { dtype, shape }: ShapedArray,
): Value {
  const plain = g.node(op, [x, y]);
  if (zeros.none(x) || zeros.none(y) || (zeros.never(x) && zeros.never(y))) return plain;
  if (op === "Max" && (zeros.unsigned(x) || zeros.unsigned(y))) {
    return g.node("Add", [plain, g.scalar(0, dtype)]);
  }
  const zero = g.scalar(0, dtype);
  if (x === zero || y === zero) {
    const other = x === zero ? y : x;
    return g.node("Where", [g.node("Less", [zero, other]), zero, other]);
  }
  if (g.target === "webgpu") return plain; // On a GPU signs of zeros are not to be relied on.
  const [a, b] = [x, y].map((value) => {
    const own = shapeOf(value);
    return own && sameShape(own, shape) ? value : g.node("Expand", [value, g.int64(shape)]);
  });
  const [one, other] = [g.node(op, [a!, b!]), g.node(op, [b!, a!])];
  const share = (sign: 1 | -1): Value => g.node("Mul", [other, g.scalar(sign * SHARE, dtype)]);
  if (op === "Max") return g.node("Add", [one, share(1)]);
  // The smaller is the larger of the negated, negated: of -0 and anything 0, -0.
  return g.node("Neg", [g.node("Sub", [share(-1), one])]);
}

/** Of a number, in either precision, what does not change it when added. */
const SHARE = 2 ** -100;
