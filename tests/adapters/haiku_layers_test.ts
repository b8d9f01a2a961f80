/**
 * What dm-haiku's layers say about wrong arguments, and what is not in recorded numbers: initialisers'
 * distributions, dropout, embeddings given, cores outside of models.
 *
 * @module
 */
import {
  DTypeError,
  jit,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const key = random.key(11);
const x = np.ones([4, 6]);
const { initializers } = hk;

/** Runs something in a model. */
function run<R>(f: () => R): R {
  let out: R | undefined;
  hk.transformWithState(() => {
    out = f();
    return 0;
  }).init(key);
  return out as R;
}

/** What an initialiser draws. */
const draw = (init: hk.Initializer, shape: number[]): NDArray =>
  hk.transform(() => hk.getParameter("w", shape, { init })).init(key)["~"]!.w!;

function refused(
  message: string,
  kind: Parameters<typeof assertThrows>[1],
  f: () => unknown,
): void {
  assertThrows(() => run(f), kind, message);
}

Deno.test("initialisers have the moments they promise", () => {
  const shape = [60, 80];
  const moments = (init: hk.Initializer, s = shape): [number, number] => {
    const w = draw(init, s);
    return [w.mean().item() as number, np.std(w).item() as number];
  };
  const table: readonly [hk.Initializer, number, number][] = [
    [initializers.randomNormal(0.5, 2), 2, 0.5],
    [initializers.randomUniform(-1, 3), 1, 4 / Math.sqrt(12)],
    [initializers.truncatedNormal(2), 0, 2 * 0.87962566103423978],
    [initializers.truncatedNormal(1, 0, -0.5, 0.5), 0, 0.2842],
    [initializers.varianceScaling(), 0, 1 / Math.sqrt(60)],
    [initializers.varianceScaling(2, "fanOut", "normal"), 0, Math.sqrt(2 / 80)],
    [initializers.varianceScaling(3, "fanAvg", "uniform"), 0, Math.sqrt(3 / 70)],
    [initializers.uniformScaling(2), 0, 2 / Math.sqrt(60)],
  ];
  for (const [i, [init, mean, std]] of table.entries()) {
    const [m, s] = moments(init);
    assertAlmostEquals(m, mean, 5 * std / Math.sqrt(4800), `mean of ${i}`);
    assertAlmostEquals(s / std, 1, 0.04, `deviation of ${i}`);
  }
  const fans = (axes?: number[]): number =>
    moments(initializers.varianceScaling(1, "fanIn", "normal", axes), [10, 20, 30])[1];
  assertAlmostEquals(fans() * Math.sqrt(200), 1, 0.05);
  assertAlmostEquals(fans([0]) * Math.sqrt(10), 1, 0.05);
});

Deno.test("orthogonal and identity give what they are called", () => {
  const cases: readonly [number[], number][] = [[[5, 3], -1], [[3, 5], -1], [[2, 3, 4], 1], [
    [4, 4],
    0,
  ]];
  for (const [shape, axis] of cases) {
    const w = draw(initializers.orthogonal(2, axis), shape);
    assertEquals(w.shape, shape);
    const rows = np.moveaxis(w, axis, 0).reshape([shape.at(axis)!, -1]);
    const [n, m] = rows.shape as [number, number];
    const product = n <= m ? np.matmul(rows, rows.transpose()) : np.matmul(rows.transpose(), rows);
    assertClose(product, np.eye(Math.min(n, m)).mul(4).toArray() as number[][], 1e-5);
  }
  const stacked = draw(initializers.identity(3), [2, 2, 3]);
  assertEquals(plain(stacked), [[[3, 0, 0], [0, 3, 0]], [[3, 0, 0], [0, 3, 0]]]);
  assertThrows(() => draw(initializers.orthogonal(), [3]), ShapeError, "two or more axes, not [3]");
  assertThrows(() => draw(initializers.identity(), [3]), ShapeError, "two or more axes, not [3]");
  assertThrows(
    () => initializers.varianceScaling(-1),
    RangeError,
    "scale must be 0 or more",
  );
  assertThrows(
    () => initializers.varianceScaling(1, "fan_in" as never),
    TypeError,
    "mode must be one of",
  );
});

Deno.test("dropout drops what it says, and keeps the mean", () => {
  const many = np.ones([50, 80]);
  const y = hk.dropout(key, 0.25, many);
  const kept = y.greater(0).mean().item() as number;
  assertAlmostEquals(kept, 0.75, 0.03);
  assertAlmostEquals(y.max().item() as number, 1 / 0.75, 1e-6);
  const rows = hk.dropout(key, 0.5, many, { broadcastDims: [-1] });
  assertEquals(plain(rows.min(1)), plain(rows.max(1)));
  assertEquals(plain(hk.dropout(key, 0, x)), plain(x));
  assertThrows(
    () => hk.dropout(key, 1, x),
    RangeError,
    "hk.dropout: the rate must be in [0, 1), not",
  );
  assertThrows(
    () => hk.dropout(key, 0.5, x, { broadcastDims: [2] }),
    ShapeError,
    "there is no axis 2",
  );
  assertThrows(() => hk.dropout(np.ones([2]), 0.5, x), StateError, "must be a key");
  const model = hk.transform((x: NDArray, dropoutRate?: number) =>
    new hk.MLP([8, 2]).call(
      x,
      dropoutRate === undefined ? {} : { dropoutRate, rng: hk.nextRngKey() },
    )
  );
  const params = model.init(key, x);
  const out = (rate?: number, seed = 1): string =>
    String(plain(model.apply(params, random.key(seed), x, rate)));
  assertEquals(out(0.5), out(0.5));
  assert(out(0.5) !== out(0.5, 2) && out(0.5) !== out());
  refused(
    "give a key: { rng: hk.nextRngKey() }",
    StateError,
    () => new hk.MLP([2]).call(x, { dropoutRate: 0.5 }),
  );
});

Deno.test("embeddings may be given, and are checked", () => {
  const table = np.array([[1, 2], [3, 4], [5, 6]]);
  const ids = np.array([[2, 0]], { dtype: "int32" });
  const model = hk.transform((i: NDArray) => {
    const embed = new hk.Embed(null, null, { embeddingMatrix: table });
    assertEquals([embed.vocabSize, embed.embedDim], [3, 2]);
    return [embed.call(i), embed.call(i, { lookupStyle: "oneHot" }), embed.embeddings];
  });
  const params = model.init(null, ids);
  assertEquals(plain(params), { embed: { embeddings: [[1, 2], [3, 4], [5, 6]] } });
  const [a, b, all] = model.apply(params, null, ids) as [NDArray, NDArray, NDArray];
  assertEquals([plain(a), plain(b), plain(all)], [
    [[[5, 6], [1, 2]]],
    [[[5, 6], [1, 2]]],
    plain(table),
  ]);
  refused("give vocabSize and embedDim", ShapeError, () => new hk.Embed(3));
  refused(
    "must have shape [4,2]",
    ShapeError,
    () => new hk.Embed(4, null, { embeddingMatrix: table }),
  );
  refused(
    "the ids must be integers",
    DTypeError,
    () => new hk.Embed(null, null, { embeddingMatrix: table }).call(x),
  );
});

Deno.test("what layers are made and called with is checked, in their own terms", () => {
  const bn = (options: hk.BatchNormOptions) => new hk.BatchNorm(0.9, options);
  refused("the decay must be a number in [0, 1]", RangeError, () => new hk.BatchNorm(2));
  refused(
    "there is no scale to initialise",
    StateError,
    () => bn({ createScale: false, scaleInit: initializers.constant(1) }),
  );
  refused(
    "hk.BatchNorm: the module has a scale of its own",
    StateError,
    () => bn({}).call(x, true, { scale: x }),
  );
  refused(
    "isTraining must be true or false",
    StateError,
    () => bn({}).call(x, np.array(1) as never),
  );
  refused(
    "dataFormat must be channelsLast or channelsFirst",
    TypeError,
    () => bn({ dataFormat: "NHWC" as never }),
  );
  refused("there is no axis 3 in", ShapeError, () => bn({ axis: [3] }).call(x, true));
  refused(
    "the input must be float32 or float64",
    DTypeError,
    () => bn({}).call(np.ones([2, 2], { dtype: "int32" }), true),
  );
  refused(
    "hk.LayerNorm: the module has a offset",
    StateError,
    () => new hk.LayerNorm(-1).call(x, { offset: x }),
  );
  refused("there is no axis 2 in", ShapeError, () => new hk.LayerNorm(2).call(x));
  refused("the axis must be a number", TypeError, () => new hk.LayerNorm("last" as never));
  refused(
    "6 channels cannot be divided into 4 groups",
    ShapeError,
    () => new hk.GroupNorm(4).call(x),
  );
  refused("cannot have the batch axis", ShapeError, () => new hk.Bias({ biasDims: [0] }).call(x));
  refused("there is no axis 2 in", ShapeError, () => new hk.Bias({ biasDims: [2] }).call(x));
  refused("must have shape [batch, 5]", ShapeError, () => new hk.Bias({ outputSize: [5] }).call(x));
  refused("two axes or more", ShapeError, () => new hk.Bias().call(np.ones([3])));
  refused(
    "the decay must be a number in [0, 1]",
    RangeError,
    () => new hk.ExponentialMovingAverage(2),
  );
  refused(
    "{ zeroDebias: false }",
    StateError,
    () => new hk.ExponentialMovingAverage(0.5, { warmupLength: 2 }),
  );
  refused("the value must be a matrix", ShapeError, () => new hk.SpectralNorm().call(np.ones([3])));
  refused(
    "the value must be a matrix",
    ShapeError,
    () => new hk.SpectralNorm().call(np.ones([2, 2, 2]), { errorOnNonMatrix: true }),
  );
  refused(
    "give an initialiser of weights",
    StateError,
    () => new hk.MultiHeadAttention(2, 3, {} as never),
  );
  refused(
    "the mask must have 3 axes",
    ShapeError,
    () =>
      new hk.MultiHeadAttention(2, 3, initializers.constant(1)).call(
        x,
        x,
        x,
        np.ones([4, 4]),
      ),
  );
  refused(
    "must be a list of functions and modules",
    StateError,
    () => new hk.Sequential([3 as never]),
  );
  refused("[features] or [batch, features]", ShapeError, () => {
    const core = new hk.LSTM(2);
    return core.call(np.ones([2, 2, 2]), core.initialState(2));
  });
  refused("hk.ResetCore: expected a core", StateError, () => new hk.ResetCore(nn.relu as never));
  refused("does not begin with", ShapeError, () => {
    const core = new hk.ResetCore(new hk.GRU(2));
    return core.call([x, np.ones([3])], core.initialState(4));
  });
  refused("the sequence has no steps", ShapeError, () => {
    const core = new hk.GRU(2);
    return hk.staticUnroll(core, np.ones([0, 2]), core.initialState());
  });
});

Deno.test("BatchNorm may be initialised for testing; statistics then begin at zero", () => {
  const model = hk.transformWithState((x: NDArray, isTraining: boolean) =>
    new hk.BatchNorm(0.5).call(x, isTraining)
  );
  const data = np.array([[1, 2], [3, 8]]);
  const [params, state] = model.init(null, data, false);
  const [, other] = model.init(null, data, true);
  const [a, afterA] = model.apply(params, state, null, data, true);
  const [b, afterB] = model.apply(params, other, null, data, true);
  assertEquals([plain(a), plain(afterA)], [plain(b), plain(afterB)]);
  const local = hk.transformWithState((x: NDArray) =>
    new hk.BatchNorm(0.5).call(x, false, { testLocalStats: true })
  );
  assertEquals(plain(local.apply(params, state, null, data)[0]), plain(a));
  assertEquals(plain(local.apply(params, afterA, null, data)[1]), plain(afterA));
});

Deno.test("unrolling is a loop outside of models too, and keeps trees", () => {
  const step = (x: { a: NDArray; b: NDArray }, s: NDArray) =>
    [{ sum: s.add(x.a), twice: x.b.mul(2) }, s.add(x.a)] as const;
  const xs = { a: np.array([[1, 2, 3]]), b: np.array([[4, 5, 6]]) };
  const start = np.array([0]);
  const [outs, last] = hk.dynamicUnroll(step, xs, start, { timeMajor: false });
  const [same, end] = hk.staticUnroll(step, xs, start, { timeMajor: false });
  assertEquals(plain([outs, last]), [{ sum: [[1, 3, 6]], twice: [[8, 10, 12]] }, [6]]);
  assertEquals(plain([same, end]), plain([outs, last]));
  const all = hk.dynamicUnroll(step, xs, start, { timeMajor: false, returnAllStates: true })[1];
  assertEquals(plain(all), [[1, 3, 6]]);
  const text = jit(
    (x: NDArray) => hk.dynamicUnroll((x: NDArray, s: NDArray) => [x, s.add(x)], x, np.array(0))[1],
    {
      backend: "interpreter",
    },
  );
  assertEquals(text(np.array([1, 2])).item(), 3);
});

Deno.test("a core that is made in a loop's body has one set of weights, and state follows through", () => {
  const model = hk.transformWithState((xs: NDArray) => {
    const step = (x: NDArray, s: hk.LSTMState) => {
      hk.setState("steps", hk.getState("steps", [], { init: initializers.constant(0) }).add(1));
      return new hk.LSTM(3, { name: "core" }).call(x, s);
    };
    const zero = np.zeros([3]);
    return hk.dynamicUnroll(step, xs, { hidden: zero, cell: zero })[0];
  });
  const xs = np.ones([5, 2]);
  const [params, state] = model.init(key, xs);
  assertEquals([Object.keys(params), plain(state)], [["core/linear"], { "~": { steps: 0 } }]);
  assertEquals(plain(model.apply(params, state, null, xs)[1]), { "~": { steps: 5 } });
});
