/**
 * Convolutions, and pooling.
 *
 * @module
 */
import { checkCall, formatAval, type OptionTable } from "../../lib/extend.ts";
import { convGeneralDilated, reduceWindow } from "../../lib/api/lax.ts";
import { type NDArray, numpy as np, random, type ShapeDtype, ShapeError } from "../../mod.ts";
import {
  eachAxis,
  extremes,
  kernelLengths,
  means,
  namedOrPairs,
  type PoolWindows,
} from "../convolution.ts";
import { checkSize, Fn, weightsOf } from "./core.ts";
import {
  GlorotNormalInitializer,
  GlorotUniformInitializer,
  type Initializer,
  RandomNormalInitializer,
} from "./initializers.ts";
import { Layer } from "./layer.ts";

/** Options of `CausalConv`, and of other convolutions. */
export interface CausalConvOptions {
  /** Of the weights (default `GlorotNormalInitializer`, by the axes of outputs and inputs). */
  readonly kernelInitializer?: Initializer | undefined;
  /** Of the bias (default `RandomNormalInitializer(1e-6)`). */
  readonly biasInitializer?: Initializer | undefined;
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
}

/** Options of `Conv1d`. */
export interface Conv1dOptions extends CausalConvOptions {
  /** From one window to the next (default 1). */
  readonly stride?: number | undefined;
  /** What is put around the input (default `"VALID"`, nothing). */
  readonly padding?: "SAME" | "VALID" | undefined;
}

/** Options of `Conv`. */
export interface ConvOptions extends CausalConvOptions {
  /** From one window to the next, for each axis (default 1). */
  readonly strides?: readonly number[] | null | undefined;
  /** What is put around the input (default `"VALID"`, nothing). */
  readonly padding?: "SAME" | "VALID" | undefined;
  /** Which axis of the input, the weights and the result is which (default NHWC, HWIO, NHWC). */
  readonly dimensionNumbers?: readonly [lhs: string, rhs: string, out: string] | undefined;
}

const causalOptions: OptionTable<CausalConvOptions> = {
  useBias: "boolean",
  kernelInitializer: "function",
  biasInitializer: "function",
};

const conv1dOptions: OptionTable<Conv1dOptions> = {
  stride: "count",
  padding: "string",
  ...causalOptions,
};

const convOptions: OptionTable<ConvOptions> = {
  strides: "axes",
  padding: "string",
  dimensionNumbers: "names",
  ...causalOptions,
};

const IMAGES = ["NHWC", "HWIO", "NHWC"] as const;

class ConvLayer extends Layer<NDArray, NDArray> {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly numbers: readonly [string, string, string];

  constructor(
    readonly filters: number,
    kernelSize: readonly number[],
    readonly options: ConvOptions,
    /** How much is put in front of the one axis. */
    readonly before = 0,
    name = "Conv",
  ) {
    const op = `tl.${name}`;
    checkSize(op, "filters", filters);
    super({ name });
    this.kernelSize = kernelLengths(op, "kernelSize", kernelSize);
    const count = this.kernelSize.length;
    this.strides = eachAxis(op, "strides", options.strides, count);
    this.numbers = options.dimensionNumbers ?? IMAGES;
    namedOrPairs<"SAME" | "VALID">(op, options.padding ?? "VALID", count, ["SAME", "VALID"]);
    if (this.numbers.every((letters) => letters.length === count + 2)) return;
    throw new ShapeError(
      `${op}: dimensionNumbers must name ${
        count + 2
      } axes each, for windows of ${count} axes, not ${this.numbers.join(", ")}`,
    );
  }

