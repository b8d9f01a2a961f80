/** Arrays from data and numbers: shapes, dtypes, and the errors of data that are no array. */
import type { NDArray } from "../../lib/core/array.ts";
import { nn, numpy as np, random } from "../../mod.ts";
import type { ArrayData } from "../../lib/api/array.ts";
import { DTypeError } from "../../lib/core/errors.ts";
import { grad } from "../../lib/transforms/autodiff.ts";
import { jit } from "../../mod.ts";
import { ShapeDtype } from "../../lib/transforms/shape_dtype.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../support/assert.ts";

const text = (x: NDArray): string => x.toString();

Deno.test("array: shapes and dtypes of data", () => {
  assertEquals(text(np.array(1.5)), "Array(float32[], 1.5)");
  assertEquals(text(np.array(true)), "Array(bool[], true)");
  assertEquals(text(np.array([])), "Array(float32[0], [])");
  assertEquals(np.array([[], []]).shape, [2, 0]);
  assertEquals(text(np.array([[1, 2], [3, 4]])), "Array(float32[2,2], [[1,2],[3,4]])");
  assertEquals(text(np.array([true, false])), "Array(bool[2], [true,false])");
  assertEquals(text(np.array([true, 2])), "Array(float32[2], [1,2])");
  assertEquals(text(np.array([0, 2], { dtype: "bool" })), "Array(bool[2], [false,true])");
  assertEquals(text(np.array([1.9, -1.9], { dtype: "int32" })), "Array(int32[2], [1,-1])");
  assertEquals(text(np.array(2 ** 32 - 1, { dtype: "uint32" })), "Array(uint32[], 4294967295)");
  assertEquals(np.array([0.1], { dtype: "float64" }).item(), 0.1);
});

Deno.test("array: typed arrays keep their dtype and are copied", () => {
  const data = Float64Array.of(1, 2);
  const x = np.array(data);
  data[0] = 9;
  assertEquals(text(x), "Array(float64[2], [1,2])");
  assertEquals(np.array(new Int32Array(2)).dtype, "int32");
  assertEquals(np.array(new Uint32Array(2)).dtype, "uint32");
  assertEquals(np.array(Uint8Array.of(0, 1)).dtype, "bool");
  assertEquals(text(np.array(Int16Array.of(-3))), "Array(int32[1], [-3])");
  assertEquals(
    text(np.array(Uint8Array.of(3, 200), { dtype: "float32" })),
    "Array(float32[2], [3,200])",
  );
  assertEquals(text(np.array([data, [1, 2]])), "Array(float64[2,2], [[9,2],[1,2]])");
  assertEquals(
    text(np.array([Int32Array.of(1, 2), [0.5, 1]])),
    "Array(float32[2,2], [[1,2],[0.5,1]])",
  );
  assertThrows(() => np.array(Uint8Array.of(3, 200)), TypeError, "element 0 is 3");
  assertThrows(() => np.array(new BigInt64Array(2) as never), TypeError, "BigInt64Array");
});

Deno.test("array: arrays among the data are stacked, traced ones too", () => {
  const x = np.array([1, 2]);
  assertEquals(np.array(x) === x, true);
  assertEquals(np.asarray(x, { dtype: "int32" }).dtype, "int32");
  assertEquals(np.array([x, x.mul(2), [7, 8]]).toArray(), [[1, 2], [2, 4], [7, 8]]);
  assertEquals(np.array([[x.at(0), 5], [6, x.at(1)]]).toArray(), [[1, 5], [6, 2]]);
  assertEquals(np.array([x.astype("float64"), [1, 2]]).dtype, "float64");
  assertEquals(np.array([x.astype("int32"), [1, 2]]).dtype, "int32");
  assertEquals(np.array([x.astype("int32"), [1, 0.5]]).dtype, "float32");
  const f = (a: NDArray) => np.array([[a.at(0), 2], [3, a.at(1)]]).square().sum();
  const slope = grad(f) as unknown as (x: NDArray) => NDArray;
  assertEquals(slope(x).toArray(), [2, 4]);
});

