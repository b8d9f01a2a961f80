/**
 * An implicit graph network: the features of the members are the fixed point of a graph layer. The
 * solver knows nothing of the module system; it is handed the transforms to use.
 *
 * @module
 */
import {
  exportOnnxWith,
  fixedPoint,
  jit,
  type NDArray,
  nn,
  numpy as np,
  random,
  type Solution,
  type Transforms,
  valueAndGrad,
} from "@injax/injax";
import * as hk from "@injax/injax/adapters/haiku";
import * as optim from "@injax/injax/optim";
import { edges, factions, labelled, size } from "./data.ts";

const hidden = 8;

/** Adjacency with self-loops, scaled on both sides so that its largest eigenvalue is 1. */
function adjacency(): NDArray {
  const rows = Array.from(
    { length: size },
    (_, i) => Array.from({ length: size }, (_, j): number => i === j ? 1 : 0),
  );
  for (const [a, b] of edges) rows[a]![b] = rows[b]![a] = 1;
  const degree = rows.map((row) => row.reduce((s, x) => s + x, 0));
  return np.array(rows.map((row, i) => row.map((x, j) => x / Math.sqrt(degree[i]! * degree[j]!))));
}

const graph = adjacency();
/** Each member is its own feature: [size, size]. */
export const features: NDArray = np.eye(size);
const known = np.array(labelled, { dtype: "int32" });
const targets = nn.oneHot(np.array(labelled.map((i) => factions[i]!), { dtype: "int32" }), 2);

/** One step of the layer, `tanh(A z W + x U)`, with W held small enough to contract. */
function graphLayer(w: NDArray, u: NDArray, z: NDArray, x: NDArray): NDArray {
  const scale = np.minimum(np.div(0.9, np.sqrt(w.square().sum())), 1);
  return np.tanh(np.matmul(np.matmul(graph, z), w.mul(scale)).add(np.matmul(x, u)));
}

/** The layer as a module. */
class GraphCell extends hk.Module {
  call(z: NDArray, x: NDArray): NDArray {
    const init = hk.initializers.truncatedNormal(0.3);
    // Near a multiple of the identity, neighbours pull a member to their own side from the start.
    const w = hk.getParameter("w", [hidden, hidden], {
      init: (shape, dtype) => np.eye(hidden).mul(0.5).add(init(shape, dtype).mul(0.3)),
    });
    const u = hk.getParameter("u", [size, hidden], { init });
    return graphLayer(w, u, z, x);
  }
}

/** What the network gives. */
export interface Output {
  /** Scores of the two sides for each member: [size, 2]. */
  readonly logits: NDArray;
  /** How the fixed point was found. */
  readonly solution: Solution<NDArray>;
}

/** The network with a given dictionary of transforms. */
export function network(
  transforms: Transforms,
  history = false,
): hk.Transformed<[x: NDArray], Output> {
  return hk.transform((x: NDArray): Output => {
    const cell = new GraphCell();
    const solution = fixedPoint((z) => cell.call(z, x), np.zeros([size, hidden]), {
      transforms,
      history,
      maxSteps: 60,
    });
    return { logits: new hk.Linear(2).call(solution.value), solution };
  });
}

/** The network without any module system: parameters are plain arguments, the solver is the same. */
export function plainNetwork(params: Params, x: NDArray): Output {
  const { w, u } = params.graph_cell as { w: NDArray; u: NDArray };
  const { w: readout, b } = params.linear as { w: NDArray; b: NDArray };
  const solution = fixedPoint((z) => graphLayer(w, u, z, x), np.zeros([size, hidden]), {
    maxSteps: 60,
  });
  return { logits: np.matmul(solution.value, readout).add(b), solution };
}

/** Parameters of the network. */
export type Params = hk.ModuleEntries;

const model = network(hk.transforms);

/** Cross-entropy of the labelled members, with a little weight decay. */
function loss(params: Params): NDArray {
  const { logits } = model.apply(params, null, features);
  const scores = nn.logSoftmax(np.take(logits, known, 0));
  const decay = params.graph_cell!.u!.square().sum().mul(1e-3);
  return np.sum(scores.mul(targets), 1).mean().neg().add(decay);
}

const optimiser = optim.adam(0.03);

/** One step of training, gradient included: one program. */
function update(params: Params, state: optim.AdamState): [Params, optim.AdamState, NDArray] {
  const [value, gradient] = valueAndGrad(loss)(params);
  const [updates, next] = optimiser.update(gradient, state, params);
  return [optim.applyUpdates(params, updates), next, value];
}

/** A trained network. */
export interface Trained {
  /** Parameters after training. */
  readonly params: Params;
  /** Loss before the last step. */
  readonly loss: number;
  /** Side that the network predicts for each member. */
  readonly predicted: readonly number[];
  /** How many members are on the side predicted. */
  readonly correct: number;
}

const compiledUpdate = jit(update);

/** The network with given parameters as an ONNX file, from features to scores. */
export function exportNetwork(params: Params): Uint8Array {
  const scores = (x: NDArray): NDArray => model.apply(params, null, x).logits;
  return exportOnnxWith({ name: "karate", argumentNames: ["features"] }, scores, features);
}

/** Trains a network from a seed. */
export async function train(
  seed: number,
  steps: number,
  onStep: (step: number, loss: number) => void,
): Promise<Trained> {
  let params: Params = model.init(random.key(seed), features);
  let state = optimiser.init(params);
  let last = NaN;
  for (let i = 0; i < steps; i++) {
    const done = compiledUpdate(params, state);
    [params, state] = done;
    const value = done[2];
    last = (await value.data())[0]!;
    onStep(i + 1, last);
  }
  const logits = model.apply(params, null, features).logits;
  const predicted = Array.from(await logits.argmax(1).data());
  const correct = predicted.filter((side, i) => side === factions[i]).length;
  return { params, loss: last, predicted, correct };
}
