/** The layers of the Equinox adapter against Equinox's own numbers, initial parameters included. */
import { grad, jit, type NDArray, numpy as np, random, ShapeError, vmap } from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import recorded from "../reference/equinox.json" with { type: "json" };
import { assertClose } from "../support/arrays.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const arr = ({ shape, data }: Recorded, dtype: "float32" | "bool" = "float32"): NDArray =>
  np.array([...data], { dtype }).reshape([...shape]);
const close = (actual: NDArray, expected: Recorded, what: string): void =>
  assertClose(actual, arr(expected).toArray(), 2e-6, what); // zeros of either sign
const key = random.key(0);

/** The gradient of the sum of the sines of what a model gives. */
function slopes<M extends eqx.Module>(model: M, call: (m: M) => NDArray | readonly NDArray[]): M {
  return eqx.filterGrad((m: M) => {
    const out = call(m);
    return (Array.isArray(out) ? out as readonly NDArray[] : [out as NDArray])
      .map((y) => np.sin(y).sum()).reduce((a, b) => a.add(b));
  })(model);
}

Deno.test("Equinox's numbers: Linear and MLP", () => {
  const r = recorded.linear, x = arr(r.x);
  const layer = new eqx.nn.Linear(3, 2, { key });
  close(layer.weight, r.weight, "weight");
  close(layer.bias!, r.bias, "bias");
  close(layer.call(x), r.y, "y");
  const slope = slopes(layer, (m) => m.call(x));
  close(slope.weight, r.dweight, "slope by the weight");
  close(slope.bias!, r.dbias, "slope by the bias");

  const mlp = new eqx.nn.MLP(3, 2, 4, 2, { key, activation: np.tanh });
  close(mlp.call(x), recorded.mlp.y, "mlp");
  mlp.layers.forEach((l, i) => close(l.weight, recorded.mlp.weights[i]!, `weight ${i}`));
  const by = slopes(mlp, (m) => m.call(x));
  by.layers.forEach((l, i) => close(l.weight, recorded.mlp.dweights[i]!, `slope ${i}`));
});

Deno.test("layers of scalars have the parameters of size 1, and no such axis", () => {
  const { Linear, MLP } = eqx.nn;
  const x = np.array([0.3, -2]);
  const [from, to] = [new Linear("scalar", 3, { key }), new Linear(3, "scalar", { key })];
  const [one, last] = [new Linear(1, 3, { key }), new Linear(3, 1, { key })];
  assertEquals([from.weight.shape, from.bias!.shape], [[3, 1], [3]]);
  assertEquals([to.weight.shape, to.bias!.shape], [[1, 3], [1]]);
  assertClose(from.call(x), one.call(np.expandDims(x, -1)), 0);
  assertClose(to.call(from.call(x)), np.squeeze(last.call(from.call(x)), -1), 0);
  assertEquals(to.call(from.call(np.array(1))).shape, []);
  const mlp = new MLP("scalar", "scalar", 4, 1, { key, activation: np.tanh });
  const slope = jit(vmap(grad((x: NDArray) => mlp.call(x))))(x);
  const wide = new MLP(1, 1, 4, 1, { key, activation: np.tanh });
  assertClose(slope, grad((x: NDArray) => wide.call(np.expandDims(x, -1)).sum())(x), 1e-6);
  assertThrows(() => new Linear(0, "scalar", { key }), ShapeError, "inFeatures must be");
});

Deno.test("Equinox's numbers: LayerNorm and RMSNorm", () => {
  for (
    const [Norm, r] of [[eqx.nn.LayerNorm, recorded.layerNorm], [
      eqx.nn.RMSNorm,
      recorded.rmsNorm,
    ]] as const
  ) {
    const plain: eqx.nn.LayerNorm | eqx.nn.RMSNorm = new Norm([2, 3]);
    const norm = eqx.treeAt((m) => m.weight, plain, arr(r.weight));
    close(norm.call(arr(r.x)), r.y, Norm.name);
    close(slopes(norm, (m) => m.call(arr(r.x))).weight!, r.dweight, `slope of ${Norm.name}`);
  }
});

Deno.test("Equinox's numbers: GroupNorm", () => {
  const r = recorded.groupNorm, x = arr(r.x);
  const made = new eqx.nn.GroupNorm(2, 6, { eps: 0.01 });
  const norm = eqx.treeAt((m) => [m.weight, m.bias], made, [arr(r.weight), arr(r.bias)]);
  close(norm.call(x), r.y, "y");
  const slope = slopes(norm, (m) => m.call(x));
  close(slope.weight!, r.dweight, "slope by the weight");
  close(slope.bias!, r.dbias, "slope by the bias");
  const bare = new eqx.nn.GroupNorm(2, null, { channelwiseAffine: false, eps: 0.01 });
  assertClose(bare.call(x), made.call(x), 1e-6);
  const { GroupNorm } = eqx.nn;
  assertThrows(() => new GroupNorm(4, 6), ShapeError, "6 channels do not make 4 groups");
  assertThrows(() => new GroupNorm(2), ShapeError, "need the number of channels");
  assertThrows(() => made.call(np.ones([4, 2])), ShapeError, "must be [6, ...]");
  assertThrows(() => bare.call(np.ones([3])), ShapeError, "3 channels do not make 2 groups");
});

