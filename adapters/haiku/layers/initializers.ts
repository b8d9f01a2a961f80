/**
 * Initialisers: each gives a function that makes an array of a given shape and dtype.
 *
 * @module
 */
import { checkCall, describeValue, formatShape } from "../../../lib/extend.ts";
import * as init from "../../../lib/api/initializers.ts";
import { type NDArray, type Nested, numpy as np, random, ShapeError } from "../../../mod.ts";
import type { Initializer } from "../handlers.ts";
import { nextRngKey } from "../keys.ts";

/** Checks the numbers that an initialiser has. */
function checkNumbers(op: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === "number") continue;
    throw new TypeError(`${op}: ${name} must be a number, not ${describeValue(value)}`);
  }
}

/** Fills with one value, or with those of an array that broadcasts. */
export function constant(value: number | NDArray | Nested): Initializer {
  if (arguments.length > 1) checkCall("hk.initializers.constant(value)", arguments);
  if (typeof value !== "object") return (shape, dtype) => np.full(shape, value, { dtype });
  return (shape, dtype) => np.broadcastTo(np.asarray(value).astype(dtype), shape);
}

/** Draws from a normal distribution with this standard deviation and mean. */
export function randomNormal(stddev = 1, mean = 0): Initializer {
  if (arguments.length > 2) checkCall("hk.initializers.randomNormal(stddev, mean)", arguments);
  checkNumbers("hk.initializers.randomNormal", { stddev, mean });
  const make = init.normal(stddev);
  return (shape, dtype) => make(nextRngKey(), shape, dtype).add(mean);
}

/**
 * Draws from a normal distribution with this standard deviation and mean, cut off at `lower` and `upper`
 * standard deviations, as Haiku's layers do.
 */
export function truncatedNormal(stddev = 1, mean = 0, lower = -2, upper = 2): Initializer {
  if (arguments.length > 4) {
    checkCall("hk.initializers.truncatedNormal(stddev, mean, lower, upper)", arguments);
  }
  checkNumbers("hk.initializers.truncatedNormal", { stddev, mean, lower, upper });
  const make = init.truncatedNormal(stddev, lower, upper);
  return (shape, dtype) => make(nextRngKey(), shape, dtype).add(mean);
}

/** Draws evenly from `[minval, maxval)`. */
export function randomUniform(minval = 0, maxval = 1): Initializer {
  if (arguments.length > 2) checkCall("hk.initializers.randomUniform(minval, maxval)", arguments);
  checkNumbers("hk.initializers.randomUniform", { minval, maxval });
  return (shape, dtype) =>
    random.uniform(nextRngKey(), shape, { dtype: dtype as "float32", minval, maxval });
}

/** Inputs and outputs of a unit whose weights have this shape. */
function fansOf(
  shape: readonly number[],
  fanInAxes: readonly number[] | undefined,
): [fanIn: number, fanOut: number] {
  const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
  if (shape.length === 0) return [1, 1];
  if (shape.length === 1) return [shape[0]!, shape[0]!];
  if (shape.length === 2) return [shape[0]!, shape[1]!];
  if (fanInAxes !== undefined) {
    return [
      product(fanInAxes.map((i) => shape[i]!)),
      product(shape.filter((_, i) => !fanInAxes.includes(i))),
    ];
  }
  // Those of a convolution: [..., inputs, outputs].
  const field = product(shape.slice(0, -2));
  return [shape.at(-2)! * field, shape.at(-1)! * field];
}

/** What `varianceScaling` counts. */
export type FanMode = "fanIn" | "fanOut" | "fanAvg";

/** What `varianceScaling` draws from. */
export type ScalingDistribution = "truncatedNormal" | "normal" | "uniform";

// The standard deviation of a standard normal distribution cut off at two of them.
const SPREAD = 0.87962566103423978;

/**
 * Draws with variance `scale / n`, where n is the number of a unit's inputs, of its outputs, or their
 * mean. He, Glorot and LeCun initialisation are of this kind.
 *
 * @param fanInAxes Axes of the inputs, for weights with three axes or more; all but the last where left
 * out.
 */
