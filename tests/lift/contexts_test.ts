/**
 * What a context promises whoever writes a module system: what is created is an entry wherever that
 * happened, a compiled program is never stale, and a change cannot be made where it would be lost.
 *
 * @module
 */
import {
  Context,
  contextStack,
  grad,
  jit,
  jvp,
  type LiftedTransforms,
  liftTransforms,
  type NDArray,
  numpy as np,
  pure,
  random,
  StateError,
  type StreamRules,
  type Transforms,
  TreeError,
} from "../../mod.ts";
import { plain } from "../support/arrays.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const stack = contextStack("Third", { dictionary: "third.transforms" });
const t: LiftedTransforms = liftTransforms(stack);
const backend = "interpreter";
const x = np.array([1, 2]);

const here = (): Context => stack.need("third.here");
const get = (key: string): NDArray => here().get(key) as NDArray;
const getOrCreate = (key: string, make: () => unknown): NDArray =>
  (here().get(key) ?? here().create(key, make)) as NDArray;
const add = (key: string): void =>
  here().set(key, getOrCreate(key, () => np.zeros([2])).add(np.ones([2])));

/** The result of `f` over entries, and the entries afterwards. */
function run(entries: Record<string, unknown>, f: () => unknown): [unknown, unknown] {
  const context = Context.open(stack, { entries });
  const out = stack.run(context, f);
  const after = context.keys().map((key): [string, unknown] => [key, context.get(key)]);
  return [plain(out), plain(Object.fromEntries(after))];
}

/** Transforms within which something is created: each is over before the entry is used again. */
const around: Record<string, (f: (x: NDArray) => NDArray, t: Transforms) => NDArray> = {
  grad: (f, t) => t.grad((x: NDArray) => f(x).sum())(x),
  vmap: (f, t) => t.vmap(f)(np.stack([x, x])),
  cond: (f, t) => t.cond(x.sum().greater(0), f, (x: NDArray) => x, x),
  scan: (f, t) => t.scan((c: NDArray) => [f(c), null], x, null, { length: 1 })[0],
  checkpoint: (f, t) => t.checkpoint(f)(x),
  customRoot: (f, t) => t.customRoot((z) => z.sub(f(x)), x, (f, z) => z.sub(f(z)), (_, y) => y),
};

Deno.test("what a transform in a loop creates goes round with the loop", () => {
  for (const [name, use] of Object.entries(around)) {
    const once = (): unknown =>
      use((x) => {
        add("n");
        return x;
      }, t);
    const [, after] = run({}, () => t.foriLoop(0, 3, (_, x) => (once(), x), x));
    assertEquals(after, { n: [3, 3] }, name);
  }
});

Deno.test("what a transform in a compiled function creates is looked for in the next call", () => {
  for (const [name, use] of Object.entries(around)) {
    const f = t.jit(
      (x: NDArray) => {
        use((x) => x.mul(getOrCreate("w", () => np.full([2], 3))), t);
        return x.mul(get("w"));
      },
      { backend },
    );
    for (let call = 0; call < 2; call++) {
      assertEquals(run({}, () => f(x)), [[3, 6], { w: [3, 3] }], name);
    }
    assertEquals(run({ w: np.full([2], 5) }, () => f(x)), [[5, 10], { w: [5, 5] }], name);
  }
});

Deno.test("an initial value that is a value of the transform as it stands does not escape", () => {
  const keep = (x: NDArray): NDArray => x.add(getOrCreate("k", () => x));
  const after = { k: [1, 2] };
  assertEquals(run({}, () => t.jit(keep, { backend })(x)), [[2, 4], after]);
  assertEquals(run({}, () => t.grad((x: NDArray) => keep(x).sum())(x))[1], after);
  const twice = (x: NDArray): NDArray =>
    t.scan((c: NDArray) => [keep(c), null], x, null, { length: 2 })[0];
  assertEquals(run({}, () => twice(x)), [[3, 6], after]);
});

Deno.test("what was removed is created anew, in a transform too", () => {
  const anew = (x: NDArray): NDArray => {
    here().delete("w");
    const inner = (x: NDArray): NDArray => x.mul(getOrCreate("w", () => np.full([2], 7)));
    return t.checkpoint(inner)(x).add(inner(x));
  };
  for (const f of [anew, t.jit(anew, { backend }), t.checkpoint(anew)]) {
    assertEquals(run({ w: x }, () => f(x)), [[14, 28], { w: [7, 7] }]);
  }
});

Deno.test("an entry that exists is not created", () => {
  const create = (x: NDArray): NDArray => here().create("w", () => x) as NDArray;
  for (const f of [create, t.jit(create, { backend }), t.checkpoint(create)]) {
    assertThrows(
      () => run({ w: x }, () => f(x)),
      StateError,
      "w cannot be created, since it exists",
    );
  }
});

