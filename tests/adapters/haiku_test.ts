/**
 * The Haiku adapter itself: names of modules, parameters and state, their errors, layers and
 * initialisers, and the pairs of pure functions that `transform` makes.
 *
 * @module
 */
import {
  DTypeError,
  grad,
  jit,
  type NDArray,
  nn,
  numpy as np,
  random,
  ShapeError,
  StateError,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const key = random.key(23);
const x = np.array([[1, 2, 3], [4, 5, 6]]);
const ones: hk.Initializer = (shape, dtype) => np.ones(shape, { dtype });
const zeros: hk.Initializer = (shape, dtype) => np.zeros(shape, { dtype });

/** The names of the parameters that a function makes. */
function namesOf(f: () => unknown): string[] {
  const params = hk.transform(() => {
    f();
    return 0;
  }).init(key);
  return Object.entries(params).flatMap(([m, own]) => Object.keys(own).map((n) => `${m}/${n}`))
    .sort();
}

class Leaf extends hk.Module {
  call(): NDArray {
    return hk.getParameter("p", [], { init: zeros });
  }
  other(): NDArray {
    return hk.getParameter("q", [], { init: zeros });
  }
}

class Block extends hk.Module {
  readonly first: Leaf;
  readonly second: Leaf;

  constructor(name?: string) {
    super(name);
    [this.first, this.second] = this.submodules(() => [new Leaf(), new Leaf("named")] as const);
  }
  call(): void {
    new Leaf().call();
    this.first.call();
    this.second.call();
    this.helper();
  }
  helper(): void {
    new Leaf().call();
  }
}

class Deeper extends Block {
  override helper(): void {
    new Block().helper();
    new Leaf().other();
  }
}

Deno.test("a module is named after its class and its place", () => {
  const bare = (): void => void new Leaf().call();
  assertEquals(namesOf(bare), ["leaf/p"]);
  assertEquals(namesOf(() => new Block().call()), [
    "block/leaf/p",
    "block/~/leaf/p",
    "block/~/named/p",
    "block/~helper/leaf/p",
  ]);
  assertEquals(namesOf(() => new Deeper("deep").helper()), [
    "deep/~helper/block/~helper/leaf/p",
    "deep/~helper/leaf/q",
  ]);
  assertEquals(namesOf(() => hk.getParameter("top", [], { init: zeros })), ["~/top"]);
  class HTTPServer2D extends Leaf {}
  assertEquals(namesOf(() => new HTTPServer2D().call()), ["http_server2_d/p"]);
  assertEquals(namesOf(() => new (class extends Leaf {})().call()), ["module/p"]);
});

Deno.test("calls share what they make; new modules do not", () => {
  assertEquals(
    namesOf(() => {
      const leaf = new Leaf();
      leaf.call();
      leaf.call();
      leaf.other();
    }),
    ["leaf/p", "leaf/q"],
  );
  assertEquals(
    namesOf(() => {
      const block = new Block();
      block.helper();
      block.helper();
    }),
    ["block/~helper/leaf/p"],
  );
  assertEquals(namesOf(() => [new Leaf().call(), new Leaf().call()]), ["leaf/p", "leaf_1/p"]);
});

Deno.test("names that are taken get suffixes", () => {
  const made = (...names: (string | undefined)[]): string[] => {
    let found: string[] = [];
    hk.transform(() => {
      found = names.map((name) => new Leaf(name).moduleName);
      return 0;
    }).init(key);
    return found;
  };
  assertEquals(made(undefined, undefined, undefined), ["leaf", "leaf_1", "leaf_2"]);
  assertEquals(made("a", "a", undefined), ["a", "a_1", "leaf"]);
  assertEquals(made(undefined, "leaf_1", undefined), ["leaf", "leaf_1", "leaf_2"]);
  assertEquals(made("constructor", "toString"), ["constructor", "toString"]);
  const { init, apply } = hk.transform(() => new Leaf("constructor").call());
  assertEquals(plain(init(key)), { constructor: { p: 0 } });
  assertEquals(apply(init(key), null).item(), 0);
  for (const name of ["", "a/b", "1a", "a-b", "__proto__", "a b"]) {
    assertThrows(() => made(name), StateError, `hk.Module: ${JSON.stringify(name)} is not a name`);
  }
});

Deno.test("names are restored where a method raises", () => {
  class Raising extends hk.Module {
    call(): void {
      new Leaf();
      throw new RangeError("stop");
    }
  }
  assertEquals(
    namesOf(() => {
      const raising = new Raising();
      assertThrows(() => raising.call(), RangeError);
      new Leaf().call();
    }),
    ["leaf/p"],
  );
});

Deno.test("outside of a transformed function, everything says what it needs", () => {
  const leaf = (): Leaf => {
    let made: Leaf | undefined;
    hk.transform(() => {
      made = new Leaf();
      return 0;
    }).init(key);
    return made!;
  };
  const uses: Record<string, () => unknown> = {
    'hk.getParameter("w")': () => hk.getParameter("w", []),
    'hk.getState("n")': () => hk.getState("n"),
    'hk.setState("n")': () => hk.setState("n", 1),
    "hk.nextRngKey": () => hk.nextRngKey(),
    "hk.runningInit": () => hk.runningInit(),
    "new Linear()": () => new hk.Linear(2),
    "leaf.call": () => leaf().call(),
  };
  for (const [what, use] of Object.entries(uses)) {
    assertThrows(
      use,
      StateError,
      `${what} must be used inside hk.transform or hk.transformWithState: wrap the function that ` +
        "uses modules, then call init and apply",
    );
  }
  assertThrows(() => hk.maybeNextRngKey(), StateError, "must be used inside hk.transform");
});

Deno.test("getParameter: errors", () => {
  const inInit = (f: () => unknown) => () => hk.transform(() => f() as NDArray).init(key);
  const get = hk.getParameter;
  assertThrows(
    inInit(() => get("w", [2])),
    StateError,
    "hk.getParameter: ~/w does not exist yet: give an initialiser, init",
  );
  assertThrows(
    inInit(() => get("w", [2], { init: () => np.ones([3]) })),
    ShapeError,
    "hk.getParameter: the initialiser of ~/w returned shape [3], not [2]",
  );
  assertThrows(
    inInit(() => get("w", [2], { init: (() => "x") as never })),
    StateError,
    "hk.getParameter: the initialiser of ~/w did not return an array",
  );
  assertThrows(
    inInit(() => get("w", [2], { init: ones, dtype: "complex" as never })),
    DTypeError,
    'hk.getParameter("w"): the string "complex" is not a dtype',
  );
  for (const name of ["", "a/b", "__proto__", 3 as never]) {
    assertThrows(
      inInit(() => get(name, [2], { init: ones })),
      StateError,
      'hk.getParameter: a name is a non-empty string without "/", not',
    );
  }
  const { apply } = hk.transform(() => new Leaf().call());
  assertThrows(
    () => apply({ other: { p: np.ones([]) } }, null),
    StateError,
    "hk.getParameter: leaf/p is not among the parameters that apply was given. All parameters must " +
      "be created by init; the parameters are other/p",
  );
  assertThrows(() => apply({}, null), StateError, "the parameters are none");
  assertThrows(
    () => apply({ leaf: { p: np.ones([2]) } }, null),
    ShapeError,
    "hk.getParameter: leaf/p has shape [2], but [] was asked for. Were the parameters made for other " +
      "inputs?",
  );
});

Deno.test("getState and setState: values, types and errors", () => {
  const apply = <R>(f: () => R, state = {}) => hk.transformWithState(f).apply({}, state, null);
  assertThrows(
    () => apply(() => hk.getState("n")),
    StateError,
    "hk.getState: ~/n has no value yet: give its shape and an initialiser, init, or set it first",
  );
  assertThrows(
    () => apply(() => hk.getState("n", [2], { init: () => np.ones([3]) })),
    ShapeError,
    "hk.getState: the initialiser of ~/n returned shape [3], not [2]",
  );
  assertThrows(
    () => apply(() => hk.setState("n", "x" as never)),
    StateError,
    'hk.setState: the value of ~/n is the string "x", not an array',
  );
  // Setting an entry that does not exist creates it; so does reading one with an initialiser.
  const { init } = hk.transformWithState(() => {
    hk.setState("a", 2);
    hk.setState("a", 3);
    hk.getState("b", [], { init: ones, dtype: "int32" });
    hk.setState("b", 5);
    return hk.getState("a");
  });
  const [, state] = init(null);
  assertEquals(plain(state), { "~": { a: 2, b: 1 } });
  const [out, after] = apply(() => {
    hk.setState("b", 7);
    hk.setState("c", true);
    return hk.getState("b");
  }, state);
  assertEquals([out.item(), out.dtype], [7, "int32"]);
  assertEquals([after["~"]!.b!.dtype, after["~"]!.c!.dtype], ["int32", "bool"]);
  assertEquals(plain(state), { "~": { a: 2, b: 1 } }, "what was passed is not changed");
});

Deno.test("random keys: what is missing or is none", () => {
  const { init, apply } = hk.transform(() => random.uniform(hk.nextRngKey(), []));
  const none =
    "hk.nextRngKey: no random key: pass one, random.key(seed), to init or apply instead of";
  assertThrows(() => apply({}, null), StateError, none);
  assertThrows(() => init(null), StateError, none);
  assertEquals(hk.transform(() => hk.maybeNextRngKey()).apply({}, null), null);
  const wrong: [unknown, string][] = [
    [undefined, "not undefined"],
    [3, "not number 3"],
    [np.ones([2]), "not an array float32[2]"],
    [random.split(key, 3), "not an array uint32[3,2]"],
  ];
  for (const [bad, message] of wrong) {
    const text = `: the random key must be random.key(seed) or null, ${message}`;
    assertThrows(() => init(bad as NDArray), StateError, `init(key, ...args)${text}`);
    assertThrows(() => apply({}, bad as NDArray), StateError, `apply(params, key, ...args)${text}`);
    assertThrows(
      () => hk.transformWithState(() => 0).apply({}, {}, bad as NDArray),
      StateError,
      `apply(params, state, key, ...args)${text}`,
    );
  }
});

Deno.test("params and state have to be what init gives", () => {
  const { apply } = hk.transform(() => 0);
  const wrong: [unknown, string][] = [
    [null, "it is null"],
    [undefined, "it is undefined"],
    [x, "it is an array float32[2,3]"],
    [{ linear: x }, "linear is an array float32[2,3]"],
    [{ linear: { w: 3 } }, "linear.w is number 3"],
    [[{ linear: { w: x } }, {}], "0.linear is a plain object"],
  ];
  for (const [bad, message] of wrong) {
    assertThrows(
      () => apply(bad as never, null),
      StateError,
      `apply(params, key, ...args): params must be { module: { name: array } }, but ${message}`,
    );
  }
  assertThrows(
    () => hk.transformWithState(() => 0).apply({}, x as never, null),
    StateError,
    "apply(params, state, key, ...args): state must be",
  );
});

Deno.test("transform is for functions without state, and synchronous ones", () => {
  const stateful = hk.transform(() => {
    hk.setState("n", 1);
    return 0;
  });
  const lost = "hk.transform: the function has state (~/n), which would be lost. Use " +
    "hk.transformWithState";
  assertThrows(() => stateful.init(null), StateError, lost);
  assertThrows(() => stateful.apply({}, null), StateError, lost);
  assertThrows(() => hk.transform(3 as never), StateError, "expected a function, not number 3");
  const later = hk.transform(() => Promise.resolve(1));
  assertThrows(() => later.init(null), StateError, "the function returned a promise");
});

Deno.test("Linear: values, by hand", () => {
  const { init, apply } = hk.transform((x: NDArray) =>
    new hk.Linear(2, { wInit: hk.initializers.constant(0.5), bInit: ones }).call(x)
  );
  const params = init(null, x);
  assertEquals(plain(params), { linear: { b: [1, 1], w: [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]] } });
  assertEquals(plain(apply(params, null, x)), [[4, 4], [8.5, 8.5]]);
  assertEquals(apply(params, null, np.ones([5, 4, 3])).shape, [5, 4, 2]);
  assertEquals(apply(params, null, np.ones([3])).toArray(), [2.5, 2.5]);
  const { linear: { w } } = params as { linear: { w: NDArray } };
  const bare = hk.transform((x: NDArray) => new hk.Linear(2, { withBias: false }).call(x));
  assertEquals(Object.keys(bare.init(key, x).linear!), ["w"]);
  assertEquals(plain(bare.apply({ linear: { w } }, null, x)), [[3, 3], [7.5, 7.5]]);
  const scalar = hk.transform(() => new hk.Linear(2).call(np.array(1)));
  assertThrows(() => scalar.init(key), ShapeError, "must have at least one axis, not be a scalar");
  for (const size of [0, 1.5, NaN, "2" as never]) {
    const bad = hk.transform(() => new hk.Linear(size).call(x));
    assertThrows(() => bad.init(key), ShapeError, "the output size must be a positive integer");
  }
});

