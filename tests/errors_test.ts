/**
 * What users do wrong, and what they are told: each mistake is pinned by the class of its error and
 * by what its message must name (the operation, the argument, the user's own shapes or path, and
 * what to do). Among them are the 31 that `jax-js` was tried with, of which some are no mistakes
 * here. Mistakes with derivatives, loops and backends are in `errors_transforms_test.ts`.
 *
 * @module
 */
import {
  AxisError,
  ConcretizationError,
  DTypeError,
  evalShape,
  grad,
  jit,
  linalg,
  type NDArray,
  numpy as np,
  ShapeDtype,
  ShapeError,
  type Tree,
  TreeError,
  vmap,
  whileLoop,
} from "../mod.ts";
import { assertEquals } from "./support/assert.ts";
import { assertClose } from "./support/arrays.ts";
import { any, jitted, mistake, named } from "./support/mistakes.ts";
import { interpreter } from "./support/everywhere.ts";

const x = np.array([1, 2, 3]);
const y = np.array([4, 5, 6, 7]);
const m = np.ones([2, 3]);
const ints = np.array([1, 2], { dtype: "int32" });
const one = np.array(1);

Deno.test("no mistakes here: an array is used twice, in an operation, a gradient and a reading", () => {
  assertClose(x.add(x), [2, 4, 6]);
  assertClose(grad((x: NDArray) => x.mul(x).sum())(x), [2, 4, 6]);
  assertEquals([x.toArray(), x.toArray()], [[1, 2, 3], [1, 2, 3]]);
});

Deno.test("no mistakes here: an argument that is not used, null in a tree, an abs at 0", () => {
  assertClose(grad((x: NDArray, _: NDArray) => x.sum())(x, y), [1, 1, 1]);
  assertClose(grad((t: { a: NDArray; b: null }) => t.a)({ a: one, b: null }).a, 1);
  assertEquals(np.array([7], { dtype: "int32" }).mod(0).dtype, "int32");
});

// Traced values as numbers
mistake(
  "if on a traced value",
  jitted((x) => any(x.sum()) > 0 ? x : x.neg()),
  ConcretizationError,
  "float32[] | jit of step | only its shape and dtype | cond | np.where",
);
mistake(
  "while on a traced value",
  jitted((x) => {
    while (any(x) < 3) x = x.add(1);
    return x;
  }, one),
  ConcretizationError,
  "jit of step | only its shape and dtype | whileLoop",
);
mistake(
  "== on a traced value",
  jitted((x) => any(x) == 1 ? x : x.neg(), one),
  ConcretizationError,
  "jit of step | only its shape and dtype",
);
mistake(
  "an operator on a traced value",
  jitted((x) => any(x) * 2),
  ConcretizationError,
  "float32[3] | jit of step | only its shape and dtype | x.add(y)",
);
mistake(
  "Math.sin of a traced value",
  () => grad(named("loss", (x: NDArray) => any(Math.sin(any(x)))))(one),
  ConcretizationError,
  "grad of loss",
);
mistake(
  "JSON.stringify of a traced value",
  jitted((x) => (JSON.stringify(x), x)),
  ConcretizationError,
  "JSON | jit of step | only its shape and dtype | outside",
);
mistake(
  "destructuring a traced scalar",
  jitted((x) => {
    const [a] = x.sum();
    return a;
  }),
  ShapeError,
  "a scalar array cannot be iterated over | x.item()",
);
mistake(
  "item() in jit",
  jitted((x) => x.sum().item()),
  ConcretizationError,
  "item() | float32[] | jit of step | only its shape and dtype | cond",
);
mistake(
  "toArray() in jit",
  jitted((x) => x.toArray()),
  ConcretizationError,
  "toArray() | float32[3] | jit of step | only its shape and dtype",
);
mistake(
  "dataSync() in vmap",
  () => vmap(named("lane", (x: NDArray) => any(x.dataSync())))(m),
  ConcretizationError,
  "vmap of lane | float32[3]",
);
mistake(
  "a condition of whileLoop that compares with <",
  () =>
    whileLoop(
      (x: NDArray) => any(any(x) < 3),
      (x: NDArray) => x.add(1),
      one,
    ),
  ConcretizationError,
  "whileLoop | float32[]",
);

