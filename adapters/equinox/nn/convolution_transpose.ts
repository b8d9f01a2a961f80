/**
 * Transposed convolution layers, of [channels, ...] without a batch axis.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../../lib/extend.ts";
import { convGeneralDilated } from "../../../lib/api/lax.ts";
import { type NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import { type EachAxis, eachAxis, type Pairs } from "../../convolution.ts";
import { Module } from "../module.ts";
import type { CallOptions } from "./linear.ts";
import {
  checkInput,
  type ConvOptions,
  convOptions,
  made,
  type PaddingMode,
  staticFields,
} from "./windows.ts";

/** Options of transposed convolution layers. */
export interface ConvTransposeOptions extends Omit<ConvOptions, "paddingMode"> {
  /** How much longer the result is, less than `stride` (default 0). */
  readonly outputPadding?: EachAxis | undefined;
  /** What is put around the input of the convolution that is transposed (default `"ZEROS"`). */
  readonly paddingMode?: "ZEROS" | "CIRCULAR" | undefined;
}

const transposeOptions: OptionTable<ConvTransposeOptions> = {
  ...convOptions,
  outputPadding: "shape",
};

/**
 * A transposed convolution of [inChannels, *space] along `numSpatialDims` axes: from the shape of what a `Conv`
 * with these options gives to that of what it takes.
 */
export class ConvTranspose extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = staticFields;
  /** [outChannels, inputs of a group, *window]. */
  readonly weight: NDArray;
  /** [outChannels, 1, ...]; `null` without bias. */
  readonly bias: NDArray | null;
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];
  /** The stride of the convolution that is transposed. */
  readonly stride: readonly number[];
  /** The padding of the convolution that is transposed. */
  readonly padding: "SAME" | "SAME_LOWER" | "VALID" | Pairs;
  /** How much longer the result is. */
  readonly outputPadding: readonly number[];
  /** From one element of the kernel to the next. */
  readonly dilation: readonly number[];
  /** Into how many groups the channels fall. */
  readonly groups: number;
  /** Whether a bias is added. */
  readonly useBias: boolean;
  /** What is put around the input of the convolution that is transposed. */
  readonly paddingMode: PaddingMode;

  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer, or `outputPadding` not below `stride`.
   * @throws {TypeError} where the mode does not go with the padding.
   * @throws {StateError} without a key.
   */
  constructor(
    readonly numSpatialDims: number,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: EachAxis,
    options: ConvTransposeOptions = {},
  ) {
    const op = "eqx.nn.ConvTranspose";
    checkCall(
      `new ${op}(numSpatialDims, inChannels, outChannels, kernelSize, options)`,
      arguments,
      transposeOptions,
    );
    super();
    const sizes = [numSpatialDims, inChannels, outChannels] as const;
    const own = made(op, sizes, kernelSize, options);
    const more = eachAxis(op, "outputPadding", options.outputPadding ?? 0, numSpatialDims, 0);
    if (more.some((n, i) => n >= own.stride[i]!)) {
      throw new ShapeError(`${op}: outputPadding ${more} must be below the stride, ${own.stride}`);
    }
    const { padding, paddingMode } = own;
    const isSame = padding === "SAME" || padding === "SAME_LOWER";
    if (paddingMode !== "ZEROS" && !(paddingMode === "CIRCULAR" && isSame && !more.some(Boolean))) {
      throw new TypeError(
        `${op}: paddingMode must be "ZEROS", or "CIRCULAR" with padding "SAME" or "SAME_LOWER" and without ` +
          `outputPadding, not "${paddingMode}"`,
      );
    }
    this.weight = own.weight;
    this.bias = own.bias;
    this.kernelSize = own.kernelSize;
    this.stride = own.stride;
    this.padding = padding;
    this.outputPadding = more;
    this.dilation = own.dilation;
    this.groups = own.groups;
    this.useBias = own.useBias;
    this.paddingMode = paddingMode;
  }

  /**
   * Applies the layer to [inChannels, *space]; gives [outChannels, *places].
   *
   * @throws {ShapeError} where `x` has other axes or channels.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    checkInput("eqx.nn.ConvTranspose", x, this.numSpatialDims, this.inChannels);
    const { stride } = this;
    let [array, padding] = [x, aroundSpread(this)];
    if (this.paddingMode === "CIRCULAR") {
      const whole = padding.map((pair, i) => pair.map((n) => Math.floor(n / stride[i]!)));
      array = np.pad(x, [[0, 0], ...whole], { mode: "wrap" });
      padding = padding.map(([low, high], i) => [low % stride[i]!, high % stride[i]!]);
    }
    const ones = stride.map(() => 1);
    const out = convGeneralDilated(np.expandDims(array, 0), this.weight, ones, padding, {
      lhsDilation: stride,
      rhsDilation: this.dilation,
      featureGroupCount: this.groups,
    });
    const y = np.squeeze(out, 0);
    return this.bias === null ? y : y.add(this.bias);
  }
}

/** How much is put around the input that is spread (Dumoulin and Visin, 2016, relationship 14). */
function aroundSpread(
  { padding, outputPadding, stride, dilation, kernelSize }: ConvTranspose,
): [number, number][] {
  return kernelSize.map((k, i) => {
    const reach = dilation[i]! * (k - 1);
    let more = outputPadding[i]!;
    let [low, high] = [0, 0];
    if (padding === "SAME" || padding === "SAME_LOWER") {
      const total = reach - stride[i]! + more + 1;
      more = Math.max(0, -total);
      const sum = Math.max(0, total);
      low = (sum + (padding === "SAME_LOWER" ? 1 : 0)) >> 1;
      high = sum - low;
    } else if (padding !== "VALID") [low, high] = padding[i]!;
    return [reach - low, reach - high + more];
  });
}

/** A transposed convolution of [inChannels, width]. */
export class ConvTranspose1d extends ConvTranspose {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer, or `outputPadding` not below `stride`.
   * @throws {TypeError} where the mode does not go with the padding.
   * @throws {StateError} without a key.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: EachAxis,
    options: ConvTransposeOptions = {},
  ) {
    checkCall(
      "new eqx.nn.ConvTranspose1d(inChannels, outChannels, kernelSize, options)",
      arguments,
      transposeOptions,
    );
    super(1, inChannels, outChannels, kernelSize, options);
  }
}

/** A transposed convolution of [inChannels, height, width]. */
export class ConvTranspose2d extends ConvTranspose {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer, or `outputPadding` not below `stride`.
   * @throws {TypeError} where the mode does not go with the padding.
   * @throws {StateError} without a key.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: EachAxis,
    options: ConvTransposeOptions = {},
  ) {
    checkCall(
      "new eqx.nn.ConvTranspose2d(inChannels, outChannels, kernelSize, options)",
      arguments,
      transposeOptions,
    );
    super(2, inChannels, outChannels, kernelSize, options);
  }
}

/** A transposed convolution of [inChannels, depth, height, width]. */
export class ConvTranspose3d extends ConvTranspose {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer, or `outputPadding` not below `stride`.
   * @throws {TypeError} where the mode does not go with the padding.
   * @throws {StateError} without a key.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: EachAxis,
    options: ConvTransposeOptions = {},
  ) {
    checkCall(
      "new eqx.nn.ConvTranspose3d(inChannels, outChannels, kernelSize, options)",
      arguments,
      transposeOptions,
    );
    super(3, inChannels, outChannels, kernelSize, options);
  }
}
