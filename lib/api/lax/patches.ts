/**
 * What is in the windows of an array, and convolutions with a kernel for each place, as in `jax.lax`.
 *
 * @module
 */
import {
  type DType,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../../core/mod.ts";
import {
  convert,
  dotGeneral,
  inversePermutation,
  reshape,
  transpose,
} from "../../primitives/mod.ts";
import { windowsOf } from "../../primitives/windows/windows.ts";
import { expectArray, expectPreferred, promote } from "../operands.ts";
import {
  type ConvDimensionNumbers,
  type ConvDimensionStrings,
  expectDimensionNumbers,
  expectRanks,
} from "./dimension_numbers.ts";
import {
  expectDilation,
  expectEach,
  expectPadding,
  extents,
  type WindowPadding,
} from "./window_arguments.ts";

/** Options of {@linkcode convGeneralDilatedPatches}. */
export interface PatchOptions {
  /** From one element of the array to the next, in elements of a window; 1 for each axis. */
  readonly lhsDilation?: readonly number[] | undefined;
  /** From one element of a window to the next; 1 for each axis. */
  readonly rhsDilation?: readonly number[] | undefined;
  /** Which axis is which; where left out, the batch and the outputs come first, then the features. */
  readonly dimensionNumbers?: ConvDimensionStrings | ConvDimensionNumbers | undefined;
  /** The dtype of the result, of the operands' kind and no narrower. */
  readonly preferredElementType?: DType | null | undefined;
}

/** What the options hold. */
export const patchOptions: OptionTable<PatchOptions> = {
  lhsDilation: "shape",
  rhsDilation: "shape",
  dimensionNumbers: "names",
  preferredElementType: "dtype",
};

/** Two arrays with two axes and those that windows run along, of one dtype. */
export function operands(
  op: string,
  lhs: NDArray,
  rhs: NDArray,
  preferred: unknown,
): [NDArray, NDArray] {
  expectArray(op, lhs, "lhs");
  expectArray(op, rhs, "rhs");
  expectRanks(op, lhs.shape, rhs.shape);
  const [x, w] = promote(op, lhs, rhs, undefined, ["lhs", "rhs"]);
  const dtype = expectPreferred(op, preferred, x.dtype);
  return [convert(x, dtype), convert(w, dtype)];
}

/**
 * What is in each window, as features, as `lax.conv_general_dilated_patches`: those of the array are outermost
 * among them, then the axes of a window in the kernel's order.
 *
 * @param filterShape The lengths of a window, in the order of the kernel's axes.
 * @throws {TypeError} where there is not one number for each axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([[[1, 2, 3]]]);
 * console.log(lax.convGeneralDilatedPatches(x, [2], [1], "VALID").toArray()); // [ [ [ 1, 2 ], [ 2, 3 ] ] ]
 * ```
 */
export function convGeneralDilatedPatches(
  lhs: NDArray,
  filterShape: readonly number[],
  windowStrides: readonly number[],
  padding: WindowPadding,
  options: PatchOptions = {},
): NDArray {
  const op = "convGeneralDilatedPatches";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(lhs, filterShape, windowStrides, padding, options)`,
      arguments,
      patchOptions,
    );
  }
  return patchesOf(op, lhs, filterShape, windowStrides, padding, options);
}

function patchesOf(
  op: string,
  lhs: NDArray,
  filterShape: readonly number[],
  windowStrides: readonly number[],
  padding: WindowPadding,
  options: PatchOptions,
): NDArray {
  const given = expectArray(op, lhs, "lhs");
  const rank = given.ndim;
  expectRanks(op, given.shape, given.shape);
  const x = convert(
    given,
    expectPreferred(op, options.preferredElementType, given.dtype),
  );
  const axes = expectDimensionNumbers(op, options.dimensionNumbers, rank);
  const sizes = expectEach(op, "filterShape", filterShape, rank - 2, 1);
  const strides = expectEach(op, "windowStrides", windowStrides, rank - 2, 1);
  const baseDilation = expectDilation(op, "lhsDilation", options.lhsDilation, rank - 2);
  const windowDilation = expectDilation(op, "rhsDilation", options.rhsDilation, rank - 2);
  if (typeof padding === "string" && baseDilation.some((d) => d !== 1)) {
    throw new TypeError(`${op}: with lhsDilation the padding must be pairs`);
  }
  const array = transpose(x, axes.lhsSpec);
  const pairs = expectPadding(
    op,
    padding,
    array.shape.slice(2),
    extents(sizes, windowDilation),
    strides,
  );
  const places = { strides, padding: pairs, baseDilation, windowDilation };
  // [batch, features, places, window] as [batch, features x window, places].
  const windows = windowsOf(array, sizes, places);
  const [batch, features] = array.shape as [number, number];
  const count = rank - 2;
  const perm = [0, 1, ...sizes.map((_, i) => 2 + count + i), ...sizes.map((_, i) => 2 + i)];
  const joined = reshape(transpose(windows, perm), [
    batch,
    features * sizes.reduce((a, b) => a * b, 1),
    ...windows.shape.slice(2, 2 + count),
  ]);
  return transpose(joined, inversePermutation(axes.outSpec));
}

/**
 * A convolution with a kernel of its own at each place, as `lax.conv_general_dilated_local`. The kernel's axes
 * beside outputs and inputs are the places; its inputs are the features of
 * {@linkcode convGeneralDilatedPatches}.
 *
 * @param filterShape The lengths of a window, in the order of the kernel's axes.
 * @throws {ShapeError} where the kernel does not have the places and the features that there are.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([[[1, 2, 3]]]);
 * const kernel = np.array([[[1, 0], [0, 10]]]); // [outputs, window, places]
 * console.log(lax.convGeneralDilatedLocal(x, kernel, [1], "VALID", [2]).toArray()); // [ [ [ 1, 30 ] ] ]
 * ```
 */
export function convGeneralDilatedLocal(
  lhs: NDArray,
  rhs: NDArray,
  windowStrides: readonly number[],
  padding: WindowPadding,
  filterShape: readonly number[],
  options: Omit<PatchOptions, "preferredElementType"> = {},
): NDArray {
  const op = "convGeneralDilatedLocal";
  if (arguments.length > 5) {
    const { preferredElementType: _, ...table } = patchOptions;
    options = readOptions(
      `${op}(lhs, rhs, windowStrides, padding, filterShape, options)`,
      arguments,
      table,
    );
  }
  const [x, w] = operands(op, lhs, rhs, undefined);
  const axes = expectDimensionNumbers(op, options.dimensionNumbers, x.ndim);
  const patches = transpose(
    patchesOf(op, x, filterShape, windowStrides, padding, options),
    axes.outSpec,
  );
  const kernel = transpose(w, axes.rhsSpec);
  const [places, own] = [patches.shape.slice(2), kernel.shape.slice(2)];
  if (places.some((n, i) => n !== own[i]) || patches.shape[1] !== kernel.shape[1]) {
    throw new ShapeError(
      `${op}: there are ${patches.shape[1]} features in the windows and places ${
        formatShape(places)
      }, but the kernel has ${kernel.shape[1]} inputs and places ${formatShape(own)}`,
    );
  }
  const along = places.map((_, i) => 2 + i);
  const out = dotGeneral(patches, kernel, { contract: [[1], [1]], batch: [along, along] });
  // [places, batch, outputs]
  const count = places.length;
  const turned = transpose(out, [count, count + 1, ...places.map((_, i) => i)]);
  return transpose(turned, inversePermutation(axes.outSpec));
}
