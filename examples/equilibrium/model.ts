/**
 * An equilibrium model that names the species of an iris: in the place of a stack of layers, one layer whose output is
 * its own input. Its derivative is that of the equation, so training keeps nothing of the way to the solution.
 *
 * @module
 */
import {
  fixedPoint,
  jit,
  type NDArray,
  nn,
  numpy as np,
  random,
  type Solution,
  valueAndGrad,
} from "@injax/injax";
import * as optim from "@injax/injax/optim";
import { flowers, species } from "./data.ts";

const hidden = 8;

/** Parameters of the model. */
export interface Params {
  /** The layer: z W + x U + b. */
  readonly layer: { readonly w: NDArray; readonly u: NDArray; readonly b: NDArray };
  /** From the equilibrium to the scores. */
  readonly readout: { readonly w: NDArray; readonly b: NDArray };
}

/** Flowers with their species. */
export interface Sample {
  /** Measures, [n, 4]: mean 0 and deviation 1 over the flowers that are learned from. */
  readonly x: NDArray;
  /** Positions in `species`: int32 [n]. */
  readonly y: NDArray;
}

// Each third flower of a species is held back, to see whether the model knows flowers that it has not seen.
const all = species.flatMap((name, k) =>
  flowers[name].map((flower, i) => ({ flower, k, held: i % 3 === 2 }))
);
const [seen, held] = [all.filter((f) => !f.held), all.filter((f) => f.held)];
const measures = (of: typeof all): NDArray => np.array(of.map(({ flower }) => [...flower]));
const [mean, deviation] = [measures(seen).mean(0), measures(seen).std(0)];
const standard = (x: NDArray): NDArray => x.sub(mean).div(deviation);
const sample = (of: typeof all): Sample => ({
  x: standard(measures(of)),
  y: np.array(of.map(({ k }) => k), { dtype: "int32" }),
});

/** Flowers to learn from. */
export const trainSet: Sample = sample(seen);
/** Flowers to be tested with. */
export const testSet: Sample = sample(held);

/** Parameters to start with. */
export function init(seed: number): Params {
  const [kw, ku, kr] = random.split(random.key(seed), 3);
  const normal = (key: NDArray, rows: number, columns: number): NDArray =>
    random.normal(key, [rows, columns]).div(Math.sqrt(rows));
  return {
    layer: {
      w: normal(kw!, hidden, hidden).mul(0.5),
      u: normal(ku!, 4, hidden),
      b: np.zeros([hidden]),
    },
    readout: { w: normal(kr!, hidden, species.length), b: np.zeros([species.length]) },
  };
}

/** Scores of the species, [n, 3], and how the equilibrium was found. */
export function predict(
  { layer, readout }: Params,
  x: NDArray,
): { readonly scores: NDArray; readonly solution: Solution<NDArray> } {
  // By its norm the map contracts, whatever training does to W: there is one equilibrium.
  const w = layer.w.mul(np.minimum(np.div(0.95, np.sqrt(layer.w.square().sum())), 1));
  const drive = x.matmul(layer.u).add(layer.b);
  const solution = fixedPoint((z) => np.tanh(z.matmul(w).add(drive)), np.zerosLike(drive));
  return { scores: solution.value.matmul(readout.w).add(readout.b), solution };
}

/** Chances of the species, [3], for the measures of one flower in millimetres, [4]. */
export function chances(params: Params, flower: NDArray): NDArray {
  const { scores } = predict(params, standard(flower).reshape([1, 4]));
  return nn.softmax(scores).reshape([species.length]);
}

/** Cross-entropy, with the evaluations that the equilibrium took. */
export function loss(params: Params, { x, y }: Sample): readonly [loss: NDArray, steps: NDArray] {
  const { scores, solution } = predict(params, x);
  const right = nn.oneHot(y, species.length).mul(nn.logSoftmax(scores)).sum(1);
  return [right.mean().neg(), solution.steps];
}

/** How many flowers of a set are named rightly. */
export function correct(params: Params, { x, y }: Sample): number {
  return predict(params, x).scores.argmax(1).equal(y).sum().item();
}

/** What is known after a step of training. */
export interface Report {
  /** The step, from 1. */
  readonly step: number;
  /** The loss before it. */
  readonly loss: number;
  /** Evaluations of the layer for the equilibrium. */
  readonly evaluations: number;
  /** The learning rate. */
  readonly rate: number;
}

/** Trains from a seed. */
export function train(seed: number, steps: number, onStep: (report: Report) => void): Params {
  const rate = optim.warmupCosineDecaySchedule(0, 0.05, Math.ceil(steps / 10), steps);
  const optimiser = optim.chain(
    optim.clipByGlobalNorm(1),
    // Matrices decay, biases do not.
    optim.adamw(rate, {
      weightDecay: 0.01,
      mask: { layer: { w: true, u: true, b: false }, readout: { w: true, b: false } },
    }),
  );
  type State = ReturnType<typeof optimiser.init>;
  // Equilibrium, gradient and optimiser are one program.
  const update = jit((params: Params, state: State) => {
    const [[value, evaluations], gradient] = valueAndGrad(
      (p: Params) => loss(p, trainSet),
      { hasAux: true },
    )(params);
    const [updates, next] = optimiser.update(gradient, state, params);
    return { params: optim.applyUpdates(params, updates), state: next, value, evaluations };
  });
  let params = init(seed);
  let state = optimiser.init(params);
  for (let step = 1; step <= steps; step++) {
    const done = update(params, state);
    ({ params, state } = done);
    onStep({
      step,
      loss: done.value.item(),
      evaluations: done.evaluations.item(),
      rate: optim.learningRateOf(state).item(),
    });
  }
  return params;
}