  /** The input with one batch axis: images may have several. */
  #batches(shape: readonly number[]): readonly number[] {
    const [lhs, , out] = this.numbers;
    if (shape.length <= 4 && shape.length === lhs.length) return [];
    if (shape.length > 4 && lhs === "NHWC" && out === "NHWC") return shape.slice(0, -3);
    throw new ShapeError(
      `${this.name}: the input must have the axes ${lhs}, but has shape [${shape}]`,
    );
  }

  override initWeightsAndState(x: ShapeDtype): void {
    const { kernelInitializer, biasInitializer, useBias = true } = this.options;
    const [lhs, rhs, out] = this.numbers;
    const batches = this.#batches(x.shape);
    const own = batches.length === 0 ? x.shape : [1, ...x.shape.slice(-3)];
    let next = 0;
    const shape = [...rhs].map((c) =>
      c === "O" ? this.filters : c === "I" ? own[lhs.indexOf("C")]! : this.kernelSize[next++]!
    );
    const make = kernelInitializer ??
      GlorotNormalInitializer(rhs.indexOf("O"), rhs.indexOf("I"));
    const keys = random.split(this.rng, 2);
    const w = make(shape, keys.at(0));
    const axes = [...out].slice(out.indexOf("C"));
    const b = (biasInitializer ?? RandomNormalInitializer(1e-6))(
      axes.map((c) => c === "C" ? this.filters : 1),
      keys.at(1),
    );
    this.weights = useBias ? [w, b] : w;
  }

  override forward(x: NDArray): NDArray {
    const [w, b] = weightsOf(this, "w", ...(this.options.useBias ?? true) ? ["b"] : []);
    const batches = this.#batches(x.shape);
    const size = batches.reduce((a, n) => a * n, 1);
    const whole = batches.length === 0 ? x : x.reshape([size, ...x.shape.slice(-3)]);
    const array = this.before === 0 ? whole : np.pad(whole, [[0, 0], [this.before, 0], [0, 0]]);
    const { padding = "VALID" } = this.options;
    const out = convGeneralDilated(array, w!, this.strides, padding, {
      dimensionNumbers: this.numbers,
    });
    const y = b === undefined ? out : out.add(b);
    return batches.length === 0 ? y : y.reshape([...batches, ...y.shape.slice(-3)]);
  }
}

/**
 * A convolution of images [batch, height, width, channels], or what `dimensionNumbers` says. Weights `[w, b]`;
 * without bias `w`.
 *
 * @throws {ShapeError} where a size is not a positive integer, or `dimensionNumbers` name other axes.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const x = np.ones([1, 8, 8, 3]);
 * const layer = tl.Conv(4, [3, 3], { strides: [2, 2], padding: "SAME" });
 * layer.init(tl.signature(x), random.key(0));
 * console.log(layer.call(x).shape); // [ 1, 4, 4, 4 ]
 * ```
 */
export function Conv(
  filters: number,
  kernelSize: readonly number[],
  options: ConvOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.Conv(filters, kernelSize, options)", arguments, convOptions);
  return new ConvLayer(filters, kernelSize, options);
}

/**
 * A convolution of [batch, width, channels].
 *
 * @throws {ShapeError} where a size is not a positive integer.
 */
export function Conv1d(
  filters: number,
  kernelSize: number,
  options: Conv1dOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.Conv1d(filters, kernelSize, options)", arguments, conv1dOptions);
  const { stride = 1, ...rest } = options;
  return new ConvLayer(filters, [kernelSize], {
    ...rest,
    strides: [stride],
    dimensionNumbers: ["NWC", "WIO", "NWC"],
  });
}

/**
 * A convolution of sequences [batch, time, channels] whose results do not depend on what comes later.
 *
 * @throws {ShapeError} where a size is not a positive integer.
 */
export function CausalConv(
  filters: number,
  kernelWidth = 3,
  options: CausalConvOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.CausalConv(filters, kernelWidth, options)", arguments, causalOptions);
  const own = { ...options, dimensionNumbers: ["NWC", "WIO", "NWC"] } as const;
  return new ConvLayer(filters, [kernelWidth], own, kernelWidth - 1, "CausalConv");
}

/** Options of `CausalDepthwiseConv`. */
export interface CausalDepthwiseConvOptions {
  /** Of the weights [kernelSize, channels] (default `GlorotUniformInitializer()`). */
  readonly kernelInitializer?: Initializer | undefined;
}

class CausalDepthwiseConvLayer extends Layer<NDArray, NDArray> {
  constructor(readonly kernelSize: number, readonly options: CausalDepthwiseConvOptions) {
    super({ name: "CausalDepthwiseConv" });
  }

