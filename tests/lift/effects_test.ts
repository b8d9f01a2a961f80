/**
 * What a third party's functions may do to their context inside of transforms: all of it is carried out
 * as if there were no transform, or refused by name.
 *
 * @module
 */
import {
  ambient,
  compose,
  Context,
  contextStack,
  type EntryAxes,
  grad,
  initSafe,
  jit,
  type KeyStream,
  liftTransforms,
  type NDArray,
  numpy as np,
  pure,
  random,
  registerStatefulLibrary,
  ShapeError,
  StateError,
  withTransforms,
} from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const stack = contextStack("Third", { dictionary: "third" });
const t = liftTransforms(stack);
const backend = "interpreter";
const one = np.array(1);

const get = (key: string): NDArray => stack.need("get").get(key) as NDArray;
const set = (key: string, value: unknown): void => stack.need("set").set(key, value);
const bump = (key: string): void => set(key, get(key).add(1));

type Options = NonNullable<Parameters<typeof Context.open>[1]>;

/** The result of `f` and all entries after it. */
function run(entries: Options["entries"], f: () => unknown, more: Options = {}): unknown[] {
  const context = Context.open(stack, { entries, ...more });
  const out = stack.run(context, f);
  return [out, Object.fromEntries(context.keys().map((k) => [k, context.get(k)]))].map(plain);
}

Deno.test("entries that share an array, swap their values or are the carry stay apart", () => {
  const swapped = run({ a: one, b: one }, () =>
    t.foriLoop(0, 3, (_, x) => {
      const [a, b] = [get("a"), get("b")];
      set("a", b.add(1));
      set("b", a);
      return x;
    }, 0));
  assertEquals(swapped, [0, { a: 3, b: 2 }]);
  const branch = run({ a: one, b: one }, () =>
    t.cond(
      true,
      (x: NDArray) => {
        set("a", get("a").add(get("b")));
        return x.add(get("b"));
      },
      (x: NDArray) => x.mul(get("b")),
      one,
    ));
  assertEquals(branch, [2, { a: 2, b: 1 }]);
  const carried = run({ a: one }, () =>
    t.scan(
      (c: NDArray) => {
        set("a", get("a").add(c));
        return [c.add(get("a")), null];
      },
      get("a"),
      null,
      { length: 2 },
    ));
  assertEquals(carried, [[8, null], { a: 5 }]);
});

Deno.test("transforms within transforms carry out what is written at any depth", () => {
  const counted = run({ n: np.array(0), w: np.array(2) }, () =>
    t.jit(
      (x: NDArray) =>
        t.scan(
          (c: NDArray) => {
            const step = t.jit((c: NDArray) => {
              bump("n");
              return c.mul(get("w"));
            }, { backend });
            return [step(c), null];
          },
          x,
          null,
          { length: 3 },
        )[0],
      { backend },
    )(one));
  assertEquals(counted, [8, { n: 3, w: 2 }]);
  const trees = run({ s: { a: one, b: np.zeros([2]) } }, () =>
    t.foriLoop(0, 2, (_, x) => {
      const { a, b } = stack.need("step").get("s") as { a: NDArray; b: NDArray };
      set("s", { a: a.add(1), b: b.add(a) });
      return x;
    }, 0));
  assertEquals(trees, [0, { s: { a: 3, b: [3, 3] } }]);
});

Deno.test("a condition reads what the body writes, and what it creates", () => {
  const counted = run({ n: np.array(0) }, () =>
    t.whileLoop(() => get("n").less(5), (x) => {
      bump("n");
      return x.mul(2);
    }, one));
  assertEquals(counted, [32, { n: 5 }]);
  const created = run({}, () =>
    t.whileLoop(
      (x) => x.less(5),
      (x) => {
        const context = stack.need("body");
        if (!context.has("n")) context.create("n", () => np.array(0));
        bump("n");
        return x.add(1);
      },
      np.array(0),
    ), { initializing: true });
  assertEquals(created, [5, { n: 5 }]);
});

Deno.test("what is created far inside goes round with every loop around it", () => {
  const counted = run({}, () =>
    t.scan(
      (c: NDArray) => {
        const y = t.cond(true, (x: NDArray) => {
          const context = stack.need("branch");
          const n = (context.get("n") ?? context.create("n", () =>
            np.array(0))) as NDArray;
          context.set("n", n.add(1));
          return x.add(n);
        }, (x: NDArray) =>
          x, c);
        return [y, y];
      },
      np.array(0),
      null,
      { length: 4 },
    ), { initializing: true });
  assertEquals(counted, [[6, [0, 1, 3, 6]], { n: 4 }]);
});

