/**
 * Functions taken apart: linear ones transposed, what they close over as arguments, and reverse mode as two
 * functions.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { DifferentiationError, TreeError } from "../core/errors.ts";
import { evalJaxpr } from "../core/jaxpr.ts";
import { Linear } from "../core/primitive.ts";
import { checkCall } from "../core/signature.ts";
import { bind } from "../core/trace.ts";
import { describeTreeDifference, register, type TreeDef, treeUnflatten } from "../core/tree.ts";
import { stage } from "../interpreters/staging.ts";
import { backwardPass } from "../interpreters/transpose.ts";
import { zeros } from "../primitives/constants/full.ts";
import { customVjp } from "./custom.ts";
import { argumentTypes } from "./inspect.ts";
import {
  checkFunction,
  checkSameType,
  flatFunction,
  flattenArrays,
  nameOf,
  withName,
} from "./trees.ts";
import type { Arrays, Tree, TreeLike } from "./tree_types.ts";
import type { AnyFunction, Examples } from "./types.ts";

/** Leaves of a tree that has to be of a type. */
function like(
  op: string,
  what: string,
  avals: readonly ShapedArray[],
  def: TreeDef,
  tree: unknown,
): NDArray[] {
  const [leaves, own] = flattenArrays(op, tree, what);
  const types = leaves.map((x) => x.aval);
  checkSameType(
    op,
    what,
    avals,
    def,
    types,
    own,
    "They must have the same structure, shapes and dtypes",
  );
  return leaves;
}

/**
 * The transpose of a linear function: from a cotangent of its result to a list with one of each argument,
 * as `jax.linear_transpose`. The function is not run on values; `primals` say shapes and dtypes alone, and may
 * be `ShapeDtype`s.
 *
 * @throws {DifferentiationError} where the function is not linear in its arguments.
 * @throws {TreeError} where a cotangent is not like the result.
 *
 * @example
 * ```ts
 * import { linearTranspose, type NDArray, numpy as np, ShapeDtype } from "@injax/injax";
 *
 * const a = np.array([[1, 2], [3, 4], [5, 6]]);
 * const back = linearTranspose((x: NDArray) => np.matmul(a, x), new ShapeDtype([2]));
 * console.log(back(np.array([1, 0, 1]))[0].toArray()); // [ 6, 8 ]
 * ```
 */
