/**
 * Updates put to computed positions in ONNX.
 *
 * @module
 */
import { isFloat, limits, type ShapedArray, sizeOf } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { fromOrdered, toOrdered, viaInt32 } from "../graph/nodes.ts";
import { lowerColumns, lowerInside, lowerMerged, lowerPositions } from "../indexing/places.ts";

/** A value of the graph and its type. */
type Typed = readonly [value: Value, aval: ShapedArray];

/** Numbers from 0 to `n`, in the graph. */
function counting(g: Lowering, n: number): Value {
  return g.node("Range", [0, n, 1].map((v) => g.scalar(v, "int32")));
}

/** `operand` with updates put to it in the way that `how` says. */
export function lowerScatter(
  g: Lowering,
  how: "set" | "mul" | "min" | "max",
  [operand, aval]: Typed,
  [indices, indexAval]: Typed,
  [updates, updateAval]: Typed,
): Value {
  const lengths = aval.shape.slice(0, indexAval.shape.at(-1));
  const size = sizeOf(lengths);
  if (sizeOf(updateAval.shape) === 0 || size === 0) return operand;
  const rows = sizeOf(indexAval.shape.slice(0, -1));
  const block = aval.shape.slice(lengths.length);
  const columns = lowerColumns(g, indices, indexAval);
  const inside = g.reshape(lowerInside(g, columns, lengths), [rows]);
  const place = g.reshape(lowerPositions(g, columns, lengths), [rows]);
  const position = g.where(inside, place, g.scalar(0, "int32"), "int32");
  const places: Places = { size, rows, block, position, inside };
  const flat = lowerMerged(g, operand, aval, lengths);
  const blocks = g.reshape(updates, [rows, ...block]);
  const { dtype } = aval;
  const whole: Record<typeof how, () => Value> = {
    set: () => replaced(g, flat, blocks, places, aval),
    mul: () => {
      // Integers wrap, whichever sign they have.
      const wide = isFloat(dtype) ? dtype : "int32";
      return viaInt32(g, [flat, blocks], dtype, ([x, u]) => {
        const kept = g.where(ofBlocks(g, inside, places), u!, g.scalar(1, wide), wide);
        return combined(g, x!, kept, places, "mul");
      });
    },
    min: () => least(g, flat, blocks, places, aval, "min"),
    max: () => least(g, flat, blocks, places, aval, "max"),
  };
  const out = whole[how]();
  return lengths.length === 1 ? out : g.reshape(out, aval.shape);
}

/** Where updates go: all indexed axes are one. */
interface Places {
  /** How many places there are. */
  readonly size: number;
  /** How many updates there are. */
  readonly rows: number;
  /** The shape of an update. */
  readonly block: readonly number[];
  /** The place of each update, 0 for those out of range. */
  readonly position: Value;
  /** Which updates are in range. */
  readonly inside: Value;
}

/** A mask of updates as one of their elements. */
function ofBlocks(g: Lowering, mask: Value, { rows, block }: Places): Value {
  return g.reshape(mask, [rows, ...block.map(() => 1)]);
}

/** What is there, combined with updates by a kernel. */
function combined(
  g: Lowering,
  x: Value,
  updates: Value,
  { rows, block, position }: Places,
  reduction: "mul" | "min" | "max" | "add",
): Value {
  // Of single elements, ScatterElements is the faster one, and takes int32.
  if (block.length === 0) {
    return g.node("ScatterElements", [x, position, updates], { axis: 0, reduction });
  }
  const at = g.cast(g.reshape(position, [rows, 1]), "int32", "int64");
  return g.node("ScatterND", [x, at, updates], { reduction });
}

/**
 * The last update of each place, and what is there where there is none. Kernels put updates in any order:
 * so the greatest number among the updates of a place is found first, and then that update.
 */
function replaced(
  g: Lowering,
  x: Value,
  updates: Value,
  places: Places,
  { dtype }: ShapedArray,
): Value {
  const { size, rows, block, inside } = places;
  const none = g.scalar(-1, "int32");
  const number = g.where(inside, counting(g, rows), none, "int32");
  const start = g.node("Expand", [none, g.int64([size])]);
  const last = combined(g, start, number, { ...places, block: [] }, "max");
  const found = g.node("GreaterOrEqual", [last, g.scalar(0, "int32")]);
  const from = g.node("Max", [last, g.scalar(0, "int32")]);
  const chosen = g.node("Gather", [updates, from], { axis: 0 });
  return g.where(g.reshape(found, [size, ...block.map(() => 1)]), chosen, x, dtype);
}

/** The least or greatest of what is there and all updates of a place. */
function least(
  g: Lowering,
  x: Value,
  updates: Value,
  places: Places,
  { dtype }: ShapedArray,
  how: "min" | "max",
): Value {
  const mask = ofBlocks(g, places.inside, places);
  if (!isFloat(dtype)) {
    const [base, ordered] = toOrdered(g, x, dtype);
    const [most] = [limits("int32")[how === "max" ? 0 : 1]];
    const kept = g.where(mask, toOrdered(g, updates, dtype)[0], g.scalar(most, ordered), ordered);
    return fromOrdered(g, combined(g, base, kept, places, how), dtype);
  }
  // The kernel may drop NaN, sums do not: they are added up apart, beside what is 0 else.
  const nothing = g.scalar(how === "max" ? -Infinity : Infinity, dtype);
  const zero = g.scalar(0, dtype);
  const number = (v: Value): Value => g.node("Equal", [v, v]);
  const part = (v: Value, otherwise: Value): Value => g.where(number(v), v, otherwise, dtype);
  const found = combined(
    g,
    part(x, nothing),
    g.where(mask, part(updates, nothing), nothing, dtype),
    places,
    how,
  );
  const mark = (v: Value): Value => g.where(number(v), zero, g.scalar(NaN, dtype), dtype);
  const marks = combined(g, mark(x), g.where(mask, mark(updates), zero, dtype), places, "add");
  return g.where(number(marks), found, marks, dtype);
}
