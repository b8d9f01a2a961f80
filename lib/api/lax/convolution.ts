/**
 * Convolutions, as in `jax.lax`. They are sums of products over windows: the kernel is not turned round.
 *
 * @module
 */
import {
  type DType,
  expectInteger,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../../core/mod.ts";
import { inversePermutation, moveAxis, reshape, rev, transpose } from "../../primitives/mod.ts";
import { convolution } from "../../primitives/windows/convolution.ts";
import {
  type ConvDimensionNumbers,
  type ConvDimensionStrings,
  expectDimensionNumbers,
} from "./dimension_numbers.ts";
import { operands, type PatchOptions, patchOptions } from "./patches.ts";
import {
  expectDilation,
  expectEach,
  expectPadding,
  extents,
  type WindowPadding,
} from "./window_arguments.ts";

/** Options of {@linkcode convGeneralDilated}. */
export interface ConvOptions extends PatchOptions {
  /** Into how many groups the features fall; each has its part of the outputs. */
  readonly featureGroupCount?: number | undefined;
  /** Into how many groups the batches fall; each has its part of the outputs. */
  readonly batchGroupCount?: number | undefined;
}

/** Options of {@linkcode convTranspose}. */
export interface ConvTransposeOptions {
  /** From one element of the kernel to the next; 1 for each axis. */
  readonly rhsDilation?: readonly number[] | undefined;
  /** Which axis is which; where left out, features come last, in the kernel the outputs. */
  readonly dimensionNumbers?: ConvDimensionStrings | ConvDimensionNumbers | undefined;
  /** Whether the kernel is that of the convolution whose transpose this is. */
  readonly transposeKernel?: boolean | undefined;
  /** The dtype of the result, of the operands' kind and no narrower. */
  readonly preferredElementType?: DType | null | undefined;
  /** Whether pairs of padding, too, are those of the convolution whose transpose this is. */
  readonly useConsistentPadding?: boolean | undefined;
}

/** Options of {@linkcode conv}. */
export interface ConvTypeOptions {
  /** The dtype of the result, of the operands' kind and no narrower. */
  readonly preferredElementType?: DType | null | undefined;
}

const typeOptions: OptionTable<ConvTypeOptions> = { preferredElementType: "dtype" };

const convOptions: OptionTable<ConvOptions> = /* @__PURE__ */ tableOf(patchOptions, {
  featureGroupCount: "count",
  batchGroupCount: "count",
});

const transposeOptions: OptionTable<ConvTransposeOptions> = /* @__PURE__ */ tableOf(typeOptions, {
  rhsDilation: "shape",
  dimensionNumbers: "names",
  transposeKernel: "boolean",
  useConsistentPadding: "boolean",
});

/**
 * A convolution along any number of axes, as `lax.conv_general_dilated`: for each place of a window, each
 * batch and each output the sum of products of what is in the window with the kernel.
 *
 * @param lhs The array: [batch, features, ...], or as `dimensionNumbers` says.
 * @param rhs The kernel: [outputs, features of a group, ...].
 * @param windowStrides From one window to the next, for each axis that they run along.
 * @param padding What is put around the array: `"SAME"`, `"SAME_LOWER"`, `"VALID"` or pairs.
 * @throws {ShapeError} where features do not fit the kernel, or groups do not divide them.
 * @throws {TypeError} where there is not one number for each axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.arange(1, 6).astype("float32").reshape([1, 1, 5]);
 * const kernel = np.array([[[1, 0, -1]]]);
 * console.log(lax.convGeneralDilated(x, kernel, [1], "VALID").ravel().toArray()); // [ -2, -2, -2 ]
 * const image = np.ones([1, 8, 8, 3]);
 * const weights = np.ones([3, 3, 3, 4]);
 * const options = { dimensionNumbers: ["NHWC", "HWIO", "NHWC"] as const };
 * console.log(lax.convGeneralDilated(image, weights, [2, 2], "SAME", options).shape); // [ 1, 4, 4, 4 ]
 * ```
 */
export function convGeneralDilated(
  lhs: NDArray,
  rhs: NDArray,
  windowStrides: readonly number[],
  padding: WindowPadding,
  options: ConvOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "convGeneralDilated(lhs, rhs, windowStrides, padding, options)",
      arguments,
      convOptions,
    );
  }
  return convolved("convGeneralDilated", lhs, rhs, windowStrides, padding, options);
}

