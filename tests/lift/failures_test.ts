/**
 * Failures under transforms: an exception leaves parameters, state, keys and names as they were, no
 * traced value stays behind, and the messages name the transform, the entry and the fix. With the
 * bugs that state-aware transforms elsewhere had (brainstate, pull request 206).
 *
 * @module
 */
import {
  AxisError,
  fixedPoint,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  StateError,
  TreeError,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { InternalError } from "../../lib/core/errors.ts";
import { Engine } from "../../lib/lift/engine.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";
import { library, type Step } from "./library.ts";

await loadBackend("wasm");

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

// These call the function themselves, not under a transform.
const bare = ["evalShape", "initialize", "isInitializing"];

for (const name of Object.keys(library).filter((name) => !bare.includes(name))) {
  Deno.test(`${name}: an exception leaves the context as it was`, () => {
    let stopped = 0;
    const { init, apply } = hk.transformWithState((x: NDArray) => {
      counter();
      // The first call is that which creates entries in init; the second is under the transform.
      for (const at of [1, 2]) {
        const before = hk.protocol.snapshot();
        try {
          library[name]!.use(failing(at), x, t);
        } catch (error) {
          // Conditions may not draw or write, which raises before the second call.
          assert(error instanceof Stop || error instanceof StateError);
          stopped++;
          const after = hk.protocol.snapshot();
          assertEquals(Object.keys(after.params), Object.keys(before.params));
          assertEquals(Object.keys(after.initial), Object.keys(before.initial));
          assertEquals(after.state, before.state);
          assert(Object.keys(after.state).every((k) => after.state[k] === before.state[k]));
          assertEquals(after.rng.rng!.count, before.rng.rng!.count);
          assertEquals([after.names, after.phase], [before.names, before.phase]);
          continue;
        }
        // Calls the function once alone, so the second time does not come: undo what it did.
        hk.protocol.commit(before);
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

Deno.test("entries are not created by transforms after initialisation", () => {
  const { apply } = hk.transformWithState(() => t.foriLoop(0, 2, (_, x) => x.add(counter()), 0));
  assertThrows(
    () => apply({}, {}, null),
    StateError,
    "hk.transforms.foriLoop: the state entry ~/n was created inside the transform outside of initialis",
  );
  const rule = hk.transform((x: NDArray) =>
    t.customRoot((z) => z.sub(x), x, (_, z) => new hk.Linear(2).call(z), (_, y) => y)
  );
  assertThrows(() => rule.init(key, point), StateError, "hk.transforms.initialize(f, ...args)");
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
  const mixed = hk.transform((x: NDArray) =>
    vmap((z: NDArray) => t.scan((c: NDArray) => [c, null], z, null, { length: 2 })[0])(x)
  );
  assertThrows(() => mixed.init(key, point), StateError, "module state was reached inside vmap");
});

Deno.test("an entry that was written cannot be committed without its value", () => {
  const engine = new Engine(hk.protocol, false);
  const { apply } = hk.transformWithState(() => {
    const n = counter();
    const app = engine.begin("scan");
    app.record({ written: { "~/n": n }, drawn: [], names: app.names });
    assertThrows(
      () => app.commit({}),
      InternalError,
      "hk.transforms.scan: the state entry ~/n was written, but has no value",
    );
    return n;
  });
  assertEquals(plain(apply({}, {}, null)[1]), { "~": { n: 0 } });
});
