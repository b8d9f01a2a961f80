/**
 * The dictionary of transforms that library code takes as an argument.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import type { Arrays, ShapeDtype } from "./trees.ts";

/** Any function. */
export type AnyFunction = (...args: never[]) => unknown;

/** Options of `grad`, `valueAndGrad`, `jacfwd`, `jacrev` and `hessian`. */
export interface DiffOptions {
  /** With respect to which arguments; a list gives a list of derivatives. Default 0. */
  readonly argnums?: number | readonly number[];
  /** Whether the function returns `[value, aux]`, of which only `value` is differentiated. */
  readonly hasAux?: boolean;
}

/** Options of `jit`. */
export interface JitOptions {
  /** Where to run: `"wasm"` (the default), `"webgpu"`, `"interpreter"`, or another that is registered. */
  readonly backend?: string;
  /** Arguments that are part of the program: any values, compared by `Object.is`, or by value if arrays. */
  readonly staticArgnums?: number | readonly number[];
}

/** Which axis of each leaf is mapped: an axis, `null` for none, or a tree that is a prefix. */
export type InAxes = number | null | readonly InAxes[] | { readonly [key: string]: InAxes };

/** Options of `vmap`. */
export interface VmapOptions {
  /** For stateful dictionaries: whether each lane gets a random key of its own (default: they share one). */
  readonly splitRng?: boolean;
  /** Axes of the arguments: one for all (default 0), or a list with one entry an argument. */
  readonly inAxes?: InAxes;
  /** Axes of the results (default 0). */
  readonly outAxes?: InAxes;
  /** Number of lanes; needed only where no argument is mapped. */
  readonly axisSize?: number;
}

/** Options of `scan`. */
export interface ScanOptions {
  /** Number of steps; needed where `xs` is `null`. */
  readonly length?: number;
  /** Whether to go from the last slice to the first. */
  readonly reverse?: boolean;
}

/** Derivative of a scalar function: as the chosen argument, or a list where several were chosen. */
// deno-lint-ignore no-explicit-any -- the shape depends on options that types do not follow
export type Derivative = any;

/**
 * The higher-order functions that library code uses, each with the meaning of JAX's function of the
 * same name. Library code takes `transforms: Transforms = pure`, uses its members only, and passes it
 * on. Adapters of stateful systems supply dictionaries of their own.
 *
 * @example
 * ```ts
 * import { type NDArray, pure, type Transforms } from "@injax/injax";
 *
 * function power(f: (x: NDArray) => NDArray, x: NDArray, n: number, t: Transforms = pure): NDArray {
 *   return t.foriLoop(0, n, (_, x) => f(x), x);
 * }
 * ```
 */
export interface Transforms {
  /** Compiles a function to one graph: traced once per shapes, dtypes, structure and static arguments. */
  jit<A extends unknown[], R>(
    f: (...args: A) => R,
    options?: JitOptions,
  ): (...args: A) => Arrays<R>;

  /** The gradient of a scalar function. With `hasAux`, `[gradient, aux]`. */
  grad<A extends unknown[], R>(
    f: (...args: A) => R,
    options?: DiffOptions,
  ): (...args: A) => Derivative;

  /** Value and gradient, `[value, gradient]`. With `hasAux`, `[[value, aux], gradient]`. */
  valueAndGrad<A extends unknown[], R>(
    f: (...args: A) => R,
    options?: DiffOptions,
  ): (...args: A) => [Arrays<R>, Derivative];

  /** `[f(...primals), derivative along tangents]`, forward mode. */
  jvp<A extends unknown[], R>(
    f: (...args: A) => R,
    primals: [...A],
    tangents: [...A],
  ): [Arrays<R>, Arrays<R>];

  /**
   * `[f(...primals), pull]`, where `pull(cotangent)` gives a cotangent for each argument. With
   * `hasAux`, `[value, pull, aux]`.
   */
  vjp<A extends unknown[], R>(
    f: (...args: A) => R,
    primals: [...A],
    options?: { readonly hasAux?: false },
  ): [Arrays<R>, (cotangent: Arrays<R>) => Arrays<A>];
  /** With an auxiliary output. */
  vjp<A extends unknown[], R, X>(
    f: (...args: A) => readonly [R, X],
    primals: [...A],
    options: { readonly hasAux: true },
  ): [Arrays<R>, (cotangent: Arrays<R>) => Arrays<A>, Arrays<X>];

  /** `[f(...primals), push]`, where `push(...tangents)` applies the derivative at `primals`. */
  linearize<A extends unknown[], R>(
    f: (...args: A) => R,
    primals: [...A],
  ): [Arrays<R>, (...tangents: A) => Arrays<R>];

  /** The Jacobian by forward mode: one column at a time. */
  jacfwd<A extends unknown[], R>(
    f: (...args: A) => R,
    options?: DiffOptions,
  ): (...args: A) => Derivative;

  /** The Jacobian by reverse mode: one row at a time. */
  jacrev<A extends unknown[], R>(
    f: (...args: A) => R,
    options?: DiffOptions,
  ): (...args: A) => Derivative;

  /** Second derivatives, by `jacfwd(jacrev(f))`. */
  hessian<A extends unknown[], R>(
    f: (...args: A) => R,
    options?: DiffOptions,
  ): (...args: A) => Derivative;

  /** Maps a function over axes of its arguments, as one vectorised computation. */
  // deno-lint-ignore no-explicit-any -- lanes have one axis less, which types do not follow
  vmap<F extends (...args: any[]) => unknown>(
    f: F,
    options?: VmapOptions,
  ): (...args: Parameters<F>) => Arrays<ReturnType<F>>;