Deno.test("Equinox's numbers: PReLU and RotaryPositionalEmbedding", () => {
  const { PReLU, RotaryPositionalEmbedding } = eqx.nn;
  const r = recorded.prelu, x = arr(r.x);
  const prelu = new PReLU({ initAlpha: arr(r.slope) });
  close(prelu.call(x), r.y, "y");
  close(slopes(prelu, (m) => m.call(x)).negativeSlope, r.dslope, "slope");
  close(new PReLU().negativeSlope, r.first, "first slope");

  const s = recorded.rotary, positions = arr(s.x);
  const rotary = new RotaryPositionalEmbedding(6);
  close(eqx.filterJit((m: typeof rotary) => m.call(positions))(rotary), s.y, "rotary");
  const loss = (x: NDArray): NDArray => np.sin(rotary.call(x)).sum();
  close(grad(loss)(positions), s.dx, "rotary, by the input");
  const other = new RotaryPositionalEmbedding(6, { theta: 100 });
  assertClose(other.call(positions).at(0), positions.at(0), 1e-6);
  assertThrows(() => new RotaryPositionalEmbedding(3), ShapeError, "must be even");
  assertThrows(() => rotary.call(np.ones([6])), ShapeError, "must be [positions, 6]");
});

Deno.test("Equinox's numbers: WeightNorm", () => {
  const { Conv1d, Linear, WeightNorm } = eqx.nn;
  const linear = new Linear(3, 2, { key });
  const made = {
    linear: new WeightNorm<eqx.nn.Linear | eqx.nn.Conv>(linear),
    inputs: new WeightNorm<eqx.nn.Linear | eqx.nn.Conv>(linear, { axis: 1 }),
    all: new WeightNorm<eqx.nn.Linear | eqx.nn.Conv>(linear, { axis: null }),
    conv: new WeightNorm<eqx.nn.Linear | eqx.nn.Conv>(new Conv1d(2, 3, 2, { key })),
  };
  for (const [name, layer] of Object.entries(made)) {
    const r = recorded.weightNorm[name as keyof typeof made], x = arr(r.x);
    assertClose(layer.call(x), layer.layer.call(x), 2e-6, `${name}: at first`);
    const moved = eqx.treeAt((m) => m.g, layer, layer.g.mul(2).add(1));
    close(moved.g, r.g, `${name}: g`);
    close(moved.call(x), r.y, `${name}: y`);
    const slope = slopes(moved, (m) => m.call(x));
    close(slope.g, r.dg, `${name}: slope by g`);
    close(slope.layer.weight, r.dweight, `${name}: slope by the weight`);
  }
  const options = { weightName: "weights" };
  assertThrows(() => new WeightNorm(linear, options), TypeError, 'an array in "weights"');
});

Deno.test("Equinox's numbers: SpectralNorm, and its state", () => {
  const { Conv1d, Linear, SpectralNorm } = eqx.nn;
  const cases: [name: "linear" | "conv", layer: eqx.nn.Linear | eqx.nn.Conv, steps: number][] = [
    ["linear", new Linear(3, 2, { key }), 1],
    ["conv", new Conv1d(2, 3, 2, { key }), 2],
  ];
  for (const [name, layer, steps] of cases) {
    const r = recorded.spectralNorm[name], x = arr(r.x);
    const [made, state] = eqx.makeWithState(() =>
      new SpectralNorm(layer, "weight", { numPowerIterations: steps, key: random.key(1) })
    )();
    const near = (actual: readonly NDArray[], wanted: readonly Recorded[], what: string): void =>
      wanted.forEach((w, i) => assertClose(actual[i]!, arr(w), 1e-5, `${name}: ${what}, ${i}`));
    near(state.get(made.uvIndex), r.uv, "vectors");
    const moved = eqx.treeAt((m) => m.layer.weight, made, arr(r.weight));
    const still = eqx.nn.inferenceMode(moved).call(x, state.clone());
    near([still[0]], [r.still], "inference");
    near(still[1].get(made.uvIndex), r.uv, "vectors, which stay");
    const [y, after] = eqx.filterJit((m: typeof moved, s: eqx.State) => m.call(x, s))(
      moved,
      state.clone(),
    );
    near([y], [r.y], "y");
    near(after.get(made.uvIndex), r.after, "vectors after");
    const slope = slopes(moved, (m) => m.call(x, state.clone())[0]);
    near([slope.layer.weight], [r.dweight], "slope");
  }
  const [linear] = [cases[0]![1]];
  assertThrows(() => new SpectralNorm(linear, "bias", { key }), ShapeError, "at least two axes");
});

