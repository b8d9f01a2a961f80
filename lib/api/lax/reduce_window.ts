/**
 * Elements of windows combined, as `jax.lax.reduce_window`.
 *
 * @module
 */
import {
  describeTreeDifference,
  describeValue,
  formatShape,
  isFloat,
  limits,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  TreeError,
  treeFlatten,
  treeStructure,
  treeUnflatten,
} from "../../core/mod.ts";
import type { TreeOf } from "../../transforms/tree_types.ts";
import {
  broadcastTo,
  concatenate,
  full,
  inversePermutation,
  or,
  otherAxes,
  reduceProd,
  reshape,
  scalarLike,
  select,
  slice,
  transpose,
} from "../../primitives/mod.ts";
import * as p from "../../primitives/elementwise/arithmetic.ts";
import {
  windowMax,
  windowMin,
  type WindowReduceParams,
} from "../../primitives/windows/extremes.ts";
import { windowSum } from "../../primitives/windows/sum.ts";
import { isBare } from "../../primitives/windows/window.ts";
import { windowsOf } from "../../primitives/windows/windows.ts";
import { add, maximum, minimum, mul } from "../arithmetic.ts";
import { asDType, boolToInt, expectArray } from "../operands.ts";
import {
  expectDilation,
  expectEach,
  expectPadding,
  extents,
  type WindowPadding,
} from "./window_arguments.ts";

/** Options of {@linkcode reduceWindow}. */
export interface ReduceWindowOptions {
  /** From one element of the array to the next, in elements of a window; 1 for each axis. */
  readonly baseDilation?: readonly number[] | undefined;
  /** From one element of a window to the next; 1 for each axis. */
  readonly windowDilation?: readonly number[] | undefined;
}

const windowOptions: OptionTable<ReduceWindowOptions> = {
  baseDilation: "shape",
  windowDilation: "shape",
};

/** What combines two elements, by name. */
export type WindowReducer = "add" | "mul" | "max" | "min";

/** What combines two elements: by name, or a function of two arrays that goes element by element. */
export type WindowComputation<T> = WindowReducer | ((a: T, b: T) => T);

const functions = new Map<unknown, WindowReducer>([
  ["add", "add"],
  ["mul", "mul"],
  ["max", "max"],
  ["min", "min"],
  [add, "add"],
  [mul, "mul"],
  [maximum, "max"],
  [minimum, "min"],
]);

/**
 * The elements of each window combined, as `lax.reduce_window`. Windows have an extent along each axis, 1 where
 * they do not run along it.
 *
 * Sums and extremes are computed as such; of elements that are equally large the first has the gradient. Other
 * functions are called on arrays of all windows, some times the logarithm of a window's elements.
 *
 * @param operand An array, or a tree of arrays of one shape.
 * @param initValue What is combined with the elements of each window, of which there are none around the
 * array: a number, or a tree of numbers.
 * @param computation `"add"`, `"mul"`, `"max"`, `"min"`, or a function that combines two arrays (or trees)
 * element by element; associative and commutative.
 * @param windowDimensions The lengths of a window, one for each axis.
 * @param windowStrides From one window to the next; 1 for each axis where left out or `null`.
 * @param padding What is put around the array: `"VALID"`, `"SAME"`, `"SAME_LOWER"` or pairs.
 * @throws {TypeError} where there is not one number for each axis.
 * @throws {TreeError} where the trees are not alike.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([3, 1, 4, 1, 5]);
 * console.log(lax.reduceWindow(x, -Infinity, "max", [2]).toArray()); // [ 3, 4, 4, 5 ]
 * console.log(lax.reduceWindow(x, 0, "add", [2], [2], "SAME").toArray()); // [ 4, 5, 5 ]
 * console.log(lax.reduceWindow(x, 0, (a, b) => np.hypot(a, b), [2], [3]).toArray()); // [ 3.1622776985168457, 5.099019527435303 ]
 * ```
 */
