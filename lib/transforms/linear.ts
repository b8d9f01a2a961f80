/**
 * Functions taken apart: linear ones transposed, what they close over as arguments, and reverse mode as two
 * functions.
 *
 * Reverse mode as two functions, the first of which gives what the second one needs.
 *
 * @module
 */
import {
  bind,
  checkCall,
  describeTreeDifference,
  DifferentiationError,
  evalJaxpr,
  type Jaxpr,
  Linear,
  type NDArray,
  type OptionTable,
  register,
  type ShapedArray,
  type TreeDef,
  TreeError,
  treeUnflatten,
} from "../core/mod.ts";
import { linearizeFlat } from "../interpreters/partial.ts";
import { stage } from "../interpreters/staging.ts";
import { backwardPass } from "../interpreters/transpose.ts";
import { zeros } from "../primitives/mod.ts";
import { checkArgnums, checkTangents, pullBack, Restricted } from "./autodiff.ts";
import { customVjp } from "./custom.ts";
import type { Gradient } from "./derivative_types.ts";
import { argumentTypes } from "./inspect.ts";
import { jit } from "./jit.ts";
import type { HasAux } from "./options.ts";
import type { Arguments, Arrays, Tree, TreeLike } from "./tree_types.ts";
import {
  checkFunction,
  checkSameType,
  flatFunction,
  flattenArrays,
  nameOf,
  withName,
} from "./trees.ts";
import type { AnyFunction, Argnums, Examples } from "./types.ts";

/** Leaves of a tree that has to be of a type. */
function like(
  op: string,
  what: string,
  avals: readonly ShapedArray[],
  def: TreeDef,
  tree: unknown,
): NDArray[] {
  const [leaves, own] = flattenArrays(op, tree, what, { def, avals });
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

/** Options of {@linkcode fwdAndBwd}. */
export interface FwdAndBwdOptions<Aux extends boolean = boolean> extends HasAux<Aux> {
  /** Whether both functions are compiled (default true). */
  readonly jitted?: boolean | undefined;
}

const fwdAndBwdOptions: OptionTable<FwdAndBwdOptions> = { hasAux: "boolean", jitted: "boolean" };

/** What of the way back is the same in all calls that were traced alike. */
interface Way {
  readonly jaxpr: Jaxpr;
  readonly activeIn: readonly boolean[];
  readonly activeOut: readonly boolean[];
  readonly primals: readonly ShapedArray[];
  readonly outs: readonly ShapedArray[];
  readonly outDef: TreeDef;
  readonly derivatives: (leaves: readonly NDArray[]) => unknown;
}

/** What the way back needs: a tree of arrays, to be handed on, and through compiled functions. */
export class Residuals {
  /** For `fwdAndBwd` alone. */
  constructor(
    /** The arrays. */
    readonly values: readonly NDArray[],
    /** What they are to the way back. */
    readonly way: unknown,
  ) {}
}

let residualsAreTrees = false;

/**
 * Reverse mode in two: `forward(...args)` gives `[value, residuals]`, with `hasAux`
 * `[value, residuals, aux]`, and `backward(residuals, cotangent)` the cotangent of the argument at `argnums`,
 * or a list of them, as `jax.fwd_and_bwd`. Residuals are a tree of arrays, which may be kept, and handed through
 * compiled functions.
 *
 * @throws {TreeError} where residuals are none of `forward`'s, or a cotangent is not like the value.
 *
 * @example
 * ```ts
 * import { fwdAndBwd, type NDArray, numpy as np } from "@injax/injax";
 *
 * const [forward, backward] = fwdAndBwd((w: NDArray, x: NDArray) => w.mul(x).sin(), [0, 1]);
 * const [y, residuals] = forward(np.array(0), np.array(2));
 * const [dw, dx] = backward(residuals, np.onesLike(y));
 * console.log(y.item(), dw.item(), dx.item()); // 0 2 0
 * ```
 */
export function fwdAndBwd<
  A extends unknown[] = NDArray[],
  R extends Tree = Tree,
  const N extends Argnums = 0,
>(
  f: (...args: A) => R,
  argnums: N,
  options?: FwdAndBwdOptions<false>,
): [
  forward: (...args: Arguments<A>) => [value: Arrays<R>, residuals: Residuals],
  backward: (residuals: Residuals, cotangent: TreeLike<R>) => Gradient<A, N>,
];
/** With `hasAux`, `f` gives `[value, aux]`. */
export function fwdAndBwd<
  A extends unknown[],
  R extends Tree,
  X extends Tree,
  const N extends Argnums = 0,
>(
  f: (...args: A) => readonly [R, X],
  argnums: N,
  options: FwdAndBwdOptions<true> & { readonly hasAux: true },
): [
  forward: (...args: Arguments<A>) => [value: Arrays<R>, residuals: Residuals, aux: Arrays<X>],
  backward: (residuals: Residuals, cotangent: TreeLike<R>) => Gradient<A, N>,
];
export function fwdAndBwd(
  f: AnyFunction,
  argnums: Argnums,
  options: FwdAndBwdOptions = {},
): [forward: AnyFunction, backward: AnyFunction] {
  const op = "fwdAndBwd";
  if (arguments.length > 2) checkCall(`${op}(f, argnums, options)`, arguments, fwdAndBwdOptions);
  checkFunction(op, f);
  const { hasAux = false, jitted = true } = options;
  if (!residualsAreTrees) {
    register(Residuals, {
      name: "Residuals",
      flatten: (node) => [{ values: (node as Residuals).values }, (node as Residuals).way],
      unflatten: ({ values }, way) => new Residuals(values as NDArray[], way),
    });
    residualsAreTrees = true;
  }
  const single = typeof argnums === "number";
  const forward = withName("forward", f, (...args: unknown[]): unknown => {
    const fn = new Restricted(op, f, args, checkArgnums(op, f, argnums, args.length), hasAux, true);
    const lin = linearizeFlat(`${op} of ${nameOf(f)}`, (xs) => fn.call(xs), fn.primals);
    const way: Way = {
      jaxpr: lin.jaxpr,
      activeIn: lin.activeIn,
      activeOut: lin.activeOut,
      primals: fn.primals.map((x) => x.aval),
      outs: lin.outs.slice(0, fn.outDef.numLeaves).map((x) => x.aval),
      outDef: fn.outDef,
      derivatives: (leaves) => fn.derivatives(leaves, single),
    };
    const residuals = new Residuals(lin.consts, way);
    const result = fn.result(lin.outs);
    if (!hasAux) return [result, residuals];
    const [value, aux] = result as [unknown, unknown];
    return [value, residuals, aux];
  });
  const backward = withName("backward", f, (residuals: unknown, cotangent: unknown): unknown => {
    if (!(residuals instanceof Residuals)) {
      throw new TreeError(
        `${op}: the first argument of the backward function must be the residuals that the forward ` +
          "function gave",
      );
    }
    const { outs, outDef, primals, derivatives, ...way } = residuals.way as Way;
    const [cts, def] = flattenArrays(op, cotangent, "the cotangent");
    const checked = checkTangents(op, "cotangent", outs, outDef, cts, def);
    const lin = { ...way, consts: residuals.values };
    const back = pullBack(lin, checked);
    return derivatives(primals.map((aval, i) => back[i] ?? zeros(aval)));
  });
  return jitted ? [jit(forward), jit(backward)] : [forward, backward];
}
