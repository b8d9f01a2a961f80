/**
 * What runs inside of a module, and the names of what it makes there: methods, accessors, functions in
 * fields, scopes, names like those of other methods. Names are those that dm-haiku gives, where nothing
 * else is said.
 *
 * @module
 */
import { type NDArray, nn, numpy as np, pure, random, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const key = random.key(5);
const x = np.ones([2]);
const one = hk.initializers.constant(1);

/** The names of the modules that a function makes. */
function modulesOf(f: () => unknown): string[] {
  return Object.keys(hk.transform(() => (f(), 0)).init(key));
}

/** The names that modules made with these names have. */
function made(...names: (string | undefined)[]): string[] {
  class Leaf extends hk.Module {}
  let found: string[] = [];
  hk.transform(() => {
    found = names.map((name) => new Leaf(name).moduleName);
    return 0;
  }).init(null);
  return found;
}

Deno.test("numbers in names are kept, and counted on from", () => {
  assertEquals(made(undefined, "leaf_1", undefined), ["leaf", "leaf_1", "leaf_2"]);
  assertEquals(made("leaf_1", undefined, undefined), ["leaf_1", "leaf_2", "leaf_3"]);
  assertEquals(made("leaf_0", undefined), ["leaf_0", "leaf_1"]);
  assertEquals(made("leaf_2", undefined, undefined), ["leaf_2", "leaf_3", "leaf_4"]);
  assertEquals(made("leaf_01", undefined, undefined), ["leaf_01", "leaf", "leaf_1"]);
  assertEquals(made("a", "a", undefined), ["a", "a_1", "leaf"]);
  const taken =
    "hk.Module: the name leaf_1 is taken in the function. Give each module a name of its own, " +
    "or leave numbers to Haiku: leaf";
  assertThrows(() => made(undefined, undefined, "leaf_1"), StateError, taken);
  assertThrows(() => made("a_1", "a_1"), StateError, "the name a_1 is taken");
});

class Scale extends hk.Module {
  get w(): NDArray {
    return hk.getParameter("w", [], { init: one });
  }
  get inner(): NDArray {
    return new hk.Linear(2).call(x);
  }
  set last(value: NDArray) {
    hk.setState("last", value);
  }
}

class Arrow extends hk.Module {
  call = (x: NDArray): NDArray => x.mul(hk.getParameter("w", [], { init: one }));
  made = (): NDArray => new hk.Linear(2).call(x);
}

Deno.test("property getters and setters run inside their module", () => {
  assertEquals(modulesOf(() => [new Scale("a").w, new Scale("b").w]), ["a", "b"]);
  assertEquals(modulesOf(() => new Scale("a").inner), ["a/~inner/linear"]);
  const { init } = hk.transformWithState(() => {
    new Scale("a").last = np.array(1);
    new Scale("b").last = np.array(2);
    return 0;
  });
  assertEquals(plain(init(null)[1]), { a: { last: 1 }, b: { last: 2 } });
  class Sized extends hk.Module {
    get size(): number {
      return 3;
    }
  }
  let sized: Sized | undefined;
  modulesOf(() => sized = new Sized());
  assertEquals(sized!.size, 3);
});

Deno.test("functions in fields run inside their module, from the first instance on", () => {
  for (let round = 0; round < 2; round++) {
    assertEquals(modulesOf(() => new Arrow("b").call(new Arrow("a").call(x))), ["a", "b"]);
    assertEquals(modulesOf(() => new Arrow("a").made()), ["a/~made/linear"]);
  }
  // Under transforms too, and where they are given in the constructor.
  class Given extends hk.Module {
    readonly call: (x: NDArray) => NDArray;
    constructor(name: string) {
      super(name);
      this.call = (x) => x.mul(hk.getParameter("w", [], { init: one }));
    }
    other(x: NDArray): NDArray {
      return this.call(x);
    }
  }
  const all = (): NDArray => {
    const [a, b] = [new Given("a"), new Given("b")];
    const y = hk.transforms.scan((c: NDArray) => [a.call(c), null], x, null, { length: 3 })[0];
    return hk.transforms.vmap((z: NDArray) => b.other(a.other(z)))(y);
  };
  assertEquals(modulesOf(all), ["a", "b"]);
});

Deno.test("a function that a module was given belongs to whoever runs it", () => {
  class Wrap extends hk.Module {
    constructor(readonly f: (x: NDArray) => NDArray, readonly made: typeof Scale = Scale) {
      super();
    }
    call(x: NDArray): NDArray {
      return this.f(x).mul(new this.made().w);
    }
  }
  const linear = (x: NDArray): NDArray => new hk.Linear(2).call(x);
  assertEquals(modulesOf(() => new Wrap(linear).call(x)), ["wrap/linear", "wrap/scale"]);
  assertEquals(modulesOf(() => new Wrap(linear).f(x)), ["wrap/~f/linear"]);
  // It keeps what it has.
  const wrap = hk.transform(() => {
    const { f } = new Wrap(nn.relu);
    assertEquals([f.name, f.length], [nn.relu.name, nn.relu.length]);
    return f(np.array([-1, 2]));
  });
  assertEquals(plain(wrap.apply({}, null)), [0, 2]);
});

Deno.test("modules with private fields, and those that make themselves, may have functions in fields", () => {
  class Own extends hk.Module {
    #count = 0;
    readonly inner: Own | null;
    step = (x: NDArray): NDArray => {
      this.#count++;
      return this.helper(x.mul(hk.getParameter("w", [], { init: one })));
    };
    constructor(depth: number) {
      super();
      this.inner = depth === 0 ? null : this.submodules(() => new Own(depth - 1));
    }
    helper(x: NDArray): NDArray {
      assertEquals(this.#count, 1);
      return this.inner === null ? x : this.inner.step(x);
    }
  }
  for (let round = 0; round < 2; round++) {
    assertEquals(modulesOf(() => new Own(2).step(x)), ["own", "own/~/own", "own/~/own/~/own"]);
  }
});

Deno.test("what runs in fields and accessors is refused inside pure transforms, too", () => {
  const uses = [(): NDArray => new Scale().w, (): NDArray => new Arrow().call(x)];
  for (const use of uses) {
    const { init } = hk.transform(() => pure.vmap(() => use(), { axisSize: 2 })());
    assertThrows(() => init(key), StateError, "hk.transforms");
  }
});

class Scoped extends hk.Module {
  call(): void {
    hk.nameScope("foo", () => {
      new hk.Linear(1).call(x);
      hk.getParameter("w", [], { init: one });
    });
    hk.nameScope("foo", () => new hk.Linear(1).call(x));
    hk.nameScope("foo/bar", () => new hk.Linear(1).call(x));
  }
  @hk.transparent
  bare(): string {
    new hk.Linear(2).call(x);
    hk.getParameter("t", [], { init: one });
    return hk.currentName();
  }
  @hk.nameLike("call")
  likeCall(): void {
    new hk.Linear(2).call(x);
  }
  all(): string {
    this.bare();
    this.likeCall();
    new hk.Linear(5).call(x);
    return hk.currentName();
  }
}

Deno.test("scopes name what is made in them, as modules do", () => {
  const names = [
    "scoped/foo",
    "scoped/foo/linear",
    "scoped/foo_1/linear",
    "scoped/foo_2/bar/linear",
  ];
  assertEquals(modulesOf(() => new Scoped().call()).sort(), names);
  const named = (methodName: string): string[] =>
    modulesOf(() => hk.nameScope("a", () => new hk.Linear(1).call(x), { methodName }));
  assertEquals(named("call"), ["a/linear"]);
  assertEquals(named("other"), ["a/~other/linear"]);
  assertEquals(modulesOf(() => hk.nameScope("a", () => hk.currentName())), []);
  for (const bad of ["", "/a", "a/", "a b", 3 as unknown as string]) {
    assertThrows(
      () => modulesOf(() => hk.nameScope(bad, () => 0)),
      StateError,
      "hk.nameScope: ",
    );
  }
  assertThrows(() => hk.nameScope("a", () => 0), StateError, "hk.nameScope must be used inside");
});

Deno.test("methods may be transparent, or named like others", () => {
  const shapes = hk.transform(() => {
    const m = new Scoped("m");
    assertEquals([m.all(), m.bare(), hk.currentName()], ["m", "~", "~"]);
    m.likeCall();
    return 0;
  }).init(key);
  assertEquals(
    Object.fromEntries(
      Object.entries(shapes).map(([m, { w, t }]) => [m, (w ?? t)!.shape.at(-1) ?? 0]),
    ),
    { "m/~all/linear": 2, m: 0, "m/linear": 2, "m/~all/linear_1": 5, linear: 2, "~": 0 },
  );
});

Deno.test("methods that are named alike do not share weights without a word, unlike in dm-haiku", () => {
  class Coder extends hk.Module {
    constructor(readonly names: readonly (string | undefined)[]) {
      super();
    }
    @hk.nameLike("call")
    encode(x: NDArray): NDArray {
      return new hk.Linear(2, { name: this.names[0] }).call(x);
    }
    @hk.nameLike("call")
    decode(x: NDArray): NDArray {
      return new hk.Linear(2, { name: this.names[1] }).call(x);
    }
    call(x: NDArray): NDArray {
      return this.decode(this.encode(this.encode(x)));
    }
  }
  assertEquals(modulesOf(() => new Coder(["enc", "dec"]).call(x)), ["coder/enc", "coder/dec"]);
  const alike =
    "hk.nameLike: the methods encode and decode of coder both make a module linear under the " +
    "name of call; the two would share their weights. Give them names";
  assertThrows(() => modulesOf(() => new Coder([]).call(x)), StateError, alike);
});

Deno.test("a forced name is used as it is", () => {
  const forced = (name: string): hk.Linear => new hk.Linear(2, { name: hk.forceName(name) });
  assertEquals(
    modulesOf(() => [forced("x/~/y").call(x), forced("x/~/y").call(x), new hk.Linear(2).call(x)]),
    ["x/~/y", "linear"],
  );
  assertEquals(modulesOf(() => hk.nameScope("s", () => forced("y").call(x))), ["y"]);
  for (const bad of ["", "a/", "~", "a b", "/a"]) {
    assertThrows(() => hk.forceName(bad), StateError, "is not the full name of a module");
  }
});

Deno.test("modules made inside transforms never share a name by accident, unlike in dm-haiku", () => {
  const t = hk.transforms;
  const linear = (x: NDArray): NDArray => new hk.Linear(2).call(x);
  const inside: Record<string, (x: NDArray) => NDArray> = {
    scan: (x) => t.scan((c: NDArray) => [linear(c), null], x, null, { length: 2 })[0],
    foriLoop: (x) => t.foriLoop(0, 2, (_, c) => linear(c), x),
    checkpoint: (x) => t.checkpoint(linear)(x),
    jit: (x) => t.jit(linear, { backend: "interpreter" })(x),
    grad: (x) => t.grad((x: NDArray) => linear(x).sum())(x),
    vmap: (x) => t.vmap(linear)(x.reshape([1, 2])).reshape([2]),
  };
  for (const [member, f] of Object.entries(inside)) {
    assertEquals(modulesOf(() => linear(f(x))), ["linear", "linear_1"], `${member}, then one`);
    assertEquals(modulesOf(() => f(linear(x))), ["linear", "linear_1"], `one, then ${member}`);
  }
  assertEquals(modulesOf(() => t.cond(true, linear, (x) => linear(linear(x)), x)), [
    "linear",
    "linear_1",
    "linear_2",
  ]);
});

Deno.test("a module lists its parameters and state, and those of what is in it", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const mlp = new hk.MLP([3, 1]);
    const y = mlp.call(x);
    new hk.MLP([1]).call(x);
    hk.setState("n", 1);
    const names = Object.keys(mlp.paramsDict());
    assertEquals(names, [
      "mlp/~/linear_0/w",
      "mlp/~/linear_0/b",
      "mlp/~/linear_1/w",
      "mlp/~/linear_1/b",
    ]);
    assertEquals(mlp.stateDict(), {});
    return y;
  });
  const [params] = model.init(key, x);
  assert(Object.keys(params).length === 3);
});
