/**
 * Recurrent layers and attention against those of flax.
 *
 * @module
 */
import {
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertAsFlax, assertTree, recorded, type Tree } from "./flax_recorded.ts";

await loadBackend("onnx");

const { LSTMCell, GRUCell, RNN } = flax;

Deno.test("cells over sequences, forwards and backwards, batch or time first, are those of flax", () => {
  assertAsFlax("lstm", new RNN(new LSTMCell(4)));
  assertAsFlax("gru", new RNN(new GRUCell(4), { reverse: true, keepOrder: true }));
  assertAsFlax("rnn_lengths", new RNN(new LSTMCell(4), { timeMajor: true }));
});

Deno.test("sequences of several lengths: the carry is that of the last step, and padding stays", () => {
  const { x, lengths, variables, carry, out } = recorded("rnn_padded") as Record<string, NDArray>;
  const rnn = new RNN(new GRUCell(4), { reverse: true });
  const apply = rnn.apply as (...args: unknown[]) => unknown;
  const seqLengths = lengths!.astype("int32");
  const result = apply(variables, x, { seqLengths, returnCarry: true });
  assertTree("padded", result, [carry!, out!], 16);
});

Deno.test("layers by equations, activations with slopes and cells of convolutions are those of flax", () => {
  const some = flax.initializers.normal(0.5);
  assertAsFlax("einsum", new flax.Einsum([5, 3, 2], "abc,cde->abde", { biasInit: some }));
  const dots = new flax.Einsum([5, 2], "...ab,bc->...ca", { biasInit: some });
  assertAsFlax("einsum_dots", dots);
  assertAsFlax("einsum_bare", new flax.Einsum([4, 3], "abc, cd -> da", { useBias: false }));
  assertAsFlax("prelu", new flax.PReLU({ negativeSlopeInit: 0.2 }));
  assertAsFlax("conv_lstm", new RNN(new flax.ConvLSTMCell(3, [3, 2], { strides: [1, 1] })));
  const options = { padding: [[2, 0]], useBias: false, carryInit: some } as const;
  assertAsFlax("conv_lstm_pairs", new RNN(new flax.ConvLSTMCell(2, [3], options)));

  const later = new flax.Einsum([2, 3]);
  const variables = later.init(random.key(0), np.ones([2]), "a,ab->b");
  assertEquals(later.apply(variables, np.ones([2]), "a,ab->b").shape, [3]);
  assertThrows(() => later.apply(variables, np.ones([2])), TypeError, "must be a string such as");
  assertThrows(() => dots.init(random.key(0), np.ones([2]), "a,ab->b"), StateError, "Leave one of");
  assertThrows(() => new flax.Einsum([2, 3], "ab,bc"), ShapeError, "name the axes of the result");
  assertThrows(
    () => later.init(random.key(0), np.ones([2]), "a,abc->bc"),
    ShapeError,
    "names 3 axes of the weights, which are [2,3]",
  );
});

const layer = (options: flax.AttentionLayerOptions = {}): flax.MultiHeadDotProductAttention =>
  new flax.MultiHeadDotProductAttention(2, { qkvFeatures: 6, outFeatures: 3, ...options });

class SelfAttention extends flax.Module {
  constructor(readonly layer: flax.MultiHeadDotProductAttention) {
    super();
  }
  call(x: NDArray): NDArray {
    flax.shareScope(this, this.layer);
    return this.layer.call(x);
  }
}

Deno.test("attention is that of flax: itself, masked, to others, dropped, its weights", () => {
  assertAsFlax("attention", new SelfAttention(layer()));
  const c = recorded("attention_options");
  const [queries, keys] = [c.queries as NDArray, c.keys as NDArray];
  const [own, other] = [c.self_variables as flax.Variables, c.variables as flax.Variables];
  assertTree("cross", layer().apply(other, queries, keys), c.cross!, 16);
  const mask = flax.makeCausalMask(np.ones([2, 4]));
  assertTree("causal", layer().apply(own, queries, queries, queries, { mask }), c.causal!, 16);
  assertTree("options first", layer().apply(own, queries, { mask }), c.causal!, 16);
  assertTree("keys alone", layer().apply(own, queries, queries, { mask }), c.causal!, 16);
  const dropping = layer({ dropoutRate: 0.4, deterministic: false });
  const rngs = { dropout: random.key(3) };
  assertTree("dropped", dropping.apply(own, queries, { rngs }), c.dropped!, 16);
  const options = { sowWeights: true };
  const [, weights] = layer().apply(own, queries, queries, queries, options, {
    mutable: ["intermediates"],
  });
  assertTree("weights", weights, c.weights!, 16);
});

Deno.test("decoding step by step attends to what came before", () => {
  const { queries, variables, steps, cache } = recorded("attention_decode");
  const decoder = new flax.MultiHeadDotProductAttention(2, { qkvFeatures: 6, decode: true });
  const made = decoder.init(random.key(4), queries as NDArray);
  assertTree("initial values", made, variables!, 4);
  const { params, cache: start } = variables as flax.Variables;
  let now = start;
  const outs = (steps as Tree[]).map((_, i) => {
    const query = np.slice(queries as NDArray, [0, i, 0], [2, i + 1, 5]);
    const [out, changed] = decoder.apply({ params: params!, cache: now! }, query, {
      mutable: ["cache"],
    });
    now = changed.cache;
    return out;
  });
  assertTree("steps", outs, steps!, 16);
  assertTree("cache", now, cache!, 16);
});
