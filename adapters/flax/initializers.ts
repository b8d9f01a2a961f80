/**
 * Initialisers of parameters: functions of a key, a shape and a dtype. They draw what those of flax draw.
 *
 * @module
 */
import { describeValue, formatShape } from "../../lib/extend.ts";
import {
  type DType,
  foriLoop,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";

/** Makes an array of a shape and a dtype (float32 where left out) from a key. */
export type Initializer = (key: NDArray, shape: readonly number[], dtype?: DType) => NDArray;

/** Makes zeros. */
export function zeros(_key: NDArray, shape: readonly number[], dtype: DType = "float32"): NDArray {
  return np.zeros(shape, { dtype });
}

/** Makes ones. */
export function ones(_key: NDArray, shape: readonly number[], dtype: DType = "float32"): NDArray {
  return np.ones(shape, { dtype });
}

/** Makes an array of one value. */
export function constant(value: number): Initializer {
  return (_key, shape, dtype = "float32") => np.full(shape, value, { dtype });
}

const floating = (dtype: DType): { dtype: "float32" | "float64" } => ({
  dtype: dtype === "float64" ? dtype : "float32",
});

/** Draws from a normal distribution with mean zero. */
export function normal(stddev = 0.01): Initializer {
  return (key, shape, dtype = "float32") => random.normal(key, shape, floating(dtype)).mul(stddev);
}

/** Draws from a standard normal distribution cut off at `lower` and `upper`, times `stddev`. */
export function truncatedNormal(stddev = 0.01, lower = -2, upper = 2): Initializer {
  return (key, shape, dtype = "float32") =>
    random.truncatedNormal(key, lower, upper, shape, floating(dtype)).mul(stddev);
}

/** Draws from `[0, scale)`, evenly. */
export function uniform(scale = 0.01): Initializer {
  return (key, shape, dtype = "float32") => random.uniform(key, shape, floating(dtype)).mul(scale);
}

/** The standard deviation of a standard normal distribution cut off at two of them. */
const spread = 0.87962566103423978;

/** How `varianceScaling` counts the inputs and outputs of a unit. */
export type FanMode = "fanIn" | "fanOut" | "fanAvg" | "fanGeoAvg";

/** What `varianceScaling` draws from. */
export type FanDistribution = "truncatedNormal" | "normal" | "uniform";

/** Options of `varianceScaling` and those that are made of it. */
export interface FanOptions {
  /** Axes of the inputs (default -2). */
  readonly inAxis?: number | readonly number[] | undefined;
  /** Axes of the outputs (default -1). */
  readonly outAxis?: number | readonly number[] | undefined;
  /** Axes that do not count. */
  readonly batchAxis?: number | readonly number[] | undefined;
}

function fans(
  shape: readonly number[],
  { inAxis = -2, outAxis = -1, batchAxis = [] }: FanOptions,
): { fanIn: number; fanOut: number } {
  if (inAxis === -2 && shape.length <= 1) {
    throw new ShapeError(
      `flax.initializers.varianceScaling: the shape ${
        formatShape(shape)
      } has no axis -2 of inputs. Give a shape of two or more axes, or say which they are, { inAxis }`,
    );
  }
  const over = (axes: number | readonly number[]): number =>
    (typeof axes === "number" ? [axes] : axes).reduce((n, axis) => n * shape.at(axis)!, 1);
  const [ins, outs] = [over(inAxis), over(outAxis)];
  const field = shape.reduce((a, b) => a * b, 1) / ins / outs / over(batchAxis);
  return { fanIn: ins * field, fanOut: outs * field };
}

/**
 * Draws so that the variance is `scale` over the number of inputs, of outputs, or their mean.
 *
 * @throws {ShapeError} where the shape does not have the axes.
 */
export function varianceScaling(
  scale: number,
  mode: FanMode,
  distribution: FanDistribution,
  options: FanOptions = {},
): Initializer {
  return (key, shape, dtype = "float32") => {
    const { fanIn, fanOut } = fans(shape, options);
    const counts: Record<FanMode, number> = {
      fanIn,
      fanOut,
      fanAvg: (fanIn + fanOut) / 2,
      fanGeoAvg: Math.sqrt(fanIn * fanOut),
    };
    if (!Object.hasOwn(counts, mode)) {
      throw new StateError(
        `flax.initializers.varianceScaling: the mode must be ${
          Object.keys(counts).join(", ")
        }, not ${describeValue(mode)}`,
      );
    }
    const type = floating(dtype);
    const variance = np.array(scale / counts[mode], type);
    if (distribution === "truncatedNormal") {
      return random.truncatedNormal(key, -2, 2, shape, type)
        .mul(np.sqrt(variance).div(np.array(spread, type)));
    }
    if (distribution === "normal") return random.normal(key, shape, type).mul(np.sqrt(variance));
    if (distribution === "uniform") {
      return random.uniform(key, shape, { ...type, minval: -1 }).mul(np.sqrt(variance.mul(3)));
    }
    throw new StateError(
      `flax.initializers.varianceScaling: the distribution must be truncatedNormal, normal or uniform, not ${
        describeValue(distribution)
      }`,
    );
  };
}

type Scaled = (options?: FanOptions) => Initializer;

const scaled =
  (scale: number, mode: FanMode, distribution: FanDistribution): Scaled => (options = {}) =>
    varianceScaling(scale, mode, distribution, options);

/** Variance one over the number of inputs, from a truncated normal distribution: that of layers. */
export const lecunNormal: Scaled = scaled(1, "fanIn", "truncatedNormal");
/** Variance one over the number of inputs, evenly distributed. */
export const lecunUniform: Scaled = scaled(1, "fanIn", "uniform");
/** Variance two over the number of inputs, from a truncated normal distribution. */
export const heNormal: Scaled = scaled(2, "fanIn", "truncatedNormal");
/** Variance two over the number of inputs, evenly distributed. */
export const heUniform: Scaled = scaled(2, "fanIn", "uniform");
/** Variance one over the mean of inputs and outputs, from a truncated normal distribution. */
export const xavierNormal: Scaled = scaled(1, "fanAvg", "truncatedNormal");
/** Variance one over the mean of inputs and outputs, evenly distributed. */
export const xavierUniform: Scaled = scaled(1, "fanAvg", "uniform");
/** As `xavierNormal`. */
export const glorotNormal: Scaled = xavierNormal;
/** As `xavierUniform`. */
export const glorotUniform: Scaled = xavierUniform;
/** As `heNormal`. */
export const kaimingNormal: Scaled = heNormal;
/** As `heUniform`. */
export const kaimingUniform: Scaled = heUniform;

/**
 * Makes a matrix with orthonormal columns, or rows where these are fewer, times `scale`: the Q of a
 * normal matrix, with a positive diagonal in R. Axes before the last are taken as one.
 *
 * @throws {ShapeError} where the shape has fewer than two axes.
 */
export function orthogonal(scale = 1): Initializer {
  return (key, shape, dtype = "float32") => {
    if (shape.length < 2) {
      throw new ShapeError(
        `flax.initializers.orthogonal: the shape must have two or more axes, not ${
          formatShape(shape)
        }`,
      );
    }
    const columns = shape.at(-1)!;
    const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
    const q = orthonormal(random.normal(key, [long, short], floating(dtype)));
    return np.reshape(rows >= columns ? q : np.transpose(q), shape).mul(scale);
  };
}

/** The columns of a matrix made orthonormal one after another (Gram and Schmidt, each twice). */
function orthonormal(z: NDArray): NDArray {
  const [long, short] = z.shape as [number, number];
  const without = (q: NDArray, v: NDArray): NDArray =>
    v.sub(np.matmul(q, np.matmul(np.transpose(q), v)));
  return foriLoop(0, short, (i: NDArray, q: NDArray) => {
    const at = nn.oneHot(i, short, { dtype: z.dtype }).reshape([short, 1]);
    const v = without(q, without(q, np.matmul(z, at)));
    const unit = v.div(np.sqrt(v.square().sum()));
    return q.add(np.matmul(unit, np.transpose(at)));
  }, np.zeros([long, short], { dtype: z.dtype }));
}
