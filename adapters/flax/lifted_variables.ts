/**
 * The lifted transforms of flax that are about the variables of a module themselves: derivatives by
 * them, rules for these, and other values for them.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { type NDArray, numpy as np, StateError, treeMap } from "../../mod.ts";
import { isMutable, mayCreate, protocol, withinLimits } from "./context.ts";
import type { Filter } from "./filters.ts";
import { countingDraws, dictionary } from "./lifted.ts";
import type { Module } from "./module.ts";
import { type Fn, lifting, type TargetOptions } from "./targets.ts";
import type { Variables } from "./variables.ts";
import { Subtree, type Values, viewing } from "./view.ts";

/** Runs `f` with a subtree's variables as they are in `values`, and others as they are. */
function over(tree: Subtree, values: Values, f: () => unknown): unknown {
  return viewing(tree.what, { values, owns: () => false }, f).out;
}

/** The variables of a subtree, which `init` makes first, by running `f`. */
function valuesFor(tree: Subtree, f: Fn, args: readonly unknown[]): Values {
  const context = protocol.need(tree.what);
  if (context.initializing) {
    countingDraws(tree.what, f, (counted) => dictionary.initialize(counted, ...args));
  }
  return tree.values(context);
}

/** Options of `vjp`. */
export interface LiftedVjpOptions<Aux extends boolean = boolean> {
  /** The collections by which derivatives are taken (default `params`). */
  readonly vjpVariables?: Filter | undefined;
  /** Whether the function returns `[value, aux]`. */
  readonly hasAux?: Aux | undefined;
}

/** The derivatives by variables, as seen from the module, and those by the arguments. */
export type Pulled<A extends unknown[]> = [variables: Variables, ...A];

/**
 * The value of `f(module, ...primals)`, and a function from a cotangent of it to those of the module's
 * variables and of the primals.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Model extends flax.Module {
 *   readonly dense = new flax.Dense(1, { useBias: false });
 *   call(x: NDArray): NDArray {
 *     const [, pull] = flax.vjp((m, x: NDArray) => m.call(x).sum(), this.dense, [x]);
 *     const [variables] = pull(np.array(1));
 *     return variables.params!.kernel!;
 *   }
 * }
 * const model = new Model();
 * const x = np.array([2, 3]);
 * const variables = { params: { dense: { kernel: np.ones([2, 1]) } } };
 * console.log(model.apply(variables, x).toArray()); // [ [ 2 ], [ 3 ] ]
 * ```
 */
export function vjp<M extends Module, A extends unknown[], R, Aux extends boolean = false>(
  f: (module: M, ...primals: A) => R,
  module: M,
  primals: readonly [...A],
  options: LiftedVjpOptions<Aux> = {},
): Aux extends true
  ? R extends readonly [infer V, infer X] ? [value: V, pull: (cotangent: V) => Pulled<A>, aux: X]
  : never
  : [value: R, pull: (cotangent: R) => Pulled<A>] {
  const { vjpVariables = "params", hasAux = false } = options;
  const tree = new Subtree("flax.vjp", module, vjpVariables);
  const run: Fn = (values, ...xs) => over(tree, values as Values, () => f(module, ...xs as A));
  const values = valuesFor(tree, (...xs) => f(module, ...xs as A), primals);
  const [value, pull, ...aux] = dictionary.vjp(run, [values, ...primals], {
    hasAux,
  }) as [unknown, Fn, ...unknown[]];
  const pulled: Fn = (cotangent) => {
    const [values, ...others] = pull(cotangent) as [Values, ...unknown[]];
    return [tree.nested(values), ...others];
  };
  return [value, pulled, ...aux] as never;
}