Deno.test("user code runs once a level, in init as in apply, however deep", () => {
  for (const initializing of [true, false]) {
    let calls = 0;
    const leaf = (x: NDArray): NDArray => {
      calls++;
      const context = stack.need("leaf");
      const w = (context.get("w") ?? context.create("w", () => np.array(2))) as NDArray;
      return x.mul(w).mul(0.1);
    };
    type Step = (x: NDArray) => NDArray;
    const wraps: Record<string, (f: Step) => Step> = {
      scan: (f) => (x) => t.scan((c: NDArray) => [f(c), null], x, null, { length: 2 })[0],
      cond: (f) => (x) => t.cond(x.sum().greater(-9), f, (x: NDArray) => x, x),
      jit: (f) => t.jit(f, { backend }),
      grad: (f) => t.grad((x: NDArray) => f(x).sum()),
      vmap: (f) => (x) => t.vmap(f)(np.stack([x, x])).sum(0),
      customRoot: (f) => (x) =>
        t.customRoot((z: NDArray) => f(z).sub(x), x, (g, z) => z.sub(g(z)), (_, y) => y),
      customVjp: (f) => t.customVjp(f, (x: NDArray) => [f(x), x], (x, ct) => [ct.mul(x)]),
    };
    for (const [name, wrap] of Object.entries(wraps)) {
      let nest: Step = leaf;
      for (let depth = 0; depth < 5; depth++) nest = wrap(nest);
      calls = 0;
      run({}, () => nest(np.array(0.5)), { initializing: true });
      assertEquals(calls, 1, `${name}, initializing: ${initializing}`);
    }
  }
});

Deno.test("derivative rules see the entries that the forward pass saw, and hold no others", () => {
  const f = (x: NDArray): NDArray =>
    t.customVjp(
      (x: NDArray) => x.mul(get("w")),
      (x: NDArray) => [x.mul(get("w")), null],
      (_, ct) => [ct.mul(get("w")).mul(10)],
    )(x);
  const model = (w: NDArray, x: NDArray): NDArray => {
    let out!: NDArray;
    run({ w }, () => out = f(x));
    return out;
  };
  void model;
  const apply = (w: NDArray, x: NDArray): NDArray =>
    stack.run(Context.open(stack, { entries: { w } }), () => f(x));
  const [w, x] = [np.array(2), np.array(3)];
  assertEquals(plain(grad(apply, { argnums: [0, 1] })(w, x)), [3, 20]);
  assertEquals(plain(grad(jit(apply, { backend }), { argnums: [0, 1] })(w, x)), [3, 20]);
  const late = run({ w }, () => {
    const [value, pull] = t.vjp(f, [x]);
    set("w", np.array(100));
    return [value, pull(one)[0]];
  });
  assertEquals(late[0], [6, 20]);
});

Deno.test("lanes and layers have entries of their own where stateAxes says so", () => {
  const stateAxes: EntryAxes = { w: 0 };
  const streams = { r: { key: random.key(0), count: 0 } };
  const weight = (): NDArray => {
    const context = stack.need("weight");
    return (context.get("w") ?? context.create("w", () => {
      const { key, count } = stack.need("weight").draw("r") as KeyStream;
      return random.normal(random.foldIn(key, count), [2]);
    })) as NDArray;
  };
  const model = (x: NDArray): NDArray =>
    t.scan(
      (c: NDArray) => [
        t.vmap((x: NDArray) => x.add(weight().sum()), { stateAxes, splitRng: true })(c),
        null,
      ],
      x,
      null,
      { length: 2, stateAxes },
    )[0];
  const x = np.zeros([3]);
  const context = Context.open(stack, { initializing: true, streams });
  const made = stack.run(context, () => model(x));
  const w = context.get("w") as NDArray;
  assertEquals(w.shape, [2, 3, 2]);
  assertEquals(new Set(w.dataSync()).size, 12);
  assertEquals(plain(made), plain(w.sum(2).sum(0)));
  const again = Context.open(stack, { entries: { w } });
  assertEquals(plain(stack.run(again, () => model(x))), plain(made));

  const layers = run({ w: np.array([1, 2, 3]) }, () =>
    t.scan(
      (c: NDArray) => {
        const w = get("w");
        set("w", w.add(10));
        return [c.mul(w), w];
      },
      one,
      null,
      { length: 3, stateAxes },
    ));
  assertEquals(layers, [[6, [1, 2, 3]], { w: [11, 12, 13] }]);
  const xs = np.array([0, 1, 2]);
  const sown = run({}, () =>
    t.scan(
      (c: null, x: NDArray) => {
        set("h", x.mul(2));
        return [c, null];
      },
      null,
      xs,
      { stateAxes: (path) => path === "h" ? 0 : null },
    ));
  assertEquals(sown[1], { h: [0, 2, 4] });
  // What a step sets may depend on its own slices of others, and on the carry; in no step is it there before.
  const both = run({ w: np.array([1, 2, 3]) }, () =>
    t.scan(
      (c: NDArray) => {
        const h = c.mul(get("w"));
        set("h", stack.need("h").has("h") ? h.mul(100) : h);
        return [h, null];
      },
      one,
      null,
      { length: 3, stateAxes: { w: 0, h: 0 } },
    ));
  assertEquals(both, [[6, null], { w: [1, 2, 3], h: [1, 2, 6] }]);
  for (
    const use of [
      () => t.scan((c: NDArray) => [c.mul(get("w")), null], one, null, { length: 3, stateAxes }),
      () => t.vmap((x: NDArray) => x.mul(get("w")), { stateAxes })(xs),
    ]
  ) {
    const error = assertThrows(() => run({ w: np.array([1, 2]) }, use), ShapeError);
    assertEquals(/the entry w along axis 0, but it has shape \[2\]/.test(error.message), true);
  }
});

