/**
 * Schedules of several pieces, which factors at given steps join.
 *
 * @module
 */
import { checkCall, describeValue, isPlain, type OptionTable } from "../core/mod.ts";
import { full } from "../primitives/mod.ts";
import { cos } from "../api/elementary.ts";
import { where } from "../api/logic.ts";
import { checkScalar, checkScalars } from "./scalars.ts";
import { checkSteps, type Schedule, scheduled } from "./schedules.ts";

/** Boundaries in order, each with what belongs to it. */
function boundariesOf(op: string, scales: unknown): readonly (readonly [number, number])[] {
  if (!isPlain(scales)) {
    throw new TypeError(
      `${op}: boundariesAndScales must be an object of factors by steps, as { 100: 0.1 }, not ${
        describeValue(scales)
      }`,
    );
  }
  const pairs = Object.entries(scales).map(([step, scale]) => [Number(step), scale] as const);
  for (const [step, scale] of pairs) {
    checkSteps(op, "a boundary", step, 0);
    checkScalar(op, `the factor at ${step}`, scale, "notNegative");
  }
  return (pairs as (readonly [number, number])[]).sort(([a], [b]) => a - b);
}

/**
 * A rate that is multiplied by a factor at each of several steps.
 *
 * @param boundariesAndScales The factors by their steps.
 *
 * @example
 * ```ts
 * import { piecewiseConstantSchedule } from "@injax/injax/optim";
 *
 * const rate = piecewiseConstantSchedule(1, { 10: 0.5, 20: 0.5 });
 * console.log([9, 10, 20].map((step) => rate(step).item())); // [ 1, 0.5, 0.25 ]
 * ```
 */
export function piecewiseConstantSchedule(
  initValue: number,
  boundariesAndScales: Readonly<Record<number, number>>,
): Schedule {
  const op = "piecewiseConstantSchedule";
  if (arguments.length > 2) checkCall(`${op}(initValue, boundariesAndScales)`, arguments);
  checkScalar(op, "initValue", initValue, "finite");
  const boundaries = boundariesOf(op, boundariesAndScales);
  return scheduled(op, (step) => {
    const first = full(step.shape, initValue, step.dtype);
    return boundaries.reduce((v, [at, scale]) => where(step.less(at), v, v.mul(scale)), first);
  });
}

/**
 * A rate that is multiplied by factors, and goes from value to value between their steps along lines
 * (`"linear"`) or half waves (`"cosine"`).
 *
 * @example
 * ```ts
 * import { piecewiseInterpolateSchedule } from "@injax/injax/optim";
 *
 * const rate = piecewiseInterpolateSchedule("linear", 1, { 10: 3, 20: 0.5 });
 * console.log([0, 5, 10, 15, 30].map((step) => rate(step).item())); // [ 1, 2, 3, 2.25, 1.5 ]
 * ```
 */
export function piecewiseInterpolateSchedule(
  interpolateType: "linear" | "cosine",
  initValue: number,
  boundariesAndScales: Readonly<Record<number, number>>,
): Schedule {
  const op = "piecewiseInterpolateSchedule";
  if (arguments.length > 3) {
    checkCall(`${op}(interpolateType, initValue, boundariesAndScales)`, arguments);
  }
  if (interpolateType !== "linear" && interpolateType !== "cosine") {
    throw new RangeError(
      `${op}: interpolateType must be "linear" or "cosine", not ${describeValue(interpolateType)}`,
    );
  }
  checkScalar(op, "initValue", initValue, "finite");
  const boundaries = boundariesOf(op, boundariesAndScales);
  return scheduled(op, (step) => {
    let [begin, from] = [0, initValue];
    let rate = full(step.shape, initValue, step.dtype);
    for (const [end, scale] of boundaries) {
      const share = step.sub(begin).div(Math.max(end - begin, 1)).clip(0, 1);
      const eased = interpolateType === "linear"
        ? share
        : cos(share.mul(Math.PI)).neg().add(1).mul(0.5);
      const to = from * scale;
      rate = where(step.less(begin), rate, eased.mul(to - from).add(from));
      [begin, from] = [end, to];
    }
    return rate;
  });
}

