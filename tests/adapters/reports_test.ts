/**
 * Programs that users of the original systems reported as wrong, as one writes them here: keys and state
 * under transforms.
 *
 * @module
 */
import { type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("layers in a stack, steps and lanes have keys of their own, and a branch that sets state is told of", () => {
  // google/flax#4589: a stack that is made with split streams goes through scan, its dropout too.
  class Layer extends nnx.Module {
    readonly linear: nnx.Linear;
    readonly dropout: nnx.Dropout;
    constructor(rngs: nnx.Rngs) {
      super();
      this.linear = new nnx.Linear(3, 3, { rngs });
      this.dropout = new nnx.Dropout(0.5, { rngs });
    }
    call(x: NDArray): NDArray {
      return this.linear.call(this.dropout.call(x));
    }
  }
  const rngs = new nnx.Rngs(0);
  const make = nnx.vmap((rngs: nnx.Rngs) => new Layer(rngs));
  const layers = nnx.splitRngs(rngs, { splits: 3 }, () => make(rngs));
  const through = nnx.scan((x: NDArray, m: Layer) => m.call(x), {
    inAxes: [nnx.Carry, 0],
    outAxes: nnx.Carry,
  });
  const run = nnx.jit((m: Layer, x: NDArray) => through(x, m));
  const outs = [0, 1].map(() => run(layers, np.ones([3])).toArray());
  assert(String(outs[0]) !== String(outs[1]), "each call drops other elements");
  assertEquals(layers.dropout.rngs!.count.value.toArray(), [2, 2, 2]);
  // google/flax#4950: a function of a module splits its stream in scan as a class does.
  class Steps extends flax.Module {
    constructor(readonly split: boolean) {
      super();
    }
    call(x: NDArray): NDArray {
      const step = (m: Steps, c: NDArray, _: NDArray) => [c, m.makeRng("dropout")];
      const over = flax.scan(step, { splitRngs: { dropout: this.split } });
      return over(this, np.array(0), x)[1]!;
    }
  }
  const drawn = (split: boolean): number =>
    new Set(
      (new Steps(split).apply({}, np.ones([3]), { rngs: { dropout: random.key(0) } })
        .toArray() as unknown[]).map(String),
    ).size;
  assertEquals([drawn(true), drawn(false)], [3, 1]);
  // google-deepmind/dm-haiku#785: a branch that sets state, in a vmap, is told what to write.
  const chosen = hk.transformWithState((i: NDArray) =>
    hk.vmap((i: NDArray) => {
      const set = () => (hk.setState("a", np.array(1)), i);
      return hk.switchCase(i, [set, () => i]);
    }, { splitRng: false })(i)
  );
  assertThrows(
    () => chosen.init(null, np.array([0, 1], { dtype: "int32" })),
    StateError,
    'reduceState: { "~/a": "mean" }, give each lane its own, stateAxes: { "~/a": 0 }',
  );
});
