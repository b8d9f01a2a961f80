/**
 * Layers over several axes, by equations, of low rank and one after another, and metrics, beside the
 * original's.
 *
 * @module
 */
import { AxisError, jit, type NDArray, numpy as np, ShapeError, StateError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import {
  array,
  assertState,
  assertTree,
  type Entries,
  type Json,
  recorded,
} from "./nnx_recorded.ts";

const rngs = (seed: number): nnx.Rngs => new nnx.Rngs(seed);
const some = nnx.initializers.normal(0.5);

type Layer = nnx.Module & { call(x: NDArray): NDArray };

const layers: Record<string, Layer> = {
  general: new nnx.LinearGeneral([3, 5], [2, 3], { axis: [1, -1], biasInit: some, rngs: rngs(1) }),
  generalOwn: new nnx.LinearGeneral(4, [2], {
    axis: 2,
    batchAxis: { 0: 2, 1: 3 },
    biasInit: some,
    rngs: rngs(2),
  }),
  generalBare: new nnx.LinearGeneral(4, 3, { useBias: false, rngs: rngs(3) }),
  einsum: new nnx.Einsum("nta,hab->nthb", [3, 4, 2], [3, 2], { biasInit: some, rngs: rngs(4) }),
  einsumDots: new nnx.Einsum("...ab,bc->...ca", [5, 2], [2], { biasInit: some, rngs: rngs(5) }),
  einsumBare: new nnx.Einsum("abc, cd -> da", [4, 3], null, { rngs: rngs(6) }),
  lora: new nnx.LoRA(4, 2, 3, {
    baseModule: new nnx.Linear(4, 3, { rngs: rngs(7) }),
    bInitializer: some,
    rngs: rngs(8),
  }),
  loraLinear: new nnx.LoRALinear(4, 3, { loraRank: 2, bInitializer: some, rngs: rngs(9) }),
  sequential: new nnx.Sequential(
    new nnx.Linear(4, 2, { rngs: rngs(10) }),
    np.sin as (x: NDArray) => NDArray,
    (x: NDArray) => [x, x.mul(2)],
    (x: NDArray, y: NDArray) => x.add(y),
    new nnx.PReLU({ negativeSlopeInit: 0.2 }),
  ),
};

Deno.test("initial values, results and gradients are those of the original", () => {
  const cases = recorded.general as unknown as Record<
    string,
    { x: Json; y: Json; dx: Json; state: Entries; grads: Entries }
  >;
  assertEquals(Object.keys(cases).sort(), Object.keys(layers).sort());
  for (const [name, m] of Object.entries(layers)) {
    const r = cases[name]!;
    assertState(m, r.state, 2e-6);
    const x = array(r.x);
    assertClose(m.call(x), array(r.y), 5e-6, name);
    const both = nnx.jit(nnx.valueAndGrad(
      (m: Layer, x: NDArray) => np.sin(m.call(x)).sum(),
      { argnums: [0, 1] },
    ));
    const [, [grads, dx]] = both(m, x) as unknown as [NDArray, [unknown, NDArray]];
    assertTree(grads, r.grads, 5e-5);
    assertClose(dx, array(r.dx), 2e-5, `${name}: by the input`);
  }
});

Deno.test("what is of low rank is chosen by its type, and added to a layer that stays", () => {
  const m = layers.loraLinear as nnx.LoRALinear;
  assertEquals(Object.keys(nnx.state(m, nnx.LoRAParam)), ["lora"]);
  const by = new nnx.DiffState(0, nnx.LoRAParam);
  const slopes = nnx.grad((m: nnx.LoRALinear) => m.call(np.ones([4])).sum(), { argnums: by })(m);
  assertEquals(Object.keys(slopes), ["lora"]);
  const bare = new nnx.LoRALinear(4, 3, { loraRank: 2, rngs: rngs(9) });
  const plain = new nnx.Linear(4, 3, { rngs: rngs(9) });
  assertEquals(bare.call(np.ones([4])).toArray(), plain.call(np.ones([4])).toArray());
});

Deno.test("metrics are those of the original, also where compiled steps gather them", () => {
  const r = recorded.metrics!;
  const [values, logits] = [array(r.values), array(r.logits)];
  const labels = array(r.labels).astype("int32");
  const { Average, Accuracy, Welford } = nnx.metrics;
  const made = {
    own: new nnx.MultiMetric({ mean: new Average(), spread: new Welford(), right: new Accuracy() }),
    masked: new Average(),
    yes: new Accuracy({ threshold: 0.25 }),
  };
  const gather = (m: typeof made, values: NDArray, logits: NDArray, labels: NDArray): NDArray => {
    m.own.update({ values, logits, labels });
    m.masked.update({ values, mask: values.greater(0) });
    m.yes.update({ logits: np.take(logits, 0, 1), labels });
    return values;
  };
  const compiled = nnx.jit(gather);
  for (const step of [gather, compiled]) {
    (r.after as Record<string, Json>[]).forEach((wanted, i) => {
      step(made, values.at(i), logits.at(i), labels.at(i));
      const { mean, spread, right } = made.own.compute();
      const { standardErrorOfMean, standardDeviation } = spread;
      const got = {
        mean,
        right,
        masked: made.masked.compute(),
        yes: made.yes.compute(),
        spread: np.stack([spread.mean, standardErrorOfMean, standardDeviation]),
      };
      for (const [name, x] of Object.entries(got)) assertClose(x, array(wanted[name]), 1e-5, name);
    });
    for (const metric of Object.values(made)) metric.reset();
    assert(Number.isNaN(made.masked.compute().item()));
  }
  const mean = new Average({ argname: "loss" });
  mean.update({ loss: 3, other: 5 });
  mean.update({ loss: 4 });
  assertEquals(mean.compute().item(), 3.5);
});

Deno.test("layers and metrics say what does not fit", () => {
  const { LinearGeneral, Einsum, LoRA, Sequential, MultiMetric, metrics } = nnx;
  const options = { rngs: rngs(0) };
  assertThrows(
    () => new LinearGeneral([2, 3], 4, options),
    ShapeError,
    "2 lengths, but axis names 1",
  );
  assertThrows(
    () => new LinearGeneral(2, 4, { ...options, batchAxis: { 1: 3 } }),
    AxisError,
    "must name the leading axes",
  );
  assertThrows(
    () => new LinearGeneral(2, 4, options).call(np.ones([3])),
    ShapeError,
    "axes [0] of the input must be [2], but it is [3]",
  );
  assertThrows(() => new Einsum("ab,bc", [2, 3], null, options), ShapeError, "axes of the result");
  assertThrows(() => new Einsum("ab->ab", [2, 3], null, options), ShapeError, "two operands");
  const wrong = new Einsum("ab,bcd->acd", [2, 3], null, options);
  assertThrows(
    () => wrong.call(np.ones([4, 2])),
    ShapeError,
    "names 3 axes of the weights, which are [2,3]",
  );
  const bias = new Einsum("ab,bc->ac", [2, 3], [2], options);
  assertThrows(() => bias.call(np.ones([4, 2])), ShapeError, "the bias is [2]");
  assertThrows(() => new LoRA(2, 0, 3, options), ShapeError, "the rank must be a positive integer");
  assertThrows(
    () => new Sequential({} as never),
    TypeError,
    "layer 0 must be a module or a function",
  );
  assertThrows(() => new MultiMetric({ loss: {} as never }), TypeError, "loss must be a metric");
  assertThrows(() => new metrics.Average().update({}), TypeError, "values must be an array");
  const accuracy = new metrics.Accuracy();
  const logits = np.ones([3]);
  assertThrows(
    () => accuracy.update({ logits, labels: np.ones([3]) }),
    ShapeError,
    "one more axis than the labels",
  );
  assertThrows(
    () => accuracy.update({ logits: np.ones([3, 2]), labels: np.ones([3]) }),
    TypeError,
    "labels must be integers",
  );
  assertEquals(jit((x: NDArray) => new Sequential().call(x))(logits).toArray(), [1, 1, 1]);
});

Deno.test("a state of another model is refused where its arrays have other shapes, and nothing is set", () => {
  const [a, b] = [new nnx.Linear(2, 3, { rngs: rngs(0) }), new nnx.Linear(3, 3, { rngs: rngs(1) })];
  const before = plain(nnx.state(a));
  assertThrows(
    () => nnx.update(a, nnx.state(b)),
    ShapeError,
    "float32[3,3] for the Param kernel, which is float32[2,3]",
  );
  assertEquals(plain(nnx.state(a)), before);
  nnx.update(a, { bias: b.bias!.value });
  a.kernel.value = b.kernel.value;
  assertEquals(plain(nnx.state(a)), plain(nnx.state(b)));
});

Deno.test("flags that no module has, and values that are sown as two types, are refused", () => {
  const model = new nnx.Sequential(new nnx.Dropout(0.5), new nnx.BatchNorm(2, { rngs: rngs(0) }));
  model.setAttributes({ deterministic: true, momentum: 0.5 });
  const [dropout, norm] = model.layers as unknown as [nnx.Dropout, nnx.BatchNorm];
  assertEquals([dropout.deterministic, norm.momentum], [true, 0.5]);
  const wrong = { deterministic: false, determinstic: false };
  assertThrows(
    () => model.setAttributes(wrong),
    StateError,
    '"determinstic", but no module of Sequential',
  );
  assertEquals(dropout.deterministic, true);
  model.train({ nobody: 1 });
  nnx.sow(model, "seen", np.array(1));
  assertThrows(
    () => nnx.sow(model, "seen", np.array(1), nnx.Cache),
    StateError,
    'an instance of Intermediate under the name "seen", not a variable that values were sown to as Cache',
  );
});
