/**
 * Initial weights: each of these gives a function of a shape and a key. They draw what those of Trax draw.
 *
 * @module
 */
import { checkCall, describeValue, formatShape, type OptionTable } from "../../lib/extend.ts";
import * as init from "../../lib/api/initializers.ts";
import { type NDArray, numpy as np, random, ShapeError } from "../../mod.ts";

/** Makes an array of a shape, from a key. */
export type Initializer = (shape: readonly number[], rng: NDArray) => NDArray;

/** Normal, of mean 0. */
export function RandomNormalInitializer(stddev = 1e-2): Initializer {
  if (arguments.length > 1) checkCall("tl.RandomNormalInitializer(stddev)", arguments);
  const make = init.normal(stddev);
  return (shape, rng) => make(rng, shape);
}

/** Uniform on [-lim, lim). */
export function RandomUniformInitializer(lim = 1): Initializer {
  if (arguments.length > 1) checkCall("tl.RandomUniformInitializer(lim)", arguments);
  return (shape, rng) => random.uniform(rng, shape, { minval: -lim, maxval: lim });
}

/** One value everywhere. */
export function ConstantInitializer(value: number): Initializer {
  if (arguments.length > 1) checkCall("tl.ConstantInitializer(value)", arguments);
  return (shape) => np.full(shape, value);
}

/** Options of `ScaledInitializer`. */
export interface ScaledOptions {
  /** The axis of outputs (default -1). */
  readonly outDim?: number | undefined;
  /** The axis of inputs (default -2). */
  readonly inDim?: number | undefined;
  /** The variance is this over the number of units that `mode` says (default 1). */
  readonly scale?: number | undefined;
  /** Which units count: those of inputs, of outputs, or their mean (default). */
  readonly mode?: "fan_in" | "fan_out" | "fan_avg" | undefined;
  /** The distribution (default uniform). */
  readonly distribution?: "uniform" | "normal" | "truncated_normal" | undefined;
}

const scaledOptions: OptionTable<ScaledOptions> = {
  scale: "number",
  mode: "string",
  distribution: "string",
  outDim: "number",
  inDim: "number",
};

/**
 * Random weights whose variance goes by the number of units.
 *
 * @throws {RangeError} where an option is none of what it may be.
 */
export function ScaledInitializer(options: ScaledOptions = {}): Initializer {
  checkCall("tl.ScaledInitializer(options)", arguments, scaledOptions);
  const { outDim = -1, inDim = -2, scale = 1, mode = "fan_avg", distribution = "uniform" } =
    options;
  const op = "tl.ScaledInitializer";
  if (!(scale > 0)) throw new RangeError(`${op}: scale must be positive, not ${scale}`);
  const among = (what: string, value: string, known: readonly string[]): void => {
    if (known.includes(value)) return;
    throw new RangeError(`${op}: ${what} must be ${known.join(", ")}, not ${describeValue(value)}`);
  };
  among("mode", mode, Object.keys(modes));
  among("distribution", distribution, ["uniform", "normal", "truncated_normal"]);
  return (shape, rng) => {
    const rank = shape.length;
    // The axes of a window of a convolution do not count: so it is in Trax. A list has itself as inputs and
    // as outputs, a scalar one of each.
    const [ins, outs] = rank < 2 ? [shape[0] ?? 1, shape[0] ?? 1] : [inDim, outDim].map((dim) => {
      const size = shape.at(dim);
      if (size !== undefined) return size;
      throw new ShapeError(`${op}: there is no axis ${dim} in ${formatShape(shape)}`);
    }) as [number, number];
    const gain = scale / modes[mode](ins, outs);
    if (distribution === "uniform") {
      const lim = Math.sqrt(3 * gain);
      return random.uniform(rng, shape, { minval: -lim, maxval: lim });
    }
    // All axes are of the batch, so that the variance is the gain itself.
    const batchAxis = [...shape.keys()];
    const kind = distribution === "normal" ? "normal" : "truncatedNormal";
    const alone = { inAxis: [], outAxis: [], batchAxis };
    return init.varianceScaling(gain, "fanIn", kind, alone)(rng, shape);
  };
}

