/**
 * Types of `init` and `apply` of a module, by the types of its methods.
 *
 * @module
 */
import type { Filter } from "./filters.ts";
import type { Rngs } from "./run.ts";
import type { GivenVariables, Variables } from "./variables.ts";

/** The arguments of a method. */
export type MethodArguments<T, K> = K extends keyof T
  ? T[K] extends (...args: infer A) => unknown ? A : never
  : never;

/** Arguments with options after them, which may stand in the place of arguments that are optional. */
export type WithOptions<A extends unknown[], O> = number extends A["length"] ? [...A, O]
  : A extends [] ? [O]
  : A extends [infer H, ...infer R] ? [H, ...WithOptions<R, O>]
  : A extends [(infer H)?, ...infer R] ? [O] | [H | undefined, ...WithOptions<R, O>]
  : [O];

/** What a method gives. */
export type MethodResult<T, K> = K extends keyof T
  ? T[K] extends (...args: never[]) => infer R ? R : never
  : unknown;

/** A function in place of a method: of the module and the arguments. */
export type ModuleFunction<R = unknown> = (module: never, ...args: never[]) => R;

/** Options of `apply`. They are the last argument. */
export interface ApplyOptions {
  /** Keys of random streams by name; a single key is that of `params`, which serves for all. */
  readonly rngs?: Rngs | undefined;
  /** Which collections may change. Then the result is a pair, with these collections. */
  readonly mutable?: Filter | undefined;
  /** The method to run in place of `call`: its name, or a function of the module and the arguments. */
  readonly method?: string | ModuleFunction | undefined;
  /**
   * Whether what `call` gives in each module is stored in the collection `intermediates`, which has to be
   * mutable; or a function of a module and the name of a method that says it.
   */
  readonly captureIntermediates?:
    | boolean
    | ((module: object, method: string) => boolean)
    | undefined;
}

/** Options of `init`. They are the last argument. */
export interface InitOptions {
  /** Which collections are made (default: all but `intermediates`). */
  readonly mutable?: Filter | undefined;
  /** The method to run in place of `call`: its name, or a function of the module and the arguments. */
  readonly method?: string | ModuleFunction | undefined;
}

/** The type of `Module.init` for a `call` with arguments `A`. */
export interface Init<A extends unknown[]> {
  /** Options stand after the arguments. */
  (rngs: Rngs, ...args: [...unknown[], InitOptions]): Variables;
  /** `rngs` is a key, which serves for all streams, or keys by stream: `{ params, dropout }`. */
  (rngs: Rngs, ...args: A): Variables;
}

/** The type of `Module.initWithOutput` for a `call` with arguments `A` and result `R`. */
export interface InitWithOutput<A extends unknown[], R> {
  /** Options stand after the arguments. */
  (rngs: Rngs, ...args: [...unknown[], InitOptions]): [out: unknown, variables: Variables];
  /** The result of `call`, and the variables. */
  (rngs: Rngs, ...args: A): [out: R, variables: Variables];
}

/** Options of `apply` for the result of `call` alone. */
export interface CallOptions extends ApplyOptions {
  /** No collection changes. */
  readonly mutable?: false | undefined;
  /** `call` is run. */
  readonly method?: undefined;
}

/** Options of `apply` for the result of `call` with what changed. */
export interface MutatingOptions extends ApplyOptions {
  /** Which collections may change. */
  readonly mutable: Exclude<Filter, false>;
  /** `call` is run. */
  readonly method?: undefined;
}

/** Options of `apply` for the result of another method alone. */
export interface MethodOptions<K extends string> extends ApplyOptions {
  /** No collection changes. */
  readonly mutable?: false | undefined;
  /** The method to run. */
  readonly method: K;
}

/** Options of `apply` for the result of another method with what changed. */
export interface MutatingMethodOptions<K extends string> extends ApplyOptions {
  /** Which collections may change. */
  readonly mutable: Exclude<Filter, false>;
  /** The method to run. */
  readonly method: K;
}

/** Options of `apply` for the result of a function in place of a method. */
export interface FunctionOptions<R> extends ApplyOptions {
  /** No collection changes. */
  readonly mutable?: false | undefined;
  /** The function to run. */
  readonly method: ModuleFunction<R>;
}

/** Options of `apply` for the result of a function in place of a method, with what changed. */
export interface MutatingFunctionOptions<R> extends ApplyOptions {
  /** Which collections may change. */
  readonly mutable: Exclude<Filter, false>;
  /** The function to run. */
  readonly method: ModuleFunction<R>;
}

/** What the methods of a module give, by name. */
export type MethodResults<T> = { readonly [K in keyof T]: MethodResult<T, K> };

/**
 * The type of `Module.apply` for a `call` with arguments `A`, and results `Results` of methods. Options stand
 * after the arguments. With `mutable` the result is `[out, changed]`, where `changed` has the variables of
 * these collections.
 */
export interface Apply<A extends unknown[], R, Results> {
  /** Another method, with the result a pair. */
  <K extends keyof Results & string>(
    variables: GivenVariables,
    ...args: [...unknown[], MutatingMethodOptions<K>]
  ): [out: Results[K], changed: Variables];
  /** Another method. */
  <K extends keyof Results & string>(
    variables: GivenVariables,
    ...args: [...unknown[], MethodOptions<K>]
  ): Results[K];
  /** A function in place of a method, with the result a pair. */
  <F>(
    variables: GivenVariables,
    ...args: [...unknown[], MutatingFunctionOptions<F>]
  ): [out: F, changed: Variables];
  /** A function in place of a method. */
  <F>(variables: GivenVariables, ...args: [...unknown[], FunctionOptions<F>]): F;
  /** With the result a pair. */
  (
    variables: GivenVariables,
    ...args: WithOptions<A, MutatingOptions>
  ): [out: R, changed: Variables];
  /** With keys. */
  (variables: GivenVariables, ...args: WithOptions<A, CallOptions>): R;
  /** The result of `call`. */
  (variables: GivenVariables, ...args: A): R;
}
