/**
 * The states of optimisers: the learning rate in them, groups, gathered gradients, gradients that are not finite, and
 * what may be traced.
 *
 * @module
 */
import {
  grad,
  jit,
  type NDArray,
  numpy as np,
  treeLeaves,
  treeStructure,
  vmap,
} from "../../mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { loss, optimisers, startOf, stepOf } from "./cases.ts";

for (const [name, make] of Object.entries(optimisers)) {
  Deno.test(`${name}: the state keeps its structure, shapes and dtypes, and is plain objects`, () => {
    for (const dtype of ["float32", "float64"] as const) {
      const optimiser = make();
      const params = startOf(dtype);
      const before = optimiser.init(params);
      const [moved, after] = stepOf(optimiser)(params, before);
      assertEquals(treeStructure(after), treeStructure(before));
      assertEquals(treeStructure(moved), treeStructure(params));
      const types = (tree: unknown): string[] =>
        (treeLeaves(tree) as NDArray[]).map((x) => `${x.dtype}[${x.shape}]`);
      assertEquals(types(after), types(before));
      assertEquals(types(moved), types(params));
      const text = JSON.stringify(after);
      assert(!text.includes("null,null,null,null") && text.length > 2, text);
    }
    assert(optimisers[name]!().description!.length > 3);
  });
}

Deno.test("the learning rate in a state is that of the last step, wherever it is", () => {
  const optimiser = optim.chain(
    optim.clip(1),
    optim.masked(optim.adam(optim.linearSchedule(1, 0, 4)), { a: true, b: false }),
  );
  const params = { a: np.array(1), b: np.array(2) };
  let state = optimiser.init(params);
  const seen = [optim.learningRateOf(state).item()];
  for (let i = 0; i < 4; i++) {
    [, state] = optimiser.update(params, state, params);
    seen.push(optim.learningRateOf(state).item());
  }
  assertEquals(seen, [1, 1, 0.75, 0.5, 0.25]);
});

Deno.test("a learning rate is set in compiled code without compiling again", () => {
  const optimiser = optim.sgd(1, { momentum: 0.5 });
  let traced = 0;
  const step = jit((p: NDArray, s: ReturnType<typeof optimiser.init>) => {
    traced++;
    return optimiser.update(np.ones([2]), s, p);
  });
  const start = np.zeros([2]);
  let state = optimiser.init(start);
  const [first] = step(start, state);
  state = optim.withLearningRate(state, 0.25);
  const [second] = step(start, state);
  assertEquals([first.toArray(), second.toArray(), traced], [[-1, -1], [-0.25, -0.25], 1]);
});

Deno.test("a rate that was set stays, over a schedule too and in each lane, until none is", () => {
  const optimiser = optim.sgd(optim.linearSchedule(1, 0, 4));
  const g = np.ones([2]);
  const rates = (s: ReturnType<typeof optimiser.init>): number[] => {
    const seen: number[] = [];
    for (let i = 0; i < 2; i++) {
      const [updates, next] = optimiser.update(g, s);
      seen.push(-updates.at(0).item());
      s = next;
    }
    return seen;
  };
  const [, state] = optimiser.update(g, optimiser.init(g));
  assertEquals(rates(state), [0.75, 0.5]);
  const set = optim.withLearningRate(state, 0.125);
  assertEquals(rates(set), [0.125, 0.125]);
  assertEquals(rates(optim.withLearningRate(set, null)), [0.75, 0.5]);
  const lanes = vmap((p: NDArray) => optimiser.init(p))(np.ones([3, 2]));
  const [moved] = vmap((g: NDArray, s: typeof state) => optimiser.update(g, s))(
    np.ones([3, 2]),
    optim.withLearningRate(lanes, 0.25),
  );
  assertEquals(moved.toArray(), [[-0.25, -0.25], [-0.25, -0.25], [-0.25, -0.25]]);
});

Deno.test("an optimiser that is made anew with another rate uses that, with the state of the one before", () => {
  const g = np.ones([2]);
  const state = optim.sgd(1).init(g);
  assertEquals(optim.sgd(0.5).update(g, state)[0].toArray(), [-0.5, -0.5]);
  const step = jit((rate: NDArray, s: typeof state) => optim.sgd(rate).update(g, s)[0]);
  assertEquals(step(np.array(0.25), state).toArray(), [-0.25, -0.25]);
});

Deno.test("a float64 parameter is moved in float64, beside one of float32", () => {
  const params = { wide: np.array([1], { dtype: "float64" }), narrow: np.array([1]) };
  const gradient = { wide: np.array([1 / 3], { dtype: "float64" }), narrow: np.array([1 / 3]) };
  for (const make of [() => optim.sgd(0.1), () => optim.sgd((step) => step.mul(0).add(0.1))]) {
    const [updates] = make().update(gradient, make().init(params), params);
    assertEquals(updates.wide.item(), -0.1 * (1 / 3));
    assertEquals(updates.narrow.item(), Math.fround(Math.fround(-0.1) * Math.fround(1 / 3)));
  }
});

Deno.test("learning rates are mapped over, and differentiated", () => {
  const start = startOf("float64");
  const trained = (rate: NDArray): NDArray => {
    const optimiser = optim.adam(rate);
    let [params, state] = [start, optimiser.init(start)];
    for (let i = 0; i < 3; i++) [params, state] = stepOf(optimiser)(params, state);
    return loss(params);
  };
  const rates = np.array([0.01, 0.1], { dtype: "float64" });
  const lanes = vmap(trained)(rates);
  assertClose(lanes, np.stack([trained(rates.at(0)), trained(rates.at(1))]), 1e-12, "lanes");
  const h = 1e-5;
  const at = (v: number): number => trained(np.array(v, { dtype: "float64" })).item();
  const slope = grad(trained)(np.array(0.05, { dtype: "float64" })).item();
  const difference = (at(0.05 + h) - at(0.05 - h)) / (2 * h);
  assert(Math.abs(slope - difference) < 1e-6 * Math.abs(difference), `${slope}, ${difference}`);
});