Deno.test("options for lanes and steps that say nothing are refused", () => {
  const wrong: readonly [options: object, message: string][] = [
    [{ stateAxes: 0 }, "stateAxes must give an axis by path or collection"],
    [{ stateAxes: [0] }, "not a JavaScript array of length 1"],
    [{ splitRng: "dropout" }, 'not the string "dropout"'],
    [{ splitRng: { dropout: 1 } }, "not dropout: number 1"],
  ];
  for (const [options, message] of wrong) {
    const uses: Record<string, () => unknown> = {
      vmap: () => t.vmap((x: NDArray) => x, options)(np.ones([2])),
      scan: () => t.scan((c: null, x: NDArray) => [c, x], null, np.ones([2]), options),
    };
    for (const [name, use] of Object.entries(uses)) {
      const error = assertThrows(() => run({}, use), TypeError, message);
      assertEquals(error.message.startsWith(`third.${name}: `), true, error.message);
    }
  }
});

Deno.test("what is removed, put in or replaced is carried out, or refused by name", () => {
  const remove = (x: NDArray): NDArray => {
    stack.need("remove").delete("a");
    return x;
  };
  const gone = (use: () => unknown): unknown => run({ a: one, b: one }, use)[1];
  assertEquals(gone(() => t.jit(remove, { backend })(one)), { b: 1 });
  assertEquals(gone(() => t.cond(true, remove, remove, one)), { b: 1 });
  assertEquals(gone(() => t.checkpoint(remove)(one)), { b: 1 });
  const back = (x: NDArray): NDArray => {
    remove(x);
    set("a", x.mul(5));
    return x;
  };
  assertEquals(gone(() => t.jit(back, { backend })(one)), { a: 5, b: 1 });
  for (
    const use of [
      () => t.foriLoop(0, 2, (_, x) => remove(x), one),
      () => t.cond(true, remove, (x: NDArray) => x, one),
    ]
  ) assertThrows(() => gone(use), StateError, "the state entry a was removed inside the transform");
  const replace = (x: NDArray): NDArray => {
    stack.need("replace").replace("r", { key: random.key(3), count: 0 });
    return x;
  };
  assertThrows(
    () => run({}, () => t.jit(replace, { backend })(one)),
    StateError,
    "third.jit: the random stream r was put in or replaced",
  );
});

Deno.test("compiled programs hold for the statics, names and entries that they looked at", () => {
  const f = t.jit(
    (x: NDArray) => (stack.need("f").statics as { train: boolean }).train ? x.mul(2) : x,
    { backend },
  );
  const trained = [true, false, true].map((train) =>
    run({}, () => f(one), { statics: { train } })[0]
  );
  assertEquals(trained, [2, 1, 2]);
  assertThrows(
    () => run({}, () => f(one), { statics: { f: () => 1 } }),
    StateError,
    "third.jit: the statics of Third must be plain data",
  );
  const named = t.jit((x: NDArray) => {
    const { names } = stack.need("named");
    const next = (names.get("layers", "linear") as number | undefined ?? 0) + 1;
    names.set("layers", "linear", next);
    return x.mul(next);
  }, { backend });
  assertEquals(run({}, () => [named(one), named(one), named(one)])[0], [1, 2, 3]);
  const sown = t.jit((x: NDArray) => {
    const context = stack.need("sow");
    set("n", context.has("n") ? get("n").add(1) : x);
    return x;
  }, { backend });
  assertEquals(run({}, () => [sown(one), sown(one), sown(one)])[1], { n: 3 });
});