export function varianceScaling(
  scale = 1,
  mode: FanMode = "fanIn",
  distribution: ScalingDistribution = "truncatedNormal",
  fanInAxes?: readonly number[],
): Initializer {
  const op = "hk.initializers.varianceScaling";
  if (arguments.length > 4) checkCall(`${op}(scale, mode, distribution, fanInAxes)`, arguments);
  checkNumbers(op, { scale });
  if (!(scale >= 0)) throw new RangeError(`${op}: scale must be 0 or more, not ${scale}`);
  const oneOf = (what: string, value: unknown, all: readonly string[]): void => {
    if (all.includes(value as string)) return;
    const given = typeof value === "string" ? JSON.stringify(value) : describeValue(value);
    throw new TypeError(`${op}: ${what} must be one of ${all.join(", ")}, not ${given}`);
  };
  oneOf("mode", mode, ["fanIn", "fanOut", "fanAvg"]);
  oneOf("distribution", distribution, ["truncatedNormal", "normal", "uniform"]);
  if (fanInAxes !== undefined && !Array.isArray(fanInAxes)) {
    throw new TypeError(`${op}: fanInAxes must be a list of axes, not ${describeValue(fanInAxes)}`);
  }
  return (shape, dtype) => {
    const [fanIn, fanOut] = fansOf(shape, fanInAxes);
    const count = mode === "fanIn" ? fanIn : mode === "fanOut" ? fanOut : (fanIn + fanOut) / 2;
    const variance = scale / Math.max(1, count);
    if (distribution === "uniform") {
      const limit = Math.sqrt(3 * variance);
      return randomUniform(-limit, limit)(shape, dtype);
    }
    const stddev = Math.sqrt(variance);
    return distribution === "normal"
      ? randomNormal(stddev)(shape, dtype)
      : truncatedNormal(stddev / SPREAD)(shape, dtype);
  };
}

/** Draws evenly, with standard deviation `scale / sqrt(inputs)`. */
export function uniformScaling(scale = 1): Initializer {
  if (arguments.length > 1) checkCall("hk.initializers.uniformScaling(scale)", arguments);
  checkNumbers("hk.initializers.uniformScaling", { scale });
  return (shape, dtype) => {
    const inputs = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const limit = Math.sqrt(3 / Math.max(1, inputs)) * scale;
    return randomUniform(-limit, limit)(shape, dtype);
  };
}

function expectMatrix(op: string, shape: readonly number[]): void {
  if (shape.length >= 2) return;
  throw new ShapeError(`${op}: the shape must have two or more axes, not ${formatShape(shape)}`);
}

/**
 * Draws a matrix with orthonormal rows or columns, whichever are fewer, times `scale`. `axis` is that of
 * the outputs; all others count as one.
 */
export function orthogonal(scale = 1, axis = -1): Initializer {
  const op = "hk.initializers.orthogonal";
  if (arguments.length > 2) checkCall(`${op}(scale, axis)`, arguments);
  checkNumbers(op, { scale, axis });
  return (shape, dtype) => {
    expectMatrix(op, shape);
    const at = axis < 0 ? axis + shape.length : axis;
    if (!Number.isInteger(at) || at < 0 || at >= shape.length) {
      throw new ShapeError(`${op}: axis ${axis} is none of shape ${formatShape(shape)}`);
    }
    const rows = shape[at]!;
    const others = shape.filter((_, i) => i !== at);
    const columns = others.reduce((a, b) => a * b, 1);
    const q = random.orthogonal(nextRngKey(), rows, [], { m: columns, dtype });
    return np.moveaxis(np.reshape(q, [rows, ...others]), 0, at).mul(scale);
  };
}

/** The identity matrix times `gain`, or one for each of the leading axes. */
export function identity(gain = 1): Initializer {
  if (arguments.length > 1) checkCall("hk.initializers.identity(gain)", arguments);
  checkNumbers("hk.initializers.identity", { gain });
  return (shape, dtype) => {
    expectMatrix("hk.initializers.identity", shape);
    return np.broadcastTo(np.eye(shape.at(-2)!, shape.at(-1)!, { dtype }), shape).mul(gain);
  };
}
