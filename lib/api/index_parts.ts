/**
 * Parts of arrays as indices that were read (`index_plan.ts`) name them: cut out at fixed places, looked up at
 * computed ones, and with the axes of the result in their order.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { type DType, isFloat } from "../core/dtype.ts";
import type { GetOptions, IndexOptions } from "../core/indexing.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { maximum, minimum } from "../primitives/elementwise/arithmetic.ts";
import { and } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { gather } from "../primitives/indexing/gather.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { transpose } from "../primitives/shape/transpose.ts";
import { concatenate, rev } from "../primitives/slicing/concatenate.ts";
import { slice as sliceOf } from "../primitives/slicing/slice.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { type Cut, type Lookup, modeOf, type Plan, planOf, withPositions } from "./index_plan.ts";
import { forBlocks, inside, wrapped } from "./indices.ts";
import { asDType } from "./operands.ts";

/** What is at some indices, for functions of other names. */
export function getFrom(
  op: string,
  x: NDArray,
  indices: readonly unknown[],
  options: GetOptions,
): NDArray {
  const mode = modeOf(op, options);
  const lenient = mode !== undefined || options.fillValue !== undefined;
  return read(x, planOf(op, x, indices, lenient), options);
}

function read(x: NDArray, given: Plan, options: GetOptions): NDArray {
  const plan = withPositions(given);
  const region = cutOut(x, plan);
  const { lookup } = plan;
  if (lookup === null) return arranged(region, plan, 0);
  const { mode = options.fillValue === undefined ? "clip" : "fill", fillValue } = options;
  const places = placesOf(lookup, region.shape, options);
  const source = frontFirst(region, lookup.axes);
  const found = gather(source, places.indices);
  if (mode !== "fill" && mode !== "drop") return arranged(found, plan, lookup.shape.length);
  const fill = fillValue === undefined
    ? scalarLike(fillOf(found.dtype), found)
    : asDType(plan.op, fillValue as Operand, found.dtype, "fillValue");
  const filled = select(forBlocks(places.inside(), found.ndim), found, fill);
  return arranged(filled, plan, lookup.shape.length);
}

/** What JAX gives for an index out of range. */
export function fillOf(dtype: DType): number {
  if (isFloat(dtype)) return NaN;
  return dtype === "int32" ? -2147483648 : dtype === "uint32" ? 4294967295 : 1;
}

// ---------------------------------------------------------------- fixed places

/** Which positions a cut takes, ascending. */
export function ascending({ start, step, count }: Cut): Cut {
  return step > 0 ? { start, step, count } : {
    start: start + step * (count - 1),
    step: -step,
    count,
  };
}

/** The part of an array that fixed indices take, without the axes of single positions. */
export function cutOut(x: NDArray, { cuts, kept }: Plan): NDArray {
  const up = cuts.map(ascending);
  const part = sliceOf(
    x,
    up.map(({ start }) => start),
    up.map(({ start, step, count }) => count === 0 ? start : start + step * (count - 1) + 1),
    up.map(({ step }) => step),
  );
  const turned = rev(part, cuts.flatMap(({ step }, axis) => step < 0 ? [axis] : []));
  return reshape(turned, kept.map((axis) => turned.shape[axis]!));
}

// ---------------------------------------------------------------- computed places

/** Computed positions as gather and the scatters take them. */
export interface Places {
  /** An int32 array of shape `[..., k]`, negative positions counted from the end. */
  readonly indices: NDArray;
  /** Whether all positions of a place are in range. */
  readonly inside: () => NDArray;
  /** The positions moved into range. */
  readonly clamped: () => NDArray;
}

/** The positions of a lookup in an array with the axes that are kept. */
export function placesOf(
  { axes, columns, shape }: Lookup,
  lengths: readonly number[],
  { wrapNegativeIndices = true }: IndexOptions,
): Places {
  const ends = axes.map((axis) => lengths[axis]!);
  const ofStart = columns.map((c, k) => wrapNegativeIndices ? wrapped(c, ends[k]!) : c);
  const stacked = (list: readonly NDArray[]): NDArray => {
    const each = list.map((c) => reshape(broadcastTo(c, shape), [...shape, 1]));
    return each.length === 1 ? each[0]! : concatenate(each, shape.length);
  };
  return {
    indices: stacked(ofStart),
    inside: () => broadcastTo(ofStart.map((c, k) => inside(c, ends[k]!)).reduce(and), shape),
    clamped: () =>
      stacked(ofStart.map((c, k) => {
        const low = maximum(c, scalarLike(0, c));
        return minimum(low, scalarLike(Math.max(0, ends[k]! - 1), c));
      })),
  };
}

/** An array with some axes in front of the others. */
export function frontFirst(x: NDArray, axes: readonly number[]): NDArray {
  return transpose(x, orderOf(axes, x.ndim));
}

/** Axes, and behind them the others. */
export function orderOf(axes: readonly number[], rank: number): number[] {
  const others = Array.from({ length: rank }, (_, k) => k).filter((k) => !axes.includes(k));
  return [...axes, ...others];
}

/** How the result's axes follow each other, of an array with those of positions first. */
export function axesOfResult({ layout, lookup }: Plan, lanes: number): number[] {
  const looked = lookup?.axes ?? [];
  let rest = lanes;
  return layout.flatMap((axis) => {
    if (axis === "new") return [];
    if (axis === "lanes") return Array.from({ length: lanes }, (_, k) => k);
    return looked.includes(axis) ? [] : [rest++];
  });
}

/** The result, from an array with the axes of positions first. */
function arranged(found: NDArray, plan: Plan, lanes: number): NDArray {
  const order = axesOfResult(plan, lanes);
  const turned = transpose(found, order);
  let axis = 0;
  const shape = plan.layout.flatMap((a) => {
    if (a === "new") return [1];
    const n = a === "lanes" ? lanes : 1;
    return turned.shape.slice(axis, axis += n);
  });
  return reshape(turned, shape);
}
