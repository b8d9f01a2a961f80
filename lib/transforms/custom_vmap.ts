/**
 * Functions on pytrees with a rule of the user's own for the lanes of a `vmap`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { formatAval, sameAval, shaped } from "../core/aval.ts";
import { describeValue, TreeError } from "../core/errors.ts";
import { checkCall } from "../core/signature.ts";
import { bind } from "../core/trace.ts";
import { describeTreeDifference, treeFlatten, treePaths, treeUnflatten } from "../core/tree.ts";
import type { MapLeaves } from "../core/tree_types.ts";
import { customVmapP, type LaneRule } from "../control/custom_vmap.ts";
import { stage } from "../interpreters/staging.ts";
import { map } from "./loops.ts";
import { checkFunction, flatFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { Arrays, Tree, TreeLike } from "./tree_types.ts";
import type { Arguments } from "./tree_types.ts";

/** For each argument a tree like it, of what says whether a leaf differs by lane. */
export type Batched<A extends unknown[]> = { readonly [K in keyof A]: MapLeaves<A[K], boolean> };

/**
 * A function with its own rule for the lanes of a `vmap`, as `jax.custom_batching.custom_vmap`:
 * `rule(axisSize, inBatched, ...args)` gives `[out, outBatched]`. Arguments that differ by lane have the lanes
 * along their first axis, and `inBatched` says which these are; `outBatched` says the same of the result: a
 * boolean, or a tree of them. Everywhere else the function is what it is.
 *
 * Forward derivatives of the function have the derivative of the rule for a rule. Reverse mode outside of the
 * `vmap` differentiates the rule; inside of it, what is computed with tangents has none.
 *
 * @throws {TreeError} where the rule gives something else than the function for lanes.
 * @throws {TypeError} where the function closes over a value that differs by lane.
 *
 * @example
 * ```ts
 * import { customVmap, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const norm = customVmap(
 *   (x: NDArray) => x.square().sum().sqrt(),
 *   (size, [batched], x) => {
 *     console.log(size, batched, x.shape);
 *     return [x.square().sum(1).sqrt(), true];
 *   },
 * );
 * console.log(vmap(norm)(np.array([[3, 4], [6, 8]])).toArray());
 * // 2 true [ 2, 2 ]
 * // [ 5, 10 ]
 * ```
 */
export function customVmap<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
  rule: (
    axisSize: number,
    inBatched: Batched<A>,
    ...args: A
  ) => readonly [TreeLike<R>, boolean | MapLeaves<R, boolean>],
): (...args: Arguments<A>) => Arrays<R> {
  const op = "customVmap";
  if (arguments.length > 2) checkCall("customVmap(f, rule)", arguments);
  checkFunction(op, f);
  checkFunction(op, rule, "the rule");
  const call = rule as unknown as (...args: unknown[]) => unknown;
  return withName(op, f, (...args: unknown[]): unknown => {
    const [xs, def] = flattenArrays(op, args, `an argument of ${nameOf(f)}`);
    const flat = flatFunction(op, f, def);
    const what = `${op} of ${nameOf(f)}`;
    const { jaxpr, consts } = stage(what, (xs) => flat.call(xs), xs.map((x) => x.aval));
    const outDef = flat.outDef();
    const types = jaxpr.outputs.map((a) => a.aval);
    const flatRule: LaneRule = (size, batched, lanes) => {
      const given = call(
        size,
        treeUnflatten(def, batched),
        ...treeUnflatten(def, lanes) as unknown[],
      );
      if (!Array.isArray(given) || given.length !== 2) {
        throw new TreeError(
          `${op}: the rule of ${nameOf(f)} must return [out, outBatched], not ${
            describeValue(given)
          }`,
        );
      }
      const [outs, own] = flattenArrays(op, given[0], `the result of the rule of ${nameOf(f)}`);
      const flags = flagsOf(given[1], outs.length);
      const differs = own !== outDef ? own : flags === null ? treeFlatten(given[1])[1] : null;
      if (differs !== null || flags === null) {
        throw new TreeError(
          `${op}: ${
            own !== outDef ? "what the rule gives" : "outBatched, of booleans,"
          } and the result ` +
            `of ${nameOf(f)} differ ${describeTreeDifference(outDef, differs!)}`,
        );
      }
      outs.forEach((x, i) => {
        const { shape, dtype } = types[i]!;
        const want = shaped(flags[i] ? [size, ...shape] : shape, dtype);
        if (sameAval(x.aval, want)) return;
        throw new TreeError(
          `${op}: the rule of ${nameOf(f)} gives ${formatAval(x.aval)}${
            treePaths(outDef)[i] === "" ? "" : ` at ${treePaths(outDef)[i]}`
          } for ${size} lanes, and should give ${formatAval(want)}`,
        );
      });
      return [outs, flags];
    };
    const params = { jaxpr, rule: flatRule, numConsts: consts.length, name: nameOf(f) };
    return treeUnflatten(outDef, bind(customVmapP, [...consts, ...xs], params));
  }) as (...args: Arguments<A>) => Arrays<R>;
}

/** One boolean for each leaf; `null` where they are none. */
function flagsOf(batched: unknown, count: number): readonly boolean[] | null {
  if (typeof batched === "boolean") return new Array(count).fill(batched);
  const flags = treeFlatten(batched)[0];
  const fits = flags.length === count && flags.every((x) => typeof x === "boolean");
  return fits ? flags as boolean[] : null;
}

/**
 * A function whose lanes are computed one after the other, by `map`, instead of all at once, as
 * `jax.custom_batching.sequential_vmap`: for what needs much memory, and for loops that end at different times.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, sequentialVmap, vmap } from "@injax/injax";
 *
 * const f = sequentialVmap((x: NDArray) => x.square().sum());
 * console.log(vmap(f)(np.array([[1, 2], [3, 4]])).toArray()); // [ 5, 25 ]
 * ```
 */
export function sequentialVmap<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
): (...args: Arguments<A>) => Arrays<R> {
  if (arguments.length > 1) checkCall("sequentialVmap(f)", arguments);
  checkFunction("sequentialVmap", f);
  return customVmap(
    f,
    ((_: number, inBatched: unknown, ...args: unknown[]) => {
      const [flags] = treeFlatten(inBatched) as [boolean[], unknown];
      const [leaves, def] = treeFlatten(args);
      const step = (lanes: unknown): unknown => {
        let next = 0;
        const all = leaves.map((x, i) => flags[i] ? (lanes as unknown[])[next++] : x);
        return f(...treeUnflatten(def, all) as A);
      };
      Object.defineProperty(step, "name", { value: f.name });
      return [map(step, leaves.filter((_, i) => flags[i])), true];
    }) as never,
  );
}
