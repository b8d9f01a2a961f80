/**
 * What the normalisation layers of several systems share: statistics over axes and lanes, what is
 * normalised by them, and weights divided by their lengths or by their largest singular values.
 *
 * @module
 */
import { type AxisName, formatShape, isFloat, pmean } from "../lib/extend.ts";
import { type DType, type NDArray, numpy as np, ShapeError } from "../mod.ts";

/** Axes as non-negative numbers, in order. */
export function axesOf(op: string, x: NDArray, axes: number | readonly number[]): number[] {
  const list = typeof axes === "number" ? [axes] : axes;
  return list.map((axis) => {
    const at = axis < 0 ? axis + x.ndim : axis;
    if (Number.isInteger(at) && at >= 0 && at < x.ndim) return at;
    throw new ShapeError(`${op}: there is no axis ${axis} in ${formatShape(x.shape)}`);
  }).sort((a, b) => a - b);
}

/** All axes of an array but these. */
export function otherAxes(x: NDArray, axes: readonly number[]): number[] {
  return [...x.shape.keys()].filter((axis) => !axes.includes(axis));
}

/** Axes without the first, which is that of examples and has no features. */
export function featuresOfExamples(
  op: string,
  x: NDArray,
  axes: number | readonly number[],
): number[] {
  const features = axesOf(op, x, axes);
  if (features[0] !== 0) return features;
  throw new ShapeError(
    `${op}: the first axis of ${formatShape(x.shape)} is that of examples, not of channels`,
  );
}

/** How statistics are taken. */
export interface StatisticsOptions {
  /** Whether the variance is the mean of squares less the square of the mean (default true). */
  readonly fast?: boolean | undefined;
  /** Which elements count, with a shape that broadcasts. */
  readonly mask?: NDArray | undefined;
  /** Axes of a `vmap` around, over whose lanes means are taken too. */
  readonly axisName?: AxisName | undefined;
}

/** Mean over axes, and over lanes where these have a name, of a function of `x` in at least float32. */
function meansOf(
  x: NDArray,
  axes: readonly number[],
  { mask, axisName }: StatisticsOptions,
): [values: NDArray, mean: (y: NDArray) => NDArray] {
  const values = isFloat(x.dtype) ? x : x.astype("float32");
  const chosen = mask === undefined ? null : np.broadcastTo(mask.astype(values.dtype), x.shape);
  const count = chosen?.sum(axes);
  return [values, (y) => {
    const own = chosen === null ? y.mean(axes) : np.where(chosen, y, 0).sum(axes).div(count!);
    return axisName === undefined ? own : pmean(own, axisName);
  }];
}

/** Mean and variance over axes, and over lanes where these have a name, at least in float32. */
export function statistics(
  x: NDArray,
  axes: readonly number[],
  options: StatisticsOptions = {},
): [mean: NDArray, variance: NDArray] {
  const [values, mean] = meansOf(x, axes, options);
  const center = mean(values);
  if (options.fast ?? true) {
    return [center, np.maximum(mean(values.square()).sub(center.square()), 0)];
  }
  return [center, mean(values.sub(np.expandDims(center, axes)).square())];
}

/** Zero and the mean of squares, in the places of mean and variance. */
export function meanSquares(
  x: NDArray,
  axes: readonly number[],
  options: StatisticsOptions = {},
): [mean: NDArray, variance: NDArray] {
  const [values, mean] = meansOf(x, axes, options);
  const squares = mean(values.square());
  return [np.zerosLike(squares), squares];
}

/**
 * Mean and variance of groups of channels, repeated for each channel, over the last axis and others: which,
 * is the second result.
 *
 * @throws {ShapeError} where the channels do not make these groups, or the last axis is not reduced.
 */
