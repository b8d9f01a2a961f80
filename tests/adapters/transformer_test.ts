/**
 * A small transformer in every module system: it trains in one compiled program, a `scan` over steps with
 * dropout, and has the value and the gradient of the same model written without modules.
 *
 * @module
 */
import {
  grad,
  jit,
  type NDArray,
  nn,
  numpy as np,
  random,
  scan,
  treeFlatten,
  valueAndGrad,
} from "../../mod.ts";
import { adam, applyUpdates } from "../../lib/optim/mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";

const [vocabulary, width, heads, hidden, length, rate] = [5, 8, 2, 16, 6, 0.1];
const text = np.array([1, 4, 2, 0, 3, 1], { dtype: "int32" });
const next = np.array([4, 2, 0, 3, 1, 2], { dtype: "int32" });
const causal = np.tril(np.ones([length, length])).greater(0);

/** Parameters of the model without modules: matrices are [inputs, outputs]. */
type Plain = Record<
  | "embed"
  | "scale1"
  | "shift1"
  | "q"
  | "k"
  | "v"
  | "o"
  | "scale2"
  | "shift2"
  | "up"
  | "upBias"
  | "down"
  | "downBias"
  | "scale3"
  | "shift3"
  | "head"
  | "headBias",
  NDArray
>;

function plainModel(p: Plain, epsilon: number): NDArray {
  const norm = (x: NDArray, scale: NDArray, shift: NDArray): NDArray => {
    const centred = x.sub(x.mean(-1, { keepDims: true }));
    const variance = centred.square().mean(-1, { keepDims: true });
    return centred.div(np.sqrt(variance.add(epsilon))).mul(scale).add(shift);
  };
  const byHead = (x: NDArray): NDArray => x.reshape([length, heads, -1]).transpose([1, 0, 2]);
  const x = np.take(p.embed, text, { axis: 0 });
  const h = norm(x, p.scale1, p.shift1);
  const [q, k, v] = [p.q, p.k, p.v].map((w) => byHead(np.matmul(h, w))) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  const scores = np.matmul(q, k.transpose([0, 2, 1])).div(Math.sqrt(width / heads));
  const weights = nn.softmax(np.where(causal, scores, -1e30));
  const mixed = np.matmul(weights, v).transpose([1, 0, 2]).reshape([length, width]);
  const y = x.add(np.matmul(mixed, p.o));
  const inner = nn.relu(np.matmul(norm(y, p.scale2, p.shift2), p.up).add(p.upBias));
  const z = y.add(np.matmul(inner, p.down).add(p.downBias));
  return np.matmul(norm(z, p.scale3, p.shift3), p.head).add(p.headBias);
}

const crossEntropy = (logits: NDArray): NDArray =>
  nn.oneHot(next, vocabulary).mul(nn.logSoftmax(logits)).sum(-1).mean().neg();

/** A model in a module system. */
interface Made<P> {
  /** Its parameters, as the system has them. */
  readonly params: P;
  /** What it gives; elements are dropped where there is a key. */
  logits(params: P, key: NDArray | null): NDArray;
  /** Parameters, or derivatives by them, as the model without modules has them. */
  plain(params: P): Plain;
  /** What normalisation adds to variances. */
  readonly epsilon: number;
}

function haiku(): Made<hk.ModuleEntries> {
  const wInit = hk.initializers.varianceScaling();
  const model = hk.transform((training: boolean) => {
    const drop = (x: NDArray): NDArray => training ? hk.dropout(hk.nextRngKey(), rate, x) : x;
    const x = new hk.Embed(vocabulary, width).call(text);
    const h = new hk.LayerNorm(-1).call(x);
    const attention = new hk.MultiHeadAttention(heads, width / heads, wInit, { withBias: false });
    const y = x.add(drop(attention.call(h, h, h, np.expandDims(causal, 0))));
    const g = new hk.LayerNorm(-1).call(y);
    const z = y.add(drop(new hk.MLP([hidden, width]).call(g)));
    return new hk.Linear(vocabulary).call(new hk.LayerNorm(-1).call(z));
  });
  return {
    params: model.init(random.key(0), true),
    logits: (params, key) => model.apply(params, key, key !== null),
    plain: (p) => ({
      embed: p.embed!.embeddings!,
      ...norms([p.layer_norm, p.layer_norm_1, p.layer_norm_2].map((n) => [n!.scale!, n!.offset!])),
      q: p["multi_head_attention/query"]!.w!,
      k: p["multi_head_attention/key"]!.w!,
      v: p["multi_head_attention/value"]!.w!,
      o: p["multi_head_attention/linear"]!.w!,
      up: p["mlp/~/linear_0"]!.w!,
      upBias: p["mlp/~/linear_0"]!.b!,
      down: p["mlp/~/linear_1"]!.w!,
      downBias: p["mlp/~/linear_1"]!.b!,
      head: p.linear!.w!,
      headBias: p.linear!.b!,
    }),
    epsilon: 1e-5,
  };
}

