/**
 * What Trax's own tests of combinators, loops and branches ask for, in our words.
 *
 * @module
 */
import { type NDArray, numpy as np, random, ShapeDtype, ShapeError } from "../../mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const key = random.key(3);
const divided = (by: number): tl.AnyLayer =>
  tl.Fn(`Divide${by}`, (x: NDArray) => x.div(by)) as tl.AnyLayer;
const results = (layer: { call(xs: never): unknown }, ...xs: NDArray[]): unknown =>
  plain(layer.call((xs.length === 1 ? xs[0] : xs) as never));
const x = np.array([4, 8]);
const y = np.array([1, 3]);

Deno.test("Serial: layers one after the other, none at all, and what they do not take is passed by", () => {
  for (const none of [tl.Serial(), tl.Serial(null), tl.Serial([])]) {
    assertEquals(results(none, x), [4, 8]);
    assertEquals([none.nIn, none.nOut], [1, 1]);
  }
  const halves = tl.Serial(divided(2), divided(2));
  assertEquals([halves.nIn, halves.nOut, results(halves, x)], [1, 1, [1, 2]]);
  const four = tl.Serial(tl.Dup(), tl.Dup());
  assertEquals([four.nIn, four.nOut, results(four, x)], [1, 3, [[4, 8], [4, 8], [4, 8]]]);
  const two = tl.Serial(tl.Add(), tl.Dup());
  assertEquals([two.nIn, two.nOut, results(two, x, y)], [2, 2, [[5, 11], [5, 11]]]);
  // A layer without inputs pushes what it gives.
  const pushed = tl.Serial(tl.Weights((shape) => np.ones(shape), [2]), tl.Add());
  pushed.init(new ShapeDtype([2]), key);
  assertEquals([pushed.nIn, results(pushed, x)], [1, [5, 9]]);
  assertEquals([tl.Serial().name, tl.Serial({ name: "Body" }).name], ["Serial", "Body"]);
});

Deno.test("Parallel and Branch: each layer has inputs of its own, or all have the same", () => {
  const parts = tl.Parallel(divided(2), tl.Dup(), tl.Add()) as tl.AnyLayer;
  assertEquals([parts.nIn, parts.nOut], [4, 4]);
  assertEquals(results(parts, x, y, x, y), [[2, 4], [1, 3], [1, 3], [5, 11]]);
  assertEquals(results(tl.Parallel(null, divided(2)) as tl.AnyLayer, x, y), [[4, 8], [0.5, 1.5]]);
  const branch = tl.Branch(null, tl.Dup()) as tl.AnyLayer;
  assertEquals([branch.nIn, branch.nOut], [1, 3]);
  const mixed = tl.Branch(tl.Add(), divided(0.5)) as tl.AnyLayer;
  assertEquals([mixed.nIn, mixed.nOut], [2, 2]);
  assertEquals(results(mixed, x, y), [[5, 11], [8, 16]]);
  assertEquals(results(tl.Branch(divided(4)), x), [1, 2]);
});

Deno.test("Select, Drop and Swap: the stack by positions, with what is left below", () => {
  const first = tl.Select([0], 2);
  assertEquals([first.nIn, first.nOut, results(first, x, y)], [2, 1, [4, 8]]);
  assertEquals(results(tl.Select([1], 3), x, y, x), [1, 3]);
  const computed = tl.Select([2, 0, 0, 1]);
  assertEquals([computed.nIn, computed.nOut], [3, 4]);
  const given = tl.Select([0], 5);
  assertEquals([given.nIn, given.nOut], [5, 1]);
  assertEquals(results(tl.Swap(), x, y), [[1, 3], [4, 8]]);
  assertEquals(results(tl.Serial(tl.Drop(), divided(1)) as tl.AnyLayer, x, y), [1, 3]);
});

Deno.test("Concatenate and Split: along an axis, of as many as are said", () => {
  const [a, b] = [np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])];
  assertEquals(results(tl.Concatenate(), a, b), [[1, 2, 5, 6], [3, 4, 7, 8]]);
  assertEquals(results(tl.Concatenate(2, 0), a, b), [[1, 2], [3, 4], [5, 6], [7, 8]]);
  assertEquals(results(tl.Concatenate(3), a, b, a), [[1, 2, 5, 6, 1, 2], [3, 4, 7, 8, 3, 4]]);
  assertEquals(results(tl.Split(), a), [[[1], [3]], [[2], [4]]]);
});

