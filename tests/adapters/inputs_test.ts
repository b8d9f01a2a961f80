/**
 * What newcomers give to layers and to their constructors: lists and typed arrays in the place of arrays,
 * nothing, text, and an object in the place of arguments. Each layer of each system says what it takes.
 *
 * @module
 */
import { grad, jit, minimise, type NDArray, numpy as np, random, vmap } from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const key = random.key(0);
const rngs = new nnx.Rngs(0);
const row = np.ones([1, 3]);

/** Runs the layers of a system on an input. */
const systems: Record<string, [run: (layer: Any, x: Any) => unknown, layers: (() => Any)[]]> = {
  haiku: [
    (make, x) => hk.transformWithState((x) => make().call(x)).init(key, x),
    [
      () => new hk.Linear(2),
      () => new hk.MLP([2]),
      () => new hk.Bias(),
      () => new hk.Sequential([new hk.Linear(2)]),
    ],
  ],
  flax: [
    (make, x) => make().init({ params: key, dropout: key }, x),
    [
      () => new flax.Dense(2),
      () => new flax.LayerNorm(),
      () => new flax.BatchNorm({ useRunningAverage: true }),
      () => new flax.Conv(2, [2]),
      () => new flax.Dropout(0.5, { deterministic: false }),
      () => new flax.MultiHeadDotProductAttention(2),
      () => new flax.GroupNorm({ numGroups: 1 }),
      () => new flax.DenseGeneral(2),
      () => new flax.RNN(new flax.LSTMCell(2)),
    ],
  ],
  nnx: [
    (make, x) => make().call(x),
    [
      () => new nnx.Linear(3, 2, { rngs }),
      () => new nnx.LayerNorm(3, { rngs }),
      () => new nnx.BatchNorm(3, { rngs }),
      () => new nnx.Conv(3, 2, 2, { rngs }),
      () => new nnx.Embed(3, 2, { rngs }),
      () => new nnx.Dropout(0.5, { rngs }),
      () => new nnx.PReLU(),
      () => new nnx.LinearGeneral(3, 2, { rngs }),
      () => new nnx.MultiHeadAttention(1, 3, { decode: false, rngs }),
    ],
  ],
  trax: [
    (make, x) => {
      const layer = make();
      layer.init(tl.signature(row), key);
      return layer.call(x);
    },
    [() => tl.Dense(2), () => tl.LayerNorm(), () => tl.BatchNorm({ axis: 0 }), () => tl.Relu()],
  ],
  equinox: [
    (make, x) => make().call(x),
    [
      () => new eqx.nn.Linear(3, 2, { key }),
      () => new eqx.nn.MLP(3, 2, 2, 1, { key }),
      () => new eqx.nn.LayerNorm(3),
      () => new eqx.nn.Conv1d(3, 2, 1, { key }),
      () => new eqx.nn.PReLU(),
      () => new eqx.nn.AvgPool1d(1),
    ],
  ],
};

Deno.test("each layer says of an input that is no array what it is, and how to make one", () => {
  const wrong: [value: unknown, told: RegExp][] = [
    [[[1, 2, 3]], /array of length 1.*np\.array/],
    [new Float32Array([1, 2, 3]), /Float32Array.*np\.array/],
    ["text", /Convert text/],
    [undefined, /left out/],
    [null, /left out/],
  ];
  for (const [system, [run, layers]] of Object.entries(systems)) {
    for (const make of layers) {
      for (const [value, told] of wrong) {
        const where = `${system}, ${make}, ${JSON.stringify(value)}`;
        const error = assertThrows(() => run(make, value), Error, "", where);
        assert(told.test(error.message), `${where}: ${error.message}`);
      }
    }
  }
  assertThrows(
    () => tl.signature([[1, 2]] as never),
    TypeError,
    "Make an array of it with np.array",
  );
});

Deno.test("errors of a method that are of something else stay as they are", () => {
  class Mine extends nnx.Module {
    call(_: NDArray, settings: Any): NDArray {
      return settings.scale.by;
    }
  }
  assertThrows(() => new Mine().call(row, {}), TypeError, "reading 'by'");
  const own = new Mine();
  assertEquals(own.call(row, { scale: { by: row } }), row);
  class Sums extends nnx.Module {
    call(xs: readonly number[]): number {
      return xs.reduce((a, b) => a + b);
    }
  }
  assertEquals(new Sums().call([1, 2]), 3);
});

