/**
 * The named axes that an operation between the lanes of a `vmap` is asked to work over: names are looked up
 * among those around the call.
 *
 * @module
 */
import { AxisError, describeValue, type NDArray, sizeOf, treeUnflatten } from "../core/mod.ts";
import { lengthOfAxis, namedAxes } from "../interpreters/batch.ts";
import { allGather, type LaneParams } from "../primitives/lanes/collective.ts";
import { reshape } from "../primitives/mod.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type { Arrays, Tree } from "../transforms/tree_types.ts";

/** The name of an axis of a `vmap` around, or several, the first of which is the slowest to count. */
export type AxisName = string | readonly string[];

/** The named axes that are meant, which must be around. */
export function axesOf(op: string, axisName: unknown): LaneParams[] {
  const names: unknown[] = Array.isArray(axisName) ? axisName : [axisName];
  const params = names.map((name): LaneParams => {
    if (typeof name !== "string") {
      throw new TypeError(
        `${op}: axisName must be the name of an axis, or a list of names, not ${
          describeValue(name)
        }. Write ${op}(x, "lanes") inside of vmap(f, { axisName: "lanes" })`,
      );
    }
    const size = lengthOfAxis(name);
    if (size === undefined) throw unbound(op, name);
    return { axisName: name, size };
  });
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new AxisError(`${op}: the axis ${JSON.stringify(twice)} is named twice`);
  }
  return params;
}

/** The one axis that is meant. */
export function axisOf(op: string, axisName: unknown): LaneParams {
  const [axis, ...more] = axesOf(op, axisName);
  if (axis === undefined || more.length > 0) {
    throw new AxisError(`${op}: works over one axis, not over ${describeValue(axisName)}`);
  }
  return axis;
}

function unbound(op: string, name: string): AxisError {
  const bound = [...namedAxes().keys()].map((n) => JSON.stringify(n));
  return new AxisError(
    `${op}: there is no axis ${JSON.stringify(name)} here: ${
      bound.length === 0
        ? "no vmap around has an axisName"
        : `the vmaps around have ${bound.join(", ")}`
    }. Call it inside of vmap(f, { axisName: ${JSON.stringify(name)} })`,
  );
}

/** The number of lanes of all these axes together. */
export const lengthOf = (axes: readonly LaneParams[]): number => sizeOf(axes.map((a) => a.size));

/** Applies `f` to the leaves of a tree. */
export function onLeaves<X extends Tree>(
  op: string,
  tree: X,
  f: (x: NDArray) => NDArray,
): Arrays<X> {
  const [leaves, def] = flattenArrays(op, tree, "x");
  return treeUnflatten(def, leaves.map(f)) as Arrays<X>;
}

/** The values of all lanes along a first axis. */
export function gathered(x: NDArray, axes: readonly LaneParams[]): NDArray {
  const all = axes.reduceRight((values, axis) => allGather(values, axis), x);
  return axes.length === 1 ? all : reshape(all, [lengthOf(axes), ...x.shape]);
}
