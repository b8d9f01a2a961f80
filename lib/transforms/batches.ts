/**
 * `map` with several elements at once.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkCount } from "../core/checks.ts";
import { treeUnflatten } from "../core/tree.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { scanLength } from "./lengths.ts";
import { checkFunction, flattenArrays } from "./trees.ts";
import type { AnyFunction } from "./types.ts";

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
