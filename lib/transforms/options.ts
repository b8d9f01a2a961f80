/**
 * Options of the transforms.
 *
 * @module
 */
import type { NDArray } from "../core/mod.ts";
import type { CheckpointPolicy } from "../control/call.ts";
import type { AnyFunction } from "../core/tree_types.ts";

/** With respect to which arguments: a position (negative: from the end), or a list of them. */
export type Argnums = number | readonly number[];

/** Options of `grad`, `valueAndGrad`, `jacfwd`, `jacrev` and `hessian`. */
export interface DiffOptions<N extends Argnums = Argnums, Aux extends boolean = boolean> {
  /** With respect to which arguments; a list gives a list of derivatives. Default 0. */
  readonly argnums?: N | undefined;
  /** Whether the function returns `[value, aux]`, of which only `value` is differentiated. */
  readonly hasAux?: Aux | undefined;
}

/** Options of `jit`. */
export interface JitOptions {
  /** Where to run: `"cpu"` (the default), `"onnx"`, `"webgpu"` or `"interpreter"`. */
  readonly backend?: string | undefined;
  /** Arguments that are part of the program: any values, compared by `Object.is`, or by value if arrays. */
  readonly staticArgnums?: Argnums | undefined;
  /**
   * Entries of the last argument, an object of options, that are part of the program, as `staticArgnums` are:
   * for functions `(x, { n, mode })`.
   */
  readonly staticArgnames?: string | readonly string[] | undefined;
  /**
   * Arguments that are used up: when the call is over, their arrays are disposed of, and their memory is free
   * without waiting for the garbage collector. They cannot be used again.
   */
  readonly donateArgnums?: Argnums | undefined;
  /** Entries of the last argument, an object of options, that are used up, as `donateArgnums` are. */
  readonly donateArgnames?: string | readonly string[] | undefined;
}

/** Options of `checkpoint`. */
export interface CheckpointOptions {
  /** What is kept for the backward pass all the same: see `checkpointPolicies` (default: nothing). */
  readonly policy?: CheckpointPolicy | undefined;
  /** Arguments that are not traced: any values. */
  readonly staticArgnums?: Argnums | undefined;
  /** Entries of the last argument, an object of options, that are not traced: any values. */
  readonly staticArgnames?: string | readonly string[] | undefined;
}

/** Options of `customJvp` and `customVjp`. */
export interface RuleOptions {
  /**
   * Arguments that have no derivatives and are not traced: any values, functions too. Rules for derivatives are
   * given them first.
   */
  readonly nondiffArgnums?: Argnums | undefined;
}

/** Options of `map`. */
export interface MapOptions {
  /** How many elements are computed at once, vectorised (default: one after the other). */
  readonly batchSize?: number | undefined;
}

/** Options of `foriLoop`. */
export interface ForiOptions {
  /** How many steps stand in one of the loop: see `ScanOptions`. It needs constant bounds. */
  readonly unroll?: number | boolean | undefined;
}

/** Which axis of each leaf is mapped: an axis, `null` for none, or a tree that is a prefix. */
export type InAxes = number | null | readonly InAxes[] | { readonly [key: string]: InAxes };

/**
 * What becomes of the values, one for each lane, that a mapped function wrote to an entry: their mean,
 * sum, largest or smallest, element by element, or what a function makes of them, stacked on axis 0.
 * The entry must keep its shape and dtype, else `StateError`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState((xs: NDArray) =>
 *   hk.transforms.vmap((x: NDArray) => {
 *     hk.getState("mean", [], { init: (s) => np.zeros(s) });
 *     hk.setState("mean", x);
 *     return x.mul(2);
 *   }, { reduceState: { "~/mean": "mean" } })(xs)
 * );
 * const xs = np.array([1, 2, 6]);
 * const [params, state] = model.init(null, xs);
 * const [, after] = model.apply(params, state, null, xs);
 * console.log(after["~"]!.mean!.item()); // 3
 * ```
 */
export type LaneReduction = "mean" | "sum" | "max" | "min" | ((lanes: NDArray) => NDArray);

/**
 * Entries that lanes of a `vmap` or steps of a `scan` have for themselves: the axis by path or by
 * collection, `null` for shared ones, or a function of these and of the system's name. What is said of a
 * path goes before what is said of its collection. Such an entry has that axis outside; where it does
 * not exist yet, each lane or step makes its own, and they are stacked. A key that names nothing, or
 * entries of two systems, raises `StateError`.
 */