Deno.test("MLP: names, values, activations", () => {
  const model = (options: hk.MLPOptions = {}) =>
    hk.transform((x: NDArray) => new hk.MLP([4, 2], options).call(x));
  const params = model().init(key, x);
  assertEquals(Object.keys(params).sort(), ["mlp/~/linear_0", "mlp/~/linear_1"]);
  const [l0, l1] = ["mlp/~/linear_0", "mlp/~/linear_1"].map((n) => params[n]!) as [
    { w: NDArray; b: NDArray },
    { w: NDArray; b: NDArray },
  ];
  const hidden = np.matmul(x, l0.w).add(l0.b);
  const out = (h: NDArray): NDArray => np.matmul(h, l1.w).add(l1.b);
  assertClose(model().apply(params, null, x), out(nn.relu(hidden)), 1e-6);
  assertClose(model({ activation: np.tanh }).apply(params, null, x), out(np.tanh(hidden)), 1e-6);
  assertClose(
    model({ activation: np.tanh, activateFinal: true }).apply(params, null, x),
    np.tanh(out(np.tanh(hidden))),
    1e-6,
  );
  const named = model({ name: "net", withBias: false }).init(key, x);
  assertEquals(plain(Object.entries(named).map(([k, v]) => [k, Object.keys(v)])), [
    ["net/~/linear_0", ["w"]],
    ["net/~/linear_1", ["w"]],
  ]);
  assertEquals(
    plain(hk.transform((x: NDArray) => new hk.MLP([]).call(x)).apply({}, null, x)),
    plain(x),
  );
});

