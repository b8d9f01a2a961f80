/**
 * The layers of the Haiku adapter against what dm-haiku computed (tests/reference/record_haiku.py), from
 * the same parameters: names and shapes, outputs, state after each step, gradients; eager, and compiled.
 *
 * @module
 */
import {
  grad,
  jit,
  NDArray,
  numpy as np,
  random,
  treeFlatten,
  treeLeaves,
  treeUnflatten,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { load, type Recorded } from "../support/recorded.ts";
import { difference, ulps } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";

interface Case {
  readonly params: unknown;
  readonly inputs: unknown;
  readonly outs: readonly unknown[];
  readonly states: readonly unknown[];
  readonly grads: readonly unknown[];
}

// What initialisers draw is compared in initializers_test.ts.
const { cases: { initializers: _, conv_mask: recordedMask, ...cases } } = JSON.parse(
  Deno.readTextFileSync(new URL("../reference/haiku.json", import.meta.url)),
) as { cases: Record<string, Case> };

function loaded(x: unknown): unknown {
  if (Array.isArray(x)) return x.map(loaded);
  const tree = x as Record<string, unknown>;
  if (typeof tree.dtype === "string" && Array.isArray(tree.data)) return load(x as Recorded);
  return Object.fromEntries(Object.entries(tree).map(([name, part]) => [name, loaded(part)]));
}

/** Leaves by path. */
function leaves(tree: unknown, path = ""): Map<string, NDArray> {
  if (tree instanceof NDArray) return new Map([[path, tree]]);
  return new Map(
    Object.entries(tree as object).flatMap(([k, v]) => [...leaves(v, `${path}/${k}`)]),
  );
}

/** Rounding errors of the largest element: sums in another order, and other exponentials. */
const COUNT = 40;

/** What counts as zero: gradients that are zero but for rounding, as that by biases of keys. */
const ZERO = 1e-6;

function compare(what: string, actual: unknown, expected: unknown): void {
  const [a, e] = [leaves(actual), leaves(expected)];
  assertEquals([...a.keys()].sort(), [...e.keys()].sort(), what);
  for (const [path, x] of e) {
    const own = a.get(path)!;
    assertEquals([own.shape, own.dtype], [x.shape, x.dtype], `${what}${path}`);
    const problem = difference(own, x, Math.max(ulps(x, COUNT), ZERO));
    if (problem !== null) throw new Error(`${what}${path}: ${problem}`);
  }
}

type Model = (...inputs: never[]) => unknown;
type X = NDArray;

const w = hk.initializers.randomNormal(0.3);
const mask = np.array([[[[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0]]]]).astype("bool");
const unrolled =
  (make: () => hk.RNNCore<unknown>, options: hk.DynamicUnrollOptions = {}) => (xs: X) => {
    const core = make();
    return hk.dynamicUnroll(core, xs, core.initialState(2), options);
  };
const both = (name: string, make: () => unknown): Record<string, Model> => ({
  [name]: unrolled(make as () => hk.RNNCore<unknown>),
  [`${name}_reversed`]: unrolled(make as () => hk.RNNCore<unknown>, {
    reverse: true,
    returnAllStates: true,
  }),
});
const batchNorm = (isTraining: boolean, options: hk.BatchNormOptions = {}) => (x: X) =>
  new hk.BatchNorm(0.9, options).call(x, isTraining);
const bare = { createScale: false, createOffset: false };

const weightsMask = (loaded(recordedMask) as { mask: NDArray }).mask;

/** Convolutions and pooling. */
const windows: Record<string, (x: X) => X> = {
  conv_1d: (x) => new hk.Conv1D(3, 3, { stride: 2, rate: 2 }).call(x),
  conv_1d_causal: (x) => new hk.Conv1D(3, 3, { padding: hk.pad.causal, dataFormat: "NCW" }).call(x),
  conv_1d_masked: (x) => new hk.Conv1D(2, 3, { mask: weightsMask }).call(x),
  conv_2d: (x) => new hk.Conv2D(3, [3, 2], { stride: [2, 1], padding: "VALID" }).call(x),
  conv_2d_first: (x) =>
    new hk.Conv2D(10, 3, {
      padding: [[1, 2], [0, 1]],
      dataFormat: "NCHW",
      featureGroupCount: 5,
    }).call(x),
  conv_2d_one: (x) => new hk.Conv2D(3, 2, { padding: [0, 1], withBias: false }).call(x),
  conv_2d_functions: (x) =>
    new hk.Conv2D(3, [3, 2], { rate: [1, 2], padding: [hk.pad.full, hk.pad.reverseCausal] })
      .call(x),
  conv_3d: (x) => new hk.Conv3D(2, 2, { padding: hk.pad.same }).call(x),
  conv_nd: (x) => new hk.ConvND(2, 3, 2, { dataFormat: "channelsFirst" }).call(x),
  conv_1d_transpose: (x) => new hk.Conv1DTranspose(3, 4, { stride: 2 }).call(x),
  conv_1d_transpose_shape: (x) =>
    new hk.Conv1DTranspose(3, 4, { stride: 2, outputShape: 13 }).call(x),
  conv_2d_transpose: (x) =>
    new hk.Conv2DTranspose(3, [3, 2], { stride: [2, 3], padding: "VALID" }).call(x),
  conv_2d_transpose_shape: (x) =>
    new hk.Conv2DTranspose(3, 3, { stride: [2, 3], padding: "VALID", outputShape: [12, 12] })
      .call(x),
  conv_2d_transpose_first: (x) =>
    new hk.Conv2DTranspose(2, 3, { padding: [[1, 0], [2, 1]], dataFormat: "NCHW" }).call(x),
  conv_3d_transpose: (x) => new hk.Conv3DTranspose(2, 2, { stride: 2, withBias: false }).call(x),
  depthwise_1d: (x) => new hk.DepthwiseConv1D(2, 3, { stride: 2 }).call(x),
  depthwise_2d: (x) => new hk.DepthwiseConv2D(2, [3, 2], { rate: 2 }).call(x),
  depthwise_2d_first: (x) =>
    new hk.DepthwiseConv2D(1, 2, { dataFormat: "NCHW", padding: [[1, 0], [0, 1]] }).call(x),
  depthwise_3d: (x) => new hk.DepthwiseConv3D(1, 2, { withBias: false }).call(x),
  separable: (x) => new hk.SeparableDepthwiseConv2D(2, [3, 2], { stride: 2 }).call(x),
  max_pool: (x) => hk.maxPool(x, 2, 2, "VALID"),
  max_pool_same: (x) => new hk.MaxPool([3, 2, 1], [2, 1, 1], "SAME").call(x),
  max_pool_first: (x) => hk.maxPool(x, 2, 1, "SAME", { channelAxis: 1 }),
  avg_pool: (x) => new hk.AvgPool([2, 2, 1], 2, "VALID").call(x),
  avg_pool_same: (x) => hk.avgPool(x, [3, 2, 1], [2, 1, 1], "SAME"),
  avg_pool_all: (x) => hk.avgPool(x, 2, 1, "SAME", { channelAxis: null }),
};

/** The models, by the names of their cases. */
const models: Record<string, Model> = {
  ...windows,
  linear: (x: X) => new hk.Linear(3).call(x),
  mlp: (x: X) => new hk.MLP([4, 3], { activation: np.tanh }).call(x),
  mlp_final: (x: X) => new hk.MLP([4, 3], { activation: np.tanh, activateFinal: true }).call(x),
  sequential: (x: X) =>
    new hk.Sequential([new hk.Linear(4), (x: X) => np.tanh(x), new hk.Linear(2)]).call(x),
  bias: (x: X) => new hk.Bias().call(x),
  bias_dims: (x: X) => new hk.Bias({ biasDims: [1, 3] }).call(x),
  bias_last: (x: X) => new hk.Bias({ biasDims: [-1] }).call(x, { multiplier: -2 }),
  bias_scalar: (x: X) => new hk.Bias({ biasDims: [] }).call(x),
  embed: (i: X) => new hk.Embed(7, 3).call(i),
  embed_one_hot: (i: X) => new hk.Embed(7, 3, { lookupStyle: "oneHot" }).call(i),
  layer_norm: (x: X) => new hk.LayerNorm(-1).call(x),
  layer_norm_axes: (x: X) => new hk.LayerNorm([1, 2], { paramAxis: [2, 3] }).call(x),
  layer_norm_fast: (x: X) =>
    new hk.LayerNorm(-1, { createOffset: false, useFastVariance: true }).call(x),
  layer_norm_bare: (x: X) => new hk.LayerNorm(-1, bare).call(x),
  layer_norm_given: (x: X) => new hk.LayerNorm(-1, bare).call(x, { scale: x, offset: x }),
  instance_norm: (x: X) => new hk.InstanceNorm().call(x),
  instance_norm_first: (x: X) => new hk.InstanceNorm({ dataFormat: "channelsFirst" }).call(x),
  group_norm: (x: X) => new hk.GroupNorm(3).call(x),
  group_norm_first: (x: X) => new hk.GroupNorm(2, { dataFormat: "channelsFirst" }).call(x),
  group_norm_space: (x: X) =>
    new hk.GroupNorm(2, { axis: { start: 1, stop: 3 }, createOffset: false }).call(x),
  rms_norm: (x: X) => new hk.RMSNorm(-1).call(x),
  rms_norm_axes: (x: X) => new hk.RMSNorm([1, 3], { eps: 1e-3, paramAxis: 1 }).call(x),
  batch_norm: batchNorm(true),
  batch_norm_first: batchNorm(true, { dataFormat: "channelsFirst", eps: 1e-3 }),
  batch_norm_axis: batchNorm(true, { axis: [0, 1] }),
  batch_norm_test: batchNorm(false),
  batch_norm_bare: (x: X) => new hk.BatchNorm(0.5, bare).call(x, true, { scale: x, offset: x }),
  ema: (x: X) => new hk.ExponentialMovingAverage(0.75).call(x),
  ema_biased: (x: X) => new hk.ExponentialMovingAverage(0.75, { zeroDebias: false }).call(x),
  ema_warmup: (x: X) =>
    new hk.ExponentialMovingAverage(0.75, { zeroDebias: false, warmupLength: 2 }).call(x),
  ema_kept: (x: X) => new hk.ExponentialMovingAverage(0.75).call(x, { updateStats: false }),
  ema_tree: (x: X) =>
    new hk.EMAParamsTree(0.5, { ignoreRegex: /.*\/b/ }).call({ "a/~/b": { w: x, b: x } })["a/~/b"],
  ...both("vanilla_rnn", () => new hk.VanillaRNN(4)),
  ...both("vanilla_rnn_one_bias", () => new hk.VanillaRNN(4, { doubleBias: false })),
  ...both("lstm", () => new hk.LSTM(4)),
  ...both("gru", () => new hk.GRU(4)),
  gru_static: (xs: X) => {
    const core = new hk.GRU(4);
    return hk.staticUnroll(core, xs, core.initialState(6), { timeMajor: false });
  },
  deep_rnn: unrolled(() => new hk.DeepRNN([new hk.LSTM(4), (x) => np.tanh(x), new hk.GRU(3)])),
  deep_rnn_skipping: unrolled(() => hk.deepRnnWithSkipConnections([new hk.LSTM(4), new hk.GRU(3)])),
  reset_core: (xs: X) => {
    const core = new hk.ResetCore(new hk.LSTM(4));
    const resets = np.array([[0, 0], [0, 1], [0, 0], [1, 1], [1, 0], [0, 0]]).astype("bool");
    return hk.dynamicUnroll(core, [xs, resets] as const, core.initialState(2));
  },
  attention: (q: X, kv: X) => new hk.MultiHeadAttention(2, 3, w).call(q, kv, kv),
  attention_masked: (q: X, kv: X) =>
    new hk.MultiHeadAttention(2, 3, w, { valueSize: 4, modelSize: 5, withBias: false })
      .call(q, kv, kv, mask),
  spectral_norm: (w: X) => new hk.SpectralNorm({ nSteps: 2 }).call(w),
  spectral_norm_kernel: (w: X) => new hk.SpectralNorm().call(w),
};

const isFloat = (x: NDArray): boolean => x.dtype === "float32";
const loss = (tree: unknown): NDArray =>
  (treeLeaves(tree) as NDArray[]).map((x) => np.sin(x).sum()).reduce((a, b) => a.add(b));

Deno.test("every case that was recorded has its model", () => {
  assertEquals(Object.keys(models).sort(), Object.keys(cases).sort());
});

for (const [name, f] of Object.entries(models)) {
  Deno.test(`${name} gives what dm-haiku gives`, () => {
    const { params, inputs, outs, states, grads } = loaded(cases[name]) as {
      params: hk.ModuleEntries;
      inputs: NDArray[];
      outs: unknown[];
      states: hk.ModuleEntries[];
      grads: unknown[];
    };
    const model = hk.transformWithState(f as (...inputs: NDArray[]) => NDArray);
    const [made, initial] = model.init(random.key(0), ...inputs);
    const shapes = (tree: unknown): unknown =>
      [...leaves(tree)].map(([path, x]) => `${path} ${x.dtype}[${x.shape}]`).sort();
    assertEquals(shapes(made), shapes(params));
    if (name !== "batch_norm_test") assertEquals(shapes(initial), shapes(states[0]));
    if (!name.startsWith("spectral")) {
      const expected = name === "batch_norm_test" ? initial : states[0];
      compare("initial state", initial, expected);
    }
    const compiled = jit(
      (p: hk.ModuleEntries, s: hk.ModuleEntries, x: NDArray[]) => model.apply(p, s, null, ...x),
      { backend: "interpreter" },
    );
    for (
      const run of [model, {
        apply: (p: never, s: never, _: null, ...x: NDArray[]) => compiled(p, s, x),
      }]
    ) {
      for (const [i, out] of outs.entries()) {
        const [own, after] = run.apply(params as never, states[i]! as never, null, ...inputs);
        compare(`output ${i}`, own, out);
        compare(`state ${i + 1}`, after, states[i + 1]!);
      }
    }
    const before = states.at(-2)!;
    // Bools and integers are no arguments to differentiate.
    const [floats, def] = treeFlatten(inputs) as [NDArray[], ReturnType<typeof treeFlatten>[1]];
    const of = (p: hk.ModuleEntries, x: NDArray[]): NDArray =>
      loss(model.apply(p, before, null, ...treeUnflatten(def, x) as NDArray[])[0]);
    const argnums = floats.every(isFloat) ? [0, 1] : [0];
    const own = grad(of, { argnums })(params, floats as never) as unknown[];
    compare("gradient by parameters", own[0], grads[0]);
    if (argnums.length > 1) compare("gradient by inputs", own[1], grads[1]);
  });
}

Deno.test("layers are what they are inside lifted transforms, too", () => {
  const t = hk.transforms;
  const wrappers: Record<string, (f: (x: X) => X) => (x: X) => X> = {
    jit: (f) => t.jit(f, { backend: "interpreter" }) as (x: X) => X,
    checkpoint: (f) => t.checkpoint(f) as (x: X) => X,
  };
  for (const name of ["mlp", "layer_norm", "batch_norm", "ema", "attention"]) {
    const { params, inputs, outs, states } = loaded(cases[name]) as {
      params: hk.ModuleEntries;
      inputs: NDArray[];
      outs: unknown[];
      states: hk.ModuleEntries[];
    };
    for (const [member, wrap] of Object.entries(wrappers)) {
      const f = models[name] as (...inputs: NDArray[]) => NDArray;
      const model = hk.transformWithState((...xs: NDArray[]) =>
        wrap((x) => f(x, ...xs.slice(1)))(xs[0]!)
      );
      const [own, after] = model.apply(params, states[0]!, null, ...inputs);
      compare(`${member} of ${name}`, own, outs[0]);
      compare(`${member} of ${name}, state`, after, states[1]!);
    }
  }
});
