/**
 * Behaviours of dm-haiku that models rely on, tried one by one: what modules collect, what layers of
 * shapes do, what is given to several functions at once.
 *
 * @module
 */
import { type NDArray, numpy as np, random, ShapeError, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const key = random.key(8);
const zero = hk.initializers.constant(0);

/** Runs `f` in `init`, and in `apply` with what that gave. */
function inBoth(f: () => void): void {
  const model = hk.transformWithState(() => (f(), 0));
  const [params, state] = model.init(key);
  model.apply(params, state, key);
}

class Scalar extends hk.Module {
  call(): NDArray {
    return hk.getParameter("w", [], { init: zero });
  }
}

class Calls extends hk.Module {
  constructor(readonly f: () => NDArray) {
    super();
  }
  call(): NDArray {
    hk.setState("ran", this.f());
    return this.f();
  }
}

Deno.test("a module collects the parameters of modules that it calls, wherever they were made", () => {
  inBoth(() => {
    const shared = new Scalar();
    const outer = new Calls(() => new Calls(() => shared.call()).call());
    outer.call();
    assertEquals(Object.keys(outer.paramsDict()), ["scalar/w"]);
    assertEquals(Object.keys(outer.stateDict()).sort(), [
      "calls/calls/ran",
      "calls/calls_1/ran",
      "calls/ran",
    ]);
    assertEquals(Object.keys(shared.paramsDict()), ["scalar/w"]);
    const own = new Calls(() => new Scalar().call());
    own.call();
    assertEquals(Object.keys(own.paramsDict()), ["calls_1/scalar/w", "calls_1/scalar_1/w"]);
  });
  inBoth(() => {
    const layers = [new hk.Linear(2), new hk.Linear(2)];
    const chain = new hk.Sequential([
      new hk.Sequential(layers),
      new hk.Sequential([(x: NDArray) => new hk.Linear(2).call(x)]),
    ]);
    for (let i = 0; i < 2; i++) chain.call(np.zeros([1, 1]));
    assertEquals(Object.keys(chain.paramsDict()).sort(), [
      "linear/b",
      "linear/w",
      "linear_1/b",
      "linear_1/w",
      "sequential_1/linear/b",
      "sequential_1/linear/w",
    ]);
  });
});

Deno.test("a compiled part that calls modules from elsewhere is compiled once", () => {
  let traced = 0;
  inBoth(() => {
    const shared = new Scalar();
    const outer = new Calls(() => {
      const before = traced;
      const step = hk.transforms.jit((x: NDArray) => (traced++, x.add(shared.call())), {
        backend: "interpreter",
      });
      const out = step(step(step(np.zeros([]))));
      assertEquals(traced - before, 1);
      return out;
    });
    outer.call();
    assertEquals(Object.keys(outer.paramsDict()), ["scalar/w"]);
  });
});

Deno.test("a module that calls another one counts its parameters in summaries", () => {
  const calls = hk.evalSummary(() => {
    const shared = new Scalar();
    return new Calls(() => shared.call()).call();
  })();
  assertEquals(calls.map(({ moduleName, paramsSize }) => [moduleName, paramsSize]), [
    ["calls", 1],
    ["scalar", 1],
    ["scalar", 1],
  ]);
});

Deno.test("shapes are replaced behind axes that stay, or as many of the last", () => {
  const reshaped = (preserveDims: number, x = np.ones([2, 3, 4, 5, 6])): readonly number[] =>
    hk.transform((x: NDArray) => new hk.Reshape([-1, 6], { preserveDims }).call(x))
      .apply({}, null, x).shape;
  const table: readonly [number, number[]][] = [
    [1, [2, 60, 6]],
    [-4, [2, 60, 6]],
    [2, [2, 3, 20, 6]],
    [-3, [2, 3, 20, 6]],
    [3, [2, 3, 4, 5, 6]],
    [-2, [2, 3, 4, 5, 6]],
    [4, [2, 3, 4, 5, 1, 6]],
    [-1, [2, 3, 4, 5, 1, 6]],
    [5, [2, 3, 4, 5, 6]],
  ];
  for (const [preserveDims, shape] of table) assertEquals(reshaped(preserveDims), shape);
  const flat = (x: NDArray, preserveDims?: number): readonly number[] =>
    hk.transform((x: NDArray) => new hk.Flatten({ preserveDims }).call(x)).apply({}, null, x).shape;
  assertEquals(flat(np.zeros([2, 3, 4])), [2, 12]);
  assertEquals(flat(np.zeros([10])), [10]);
  assertEquals(flat(np.zeros([2, 3]), -2), [6]);
  assertEquals(flat(np.zeros([5, 2, 3]), -2), [5, 6]);
  inBoth(() => {
    assertThrows(() => new hk.Reshape([-1, -1]), ShapeError, "can be there once");
    assertThrows(() => new hk.Reshape([7, "a"] as never), ShapeError, "a list of lengths");
    assertThrows(() => new hk.Flatten({ preserveDims: 0 }), ShapeError, "other than 0");
  });
});

Deno.test("functions for one leading axis are applied to arrays with more, and with none", () => {
  const add = (a: NDArray, b: NDArray | number): NDArray => {
    assertEquals(a.ndim, 2);
    return a.add(b);
  };
  const by = new hk.BatchApply(add);
  assertEquals(plain(by.call(np.ones([2, 3, 4]), np.ones([4])).shape), [2, 3, 4]);
  assertEquals(by.call(np.ones([2, 3, 4]), 2).max().item(), 3);
  const tree = new hk.BatchApply((x: { a: NDArray }) => ({ b: x.a.sum(1) }));
  assertEquals(tree.call({ a: np.ones([2, 3, 4]) }).b.shape, [2, 3]);
  assertThrows(
    () => by.call(np.ones([2]), 1),
    ShapeError,
    "no argument has 2 axes or more: float32[2]",
  );
  assertThrows(() => new hk.BatchApply(3 as never), StateError, "a function or a module");
  assertThrows(() => new hk.BatchApply(add, 0), ShapeError, "numDims");

  const two = (a: NDArray, b: NDArray): NDArray => {
    assertEquals([a.ndim, b.ndim], [3, 2]);
    return a.add(b);
  };
  assertEquals(hk.expandApply(two)(np.ones([3, 4]), np.ones([4])).shape, [3, 4]);
  assertEquals(
    hk.expandApply((x: NDArray) => x.sum(0, { keepDims: true }), -1)(np.ones([3])).shape,
    [1],
  );
  assertThrows(() => hk.expandApply(two, 1 as never), ShapeError, "must be 0 or -1");
});

Deno.test("several functions without keys", () => {
  const net = (name: string) => (x: NDArray): NDArray =>
    x.add(hk.getParameter(name, [], { init: zero }));
  const factory = () => {
    const [one, two] = [net("one"), net("two")];
    return [(x: NDArray) => two!(one!(x)), { one: one!, two: two! }] as const;
  };
  const x = np.ones([]);
  const plainly = hk.withoutApplyRng(hk.multiTransform(factory));
  const params = plainly.init(null, x);
  assertEquals(plainly.apply.two(params, x).item(), 1);
  const stateful = hk.withoutApplyRng(hk.multiTransformWithState(factory));
  const [p, s] = stateful.init(null, x);
  assertEquals(stateful.apply.one(p, s, x)[0].item(), 1);
  assertThrows(() => hk.withoutApplyRng({} as never), StateError, "expected what hk.transform");
});

Deno.test("constants may be arrays that broadcast", () => {
  const { constant } = hk.initializers;
  assertEquals(plain(constant([1, 2, 3])([1, 3], "int32")), [[1, 2, 3]]);
  assertEquals(plain(constant(np.array([1, 2]))([2, 2], "float32")), [[1, 2], [1, 2]]);
  assertThrows(() => constant([1, 2])([3], "float32"), ShapeError, "[3]");
});

Deno.test("averages begin like an array, once", () => {
  inBoth(() => {
    const average = new hk.ExponentialMovingAverage(0.5);
    average.initialize(np.ones([2], { dtype: "float64" }));
    average.call(np.array([3, 5], { dtype: "float64" }));
    average.initialize([2]);
    assertEquals(plain(average.average), [3, 5]);
  });
});

Deno.test("a sequence of keys that there is not cannot be replaced", () => {
  const model = hk.transform(() => (hk.replaceRngSequenceState({ key, count: 0 }), 0));
  model.init(key);
  assertThrows(() => model.init(null), StateError, "there is no sequence to replace");
});

Deno.test("an array and something else under one name do not merge", () => {
  const merged = (...values: unknown[]) => () =>
    hk.dataStructures.mergeChecked(...values.map((b) => ({ a: { b } })));
  assertEquals(merged("one", "two")(), { a: { b: "two" } });
  assertThrows(merged(np.ones([2]), "two"), StateError, "there are two of a/b: float32[2] and");
});
