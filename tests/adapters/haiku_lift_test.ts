/**
 * Pairs of functions of other forms, models inside models, layers that are stacked, and structures taken
 * apart: as in dm-haiku, whose names are those of parameters here.
 *
 * @module
 */
import {
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  scan,
  ShapeError,
  StateError,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

await loadBackend("onnx");

const key = random.key(17);
const x = np.array([1, 2]);
const zero = hk.initializers.constant(0);
const linear = (x: NDArray): NDArray => new hk.Linear(2).call(x);
const count = (): NDArray => {
  const n = hk.getState("n", [], { init: zero });
  hk.setState("n", n.add(1));
  return n;
};

Deno.test("pairs with and without state and keys are made of each other", () => {
  const plainModel = hk.transform(linear);
  const params = plainModel.init(key, x);
  const stateful = hk.withEmptyState(plainModel);
  assertEquals(plain(stateful.init(key, x)), [plain(params), {}]);
  const back = hk.withoutState(stateful);
  assertEquals(plain(back.apply(params, null, x)), plain(plainModel.apply(params, null, x)));
  assertEquals(
    plain(hk.withoutApplyRng(back).apply(params, x)),
    plain(plainModel.apply(params, null, x)),
  );
  const counter = hk.withoutApplyRng(hk.transformWithState(count));
  assertEquals(plain(counter.apply({}, { "~": { n: np.array(3) } })), [3, { "~": { n: 4 } }]);
  const lost = hk.withoutState(hk.transformWithState(count));
  assertThrows(() => lost.init(null), StateError, "hk.withoutState: the function has state (~)");
  assertThrows(() => stateful.apply(params, { a: {} }, null, x), StateError, "was given some: a");
  assertThrows(
    () => hk.withoutState(plainModel as never),
    StateError,
    "not what hk.transform gave",
  );
  assertThrows(
    () => hk.withEmptyState(stateful as never),
    StateError,
    "not what hk.transformWithState gave",
  );
  assertThrows(() => hk.withoutApplyRng({} as never), StateError, "expected what hk.transform or");
  const noisy = hk.withoutApplyRng(hk.transform(() => random.normal(hk.nextRngKey(), [])));
  assertThrows(() => noisy.apply({}), StateError, "no random key");
});

Deno.test("several functions share one init, and the modules that their factory makes", () => {
  let runs = 0;
  const coder = hk.multiTransform(() => {
    runs++;
    const shift = hk.getParameter("shift", [], { init: zero });
    const [enc, dec] = [new hk.Linear(3, { name: "enc" }), new hk.Linear(2, { name: "dec" })];
    const encode = (x: NDArray): NDArray => enc.call(x).add(shift);
    const decode = (z: NDArray): NDArray => dec.call(z);
    return [(x: NDArray) => decode(encode(x)), {
      encode,
      list: [decode, () => random.normal(hk.nextRngKey(), [])],
    }] as const;
  });
  assertEquals(runs, 1);
  const params = coder.init(key, x);
  assertEquals(Object.keys(params).sort(), ["dec", "enc", "~"]);
  const z = coder.apply.encode({ ...params, "~": { shift: np.array(1) } }, null, x);
  assertEquals(plain(z), plain(np.matmul(x, params.enc!.w!).add(1)));
  assertEquals(coder.apply.list[0](params, null, z).shape, [2]);
  assertThrows(() => coder.apply.list[1](params, null), StateError, "no random key");
  const slope = grad((p: hk.ModuleEntries) => coder.apply.encode(p, null, x).sum())(params);
  assertEquals(plain(slope.dec!.w!), [[0, 0], [0, 0], [0, 0]]);
  const counters = hk.multiTransformWithState(() =>
    [count, [count, () => hk.getState("n")]] as const
  );
  const [p, s] = counters.init(null);
  const [, after] = counters.apply[0](p, s, null);
  assertEquals(plain(counters.apply[1](p, after, null)), [1, { "~": { n: 1 } }]);
  const empty = hk.multiTransform(() => [() => 0, {}] as const);
  assertEquals([empty.init(null), empty.apply], [{}, {}]);
  assertThrows(
    () => hk.multiTransform(() => 3 as never),
    StateError,
    "must give [template, functions], not number 3",
  );
  assertThrows(
    () => hk.multiTransform(() => [count, [3]] as never),
    StateError,
    "must hold functions",
  );
  const lost = hk.multiTransform(() => [count, [count]] as const);
  assertThrows(() => lost.init(null), StateError, "Use hk.multiTransformWithState");
});

Deno.test("an inner model's parameters are kept below a name, and pure transforms apply to it", () => {
  const inner = hk.transform(linear);
  const model = hk.transform((xs: NDArray) => {
    const one = hk.lift(inner.init, { name: "f" })(hk.maybeNextRngKey(), xs.at(0));
    const two = hk.lift(inner.init, { name: "f" })(hk.maybeNextRngKey(), xs.at(0));
    const three = hk.transparentLift(inner.init)(hk.maybeNextRngKey(), xs.at(0));
    assertEquals([one, two, three].map((p) => Object.keys(p)).flat().slice(0, 2), [
      "linear",
      "linear",
    ]);
    const apply = (p: hk.ModuleEntries) => vmap((x: NDArray) => inner.apply(p, null, x));
    return apply(two)(apply(one)(xs));
  });
  const xs = np.array([[1, 2], [3, 4]]);
  const params = model.init(key, xs);
  assertEquals(Object.keys(params), ["f/linear", "f_1/linear", "linear"]);
  const by = (p: { [name: string]: NDArray }, x: NDArray): NDArray => np.matmul(x, p.w!).add(p.b!);
  const expected = by(params["f_1/linear"]!, by(params["f/linear"]!, xs));
  assertClose(model.apply(params, null, xs), plain(expected) as number[][], 1e-6);
  const inModule = hk.transform((x: NDArray) =>
    hk.nameScope("m", () => inner.apply(hk.lift(inner.init)(hk.maybeNextRngKey(), x), null, x))
  );
  assertEquals(Object.keys(inModule.init(key, x)), ["m/lifted/linear"]);
  const clash = hk.transform((x: NDArray) => {
    linear(x);
    return inner.apply(hk.transparentLift(inner.init)(hk.maybeNextRngKey(), x), null, x);
  });
  assertThrows(
    () => clash.init(key, x),
    StateError,
    "hk.transparentLift: there is linear/w already",
  );
  const reuse = hk.transform((x: NDArray) => {
    linear(x);
    const init = hk.transparentLift(inner.init, { allowReuse: true });
    return inner.apply(init(hk.maybeNextRngKey(), x), null, x);
  });
  assertEquals(Object.keys(reuse.init(key, x)), ["linear"]);
  const stateful = hk.transformWithState(count);
  const wrong = hk.transform(() => hk.lift(stateful.init as never)(null as never) && 0);
  assertThrows(() => wrong.init(null), StateError, "Use hk.liftWithState");
  assertThrows(() => hk.lift(inner.init), StateError, "hk.lift must be used inside hk.transform");
});

Deno.test("an inner model's state follows, and what updates it is used once", () => {
  const inner = hk.transformWithState(count);
  const run = (use: (u: hk.LiftWithStateUpdater, s: hk.ModuleEntries) => void) => {
    const model = hk.transformWithState(() => {
      const [init, updater] = hk.liftWithState(inner.init, { name: "f" });
      const [params, state] = init(null);
      const [out, next] = inner.apply(params, state, null);
      use(updater, next);
      return out;
    });
    const [params, state] = model.init(null);
    assertEquals(plain(state), { "f/~": { n: 0 } });
    const [, one] = model.apply(params, state, null);
    return plain(model.apply(params, one, null));
  };
  assertEquals(run((u, s) => u.update(s)), [1, { "f/~": { n: 2 } }]);
  assertEquals(run((u) => u.ignoreUpdate()), [0, { "f/~": { n: 0 } }]);
  assertThrows(() => run(() => {}), StateError, "what updates the inner state was not used");
  assertThrows(
    () => run((u, s) => (u.update(s), u.ignoreUpdate())),
    StateError,
    "is to be used once",
  );
  let kept: hk.LiftWithStateUpdater | undefined;
  run((u) => (kept = u, u.ignoreUpdate()));
  const other = hk.transformWithState(() => (kept!.update({}), 0));
  assertThrows(() => other.init(null), StateError, "is for the init or apply that it was made in");
  const bare = hk.transformWithState(() => {
    const [init, updater] = hk.transparentLiftWithState(inner.init);
    const [out, state] = inner.apply(...init(null), null);
    updater.update(state);
    return out;
  });
  const [params, state] = bare.init(null);
  assertEquals(plain(bare.apply(params, state, null)[1]), { "~": { n: 1 } });
});

const block = (x: NDArray): NDArray =>
  np.tanh(new hk.Linear(2, { bInit: hk.initializers.randomNormal() }).call(x));

Deno.test("stacked layers have weights of their own, and are what a loop in JavaScript is", () => {
  const model = hk.transform((x: NDArray) => hk.layerStack(4, block)(x));
  const params = model.init(key, x);
  const [name, own] = Object.entries(params)[0]!;
  assertEquals([name, own.w!.shape, own.b!.shape], [
    "__layer_stack_no_per_layer/linear",
    [4, 2, 2],
    [4, 2],
  ]);
  assertEquals(new Set((plain(own.b!) as number[][]).map(String)).size, 4);
  const unrolled = (p: hk.ModuleEntries, x: NDArray, order = [0, 1, 2, 3]): NDArray =>
    order.reduce((y, i) => np.tanh(np.matmul(y, p[name]!.w!.at(i)).add(p[name]!.b!.at(i))), x);
  assertClose(model.apply(params, null, x), plain(unrolled(params, x)) as number[], 1e-6);
  for (const backend of ["cpu", "onnx", "interpreter"]) {
    const compiled = jit((p: hk.ModuleEntries, x: NDArray) => model.apply(p, null, x), { backend });
    assertClose(compiled(params, x), plain(unrolled(params, x)) as number[], 1e-6);
  }
  const [a, b] = [model.apply, (p: hk.ModuleEntries, _: null, x: NDArray) => unrolled(p, x)].map((
    f,
  ) => grad((p: hk.ModuleEntries) => f(p, null, x).sum())(params)[name]!.w!);
  assertClose(a!, plain(b!) as number[][], 1e-5);
  const reversed = hk.transform((x: NDArray) => hk.layerStack(4, block, { reverse: true })(x));
  assertClose(
    reversed.apply(params, null, x),
    plain(unrolled(params, x, [3, 2, 1, 0])) as number[],
    1e-6,
  );
});

Deno.test("stacked layers: several arguments, inputs of their own, nested, with state and keys, in modules", () => {
  const pair = hk.transform((x: NDArray, y: NDArray) =>
    hk.layerStack(3, (x: NDArray, y: NDArray) => [linear(y), x], { name: "s" })(x, y)
  );
  const params = pair.init(key, x, x);
  const w = params["s/linear"]!.w!;
  const [, second] = pair.apply(params, null, x, x) as [NDArray, NDArray];
  assertClose(second, plain(np.matmul(x, w.at(1))) as number[], 1e-6);

  const inputs = hk.transform((x: NDArray, ys: NDArray) =>
    hk.layerStackWithInputs(3, (x: NDArray, y: NDArray) => [linear(x).add(y), x.sum()], {
      name: "s",
    })(x, ys)
  );
  const ys = np.array([1, 2, 3]);
  const own = inputs.init(key, x, ys);
  const [, sums] = inputs.apply(own, null, x, ys) as [NDArray, NDArray];
  assertEquals([sums.shape, sums.at(0).item()], [[3], 3]);

  const nested = hk.transform((x: NDArray) =>
    hk.layerStack(2, (x: NDArray) => hk.layerStack(3, block, { name: "inner" })(x), {
      name: "outer",
    })(x)
  );
  const deep = nested.init(key, x);
  assertEquals([Object.keys(deep), deep["outer/inner/linear"]!.w!.shape], [["outer/inner/linear"], [
    2,
    3,
    2,
    2,
  ]]);
  const all = deep["outer/inner/linear"]!;
  const flat = [...Array(6).keys()].reduce(
    (y, i) =>
      np.tanh(np.matmul(y, all.w!.reshape([6, 2, 2]).at(i)).add(all.b!.reshape([6, 2]).at(i))),
    x,
  );
  assertClose(nested.apply(deep, null, x), plain(flat) as number[], 1e-6);

  class Net extends hk.Module {
    call(x: NDArray): NDArray {
      const shared = new hk.Linear(2, { name: "shared" });
      return hk.layerStack(3, (x: NDArray) => {
        hk.setState("n", hk.getState("n", [], { init: zero }).add(1));
        return shared.call(linear(x)).add(random.normal(hk.nextRngKey(), []));
      }, { name: "s" })(x);
    }
  }
  const net = hk.transformWithState((x: NDArray) => new Net().call(x));
  const [p, s] = net.init(key, x);
  assertEquals(Object.keys(p).sort(), ["net/s/linear", "net/shared"]);
  assertEquals([p["net/shared"]!.w!.shape, plain(s)], [[2, 2], { "net/s": { n: [0, 0, 0] } }]);
  assertEquals(plain(net.apply(p, s, key, x)[1]), { "net/s": { n: [1, 1, 1] } });
  const draws = hk.transform(() =>
    hk.layerStackWithInputs(3, (c: NDArray) => [c, hk.nextRngKey()])(np.array(0))[1]
  );
  assertEquals(new Set((plain(draws.apply({}, key)) as number[][]).map(String)).size, 3);
});

Deno.test("stacked layers that do not fit say so", () => {
  const run = (f: () => unknown): unknown => hk.transform(() => (f(), 0)).init(key);
  assertThrows(
    () => run(() => hk.layerStack(0, block)),
    RangeError,
    "the number of layers must be an integer",
  );
  assertThrows(
    () => run(() => hk.layerStack(2, 3 as never)),
    StateError,
    "expected the function of a layer",
  );
  assertThrows(
    () => run(() => hk.layerStack(2, (a: NDArray, _b: NDArray) => a)(x, x)),
    StateError,
    "the layer takes 2 arguments and must give a list of as many",
  );
  assertThrows(
    () => run(() => hk.layerStackWithInputs(3, (a: NDArray, _y: NDArray) => [a, a])(x, x)),
    ShapeError,
    "inputs must be arrays with 3 slices along the first axis",
  );
  assertThrows(
    () => run(() => hk.layerStackWithInputs(2, (a: NDArray, _y: NDArray) => a as never)(x, x)),
    StateError,
    "the layer must give [x, result]",
  );
});

Deno.test("a lifted inner model may be scanned with pure scan over its layers' weights", () => {
  const inner = hk.transform(linear);
  const model = hk.transform((x: NDArray) => {
    const init = hk.lift(
      (k: NDArray, x: NDArray) => vmap((k: NDArray) => inner.init(k, x))(random.split(k, 3)),
      { name: "all" },
    );
    const params = init(hk.runningInit() ? hk.nextRngKey() : random.key(0), x);
    return scan((c: NDArray, p: hk.ModuleEntries) => [inner.apply(p, null, c), null], x, params)[0];
  });
  const params = model.init(key, x);
  assertEquals(params["all/linear"]!.w!.shape, [3, 2, 2]);
  assertEquals(model.apply(params, null, x).shape, [2]);
});

Deno.test("structures are taken apart and put together", () => {
  const d = hk.dataStructures;
  const s = { b: { w: 1, v: 2 }, a: { w: 3 } };
  assertEquals(d.traverse(s), [["a", "w", 3], ["b", "v", 2], ["b", "w", 1]]);
  const isW = (_: string, name: string): boolean => name === "w";
  assertEquals(d.partition(isW, s), [{ a: { w: 3 }, b: { w: 1 } }, { b: { v: 2 } }]);
  assertEquals(d.filter(isW, s), { a: { w: 3 }, b: { w: 1 } });
  assertEquals(d.map((m, n, v) => `${m}${n}${v}`, s), {
    a: { w: "aw3" },
    b: { v: "bv2", w: "bw1" },
  });
  assertEquals(d.partitionN((_m, _n, v) => v - 1, s, 3), [{ b: { w: 1 } }, { b: { v: 2 } }, {
    a: { w: 3 },
  }]);
  assertThrows(
    () => d.partitionN(() => 3, s, 3),
    RangeError,
    "a/w is for part number 3, and there are 3",
  );
  assertEquals(d.merge(s, { a: { w: 5, u: 6 } }, { c: {} }), {
    a: { w: 5, u: 6 },
    b: { v: 2, w: 1 },
  });
  const two = [{ a: { w: np.ones([2]) } }, { a: { w: np.ones([3]) } }] as const;
  assertEquals(d.merge(...two).a!.w!.shape, [3]);
  assertThrows(
    () => d.mergeChecked(...two),
    StateError,
    "there are two of a/w: float32[2] and float32[3]",
  );
  assertEquals([d.isSubset({ b: { v: 0 } }, s), d.isSubset({ b: { x: 0 } }, s)], [true, false]);
  const arrays = { a: { w: np.ones([2, 3]), f: np.ones([2]).astype("bool") } };
  assertEquals([d.treeSize(arrays), d.treeBytes(arrays)], [8, 26]);
  for (const bad of [null, 3, { a: 1 }, { a: np.ones([2]) }]) {
    assertThrows(
      () => d.filter(isW, bad as never),
      StateError,
      "expected { module: { name: value } }",
    );
  }
});
