/**
 * The Haiku adapter where it is used in ways that would silently share, lose or freeze something: pure
 * transforms over what depends on the context, entries that constructors ask for, entries of
 * other shapes, methods without their module.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, pure, random, ShapeError, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const key = random.key(31);
const x = np.array([0.6, -0.4]);
const zeros: hk.Initializer = (shape, dtype) => np.zeros(shape, { dtype });

const counter = (): NDArray => hk.getState("n", [], { init: zeros });

/** What reaches into the context. */
const accesses: Record<string, () => unknown> = {
  "hk.runningInit": () => hk.runningInit(),
  "new Linear()": () => new hk.Linear(1),
  'hk.getParameter("w")': () => hk.getParameter("w", [], { init: zeros }),
  'hk.getState("n")': counter,
  'hk.setState("n")': () => hk.setState("n", 1),
  "hk.nextRngKey": () => hk.nextRngKey(),
};

Deno.test("what depends on the context is an error inside a pure transform", () => {
  const transformed: Record<string, (f: (z: NDArray) => NDArray) => unknown> = {
    jit: (f) => jit(f)(x),
    vmap: (f) => pure.vmap(f)(x),
    scan: (f) => pure.scan((c: null, z: NDArray) => [c, f(z)], null, x),
    associativeScan: (f) => pure.associativeScan((a: NDArray, b: NDArray) => f(a.add(b)), x),
    "associativeScan of many": (f) =>
      pure.associativeScan((a: NDArray, b: NDArray) => f(a.add(b)), np.ones([5, 2])),
  };
  for (const [name, transform] of Object.entries(transformed)) {
    for (const [what, access] of Object.entries(accesses)) {
      const model = hk.transformWithState((x: NDArray) => {
        hk.getParameter("w", [], { init: zeros });
        counter();
        transform((z) => {
          access();
          return z;
        });
        return x;
      });
      const message = `${what}: module state was reached inside ${name.split(" ")[0]}`;
      assertThrows(() => model.init(key, x), StateError, message);
      const entries = { "~": { w: np.zeros([]) } };
      assertThrows(
        () => model.apply(entries, { "~": { n: np.zeros([]) } }, key, x),
        StateError,
        message,
      );
    }
  }
});

Deno.test("what depends on the context is right inside the lifted transforms", () => {
  const seen: boolean[] = [];
  const { init, apply } = hk.transform((x: NDArray) => {
    const f = (z: NDArray): NDArray => {
      seen.push(hk.runningInit());
      return new hk.Linear(2).call(z);
    };
    const y = hk.transforms.jit(f)(x);
    return hk.transforms.scan((c: NDArray) => [f(c), null], y, null, { length: 2 })[0];
  });
  const params = init(key, x);
  assertEquals(Object.keys(params), ["linear", "linear_1"]);
  assertEquals(new Set(seen), new Set([true]));
  seen.length = 0;
  apply(params, null, x);
  assertEquals(new Set(seen), new Set([false]));
});

Deno.test("modules may be called inside pure transforms where they have no state of their own", () => {
  class Double extends hk.Module {
    call(x: NDArray): NDArray {
      return x.mul(2);
    }
  }
  const { apply } = hk.transform((x: NDArray) => {
    const double = new Double();
    return pure.vmap((z: NDArray) => double.call(z))(x);
  });
  assertEquals(plain(apply({}, null, np.array([1, 3]))), [2, 6]);
});

Deno.test("entries that a constructor asks for in submodules belong to the module", () => {
  class Scale extends hk.Module {
    readonly w = this.submodules(() => hk.getParameter("w", [], { init: (s) => np.ones(s) }));
    readonly calls = this.submodules(() => hk.getState("calls", [], { init: zeros }));
    call(x: NDArray): NDArray {
      return x.mul(this.w).mul(hk.getParameter("w", []));
    }
  }
  const { init, apply } = hk.transformWithState((x: NDArray) =>
    new Scale().call(new Scale().call(x))
  );
  const [params, state] = init(null, x);
  assertEquals(plain(params), { scale: { w: 1 }, scale_1: { w: 1 } });
  assertEquals(plain(state), { scale: { calls: 0 }, scale_1: { calls: 0 } });
  const given = { scale: { w: np.array(2) }, scale_1: { w: np.array(3) } };
  assertEquals(plain(apply(given, state, null, np.array(1))[0]), 36);
});

Deno.test("state of another shape is an error, as parameters are", () => {
  const { apply } = hk.transformWithState(() => counter().add(1));
  assertThrows(
    () => apply({}, { "~": { n: np.zeros([3]) } }, null),
    ShapeError,
    "hk.getState: ~/n has shape [3], but [] was asked for",
  );
  // Who does not say what shape it should have takes it as it is.
  const any = hk.transformWithState(() => hk.getState("n"));
  assertEquals(plain(any.apply({}, { "~": { n: np.zeros([3]) } }, null)[0]), [0, 0, 0]);
});

