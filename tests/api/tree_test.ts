/**
 * The namespace `tree`, against what the documentation of `jax.tree` and `jax.tree_util` says.
 *
 * @module
 */
import {
  ConcretizationError,
  jit,
  type NDArray,
  numpy as np,
  registerPytreeNode,
  ShapeError,
  TreeError,
  treeMap,
  vmap,
} from "../../mod.ts";
import * as tree from "../../lib/api/tree.ts";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { any, mistake } from "../support/mistakes.ts";

class Point {
  constructor(readonly x: unknown, readonly y: unknown) {}
}
registerPytreeNode(Point, (p) => [{ x: p.x, y: p.y }, null], ({ x, y }) => new Point(x, y));

class Stack {
  constructor(readonly items: readonly unknown[], readonly name = "") {}
}
tree.registerPytreeWithKeys(
  Stack,
  (s) => [s.items.map((x, i) => [new tree.SequenceKey(i), x]), s.name],
  (name, items) => new Stack(items, name as string),
);

class Named {
  constructor(readonly entries: Readonly<Record<string, unknown>>) {}
}
tree.registerPytreeWithKeys(
  Named,
  ({ entries }) => [
    Object.entries(entries).map(([k, v]) => [new tree.DictKey(k), v]),
    Object.keys(entries),
  ],
  (keys, children) =>
    new Named(Object.fromEntries((keys as string[]).map((k, i) => [k, children[i]]))),
);

const some = { b: [1, { c: 2 }], a: new Point(3, null), d: undefined };
const isArray = (x: unknown): boolean => Array.isArray(x);
const shown = (pairs: readonly [tree.KeyPath, unknown][]): string[] =>
  pairs.map(([path, leaf]) => `${tree.keystr(path)}=${leaf}`);

Deno.test("flatten(), leaves() and structure() agree, and unflatten() undoes them", () => {
  const [leaves, def] = tree.flatten(some);
  assertEquals(leaves, [3, 1, 2]);
  assertEquals(tree.leaves(some), leaves);
  assertStrictEquals(tree.structure(some), def);
  assertEquals(tree.unflatten(def, leaves), some);
  assertStrictEquals(tree.structure(some, { isLeaf: () => false }), def);
});

Deno.test("isLeaf stops at nodes, from the top down, those without leaves too", () => {
  assertEquals(tree.leaves(some, { isLeaf: isArray }), [3, [1, { c: 2 }]]);
  assertEquals(tree.leaves([null, 1, undefined], { isLeaf: (x) => x === null }), [null, 1]);
  assertEquals(tree.leaves(some, { isLeaf: () => true }), [some]);
  const asked: unknown[] = [];
  tree.leaves([[1]], { isLeaf: (x) => asked.push(x) < 0 });
  assertEquals(asked, [[[1]], [1], 1]);
  const [leaves, def] = tree.flatten(some, { isLeaf: isArray });
  assertEquals(tree.unflatten(def, leaves), some);
});

Deno.test("paths go through objects by key, arrays by position and classes by name", () => {
  const [pairs, def] = tree.flattenWithPath(some);
  assertEquals(shown(pairs), [".a.x=3", ".b[0]=1", ".b[1].c=2"]);
  assertStrictEquals(def, tree.structure(some));
  const [[atPoint], , [inList]] = pairs as [[tree.KeyPath], unknown, [tree.KeyPath]];
  assert(atPoint[0] instanceof tree.DictKey && atPoint[1] instanceof tree.GetAttrKey);
  assert(inList[1] instanceof tree.SequenceKey && inList[1].idx === 1);
  assertEquals(tree.keystr(inList, { simple: true, separator: "/" }), "b/1/c");
  assertEquals(tree.keystr([]), "");
  assertEquals(
    tree.keystr([new tree.DictKey("odd key"), new tree.FlattenedIndexKey(2)]),
    '["odd key"][<flat index 2>]',
  );
  assertEquals(shown(tree.leavesWithPath(7)), ["=7"]);
  const byPath = tree.leavesWithPath(some, {
    isLeaf: (path: tree.KeyPath) => path.length === 1,
    isLeafTakesPath: true,
  });
  assertEquals(byPath.map(([path]) => tree.keystr(path)), [".a", ".b", ".d"]);
});

Deno.test("map() takes leaves and, as JAX's, subtrees of the other trees", () => {
  assertEquals(tree.map((x, y) => [x, y], { a: 1, b: 2 } as unknown, { a: [3, 4], b: null }), {
    a: [1, [3, 4]],
    b: [2, null],
  });
  assertEquals(treeMap((x, y) => [x, y], 1 as unknown, { a: 2 }), [1, { a: 2 }]);
  assertEquals(
    tree.mapWithPath((path, x, y) => `${tree.keystr(path)} ${x} ${y}`, [1, { a: 2 }], [3, {
      a: 4,
    }]),
    ["[0] 1 3", { a: "[1].a 2 4" }],
  );
  assertEquals(
    tree.mapWith({ isLeaf: isArray, withPath: true }, (path: tree.KeyPath, x: unknown) => [
      tree.keystr(path),
      x,
    ], { a: [1, 2], b: 3 }),
    { a: [".a", [1, 2]], b: [".b", 3] },
  );
});