  /** A function whose intermediate values are computed again in the backward pass, to save memory. */
  checkpoint<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => Arrays<R>;

  /** A function with its own forward derivative: `rule(primals, tangents)` gives `[out, tangent]`. */
  customJvp<A extends unknown[], R>(
    f: (...args: A) => R,
    rule: (primals: Arrays<A>, tangents: Arrays<A>) => readonly [R, R],
  ): (...args: A) => Arrays<R>;

  /**
   * A function with its own backward derivative: `fwd(...args)` gives `[out, residuals]` and
   * `bwd(residuals, cotangent)` a cotangent for each argument (`null` for zero).
   */
  customVjp<A extends unknown[], R, S>(
    f: (...args: A) => R,
    fwd: (...args: A) => readonly [R, S],
    bwd: (residuals: Arrays<S>, cotangent: Arrays<R>) => readonly unknown[],
  ): (...args: A) => Arrays<R>;

  /**
   * The root that `solve(f, initialGuess)` finds, differentiated by the implicit function theorem:
   * `tangentSolve(g, y)` solves `g(x) = y` for a linear `g`. Derivatives flow to what `f` closes over.
   * With `hasAux`, `solve` gives `[root, aux]`, and so does this.
   */
  customRoot<X, S>(
    f: (x: Arrays<X>) => unknown,
    initialGuess: X,
    solve: (f: (x: Arrays<X>) => Arrays<X>, initialGuess: Arrays<X>) => S,
    tangentSolve: (g: (x: Arrays<X>) => Arrays<X>, y: Arrays<X>) => unknown,
    options?: { readonly hasAux?: boolean },
  ): Arrays<S>;

  /**
   * The solution of `matvec(x) = b` that `solve(matvec, b)` finds, differentiated as a solution of
   * that system. Reverse mode needs `transposeSolve`, or `symmetric: true`.
   */
  customLinearSolve<X>(
    matvec: (x: Arrays<X>) => unknown,
    b: X,
    solve: (matvec: (x: Arrays<X>) => Arrays<X>, b: Arrays<X>) => unknown,
    options?: {
      readonly transposeSolve?: (vecmat: (x: Arrays<X>) => Arrays<X>, b: Arrays<X>) => unknown;
      readonly symmetric?: boolean;
    },
  ): Arrays<X>;

  /** Loops over the first axis of `xs` with a carry: `f(carry, x)` gives `[carry, y]`. */
  scan<C, X, Y>(
    f: (carry: Arrays<C>, x: Arrays<X>) => readonly [unknown, Y],
    init: C,
    xs: X,
    options?: ScanOptions,
  ): [Arrays<C>, Arrays<Y>];

  /** Applies `f` to each slice of the first axis, one after the other, and stacks the results. */
  map<X, Y>(f: (x: Arrays<X>) => Y, xs: X): Arrays<Y>;

  /** Repeats `x = body(x)` while `cond(x)`. */
  whileLoop<X>(
    cond: (x: Arrays<X>) => Operand,
    body: (x: Arrays<X>) => unknown,
    init: X,
  ): Arrays<X>;

  /** `for (i = lower; i < upper; i++) x = body(i, x)`. Constant bounds allow reverse mode. */
  foriLoop<X>(
    lower: number | NDArray,
    upper: number | NDArray,
    body: (i: NDArray, x: Arrays<X>) => unknown,
    init: X,
  ): Arrays<X>;

  /** `pred ? ifTrue(...operands) : ifFalse(...operands)`. */
  cond<A extends unknown[], R>(
    pred: Operand,
    ifTrue: (...operands: Arrays<A>) => R,
    ifFalse: (...operands: Arrays<A>) => unknown,
    ...operands: A
  ): Arrays<R>;

  /** `branches[index](...operands)`, with the index clamped into range. */
  switchCase<A extends unknown[], R>(
    index: number | NDArray,
    branches: readonly ((...operands: Arrays<A>) => R)[],
    ...operands: A
  ): Arrays<R>;

  /** All prefixes `x0`, `f(x0, x1)`, ... of an associative `f`, in a logarithmic number of steps. */
  associativeScan<X>(
    f: (a: Arrays<X>, b: Arrays<X>) => unknown,
    elems: X,
    options?: { readonly reverse?: boolean; readonly axis?: number },
  ): Arrays<X>;

  /** Shapes and dtypes of `f(...args)`, as `ShapeDtype` leaves, without computing. */
  // deno-lint-ignore no-explicit-any -- arguments may be given as ShapeDtype
  evalShape<R>(f: (...args: any[]) => R, ...args: unknown[]): Shapes<R>;

  /** Does nothing in `pure`; while an adapter initialises, runs `f` once to create its entries. */
  initialize(f: AnyFunction, ...args: unknown[]): void;

  /** Whether an adapter is initialising; `false` in `pure`. */
  isInitializing(): boolean;
}

/** The type of a pytree after its leaves have been replaced by their shapes and dtypes. */
export type Shapes<T> = T extends NDArray | number | boolean ? ShapeDtype
  : T extends null | undefined ? T
  : { [K in keyof T]: Shapes<T[K]> };

/** The names of the members of a dictionary. */
export const transformNames: readonly (keyof Transforms)[] = [
  "jit",
  "grad",
  "valueAndGrad",
  "jvp",
  "vjp",
  "linearize",
  "jacfwd",
  "jacrev",
  "hessian",
  "vmap",
  "checkpoint",
  "customJvp",
  "customVjp",
  "customRoot",
  "customLinearSolve",
  "scan",
  "map",
  "whileLoop",
  "foriLoop",
  "cond",
  "switchCase",
  "associativeScan",
  "evalShape",
  "initialize",
  "isInitializing",
];
