/**
 * Initial weights: each of these gives a function of a shape and a key.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, random } from "../../mod.ts";

/** Makes an array of a shape, from a key. */
export type Initializer = (shape: readonly number[], rng: NDArray) => NDArray;

/** Normal, of mean 0. */
export function RandomNormalInitializer(stddev = 1e-2): Initializer {
  if (arguments.length > 1) checkCall("tl.RandomNormalInitializer(stddev)", arguments);
  return (shape, rng) => random.normal(rng, shape).mul(stddev);
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
  among("mode", mode, ["fan_in", "fan_out", "fan_avg"]);
  among("distribution", distribution, ["uniform", "normal", "truncated_normal"]);
  return (shape, rng) => {
    const at = (dim: number): number => shape.at(dim) ?? shape[0] ?? 1;
    const [fanIn, fanOut] = shape.length < 2 ? [at(0), at(0)] : [at(inDim), at(outDim)];
    const fan = { fan_in: fanIn, fan_out: fanOut, fan_avg: (fanIn + fanOut) / 2 }[mode];
    const gain = scale / fan;
    if (distribution === "normal") return random.normal(rng, shape).mul(Math.sqrt(gain));
    if (distribution === "uniform") {
      const lim = Math.sqrt(3 * gain);
      return random.uniform(rng, shape, { minval: -lim, maxval: lim });
    }
    // The standard deviation of a normal distribution that is cut off at two of its own.
    return random.truncatedNormal(rng, -2, 2, shape).mul(Math.sqrt(gain) / 0.87962566103423978);
  };
}

/** Normal, by the mean of the numbers of inputs and outputs (Glorot and Bengio, 2010). */
export function GlorotNormalInitializer(): Initializer {
  return ScaledInitializer({ distribution: "normal" });
}

/** Uniform, by the mean of the numbers of inputs and outputs: what `Dense` takes by default. */
export function GlorotUniformInitializer(): Initializer {
  return ScaledInitializer();
}

/** Normal, by the number of inputs (LeCun et al., 1998). */
export function LeCunNormalInitializer(): Initializer {
  return ScaledInitializer({ mode: "fan_in", distribution: "normal" });
}

/** Uniform, by the number of inputs. */
export function LeCunUniformInitializer(): Initializer {
  return ScaledInitializer({ mode: "fan_in" });
}

/** Normal, by the number of inputs, for rectified units (He et al., 2015). */
export function KaimingNormalInitializer(): Initializer {
  return ScaledInitializer({ scale: 2, mode: "fan_in", distribution: "normal" });
}

/** Uniform, by the number of inputs, for rectified units. */
export function KaimingUniformInitializer(): Initializer {
  return ScaledInitializer({ scale: 2, mode: "fan_in" });
}
