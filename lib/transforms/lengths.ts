/**
 * Numbers of steps of loops over slices.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { AxisError, formatShape, ShapeError, TreeError } from "../core/errors.ts";
import { type TreeDef, treePaths } from "../core/tree.ts";

/** The number of steps of a scan. */
export function scanLength(
  xs: readonly NDArray[],
  def: TreeDef,
  length?: number,
  op = "scan",
): number {
  const paths = treePaths(def);
  const at = (i: number): string => paths[i] === "" ? "xs" : `xs${paths[i]}`;
  let from = "length";
  xs.forEach((x, i) => {
    if (x.ndim === 0) {
      throw new ShapeError(
        `${op}: ${
          at(i)
        } is a scalar and has no axis to loop over. A list is a tree of arrays: make ` +
          "one array of it with np.array(...), or np.stack([...])",
      );
    }
    if (length !== undefined && x.shape[0] !== length) {
      throw new ShapeError(
        `${op}: ${at(i)} has shape ${formatShape(x.shape)}, so ${
          x.shape[0]
        } steps, but ${from} says ${length}`,
      );
    }
    if (length === undefined) {
      length = x.shape[0]!;
      from = at(i);
    }
  });
  if (length === undefined) {
    const fix = op === "scan" ? "give length" : "pass arrays";
    throw new TreeError(`${op}: xs has no arrays, so the number of steps is unknown: ${fix}`);
  }
  if (!Number.isInteger(length) || length < 0) {
    throw new AxisError(`scan: length must be a non-negative integer, not ${length}`);
  }
  return length;
}