Deno.test("initial values may depend on traced ones where the system runs it for real", () => {
  const step = (c: NDArray, x: NDArray): NDArray => {
    const context = stack.need("step");
    return c.add((context.get("w") ?? context.create("w", () => x.mean().add(c))) as NDArray);
  };
  const xs = np.array([[1, 3], [5, 7]]);
  const scanned = run({}, () => t.scan((c: NDArray, x: NDArray) => [step(c, x), null], one, xs), {
    initializing: true,
  });
  assertEquals(scanned, [[7, null], { w: 3 }]);
  assertThrows(
    () => run({}, () => t.vmap((x: NDArray) => step(one, x))(xs), { initializing: true }),
    StateError,
    "the state entry w would get a different value in each lane",
  );
});

Deno.test("an initial value is made alone: nothing else may change, and its errors pass", () => {
  const make = (f: () => unknown) => () =>
    run({ n: one }, () => stack.need("make").create("w", f), { initializing: true });
  assertThrows(make(() => (bump("n"), one)), StateError, "the initial value of w changed n");
  assertThrows(make(() => undefined), StateError, "nothing was made for w");
  assertThrows(
    make(() => {
      throw new RangeError("mine");
    }),
    RangeError,
    "mine",
  );
});

Deno.test("systems of the same paths are threaded apart", () => {
  const other = contextStack("Other", { dictionary: "other" });
  const both = compose(t, liftTransforms(other));
  const inner = Context.open(other, { entries: { n: np.array(10) } });
  const counted = run({ n: one }, () =>
    other.run(inner, () =>
      both.foriLoop(0, 3, (_, x) => {
        bump("n");
        const context = other.need("step");
        context.set("n", (context.get("n") as NDArray).mul(2));
        return x;
      }, 0)));
  assertEquals([counted[1], plain(inner.get("n"))], [{ n: 4 }, 80]);
});

Deno.test("ambient stands for the product of the systems that are open, and for itself once chosen", () => {
  const other = contextStack("Other", { dictionary: "other" });
  const u = liftTransforms(other);
  const undo = [
    registerStatefulLibrary({ when: stack.active, transforms: t }),
    registerStatefulLibrary({ when: other.active, transforms: u }),
  ];
  const count = (x: NDArray): NDArray => {
    bump("n");
    const context = other.need("count");
    context.set("m", (context.get("m") as NDArray).add(2));
    return x.add(1);
  };
  try {
    const inner = Context.open(other, { entries: { m: one } });
    const loop = () => ambient.foriLoop(0, 3, (_, x) => count(x), 0);
    const found = run(
      { n: one },
      () => other.run(inner, () => [loop(), withTransforms(ambient, loop)]),
    );
    assertEquals([found, plain(inner.get("m"))], [[[3, 3], { n: 7 }], 13]);
    undo[1]!();
    undo[1]!();
    // Undoing twice undoes no other's registration.
    const again = run({ n: one }, () => ambient.foriLoop(0, 2, (_, x) => (bump("n"), x), 0));
    assertEquals(again[1], { n: 3 });
  } finally {
    undo.forEach((f) => f());
  }
  assertEquals(withTransforms(ambient, () => ambient.isInitializing()), false);
});

Deno.test("compose takes what it can thread, and says why it does not take the rest", () => {
  const product = compose(ambient, initSafe(t), pure);
  assertEquals(run({ n: one }, () => product.foriLoop(0, 2, (_, x) => (bump("n"), x), 0))[1], {
    n: 3,
  });
  assertThrows(
    () => compose(t, { ...t, scan: pure.scan }),
    StateError,
    "dictionary 2 of 2 is a copy of a dictionary with members of its own (scan)",
  );
  assertThrows(
    () => compose({ ...pure, isInitializing: () => true }),
    StateError,
    "dictionary 1 of 1",
  );
});

Deno.test("functions that are not done when they return are refused", () => {
  const generator = function* (): Generator<NDArray> {
    yield one;
  };
  assertThrows(
    () => withTransforms(t, generator),
    StateError,
    "the function returned a generator",
  );
  // deno-lint-ignore require-yield -- what matters is what it returns
  const asynchronous = async function* (): AsyncGenerator<NDArray> {
    await Promise.resolve();
  };
  assertThrows(() => withTransforms(t, asynchronous), StateError, "returned a generator");
});
