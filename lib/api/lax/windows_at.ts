/**
 * Windows of an array at computed places, as gather and scatter of `jax.lax` describe them: what their
 * dimension numbers mean for the primitives, which look up leading axes by one position each.
 *
 * @module
 */
import {
  AxisError,
  describeValue,
  expectInteger,
  formatShape,
  type IndexMode,
  type NDArray,
  ShapeError,
} from "../../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  concatenate,
  full,
  ge,
  iota,
  le,
  maximum,
  minimum,
  reshape,
  scalarLike,
  select,
  slice,
} from "../../primitives/mod.ts";

/** Which axes of an array the windows at computed places have, and where they come from. */
export interface WindowNumbers {
  /** Axes of the array that windows do not have: their windows have length 1. */
  readonly dropped: readonly number[];
  /** Axes of the array that go along with axes of the indices. */
  readonly batching: readonly number[];
  /** Those axes of the indices. */
  readonly indicesBatching: readonly number[];
  /** The axis of the array for each number of an index. */
  readonly map: readonly number[];
  /** Where the axes of windows are among those of the result, or of the updates. */
  readonly windowDims: readonly number[];
}

/** Windows of an array, understood. */
export interface Windows {
  /** The order of the array's axes in which those that are looked up come first. */
  readonly order: readonly number[];
  /** Positions for the primitives, `[...places, ...windows, k]`, those out of range as the mode says. */
  readonly indices: NDArray;
  /** Whether a window lies within the array, for each place. */
  readonly inside: NDArray | null;
  /** How the axes of what is picked, `[...places, ...windows, ...others]`, are those of the result. */
  readonly result: readonly number[];
}

/** A list of different axes from 0 below `rank`. */
export function expectDims(
  op: string,
  list: unknown,
  name: string,
  rank: number,
  ascending: boolean,
): readonly number[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) {
    throw new TypeError(`${op}: ${name} must be a list of axes, not ${describeValue(list)}`);
  }
  list.forEach((axis, i) => {
    expectInteger(op, axis, `${name}[${i}]`, 0);
    if (axis >= rank) {
      throw new AxisError(`${op}: ${name} ${formatShape(list)} must be axes from 0 to ${rank - 1}`);
    }
    if (list.indexOf(axis) !== i || (ascending && i > 0 && axis < list[i - 1])) {
      throw new AxisError(
        `${op}: ${name} ${formatShape(list)} must ${ascending ? "ascend" : "be different axes"}`,
      );
    }
  });
  return list;
}

/**
 * What windows of `sizes` are for the primitives.
 *
 * @param starts The positions of windows, with the numbers of a place along the last axis.
 */
export function windowsAt(
  op: string,
  shape: readonly number[],
  starts: NDArray,
  sizes: readonly number[],
  numbers: WindowNumbers,
  mode: IndexMode,
): Windows {
  const { dropped, batching, indicesBatching, map, windowDims } = numbers;
  const places = starts.shape.slice(0, -1);
  if (starts.shape.at(-1) !== map.length) {
    throw new ShapeError(
      `${op}: the last axis of the indices, of shape ${
        formatShape(starts.shape)
      }, must have a number for each of the ${map.length} axes ${formatShape(map)}`,
    );
  }
  batching.forEach((axis, i) => {
    const [n, m] = [shape[axis]!, places[indicesBatching[i]!]!];
    if (n !== m) {
      throw new ShapeError(
        `${op}: axis ${axis} of the operand, of length ${n}, goes along with axis ${
          indicesBatching[i]
        } of the indices, of length ${m}`,
      );
    }
  });
  // What has no axis in the windows is looked up too, where it is one element long and nothing names it.
  const isLooked = (n: number, axis: number): boolean =>
    map.includes(axis) || batching.includes(axis) || dropped.includes(axis) || sizes[axis]! < n;
  const looked = shape.flatMap((n, axis) => isLooked(n, axis) ? [axis] : []);
  // The primitives look up at least one axis.
  if (looked.length === 0) looked.push(0);
  const kept = (axis: number): boolean => !dropped.includes(axis) && !batching.includes(axis);
  const windowAxes = looked.filter(kept);
  const others = shape.flatMap((_, axis) => looked.includes(axis) ? [] : [axis]);
  const extent = [...places, ...windowAxes.map((axis) => sizes[axis]!)];

  let inside: NDArray | null = null;
  const zero = full(places, 0, "int32");
  const firsts = looked.map((axis): NDArray => {
    const along = batching.indexOf(axis);
    if (along >= 0) return iota(places, indicesBatching[along]!, "int32");
    const k = map.indexOf(axis);
    if (k < 0) return zero;
    const column = slice(starts, [...places.map(() => 0), k], [...places, k + 1]);
    const first = reshape(column, places);
    const last = scalarLike(shape[axis]! - sizes[axis]!, first);
    const low = scalarLike(0, first);
    if (mode === "clip") return minimum(maximum(first, low), last);
    if (mode !== "promise") {
      const here = and(ge(first, low), le(first, last));
      inside = inside === null ? here : and(inside, here);
    }
    return first;
  });
  const columns = looked.map((axis, k) => {
    const start = reshape(firsts[k]!, [...places, ...windowAxes.map(() => 1)]);
    const at = windowAxes.indexOf(axis);
    const moved = at < 0 || sizes[axis] === 1
      ? start
      : add(start, iota(extent, places.length + at, "int32"));
    return reshape(broadcastTo(moved, extent), [...extent, 1]);
  });
  const indices = columns.length === 1 ? columns[0]! : concatenate(columns, extent.length);

  // Where each axis of the array is in what is picked.
  const picked = (axis: number): number => {
    const at = windowAxes.indexOf(axis);
    return places.length +
      (at >= 0 ? at : windowAxes.length + others.indexOf(axis));
  };
  const windows = shape.flatMap((_, axis) => kept(axis) ? [axis] : []);
  let place = 0;
  const result = Array.from({ length: places.length + windows.length }, (_, i) => {
    const k = windowDims.indexOf(i);
    return k >= 0 ? picked(windows[k]!) : place++;
  });
  return { order: [...looked, ...others], indices, inside, result };
}

/** Positions of which those of windows that do not lie within the array are out of range. */
export function dropOutside({ indices, inside }: Windows): NDArray {
  if (inside === null) return indices;
  const mask = reshape(inside, [
    ...inside.shape,
    ...new Array<number>(indices.ndim - inside.ndim).fill(1),
  ]);
  return select(mask, indices, scalarLike(-1, indices));
}
