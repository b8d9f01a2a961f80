/**
 * Layers that change shapes alone, and functions applied to arrays of another number of axes.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { NDArray, numpy as np, ShapeError, StateError, treeLeaves, treeMap } from "../../../mod.ts";
import { Module } from "../module.ts";
import type { NamedOptions } from "./simple.ts";

/** Options of `Reshape`. */
export interface ReshapeOptions extends NamedOptions {
  /**
   * How many leading axes stay (default 1); negative: how many of the last ones are replaced.
   */
  readonly preserveDims?: number | undefined;
}

const reshapeOptions: OptionTable<ReshapeOptions> = { preserveDims: "number", name: "string" };

/**
 * Gives arrays another shape behind their leading axes. Arrays without axes behind these stay as they are.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const x = np.ones([2, 3, 4, 5]);
 * hk.transform((x: NDArray) => {
 *   console.log(new hk.Reshape([-1, 5]).call(x).shape); // [ 2, 12, 5 ]
 *   console.log(new hk.Reshape([-1, 5], { preserveDims: -2 }).call(x).shape); // [ 2, 3, 4, 5 ]
 *   return x;
 * }).init(null, x);
 * ```
 */
export class Reshape extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "reshape";
  /** The axes behind the leading ones; a length of -1 is found out. */
  readonly outputShape: readonly number[];
  /** How many leading axes stay; negative: how many of the last ones are replaced. */
  readonly preserveDims: number;

  /**
   * `outputShape` is the shape behind the leading axes, in which one length may be -1.
   *
   * @throws {ShapeError} where it is none, or has more than one -1; where no axis is to stay.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputShape: readonly number[], options: ReshapeOptions = {}) {
    checkCall("new hk.Reshape(outputShape, options)", arguments, reshapeOptions);
    super(options.name);
    const isLength = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= -1;
    if (!Array.isArray(outputShape) || !outputShape.every(isLength)) {
      throw new ShapeError(
        `hk.Reshape: the shape must be a list of lengths, one of which may be -1, not ${
          describeValue(outputShape)
        }`,
      );
    }
    if (outputShape.filter((n) => n === -1).length > 1) {
      throw new ShapeError(
        `hk.Reshape: -1 stands for what is left, and can be there once: [${
          outputShape.join(", ")
        }]`,
      );
    }
    const { preserveDims = 1 } = options;
    if (!Number.isInteger(preserveDims) || preserveDims === 0) {
      throw new ShapeError(
        `hk.Reshape: preserveDims must be a whole number other than 0, not ${preserveDims}`,
      );
    }
    this.outputShape = outputShape;
    this.preserveDims = preserveDims;
  }

  /**
   * Gives `x` its shape.
   *
   * @throws {ShapeError} where it has another number of elements.
   */
  call(x: NDArray): NDArray {
    const array = np.asarray(x);
    const { preserveDims, outputShape } = this;
    if (array.ndim <= preserveDims) return array;
    const kept = preserveDims > 0 ? preserveDims : Math.max(0, array.ndim + preserveDims);
    return array.reshape([...array.shape.slice(0, kept), ...outputShape]);
  }
}

/**
 * Makes one axis of all behind the leading ones.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Flatten().call(x));
 * console.log(model.apply({}, null, np.ones([2, 3, 4])).shape); // [ 2, 12 ]
 * ```
 */
export class Flatten extends Reshape {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static override readonly moduleName: string = "flatten";

  /**
   * A layer with these options.
   *
   * @throws {ShapeError} where no axis is to stay.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(options: ReshapeOptions = {}) {
    checkCall("new hk.Flatten(options)", arguments, reshapeOptions);
    super([-1], options);
  }
}

/**
 * A function, or a module, applied to arrays whose leading axes are made one while it runs: one for
 * batches applied to sequences of batches. Arrays of less axes, and what are no arrays, are passed as
 * they are.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.BatchApply(new hk.Bias()).call(x));
 * const params = model.init(random.key(0), np.ones([7, 2, 3]));
 * console.log(model.apply(params, null, np.ones([7, 2, 3])).shape); // [ 7, 2, 3 ]
 * ```
 */
export class BatchApply<A extends unknown[], R> {
  readonly #f: (...args: A) => R;