Deno.test("a compiled program follows which entries there are, and plain data in them", () => {
  const sum = t.jit(
    (x: NDArray) => here().keys().reduce((sum, key) => sum.add(get(key)), x),
    { backend },
  );
  assertEquals(run({ a: x }, () => sum(x))[0], [2, 4]);
  assertEquals(run({ a: x, b: x }, () => sum(x))[0], [3, 6]);
  assertEquals(run({ b: x }, () => sum(x))[0], [2, 4]);
  const scaled = t.jit(
    (x: NDArray) => {
      const { by, shift } = here().get("a") as { by: number; shift: NDArray };
      return x.mul(by).add(shift);
    },
    { backend },
  );
  for (const by of [2, 3, 2]) {
    assertEquals(run({ a: { by, shift: x } }, () => scaled(x))[0], [by + 1, 2 * by + 2]);
  }
});

Deno.test("a compiled program follows names that were changed where they are", () => {
  const scaled = t.jit(
    (x: NDArray) => x.mul((here().names.get("flags", "scale") as { by: number }).by),
    { backend },
  );
  const flags = { by: 2 };
  run({}, () => {
    here().names.set("flags", "scale", flags);
    assertEquals(plain(scaled(x)), [2, 4]);
    flags.by = 5;
    assertEquals(plain(scaled(x)), [5, 10]);
  });
});

Deno.test("a compiled program follows plain data in a system's own streams", () => {
  type Path = { key: NDArray; path: string };
  const then = (step: string) => (s: unknown): Path => ({
    ...s as Path,
    path: (s as Path).path + step,
  });
  const streams: StreamRules = {
    fork: then("f"),
    part: then("p"),
    named: then("n"),
    advance: then("a"),
  };
  const paths = contextStack("Paths", { streams });
  const length = liftTransforms(paths).jit(
    (x: NDArray) => x.add((paths.need("draw").draw("main") as Path).path.length),
    { backend },
  );
  const after = (path: string): number => {
    const context = Context.open(paths, { streams: { main: { key: random.key(0), path } } });
    return paths.run(context, () => length(np.array(0))).item();
  };
  assertEquals([after("abc") - after("a"), after("a") - after("abc")], [2, -2]);
});

Deno.test("a context is changed in its own trace alone", () => {
  const from = (change: (outer: Context) => void): void => {
    const context = Context.open(stack, { entries: { n: x } });
    stack.run(context, () => {
      const outer = here();
      const inside = (x: NDArray): NDArray => (change(outer), x);
      t.scan((c: NDArray) => [inside(c), null], x, null, { length: 2 });
    });
  };
  const wrong = "while scan of an anonymous function runs";
  assertThrows(() => from((c) => c.set("n", x)), StateError, "the entry n is set");
  assertThrows(() => from((c) => c.delete("n")), StateError, wrong);
  assertThrows(() => from((c) => c.draw("main")), StateError, wrong);
});

Deno.test("a rule finds the names that its function found", () => {
  const name = (x: NDArray): NDArray => {
    const { names } = here();
    const n = names.get("count", "layer") as number ?? 0;
    names.set("count", "layer", n + 1);
    return x.add(n);
  };
  const ruled = (x: NDArray): NDArray => {
    const f: (x: NDArray) => NDArray = t.customVjp(
      name,
      (x: NDArray): [NDArray, null] => [f(x), null],
      (_, ct) => [ct],
    );
    return f(x);
  };
  const program = (x: NDArray): NDArray => t.jit((x: NDArray) => ruled(ruled(x)), { backend })(x);
  const value = (x: NDArray): NDArray => {
    const context = Context.open(stack);
    return stack.run(context, () => program(x)).square().sum();
  };
  assertEquals(plain(value(x)), 13);
  assertEquals(plain(grad(value)(x)), [4, 6]);
});

Deno.test("what a function with rules removes is there for its rules", () => {
  const taken = (x: NDArray): NDArray => {
    const w = get("w");
    here().delete("w");
    return x.mul(w);
  };
  const program = (x: NDArray): NDArray => {
    const f = t.customJvp(taken, ([x], [d]) => [x!.mul(get("w")), d!.mul(get("w")).mul(2)]);
    return f(x);
  };
  const apply = (x: NDArray): [NDArray, unknown] => {
    const context = Context.open(stack, { entries: { w: np.array(5) } });
    return [stack.run(context, () => program(x)), context.keys().length];
  };
  const found = jvp((x: NDArray) => apply(x)[0], [np.array(3)], [np.array(1)]);
  assertEquals([plain(found), apply(x)[1]], [[15, 10], 0]);
});

