/**
 * Types of derivatives, by the options with which they are taken.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import type {
  Argnums,
  AuxOptions,
  DiffOptions,
  EitherOptions,
  EntryAuxOptions,
  EntryOptions,
} from "./options.ts";
import type { Arguments, Arrays, Tree } from "./tree_types.ts";

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

/** Derivatives by entries of a stateful system, by path. */
export interface EntryDerivatives {
  /** The derivative by the entry at a path. */
  readonly [path: string]: NDArray;
}

/** A derivative by arguments, `D`, and those by entries. */
export type WithEntries<D> = [byArguments: D, byEntries: EntryDerivatives];

/** The type of a Jacobian: the tree `R` with `D`, a gradient, in the place of each leaf. */
export type Jacobian<R, D> = R extends NDArray ? D
  : R extends null | undefined ? R
  : { [K in keyof R]: Jacobian<R[K], D> };

/** With `hasAux`, `[jacobian, aux]` of a function whose result `R` is a pair. */
export type AuxJacobian<R, D> = R extends readonly [infer V, infer X]
  ? [Jacobian<Arrays<V>, D>, Arrays<X>]
  : never;

/** With `hasAux`, `[hessian, aux]` of a function whose result `R` is a pair. */
export type AuxHessian<R, D> = R extends readonly [infer V, infer X]
  ? [Hessian<Arrays<V>, D>, Arrays<X>]
  : never;

/** The type of `jacfwd` and `jacrev`. */
export interface JacobianTransform {
  /** By entries too; with `hasAux`, `[derivative, aux]`. */
  <A extends unknown[], R extends Tree, X extends Tree, const N extends Argnums = 0>(
    f: (...args: A) => readonly [R, X],
    options: EntryAuxOptions<N>,
  ): (
    ...args: Arguments<A>
  ) => [Jacobian<Arrays<R>, WithEntries<Gradient<A, N>>>, Arrays<X>];
  /** By entries of a stateful system too. */
  <A extends unknown[] = NDArray[], R extends Tree = Tree, const N extends Argnums = 0>(
    f: (...args: A) => R,
    options: EntryOptions<N, false>,
  ): (...args: Arguments<A>) => Jacobian<Arrays<R>, WithEntries<Gradient<A, N>>>;
  /** The tree of the result with a tree like the argument in the place of each leaf. */
  <A extends unknown[] = NDArray[], R extends Tree = Tree, const N extends Argnums = 0>(
    f: (...args: A) => R,
    options?: DiffOptions<N, false>,
  ): (...args: Arguments<A>) => Jacobian<Arrays<R>, Gradient<A, N>>;
  /** With `hasAux`, `[jacobian, aux]`. */
  <A extends unknown[], R extends Tree, X extends Tree, const N extends Argnums = 0>(
    f: (...args: A) => readonly [R, X],
    options: AuxOptions<N>,
  ): (...args: Arguments<A>) => [Jacobian<Arrays<R>, Gradient<A, N>>, Arrays<X>];
  /** Where types do not tell whether there is an auxiliary output: either of these. */
  <A extends unknown[], R extends Tree, const N extends Argnums = 0, B extends boolean = boolean>(
    f: (...args: A) => R,
    options: EitherOptions<N, B>,
  ): (
    ...args: Arguments<A>
  ) => Jacobian<Arrays<R>, Gradient<A, N>> | AuxJacobian<R, Gradient<A, N>>;
}

/** The type of second derivatives: the tree of the result with `D` for each leaf, twice. */
export type Hessian<R, D> = Jacobian<Jacobian<R, D>, D>;

/** The type of `hessian`. */
export interface HessianTransform {
  /** By entries too; with `hasAux`, `[derivative, aux]`. */
  <A extends unknown[], R extends Tree, X extends Tree, const N extends Argnums = 0>(
    f: (...args: A) => readonly [R, X],
    options: EntryAuxOptions<N>,
  ): (
    ...args: Arguments<A>
  ) => [Hessian<Arrays<R>, WithEntries<Gradient<A, N>>>, Arrays<X>];
  /** By entries of a stateful system too. */
  <A extends unknown[] = NDArray[], R extends Tree = Tree, const N extends Argnums = 0>(
    f: (...args: A) => R,
    options: EntryOptions<N, false>,
  ): (...args: Arguments<A>) => Hessian<Arrays<R>, WithEntries<Gradient<A, N>>>;
  /** The tree of the result with a tree like the argument for each leaf, and for each leaf of that. */
  <A extends unknown[] = NDArray[], R extends Tree = Tree, const N extends Argnums = 0>(
    f: (...args: A) => R,
    options?: DiffOptions<N, false>,
  ): (...args: Arguments<A>) => Hessian<Arrays<R>, Gradient<A, N>>;
  /** With `hasAux`, `[hessian, aux]`. */
  <A extends unknown[], R extends Tree, X extends Tree, const N extends Argnums = 0>(
    f: (...args: A) => readonly [R, X],
    options: AuxOptions<N>,
  ): (...args: Arguments<A>) => [Hessian<Arrays<R>, Gradient<A, N>>, Arrays<X>];
  /** Where types do not tell whether there is an auxiliary output: either of these. */
  <A extends unknown[], R extends Tree, const N extends Argnums = 0, B extends boolean = boolean>(
    f: (...args: A) => R,
    options: EitherOptions<N, B>,
  ): (
    ...args: Arguments<A>
  ) => Hessian<Arrays<R>, Gradient<A, N>> | AuxHessian<R, Gradient<A, N>>;
}
