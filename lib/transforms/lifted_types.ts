/**
 * What the dictionary of a stateful system has beyond `Transforms`: derivatives by entries.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/mod.ts";
import type { Gradient, HessianOf, JacobianOf, Returned, WithAux } from "./derivative_types.ts";
import type { Argnums, DiffOptions } from "./options.ts";
import type { Arguments, Tree } from "./tree_types.ts";
import type { Transforms } from "./types.ts";

/**
 * Options of derivatives by parameters and state entries of a stateful system, beside arguments. A
 * derivative is then a pair: that by the arguments, and those by the entries, by path. Paths that do
 * not exist raise `StateError`, and so do the pure transforms, which know of no entries.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const layer = new hk.Linear(1);
 *   const [byX, byEntries] = hk.transforms.grad(
 *     (x: NDArray) => layer.call(x).sum(),
 *     { entries: ["linear/w"] },
 *   )(x);
 *   return [byX, byEntries["linear/w"]!];
 * });
 * const x = np.array([2, 3]);
 * const [, byWeights] = model.apply(model.init(random.key(0), x), null, x);
 * console.log(byWeights!.toArray()); // [ [ 2 ], [ 3 ] ]
 * ```
 */
export interface EntryOptions<N extends Argnums = Argnums, Aux extends boolean = boolean>
  extends DiffOptions<N, Aux> {
  /**
   * Paths of the entries, as in `["linear/w"]`; a collection, all of which is meant, as in `"params"`; or a
   * function of path, collection and the system's name that says which. With `argnums: []`, derivatives
   * by these alone.
   */
  readonly entries:
    | readonly string[]
    | string
    | ((path: string, collection: string, system: string) => boolean);
}

/** Derivatives by entries of a stateful system, by path. */
export interface EntryDerivatives {
  /** The derivative by the entry at a path. */
  readonly [path: string]: NDArray;
}

/** A derivative by arguments, `D`, and those by entries. */
export type WithEntries<D> = [byArguments: D, byEntries: EntryDerivatives];

/**
 * The dictionary of a stateful system, as `liftTransforms` makes it: `Transforms` whose derivatives may
 * be by entries too. Library code takes `Transforms`, which every such dictionary is.
 */
export interface LiftedTransforms extends Transforms {
  /** As `Transforms.grad`; with `entries`, the derivatives by them too. */
  readonly grad:
    & (<
      A extends unknown[] = NDArray[],
      R extends Returned<Operand, Aux> = never,
      const N extends Argnums = 0,
      Aux extends boolean = false,
    >(
      f: (...args: A) => R,
      options: EntryOptions<N, Aux>,
    ) => (...args: Arguments<A>) => WithAux<WithEntries<Gradient<A, N>>, R, Aux>)
    & Transforms["grad"];

  /** As `Transforms.valueAndGrad`; with `entries`, the derivatives by them too. */
  readonly valueAndGrad:
    & (<
      A extends unknown[] = NDArray[],
      R extends Returned<Operand, Aux> = never,
      const N extends Argnums = 0,
      Aux extends boolean = false,
    >(
      f: (...args: A) => R,
      options: EntryOptions<N, Aux>,
    ) => (...args: Arguments<A>) => [WithAux<NDArray, R, Aux>, WithEntries<Gradient<A, N>>])
    & Transforms["valueAndGrad"];

  /** As `Transforms.jacfwd`; with `entries`, the derivatives by them too. */
  readonly jacfwd:
    & (<
      A extends unknown[] = NDArray[],
      R extends Returned<Tree, Aux> = never,
      const N extends Argnums = 0,
      Aux extends boolean = false,
    >(
      f: (...args: A) => R,
      options: EntryOptions<N, Aux>,
    ) => (
      ...args: Arguments<A>
    ) => JacobianOf<R, WithEntries<Gradient<A, N>>, Aux>)
    & Transforms["jacfwd"];

  /** As `Transforms.jacrev`; with `entries`, the derivatives by them too. */
  readonly jacrev:
    & (<
      A extends unknown[] = NDArray[],
      R extends Returned<Tree, Aux> = never,
      const N extends Argnums = 0,
      Aux extends boolean = false,
    >(
      f: (...args: A) => R,
      options: EntryOptions<N, Aux>,
    ) => (
      ...args: Arguments<A>
    ) => JacobianOf<R, WithEntries<Gradient<A, N>>, Aux>)
    & Transforms["jacrev"];

  /** As `Transforms.hessian`; with `entries`, the derivatives by them too. */
  readonly hessian:
    & (<
      A extends unknown[] = NDArray[],
      R extends Returned<Tree, Aux> = never,
      const N extends Argnums = 0,
      Aux extends boolean = false,
    >(
      f: (...args: A) => R,
      options: EntryOptions<N, Aux>,
    ) => (
      ...args: Arguments<A>
    ) => HessianOf<R, WithEntries<Gradient<A, N>>, Aux>)
    & Transforms["hessian"];
}
