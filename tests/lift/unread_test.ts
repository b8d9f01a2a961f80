/**
 * State that is written is not read by a loss: what it is computed by may have infinite slopes, in
 * every member of a stateful dictionary, and derivatives stay what they are without it.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { steep } from "../support/random_unread.ts";
import { library, modesOf, nest, type Step } from "./library.ts";
import { bInit, key, point, wInit } from "./model.ts";

/** Members that run lanes: what these write would differ by lane, which is an error. */
const lanes = new Set(["vmap", "associativeScan"]);
const names = Object.keys(library).filter((name) => !lanes.has(name));

/** A function of R^2 that uses a module, and writes state if `watch` makes something of its argument. */
function cell(watch: ((z: NDArray) => NDArray) | null): Step {
  const linear = new hk.Linear(2, { wInit, bInit });
  hk.getState("seen", [], { init: (s) => np.zeros(s, { dtype: "float64" }) });
  return (z) => {
    if (watch !== null) hk.setState("seen", watch(z).sum());
    return np.tanh(linear.call(z));
  };
}

const model = (nesting: readonly string[], watch: ((z: NDArray) => NDArray) | null) =>
  hk.transformWithState((x: NDArray) => nest(nesting, cell(watch), hk.transforms)(x));

const hidden = [steep.sqrt!, steep.norm!, steep.log!];

for (const outer of names) {
  Deno.test(`${outer}: state written by way of an infinite slope moves no derivative`, () => {
    [[outer], ...names.map((inner) => [outer, inner])].forEach((nesting, n) => {
      if (!modesOf(nesting)?.includes("reverse")) return;
      const quiet = model(nesting, null);
      const [params, state] = quiet.init(key, point);
      const loss = ({ apply }: typeof quiet) => (p: typeof params, x: NDArray) =>
        apply(p, state, null, x)[0].sum();
      const both = { argnums: [0, 1] } as const;
      const want = grad(loss(quiet), both)(params, point);
      const watched = model(nesting, hidden[n % hidden.length]!);
      const found = grad(loss(watched), both)(params, point);
      assertClose(found, want, 1e-9, nesting.join(" over "));
      assert([...found[1].dataSync()].every(Number.isFinite), `${nesting}: not finite`);
      if (nesting.length > 1) return;
      const compiled = jit(grad(loss(watched), both), { backend: "interpreter" });
      assertClose(compiled(params, point), want, 1e-9, `${nesting}, compiled`);
    });
  });
}
