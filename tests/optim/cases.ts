/**
 * The optimisers and schedules of `reference/optim.json`, and the small network that they train.
 *
 * @module
 */
import { type DType, grad, jit, type NDArray, numpy as np, scan } from "../../mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import recorded from "../reference/optim.json" with { type: "json" };

/** Parameters of the network. */
export interface Params {
  /** A hidden layer of four, and the output. */
  readonly layers: readonly { readonly w: NDArray; readonly b: NDArray }[];
  /** Factor of the output. */
  readonly scale: NDArray;
}

/** Where training starts. */
export function startOf(dtype: DType): Params {
  const { layers, scale } = recorded.start;
  const array = (x: number | number[] | number[][]): NDArray => np.array(x, { dtype });
  return {
    layers: layers.map(({ w, b }) => ({ w: array(w), b: array(b) })),
    scale: array(scale),
  };
}

/** The loss of the network on the recorded data. */
export function loss(params: Params): NDArray {
  const [hidden, output] = params.layers;
  const { dtype } = params.scale;
  const [x, y] = [recorded.data.x, recorded.data.y].map((v) => np.array(v, { dtype }));
  const h = np.tanh(x!.matmul(hidden!.w).add(hidden!.b));
  return h.matmul(output!.w).add(output!.b).mul(params.scale).sub(y!).square().mean();
}

/** A step of training with an optimiser. */
export function stepOf<S>(
  optimiser: optim.Optimiser<S>,
): (params: Params, state: S) => [Params, S] {
  return (params, state) => {
    const [updates, next] = optimiser.update(grad(loss)(params) as Params, state, params);
    return [optim.applyUpdates(params, updates) as Params, next];
  };
}

/** What training gives after the first step and the last, by a step as it is, or compiled. */
export function train(
  optimiser: optim.Optimiser,
  dtype: DType,
  compiled = false,
): readonly [Params, Params] {
  const plain = stepOf(optimiser);
  const step = compiled ? jit(plain) as typeof plain : plain;
  let params = startOf(dtype);
  let state = optimiser.init(params);
  [params, state] = step(params, state);
  const first = params;
  for (let i = 1; i < recorded.steps; i++) [params, state] = step(params, state);
  return [first, params];
}

/** The last parameters of training as one loop, with the state as a carry. */
export function trainByScan(optimiser: optim.Optimiser, dtype: DType): Params {
  const step = stepOf(optimiser);
  const start = startOf(dtype);
  const [[params]] = scan(
    ([params, state]: [Params, unknown]) => [step(params, state), null],
    [start, optimiser.init(start)] as [Params, unknown],
    null,
    { length: recorded.steps },
  );
  return params as Params;
}

const weights = { layers: [{ w: true, b: false }, { w: true, b: false }], scale: false };

