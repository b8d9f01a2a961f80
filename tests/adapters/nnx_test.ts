/**
 * What the adapter in the manner of NNX does with objects: values, structure, sharing and flags under
 * transforms, and what goes wrong.
 *
 * @module
 */
import {
  compose,
  fixedPoint,
  grad,
  jit,
  type LiftedTransforms,
  type NDArray,
  numpy as np,
  random,
  scan,
  StateError,
  type Tree,
  vmap,
} from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const rngs = (): nnx.Rngs => new nnx.Rngs(0);
const norm = (): nnx.BatchNorm => new nnx.BatchNorm(2, { momentum: 0.5, rngs: rngs() });
const xs = np.array([[1, 2], [3, -1], [0.5, 0.25]]);

/** A model of any properties. */
class Box extends nnx.Module {
  [name: string]: unknown;
}

/** A counter, and something that reads it. */
class Counter extends nnx.Module {
  readonly n = new nnx.Variable(np.array(0));
  step(x: NDArray): NDArray {
    this.n.value = this.n.value.add(1);
    return x.mul(this.n.value);
  }
}

/** Each transform with a function of one array, run so that it should be called as often as it says. */
const members: Record<string, { runs: number; of: (t: LiftedTransforms, f: F) => F }> = {
  jit: { runs: 1, of: (t, f) => (x) => t.jit(f)(x) },
  grad: { runs: 1, of: (t, f) => (x) => t.grad((x: NDArray) => f(x).sum())(x) },
  jvp: { runs: 1, of: (t, f) => (x) => t.jvp(f, [x], [x])[1] },
  vjp: { runs: 1, of: (t, f) => (x) => t.vjp(f, [x])[0] },
  vmap: { runs: 1, of: (t, f) => (x) => t.vmap(f, { inAxes: null, axisSize: 2 })(x).at(0) },
  checkpoint: { runs: 1, of: (t, f) => (x) => t.checkpoint(f)(x) },
  scan: {
    runs: 3,
    of: (t, f) => (x) => t.scan((c: NDArray) => [f(c), null], x, null, { length: 3 })[0],
  },
  foriLoop: { runs: 2, of: (t, f) => (x) => t.foriLoop(0, 2, (_, c) => f(c), x) },
  whileLoop: {
    runs: 2,
    of: (t, f) => (x) =>
      t.whileLoop(([i]) => i.less(2), ([i, c]) => [i.add(1), f(c)] as [NDArray, NDArray], [
        np.array(0),
        x,
      ] as [NDArray, NDArray])[1],
  },
  cond: { runs: 1, of: (t, f) => (x) => t.cond(true, f, (x: NDArray) => x, x) },
  untaken: { runs: 0, of: (t, f) => (x) => t.cond(false, f, (x: NDArray) => x, x) },
  switchCase: { runs: 1, of: (t, f) => (x) => t.switchCase(1, [(x: NDArray) => x, f], x) },
  customVjp: {
    runs: 1,
    of: (t, f) => (x) => t.customVjp(f, (x) => [f(x), x], (_, g) => [g])(x),
  },
};

type F = (x: NDArray) => NDArray;

/** What pure functions cannot do either. */
const refused = ["grad of whileLoop", "jvp of customVjp"];

Deno.test("each transform, alone and in each other, does to a variable what a plain call does", () => {
  const x = np.array([0.5, 2]);
  for (const [outer, a] of Object.entries(members)) {
    for (const [inner, b] of [["alone", null] as const, ...Object.entries(members)]) {
      if (refused.includes(`${outer} of ${inner}`)) continue;
      for (const dictionary of ["of the model", "of no model"] as const) {
        const counter = new Counter();
        const t = dictionary === "of the model" ? nnx.transformsFor(counter) : nnx.transforms;
        const body: F = (x) => counter.step(x);
        const f = a.of(t, b === null ? body : b.of(t, body));
        const runs = a.runs * (b?.runs ?? 1);
        for (const g of [f, (x: NDArray) => t.jit(f)(x)]) {
          const before = counter.n.value.item();
          g(x);
          assertEquals(
            counter.n.value.item() - before,
            runs,
            `${outer} of ${inner}, ${dictionary}`,
          );
        }
      }
    }
  }
});