export function reduceWindow<T extends TreeOf<NDArray>>(
  operand: T,
  initValue: TreeOf<Operand>,
  computation: WindowComputation<T>,
  windowDimensions: readonly number[],
  windowStrides?: readonly number[] | null,
  padding: WindowPadding = "VALID",
  options: ReduceWindowOptions = {},
): T {
  const op = "reduceWindow";
  if (arguments.length > 6) {
    options = readOptions(
      `${op}(operand, initValue, computation, windowDimensions, windowStrides, padding, options)`,
      arguments,
      windowOptions,
    );
  }
  const [leaves, def] = treeFlatten(operand);
  const arrays = leaves.map((leaf) => expectArray(op, leaf, "the operand"));
  const [first] = arrays;
  if (first === undefined) throw new TreeError(`${op}: the operand has no arrays`);
  const [inits, initDef] = treeFlatten(initValue);
  if (inits.length !== arrays.length) {
    throw new TreeError(
      `${op}: initValue must have a number for each array of the operand: ${
        describeTreeDifference(def, initDef)
      }`,
    );
  }
  const starts = arrays.map((x, i) => {
    const start = asDType(op, inits[i], x.dtype, "initValue");
    if (start.ndim === 0) return start;
    throw new ShapeError(
      `${op}: initValue must be a number, but has shape ${formatShape(start.shape)}`,
    );
  });
  const differs = arrays.find((x) => x.shape.join() !== first.shape.join());
  if (differs !== undefined) {
    throw new ShapeError(
      `${op}: the operand's arrays must have one shape, but there are ${
        formatShape(first.shape)
      } and ${formatShape(differs.shape)}`,
    );
  }
  const params = windowsFor(op, first, windowDimensions, windowStrides, padding, options);
  const known = functions.get(computation);
  const isNamed = typeof computation === "string" || first.dtype !== "bool";
  if (known !== undefined && isNamed && arrays.length === 1) {
    return treeUnflatten(def, [reduceKnown(first, inits[0], starts[0]!, known, params)]) as T;
  }
  if (typeof computation !== "function") {
    throw new TypeError(
      `${op}: the computation must be "add", "mul", "max", "min" or a function of two arrays, not ${
        describeValue(computation)
      }`,
    );
  }
  const combine = (a: readonly NDArray[], b: readonly NDArray[]): NDArray[] => {
    const [out, outDef] = treeFlatten(
      computation(treeUnflatten(def, a) as T, treeUnflatten(def, b) as T),
    );
    const fits = outDef === def &&
      out.every((y, i) =>
        y instanceof NDArray && y.dtype === a[i]!.dtype && y.shape.join() === a[i]!.shape.join()
      );
    if (fits) return out as NDArray[];
    throw new TreeError(
      `${op}: the computation must give what it takes, arrays of the same shapes and dtypes${
        outDef === def
          ? ""
          : `: ${describeTreeDifference(def, treeStructure(treeUnflatten(outDef, out)))}`
      }`,
    );
  };
  return treeUnflatten(def, reduceAny(arrays, starts, combine, params)) as T;
}

/** Where windows go, checked. */
export function windowsFor(
  op: string,
  x: NDArray,
  windowDimensions: unknown,
  windowStrides: unknown,
  padding: unknown,
  options: ReduceWindowOptions,
): WindowReduceParams {
  const rank = x.ndim;
  const sizes = expectEach(op, "windowDimensions", windowDimensions, rank, 1);
  const strides = expectDilation(op, "windowStrides", windowStrides, rank);
  const baseDilation = expectDilation(op, "baseDilation", options.baseDilation, rank);
  const windowDilation = expectDilation(op, "windowDilation", options.windowDilation, rank);
  const pairs = expectPadding(op, padding, x.shape, extents(sizes, windowDilation), strides);
  return { sizes, strides, padding: pairs, baseDilation, windowDilation };
}

/** The array with the axes that windows run along last, the windows there, and the way back. */
function alongLast(
  x: NDArray,
  { sizes, ...p }: WindowReduceParams,
): { x: NDArray; params: WindowReduceParams; back: (y: NDArray) => NDArray } {
  const idle = sizes.flatMap((n, i) => {
    const [low, high] = p.padding[i]!;
    const rests = n === 1 && p.strides[i] === 1 && low === 0 && high === 0;
    return rests && p.baseDilation[i] === 1 ? [i] : [];
  });
  const moving = otherAxes(x.ndim, idle);
  const perm = [...idle, ...moving];
  const of = <T>(list: readonly T[]): T[] => moving.map((i) => list[i]!);
  return {
    x: transpose(x, perm),
    params: {
      sizes: of(sizes),
      strides: of(p.strides),
      padding: of(p.padding),
      baseDilation: of(p.baseDilation),
      windowDilation: of(p.windowDilation),
    },
    back: (y) => transpose(y, inversePermutation(perm)),
  };
}

