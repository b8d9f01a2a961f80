/**
 * What an optimiser is: two pure functions, and a state that is a tree. The checks that all of them share
 * are here: of gradients, parameters and states.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  DTypeError,
  formatAval,
  isFloat,
  isPlain,
  type NDArray,
  type TreeDef,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { zerosLike } from "../primitives/mod.ts";
import type { Arrays, Tree, TreeLike } from "../transforms/tree_types.ts";
import { checkSameType, flattenArrays } from "../transforms/trees.ts";

/**
 * An optimiser, or a part of one, as in Optax: it makes updates of gradients. `S` is what it keeps from
 * step to step, a tree of arrays, so that it can be the carry of a loop, an argument of `jit`, and saved.
 *
 * Any object with these two functions is one.
 *
 * @example
 * ```ts
 * import { type Arrays, type NDArray, numpy as np, type Tree, treeMap } from "@injax/injax";
 * import { chain, type Optimiser, sgd } from "@injax/injax/optim";
 *
 * // Keeps a factor, which halves from step to step.
 * const halving: Optimiser<NDArray> = {
 *   init: () => np.array(1),
 *   update<T>(gradient: T, factor: NDArray) {
 *     const scaled = treeMap((g: NDArray) => g.mul(factor), gradient as Tree);
 *     return [scaled as Arrays<T>, factor.mul(0.5)];
 *   },
 * };
 * const optimiser = chain(halving, sgd(1));
 * const gradient = { w: np.array([8]) };
 * const [, state] = optimiser.update(gradient, optimiser.init(gradient));
 * const [updates] = optimiser.update(gradient, state);
 * console.log(updates.w.toArray()); // [ -4 ]
 * ```
 */
export interface Optimiser<S = unknown> {
  /** Name and settings, for messages. */
  readonly description?: string | undefined;
  /** What it keeps before the first step. */
  init(params: Tree): S;
  /**
   * The updates to add to the parameters, a tree like the gradient, and what it keeps then. Most optimisers
   * do not need the parameters; those that do say so where they are missing.
   */
  update<T>(
    gradient: T,
    state: S,
    params?: TreeLike<T>,
  ): readonly [updates: Arrays<T>, state: S];
}

/** A number, or a scalar array, which may be traced: to be mapped over, or differentiated. */
export type Scalar = number | NDArray;

/** What a transformation does, on trees of arrays that have been checked. */
export interface Rule<S> {
  /** As the call is written, with settings: `scaleByAdam (b1 0.9)`. */
  readonly description?: string;
  /** Whether `update` needs the parameters. */
  readonly needsParams?: boolean;
  /** Names in the state; `null` where that is not a record. */
  readonly keeps: readonly (keyof S & string)[] | null;
  /** As in `Optimiser`. */
  init(params: Tree): S;
  /** As in `Optimiser`; `params` is there where it is needed. */
  update(gradient: Tree, state: S, params: Tree | undefined): readonly [Tree, S];
}

/** Makes an optimiser of a rule, with the checks that all share. `name` is that of the function that users call. */
export function transformation<S>(name: string, rule: Rule<S>): Optimiser<S> {
  const op = `${name}.update`;
  return {
    description: rule.description ?? name,
    init(params) {
      if (arguments.length > 1) checkCall(`${name}.init(params)`, arguments);
      return rule.init(floats(`${name}.init`, params, "params"));
    },
    update(gradient, state, params) {
      if (arguments.length > 3) checkCall(`${op}(gradient, state, params)`, arguments);
      const tree = floats(op, gradient, "the gradient");
      checkState(op, state, rule.keeps);
      if (params === undefined && rule.needsParams) {
        throw new TypeError(
          `${op}: the parameters are needed. Write update(gradient, state, params)`,
        );
      }
      const given = params === undefined ? undefined : floats(op, params, "params");
      if (given !== undefined) alike(op, [["the gradient", tree], ["the parameters", given]]);
      return rule.update(tree, state, given) as never;
    },
  };
}

/** A tree of arrays like the parameters, in a state. */
export type Kept = Tree;

/** Zeros like the parameters. */
export const zerosOf = (params: Tree): Kept => mapLeaves(params, zerosLike) as Kept;

/** A part that keeps nothing, with the checks that all share. */
export function withoutState(
  name: string,
  rule: {
    readonly description?: string;
    readonly needsParams?: boolean;
    readonly of: (op: string, gradient: Tree, params: Tree | undefined) => Tree;
  },
): Optimiser<null> {
  const { of, ...rest } = rule;
  return transformation<null>(name, {
    ...rest,
    keeps: [],
    init: () => null,
    update: (gradient, _, params) => [of(`${name}.update`, gradient, params), null],
  });
}

/**
 * A tree with arrays for leaves.
 *
 * @throws {DTypeError} where a leaf is not floating-point.
 * @throws {TreeError} where there is no tree at all.
 */