Deno.test("array: ragged data are refused with a path", () => {
  const ragged: [unknown, string][] = [
    [[[1, 2], [3]], "data[1] is of length 1, but data[0] is of length 2"],
    [[[1, 2], 3], "data[1] is a number, but data[0] is of length 2"],
    [[1, [2]], "data[1] is of length 1, but data[0] is a number"],
    [[[[1], [2]], [[1], [2, 3]]], "data[1][1] is of length 2, but data[0][0] is of length 1"],
    [[[1, 2], Float32Array.of(1)], "data[1] is of length 1"],
    [
      [np.zeros([2]), np.zeros([3])],
      "data[1] is an array of shape [3], but data[0] is of shape [2]",
    ],
  ];
  for (const [data, message] of ragged) {
    assertThrows(() => np.array(data as ArrayData), TypeError, message);
  }
  const loop: unknown[] = [];
  loop.push(loop);
  assertThrows(() => np.array(loop as ArrayData), TypeError, "contain itself");
});

Deno.test("array: what is no number is refused with a path", () => {
  const bad: [unknown, string][] = [
    [[1, "2"], 'data[1] is the string "2"'],
    [[[1], [undefined]], "data[1][0] is undefined"],
    [[null], "data[0] is null"],
    [{ a: 1 }, "data is a plain object"],
    ["1", 'data is the string "1"'],
    [[1n], "data[0] is bigint 1"],
    [undefined, "data is undefined"],
    [Math.sin, "data is a function (sin)"],
  ];
  for (const [data, message] of bad) {
    assertThrows(() => np.array(data as ArrayData), TypeError, message);
  }
  const int = { dtype: "int32" } as const;
  assertThrows(
    () => np.array([[1, 2 ** 31]], int),
    RangeError,
    "data[0][1] 2147483648 does not fit",
  );
  assertThrows(() => np.array([NaN], int), RangeError, "data[0] NaN does not fit into int32");
  assertThrows(() => np.array(-1, { dtype: "uint32" }), RangeError, "does not fit into uint32");
});

Deno.test("what is no dtype is refused, with the one that was meant", () => {
  const makers: Readonly<Record<string, (dtype: never) => unknown>> = {
    zeros: (dtype) => np.zeros([2], { dtype }),
    array: (dtype) => np.array([1], { dtype }),
    arange: (dtype) => np.arange(3, { dtype }),
    eye: (dtype) => np.eye(2, { dtype }),
    onesLike: (dtype) => np.onesLike(1, { dtype }),
    astype: (dtype) => np.ones([2]).astype(dtype),
    normal: (dtype) => random.normal(random.key(0), [2], { dtype }),
    oneHot: (dtype) => nn.oneHot(0, 2, { dtype }),
    ShapeDtype: (dtype) => new ShapeDtype([2], dtype),
  };
  const meant: readonly (readonly [wrong: unknown, shown: string, right: string | null])[] = [
    ["int64", 'the string "int64"', "int32"],
    ["uint8", 'the string "uint8"', "uint32"],
    ["f4", 'the string "f4"', "float32"],
    ["Float32", 'the string "Float32"', "float32"],
    ["double", 'the string "double"', "float64"],
    ["bfloat16", 'the string "bfloat16"', "float32"],
    ["boolean", 'the string "boolean"', "bool"],
    [Float64Array, "Float64Array", "float64"],
    ["complex64", 'the string "complex64"', null],
    [3, "the number 3", null],
    [{}, "an object", null],
  ];
  // What counts as left out, as NumPy's None does, is the default.
  assertEquals(np.eye(2, { dtype: null as never }).dtype, "float32");
  assertEquals(np.zeros([2], { dtype: null as never }).dtype, "float32");
  for (const [name, make] of Object.entries(makers)) {
    for (const [wrong, shown, right] of meant) {
      const error = assertThrows(() => make(wrong as never), DTypeError, "is not a dtype");
      assertMatch(error.message, new RegExp(`^${name}: .*${shown.split(" ").at(-1)}`));
      assertEquals(error.message.split("Write ")[1] ?? null, right && JSON.stringify(right));
    }
  }
});

