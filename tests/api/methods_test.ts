/**
 * The methods of arrays are the functions of `np` under the same names, and its constants are numbers
 * and dtypes that work as such.
 *
 * @module
 */
import { grad, NDArray, numpy as np, type Operand } from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const matrix = np.array([[3, -1, 2.5], [0.25, 4, -2]]);
const row = np.array([1, 2, 3]);

/** What each method is tried with, besides the array. */
const calls: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  ...each(
    ["add", "sub", "mul", "div", "pow", "mod", "maximum", "minimum"],
    [[2], [row]],
  ),
  ...each(["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"], [[2.5], [row]]),
  ...each(["neg", "abs", "exp", "log", "sqrt", "tanh", "sin", "cos", "square", "ravel"], [[]]),
  ...each(
    ["sum", "mean", "max", "min", "prod", "any", "all", "argmax", "argmin"],
    [[], [1], [-1, { keepDims: true }]],
  ),
  ...each(["var", "std"], [[], [0, { ddof: 1 }], [null, { keepDims: true }]]),
  ...each(["cumsum", "cumprod"], [[], [1, { reverse: true }]]),
  ...each(["sort", "argsort"], [[], [null], [0, { descending: true }]]),
  round: [[], [1]],
  clip: [[0, 1], [null, 2], [-1]],
  matmul: [[row]],
  dot: [[row], [2]],
  reshape: [[[3, 2]], [[-1]]],
  squeeze: [[], [[]]],
  swapaxes: [[0, 1]],
  repeat: [[2], [2, 0], [[1, 0, 2], 1]],
  transpose: [[], [[1, 0]]],
  astype: [["int32"]],
  slice: [[[0, 1], [1, 3]], [[0, 0], [2, 3], [1, 2]]],
  at: [[1], [-1], [0, 2], ["...", null, 1]],
  get: [[1], [5, { mode: "clip" }]],
  take: [[1], [np.array([0, 2], { dtype: "int32" }), 1, { mode: "clip" }]],
  diagonal: [[], [{ offset: 1 }]],
};

function each<T>(names: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

type Operation = (...args: unknown[]) => NDArray;

Deno.test("every method that is an operation gives what the function of its name gives", () => {
  const names = Object.entries(Object.getOwnPropertyDescriptors(NDArray.prototype))
    .filter(([name, { value }]) => typeof value === "function" && name in np)
    .map(([name]) => name);
  assert(names.length > 45);
  assertEquals(names.filter((name) => calls[name] === undefined), []);
  for (const [name, list] of Object.entries(calls)) {
    const method = (matrix as unknown as Record<string, Operation>)[name]!;
    const f = (np as unknown as Record<string, Operation>)[name]!;
    for (const args of list) {
      assertEquals(String(method.apply(matrix, [...args])), String(f(matrix, ...args)), name);
    }
  }
});

Deno.test("arrays can be flattened, and say how many bytes they take", () => {
  assertEquals(matrix.flatten().toArray(), matrix.ravel().toArray());
  assertEquals([matrix.nbytes, np.zeros([3], { dtype: "bool" }).nbytes], [24, 3]);
});

Deno.test("methods work on traced arrays", () => {
  const slope = grad((x: NDArray) => x.clip(0, 2).cumsum().take(1).add(x.std().mul(0)))(row);
  assertEquals(slope.toArray(), [1, 0.5, 0]);
});

Deno.test("constants have NumPy's names", () => {
  assertEquals([np.pi, np.e, np.inf, np.nan, np.newaxis], [Math.PI, Math.E, Infinity, NaN, null]);
  for (const dtype of [np.float32, np.float64, np.int32, np.uint32, np.bool, np.bool_]) {
    assertEquals(np.zeros([1], { dtype }).dtype, dtype);
    assertEquals(row.astype(dtype).dtype, dtype);
  }
});

Deno.test("subscripts are errors that say what to write, on traced arrays too", () => {
  const read = (x: NDArray, i: number): unknown => (x as unknown as Record<number, unknown>)[i];
  const write = (x: NDArray, i: number): void => {
    (x as unknown as Record<number, Operand>)[i] = 5;
  };
  const both = (x: NDArray): NDArray => {
    for (const i of [0, 7, -1]) {
      assertThrows(() => read(x, i), TypeError, `x.at(${i})`);
      assertThrows(() => write(x, i), TypeError, `np.setAt(x, ${i}, value)`);
    }
    return x.sum();
  };
  both(row);
  grad(both)(row);
  assertEquals(row.toArray(), [1, 2, 3]);
  assertEquals(Object.keys(row), ["aval", "values"]);
});
