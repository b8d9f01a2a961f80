/**
 * Modules that are made later, of functions, from others and inside of other models: their names, and
 * what is refused.
 *
 * @module
 */
import { type NDArray, nn, numpy as np, random, StateError, vmap } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const key = random.key(1);
const x = np.ones([2, 3]);

const modulesOf = (f: () => unknown): string[] =>
  Object.keys(hk.transform(() => (f(), 0)).init(key)).sort();

class Scalar extends hk.Module {
  call(): NDArray {
    return hk.getParameter("w", [], { init: hk.initializers.constant(1) });
  }
}

// ---------------------------------------------------------------- later

Deno.test("a deferred module is made once, when it is used, from what is known then", () => {
  let made = 0;
  const model = hk.transform((x: NDArray) => {
    const encoder = new hk.Linear(2, { name: "encoder" });
    const decoder = new hk.Deferred(() => {
      made++;
      return new hk.Linear(encoder.inputSize!, { name: "decoder" });
    });
    assertEquals(made, 0);
    const y = decoder.call(encoder.call(x));
    assert(decoder.target === decoder.target, "the same module");
    return y;
  });
  const params = model.init(key, x);
  assertEquals([made, params.decoder!.w!.shape], [1, [2, 3]]);
});

Deno.test("a deferred module is in the place where it was deferred, and shares no name there", () => {
  class Late extends hk.Module {
    readonly early = this.submodules(() => new Scalar());
    readonly later = this.submodules(() => new hk.Deferred(() => new Scalar()));
    readonly other = this.submodules(() => new Scalar());
    call(): NDArray {
      return this.early.call().add(this.other.call()).add(this.later.call()).add(
        new Scalar().call(),
      );
    }
  }
  assertEquals(modulesOf(() => new Late().call()), [
    "late/scalar",
    "late/~/scalar",
    "late/~/scalar_1",
    "late/~/scalar_2",
  ]);
  // The name is taken when it is made, which may be after others of its place.
  assertEquals(
    modulesOf(() => {
      const later = hk.nameScope("foo", () => {
        const later = new hk.Deferred(() => new Scalar());
        new Scalar().call();
        return later;
      });
      new Scalar().call();
      later.call();
    }),
    ["foo/scalar", "foo/scalar_1", "scalar"],
  );
  assertEquals(
    modulesOf(() => {
      const later = new hk.Deferred(() => new Scalar());
      hk.nameScope("foo", () => (later.call(), new Scalar().call()));
      new Scalar().call();
    }),
    ["foo/scalar", "scalar", "scalar_1"],
  );
  // Where its place is still running further out.
  class Within extends hk.Module {
    call(): NDArray {
      new Scalar().call();
      const later = new hk.Deferred(() => new Scalar());
      const inner = new Inner();
      const out = inner.call(later);
      new Scalar().call();
      return out;
    }
  }
  class Inner extends hk.Module {
    call(later: hk.Deferred<Scalar>): NDArray {
      return later.call().add(new Scalar().call());
    }
  }
  assertEquals(modulesOf(() => new Within().call()), [
    "within/inner/scalar",
    "within/scalar",
    "within/scalar_1",
    "within/scalar_2",
  ]);
});

Deno.test("deferred modules need a function, and a place", () => {
  assertThrows(() => new hk.Deferred(null as never), StateError, "a function that makes a module");
  assertThrows(() => new hk.Deferred(() => new Scalar()), StateError, "new hk.Deferred()");
});

// ---------------------------------------------------------------- of functions

Deno.test("a class of modules that apply a function is named after it, each with parameters of its own", () => {
  const affineMap = (x: NDArray, by = 1): NDArray => new hk.Linear(3).call(x).mul(by);
  const Affine = hk.toModule(affineMap);
  const model = hk.transform((x: NDArray) => {
    const first = new Affine();
    assertEquals([first.name, new Affine("other").name], ["affine_map", "other"]);
    return new Affine().call(first.call(first.call(x), 2));
  });
  assertEquals(Object.keys(model.init(key, x)), ["affine_map/linear", "affine_map_1/linear"]);
  hk.transform(() => {
    assertThrows(() => new (hk.toModule((x: NDArray) => x))(), StateError, 'has the name ""');
    const f = (x: NDArray): NDArray => x;
    assertThrows(() => new (hk.toModule(f))(), StateError, "a minifier gave");
    assertEquals(new (hk.toModule(f))("given").name, "given");
    return 0;
  }).init(null);
  assertThrows(() => hk.toModule(3 as never), StateError, "hk.toModule: expected a function");
});