function convolved(
  op: string,
  lhs: NDArray,
  rhs: NDArray,
  windowStrides: readonly number[],
  padding: WindowPadding,
  options: ConvOptions,
): NDArray {
  const [x, w] = operands(op, lhs, rhs, options.preferredElementType);
  const axes = expectDimensionNumbers(op, options.dimensionNumbers, x.ndim);
  const [array, kernel] = [transpose(x, axes.lhsSpec), transpose(w, axes.rhsSpec)];
  const count = x.ndim - 2;
  const strides = expectEach(op, "windowStrides", windowStrides, count, 1);
  const baseDilation = expectDilation(op, "lhsDilation", options.lhsDilation, count);
  const windowDilation = expectDilation(op, "rhsDilation", options.rhsDilation, count);
  if (typeof padding === "string" && baseDilation.some((d) => d !== 1)) {
    throw new TypeError(
      `${op}: with lhsDilation the padding must be pairs, not ${
        JSON.stringify(padding)
      }. Write the pairs, or use convTranspose`,
    );
  }
  const pairs = expectPadding(
    op,
    padding,
    array.shape.slice(2),
    extents(kernel.shape.slice(2), windowDilation),
    strides,
  );
  const groups = expectInteger(op, options.featureGroupCount ?? 1, "featureGroupCount", 1, 2 ** 31);
  const parts = expectInteger(op, options.batchGroupCount ?? 1, "batchGroupCount", 1, 2 ** 31);
  checkGroups(op, array.shape, kernel.shape, groups, parts);
  const params = { strides, padding: pairs, baseDilation, windowDilation, groups };
  const out = parts === 1 ? convolution(array, kernel, params) : convolution(
    batchesAsFeatures(array, parts),
    kernel,
    { ...params, groups: parts },
  );
  return transpose(out, inversePermutation(axes.outSpec));
}

/** Groups of batches are groups of features: [parts x batch, features, ...] as [batch, parts x features, ...]. */
function batchesAsFeatures(x: NDArray, parts: number): NDArray {
  const [batch, features, ...rest] = x.shape as [number, number, ...number[]];
  const split = reshape(x, [parts, batch / parts, features, ...rest]);
  return reshape(moveAxis(split, 0, 1), [batch / parts, parts * features, ...rest]);
}

function checkGroups(
  op: string,
  array: readonly number[],
  kernel: readonly number[],
  groups: number,
  parts: number,
): void {
  const [batch, features] = array as [number, number];
  const [outputs, inputs] = kernel as [number, number];
  const refuse = (what: string): never => {
    throw new ShapeError(
      `${op}: ${what}: the array has ${batch} batches and ${features} features, the kernel ${inputs} ` +
        `features and ${outputs} outputs, in shapes ${formatShape(array)} and ${
          formatShape(kernel)
        } ` +
        "with batches or outputs first and features next",
    );
  };
  if (groups > 1 && parts > 1) {
    refuse(
      `featureGroupCount is ${groups} and batchGroupCount ${parts}, but one of them must be 1`,
    );
  }
  if (inputs * groups !== features) {
    refuse(
      groups === 1
        ? "the kernel must have as many features as the array"
        : `the kernel must have the features of one of ${groups} groups`,
    );
  }
  if (outputs % groups !== 0) refuse(`featureGroupCount ${groups} does not divide the outputs`);
  if (outputs % parts !== 0) refuse(`batchGroupCount ${parts} does not divide the outputs`);
  if (batch % parts !== 0) refuse(`batchGroupCount ${parts} does not divide the batches`);
}

/**
 * A convolution of [batch, features, ...] with [outputs, features, ...], as `lax.conv`.
 *
 * @throws {ShapeError} where features do not fit the kernel.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * console.log(lax.conv(np.ones([1, 3, 8, 8]), np.ones([4, 3, 3, 3]), [1, 1], "SAME").shape); // [ 1, 4, 8, 8 ]
 * ```
 */
export function conv(
  lhs: NDArray,
  rhs: NDArray,
  windowStrides: readonly number[],
  padding: WindowPadding,
  options: ConvTypeOptions = {},
): NDArray {
  if (arguments.length > 4) {
    options = readOptions(
      "conv(lhs, rhs, windowStrides, padding, options)",
      arguments,
      typeOptions,
    );
  }
  return convolved("conv", lhs, rhs, windowStrides, padding, options);
}

/**
 * A convolution of [batch, features, ...] with [outputs, features, ...], as `lax.conv_with_general_padding`.
 *
 * @param lhsDilation From one element of the array to the next; `null` for 1.
 * @param rhsDilation From one element of the kernel to the next; `null` for 1.
 * @throws {ShapeError} where features do not fit the kernel.
 */