Deno.test("initialisers draw from their distributions", () => {
  const sample = (init: hk.Initializer, dtype: "float32" | "float64" = "float32"): number[] => {
    const params = hk.transform(() => hk.getParameter("p", [100, 100], { init, dtype })).init(key);
    assertEquals(params["~"]!.p!.dtype, dtype);
    return [...params["~"]!.p!.dataSync()];
  };
  const moments = (v: number[]): [number, number] => {
    const mean = v.reduce((a, b) => a + b, 0) / v.length;
    return [mean, Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length)];
  };
  const { constant, randomNormal, truncatedNormal } = hk.initializers;
  assertEquals(new Set(sample(constant(2.5))), new Set([2.5]));
  for (const dtype of ["float32", "float64"] as const) {
    // 10,000 draws: the mean is off by 0.01 standard deviations, the deviation by 0.7%.
    const [mean, sd] = moments(sample(randomNormal(2, 5), dtype));
    assertAlmostEquals(mean, 5, 0.1);
    assertAlmostEquals(sd, 2, 0.1);
    // A normal cut off at two deviations has the deviation 0.87963.
    const cut = sample(truncatedNormal(3, -1), dtype);
    const [cutMean, cutSd] = moments(cut);
    assertAlmostEquals(cutMean, -1, 0.15);
    assertAlmostEquals(cutSd, 3 * 0.87963, 0.1);
    assert(cut.every((v) => Math.abs(v + 1) <= 6 + 1e-5));
  }
  const weights = hk.transform((x: NDArray) => new hk.Linear(50).call(x)).init(key, np.ones([400]));
  const [mean, sd] = moments([...weights.linear!.w!.dataSync()]);
  assertAlmostEquals(mean, 0, 0.002);
  assertAlmostEquals(sd, 0.87963 / 20, 0.001);
});

