/**
 * Stacked layers whose entries are kept apart: a loop over stacked weights that can take the place of a
 * plain one, parameters on disk included.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { type Context, type NDArray, numpy as np, StateError, treeMap } from "../../mod.ts";
import { collections } from "./collections.ts";

/** How modules of a layer are named: in each layer, and in the function that is the layer. */
export interface TransparencyMap {
  /** The name in a layer of what the function calls `name`. */
  stackedToFlat(name: string, layer: number): string;
  /** What the function calls a module, and the layer that it is in; `null` for others. */
  flatToStacked(name: string): readonly [name: string, layer: number] | null;
}

/** A layer's number behind the first part of its modules' names: `"block_2/linear"`. */
export function layerNames(count: number): TransparencyMap {
  return {
    stackedToFlat: (name, layer) => name.replace(/^[^/]+/, (first) => `${first}_${layer}`),
    flatToStacked(name) {
      const found = /^([^/]+)_(\d+)(\/.*)?$/.exec(name);
      const layer = Number(found?.[2]);
      return found !== null && layer < count ? [`${found[1]}${found[3] ?? ""}`, layer] : null;
    },
  };
}

/** Prefixes of names: of the layers' entries, and of the stacked ones while the loop runs. */
interface Prefixes {
  readonly flat: string;
  readonly stacked: string;
}

/** Runs a loop over stacked entries, which are there while it runs: before and after, layers have their own. */
export function unstacked<R>(
  op: string,
  context: Context,
  prefixes: Prefixes,
  count: number,
  map: TransparencyMap,
  run: () => R,
): R {
  const stacks = Object.values(collections).flatMap((c) =>
    gathered(op, context, c, prefixes, count, map)
  );
  for (const { key, value } of stacks) context.set(key, value);
  let out: R;
  try {
    out = run();
  } catch (error) {
    for (const { key } of stacks) context.delete(key);
    throw error;
  }
  const before = new Map(stacks.map(({ key, value }) => [key, value]));
  const names = new Map<string, string>();
  for (const collection of Object.values(collections)) {
    const head = `${collection}:${prefixes.stacked}`;
    for (const key of context.keys().filter((key) => key.startsWith(head))) {
      const value = context.get(key);
      const first = context.initial(key) ?? value;
      context.delete(key);
      if (before.get(key) === value) continue;
      const path = key.slice(head.length);
      for (let layer = 0; layer < count; layer++) {
        const flat = `${collection}:${prefixes.flat}${flatPath(op, map, path, layer)}`;
        const other = names.get(flat) ?? key;
        if (other !== key) throw clash(op, flat, [other, key], head.length);
        names.set(flat, key);
        const slice = (x: unknown): unknown => treeMap((a: NDArray) => a.at(layer), x as never);
        // The first value that it is set to is the initial one.
        if (!context.has(flat)) context.set(flat, slice(first));
        if (first !== value || before.has(key)) context.set(flat, slice(value));
      }
    }
  }
  return out;
}

/** The module and the name in a path; what the layer itself asks for is that of `"~"`, as elsewhere. */
function parts(path: string): [module: string, name: string] {
  const at = path.lastIndexOf("/");
  return [at < 0 ? "~" : path.slice(0, at), path.slice(at + 1)];
}

/** A path of a stacked entry in a layer. */
function flatPath(op: string, map: TransparencyMap, path: string, layer: number): string {
  const [module, name] = parts(path);
  const own = map.stackedToFlat(module, layer);
  if (typeof own === "string" && own !== "") return `${own}/${name}`;
  throw new StateError(
    `${op}: transparencyMap.stackedToFlat(${
      JSON.stringify(module)
    }, ${layer}) must give a name, not ${describeValue(own)}`,
  );
}

function clash(op: string, flat: string, keys: readonly string[], from: number): StateError {
  return new StateError(
    `${op}: transparencyMap gives ${keys.map((key) => key.slice(from)).join(" and ")} one name, ${
      flat.slice(flat.indexOf(":") + 1)
    }`,
  );
}

/** The layers' entries of a collection, stacked where all layers have one. */
function gathered(
  op: string,
  context: Context,
  collection: string,
  prefixes: Prefixes,
  count: number,
  map: TransparencyMap,
): { key: string; value: unknown }[] {
  const head = `${collection}:${prefixes.flat}`;
  const layers = new Map<string, unknown[]>();
  for (const key of context.keys()) {
    if (!key.startsWith(head)) continue;
    const [module, entry] = parts(key.slice(head.length));
    const found = map.flatToStacked(module);
    if (found === null) continue;
    const [name, layer] = found;
    if (typeof name !== "string" || !Number.isInteger(layer) || layer < 0 || layer >= count) {
      throw new StateError(
        `${op}: transparencyMap.flatToStacked(${
          JSON.stringify(module)
        }) must give a name and a layer from 0 to ${count - 1}, or null, not ${
          describeValue(found)
        }`,
      );
    }
    const stacked = `${collection}:${prefixes.stacked}${name === "~" ? "" : `${name}/`}${entry}`;
    if (!layers.has(stacked)) layers.set(stacked, Array(count).fill(undefined));
    const own = layers.get(stacked)!;
    if (own[layer] !== undefined) {
      throw new StateError(
        `${op}: transparencyMap says of two modules that they are ${name} in layer ${layer}; one is ${module}`,
      );
    }
    own[layer] = context.get(key);
  }
  // What is not in all layers is something else.
  return [...layers].filter(([, own]) => !own.includes(undefined)).map(([key, own]) => {
    const [first, ...rest] = own as never[];
    return { key, value: treeMap((...xs: NDArray[]) => np.stack(xs), first, ...rest) };
  });
}