export function convWithGeneralPadding(
  lhs: NDArray,
  rhs: NDArray,
  windowStrides: readonly number[],
  padding: WindowPadding,
  lhsDilation: readonly number[] | null,
  rhsDilation: readonly number[] | null,
  options: ConvTypeOptions = {},
): NDArray {
  if (arguments.length > 6) {
    options = readOptions(
      "convWithGeneralPadding(lhs, rhs, windowStrides, padding, lhsDilation, rhsDilation, options)",
      arguments,
      typeOptions,
    );
  }
  return convolved("convWithGeneralPadding", lhs, rhs, windowStrides, padding, {
    ...options,
    lhsDilation: lhsDilation ?? undefined,
    rhsDilation: rhsDilation ?? undefined,
  });
}

/** The padding of a transposed convolution, of that of the convolution whose transpose it is. */
function transposedPadding(k: number, s: number, padding: unknown): [number, number] {
  if (padding === "VALID") return [k - 1, s - 1 + Math.max(k - s, 0)];
  if (padding === "SAME") {
    const total = k + s - 2;
    const first = s > k - 1 ? k - 1 : Math.ceil(total / 2);
    return [first, total - first];
  }
  const [low, high] = padding as [number, number];
  return [k - low - 1, k - high - 1];
}

/** Letters of the axes where none are given: features last. */
const LAST: Readonly<Record<number, ConvDimensionStrings>> = {
  2: ["NC", "IO", "NC"],
  3: ["NHC", "HIO", "NHC"],
  4: ["NHWC", "HWIO", "NHWC"],
  5: ["NHWDC", "HWDIO", "NHWDC"],
};

/**
 * A convolution whose array is spread by `strides`, as `lax.conv_transpose`: with `transposeKernel` the
 * transpose of the convolution that goes in such strides. Features come last where nothing else is said.
 *
 * @param padding `"SAME"` and `"VALID"` are of the convolution whose transpose this is, pairs of this one.
 * @throws {ShapeError} where features do not fit the kernel.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as lax from "@injax/injax/lax";
 *
 * const x = np.array([[[1], [2]]]);
 * const kernel = np.array([[[1]], [[10]]]);
 * console.log(lax.convTranspose(x, kernel, [2], "VALID").ravel().toArray()); // [ 10, 1, 20, 2 ]
 * ```
 */
export function convTranspose(
  lhs: NDArray,
  rhs: NDArray,
  strides: readonly number[],
  padding: WindowPadding,
  options: ConvTransposeOptions = {},
): NDArray {
  const op = "convTranspose";
  if (arguments.length > 4) {
    options = readOptions(
      `${op}(lhs, rhs, strides, padding, options)`,
      arguments,
      transposeOptions,
    );
  }
  const [x, w] = operands(op, lhs, rhs, options.preferredElementType);
  const count = x.ndim - 2;
  if (options.dimensionNumbers === undefined && LAST[x.ndim] === undefined) {
    throw new TypeError(
      `${op}: there are no letters for arrays of ${x.ndim} axes; say with dimensionNumbers which is which`,
    );
  }
  const axes = expectDimensionNumbers(op, options.dimensionNumbers ?? LAST[x.ndim], x.ndim);
  const spread = expectEach(op, "strides", strides, count, 1);
  const rhsDilation = expectDilation(op, "rhsDilation", options.rhsDilation, count);
  const { rhsSpec } = axes;
  const sizes = extents(rhsSpec.slice(2).map((a) => w.shape[a]!), rhsDilation);
  const space = axes.lhsSpec.slice(2).map((a) => x.shape[a]!);
  const isSame = typeof padding === "string" && padding.toUpperCase() === "SAME";
  const isNamed = isSame || (typeof padding === "string" && padding.toUpperCase() === "VALID");
  const pairs = expectPadding(op, padding, space, sizes, new Array(count).fill(1));
  const own = isNamed
    ? sizes.map((k, i) => transposedPadding(k, spread[i]!, isSame ? "SAME" : "VALID"))
    : options.useConsistentPadding
    ? sizes.map((k, i) => transposedPadding(k, spread[i]!, pairs[i]))
    : pairs;
  let kernel = w;
  if (options.transposeKernel) {
    const [o, i] = rhsSpec as [number, number];
    const swapped = kernel.shape.map((_, a) => a === o ? i : a === i ? o : a);
    kernel = transpose(rev(kernel, rhsSpec.slice(2)), swapped);
  }
  return convolved(op, x, kernel, new Array(count).fill(1), own, {
    lhsDilation: spread,
    rhsDilation,
    dimensionNumbers: axes,
  });
}