Deno.test("parameters are drawn by name: neither order nor transforms matter", () => {
  const a = hk.transform(() => [new Leaf("a").other(), hk.nextRngKey()]).init(key);
  assertEquals(plain(a), { a: { q: 0 } });
  const layer = (name: string, x: NDArray): NDArray => new hk.Linear(3, { name }).call(x);
  const one = hk.transform((x: NDArray) => [layer("a", x), layer("b", x)]).init(key, x);
  const two = hk.transform((x: NDArray) => [hk.nextRngKey(), layer("b", x), layer("a", x)])
    .init(key, x);
  assertClose(one, two, 0);
  assert(one.a!.w!.dataSync()[0] !== one.b!.w!.dataSync()[0]);
  const other = hk.transform((x: NDArray) => layer("a", x)).init(random.key(24), x);
  assert(one.a!.w!.dataSync()[0] !== other.a!.w!.dataSync()[0]);
});

Deno.test("init and apply are pure: compiled, differentiated, in float64", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const h = new hk.MLP([4, 1], { activation: np.tanh }).call(x);
    const mean = hk.getState("mean", [], { init: zeros, dtype: x.dtype });
    hk.setState("mean", mean.mul(0.5).add(h.mean().mul(0.5)));
    return h;
  });
  const [params, state] = model.init(key, x);
  assertClose(jit(model.init)(key, x), [params, state], 1e-6);
  const [out, after] = model.apply(params, state, null, x);
  assertClose(jit(model.apply)(params, state, null, x), [out, after], 1e-6);
  const loss = (p: hk.ModuleEntries, x: NDArray): NDArray =>
    model.apply(p, state, null, x)[0].square().sum();
  const g = grad(loss)(params, x);
  assertEquals(Object.keys(g).sort(), Object.keys(params).sort());
  assertClose(jit(grad(loss))(params, x), g, 1e-5);

  const x64 = x.astype("float64");
  const [params64, state64] = model.init(key, x64);
  assertEquals(
    [params64["mlp/~/linear_0"]!.w!.dtype, state64["~"]!.mean!.dtype],
    ["float64", "float64"],
  );
  assertEquals(model.apply(params64, state64, null, x64)[0].dtype, "float64");
  // A finite difference along one weight.
  const moved = (h: number): number => {
    const own = params64["mlp/~/linear_1"]!;
    const p = { ...params64, "mlp/~/linear_1": { ...own, b: own.b!.add(h) } };
    return loss(p, x64).item();
  };
  const g64 = grad(loss)(params64, x64)["mlp/~/linear_1"]!.b!.item();
  assertAlmostEquals((moved(1e-5) - moved(-1e-5)) / 2e-5, g64, 1e-7);
});

