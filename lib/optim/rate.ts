/**
 * The learning rate, which is in the state: to be read, and to be set there.
 *
 * @module
 */
import {
  checkCall,
  type DType,
  isPlain,
  type NDArray,
  scalarArray,
  TreeError,
} from "../core/mod.ts";
import { zerosLike } from "../primitives/mod.ts";
import { where } from "../api/logic.ts";
import { mapLeaves, type Optimiser, type Scalar, transformation } from "./optimiser.ts";
import { checkScalar, counted, noSteps, scaled, widest } from "./scalars.ts";
import type { Rate, ScheduleFunction } from "./schedules.ts";

/** What a learning rate keeps. */
export interface RateState {
  /** Steps so far. */
  readonly count: NDArray;
  /** The rate of the last step; before the first, that of the first. */
  readonly learningRate: NDArray;
  /** The rate that was set (`withLearningRate`), -1 where none was. */
  readonly set: NDArray;
}

/** For messages. */
const describeRate = (rate: Rate): string =>
  typeof rate === "function" ? "scheduled learning rate" : `learning rate ${rate}`;

/**
 * Multiplies by the learning rate and changes the sign: the last part of an optimiser that descends.
 *
 * @param learningRate A number, a scalar array (which may be traced), or a schedule.
 * @throws {RangeError} where it is negative, infinite or NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { chain, learningRateOf, linearSchedule, scaleByAdam, scaleByLearningRate } from "@injax/injax/optim";
 *
 * const adam = chain(scaleByAdam(), scaleByLearningRate(linearSchedule(0.5, 0, 2)));
 * let state = adam.init(np.ones([2]));
 * for (let i = 0; i < 2; i++) {
 *   const [updates, next] = adam.update(np.array([3, -4]), state);
 *   state = next;
 *   console.log(learningRateOf(state).item(), updates.round(3).toArray());
 *   // 0.5 [ -0.5, 0.5 ]
 *   // 0.25 [ -0.25, 0.25 ]
 * }
 * ```
 */
export function scaleByLearningRate(learningRate: Rate): Optimiser<RateState> {
  const op = "scaleByLearningRate";
  if (arguments.length > 1) checkCall(`${op}(learningRate)`, arguments);
  return ratePart(op, learningRate);
}

/** `scaleByLearningRate` under the name by which users called it. */
export function ratePart(op: string, learningRate: Rate): Optimiser<RateState> {
  checkRate(op, learningRate);
  const given = (count: NDArray, dtype: DType): NDArray =>
    typeof learningRate === "function"
      ? rateAt(op, learningRate, count, dtype)
      : asScalar(learningRate, dtype);
  return transformation<RateState>(op, {
    description: describeRate(learningRate),
    keeps: ["count", "learningRate", "set"],
    init(params) {
      const dtype = widest(params);
      const none = scalarArray(-1, dtype);
      return { count: noSteps(), learningRate: given(noSteps(), dtype), set: none };
    },
    update(gradient, { count, learningRate: { dtype }, set }) {
      const rate = where(set.less(0), given(count, dtype), set);
      const descent = rate.neg();
      return [
        mapLeaves(gradient, (g) => scaled(g, descent)),
        { count: counted(count), learningRate: rate, set },
      ];
    },
  });
}

/** What `scaleBySchedule` keeps. */
export interface ScheduleState {
  /** Steps so far. */
  readonly count: NDArray;
}

/**
 * Multiplies by what a schedule gives, without a change of sign.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { linearSchedule, scaleBySchedule } from "@injax/injax/optim";
 *
 * const part = scaleBySchedule(linearSchedule(1, 0, 10));
 * const x = np.array([2]);
 * const [first, state] = part.update(x, part.init(x));
 * console.log(first.toArray(), state.count.item()); // [ 2 ] 1
 * ```
 */
export function scaleBySchedule(schedule: ScheduleFunction): Optimiser<ScheduleState> {
  const op = "scaleBySchedule";
  if (arguments.length > 1) checkCall(`${op}(schedule)`, arguments);
  if (typeof schedule !== "function") {
    throw new TypeError(
      `${op}: schedule must be a function of the step; for a number, write scale(...)`,
    );
  }
  return transformation<ScheduleState>(op, {
    keeps: ["count"],
    init: () => ({ count: noSteps() }),
    update(gradient, { count }) {
      const factor = rateAt(op, schedule, count, widest(gradient));
      return [mapLeaves(gradient, (g) => scaled(g, factor)), { count: counted(count) }];
    },
  });
}

