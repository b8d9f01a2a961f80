/**
 * Losses by example, under the names of Optax and with its values: of regression, of binary and of other classes.
 * None is reduced over examples: take the mean, or a sum with weights.
 *
 * @module
 */
import {
  type Axes,
  checkCall,
  DTypeError,
  formatAval,
  formatShape,
  isInteger,
  NDArray,
  type Operand,
  type OptionTable,
  ShapeError,
} from "../core/mod.ts";
import { logSigmoid } from "../api/activations.ts";
import { logaddexp } from "../api/arithmetic.ts";
import { takeAlongAxis } from "../api/indexing.ts";
import { where as choose } from "../api/logic.ts";
import { asFloat, expectAxes, floatOr32, promote } from "../api/operands.ts";
import { broadcastTo, expandDims } from "../api/shaping.ts";
import { logSoftmax, logsumexp } from "../api/softmax.ts";
import { beside, checkScalar } from "./scalars.ts";
import type { Scalar } from "./optimiser.ts";

/** Predictions and targets in one floating-point type. */
function pair(
  op: string,
  x: Operand,
  y: Operand,
  names: readonly [string, string],
): [NDArray, NDArray] {
  return promote(op, x, y, floatOr32, names);
}

/** How far predictions are off; they are errors already where there are no targets. */
function errorsOf(op: string, predictions: Operand, targets: Operand | null | undefined): NDArray {
  if (targets == null) return asFloat(op, predictions, "the predictions");
  const [x, y] = pair(op, predictions, targets, ["predictions", "targets"]);
  return x.sub(y);
}

/**
 * Squared errors: `(predictions - targets)^2`, element by element, as `optax.squared_error`.
 *
 * @param targets Of the shape of the predictions; left out, the predictions are errors.
 * @throws {ShapeError} where the shapes differ: errors of all predictions from all targets are hardly meant.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { squaredError } from "@injax/injax/optim";
 *
 * console.log(squaredError(np.array([1, 3]), np.array([1, 5])).mean().item()); // 2
 * ```
 */
export function squaredError(predictions: Operand, targets?: Operand | null): NDArray {
  if (arguments.length > 2) checkCall("squaredError(predictions, targets)", arguments);
  return squared("squaredError", predictions, targets);
}

function squared(op: string, predictions: Operand, targets: Operand | null | undefined): NDArray {
  const shapes = [predictions, targets ?? predictions].map((x) => formatShape(shapeOf(x)));
  if (shapes[0] !== shapes[1]) {
    throw new ShapeError(
      `${op}: the predictions have shape ${shapes[0]}, and the targets ${
        shapes[1]
      }. Give them the same ` +
        "shape with reshape or np.broadcastTo",
    );
  }
  return errorsOf(op, predictions, targets).square();
}

const shapeOf = (x: Operand): readonly number[] => x instanceof NDArray ? x.shape : [];

/**
 * Half of the squared errors, whose gradient is the error, as `optax.l2_loss`.
 *
 * @param targets Of the shape of the predictions; left out, the predictions are errors.
 * @throws {ShapeError} where the shapes differ.
 *
 * @example
 * ```ts
 * import { grad, numpy as np } from "@injax/injax";
 * import { l2Loss } from "@injax/injax/optim";
 *
 * console.log(grad((x) => l2Loss(x, 5))(np.array(3)).item()); // -2
 * ```
 */
export function l2Loss(predictions: Operand, targets?: Operand | null): NDArray {
  if (arguments.length > 2) checkCall("l2Loss(predictions, targets)", arguments);
  return squared("l2Loss", predictions, targets).mul(0.5);
}

/** Options of {@linkcode huberLoss}. */
export interface HuberOptions {
  /** The error from which on the loss grows in proportion to it, in its unit (default 1). */
  readonly delta?: Scalar | undefined;
}

const huberOptions: OptionTable<HuberOptions> = { delta: "operand" };

/**
 * Half of the squared errors up to `delta`, and a straight line beyond, as `optax.huber_loss` (Huber 1964).
 *
 * @param targets Left out, the predictions are errors.
 * @throws {RangeError} where `delta` is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { huberLoss } from "@injax/injax/optim";
 *
 * console.log(huberLoss(np.array([0.5, 9]), 0, { delta: 2 }).toArray()); // [ 0.125, 16 ]
 * ```
 */
