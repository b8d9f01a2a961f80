/**
 * Metrics: numbers that are gathered batch by batch, in variables, so that compiled steps may gather them.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import type { NDArray } from "../../mod.ts";
import { Module } from "./graph.ts";
import { Variable } from "./variable.ts";

/** What a metric keeps. */
export class MetricState<T = NDArray> extends Variable<T> {
  /** The name of the type. */
  static override readonly variableType: string = "MetricState";
}

/** What metrics are given, by name. */
export type MetricValues = Readonly<Record<string, NDArray | number | undefined>>;

/** A metric. */
export abstract class Metric<R = unknown> extends Module {
  /** Forgets what there was. */
  abstract reset(): void;
  /** Takes the values of a batch. */
  abstract update(values: MetricValues): void;
  /** What it comes to. */
  abstract compute(): R;
}

/**
 * Several metrics, which are given the same values.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const own = new nnx.MultiMetric({ loss: new nnx.metrics.Average({ argname: "loss" }) });
 * own.update({ loss: np.array([1, 2]) });
 * console.log(own.compute().loss.item()); // 1.5
 * ```
 */
export class MultiMetric<M extends Readonly<Record<string, Metric>>> extends Metric<
  { [K in keyof M]: ReturnType<M[K]["compute"]> }
> {
  /**
   * Makes one of metrics by name.
   *
   * @throws {TypeError} where one is none.
   */
  constructor(readonly metrics: M) {
    checkCall("new nnx.MultiMetric(metrics)", arguments);
    super();
    for (const [name, metric] of Object.entries(metrics)) {
      if (metric instanceof Metric) continue;
      throw new TypeError(
        `new nnx.MultiMetric: ${name} must be a metric, not ${describeValue(metric)}`,
      );
    }
  }

  /** Forgets what there was. */
  override reset(): void {
    for (const metric of Object.values(this.metrics)) metric.reset();
  }

  /** Gives all of them the values of a batch. */
  override update(values: MetricValues): void {
    for (const metric of Object.values(this.metrics)) metric.update(values);
  }

  /** What each of them comes to, by name. */
  override compute(): { [K in keyof M]: ReturnType<M[K]["compute"]> } {
    const all = Object.entries(this.metrics).map(([name, metric]) => [name, metric.compute()]);
    return Object.fromEntries(all) as { [K in keyof M]: ReturnType<M[K]["compute"]> };
  }
}