// ---------------------------------------------------------------- reversed

Deno.test("a reversed perceptron goes from outputs to inputs, with the options of the other", () => {
  let activated = 0;
  const activation = (x: NDArray): NDArray => (activated++, nn.relu(x));
  const model = hk.transform((x: NDArray) => {
    const mlp = new hk.MLP([5, 4, 2], { activation, activateFinal: true, name: "enc" });
    assertThrows(() => mlp.reverse(), StateError, "enc cannot be reversed before it was called");
    const code = mlp.call(x);
    const back = mlp.reverse();
    assertEquals([mlp.outputSize, back.outputSize, back.name], [2, 3, "enc_reversed"]);
    assertEquals(back.layers.map((l) => l.outputSize), [4, 5, 3]);
    activated = 0;
    const out = back.call(code);
    assertEquals(activated, 3);
    const other = mlp.reverse({ activateFinal: false, name: "dec" });
    activated = 0;
    other.call(code);
    assertEquals([activated, other.name], [2, "dec"]);
    return out;
  });
  const params = model.init(key, x);
  assertEquals(model.apply(params, null, x).shape, x.shape);
});

Deno.test("options of a perceptron that contradict each other are refused", () => {
  hk.transform(() => {
    const bInit = hk.initializers.constant(0);
    assertThrows(
      () => new hk.MLP([1], { withBias: false, bInit }),
      StateError,
      "no bias for bInit",
    );
    const mlp = new hk.MLP([1, 1]);
    assertThrows(() => mlp.call(x, { rng: key }), StateError, "dropoutRate, too");
    assertThrows(() => mlp.call(x, { dropoutRate: 0.5 }), StateError, "give a key");
    assertEquals(new hk.MLP([]).outputSize, undefined);
    return 0;
  }).init(key);
});

// ---------------------------------------------------------------- models inside of models

const inner = hk.transform(() => new Scalar().call());

Deno.test("lifted transparently, a model may not close over modules of the one around", () => {
  const closing = (lift: (init: typeof inner.init) => typeof inner.init) => () =>
    modulesOf(() => {
      const outside = new Scalar("inner");
      const model = hk.transform(() => outside.call().add(new Scalar("inner").call()));
      lift(model.init)(null);
    });
  assertThrows(
    closing((init) => hk.transparentLift(init)),
    StateError,
    "hk.transparentLift: the lifted function closes over the module inner, which was made outside",
  );
  assertThrows(
    closing((init) => hk.transparentLift(init, { allowReuse: true })),
    StateError,
    "closes over the module inner",
  );
});

Deno.test("modules that a transparently lifted model makes may be closed over within it", () => {
  assertEquals(
    modulesOf(() => {
      const model = hk.transform((x: NDArray) => {
        const own = new hk.Bias({ name: "own" });
        const within = hk.transform((x: NDArray) => new hk.Bias({ name: "own" }).call(x));
        const y = hk.transforms.vmap((x: NDArray) => own.call(x))(np.stack([x, x]));
        const params = hk.lift(within.init)(null, x);
        return y.sum().add(within.apply(params, null, x).sum());
      });
      const params = hk.transparentLift(model.init)(null, x);
      return model.apply(params, null, x);
    }),
    ["lifted/own", "own"],
  );
});

