/**
 * Pure optimisers for the tests of the adapter in the manner of NNX: gradient descent with momentum, and
 * Adam, as Optax has them.
 *
 * @module
 */
import { type NDArray, numpy as np, treeMap } from "../../mod.ts";
import type { GradientTransformation, State } from "../../adapters/nnx/mod.ts";

/** Gradient descent with momentum. */
export function sgd(rate: number, momentum: number): GradientTransformation<State> {
  return {
    init: (params) => treeMap((p: NDArray) => np.zerosLike(p), params) as State,
    update: (g, trace) => {
      const next = treeMap((g: NDArray, t: NDArray) => t.mul(momentum).add(g), g, trace) as State;
      return [treeMap((t: NDArray) => t.mul(-rate), next) as State, next];
    },
  };
}

/** What `adam` keeps. */
interface Moments {
  readonly count: NDArray;
  readonly mean: State;
  readonly square: State;
}

/** Adam, with Optax's constants. */
export function adam(rate: number): GradientTransformation<Moments> {
  const [b1, b2, epsilon] = [0.9, 0.999, 1e-8];
  const zeros = (params: State): State => treeMap((p: NDArray) => np.zerosLike(p), params) as State;
  return {
    init: (params) => ({ count: np.array(0), mean: zeros(params), square: zeros(params) }),
    update: (g, kept) => {
      const count = kept.count.add(1);
      const mixed = (b: number, m: State, x: State): State =>
        treeMap((m: NDArray, x: NDArray) => m.mul(b).add(x.mul(1 - b)), m, x) as State;
      const mean = mixed(b1, kept.mean, g);
      const square = mixed(b2, kept.square, treeMap((g: NDArray) => g.square(), g) as State);
      const scale = (b: number): NDArray => np.subtract(1, np.power(np.array(b), count));
      const [s1, s2] = [scale(b1), scale(b2)];
      const updates = treeMap(
        (m: NDArray, v: NDArray) => m.div(s1).div(np.sqrt(v.div(s2)).add(epsilon)).mul(-rate),
        mean,
        square,
      ) as State;
      return [updates, { count, mean, square }];
    },
  };
}