Deno.test("constants", () => {
  assertEquals(text(np.zeros(2)), "Array(float32[2], [0,0])");
  assertEquals(text(np.ones([1, 2], { dtype: "bool" })), "Array(bool[1,2], [[true,true]])");
  assertEquals(text(np.full([2], 7)), "Array(float32[2], [7,7])");
  assertEquals(text(np.full([2], true)), "Array(bool[2], [true,true])");
  assertEquals(
    text(np.full([2, 2], np.array([1, 2], { dtype: "int32" }))),
    "Array(int32[2,2], [[1,2],[1,2]])",
  );
  assertEquals(text(np.full([1], 2.5, { dtype: "int32" })), "Array(int32[1], [2])");
  const x = np.array([1, 2], { dtype: "int32" });
  assertEquals(text(np.zerosLike(x)), "Array(int32[2], [0,0])");
  assertEquals(text(np.onesLike(x, { dtype: "float64" })), "Array(float64[2], [1,1])");
  assertEquals(text(np.fullLike(x, 5)), "Array(int32[2], [5,5])");
  assertEquals(text(np.zeros([])), "Array(float32[], 0)");
  assertThrows(
    () => np.zeros([2, -1]),
    TypeError,
    "zeros: a shape is an array of non-negative integers",
  );
  assertThrows(() => np.zeros([2, 0.5]), TypeError, "zeros");
  assertThrows(() => np.full([1], 2 ** 40, { dtype: "int32" }), RangeError, "full: the value");
  assertThrows(() => np.zeros([2], { dtype: "float16" as never }), TypeError, "float32");
});

Deno.test("arange", () => {
  assertEquals(text(np.arange(4)), "Array(int32[4], [0,1,2,3])");
  assertEquals(text(np.arange(2, 5)), "Array(int32[3], [2,3,4])");
  assertEquals(text(np.arange(5, 0, -2)), "Array(int32[3], [5,3,1])");
  assertEquals(text(np.arange(0, 1, 0.25)), "Array(float32[4], [0,0.25,0.5,0.75])");
  assertEquals(text(np.arange(3, { dtype: "float32" })), "Array(float32[3], [0,1,2])");
  assertEquals(text(np.arange(1, 3, { dtype: "float64" })), "Array(float64[2], [1,2])");
  assertEquals(text(np.arange(1, 3, 1, { dtype: "uint32" })), "Array(uint32[2], [1,2])");
  assertEquals(np.arange(-3).shape, [0]);
  assertEquals(np.arange(2.5).toArray(), [0, 1, 2]);
  assertEquals(np.arange(0, 1, 0.1).dataSync()[3], Math.fround(3 * 0.1));
  assertEquals(np.arange(2147483645, 2147483648).toArray(), [2147483645, 2147483646, 2147483647]);
  assertThrows(() => np.arange(0, 1, 0), RangeError, "arange: step");
  assertThrows(() => np.arange(0, Infinity), RangeError, "arange: stop must be finite");
  assertThrows(() => np.arange(0, 2 ** 32), RangeError, "the last element");
  assertThrows(() => np.arange(0, 3, { dtype: "bool" }), TypeError, "bool cannot count");
  assertThrows(() => np.arange(np.array(3) as never), TypeError, "arange: stop is an array");
});

Deno.test("linspace", () => {
  assertEquals(np.linspace(0, 1, 5).toArray(), [0, 0.25, 0.5, 0.75, 1]);
  assertEquals(np.linspace(0, 1, 4, { endpoint: false }).toArray(), [0, 0.25, 0.5, 0.75]);
  assertEquals(np.linspace(2, 5, 1).toArray(), [2]);
  assertEquals(np.linspace(2, 5, 0).shape, [0]);
  assertEquals(np.linspace(0, 0.3, 4, { dtype: "float64" }).toArray(), [
    0,
    0.09999999999999999,
    0.19999999999999998,
    0.3,
  ]);
  assertEquals(np.linspace(0, 10, 3, { dtype: "int32" }).toArray(), [0, 5, 10]);
  assertEquals(np.linspace(np.array([0, 1]), 2, 3).toArray(), [[0, 1], [1, 1.5], [2, 2]]);
  assertEquals(np.linspace(0, 1).shape, [50]);
  assertThrows(() => np.linspace(0, 1, -1), RangeError, "linspace: num");
});

Deno.test("matrices of ones and zeros", () => {
  assertEquals(np.eye(2, 3).toArray(), [[1, 0, 0], [0, 1, 0]]);
  assertEquals(np.eye(3, { offset: -1, dtype: "int32" }).toArray(), [[0, 0, 0], [1, 0, 0], [
    0,
    1,
    0,
  ]]);
  assertEquals(np.identity(2).toArray(), [[1, 0], [0, 1]]);
  assertEquals(np.tri(2, 3).toArray(), [[1, 0, 0], [1, 1, 0]]);
  const x = np.reshape(np.arange(1, 10), [3, 3]);
  assertEquals(np.tril(x).toArray(), [[1, 0, 0], [4, 5, 0], [7, 8, 9]]);
  assertEquals(np.tril(x, -1).toArray(), [[0, 0, 0], [4, 0, 0], [7, 8, 0]]);
  assertEquals(np.triu(x).toArray(), [[1, 2, 3], [0, 5, 6], [0, 0, 9]]);
  assertEquals(np.triu(x, 1).toArray(), [[0, 2, 3], [0, 0, 6], [0, 0, 0]]);
  assertThrows(() => np.tril(np.zeros([3])), TypeError, "tril: x has shape [3]");
});

