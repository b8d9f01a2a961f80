/**
 * Pytrees through every transform: classes of the user's own, and what they keep beside arrays.
 *
 * @module
 */
import {
  checkpoint,
  cond,
  customJvp,
  customRoot,
  customVjp,
  evalShape,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  loadBackend,
  map,
  type NDArray,
  numpy as np,
  registerPytreeNode,
  scan,
  switchCase,
  type Tree,
  TreeError,
  treeFlatten,
  treeLeaves,
  treeMap,
  treeStructure,
  treeUnflatten,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";

await loadBackend("onnx");

/** A point with a label that is no array. */
class Point {
  constructor(readonly x: NDArray, readonly y: NDArray, readonly label: string) {}
  norm2(): NDArray {
    return this.x.square().add(this.y.square());
  }
  times(k: number): Point {
    return new Point(this.x.mul(k), this.y.mul(k), this.label);
  }
}
registerPytreeNode(
  Point,
  (p) => [{ x: p.x, y: p.y }, p.label],
  ({ x, y }, label) => new Point(x as NDArray, y as NDArray, label as string),
);

const p = new Point(arr(3), arr(4), "a");
const scalar = (q: Point): NDArray => q.norm2();

function assertPoint(actual: unknown, x: unknown, y: unknown, label = "a"): void {
  assert(actual instanceof Point, `${actual} is not a Point`);
  assertEquals(actual.label, label);
  assertClose([actual.x, actual.y], [x, y]);
}

Deno.test("a registered class goes through treeMap, flatten and unflatten", () => {
  assertPoint(treeMap((x: NDArray) => x.mul(2), p), 6, 8);
  const [leaves, def] = treeFlatten({ p, q: [p, 1] });
  assertEquals(leaves.length, 5);
  assertEquals(String(def), "{p: Point{x: *, y: *}, q: [Point{x: *, y: *}, *]}");
  const back = treeUnflatten(def, leaves) as { p: Point; q: [Point, number] };
  assertPoint(back.p, 3, 4);
  assertStrictEquals(back.q[0].x, p.x);
  assertStrictEquals(treeStructure(p), treeStructure(new Point(arr([1]), arr(2), "a")));
  assert(treeStructure(p) !== treeStructure(new Point(arr(1), arr(2), "b")));
});

Deno.test("a registered class goes through derivatives", () => {
  assertPoint(grad(scalar)(p), 6, 8);
  const [value, g] = valueAndGrad(scalar)(p);
  assertClose(value, 25);
  assertPoint(g, 6, 8);
  const [out, dot] = jvp((q: Point) => q.times(3), [p], [new Point(arr(1), arr(2), "a")]);
  assertPoint(out, 9, 12);
  assertPoint(dot, 3, 6);
  assertPoint(vjp(scalar, [p])[1](arr(2))[0], 12, 16);
  assertPoint(linearize((q: Point) => q.times(3), [p])[1](new Point(arr(1), arr(0), "a")), 3, 0);
  assertPoint(jacfwd(scalar)(p), 6, 8);
  assertPoint(jacrev(scalar)(p), 6, 8);
  const h = hessian(scalar)(p) as unknown as { x: Point; y: Point };
  assert(h instanceof Point);
  assertPoint(h.x, 2, 0);
  assertPoint(h.y, 0, 2);
  assertPoint(grad(checkpoint(scalar))(p), 6, 8);
});

Deno.test("a registered class goes through jit, vmap and evalShape; its label makes a program its own", () => {
  let traces = 0;
  for (const backend of ["cpu", "interpreter", "onnx"]) {
    traces = 0;
    const f = jit((q: Point) => {
      traces++;
      return q.label === "a" ? q.times(2) : q.times(10);
    }, { backend });
    assertPoint(f(p), 6, 8);
    assertPoint(f(new Point(arr(1), arr(1), "a")), 2, 2);
    assertEquals(traces, 1);
    assertPoint(f(new Point(arr(1), arr(1), "b")), 10, 10, "b");
    assertEquals(traces, 2);
  }
  const lanes = new Point(arr([1, 2]), arr([3, 4]), "a");
  assertPoint(vmap((q: Point) => q.times(2))(lanes), [2, 4], [6, 8]);
  assertClose(vmap(scalar)(lanes), [10, 20]);
  assertPoint(vmap(grad(scalar))(lanes), [2, 4], [6, 8]);
  const shapes = evalShape((q: Point) => q, p) as unknown as Point;
  assertEquals(String(shapes.x), "float64[]");
  assertEquals(shapes.label, "a");
});

Deno.test("a registered class goes through loops and branches", () => {
  const [last, all] = scan(
    (c: Point, x: NDArray) => [c.times(2), new Point(c.x, x, "y")],
    p,
    arr([1, 2]),
  );
  assertPoint(last, 12, 16);
  assertPoint(all, [3, 6], [1, 2], "y");
  assertPoint(map((q: Point) => q.times(2), new Point(arr([1, 2]), arr([3, 4]), "a")), [2, 4], [
    6,
    8,
  ]);
  assertPoint(whileLoop((q: Point) => q.x.less(20), (q: Point) => q.times(2), p), 24, 32);
  assertPoint(foriLoop(0, 2, (_, q: Point) => q.times(3), p), 27, 36);
  assertPoint(cond(true, (q: Point) => q.times(2), (q: Point) => q, p), 6, 8);
  assertPoint(switchCase(1, [(q: Point) => q, (q: Point) => q.times(5)], p), 15, 20);
  const looped = (q: Point): NDArray => foriLoop(0, 2, (_, r: Point) => r.times(3), q).norm2();
  assertPoint(grad(looped)(p), 81 * 6, 81 * 8);
  assertPoint(jit(grad(looped))(p), 81 * 6, 81 * 8);
});

Deno.test("a registered class goes through custom derivatives and implicit ones", () => {
  const j = customJvp(
    (q: Point) => q.norm2(),
    ([q]: [Point], [t]: [Point]) => [q.norm2(), t.x.add(t.y)],
  );
  assertPoint(grad(j)(p), 1, 1);
  const v = customVjp(
    (q: Point) => q.norm2(),
    (q: Point) => [q.norm2(), q],
    (q, ct: NDArray) => [(q as Point).times(100).times(1) && new Point(ct, ct.mul(2), "a")],
  );
  assertPoint(grad(v)(p), 1, 2);
  const root = (a: NDArray): Point =>
    customRoot(
      (q: Point) => new Point(q.x.mul(2).sub(a), q.y.sub(q.x), "a"),
      new Point(arr(0), arr(0), "a"),
      () => new Point(a.mul(0.5), a.mul(0.5), "a"),
      (_, t) => {
        const x = (t as Point).x.mul(0.5);
        return new Point(x, (t as Point).y.add(x), "a");
      },
    );
  assertPoint(root(arr(4)), 2, 2);
  assertClose(grad((a: NDArray) => root(a).norm2())(arr(4)), 4);
});

Deno.test("what differs between trees is named with its path", () => {
  const a = new Point(arr(1), arr(2), "a");
  const b = new Point(arr(1), arr(2), "b");
  const labels = assertThrows(() => jvp((q: Point) => q, [a], [b]), TreeError, "Point");
  assert(/keeps besides its children/.test(labels.message), labels.message);
  const e = assertThrows(
    () => scan((_: { q: Point[] }) => [{ q: [a, a] }, null], { q: [a] }, null, { length: 1 }),
    TreeError,
    ".q",
  );
  assert(/length/.test(e.message), e.message);
  class Bag {
    constructor(readonly x: NDArray) {}
  }
  const bag = assertThrows(
    () => grad((q: unknown) => (q as Bag).x)({ deep: [new Bag(arr(1))] }),
    TreeError,
  );
  for (const part of ["grad", ".deep[0]", "Bag", "registerPytreeNode"]) {
    assert(bag.message.includes(part), bag.message);
  }
  assertThrows(
    () => treeMap((x: number) => x, { a: 1 } as unknown, { b: 1 }),
    TreeError,
    "keys {a} and {b}",
  );
  assertThrows(() => registerPytreeNode(Point, () => [{}, null], () => a), TreeError, "already");
});

Deno.test("null and empty containers are structure, not leaves", () => {
  const tree = { a: null, b: [], c: {}, d: arr(1) };
  assertEquals(treeLeaves(tree).length, 1);
  assertEquals(plain(grad((t: { d: NDArray }) => t.d.mul(3))(tree)), {
    a: null,
    b: [],
    c: {},
    d: 3,
  });
  assertEquals(plain(jit((t: unknown) => t as Tree)(tree)), { a: null, b: [], c: {}, d: 1 });
  // What is undefined stays so, as the types say: eager and compiled code take the same turn.
  type Options = { a: NDArray; b?: NDArray | undefined };
  const pick = ({ a, b }: Options): NDArray => b === undefined ? a : a.neg();
  const withDefault = ({ a, b = arr(5) }: Options): NDArray => a.mul(b);
  for (const f of [pick, jit(pick), vmap(pick) as typeof pick]) {
    assertClose(f({ a: arr([2]), b: undefined }), [2]);
    assertClose(f({ a: arr([2]) }), [2]);
  }
  assertClose(jit(withDefault)({ a: arr(2), b: undefined }), 10);
  assertEquals(plain(jit((t: unknown) => t as Tree)({ n: null, u: undefined })), {
    n: null,
    u: undefined,
  });
});

/** Runs `f` where setting `__proto__` sets the prototype, as it does outside of Deno. */
function withSetter(f: () => void): void {
  const before = Object.getOwnPropertyDescriptor(Object.prototype, "__proto__");
  Object.defineProperty(Object.prototype, "__proto__", {
    configurable: true,
    get: function (this: object): unknown {
      return Object.getPrototypeOf(this);
    },
    set: function (this: object, value: object | null): void {
      Object.setPrototypeOf(this, value);
    },
  });
  try {
    f();
  } finally {
    if (before === undefined) Reflect.deleteProperty(Object.prototype, "__proto__");
    else Object.defineProperty(Object.prototype, "__proto__", before);
  }
}

Deno.test("a key named __proto__ is a key like others", () => {
  const tree = JSON.parse('{"__proto__": {"w": 2}, "b": 3}') as Record<string, { w: number }>;
  const check = (actual: unknown, w: number, b: number): void => {
    const out = actual as Record<string, { w: unknown }>;
    assertEquals(Object.keys(out).sort(), ["__proto__", "b"]);
    assertStrictEquals(Object.getPrototypeOf(out), Object.prototype);
    const inner = Object.getOwnPropertyDescriptor(out, "__proto__")!.value;
    assertEquals(plain(inner), { w });
    assertEquals(plain(out.b), b);
  };
  withSetter(() => {
    const [leaves, def] = treeFlatten(tree);
    assertEquals(leaves, [2, 3]);
    const back = treeUnflatten(def, leaves);
    check(back, 2, 3);
    assertStrictEquals(treeStructure(back), def);
    check(treeMap((x: number) => 10 * x, tree as unknown), 20, 30);
    check(jit((t: unknown) => t as Tree, { backend: "interpreter" })(tree), 2, 3);
  });
});

Deno.test("a tree that contains itself is an error", () => {
  const tree: Record<string, unknown> = { a: arr(1) };
  tree.self = tree;
  assertThrows(() => treeLeaves(tree), TreeError, "contains itself");
  assertThrows(() => jit((t: unknown) => t as Tree)(tree), TreeError, "contains itself");
});

Deno.test("the inputs of a transform are left as they were", () => {
  const tree = { list: [arr(1), arr(2)], n: 3 };
  const before = JSON.stringify(plain(tree));
  const g = grad((t: { list: NDArray[] }) => {
    t.list.push(arr(9));
    return t.list[0]!.mul(t.list[1]!);
  });
  g(tree);
  g(tree);
  assertEquals(JSON.stringify(plain(tree)), before);
  assertEquals(np.array([1]).shape, [1]);
});

Deno.test("what a class keeps tells structures apart, whatever it is", () => {
  class Tagged {
    constructor(readonly x: unknown, readonly tag: unknown) {}
  }
  registerPytreeNode(Tagged, (t) => [{ x: t.x }, t.tag], ({ x }, tag) => new Tagged(x, tag));
  const tags = [
    undefined,
    null,
    0,
    -0,
    "0",
    ["a", "b"],
    ["a,string:b"],
    ['a","b'],
    Symbol("s"),
    Symbol("s"),
    true,
    "true",
  ];
  const defs = tags.map((tag) => treeStructure(new Tagged(1, tag)));
  assertEquals(new Set(defs).size, tags.length);
  tags.forEach((tag, i) => {
    assert(treeStructure(new Tagged(2, tag)) === defs[i]);
    const back = treeUnflatten(defs[i]!, [3]) as Tagged;
    assert(
      Object.is(back.tag, tag) || Array.isArray(tag),
      `${String(tag)} became ${String(back.tag)}`,
    );
  });
});

Deno.test("leaves are in the order of their keys, and keys are told apart whatever is in them", () => {
  assertEquals(treeLeaves({ b: 1, a: 2, c: { y: 3, x: 4 } }), [2, 1, 4, 3]);
  assertStrictEquals(treeStructure({ b: 1, a: 2 }), treeStructure({ a: 1, b: 2 }));
  const alike = [{ "a,b": 1, c: 2 }, { a: 1, "b,c": 2 }, { 'a","b': 1, c: 2 }, { "a|b": 1, c: 2 }];
  assertEquals(new Set(alike.map((tree) => treeStructure(tree))).size, alike.length);
});

/** Results in which a number stands for an array of a known type, in place of `x`. */
const withNumber: Readonly<Record<string, (x: NDArray, n: number) => unknown>> = {
  "the carry of scan": (x, n) => scan((c: NDArray) => [n, c], x, null, { length: 2 })[0],
  "the carry of foriLoop": (x, n) => foriLoop(0, 2, () => n, x),
  "the carry of whileLoop": (x, n) => whileLoop((c: NDArray) => np.notEqual(c, n), () => n, x),
  "the carry of a bounded whileLoop": (x, n) =>
    whileLoop((c: NDArray) => np.notEqual(c, n), () => n, x, { maxSteps: 3 }),
  "the first branch of cond": (x, n) => cond(true, () => n, () => x),
  "the second branch of cond": (x, n) => cond(np.notEqual(x, x), () => x, () => n),
  "a branch of switchCase": (x, n) => switchCase(1, [() => x, () => n, () => x]),
  "all of a branch in a tree": (x, n) =>
    cond(true, () => ({ a: n, b: [n] }), () => ({ a: x, b: [x] })).b[0],
  "one function in two branches": (x, n) => {
    const f = () => n;
    return switchCase(2, [f, () => x, f]);
  },
};

Deno.test("a number that a function gives takes the dtype that is due", () => {
  const x64 = arr(1.5);
  for (const [where, f] of Object.entries(withNumber)) {
    for (
      const [dtype, n] of [["float64", 0.1], ["float32", 0.5], ["int32", -7], [
        "uint32",
        4e9,
      ]] as const
    ) {
      const x = np.array(1, { dtype });
      for (
        const run of [f, (x: NDArray, n: number) => jit((x: NDArray) => f(x, n) as NDArray)(x)]
      ) {
        const y = run(x, n) as NDArray;
        assertEquals([y.dtype, y.item()], [dtype, n], `${where}, ${dtype}`);
      }
    }
    // What the dtype does not hold is refused as before.
    for (const [dtype, n] of [["int32", 0.5], ["uint32", -1], ["bool", 1]] as const) {
      assertThrows(() => f(np.array(1, { dtype }), n), TreeError, "differ");
    }
  }
  const ruled = customJvp((x: NDArray) => x.mul(0.1), ([x]) => [x.mul(0.1), 0.1]);
  assertEquals(jvp(ruled, [x64], [x64])[1].dtype, "float64");
  const back = customVjp((x: NDArray) => x, () => [0.1, null], () => [0.1]);
  const [y, pull] = vjp(back, [x64]);
  assertEquals([y.item(), pull(x64)[0].item()], [0.1, 0.1]);
});

Deno.test("customVjp(): null in a cotangent is zero for all that is there in the argument", () => {
  type P = { a: NDArray; b: { c: NDArray; d: [NDArray, NDArray] } };
  const p = { a: arr(2), b: { c: arr([1, 2]), d: [arr(3), arr(4)] as [NDArray, NDArray] } };
  const by = (cotangent: (g: NDArray) => unknown) =>
    plain(
      grad(customVjp(
        (p: P) => p.a.mul(3),
        (p: P) => [p.a.mul(3), null],
        (_, g) => [cotangent(g)] as never,
      ))(p),
    );
  assertEquals(by((g) => ({ a: g, b: null })), { a: 1, b: { c: [0, 0], d: [0, 0] } });
  assertEquals(by((g) => ({ a: null, b: { c: null, d: [g, null] } })), {
    a: 0,
    b: { c: [0, 0], d: [1, 0] },
  });
  assertThrows(() => by((g) => ({ a: g, b: { c: g, d: [g] } })), TreeError, "length 2 and 1");
});

Deno.test("what a class keeps in lists and plain objects is compared by what is in them", () => {
  class Settings {
    constructor(readonly x: unknown, readonly kept: unknown) {}
  }
  registerPytreeNode(Settings, (s) => [{ x: s.x }, s.kept], ({ x }, kept) => new Settings(x, kept));
  // Each call makes new ones.
  const kept = (): unknown[] => [
    { deep: true },
    { deep: 1 },
    { deep: "true" },
    { deep: [true] },
    { deep: { deep: true } },
    { deep: true, wide: undefined },
    { "deep:true,wide": 1 },
    {},
    [],
    [{ b: 1, a: 2 }],
    "{}",
  ];
  const defs = kept().map((each) => treeStructure(new Settings(1, each)));
  assertEquals(new Set(defs).size, defs.length);
  kept().forEach((each, i) => assertStrictEquals(treeStructure(new Settings(2, each)), defs[i]));
  assertStrictEquals(
    treeStructure(new Settings(1, { a: 1, b: 2 })),
    treeStructure(new Settings(1, { b: 2, a: 1 })),
  );
  const [f, g] = [() => 1, () => 2];
  const withFunction = (h: unknown) => treeStructure(new Settings(1, { h }));
  assert(withFunction(f) !== withFunction(g), "functions are compared by identity");

  let traces = 0;
  const call = jit((s: Settings) => {
    traces++;
    const { twice } = s.kept as { readonly twice: boolean };
    return (s.x as NDArray).mul(twice ? 2 : 1);
  });
  for (const twice of [true, true, false, true, false]) {
    assertEquals(call(new Settings(np.array(3), { twice })).item(), twice ? 6 : 3);
  }
  assertEquals(traces, 2);
});

Deno.test("children of a class may be a list, in its order, as register_pytree_node has them", () => {
  class Terms {
    constructor(readonly items: readonly unknown[], readonly unit: string) {}
    total(): NDArray {
      return (this.items as readonly NDArray[]).reduce((x, y) => x.add(y));
    }
  }
  registerPytreeNode(Terms, (t) => [t.items, t.unit], (unit, items) => {
    assert(Array.isArray(items), "children come back as the list that they were");
    return new Terms(items, unit as string);
  });
  for (const n of [0, 1, 2, 12]) { // ten comes after two
    const items = Array.from({ length: n }, (_, i) => i);
    const [leaves, def] = treeFlatten(new Terms(items, "m"));
    assertEquals(leaves, items);
    assertEquals(treeUnflatten(def, leaves), new Terms(items, "m"));
    assert(def !== treeStructure(new Terms(items, "s")));
    assert(def !== treeStructure(new Terms([...items, 0], "m")));
  }
  const terms = new Terms([np.array(1), np.array(2)], "m");
  const [a, b] = grad((t: Terms) => t.total().square())(terms).items as NDArray[];
  assertClose([a, b], [6, 6]);
  assertEquals(jit((t: Terms) => t)(terms).unit, "m");
  assertThrows(
    () => jit((t: Terms) => t.total())(new Terms([np.array(1), "x"], "m")),
    TreeError,
    "[0][<flat index 1>] is",
  );
});

Deno.test("a class that is taken apart wrongly is named, with what to return", () => {
  const wrong: (() => unknown)[] = [() => ({ x: 1 }), () => [1, 2, 3], () => [1, null], () => null];
  for (const flatten of wrong) {
    class Odd {}
    registerPytreeNode(Odd, flatten as () => [{ x: unknown }, unknown], () => new Odd());
    assertThrows(() => treeLeaves([new Odd()]), TreeError, "flatten of Odd must return [{ name:");
  }
});

Deno.test("classes with names among what they keep may hold axes and null", () => {
  class Named {
    constructor(readonly x: unknown, readonly names: readonly string[]) {}
  }
  registerPytreeNode(
    Named,
    (p) => [{ x: p.x }, [...p.names]],
    ({ x }, names) => new Named(x, names as string[]),
  );
  const f = (p: Named): NDArray => (p.x as { a: NDArray }).a;
  const of = (a: unknown, b: unknown): Named => new Named({ a, b }, ["n"]);
  const inAxes = [of(0, null)] as never;
  assertClose(vmap(f, { inAxes })(of(arr([1, 2]), arr(3))), [1, 2]);
  class Terms {
    constructor(readonly items: readonly unknown[]) {}
  }
  registerPytreeNode(Terms, (t) => [t.items, null], (_, items) => new Terms(items));
  const difference = ({ items: [x, y] }: Terms): NDArray => (x as NDArray).sub(y as NDArray);
  const terms = new Terms([arr([5, 7]), arr(3)]);
  for (const axes of [new Terms([0, null]), [0, null]]) {
    assertClose(vmap(difference, { inAxes: [axes] as never })(terms), [2, 4]);
  }
  const ruled = customVjp(f, (p) => [f(p), null], (_, g) => [of(g, null)] as never);
  assertEquals(plain((grad(ruled)(of(arr(1), arr([2, 3]))) as Named).x), { a: 1, b: [0, 0] });
});