export function groupStatistics(
  op: string,
  x: NDArray,
  { numGroups, groupSize }: {
    readonly numGroups?: number | undefined;
    readonly groupSize?: number | undefined;
  },
  reductionAxes: number | readonly number[] | undefined,
  { mask, ...options }: StatisticsOptions,
): [statistics: [NDArray, NDArray], reduced: number[]] {
  const last = x.ndim - 1;
  const reduced = axesOf(op, x, reductionAxes ?? [...x.shape.keys()].slice(1, -1).concat(last));
  if (reduced.at(-1) !== last) {
    throw new ShapeError(
      `${op}: reductionAxes must have the last axis, ${last}, which is that of channels, not only ${
        reduced.join(", ")
      }`,
    );
  }
  const channels = x.shape[last]!;
  const groups = groupSize === undefined ? numGroups! : channels / groupSize;
  const size = channels / groups;
  if (!(Number.isInteger(groups) && Number.isInteger(size) && groups > 0)) {
    throw new ShapeError(
      `${op}: ${channels} channels of ${formatShape(x.shape)} do not make ${
        groupSize === undefined ? `${numGroups} groups` : `groups of ${groupSize}`
      }`,
    );
  }
  const grouped = (y: NDArray): NDArray => y.reshape([...y.shape.slice(0, -1), groups, size]);
  const chosen = mask === undefined ? undefined : grouped(np.broadcastTo(mask, x.shape));
  const others = reduced.slice(0, -1);
  const found = statistics(grouped(x), [...others, last + 1], { ...options, mask: chosen });
  return [found.map((y) => np.repeat(y, size, -1)) as [NDArray, NDArray], others];
}

/** What is multiplied and added after normalising: parameters along the axes of features. */
export interface Affine {
  /** Factors; `null` without. */
  readonly scale: NDArray | null;
  /** Terms; `null` without. */
  readonly bias: NDArray | null;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Dtype of the result (default: that of inputs and parameters). */
  readonly dtype?: DType | undefined;
}

/** `(x - mean) / sqrt(variance + epsilon) scale + bias`, with statistics over the axes `reduced`. */
export function normalized(
  x: NDArray,
  [mean, variance]: readonly [NDArray, NDArray],
  reduced: readonly number[],
  features: readonly number[],
  { scale, bias, epsilon, dtype }: Affine,
): NDArray {
  const inPlace = x.shape.map((n, axis) => features.includes(axis) ? n : 1);
  const wide = (y: NDArray): NDArray => np.expandDims(y, reduced);
  const root = np.rsqrt(wide(variance).add(epsilon));
  const factor = scale === null ? root : root.mul(scale.reshape(inPlace));
  const y = x.sub(wide(mean)).mul(factor);
  const out = bias === null ? y : y.add(bias.reshape(inPlace));
  return dtype === undefined ? out : out.astype(dtype);
}

/** An array divided by its length along axes, whose square `epsilon` is added to. */
export function unit(x: NDArray, axes: readonly number[], epsilon: number): NDArray {
  return x.mul(np.rsqrt(x.square().sum(axes, { keepDims: true }).add(epsilon)));
}

/** Weights with unit length over all axes but those of features, which have a factor each. */
export function unitWeights(
  op: string,
  weights: NDArray,
  featureAxes: number | readonly number[] | null,
  epsilon: number,
): { readonly units: NDArray; readonly lengths: number[]; readonly inPlace: number[] } {
  const features = featureAxes === null ? [] : axesOf(op, weights, featureAxes);
  return {
    units: unit(weights, otherAxes(weights, features), epsilon),
    lengths: features.map((axis) => weights.shape[axis]!),
    inPlace: weights.shape.map((n, axis) => features.includes(axis) ? n : 1),
  };
}

/**
 * The largest singular value `sigma` [] of weights, whose axes but the last count as one, by steps of the
 * power method from `u` [1, columns]. Its vectors are constants to derivatives.
 */
export function largestSingular(
  weights: NDArray,
  u: NDArray,
  steps: number,
  epsilon: number,
): { readonly sigma: NDArray; readonly u: NDArray } {
  const w = weights.reshape([-1, weights.shape.at(-1)!]);
  let v = u;
  for (let i = 0; i < steps; i++) {
    v = unit(np.matmul(u, w.transpose()), [1], epsilon);
    u = unit(np.matmul(v, w), [1], epsilon);
  }
  u = np.stopGradient(u);
  const sigma = np.matmul(np.matmul(np.stopGradient(v), w), u.transpose()).reshape([]);
  return { sigma, u };
}
