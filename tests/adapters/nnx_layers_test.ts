/**
 * Layers of the adapter in the manner of NNX beside the original's: decoding, norms, sequences; and what
 * all layers have in common.
 *
 * @module
 */
import { type NDArray, numpy as np, ShapeError, StateError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import {
  array,
  assertState,
  assertTree,
  type Entries,
  type Json,
  load,
  recorded,
} from "./nnx_recorded.ts";

const rngs = (seed: number): nnx.Rngs => new nnx.Rngs(seed);

Deno.test("attention that decodes gives step by step what it gives at once, as the original", () => {
  const r = recorded.decoding!;
  const make = (): nnx.MultiHeadAttention => {
    const m = new nnx.MultiHeadAttention(2, 4, {
      qkvFeatures: 6,
      decode: true,
      normalizeQk: true,
      rngs: rngs(7),
    });
    m.initCache([2, 3, 4]);
    return m;
  };
  const x = array(r.x);
  const m = make();
  assertState(m, r.state as Entries, 1e-6);
  const slice = (i: number): NDArray => np.take(x, np.array([i], { dtype: "int32" }), 1);
  for (let i = 0; i < 3; i++) {
    assertClose(m.call(slice(i)), array((r.steps as Json[])[i]), 2e-5, `step ${i}`);
  }
  assertState(m, r.after as Entries);
  const mask = np.tril(np.ones([2, 1, 3, 3])).greater(0);
  const whole = m.call(x, x, x, { decode: false, mask, sowWeights: true });
  assertClose(whole, array(r.whole), 2e-5);
  const { attentionWeights } = nnx.pop(m, nnx.Intermediate);
  assertClose((attentionWeights as unknown as NDArray[])[0], array(r.weights), 2e-5);
  // The cache is carried by loops and compiled programs.
  const compiled = make();
  const step = nnx.jit((m: nnx.MultiHeadAttention, x: NDArray) => m.call(x));
  for (let i = 0; i < 3; i++) {
    assertClose(step(compiled, slice(i)), array((r.steps as Json[])[i]), 2e-5);
  }
  assertState(compiled, r.after as Entries);
  const looped = make();
  const loop = nnx.scan((m: nnx.MultiHeadAttention, x: NDArray) => m.call(np.expandDims(x, 1)), {
    inAxes: [null, 1],
    outAxes: 0,
  });
  assertClose(loop(looped, x), array(r.steps), 2e-5);
  assertState(looped, r.after as Entries);
  // Room is made anew, and asked for.
  looped.initCache([2, 3, 4]);
  assertEquals(looped.cacheIndex!.value.item(), 0);
  assertThrows(() => looped.call(x), ShapeError, "inputs come one at a time");
  const bare = new nnx.MultiHeadAttention(2, 4, { decode: true, rngs: rngs(0) });
  assertThrows(() => bare.call(slice(0)), StateError, "call layer.initCache");
});

Deno.test("RMSNorm and GroupNorm: the original's outputs and gradients", () => {
  const { x: given, ...cases } = recorded.norms as unknown as Record<
    string,
    { state: Entries; y: Json; grads: Entries }
  >;
  const x = array(given);
  const layers: Record<string, nnx.Module & { call(x: NDArray): NDArray }> = {
    rms: new nnx.RMSNorm(6, { scaleInit: nnx.initializers.normal(1), rngs: rngs(1) }),
    bare: new nnx.RMSNorm(6, { useScale: false, epsilon: 0.1, rngs: rngs(1) }),
    group: new nnx.GroupNorm(6, {
      numGroups: 3,
      scaleInit: nnx.initializers.normal(1),
      rngs: rngs(2),
    }),
    sized: new nnx.GroupNorm(6, { groupSize: 3, useBias: false, rngs: rngs(2) }),
  };
  assertEquals(Object.keys(cases), Object.keys(layers));
  for (const [name, r] of Object.entries(cases)) {
    const m = layers[name]!;
    assertState(m, r.state, 1e-5);
    assertClose(m.call(x), array(r.y), 2e-5, name);
    if (Object.keys(r.grads).length === 0) continue;
    assertTree(nnx.grad((m: typeof layers.rms) => m!.call(x).pow(3).sum())(m), r.grads, 1e-4);
  }
  assertThrows(() => new nnx.GroupNorm(6, { rngs: rngs(0) }), ShapeError, "32 groups");
  assertThrows(
    () => new nnx.GroupNorm(6, { numGroups: 2, groupSize: 3, rngs: rngs(0) }),
    ShapeError,
    "not both",
  );
});

Deno.test("norms over axes and elements of one's choice are those of the original", () => {
  const { x: given, mask: chosen, ...cases } = recorded.norm_options as unknown as Record<
    string,
    { state: Entries; y: Json; dx: Json }
  >;
  const [x, mask] = [array(given), array(chosen)];
  type Layer = nnx.Module & { call(x: NDArray, options: nnx.NormCallOptions): NDArray };
  const layers: Record<string, Layer> = {
    batch: new nnx.BatchNorm(4, {
      axis: 1,
      momentum: 0.75,
      useFastVariance: false,
      rngs: rngs(1),
    }),
    layer: new nnx.LayerNorm(12, { reductionAxes: [1, 2], featureAxes: [1, 2], rngs: rngs(2) }),
    rms: new nnx.RMSNorm(4, { reductionAxes: [0, 2], featureAxes: 1, rngs: rngs(3) }),
    group: new nnx.GroupNorm(3, { numGroups: 1, epsilon: 1e-2, rngs: rngs(4) }),
    instance: new nnx.InstanceNorm(4, { featureAxes: 1, useScale: false, rngs: rngs(5) }),
  };
  assertEquals(Object.keys(cases), Object.keys(layers));
  for (const [name, r] of Object.entries(cases)) {
    const m = layers[name]!;
    assertClose(m.call(x, { mask }), array(r.y), 2e-5, name);
    assertState(m, r.state, 1e-5);
    const loss = (m: Layer, x: NDArray): NDArray => m.call(x, { mask }).pow(3).sum();
    assertClose(nnx.grad(loss, { argnums: 1 })(m, x) as NDArray, array(r.dx), 1e-3, name);
  }
  assertThrows(
    () => layers.layer!.call(np.ones([2, 4, 4]), {}),
    ShapeError,
    "axes 1, 2 of the input must have 12 elements",
  );
  const wrong = new nnx.InstanceNorm(2, { featureAxes: 0, rngs: rngs(0) });
  assertThrows(() => wrong.call(np.ones([2, 3])), ShapeError, "that of examples");
});

Deno.test("norms over the lanes of a vmap are those of the original", () => {
  const { x: given, ...cases } = recorded.norms_over_lanes as unknown as Record<
    string,
    { state: Entries; y: Json }
  >;
  const axisName = "lanes";
  const layers: Record<string, nnx.Module & { call(x: NDArray): NDArray }> = {
    batch: new nnx.BatchNorm(4, { axisName, rngs: rngs(1) }),
    layer: new nnx.LayerNorm(4, { axisName, rngs: rngs(2) }),
    rms: new nnx.RMSNorm(4, { axisName, rngs: rngs(3) }),
    group: new nnx.GroupNorm(4, { numGroups: 2, axisName, rngs: rngs(4) }),
    instance: new nnx.InstanceNorm(4, { axisName, rngs: rngs(5) }),
  };
  assertEquals(Object.keys(cases), Object.keys(layers));
  for (const [name, r] of Object.entries(cases)) {
    const m = layers[name]!;
    const run = nnx.vmap((m: typeof layers.batch, x: NDArray) => m!.call(x), {
      inAxes: [null, 0],
      axisName,
    });
    assertClose(run(m, array(given)) as NDArray, array(r.y), 2e-5, name);
    assertState(m, r.state, 1e-5);
  }
});

Deno.test("weights divided by lengths and singular values are those of the original", () => {
  const r = recorded.weight_norms!;
  const streams = rngs(3);
  const unit = new nnx.WeightNorm(new nnx.Linear(5, 4, { rngs: streams }), {
    epsilon: 1e-2,
    rngs: streams,
  });
  // Factors draw a key each, which the original could not use.
  streams.stream("default").count.value = np.array(2, { dtype: "uint32" });
  unit.scales.kernel!.value = array(r.scale);
  const whole = new nnx.WeightNorm(new nnx.Linear(4, 3, { rngs: streams }), {
    featureAxes: 0,
    useScale: false,
    rngs: streams,
  });
  const spectral = new nnx.SpectralNorm(new nnx.Linear(3, 2, { rngs: streams }), {
    nSteps: 2,
    rngs: streams,
  });
  const run = (layers: nnx.Module[], x: NDArray): NDArray =>
    (layers as (typeof spectral)[]).reduce((x, layer) => layer.call(x), x);
  const layers = [unit, whole, spectral];
  const x = array(r.x);
  assertClose(run(layers, x), array(r.y), 2e-5);
  const loss = (layers: nnx.Module[], x: NDArray): NDArray => np.sin(run(layers, x)).sum();
  const slope = nnx.jit(nnx.grad(loss, { argnums: 1 }), { backend: "interpreter" });
  assertClose(slope(layers, x) as NDArray, array(r.dx), 1e-4);
  assertClose(
    layers.map((m) => (m.layerInstance as nnx.Linear).kernel.value),
    (r.kernels as Json[]).map(array),
    2e-5,
  );
  const { u, sigma } = spectral.batchStats.kernel!;
  assertClose([u.value, sigma.value], [array(r.u), array(r.sigma)], 2e-5);
  // What stands for the model elsewhere does the same, and evaluation changes no statistics.
  spectral.eval();
  const copy = nnx.clone(spectral);
  copy.call(np.ones([3]));
  assertClose(copy.batchStats.kernel!.u.value, u.value, 0);
  assertThrows(
    () => new nnx.SpectralNorm(np.tanh as never, { rngs: streams }),
    TypeError,
    "must be a module",
  );
});

Deno.test("RNN and Bidirectional: the original's outputs, carries and gradients, either way and padded", () => {
  type Case = Record<"ys" | "carry" | "ends" | "major" | "reverse" | "kept", Json> & {
    state: Entries;
    grads: Entries;
  };
  const { xs: given, lengths, both, ...cases } = recorded.sequences as unknown as Record<
    string,
    Case
  >;
  const xs = array(given);
  const seqLengths = np.array(lengths as never, { dtype: "int32" });
  const stacked = (carry: unknown): NDArray => np.stack([carry as NDArray].flat());
  const carries = (r: Json, isPair: boolean): NDArray => array(isPair ? r : [r]);
  const cells: Record<string, nnx.Module & nnx.Cell<unknown>> = {
    simple: new nnx.SimpleCell(3, 4, { residual: true, rngs: rngs(8) }) as never,
    optimized: new nnx.OptimizedLSTMCell(3, 4, { rngs: rngs(8) }) as never,
    gru: new nnx.GRUCell(3, 4, { rngs: rngs(8) }) as never,
  };
  assertEquals(Object.keys(cases), Object.keys(cells));
  for (const [name, r] of Object.entries(cases)) {
    const m = new nnx.RNN(cells[name]!);
    if (name !== "optimized") assertState(m, r.state, 2e-6);
    load(m, r.state);
    const isPair = name === "optimized";
    const [carry, ys] = m.call(xs, { returnCarry: true });
    assertClose(ys, array(r.ys), 2e-5, name);
    assertClose(stacked(carry), carries(r.carry, isPair), 2e-5, name);
    const [ends] = m.call(xs, { returnCarry: true, seqLengths });
    assertClose(stacked(ends), carries(r.ends, isPair), 2e-5, name);
    assertClose(m.call(np.swapaxes(xs, 0, 1), { timeMajor: true }), array(r.major), 2e-5, name);
    assertClose(m.call(xs, { reverse: true }), array(r.reverse), 2e-5, name);
    const kept = m.call(xs, { reverse: true, keepOrder: true, seqLengths });
    assertClose(kept, array(r.kept), 2e-5, name);
    const loss = (m: nnx.RNN<unknown>): NDArray => m.call(xs).square().sum();
    assertTree(nnx.grad(loss)(m), r.grads, 1e-4);
    assertTree(nnx.jit((m: nnx.RNN<unknown>) => nnx.grad(loss)(m))(m), r.grads, 1e-4);
  }
  const cell = (): nnx.RNN<NDArray> => new nnx.RNN(new nnx.GRUCell(3, 4, { rngs: rngs(9) }));
  const m = new nnx.Bidirectional(cell(), cell());
  load(m, both!.state);
  const [carry, ys] = m.call(xs, { seqLengths, returnCarry: true });
  assertClose(ys, array(both!.ys), 2e-5);
  assertClose(np.stack(carry), array(both!.carry), 2e-5);
  assertThrows(() => new nnx.RNN({} as never), StateError, "the cell must be a module with call");
  assertThrows(() => cell().call(np.ones([3])), ShapeError, "an axis of time");
});

Deno.test("a layer that is taken apart and put together is what it was, in all that it does", () => {
  const x = np.array([[0.5, -1, 2, 1], [1, 0, -2, 0.5]]);
  const xs = np.stack([x, x.mul(2), x.neg()]);
  const sequence = (f: () => nnx.Module): [() => nnx.Module, NDArray] => [f, xs];
  const gru = (seed: number): nnx.RNN<NDArray> =>
    new nnx.RNN(new nnx.GRUCell(4, 4, { rngs: rngs(seed) }));
  const layers: [() => nnx.Module, NDArray][] = [
    [() => new nnx.Linear(4, 4, { rngs: rngs(0) }), x],
    [() => new nnx.Dropout(0.5, { rngs: rngs(0) }), x],
    [() => new nnx.BatchNorm(4, { rngs: rngs(0) }), x],
    [() => new nnx.LayerNorm(4, { rngs: rngs(0) }), x],
    [() => new nnx.RMSNorm(4, { rngs: rngs(0) }), x],
    [() => new nnx.GroupNorm(4, { numGroups: 2, rngs: rngs(0) }), x],
    sequence(() => new nnx.MultiHeadAttention(2, 4, { dropoutRate: 0.5, rngs: rngs(0) })),
    sequence(() => gru(0)),
    sequence(() => new nnx.RNN(new nnx.LSTMCell(4, 4, { rngs: rngs(0) }) as never)),
    sequence(() => new nnx.RNN(new nnx.SimpleCell(4, 4, { rngs: rngs(0) }))),
    sequence(() => new nnx.Bidirectional(gru(0), gru(1))),
  ];
  type Callable = nnx.Module & { call(x: NDArray): NDArray };
  for (const [make, x] of layers) {
    const m = make() as Callable;
    const name = m.constructor.name;
    const copy = nnx.clone(m);
    assert(copy.constructor === m.constructor);
    // Twice: what is kept and drawn goes on alike.
    for (let i = 0; i < 2; i++) assertClose(copy.call(x), m.call(x), 1e-6, name);
    assertEquals(plain(nnx.state(copy)), plain(nnx.state(m)), name);
    const compiled = nnx.jit((m: Callable, x: NDArray) => m.call(x));
    assertClose(compiled(copy, x), m.call(x), 1e-5, name);
    const back = nnx.jit((m: Callable) => m)(copy);
    assert(back === copy, name);
    const made = nnx.jit(make)() as Callable;
    assertClose(made.call(x), (make() as Callable).call(x), 1e-5, name);
  }
  const streams = nnx.clone(rngs(3));
  assertEquals(plain(streams.fork().next()), plain(rngs(3).fork().next()));
  assertEquals(plain(nnx.state(nnx.clone(rngs(3)).split(2))), plain(nnx.state(rngs(3).split(2))));
});