Deno.test("reduce(), reduceAssociative() and all()", () => {
  const pair = (a: string, b: string): string => `(${a} ${b})`;
  assertEquals(tree.reduce(pair, ["a", ["b", "c"]]), "((a b) c)");
  assertEquals(tree.reduce(pair, ["a"], "0"), "(0 a)");
  assertEquals(tree.reduce(pair, [], "0"), "0");
  assertEquals(
    tree.reduce((n: number, x: number[]) => n + x.length, { a: [1, 2], b: [3] }, 0, {
      isLeaf: isArray,
    }),
    3,
  );
  assertEquals(tree.reduceAssociative(pair, ["a", "b", "c", "d", "e"]), "(((a b) (c d)) e)");
  assertEquals(tree.reduceAssociative(pair, [], { identity: "0" }), "0");
  assertThrows(() => tree.reduce(pair, []), TreeError, "no leaves");
  assertThrows(() => tree.reduceAssociative(pair, []), TreeError, "identity");
  assertEquals(tree.all([]), true);
  assertEquals(tree.all({ a: true, b: [1, np.array(2)] }), true);
  assertEquals(tree.all({ a: true, b: [np.array(0)] }), false);
  assertThrows(
    () => jit((x: NDArray) => np.array(tree.all([x])))(np.ones([])),
    ConcretizationError,
  );
});

Deno.test("broadcast() puts the leaves of a prefix in the places of those of the full tree", () => {
  const full = { a: [1, 2], b: { c: 3, d: null } };
  assertEquals(tree.broadcast(0, full), { a: [0, 0], b: { c: 0, d: null } });
  assertEquals(tree.broadcast({ a: 7, b: 8 }, full), { a: [7, 7], b: { c: 8, d: null } });
  assertEquals(tree.broadcast({ a: [1, 2], b: "x" }, { a: 0, b: [0] }, { isLeaf: isArray }), {
    a: [1, 2],
    b: "x",
  });
});

Deno.test("transpose() turns trees of trees inside out, and twice is what was", () => {
  const trees = { p: [1, { q: 2 }], r: [3, { q: 4 }] };
  const [outer, inner] = [tree.structure({ p: 0, r: 0 }), tree.structure([0, { q: 0 }])];
  const turned = tree.transpose(outer, inner, trees);
  assertEquals(turned, [{ p: 1, r: 3 }, { q: { p: 2, r: 4 } }]);
  assertEquals(tree.transpose(outer, null, trees), turned);
  assertEquals(tree.transpose(inner, outer, turned), trees);
  // Leaves of inner may be trees.
  assertEquals(tree.transpose(outer, tree.structure([0, 0]), { p: [1, [2, 3]], r: [4, 5] }), [
    { p: 1, r: 4 },
    { p: [2, 3], r: 5 },
  ]);
});