Deno.test("arguments that have places are not taken from an object, and the call is shown", () => {
  const calls: [call: () => unknown, right: string][] = [
    [
      () => new (nnx.Linear as Any)({ inFeatures: 3, outFeatures: 2, rngs }),
      "nnx.Linear(3, 2, { rngs",
    ],
    [() => new (nnx.Dropout as Any)({ rate: 0.5, rngs }), "new nnx.Dropout(0.5, { rngs"],
    [
      () => new (flax.Dense as Any)({ features: 3, useBias: false }),
      "Dense(3, { useBias: false })",
    ],
    [() => new (flax.Conv as Any)({ features: 3, kernelSize: [3, 3] }), "new flax.Conv(3, [3, 3])"],
    [
      () => new (eqx.nn.Linear as Any)({ inFeatures: 3, key }),
      "eqx.nn.Linear(3, outFeatures, { key",
    ],
    [() => (tl.Dropout as Any)({ rate: 0.5, mode: "eval" }), 'tl.Dropout(0.5, { mode: "eval" })'],
    [
      () => hk.transform(() => new (hk.Linear as Any)({ outputSize: 3 })).init(null),
      "Write new hk.Linear(3)",
    ],
  ];
  for (const [call, right] of calls) assertThrows(call, TypeError, right);
  const model = new nnx.Linear(3, 1, { rngs });
  assertThrows(
    () =>
      (new nnx.Optimizer(model, optim.adam(0.1), { wrt: nnx.Param }) as Any).update(
        nnx.state(model),
      ),
    TypeError,
    "Write optimizer.update(model, gradients)",
  );
  assertThrows(
    () => new (nnx.Optimizer as Any)(model, optim.adam(0.1)),
    TypeError,
    "Write new nnx.Optimizer(model, tx, { wrt: nnx.Param })",
  );
  assertThrows(
    () => hk.transformWithState(() => new hk.BatchNorm(0.9).call(row, {} as Any)).init(null),
    Error,
    "Write norm.call(x, true)",
  );
});

Deno.test("operations on what holds an array, or gives one, say which it is", () => {
  const solution = minimise((x: NDArray) => x.square().sum(), row);
  const held = "The array is its .value: pass x.value";
  const wrong: [Any, string][] = [
    [new nnx.Linear(3, 1, { rngs }).kernel, held],
    [solution, held],
    [hk.transform(() => new hk.Linear(2).call(row)), "as in x.apply(...)"],
    [new flax.Dense(2), "as in x.call(...)"],
    [new nnx.Linear(3, 1, { rngs }), "as in x.call(...)"],
    [new eqx.nn.Linear(3, 1, { key }), "as in x.call(...)"],
    [tl.Dense(2), "as in x.call(...)"],
    [{ w: row }, "apply it to each with treeMap"],
    [Promise.resolve(row), "Await it first"],
  ];
  for (const [x, right] of wrong) {
    for (
      const f of [() => np.add(x, 3), () => row.mul(x), () => np.sin(x), () => np.matmul(row, x)]
    ) {
      assertThrows(f, TypeError, right);
    }
  }
});

Deno.test("plain transforms of modules of Equinox with leaves that are no floats name the filtered ones", () => {
  class Model extends eqx.Module {
    constructor(readonly w: NDArray, readonly rest: Any) {
      super();
    }
  }
  const f: Any = (m: Model): NDArray => m.w.sum();
  const [withFunction, withIntegers] = [np.tanh, np.array([1], { dtype: "int32" })].map((rest) =>
    new Model(row, rest)
  );
  const advice = "there are eqx.filterGrad, eqx.filterJit, eqx.filterVmap";
  for (const t of [grad, jit, vmap] as Any[]) assertThrows(() => t(f)(withFunction), Error, advice);
  assertThrows(() => grad(f)(withIntegers as Any), TypeError, advice);
  assertEquals((eqx.filterGrad(f)(withIntegers as Any) as Model).w.shape, [1, 3]);
});
