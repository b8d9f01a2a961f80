/**
 * What happens to state, transform by transform: the rules of `README.md`, the same for all adapters,
 * shown with the Haiku adapter. Derivative rules and solvers are in `rules_test.ts`, random streams in
 * `random_test.ts`, failures in `failures_test.ts`.
 *
 * @module
 */
import {
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  pure,
  random,
  StateChangedError,
  StateError,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { library, modesOf, nest, type Step } from "./library.ts";

await loadBackend("onnx");

const t = hk.transforms;
const key = random.key(11);
const point = np.array([0.6, -0.4], { dtype: "float64" });

const counter = (name = "n"): NDArray =>
  hk.getState(name, [], { init: (s) => np.zeros(s, { dtype: "int32" }) });

/** Adds one to an integer entry. */
function count(name = "n"): void {
  hk.setState(name, counter(name).add(1));
}

/** Result and state of a function without parameters, the same for `init`'s run and `apply`'s. */
function run<R>(f: () => R, k: NDArray | null = key): [out: unknown, state: unknown] {
  const outs: unknown[] = [];
  const { init, apply } = hk.transformWithState(() => {
    const out = f();
    outs.push(out);
    return out;
  });
  const [params, state] = init(k);
  const [out, after] = apply(params, state, k);
  assertEquals(plain(outs[0]), plain(out), "init's output is apply's");
  return [plain(out), plain(after["~"] ?? {})];
}

// How often each library function counts a function that counts; whileLoop has its own test.
const trips: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.keys(library).map((name) => [name, 1])),
  scan: 3,
  map: 2,
  foriLoop: 3,
};
const uncounted = ["whileLoop", "associativeScan"];
const counting = Object.keys(trips).filter((name) => !uncounted.includes(name));

Deno.test("integer counters go through every transform, and through pairs of them", () => {
  for (const outer of counting) {
    for (const inner of [null, "scan", "vmap", "cond", "customVjp", "jit"]) {
      const names = inner === null ? [outer] : [outer, inner];
      // Lanes that take branches of their own differ in what they write.
      if (modesOf(names) === null || (outer === "vmap" && inner === "cond")) continue;
      const expected = names.reduce((n, name) => n * trips[name]!, 1);
      const step: Step = (z) => {
        count();
        return np.tanh(z);
      };
      const [, state] = run(() => {
        counter();
        return nest(names, step, t)(point);
      });
      assertEquals(state, { n: expected }, names.join(" over "));
    }
  }
});

Deno.test("counters are the same where apply is differentiated, and where it is compiled", () => {
  for (const name of counting) {
    const { apply } = hk.transformWithState((x: NDArray) => {
      const step: Step = (z) => {
        count();
        return np.tanh(z);
      };
      return library[name]!.use(step, x, t).sum();
    });
    const state = { "~": { n: np.zeros([], { dtype: "int32" }) } };
    const x = point.astype("float32");
    const [, after] = grad((x: NDArray) => apply({}, state, key, x), { hasAux: true })(x);
    assertEquals(plain(after), { "~": { n: trips[name] } }, `grad of ${name}`);
    const [, compiled] = jit((x: NDArray) => apply({}, state, key, x))(x);
    assertEquals(plain(compiled), { "~": { n: trips[name] } }, `jit of ${name}`);
  }
});

