/**
 * Initialisers of parameters, as Flax has them: functions of a key, a shape and a dtype.
 *
 * @module
 */
import { type DType, type NDArray, numpy as np, random } from "../../mod.ts";

/** Makes an array of a shape and dtype from a key. */
export type Initializer = (key: NDArray, shape: readonly number[], dtype: DType) => NDArray;

function floating(dtype: DType): "float32" | "float64" {
  return dtype === "float64" ? dtype : "float32";
}

/** Fills with zeros. */
export function zeros(): Initializer {
  return (_, shape, dtype) => np.zeros(shape, { dtype });
}

/** Fills with ones. */
export function ones(): Initializer {
  return (_, shape, dtype) => np.ones(shape, { dtype });
}

/** Fills with one value. */
export function constant(value: number): Initializer {
  return (_, shape, dtype) => np.full(shape, value, { dtype });
}

/** Draws from a normal distribution with this standard deviation. */
export function normal(stddev = 0.01): Initializer {
  return (key, shape, dtype) => random.normal(key, shape, { dtype: floating(dtype) }).mul(stddev);
}

/** How `varianceScaling` counts inputs and outputs, and draws. */
export interface ScalingOptions {
  /** Divides the variance by the number of inputs, of outputs, or by their mean. */
  readonly mode?: "fanIn" | "fanOut" | "fanAvg" | undefined;
  /** The distribution: a normal one, cut off at two standard deviations unless it is `"normal"`. */
  readonly distribution?: "truncatedNormal" | "normal" | "uniform" | undefined;
  /** The axis of inputs (default -2); that of outputs is the last, unless `outAxis` says else. */
  readonly inAxis?: number | undefined;
  /** The axis of outputs (default -1). */
  readonly outAxis?: number | undefined;
}

/** The standard deviation of a standard normal distribution that is cut off at two of these. */
const truncated = 0.87962566103423978;

/** Draws with a variance that is `scale` over the number of inputs, or what `mode` says. */
export function varianceScaling(scale: number, options: ScalingOptions = {}): Initializer {
  const { mode = "fanIn", distribution = "truncatedNormal", inAxis = -2, outAxis = -1 } = options;
  return (key, shape, dtype) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const [nIn, nOut] = [shape.at(inAxis) ?? 1, shape.at(outAxis) ?? 1];
    const field = size / (nIn * nOut);
    const [fanIn, fanOut] = [nIn * field, nOut * field];
    const fan = mode === "fanIn" ? fanIn : mode === "fanOut" ? fanOut : (fanIn + fanOut) / 2;
    // In the dtype of the result, as the original computes it.
    const variance = np.array(scale / Math.max(1, fan), { dtype: floating(dtype) });
    const type = { dtype: floating(dtype) };
    if (distribution === "normal") {
      return random.normal(key, shape, type).mul(np.sqrt(variance));
    }
    if (distribution === "uniform") {
      return random.uniform(key, shape, { ...type, minval: -1, maxval: 1 })
        .mul(np.sqrt(variance.mul(3)));
    }
    const stddev = np.sqrt(variance).div(np.array(truncated, type));
    return random.truncatedNormal(key, -2, 2, shape, type).mul(stddev);
  };
}

/** Draws as `nnx.Linear` does: a cut off normal distribution, variance 1 over the number of inputs. */
export function lecunNormal(): Initializer {
  return varianceScaling(1);
}

/** Draws from a cut off normal distribution, variance 1 over the mean number of inputs and outputs. */
export function xavierNormal(): Initializer {
  return varianceScaling(1, { mode: "fanAvg" });
}

/** Draws from a uniform distribution, variance 1 over the mean number of inputs and outputs. */
export function xavierUniform(): Initializer {
  return varianceScaling(1, { mode: "fanAvg", distribution: "uniform" });
}

/** Draws from a cut off normal distribution, variance 2 over the number of inputs. */
export function heNormal(): Initializer {
  return varianceScaling(2);
}

/**
 * Orthogonal columns, or rows where there are fewer of these, times `scale`: those of a normal matrix,
 * made orthogonal one after the other.
 */
export function orthogonal(scale = 1): Initializer {
  return (key, shape, dtype) => {
    const columns = shape.at(-1) ?? 1;
    const rows = shape.reduce((a, b) => a * b, 1) / columns;
    // As the original: the longer axis first.
    const tall: [number, number] = columns > rows ? [columns, rows] : [rows, columns];
    const a = random.normal(key, tall, { dtype: floating(dtype) });
    const q: NDArray[] = [];
    for (let j = 0; j < tall[1]; j++) {
      let v = np.take(a, j, 1);
      // Twice, since once leaves rounding errors that grow.
      for (let pass = 0; pass < 2; pass++) {
        for (const u of q) v = v.sub(u.mul(u.mul(v).sum()));
      }
      q.push(v.div(np.sqrt(v.square().sum())));
    }
    const matrix = columns > rows ? np.stack(q, 0) : np.stack(q, 1);
    return matrix.reshape(shape).mul(scale);
  };
}
