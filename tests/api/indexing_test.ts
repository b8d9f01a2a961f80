/**
 * Indices where functions are traced, batched and differentiated, on all backends, and what users are told
 * about those that do not fit. Values of indices of all kinds are compared with JAX in
 * `families/indexing_test.ts`.
 *
 * @module
 */
import {
  AxisError,
  DTypeError,
  grad,
  hessian,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  ShapeError,
  vmap,
} from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { any, mistake } from "../support/mistakes.ts";

await loadBackend("onnx");

const int = (...values: number[]) => np.array(values, { dtype: "int32" });
const x = np.arange(12).astype("float32").reshape([3, 4]);

/** The same on each backend, and eagerly. */
function everywhere(f: (...args: NDArray[]) => NDArray, ...args: NDArray[]): unknown {
  const eager = f(...args).toArray();
  for (const backend of ["cpu", "onnx", "interpreter"] as const) {
    const compiled = jit(f as never, { backend }) as unknown as typeof f;
    assertEquals(compiled(...args).toArray(), eager, backend);
  }
  return eager;
}

Deno.test("positions, masks and numbers may be arguments of a compiled function", () => {
  const at = (x: NDArray, i: NDArray): NDArray => x.at(i, np.slice(null, null, -3));
  assertEquals(everywhere(at, x, np.array(-1, { dtype: "int32" })), [11, 8]);
  const set = (x: NDArray, i: NDArray): NDArray => np.updateAt(x, i, 1).set(-1).at("...", 1);
  assertEquals(everywhere(set, x, np.array(2, { dtype: "int32" })), [1, 5, -1]);
  assertEquals(everywhere(set, x, np.array(3, { dtype: "int32" })), [1, 5, 9]);
  const cell = (x: NDArray, i: NDArray, j: NDArray): NDArray => np.updateAt(x, i, j).set(-1).at(1);
  assertEquals(
    everywhere(cell, x, np.array(1, { dtype: "int32" }), np.array(-2, { dtype: "int32" })),
    [4, 5, -1, 7],
  );
  const masked = (x: NDArray): NDArray => np.updateAt(x, x.greater(9)).mul(2).at(2);
  assertEquals(everywhere(masked, x), [8, 9, 20, 22]);
  const rows = (x: NDArray, keep: NDArray): NDArray => np.updateAt(x, keep, 0).set(7).at("...", 0);
  assertEquals(everywhere(rows, x, np.array([true, false, true])), [7, 4, 7]);
});

Deno.test("of several values for one place the last one stays, and the others have no derivative", () => {
  const f = (x: NDArray, v: NDArray, i: NDArray): NDArray => np.updateAt(x, i).set(v);
  const [three, v, i] = [np.array([1, 2, 3]), np.array([10, 20, 30, 40]), int(0, 2, 0, 5)];
  assertEquals(everywhere(f, three, v, i), [30, 2, 20]);
  const slope = (argnums: number) => (...args: NDArray[]): NDArray =>
    (grad((...xs: NDArray[]) => f(xs[0]!, xs[1]!, xs[2]!).square().sum(), { argnums }) as (
      ...args: NDArray[]
    ) => NDArray)(...args);
  assertEquals(everywhere(slope(0), three, v, i), [0, 4, 0]);
  assertEquals(everywhere(slope(1), three, v, i), [0, 40, 60, 0]);
});

Deno.test("products at equal positions have derivatives, of second order and beside zeros too", () => {
  const f = (v: NDArray): NDArray => np.updateAt(np.array([2, 1]), int(0, 0, 0)).mul(v).at(0);
  const v = np.array([3, 0, 5]);
  assertEquals(everywhere(grad(f), v), [0, 30, 0]);
  assertEquals(everywhere(hessian(f) as (x: NDArray) => NDArray, v), [
    [0, 10, 0],
    [10, 0, 6],
    [0, 6, 0],
  ]);
});

Deno.test("extremes share the derivative equally among ties", () => {
  const f = (v: NDArray): NDArray => np.updateAt(np.array([1, 0]), int(0, 0, 1)).max(v).sum();
  assertEquals(everywhere(grad(f), np.array([1, 1, -1])), [1 / 3, 1 / 3, 0].map(Math.fround));
});

