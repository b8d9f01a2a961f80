/**
 * The adapter in the manner of NNX beside the original: values, gradients, statistics, masks and training
 * that `tests/reference/record_nnx.py` recorded with Flax 0.12.8.
 *
 * @module
 */
import { fixedPoint, grad, jit, type NDArray, nn, numpy as np, StateError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";
import {
  array,
  assertState,
  assertTree,
  type Entries,
  type Json,
  load,
  recorded,
} from "./nnx_recorded.ts";
import { adam, sgd } from "./nnx_support.ts";

const rngs = (seed: number): nnx.Rngs => new nnx.Rngs(seed);

Deno.test("random streams have the original's keys and counts, to the bit", () => {
  const r = recorded.keys!;
  const streams = new nnx.Rngs(0, { params: 1 });
  const drawn = ["params", "default", "dropout", "params"].map((name) => streams.next(name));
  assertEquals(plain(drawn), r.drawn);
  const fork = streams.fork();
  assertEquals(["params", "default"].map((n) => streams.stream(n).count.value.item()), r.counts);
  assertEquals(plain([fork.next("params"), fork.next()]), r.fork);
  assertEquals(plain(rngs(5).split(3).stream().key.value), r.split);
  const backup = new nnx.Rngs(9, { dropout: 4 });
  const { key, count } = backup.stream("dropout");
  const inside = nnx.splitRngs(
    backup,
    { splits: 2, only: "dropout" },
    () => [key.value, count.value],
  );
  assertEquals(plain(inside), r.inside);
  assertEquals(plain([key.value, count.value]), r.restored);
  assertEquals(plain(backup.next("dropout")), r.after);
});

class Mixed extends nnx.Module {
  readonly embed: nnx.Embed;
  readonly first: nnx.Linear;
  readonly norm: nnx.BatchNorm;
  readonly drop: nnx.Dropout;
  readonly layer: nnx.LayerNorm;
  readonly second: nnx.Linear;
  constructor(rngs: nnx.Rngs) {
    super();
    this.embed = new nnx.Embed(7, 4, { rngs });
    this.first = new nnx.Linear(4, 6, { rngs });
    this.norm = new nnx.BatchNorm(6, { momentum: 0.9, rngs });
    this.drop = new nnx.Dropout(0.5, { rngs });
    this.layer = new nnx.LayerNorm(6, { rngs });
    this.second = new nnx.Linear(6, 2, { useBias: false, rngs });
  }
  call(i: NDArray): NDArray {
    const x = nn.relu(this.norm.call(this.first.call(this.embed.call(i))));
    return this.second.call(this.layer.call(this.drop.call(x)));
  }
}

Deno.test("layers: initial values, outputs, gradients, statistics and masks are the original's", () => {
  const r = recorded.layers!;
  const i = np.array([0, 3, 6, 2, 2], { dtype: "int32" });
  const y = array(r.y);
  const loss = (m: Mixed, i: NDArray): [NDArray, NDArray] => {
    const out = m.call(i);
    return [out.sub(y).square().mean(), out];
  };
  const eager = nnx.valueAndGrad(loss, { hasAux: true });
  for (const run of [eager, nnx.jit(eager)]) {
    const model = new Mixed(rngs(3));
    assertState(model, r.state as Entries, 1e-6);
    const [[value, out], grads] = run(model, i);
    assertClose([value, out], [array(r.loss), array(r.out)], 2e-5);
    assertTree(grads, r.grads as Entries);
    assertState(model, r.after as Entries);
    assertEquals(plain(model.drop.call(np.ones([3, 4]))), r.mask);
    model.eval();
    assertClose(model.call(i), array(r.eval), 2e-5);
  }
});

Deno.test("statistics go through loops and branches as in the original", () => {
  type Value = [nnx.BatchNorm, NDArray];
  const r = recorded.norm_in_loops!;
  const x = np.array([[1, 2], [3, -1], [0.5, 0.25]]);
  const step = (m: nnx.BatchNorm, c: NDArray): NDArray => np.tanh(m.call(c).mul(1.5).add(c));
  const programs: Record<string, (m: nnx.BatchNorm) => NDArray> = {
    scan: (m) =>
      nnx.scan(
        ([m, c]: Value, _: NDArray) => [[m, step(m, c)], np.zeros([])] as [Value, NDArray],
      )([m, x], np.arange(3))[0][1],
    fori: (m) =>
      nnx.foriLoop(0, 4, (i, [m, c]): Value => [m, step(m, c).add(i.mul(0.1))], [m, x] as Value)[1],
    while: (m) =>
      nnx.whileLoop(
        ([, , i]) => i.less(3),
        ([m, c, i]): [nnx.BatchNorm, NDArray, NDArray] => [m, step(m, c), i.add(1)],
        [m, x, np.array(0)] as [nnx.BatchNorm, NDArray, NDArray],
      )[1],
    taken: (m) => nnx.cond(true, step, (_, x) => x, m, x),
    untaken: (m) => nnx.cond(false, step, (_, x) => x, m, x),
  };
  for (const [name, program] of Object.entries(programs)) {
    const { y, after } = r[name] as unknown as { y: Json; after: Entries };
    for (const run of [program, nnx.jit(program)]) {
      const m = new nnx.BatchNorm(2, { momentum: 0.9, rngs: rngs(0) });
      assertClose(run(m), array(y), 2e-5, name);
      assertState(m, after);
    }
  }
  const m = new nnx.BatchNorm(2, { momentum: 0.9, rngs: rngs(0) });
  const { grads, after } = r.remat as unknown as { grads: Entries; after: Entries };
  assertTree(nnx.grad((m: nnx.BatchNorm) => nnx.remat(step)(m, x).sum())(m), grads);
  assertState(m, after);
});

Deno.test("dropout in a loop draws the original's masks", () => {
  type Value = [nnx.Dropout, NDArray];
  const r = recorded.dropout_in_loop!;
  const m = new nnx.Dropout(0.5, { rngs: rngs(7) });
  const body = (_: NDArray, [m, c]: Value): Value => [m, m.call(c).add(1)];
  assertEquals(plain(nnx.foriLoop(0, 3, body, [m, np.ones([6])] as Value)[1]), r.y);
  assertState(m, r.after as Entries);
});

class Block extends nnx.Module {
  readonly linear: nnx.Linear;
  readonly norm: nnx.BatchNorm;
  readonly drop: nnx.Dropout;
  constructor(rngs: nnx.Rngs) {
    super();
    this.linear = new nnx.Linear(3, 3, { rngs });
    this.norm = new nnx.BatchNorm(3, { momentum: 0.9, rngs });
    this.drop = new nnx.Dropout(0.25, { rngs });
  }
  call(x: NDArray): NDArray {
    return np.tanh(this.drop.call(this.norm.call(this.linear.call(x)))).add(x);
  }
}

const layered = <M>(make: (rngs: nnx.Rngs) => M, seeds: nnx.Rngs, splits: number): M =>
  nnx.splitRngs(seeds, { splits }, () => nnx.vmap(make)(seeds));
const create = (seeds: nnx.Rngs, splits: number): Block =>
  layered((rngs) => new Block(rngs), seeds, splits);

Deno.test("layers in one module, created by vmap and applied by scan, are the original's", () => {
  const r = recorded.stacked!;
  const x = array(r.x);
  const forward = nnx.scan((x: NDArray, block: Block) => block.call(x), {
    inAxes: [nnx.Carry, 0],
    outAxes: nnx.Carry,
  });
  const eager = nnx.valueAndGrad((m: Block) => forward(x, m).square().sum());
  for (const run of [eager, nnx.jit(eager)]) {
    const model = create(new nnx.Rngs(0, { dropout: 1 }), 4);
    assertState(model, r.state as Entries, 1e-6);
    const [value, grads] = run(model);
    assertClose(value, array(r.loss), 2e-5);
    assertTree(grads, r.grads as Entries);
    assertState(model, r.after as Entries);
  }
});

class Sower extends nnx.Module {
  readonly linear: nnx.Linear;
  constructor(rngs: nnx.Rngs) {
    super();
    this.linear = new nnx.Linear(3, 3, { rngs });
  }
  call(x: NDArray): NDArray {
    const y = np.tanh(this.linear.call(x));
    nnx.sow(this, "seen", y);
    return y;
  }
}

Deno.test("what is sown in transforms is sown outside of them, as in the original", () => {
  const r = recorded.sown!;
  const [x, xs] = [array(r.x), array(r.xs)];
  const axes = new nnx.StateAxes([[nnx.Intermediate, 1], [true, null]]);
  const call = (m: Sower, x: NDArray): NDArray => m.call(x);
  const step = (x: NDArray, m: Sower): NDArray => m.call(x);
  const carried = { outAxes: nnx.Carry };
  const ways: Record<string, (many: Sower, one: Sower) => unknown> = {
    scan: (many) => nnx.scan(step, { inAxes: [nnx.Carry, 0], ...carried })(x, many),
    repeat: (_, one) =>
      nnx.scan(step, { inAxes: [nnx.Carry, axes], length: 2, ...carried })(x, one),
    vmap: (many) => nnx.vmap(call, { inAxes: [0, null] })(many, x),
    shared: (_, one) => nnx.vmap(call, { inAxes: [axes, 0] })(one, xs),
    remat: (_, one) => nnx.remat(call)(one, x),
    cond: (_, one) => nnx.cond(x.at(0).greater(100), call, (m, x) => m.call(x.mul(2)), one, x),
  };
  const square = (f: (many: Sower, one: Sower) => unknown) => (many: Sower, one: Sower): NDArray =>
    ((f(many, one) ?? x) as NDArray).square().sum();
  for (const [name, way] of Object.entries(ways)) {
    const around = [way, nnx.jit(way), nnx.grad(square(way), { argnums: [0, 1] })];
    for (const run of around) {
      const models: [Sower, Sower] = [
        layered((rngs) => new Sower(rngs), rngs(3), 4),
        new Sower(rngs(4)),
      ];
      for (let i = 0; i < 2; i++) run(...models);
      const after = models.map((m) => nnx.state(m, nnx.Intermediate));
      assertClose(after as never, (r.after as Record<string, unknown>)[name] as never, 2e-5, name);
    }
  }
  const one = new Sower(rngs(0));
  assertThrows(
    () => nnx.scan(step, { inAxes: [nnx.Carry, null], length: 2, ...carried })(x, one),
    StateError,
    "seen of Sower was sown in the steps, of which each has a value",
  );
  // Where lanes share what differs by lane, the words are those of the module system.
  assertThrows(
    () => nnx.vmap(call, { inAxes: [null, 0] })(one, xs),
    StateError,
    "nnx.vmap: the state entry 0/seen would get a different value in each lane. Give each lane its own, in " +
      "inAxes, new nnx.StateAxes([[nnx.Intermediate, 0], [true, null]]) for the module, or return it",
  );
  assertThrows(
    () => nnx.cond(true, (m, x) => m.call(x), (_, x) => x, one, x),
    StateError,
    "nnx.cond: values are sown in some of the branches only",
  );
  assertThrows(
    () => nnx.sow(one, nnx.Intermediate as never, "seen" as never, x as never),
    TypeError,
    "Write nnx.sow(module, name, value, nnx.Intermediate)",
  );
  assertEquals(Object.keys(one), ["linear"]);
});

Deno.test("an ensemble, and lanes with keys of their own, are the original's", () => {
  const r = recorded.ensemble!;
  const axes = new nnx.StateAxes([[true, 0]]);
  const eager = nnx.vmap((m: Block, x: NDArray) => m.call(x), { inAxes: [axes, null] });
  for (const run of [eager, nnx.jit(eager)]) {
    const model = create(rngs(2), 3);
    assertState(model, r.state as Entries, 1e-6);
    assertClose(run(model, array(r.x)), array(r.out), 2e-5);
    assertState(model, r.after as Entries);
  }
  const own = recorded.shared_lanes!;
  const m = new nnx.Dropout(0.5, { rngs: rngs(11) });
  const lanes = nnx.vmap((m: nnx.Dropout, x: NDArray) => m.call(x));
  const y = nnx.splitRngs(m, { splits: 4 }, () => lanes(m, np.ones([4, 3])));
  assertEquals(plain(y), own.y);
  assertState(m, own.after as Entries);
});

Deno.test("LSTM and GRU cells in a scan are the original's, with their gradients", () => {
  type Parts = { state: Entries; xs: Json; carry: Json; ys: Json; grads: Entries };
  class Sequence<C extends object> extends nnx.Module {
    constructor(readonly cell: C) {
      super();
    }
  }
  const check = <S, C extends { call(s: S, x: NDArray): [S, NDArray] } & object>(
    r: Parts,
    cell: C,
    first: S,
  ): void => {
    const m = new Sequence(cell);
    const run = (m: Sequence<C>, xs: NDArray): [S, NDArray] =>
      nnx.scan((s: S, c: C, x: NDArray) => c.call(s, x), { inAxes: [nnx.Carry, null, 0] })(
        first,
        m.cell,
        xs,
      );
    assertState(m, r.state, 2e-6);
    load(m, r.state);
    const [carry, ys] = run(m, array(r.xs));
    assertClose(ys, array(r.ys), 2e-5);
    assertClose(
      np.stack([carry as NDArray].flat()),
      array(Array.isArray(carry) ? r.carry : [r.carry]),
      2e-5,
    );
    assertTree(nnx.grad((m: Sequence<C>) => run(m, array(r.xs))[1].square().sum())(m), r.grads);
  };
  const { lstm, gru } = recorded.cells as unknown as { lstm: Parts; gru: Parts };
  const long = new nnx.LSTMCell(3, 4, { rngs: rngs(4) });
  check(lstm, long, long.initializeCarry([2]));
  const gated = new nnx.GRUCell(3, 4, { rngs: rngs(4) });
  check(gru, gated, gated.initializeCarry([2]));
});

Deno.test("attention is the original's, masked and with dropped weights", () => {
  const r = recorded.attention!;
  const m = new nnx.MultiHeadAttention(2, 4, { qkvFeatures: 6, dropoutRate: 0.25, rngs: rngs(6) });
  assertState(m, r.state as Entries, 1e-6);
  const [x, z] = [array(r.x), array(r.z)];
  const mask = np.tril(np.ones([2, 1, 3, 5])).greater(0);
  assertClose(m.call(x, z, z, { mask }), array(r.dropped), 2e-5);
  assertState(m, r.after as Entries);
  m.eval();
  const fixed = (m: nnx.MultiHeadAttention): NDArray => m.call(x, z, z, { mask });
  assertClose(fixed(m), array(r.out), 2e-5);
  assertClose(m.call(x), array(r.self), 2e-5);
  const causal = np.tril(np.ones([x.shape[1]!, x.shape[1]!])).greater(0);
  assertClose(m.call(x, { mask: causal }), m.call(x, x, x, { mask: causal }), 0);
  assertClose(m.call(x, z, { mask }), fixed(m), 0);
  assertThrows(() => m.call(x, { maks: causal } as never), TypeError, "Did you mean mask?");
  assertTree(
    nnx.grad((m: nnx.MultiHeadAttention) => fixed(m).square().sum())(m),
    r.grads as Entries,
  );
});

class Regressor extends nnx.Module {
  readonly a: nnx.Linear;
  readonly norm: nnx.BatchNorm;
  readonly b: nnx.Linear;
  constructor(rngs: nnx.Rngs) {
    super();
    this.a = new nnx.Linear(3, 5, { useBias: false, rngs });
    this.norm = new nnx.BatchNorm(5, { momentum: 0.9, rngs });
    this.b = new nnx.Linear(5, 1, { rngs });
  }
  call(x: NDArray): NDArray {
    return this.b.call(np.tanh(this.norm.call(this.a.call(x))));
  }
}

Deno.test("optimiser steps in a scan train as the original does", () => {
  const r = recorded.training!;
  const [xs, ys] = [array(r.xs), array(r.ys)];
  type Carried = [Regressor, nnx.Optimizer];
  const loss = (m: Regressor, x: NDArray, y: NDArray): NDArray => m.call(x).sub(y).square().mean();
  const step = ([m, o]: Carried, x: NDArray, y: NDArray): [Carried, NDArray] => {
    const [value, grads] = nnx.valueAndGrad(loss)(m, x, y);
    o.update(m, grads as nnx.State);
    return [[m, o], value];
  };
  const train = (m: Regressor, o: nnx.Optimizer): NDArray =>
    nnx.scan(step, { inAxes: [nnx.Carry, 0, 0] })([m, o], xs, ys)[1];
  const optimisers: Record<string, nnx.GradientTransformation> = {
    sgd: sgd(0.1, 0.9) as nnx.GradientTransformation,
    adam: adam(0.05) as nnx.GradientTransformation,
  };
  for (const [name, tx] of Object.entries(optimisers)) {
    const { losses, after, state } = r[name] as unknown as Record<string, Entries>;
    for (const run of [train, nnx.jit(train)]) {
      const m = new Regressor(rngs(8));
      assertState(m, state!, 1e-6);
      const o = new nnx.Optimizer(m, tx, { wrt: nnx.Param });
      assertClose(run(m, o), array(losses), 5e-5, name);
      assertState(m, after!, 2e-4);
      assertEquals(o.step.value.item(), 6);
    }
  }
});

Deno.test("a shared layer is one entry, and its gradient the original's", () => {
  class Tied extends nnx.Module {
    readonly a = new nnx.Linear(2, 2, { rngs: rngs(1) });
    readonly b = this.a;
    call(x: NDArray): NDArray {
      return this.b.call(np.tanh(this.a.call(x)));
    }
  }
  const r = recorded.tied!;
  const m = new Tied();
  assertEquals(nnx.variables(m).map(([path]) => path), ["a/kernel", "a/bias"]);
  load(m, r.state as Entries);
  const [value, grads] = nnx.valueAndGrad((m: Tied) => m.call(np.array([1, 2])).sum())(m);
  assertClose(value, array(r.loss), 2e-5);
  assertTree(grads, r.grads as Entries);
});

Deno.test("a model with a solve in it has the original's value and gradient, whichever way it is asked", () => {
  const r = recorded.equilibrium!;
  const x = array(r.x);
  const m = new nnx.Linear(3, 3, { kernelInit: nnx.initializers.normal(0.3), rngs: rngs(2) });
  assertState(m, r.state as Entries, 1e-6);
  const solve = (m: nnx.Linear): NDArray =>
    fixedPoint((z) => np.tanh(m.call(z).add(x)), np.zeros([3]), {
      transforms: nnx.transformsFor(m),
      rtol: 1e-7,
      atol: 1e-7,
    }).value;
  const loss = (m: nnx.Linear): NDArray => solve(m).square().sum();
  assertClose(solve(m), array(r.value), 1e-5);
  for (const run of [nnx.grad(loss), nnx.jit(nnx.grad(loss))]) {
    assertTree(run(m), r.grads as Entries, 1e-4);
  }
  const [graphdef, params] = nnx.split(m);
  const purified = grad((p: nnx.State) => loss(nnx.merge(graphdef, p)));
  for (const run of [purified, jit(purified)]) assertTree(run(params!), r.grads as Entries, 1e-4);
});