Deno.test("other settings may be scalar arrays", () => {
  const g = np.array([1, -2]);
  const numbers = optim.adamw(0.1, { b1: 0.5, b2: 0.75, eps: 0.25, weightDecay: 0.125 });
  const settings = { b1: 0.5, b2: 0.75, eps: 0.25, weightDecay: 0.125 };
  const arrays = optim.adamw(
    0.1,
    Object.fromEntries(Object.entries(settings).map(([k, v]) => [k, np.array(v)])),
  );
  const run = (o: typeof numbers): NDArray => {
    const [, state] = o.update(g, o.init(g), g);
    return o.update(g, state, g)[0];
  };
  assertClose(run(arrays), run(numbers), 1e-6);
});

Deno.test("the global norm neither overflows nor underflows, and has derivatives at 0", () => {
  const norm = (...x: number[]): number => optim.globalNorm([np.array(x), np.array(0)]).item();
  assertClose(norm(3e30, 4e30) / 5e30, 1, 1e-6);
  assertClose(norm(3e-30, 4e-30) / 5e-30, 1, 1e-6);
  assertEquals([norm(0, 0), norm(Infinity, 1)], [0, Infinity]);
  assert(Number.isNaN(norm(NaN, 1)));
  assertEquals(optim.globalNorm({}).item(), 0);
  assertEquals(optim.globalNorm([np.zeros([0])]).item(), 0);
  const [clipped] = optim.clipByGlobalNorm(1).update(np.array([3e30, -4e30]), null);
  assertClose(clipped, np.array([0.6, -0.8]), 1e-6);
  assertEquals(grad((x: NDArray) => optim.globalNorm(x))(np.zeros([2])).toArray(), [0, 0]);
  assertClose(
    grad((x: NDArray) => optim.globalNorm(x))(np.array([3, 4])),
    np.array([0.6, 0.8]),
    1e-6,
  );
});

Deno.test("gradients that are not finite are left out, counted, and applied after too many", () => {
  const optimiser = optim.applyIfFinite(optim.sgd(1, { momentum: 0.5 }), 2);
  const step = jit((g: NDArray, s: ReturnType<typeof optimiser.init>) => optimiser.update(g, s));
  let state = optimiser.init(np.zeros([1]));
  const seen: unknown[] = [];
  for (const g of [1, NaN, 2, Infinity, NaN, NaN]) {
    const [updates, next] = step(np.array([g]), state);
    state = next;
    const { notFiniteCount, lastFinite, totalNotFinite } = state;
    seen.push([
      updates.at(0).item(),
      notFiniteCount.item(),
      lastFinite.item(),
      totalNotFinite.item(),
    ]);
  }
  assertEquals(seen, [
    [-1, 0, 1, 0],
    [0, 1, 0, 1],
    [-2.5, 0, 1, 1],
    [0, 1, 0, 2],
    [0, 2, 0, 3],
    [NaN, 3, 0, 4],
  ]);
});

Deno.test("what an inner optimiser is not to see, it does not see", () => {
  const seen: string[] = [];
  const spy: optim.Optimiser<null> = {
    init: (p) => {
      seen.push(`init ${treeStructure(p)}`);
      return null;
    },
    update: (g, s, p) => {
      seen.push(`update ${treeStructure(g)} ${treeStructure(p)}`);
      return [g as never, s];
    },
  };
  const optimiser = optim.partition({ a: spy, b: optim.setToZero() }, { x: "a", y: "b" });
  const params = { x: [np.array(1), np.array(2)], y: np.array(3) };
  const [updates] = optimiser.update(params, optimiser.init(params), params);
  assertEquals(seen, [
    "init {x: [*, *], y: null}",
    "update {x: [*, *], y: null} {x: [*, *], y: null}",
  ]);
  assertEquals(updates.x.map((v) => v.item()), [1, 2]);
  assertEquals(updates.y.item(), 0);
});

Deno.test("labels and masks may be functions of the parameters", () => {
  const params = { w: np.ones([2, 2]), b: np.ones([2]) };
  const kind = (p: unknown): { w: string; b: string } => {
    const { w, b } = p as typeof params;
    return { w: w.ndim > 1 ? "matrix" : "other", b: b.ndim > 1 ? "matrix" : "other" };
  };
  const optimiser = optim.partition({ matrix: optim.sgd(1), other: optim.sgd(0.5) }, kind);
  const [updates] = optimiser.update(params, optimiser.init(params));
  assertEquals([updates.w.at(0).at(0).item(), updates.b.at(0).item()], [-1, -0.5]);
  const mask = (p: unknown): boolean => treeLeaves(p).length > 5;
  assertEquals(optim.masked(optim.scale(9), mask).update(params, null)[0].b.toArray(), [1, 1]);
});

Deno.test("an average that follows parameters forgets at its rate", () => {
  let average = { w: np.array([0]) };
  for (let i = 0; i < 2; i++) average = optim.incrementalUpdate({ w: np.array([8]) }, average, 0.5);
  assertEquals(average.w.toArray(), [6]);
});

Deno.test("a state that is used for other parameters is refused, not broadcast", () => {
  const adam = optim.adam(0.1);
  const state = adam.init(np.zeros([1]));
  assertThrows(() => adam.update(np.ones([3]), state), TypeError, "adam.update");
});
