/**
 * Schedules: functions from the number of steps so far to a learning rate. Names, arguments and values are
 * those of Optax. Where the step is a float64 array, the rate is one too. Those of several pieces are in
 * `piecewise.ts`.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  type NDArray,
  type Operand,
  type OptionTable,
} from "../core/mod.ts";
import { full } from "../primitives/mod.ts";
import { floor, pow } from "../api/arithmetic.ts";
import { cos } from "../api/elementary.ts";
import { where } from "../api/logic.ts";
import { asFloat } from "../api/operands.ts";
import type { Scalar } from "./optimiser.ts";
import { checkScalar, checkScalars } from "./scalars.ts";

/** A schedule: the rate for a number of steps, from 0. */
export type Schedule = (step: Operand) => NDArray;

/** What is taken for a schedule: one from here, or a function of one's own. */
export type ScheduleFunction = (step: NDArray) => Scalar;

/** A learning rate: a number, a scalar array, or a schedule. */
export type Rate = Scalar | ScheduleFunction;

/** A schedule that takes numbers and arrays of integers too. */
export const scheduled =
  (name: string, of: (step: NDArray) => NDArray): Schedule => (step: Operand) =>
    of(asFloat(name, step, "the step"));

/** Refuses a number of steps that is not a positive one. */
export function checkSteps(op: string, name: string, value: unknown, least: 0 | 1 = 1): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw new RangeError(
    `${op}: ${name} must be ${least === 1 ? "a positive integer" : "an integer, 0 or more"}, not ${
      describeValue(value)
    }`,
  );
}

/**
 * The same rate for all steps.
 *
 * @example
 * ```ts
 * import { constantSchedule } from "@injax/injax/optim";
 *
 * console.log(constantSchedule(0.5)(10).item()); // 0.5
 * ```
 */
export function constantSchedule(value: number): Schedule {
  const op = "constantSchedule";
  if (arguments.length > 1) checkCall(`${op}(value)`, arguments);
  checkScalar(op, "value", value, "finite");
  return scheduled(op, (step) => full(step.shape, value, step.dtype));
}

/** Options of `polynomialSchedule` and `linearSchedule`. */
export interface TransitionOptions {
  /** The step at which the transition begins (default 0). */
  readonly transitionBegin?: number | undefined;
}

const transitionOptions: OptionTable<TransitionOptions> = { transitionBegin: "count" };

/**
 * From one rate to another as a power of the steps that are left.
 *
 * @throws {RangeError} where `transitionSteps` is not positive.
 *
 * @example
 * ```ts
 * import { polynomialSchedule } from "@injax/injax/optim";
 *
 * const rate = polynomialSchedule(1, 0, 2, 10);
 * console.log(rate(0).item(), rate(5).item(), rate(20).item()); // 1 0.25 0
 * ```
 */
export function polynomialSchedule(
  initValue: number,
  endValue: number,
  power: number,
  transitionSteps: number,
  options: TransitionOptions = {},
): Schedule {
  const op = "polynomialSchedule";
  if (arguments.length > 4) {
    const call = `${op}(initValue, endValue, power, transitionSteps, options)`;
    checkCall(call, arguments, transitionOptions);
  }
  const { transitionBegin = 0 } = options;
  checkScalars(op, "finite", { initValue, endValue });
  checkScalar(op, "power", power, "notNegative");
  checkSteps(op, "transitionSteps", transitionSteps);
  checkSteps(op, "transitionBegin", transitionBegin, 0);
  return scheduled(op, (step) => {
    const left = step.sub(transitionBegin).clip(0, transitionSteps).div(transitionSteps).neg()
      .add(1);
    return pow(left, power).mul(initValue - endValue).add(endValue);
  });
}

/**
 * From one rate to another along a line.
 *
 * @throws {RangeError} where `transitionSteps` is not positive.
 *
 * @example
 * ```ts
 * import { linearSchedule } from "@injax/injax/optim";
 *
 * const rate = linearSchedule(0, 1, 4);
 * console.log([0, 1, 2, 9].map((step) => rate(step).item())); // [ 0, 0.25, 0.5, 1 ]
 * ```
 */
export function linearSchedule(
  initValue: number,
  endValue: number,
  transitionSteps: number,
  options: TransitionOptions = {},
): Schedule {
  if (arguments.length > 3) {
    const call = "linearSchedule(initValue, endValue, transitionSteps, options)";
    checkCall(call, arguments, transitionOptions);
  }
  return polynomialSchedule(initValue, endValue, 1, transitionSteps, options);
}

/** Options of `exponentialDecay`. */
export interface ExponentialDecayOptions extends TransitionOptions {
  /** Whether the rate stays the same for `transitionSteps` steps at a time (default false). */
  readonly staircase?: boolean | undefined;
  /** Where the decay, or growth, ends. */
  readonly endValue?: number | undefined;
}

