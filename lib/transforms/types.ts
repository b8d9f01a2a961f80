/**
 * The dictionary of transforms that library code takes as an argument.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/mod.ts";
import type { Gradient, HessianOf, JacobianOf, Returned, WithAux } from "./derivative_types.ts";
import type {
  Argnums,
  AssociativeScanOptions,
  CheckpointOptions,
  DiffOptions,
  ForiOptions,
  HasAux,
  JitOptions,
  MapOptions,
  RuleOptions,
  ScanOptions,
  VmapOptions,
  WhileOptions,
} from "./options.ts";
import type { ShapeDtype } from "./shape_dtype.ts";
import type {
  Arguments,
  Arrays,
  ArraysOf,
  AuxTree,
  Instead,
  Leaf,
  Primals,
  Tree,
  TreeLike,
} from "./tree_types.ts";

export type { AnyFunction } from "../core/tree_types.ts";
export type {
  Argnums,
  AssociativeScanOptions,
  CheckpointOptions,
  DiffOptions,
  EntryAxes,
  ForiOptions,
  HasAux,
  InAxes,
  JitOptions,
  LaneReduction,
  MapOptions,
  RuleOptions,
  ScanOptions,
  VmapOptions,
  WhileOptions,
} from "./options.ts";

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
  /** Compiles a function to one program: traced once per shapes, dtypes, structure and static arguments. */
  jit<A extends unknown[] = NDArray[], R extends Tree = Tree>(
    f: (...args: A) => R,
    options?: JitOptions,
  ): (...args: Arguments<A>) => Arrays<R>;

  /**
   * The gradient of a scalar function. With `hasAux`, the function returns `[value, aux]`, and its
   * gradient is `[gradient, aux]`.
   */
  grad<
    A extends unknown[] = NDArray[],
    R extends Returned<Operand, Aux> = never,
    const N extends Argnums = 0,
    Aux extends boolean = false,
  >(
    f: (...args: A) => R,
    options?: DiffOptions<N, Aux>,
  ): (...args: Arguments<A>) => WithAux<Gradient<A, N>, R, Aux>;

  /** `[value, gradient]` of a scalar function. With `hasAux`, `[[value, aux], gradient]`. */
  valueAndGrad<
    A extends unknown[] = NDArray[],
    R extends Returned<Operand, Aux> = never,
    const N extends Argnums = 0,
    Aux extends boolean = false,
  >(
    f: (...args: A) => R,
    options?: DiffOptions<N, Aux>,
  ): (...args: Arguments<A>) => [WithAux<NDArray, R, Aux>, Gradient<A, N>];

  /** `[f(...primals), derivative along tangents]`, forward mode. */
  jvp<A extends unknown[], R extends Tree>(
    f: (...args: A) => R,
    primals: Primals<A>,
    tangents: NoInfer<Primals<A>>,
    options?: HasAux<false>,
  ): [Arrays<R>, Arrays<R>];
  /** With `hasAux`, `[value, derivative, aux]`. */
  jvp<A extends unknown[], R extends Tree, X extends AuxTree>(
    f: (...args: A) => readonly [R, X],
    primals: Primals<A>,
    tangents: NoInfer<Primals<A>>,
    options: { readonly hasAux: true },
  ): [Arrays<R>, Arrays<R>, Arrays<X>];

  /** `[f(...primals), pull]`, where `pull(cotangent)` gives a cotangent for each argument. */
  vjp<A extends unknown[], R extends Tree>(
    f: (...args: A) => R,
    primals: Primals<A>,
    options?: HasAux<false>,
  ): [Arrays<R>, (cotangent: TreeLike<R>) => Arrays<A>];
  /** With `hasAux`, `[value, pull, aux]`. */
  vjp<A extends unknown[], R extends Tree, X extends AuxTree>(
    f: (...args: A) => readonly [R, X],
    primals: Primals<A>,
    options: { readonly hasAux: true },
  ): [Arrays<R>, (cotangent: TreeLike<R>) => Arrays<A>, Arrays<X>];

  /** `[f(...primals), push]`, where `push(...tangents)` applies the derivative at `primals`. */
  linearize<A extends unknown[], R extends Tree>(
    f: (...args: A) => R,
    primals: Primals<A>,
    options?: HasAux<false>,
  ): [Arrays<R>, (...tangents: Arguments<A>) => Arrays<R>];
  /** With `hasAux`, `[value, push, aux]`. */
  linearize<A extends unknown[], R extends Tree, X extends AuxTree>(
    f: (...args: A) => readonly [R, X],
    primals: Primals<A>,
    options: { readonly hasAux: true },
  ): [Arrays<R>, (...tangents: Arguments<A>) => Arrays<R>, Arrays<X>];

  /**
   * The Jacobian by forward mode, all columns at once, vectorised, in memory for all of them: the tree
   * of the result with a tree like the argument in the place of each leaf. With `hasAux`,
   * `[jacobian, aux]`.
   */
  jacfwd<
    A extends unknown[] = NDArray[],
    R extends Returned<Tree, Aux> = never,
    const N extends Argnums = 0,
    Aux extends boolean = false,
  >(
    f: (...args: A) => R,
    options?: DiffOptions<N, Aux>,
  ): (
    ...args: Arguments<A>
  ) => JacobianOf<R, Gradient<A, N>, Aux>;

  /**
   * The Jacobian by reverse mode, all rows at once, vectorised, in memory for all of them: as by
   * `jacfwd`.
   */
  jacrev<
    A extends unknown[] = NDArray[],
    R extends Returned<Tree, Aux> = never,
    const N extends Argnums = 0,
    Aux extends boolean = false,
  >(
    f: (...args: A) => R,
    options?: DiffOptions<N, Aux>,
  ): (
    ...args: Arguments<A>
  ) => JacobianOf<R, Gradient<A, N>, Aux>;

  /**
   * Second derivatives, by `jacfwd(jacrev(f))`: the tree of the result with a tree like the argument in
   * the place of each leaf, and of each leaf of that. With `hasAux`, `[hessian, aux]`.
   */
  hessian<
    A extends unknown[] = NDArray[],
    R extends Returned<Tree, Aux> = never,
    const N extends Argnums = 0,
    Aux extends boolean = false,
  >(
    f: (...args: A) => R,
    options?: DiffOptions<N, Aux>,
  ): (
    ...args: Arguments<A>
  ) => HessianOf<R, Gradient<A, N>, Aux>;

  /** Maps a function over axes of its arguments, as one vectorised computation. */
  vmap<A extends unknown[] = NDArray[], R extends Tree = Tree>(
    f: (...args: A) => R,
    options?: VmapOptions,
  ): (...args: Arguments<A>) => Arrays<R>;

  /**
   * A function whose intermediate values are computed again in the backward pass, to save memory; a `policy`
   * says what is kept all the same.
   */
  checkpoint<A extends unknown[] = NDArray[], R extends Tree = Tree>(
    f: (...args: A) => R,
    options?: CheckpointOptions,
  ): (...args: Arguments<A>) => Arrays<R>;

  /**
   * A function with its own forward derivative: `rule(primals, tangents)` gives `[out, tangent]`.
   * The rule may close over traced values of enclosing transforms. So may the function, except over
   * values that are being differentiated: the rule would not know of them.
   */
  customJvp<A extends unknown[], R extends Tree>(
    f: (...args: A) => R,
    rule: (primals: Arrays<A>, tangents: Arrays<A>) => readonly [TreeLike<R>, TreeLike<R>],
    options?: { readonly nondiffArgnums?: undefined },
  ): (...args: Arguments<A>) => Arrays<R>;
  /** With `nondiffArgnums`, the rule is given these arguments first: `rule(...nondiff, primals, tangents)`. */
  customJvp<A extends unknown[], R extends Tree>(
    f: (...args: A) => R,
    rule: (...args: never[]) => readonly TreeLike<R>[],
    options: RuleOptions,
  ): (...args: A) => Arrays<R>;

  /**
   * A function with its own backward derivative: `fwd(...args)` gives `[out, residuals]` and
   * `bwd(residuals, cotangent)` a cotangent for each argument (`null` for zero). Both may close over
   * traced values of enclosing transforms.
   */
  customVjp<A extends unknown[], R extends Tree, S extends Tree>(
    f: (...args: A) => R,
    fwd: (...args: A) => readonly [TreeLike<R>, S],
    bwd: (residuals: Arrays<S>, cotangent: Arrays<R>) => Cotangents<A>,
    options?: { readonly nondiffArgnums?: undefined },
  ): (...args: Arguments<A>) => Arrays<R>;
  /** With `nondiffArgnums`, `bwd` is given these arguments first, and has no cotangents for them. */
  customVjp<A extends unknown[], R extends Tree>(
    f: (...args: A) => R,
    fwd: (...args: A) => readonly [TreeLike<R>, Tree],
    bwd: (...args: never[]) => readonly unknown[],
    options: RuleOptions,
  ): (...args: A) => Arrays<R>;

  /**
   * The root that `solve(f, initialGuess)` finds, differentiated by the implicit function theorem:
   * `tangentSolve(g, y)` solves `g(x) = y` for a linear `g`. Derivatives flow to what `f` closes over.
   */
  customRoot<X extends Tree>(
    f: (x: Arrays<X>) => TreeLike<X>,
    initialGuess: X,
    solve: (f: (x: Arrays<X>) => Arrays<X>, initialGuess: Arrays<X>) => TreeLike<X>,
    tangentSolve: (g: (x: Arrays<X>) => Arrays<X>, y: Arrays<X>) => TreeLike<X>,
    options?: HasAux<false>,
  ): Arrays<X>;
  /** With `hasAux`, `solve` gives `[root, aux]`, and so does this. */
  customRoot<X extends Tree, S extends Tree>(
    f: (x: Arrays<X>) => TreeLike<X>,
    initialGuess: X,
    solve: (
      f: (x: Arrays<X>) => Arrays<X>,
      initialGuess: Arrays<X>,
    ) => readonly [TreeLike<X>, S],
    tangentSolve: (g: (x: Arrays<X>) => Arrays<X>, y: Arrays<X>) => TreeLike<X>,
    options: { readonly hasAux: true; readonly functionHasAux?: false | undefined },
  ): [Arrays<X>, Arrays<S>];

  /**
   * With `functionHasAux`, `f` gives `[value, aux]`, and what this gives ends with the `aux` at the root,
   * evaluated once and differentiable.
   */
  customRoot<X extends Tree, B extends Tree>(
    f: (x: Arrays<X>) => readonly [TreeLike<X>, B],
    initialGuess: X,
    solve: (f: (x: Arrays<X>) => Arrays<X>, initialGuess: Arrays<X>) => TreeLike<X>,
    tangentSolve: (g: (x: Arrays<X>) => Arrays<X>, y: Arrays<X>) => TreeLike<X>,
    options: { readonly hasAux?: false | undefined; readonly functionHasAux: true },
  ): [Arrays<X>, Arrays<B>];
  /** With both. */
  customRoot<X extends Tree, S extends Tree, B extends Tree>(
    f: (x: Arrays<X>) => readonly [TreeLike<X>, B],
    initialGuess: X,
    solve: (
      f: (x: Arrays<X>) => Arrays<X>,
      initialGuess: Arrays<X>,
    ) => readonly [TreeLike<X>, S],
    tangentSolve: (g: (x: Arrays<X>) => Arrays<X>, y: Arrays<X>) => TreeLike<X>,
    options: { readonly hasAux: true; readonly functionHasAux: true },
  ): [Arrays<X>, Arrays<S>, Arrays<B>];

  /**
   * The solution of `matvec(x) = b` that `solve(matvec, b)` finds, differentiated as a solution of
   * that system. Reverse mode needs `transposeSolve`, or `symmetric: true`. Where the systems of derivatives are
   * to be solved in another way, as where a failure is to be told, `tangentSolve` does: it is given
   * `solve` too, as a function of a right-hand side.
   */
  customLinearSolve<X extends Tree>(
    matvec: (x: Arrays<X>) => TreeLike<X>,
    b: X,
    solve: (matvec: (x: Arrays<X>) => Arrays<X>, b: Arrays<X>) => TreeLike<X>,
    options?: {
      readonly transposeSolve?:
        | ((vecmat: (x: Arrays<X>) => Arrays<X>, b: Arrays<X>) => TreeLike<X>)
        | undefined;
      readonly tangentSolve?:
        | ((
          matvec: (x: Arrays<X>) => Arrays<X>,
          b: Arrays<X>,
          solve: (b: Arrays<X>) => Arrays<X>,
        ) => TreeLike<X>)
        | undefined;
      readonly symmetric?: boolean | undefined;
      readonly hasAux?: false | undefined;
    },
  ): Arrays<X>;
  /**
   * With `hasAux`, `solve` gives `[x, aux]`, and so does this; `transposeSolve` gives them too. What is
   * said about a solution has no derivative.
   */
  customLinearSolve<X extends Tree, S extends Tree>(
    matvec: (x: Arrays<X>) => TreeLike<X>,
    b: X,
    solve: (
      matvec: (x: Arrays<X>) => Arrays<X>,
      b: Arrays<X>,
    ) => readonly [TreeLike<X>, S],
    options: {
      readonly transposeSolve?:
        | ((
          vecmat: (x: Arrays<X>) => Arrays<X>,
          b: Arrays<X>,
        ) => readonly [TreeLike<X>, Tree])
        | undefined;
      readonly tangentSolve?:
        | ((
          matvec: (x: Arrays<X>) => Arrays<X>,
          b: Arrays<X>,
          solve: (b: Arrays<X>) => [Arrays<X>, Arrays<S>],
        ) => readonly [TreeLike<X>, Tree])
        | undefined;
      readonly symmetric?: boolean | undefined;
      readonly hasAux: true;
    },
  ): [Arrays<X>, Arrays<S>];

  /** Loops over the first axis of `xs` with a carry: `f(carry, x)` gives `[carry, y]`. */
  scan<C extends Tree, X extends Tree, Y extends Tree>(
    f: (carry: Arrays<C>, x: Arrays<X>) => readonly [TreeLike<C>, Y],
    init: C,
    xs: X,
    options?: ScanOptions,
  ): [Arrays<C>, Arrays<Y>];

  /**
   * Applies `f` to each slice of the first axis, one after the other, or `batchSize` at once, and stacks the
   * results.
   */
  map<X extends Tree, Y extends Tree>(
    f: (x: Arrays<X>) => Y,
    xs: X,
    options?: MapOptions,
  ): Arrays<Y>;

  /**
   * Repeats `x = body(x)` while `cond(x)`. With `maxSteps` it stops after so many steps at the latest, and
   * has derivatives in both modes.
   */
  whileLoop<X extends Tree>(
    cond: (x: Arrays<X>) => NDArray | boolean,
    body: (x: Arrays<X>) => TreeLike<X>,
    init: X,
    options?: WhileOptions,
  ): Arrays<X>;

  /** `for (i = lower; i < upper; i++) x = body(i, x)`. Constant bounds allow reverse mode. */
  foriLoop<X extends Tree>(
    lower: number | NDArray,
    upper: number | NDArray,
    body: (i: NDArray, x: Arrays<X>) => TreeLike<X>,
    init: X,
    options?: ForiOptions,
  ): Arrays<X>;

  /** `pred ? ifTrue(...operands) : ifFalse(...operands)`. */
  cond<A extends Tree[], R extends Tree>(
    pred: Operand,
    ifTrue: (...operands: ArraysOf<A>) => R,
    ifFalse: (...operands: ArraysOf<A>) => TreeLike<R>,
    ...operands: A
  ): Arrays<R>;

  /** `branches[index](...operands)`, with the index clamped into range. */
  switchCase<A extends Tree[], R extends Tree>(
    index: number | NDArray,
    branches: readonly [
      (...operands: ArraysOf<A>) => R,
      ...(readonly ((...operands: ArraysOf<A>) => TreeLike<R>)[]),
    ],
    ...operands: A
  ): Arrays<R>;
  /** With branches that were not written as a list here. */
  switchCase<A extends Tree[], R extends Tree>(
    index: number | NDArray,
    branches: readonly ((...operands: ArraysOf<A>) => R)[],
    ...operands: A
  ): Arrays<R>;

  /** All prefixes `x0`, `f(x0, x1)`, ... of an associative `f`, in a logarithmic number of steps. */
  associativeScan<X extends Tree>(
    f: (a: Arrays<X>, b: Arrays<X>) => TreeLike<X>,
    elems: X,
    options?: AssociativeScanOptions,
  ): Arrays<X>;

  /** Shapes and dtypes of `f(...args)`, as `ShapeDtype` leaves, without computing. */
  evalShape<A extends unknown[] = NDArray[], R extends Tree = Tree>(
    f: (...args: A) => R,
    ...args: NoInfer<Examples<A>>
  ): Shapes<R>;

  /** Does nothing in `pure`; while an adapter initialises, runs `f` once to create its entries. */
  initialize<A extends unknown[] = NDArray[]>(
    f: (...args: A) => unknown,
    ...args: NoInfer<Primals<A>>
  ): void;

  /** Whether an adapter is initialising; `false` in `pure`. */
  isInitializing(): boolean;
}

/** A cotangent for each argument, or `null` for zero. */
export type Cotangents<A extends unknown[]> = { readonly [K in keyof A]: TreeLike<A[K]> | null };

/**
 * Arguments of which only shapes and dtypes matter: `ShapeDtype`s and numbers may stand for arrays.
 * `Length` is what lengths may be.
 */
export type Examples<A extends unknown[], Length extends number | string = number> = {
  [K in keyof A]: A[K] | Instead<A[K], Leaf | ShapeDtype<Length>>;
};

/** The type of a pytree after its leaves have been replaced by their shapes and dtypes. */
export type Shapes<T> = T extends Leaf ? ShapeDtype
  : T extends null | undefined ? T
  : { [K in keyof T]: Shapes<T[K]> };