Deno.test("by entries derivatives go through functions with rules inside of others", () => {
  const x = np.array(2);
  const scaled = t.customJvp(
    (x: NDArray) => x.mul(get("w")),
    ([x], [d]) => [x!.mul(get("w")), d!.mul(get("w")).mul(10)],
  );
  const program = (x: NDArray): NDArray =>
    t.customVjp(
      (x: NDArray) => t.foriLoop(0, 2, (_, c: NDArray) => scaled(c), x.mul(get("v"))),
      (x: NDArray) => [x, null],
      (_, ct) => [ct],
    )(x);
  const apply = (entries: { v: NDArray; w: NDArray }, x: NDArray): NDArray =>
    stack.run(Context.open(stack, { entries }), () => program(x));
  const entries = { v: np.array(3), w: np.array(5) };
  // x v w w: by v the rule of the inner function, twice; by w what it is, once with the rule around.
  const wanted = { v: 2 * 25 * 100, w: 2 * 3 * 5 * (1 + 10) };
  for (const f of [apply, jit(apply, { backend })]) {
    assertEquals(plain(grad(f)(entries, x)), wanted);
  }
  assertEquals(plain(jit(grad(apply), { backend })(entries, x)), wanted);
});

Deno.test("a rule holds for higher derivatives where an entry has a tangent too", () => {
  const program = t.customJvp(
    (x: NDArray) => x.mul(get("w")),
    ([x], [d]) => [x!.mul(get("w")), d!.mul(0)],
  );
  const f = (x: NDArray, w: NDArray): NDArray =>
    stack.run(Context.open(stack, { entries: { w } }), () => program(x));
  // f = x w, whose derivative by x counts as zero. By w it is x, without a rule: d/dx 2 f x = 2 f.
  const byW = (x: NDArray, w: NDArray): NDArray => grad((w: NDArray) => f(x, w).square())(w);
  const [x, w] = [np.array(3), np.array(5)];
  assertEquals(plain(byW(x, w)), 2 * 15 * 3);
  for (const g of [byW, jit(byW, { backend })]) {
    assertEquals(plain(grad((x: NDArray) => g(x, w))(x)), 2 * 15);
  }
});

Deno.test("lanes may differ in the first value of an entry and not in the last", () => {
  const twice = (x: NDArray): NDArray => {
    here().set("n", x);
    here().set("n", np.array(4));
    return x;
  };
  assertEquals(run({}, () => t.vmap(twice, { reduceState: "mean" })(x)), [[1, 2], { n: 4 }]);
});

Deno.test("rules within a rule hold for more derivatives than the program was compiled for", () => {
  const f = jit(
    (x: NDArray, e: NDArray) => {
      const ruled: (x: NDArray) => NDArray = pure.customJvp(
        (x: NDArray) => x.mul(x),
        ([x], [d]) => [ruled(x!), d!.mul(e.mul(0).add(2)).mul(x!)],
      );
      return ruled(x).mul(e);
    },
    { backend },
  );
  const [x, e] = [np.array(3), np.array(5)];
  const first = grad((x: NDArray) => f(x, e));
  assertEquals(plain(grad((x: NDArray) => f(x, e).add(first(x)))(x)), 2 * 3 * 5 + 2 * 5);
});

Deno.test("what a solver sets is its own, also where that was not there", () => {
  const root = (x: NDArray): NDArray =>
    t.customRoot(
      (z) => z.sub(x),
      x,
      (f, z) => {
        here().set("last", z);
        return z.sub(f(z)).add(get("last").mul(0));
      },
      (_, y) => y,
    );
  assertEquals(run({}, () => root(x)), [[1, 2], {}]);
  assertEquals(run({ last: x }, () => t.jit(root, { backend })(x.mul(2))), [[2, 4], {
    last: [1, 2],
  }]);
});

Deno.test("a function that returns nothing, or not yet, is refused within contexts as without", () => {
  const members = {
    ...around,
    evalShape: (f: unknown, t: Transforms) => t.evalShape(f as never, x),
  };
  const results: Record<string, () => unknown> = {
    undefined: () => undefined,
    "a promise": () => Promise.resolve(x),
  };
  for (const [name, member] of Object.entries(members)) {
    if (name === "grad" || name === "customRoot") continue; // they use what f gives
    for (const [what, result] of Object.entries(results)) {
      const use = (t: Transforms) => member(result as never, t as never);
      const wanted = assertThrows(() => use(pure), TreeError).message;
      assertEquals(
        assertThrows(() => run({}, () => use(t)), TreeError).message,
        wanted,
        `${name}: ${what}`,
      );
    }
  }
});

Deno.test("a rule that outlives its context keeps what was looked at, and not what is further out", () => {
  const context = Context.open(stack, { entries: { w: x, unused: x } });
  let late: Context | undefined;
  const scaled = (x: NDArray): NDArray => x.mul(get("w"));
  const ruled = t.customVjp(scaled, (x: NDArray): [NDArray, null] => [scaled(x), null], (_, ct) => {
    late = here();
    return [ct.mul(get("w"))];
  });
  const pull = stack.run(context, () => t.vjp(ruled, [x])[1]);
  assertEquals(plain(pull(np.ones([2]))[0]), [1, 2]);
  assertEquals(late!.root === context.root, true);
  for (let at: Context | null = late!; at !== null; at = at.parent) {
    assertEquals(at === context, false, "the context around is kept");
  }
  assertThrows(() => late!.get("unused"), StateError, "when the transform is over");
  assertThrows(() => late!.keys(), StateError, "the list of entries is asked for");
});
