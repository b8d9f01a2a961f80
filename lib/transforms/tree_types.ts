/**
 * Types of pytrees of arrays, and of what stands for them: what users may give, what functions that
 * are transformed see, and what comes back.
 *
 * @module
 */
import type { NDArray, TypedArray } from "../core/mod.ts";

/** What can be a leaf of an argument: numbers, booleans and typed arrays are converted to arrays. */
export type Leaf = NDArray | number | boolean | TypedArray;

/** An array of trees. */
export interface TreeList<L> extends ReadonlyArray<TreeOf<L> | undefined> {}

/** An object of trees. */
export interface TreeRecord<L> {
  /** A tree by its name. */
  readonly [key: string]: TreeOf<L> | undefined;
}

/** Any object but promises and functions: an interface, or an instance of a registered class. */
export type TreeObject = object & {
  /** Promises have this. */
  readonly then?: never | undefined;
  /** Functions have this. */
  readonly [Symbol.hasInstance]?: never;
};

/**
 * A pytree with leaves of type `L`. Types do not look into interfaces and classes, of which any is
 * accepted. `[]` stands here so that array literals are taken for tuples.
 */
export type TreeOf<L> = L | null | TreeList<L> | [] | TreeRecord<L> | TreeObject;

/** A pytree of arrays, or of what is converted to arrays: what transforms take and functions return. */
export type Tree = TreeOf<Leaf>;

/** What a function may give beside a value that is differentiated: strings are passed on. */
export type AuxTree = TreeOf<Leaf | string>;

/**
 * The type of a pytree after its leaves have been converted to arrays. Types cannot tell a class that
 * is a pytree from an object, all members of which are converted; it may say by a member that is
 * declared only, `declare readonly "~arrays"?: Point`, what becomes of it. An array that has names too, as
 * where types do not tell arrays from trees, stays so.
 */
export type Arrays<T> = unknown extends T ? T
  : [Tree] extends [T] ? TreeOf<NDArray>
  : T extends Leaf ? string extends keyof T ? T : NDArray
  : T extends null | undefined ? T
  // deno-lint-ignore ban-types -- any function type
  : T extends Function ? T
  : string extends keyof T ? { [K in keyof T]: Arrays<T[K]> }
  : "~arrays" extends keyof T ? NonNullable<T["~arrays"]>
  : { [K in keyof T]: Arrays<T[K]> };

/** `Arrays` of each operand. */
export type ArraysOf<A extends unknown[]> = { [K in keyof A]: Arrays<A[K]> };

/** As `T`, with anything that is converted to an array in the place of each array or number. */
export type Convertible<T> = unknown extends T ? unknown
  : T extends Leaf ? Leaf
  : T extends null | undefined ? null | undefined
  // deno-lint-ignore ban-types -- any function type
  : T extends Function ? NoInfer<T>
  : string extends keyof T ? { readonly [K in keyof T]: TreeLike<T[K]> }
  : "~arrays" extends keyof T ? NoInfer<T> | NoInfer<T["~arrays"]>
  : { readonly [K in keyof T]: TreeLike<T[K]> };

/**
 * What may be given back where a tree of the structure of `T` is due, as by the body of a loop: its
 * leaves may be numbers as well. No type is inferred from it.
 */
export type TreeLike<T> = NoInfer<T> | NoInfer<Arrays<T>> | Convertible<T>;

/** As `T`, with `L` allowed in the place of each array; numbers and other values stay what they are. */
export type Instead<T, L> = unknown extends T ? unknown
  : T extends NDArray ? NDArray | L
  // deno-lint-ignore ban-types -- any function type
  : T extends Function | TypedArray | string | number | bigint | boolean | symbol | null | undefined
    ? T
  : string extends keyof T ? { [K in keyof T]: Instead<T[K], L> }
  : "~arrays" extends keyof T ? T
  : { [K in keyof T]: Instead<T[K], L> };

/** What a transformed function takes, for parameters `A`: numbers may stand for arrays. */
export type Arguments<A extends unknown[]> = { [K in keyof A]: Instead<A[K], Leaf> };

/** `Arguments` for a function that is called at once; parameters without a type take theirs from it. */
export type Primals<A extends unknown[]> = { [K in keyof A]: A[K] | Instead<A[K], Leaf> };
