/**
 * Functions whose intermediate values are computed again in the backward pass, and what may be kept of them all
 * the same.
 *
 * @module
 */
import { checkpointCall, type CheckpointPolicy } from "../control/call.ts";
import { bind, checkCall, describeValue, treeUnflatten } from "../core/mod.ts";
import { stage } from "../interpreters/staging.ts";
import { withName as named } from "../primitives/mod.ts";
import { namesOf, positionsOf, splitNames, splitStatic } from "./jit.ts";
import { checkFunction, flatFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { Arrays, Tree } from "./tree_types.ts";
import type { AnyFunction, CheckpointOptions } from "./types.ts";

export type { CheckpointPolicy } from "../control/call.ts";

/** See `Transforms.checkpoint`. */
export function checkpoint(f: AnyFunction, options: CheckpointOptions = {}): AnyFunction {
  checkFunction("checkpoint", f);
  const { policy, staticArgnums } = options;
  const list = positionsOf(staticArgnums);
  const names = namesOf("checkpoint", "staticArgnames", options.staticArgnames, f);
  return withName("checkpoint", f, (...args: unknown[]) => {
    const [inner, others] = list.length === 0
      ? [f, args]
      : splitStatic("checkpoint", "staticArgnums", f, args, list);
    const [call, dynamic] = names.length === 0 ? [inner, others] : splitNames(inner, others, names);
    const [xs, def] = flattenArrays("checkpoint", dynamic, `an argument of ${nameOf(f)}`);
    const flat = flatFunction("checkpoint", call, def);
    const { jaxpr, consts } = stage(
      `checkpoint of ${nameOf(f)}`,
      (a) => flat.call(a),
      xs.map((x) => x.aval),
    );
    const outs = bind(checkpointCall, [...consts, ...xs], {
      jaxpr,
      name: f.name,
      backend: "interpreter",
      ...policy !== undefined && { policy },
    });
    return treeUnflatten(flat.outDef(), outs);
  });
}

/**
 * A value under a name, for the policies of `checkpoint` that go by names, as
 * `jax.ad_checkpoint.checkpoint_name`. Else it is the value itself.
 *
 * @param x A tree of arrays.
 *
 * @example
 * ```ts
 * import { checkpoint, checkpointName, checkpointPolicies, grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = checkpoint((x: NDArray) => checkpointName(x.sin(), "inner").cos().sum(), {
 *   policy: checkpointPolicies.saveOnlyTheseNames("inner"),
 * });
 * console.log(grad(f)(np.zeros([1])).abs().toArray()); // [ 0 ]
 * ```
 */
export function checkpointName<X extends Tree>(x: X, name: string): Arrays<X> {
  if (arguments.length > 2) checkCall("checkpointName(x, name)", arguments);
  if (typeof name !== "string") {
    throw new TypeError(`checkpointName: the name must be a string, not ${describeValue(name)}`);
  }
  const [leaves, def] = flattenArrays("checkpointName", x, "x");
  return treeUnflatten(def, leaves.map((leaf) => named(leaf, name))) as Arrays<X>;
}

const isProduct: CheckpointPolicy = ({ primitive }) => primitive === "dot_general";

/** The name that an operation gives its value. */
function nameIn({ primitive, params }: Parameters<CheckpointPolicy>[0]): string | null {
  return primitive === "checkpoint_name" ? (params as { readonly name: string }).name : null;
}

/** Checks names, and gives them. */
function names(op: string, given: readonly unknown[]): ReadonlySet<string> {
  const odd = given.find((name) => typeof name !== "string");
  if (odd === undefined) return new Set(given as readonly string[]);
  throw new TypeError(
    `${op}: names must be strings, as in ${op}("a", "b"), not ${describeValue(odd)}`,
  );
}

/**
 * What `checkpoint` keeps for the backward pass, as in `jax.checkpoint_policies`: functions from an operation to
 * whether its results are kept. What is not kept is computed again.
 *
 * - `everythingSaveable`, `nothingSaveable`: all, or nothing, which is what `checkpoint` does without a policy
 * - `dotsSaveable`, `dotsWithNoBatchDimsSaveable`: products of matrices, all, or without those of batches
 * - `saveOnlyTheseNames(...names)`, `saveAnyNamesButThese(...names)`: values named by `checkpointName`
 * - `saveAnythingExceptTheseNames(...names)`: all but those
 * - `saveFromBothPolicies(a, b)`: what either keeps
 */
export const checkpointPolicies: {
  readonly everythingSaveable: CheckpointPolicy;
  readonly nothingSaveable: CheckpointPolicy;
  readonly dotsSaveable: CheckpointPolicy;
  readonly dotsWithNoBatchDimsSaveable: CheckpointPolicy;
  readonly saveOnlyTheseNames: (...names: readonly string[]) => CheckpointPolicy;
  readonly saveAnyNamesButThese: (...names: readonly string[]) => CheckpointPolicy;
  readonly saveAnythingExceptTheseNames: (...names: readonly string[]) => CheckpointPolicy;
  readonly saveFromBothPolicies: (a: CheckpointPolicy, b: CheckpointPolicy) => CheckpointPolicy;
} = {
  everythingSaveable: () => true,
  nothingSaveable: () => false,
  dotsSaveable: isProduct,
  dotsWithNoBatchDimsSaveable: (operation) =>
    isProduct(operation) &&
    (operation.params as { readonly batch: readonly [readonly number[]] }).batch[0].length === 0,
  saveOnlyTheseNames(...given) {
    const own = names("saveOnlyTheseNames", given);
    return (operation) => own.has(nameIn(operation) ?? "") && nameIn(operation) !== null;
  },
  saveAnyNamesButThese(...given) {
    const own = names("saveAnyNamesButThese", given);
    return (operation) => nameIn(operation) !== null && !own.has(nameIn(operation)!);
  },
  saveAnythingExceptTheseNames(...given) {
    const own = names("saveAnythingExceptTheseNames", given);
    return (operation) => !own.has(nameIn(operation) ?? "") || nameIn(operation) === null;
  },
  saveFromBothPolicies(a, b) {
    if (arguments.length > 2) checkCall("saveFromBothPolicies(a, b)", arguments);
    for (const policy of [a, b]) {
      if (typeof policy === "function") continue;
      throw new TypeError(
        `saveFromBothPolicies: a policy is a function, not ${describeValue(policy)}`,
      );
    }
    return (operation) => a(operation) || b(operation);
  },
};