Deno.test("a running mean in scan is that of the pure program, and so is its gradient", () => {
  const xs = np.array([[1, 2], [3, -1], [0.5, 4]], { dtype: "float64" });
  const model = hk.transformWithState((xs: NDArray) => {
    const linear = new hk.Linear(2);
    const mean = (): NDArray =>
      hk.getState("mean", [2], { dtype: "float64", init: (s, dtype) => np.zeros(s, { dtype }) });
    const [total] = t.scan(
      (c: NDArray, x: NDArray) => {
        const h = linear.call(x);
        hk.setState("mean", mean().mul(0.9).add(h.mul(0.1)));
        return [c.add(h.sub(mean()).square().sum()), null];
      },
      np.array(0, { dtype: "float64" }),
      xs,
    );
    return total;
  });
  const [params, state] = model.init(key, xs);
  assertEquals(plain(state), { "~": { mean: [0, 0] } });
  const pureModel = ({ w, b }: Record<string, NDArray>): [NDArray, NDArray] =>
    pure.scan(
      ([c, mean]: NDArray[], x: NDArray) => {
        const h = np.matmul(x, w!).add(b!);
        const next = mean!.mul(0.9).add(h.mul(0.1));
        return [[c!.add(h.sub(next).square().sum()), next], null];
      },
      [np.array(0, { dtype: "float64" }), np.zeros([2], { dtype: "float64" })],
      xs,
    )[0] as [
      NDArray,
      NDArray,
    ];
  const [out, after] = model.apply(params, state, null, xs);
  const [total, mean] = pureModel(params.linear!);
  assertClose([out, after["~"]!.mean], [total, mean]);
  assertClose(
    grad((linear: never) => model.apply({ linear }, state, null, xs)[0])(params.linear as never),
    grad((linear: never) => pureModel(linear)[0])(params.linear as never),
  );
});

Deno.test("a while condition sees the state of the loop as it is, read-only", () => {
  const [out, state] = run(() =>
    t.whileLoop(() => counter().less(4), (x) => {
      count();
      return x.add(counter().astype("float32"));
    }, 0)
  );
  assertEquals([out, state], [10, { n: 4 }]);
  assertThrows(
    () =>
      run(() =>
        t.whileLoop(
          (x) => {
            count();
            return x.less(3);
          },
          (x) => x.add(1),
          0,
        )
      ),
    StateError,
    "the condition of hk.transforms.whileLoop may only read state, but it wrote ~/n",
  );
});

Deno.test("a while condition may use transforms over modules, with state and keys about", () => {
  for (const name of ["scan", "vmap", "grad", "jit", "cond", "customVjp", "fixedPoint by damped"]) {
    const [out, state] = run(() => {
      counter();
      return t.whileLoop(
        ([i, z]) =>
          np.logicalAnd(i.less(2), library[name]!.use((z) => np.tanh(z), z, t).sum().less(1e9)),
        ([i, z]) => [i.add(1), z],
        [0, point],
      )[0];
    });
    assertEquals([out, state], [2, { n: 0 }], name);
  }
});

Deno.test("every branch creates its entries; what branches do not write passes through", () => {
  const branch = (name: string) => (x: NDArray): NDArray => {
    count(name);
    return new hk.Linear(2, { name }).call(x);
  };
  const model = hk.transformWithState((i: NDArray) => {
    const x = point.astype("float32");
    counter("other");
    return t.switchCase(i, [branch("a"), (x) => x, branch("c")], x)
      .add(t.cond(i.greater(5), branch("yes"), (x) => x, x));
  });
  const at = (i: number): NDArray => np.array(i, { dtype: "int32" });
  const [params, state] = model.init(key, at(1));
  assertEquals(Object.keys(params).sort(), ["a", "c", "yes"]);
  assertEquals(plain(state), { "~": { a: 0, c: 0, other: 0, yes: 0 } });
  const after = (i: number): unknown => plain(model.apply(params, state, null, at(i))[1]["~"]);
  assertEquals(after(0), { a: 1, c: 0, other: 0, yes: 0 });
  assertEquals(after(1), { a: 0, c: 0, other: 0, yes: 0 });
  assertEquals(after(9), { a: 0, c: 1, other: 0, yes: 1 });
});