export function floats(op: string, tree: unknown, what: string): Tree {
  if (tree === undefined) {
    throw new TreeError(`${op}: ${what} must be a tree of arrays, not undefined`);
  }
  const [leaves, def] = flattenArrays(op, tree, what);
  const i = leaves.findIndex((x) => !isFloat(x.dtype));
  if (i >= 0) {
    throw new DTypeError(
      `${op}: ${what}${placeIn(def, i)} is ${
        formatAval(leaves[i]!.aval)
      }, and only floating-point ` +
        `arrays can be optimised. Leave it out, or convert it with astype("float32")`,
    );
  }
  return treeUnflatten(def, leaves) as Tree;
}

/** Where a leaf is, for a message; nothing for a tree that is a leaf. */
export function placeIn(def: TreeDef, i: number): string {
  const path = treePaths(def)[i]!;
  return path === "" ? "" : ` at ${path}`;
}

/** Refuses what is not the state that `init` gives: most often the parameters in its place. */
function checkState(op: string, state: unknown, keeps: readonly string[] | null): void {
  if (keeps === null) return;
  if (keeps.length === 0 ? state === null : isPlain(state) && keeps.every((k) => k in state)) {
    return;
  }
  const expected = keeps.length === 0 ? "null" : `an object with ${keeps.join(", ")}`;
  throw new TreeError(
    `${op}: the state must be what init(params) or the last update gave, ${expected}, not ${
      describeValue(state)
    }. Write update(gradient, state, params)`,
  );
}

/** A tree with its name in messages. */
export type Named = readonly [what: string, tree: unknown];

/**
 * Applies `f` to the leaves at the same places of trees that are to be alike: structure, shapes and dtypes.
 *
 * @throws {TreeError} naming the first place where they differ.
 */
export function mapTrees(
  op: string,
  trees: readonly [Named, ...Named[]],
  f: (...leaves: NDArray[]) => NDArray,
): Tree {
  const [columns, def] = alike(op, trees);
  return treeUnflatten(def, columns[0]!.map((_, i) => f(...columns.map((c) => c[i]!)))) as Tree;
}

/** The leaves of trees that are to be alike, by tree, and their structure. */
export function alike(
  op: string,
  [[what, tree], ...rest]: readonly [Named, ...Named[]],
): readonly [leaves: readonly (readonly NDArray[])[], def: TreeDef] {
  const [leaves, def] = flattenArrays(op, tree, what);
  const avals = leaves.map((x) => x.aval);
  const others = rest.map(([name, other]) => {
    const [own, ownDef] = flattenArrays(op, other, name);
    checkSameType(
      op,
      `${what} and ${name}`,
      avals,
      def,
      own.map((x) => x.aval),
      ownDef,
      "They must be trees of one structure, as grad(loss)(params) and params are",
    );
    return own;
  });
  return [[leaves, ...others], def];
}

/** Applies `f` to each leaf of a tree of arrays. */
export function mapLeaves(tree: Tree, f: (x: NDArray) => NDArray): Tree {
  const [leaves, def] = treeFlatten(tree) as [NDArray[], TreeDef];
  return treeUnflatten(def, leaves.map(f)) as Tree;
}

/**
 * Checks that a value is an optimiser.
 *
 * @throws {TypeError} saying what it is instead.
 */
export function checkOptimiser(op: string, what: string, value: unknown): void {
  const { init, update } = (value ?? {}) as Partial<Optimiser>;
  if (typeof init === "function" && typeof update === "function") return;
  let fix = "Optimisers are made by adam(0.01), clip(1) and the like";
  if (typeof value === "function" && value.name !== "") fix = `Call it: ${value.name}(...)`;
  if (Array.isArray(value)) fix = "Write them one after the other, without a list";
  throw new TypeError(`${op}: ${what} must be an optimiser, not ${describeValue(value)}. ${fix}`);
}

/**
 * Parameters after a step: `params + updates`, in the dtypes of the parameters.
 *
 * @throws {TreeError} where the two are not of one structure.
 *
 * @example
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 * import { adam, applyUpdates } from "@injax/injax/optim";
 *
 * const loss = (w: NDArray) => w.sub(3).square().sum();
 * const optimiser = adam(0.1);
 * let params = np.zeros([2]);
 * let state = optimiser.init(params);
 * for (let i = 0; i < 200; i++) {
 *   const [updates, next] = optimiser.update(grad(loss)(params), state, params);
 *   params = applyUpdates(params, updates);
 *   state = next;
 * }
 * console.log(loss(params).item() < 1e-3); // true
 * ```
 */
export function applyUpdates<T>(params: T, updates: TreeLike<T>): Arrays<T> {
  const op = "applyUpdates";
  if (arguments.length > 2) checkCall("applyUpdates(params, updates)", arguments);
  const moved = floats(op, params, "params");
  const steps = floats(op, updates, "updates");
  const parts: [Named, Named] = [["the parameters", moved], ["the updates", steps]];
  return mapTrees(op, parts, (p, u) => p.add(u)) as Arrays<T>;
}