export function huberLoss(
  predictions: Operand,
  targets?: Operand | null,
  options: HuberOptions = {},
): NDArray {
  const op = "huberLoss";
  if (arguments.length > 2) {
    checkCall(`${op}(predictions, targets, options)`, arguments, huberOptions);
  }
  const { delta = 1 } = options;
  checkScalar(op, "delta", delta, "positive");
  const size = errorsOf(op, predictions, targets).abs();
  const bend = beside(delta, size);
  const inside = size.minimum(bend);
  // What is beyond, without the maximum of two that are equal at the bend: its slope there would be half.
  return inside.square().mul(0.5).add(size.sub(inside).mul(bend));
}

/**
 * `log(cosh(predictions - targets))`: half of a square near 0, the size of the error less log 2 far away, as
 * `optax.log_cosh`.
 *
 * @param targets Left out, the predictions are errors.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { logCosh } from "@injax/injax/optim";
 *
 * console.log(logCosh(np.array([0, 1000])).round(2).toArray()); // [ 0, 999.3099... ]
 * ```
 */
export function logCosh(predictions: Operand, targets?: Operand | null): NDArray {
  if (arguments.length > 2) checkCall("logCosh(predictions, targets)", arguments);
  const errors = errorsOf("logCosh", predictions, targets);
  return logaddexp(errors, errors.neg()).sub(Math.LN2);
}

/**
 * `max(0, 1 - predictorOutputs * targets)` for targets of -1 and 1, as `optax.hinge_loss`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { hingeLoss } from "@injax/injax/optim";
 *
 * console.log(hingeLoss(np.array([0.5, 2]), np.array([1, -1])).toArray()); // [ 0.5, 3 ]
 * ```
 */
export function hingeLoss(predictorOutputs: Operand, targets: Operand): NDArray {
  const op = "hingeLoss";
  if (arguments.length > 2) checkCall(`${op}(predictorOutputs, targets)`, arguments);
  const [x, y] = pair(op, predictorOutputs, targets, ["predictorOutputs", "targets"]);
  return x.mul(y).neg().add(1).maximum(0);
}

/**
 * Cross-entropy of independent classes: of a label `y`, 0, 1 or between, and the logit of its probability `p`,
 * `-y log p - (1 - y) log(1 - p)`, element by element, as `optax.sigmoid_binary_cross_entropy`.
 *
 * @param labels Numbers or bools, of a shape that fits.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { sigmoidBinaryCrossEntropy } from "@injax/injax/optim";
 *
 * const losses = sigmoidBinaryCrossEntropy(np.array([0, 100]), np.array([true, false]));
 * console.log(losses.round(3).toArray()); // [ 0.693..., 100 ]
 * ```
 */
export function sigmoidBinaryCrossEntropy(logits: Operand, labels: Operand): NDArray {
  const op = "sigmoidBinaryCrossEntropy";
  if (arguments.length > 2) checkCall(`${op}(logits, labels)`, arguments);
  const [x, y] = pair(op, logits, labels, ["logits", "labels"]);
  return y.neg().mul(logSigmoid(x)).sub(y.neg().add(1).mul(logSigmoid(x.neg())));
}

/** Options of losses that add up along axes. */
export interface LossOptions {
  /** The axis of the classes, or several (default -1). */
  readonly axis?: Axes | undefined;
  /** Which classes there are, a mask of the logits, or of one axis fewer (default: all). */
  readonly where?: NDArray | null | undefined;
}

const lossOptions: OptionTable<LossOptions> = { axis: "axes", where: "operand" };

/** A mask with as many axes as the logits. */
function maskFor(
  logits: NDArray,
  axes: readonly number[],
  where: NDArray | null | undefined,
): NDArray | null | undefined {
  return where == null || where.ndim === logits.ndim ? where : expandDims(where, axes);
}