/** Three norms by the names of the model without modules. */
function norms(all: (readonly NDArray[])[]) {
  const [[scale1, shift1], [scale2, shift2], [scale3, shift3]] = all as [NDArray, NDArray][] as [
    [NDArray, NDArray],
    [NDArray, NDArray],
    [NDArray, NDArray],
  ];
  return { scale1, shift1, scale2, shift2, scale3, shift3 };
}

class FlaxTransformer extends flax.Module {
  call(training: boolean): NDArray {
    const drop = (x: NDArray): NDArray =>
      new flax.Dropout(rate, { deterministic: !training }).call(x);
    const x = new flax.Embed(vocabulary, width).call(text);
    const h = new flax.LayerNorm().call(x);
    const attention = new flax.MultiHeadDotProductAttention(heads, { useBias: false });
    const y = x.add(drop(attention.call(h, { mask: causal })));
    const g = nn.relu(new flax.Dense(hidden).call(new flax.LayerNorm().call(y)));
    const z = y.add(drop(new flax.Dense(width).call(g)));
    return new flax.Dense(vocabulary).call(new flax.LayerNorm().call(z));
  }
}

type Layered = Record<string, Record<string, NDArray>>;

function linen(): Made<flax.Variables[string]> {
  const model = new FlaxTransformer();
  const { params } = model.init({ params: random.key(0), dropout: random.key(1) }, true);
  return {
    params: params!,
    logits: (params, key) =>
      key === null
        ? model.apply({ params }, false)
        : model.apply({ params }, true, { rngs: { dropout: key } }),
    plain(params) {
      const p = params as unknown as Layered;
      const { query, key, value, out } = params
        .MultiHeadDotProductAttention_0 as unknown as Layered;
      const square = (layer: Record<string, NDArray>): NDArray =>
        layer.kernel!.reshape([width, width]);
      return {
        embed: p.Embed_0!.embedding!,
        ...norms([0, 1, 2].map((i) => [p[`LayerNorm_${i}`]!.scale!, p[`LayerNorm_${i}`]!.bias!])),
        q: square(query!),
        k: square(key!),
        v: square(value!),
        o: square(out!),
        up: p.Dense_0!.kernel!,
        upBias: p.Dense_0!.bias!,
        down: p.Dense_1!.kernel!,
        downBias: p.Dense_1!.bias!,
        head: p.Dense_2!.kernel!,
        headBias: p.Dense_2!.bias!,
      };
    },
    epsilon: 1e-6,
  };
}

class NnxTransformer extends nnx.Module {
  readonly embed: nnx.Embed;
  readonly norms: nnx.LayerNorm[];
  readonly attention: nnx.MultiHeadAttention;
  readonly up: nnx.Linear;
  readonly down: nnx.Linear;
  readonly head: nnx.Linear;
  readonly dropout: nnx.Dropout;
  constructor(rngs: nnx.Rngs) {
    super();
    this.embed = new nnx.Embed(vocabulary, width, { rngs });
    this.norms = [0, 1, 2].map(() => new nnx.LayerNorm(width, { rngs }));
    this.attention = new nnx.MultiHeadAttention(heads, width, {
      useBias: false,
      decode: false,
      rngs,
    });
    this.up = new nnx.Linear(width, hidden, { rngs });
    this.down = new nnx.Linear(hidden, width, { rngs });
    this.head = new nnx.Linear(width, vocabulary, { rngs });
    this.dropout = new nnx.Dropout(rate);
  }
  call(rngs: nnx.Rngs | null): NDArray {
    const [first, second, last] = this.norms as [nnx.LayerNorm, nnx.LayerNorm, nnx.LayerNorm];
    const drop = (x: NDArray): NDArray => rngs === null ? x : this.dropout.call(x, { rngs });
    const x = this.embed.call(text);
    const y = x.add(drop(this.attention.call(first.call(x), { mask: causal })));
    const z = y.add(drop(this.down.call(nn.relu(this.up.call(second.call(y))))));
    return this.head.call(last.call(z));
  }
}

