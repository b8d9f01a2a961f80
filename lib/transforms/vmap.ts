/**
 * Vectorisation of functions on pytrees.
 *
 * `map` with several elements at once.
 *
 * @module
 */
import {
  checkCount,
  formatShape,
  isTreeNode,
  NDArray,
  normalizeAxis,
  oneLevel,
  ShapeError,
  type TreeDef,
  TreeError,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { batchFlat } from "../interpreters/batch.ts";
import { broadcastTo, concatenate, moveAxis, reshape, slice } from "../primitives/mod.ts";
import {
  checkFunction,
  flatFunction,
  flattenArrays,
  flattenMixed,
  nameOf,
  withName,
} from "./trees.ts";
import type { AnyFunction, InAxes, VmapOptions } from "./types.ts";
import { scanLength } from "./unroll.ts";

/** The axis of each leaf of `def`, from a tree of axes that is a prefix of it. */
function spreadAxes(op: string, what: string, axes: unknown, def: TreeDef): (number | null)[] {
  if (axes === null || typeof axes === "number") return new Array(def.numLeaves).fill(axes);
  if (!isTreeNode(axes) || def.kind === "leaf") {
    throw new TreeError(`${op}: ${what} must be a number, null or a tree that fits ${def}`);
  }
  const { kind, keys, children } = oneLevel(axes)!;
  const extra = kind === "array" ? undefined : keys.find((k) => !def.keys.includes(k));
  if (extra !== undefined) {
    throw new TreeError(
      `${op}: ${what} has an entry ${JSON.stringify(extra)}, but ${def} has none`,
    );
  }
  const entries = kind === "array" ? children : def.keys.map((k) => children[keys.indexOf(k)]);
  if (entries.length !== def.children.length || entries.some((e) => e === undefined)) {
    throw new TreeError(
      `${op}: ${what} has ${
        entries.filter((e) => e !== undefined).length
      } entries, but ${def} has ${def.children.length}`,
    );
  }
  return def.children.flatMap((child, i) => spreadAxes(op, what, entries[i], child));
}

/** See `Transforms.vmap`. */
export function vmap(f: AnyFunction, options: VmapOptions = {}): AnyFunction {
  checkFunction("vmap", f);
  const { inAxes = 0, outAxes = 0, axisName = null } = options;
  return withName("vmap", f, (...args: unknown[]) => {
    const { arrays, def, dims, size, leaves } = mappedArguments(f, args, inAxes, options.axisSize);
    const flat = flatFunction("vmap", f, def);
    const [outs, outDims] = batchFlat(
      `vmap of ${nameOf(f)}`,
      (xs) => flat.call(leaves(xs)),
      arrays,
      dims,
      size,
      axisName,
    );
    const outDef = flat.outDef();
    const wanted = spreadAxes("vmap", "outAxes", outAxes, outDef);
    return treeUnflatten(
      outDef,
      outs.map((x, i) => placeAxis(x, outDims[i]!, wanted[i]!, size, outDef, i)),
    );
  });
}

/**
 * The arrays in the arguments with the axis along which each is mapped, and the number of lanes. What is
 * not mapped may be anything: `leaves` puts arrays into their places among all leaves.
 */
export function mappedArguments(
  f: AnyFunction,
  args: readonly unknown[],
  inAxes: InAxes,
  axisSize?: number,
): {
  readonly arrays: NDArray[];
  readonly def: TreeDef;
  readonly dims: (number | null)[];
  readonly size: number;
  readonly leaves: (arrays: readonly NDArray[]) => unknown[];
} {
  const what = `an argument of ${nameOf(f)}`;
  const [all, def] = flattenMixed("vmap", args, what);
  const spread = spreadAxes("vmap", "inAxes", inAxes, def);
  const isArray = all.map((x) => x instanceof NDArray);
  // What cannot be mapped is reported as anywhere.
  if (isArray.some((is, i) => !is && spread[i] !== null)) flattenArrays("vmap", args, what);
  const arrays = all.filter((x) => x instanceof NDArray);
  const axes = spread.filter((_, i) => isArray[i]);
  let size = axisSize;
  let first = -1;
  // Asked for by messages alone.
  const pathOf = (i: number): string => treePaths(def).filter((_, k) => isArray[k])[i]!;
  const describe = (i: number): string =>
    `argument ${pathOf(i).replace(/^\[(\d+)\]/, "$1").replace(/^(\d+)(?=.)/, "$1 at ")} has shape ${
      formatShape(arrays[i]!.shape)
    } and length ${arrays[i]!.shape[dims[i]!]} along axis ${dims[i]}`;
  const dims = axes.map((axis, i) =>
    axis === null || Number.isInteger(axis) && axis >= 0 && axis < arrays[i]!.ndim
      ? axis
      : normalizeAxis(
        `vmap of ${nameOf(f)}`,
        axis,
        arrays[i]!.ndim,
        `inAxes for argument ${pathOf(i)}:`,
      )
  );
  dims.forEach((dim, i) => {
    if (dim === null) return;
    const n = arrays[i]!.shape[dim]!;
    if (size === undefined) {
      size = n;
      first = i;
    } else if (n !== size) {
      throw new ShapeError(
        `vmap of ${nameOf(f)}: all mapped axes must have the same length, but ${
          first < 0 ? `axisSize is ${size}` : describe(first)
        } and ${describe(i)}. Use inAxes to say what is mapped`,
      );
    }
  });
  if (size === undefined) {
    throw new TreeError(
      `vmap of ${nameOf(f)}: no argument is mapped, so the number of lanes is unknown. ` +
        "At least one entry of inAxes must not be null, or give axisSize",
    );
  }
  const leaves = (xs: readonly NDArray[]): unknown[] => {
    let next = 0;
    return all.map((x, i) => isArray[i] ? xs[next++] : x);
  };
  return { arrays, def, dims, size, leaves };
}

function placeAxis(
  x: NDArray,
  dim: number | null,
  wanted: number | null,
  size: number,
  def: TreeDef,
  i: number,
): NDArray {
  if (wanted === null) {
    if (dim === null) return x;
    const path = treePaths(def)[i]!;
    throw new TreeError(
      `vmap: outAxes is null for the result${
        path === "" ? "" : ` at ${path}`
      }, but it differs between lanes`,
    );
  }
  const rank = x.ndim + (dim === null ? 1 : 0);
  const axis = normalizeAxis("vmap", wanted, rank, "outAxes");
  return dim === null
    ? moveAxis(broadcastTo(x, [size, ...x.shape]), 0, axis)
    : moveAxis(x, dim, axis);
}

type Fn = (...args: unknown[]) => unknown;

/**
 * Maps over batches of so many elements, one batch after the other, and over those that are left at last, by
 * the members of a dictionary.
 */
export function mapInBatches(
  { map, vmap }: { readonly map: unknown; readonly vmap: unknown },
  f: AnyFunction,
  xs: unknown,
  batchSize: number,
): unknown {
  checkFunction("map", f);
  checkCount("map", "batchSize", batchSize);
  if (batchSize === 0) throw new RangeError("map: batchSize must be at least 1, not 0");
  const [leaves, def] = flattenArrays("map", xs, "xs");
  const length = scanLength(leaves, def, undefined, "map");
  const batches = Math.floor(length / batchSize);
  const whole = batches * batchSize;
  const lanes = (vmap as Fn)(f) as Fn;
  const part = (from: number, to: number): NDArray[] =>
    leaves.map((x) =>
      slice(x, [from, ...x.shape.slice(1).map(() => 0)], [to, ...x.shape.slice(1)])
    );
  const outs: [NDArray[], ReturnType<typeof flattenArrays>[1]][] = [];
  if (batches > 0 || length === 0) {
    const rows = part(0, whole).map((x) => reshape(x, [batches, batchSize, ...x.shape.slice(1)]));
    const [ys, own] = flattenArrays("map", (map as Fn)(lanes, treeUnflatten(def, rows)), "ys");
    outs.push([ys.map((y) => reshape(y, [whole, ...y.shape.slice(2)])), own]);
  }
  if (whole < length) {
    outs.push(flattenArrays("map", lanes(treeUnflatten(def, part(whole, length))), "ys"));
  }
  const [[first, outDef], second] = outs as [(typeof outs)[0], (typeof outs)[0] | undefined];
  if (second === undefined) return treeUnflatten(outDef, first);
  return treeUnflatten(outDef, first.map((y, i) => concatenate([y, second[0][i]!], 0)));
}
