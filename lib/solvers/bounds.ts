/**
 * Bounds of unknowns: as users give them, and as vectors.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { ConcreteArray } from "../core/concrete.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import { type TreeDef, treeLeaves, treePaths, treeUnflatten } from "../core/tree.ts";
import { full } from "../primitives/constants/full.ts";
import { or } from "../primitives/elementwise/compare.ts";
import { select as where } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { flattenArrays } from "../transforms/trees.ts";

/** Bounds of the unknowns; what is left out is unbounded. */
export interface Bounds {
  /**
   * A number for all unknowns, or a tree like the start, in which a number may stand for whole arrays and records,
   * and what is left out is unbounded.
   */
  readonly lower?: unknown;
  /** The same above. */
  readonly upper?: unknown;
}

/**
 * Bounds as trees like the unknowns `leaves`.
 *
 * @throws {ShapeError} where a bound fits no unknown.
 * @throws {RangeError} where a lower bound is above an upper one.
 */
export function boundTrees(
  op: string,
  { lower = -Infinity, upper = Infinity }: Bounds,
  leaves: readonly NDArray[],
  def: TreeDef,
): { readonly lower: unknown; readonly upper: unknown } {
  const paths = treePaths(def);
  const side = (given: unknown, what: string, nothing: number): NDArray[] => {
    if (typeof given === "number") return leaves.map((x) => full(x.shape, given, x.dtype));
    const [bounds, own] = flattenArrays(op, given, what);
    const places = treePaths(own);
    // The bound of a leaf is what stands at its place, or at that of something it is in.
    const holds = (i: number, place: string): boolean =>
      place === "" || paths[i] === place ||
      (paths[i]!.startsWith(place) && /^[.[]/.test(paths[i]!.slice(place.length)));
    const idle = places.find((place) => !leaves.some((_, i) => holds(i, place)));
    if (idle !== undefined || bounds.length === 0) {
      throw new ShapeError(
        `${op}: ${what} must be a number or a tree like the start, ${def}, or a part of it, not ${own}`,
      );
    }
    return leaves.map((leaf, i) => {
      const { shape, dtype } = leaf;
      const b = bounds[places.findIndex((place) => holds(i, place))];
      if (b === undefined) return full(shape, nothing, dtype);
      if (b.ndim > 0 && formatShape(b.shape) !== formatShape(shape)) {
        throw new ShapeError(
          `${op}: a bound in ${what} has shape ${formatShape(b.shape)}, its unknown has ${
            formatShape(shape)
          }`,
        );
      }
      return broadcastTo(convert(b, dtype), shape);
    });
  };
  const [lo, hi] = [
    side(lower, "bounds.lower", -Infinity),
    side(upper, "bounds.upper", Infinity),
  ];
  lo.forEach((l, i) => {
    const h = hi[i]!;
    if (!(l instanceof ConcreteArray && h instanceof ConcreteArray)) return;
    if (l.peek() === null || h.peek() === null) return;
    const [a, b] = [l.dataSync(), h.dataSync()];
    for (let k = 0; k < a.length; k++) {
      if (a[k]! <= b[k]!) continue;
      throw new RangeError(
        `${op}: the lower bound ${a[k]} is above the upper bound ${
          b[k]
        } of element ${k} of unknown ${i}`,
      );
    }
  });
  return { lower: treeUnflatten(def, lo), upper: treeUnflatten(def, hi) };
}

/** Elements of a tree brought between two others. */
export function clipped(x: unknown, lower: unknown, upper: unknown, def: TreeDef): unknown {
  const [lo, hi] = [treeLeaves(lower) as NDArray[], treeLeaves(upper) as NDArray[]];
  const xs = treeLeaves(x) as NDArray[];
  return treeUnflatten(def, xs.map((v, i) => between(v, lo[i]!, hi[i]!)));
}

/** `x` brought between two others. */
export function between(x: NDArray, lower: NDArray, upper: NDArray): NDArray {
  const low = where(x.less(lower), lower, x);
  return where(low.greater(upper), upper, low);
}

/** A step [n] from `x` to be differentiated: where it ends at a bound or beyond, that is where it ends, whatever `x` is. */
export function heldWithin(
  x: NDArray,
  step: NDArray,
  bounds: { readonly lower: NDArray; readonly upper: NDArray } | null,
): NDArray {
  if (bounds === null) return step;
  const { lower, upper } = bounds;
  const end = stopGradient(x.add(step));
  const rests = or(end.lessEqual(lower), end.greaterEqual(upper));
  return where(rests, between(end, lower, upper).sub(x), step);
}