  /**
   * `f` is a function or a module; `numDims` says how many axes are made one.
   *
   * @throws {StateError} where `f` is neither.
   * @throws {ShapeError} where `numDims` is no positive integer.
   */
  constructor(f: (...args: A) => R, numDims?: number);
  /** Of a module. */
  constructor(module: { call(...args: A): R }, numDims?: number);
  constructor(f: unknown, readonly numDims: number = 2) {
    if (arguments.length > 2) checkCall("new hk.BatchApply(f, numDims)", arguments);
    this.#f = applied<A, R>("hk.BatchApply", f);
    if (Number.isInteger(numDims) && numDims >= 1) return;
    throw new ShapeError(
      `hk.BatchApply: numDims must be a positive integer, not ${describeValue(numDims)}`,
    );
  }

  /**
   * Applies the function.
   *
   * @throws {ShapeError} where no array has as many axes.
   */
  call(...args: A): R {
    const { numDims } = this;
    const leading = leavesOf(args).find((x) => x.ndim >= numDims)?.shape.slice(0, numDims);
    if (leading === undefined) {
      throw new ShapeError(
        `hk.BatchApply: no argument has ${numDims} axes or more: ${
          leavesOf(args).map((x) => formatAval(x.aval)).join(", ") || "there is no array"
        }`,
      );
    }
    const merged = onArrays(
      args,
      (x) =>
        x.ndim < numDims ? x : x.reshape([
          x.shape.slice(0, numDims).reduce((size, n) => size * n, 1),
          ...x.shape.slice(numDims),
        ]),
    );
    return onArrays(
      this.#f(...merged),
      (x) => x.reshape([...leading, ...x.shape.slice(1)]),
    );
  }
}

/**
 * A function that applies `f` to arrays with one more axis, of length 1, and takes it away from what that
 * gives: one for sequences applied to a single step.
 *
 * @param axis Where the axis is: 0 or -1.
 * @throws {StateError} where `f` is neither a function nor a module.
 * @throws {ShapeError} where the axis is another one.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const batched = (x: NDArray): NDArray => x.sum(1);
 * console.log(hk.expandApply(batched)(np.ones([3])).shape); // []
 * ```
 */
export function expandApply<A extends unknown[], R>(
  f: (...args: A) => R,
  axis?: 0 | -1,
): (...args: A) => R;
/** For a module. */
export function expandApply<A extends unknown[], R>(
  module: { call(...args: A): R },
  axis?: 0 | -1,
): (...args: A) => R;
export function expandApply<A extends unknown[], R>(
  f: unknown,
  axis: 0 | -1 = 0,
): (...args: A) => R {
  if (arguments.length > 2) checkCall("hk.expandApply(f, axis)", arguments);
  const run = applied<A, R>("hk.expandApply", f);
  if (axis !== 0 && axis !== -1) {
    throw new ShapeError(`hk.expandApply: the axis must be 0 or -1, not ${describeValue(axis)}`);
  }
  return (...args) =>
    onArrays(
      run(...onArrays(args, (x) => np.expandDims(x, axis))),
      (x) => np.squeeze(x, axis),
    );
}

function applied<A extends unknown[], R>(op: string, f: unknown): (...args: A) => R {
  // A function has a method of that name, too, of another kind.
  if (typeof f === "function") return f as (...args: A) => R;
  const module = f as { call(...args: A): R } | null | undefined;
  if (typeof module?.call === "function") return (...args) => module.call(...args);
  throw new StateError(`${op}: expected a function or a module, not ${describeValue(f)}`);
}

const leavesOf = (tree: unknown): NDArray[] =>
  (treeLeaves(tree as never) as unknown[]).filter((x): x is NDArray => x instanceof NDArray);

function onArrays<T>(tree: T, f: (x: NDArray) => NDArray): T {
  return treeMap((x: unknown) => x instanceof NDArray ? f(x) : x, tree as never) as T;
}
