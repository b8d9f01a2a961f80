/**
 * Failures under transforms: an exception leaves parameters, state, keys and names as they were, no
 * traced value stays behind, and the messages name the transform, the entry and the fix. With the
 * bugs that state-aware transforms elsewhere had (brainstate, pull request 206).
 *
 * @module
 */
import {
  AxisError,
  type Context,
  fixedPoint,
  type KeyStream,
  type NDArray,
  numpy as np,
  random,
  StateError,
  TreeError,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { library, type Step } from "./library.ts";

const t = hk.transforms;
const key = random.key(3);
const point = np.array([0.6, -0.4]);

class Stop extends Error {}

const counter = (): NDArray => hk.getState("n", [], { init: (s) => np.zeros(s) });

/** Touches everything that a context holds, and raises in the given call. */
function failing(at: number): Step {
  let calls = 0;
  return (z) => {
    if (hk.runningInit()) hk.setState(`made_${calls}`, 1);
    const y = new hk.Linear(2).call(z);
    hk.setState("n", counter().add(hk.runningInit() ? 0 : y.sum()));
    hk.nextRngKey();
    if (++calls === at) throw new Stop();
    return np.tanh(y);
  };
}

/** All that a context holds. */
function held(context: Context) {
  const keys = context.keys();
  return {
    keys,
    values: keys.map((k) => context.get(k)),
    initial: keys.map((k) => context.initial(k)),
    rng: (context.peek("rng") as KeyStream).count,
    names: context.names.changes(),
  };
}

// These call the function themselves, not under a transform.
const bare = ["evalShape", "initialize", "isInitializing"];

for (const name of Object.keys(library).filter((name) => !bare.includes(name))) {
  Deno.test(`${name}: an exception leaves the context as it was`, () => {
    let stopped = 0;
    const { init, apply } = hk.transformWithState((x: NDArray) => {
      counter();
      // The first call is that which creates entries in init; the second is under the transform.
      for (const at of [1, 2]) {
        const context = hk.protocol.need("the test");
        // In a context of its own, so that what a call does that does not raise is no matter.
        const inner = context.child();
        hk.protocol.run(inner, () => {
          const before = held(inner);
          try {
            library[name]!.use(failing(at), x, t);
          } catch (error) {
            // Conditions may not draw or write, which raises before the second call.
            assert(error instanceof Stop || error instanceof StateError);
            stopped++;
            const after = held(inner);
            assertEquals(after, before);
            for (const [i, value] of after.values.entries()) assert(value === before.values[i]);
          }
        });
      }
      return [new hk.Linear(2).call(x), random.uniform(hk.nextRngKey(), [])];
    });
    const [params, state] = init(key, point);
    assert(stopped > 0);
    assertEquals([Object.keys(params), plain(state)], [["linear"], { "~": { n: 0 } }]);
    const [[, drawn], after] = apply(params, state, key, point);
    assertEquals(plain(after), { "~": { n: 0 } });
    assert(after["~"]!.n instanceof ConcreteArray);
    assertEquals(drawn!.item(), random.uniform(random.foldIn(key, 0), []).item());
  });
}

Deno.test("an exception in init takes back what was created, in nested transforms too", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const kept = new hk.Linear(2, { name: "kept" }).call(x);
    try {
      t.scan(
        (c: NDArray) => {
          const y = t.vmap((z: NDArray) => new hk.Linear(2, { name: "lost" }).call(z))(
            np.stack([c, c]),
          );
          hk.setState("lost", y);
          return [y.reshape([4]), null];
        },
        kept,
        null,
        { length: 2 },
      );
    } catch (error) {
      assertStringIncludes((error as Error).message, "The carry must keep its structure");
    }
    return kept;
  });
  const [params, state] = model.init(key, point);
  assertEquals([Object.keys(params), state], [["kept"], {}]);
});

