/**
 * Noise on gradients.
 *
 * @module
 */
import { checkCall, type NDArray, treeFlatten, treeUnflatten } from "../core/mod.ts";
import { normal } from "../api/distributions.ts";
import { expectKey } from "../api/draws.ts";
import { split } from "../api/keys.ts";
import { type Optimiser, type Scalar, transformation } from "./optimiser.ts";
import { checkScalar, counted, noSteps, scaled, widest } from "./scalars.ts";

/** What `addNoise` keeps. */
export interface NoiseState {
  /** Steps so far. */
  readonly count: NDArray;
  /** The key of the next step. */
  readonly key: NDArray;
}

/**
 * Adds normal noise of variance `eta / step^gamma`, where the first step is 1 (Neelakantan and others, "Adding
 * gradient noise improves learning for very deep networks", 2015). The draws are those of `optax.add_noise` with the
 * same key.
 *
 * @param eta The variance of the first step.
 * @param gamma How fast it falls; 0.55 in the paper.
 * @param key A key, as `random.key` makes it.
 * @throws {RangeError} where `eta` or `gamma` is negative.
 * @throws {TypeError} where `key` is no key.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import { addNoise, chain, sgd } from "@injax/injax/optim";
 *
 * const optimiser = chain(addNoise(0.01, 0.55, random.key(0)), sgd(0.1));
 * const params = np.zeros([3]);
 * const [updates] = optimiser.update(np.zeros([3]), optimiser.init(params));
 * console.log(updates.abs().max().item() < 0.1); // true
 * ```
 */
export function addNoise(eta: Scalar, gamma: Scalar, key: NDArray): Optimiser<NoiseState> {
  const op = "addNoise";
  if (arguments.length > 3) checkCall(`${op}(eta, gamma, key)`, arguments);
  checkScalar(op, "eta", eta, "notNegative");
  checkScalar(op, "gamma", gamma, "notNegative");
  expectKey(op, key);
  return transformation<NoiseState>(op, {
    description: `noise ${eta}, ${gamma}`,
    keeps: ["count", "key"],
    init: () => ({ count: noSteps(), key }),
    update(gradient, state) {
      const count = counted(state.count);
      const keys = split(state.key);
      const [leaves, def] = treeFlatten(gradient) as [NDArray[], ReturnType<typeof treeFlatten>[1]];
      const step = count.astype(widest(gradient));
      const deviation = scaled(step.pow(gamma).pow(-1), eta).sqrt();
      const own = split(keys.at(1), leaves.length);
      const noisy = leaves.map((g, i) => {
        const noise = normal(own.at(i), g.shape, { dtype: g.dtype as "float32" });
        return g.add(scaled(noise, deviation));
      });
      return [treeUnflatten(def, noisy) as typeof gradient, { count, key: keys.at(0) }];
    },
  });
}
