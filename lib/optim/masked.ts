/**
 * Optimisers for some of the parameters: `masked` leaves the others' gradients alone, `partition` has an
 * optimiser for each group. What an inner optimiser is not to see is `null` in the trees that it gets.
 *
 * @module
 */
import {
  checkCall,
  describeTreeDifference,
  describeValue,
  isPlain,
  leafDef,
  type TreeDef,
  TreeError,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import type { Tree, TreeOf } from "../transforms/tree_types.ts";
import { checkOptimiser, type Optimiser, placeIn } from "./optimiser.ts";

/**
 * Which parameters: a tree of booleans like the parameters, or a function that gives it. A boolean may stand for
 * a whole tree of parameters.
 */
export type Mask = TreeOf<boolean> | ((params: Tree) => TreeOf<boolean>);

/** The groups of parameters: a tree of names as `Mask` is one of booleans. */
export type Labels = TreeOf<string> | ((params: Tree) => TreeOf<string>);

/** A mark for each leaf of a tree, of a tree of marks in which one may stand for many. */
function marksOf<M>(op: string, what: string, marks: unknown, params: Tree): readonly M[] {
  const given = typeof marks === "function" ? (marks as (params: Tree) => unknown)(params) : marks;
  const [leaves, marksDef] = treeFlatten(given);
  const [, def] = treeFlatten(params);
  const found: M[] = [];
  let next = 0;
  const visit = (m: TreeDef, p: TreeDef): void => {
    if (m === leafDef) {
      const mark = leaves[next++] as M;
      for (let i = 0; i < p.numLeaves; i++) found.push(mark);
    } else if (
      m.kind === p.kind && m.keys.join("\0") === p.keys.join("\0") &&
      m.children.length === p.children.length
    ) {
      m.children.forEach((child, i) => visit(child, p.children[i]!));
    } else {
      throw new TreeError(
        `${op}: ${what} is not like the parameters: they differ ${
          describeTreeDifference(marksDef, def)
        }. One value may stand for a whole tree of parameters`,
      );
    }
  };
  visit(marksDef, def);
  return found;
}

/** The leaves of a tree for which `keep` says so; `null` in the place of the others. */
function chosen(tree: Tree, keep: (i: number) => boolean): Tree {
  const [leaves, def] = treeFlatten(tree);
  return treeUnflatten(def, leaves.map((x, i) => keep(i) ? x : null)) as Tree;
}

/** Puts leaves that `chosen` kept in the place of those of a list. */
function putBack(into: unknown[], tree: unknown, keep: (i: number) => boolean): void {
  const [leaves] = treeFlatten(tree);
  let next = 0;
  for (let i = 0; i < into.length; i++) if (keep(i)) into[i] = leaves[next++];
}

/**
 * Refuses a gradient that is not like the parameters. Their shapes are for the inner optimisers, which see
 * those that are theirs.
 */
function checkStructure(op: string, gradient: TreeDef, params: unknown): void {
  const [, def] = treeFlatten(params);
  if (def === gradient) return;
  throw new TreeError(
    `${op}: the gradient and the parameters: the structures differ ${
      describeTreeDifference(gradient, def)
    }. They must be trees of one structure, as grad(loss)(params) and params are`,
  );
}

/**
 * Applies an optimiser to some of the parameters; the gradients of the others stay as they are.
 *
 * @param mask A tree of booleans like the parameters, or a function from the parameters to one.
 * @throws {TreeError} where the mask is not like the parameters.
 * @throws {TypeError} where it holds something else than booleans.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { masked, scale } from "@injax/injax/optim";
 *
 * const part = masked(scale(10), { w: true, b: false });
 * const gradient = { w: np.array([1]), b: np.array([1]) };
 * const [{ w, b }] = part.update(gradient, part.init(gradient));
 * console.log(w.toArray(), b.toArray()); // [ 10 ] [ 1 ]
 * ```
 */
export function masked<S>(inner: Optimiser<S>, mask: Mask): Optimiser<S> {
  if (arguments.length > 2) checkCall("masked(inner, mask)", arguments);
  checkOptimiser("masked", "the first argument", inner);
  const keeperOf = (op: string, tree: Tree): (i: number) => boolean => {
    const marks = marksOf<boolean>(op, "the mask", mask, tree);
    const wrong = marks.findIndex((m) => typeof m !== "boolean");
    if (wrong >= 0) {
      throw new TypeError(
        `${op}: the mask${placeIn(treeFlatten(tree)[1], wrong)} must be true or false, not ${
          describeValue(marks[wrong])
        }`,
      );
    }
    return (i) => marks[i]!;
  };
  return {
    description: `${inner.description ?? "an optimiser"}, masked`,
    init: (params) => inner.init(chosen(params, keeperOf("masked.init", params))),
    update(gradient, state, params) {
      const op = "masked.update";
      const [leaves, def] = treeFlatten(gradient);
      if (params !== undefined) checkStructure(op, def, params);
      const keep = keeperOf(op, (params ?? gradient) as Tree);
      const seen = params === undefined ? undefined : chosen(params as Tree, keep);
      const [updates, kept] = inner.update(chosen(gradient as Tree, keep), state, seen as never);
      putBack(leaves, updates, keep);
      return [treeUnflatten(def, leaves) as never, kept];
    },
  };
}

/**
 * An optimiser for each group of parameters.
 *
 * @param optimisers The optimisers by the names of their groups.
 * @param labels A tree of names like the parameters, or a function from the parameters to one.
 * @throws {TreeError} where the labels are not like the parameters.
 * @throws {TypeError} where a label is not the name of a group.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { partition, setToZero, sgd } from "@injax/injax/optim";
 *
 * const optimiser = partition(
 *   { train: sgd(0.5), keep: setToZero() },
 *   { encoder: "keep", head: "train" },
 * );
 * const params = { encoder: { w: np.ones([2]) }, head: np.ones([1]) };
 * const [updates] = optimiser.update(params, optimiser.init(params), params);
 * console.log(updates.encoder.w.toArray(), updates.head.toArray()); // [ 0, 0 ] [ -0.5 ]
 * ```
 */
export function partition<S extends Readonly<Record<string, unknown>>>(
  optimisers: { readonly [K in keyof S]: Optimiser<S[K]> },
  labels: Labels,
): Optimiser<S> {
  const name = "partition";
  if (arguments.length > 2) checkCall(`${name}(optimisers, labels)`, arguments);
  if (!isPlain(optimisers) || Object.keys(optimisers).length === 0) {
    throw new TypeError(
      `${name}: the first argument must be an object of optimisers by the names of their groups, not ${
        describeValue(optimisers)
      }`,
    );
  }
  const groups = Object.entries(optimisers) as [keyof S & string, Optimiser][];
  for (const [group, inner] of groups) checkOptimiser(name, `"${group}"`, inner);
  const labelsOf = (op: string, tree: Tree): readonly string[] => {
    const found = marksOf<string>(op, "the tree of labels", labels, tree);
    const wrong = found.findIndex((label) => !Object.hasOwn(optimisers, label));
    if (wrong < 0) return found;
    throw new TypeError(
      `${op}: the label${placeIn(treeFlatten(tree)[1], wrong)} is ${
        describeValue(found[wrong])
      }, and the groups are ${groups.map(([group]) => `"${group}"`).join(", ")}`,
    );
  };
  return {
    description: groups.map(([group, inner]) => `${group}: ${inner.description ?? "an optimiser"}`)
      .join("; "),
    init(params) {
      const found = labelsOf(`${name}.init`, params);
      return Object.fromEntries(
        groups.map((
          [group, inner],
        ) => [group, inner.init(chosen(params, (i) => found[i] === group))]),
      ) as S;
    },
    update(gradient, state, params) {
      const op = `${name}.update`;
      if (!isPlain(state) || !groups.every(([group]) => group in state)) {
        throw new TreeError(
          `${op}: the state must be what init(params) or the last update gave, an object with ${
            groups.map(([group]) => group).join(", ")
          }, not ${describeValue(state)}`,
        );
      }
      const [leaves, def] = treeFlatten(gradient);
      if (params !== undefined) checkStructure(op, def, params);
      const found = labelsOf(op, (params ?? gradient) as Tree);
      const kept: Record<string, unknown> = {};
      for (const [group, inner] of groups) {
        const keep = (i: number): boolean => found[i] === group;
        const seen = params === undefined ? undefined : chosen(params as Tree, keep);
        const [updates, next] = inner.update(
          chosen(gradient as Tree, keep),
          state[group],
          seen as never,
        );
        putBack(leaves, updates, keep);
        kept[group] = next;
      }
      return [treeUnflatten(def, leaves) as never, kept as S];
    },
  };
}
