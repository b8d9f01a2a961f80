/**
 * Reverse mode as two functions, the first of which gives what the second one needs.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../core/signature.ts";
import { register } from "../core/tree.ts";
import type { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import type { Jaxpr } from "../core/primitive.ts";
import type { TreeDef } from "../core/tree.ts";
import { TreeError } from "../core/errors.ts";
import { linearizeFlat } from "../interpreters/partial.ts";
import { zeros } from "../primitives/constants/full.ts";
import { checkArgnums, checkTangents, pullBack, Restricted } from "./autodiff.ts";
import type { Gradient } from "./derivative_types.ts";
import { jit } from "./jit.ts";
import type { HasAux } from "./options.ts";
import { checkFunction, flattenArrays, nameOf, withName } from "./trees.ts";
import type { Arguments, Arrays, Tree, TreeLike } from "./tree_types.ts";
import type { AnyFunction, Argnums } from "./types.ts";

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
