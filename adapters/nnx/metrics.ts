/**
 * Metrics: means, spreads and shares of right answers. What all metrics are is in `metric.ts`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  isInteger,
  type OptionTable,
  toArray,
} from "../../lib/extend.ts";
import { type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import { Metric, MetricState, type MetricValues } from "./metric.ts";

/** Options of `Average` and `Welford`. */
export interface AverageOptions {
  /** The name of the values that `update` takes (default `values`). */
  readonly argname?: string | undefined;
}

const averageOptions: OptionTable<AverageOptions> = { argname: "string" };

const zero = (dtype: "float32" | "int32"): NDArray => np.array(0, { dtype });

/** The values of a name. */
function valuesOf(op: string, given: MetricValues, name: string): NDArray {
  const values = toArray(given?.[name]);
  if (values !== null) return values;
  throw new TypeError(
    `${op}.update: ${name} must be an array or a number, not ${
      describeValue(given?.[name])
    }. Write update({ ${name}: x })`,
  );
}

/** Adds to a variable, which keeps its dtype. */
function add(to: MetricState, x: NDArray): void {
  to.value = to.value.add(x).astype(to.value.dtype);
}

/**
 * The mean of all elements so far; NaN before there are any.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const loss = new nnx.metrics.Average();
 * const gather = nnx.jit((m: nnx.metrics.Average, x: np.NDArray) => m.update({ values: x }));
 * gather(loss, np.array([1, 2, 3, 4]));
 * gather(loss, np.array([3, 2, 1, 0]));
 * console.log(loss.compute().item()); // 2
 * ```
 */
export class Average extends Metric<NDArray> {
  /** The sum, float32. */
  readonly total: MetricState = new MetricState(zero("float32"));
  /** How many there were, int32. */
  readonly count: MetricState = new MetricState(zero("int32"));
  /** The name of the values that `update` takes. */
  readonly argname: string;

  /** Makes the metric. */
  constructor(options: AverageOptions = {}) {
    checkCall("new nnx.metrics.Average(options)", arguments, averageOptions);
    super();
    this.argname = options.argname ?? "values";
  }

  /** Forgets what there was. */
  override reset(): void {
    this.total.value = zero("float32");
    this.count.value = zero("int32");
  }

  /**
   * Takes the values of a batch; with `mask`, which broadcasts to them, those where that is true.
   *
   * @throws {TypeError} where there are none of that name.
   */
  override update(values: MetricValues): void {
    this.gather(valuesOf("nnx.metrics.Average", values, this.argname), values.mask);
  }

  /** Takes values with a mask. */
  protected gather(x: NDArray, mask: NDArray | number | undefined): void {
    if (mask === undefined) {
      add(this.total, x.sum());
      add(this.count, np.array(x.size, { dtype: "int32" }));
      return;
    }
    const own = valuesOf("nnx.metrics.Average", { mask }, "mask");
    add(this.total, x.mul(own.astype(x.dtype)).sum());
    add(this.count, own.sum());
  }

  /** The mean. */
  override compute(): NDArray {
    return this.total.value.div(this.count.value);
  }
}

/** What `Welford` gives. */
export interface Statistics {
  /** The mean. */
  readonly mean: NDArray;
  /** Its standard error. */
  readonly standardErrorOfMean: NDArray;
  /** The standard deviation. */
  readonly standardDeviation: NDArray;
}

/**
 * Mean and standard deviation of all elements so far, by Welford's algorithm.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const metric = new nnx.metrics.Welford();
 * metric.update({ values: np.array([1, 2, 3, 4]) });
 * metric.update({ values: np.array([3, 2, 1, 0]) });
 * const { mean, standardDeviation } = metric.compute();
 * console.log(mean.item(), standardDeviation.item().toFixed(4)); // 2 1.2247
 * ```
 */
export class Welford extends Metric<Statistics> {
  /** How many there were, int32. */
  readonly count: MetricState = new MetricState(zero("int32"));
  /** The mean, float32. */
  readonly mean: MetricState = new MetricState(zero("float32"));
  /** The sum of the squared differences from the mean, float32. */
  readonly m2: MetricState = new MetricState(zero("float32"));
  /** The name of the values that `update` takes. */
  readonly argname: string;

  /** Makes the metric. */
  constructor(options: AverageOptions = {}) {
    checkCall("new nnx.metrics.Welford(options)", arguments, averageOptions);
    super();
    this.argname = options.argname ?? "values";
  }

  /** Forgets what there was. */
  override reset(): void {
    this.count.value = zero("int32");
    this.mean.value = zero("float32");
    this.m2.value = zero("float32");
  }

  /**
   * Takes the values of a batch.
   *
   * @throws {TypeError} where there are none of that name.
   */
  override update(values: MetricValues): void {
    const x = valuesOf("nnx.metrics.Welford", values, this.argname);
    const before = this.count.value;
    add(this.count, np.array(x.size, { dtype: "int32" }));
    const delta = x.mean().sub(this.mean.value);
    const share = delta.mul(x.size).div(this.count.value);
    add(this.mean, share);
    add(this.m2, x.var().mul(x.size).add(delta.mul(share).mul(before)));
  }

  /** What it comes to: the mean 0 and the rest NaN before there are any. */
  override compute(): Statistics {
    const count = this.count.value;
    const standardDeviation = this.m2.value.div(count).sqrt();
    return {
      mean: this.mean.value,
      standardErrorOfMean: standardDeviation.div(count.astype("float32").sqrt()),
      standardDeviation,
    };
  }
}

/** Options of `Accuracy`. */
export interface AccuracyOptions {
  /** From which logit on an answer is yes; without it, the largest of the last axis counts. */
  readonly threshold?: number | null | undefined;
}

/**
 * The share of answers that are right.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const metric = new nnx.metrics.Accuracy();
 * const labels = np.array([0, 1], { dtype: "int32" });
 * metric.update({ logits: np.array([[2, 1], [2, 1]]), labels });
 * console.log(metric.compute().item()); // 0.5
 * ```
 */
export class Accuracy extends Average {
  /** From which logit on an answer is yes. */
  readonly threshold: number | null;

  /** Makes the metric. */
  constructor(options: AccuracyOptions = {}) {
    checkCall("new nnx.metrics.Accuracy(options)", arguments, { threshold: "number" });
    super();
    this.threshold = options.threshold ?? null;
  }

  /**
   * Takes `logits` [..., classes] and `labels` [...], which are integers; with a threshold both are [...].
   *
   * @throws {ShapeError} where they do not fit each other.
   * @throws {TypeError} where labels are no integers.
   */
  override update(values: MetricValues): void {
    const op = "nnx.metrics.Accuracy";
    const [logits, labels] = [valuesOf(op, values, "logits"), valuesOf(op, values, "labels")];
    const { threshold } = this;
    if (logits.ndim !== labels.ndim + (threshold === null ? 1 : 0)) {
      throw new ShapeError(
        `${op}.update: ${
          threshold === null
            ? "the logits must have one more axis than"
            : "with a threshold, the logits must be like"
        } the labels, but they are ${formatAval(logits.aval)} and ${formatAval(labels.aval)}`,
      );
    }
    if (!isInteger(labels.dtype)) {
      throw new TypeError(
        `${op}.update: the labels must be integers, not ${formatAval(labels.aval)}. Write ` +
          'labels.astype("int32")',
      );
    }
    const right = threshold === null
      ? np.argmax(logits, -1).equal(labels)
      : logits.greaterEqual(threshold).equal(labels.greater(0));
    this.gather(right, values.mask);
  }
}