function objects(): Made<nnx.State> {
  const [graph, params] = nnx.split(new NnxTransformer(new nnx.Rngs(0)));
  return {
    params: params!,
    logits: (params, key) =>
      nnx.merge(graph, params).call(key === null ? null : new nnx.Rngs({ dropout: key })),
    plain(params) {
      const p = params as unknown as Layered & {
        attention: Layered;
        norms: Record<string, NDArray>[];
      };
      const square = (name: string): NDArray => p.attention[name]!.kernel!.reshape([width, width]);
      return {
        embed: p.embed!.embedding!,
        ...norms([0, 1, 2].map((i) => [p.norms[i]!.scale!, p.norms[i]!.bias!])),
        q: square("query"),
        k: square("key"),
        v: square("value"),
        o: square("out"),
        up: p.up!.kernel!,
        upBias: p.up!.bias!,
        down: p.down!.kernel!,
        downBias: p.down!.bias!,
        head: p.head!.kernel!,
        headBias: p.head!.bias!,
      };
    },
    epsilon: 1e-6,
  };
}

class EqxTransformer extends eqx.Module {
  readonly embed: eqx.nn.Embedding;
  readonly norms: eqx.nn.LayerNorm[];
  readonly attention: eqx.nn.MultiheadAttention;
  readonly mlp: eqx.nn.MLP;
  readonly head: eqx.nn.Linear;
  readonly dropout: eqx.nn.Dropout;
  constructor(key: NDArray) {
    super();
    const keys = random.split(key, { num: 4 });
    this.embed = new eqx.nn.Embedding(vocabulary, width, { key: keys.at(0) });
    this.norms = [0, 1, 2].map(() => new eqx.nn.LayerNorm(width));
    this.attention = new eqx.nn.MultiheadAttention(heads, width, { key: keys.at(1) });
    this.mlp = new eqx.nn.MLP(width, width, hidden, 1, { key: keys.at(2) });
    this.head = new eqx.nn.Linear(width, vocabulary, { key: keys.at(3) });
    this.dropout = new eqx.nn.Dropout(rate);
  }
  call(key: NDArray | null): NDArray {
    const [first, second, last] = this.norms.map((norm) =>
      eqx.filterVmap((x: NDArray) => norm.call(x))
    ) as [(x: NDArray) => NDArray, (x: NDArray) => NDArray, (x: NDArray) => NDArray];
    const drop = (x: NDArray, i: number): NDArray =>
      this.dropout.call(x, key === null ? { inference: true } : { key: random.foldIn(key, i) });
    const x = eqx.filterVmap((id: NDArray) => this.embed.call(id))(text);
    const h = first(x);
    const y = x.add(drop(this.attention.call(h, h, h, { mask: causal }), 0));
    const z = y.add(drop(eqx.filterVmap((x: NDArray) => this.mlp.call(x))(second(y)), 1));
    return this.head.call(last(z));
  }
}

function equinox(): Made<EqxTransformer> {
  const [params, fixed] = eqx.partition(new EqxTransformer(random.key(0)), eqx.isInexactArray);
  return {
    params: params as EqxTransformer,
    logits: (params, key) => (eqx.combine(params, fixed) as EqxTransformer).call(key),
    plain: (p) => ({
      embed: p.embed.weight,
      ...norms(p.norms.map((norm) => [norm.weight!, norm.bias!])),
      q: p.attention.queryProj.weight.T,
      k: p.attention.keyProj.weight.T,
      v: p.attention.valueProj.weight.T,
      o: p.attention.outputProj.weight.T,
      up: p.mlp.layers[0]!.weight.T,
      upBias: p.mlp.layers[0]!.bias!,
      down: p.mlp.layers[1]!.weight.T,
      downBias: p.mlp.layers[1]!.bias!,
      head: p.head.weight.T,
      headBias: p.head.bias!,
    }),
    epsilon: 1e-5,
  };
}

