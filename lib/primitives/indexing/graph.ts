/**
 * Blocks at computed places in ONNX: where they begin, and what is put in their place.
 *
 * @module
 */
import type { ShapedArray } from "../../core/aval.ts";
import type { Lowering, Value } from "../../core/lowering.ts";

/** Starts along some axes as one int64 vector, clamped; a `null` start is 0. */
export function startsIn(
  g: Lowering,
  starts: readonly (Value | null)[],
  limits: readonly number[],
): Value {
  const parts = starts.map((s) => s === null ? g.constant([0], [1], "int32") : g.reshape(s, [1]));
  const joined = parts.length === 1 ? parts[0]! : g.node("Concat", parts, { axis: 0 });
  const low = g.node("Max", [joined, g.scalar(0, "int32")]);
  const clamped = g.node("Min", [low, g.constant(limits, [limits.length], "int32")]);
  return g.cast(clamped, "int32", "int64");
}

/** An int32 start, moved to 0 to `limit`. */
export function within(g: Lowering, start: Value, limit: number): Value {
  const low = g.node("Max", [start, g.scalar(0, "int32")]);
  return g.node("Min", [low, g.scalar(limit, "int32")]);
}

/**
 * The update in place of a block, without positions in int64: the update spread over all of `x`, its
 * outer elements repeated, and a choice between both.
 */
export function overlaidIn(
  g: Lowering,
  x: Value,
  update: Value,
  starts: readonly Value[],
  { shape, dtype }: ShapedArray,
  sizes: readonly number[],
  axes: readonly number[],
): Value {
  let spread = update;
  let inside: Value | null = null;
  for (const axis of axes) {
    const n = shape[axis]!;
    const size = sizes[axis]!;
    const start = within(g, starts[axis]!, n - size);
    const positions = g.constant(Array.from({ length: n }, (_, i) => i), [n], "int32");
    const at = g.node("Sub", [positions, start]);
    spread = g.node("Gather", [spread, within(g, at, size - 1)], { axis });
    const here = g.node("Equal", [at, within(g, at, size - 1)]);
    const along = g.reshape(here, shape.slice(axis).map((_, i) => i === 0 ? n : 1));
    inside = inside === null ? along : g.node("And", [inside, along]);
  }
  return g.where(inside!, spread, x, dtype);
}

/**
 * The update in place of a block, without listing positions: along the first axis that is cut, what
 * lies before it, the block with the update put in along the other axes, and what lies behind.
 */
export function insertedIn(
  g: Lowering,
  x: Value,
  update: Value,
  starts: readonly Value[],
  shape: readonly number[],
  sizes: readonly number[],
  [axis, ...others]: readonly number[],
): Value {
  if (axis === undefined) return update;
  const n = sizes[axis]!;
  const at = g.int64([axis]);
  const first = startsIn(g, [starts[axis]!], [shape[axis]! - n]);
  const end = g.node("Add", [first, g.int64([n])]);
  const block = others.length === 0 ? x : g.node("Slice", [x, first, end, at]);
  const inner = insertedIn(g, block, update, starts, shape.with(axis, n), sizes, others);
  const before = g.node("Slice", [x, g.int64([0]), first, at]);
  const behind = g.node("Slice", [x, end, g.int64([shape[axis]!]), at]);
  return g.node("Concat", [before, inner, behind], { axis });
}