/** Sums, products and extremes. */
function reduceKnown(
  operand: NDArray,
  given: unknown,
  start: NDArray,
  reducer: WindowReducer,
  all: WindowReduceParams,
): NDArray {
  const { x, params, back } = alongLast(operand, all);
  const { dtype } = x;
  const joined = (y: NDArray, f: (a: NDArray, b: NDArray) => NDArray): NDArray =>
    back(f(y, broadcastTo(start, y.shape)));
  if (reducer === "max" || reducer === "min") {
    const max = reducer === "max";
    const out = (max ? windowMax : windowMin)(x, params);
    const least = isFloat(dtype)
      ? (max ? -Infinity : Infinity)
      : limits(boolToInt(dtype))[max ? 0 : 1];
    return given === least ? back(out) : joined(out, max ? p.maximum : p.minimum);
  }
  if (reducer === "add") {
    const sums = windowSum(x, params);
    return given === 0 ? back(sums) : joined(sums, p.add);
  }
  const windows = windowsOf(x, params.sizes, params, scalarLike(1, x));
  const products = reduceProd(windows, params.sizes.map((_, i) => x.ndim + i));
  return given === 1 ? back(products) : joined(products, p.mul);
}

/** Elements combined in pairs until one is left; around the array and in its gaps there are none. */
function reduceAny(
  operands: readonly NDArray[],
  starts: readonly NDArray[],
  combine: (a: readonly NDArray[], b: readonly NDArray[]) => NDArray[],
  all: WindowReduceParams,
): NDArray[] {
  const moved = operands.map((x) => alongLast(x, all));
  const { x: first, params } = moved[0]!;
  const size = params.sizes.reduce((a, b) => a * b, 1);
  const windows = (x: NDArray, around: NDArray): NDArray => {
    const found = windowsOf(x, params.sizes, params, around);
    return reshape(found, [...found.shape.slice(0, x.ndim), size]);
  };
  const space = first.shape.slice(first.ndim - params.sizes.length);
  const one = space.map(() => 1);
  // Whether there is an element; the same for all axes that windows do not run along.
  const present = isBare(space, params)
    ? null
    : windows(broadcastTo(full(one, 1, "bool"), space), full([], 0, "bool"));
  const choose = (at: NDArray, a: readonly NDArray[], b: readonly NDArray[]): NDArray[] =>
    a.map((x, i) => select(broadcastTo(at, x.shape), x, b[i]!));
  let parts: readonly NDArray[] = moved.map(({ x }, i) => windows(x, starts[i]!));
  let mask = present;
  const cut = (w: NDArray, from: number, to: number): NDArray =>
    slice(w, w.shape.map((_, i) => i === w.ndim - 1 ? from : 0), w.shape.with(-1, to));
  for (let n = size; n > 1; n = Math.ceil(n / 2)) {
    const half = Math.floor(n / 2);
    const of = (from: number, to: number): NDArray[] => parts.map((w) => cut(w, from, to));
    const [a, b, rest] = [of(0, half), of(half, 2 * half), of(2 * half, n)];
    let pairs = combine(a, b);
    const odd = (w: NDArray, left: NDArray): NDArray =>
      n % 2 === 1 ? concatenate([w, left], w.ndim - 1) : w;
    if (mask !== null) {
      const [inA, inB] = [cut(mask, 0, half), cut(mask, half, 2 * half)];
      pairs = choose(inB, choose(inA, pairs, b), a);
      mask = odd(or(inA, inB), cut(mask, 2 * half, n));
    }
    parts = pairs.map((w, i) => odd(w, rest[i]!));
  }
  const whole = parts.map((w) => reshape(w, w.shape.slice(0, -1)));
  const begin = starts.map((s, i) => broadcastTo(s, whole[i]!.shape));
  const joined = combine(begin, whole);
  const out = mask === null
    ? joined
    : choose(reshape(mask, mask.shape.slice(0, -1)), joined, begin);
  return out.map((y, i) => moved[i]!.back(y));
}