const exponentialOptions: OptionTable<ExponentialDecayOptions> = {
  ...transitionOptions,
  staircase: "boolean",
  endValue: "number",
};

/**
 * `initValue decayRate^(step / transitionSteps)`.
 *
 * @throws {RangeError} where `transitionSteps` or `decayRate` is not positive.
 *
 * @example
 * ```ts
 * import { exponentialDecay } from "@injax/injax/optim";
 *
 * const rate = exponentialDecay(1, 10, 0.25);
 * console.log(rate(0).item(), rate(5).item(), rate(10).item()); // 1 0.5 0.25
 * ```
 */
export function exponentialDecay(
  initValue: number,
  transitionSteps: number,
  decayRate: number,
  options: ExponentialDecayOptions = {},
): Schedule {
  const op = "exponentialDecay";
  if (arguments.length > 3) {
    const call = `${op}(initValue, transitionSteps, decayRate, options)`;
    checkCall(call, arguments, exponentialOptions);
  }
  const { transitionBegin = 0, staircase = false, endValue } = options;
  checkScalar(op, "initValue", initValue, "finite");
  checkScalar(op, "decayRate", decayRate, "positive");
  checkSteps(op, "transitionSteps", transitionSteps);
  checkSteps(op, "transitionBegin", transitionBegin, 0);
  if (endValue !== undefined) checkScalar(op, "endValue", endValue, "finite");
  return scheduled(op, (step) => {
    const share = step.sub(transitionBegin).maximum(0).div(transitionSteps);
    const rate = pow(decayRate, staircase ? floor(share) : share).mul(initValue);
    if (endValue === undefined) return rate;
    return decayRate < 1 ? rate.maximum(endValue) : rate.minimum(endValue);
  });
}

/** Options of `cosineDecaySchedule`. */
export interface CosineDecayOptions {
  /** Share of the first rate at the end (default 0). */
  readonly alpha?: number | undefined;
  /** Power of the cosine (default 1). */
  readonly exponent?: number | undefined;
}

const cosineOptions: OptionTable<CosineDecayOptions> = { alpha: "number", exponent: "number" };

/**
 * Half a wave of a cosine, from a rate to a share of it.
 *
 * @throws {RangeError} where `decaySteps` is not positive.
 *
 * @example
 * ```ts
 * import { cosineDecaySchedule } from "@injax/injax/optim";
 *
 * const rate = cosineDecaySchedule(1, 10, { alpha: 0.5 });
 * console.log(rate(0).item(), rate(5).item(), rate(10).item()); // 1 0.75 0.5
 * ```
 */
export function cosineDecaySchedule(
  initValue: number,
  decaySteps: number,
  options: CosineDecayOptions = {},
): Schedule {
  const op = "cosineDecaySchedule";
  if (arguments.length > 2) {
    checkCall(`${op}(initValue, decaySteps, options)`, arguments, cosineOptions);
  }
  const { alpha = 0, exponent = 1 } = options;
  checkScalars(op, "finite", { initValue, alpha });
  checkScalar(op, "exponent", exponent, "notNegative");
  checkSteps(op, "decaySteps", decaySteps);
  return scheduled(op, (step) => {
    const share = step.minimum(decaySteps).div(decaySteps);
    const wave = cos(share.mul(Math.PI)).add(1).mul(0.5);
    return pow(wave, exponent).mul(1 - alpha).add(alpha).mul(initValue);
  });
}

/** Options of `warmupCosineDecaySchedule`. */
export interface WarmupCosineDecayOptions {
  /** The last rate (default 0). */
  readonly endValue?: number | undefined;
  /** Power of the cosine (default 1). */
  readonly exponent?: number | undefined;
}

const warmupOptions: OptionTable<WarmupCosineDecayOptions> = {
  endValue: "number",
  exponent: "number",
};

/**
 * Along a line to a peak, and from there down a cosine.
 *
 * @param decaySteps All steps, those of the warm-up among them.
 * @throws {RangeError} where the warm-up does not leave steps for the decay.
 *
 * @example
 * ```ts
 * import { warmupCosineDecaySchedule } from "@injax/injax/optim";
 *
 * const rate = warmupCosineDecaySchedule(0, 1, 4, 12);
 * console.log([0, 2, 4, 12].map((step) => rate(step).item())); // [ 0, 0.5, 1, 0 ]
 * ```
 */
