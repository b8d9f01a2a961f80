/** Modules as trees, filter transforms and state in the manner of Equinox. */
import {
  ambient,
  fixedPoint,
  grad,
  jit,
  loadBackend,
  NDArray,
  nn,
  numpy as np,
  pure,
  random,
  scan,
  StateError,
  type Transforms,
  TreeError,
  treeLeaves,
  treeMap,
  withTransforms,
} from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/assert.ts";

await loadBackend("onnx");

const key = random.key(0);
const backends = ["cpu", "onnx", "interpreter"] as const;
const tight = { rtol: 1e-7, atol: 1e-7 };

Deno.test("a DEQ whose cell is a module is that of the pure function of its weights, and so is its gradient", () => {
  const cell = new eqx.nn.Linear(3, 3, { key });
  const x = np.array([0.3, -0.2, 0.4]);
  const solve = (f: (z: NDArray) => NDArray): NDArray =>
    fixedPoint((z) => np.tanh(f(z).mul(0.5).add(x)), np.zeros([3]), tight).value;
  const deq = (m: eqx.nn.Linear): NDArray => solve((z) => m.call(z)).square().sum();
  const plain = (w: NDArray, b: NDArray): NDArray =>
    solve((z) => np.matmul(w, z).add(b)).square().sum();
  const { weight, bias } = cell;
  const expected = grad(plain, { argnums: [0, 1] })(weight, bias!);
  const slope = eqx.filterGrad(deq);
  for (const f of [slope, eqx.filterJit(slope), eqx.filterJit(slope, { backend: "interpreter" })]) {
    const own = f(cell);
    assertClose([own.weight, own.bias], [...expected], 1e-5);
    assertEquals(own.inFeatures, 3);
  }
  assertClose(deq(cell), plain(weight, bias!), 1e-6);
});

/** x = 0.5 tanh(norm(W x + u)), in which a BatchNorm is updated once. */
class Implicit extends eqx.Module {
  readonly linear: eqx.nn.Linear = new eqx.nn.Linear(2, 2, { key });
  readonly norm: eqx.nn.BatchNorm = new eqx.nn.BatchNorm(2, { mode: "ema", momentum: 0.5 });
  step(z: NDArray, u: NDArray, state: eqx.State): [NDArray, eqx.State] {
    const [y, after] = this.norm.call(this.linear.call(z).mul(0.3).add(u), state);
    return [np.tanh(y.mul(0.3)).mul(0.5), after];
  }
  /** State comes out as what the function gives beside its value. */
  explicit(u: NDArray, state: eqx.State): [NDArray, eqx.State] {
    const { value, aux } = fixedPoint((z) => this.step(z, u, state.clone()), np.zerosLike(u), {
      ...tight,
      hasAux: true,
    });
    return [value, aux];
  }
  /** State goes through a solver that knows nothing of it. */
  threaded(
    u: NDArray,
    state: eqx.State,
    transforms: Transforms = eqx.transforms,
  ): [NDArray, eqx.State] {
    return eqx.threadState(
      state,
      (state) =>
        fixedPoint((z: NDArray) => this.step(z, u, state)[0], np.zerosLike(u), {
          ...tight,
          transforms,
        }).value,
    );
  }
}

Deno.test("a BatchNorm in a solve is updated once, at the solution, explicitly and threaded", () => {
  const [model, state] = eqx.makeWithState(Implicit)();
  const u = np.array([[1, 2], [0.5, -1], [3, 0.2]]);
  const [z, after] = model.explicit(u, state.clone());
  // By hand: the statistics are those of the step from the solution.
  const [again, once] = model.step(z, u, state.clone());
  assertClose(again, z, 1e-5);
  assertClose(after.values(), once.values(), 1e-5);
  for (const method of ["explicit", "threaded"] as const) {
    const run = (m: Implicit, u: NDArray, s: eqx.State) => m[method](u, s);
    const loss = (m: Implicit, u: NDArray, s: eqx.State): [NDArray, eqx.State] => {
      const [z, after] = m[method](u, s);
      return [z.square().sum(), after];
    };
    const slope = eqx.filterValueAndGrad(loss, { hasAux: true });
    const [[value, aux], by] = slope(model, u, state.clone());
    assertClose(value, z.square().sum(), 1e-5);
    assertClose(aux.values(), after.values(), 1e-5);
    const h = 1e-2;
    const at = (d: number): number =>
      loss(eqx.treeAt((m) => m.norm.weight, model, np.array([1 + d, 1])), u, state.clone())[0]
        .item();
    assertClose(by.norm.weight!.at(0), (at(h) - at(-h)) / (2 * h), 2e-4);
    for (const backend of backends) {
      const [y, s] = eqx.filterJit(run, { backend })(model, u, state.clone());
      assertClose(y, z, 1e-5);
      assertClose(s.values(), after.values(), 1e-5);
      const [, compiled] = eqx.filterJit(slope, { backend })(model, u, state.clone());
      assertClose(compiled.norm.weight, by.norm.weight, 1e-5);
    }
  }
});