/**
 * Cross-entropy of classes that exclude each other, from logits and the probabilities of the classes, such as
 * one-hot rows: `-sum(labels * log(softmax(logits)))`, as `optax.softmax_cross_entropy`.
 *
 * @param labels Of the shape of the logits, or one that fits.
 * @returns The shape of the logits without the axis of the classes.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from "@injax/injax";
 * import { softmaxCrossEntropy } from "@injax/injax/optim";
 *
 * const logits = np.array([[0, 0], [100, 0]]);
 * console.log(softmaxCrossEntropy(logits, nn.oneHot(np.arange(2), 2)).round(3).toArray()); // [ 0.693..., 100 ]
 * ```
 */
export function softmaxCrossEntropy(
  logits: Operand,
  labels: Operand,
  options: LossOptions = {},
): NDArray {
  const op = "softmaxCrossEntropy";
  if (arguments.length > 2) checkCall(`${op}(logits, labels, options)`, arguments, lossOptions);
  const [x, y] = pair(op, logits, labels, ["logits", "labels"]);
  const axis = expectAxes(op, options.axis === undefined ? -1 : options.axis, x.ndim);
  const where = maskFor(x, axis, options.where);
  return logSoftmax(x, axis, { where }).mul(y).sum(axis, { where }).neg();
}

/**
 * Cross-entropy of classes that exclude each other, from logits and the numbers of the classes, as
 * `optax.softmax_cross_entropy_with_integer_labels`. A number that is no class gives NaN.
 *
 * @param labels Integers, of the shape of the logits without the axis of the classes. Where that is several axes,
 * classes are numbered in their order.
 * @returns The shape of the labels; 0 where `where` leaves no class.
 * @throws {DTypeError} where the labels are not integers.
 * @throws {ShapeError} where they do not have that shape.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { softmaxCrossEntropyWithIntegerLabels } from "@injax/injax/optim";
 *
 * const logits = np.array([[0, 0], [100, 0]]);
 * const labels = np.array([0, 1], { dtype: "int32" });
 * console.log(softmaxCrossEntropyWithIntegerLabels(logits, labels).round(3).toArray()); // [ 0.693..., 100 ]
 * ```
 */
export function softmaxCrossEntropyWithIntegerLabels(
  logits: Operand,
  labels: NDArray,
  options: LossOptions = {},
): NDArray {
  const op = "softmaxCrossEntropyWithIntegerLabels";
  if (arguments.length > 2) checkCall(`${op}(logits, labels, options)`, arguments, lossOptions);
  const x = asFloat(op, logits, "the logits");
  if (!(labels instanceof NDArray) || !isInteger(labels.dtype)) {
    throw new DTypeError(
      `${op}: the labels must be an array of integers, the numbers of classes, not ${
        labels instanceof NDArray ? formatAval(labels.aval) : typeof labels
      }. Convert them with astype("int32"); probabilities of classes are for softmaxCrossEntropy`,
    );
  }
  const axis = expectAxes(op, options.axis === undefined ? -1 : options.axis, x.ndim);
  const others = x.shape.map((_, i) => i).filter((i) => !axis.includes(i));
  const kept = others.map((i) => x.shape[i]!);
  if (formatShape(labels.shape) !== formatShape(kept)) {
    throw new ShapeError(
      `${op}: of logits of shape ${formatShape(x.shape)} with classes along axis ${
        axis.join(", ")
      } the labels must have shape ${formatShape(kept)}, not ${formatShape(labels.shape)}`,
    );
  }
  // The classes as the last axis.
  const last = (y: NDArray): NDArray =>
    y.transpose([...others, ...axis]).reshape([...kept, axis.reduce((n, i) => n * y.shape[i]!, 1)]);
  const mask = maskFor(x, axis, options.where);
  const where = mask == null ? null : last(broadcastTo(mask, x.shape));
  const rows = last(x);
  const own = takeAlongAxis(rows, expandDims(labels, -1), -1).squeeze(-1);
  const losses = logsumexp(rows, -1, { where }).sub(own);
  return where === null ? losses : choose(where.any(-1), losses, 0);
}

/**
 * Labels that are less sure: a share `alpha` of the probability is spread evenly over the classes, as
 * `optax.smooth_labels` (Szegedy et al. 2016).
 *
 * @throws {RangeError} where `alpha` is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { smoothLabels } from "@injax/injax/optim";
 *
 * console.log(smoothLabels(np.array([1, 0]), 0.5).toArray()); // [ 0.75, 0.25 ]
 * ```
 */
