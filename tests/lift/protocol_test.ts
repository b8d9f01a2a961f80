/**
 * A third party's module system, which is a `StateProtocol` and nothing more (`toy.ts`), alone and
 * together with Haiku's; and the ways to supply a dictionary without passing it.
 *
 * @module
 */
import {
  ambient,
  compose,
  currentTransforms,
  fixedPoint,
  grad,
  initSafe,
  jit,
  type NDArray,
  numpy as np,
  overrideTransforms,
  pure,
  random,
  registerStatefulLibrary,
  StateChangedError,
  StateError,
  type Transforms,
  type Tree,
  withTransforms,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";
import {
  derivative,
  library,
  modesOf,
  nest,
  nestExplicit,
  type Params,
  type Step,
} from "./library.ts";
import * as toy from "./toy.ts";

const key = random.key(17);
const x = np.array([0.6, -0.4]);
const names = Object.keys(library);

const dense: Step = (z) => np.tanh(np.matmul(z, toy.param("w", [2, 2])));
const pureDense = ({ w }: Params): Step => (z) => np.tanh(np.matmul(z, w!));

const nests = [
  ...names.map((name) => [name]),
  ["scan", "cond", "foriLoop"],
  ["vmap", "fixedPoint by anderson"],
  ["customVjp", "scan"],
  ["hessian", "checkpoint"],
  ["whileLoop", "jit", "customJvp"],
];

Deno.test("a system that is a protocol alone obeys the laws", () => {
  for (const nested of nests) {
    const what = nested.join(" over ");
    const f = () => nest(nested, dense, toy.transforms)(x);
    const variables = toy.init(key, f);
    assertClose(variables, toy.init(key, () => dense(x)), 0, what);
    const expected = nestExplicit(nested, pureDense)(variables.params)(x);
    for (const k of [null, key]) assertClose(toy.apply(variables, k, f)[0], expected, 1e-5, what);
    const modes = modesOf(nested)!;
    assertClose(
      derivative(modes, (params) => toy.apply({ params, stats: {} }, key, f)[0], variables.params),
      derivative(modes, (p) => nestExplicit(nested, pureDense)(p)(x), variables.params),
      1e-4,
      what,
    );
  }
});

Deno.test("statistics and streams of a third party's system go through transforms", () => {
  const t = toy.transforms;
  const step = (z: NDArray): NDArray => {
    toy.setStat("n", toy.stat("n").add(1));
    return np.tanh(z);
  };
  for (const name of ["scan", "foriLoop", "vmap", "cond", "jit", "customVjp", "customRoot"]) {
    const f = () => library[name]!.use(step, x, t);
    const variables = toy.init(key, f);
    assertEquals(plain(variables.stats), { n: 0 }, name);
    const trips = ["scan", "foriLoop"].includes(name) ? 3 : 1;
    assertEquals(plain(toy.apply(variables, null, f)[1]), { n: trips }, name);
    const [, stats] = jit((x: NDArray) =>
      toy.apply(variables, null, () => nest([name], step, t)(x))
    )(
      x,
    );
    assertEquals(plain(stats), { n: trips }, name);
  }
  const draw = (): NDArray => random.bits(toy.makeRng(), []);
  const [drawn] = toy.apply({ params: {}, stats: {} }, key, () =>
    [
      draw(),
      ...t.scan((c: null) => [c, draw()], null, null, { length: 3 })[1].dataSync(),
      ...t.vmap(draw, { axisSize: 2, splitRng: true })().dataSync(),
      draw(),
    ].map(Number));
  assertEquals(new Set(drawn).size, 7);
  assertThrows(
    () =>
      toy.apply({ params: {}, stats: { n: np.array(0) } }, null, () =>
        t.vmap((z: NDArray) => {
          toy.setStat("n", z);
          return z;
        })(x)),
    StateError,
    "toy.transforms.vmap: the state entry n",
  );
  assertEquals(t.grad((x: NDArray) => x.mul(x))(np.array(3)).item(), 6, "outside of a scope");
});

const both = compose(hk.transforms, toy.transforms);

/** A nest around a step through modules of both systems, and `init` and `apply` of both in one. */
function together(nested: readonly string[], writing: boolean, t: Transforms = both) {
  const program = (x: NDArray) => {
    const linear = new hk.Linear(2);
    const step: Step = (z) => {
      const n = hk.getState("n", [], { init: (s) => np.zeros(s) });
      if (writing) {
        hk.setState("n", n.add(1));
        toy.setStat("m", toy.stat("m").add(1));
      }
      return dense(np.tanh(linear.call(z)));
    };
    return () => nest(nested, step, t)(x);
  };
  let made: toy.Variables | undefined;
  const { init } = hk.transformWithState((x: NDArray) => {
    made = toy.init(key, program(x));
    return x;
  });
  const { apply } = hk.transformWithState((x: NDArray, params: Params, stats: Params) =>
    toy.apply({ params, stats }, key, program(x))
  );
  const [params, state] = init(key, x);
  const { w, b } = params.linear as { w: NDArray; b: NDArray };
  return {
    params: { v: made!.params.w!, w, b } as Params,
    run: ({ v, w, b }: Params) => {
      const [[out, stats], after] = apply(
        { linear: { w: w!, b: b! } },
        state,
        key,
        x,
        { w: v! },
        made!.stats,
      );
      return { out, n: after["~"]?.n?.item(), m: stats.m?.item() };
    },
  };
}

Deno.test("compose threads the state of two systems through all transforms", () => {
  const explicit = ({ v, w, b }: Params): Step => (z) =>
    pureDense({ w: v! })(np.tanh(np.matmul(z, w!).add(b!)));
  const alone = hk.transform((x: NDArray) => new hk.Linear(2).call(x)).init(key, x);
  for (const nested of nests) {
    const what = nested.join(" over ");
    // Conditions and associative functions may not write.
    const writing = !nested.some((name) => ["whileLoop", "associativeScan"].includes(name));
    const { params, run } = together(nested, writing);
    assertClose([params.w, params.b], [alone.linear!.w, alone.linear!.b], 0, what);
    const { out, n, m } = run(params);
    assertClose(out, nestExplicit(nested, explicit)(params)(x), 1e-5, what);
    assertEquals([n, m], writing ? [n, n] : [0, undefined], what);
    assert(!writing || n! > 0, what);
    const modes = modesOf(nested)!;
    const reading = together(nested, false);
    assertClose(
      derivative(modes, (p) => reading.run(p).out, params),
      derivative(modes, (p) => nestExplicit(nested, explicit)(p)(x), params),
      1e-4,
      what,
    );
  }
});

Deno.test("one of two systems' dictionaries does not do for the other's modules", () => {
  assertThrows(() => together(["scan"], false, hk.transforms), StateError, "Use toy.transforms");
  assertThrows(() => together(["scan"], false, toy.transforms), StateError, "Use hk.transforms");
});

Deno.test("composed systems keep their own random streams", () => {
  const hkDraw = (): number => Number(random.bits(hk.nextRngKey(), []).item());
  const toyDraw = (): number => Number(random.bits(toy.makeRng(), []).item());
  const draws = (t: Transforms): number[] =>
    hk.transform(() =>
      toy.apply({ params: {}, stats: {} }, key, () => {
        const [, ys] = t.scan(
          (c: null) => [c, [random.bits(hk.nextRngKey(), []), random.bits(toy.makeRng(), [])]],
          null,
          null,
          { length: 3 },
        );
        return [...ys.flatMap((y) => [...y.dataSync()]), hkDraw(), toyDraw()];
      })[0]
    ).apply({}, key) as unknown as number[];
  const drawn = draws(both);
  assertEquals(drawn.length, 8);
  // Both began with the same key, so what they draw alike is the last of each.
  assertEquals(new Set(drawn.slice(0, 3)).size, 3);
  assertEquals(drawn.slice(0, 3), drawn.slice(3, 6));
  assertEquals(drawn[6], drawn[7]);
  assertEquals(new Set(drawn).size, 4);
});

Deno.test("compose: dispatch, nesting, strictness, errors", () => {
  const square = (x: NDArray): NDArray => x.mul(x);
  const g = both.grad(square);
  assertEquals(g(np.array(3)).item(), 6, "outside of both");
  const inHaiku = hk.transform((x: NDArray) => g(new hk.Linear(1).call(x).sum()));
  assertEquals(inHaiku.apply(inHaiku.init(key, x), null, x).shape, []);
  const [inToy] = toy.apply({ params: {}, stats: {} }, null, () => g(np.array(3)));
  assertEquals(inToy.item(), 6);
  // Made where neither was open, called where both are.
  const cell = both.jit((z: NDArray) => dense(new hk.Linear(2).call(z)), {
    backend: "interpreter",
  });
  const model = hk.transform((x: NDArray) => {
    const variables = toy.init(key, () => cell(x));
    return toy.apply(variables, null, () => cell(x))[0];
  });
  assertEquals(Object.keys(model.init(key, x)), ["linear", "linear_1"]);
  const nestedTwice = compose(compose(hk.transforms, toy.transforms), hk.transforms);
  assertClose(
    together(["scan"], true, nestedTwice).params,
    together(["scan"], true).params,
    0,
  );
  const strict = compose(hk.strictTransforms, toy.transforms);
  const created = hk.transform((x: NDArray) =>
    toy.apply(
      { params: {}, stats: {} },
      null,
      () => strict.whileLoop((z) => z.sum().less(9), (z) => new hk.Linear(2).call(z), x),
    )[0]
  );
  assertThrows(() => created.init(key, x), StateChangedError, "linear/w");
  assertThrows(
    () => compose(hk.transforms, { ...pure }),
    StateError,
    "dictionary 2 of 2 was not made by liftTransforms",
  );
});

/** A library function that takes its dictionary from the surroundings. */
const unroll = (step: Step, z: NDArray): NDArray => ambient.foriLoop(0, 3, (_, z) => step(z), z);

Deno.test("a registered system's dictionary is used where its context is open", () => {
  const undo = registerStatefulLibrary({
    when: () => toy.protocol.active(),
    transforms: toy.transforms,
  });
  const undoHaiku = registerStatefulLibrary({
    when: () => hk.protocol.active(),
    transforms: hk.transforms,
  });
  try {
    assertEquals(currentTransforms(), pure);
    const variables = toy.init(key, () => {
      assertEquals(currentTransforms(), toy.transforms);
      return unroll(dense, x);
    });
    assertEquals(Object.keys(variables.params), ["w"]);
    const model = hk.transform((x: NDArray) => unroll((z) => new hk.Linear(2).call(z), x));
    assertEquals(Object.keys(model.init(key, x)), ["linear"]);
    // Where both are open, both are threaded; an explicit choice goes before all.
    hk.transformWithState(() => {
      toy.apply(variables, null, () => {
        const { grad } = currentTransforms();
        const kept = hk.getState("kept", [], { init: (s) => np.zeros(s) });
        grad((x: NDArray) => {
          hk.setState("kept", kept.add(1));
          return dense(x).sum();
        })(x);
        assertEquals(hk.getState("kept").item(), 1);
        withTransforms(both, () => assertEquals(currentTransforms(), both));
      });
      return x;
    }).apply({}, {}, null);
  } finally {
    undo();
    undoHaiku();
    undo();
  }
  assertThrows(() => toy.init(key, () => unroll(dense, x)), StateError, "Use toy.transforms");
});

Deno.test("withTransforms and overrideTransforms choose for their extent alone", () => {
  const marked = (mark: number): Transforms => ({ ...pure, isInitializing: () => mark as never });
  const seen = (): unknown => ambient.isInitializing();
  assertEquals(seen(), false);
  withTransforms(marked(1), () => {
    assertEquals(seen(), 1);
    assertEquals(overrideTransforms(marked(2))((a: number, b: number) => [a, b, seen()])(3, 4), [
      3,
      4,
      2,
    ]);
    assertThrows(
      () =>
        withTransforms(marked(3), () => {
          throw new RangeError("stop");
        }),
      RangeError,
      "stop",
    );
    assertEquals(seen(), 1);
  });
  assertEquals(seen(), false);
  assertThrows(
    () => withTransforms(marked(4), () => Promise.resolve(5)),
    StateError,
    "cannot span an await",
  );
  assertEquals(seen(), false);
});

Deno.test("what ambient transforms is run by the dictionary of the time of the call", () => {
  const step = ambient.jit((z: NDArray) => new hk.Linear(2).call(z), { backend: "interpreter" });
  const model = hk.transform((x: NDArray) => withTransforms(hk.transforms, () => step(x)));
  assertEquals(Object.keys(model.init(key, x)), ["linear"]);
  // Made under a choice, called where there is none: the choice holds.
  const kept = withTransforms(
    hk.transforms,
    () => ambient.grad((z: NDArray) => new hk.Linear(1).call(z).sum()),
  );
  const later = hk.transform((x: NDArray) => kept(x));
  assertEquals(Object.keys(later.init(key, x)), ["linear"]);
  assertEquals(ambient.grad((z: NDArray) => z.mul(z))(np.array(3)).item(), 6);
});

Deno.test("a solver inside a solver, with the dictionary passed along", () => {
  const inner = (z: NDArray, f: Step, transforms: Transforms): NDArray =>
    fixedPoint((y) => f(y).mul(0.5).add(z), z, { transforms }).value;
  const outer = (f: Step, transforms: Transforms): NDArray =>
    fixedPoint((z) => inner(z, f, transforms).mul(0.3), x, { transforms }).value;
  const variables = toy.init(key, () => outer(dense, toy.transforms));
  const found = (params: Params): NDArray =>
    toy.apply({ params, stats: {} }, key, () => outer(dense, toy.transforms))[0];
  const wanted = (params: Params): NDArray => outer(pureDense(params), pure);
  assertClose(found(variables.params), wanted(variables.params), 1e-6);
  const loss = (f: (p: Params) => NDArray) => (p: Params) => f(p).square().sum();
  assertClose(grad(loss(found))(variables.params), grad(loss(wanted))(variables.params), 1e-5);
});

/** A dictionary of a third party that is pure but for its flag, so that loops leak at init. */
function naive() {
  const weights = new Map<string, NDArray>();
  let initializing = true;
  const theirs: Transforms = { ...pure, isInitializing: () => initializing };
  const weight: Step = (z) => {
    if (initializing) weights.set("w", random.normal(key, [2, 2]).mul(0.4).add(z.sum().mul(0)));
    return np.tanh(np.matmul(z, weights.get("w")!));
  };
  return {
    weights,
    weight,
    theirs,
    done() {
      initializing = false;
    },
  };
}

Deno.test("initSafe makes a third party's dictionary safe to initialise", () => {
  for (const name of names) {
    const { weights, weight, theirs, done } = naive();
    const safe = initSafe(theirs);
    const first = library[name]!.use(weight, x, safe);
    assertClose(weights.get("w"), random.normal(key, [2, 2]).mul(0.4), 0, `${name}: the weights`);
    done();
    const out = library[name]!.use(weight, x, safe);
    assertEquals([first.shape, first.dtype], [out.shape, out.dtype], name);
    const f = pureDense({ w: weights.get("w")! });
    assertClose(out, library[name]!.use(f, x, pure), 1e-6, name);
  }
});

Deno.test("initSafe gives results of the right structure while initialising", () => {
  const t = initSafe(naive().theirs);
  const aux = (x: NDArray): [NDArray, { y: NDArray }] => [x.sum(), { y: x }];
  const f = (x: NDArray): NDArray => np.concatenate([x, x]);
  const wide = np.ones([3, 2]);
  const programs: Record<string, (t: Transforms) => unknown> = {
    grad: (t) => t.grad(aux, { hasAux: true })(x),
    valueAndGrad: (t) => t.valueAndGrad(aux, { hasAux: true })(x),
    jacfwd: (t) => t.jacfwd(f)(x),
    jacrev: (t) =>
      t.jacrev((x: NDArray, y: NDArray) => f(x).mul(y.sum()), { argnums: [0, 1] })(x, x),
    hessian: (t) => t.hessian((x: NDArray) => x.sum())(x),
    vjp: (t) => t.vjp(f, [x])[1](np.ones([4])),
    linearize: (t) => t.linearize(f, [x])[1](x),
    jvp: (t) => t.jvp(f, [x], [x]),
    vmap: (t) => t.vmap(f, { inAxes: 1, outAxes: 1 })(wide),
    "vmap of no lanes": (t) => t.vmap(f)(np.zeros([0, 2])),
    scan: (t) => t.scan((c: NDArray, x: NDArray) => [c.add(x.sum()), f(x)], 0, wide),
    "scan backwards": (t) => t.scan((c, x) => [c, x], 0, wide, { reverse: true }),
    "scan without trips": (t) => t.scan((c) => [c.add(1), c], 0, null, { length: 0 }),
    map: (t) => t.map(f, wide),
    foriLoop: (t) => t.foriLoop(2, 2, (i, x) => x.add(i), 5),
    whileLoop: (t) => t.whileLoop((x) => x.less(0), (x) => x.add(1), 5),
    cond: (t) => t.cond(false, (x) => x.mul(2), (x) => x, x),
    switchCase: (t) => t.switchCase(5, [(x) => x, (x) => x.mul(3)], x),
    associativeScan: (t) => t.associativeScan((a, b) => a.add(b), wide),
    customRoot: (t) =>
      t.customRoot((z) => z.sub(x), x, (_, z) => [z, z.sum()], (_, y) => y, { hasAux: true }),
    customLinearSolve: (t) => t.customLinearSolve((z) => z.mul(2), x, (_, b) => b.div(2)),
    jit: (t) =>
      t.jit((x: NDArray, n: number) => np.tile(x, n), {
        staticArgnums: -1,
        backend: "interpreter",
      })(
        x,
        2,
      ),
  };
  const shapes = (tree: unknown): unknown => pure.evalShape((x: unknown) => x as Tree, tree);
  for (const [name, program] of Object.entries(programs)) {
    const [found, wanted] = [program(t), program(pure)];
    assertEquals(plain(shapes(found)), plain(shapes(wanted)), name);
    // Where the number of trips is known to be none, and for branches, values are right too.
    const exact = ["foriLoop", "whileLoop", "cond", "switchCase", "scan without trips", "jit"];
    if (exact.includes(name)) assertClose(found, wanted, 0, name);
  }
});