// Operators on arrays
mistake("x + y", () => any(x) + y, ShapeError, "[3] | x.add(y)");
mistake("x < y", () => any(x) < any(y), ShapeError, "[3] | x.less(y)");
mistake("-x", () => -any(x), ShapeError, "[3] | Use methods");
mistake("item() of a vector", () => x.item(), ShapeError, "item | 3 elements | [3] | toArray()");
mistake("iteration of a scalar", () => [...one], ShapeError, "scalar");

// What functions return
mistake(
  "a forgotten return in jit",
  jitted(() => undefined),
  TreeError,
  "jit | step | returned undefined | forget a return",
);
mistake(
  "a forgotten return in grad",
  () => grad(named("loss", (x: NDArray) => any(void x.sum())))(x),
  TreeError,
  "grad | loss | returned undefined",
);
mistake(
  "an async function",
  jitted(() => Promise.resolve(x)),
  TreeError,
  "jit | step | promise | synchronous",
);
mistake("a result that is text", jitted(() => "done"), TreeError, 'jit | result of step | "done"');

// Operands
mistake('np.add("a", 1)', () => np.add(any("a"), 1), TypeError, 'add | first operand | string "a"');
mistake(
  "x.add of a JavaScript array",
  () => x.add(any([1, 2, 3])),
  TypeError,
  "add | second operand | length 3 | np.array",
);
mistake(
  "x.add of undefined",
  () => x.add(any(undefined)),
  TypeError,
  "add | second operand is undefined",
);
mistake("x.add of null", () => x.add(any(null)), TypeError, "add | second operand is null");
mistake("x.add of a bigint", () => x.add(any(1n)), TypeError, "add | bigint 1 | Number(");
mistake("x.add of a function", () => x.add(any(np.sin)), TypeError, "add | a function | call it");
mistake("x.add of a promise", () => x.add(any(Promise.resolve(1))), TypeError, "add | wait");
mistake(
  "a number too large for int32",
  () => ints.add(3e9),
  RangeError,
  "add | 3000000000 | int32",
);
mistake(
  "a difference of bools",
  () => np.array([true]).sub(np.array([false])),
  DTypeError,
  "sub | bool | astype",
);
mistake("bits of floats", () => np.bitwiseAnd(x, x), DTypeError, "bitwiseAnd | float32 | astype");

// Trees
mistake(
  "a class in a tree",
  () => grad((t: { a: NDArray }) => t.a)(any({ a: one, deep: [new Date()] })),
  TreeError,
  "grad | .deep[0] | Date | registerPytreeNode",
);
mistake(
  "text in a tree",
  () => jit((t: unknown) => t as Tree, interpreter)({ opts: { mode: "train" } }),
  TreeError,
  'jit | .opts.mode | "train" | static',
);
mistake(
  "a function as an argument",
  () => jit((f: unknown) => f as Tree, interpreter)(() => 1),
  TreeError,
  "jit | [0] | a function | static",
);
mistake(
  "a promise as an argument",
  () => jit((p: unknown) => p as Tree, interpreter)(Promise.resolve(1)),
  TreeError,
  "await",
);