Deno.test("argument numbers are the user's, though state is passed along", () => {
  const run = <R>(f: () => R): R => {
    const { init, apply } = hk.transformWithState(() => {
      hk.setState("n", counter().add(1));
      return f();
    });
    return apply(...init(key), key)[0] as R;
  };
  const f = (x: NDArray, y: NDArray): NDArray => x.mul(x).mul(y);
  const [x, y] = [np.array(3), np.array(5)];
  assertEquals(run(() => t.grad(f, { argnums: -1 })(x, y)).item(), 9);
  assertEquals(run(() => t.grad(f, { argnums: -2 })(x, y)).item(), 30);
  assertEquals(plain(run(() => t.grad(f, { argnums: [1, -2] })(x, y))), [9, 30]);
  assertEquals(plain(run(() => t.hessian(f, { argnums: [0, 1] })(x, y))), [[10, 6], [6, 0]]);
  const aux = (x: NDArray, y: NDArray): [NDArray, NDArray] => [f(x, y), x.add(y)];
  assertEquals(plain(run(() => t.hessian(aux, { hasAux: true })(x, y))), [10, 8]);
  assertEquals(plain(run(() => t.jacrev(aux, { hasAux: true })(x, y))), [30, 8]);
  assertEquals(plain(run(() => t.jacfwd(aux, { hasAux: true, argnums: -1 })(x, y))), [9, 8]);
  assertEquals(plain(run(() => t.grad(aux, { hasAux: true })(x, y))), [30, 8]);
  assertEquals(plain(run(() => t.valueAndGrad(aux, { hasAux: true })(x, y))), [[45, 8], 30]);
  const [value, pull, sum] = run(() => t.vjp(aux, [x, y], { hasAux: true }));
  assertEquals([value.item(), plain(pull(np.array(1))), sum.item()], [45, [30, 9], 8]);
  for (const argnums of [2, -3]) {
    assertThrows(() => run(() => t.grad(f, { argnums })(x, y)), AxisError, `${argnums}`);
  }
});

Deno.test("static argument numbers are the user's too", () => {
  let traces = 0;
  const power = t.jit((x: NDArray, n: number, f: (x: NDArray) => NDArray) => {
    traces++;
    hk.setState("n", counter().add(n));
    let out = x;
    for (let i = 1; i < n; i++) out = out.mul(x);
    return f(out);
  }, { staticArgnums: [1, -1] });
  const negate = (x: NDArray): NDArray => x.neg();
  const { init, apply } = hk.transformWithState((x: NDArray, n: number) => {
    counter();
    return power(x, n, negate);
  });
  const x = np.array(2);
  const [params, state] = init(key, x, 3);
  const before = traces;
  for (const n of [3, 3, 2]) {
    const [out, after] = apply(params, state, null, x, n);
    assertEquals([out.item(), after["~"]!.n!.item()], [-(2 ** n), n]);
  }
  assertEquals(traces - before, 2);
  const wrong = hk.transform((x: NDArray) => t.jit(negate, { staticArgnums: 1 })(x));
  assertThrows(
    () => wrong.init(key, x),
    AxisError,
    "staticArgnums 1 is out of range: negate was called with 1 arguments",
  );
  const behind = hk.transform((x: NDArray) => t.jit(negate, { staticArgnums: -2 })(x));
  assertThrows(() => behind.apply({}, null, x), AxisError, "staticArgnums -2 is out of range");
});

Deno.test("no counter of a loop shows in what it gives, and one step is one step", () => {
  const { apply } = hk.transformWithState(() => {
    counter();
    hk.nextRngKey();
    return {
      scan: t.scan((c: NDArray) => [c, null], np.ones([2]), null, { length: 3 }),
      whileLoop: t.whileLoop(({ a }) => a.less(3), ({ a }) => ({ a: a.add(1) }), { a: 0 }),
      foriLoop: t.foriLoop(0, 3, (_, x) => x, [1, null]),
    };
  });
  const [out] = apply({}, {}, key);
  assertEquals(plain(out), { scan: [[1, 1], null], whileLoop: { a: 3 }, foriLoop: [1, null] });
  const once = hk.transformWithState(() => {
    counter();
    return fixedPoint(
      (z) => {
        hk.setState("n", counter().add(1));
        return z.add(1);
      },
      0,
      { transforms: t, maxSteps: 1 },
    );
  });
  const [solution, after] = once.apply({}, {}, null);
  assertEquals([solution.steps.item(), solution.statusName], [1, "maxSteps"]);
  assertEquals(plain(after), { "~": { n: 1 } });
});

Deno.test("entries keep their types inside transforms", () => {
  const { init } = hk.transformWithState(() => {
    counter();
    return t.scan(
      (c: null) => {
        hk.setState("n", np.zeros([2]));
        return [c, null];
      },
      null,
      null,
      { length: 2 },
    );
  });
  assertThrows(
    () => init(key),
    StateError,
    "hk.transforms.scan: the state entry ~/n changed its type from float32[] to float32[2]",
  );
});

