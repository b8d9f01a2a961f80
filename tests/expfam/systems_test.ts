/**
 * Exponential families know of no module system: inside each of them they give what they give of the pure program
 * with the same numbers, with derivatives, eager and compiled. One of the families has a network as its
 * log-normaliser.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, pure, type Transforms } from "../../mod.ts";
import * as expfam from "../../lib/expfam/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { worlds } from "../laws/worlds.ts";
import type { World } from "../laws/world.ts";

type Dense = (x: NDArray) => NDArray;

const weights = np.array([[0.3, -0.2], [0.1, 0.4]]);
const input = np.array([0.6, -0.4]);

/** A family of vectors [2] whose log-normaliser is convex, whatever the layer. */
function family(dense: Dense): expfam.ExponentialFamily<{ x: NDArray }, { x: NDArray }> {
  return {
    name: "layered",
    ranks: { x: 1 },
    rank: 1,
    usual: { x: 1 },
    natural: (x) => x,
    parameters: (x) => x,
    statistics: (x) => ({ x }),
    logNormaliser: ({ x }) => np.log(np.exp(dense(x)).sum(-1)).add(np.square(x).sum(-1).mul(0.5)),
    search: { start: ({ x }) => ({ x }), natural: (unknowns) => ({ x: unknowns.x! }) },
  };
}

/** What is asked of the layer: an array for each question. */
const questions: Readonly<Record<string, (dense: Dense, x: NDArray, t: Transforms) => NDArray>> = {
  "means": (dense, x, transforms) => expfam.toExpectation(family(dense), { x }, { transforms }).x,
  "Fisher information": (dense, x, transforms) =>
    expfam.fisherInformation(family(dense), { x }, { transforms }).x.x,
  "Fisher information of a batch": (dense, x, transforms) =>
    expfam.fisherInformation(family(dense), { x: np.stack([x, x.mul(2)]) }, { transforms }).x.x,
  "natural parameters, searched": (dense, x, transforms) =>
    expfam.toNatural(family(dense), { x }, { transforms }).x,
  "entropy": (dense, x, transforms) => expfam.entropy(family(dense), { x }, { transforms }),
  "divergence": (dense, x, transforms) =>
    expfam.klDivergence(family(dense), { x }, { x: x.mul(-1) }, { transforms }),
  "parameters made by the layer": (dense, x, transforms) => {
    const shapes = np.exp(dense(x));
    const eta = { logX: shapes, logRest: shapes.mul(2) };
    const means = expfam.toExpectation(expfam.beta, eta, { transforms });
    return expfam.toNatural(expfam.beta, means, { transforms, rtol: 1e-6 }).logX;
  },
};

type Question = (w: NDArray, x: NDArray) => NDArray;

function within(world: World, w: NDArray, f: () => NDArray): NDArray {
  let out!: NDArray;
  world.apply({ w }, () => {
    out = f();
  });
  return out;
}

for (const world of worlds) {
  for (const [name, ask] of Object.entries(questions)) {
    const model: Question = (w, x) =>
      within(world, w, () => ask((v) => v.matmul(world.param("w")), x, world.transforms));
    const plain: Question = (w, x) => ask((v) => v.matmul(w), x, pure);
    const slopes = (f: Question) =>
      grad((w: NDArray, x: NDArray) => np.square(f(w, x)).sum(), { argnums: [0, 1] });
    Deno.test(`${world.name}: ${name}, as of the pure program`, () => {
      const wanted = plain(weights, input);
      assertClose(model(weights, input), wanted, 2e-5, "eager");
      assertClose(jit(model)(weights, input), wanted, 2e-5, "compiled");
      const derivatives = slopes(plain)(weights, input);
      assertClose(slopes(model)(weights, input), derivatives, 1e-3, "derivatives");
      assertClose(jit(slopes(model))(weights, input), derivatives, 1e-3, "compiled derivatives");
    });
  }
}