Deno.test("loops without trips create their entries, and write nothing", () => {
  const x = point.astype("float32");
  const step = (c: NDArray): NDArray => {
    count();
    return new hk.Linear(2).call(c);
  };
  const programs: Record<string, (x: NDArray) => unknown> = {
    scan: (x) => t.scan((c: NDArray) => [step(c), null], x, null, { length: 0 })[0],
    map: () => t.map(step, np.zeros([0, 2])),
    foriLoop: (x) => t.foriLoop(2, 2, (_, c) => step(c), x),
    whileLoop: (x) => t.whileLoop((c) => c.sum().greater(1e9), step, x),
    "vmap of no lanes": () => t.vmap(step)(np.zeros([0, 2])),
  };
  for (const [name, program] of Object.entries(programs)) {
    const model = hk.transformWithState(program);
    const [params, state] = model.init(key, x);
    assertEquals(Object.keys(params.linear!).sort(), ["b", "w"], name);
    assertEquals(params.linear!.w!.shape, [2, 2], name);
    assertEquals(plain(state), { "~": { n: 0 } }, name);
    const [out, after] = model.apply(params, state, null, x);
    if (name !== "map" && name !== "vmap of no lanes") assertClose(out, x, 0, name);
    // A vmap runs once, however many lanes there are.
    assertEquals(plain(after), { "~": { n: name.startsWith("vmap") ? 1 : 0 } }, name);
  }
});

Deno.test("state keeps its initial value in init, whatever loops do to it there", () => {
  const model = hk.transformWithState(() => {
    t.scan((c: null) => (count(), [c, null]), null, null, { length: 3 });
    t.whileLoop((x) => x.less(2), (x) => {
      hk.setState("last", x);
      count();
      return x.add(1);
    }, 0);
    return counter();
  });
  const [params, state] = model.init(key);
  assertEquals(plain(state), { "~": { last: 0, n: 0 } });
  const [out, after] = model.apply(params, state, null);
  assertEquals([plain(out), plain(after)], [5, { "~": { last: 1, n: 5 } }]);
});

Deno.test("strict dictionaries raise where a loop would create an entry, and take it back", () => {
  const loop = () =>
    hk.strictTransforms.whileLoop(
      (x) => x.less(2),
      (x) => {
        count();
        return x.add(1);
      },
      0,
    );
  const created = hk.transformWithState(() => {
    assertThrows(loop, StateChangedError, "creates ~/n, which strict: true forbids");
    assertEquals(hk.protocol.need("the test").keys(), []);
    return 0;
  });
  assertEquals(created.init(key), [{}, {}]);
  const [out, state] = run(() => {
    hk.strictTransforms.initialize(() => {
      count();
      return 0;
    });
    return loop();
  });
  assertEquals([out, state], [2, { n: 2 }]);
});

Deno.test("evalShape leaves no trace", () => {
  const { init, apply } = hk.transformWithState((x: NDArray) => {
    const { shape } = t.evalShape((x: NDArray) => {
      count();
      hk.nextRngKey();
      return new hk.Linear(3).call(x);
    }, x);
    assertEquals(shape, [3]);
    return [new hk.Linear(3).call(x), random.uniform(hk.nextRngKey(), [])];
  });
  const [params, state] = init(key, point);
  assertEquals([Object.keys(params), state], [["linear"], {}]);
  assertEquals(params.linear!.w!.shape, [2, 3]);
  const [[, drawn], after] = apply(params, state, key, point);
  assertEquals(after, {});
  assertEquals(drawn!.item(), random.uniform(random.foldIn(key, 0), []).item());
});

Deno.test("lanes share state: writes that differ by lane are errors, others are not", () => {
  const lanes = np.array([1, 2, 3]);
  const each: Record<string, (x: NDArray) => NDArray> = {
    direct: (x) => {
      hk.setState("n", x);
      return x;
    },
    "in a scan": (x) => t.scan((c: NDArray) => [each.direct!(c), null], x, null, { length: 2 })[0],
    "by one branch": (x) => t.cond(x.greater(1), each.constant!, (x) => x, x),
    "by a loop of its own length": (x) =>
      t.whileLoop((c) => c.less(5), (c) => each.constant!(c).add(1), x),
    constant: (x) => {
      hk.setState("n", hk.getState("n").add(1));
      return x;
    },
  };
  const model = (f: (x: NDArray) => NDArray) =>
    hk.transformWithState(() => {
      hk.getState("n", [], { init: (s) => np.zeros(s) });
      return t.vmap(f)(lanes);
    });
  for (const name of ["direct", "in a scan", "by one branch", "by a loop of its own length"]) {
    const error = assertThrows(() => model(each[name]!).init(key), StateError, "~/n");
    assert(error.message.includes("a different value in each lane"), name);
  }
  const same: Record<string, (x: NDArray) => NDArray> = {
    direct: each.constant!,
    scan: (x) => t.scan((c: NDArray) => [each.constant!(c), null], x, null, { length: 1 })[0],
    checkpoint: t.checkpoint(each.constant!),
    jit: t.jit(each.constant!),
    customJvp: t.customJvp(each.constant!, ([x], [dx]) => [each.constant!(x), dx]),
    customVjp: t.customVjp(each.constant!, (x) => [each.constant!(x), x], (_, ct) => [ct]),
    cond: (x) => t.cond(true, each.constant!, (x) => x, x),
    customRoot: (x) =>
      t.customRoot((z) => each.constant!(z).sub(x), x, (_, z) => z, (_, y) => y.neg()),
  };
  for (const [name, f] of Object.entries(same)) {
    const [params, state] = model(f).init(key);
    const [out, after] = model(f).apply(params, state, null);
    assertEquals([plain(out), plain(after)], [[1, 2, 3], { "~": { n: 1 } }], name);
  }
});