function trax(): Made<tl.Values> {
  const dense = (): tl.Layer => tl.Dense(width, { useBias: false });
  const attend = tl.Fn("Attend", (q: NDArray, k: NDArray, v: NDArray) => {
    const [a, b, c] = [q, k, v].map((x) => x.reshape([length, heads, -1]).transpose([1, 0, 2])) as [
      NDArray,
      NDArray,
      NDArray,
    ];
    const scores = np.matmul(a, b.transpose([0, 2, 1])).div(Math.sqrt(width / heads));
    const weights = nn.softmax(np.where(causal, scores, -1e30));
    return np.matmul(weights, c).transpose([1, 0, 2]).reshape([length, width]);
  });
  const model = (mode: tl.Mode) =>
    tl.Serial(
      tl.Embedding(vocabulary, width),
      tl.Residual(
        tl.LayerNorm(),
        tl.Branch(dense(), dense(), dense()),
        attend,
        dense(),
        tl.Dropout(rate, { mode }),
      ),
      tl.Residual(
        tl.LayerNorm(),
        tl.Dense(hidden),
        tl.Relu(),
        tl.Dense(width),
        tl.Dropout(rate, { mode }),
      ),
      tl.LayerNorm(),
      tl.Dense(vocabulary),
    );
  const [training, evaluating] = [model("train"), model("eval")];
  const [params, state] = training.init(tl.signature(text), random.key(0));
  evaluating.init(tl.signature(text), random.key(0));
  return {
    params,
    logits: (params, key) =>
      (key === null
        ? evaluating.pureFn(text, params, state)
        : training.pureFn(text, params, state, key))[0] as NDArray,
    plain(params) {
      const names =
        "embed scale1 shift1 q k v o scale2 shift2 up upBias down downBias scale3 shift3 " +
        "head headBias";
      const [all] = treeFlatten(params);
      return Object.fromEntries(names.split(" ").map((name, i) => [name, all[i]])) as Plain;
    },
    epsilon: 1e-6,
  };
}

/** A tree of arrays, which is all that transforms need to know of parameters. */
type Tree = Record<string, NDArray>;

function trained<P>(made: Made<P>): void {
  const { params, logits, plain, epsilon } = made as unknown as Made<Tree>;
  const optimizer = adam(0.02);
  const loss = (p: Tree, key: NDArray | null): NDArray => crossEntropy(logits(p, key));
  const train = jit((params: Tree) =>
    scan(
      ([p, kept]: [Tree, ReturnType<typeof optimizer.init>], key: NDArray) => {
        const [value, slope] = valueAndGrad(loss)(p, key);
        const [updates, after] = optimizer.update(slope, kept, p);
        return [[applyUpdates(p, updates), after], value];
      },
      [params, optimizer.init(params)],
      random.split(random.key(7), { num: 40 }),
    )
  );
  const [[after], losses] = train(params);
  const mean = (from: number, to: number): number =>
    np.slice(losses, [from], [to]).mean().item() as number;
  assert(mean(35, 40) < 0.3 * mean(0, 5), `the loss went from ${mean(0, 5)} to ${mean(35, 40)}`);
  for (const p of [params, after]) {
    const model = (p: Plain): NDArray => crossEntropy(plainModel(p, epsilon));
    assertClose(loss(p, null), model(plain(p)), 1e-5);
    const own = plain(grad((p: Tree) => loss(p, null))(p));
    assertClose(own, grad(model)(plain(p)), 1e-4);
  }
}

Deno.test("haiku: a transformer trains and is the one without modules", () => trained(haiku()));
Deno.test("flax: a transformer trains and is the one without modules", () => trained(linen()));
Deno.test("nnx: a transformer trains and is the one without modules", () => trained(objects()));
Deno.test("equinox: a transformer trains and is the one without modules", () => trained(equinox()));
Deno.test("trax: a transformer trains and is the one without modules", () => trained(trax()));