/** How many units count, of inputs and outputs. */
const modes = {
  fan_in: (ins: number, _outs: number): number => ins,
  fan_out: (_ins: number, outs: number): number => outs,
  fan_avg: (ins: number, outs: number): number => (ins + outs) / 2,
};

/** Where the axes of outputs and inputs are, and what the variance is a multiple of. */
export type ScaledMaker = (outDim?: number, inDim?: number, scale?: number) => Initializer;

function scaled(
  name: string,
  mode: keyof typeof modes,
  distribution: "normal" | "uniform",
): ScaledMaker {
  return function (outDim = -1, inDim = -2, scale = 1): Initializer {
    if (arguments.length > 3) checkCall(`tl.${name}(outDim, inDim, scale)`, arguments);
    return ScaledInitializer({ outDim, inDim, scale, mode, distribution });
  };
}

/** Normal, by the mean of the numbers of inputs and outputs (Glorot and Bengio, 2010). */
export const GlorotNormalInitializer: ScaledMaker = scaled(
  "GlorotNormalInitializer",
  "fan_avg",
  "normal",
);

/** Uniform, by the mean of the numbers of inputs and outputs: what `Dense` takes by default. */
export const GlorotUniformInitializer: ScaledMaker = scaled(
  "GlorotUniformInitializer",
  "fan_avg",
  "uniform",
);

/** Normal, by the number of inputs (LeCun et al., 1998). */
export const LeCunNormalInitializer: ScaledMaker = scaled(
  "LeCunNormalInitializer",
  "fan_in",
  "normal",
);

/** Uniform, by the number of inputs. */
export const LeCunUniformInitializer: ScaledMaker = scaled(
  "LeCunUniformInitializer",
  "fan_in",
  "uniform",
);

/**
 * Normal, by the number of inputs, for units that are rectified (He et al., 2015), with the slope `param` where
 * they are negative.
 */
export function KaimingNormalInitializer(outDim = -1, inDim = -2, param = 0): Initializer {
  if (arguments.length > 3) {
    checkCall("tl.KaimingNormalInitializer(outDim, inDim, param)", arguments);
  }
  const scale = 2 / Math.sqrt(1 + param ** 2);
  return ScaledInitializer({ outDim, inDim, scale, mode: "fan_in", distribution: "normal" });
}

/** Uniform, by the number of inputs, for units that are rectified with the slope `param`. */
export function KaimingUniformInitializer(outDim = -1, inDim = -2, param = 0): Initializer {
  if (arguments.length > 3) {
    checkCall("tl.KaimingUniformInitializer(outDim, inDim, param)", arguments);
  }
  const scale = 2 / Math.sqrt(1 + param ** 2);
  return ScaledInitializer({ outDim, inDim, scale, mode: "fan_in" });
}

/**
 * A matrix with orthonormal columns, or rows where these are fewer, times `stddev`. Axes before the last are
 * taken as one.
 */
export function OrthogonalInitializer(stddev = 1): Initializer {
  if (arguments.length > 1) checkCall("tl.OrthogonalInitializer(stddev)", arguments);
  const make = init.orthogonal(stddev);
  return (shape, rng) => make(rng, shape.length < 2 ? [1, shape[0] ?? 1] : shape).reshape(shape);
}

/** Uniform, by the number of what a window of a convolution [height, width, inputs, outputs] holds. */
export function AtariConvInit(kernelShape: readonly number[], rng: NDArray): NDArray {
  if (arguments.length > 2) checkCall("tl.AtariConvInit(kernelShape, rng)", arguments);
  if (kernelShape.length !== 4) {
    throw new ShapeError(
      `tl.AtariConvInit: the shape must be [height, width, inputs, outputs], not ${
        formatShape(kernelShape)
      }`,
    );
  }
  const [height, width, inputs] = kernelShape as [number, number, number, number];
  const lim = 1 / Math.sqrt(inputs * height * width);
  return random.uniform(rng, kernelShape, { minval: -lim, maxval: lim });
}