/** Checks a learning rate. */
function checkRate(op: string, rate: unknown): void {
  if (typeof rate === "number" && rate < 0) {
    throw new RangeError(
      `${op}: learningRate must not be negative: ${rate} would ascend. To maximise, negate the loss`,
    );
  }
  if (typeof rate !== "function") checkScalar(op, "learningRate", rate, "notNegative");
}

/** What a schedule gives for a step, as a scalar of a dtype. It is given the step in that dtype. */
export function rateAt(
  op: string,
  schedule: ScheduleFunction,
  count: NDArray,
  dtype: DType,
): NDArray {
  const rate = schedule(count.astype(dtype));
  checkScalar(op, "what the schedule gives", rate, "finite");
  return asScalar(rate, dtype);
}

const asScalar = (rate: Scalar, dtype: DType): NDArray =>
  typeof rate === "number" ? scalarArray(rate, dtype) : rate.astype(dtype);

/** A learning rate in a state, with its path. */
interface Found {
  readonly path: string;
  readonly state: RateState;
}

const isRate = (node: object): node is RateState =>
  ["count", "learningRate", "set"].every((key) => key in node);

/** The learning rates in a state. */
function ratesIn(node: unknown, path = ""): readonly Found[] {
  if (Array.isArray(node)) return node.flatMap((child, i) => ratesIn(child, `${path}[${i}]`));
  if (!isPlain(node)) return [];
  if (isRate(node)) return [{ path, state: node }];
  return Object.entries(node).flatMap(([key, child]) => ratesIn(child, `${path}.${key}`));
}

/** The one learning rate of a state. */
function onlyRate(op: string, state: unknown): Found {
  const rates = ratesIn(state);
  if (rates.length === 1) return rates[0]!;
  throw new TreeError(
    rates.length === 0
      ? `${op}: there is no learning rate in this state; scaleByLearningRate, and so adam(0.01) and the like, ` +
        "keep one"
      : `${op}: there are ${rates.length} learning rates in this state, at ${
        rates.map(({ path }) => path).join(", ")
      }. Give the part that is meant`,
  );
}

/**
 * The learning rate in an optimiser's state: that of the last step, before the first that of the first.
 *
 * @throws {TreeError} where the state has none, or several.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { adam, clipByGlobalNorm, chain, learningRateOf } from "@injax/injax/optim";
 *
 * const state = chain(clipByGlobalNorm(1), adam(0.25)).init(np.zeros([3]));
 * console.log(learningRateOf(state).item()); // 0.25
 * ```
 */
export function learningRateOf(state: unknown): NDArray {
  if (arguments.length > 1) checkCall("learningRateOf(state)", arguments);
  return onlyRate("learningRateOf", state).state.learningRate;
}

/**
 * A state with another learning rate, as for a loss that no longer falls. It stays, whatever the optimiser was made
 * with, until another is set, or none (`null`). Compiled functions are not compiled again.
 *
 * @throws {TreeError} where the state has no learning rate, or several.
 * @throws {RangeError} where the rate is negative, infinite or NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { learningRateOf, sgd, withLearningRate } from "@injax/injax/optim";
 *
 * const optimiser = sgd(0.5);
 * const state = withLearningRate(optimiser.init(np.zeros([2])), 0.125);
 * const [updates, next] = optimiser.update(np.array([8, 16]), state);
 * console.log(learningRateOf(state).item(), updates.toArray()); // 0.125 [ -1, -2 ]
 * const back = withLearningRate(next, null);
 * console.log(optimiser.update(np.array([8, 16]), back)[0].toArray()); // [ -4, -8 ]
 * ```
 */
export function withLearningRate<S>(state: S, learningRate: Scalar | null): S {
  const op = "withLearningRate";
  if (arguments.length > 2) checkCall(`${op}(state, learningRate)`, arguments);
  if (typeof learningRate === "function") {
    throw new TypeError(`${op}: learningRate must be a number; make the optimiser with a schedule`);
  }
  if (learningRate !== null) checkRate(op, learningRate);
  const { state: found } = onlyRate(op, state);
  // In the shape that is there: a state may be of several lanes.
  const set = zerosLike(found.set).add(
    learningRate === null ? -1 : asScalar(learningRate, found.set.dtype),
  );
  const changed: RateState = {
    ...found,
    learningRate: learningRate === null ? found.learningRate : set,
    set,
  };
  const replace = (node: unknown): unknown => {
    if (node === found) return changed;
    if (Array.isArray(node)) return node.map(replace);
    if (!isPlain(node)) return node;
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, replace(child)]));
  };
  return replace(state) as S;
}
