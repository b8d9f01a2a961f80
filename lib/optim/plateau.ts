/**
 * A factor of the learning rate that falls where a loss no longer does.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  defaultFloat,
  describeValue,
  isFloat,
  isPlain,
  NDArray,
  type OptionTable,
  scalarArray,
  TreeError,
} from "../core/mod.ts";
import { asFloat } from "../api/operands.ts";
import { where } from "../api/logic.ts";
import { counted, noSteps } from "./scalars.ts";

/** Options of `reduceOnPlateau`. */
export interface PlateauOptions {
  /** What the scale is multiplied by, in (0, 1) (default 0.1). */
  readonly factor?: number | undefined;
  /** Values without improvement before that (default 10). */
  readonly patience?: number | undefined;
  /** How much better a value must be, as a share of the best one (default 1e-4). */
  readonly rtol?: number | undefined;
  /** How much better it must be in itself (default 0). */
  readonly atol?: number | undefined;
  /** Values that do not count after a reduction (default 0). */
  readonly cooldown?: number | undefined;
  /** Values of which the mean counts as one (default 1). */
  readonly accumulationSize?: number | undefined;
  /** Where the scale stops to fall (default 0). */
  readonly minScale?: number | undefined;
}

const plateauOptions: OptionTable<PlateauOptions> = {
  factor: "number",
  patience: "count",
  rtol: "tolerance",
  atol: "tolerance",
  cooldown: "count",
  accumulationSize: "count",
  minScale: "number",
};

/** What `reduceOnPlateau` keeps: a tree of scalars. */
export interface PlateauState {
  /** The factor of the learning rate. */
  readonly scale: NDArray;
  /** The best value so far. */
  readonly best: NDArray;
  /** Values since it. */
  readonly plateau: NDArray;
  /** Values that will not count. */
  readonly cooldown: NDArray;
  /** Values in the mean. */
  readonly count: NDArray;
  /** The mean. */
  readonly mean: NDArray;
}

/** What watches a loss, as `reduceOnPlateau` makes it: two pure functions. */
export interface Plateau {
  /** The state before the first value. */
  init(): PlateauState;
  /** The factor of the learning rate after a value of the loss, and the state for the next. */
  update(
    value: NDArray | number,
    state: PlateauState,
  ): readonly [scale: NDArray, state: PlateauState];
}

const keeps = ["scale", "best", "plateau", "cooldown", "count", "mean"] as const;

/** Checks a number against a range. */
function checkNumber(name: string, value: number, holds: boolean, said: string): void {
  if (typeof value === "number" && holds) return;
  throw new RangeError(
    `reduceOnPlateau: ${name} must be ${said}, not ${
      typeof value === "number" ? value : describeValue(value)
    }`,
  );
}

/**
 * Watches a loss: where it has not improved for `patience` values, a factor of the learning rate, at first 1, is
 * multiplied by `factor`. The rule is that of `optax.contrib.reduce_on_plateau`. Since the learning rate is in an
 * optimiser's state, the factor goes there by `withLearningRate`; under `jit` and in loops too.
 *
 * @throws {RangeError} where an option is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { learningRateOf, reduceOnPlateau, sgd, withLearningRate } from "@injax/injax/optim";
 *
 * const plateau = reduceOnPlateau({ factor: 0.5, patience: 2 });
 * let watch = plateau.init();
 * let state = sgd(0.1).init(np.zeros([2]));
 * for (const loss of [3, 2, 2, 2]) {
 *   const [scale, next] = plateau.update(loss, watch);
 *   watch = next;
 *   state = withLearningRate(state, scale.mul(0.1));
 * }
 * console.log(learningRateOf(state).item().toFixed(3)); // 0.050
 * ```
 */
export function reduceOnPlateau(options: PlateauOptions = {}): Plateau {
  const op = "reduceOnPlateau";
  if (arguments.length > 0) checkCall(`${op}(options)`, arguments, plateauOptions);
  const { factor = 0.1, patience = 10, rtol = 1e-4, atol = 0 } = options;
  const { cooldown = 0, accumulationSize = 1, minScale = 0 } = options;
  checkNumber("factor", factor, factor > 0 && factor < 1, "in (0, 1)");
  checkNumber("rtol", rtol, rtol >= 0 && rtol <= 1, "in [0, 1]");
  checkNumber("atol", atol, atol >= 0 && atol < Infinity, "finite and not negative");
  checkNumber("minScale", minScale, minScale >= 0 && minScale <= 1, "in [0, 1]");
  if (rtol === 0 && atol === 0) {
    throw new RangeError(`${op}: one of rtol and atol must be positive, or nothing is a plateau`);
  }
  for (const [name, value] of Object.entries({ patience, cooldown, accumulationSize })) {
    checkCount(op, name, value);
  }
  if (accumulationSize === 0) {
    throw new RangeError(`${op}: accumulationSize must be at least 1`);
  }
  return {
    init() {
      if (arguments.length > 0) checkCall(`${op}.init()`, arguments);
      const float = (x: number): NDArray => scalarArray(x, defaultFloat);
      return {
        ...{ scale: float(1), best: float(Infinity), mean: float(0) },
        ...{ plateau: noSteps(), cooldown: noSteps(), count: noSteps() },
      };
    },
    update(value, state) {
      if (arguments.length > 2) checkCall(`${op}.update(value, state)`, arguments);
      checkPlateau(`${op}.update`, state);
      const given = asFloat(`${op}.update`, value, "value");
      if (given.ndim > 0) {
        throw new TypeError(`${op}.update: value must be a scalar, not of shape [${given.shape}]`);
      }
      const { best, scale } = state;
      const count = counted(state.count);
      const mean = state.mean.mul(state.count.astype(best.dtype))
        .add(given.astype(best.dtype)).div(count.astype(best.dtype));
      const isFull = count.equal(accumulationSize);
      const improved = mean.less(best.mul(1 - rtol).sub(atol));
      const waited = where(improved, 0, counted(state.plateau));
      const isCooling = state.cooldown.greater(0);
      const isOver = waited.equal(patience);
      const reduced = where(isOver, scale.mul(factor), scale).maximum(minScale);
      const next: PlateauState = {
        scale: where(isFull, where(isCooling, scale, reduced), scale),
        best: where(isFull, where(improved, mean, best), best),
        plateau: where(isFull, where(isCooling, 0, where(isOver, 0, waited)), state.plateau),
        cooldown: where(
          isFull,
          where(isCooling, state.cooldown.sub(1), where(isOver, scalarArray(cooldown, "int32"), 0)),
          state.cooldown,
        ),
        count: where(isFull, 0, count),
        mean: where(isFull, 0, mean),
      };
      return [next.scale, next];
    },
  };
}

/** Refuses what is not the state that `init` gives. */
function checkPlateau(op: string, state: unknown): void {
  const isState = isPlain(state) &&
    keeps.every((k) => (state as Record<string, unknown>)[k] instanceof NDArray);
  if (isState && isFloat((state as unknown as PlateauState).best.dtype)) return;
  throw new TreeError(
    `${op}: the state must be what init() or the last update gave, an object with ${
      keeps.join(", ")
    }, not ${describeValue(state)}. Write update(value, state)`,
  );
}