Deno.test("state goes through library code that knows nothing: loops, branches, derivatives, ambient", () => {
  class Count extends eqx.Module {
    readonly n: eqx.StateIndex<NDArray> = new eqx.StateIndex(np.array(0));
    call(x: NDArray, state: eqx.State): [NDArray, eqx.State] {
      const n = state.get(this.n).add(1);
      return [x.mul(0.5).add(n), state.set(this.n, n)];
    }
  }
  const [model, state] = eqx.makeWithState(Count)();
  const library = (f: (x: NDArray) => NDArray, x: NDArray, t: Transforms = ambient): NDArray => {
    const looped = t.foriLoop(0, 3, (_, x) => f(x), x);
    const chosen = t.cond(true, f, (x) => x, looped);
    const [, slope] = t.jvp(t.jit(f), [chosen], [np.ones([])]);
    return t.whileLoop((x) => x.less(100), (x) => f(x).mul(10), chosen.add(slope));
  };
  let [x, s] = [np.array(1), state.clone()];
  const call = (x: NDArray): NDArray => {
    let y: NDArray;
    [y, s] = model.call(x, s);
    return y;
  };
  for (let i = 0; i < 4; i++) x = call(x);
  call(x);
  x = x.add(0.5);
  while (x.item() < 100) x = call(x).mul(10);
  const run = (m: Count, state: eqx.State) =>
    eqx.threadState(
      state,
      (state) =>
        withTransforms(eqx.transforms, () => library((x) => m.call(x, state)[0], np.array(1))),
    );
  for (const f of [run, ...backends.map((backend) => eqx.filterJit(run, { backend }))]) {
    const [y, after] = f(model, state.clone());
    assertClose(y, x, 1e-6);
    assertEquals(after.get(model.n).item(), s.get(model.n).item());
  }
});

Deno.test("a state that is old, another model's or inside a raw transform is refused by name", () => {
  const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(1, { mode: "batch" });
  const x = np.array([[1], [2]]);
  norm.call(x, state);
  assertThrows(() => norm.call(x, state), StateError, "this state is old");
  assertThrows(() => treeLeaves(state), StateError, "this state is old");
  const [other, fresh] = eqx.makeWithState(() => ({
    inner: new eqx.nn.BatchNorm(1, { mode: "batch" }),
  }))();
  assertThrows(
    () => norm.call(x, fresh),
    StateError,
    "the state has no entry hidden; it has inner.counter",
  );
  assertThrows(
    () => fresh.set(other.inner.counter, np.array(1)),
    StateError,
    "is int32[] and cannot become float32[]",
  );
  assertThrows(() => fresh.get(new eqx.StateIndex(1)), StateError, "belongs to no state");
  assertThrows(() => eqx.makeWithState(() => [other])(), StateError, "belongs to a state already");
  assertThrows(() => fresh.get("hidden" as never), TypeError, "a StateIndex, not");
  assertThrows(
    () => eqx.threadState(fresh, (s) => jit((x: NDArray) => other.inner.call(x, s)[0])(x)),
    StateError,
    "Use eqx.transforms instead",
  );
  let kept: eqx.State | null = null;
  const [, after] = eqx.threadState(fresh.clone(), (s) => kept = s);
  assertThrows(() => kept!.get(other.inner.counter), StateError, "inside eqx.threadState");
  assertThrows(
    () => eqx.threadState(fresh, async (s) => await Promise.resolve(s)),
    StateError,
    "eqx.threadState: the function returned a promise",
  );
  // Nothing changed.
  assertEquals(after.get(other.inner.counter).item(), 0);
  assertThrows(
    () =>
      eqx.threadState(fresh, () => {
        throw new Error("midway");
      }),
    Error,
    "midway",
  );
  assertEquals(fresh.get(other.inner.counter).item(), 0);
});

