/**
 * Options of the transforms: static arguments by name, arguments that are used up, what `checkpoint` keeps,
 * arguments of rules that have no derivatives, steps that stand in one, elements at once, auxiliary outputs.
 *
 * @module
 */
import {
  AxisError,
  checkpoint,
  checkpointName,
  checkpointPolicies,
  customJvp,
  customVjp,
  DTypeError,
  foriLoop,
  grad,
  hessian,
  jit,
  jvp,
  linearize,
  loadBackend,
  makeJaxpr,
  map,
  type NDArray,
  numpy as np,
  random,
  scan,
  ShapeError,
  switchCase,
  TreeError,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { any, mistake, named } from "../support/mistakes.ts";
import { everywhere } from "../support/everywhere.ts";

await loadBackend("onnx");

const x = arr([0.5, -1.25, 2]);

Deno.test("jit() with staticArgnames: entries of the last argument are part of the program", () => {
  let traced = 0;
  const f = jit((x: NDArray, { n, scale }: { n: number; scale: NDArray | number }) => {
    traced++;
    assertEquals(typeof n, "number");
    let y = x;
    for (let i = 0; i < n; i++) y = y.mul(scale);
    return y;
  }, { staticArgnames: "n" });
  assertClose(f(arr(3), { n: 2, scale: 2 }), 12);
  assertClose(f(arr(3), { n: 2, scale: 3 }), 27);
  assertEquals(traced, 1);
  assertClose(f(arr(3), { n: 3, scale: 2 }), 24);
  assertEquals(traced, 2);
  const both = jit((k: number, x: NDArray, o: { mode: string }) => o.mode === "a" ? x.add(k) : x, {
    staticArgnums: 0,
    staticArgnames: ["mode", "other"],
  });
  assertClose(both(2, arr(3), { mode: "a" }), 5);
  assertClose(both(2, arr(3), { mode: "b" }), 3);
});

Deno.test("jit() with donateArgnums: arrays that are used up are disposed of, results are not", () => {
  const f = jit((p: { w: NDArray }, x: NDArray) => ({ w: p.w.sub(x) }), { donateArgnums: 0 });
  const first = { w: np.ones([100000]) };
  const step = np.full([100000], 0.5);
  const second = f(first, step);
  assertThrows(() => first.w.dataSync(), TypeError, "dispose");
  assertClose(second.w.sum(), 50000);
  assertClose(f(second, step).w.sum(), 0);
  assertClose(step.sum(), 50000);
  const same = jit((x: NDArray) => x, { donateArgnums: [0] });
  assertClose(same(arr(2)), 2);
  // Of a traced value there is nothing to free.
  assertClose(
    grad((x: NDArray) => jit((x: NDArray) => x.square(), { donateArgnums: 0 })(x))(arr(3)),
    6,
  );
});

Deno.test("jit() with donateArgnames: entries of the last argument that are used up", () => {
  const f = jit((x: NDArray, { w }: { w: NDArray }) => w.add(x), { donateArgnames: ["w", "v"] });
  const [x, w] = [arr(1), arr(2)];
  assertClose(f(x, { w }), 3);
  assertThrows(() => w.item(), TypeError, "dispose");
  assertClose(x, 1);
});

Deno.test("checkpoint with staticArgnames: entries of the last argument are not traced", () => {
  const powers = (x: NDArray, { n, scale }: { n: number; scale: NDArray }) => {
    let y = x;
    for (let i = 0; i < n; i++) y = y.square();
    return y.mul(scale);
  };
  const options = { n: 2, scale: arr(3) };
  const f = checkpoint(powers, { staticArgnames: "n" });
  assertClose(grad((x: NDArray) => f(x, options))(arr(2)), 3 * 4 * 8);
  const model = hk.transform((x: NDArray) =>
    hk.transforms.checkpoint((x: NDArray, o: typeof options) => {
      const w = hk.getParameter("w", [], { init: () => np.array(2) });
      return powers(x.mul(w), o);
    }, { staticArgnames: ["n"] })(x, options)
  );
  const params = model.init(random.key(0), arr(1));
  assertClose(model.apply(params, null, arr(1)), 48);
});

const policies = checkpointPolicies;
const sines = (x: NDArray): NDArray => checkpointName(x.sin(), "one").sin().sin().sum();

/** How often an operation stands in the program of a gradient. */
function count(f: (x: NDArray) => NDArray, name: string, at = x): number {
  return makeJaxpr(grad(f))(at).primitives.filter((p) => p === name).length;
}

Deno.test("checkpoint() with a policy keeps what it says, and computes the rest again", () => {
  const all = count(sines, "sin");
  const none = count(checkpoint(sines), "sin");
  assert(none > all, `${none} and ${all}`);
  const by = (policy: (typeof policies)["nothingSaveable"]): number =>
    count(checkpoint(sines, { policy }), "sin");
  assertEquals(by(policies.nothingSaveable), none);
  assertEquals(by(policies.everythingSaveable), all);
  assertEquals(by(policies.saveOnlyTheseNames("one")), none - 1);
  assertEquals(by(policies.saveOnlyTheseNames("other")), none);
  assertEquals(by(policies.saveAnyNamesButThese("other")), none - 1);
  assertEquals(by(policies.saveAnyNamesButThese("one")), none);
  assertEquals(by(policies.dotsSaveable), none);
  assertEquals(
    by(policies.saveFromBothPolicies(policies.dotsSaveable, policies.saveOnlyTheseNames("one"))),
    none - 1,
  );
  const product = (x: NDArray): NDArray => np.matmul(x, x).sin().sum();
  const m = arr([[1, 2], [3, 4]]);
  const dots = (policy: (typeof policies)["nothingSaveable"]): number =>
    count(checkpoint(product, { policy }), "dot_general", m);
  assertEquals(dots(policies.dotsSaveable), dots(policies.nothingSaveable) - 1);
  assertEquals(dots(policies.dotsWithNoBatchDimsSaveable), dots(policies.dotsSaveable));
});

Deno.test("whatever checkpoint() keeps, values and derivatives are the same", () => {
  const inner = jit((x: NDArray) => x.sin().mul(x));
  const f = (x: NDArray): NDArray => {
    const y = checkpointName({ y: inner(x) }, "y").y;
    return scan((c, u) => [c.add(u.mul(y.sum()).sin()), null], y.sum(), y)[0];
  };
  const [value, slope, curve] = [f(x), grad(f)(x), hessian(f)(x)];
  const given = [
    policies.everythingSaveable,
    policies.nothingSaveable,
    policies.saveOnlyTheseNames("y"),
    policies.saveAnythingExceptTheseNames("y"),
    policies.dotsSaveable,
  ];
  for (const policy of given) {
    const g = checkpoint(f, { policy });
    assertClose(g(x), value);
    assertClose(grad(g)(x), slope, 1e-12);
    assertClose(jit(grad(g))(x), slope, 1e-12);
    assertClose(hessian(g)(x), curve, 1e-12);
    assertClose(
      vmap(grad(g))(np.stack([x, x.mul(2)]))[Symbol.iterator]().next().value,
      slope,
      1e-12,
    );
    assertClose(grad((x: NDArray) => vmap(g)(np.stack([x, x])).sum())(x), slope.mul(2), 1e-12);
  }
});

Deno.test("checkpoint() with staticArgnums hands values on as they are", () => {
  const f = checkpoint((n: number, x: NDArray, mode: string) => {
    assertEquals([typeof n, mode], ["number", "up"]);
    return x.mul(n).sum();
  }, { staticArgnums: [0, -1] }) as (n: number, x: NDArray, mode: string) => NDArray;
  assertClose(grad((x: NDArray) => f(3, x, "up"))(x), [3, 3, 3]);
});

Deno.test("rules are given nondiffArgnums first: functions, numbers, in the order of the list", () => {
  const apply = customJvp(
    (f: (x: NDArray) => NDArray, x: NDArray, k: number) => f(x).mul(k),
    (k: number, f: (x: NDArray) => NDArray, [x]: [NDArray], [t]: [NDArray]) => [
      f(x).mul(k),
      t.mul(k).mul(100),
    ],
    { nondiffArgnums: [2, 0] },
  );
  const square = (x: NDArray): NDArray => x.square();
  assertClose(apply(square, arr(3), 2), 18);
  assertClose(grad((x: NDArray) => apply(square, x, 2))(arr(3)), 200);
  assertClose(jit(grad((x: NDArray) => apply(square, x, 2)))(arr(3)), 200);
  const back = customVjp(
    (mode: string, x: NDArray, y: NDArray) => mode === "up" ? x.mul(y) : x,
    (mode: string, x: NDArray, y: NDArray) => [mode === "up" ? x.mul(y) : x, [x, y]],
    (mode: string, [x, y]: [NDArray, NDArray], ct: NDArray) => {
      assertEquals(mode, "up");
      return [ct.mul(y).mul(10), ct.mul(x).mul(100)];
    },
    { nondiffArgnums: 0 },
  );
  const [dx, dy] = grad((x: NDArray, y: NDArray) => back("up", x, y), { argnums: [0, 1] })(
    arr(2),
    arr(3),
  );
  assertClose([dx, dy], [30, 200]);
  assertClose(vmap(grad((x: NDArray) => back("up", x, arr(3))))(x), [30, 30, 30]);
});

Deno.test("scan() with unroll gives the same, in both directions, with steps left over", () => {
  const f = (c: NDArray, u: NDArray): [NDArray, NDArray] => [c.mul(0.5).add(u.sin()), c.mul(u)];
  const xs = arr([1, 2, 3, 4, 5, 6, 7]);
  for (const reverse of [false, true]) {
    const run = (unroll: number | boolean) => (c: NDArray, xs: NDArray) =>
      scan(f, c, xs, { reverse, unroll });
    const want = plain(run(1)(arr(1), xs));
    const slope = grad((c: NDArray, xs: NDArray) => run(1)(c, xs)[1].sum(), { argnums: 1 })(
      arr(1),
      xs,
    );
    for (const unroll of [2, 3, 7, 100, true, false]) {
      everywhere(run(unroll), [arr(1), xs], want);
      const g = grad((c: NDArray, xs: NDArray) => run(unroll)(c, xs)[1].sum(), { argnums: 1 });
      assertClose(g(arr(1), xs), slope, 1e-12);
      assertClose(vmap(g, { inAxes: [0, null] })(arr([1]), xs), slope.reshape([1, 7]), 1e-12);
    }
  }
  assertClose(scan((c, _) => [c.mul(2), null], arr(1), null, { length: 5, unroll: 2 })[0], 32);
  assertClose(scan(f, arr(1), arr([]), { unroll: 4 })[1], []);
  const { primitives } = makeJaxpr((xs: NDArray) => scan(f, arr(1), xs, { unroll: true })[0])(xs);
  assertEquals(primitives.filter((p) => p === "sin").length, 7);
  assertClose(foriLoop(0, 5, (i, x) => x.add(i), arr(0), { unroll: 2 }), 10);
});

Deno.test("map() with batchSize computes so many at once, and those left over", () => {
  const xs = arr([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]);
  const shapes: string[] = [];
  const f = (p: { a: NDArray; b: NDArray }) => {
    shapes.push(String(p.a.shape));
    return { s: p.a.sum().mul(p.b), t: [p.a] };
  };
  const tree = { a: xs, b: arr([1, 10, 100, 1000, 10000]) };
  const want = plain(map(f, tree));
  for (const batchSize of [1, 2, 5, 7]) {
    everywhere((tree: { a: NDArray; b: NDArray }) => map(f, tree, { batchSize }), [tree], want);
  }
  assert(shapes.every((s) => s === "2"), shapes.join(" "));
  assertClose(
    grad((xs: NDArray) => map((x) => x.square().sum(), xs, { batchSize: 2 }).sum())(xs),
    xs.mul(2),
  );
  assertEquals(map((x) => x.mul(2), np.zeros([0, 3]), { batchSize: 2 }).shape, [0, 3]);
  const { primitives } = makeJaxpr((xs: NDArray) => map((x) => x.sin(), xs, { batchSize: 2 }))(xs);
  assertEquals(primitives.filter((p) => p === "sin").length, 2);
});

Deno.test("map() with batchSize, scan() with unroll and jvp() with hasAux work with modules", () => {
  const model = hk.transform((xs: NDArray) => {
    const t = hk.transforms;
    const w = (): NDArray => hk.getParameter("w", [], { init: (s) => np.ones(s).mul(2) });
    const ys = t.map((x: NDArray) => x.mul(w()), xs, { batchSize: 2 });
    const [sum] = t.scan((c: NDArray, y: NDArray) => [c.add(y.mul(w())), null], np.zeros([]), ys, {
      unroll: 2,
    });
    const [y, dy, aux] = t.jvp(
      (s: NDArray) => [s.mul(w()), { w: w() }] as [NDArray, { w: NDArray }],
      [sum],
      [np.ones([])],
      { hasAux: true },
    );
    const [z, push, more] = t.linearize((s: NDArray) => [s.mul(w()), w()] as [NDArray, NDArray], [
      y,
    ], {
      hasAux: true,
    });
    return [y, dy, aux.w, z, push(np.ones([])), more];
  });
  const xs = np.array([1, 2, 3, 4, 5]);
  const params = model.init(null, xs);
  assertClose(model.apply(params, null, xs), [120, 2, 2, 240, 2, 2]);
  const keys = hk.transform((xs: NDArray) =>
    hk.transforms.map((x: NDArray) => x.add(random.uniform(hk.nextRngKey()!, [])), xs, {
      batchSize: 2,
    })
  );
  const drawn = keys.apply({}, random.key(0), np.zeros([5]));
  assertEquals(new Set(drawn.toArray() as number[]).size, 5);
});

Deno.test("jvp() and linearize() with hasAux", () => {
  const f = (x: NDArray): [NDArray, { half: NDArray }] => [x.square(), { half: x.div(2) }];
  const [y, dy, aux] = jvp(f, [arr(3)], [arr(1)], { hasAux: true });
  assertClose([y, dy, aux.half], [9, 6, 1.5]);
  const [z, push, more] = linearize(f, [arr(3)], { hasAux: true });
  assertClose([z, push(arr(2)), more.half], [9, 12, 1.5]);
});

mistake(
  "hasAux of jvp without a pair",
  () => jvp(named("f", (x: NDArray) => x) as never, [x] as never, [x] as never, { hasAux: true }),
  TreeError,
  "jvp: with hasAux, f must return [value, aux]",
);
mistake(
  "a static name that is none",
  () => jit((x: NDArray) => x, { staticArgnames: any([3]) }),
  TypeError,
  "jit: staticArgnames must be names",
);
mistake(
  "a donated argument that there is not",
  () => jit((x: NDArray) => x, { donateArgnums: 2 })(x),
  AxisError,
  "jit: donateArgnums 2 is out of range",
);
mistake(
  "a rule's argument that there is not",
  () => customJvp((x: NDArray) => x, ((x: NDArray) => x) as never, { nondiffArgnums: 3 })(x),
  AxisError,
  "customJvp: nondiffArgnums 3 is out of range",
);
mistake(
  "an unroll that is no number of steps",
  () => scan((c) => [c, null], arr(1), x, { unroll: 0 }),
  RangeError,
  "scan: unroll must be a positive number of steps, or true for all, not number 0",
);
mistake(
  "unroll of a loop whose bounds are not known",
  () => jit((n: NDArray) => foriLoop(0, n, (_, x) => x, arr(1), { unroll: 2 }))(arr(3, "int32")),
  TypeError,
  "foriLoop: unroll is for loops whose number of steps is known",
);
mistake(
  "batches of nothing",
  () => map((x) => x, x, { batchSize: 0 }),
  RangeError,
  "map: batchSize must be at least 1",
);
mistake(
  "a name that is none",
  () => checkpointName(x, any(3)),
  TypeError,
  "checkpointName: the name must be a string",
);
mistake(
  "a policy that is none",
  () => checkpoint((x: NDArray) => x, { policy: any("dots") }),
  TypeError,
  "checkpoint | policy | a function",
);

Deno.test("makeJaxpr() with staticArgnums and returnShape: arguments of any kind, and types of the results", () => {
  const f = (name: unknown, x: NDArray) => name === "sin" ? { y: x.sin() } : { y: x.cos().sum() };
  const made = any(makeJaxpr)(f, { staticArgnums: 0, returnShape: true });
  const [sine, shapes] = made("sin", x);
  assertEquals(sine.primitives, ["sin"]);
  assertEquals([shapes.y.shape, shapes.y.dtype], [[3], x.dtype]);
  const [cosine, scalar] = made("cos", x);
  assertEquals(cosine.primitives, ["cos", "reduce_sum"]);
  assertEquals(scalar.y.shape, []);
  assertThrows(
    () => any(makeJaxpr)(f, { staticArgnums: 2 })("sin", x),
    AxisError,
    "makeJaxpr: staticArgnums 2 is out of range: f was called with 2 arguments",
  );
});

mistake(
  "singular values from one place to another, of full matrices",
  () => np.linalg.svd(np.eye(3), { subsetByIndex: [0, 1] }),
  TypeError,
  "Write svd(a, { fullMatrices: false, subsetByIndex: [0, 1] })",
);
const powers = named("powers", (x: NDArray, n: number) => x.mul(n));
function scaled(x: NDArray, by: number, _options: { mode?: string } = {}) {
  return x.mul(by);
}
mistake(
  "the name of an argument in the place of entries of options",
  () => jit(powers, { staticArgnames: "n" }),
  TypeError,
  "jit: staticArgnames must be names of entries of the last argument, not argument 1, n. Write staticArgnums: 1",
);
mistake(
  "the same for arguments that are used up, with options behind",
  () => jit(scaled, { staticArgnames: ["mode"], donateArgnames: ["mode", "x"] }),
  TypeError,
  "jit: donateArgnames must be | not argument 0, x. Write donateArgnums: 0",
);
mistake(
  "the same for checkpoint",
  () => checkpoint(scaled, { staticArgnames: ["by"] }),
  TypeError,
  "checkpoint: staticArgnames must be | not argument 1, by. Write staticArgnums: 1",
);

// A number that a traced function is given is an array inside.
const inside = (f: (n: NDArray) => NDArray) => (): unknown => jit(f)(3);
const whole: readonly (readonly [string, (n: NDArray) => NDArray, string])[] = [
  ["an index", (n) => np.arange(9).at(n), "at: the index must be an integer array"],
  ["a seed", (n) => random.key(n), "key: the seed must be an integer scalar"],
  ["data of a key", (n) => random.foldIn(random.key(0), n), "foldIn: the data must be an integer"],
  [
    "a branch",
    (n) => switchCase(n, [() => x, () => x]),
    "switchCase: the index must be an integer",
  ],
  [
    "a bound",
    (n) => foriLoop(0, n, (_, y) => y, x),
    "foriLoop: the upper bound must be an integer",
  ],
];
for (const [what, f, message] of whole) {
  mistake(
    `a number that is passed to jit as ${what}`,
    inside(f),
    DTypeError,
    `${message} | float32[] | astype("int32"): jit makes numbers float32`,
  );
}
mistake(
  "a number that is passed to jit as a length",
  inside((n) => np.zeros([2, n as never])),
  ShapeError,
  "zeros: a shape is an array of non-negative integers, not [2,an array float32[]]. Write x.item() of it, or list it in staticArgnums",
);
