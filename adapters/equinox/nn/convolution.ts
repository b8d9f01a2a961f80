/**
 * Convolution layers, of [channels, ...] without a batch axis: `vmap` gives them one.
 *
 * @module
 */
import { checkCall } from "../../../lib/extend.ts";
import { convGeneralDilated } from "../../../lib/api/lax.ts";
import { type NDArray, numpy as np } from "../../../mod.ts";
import { type EachAxis, extent, type Pairs } from "../../convolution.ts";
import { Module } from "../module.ts";
import type { CallOptions } from "./linear.ts";
import {
  checkInput,
  type ConvOptions,
  convOptions,
  made,
  modes,
  type PaddingMode,
  pairsOf,
  staticFields,
} from "./windows.ts";

export type { EachAxis, PaddingNumbers, Pairs } from "../../convolution.ts";
export type { ConvOptions, ConvPadding, PaddingMode } from "./windows.ts";

/**
 * A convolution of [inChannels, *space] along `numSpatialDims` axes. Parameters `weight` [outChannels, inputs of
 * a group, *window] and `bias` [outChannels, 1, ...] are uniform, by the number of inputs of a unit.
 */
export class Conv extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = staticFields;
  /** [outChannels, inputs of a group, *window]. */
  readonly weight: NDArray;
  /** [outChannels, 1, ...]; `null` without bias. */
  readonly bias: NDArray | null;
  /** The lengths of a window. */
  readonly kernelSize: readonly number[];
  /** From one window to the next. */
  readonly stride: readonly number[];
  /** How much is put around the input. */
  readonly padding: "SAME" | "SAME_LOWER" | "VALID" | Pairs;
  /** From one element of the kernel to the next. */
  readonly dilation: readonly number[];
  /** Into how many groups the channels fall. */
  readonly groups: number;
  /** Whether a bias is added. */
  readonly useBias: boolean;
  /** What is put around the input. */
  readonly paddingMode: PaddingMode;

  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(
    readonly numSpatialDims: number,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: EachAxis,
    options: ConvOptions = {},
  ) {
    checkCall(
      "new eqx.nn.Conv(numSpatialDims, inChannels, outChannels, kernelSize, options)",
      arguments,
      convOptions,
    );
    super();
    const sizes = [numSpatialDims, inChannels, outChannels] as const;
    const own = made("eqx.nn.Conv", sizes, kernelSize, options);
    this.weight = own.weight;
    this.bias = own.bias;
    this.kernelSize = own.kernelSize;
    this.stride = own.stride;
    this.padding = own.padding;
    this.dilation = own.dilation;
    this.groups = own.groups;
    this.useBias = own.useBias;
    this.paddingMode = own.paddingMode;
  }

  /**
   * Applies the layer to [inChannels, *space]; gives [outChannels, *places].
   *
   * @throws {ShapeError} where `x` has other axes or channels.
   */
  call(x: NDArray, _options?: CallOptions): NDArray {
    checkInput("eqx.nn.Conv", x, this.numSpatialDims, this.inChannels);
    const { stride, dilation } = this;
    const mode = modes[this.paddingMode];
    let [array, padding] = [x, this.padding];
    if (mode !== null) {
      const window = this.kernelSize.map((k, i) => extent(k, dilation[i]!));
      array = np.pad(x, [[0, 0], ...pairsOf(padding, x.shape.slice(1), window, stride)], { mode });
      padding = "VALID";
    }
    const out = convGeneralDilated(np.expandDims(array, 0), this.weight, stride, padding, {
      rhsDilation: dilation,
      featureGroupCount: this.groups,
    });
    const y = np.squeeze(out, 0);
    return this.bias === null ? y : y.add(this.bias);
  }
}

/**
 * A convolution of [inChannels, width].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.Conv1d(3, 4, 3, { padding: "SAME", key: random.key(0) });
 * console.log(layer.call(np.ones([3, 8])).shape); // [ 4, 8 ]
 * ```
 */
export class Conv1d extends Conv {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: EachAxis,
    options: ConvOptions = {},
  ) {
    checkCall(
      "new eqx.nn.Conv1d(inChannels, outChannels, kernelSize, options)",
      arguments,
      convOptions,
    );
    super(1, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A convolution of [inChannels, height, width].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.Conv2d(3, 4, 3, { padding: "SAME", key: random.key(0) });
 * console.log(layer.call(np.ones([3, 8, 8])).shape); // [ 4, 8, 8 ]
 * ```
 */
export class Conv2d extends Conv {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: EachAxis,
    options: ConvOptions = {},
  ) {
    checkCall(
      "new eqx.nn.Conv2d(inChannels, outChannels, kernelSize, options)",
      arguments,
      convOptions,
    );
    super(2, inChannels, outChannels, kernelSize, options);
  }
}

/**
 * A convolution of [inChannels, depth, height, width].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.Conv3d(3, 4, 3, { padding: "SAME", key: random.key(0) });
 * console.log(layer.call(np.ones([3, 4, 4, 4])).shape); // [ 4, 4, 4, 4 ]
 * ```
 */
export class Conv3d extends Conv {
  /**
   * Makes a layer.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   * @throws {StateError} without a key.
   */
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: EachAxis,
    options: ConvOptions = {},
  ) {
    checkCall(
      "new eqx.nn.Conv3d(inChannels, outChannels, kernelSize, options)",
      arguments,
      convOptions,
    );
    super(3, inChannels, outChannels, kernelSize, options);
  }
}