Deno.test("state is a tree: it is carried by loops, mapped, and taken apart by part of a model", () => {
  const [model, state] = eqx.makeWithState(() => ({
    a: new eqx.nn.BatchNorm(1, { mode: "batch" }),
    b: new eqx.nn.BatchNorm(2, { mode: "batch" }),
  }))();
  assertEquals(state.keys(), ["a.counter", "a.hidden", "b.counter", "b.hidden"]);
  const x = np.array([[1], [2]]);
  const [carried] = scan((s: eqx.State) => [model.a.call(x, s)[1], null], state.clone(), null, {
    length: 3,
  });
  assertEquals(carried.get(model.a.counter).item(), 3);
  const own = state.substate(model.b);
  assertEquals(own.keys(), ["b.counter", "b.hidden"]);
  const [, moved] = model.b.call(np.ones([2, 2]), own);
  const merged = state.update(moved);
  assertEquals([merged.get(model.b.counter).item(), merged.get(model.a.counter).item()], [1, 0]);
  assertThrows(
    () => moved.update(merged),
    StateError,
    "state.update: the state has no entry a.counter",
  );
  // A model whose state differs by lane.
  const [ensemble, states] = eqx.filterVmap(eqx.makeWithState((scale: NDArray) => ({
    norm: new eqx.nn.BatchNorm(1, { mode: "batch" }),
    scale,
  })))(np.array([1, 2, 3]));
  const run = eqx.filterVmap((m: typeof ensemble, s: eqx.State) => m.norm.call(x.mul(m.scale), s));
  const [y, after] = run(ensemble, states);
  assertEquals(y.shape, [3, 2, 1]);
  assertClose(after.get(ensemble.norm.hidden)[0], [[0.015], [0.03], [0.045]], 1e-6);
  // The same index twice is one entry.
  const shared = new eqx.nn.BatchNorm(1, { mode: "batch" });
  assertEquals(eqx.makeWithState(() => [shared, shared])()[1].keys(), [
    "[0].counter",
    "[0].hidden",
  ]);
});

Deno.test("leaves that are no arrays are part of the program, and compile anew where they change", () => {
  let traces = 0;
  const f = eqx.filterJit(
    (model: { f: (x: NDArray) => NDArray; n: number; w: NDArray }, tag: string) => {
      traces++;
      return { y: model.f(model.w).mul(model.n), tag, n: model.n };
    },
    { backend: "interpreter" },
  );
  const model = { f: np.sin, n: 2, w: np.array([1, 2]) };
  const { y, tag, n } = f(model, "a");
  assertClose(y, np.sin(model.w).mul(2), 1e-6);
  assertEquals([tag, n, traces], ["a", 2, 1]);
  f({ ...model, w: np.array([3, 4]) }, "a");
  assertEquals(traces, 1);
  assertClose(f({ ...model, f: np.cos }, "a").y, np.cos(model.w).mul(2), 1e-6);
  assertEquals(f({ ...model, n: 3 }, "b").tag, "b");
  assertEquals(traces, 3);
});

Deno.test("derivatives are by the floating-point arrays of the first argument", () => {
  const model = { w: np.array([1, 2]), n: np.array([1, 1], { dtype: "int32" }), f: np.sin, k: 3 };
  const f = (m: typeof model, x: NDArray): NDArray => m.f(m.w.mul(x)).mul(m.n).mul(m.k).sum();
  const x = np.array(0.5);
  const slope = eqx.filterGrad(f)(model, x);
  assertEquals([slope.n, slope.f, slope.k], [null, null, null] as never);
  assertClose(slope.w, np.cos(model.w.mul(0.5)).mul(1.5), 1e-6);
  const [value, same] = eqx.filterValueAndGrad(f)(model, x);
  assertClose([value, same.w], [f(model, x), slope.w], 1e-6);
  const [out, tangent] = eqx.filterJvp(
    (m: typeof model, x: NDArray) => ({ y: f(m, x), k: m.k }),
    [model, x],
    [{ w: np.array([1, 0]), n: null, f: null, k: null } as never, null],
  );
  assertClose([out.y, tangent.y], [value, slope.w.at(0)], 1e-6);
  assertEquals([out.k, tangent.k], [3, null] as never);
  const [y, pull, aux] = eqx.filterVjp((m: typeof model) => [{ y: f(m, x) }, "aux"] as const, [
    model,
  ], { hasAux: true });
  assertClose([y.y, pull({ y: np.array(2) })[0].w], [value, slope.w.mul(2)], 1e-6);
  assertEquals(aux, "aux");
  for (const jacobian of [eqx.filterJacfwd, eqx.filterJacrev]) {
    const rows = jacobian((m: typeof model) => ({ y: m.w.square(), k: m.k }))(model) as {
      y: { w: NDArray };
    };
    assertClose(rows.y.w, [[2, 0], [0, 4]], 1e-6);
  }
  const second = eqx.filterHessian((m: typeof model) => f(m, x))(model) as { w: { w: NDArray } };
  assertClose(second.w.w.at(0).at(0), -Math.sin(0.5) * 0.75, 1e-6);
  assertThrows(
    () => eqx.filterGrad((n: number) => np.array(n))(1),
    TreeError,
    "no floating-point arrays",
  );
});