/**
 * The value of `f(module, ...primals)` and its derivative along tangents of the primals and of the module's
 * variables, which are given by collection: those that are left out are zero.
 *
 * @throws {StateError} where a tangent is for a variable that does not exist.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Model extends flax.Module {
 *   readonly dense = new flax.Dense(1, { useBias: false });
 *   call(x: NDArray): NDArray {
 *     const along = { params: { kernel: np.ones([2, 1]) } };
 *     return flax.jvp((m, x: NDArray) => m.call(x), this.dense, [x], [np.zeros([2])], along)[1];
 *   }
 * }
 * const variables = { params: { dense: { kernel: np.ones([2, 1]) } } };
 * console.log(new Model().apply(variables, np.array([2, 3])).toArray()); // [ 5 ]
 * ```
 */
export function jvp<M extends Module, A extends unknown[], R>(
  f: (module: M, ...primals: A) => R,
  module: M,
  primals: readonly [...A],
  tangents: readonly [...A],
  variableTangents: object = {},
): [value: R, tangent: R] {
  const what = "flax.jvp";
  const tree = new Subtree(what, module, Object.keys(variableTangents));
  const values = valuesFor(tree, (...xs) => f(module, ...xs as A), primals);
  const given = tree.flat(variableTangents);
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(values, key));
  if (unknown !== undefined) {
    throw new StateError(
      `${what}: there is a tangent for ${
        unknown.replace(":", "/")
      }, which is no variable of the module. ` +
        `It has ${Object.keys(values).map((key) => key.replace(":", "/")).join(", ") || "none"}`,
    );
  }
  const along = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      given[key] ?? treeMap((x: NDArray) => np.zerosLike(x), value),
    ]),
  );
  const run: Fn = (own, ...xs) => over(tree, own as Values, () => f(module, ...xs as A));
  return dictionary.jvp(run, [values, ...primals], [along, ...tangents]) as [R, R];
}

/** Options of `customVjp`. */
export interface LiftedCustomVjpOptions {
  /** The collections by which the backward rule gives derivatives (default `params`). */
  readonly gradVars?: Filter | undefined;
}

/**
 * A function of a module with a derivative rule of its own, by the module's variables and the arguments.
 * `forward(module, ...args)` gives `[value, residuals]`, and `backward(residuals, cotangent)` the
 * cotangents of the variables, as `vjp` gives them, and of the arguments.
 *
 * Residuals are arrays. A backward rule that needs the derivative of the function calls `vjp` itself.
 *
 * @example A gradient that is clipped
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Model extends flax.Module {
 *   readonly dense = new flax.Dense(1, { useBias: false });
 *   call(x: NDArray): NDArray {
 *     const f = (m: flax.Dense, x: NDArray) => m.call(x).sum();
 *     const clipped = flax.customVjp(f, (m, x) => [f(m, x), x], (x: NDArray, ct: NDArray) => {
 *       const [variables, dx] = flax.vjp(f, this.dense, [x])[1](ct);
 *       const { kernel } = variables.params!;
 *       return [{ params: { kernel: np.clip(kernel!, -1, 1) } }, dx];
 *     });
 *     return clipped(this.dense, x);
 *   }
 * }
 * const model = new Model();
 * const loss = (kernel: NDArray) => model.apply({ params: { dense: { kernel } } }, np.array([5, 0.5]));
 * console.log(grad(loss)(np.ones([2, 1])).toArray()); // [ [ 1 ], [ 0.5 ] ]
 * ```
 */
export function customVjp<M extends Module, A extends unknown[], R, Res>(
  f: (module: M, ...args: A) => R,
  forward: (module: M, ...args: A) => readonly [value: R, residuals: Res],
  backward: (residuals: Res, cotangent: R) => readonly [variables: object, ...unknown[]],
  options: LiftedCustomVjpOptions = {},
): (module: M, ...args: A) => R {
  const what = "flax.customVjp";
  const { gradVars = "params" } = options;
  return (module, ...args) => {
    const tree = new Subtree(what, module, gradVars);
    const values = valuesFor(tree, (...xs) => f(module, ...xs as A), args);
    const on = (g: (module: M, ...args: A) => unknown): Fn => (own, ...xs) =>
      over(tree, own as Values, () => g(module, ...xs as A));
    const back: Fn = (residuals, cotangent) => {
      const [own, ...inputs] = backward(residuals as Res, cotangent as R);
      const given = tree.flat(own);
      const all = Object.entries(values).map(([key, value]) =>
        [key, given[key] ?? treeMap((x: NDArray) => np.zerosLike(x), value)] as const
      );
      return [Object.fromEntries(all), ...inputs];
    };
    const ruled = dictionary.customVjp(on(f), on(forward as typeof f), back) as Fn;
    return ruled(values, ...args) as R;
  };
}