  override initWeightsAndState(x: ShapeDtype): void {
    const make = this.options.kernelInitializer ?? GlorotUniformInitializer();
    this.weights = make([this.kernelSize, x.shape.at(-1)!], random.split(this.rng, 2).at(0));
  }

  override forward(x: NDArray): NDArray {
    if (x.ndim !== 3) {
      throw new ShapeError(
        `${this.name}: the input must be [batch, time, channels], not ${formatAval(x.aval)}`,
      );
    }
    const w = weightsOf(this, "w")[0]!;
    const [, time, channels] = x.shape as [number, number, number];
    const padded = np.pad(x, [[0, 0], [this.kernelSize - 1, 0], [0, 0]]);
    // Weights count from the present back.
    return Array.from({ length: this.kernelSize }, (_, i) => {
      const start = this.kernelSize - 1 - i;
      const part = np.slice(padded, [0, start, 0], [x.shape[0]!, start + time, channels]);
      return part.mul(w.at(i));
    }).reduce((a, b) => a.add(b));
  }
}

/**
 * A convolution of each channel of sequences [batch, time, channels] by itself, whose results do not depend on
 * what comes later.
 *
 * @throws {ShapeError} where the size is not a positive integer.
 */
export function CausalDepthwiseConv(
  kernelSize = 3,
  options: CausalDepthwiseConvOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.CausalDepthwiseConv(kernelSize, options)", arguments, {
    kernelInitializer: "function",
  });
  checkSize("tl.CausalDepthwiseConv", "kernelSize", kernelSize);
  return new CausalDepthwiseConvLayer(kernelSize, options);
}

/** Options of pooling. */
export interface PoolOptions {
  /** From one window to the next, for each axis (default 1). */
  readonly strides?: readonly number[] | null | undefined;
  /** What is put around the input (default `"VALID"`, nothing). */
  readonly padding?: "SAME" | "VALID" | undefined;
}

const poolOptions: OptionTable<PoolOptions> = { strides: "axes", padding: "string" };

function pooling(
  name: string,
  poolSize: readonly number[],
  { strides, padding = "VALID" }: PoolOptions,
  f: (x: NDArray, windows: PoolWindows) => NDArray,
): Layer<NDArray, NDArray> {
  const op = `tl.${name}`;
  const lengths = kernelLengths(op, "poolSize", poolSize);
  const windows = {
    sizes: [1, ...lengths, 1],
    strides: [1, ...eachAxis(op, "strides", strides, lengths.length), 1],
    padding: namedOrPairs<"SAME" | "VALID">(op, padding, lengths.length, ["SAME", "VALID"]),
  };
  return Fn(`${name}(${lengths})`, (x: NDArray) => {
    if (x.ndim === windows.sizes.length) return f(x, windows);
    throw new ShapeError(
      `${op}: the input must have a batch axis, ${lengths.length} axes that windows run along, and channels, ` +
        `not be ${formatAval(x.aval)}`,
    );
  });
}

/**
 * The greatest elements of windows of [batch, *space, channels].
 *
 * @throws {ShapeError} where a size is not a positive integer.
 */
export function MaxPool(
  poolSize: readonly number[] = [2, 2],
  options: PoolOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.MaxPool(poolSize, options)", arguments, poolOptions);
  return pooling("MaxPool", poolSize, options, (x, windows) => extremes(x, "max", windows));
}

/**
 * The sums of windows of [batch, *space, channels].
 *
 * @throws {ShapeError} where a size is not a positive integer.
 */
export function SumPool(
  poolSize: readonly number[] = [2, 2],
  options: PoolOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.SumPool(poolSize, options)", arguments, poolOptions);
  return pooling(
    "SumPool",
    poolSize,
    options,
    (x, { sizes, strides, padding }) => reduceWindow(x, 0, "add", sizes, strides, padding),
  );
}

/**
 * The means of windows of [batch, *space, channels], over places within the input.
 *
 * @throws {ShapeError} where a size is not a positive integer.
 */
export function AvgPool(
  poolSize: readonly number[] = [2, 2],
  options: PoolOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.AvgPool(poolSize, options)", arguments, poolOptions);
  return pooling("AvgPool", poolSize, options, (x, windows) => means(x, windows, false));
}