Deno.test("Equinox's numbers: Embedding and Dropout", () => {
  const embedding = new eqx.nn.Embedding(5, 3, { key });
  close(embedding.weight, recorded.embedding.weight, "weight");
  close(embedding.call(3), recorded.embedding.y, "row");
  const dropped = new eqx.nn.Dropout(0.4).call(np.ones([20]), { key: random.key(7) });
  close(dropped, recorded.dropout.y, "the same zeros");
});

Deno.test("Equinox's numbers: GRUCell and LSTMCell", () => {
  const g = recorded.gru, x = arr(g.x), h = arr(g.h);
  const gru = new eqx.nn.GRUCell(3, 4, { key });
  close(gru.weightIh, g.weightIh, "weightIh");
  close(gru.biasN!, g.biasN, "biasN");
  close(gru.call(x, h), g.y, "gru");
  const by = slopes(gru, (m) => m.call(x, h));
  close(by.weightHh, g.dweightHh, "slope by weightHh");
  close(by.biasN!, g.dbiasN, "slope by biasN");

  const r = recorded.lstm;
  const lstm = new eqx.nn.LSTMCell(3, 4, { key });
  close(lstm.bias!, r.bias, "bias");
  lstm.call(x, [h, h.mul(0.5)]).forEach((y, i) => close(y, r.y[i]!, `lstm ${i}`));
  const slope = slopes(lstm, (m) => m.call(x, [h, h.mul(0.5)]));
  close(slope.weightIh, r.dweightIh, "slope by weightIh");
  close(slope.bias!, r.dbias, "slope by the bias");
});

Deno.test("Equinox's numbers: MultiheadAttention, with masks, dropout and sizes", () => {
  const r = recorded.attention, q = arr(r.query), kv = arr(r.kv);
  const attention = new eqx.nn.MultiheadAttention(2, 4, { key, dropoutP: 0.3 });
  const plain = eqx.nn.inferenceMode(attention);
  close(plain.call(q, kv, kv), r.y, "attention");
  close(plain.call(q, kv, kv, { mask: arr(r.mask, "bool") }), r.masked, "masked");
  close(attention.call(q, kv, kv, { key: random.key(5) }), r.dropped, "dropped");
  close(slopes(plain, (m) => m.call(q, kv, kv)).queryProj.weight, r.dquery, "slope");
  const s = recorded.attentionSizes;
  const sized = new eqx.nn.MultiheadAttention(2, 4, {
    ...{ key, keySize: 3, valueSize: 5, outputSize: 6, qkSize: 2, voSize: 3 },
    ...{ useQueryBias: true, useKeyBias: true, useValueBias: true, useOutputBias: true },
  });
  close(sized.call(arr(s.q), arr(s.k), arr(s.v)), s.y, "sizes");
});

Deno.test("Equinox's numbers: BatchNorm in both modes, its statistics, and in inference", () => {
  for (const mode of ["batch", "ema"] as const) {
    const r = recorded[`batchNorm_${mode}`];
    let [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(2, { mode, momentum: 0.9 });
    let y: NDArray;
    for (const row of r.rows) {
      [y, state] = norm.call(arr(row.x), state);
      close(y, row.y, `${mode}: y`);
      state.get(norm.hidden).forEach((v, i) => close(v, row.hidden[i]!, `${mode}: hidden ${i}`));
    }
    const still = eqx.nn.inferenceMode(norm);
    close(still.call(arr(r.rows[0]!.x), state)[0], r.inference, `${mode}: inference`);
    const last = state;
    const slope = slopes(norm, (m) => m.call(arr(r.rows[0]!.x), last.clone())[0]);
    assertClose(slope.weight, arr(r.dweight), 2e-5, `${mode}: slope`);
  }
  const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(3, { mode: "batch" });
  close(norm.call(arr(recorded.batchNormImages.x), state)[0], recorded.batchNormImages.y, "images");
});

Deno.test("Equinox's numbers: an ensemble by filterVmap", () => {
  class Net extends eqx.Module {
    readonly a: eqx.nn.Linear;
    readonly b: eqx.nn.Linear;
    constructor(key: NDArray) {
      super();
      const keys = random.split(key, 2);
      this.a = new eqx.nn.Linear(3, 4, { key: keys.at(0) });
      this.b = new eqx.nn.Linear(4, 1, { key: keys.at(1) });
    }
    call(x: NDArray): NDArray {
      return this.b.call(np.tanh(this.a.call(x)));
    }
  }
  const nets = eqx.filterVmap((key: NDArray) => new Net(key))(random.split(key, 3));
  close(nets.a.weight, recorded.ensemble.weight, "weights");
  const run = eqx.filterVmap((m: Net, x: NDArray) => m.call(x), { inAxes: [0, null] });
  close(run(nets, arr(recorded.linear.x)), recorded.ensemble.y, "y");
});