Deno.test("weights: nested as layers are, and once where a layer is in several places", () => {
  const layer = (): tl.Layer<NDArray, NDArray> => tl.Dense(2);
  const model = tl.Serial(layer(), tl.Tanh(), tl.Serial(layer(), layer()));
  const [weights] = model.init(new ShapeDtype([1, 2]), key);
  const list = weights as unknown as unknown[][];
  assertEquals(list.length, 3);
  assertEquals((list[0]![0] as NDArray).shape, [2, 2]);
  assertEquals(list[1], []);
  assertEquals((list[2] as unknown[][]).length, 2);
  const shared = layer();
  const twice = tl.Serial(shared, tl.Serial(divided(2), shared)) as tl.AnyLayer;
  const [own] = twice.init(new ShapeDtype([1, 2]), key);
  assertEquals((own as unknown as unknown[][][])[1]![1], tl.shared as never);
  const at = np.array([[1, 2]]);
  const by = (w: NDArray, b: NDArray, x: NDArray): NDArray => np.matmul(x, w).add(b);
  const [w, b] = shared.weights as unknown as [NDArray, NDArray];
  assertClose(twice.call(at) as NDArray, by(w, b, by(w, b, at).div(2)), 1e-6);
  // Both see what is assigned, from either place.
  shared.weights = [w.mul(2), b] as never;
  assertClose(twice.call(at) as NDArray, by(w.mul(2), b, by(w.mul(2), b, at).div(2)), 1e-6);
});

Deno.test("BatchLeadingAxes: any number of leading axes are one batch", () => {
  const seen: (readonly number[])[] = [];
  const three = tl.Fn("Three", (x: NDArray) => (seen.push(x.shape), x)) as tl.AnyLayer;
  const layer = tl.BatchLeadingAxes(three, 2);
  for (const shape of [[3, 4, 5], [2, 3, 4, 5], [1, 2, 3, 4, 5], [4, 5]]) {
    assertEquals(layer.call(np.zeros(shape)).shape, shape);
  }
  assertEquals(seen, [[3, 4, 5], [6, 4, 5], [6, 4, 5], [1, 4, 5]]);
  // With weights, state, and several inputs.
  const dense = tl.BatchLeadingAxes(
    tl.Serial(tl.Add(), tl.Dense(7), tl.BatchNorm({ axis: [0] })) as tl.AnyLayer,
  );
  const x = random.normal(key, [2, 3, 4]);
  dense.init([new ShapeDtype([2, 3, 4]), new ShapeDtype([2, 3, 4])], key);
  const before = plain(dense.state);
  const out = dense.call([x, x]);
  assertEquals(out.shape, [2, 3, 7]);
  assertClose(out.reshape([6, 7]).mean(0), np.zeros([7]), 1e-4);
  assert(JSON.stringify(plain(dense.state)) !== JSON.stringify(before));
  assertThrows(() => layer.call(np.zeros([5])), ShapeError, "the last 2 axes");
  assertThrows(
    () => tl.BatchLeadingAxes(tl.Dup() as tl.AnyLayer),
    ShapeError,
    "must give one array",
  );
});

Deno.test("Bidirectional: each direction has weights of its own, and the second one looks from the end", () => {
  const layer = tl.Bidirectional(() => tl.GRU(4));
  const x = random.normal(key, [2, 3, 4]);
  layer.init(tl.signature(x), key);
  const out = layer.call(x);
  assertEquals(out.shape, [2, 3, 8]);
  // The second half at the last step has seen the last input alone.
  const other = np.concatenate([
    random.normal(random.key(9), [2, 2, 4]),
    np.expandDims(np.take(x, 2, 1), 1),
  ], 1);
  const [a, b] = [out, layer.call(other)].map((y) => np.take(np.split(y, 2, -1)[1]!, 2, 1));
  assertClose(a!, b!, 1e-6);
  const [first, second] = np.split(layer.call(np.ones([2, 1, 4])), 2, -1);
  assert(np.abs(first!.sub(second!)).max().item() > 1e-6, "the directions differ");
  const summed = tl.Bidirectional(() => tl.GRU(4), { mergeLayer: tl.Add() as never });
  summed.init(tl.signature(x), key);
  assertEquals(summed.call(x).shape, [2, 3, 4]);
  const one = tl.GRU(4);
  assertThrows(() => tl.Bidirectional(() => one), TypeError, "another layer each time");
  assertThrows(() => tl.Bidirectional(one as never), TypeError, "a function that makes a layer");
});

Deno.test("Scan: several inputs, none that goes round, and another axis", () => {
  const add = tl.Fn("Add", (x: NDArray, c: NDArray) => [x.add(c), c.add(1)], 2) as tl.AnyLayer;
  const xs = np.array([[1, 2, 3], [4, 5, 6]]);
  assertEquals(results(tl.Scan(add), xs, np.zeros([3])), [[[1, 2, 3], [5, 6, 7]], [2, 2, 2]]);
  assertEquals(
    results(tl.Scan(add, { axis: 1 }), xs, np.zeros([2])),
    [[[1, 3, 5], [4, 6, 8]], [3, 3]],
  );
  const both = tl.Fn(
    "Both",
    (x: NDArray, y: NDArray, c: NDArray) => [x.add(y), c.add(x)],
    2,
  ) as tl.AnyLayer;
  assertEquals(
    results(tl.Scan(both), xs, xs.mul(10), np.zeros([3])),
    [[[11, 22, 33], [44, 55, 66]], [5, 7, 9]],
  );
  assertEquals(
    results(tl.Scan(divided(2), { nCarry: 0 }), xs),
    [[0.5, 1, 1.5], [2, 2.5, 3]],
  );
});
