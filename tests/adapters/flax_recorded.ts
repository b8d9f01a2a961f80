/**
 * What flax computed (tests/reference/record_flax.py), and how a model here is compared with it: initial
 * values, output, changed variables and gradients; eager, and as one compiled program.
 *
 * @module
 */
import { grad, jit, NDArray, numpy as np, random, treeFlatten } from "../../mod.ts";
import type * as flax from "../../adapters/flax/mod.ts";
import { load, type Recorded } from "../support/recorded.ts";
import { difference, ulps } from "../support/arrays.ts";

/** A tree of recorded arrays, or of arrays. */
export type Tree = NDArray | readonly Tree[] | { readonly [name: string]: Tree };

const { cases } = JSON.parse(
  Deno.readTextFileSync(new URL("../reference/flax.json", import.meta.url)),
) as { cases: Record<string, Record<string, unknown>> };

function loaded(x: unknown): Tree {
  if (Array.isArray(x)) return x.map(loaded);
  const tree = x as Record<string, unknown>;
  if (typeof tree.dtype === "string" && Array.isArray(tree.data)) {
    return load(x as Recorded);
  }
  // Names of one piece have dots here, where flax has slashes.
  return Object.fromEntries(
    Object.entries(tree).map(([name, part]) => [name.replaceAll("/", "."), loaded(part)]),
  );
}

/** The fields of a case. */
export function recorded(name: string): Record<string, Tree> {
  return loaded(cases[name]) as Record<string, Tree>;
}

/** Leaves by path. */
function leaves(tree: unknown, path = ""): Map<string, NDArray> {
  if (tree instanceof NDArray) return new Map([[path, tree]]);
  if (typeof tree !== "object" || tree === null) throw new Error(`${path}: ${tree} is no array`);
  return new Map(
    Object.entries(tree).flatMap(([name, part]) => [...leaves(part, `${path}/${name}`)]),
  );
}

/**
 * Asserts that two trees have the same paths and, within `count` rounding errors of the largest element of
 * the array, or of `all`, the same arrays.
 */
export function assertTree(
  what: string,
  actual: unknown,
  expected: Tree,
  count: number,
  all?: Tree,
): void {
  const [a, e] = [leaves(actual), leaves(expected)];
  const [own, wanted] = [[...a.keys()].sort().join(), [...e.keys()].sort().join()];
  if (own !== wanted) throw new Error(`${what}: there is ${own}, not ${wanted}`);
  const over = [...leaves(all ?? []).values()].map((x) => ulps(x, count));
  for (const [path, x] of e) {
    const problem = difference(a.get(path)!, x, Math.max(ulps(x, count), ...over));
    if (problem !== null) throw new Error(`${what}${path}: ${problem}`);
  }
}

/** What a model is called with. */
export interface Call {
  /** Keys of streams. */
  readonly rngs?: Record<string, NDArray>;
  /** Collections that change. */
  readonly mutable?: readonly string[];
}

/** Rounding errors that are allowed: sums are added up in another order. */
const allowed = { init: 4, out: 16, grads: 64 };

/** Names of comparisons, so that a test can leave out what a model cannot do. */
export type Part = "init";

/**
 * Compares a model with the case of the same name that `trained` of the recorder wrote: a sum of sines
 * of the output, differentiated by parameters and input.
 */
export function assertAsFlax(
  name: string,
  model: flax.Module & { call(x: NDArray): NDArray },
  { rngs, mutable }: Call = {},
  without: readonly Part[] = [],
): void {
  const { x, variables, out, changed, grads, dx } = recorded(name);
  if (!without.includes("init")) {
    const { params } = model.init(random.key(0), x as NDArray);
    const wanted = (variables as Record<string, Tree>).params!;
    assertTree(`${name}: initial values`, params ?? {}, wanted, allowed.init);
  }
  const { params, ...rest } = variables as flax.Variables;
  const options = { ...(rngs && { rngs }), ...(mutable && { mutable }) };
  const apply = model.apply as (...args: unknown[]) => unknown;
  const run = (params: unknown, x: NDArray): [NDArray, unknown] => {
    const given = { ...rest, params };
    const result = Object.keys(options).length === 0 ? apply(given, x) : apply(given, x, options);
    return mutable === undefined ? [result as NDArray, {}] : result as [NDArray, unknown];
  };
  const everything = (params: unknown, x: NDArray): unknown => {
    const loss = (params: unknown, x: NDArray): NDArray => np.sin(run(params, x)[0]).sum();
    return [run(params, x), grad(loss as never, { argnums: [0, 1] })(params as never, x as never)];
  };
  const compiled = jit(everything as never, { backend: "onnx" }) as unknown as typeof everything;
  for (const [how, f] of [["eager", everything], ["compiled", compiled]] as const) {
    const [[value, after], [dp, dxs]] = f(params, x as NDArray) as [
      [unknown, unknown],
      [unknown, unknown],
    ];
    assertTree(`${name}, ${how}: output`, value, out!, allowed.out);
    assertTree(`${name}, ${how}: changed variables`, after, changed ?? {}, allowed.out);
    // Some are zero but for rounding, as that by a bias before a normalisation.
    assertTree(`${name}, ${how}: gradients by parameters`, dp, grads!, allowed.grads, grads);
    assertTree(`${name}, ${how}: gradients by the input`, dxs, dx!, allowed.grads);
  }
}

/** The leaves of a tree, as host data. */
export function data(tree: unknown): unknown[] {
  return treeFlatten(tree)[0].map((x) => (x as NDArray).toArray());
}