/** The optimisers by the names of their recordings. */
export const optimisers: Readonly<Record<string, () => optim.Optimiser>> = {
  "sgd": () => optim.sgd(0.05),
  "sgd momentum": () => optim.sgd(0.03, { momentum: 0.9 }),
  "sgd nesterov": () => optim.sgd(0.03, { momentum: 0.9, nesterov: true }),
  "sgd scheduled": () => optim.sgd(optim.exponentialDecay(0.1, 5, 0.5)),
  "signSgd": () => optim.signSgd(0.01),
  "adam": () => optim.adam(0.05),
  "adam settings": () => optim.adam(0.05, { b1: 0.8, b2: 0.95, eps: 1e-3, epsRoot: 1e-4 }),
  "adam cosine": () =>
    optim.adam(optim.warmupCosineDecaySchedule(0, 0.1, 5, 18, { endValue: 0.01 })),
  "nadam": () => optim.nadam(0.05),
  "adamw": () => optim.adamw(0.05, { weightDecay: 0.1 }),
  "adamw mask": () => optim.adamw(0.05, { weightDecay: 0.1, mask: weights }),
  "adamw scheduled decay": () =>
    optim.adamw(0.05, { weightDecay: optim.linearSchedule(0.5, 0, 12), mask: weights }),
  "addDecayedWeights scheduled": () =>
    optim.chain(optim.addDecayedWeights(optim.exponentialDecay(0.3, 4, 0.5)), optim.sgd(0.05)),
  "adamax": () => optim.adamax(0.05),
  "amsgrad": () => optim.amsgrad(0.05, { b2: 0.9 }),
  "adabelief": () => optim.adabelief(0.05),
  "radam": () => optim.radam(0.05),
  "radam nesterov": () => optim.radam(0.05, { b2: 0.9, nesterov: true }),
  "yogi": () => optim.yogi(0.05),
  "lamb": () => optim.lamb(0.05, { weightDecay: 0.01 }),
  "lars": () => optim.lars(1, { weightDecay: 0.01, trustCoefficient: 0.05 }),
  "lion": () => optim.lion(0.02, { weightDecay: 0.1 }),
  "adagrad": () => optim.adagrad(0.3),
  "adadelta": () => optim.adadelta(1, { weightDecay: 0.01 }),
  "rmsprop": () => optim.rmsprop(0.02),
  "rmsprop centered": () =>
    optim.rmsprop(0.02, { centered: true, momentum: 0.5, initialScale: 0.1 }),
  "rmsprop nesterov": () => optim.rmsprop(0.01, { decay: 0.8, momentum: 0.9, nesterov: true }),
  "clipByGlobalNorm": () => optim.chain(optim.clipByGlobalNorm(0.7), optim.sgd(0.2)),
  "clip": () => optim.chain(optim.clip(0.1), optim.sgd(0.2)),
  "clipByBlockRms": () => optim.chain(optim.clipByBlockRms(0.1), optim.sgd(0.2)),
  "ema": () => optim.chain(optim.ema(0.8), optim.scale(-0.1)),
  "ema biased": () => optim.chain(optim.ema(0.8, { debias: false }), optim.scale(-0.1)),
  "centralize": () => optim.chain(optim.centralize(), optim.adam(0.05)),
  "scaleBySchedule": () =>
    optim.chain(optim.scaleByRms(), optim.scaleBySchedule(optim.linearSchedule(-0.1, 0, 15))),
  "partition": () =>
    optim.partition(
      {
        fast: optim.adam(0.1),
        slow: optim.sgd(0.01, { momentum: 0.9 }),
        fixed: optim.setToZero(),
      },
      { layers: ["fast", "slow"], scale: "fixed" },
    ),
  "masked": () => optim.chain(optim.masked(optim.trace(0.9), weights), optim.scale(-0.02)),
  "multiSteps": () => optim.multiSteps(optim.adam(0.1), 3),
  "lookahead": () => optim.lookahead(optim.adam(0.1), 4, 0.6),
  "applyIfFinite": () => optim.applyIfFinite(optim.adam(0.05), 2),
};

/** The schedules by the names of their recordings. */
export const schedules: Readonly<Record<string, optim.Schedule>> = {
  "constantSchedule": optim.constantSchedule(0.3),
  "linearSchedule": optim.linearSchedule(0.1, 1, 10, { transitionBegin: 3 }),
  "polynomialSchedule": optim.polynomialSchedule(1, 0.1, 2.5, 12),
  "exponentialDecay": optim.exponentialDecay(0.5, 4, 0.3, { transitionBegin: 2 }),
  "exponentialDecay staircase": optim.exponentialDecay(0.5, 4, 0.3, {
    staircase: true,
    endValue: 0.02,
  }),
  "exponentialDecay growth": optim.exponentialDecay(0.5, 4, 1.7, { endValue: 3 }),
  "cosineDecaySchedule": optim.cosineDecaySchedule(0.7, 15, { alpha: 0.1, exponent: 1.5 }),
  "warmupCosineDecaySchedule": optim.warmupCosineDecaySchedule(0.01, 0.5, 5, 20, {
    endValue: 0.05,
  }),
  "sgdrSchedule": optim.sgdrSchedule([
    { initValue: 0.1, peakValue: 1, warmupSteps: 2, decaySteps: 8 },
    { initValue: 0.2, peakValue: 0.5, warmupSteps: 3, decaySteps: 12, endValue: 0.1 },
  ]),
  "piecewiseConstantSchedule": optim.piecewiseConstantSchedule(2, { 5: 0.5, 12: 0.1 }),
  "piecewiseInterpolateSchedule linear": optim.piecewiseInterpolateSchedule("linear", 1, {
    5: 3,
    15: 0.2,
  }),
  "piecewiseInterpolateSchedule cosine": optim.piecewiseInterpolateSchedule("cosine", 1, {
    5: 3,
    15: 0.2,
  }),
  "cosineOnecycleSchedule": optim.cosineOnecycleSchedule(20, 1),
  "linearOnecycleSchedule": optim.linearOnecycleSchedule(20, 1, { pctStart: 0.25 }),
  "joinSchedules": optim.joinSchedules(
    [optim.linearSchedule(0, 1, 4), optim.exponentialDecay(1, 3, 0.5)],
    [4],
  ),
};