export function smoothLabels(labels: Operand, alpha: number, options: LossOptions = {}): NDArray {
  const op = "smoothLabels";
  if (arguments.length > 2) checkCall(`${op}(labels, alpha, options)`, arguments, lossOptions);
  checkScalar(op, "alpha", alpha, "share");
  const y = asFloat(op, labels, "the labels");
  const axis = expectAxes(op, options.axis === undefined ? -1 : options.axis, y.ndim);
  const { where } = options;
  const classes = where == null
    ? axis.reduce((n, i) => n * y.shape[i]!, 1)
    : where.astype(y.dtype).sum(axis, { keepDims: true });
  const even = typeof classes === "number" ? alpha / classes : classes.pow(-1).mul(alpha);
  return y.mul(1 - alpha).add(even);
}

/**
 * The Kullback-Leibler divergence of predicted probabilities from `targets`, by their logarithms, as
 * `optax.kl_divergence`: `sum(targets * (log(targets) - logPredictions))`, where 0 log 0 is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { klDivergence } from "@injax/injax/optim";
 *
 * console.log(klDivergence(np.log(np.array([0.5, 0.5])), np.array([0, 1])).item().toFixed(4)); // 0.6931
 * ```
 */
export function klDivergence(
  logPredictions: Operand,
  targets: Operand,
  options: LossOptions = {},
): NDArray {
  const op = "klDivergence";
  if (arguments.length > 2) {
    checkCall(`${op}(logPredictions, targets, options)`, arguments, lossOptions);
  }
  const [x, y] = pair(op, logPredictions, targets, ["logPredictions", "targets"]);
  const none = y.equal(0);
  const logs = choose(none, 0, choose(none, 1, y).log());
  const axis = expectAxes(op, options.axis === undefined ? -1 : options.axis, x.ndim);
  return logs.sub(x).mul(y).sum(axis, { where: options.where });
}

/** Options of {@linkcode cosineSimilarity} and {@linkcode cosineDistance}. */
export interface CosineOptions extends LossOptions {
  /** What squares of lengths are at least, so that vectors of 0 may be given (default 0). */
  readonly epsilon?: number | undefined;
}

const cosineOptions: OptionTable<CosineOptions> = { ...lossOptions, epsilon: "number" };

/**
 * The cosine of the angle between vectors, as `optax.cosine_similarity`. Vectors of 0 give NaN without `epsilon`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { cosineSimilarity } from "@injax/injax/optim";
 *
 * console.log(cosineSimilarity(np.array([[2, 0], [1, 0]]), np.array([1, 0])).toArray()); // [ 1, 1 ]
 * ```
 */
export function cosineSimilarity(
  predictions: Operand,
  targets: Operand,
  options: CosineOptions = {},
): NDArray {
  const op = "cosineSimilarity";
  if (arguments.length > 2) {
    checkCall(`${op}(predictions, targets, options)`, arguments, cosineOptions);
  }
  return cosine(op, predictions, targets, options);
}

function cosine(
  op: string,
  predictions: Operand,
  targets: Operand,
  options: CosineOptions,
): NDArray {
  const { epsilon = 0, where } = options;
  checkScalar(op, "epsilon", epsilon, "notNegative");
  const units = pair(op, predictions, targets, ["predictions", "targets"]).map((x) => {
    const axis = expectAxes(op, options.axis === undefined ? -1 : options.axis, x.ndim);
    return x.div(x.square().sum(axis, { keepDims: true, where }).maximum(epsilon).sqrt());
  });
  const product = units[0]!.mul(units[1]!);
  return product.sum(options.axis === undefined ? -1 : options.axis, { where });
}

/**
 * 1 less the cosine of the angle between vectors, as `optax.cosine_distance`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { cosineDistance } from "@injax/injax/optim";
 *
 * console.log(cosineDistance(np.array([2, 0]), np.array([0, 3])).item()); // 1
 * ```
 */
export function cosineDistance(
  predictions: Operand,
  targets: Operand,
  options: CosineOptions = {},
): NDArray {
  const op = "cosineDistance";
  if (arguments.length > 2) {
    checkCall(`${op}(predictions, targets, options)`, arguments, cosineOptions);
  }
  return cosine(op, predictions, targets, options).neg().add(1);
}
