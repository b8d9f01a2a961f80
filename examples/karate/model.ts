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
  treeMap,
  valueAndGrad,
} from "@injax/injax";
import * as hk from "@injax/injax/adapters/haiku";
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

interface AdamState {
  readonly params: Params;
  readonly mean: Params;
  readonly square: Params;
  readonly step: NDArray;
}

/** One step of Adam (Kingma and Ba 2015), gradient included: one program. */
function update(s: AdamState): [AdamState, NDArray] {
  const [value, gradient] = valueAndGrad(loss)(s.params);
  const step = s.step.add(1);
  const [rate, b1, b2] = [0.03, 0.9, 0.999];
  const mix = (b: number) => (m: NDArray, g: NDArray): NDArray => m.mul(b).add(g.mul(1 - b));
  const mean = treeMap(mix(b1), s.mean, gradient);
  const square = treeMap(mix(b2), s.square, treeMap((g: NDArray) => g.square(), gradient));
  const correction = (b: number): NDArray => np.pow(b, step).neg().add(1);
  const [c1, c2] = [correction(b1), correction(b2)];
  const moved = (p: NDArray, m: NDArray, v: NDArray): NDArray =>
    p.sub(m.div(c1).mul(rate).div(v.div(c2).sqrt().add(1e-8)));
  const params = treeMap(moved as (...xs: NDArray[]) => NDArray, s.params, mean, square);
  return [{ params, mean, square, step }, value];
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
  const params = model.init(random.key(seed), features);
  const zeros = treeMap((x: NDArray) => np.zerosLike(x), params);
  let state: AdamState = { params, mean: zeros, square: zeros, step: np.array(0) };
  let last = NaN;
  for (let i = 0; i < steps; i++) {
    const [next, value] = compiledUpdate(state);
    state = next;
    last = (await value.data())[0]!;
    onStep(i + 1, last);
  }
  const logits = model.apply(state.params, null, features).logits;
  const predicted = Array.from(await logits.argmax(1).data());
  const correct = predicted.filter((side, i) => side === factions[i]).length;
  return { params: state.params, loss: last, predicted, correct };
}