export type EntryAxes =
  | Readonly<Record<string, number | null>>
  | ((path: string, collection: string, system: string) => number | null);

/** Options of `vmap`. */
export interface VmapOptions {
  /**
   * For stateful dictionaries: how values that differ by lane are reduced before they are written, for
   * all entries, or by path or collection. Without, such a write is an error, and so is a key that
   * names nothing, or entries of two systems.
   */
  readonly reduceState?: LaneReduction | Readonly<Record<string, LaneReduction>> | undefined;
  /**
   * For stateful dictionaries: whether each lane gets random keys of its own, for all streams or by stream
   * (default: lanes share them).
   */
  readonly splitRng?: boolean | Readonly<Record<string, boolean>> | undefined;
  /** For stateful dictionaries: entries that each lane has for itself (default: all are shared). */
  readonly stateAxes?: EntryAxes | undefined;
  /** Axes of the arguments: one for all (default 0), or a list with one entry an argument. */
  readonly inAxes?: InAxes | undefined;
  /** Axes of the results (default 0). */
  readonly outAxes?: InAxes | undefined;
  /**
   * What the axis is called, for operations between lanes in the function: `psum(x, axisName)` and the
   * others of `@injax/injax/lax`. Of two axes of one name, the inner one is meant.
   */
  readonly axisName?: string | undefined;
  /** Number of lanes; needed only where no argument is mapped. */
  readonly axisSize?: number | undefined;
}

/** Options of `scan`. */
export interface ScanOptions {
  /** Number of steps; needed where `xs` is `null`. */
  readonly length?: number | undefined;
  /** Whether to go from the last slice to the first. */
  readonly reverse?: boolean | undefined;
  /**
   * How many steps stand in one of the loop (default 1); `true`: all of them. Programs are larger and have fewer
   * turns: small steps take half the time from 2 on (on `"cpu"`), large ones gain nothing.
   */
  readonly unroll?: number | boolean | undefined;
  /** For stateful dictionaries: entries of which each step has a slice (default: all are carried). */
  readonly stateAxes?: EntryAxes | undefined;
  /**
   * For stateful dictionaries: whether each step gets random keys of its own, for all streams or by stream
   * (default: it does).
   */
  readonly splitRng?: boolean | Readonly<Record<string, boolean>> | undefined;
}

/** Options of `whileLoop`. */
export interface WhileOptions {
  /**
   * Largest number of steps, after which the loop stops whatever the condition says. With it, reverse mode
   * is possible: values of some steps are kept, and the others are computed again.
   */
  readonly maxSteps?: number | undefined;
  /**
   * Of how many steps values are kept for the way back (default: the square root of `maxSteps`, which needs the
   * least memory); the steps between are made once more. With `maxSteps` of them, what the derivative needs of each
   * step is kept instead, and nothing is made again, unless that is more than four times as much as the values.
   */
  readonly checkpoints?: number | undefined;
}

/** Options of `associativeScan`. */
export interface AssociativeScanOptions {
  /** Whether to go from the last element to the first. */
  readonly reverse?: boolean | undefined;
  /** The axis along which the elements lie (default 0). */
  readonly axis?: number | undefined;
}

/** Options of functions that may have an auxiliary output. */
export interface HasAux<Aux extends boolean = boolean> {
  /** Whether the function returns `[value, aux]`. */
  readonly hasAux?: Aux | undefined;
}

/** Options of `customRoot`. */
export interface RootOptions {
  /** Whether `solve` gives `[root, aux]`. */
  readonly hasAux?: boolean | undefined;
  /** Whether `f` gives `[value, aux]`. */
  readonly functionHasAux?: boolean | undefined;
}

/** Options of `customLinearSolve`. */
export interface LinearSolveOptions {
  /** Solves the transposed system. Where that is the system itself, it is given `solve` as `tangentSolve` is. */
  readonly transposeSolve?: AnyFunction | undefined;
  /**
   * Solves the systems of derivatives, `A dx = db - dA x`; by default as `solve` does. It is given the operator,
   * the right-hand side, and `solve` itself as a function of a right-hand side.
   */
  readonly tangentSolve?: AnyFunction | undefined;
  /** Whether the system is its own transpose. */
  readonly symmetric?: boolean | undefined;
  /** Whether the functions that solve give `[x, aux]`. */
  readonly hasAux?: boolean | undefined;
}