Deno.test("trees are parted, combined, and changed in one place", () => {
  const mlp = new eqx.nn.MLP(2, 1, 3, 1, { key, activation: nn.gelu });
  const [params, rest] = eqx.partition(mlp, eqx.isInexactArray);
  assertEquals(treeLeaves(params).length, 4);
  assertStrictEquals(params.activation, null as never);
  assertStrictEquals(rest.activation, nn.gelu);
  const whole = eqx.combine(params, rest);
  assert(whole instanceof eqx.nn.MLP && eqx.treeEqual(whole, mlp));
  assertClose(whole.call(np.ones([2])), mlp.call(np.ones([2])), 1e-7);
  // A tree of booleans: the last layer alone.
  const spec = eqx.treeAt(
    (m) => m.layers[1]!.weight,
    treeMap(() => false, mlp) as unknown as eqx.nn.MLP,
    true as never,
  );
  assertEquals(treeLeaves(eqx.filter(mlp, spec)).length, 1);
  const frozen = eqx.partition(mlp, spec);
  const slope = eqx.filterGrad((m: eqx.nn.MLP) =>
    eqx.combine(m, frozen[1]).call(np.ones([2])).sum()
  )(frozen[0]);
  assertEquals(treeLeaves(slope).length, 1);
  const moved = eqx.treeAt((m) => [m.layers[0]!.bias, m.layers[1]!.bias], mlp, [
    np.ones([3]),
    np.ones([1]),
  ]);
  assertClose(moved.layers[1]!.bias, [1], 0);
  assertStrictEquals(moved.layers[0]!.weight, mlp.layers[0]!.weight);
  assertClose(
    eqx.treeAt((m) => m.layers[0]!.bias, mlp, { replaceBy: (b) => b.mul(2) }).layers[0]!.bias,
    mlp.layers[0]!.bias!.mul(2),
    0,
  );
  const unbiased = new eqx.nn.Linear(2, 2, { key, useBias: false });
  assertClose(eqx.treeAt((m) => m.bias, unbiased, np.ones([2])).bias, [1, 1], 0);
  assertThrows(
    () => eqx.treeAt((m) => m.inFeatures, unbiased, 3),
    TreeError,
    "where must give a node",
  );
  assertThrows(
    () => eqx.combine({ a: 1 }, { b: 2 } as never),
    TreeError,
    "eqx.combine: the trees differ at the top",
  );
  assertThrows(() => eqx.filter({ a: 1 }, { b: true }), TreeError, "must be a prefix");
});

Deno.test("training by any optimiser of the shape init and update", () => {
  // Adam, which knows of trees alone.
  const map = <T>(f: (...xs: NDArray[]) => NDArray, ...trees: T[]): T =>
    (treeMap as (f: unknown, ...trees: unknown[]) => T)(f, ...trees);
  const rate = 0.05;
  const loss = (m: eqx.nn.MLP, x: NDArray, y: NDArray): NDArray => m.call(x).sub(y).square().mean();
  const x = random.normal(random.key(1), [16, 2]);
  const y = x.sum(1).reshape([16, 1]);
  const step = eqx.filterJit((m: eqx.nn.MLP, v: eqx.nn.MLP, x: NDArray, y: NDArray) => {
    const [value, g] = eqx.filterValueAndGrad(loss)(m, x, y);
    const next = map((v, g) => v.mul(0.9).add(g.square().mul(0.1)), v, g);
    const update = map((v, g) => g.div(v.sqrt().add(1e-6)).mul(-rate), next, g);
    return [eqx.applyUpdates(m, update), next, value] as const;
  }, { backend: "onnx" });
  let m = new eqx.nn.MLP(2, 1, 8, 1, { key, activation: np.tanh });
  let v = map((w) => np.zerosLike(w), eqx.filter(m, eqx.isInexactArray));
  const first = loss(m, x, y).item();
  for (let i = 0; i < 60; i++) [m, v] = step(m, v, x, y);
  assert(loss(m, x, y).item() < first / 20);
});

