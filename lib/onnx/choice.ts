/**
 * Choices between floats on the CPU that keep the sign of zeros. onnxruntime's Where loses a -0 of its
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
import { sameShape, sizeOf } from "../core/aval.ts";
import type { Lowering, OnnxDType, Value } from "../core/lowering.ts";
import { onnxTypeCode } from "./wire.ts";
import type { Zeros } from "./zeros.ts";

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
