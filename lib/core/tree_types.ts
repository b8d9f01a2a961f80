/**
 * What `treeMap` does to types.
 *
 * @module
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./dtype.ts";

/** Any function. */
export type AnyFunction = (...args: never[]) => unknown;

/** Values that are leaves whatever tree they are in; anything with a shape and a dtype is an array. */
export type TreeAtom = ShapedArray | string | number | bigint | boolean | symbol | ArrayBufferView;

/** All leaves, functions included, down to ten levels: deeper ones of a recursive type are no others. */
export type AllLeaves<T, Depth extends 0[] = []> = unknown extends T ? T
  : Depth["length"] extends 10 ? never
  : T extends TreeAtom | AnyFunction ? T
  : T extends null | undefined ? never
  : T extends readonly (infer E)[] ? AllLeaves<E, [...Depth, 0]>
  : string extends keyof T ? AllLeaves<T[keyof T], [...Depth, 0]>
  : "~arrays" extends keyof T ? NDArray
  : { [K in keyof T]-?: AllLeaves<T[K], [...Depth, 0]> }[keyof T];

/**
 * The type of the leaves of a tree. Functions count only where there is nothing else, since types
 * cannot tell them from the methods of a class.
 */
export type LeafOf<T> = [Exclude<AllLeaves<T>, AnyFunction>] extends [never] ? AllLeaves<T>
  : Exclude<AllLeaves<T>, AnyFunction>;

/** The type of a tree after its leaves, those of type `L`, have been replaced by `R`. */
export type MapLeaves<T, R, L = LeafOf<T>> = unknown extends T ? T
  : T extends TreeAtom | L ? R
  : T extends null | undefined | AnyFunction ? T
  : string extends keyof T ? { [K in keyof T]: MapLeaves<T[K], R, L> }
  : [R, "~arrays"] extends [NDArray, keyof T] ? NonNullable<T["~arrays" & keyof T]>
  : { [K in keyof T]: MapLeaves<T[K], R, L> };

/**
 * A function of leaves, one of each tree. What it takes may be narrower than what types know of the
 * leaves, as for a tree of type `unknown`.
 */
export type LeafFunction<T, Rest extends readonly unknown[], R> = {
  call(leaf: NoInfer<LeafOf<T>>, ...rest: { [K in keyof Rest]: NoInfer<LeafOf<Rest[K]>> }): R;
}["call"];