export function linearTranspose<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
  ...primals: NoInfer<Examples<A>>
): (cotangent: TreeLike<R>) => Arrays<A> {
  const op = "linearTranspose";
  checkFunction(op, f);
  const [avals, def] = argumentTypes(op, f, primals);
  const flat = flatFunction(op, f, def);
  const { jaxpr, consts } = stage(`${op} of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  const outAvals = jaxpr.outputs.map((a) => a.aval);
  const back = (cotangent: unknown): unknown => {
    const what = `the cotangent and the result of ${nameOf(f)}`;
    const cts = like(op, what, outAvals, flat.outDef(), cotangent);
    const inputs = [...consts, ...avals.map((aval) => new Linear(aval))];
    let all;
    try {
      all = backwardPass(jaxpr, inputs, cts);
    } catch (error) {
      if (!(error instanceof DifferentiationError)) throw error;
      throw new DifferentiationError(
        `${op}: ${nameOf(f)} is not linear in its arguments: ${error.message}`,
        { cause: error },
      );
    }
    const given = all.slice(consts.length);
    return treeUnflatten(def, avals.map((aval, i) => given[i] ?? zeros(aval)));
  };
  return withName(op, f, back) as (cotangent: TreeLike<R>) => Arrays<A>;
}

/**
 * A function without the traced values that it closes over, and a list of these: `converted(...args,
 * ...consts)` is `f(...args)`, as `jax.closure_convert`. So a rule for derivatives may be given what a function
 * knows of values that are being differentiated. `args` are examples, or `ShapeDtype`s.
 *
 * @example
 * ```ts
 * import { closureConvert, grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * const slope = grad((a: NDArray) => {
 *   const [converted, consts] = closureConvert((x: NDArray) => x.mul(a), np.array(2));
 *   console.log(consts.length); // 1
 *   return converted(np.array(2), ...consts);
 * });
 * console.log(slope(np.array(3)).item()); // 2
 * ```
 */
export function closureConvert<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => R,
  ...args: NoInfer<Examples<A>>
): [converted: (...args: unknown[]) => Arrays<R>, consts: NDArray[]] {
  const op = "closureConvert";
  checkFunction(op, f);
  const [avals, def] = argumentTypes(op, f, args);
  const flat = flatFunction(op, f, def);
  const { jaxpr, consts } = stage(`${op} of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  const count = def.children.length;
  const heldDef = flattenArrays(op, [...consts], "consts")[1];
  const heldAvals = consts.map((x) => x.aval);
  const converted = (...all: unknown[]): unknown => {
    const own = like(op, `the arguments of ${nameOf(f)}`, avals, def, all.slice(0, count));
    const held = like(op, "the values that were closed over", heldAvals, heldDef, all.slice(count));
    return treeUnflatten(flat.outDef(), evalJaxpr(jaxpr, [...held, ...own], bind));
  };
  return [withName(op, f, converted) as (...args: unknown[]) => Arrays<R>, [...consts]];
}

/** A function among residuals: it belongs to their structure. */
class Kept {
  constructor(readonly f: AnyFunction) {}
}

let keptIsTree = false;

/** A value that is no array, in a tree whose leaves are arrays. */
function kept(f: AnyFunction): Kept {
  if (!keptIsTree) {
    register(Kept, {
      name: "function",
      flatten: (node) => [{}, node],
      unflatten: (_, node) => node,
    });
    keptIsTree = true;
  }
  return new Kept(f);
}

/**
 * A function that gives its own backward derivative: `f(...args)` gives `[value, pull]`, where
 * `pull(cotangent)` gives the cotangent of the argument, or a list with one of each, as
 * `jax.custom_gradient`. What `pull` closes over is kept for the way back.
 *
 * @throws {TreeError} where the function does not return such a pair, or a cotangent is not like its argument.
 *
 * @example
 * ```ts
 * import { customGradient, grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * const log1pexp = customGradient((x: NDArray) => {
 *   const e = x.exp();
 *   return [e.add(1).log(), (ct: NDArray) => ct.mul(np.sub(1, np.div(1, e.add(1))))];
 * });
 * console.log(grad(log1pexp)(np.array(100)).item()); // 1
 * ```
 */
export function customGradient<A extends unknown[] = NDArray[], R extends Tree = Tree>(
  f: (...args: A) => readonly [R, (cotangent: Arrays<R>) => unknown],
): (...args: A) => Arrays<R> {
  const op = "customGradient";
  if (arguments.length > 1) checkCall("customGradient(f)", arguments);
  checkFunction(op, f);
  const both = (...args: unknown[]): readonly [unknown, AnyFunction] => {
    const result = (f as AnyFunction as (...args: unknown[]) => unknown)(...args);
    if (Array.isArray(result) && result.length === 2 && typeof result[1] === "function") {
      return result as unknown as [unknown, AnyFunction];
    }
    throw new TreeError(
      `${op}: ${
        nameOf(f)
      } must return [value, pull], where pull(cotangent) gives the cotangent of ` +
        "each argument",
    );
  };
  const value = withName(op, f, (...args: unknown[]) => both(...args)[0]);
  const forward = (...args: unknown[]): unknown => {
    const [out, pull] = both(...args);
    const [leaves, def] = flattenArrays(op, out, `the result of ${nameOf(f)}`);
    const types = treeUnflatten(def, leaves.map((x) => zeros(x.aval)));
    const [converted, consts] = closureConvert(pull as never, types as never);
    return [out, [consts, kept(converted), args]];
  };
  const backward = (residuals: unknown, cotangent: unknown): unknown => {
    const [consts, { f: pull }, args] = residuals as [unknown[], Kept, unknown[]];
    const given = (pull as (...args: unknown[]) => unknown)(cotangent, ...consts);
    if (args.length !== 1) return given;
    const [argDef, givenDef] = [args[0], given].map((x) => flattenArrays(op, x, "a cotangent")[1]);
    if (argDef === givenDef) return [given];
    if (Array.isArray(given) && given.length === 1) return given;
    throw new TreeError(
      `${op}: the cotangent of the argument of ${nameOf(f)} differs from it ${
        describeTreeDifference(argDef!, givenDef!)
      }`,
    );
  };
  return customVjp(value as never, forward as never, backward as never) as never;
}