Deno.test("lanes have their own positions and values", () => {
  const f = (x: NDArray, i: NDArray, v: NDArray): NDArray =>
    np.updateAt(x, i, 0).max(v).at("...", 0);
  const places = np.array([[0, 2], [1, 1]], { dtype: "int32" });
  const lanes = vmap(f, { inAxes: [null, 0, 0] });
  assertEquals(everywhere(lanes as never, x, places, np.array([[9, 9], [5, 7]])), [
    [9, 4, 9],
    [0, 7, 8],
  ]);
  const each = vmap((x: NDArray, i: NDArray) => np.updateAt(x, i).set(-1), { inAxes: [0, null] });
  assertEquals(everywhere(each as never, x.at(np.slice(0, 2)), int(0, 0)), [
    [-1, 1, 2, 3],
    [-1, 5, 6, 7],
  ]);
});

Deno.test("apply is done once to each element, however often it is named", () => {
  const twice = (x: NDArray): NDArray => np.updateAt(x, int(1, 1)).apply((y) => y.add(10));
  assertEquals(everywhere(twice, np.array([1, 2])), [1, 12]);
});

mistake(
  "a number out of range",
  () => x.at(0, 4),
  AxisError,
  "at: index 4 | axis 1 | [3,4] | -4 to 3",
);
mistake("too many indices", () => x.at(0, 0, 0), ShapeError, "at: the indices (0, 0, 0) | [3,4]");
mistake(
  "a list",
  () => x.at(any([0, 1])),
  TypeError,
  "at: the index is a JavaScript array | np.array",
);
mistake("nothing", () => x.at(), TypeError, "at: an index is missing");
mistake("an argument left out", () => x.at(0, any(undefined)), TypeError, "index 1 is undefined");
mistake("floats", () => x.at(np.array([0, 1])), DTypeError, 'at: the index | astype("int32")');
mistake("two ellipses", () => x.at("...", "..."), TypeError, '("...", "...")');
mistake("a mask of another shape", () => x.at(np.array([true])), ShapeError, "[1] | [3,4] | [3]");
mistake(
  "positions that do not broadcast",
  () => x.at(int(0, 1), int(0, 1, 2)),
  ShapeError,
  "[2] and [3]",
);
mistake(
  "a mask that is not known",
  () => jit((x: NDArray) => x.at(x.greater(0)))(x),
  ShapeError,
  "(bool[3,4]) | np.where | size",
);
mistake("a step of 0", () => np.slice(0, 1, 0), RangeError, "slice: the step");
mistake("a start that is no integer", () => np.slice(0.5), RangeError, "slice: start | 0.5");
mistake("a mode", () => x.get(0, { mode: any("wrap") }), TypeError, '"fill", "drop", "clip"');
mistake(
  "a value that does not fit",
  () => np.updateAt(x, 0).set(np.zeros([3])),
  ShapeError,
  "set: shapes [3] and [4]",
);
mistake(
  "a value with more axes",
  () => np.updateAt(x, 0, 0).set(np.zeros([3])),
  ShapeError,
  "(0, 0) | [3]",
);
mistake(
  "a sum of bools",
  () => np.updateAt(np.array([true]), 0).add(true),
  DTypeError,
  "add: bools",
);
mistake(
  "a function that gives another shape",
  () => np.updateAt(x, 0).apply((y) => y.sum()),
  ShapeError,
  "apply: f gave float32[] for float32[4]",
);

Deno.test("of an axis without elements all places are out of range: updates there are dropped", () => {
  const x = np.zeros([2, 0], { dtype: "float64" });
  const columns = int(0, 5, -1);
  for (const how of ["set", "add", "sub", "mul", "div", "min", "max", "power"] as const) {
    const f = (x: NDArray): NDArray => np.updateAt(x, "...", columns)[how](1);
    assertEquals(f(x).shape, [2, 0], how);
    assertEquals(jit(f)(x).shape, [2, 0], `${how}, compiled`);
  }
  const slope = grad((v: NDArray) => np.updateAt(x, "...", columns).add(v).sum());
  assertEquals(slope(np.ones([2, 3], { dtype: "float64" })).toArray(), [[0, 0, 0], [0, 0, 0]]);
  // A number that stands beside several is one of each of them.
  const beside = (x: NDArray, row: NDArray): NDArray => np.updateAt(x, row, columns).add(1);
  assertEquals(beside(np.zeros([0, 3]), int(2).at(0)).shape, [0, 3]);
  assertEquals(jit(beside)(np.zeros([0, 3]), int(2).at(0)).shape, [0, 3]);
  // Reading has nothing to give, and a place that is named by a number is a mistake.
  assertThrows(() => x.at("...", columns), AxisError);
  assertThrows(() => np.updateAt(x, 0, 0).set(1), AxisError);
});
