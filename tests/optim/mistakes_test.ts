/**
 * What users of optimisers are told about their mistakes.
 *
 * @module
 */
import { DTypeError, type NDArray, numpy as np, TreeError } from "../../mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import { any, mistake } from "../support/mistakes.ts";

const params = { w: np.ones([2]), b: np.array(0) };
const adam = optim.adam(0.1);
const state = adam.init(params);

mistake(
  "a gradient of another structure",
  () => adam.update({ w: np.ones([2]) }, state, any(params)),
  TreeError,
  "adam.update | the gradient and the parameters | keys {w} and {b, w} | grad(loss)(params)",
);
mistake(
  "a gradient of another structure, without parameters",
  () => adam.update({ w: np.ones([2]) }, state),
  TreeError,
  "adam.update | the gradient and the state's mu | keys {w} and {b, w}",
);
mistake(
  "a gradient of another shape",
  () => adam.update({ w: np.ones([3]), b: np.array(0) }, state, params),
  TreeError,
  "adam.update | at .w | float32[3] and float32[2]",
);
mistake(
  "a gradient of another dtype",
  () => adam.update({ w: np.ones([2], { dtype: "float64" }), b: np.array(0) }, state, params),
  TreeError,
  "at .w | float64[2] and float32[2]",
);
mistake(
  "a gradient of integers",
  () => adam.update({ w: np.arange(2), b: np.array(0) }, state),
  DTypeError,
  'the gradient at .w is int32[2] | astype("float32")',
);
mistake(
  "parameters that are integers",
  () => adam.init({ n: np.arange(2) }),
  DTypeError,
  "adam.init: params at .n is int32[2]",
);
mistake(
  "the parameters in the place of the state",
  () => adam.update(params, any(params), any(state)),
  TreeError,
  "adam.update | the state must be what init(params) | a list of 2 | update(gradient, state, params)",
);
mistake(
  "the state of another optimiser",
  () => adam.update(params, any(optim.sgd(0.1, { momentum: 0.9 }).init(params))),
  TreeError,
  "adam.update | an object with count, mu, nu",
);
mistake(
  "no state",
  () => any(optim.scaleByAdam()).update(params),
  TreeError,
  "scaleByAdam.update | the state must be | not undefined",
);
mistake(
  "no parameters where weights decay",
  () => {
    const adamw = optim.adamw(0.1);
    adamw.update(params, adamw.init(params));
  },
  TypeError,
  "adamw.update | the parameters are needed | update(gradient, state, params)",
);
mistake("no learning rate", () => any(optim.adam)(), TypeError, "adam: learningRate | undefined");
mistake(
  "a negative learning rate",
  () => optim.sgd(-0.1),
  RangeError,
  "sgd: learningRate must not be negative | -0.1 would ascend | negate the loss",
);
mistake(
  "an infinite learning rate",
  () => optim.sgd(Infinity),
  RangeError,
  "sgd: learningRate | Infinity",
);
mistake(
  "a learning rate that is not a scalar",
  () => optim.sgd(np.ones([2])),
  TypeError,
  "sgd: learningRate | float32[2]",
);
mistake(
  "settings one by one, as in Python",
  () => any(optim.adam)(0.1, 0.9, 0.999),
  TypeError,
  "adam | adam(learningRate, { b1: 0.9, b2: 0.999 })",
);
mistake(
  "a misspelt option",
  () => optim.adam(0.1, any({ beta1: 0.9 })),
  TypeError,
  "adam: there is no option beta1",
);
mistake(
  "b1 outside its range",
  () => optim.adam(0.1, { b1: 1 }),
  RangeError,
  "adam: b1 must be in [0, 1), not 1",
);
mistake(
  "a negative eps",
  () => optim.rmsprop(0.1, { eps: -1 }),
  RangeError,
  "rmsprop: eps | not negative, not -1",
);
mistake(
  "a setting that is no number",
  () => optim.lion(0.1, { b2: any("0.9") }),
  TypeError,
  'lion: b2 must be a number, not the string "0.9"',
);
mistake(
  "Nesterov's momentum without momentum",
  () => optim.sgd(0.1, { nesterov: true }),
  TypeError,
  "sgd: nesterov | momentum: 0.9",
);
mistake(
  "parts in a list",
  () => optim.chain(any([optim.clip(1), adam])),
  TypeError,
  "chain: argument 0 must be an optimiser | without a list",
);
mistake(
  "a part that was not called",
  () => optim.chain(any(optim.scaleByAdam)),
  TypeError,
  "Call it: scaleByAdam(...)",
);
mistake(
  "a limit that is not positive",
  () => optim.clipByGlobalNorm(0),
  RangeError,
  "clipByGlobalNorm: maxNorm | 0",
);
mistake(
  "a mask that is not like the parameters",
  () => optim.masked(adam, { v: true }).init(params),
  TreeError,
  "masked.init | the mask is not like the parameters | keys {v} and {b, w}",
);
mistake(
  "a mask of numbers",
  () => optim.masked(adam, any({ w: 1, b: 0 })).init(params),
  TypeError,
  "the mask at .b must be true or false, not | 0",
);
mistake(
  "a label without an optimiser",
  () => optim.partition({ a: adam }, { w: "a", b: "c" }).init(params),
  TypeError,
  'partition.init | the label at .b is the string "c" | the groups are "a"',
);
mistake(
  "gradients of another structure for groups",
  () => {
    const o = optim.partition({ a: adam }, "a");
    o.update({ w: np.ones([2]) }, o.init(params), any(params));
  },
  TreeError,
  "partition.update | keys {w} and {b, w}",
);
mistake(
  "updates of another structure",
  () => optim.applyUpdates(params, any({ w: np.ones([2]) })),
  TreeError,
  "applyUpdates | the parameters and the updates | keys {b, w} and {w}",
);
mistake(
  "updates with a leaf that is no array",
  () => optim.applyUpdates(np.ones([1]), any("x")),
  TreeError,
  "applyUpdates: updates is the string",
);
mistake(
  "a state without a learning rate",
  () => optim.learningRateOf({ a: 1 }),
  TreeError,
  "no learning rate",
);
mistake(
  "a state with two learning rates",
  () =>
    optim.learningRateOf(optim.partition({ a: adam, b: adam }, { w: "a", b: "b" }).init(params)),
  TreeError,
  "2 learning rates | .a[1], .b[1]",
);
mistake(
  "setting a schedule in a state",
  () => optim.withLearningRate(adam.init(params), any(optim.constantSchedule(1))),
  TypeError,
  "withLearningRate: learningRate must be a number | make the optimiser with a schedule",
);
mistake(
  "setting a negative rate",
  () => optim.withLearningRate(adam.init(params), -1),
  RangeError,
  "withLearningRate: learningRate must not be negative",
);
mistake(
  "a schedule that gives no number",
  () => optim.sgd(any(() => undefined)).init(params),
  TypeError,
  "sgd: what the schedule gives | undefined",
);
mistake(
  "a schedule of no steps",
  () => optim.cosineDecaySchedule(1, 0),
  RangeError,
  "cosineDecaySchedule: decaySteps must be a positive integer, not number 0",
);
mistake(
  "a warm-up that is longer than all steps",
  () => optim.warmupCosineDecaySchedule(0, 1, 10, 10),
  RangeError,
  "decaySteps counts all steps, and 10 of them leave none after a warm-up of 10",
);
mistake(
  "schedules without boundaries between them",
  () => optim.joinSchedules([optim.constantSchedule(1), optim.constantSchedule(2)], []),
  RangeError,
  "2 schedules meet at 1 boundaries, not at 0",
);
mistake(
  "boundaries that do not ascend",
  () => optim.joinSchedules([1, 2, 3].map((v) => optim.constantSchedule(v)), [5, 3]),
  RangeError,
  "must ascend, and 3 follows 5",
);
mistake(
  "factors of a schedule that are negative",
  () => optim.piecewiseConstantSchedule(1, { 5: -1 }),
  RangeError,
  "the factor at 5 | -1",
);
mistake(
  "a cycle with an unknown name",
  () => optim.sgdrSchedule([any({ peakValue: 1, steps: 3 })]),
  TypeError,
  "cycle 0 has no steps",
);
mistake(
  "gathering no gradients",
  () => optim.multiSteps(adam, 0),
  RangeError,
  "multiSteps: every | not number 0",
);
mistake(
  "a part of one's own that gives nothing",
  () => optim.stateless(any(() => undefined)).update(np.ones([1]), null),
  TypeError,
  "stateless: f must give an array, not undefined",
);
mistake(
  "an array where a schedule is due",
  () => optim.scaleBySchedule(any(0.1)),
  TypeError,
  "scaleBySchedule: schedule must be a function | scale(...)",
);
mistake(
  "a step that is no number",
  () => optim.constantSchedule(1)(any("1")),
  TypeError,
  "constantSchedule | the step",
);
mistake(
  "no parameters",
  () => adam.init(any(undefined)),
  TreeError,
  "adam.init: params must be a tree of arrays, not undefined",
);
mistake(
  "averages of trees that differ",
  () => optim.incrementalUpdate(params as { w: NDArray }, any({ w: np.ones([2]) }), 0.5),
  TreeError,
  "the new tree and the old tree",
);
mistake(
  "a module with functions in the place of its arrays",
  () => optim.sgd(0.1).init(any({ w: np.ones([2]), act: Math.tanh })),
  TreeError,
  "sgd.init: params at .act is a function (tanh)",
);
mistake(
  "slow parameters that follow after no steps",
  () => optim.lookahead(adam, 0, 0.5),
  RangeError,
  "lookahead: syncPeriod must be a positive integer, not number 0",
);
mistake(
  "a key that is none",
  () => optim.addNoise(0.1, 0.55, any(7)),
  TypeError,
  "addNoise | key",
);
mistake(
  "a plateau that never ends",
  () => optim.reduceOnPlateau({ rtol: 0 }),
  RangeError,
  "reduceOnPlateau: one of rtol and atol must be positive",
);
mistake(
  "a factor that does not reduce",
  () => optim.reduceOnPlateau({ factor: 1 }),
  RangeError,
  "factor must be in (0, 1), not 1",
);
mistake(
  "an optimiser's state for a plateau",
  () => optim.reduceOnPlateau().update(1, any(state)),
  TreeError,
  "reduceOnPlateau.update | what init() | Write update(value, state)",
);
mistake(
  "a decay that falls below zero by its schedule is refused where it is known",
  () => optim.addDecayedWeights(-1),
  RangeError,
  "weightDecay",
);