Deno.test("one level: children, keys, structures of children, tuples of structures", () => {
  assertEquals(tree.flattenOneLevel([1, [2]]), [[1, [2]], null]);
  assertEquals(tree.flattenOneLevel({ b: 1, a: [2] }), [[[2], 1], ["a", "b"]]);
  assertEquals(tree.flattenOneLevel(null), [[], null]);
  assertEquals(tree.flattenOneLevelWithKeys(new Point(1, 2))[0].map(([k, c]) => `${k} ${c}`), [
    ".x 1",
    ".y 2",
  ]);
  assertThrows(() => tree.flattenOneLevel(3), TreeError, "leaf");
  const def = tree.structure({ a: 1, b: [2, 3] });
  assertEquals(tree.treedefChildren(def).map(String), ["*", "[*, *]"]);
  assertEquals(tree.treedefChildren(def).map(tree.treedefIsLeaf), [true, false]);
  assertStrictEquals(tree.treedefTuple(tree.treedefChildren(def)), tree.structure([1, [2, 3]]));
  assertEquals(tree.allLeaves([1, "a", np.ones([2])]), true);
  assertEquals(tree.allLeaves([1, null]), false);
  assertEquals(tree.allLeaves([[1]], { isLeaf: isArray }), true);
  assertEquals([1, [1], new Point(1, 2), new Date()].map((x) => tree.isTreeNode(x)), [
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("classes with keys of their own keep the order of their children, and go through jit", () => {
  const stack = new Stack(Array.from({ length: 12 }, (_, i) => i), "s");
  assertEquals(tree.leaves(stack), stack.items);
  assertEquals(tree.keystr(tree.leavesWithPath([stack])[11]![0]), "[0][11]");
  const named = new Named({ z: 1, a: 2 });
  assertEquals(tree.leaves(named), [1, 2]);
  assertEquals(shown(tree.leavesWithPath(named)), [".z=1", ".a=2"]);
  assertEquals(String(tree.structure(named)), "Named{z: *, a: *}");
  const twice = jit((s: Stack) => treeMap((x: NDArray) => x.mul(2), s) as never)(
    new Stack([np.array(1), np.array(2)], "n"),
  ) as unknown as Stack;
  assert(twice instanceof Stack && twice.name === "n");
  assertEquals(twice.items.map((x) => (x as NDArray).item()), [2, 4]);
  assertThrows(
    () => treeMap((x, y) => [x, y], new Stack([1, { w: 2 }]) as unknown, new Stack([1, { v: 2 }])),
    TreeError,
    "treeMap: tree 1 differs from the first at [1]: keys {w} and {v}",
  );
  assertThrows(
    () => treeMap((x, y) => [x, y], new Stack([1], "a") as unknown, new Stack([1], "b")),
    TreeError,
    "what Stack keeps",
  );
});

Deno.test("fields of a data class are children or belong to the structure", () => {
  class Layer {
    readonly size: number;
    constructor(readonly w: unknown, readonly activation: string) {
      this.size = 1;
    }
  }
  tree.registerDataclass(Layer, { dataFields: ["w"], metaFields: ["activation"] });
  const layer = new Layer(2, "tanh");
  assertEquals(shown(tree.leavesWithPath(layer)), [".w=2"]);
  const next = tree.map((x) => x as number + 1, layer as unknown) as Layer;
  assert(next instanceof Layer);
  assertEquals([next.w, next.activation, next.size], [3, "tanh", undefined]);
  assert(tree.structure(layer) !== tree.structure(new Layer(2, "relu")));
  assertThrows(() => tree.registerDataclass(Layer, { dataFields: [] }), TreeError, "already");
  class Other {}
  assertThrows(
    () => tree.registerDataclass(Other, { dataFields: ["a"], metaFields: ["a"] }),
    TreeError,
    "a is named twice",
  );
  assertThrows(
    () => tree.registerDataclass(Other, { dataFields: ["a"], dropFields: ["a"] }),
    TreeError,
    "a is named twice",
  );
});

Deno.test("a static class has no leaves and belongs to the structure", () => {
  class Config {}
  tree.registerStatic(Config);
  const [a, b] = [new Config(), new Config()];
  assertEquals(tree.leaves([a, 1]), [1]);
  assertStrictEquals((tree.map((x) => x, [a, 1] as unknown) as unknown[])[0], a);
  assertStrictEquals(tree.structure(a), tree.structure(a));
  assert(tree.structure(a) !== tree.structure(b));
});

Deno.test("ravelPytree() gives a vector and the way back, with the dtypes of the leaves", () => {
  const params = { w: np.ones([2, 2]), n: np.array([3, 4], { dtype: "int32" }), b: 0.5 };
  const [flat, unravel] = tree.ravelPytree(params);
  assertEquals(flat.dtype, "float32");
  assertClose(flat, [0.5, 3, 4, 1, 1, 1, 1]);
  const back = unravel(flat.add(1));
  assertEquals(back.n.dtype, "int32");
  assertClose(back.n, [4, 5]);
  assertClose(back.w, [[2, 2], [2, 2]]);
  assertClose(back.b, 1.5);
  const [ints] = tree.ravelPytree([np.array([1], { dtype: "int32" })]);
  assertEquals(ints.dtype, "int32");
  const [none, empty] = tree.ravelPytree({ a: [] });
  assertEquals(none.shape, [0]);
  assertEquals(empty(none), { a: [] });
  const rows = vmap((w: NDArray, b: NDArray) => tree.ravelPytree({ w, b })[0])(
    np.ones([2, 3]),
    np.zeros([2]),
  );
  assertEquals(rows.shape, [2, 4]);
  assertThrows(() => unravel(np.ones([3])), ShapeError, "float32[7]");
});

mistake(
  "a structure that is none",
  () => tree.unflatten(any([1]), [1]),
  TreeError,
  "unflatten | structure(tree)",
);
mistake(
  "a function that is none, for the leaves of a tree",
  () => tree.map(any({ a: 1 }), any((x: number) => x)),
  TypeError,
  "map: the function comes first | a plain object",
);
mistake(
  "a tree that differs from the first",
  () => tree.map((x) => x, { a: [1, 2] } as unknown, { a: [1] }),
  TreeError,
  "map: tree 1 differs from the first at .a: arrays of length 2 and 1",
);
mistake(
  "a prefix that is none",
  () => tree.broadcast({ a: 1, b: 2 }, { a: 1 }),
  TreeError,
  "broadcast: full differs from prefix at the top: keys {a, b} and {a}",
);
mistake(
  "trees that are not alike, to be turned inside out",
  () => tree.transpose(tree.structure([0, 0]), null, [{ a: 1 }, { b: 1 }]),
  TreeError,
  "transpose: a part of the tree differs from inner at the top: keys {a} and {b}",
);
mistake("a path that is none", () => tree.keystr(any(".a")), TypeError, "keystr | leavesWithPath");
