/**
 * Pooling, of arrays whose channels come last.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../lib/extend.ts";
import { reduceWindow, type WindowComputation } from "../../lib/api/lax.ts";
import { NDArray, type Operand, ShapeError } from "../../mod.ts";
import {
  eachAxis,
  extremes,
  kernelLengths,
  means,
  namedOrPairs,
  type Pairs,
  type PoolWindows,
} from "../convolution.ts";

export type { Pairs } from "../convolution.ts";

/** Options of pooling. */
export interface PoolOptions {
  /** From one window to the next, for each axis (default 1). */
  readonly strides?: readonly number[] | null | undefined;
  /** What is put around the array (default `"VALID"`, nothing). */
  readonly padding?: "SAME" | "VALID" | Pairs | undefined;
}

/** Options of {@linkcode avgPool}. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether places around the array count (default true). */
  readonly countIncludePad?: boolean | undefined;
}

const poolOptions: OptionTable<PoolOptions> = { strides: "axes", padding: "names" };
const avgPoolOptions: OptionTable<AvgPoolOptions> = { ...poolOptions, countIncludePad: "boolean" };

/** Windows over all axes of an array: those of batches in front, that of channels behind. */
function windowsOf(
  op: string,
  x: NDArray,
  windowShape: readonly number[],
  { strides, padding = "VALID" }: PoolOptions,
): PoolWindows {
  if (!(x instanceof NDArray)) {
    throw new TypeError(`${op}: the input must be an array, not ${describeValue(x)}`);
  }
  const lengths = kernelLengths(op, "windowShape", windowShape);
  const count = lengths.length;
  const front = x.ndim - count - 1;
  if (front < 0) {
    throw new ShapeError(
      `${op}: windows ${formatShape(lengths)} need an input [..., ${count} ${
        count === 1 ? "axis" : "axes"
      }, channels], but it has shape ${formatShape(x.shape)}`,
    );
  }
  const around = <T>(none: T, list: readonly T[]): T[] => [
    ...new Array<T>(front).fill(none),
    ...list,
    none,
  ];
  const pairs = namedOrPairs(op, padding, count, ["SAME", "VALID"]);
  return {
    sizes: around(1, lengths),
    strides: around(1, eachAxis(op, "strides", strides, count)),
    padding: typeof pairs === "string" ? pairs : around([0, 0], pairs),
  };
}

/**
 * The elements of windows combined: of [..., *space, channels] [..., *places, channels].
 *
 * @param init What is combined with the elements of each window.
 * @param reduceFn `"add"`, `"mul"`, `"max"`, `"min"`, or a function of two arrays.
 * @param windowShape The lengths of a window.
 * @throws {ShapeError} where the array has too few axes for the windows.
 */
export function pool(
  x: NDArray,
  init: Operand,
  reduceFn: WindowComputation<NDArray>,
  windowShape: readonly number[],
  options: PoolOptions = {},
): NDArray {
  if (arguments.length > 4) {
    checkCall("pool(x, init, reduceFn, windowShape, options)", arguments, poolOptions);
  }
  const { sizes, strides, padding } = windowsOf("pool", x, windowShape, options);
  return reduceWindow(x, init, reduceFn, sizes, strides, padding);
}

/**
 * The means of windows: of [..., *space, channels] [..., *places, channels].
 *
 * @throws {ShapeError} where the array has too few axes for the windows.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const x = np.array([[[1], [3], [5], [7]]]); // a batch of one, four places, one channel
 * console.log(flax.avgPool(x, [2], { strides: [2] }).ravel().toArray()); // [ 2, 6 ]
 * ```
 */
export function avgPool(
  x: NDArray,
  windowShape: readonly number[],
  options: AvgPoolOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("avgPool(x, windowShape, options)", arguments, avgPoolOptions);
  }
  const { countIncludePad = true } = options;
  return means(x, windowsOf("avgPool", x, windowShape, options), countIncludePad);
}

/**
 * The greatest elements of windows: of [..., *space, channels] [..., *places, channels].
 *
 * @throws {ShapeError} where the array has too few axes for the windows.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * console.log(flax.maxPool(np.ones([1, 8, 8, 3]), [2, 2], { strides: [2, 2] }).shape); // [ 1, 4, 4, 3 ]
 * ```
 */
export function maxPool(
  x: NDArray,
  windowShape: readonly number[],
  options: PoolOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("maxPool(x, windowShape, options)", arguments, poolOptions);
  }
  return extremes(x, "max", windowsOf("maxPool", x, windowShape, options));
}

/**
 * The least elements of windows: of [..., *space, channels] [..., *places, channels].
 *
 * @throws {ShapeError} where the array has too few axes for the windows.
 */
export function minPool(
  x: NDArray,
  windowShape: readonly number[],
  options: PoolOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("minPool(x, windowShape, options)", arguments, poolOptions);
  }
  return extremes(x, "min", windowsOf("minPool", x, windowShape, options));
}