Deno.test("modules do not change, and what cannot be a field is refused", () => {
  class Counter extends eqx.Module {
    n: NDArray = np.array(0);
    call(): NDArray {
      this.n = this.n.add(1);
      return this.n;
    }
  }
  const counter = new Counter();
  assertThrows(
    () => eqx.filterJit((c: Counter) => c.call(), { backend: "interpreter" })(counter),
    TypeError,
    "read only",
  );
  assertEquals(counter.n.item(), 0);
  class Wrong extends eqx.Module {
    static readonly staticFields = ["w"];
    readonly w: NDArray = np.ones([2]);
  }
  assertThrows(() => treeLeaves(new Wrong()), TreeError, "Wrong: the field w holds an array");
  class Base extends eqx.Module {
    static readonly staticFields: readonly string[] = ["a"];
    constructor(readonly a: number, readonly b: number) {
      super();
    }
  }
  class Sub extends Base {
    static override readonly staticFields = ["c"];
    readonly c = "c";
  }
  assertEquals(treeLeaves(new Sub(1, 2)), [2]);
});

Deno.test("dropout, sequences and inference", () => {
  const model = new eqx.nn.Sequential([
    new eqx.nn.Linear(3, 50, { key }),
    new eqx.nn.Dropout(0.5),
    new eqx.nn.Lambda(np.tanh),
  ]);
  const x = np.ones([3]);
  const run = eqx.filterJit(
    (m: eqx.nn.Sequential, x: NDArray, key: NDArray) => m.call(x, { key }),
    { backend: "interpreter" },
  );
  const a = run(model, x, random.key(1));
  assertClose(a, model.call(x, { key: random.key(1) }), 1e-6);
  assert(np.abs(a.sub(run(model, x, random.key(2)))).sum().item() > 0);
  assertThrows(() => model.call(x), StateError, "eqx.nn.Dropout: a key is needed in training");
  const still = eqx.nn.inferenceMode(model);
  assertClose(still.call(x), np.tanh((model.layers[0] as eqx.nn.Linear).call(x)), 1e-6);
  assertEquals((eqx.nn.inferenceMode(still, false).layers[1] as eqx.nn.Dropout).inference, false);
  const stateful = new eqx.nn.Sequential([new eqx.nn.BatchNorm(3, { mode: "batch" })]);
  assertThrows(() => stateful.call(np.ones([2, 3])), TypeError, "layer 0 (BatchNorm) has state");
});

Deno.test("other axes, checkpoints, shapes and programs", () => {
  const layer = new eqx.nn.Linear(3, 2, { key });
  const xs = random.normal(key, [3, 5]);
  const call = (m: eqx.nn.Linear, x: NDArray) => ({ y: m.call(x), m, w: m.weight });
  const out = eqx.filterVmap(call, { inAxes: [null, 1], outAxes: { y: 1, m: null, w: null } })(
    layer,
    xs,
  );
  assertClose(out.y, np.matmul(layer.weight, xs).add(layer.bias!.reshape([2, 1])), 1e-6);
  assertEquals([out.m.weight.shape, out.m.inFeatures], [[2, 3], 3]);
  const loss = (m: eqx.nn.Linear, x: NDArray): NDArray => np.sin(m.call(x)).sum();
  const x = xs.transpose([1, 0]).at(0);
  assertClose(
    eqx.filterGrad(eqx.filterCheckpoint(loss))(layer, x).weight,
    eqx.filterGrad(loss)(layer, x).weight,
    1e-6,
  );
  const shapes = eqx.filterEvalShape((key: NDArray) => new eqx.nn.Linear(4, 2, { key }), key);
  assertEquals(String(shapes.weight), "float32[2,4]");
  assertEquals(shapes.outFeatures, 2);
  assert(String(eqx.filterMakeJaxpr(loss)(layer, x)).includes("sin"));
});

Deno.test("models are shown with fields, shapes and states", () => {
  const [model, state] = eqx.makeWithState(() => ({
    a: new eqx.nn.BatchNorm(2, { mode: "batch" }),
    f: np.sin,
  }))();
  const text = eqx.treePformat(model, { width: 60 });
  assert(
    text.includes("BatchNorm(") && text.includes("weight=float32[2]") &&
      text.includes('mode="batch"'),
    text,
  );
  assert(text.includes("f: function sin"), text);
  assertEquals(String(state), "State(a.counter=int32[], a.hidden=[float32[2], float32[2]])");
  assert(text.split("\n").every((line) => line.length <= 60), text);
});

Deno.test("outside of threadState the dictionary is the pure one", () => {
  assertStrictEquals(eqx.protocol.active(), false);
  assertClose(eqx.transforms.grad((x: NDArray) => x.square())(np.array(3)), [6].map(Number)[0]!, 0);
  assertEquals(pure.isInitializing(), eqx.transforms.isInitializing());
  assert(new eqx.nn.Linear(1, 1, { key }).weight instanceof NDArray);
});