Deno.test("creators, getters and interceptors hold in models inside, and know where these are put", () => {
  const prefixes: string[] = [];
  const creator: hk.Creator = (next, shape, dtype, init, { liftedPrefixName, fullName }) => {
    prefixes.push(`${liftedPrefixName}${fullName}`);
    return next(shape, dtype, init);
  };
  const lifted = (f: () => NDArray) => (): NDArray => {
    const model = hk.transform(f);
    return model.apply(hk.lift(model.init, { name: "inner" })(null), null);
  };
  const transparent = (f: () => NDArray) => (): NDArray => {
    const model = hk.transform(f);
    return model.apply(hk.transparentLift(model.init)(null), null);
  };
  class Outer extends hk.Module {
    constructor(readonly f: () => NDArray) {
      super("outer");
    }
    call(): NDArray {
      return hk.customCreator(
        creator,
        () => hk.customGetter((next, value) => next(value.add(1)), () => this.f()),
      );
    }
  }
  const found = (wrap: (f: () => NDArray) => () => NDArray) => {
    prefixes.length = 0;
    const model = hk.transform(() => new Outer(wrap(() => new Scalar().call())).call());
    const params = model.init(null);
    return [prefixes, Object.keys(params), plain(model.apply(params, null))];
  };
  assertEquals(found((f) => f), [["outer/scalar/w"], ["outer/scalar"], 2]);
  assertEquals(found(lifted), [["outer/inner/scalar/w"], ["outer/inner/scalar"], 2]);
  assertEquals(found(transparent), [["outer/scalar/w"], ["outer/scalar"], 2]);
  assertEquals(found((f) => lifted(lifted(f))), [
    ["outer/inner/inner/scalar/w"],
    ["outer/inner/inner/scalar"],
    2,
  ]);
  const names: string[] = [];
  const model = hk.transform(() => lifted(() => new Scalar().call())());
  hk.interceptMethods((next, args, { module }) => {
    names.push(module.moduleName);
    return next(...args);
  }, () => model.init(null));
  assertEquals(names, ["scalar", "scalar"]);
});

Deno.test("in a method, what is lifted transparently is named as what the method makes", () => {
  class Coder extends hk.Module {
    encode(): NDArray {
      return inner.apply(hk.transparentLift(inner.init)(null), null);
    }
  }
  const model = hk.transform(() => new Coder().encode());
  const params = model.init(null);
  assertEquals(Object.keys(params), ["coder/~encode/scalar"]);
  assertEquals(plain(model.apply(params, null)), 1);
});

Deno.test("an ensemble: lifted under a pure transform", () => {
  const member = hk.transform((x: NDArray) => new hk.MLP([4, 1]).call(x));
  const model = hk.transform((x: NDArray) => {
    const make = hk.lift(
      (keys: NDArray, x: NDArray) => vmap((k: NDArray) => member.init(k, x))(keys),
      { name: "ensemble" },
    );
    const keys = hk.runningInit() ? hk.nextRngKeys(3) : np.zeros([3, 2], { dtype: "uint32" });
    return vmap((p: hk.ModuleEntries) => member.apply(p, null, x))(make(keys, x));
  });
  const params = model.init(key, x);
  assertEquals(params["ensemble/mlp/~/linear_0"]!.w!.shape, [3, 3, 4]);
  assertEquals(model.apply(params, null, x).shape, [3, 2, 1]);
});

// ---------------------------------------------------------------- forced names

Deno.test("a forced name is taken where it is one of the place, and a scope may have one", () => {
  assertEquals(
    modulesOf(() => {
      new Scalar(hk.forceName("foo")).call();
      new Scalar("foo").call();
      new Scalar(hk.forceName("foo_3")).call();
      new Scalar(hk.forceName("foo_3")).call();
      new Scalar("foo").call();
    }),
    ["foo", "foo_1", "foo_3", "foo_4"],
  );
  assertEquals(
    modulesOf(() => {
      const first = hk.nameScope("a/b", () => new Scalar("c"));
      first.call();
      hk.nameScope(
        hk.forceName("a/b/c"),
        () => hk.getParameter("w", [], { init: hk.initializers.constant(2) }),
      );
    }),
    ["a/b/c"],
  );
});

Deno.test("an interceptor may move modules to the names of others", () => {
  class Parent extends hk.Module {
    readonly child = this.submodules(() => new Scalar());
    call(): NDArray {
      return this.child.call();
    }
  }
  assertEquals(
    modulesOf(() => {
      const [a, b] = ["outer", "inner"].map((name) => hk.nameScope(name, () => new Parent()));
      a!.call();
      hk.interceptMethods((next, args, { module, methodName }) => {
        const name = module.moduleName.replace(/^inner/, "outer");
        return hk.nameScope(hk.forceName(name), () => next(...args), { methodName });
      }, () => b!.call());
    }),
    ["outer/parent/~/scalar"],
  );
});