Deno.test("diagonals", () => {
  const v = np.array([1, 2]);
  assertEquals(np.diag(v).toArray(), [[1, 0], [0, 2]]);
  assertEquals(np.diag(v, 1).toArray(), [[0, 1, 0], [0, 0, 2], [0, 0, 0]]);
  assertEquals(np.diag(v, -1).toArray(), [[0, 0, 0], [1, 0, 0], [0, 2, 0]]);
  assertEquals(np.diag(np.array([true])).toArray(), [[true]]);
  const x = np.reshape(np.arange(6), [2, 3]);
  assertEquals(np.diag(x).toArray(), [0, 4]);
  assertEquals(np.diag(x, 1).toArray(), [1, 5]);
  assertEquals(np.diag(x, -1).toArray(), [3]);
  assertEquals(np.diag(x, 5).shape, [0]);
  const y = np.reshape(np.arange(8), [2, 2, 2]);
  assertEquals(np.diagonal(y).toArray(), [[0, 6], [1, 7]]);
  assertEquals(np.diagonal(y, { axis1: 1, axis2: 2 }).toArray(), [[0, 3], [4, 7]]);
  assertEquals(np.trace(x).item(), 4);
  assertEquals(np.trace(y, { axis1: 1, axis2: -1 }).toArray(), [3, 11]);
  assertThrows(() => np.diag(np.zeros([2, 2, 2])), TypeError, "np.diagonal");
  assertThrows(() => np.diagonal(y, { axis1: 0, axis2: -3 }), RangeError, "are both axis 0");
});

Deno.test("meshgrid", () => {
  const [x, y] = np.meshgrid([np.array([1, 2, 3]), np.array([4, 5])]);
  assertEquals(x!.toArray(), [[1, 2, 3], [1, 2, 3]]);
  assertEquals(y!.toArray(), [[4, 4, 4], [5, 5, 5]]);
  const [a] = np.meshgrid([np.array([1, 2, 3]), np.array([4, 5])], { indexing: "ij" });
  assertEquals(a!.shape, [3, 2]);
  const three = np.meshgrid([np.zeros([2]), np.zeros([3]), np.zeros([4])]);
  assert(three.every((g) => g.shape.join() === "3,2,4"));
  const [one] = np.meshgrid(np.zeros([2]));
  assertEquals(one!.shape, [2]);
  assertThrows(() => np.meshgrid("x" as never), TypeError, "np.meshgrid");
});

Deno.test("a list that was given for a shape may change afterwards", () => {
  const shape = [2, 2];
  const made = [
    np.zeros(shape),
    np.ones(shape),
    np.full(shape, 3),
    np.arange(4).reshape(shape),
    np.broadcastTo(1, shape),
    random.normal(random.key(0), shape),
    jit((x: NDArray) => x.reshape(shape), { backend: "interpreter" })(np.arange(4)),
    new ShapeDtype(shape),
  ];
  shape[0] = 7;
  for (const x of made) assertEquals(x.shape, [2, 2]);
});

Deno.test("elements that leave the library have a buffer of their own, and no neighbours", async () => {
  const [a, b, c] = [np.array([1, 2, 3]), np.array([4, 5, 6]), np.array([1, 2, 3]).add(4)];
  for (const x of [a, b, c]) {
    for (const values of [x.dataSync(), await x.data()]) {
      assertEquals([values.byteOffset, values.buffer.byteLength], [0, 12]);
      values.fill(-1);
    }
  }
  assertEquals([a, b, c].map((x) => x.toArray()), [[1, 2, 3], [4, 5, 6], [5, 6, 7]]);
  // Sizes that fill shared memory to its last byte, and those beyond what is shared.
  for (const dtype of ["float32", "float64", "bool"] as const) {
    const made = Array.from({ length: 300 }, (_, n) => np.full([n], n % 2, { dtype }).add(0));
    made.forEach((x, n) =>
      assertEquals(x.toArray(), Array(n).fill(x.dtype === "bool" ? n % 2 === 1 : n % 2))
    );
  }
});