/** Options of `cosineOnecycleSchedule`. */
export interface CosineOnecycleOptions {
  /** Share of the steps before the peak (default 0.3). */
  readonly pctStart?: number | undefined;
  /** The peak over the first rate (default 25). */
  readonly divFactor?: number | undefined;
  /** The first rate over the last one (default 1e4). */
  readonly finalDivFactor?: number | undefined;
}

/** Options of `linearOnecycleSchedule`. */
export interface LinearOnecycleOptions extends CosineOnecycleOptions {
  /** Share of the steps before the first rate is reached again (default 0.85). */
  readonly pctFinal?: number | undefined;
}

const onecycleOptions: OptionTable<CosineOnecycleOptions> = {
  pctStart: "number",
  divFactor: "number",
  finalDivFactor: "number",
};

/**
 * One cycle up to a peak and down, along half waves (Smith and Topin, "Super-convergence", 2017).
 *
 * @example
 * ```ts
 * import { cosineOnecycleSchedule } from "@injax/injax/optim";
 *
 * const rate = cosineOnecycleSchedule(10, 1, { divFactor: 4, finalDivFactor: 2 });
 * console.log([0, 3, 10].map((step) => rate(step).item())); // [ 0.25, 1, 0.125 ]
 * ```
 */
export function cosineOnecycleSchedule(
  transitionSteps: number,
  peakValue: number,
  options: CosineOnecycleOptions = {},
): Schedule {
  const op = "cosineOnecycleSchedule";
  if (arguments.length > 2) {
    checkCall(`${op}(transitionSteps, peakValue, options)`, arguments, onecycleOptions);
  }
  const { pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = options;
  checkOnecycle(op, transitionSteps, peakValue, { divFactor, finalDivFactor }, { pctStart });
  return piecewiseInterpolateSchedule("cosine", peakValue / divFactor, {
    [Math.floor(pctStart * transitionSteps)]: divFactor,
    [transitionSteps]: 1 / (divFactor * finalDivFactor),
  });
}

/**
 * One cycle along lines: up to a peak, down to the first rate, and on to a small one.
 *
 * @example
 * ```ts
 * import { linearOnecycleSchedule } from "@injax/injax/optim";
 *
 * const rate = linearOnecycleSchedule(20, 1, { divFactor: 4, finalDivFactor: 2 });
 * console.log([0, 6, 17, 20].map((step) => rate(step).item())); // [ 0.25, 1, 0.25, 0.125 ]
 * ```
 */
export function linearOnecycleSchedule(
  transitionSteps: number,
  peakValue: number,
  options: LinearOnecycleOptions = {},
): Schedule {
  const op = "linearOnecycleSchedule";
  if (arguments.length > 2) {
    const table: OptionTable<LinearOnecycleOptions> = { ...onecycleOptions, pctFinal: "number" };
    checkCall(`${op}(transitionSteps, peakValue, options)`, arguments, table);
  }
  const { pctStart = 0.3, pctFinal = 0.85, divFactor = 25, finalDivFactor = 1e4 } = options;
  const shares = { pctStart, pctFinal };
  checkOnecycle(op, transitionSteps, peakValue, { divFactor, finalDivFactor }, shares);
  return piecewiseInterpolateSchedule("linear", peakValue / divFactor, {
    [Math.floor(pctStart * transitionSteps)]: divFactor,
    [Math.floor(pctFinal * transitionSteps)]: 1 / divFactor,
    [transitionSteps]: 1 / finalDivFactor,
  });
}

function checkOnecycle(
  op: string,
  transitionSteps: number,
  peakValue: number,
  factors: Readonly<Record<string, number>>,
  shares: Readonly<Record<string, number>>,
): void {
  checkSteps(op, "transitionSteps", transitionSteps);
  checkScalar(op, "peakValue", peakValue, "finite");
  checkScalars(op, "positive", factors);
  checkScalars(op, "share", shares);
}
