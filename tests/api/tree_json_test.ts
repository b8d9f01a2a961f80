/**
 * Trees from files: what the tree was, with its dtypes, in every module system; and what does not fit.
 *
 * @module
 */
import {
  evalShape,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  TreeError,
  treeFlatten,
} from "../../mod.ts";
import * as tree from "../../lib/api/tree.ts";
import * as optim from "../../lib/optim/mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

/** A tree by structure, dtypes, shapes and elements. */
const told = (given: unknown): unknown => {
  const [leaves, def] = treeFlatten(given);
  return [String(def), leaves.map((x) => String(x)), leaves.map((x) => (x as NDArray).dtype)];
};

const file = (given: unknown): unknown => JSON.parse(JSON.stringify(given));

Deno.test("trees of all kinds come back from files as they were", () => {
  const params = new flax.Dense(3).init(random.key(0), np.ones([2]));
  const optimiser = optim.adam(0.1);
  const [, state] = optimiser.update(params as never, optimiser.init(params as never));
  const trees: unknown[] = [
    params,
    state,
    nnx.state(new nnx.BatchNorm(2, { rngs: new nnx.Rngs(0) })),
    new eqx.nn.MLP(2, 1, 3, 1, { key: random.key(0), activation: np.tanh }),
    [np.array([true, false]), { "a.b/c": np.array(2 ** 31, { dtype: "uint32" }) }, null],
    np.array(1 / 3, { dtype: "float64" }),
    { empty: np.zeros([2, 0, 3]), none: [] },
  ];
  for (const own of trees) assertEquals(told(tree.fromJson(own, file(own))), told(own));
  const shapes = evalShape(() => params);
  assertEquals(told(tree.fromJson(shapes, file(params))), told(params));
  const [model] = [trees[3] as eqx.nn.MLP];
  const x = np.ones([2]);
  assertEquals(tree.fromJson(model, file(model)).call(x).item(), model.call(x).item());
});

Deno.test("files that do not fit are refused by the place", () => {
  const like = { a: [np.zeros([2]), np.zeros([2])], b: np.zeros([]) };
  const refused = (
    parsed: unknown,
    type: typeof ShapeError | typeof TreeError,
    says: string,
  ): void => void assertThrows(() => tree.fromJson(like, parsed), type, says);
  refused({ a: [[1, 2]], b: 1 }, TreeError, "there is nothing at .a[1]");
  refused({ a: [[1, 2], [1, 2], [1, 2]], b: 1 }, TreeError, "at .a[2] there is a JavaScript array");
  refused({ a: [[1, 2], [1, 2]], b: 1, c: 1 }, TreeError, "at .c there is number 1");
  refused({ a: [[1, 2], [1, 2, 3]], b: 1 }, ShapeError, "at .a[1] there is an array of shape [3]");
  refused({ a: [[1, 2], [1, null]], b: 1 }, TreeError, "at .a[1] there is null");
  refused({ a: [[1, 2], "12"], b: 1 }, TreeError, "which is no number or list of such");
  assertEquals(tree.fromJson({ n: 1, s: "a" }, { n: 2, s: "b" }), { n: 2, s: "b" });
  assertThrows(() => tree.fromJson({ n: 1 }, { n: "2" }), TreeError, "it must be a number");
  refused(null, TreeError, "there is nothing at .a[0]");
  assertThrows(() => tree.fromJson(like, "{}"), TypeError, "write JSON.parse(text)");
});
