/**
 * Functions that users put round what modules do: how entries are made, read and set, and how methods
 * are called. `hooks.ts` has the calls that put them in force; scopes carry them.
 *
 * @module
 */
import type { DType, NDArray } from "../../mod.ts";

/** Makes an array of the given shape and dtype; draws random numbers with `nextRngKey`. */
export type Initializer = (shape: readonly number[], dtype: DType) => NDArray;

/** In place of a value: the entry is not to be stored. What reads it needs a getter to give its value. */
export const DO_NOT_STORE: unique symbol = Symbol("hk.DO_NOT_STORE");

/** The entry that a creator, getter or setter is called for. */
export interface EntryContext {
  /** Name of the module and of the entry: `"mlp/~/linear_0/w"`. */
  readonly fullName: string;
  /** Name of the module, `"~"` outside of modules. */
  readonly moduleName: string;
  /** Name of the entry. */
  readonly name: string;
  /** The shape that was asked for, where one was. */
  readonly originalShape: readonly number[] | undefined;
  /** The dtype that was asked for. */
  readonly originalDtype: DType;
  /** The initialiser that was given. */
  readonly originalInit: ((shape: readonly number[], dtype: DType) => unknown) | undefined;
  /** Inside of the `init` of a lifted model: what the names of its entries are put under. */
  readonly liftedPrefixName: string;
}

/**
 * Makes the initial value of an entry: an array (for state, any tree of arrays), or `DO_NOT_STORE`.
 * `next` is the creator further in, or the initialiser.
 */
export type Creator = (
  next: (shape: readonly number[], dtype: DType, init: Initializer) => NDArray,
  shape: readonly number[],
  dtype: DType,
  init: Initializer,
  context: EntryContext,
) => NDArray | typeof DO_NOT_STORE;

/** Gives what `getParameter` or `getState` returns in place of `value`. */
export type Getter = (
  next: (value: NDArray) => NDArray,
  value: NDArray,
  context: EntryContext,
) => NDArray;

/** Gives what `setState` stores in place of `value`, or `DO_NOT_STORE`. */
export type Setter = (
  next: (value: NDArray) => NDArray | typeof DO_NOT_STORE,
  value: NDArray,
  context: EntryContext,
) => NDArray | typeof DO_NOT_STORE;

/** A module, as interceptors see it. */
export interface NamedModule {
  /** Full name, such as `"mlp/~/linear_0"`. */
  readonly moduleName: string;
  /** The last part of it, such as `"linear_0"`. */
  readonly name: string;
}

/** The method that an interceptor is called for. */
export interface MethodContext {
  /** The module. */
  readonly module: NamedModule;
  /** Name of the method. */
  readonly methodName: string;
  /** The method without any interceptors. */
  readonly origMethod: (...args: unknown[]) => unknown;
  /** The class that has the method. */
  readonly origClass: abstract new (...args: never[]) => unknown;
}

/** Called in place of a method; gives its result. `next` is the interceptor further in, or the method. */
export type Interceptor = (
  next: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  context: MethodContext,
) => unknown;

/** Functions in force, the outermost first. */
export interface Hooks {
  readonly paramCreators: readonly Creator[];
  readonly stateCreators: readonly Creator[];
  readonly paramGetters: readonly Getter[];
  readonly stateGetters: readonly Getter[];
  readonly setters: readonly Setter[];
  readonly interceptors: readonly Interceptor[];
}

/** In which dtypes modules keep floating-point parameters, compute, and give results. */
export interface Policy {
  /** Of parameters as they are made and stored. */
  readonly params: DType;
  /** Of parameters and state as modules read them, and of the arguments of methods. */
  readonly compute: DType;
  /** Of what methods return. */
  readonly output: DType;
}

/** What is in force; models inside of others begin with it. */
export interface Handlers extends Hooks {
  /** Policies of classes of modules, by the number of the class. */
  readonly policies?: Readonly<Record<string, Policy>> | undefined;
  /** The policy of the module that is running, or of one around it. */
  readonly policy?: Policy | undefined;
  /** In how many models this one is. */
  readonly depth?: number | undefined;
  /** Modules that were made in less models than this many must not be used. */
  readonly boundary?: number | undefined;
  /** What the names of this model's entries are put under in the one around. */
  readonly liftedPrefix?: string | undefined;
}

/** None. */
export const noHandlers: Handlers = {
  paramCreators: [],
  stateCreators: [],
  paramGetters: [],
  stateGetters: [],
  setters: [],
  interceptors: [],
};

/** Runs creators, each of which may call the next one. */
export function runCreators(
  creators: readonly Creator[],
  shape: readonly number[],
  dtype: DType,
  init: Initializer,
  context: EntryContext,
): unknown {
  const from =
    (i: number) => (shape: readonly number[], dtype: DType, init: Initializer): NDArray =>
      i < creators.length
        ? creators[i]!(from(i + 1), shape, dtype, init, context) as NDArray
        : init(shape, dtype);
  return from(0)(shape, dtype, init);
}

/** Runs getters or setters, each of which may call the next one. */
export function runChain<T>(
  chain: readonly (Getter | Setter)[],
  value: T,
  context: EntryContext,
): T | typeof DO_NOT_STORE {
  const from = (i: number) => (value: unknown): unknown =>
    i < chain.length ? chain[i]!(from(i + 1) as never, value as NDArray, context) : value;
  return from(0)(value) as T | typeof DO_NOT_STORE;
}

/** Runs interceptors, each of which may call the next one, and the method at last. */
export function runInterceptors(
  interceptors: readonly Interceptor[],
  args: readonly unknown[],
  context: MethodContext,
): unknown {
  const from = (i: number) => (...args: unknown[]): unknown =>
    i < interceptors.length
      ? interceptors[i]!(from(i + 1), args, context)
      : context.origMethod(...args);
  return from(0)(...args);
}
