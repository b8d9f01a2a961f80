/**
 * Types of derivatives, by the options with which they are taken.
 *
 * @module
 */
import type { NDArray } from "../core/mod.ts";
import type { Argnums } from "./options.ts";
import type { Arrays, AuxTree } from "./tree_types.ts";

/** A tuple from the last to the first. */
export type Reversed<A extends readonly unknown[]> = A extends readonly [infer Head, ...infer Tail]
  ? [...Reversed<Tail>, Head]
  : A;

/** The type at a position of a tuple, which counts from the end if negative. */
export type At<A extends readonly unknown[], N extends number> = `${N}` extends `-${infer M}`
  ? M extends keyof [never, ...Reversed<A>] ? [never, ...Reversed<A>][M] : A[number]
  : `${N}` extends keyof A ? A[`${N}`]
  : number extends A["length"] ? A[number]
  : number extends N ? A[number]
  : never;

/**
 * The type of a gradient of a function of `A`: a tree like the argument at `N`, or a list of them
 * where `N` is a list. Where `N` is known as a `number` only, any of the arguments.
 */
export type Gradient<A extends readonly unknown[], N extends Argnums> = N extends number
  ? Arrays<At<A, N>>
  : N extends readonly number[] ? { -readonly [K in keyof N]: Arrays<At<A, N[K] & number>> }
  : never;

/**
 * What a function returns whose result `V` is differentiated: `[V, aux]` with `hasAux`, either where
 * types do not tell.
 */
export type Returned<V, Aux extends boolean> = Aux extends true ? readonly [V, AuxTree] : V;

/** A derivative, `D`; with `hasAux`, `[derivative, aux]`, and either where types do not tell. */
export type WithAux<D, R, Aux extends boolean> = Aux extends true
  ? R extends readonly [unknown, infer X] ? [D, Arrays<X>] : never
  : D;

/** The type of a Jacobian: the tree `R` with `D`, a gradient, in the place of each leaf. */
export type Jacobian<R, D> = R extends NDArray ? D
  : R extends null | undefined ? R
  : { [K in keyof R]: Jacobian<R[K], D> };

/** The type of second derivatives: the tree of the result with `D` for each leaf, twice. */
export type Hessian<R, D> = Jacobian<Jacobian<R, D>, D>;

/** What `jacfwd` and `jacrev` give for the result `R`; with `hasAux`, `[jacobian, aux]`. */
export type JacobianOf<R, D, Aux extends boolean> = Aux extends true
  ? R extends readonly [infer V, infer X] ? [Jacobian<Arrays<V>, D>, Arrays<X>] : never
  : Jacobian<Arrays<R>, D>;

/** What `hessian` gives for the result `R`; with `hasAux`, `[hessian, aux]`. */
export type HessianOf<R, D, Aux extends boolean> = Aux extends true
  ? R extends readonly [infer V, infer X] ? [Hessian<Arrays<V>, D>, Arrays<X>] : never
  : Hessian<Arrays<R>, D>;