Deno.test("entries that a vmapped loop or branch does not write stay out of it", () => {
  for (const name of ["whileLoop", "cond", "customJvp", "customVjp", "customRoot"]) {
    const [, state] = run(() => {
      count("unrelated");
      return t.vmap((x: NDArray) => library[name]!.use((z) => np.tanh(z), x, t))(
        np.stack([point, point.neg()]),
      );
    });
    assertEquals(state, { unrelated: 1 }, name);
  }
  // Each lane has its own number of trips.
  const [out] = run(() =>
    t.vmap((x: NDArray) => t.whileLoop((c) => c.less(5), (c) => c.mul(2), x))(
      np.array([1, 3, 7]),
    )
  );
  assertEquals(out, [8, 6, 7]);
});

Deno.test("a transformed function may be made in one place and used in another", () => {
  let calls = 0;
  const step = t.jit((x: NDArray) => {
    calls++;
    return new hk.Linear(2, { name: "layer" }).call(x);
  });
  const model = hk.transform((x: NDArray) => step(x).add(step(x)));
  const x = point.astype("float32");
  const params = model.init(key, x);
  assertEquals(Object.keys(params), ["layer", "layer_1"]);
  const expected = model.apply(params, null, x);
  const before = calls;
  assertClose(model.apply(params, null, x), expected, 0);
  assertEquals(calls, before, "compiled once for each state of the names");
  const other = { layer: params.layer_1!, layer_1: params.layer_1! };
  const { w, b } = params.layer_1 as { w: NDArray; b: NDArray };
  assertClose(model.apply(other, null, x), np.matmul(x, w).add(b).mul(2), 1e-6, "other parameters");
  assertEquals(calls, before);
  assertThrows(() => step(x), StateError, "must be used inside");
  const square = t.grad((x: NDArray) => x.mul(x));
  assertEquals(square(np.array(3)).item(), 6);
  assertEquals(run(() => square(np.array(3)))[0], 6);
});

Deno.test("a compiled function that makes a module has other parameters at each call of a run", () => {
  for (const backend of ["cpu", "interpreter", "onnx"]) {
    const step = t.jit((x: NDArray) => new hk.Linear(2).call(x), { backend });
    const model = hk.transform((x: NDArray) => [step(x), step(x), step(x)]);
    const x = point.astype("float32");
    const params = model.init(key, x);
    const names = ["linear", "linear_1", "linear_2"];
    assertEquals(Object.keys(params).sort(), names);
    const each = (p: typeof params): NDArray[] =>
      names.map((name) => {
        const { w, b } = p[name] as { w: NDArray; b: NDArray };
        return np.matmul(x, w).add(b);
      });
    // Twice, since the first run compiles.
    for (let i = 0; i < 2; i++) {
      assertClose(model.apply(params, null, x), each(params), 1e-6, backend);
    }
    const swapped = { ...params, linear: params.linear_1!, linear_1: params.linear! };
    assertClose(model.apply(swapped, null, x), each(swapped), 1e-6, backend);
  }
});