// Shapes
mistake(
  "vmap over axes of different lengths",
  () => vmap(named("lane", (x: NDArray, y: NDArray) => x.add(y)))(x, y),
  ShapeError,
  "vmap of lane | argument 0 has shape [3] and length 3 | argument 1 has shape [4] and length 4 | inAxes",
);
mistake(
  "vmap over a scalar",
  () => vmap((x: NDArray) => x)(one),
  AxisError,
  "vmap | argument [0] | scalar",
);
mistake(
  "reshape to another size",
  () => np.arange(6).reshape([4]),
  ShapeError,
  "reshape | [6] | 6 elements | [4]",
);
mistake(
  "reshape with a length that does not divide",
  () => np.arange(6).reshape([4, -1]),
  ShapeError,
  "reshape | [6] | [4,-1]",
);
mistake(
  "reshape with lengths outside a list",
  () => any(np.arange(6)).reshape(2, 3),
  ShapeError,
  "reshape | reshape([2, 3])",
);
mistake(
  "ragged rows",
  () => np.array([[1, 2], [3, 4, 5]]),
  ShapeError,
  "array | ragged | data[1] is of length 3 | data[0] is of length 2",
);
mistake("rows and numbers", () => np.array(any([[1, 2], 3])), ShapeError, "ragged | data[1]");
mistake("an array of text", () => np.array(any(["1", "2"])), TypeError, 'array | data[0] | "1"');
mistake(
  "matmul of shapes that do not fit",
  () => np.matmul(m, m),
  ShapeError,
  "matmul | [2,3] and [2,3] | axis 1 of the first | axis 0 of the second",
);
mistake(
  "matmul inside vmap: the lane's shapes",
  () => vmap((x: NDArray) => np.matmul(x, x))(np.ones([5, 2, 3])),
  ShapeError,
  "matmul | [2,3] and [2,3]",
);
mistake(
  "matmul with a number",
  () => np.matmul(m, any(2)),
  TypeError,
  "matmul | number 2 | np.array",
);
mistake(
  "[3] + [4]",
  () => x.add(y),
  ShapeError,
  "add | [3] and [4] | lengths 3 and 4 | equal or 1",
);
mistake("[2,3] - [2]", () => m.sub(np.ones([2])), ShapeError, "sub | [2,3] and [2]");
mistake(
  "where of shapes that do not fit",
  () => np.where(np.array([true, false]), x, x),
  ShapeError,
  "where | [2] | [3]",
);
mistake(
  "concatenation of different rows",
  () => np.concatenate([m, np.ones([2, 4])]),
  ShapeError,
  "concatenate | [2,3] | [2,4] | axis 0",
);
mistake("a stack of different shapes", () => np.stack([x, y]), ShapeError, "stack | [3] | [4]");
mistake(
  "solve with a matrix that is not square",
  () => linalg.solve(m, x),
  ShapeError,
  "solve | [2,3] | square",
);
mistake(
  "einsum of lengths that differ",
  () => np.einsum("ij,jk->ik", m, m),
  ShapeError,
  'einsum | "ij,jk->ik" | axis j | 3 and 2',
);
mistake(
  "a shape with a negative length",
  () => np.zeros([2, -1]),
  ShapeError,
  "zeros | [2,-1] | non-negative",
);
mistake(
  "a shape found wrong by evalShape",
  () => evalShape((x: NDArray) => np.matmul(x, x), new ShapeDtype([2, 3])),
  ShapeError,
  "matmul | [2,3] and [2,3]",
);

// Options
mistake(
  "a dtype in the place of the options",
  () => np.array([1], any("int32")),
  TypeError,
  'array | "int32" | { dtype',
);
mistake(
  "a length in the place of the options",
  () => np.zeros(2, any(3)),
  TypeError,
  "zeros | [2, 3]",
);
mistake(
  "a dtype that there is not",
  () => np.zeros([2], { dtype: any("float16") }),
  DTypeError,
  'zeros | "float16" | "float32"',
);
mistake(
  "astype to a dtype that there is not",
  () => x.astype(any("float")),
  DTypeError,
  'astype | "float" | "float32"',
);

// Axes and indices
mistake("an axis out of range", () => x.sum(1), AxisError, "sum | axis 1 | -1 to 0");
mistake("an axis of a scalar", () => one.sum(0), AxisError, "sum | axis 0 | scalar");
mistake("an axis given twice", () => m.sum([0, -2]), AxisError, "sum | twice");
mistake(
  "an axis in the options under another name",
  () => m.sum(any({ axiss: 0 })),
  TypeError,
  "sum | no option axiss | axis",
);
mistake(
  "an axis before the options and in them",
  () => m.sum(0, any({ axis: 1 })),
  TypeError,
  "sum | axis is given twice",
);
mistake("an axis that is no integer", () => x.sum(0.5), AxisError, "sum | 0.5");
mistake(
  "concatenation along an axis that there is not",
  () => np.concatenate([x, x], 1),
  AxisError,
  "concatenate | axis 1",
);
mistake("an index out of range", () => x.at(5), AxisError, "at | index 5 | [3] | -3 to 2");
mistake(
  "an index that is a float array",
  () => x.at(np.array(0.5)),
  DTypeError,
  "at | float32[] | astype",
);