Deno.test("a compiled function sees variables as they are now, those of no model too", () => {
  const [a, b] = [norm(), norm()];
  const t = nnx.transformsFor(a);
  let runs = 0;
  const f = t.jit((x: NDArray) => {
    runs++;
    return b.call(a.call(x));
  });
  f(xs);
  b.bias!.value = np.array([7, 8]);
  assertClose(f(xs).mean(0), np.array([7, 8]), 1e-5);
  assertEquals(runs, 1);
  assertClose(a.mean.value, xs.mean(0).mul(0.75), 1e-6);
});

Deno.test("one program serves all models of a structure, and no other", () => {
  let runs = 0;
  const f = nnx.jit((m: nnx.BatchNorm, x: NDArray) => {
    runs++;
    return m.call(x);
  });
  const models = [norm(), norm()];
  models[1]!.bias!.value = np.array([1, 1]);
  const [y0, y1] = models.map((m) => f(m, xs));
  assertClose(y1!, y0!.add(1), 1e-6);
  models.forEach((m) => assertClose(m.mean.value, xs.mean(0).div(2), 1e-6));
  models[0]!.eval();
  f(models[0]!, xs);
  assertEquals(runs, 2);
});

Deno.test("flags changed in a transform: carried out, or refused by name where a part may not run", () => {
  const both: F = (x) => x;
  const flip = (m: nnx.BatchNorm): F => (x) => {
    m.eval();
    return m.call(x);
  };
  for (const name of ["jit", "vjp", "checkpoint"] as const) {
    for (let i = 0; i < 2; i++) {
      const m = norm();
      const t = nnx.transformsFor(m);
      const f = members[name]!.of(t, flip(m));
      f(xs);
      assertEquals([m.useRunningAverage, plain(m.mean.value)], [true, [0, 0]], name);
      m.train();
      f(xs);
      assertEquals(m.useRunningAverage, true, `${name} again`);
    }
  }
  for (
    const name of ["scan", "foriLoop", "whileLoop", "cond", "switchCase", "customVjp"] as const
  ) {
    const m = norm();
    const t = nnx.transformsFor(m);
    assertThrows(
      () => members[name]!.of(t, flip(m))(xs),
      StateError,
      `transformsFor(model).${name}: "useRunningAverage" of the model was changed to boolean true`,
    );
    assertEquals(m.useRunningAverage, false, name);
  }
  const m = norm();
  const t = nnx.transformsFor(m);
  t.cond(true, flip(m), (x) => (m.eval(), both(x)), xs);
  assertEquals(m.useRunningAverage, true, "both branches");
});

Deno.test("objects attached, exchanged and removed in a compiled function are so after it", () => {
  const model = (): Box => {
    const box = new Box();
    box.a = new nnx.Param(np.array(1));
    box.b = new nnx.Param(np.array(2));
    return box;
  };
  const value = (x: unknown): number => (x as nnx.Variable).value.item();
  const f = nnx.jit((m: Box, x: NDArray) => {
    [m.a, m.b] = [m.b, m.a];
    m.extra = { inner: [new nnx.BatchStat(x.mul(2))] };
    m.depth = 3;
    return x;
  });
  for (const m of [model(), model()]) {
    const { a, b } = m;
    f(m, np.array(5));
    assertEquals([m.a === b, m.b === a, value(m.a), value(m.b), m.depth], [true, true, 2, 1, 3]);
    assertEquals(plain(nnx.state(m, nnx.BatchStat)), { extra: { inner: { 0: 10 } } });
  }
  const [m, other] = [model(), model()];
  const drop = nnx.jit((m: Box, x: NDArray) => {
    delete m.a;
    return x;
  });
  drop(m, np.array(1));
  drop(other, np.array(1));
  assertEquals([Object.keys(m), Object.keys(other)], [["b"], ["b"]]);
  const t = nnx.transformsFor(m);
  assertThrows(
    () =>
      t.scan((c: NDArray) => [(m.late = new nnx.Param(c), c), null], np.array(1), null, {
        length: 2,
      }),
    StateError,
    '"late" of the model was set inside the transform',
  );
  assertEquals(Object.keys(m), ["b"]);
});