Deno.test("a transformed function inside another keeps to itself", () => {
  const inner = hk.transformWithState((x: NDArray) => {
    hk.setState("n", hk.getState("n", [], { init: zeros }).add(1));
    return new hk.Linear(2).call(x);
  });
  const outer = hk.transformWithState((x: NDArray) => {
    const [params, state] = inner.init(key, x);
    const [out, after] = inner.apply(params, state, key, x);
    assertEquals([plain(state), plain(after)], [{ "~": { n: 0 } }, { "~": { n: 1 } }]);
    assertThrows(() => inner.apply({}, state, null, x), StateError, "linear/w");
    // The inner context is closed again, though it failed; its names and phase are its own.
    hk.setState("m", hk.getState("m", [], { init: zeros }).add(1));
    return new hk.Linear(3).call(out);
  });
  const [params, state] = outer.init(key, x);
  assertEquals([Object.keys(params), plain(state)], [["linear"], { "~": { m: 0 } }]);
  assertEquals(params.linear!.w!.shape, [2, 3]);
  const [out, after] = outer.apply(params, state, null, x);
  assertEquals([out.shape, plain(after)], [[2, 3], { "~": { m: 1 } }]);
});

Deno.test("a module may be used in a later run; its parameters are those of that run", () => {
  let layer: hk.Linear | undefined;
  const model = hk.transform((x: NDArray) => (layer = new hk.Linear(2)).call(x));
  const params = model.init(key, x);
  const again = hk.transform((x: NDArray) => layer!.call(x));
  assertClose(again.apply(params, null, x), model.apply(params, null, x), 0);
  assertEquals(layer!.moduleName, "linear");
});