Deno.test("entries without a shape are errors that name the entry", () => {
  const inside = (f: () => unknown) => () =>
    hk.transformWithState(() => f() as NDArray).apply({ "~": { w: x } }, {}, null);
  const wrong: [unknown, string][] = [
    [undefined, "undefined"],
    [2, "number 2"],
    [[2, -1], "[2,-1]"],
    [[1.5], "[1.5]"],
  ];
  for (const [shape, message] of wrong) {
    assertThrows(
      inside(() => hk.getParameter("w", shape as number[])),
      ShapeError,
      `hk.getParameter("w"): a shape is an array of non-negative integers, not ${message}`,
    );
    if (shape === undefined) continue;
    assertThrows(
      inside(() => hk.getState("n", shape as number[], { init: zeros })),
      ShapeError,
      `hk.getState("n"): a shape is an array of non-negative integers`,
    );
  }
});

Deno.test("a method without its module says how to pass it", () => {
  const lost = hk.transform((x: NDArray) => {
    const { call } = new hk.Linear(2);
    return call(x);
  });
  assertThrows(
    () => lost.init(key, x),
    StateError,
    "Linear.call was called on undefined, not on a module: a method that is passed as a function " +
      "loses its module. Pass (x) => layer.call(x) instead of layer.call",
  );
});

Deno.test("modules of a class and of its base do not share weights, nor do those of two fields", () => {
  class Base extends hk.Module {
    readonly first = this.submodules(() => new hk.Linear(2));
    readonly second = this.submodules(() => new hk.Linear(3));
    call(x: NDArray): NDArray {
      return new hk.Linear(4).call(this.second.call(this.first.call(x)));
    }
  }
  class Derived extends Base {
    readonly third = this.submodules(() => new hk.Linear(5));
    override call(x: NDArray): NDArray {
      const before = new hk.Linear(3).call(x);
      const between = super.call(before);
      return this.third.call(new hk.Linear(6).call(between));
    }
  }
  const model = hk.transform((x: NDArray) => new Derived().call(x));
  const params = model.init(key, x);
  const widths = Object.fromEntries(
    Object.entries(params).map(([name, { w }]) => [name, w!.shape[1]]),
  );
  assertEquals(widths, {
    "derived/~/linear": 2,
    "derived/~/linear_1": 3,
    "derived/~/linear_2": 5,
    "derived/linear": 3,
    "derived/linear_1": 4,
    "derived/linear_2": 6,
  });
  assertEquals(model.apply(params, null, x).shape.at(-1), 5);
  // Called twice, a module is the same twice; one that calls itself is the same at each depth.
  class Deep extends hk.Module {
    call(x: NDArray, depth: number): NDArray {
      const y = new hk.Linear(2).call(x);
      return depth === 0 ? y : this.call(y, depth - 1);
    }
  }
  const deep = hk.transform((x: NDArray) => {
    const net = new Deep();
    return net.call(net.call(x, 2), 1);
  });
  assertEquals(Object.keys(deep.init(key, np.ones([2]))), ["deep/linear"]);
});

Deno.test("Linear takes integers and bools as float32", () => {
  const model = hk.transform((x: NDArray) => new hk.Linear(2).call(x));
  for (const dtype of ["int32", "bool"] as const) {
    const input = np.ones([3], { dtype });
    const params = model.init(key, input);
    assertEquals([params.linear!.w!.dtype, params.linear!.b!.dtype], ["float32", "float32"]);
    const out = model.apply(params, null, input);
    assertEquals(out.toArray(), model.apply(params, null, np.ones([3])).toArray());
  }
});

Deno.test("what is no synchronous function is refused by the name that was called", () => {
  for (
    const [op, make] of [
      ["hk.transform", hk.transform],
      ["hk.transformWithState", hk.transformWithState],
    ] as const
  ) {
    assertThrows(
      () => make(3 as never),
      StateError,
      `${op}: expected a function, not number 3`,
    );
    const late = make((() => Promise.resolve(1)) as never);
    assertThrows(() => late.init(key), StateError, `${op}: the function returned a promise`);
  }
});

Deno.test("parameters that a file gave as lists are refused by a message that says what to write", () => {
  const model = hk.transform((z: NDArray) => new hk.Linear(1).call(z));
  const read = JSON.parse(JSON.stringify(model.init(key, x)));
  assertThrows(
    () => model.apply(read, null, x),
    StateError,
    "linear.w is a JavaScript array of length 2. Arrays are made of numbers and of lists, as files have",
  );
});