Deno.test("entries that transforms create after initialisation are kept, unless they may not run", () => {
  const created = (use: (f: (x: NDArray) => NDArray) => unknown) =>
    hk.transformWithState(() => {
      use((x) => x.add(counter()));
      return 0;
    }).apply({}, {}, null)[1];
  for (
    const [name, use] of Object.entries<(f: (x: NDArray) => NDArray) => unknown>({
      foriLoop: (f) => t.foriLoop(0, 2, (_, x) => f(x), 0),
      "a loop without trips": (f) => t.foriLoop(0, 0, (_, x) => f(x), 0),
      "a branch that is not taken": (f) => t.cond(true, (x) => x, f, 0),
      jit: (f) => t.jit(f)(np.array(0)),
      grad: (f) => t.grad(f)(np.array(0)),
    })
  ) assertEquals(plain(created(use)), { "~": { n: 0 } }, name);
  const set = (x: NDArray): NDArray => {
    hk.setState("late", x);
    return x;
  };
  const { apply } = hk.transformWithState((how: (f: typeof set) => NDArray) => how(set));
  const late = (how: (f: typeof set) => NDArray) => plain(apply({}, {}, null, how)[1]);
  assertEquals(late((f) => t.cond(true, f, f, np.array(2))), { "~": { late: 2 } });
  assertEquals(late((f) => t.foriLoop(0, 3, (i, x) => f(x.add(i)), 1)), { "~": { late: 4 } });
  assertThrows(
    () => late((f) => t.cond(true, f, (x: NDArray) => x, np.array(2))),
    StateError,
    "hk.transforms.cond: the state entry ~/late does not exist before, and is set in some of the branches",
  );
  assertThrows(
    () => late((f) => t.whileLoop((x) => x.less(3), (x) => f(x).add(1), np.array(0))),
    StateError,
    "hk.transforms.whileLoop: the state entry ~/late does not exist before, and is set in a body that may",
  );
});

Deno.test("solvers create their own parameters, in the order in which they run", () => {
  const rule = hk.transform((x: NDArray) =>
    t.customRoot((z) => z.sub(x), x, (_, z) => new hk.Linear(2).call(z), (_, y) => y)
  );
  const params = rule.init(key, point);
  assertEquals(Object.keys(params), ["linear"]);
  assertClose(rule.apply(params, null, point), np.matmul(point, params.linear!.w!), 1e-6);
});

Deno.test("what is not a function, or gives the wrong thing, is reported as by pure transforms", () => {
  const inside = (f: () => unknown): () => unknown => () =>
    hk.transform(() => f() as NDArray).init(key);
  const wrong = 3 as never;
  for (
    const [name, f] of Object.entries({
      scan: () => t.scan(wrong, 0, point),
      map: () => t.map(wrong, point),
      whileLoop: () => t.whileLoop(wrong, (x) => x, 0),
      foriLoop: () => t.foriLoop(0, 1, wrong, 0),
      cond: () => t.cond(true, wrong, (x: NDArray) => x, 0),
      switchCase: () => t.switchCase(0, [wrong], 0),
      associativeScan: () => t.associativeScan(wrong, point),
      jvp: () => t.jvp(wrong, [point], [point]),
      customRoot: () => t.customRoot((x) => x, 0, wrong, wrong),
      customLinearSolve: () => t.customLinearSolve(wrong, 0, wrong),
      evalShape: () => t.evalShape(wrong),
    })
  ) assertThrows(inside(f), TypeError, "must be a function, not number 3", name);
  assertThrows(inside(() => t.switchCase(0, wrong, 0)), TypeError, "an array of at least one");
  assertThrows(
    inside(() => t.scan(((c: NDArray) => c) as never, 0, point)),
    TreeError,
    "must return [carry, y]",
  );
  assertThrows(
    inside(() => t.grad((x: NDArray) => x as never, { hasAux: true })(np.array(1))),
    TreeError,
    "must return [value, aux]",
  );
  const three = np.array(3);
  assertThrows(
    inside(() => t.grad(t.customVjp((x: NDArray) => x, (x) => [x, x], () => [] as never))(three)),
    TreeError,
    "must return an array of 1 cotangents, one for each argument, not 0",
  );
  assertThrows(
    inside(() => t.grad(t.customJvp((x: NDArray) => x, (() => 1) as never))(three)),
    TreeError,
    "must return [out, tangent]",
  );
});

Deno.test("a pure transform inside a lifted one, over modules, is told apart", () => {
  const { init } = hk.transform((x: NDArray) =>
    t.scan(
      (
        c: NDArray,
      ) => [vmap((z: NDArray) => new hk.Linear(2).call(z))(np.stack([c, c])).sum(0), null],
      x,
      null,
      { length: 2 },
    )[0]
  );
  const error = assertThrows(() => init(key, point), StateError, "inside vmap of");
  assertStringIncludes(error.message, "hk.transforms.vmap");
  // Without modules, there is nothing to lose.
  const mixed = hk.transform((x: NDArray) =>
    vmap((z: NDArray) => t.scan((c: NDArray) => [c.mul(2), null], z, null, { length: 2 })[0])(x)
  );
  assertClose(mixed.apply(mixed.init(key, point), null, point), point.mul(4), 1e-6);
});