export function warmupCosineDecaySchedule(
  initValue: number,
  peakValue: number,
  warmupSteps: number,
  decaySteps: number,
  options: WarmupCosineDecayOptions = {},
): Schedule {
  const op = "warmupCosineDecaySchedule";
  if (arguments.length > 4) {
    const call = `${op}(initValue, peakValue, warmupSteps, decaySteps, options)`;
    checkCall(call, arguments, warmupOptions);
  }
  const { endValue = 0, exponent = 1 } = options;
  checkScalars(op, "finite", { initValue, peakValue, endValue });
  checkSteps(op, "warmupSteps", warmupSteps, 0);
  checkSteps(op, "decaySteps", decaySteps);
  if (warmupSteps >= decaySteps) {
    throw new RangeError(
      `${op}: decaySteps counts all steps, and ${decaySteps} of them leave none after a warm-up of ` +
        `${warmupSteps}`,
    );
  }
  const alpha = peakValue === 0 ? 0 : endValue / peakValue;
  const decay = cosineDecaySchedule(peakValue, decaySteps - warmupSteps, { alpha, exponent });
  if (warmupSteps === 0) return decay;
  return joinSchedules([linearSchedule(initValue, peakValue, warmupSteps), decay], [warmupSteps]);
}

/** A cycle of `sgdrSchedule`. */
export interface Cycle extends WarmupCosineDecayOptions {
  /** The first rate (default 0). */
  readonly initValue?: number | undefined;
  /** The rate after the warm-up. */
  readonly peakValue: number;
  /** Steps to the peak (default 0). */
  readonly warmupSteps?: number | undefined;
  /** Steps of the cycle, those of the warm-up among them. */
  readonly decaySteps: number;
}

/**
 * Cosines with warm restarts (Loshchilov and Hutter, "SGDR", 2017): cycles of `warmupCosineDecaySchedule`,
 * one after the other.
 *
 * @throws {RangeError} where there is no cycle.
 *
 * @example
 * ```ts
 * import { sgdrSchedule } from "@injax/injax/optim";
 *
 * const rate = sgdrSchedule([{ peakValue: 1, decaySteps: 2 }, { peakValue: 0.5, decaySteps: 4 }]);
 * console.log([0, 2, 6].map((step) => rate(step).item())); // [ 1, 0.5, 0 ]
 * ```
 */
export function sgdrSchedule(cycles: readonly Cycle[]): Schedule {
  const op = "sgdrSchedule";
  if (arguments.length > 1) checkCall(`${op}(cycles)`, arguments);
  if (!Array.isArray(cycles) || cycles.length === 0) {
    throw new RangeError(`${op}: the cycles must be a list of one or more`);
  }
  const known = ["initValue", "peakValue", "warmupSteps", "decaySteps", "endValue", "exponent"];
  let end = 0;
  const boundaries = cycles.map((cycle: Cycle, i) => {
    const unknown = Object.keys(cycle).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      throw new TypeError(`${op}: cycle ${i} has no ${unknown}; it has ${known.join(", ")}`);
    }
    return end += cycle.decaySteps;
  });
  const schedules = cycles.map((
    { initValue = 0, peakValue, warmupSteps = 0, decaySteps, ...options }: Cycle,
  ) => warmupCosineDecaySchedule(initValue, peakValue, warmupSteps, decaySteps, options));
  return joinSchedules(schedules, boundaries.slice(0, -1));
}

/**
 * Schedules one after the other; each begins to count at its boundary.
 *
 * @param boundaries The steps at which the second and later schedules begin, in order.
 * @throws {RangeError} where there is not one boundary less than schedules, or they are not in order.
 *
 * @example
 * ```ts
 * import { constantSchedule, joinSchedules, linearSchedule } from "@injax/injax/optim";
 *
 * const rate = joinSchedules([constantSchedule(1), linearSchedule(1, 0, 2)], [10]);
 * console.log([0, 10, 11, 12].map((step) => rate(step).item())); // [ 1, 1, 0.5, 0 ]
 * ```
 */
export function joinSchedules(
  schedules: readonly ScheduleFunction[],
  boundaries: readonly number[],
): Schedule {
  const op = "joinSchedules";
  if (arguments.length > 2) checkCall(`${op}(schedules, boundaries)`, arguments);
  if (!Array.isArray(schedules) || schedules.some((s) => typeof s !== "function")) {
    throw new TypeError(`${op}: schedules must be a list of functions of the step`);
  }
  if (!Array.isArray(boundaries) || boundaries.length !== schedules.length - 1) {
    throw new RangeError(
      `${op}: ${schedules.length} schedules meet at ${schedules.length - 1} boundaries, not at ${
        Array.isArray(boundaries) ? boundaries.length : describeValue(boundaries)
      }`,
    );
  }
  boundaries.forEach((at, i) => {
    checkSteps(op, `boundary ${i}`, at, 0);
    if (i > 0 && at < boundaries[i - 1]!) {
      throw new RangeError(
        `${op}: the boundaries must ascend, and ${at} follows ${boundaries[i - 1]}`,
      );
    }
  });
  return scheduled(op, (step) => {
    const rates = schedules.map((schedule, i) => {
      const value = schedule(i === 0 ? step : step.sub(boundaries[i - 1]!));
      return typeof value === "number" ? full(step.shape, value, step.dtype) : value;
    });
    return rates.reduce((sofar, rate, i) => where(step.less(boundaries[i - 1]!), sofar, rate));
  });
}
