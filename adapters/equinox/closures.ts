/**
 * Functions as programs with the traced values that they close over in a tree, so that transforms can
 * take these as arguments.
 *
 * @module
 */
import { bind, checkCall, evalJaxpr, formatAval, openJaxpr, sameAval } from "../../lib/extend.ts";
import { type NDArray, TreeError, treeUnflatten } from "../../mod.ts";
import { Module } from "./module.ts";
import { pack, type Packed } from "./packed.ts";
import { filterMakeJaxpr, type Fn } from "./transforms.ts";

/** What `filterClosureConvert` gives: a module whose arrays are what the function captured. */
export class ClosureConverted<A extends unknown[] = unknown[], R = unknown> extends Module {
  /** What is structure. */
  static readonly staticFields: readonly string[] = ["run"];

  /** For `filterClosureConvert`. */
  constructor(
    /** Values of transforms around it that the function captured. */
    readonly consts: readonly NDArray[],
    readonly run: (consts: readonly NDArray[], args: A) => R,
  ) {
    super();
  }

  /** The function, of arguments like those that it was converted for. */
  call(...args: A): R {
    return this.run(this.consts, args);
  }
}

/**
 * A function as a module, in which the traced values that it closes over are arrays like others: so it
 * can be handed to what differentiates, maps or compiles by arguments alone. It is for arguments of the
 * types of `args`; arrays that were known when it was converted are part of the program.
 *
 * @example
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const slope = grad((a: NDArray) => {
 *   const times = eqx.filterClosureConvert((x: NDArray) => x.mul(a), np.array(0));
 *   console.log(times.consts.length); // 1
 *   return times.call(np.array(3));
 * });
 * console.log(slope(np.array(2)).item()); // 3
 * ```
 */
export function filterClosureConvert<A extends unknown[], R>(
  f: Fn<A, R>,
  ...args: A
): ClosureConverted<A, R> {
  if (typeof f !== "function") checkCall("eqx.filterClosureConvert(f, ...args)", arguments);
  const like = pack(args);
  const { jaxpr, consts, outDef } = openJaxpr(filterMakeJaxpr(f)(...args));
  const types = jaxpr.inputs.slice(consts.length).map((v) => v.aval);
  const run = (consts: readonly NDArray[], args: A): R => {
    const { arrays, def, others } = pack(args);
    const own = arrays as readonly NDArray[];
    const fits = def === like.def && others.every((x, i) => Object.is(x, like.others[i])) &&
      own.every((x, i) => sameAval(x.aval, types[i]!));
    if (!fits) {
      throw new TreeError(
        `eqx.filterClosureConvert: the function was converted for ${like.def} with ${
          types.map(formatAval).join(", ")
        }, but is called with ${def} and ${own.map((x) => formatAval(x.aval)).join(", ")}`,
      );
    }
    const outs = evalJaxpr(jaxpr, [...consts, ...own], bind);
    return (treeUnflatten(outDef, outs) as Packed).unpack() as R;
  };
  return new ClosureConverted(consts, run);
}