Deno.test("modules that a function makes are returned, and used in transforms in it", () => {
  const f = nnx.jit((key: NDArray, x: NDArray) => {
    const layer = new nnx.Linear(2, 1, { rngs: new nnx.Rngs(key) });
    const loss = (m: nnx.Linear): NDArray => m.call(x).sum();
    nnx.foriLoop(0, 3, (_, m) => {
      nnx.update(m, { kernel: m.kernel.value.sub(nnx.grad(loss)(m).kernel as NDArray) });
      return m;
    }, layer);
    nnx.transforms.foriLoop(0, 2, (_, x) => {
      layer.bias!.value = layer.bias!.value.add(1);
      return x;
    }, 0);
    return { layer, twice: layer };
  });
  const [one, two] = [f(random.key(0), np.ones([2])), f(random.key(0), np.ones([2]))];
  const plainly = new nnx.Linear(2, 1, { rngs: rngs() });
  assert(one.layer instanceof nnx.Linear && one.layer === one.twice && one.layer !== two.layer);
  assertClose(two.layer.kernel.value, plainly.kernel.value.sub(3), 1e-6);
  assertEquals([plain(two.layer.bias!.value), one.layer.inFeatures], [[2], 2]);
});

Deno.test("variables that no path leads to are told apart by the objects that have them", () => {
  class Hidden extends nnx.Module {
    readonly #w: nnx.Param;
    constructor(w: number) {
      super();
      this.#w = new nnx.Param(np.array(w));
    }
    call(x: NDArray): NDArray {
      this.#w.value = this.#w.value.add(1);
      return x.mul(this.#w.value);
    }
  }
  const f = nnx.jit((m: Hidden, x: NDArray) => m.call(x));
  const [a, b] = [new Hidden(1), new Hidden(10)];
  assertEquals([a, b, a, b].map((m) => f(m, np.array(1)).item()), [2, 11, 3, 12]);
});

Deno.test("a backward rule that runs later sees what the function saw, and leaves no trace", () => {
  const m = norm();
  const seen: boolean[] = [];
  const t = nnx.transformsFor(m);
  const f = t.customVjp(
    (x: NDArray) => m.call(x),
    (x: NDArray) => [m.call(x), x],
    (_, g) => {
      seen.push(m.useRunningAverage);
      return [g.mul(m.scale!.value)];
    },
  );
  const [, pull] = t.vjp(f, [xs]);
  m.eval();
  const [g] = pull(np.ones([3, 2]));
  assertEquals([seen.includes(true), m.useRunningAverage, plain(g)], [
    false,
    true,
    plain(np.ones([3, 2])),
  ]);
});

Deno.test("derivatives by a variable, by several arguments and by arrays", () => {
  const v = new nnx.Param(np.array([1, 2]));
  const layer = new nnx.Linear(2, 1, { rngs: rngs() });
  const f = (v: nnx.Param, m: nnx.Linear, x: NDArray) => m.call(v.value.mul(x)).sum();
  const x = np.array([3, 4]);
  const [byV, byM, byX] = nnx.grad(f, { argnums: [0, 1, 2] })(v, layer, x);
  const w = layer.kernel.value.reshape([2]);
  assertClose(byV as NDArray, x.mul(w), 1e-6);
  assertClose((byM as nnx.State).kernel as NDArray, v.value.mul(x).reshape([2, 1]), 1e-6);
  assertClose(byX as NDArray, v.value.mul(w), 1e-6);
  const single: NDArray = nnx.grad(f)(v, layer, x);
  assertClose(single, byV as NDArray, 1e-6);
});

Deno.test("cycles and shared references survive", () => {
  const [a, b] = [new Box(), new Box()];
  a.b = b;
  b.a = a;
  b.v = a.v = new nnx.Param(np.array(2));
  const [graphdef, state] = nnx.split(a);
  assertEquals(plain(state), { b: { v: 2 } });
  const copy = nnx.merge(graphdef, state!);
  const inner = copy.b as Box;
  assert(inner.a === copy && inner.v === copy.v && inner !== b);
  const twice = nnx.jit((m: Box) => {
    const v = (m.b as Box).v as nnx.Param;
    v.value = v.value.mul(3);
    return (m.v as nnx.Param).value;
  });
  assertEquals([twice(copy).item(), (inner.v as nnx.Param).value.item()], [6, 6]);
  assertEquals((a.v as nnx.Param).value.item(), 2);
});

Deno.test("a solve uses and updates a model once", () => {
  class Model extends nnx.Module {
    readonly linear = new nnx.Linear(2, 2, {
      kernelInit: nnx.initializers.normal(0.1),
      rngs: rngs(),
    });
    readonly drop = new nnx.Dropout(0.5, { rngs: rngs() });
    readonly mean = new nnx.BatchStat(np.zeros([2]));
    cell(z: NDArray, x: NDArray): NDArray {
      const out = np.tanh(this.drop.call(this.linear.call(z)).add(x));
      this.mean.value = this.mean.value.mul(0.9).add(out.mul(0.1));
      return out;
    }
    call(x: NDArray): NDArray {
      return fixedPoint((z) => this.cell(z, x), np.zeros([2]), {
        transforms: nnx.transformsFor(this),
      }).value;
    }
  }
  const x = np.array([0.5, -0.2]);
  for (const run of [(m: Model) => m.call(x), nnx.jit((m: Model) => m.call(x))]) {
    const m = new Model();
    const y = run(m);
    assertEquals(m.drop.rngs!.count.value.item(), 1);
    assertClose(m.mean.value, y.mul(0.1), 1e-5);
  }
  const g = nnx.grad((m: Model) => m.call(x).sum())(new Model());
  assertEquals(Object.keys(g), ["linear"]);
});

Deno.test("two models in one computation, by one dictionary or by two", () => {
  const run = (t: (a: object, b: object) => LiftedTransforms): unknown => {
    const [a, b] = [norm(), norm()];
    t(a, b).foriLoop(0, 3, (_, x) => b.call(a.call(x)), xs);
    return plain([a.mean.value, a.var.value, b.mean.value, b.var.value]);
  };
  const [a, b] = [norm(), norm()];
  let x = xs;
  for (let i = 0; i < 3; i++) x = b.call(a.call(x));
  const expected = [a.mean.value, a.var.value, b.mean.value, b.var.value];
  for (
    const t of [
      (a: object, b: object) => nnx.transformsFor(a, b),
      (a: object, b: object) => compose(nnx.transformsFor(a), nnx.transformsFor(b)),
      (a: object) => nnx.transformsFor(a),
    ]
  ) assertClose((run(t) as number[][]).map((x) => np.array(x)), expected, 1e-6);
});

Deno.test("an exception leaves objects as they were", () => {
  for (const [name, { runs, of }] of Object.entries(members)) {
    if (runs === 0) continue;
    const m = new Box();
    const v = m.v = new nnx.Param(np.array([1, 2]));
    const t = nnx.transformsFor(m);
    const bad: F = (x) => {
      v.value = v.value.add(1);
      m.flag = true;
      m.other = new nnx.Param(x);
      throw new Error("stop");
    };
    assertThrows(() => of(t, bad)(np.array([1, 2])), Error, "stop");
    assertEquals([plain(v.value), Object.keys(m)], [[1, 2], ["v"]], name);
  }
});

Deno.test("a write in a pure transform is refused by name, wherever it is", () => {
  const m = new Counter();
  const t = nnx.transformsFor(m);
  const pure: Record<string, F> = {
    jit: jit((x: NDArray) => m.step(x)),
    vmap: vmap((x: NDArray) => m.step(x)),
  };
  for (const [name, f] of Object.entries(pure)) {
    for (const run of [f, t.jit(f), (x: NDArray) => t.foriLoop(0, 2, (_, x) => f(x), x)]) {
      assertThrows(() => run(np.ones([2])), StateError, `was written inside ${name} of`);
      assertEquals(m.n.value.item(), 0);
    }
  }
  // A dictionary inside of a pure transform cannot help what is outside of that.
  const inside = jit((x: NDArray) => t.foriLoop(0, 2, (_, x) => m.step(x), x));
  assertThrows(() => inside(np.ones([2])), StateError, "was written inside jit of");
  // Reading does no harm.
  assertEquals(plain(vmap((x: NDArray) => x.add(m.n.value))(np.ones([2]))), [1, 1]);
});

Deno.test("what a pure transform attaches to a model is seen at the first look after it", () => {
  const raw: Record<string, (f: (x: NDArray) => NDArray) => unknown> = {
    jit: (f) => jit(f, { backend: "interpreter" })(np.array(1)),
    grad: (f) => grad(f)(np.array(1)),
    vmap: (f) => vmap(f)(np.ones([2])),
    scan: (f) => scan((c: NDArray) => [f(c), null], np.array(1), null, { length: 2 }),
  };
  for (const [name, use] of Object.entries(raw)) {
    for (const value of [(x: NDArray) => x.mul(2), () => np.array(2)]) {
      const m = new Box() as Box & { extra?: nnx.Param };
      use((x) => {
        m.extra = new nnx.Param(value(x));
        // In there it is usable.
        return m.extra.value.mul(nnx.state(m).extra as NDArray);
      });
      const looks = [
        () => nnx.state(m),
        () => nnx.split(m),
        () => nnx.jit((m: Box) => m.constructor.name.length + 0 && np.array(1))(m),
        () => nnx.transformsFor(m).grad((x) => x)(np.array(1)),
        () => m.extra!.value,
      ];
      for (const look of looks) {
        assertThrows(look, StateError, `was made inside ${name} of`);
        assertThrows(look, StateError, "use the one of nnx of that name");
      }
    }
  }
});

Deno.test("an object made in a transform and kept raises at use", () => {
  const kept: nnx.Variable[] = [];
  nnx.jit((x: NDArray) => {
    kept.push(new nnx.Variable(x.add(1)));
    return x;
  })(np.array(1));
  assertThrows(() => kept[0]!.value.add(1), StateError, "is over, and read after that");
  assertEquals(String(kept[0]), "Variable(Traced(float32[]))");
  assertThrows(
    () => kept[0]!.value = np.array(1),
    StateError,
    "was made inside jit of",
  );
  const m = new Box();
  assertThrows(
    () => nnx.jit((m: Box, x: NDArray) => (m.x = x, x))(m, np.array(1)),
    StateError,
    "keep arrays that change in variables",
  );
  assertEquals(Object.keys(m), []);
});

Deno.test("wrong use is told in the system's terms", () => {
  const layer = new nnx.Linear(2, 2, { rngs: rngs() });
  const f = (m: nnx.Linear, x: NDArray): NDArray => m.call(x);
  const wrong: [() => unknown, string][] = [
    [() => nnx.split(layer, nnx.BatchStat), "no filter means kernel (Param), bias (Param)"],
    [() => nnx.update(layer, { kernels: np.ones([2]) }), "has kernels, but there is no variable"],
    [() => nnx.merge(nnx.split(layer)[0], {}), "there is no array for"],
    [() => nnx.grad(f, { argnums: new nnx.DiffState(0, nnx.BatchStat) })(layer, xs), "no variable"],
    [() => nnx.grad(f, { argnums: new nnx.DiffState(1, true) })(layer, xs), "has no modules"],
    [() => nnx.scan(f)(layer, xs), "must return a list of 2"],
    [() => nnx.scan(f, { inAxes: [nnx.Carry, nnx.Carry] })(layer, xs), "more than one Carry"],
    [() => nnx.scan(f, { outAxes: 0 })(layer, xs), "in inAxes but not in outAxes"],
    [() => nnx.foriLoop(0, 2, () => nnx.clone(layer), layer), "must have the same modules"],
    [() => nnx.cond(true, (m) => m, (m) => m, layer), "returned a module"],
    [() => new nnx.Rngs({ params: 0 }).next("dropout"), 'there is no stream "dropout"'],
    [() => new nnx.Rngs(0).split(2).next(), "there are 2 streams in it"],
    [
      () => nnx.vmap(f, { inAxes: [new nnx.StateAxes([[nnx.BatchStat, 0]]), 0] })(layer, xs),
      "no filter of the StateAxes for argument 0 means kernel (Param)",
    ],
    [() => new nnx.Dropout(0.5).call(xs), "there is no random stream"],
  ];
  for (const [run, message] of wrong) assertThrows(run, StateError, message);
  const total = new nnx.Variable(np.array(0));
  const lanes = nnx.vmap((v: nnx.Variable, x: NDArray): Tree => (v.value = x, x), {
    inAxes: [null, 0],
  });
  assertThrows(() => lanes(total, np.ones([2])), StateError, "a different value in each lane");
});