/** Variables by collection and name, as seen from a module. */
export type MappedVariables = { readonly [collection: string]: Variables[string] };

/** Options of `mapVariables`. */
export interface MapVariablesOptions extends TargetOptions {
  /** What the function sees in place of the variables (default: these). */
  readonly transIn?: ((variables: MappedVariables) => object) | undefined;
  /** What is stored in place of what the function made or changed (default: that). */
  readonly transOut?: ((variables: MappedVariables) => object) | undefined;
  /** Whether the function runs once to make the variables before they are mapped. */
  readonly init?: boolean | undefined;
  /** Whether the function may change the mapped variables. */
  readonly mutable?: boolean | undefined;
}

/**
 * A module, or a function of one, that sees other values for the variables of some collections.
 *
 * @example Tied weights: the decoder is the encoder, transposed
 * ```ts
 * import { type NDArray, numpy as np, random, treeMap } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Tied extends flax.Module {
 *   readonly encoder = new flax.Dense(2, { useBias: false });
 *   call(x: NDArray): NDArray {
 *     const decode = flax.mapVariables(
 *       (m: flax.Dense, h: NDArray) => np.matmul(h, m.getVariable("params", "kernel") as NDArray),
 *       "params",
 *       { transIn: (v) => treeMap((x: NDArray) => np.transpose(x), v) },
 *     );
 *     return decode(this.encoder, this.encoder.call(x));
 *   }
 * }
 * const model = new Tied();
 * const variables = model.init(random.key(0), np.ones([4]));
 * console.log(Object.keys(variables.params!), model.apply(variables, np.ones([4])).shape);
 * // [ "encoder" ] [ 4 ]
 * ```
 */
export function mapVariables<T>(
  target: T,
  collections: Filter,
  options: MapVariablesOptions = {},
): T {
  const op = "flax.mapVariables";
  const same = (variables: MappedVariables): object => variables;
  const { transIn = same, transOut = same, init = false, mutable = false } = options;
  for (const [name, f] of Object.entries({ transIn, transOut })) {
    if (typeof f === "function") continue;
    throw new StateError(`${op}: ${name} must be a function, not ${describeValue(f)}`);
  }
  const limits = {
    by: op,
    visible: [true],
    mutable: init || mutable ? [true] : [{ deny: collections }],
    rngs: [true],
  };
  return lifting(op, "Map_variables", target, options, (f) => (module, ...args) => {
    const context = protocol.need(op);
    const tree = new Subtree(op, module, collections);
    const owns = (key: string): boolean => tree.has(key);
    const mapped = (values: Values, by: typeof transIn): Values =>
      tree.flat(by(tree.nested(values) as MappedVariables));
    let values = tree.values(context);
    if (init && context.initializing) {
      const first = viewing(op, { values, owns }, () => f(module, ...args));
      values = mapped(first.after, transOut);
    }
    const inside = mapped(values, transIn);
    const { out, after } = viewing(
      op,
      { values: inside, owns },
      () => withinLimits(limits, () => f(module, ...args)),
    );
    if (init || mutable) store(mapped(after, transOut));
    return out;
  });
}

/** Stores values of variables whose collections may change. */
function store(values: Values): void {
  const context = protocol.need("flax.mapVariables");
  for (const [key, value] of Object.entries(values)) {
    const collection = key.slice(0, key.indexOf(":"));
    if (context.get(key) === undefined && mayCreate(context, collection)) {
      context.create(key, () => value);
    } else if (isMutable(context, collection)) context.set(key, value);
  }
}
