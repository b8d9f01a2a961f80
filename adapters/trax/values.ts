/**
 * Weights and state: of a layer with sublayers, the list of theirs.
 *
 * @module
 */
import { describeValue, toArray } from "../../lib/extend.ts";
import { StateError, type Tree, TreeError, treeFlatten, treeMap } from "../../mod.ts";
import type { Kind, LayerTree } from "./context.ts";

/** Weights or state: a tree of arrays; of a layer with sublayers, the list of theirs. */
export type Values = Tree;

/**
 * Stands for weights or state of a layer that was met before in the same list: it has one set. A tree
 * without arrays.
 */
export const shared: { readonly shared: readonly [] } = { shared: [] };

function isShared(values: unknown): boolean {
  return typeof values === "object" && values !== null && "shared" in values;
}

/** What a tree of layers has, gathered from those without sublayers. */
export function gathered<L extends LayerTree<L>>(root: L, leaf: (layer: L) => Values): Values {
  const seen = new Set<L>();
  const visit = (layer: L): Values => {
    if (seen.has(layer)) return shared;
    seen.add(layer);
    return layer.sublayers.length === 0 ? leaf(layer) : layer.sublayers.map(visit);
  };
  return visit(root);
}

/** Hands values out to the layers that they belong to. */
export function spread<L extends LayerTree<L>>(
  root: L,
  kind: Kind,
  values: Values,
  put: (layer: L, values: Values) => void,
): void {
  const visit = (layer: L, own: Values): void => {
    if (isShared(own)) return;
    if (layer.sublayers.length === 0) return put(layer, own);
    if (!Array.isArray(own) || own.length !== layer.sublayers.length) {
      // What was never initialised has none.
      if (Array.isArray(own) && own.length === 0) return;
      throw new StateError(
        `${layer.name}: its ${kind} must be a list with one item for each of its ${layer.sublayers.length} sublayers, ` +
          `not ${
            Array.isArray(own) ? `a list of ${own.length}` : describeValue(own)
          }. Were they made for another model?`,
      );
    }
    layer.sublayers.forEach((sub, i) => visit(sub, own[i]!));
  };
  visit(root, values);
}

/** A tree of arrays, of arrays and numbers. */
export function asArrays(what: string, values: Values): Values {
  return treeMap((leaf: unknown) => {
    const x = toArray(leaf);
    if (x !== null) return x;
    throw new TreeError(
      `tl: the ${what} must be a tree of arrays, but there is ${describeValue(leaf)} in it`,
    );
  }, values);
}

/** Whether two trees hold the same arrays. */
export function sameValues(a: Values, b: Values): boolean {
  if (a === b) return true;
  const [x, xDef] = treeFlatten(a);
  const [y, yDef] = treeFlatten(b);
  return xDef === yDef && x.every((leaf, i) => leaf === y[i]);
}
