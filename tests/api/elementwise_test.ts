/**
 * Elementwise functions as users call them against values recorded from JAX, and the rules by which
 * operands get a common dtype.
 */
import type { NDArray } from "../../lib/core/array.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { epsilon, isFloat, limits } from "../../lib/core/dtype.ts";
import { linalg, nn, numpy as np, special } from "../../mod.ts";
import { grad } from "../../lib/transforms/public.ts";
import recorded from "../reference/elementwise.json" with { type: "json" };
import { difference, make } from "../support/arrays.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { functionOf, primitiveEntries, variablesOf } from "../support/operations.ts";

type Values = readonly (number | string)[];
type F = (...args: NDArray[]) => NDArray;

function vector(values: Values, dtype: DType): NDArray {
  return make({ shape: [values.length], dtype }, values.map(Number));
}

/** Smaller than the smallest number of full precision, results may be 0, as on hardware. */
const smallest: Partial<Record<DType, number>> = { float32: 2 ** -126, float64: 2 ** -1022 };

function compare(
  what: string,
  actual: NDArray,
  expected: Values,
  dtype: DType,
  ulps: number,
): void {
  const problem = difference(
    actual,
    vector(expected, dtype),
    (_, e) => Math.max(ulps * epsilon(dtype) * Math.abs(e), ulps > 0 ? smallest[dtype] ?? 0 : 0),
  );
  if (problem !== null) throw new Error(`${what} of ${dtype} ${problem}`);
}

/** What the list has for a table and a name. */
function listed(table: string, name: string): F | null {
  const entry = primitiveEntries.find((e) => e.name === name && e.on.includes(table));
  if (entry === undefined) throw new Error(`${name} is not in the list for ${table}`);
  const { here, why } = entry;
  if (here === undefined && why === undefined) throw new Error(`${name} has no reason`);
  return here === undefined ? null : functionOf(here, variablesOf(here, ["x", "y"]));
}

/** Compares the functions of one or two operands of a table. */
function compareAll(
  table: string,
  dtype: DType,
  recordings: readonly (readonly [name: string, args: readonly Values[], y: Values])[],
): void {
  for (const [name, args, y] of recordings) {
    const f = listed(table, name);
    if (f === null) continue;
    const ulps = !isFloat(dtype) || exact.has(name)
      ? 0
      : loose[name] ?? (args.length === 1 ? 8 : 4);
    const result = bools.has(name) ? "bool" : dtype;
    compare(name, f(...args.map((v) => vector(v, dtype))), y, result, ulps);
  }
}

interface One {
  readonly x: Values;
  readonly y: Values;
}
interface Two {
  readonly a: Values;
  readonly b: Values;
  readonly y: Readonly<Record<string, Values>>;
}
type Recordings = [name: string, args: Values[], y: Values][];
const ofOne = (table: object): Recordings =>
  Object.entries(table as Record<string, One>).map(([name, { x, y }]) => [name, [x], y]);
const ofTwo = (table: object): Recordings => {
  const { a, b, y } = table as Two;
  return Object.entries(y).map(([name, y]) => [name, [a, b], y]);
};

const bools = new Set(["is_finite", "eq", "ne", "lt", "le", "gt", "ge"]);
const exact = new Set(["neg", "abs", "sign", "floor", "ceil", "round", "add", "sub", "mul"]);
/** Where XLA's own approximation is the less accurate one, or flushes what is tiny. */
const loose: Record<string, number> = {
  erf_inv: 128,
  logistic: 8,
  tan: 32,
  sinh: 16,
  cosh: 16,
  asinh: 16,
  acosh: 16,
  atanh: 16,
  atan2: 16,
  asin: 16,
  acos: 16,
  log_sigmoid: 16,
  softplus: 16,
  logaddexp: 16,
};

Deno.test("elementwise: floats as JAX has them", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const { unary, binary } = recorded.float[dtype];
    compareAll("float", dtype, [...ofOne(unary), ...ofTwo(binary)]);
  }
});

Deno.test("elementwise: integers as JAX has them", () => {
  for (const dtype of ["int32", "uint32"] as const) {
    const { binary, shift, unary } = recorded[dtype];
    compareAll(dtype, dtype, [...ofOne(unary), ...ofTwo(binary)]);
    compareAll(`${dtype} shifts`, dtype, ofTwo(shift));
  }
  compareAll("int32 powers", "int32", ofTwo(recorded.int32.pow));
});

Deno.test("elementwise: conversions as JAX has them", () => {
  for (
    const [name, { x, y }] of Object.entries(
      recorded.cast as unknown as Record<string, { x: Values; y: Values }>,
    )
  ) {
    const [from, to] = name.split("->") as [DType, DType];
    compare(name, vector(x, from).astype(to), y, to, from === "float64" ? 1 : 0);
  }
});

// ---------------------------------------------------------------- promotion

const f32 = np.array([1, 2]);
const f64 = np.array([1, 2], { dtype: "float64" });
const i32 = np.array([1, 2], { dtype: "int32" });
const u32 = np.array([1, 2], { dtype: "uint32" });
const bool = np.array([true, false]);

Deno.test("promotion: the common dtype of two arrays", () => {
  const order: [NDArray, DType][] = [
    [bool, "bool"],
    [u32, "uint32"],
    [i32, "int32"],
    [f32, "float32"],
    [f64, "float64"],
  ];
  order.forEach(([x, dx], i) =>
    order.forEach(([y, dy], j) => {
      const common = i > j ? dx : dy;
      assertEquals(np.add(x, y).dtype, common, `${dx} + ${dy}`);
      assertEquals(np.maximum(x, y).dtype, common, `maximum of ${dx} and ${dy}`);
      assertEquals(np.less(x, y).dtype, "bool");
      assertEquals(np.where(bool, x, y).dtype, common);
      assertEquals(np.stack([x, y]).dtype, common);
      const float = common === "float64" ? "float64" : "float32";
      assertEquals(np.div(x, y).dtype, float, `${dx} / ${dy}`);
      assertEquals(np.atan2(x, y).dtype, float);
    })
  );
});

Deno.test("promotion: numbers and booleans adopt the dtype beside them", () => {
  for (const x of [f32, f64, i32, u32]) {
    assertEquals(x.add(1).dtype, x.dtype);
    assertEquals(np.mul(2, x).dtype, x.dtype);
    assertEquals(x.add(true).dtype, x.dtype);
    assertEquals(x.maximum(0).dtype, x.dtype);
  }
  assertEquals(f64.mul(0.1).toArray(), [0.1, 0.2]);
  assertEquals(i32.add(0.5).dtype, "float32");
  assertEquals(u32.mul(Infinity).dtype, "float32");
  assertEquals(bool.add(1).dtype, "int32");
  assertEquals(bool.add(0.5).dtype, "float32");
  assertEquals(np.add(1, 2).dtype, "float32");
  assertEquals(np.add(true, 1).dtype, "float32");
  assertEquals(np.add(true, true).dtype, "bool");
  assertEquals(np.exp(1).dtype, "float32");
});

Deno.test("promotion: a number that an integer dtype does not hold is an error", () => {
  assertThrows(() => i32.add(2 ** 31), RangeError, "does not fit into int32");
  assertThrows(() => u32.mul(-(2 ** 31) - 1), RangeError, "does not fit into uint32");
  assertThrows(() => u32.less(2 ** 32), RangeError, "Use a float dtype");
});

Deno.test("promotion: a negative number beside uint32 wraps, as in JAX", () => {
  const x = np.array([5, 0, 4294967295], { dtype: "uint32" });
  // From JAX 0.10.2.
  const want: Record<string, [actual: NDArray, expected: (number | boolean)[]]> = {
    add: [x.add(-1), [4, 4294967295, 4294967294]],
    sub: [x.sub(-3), [8, 3, 2]],
    "sub from": [np.sub(-1, x), [4294967290, 4294967295, 0]],
    mul: [x.mul(-3), [4294967281, 0, 3]],
    floorDivide: [np.floorDivide(x, -1), [0, 0, 1]],
    mod: [np.mod(x, -1), [5, 0, 0]],
    maximum: [x.maximum(-3), [4294967293, 4294967293, 4294967295]],
    bitwiseAnd: [np.bitwiseAnd(x, -1), [5, 0, 4294967295]],
    less: [x.less(-1), [true, true, false]],
    equal: [x.equal(-1), [false, false, true]],
    where: [np.where(x.greater(1), x, -1), [5, 4294967295, 4294967295]],
    clip: [np.clip(x, -1, 3), [3, 3, 3]],
    pad: [np.pad(x.at(0).reshape([1]), 1, { value: -1 }), [4294967295, 5, 4294967295]],
    least: [x.add(-(2 ** 31)), [2147483653, 2147483648, 2147483647]],
  };
  for (const [name, [actual, expected]] of Object.entries(want)) {
    assertEquals(actual.toArray(), expected, name);
    assertEquals(actual.dtype, typeof expected[0] === "boolean" ? "bool" : "uint32", name);
  }
  assertEquals(x.div(-1).toArray(), [-5, -0, -4294967296]);
  assertEquals(x.add(-0.5).dtype, "float32");
});

Deno.test("promotion: functions of floats convert integers", () => {
  for (const f of [np.exp, np.sqrt, np.sin, np.log2, nn.sigmoid, np.mean, np.std, nn.softmax]) {
    for (const x of [i32, u32, bool]) assertEquals(f(x).dtype, "float32");
    assertEquals(f(f64).dtype, "float64");
  }
  for (const f of [np.floor, np.ceil, np.trunc, np.round, np.abs, np.square, np.cumsum]) {
    assertEquals(f(i32).dtype, "int32");
    assertEquals(f(f64).dtype, "float64");
  }
});

Deno.test("promotion: bools are numbers where that is needed", () => {
  assertEquals(bool.sum().toString(), "Array(int32[], 1)");
  assertEquals(np.add(bool, bool).toArray(), [true, false]);
  assertEquals(np.mul(bool, true).toArray(), [true, false]);
  assertEquals(np.mod(bool, 2).dtype, "int32");
  assertEquals(np.matmul(bool, bool).toString(), "Array(bool[], true)");
  assertThrows(() => bool.sub(bool), TypeError, "sub: x is bool[2], but only");
  assertThrows(() => bool.neg(), TypeError, "neg: x is bool[2], but only");
});

// ---------------------------------------------------------------- what is composed here

Deno.test("elementwise: powers", () => {
  assertEquals(f32.pow(2).toArray(), [1, 4]);
  assertEquals(i32.pow(3).toString(), "Array(int32[2], [1,8])");
  assertEquals(f32.pow(-2).toArray(), [1, 0.25]);
  assertEquals(np.pow(NaN, 0).item(), 1);
  assertEquals(f64.pow(20).toArray(), [1, 1048576]);
  assertEquals(i32.pow(0.5).dtype, "float32");
  assertEquals(np.pow(2, f32).toArray(), [2, 4]);
  assertThrows(
    () => i32.pow(-1),
    TypeError,
    "pow: int32 cannot be raised to the negative power -1",
  );
  assertEquals(np.exp2(np.array([-1, 0, 10])).toArray(), [0.5, 1, 1024]);
});

Deno.test("elementwise: rounding", () => {
  const x = np.array([-1.5, -0.4, 0.5, 2.5, 1.25]);
  assertEquals(np.trunc(x).add(0).toArray(), [-1, 0, 0, 2, 1]);
  assertEquals(np.round(x, 1).toArray(), [-1.5, Math.fround(-0.4), 0.5, 2.5, Math.fround(1.2)]);
  assertEquals(np.round(np.array([149, 151]), -2).toArray(), [100, 200]);
  assertThrows(() => np.round(x, 0.5), RangeError, "round: decimals must be an integer");
});

Deno.test("elementwise: choice and limits", () => {
  assertEquals(np.clip(f32.sub(1.5), -0.25).toArray(), [-0.25, 0.5]);
  assertEquals(np.clip(i32, null, 1).toString(), "Array(int32[2], [1,1])");
  assertEquals(np.clip(i32, 1.5).dtype, "float32");
  assertEquals(np.where(f32.sub(1), f32, 9).toArray(), [9, 2]);
  assertEquals(np.where(true, 1, 2).item(), 1);
  assertEquals(np.where(np.array([[true], [false]]), f32, i32).shape, [2, 2]);
  assertThrows(
    () => (np.where as (c: NDArray) => NDArray)(bool),
    TypeError,
    "np.nonzero(condition)",
  );
  assertEquals(np.hypot(np.array([3, 0, Infinity, 3e30]), np.array([4, 0, NaN, 4e30])).toArray(), [
    5,
    0,
    Infinity,
    Math.fround(5e30),
  ]);
});

Deno.test("elementwise: logic of all dtypes", () => {
  const x = np.array([0, 2, NaN]);
  assertEquals(np.logicalNot(x).toArray(), [true, false, false]);
  assertEquals(np.logicalAnd(x, i32.at(0)).toArray(), [false, true, true]);
  assertEquals(np.logicalOr(x, false).toArray(), [false, true, true]);
  assertEquals(np.logicalXor(x, true).toArray(), [true, false, false]);
  assertEquals(np.bitwiseAnd(bool, true).toArray(), [true, false]);
  assertThrows(() => np.bitwiseOr(f32, 1), TypeError, "bitwiseOr: the operands are float32");
  assertThrows(() => np.leftShift(bool, bool), TypeError, "int32 and uint32 arrays");
  assertThrows(() => np.bitwiseNot(f32), TypeError, "bitwiseNot: x is float32");
});

Deno.test("elementwise: NaN, infinities and closeness", () => {
  const x = np.array([1, NaN, Infinity, -Infinity]);
  assertEquals(np.isNaN(x).toArray(), [false, true, false, false]);
  assertEquals(np.isInf(x).toArray(), [false, false, true, true]);
  assertEquals(np.isFinite(i32).toArray(), [true, true]);
  assertEquals(np.isInf(i32).toArray(), [false, false]);
  const [min, max] = limits("float32");
  assertEquals(np.nanToNum(x).toArray(), [1, 0, max, min]);
  assertEquals(np.nanToNum(x, { nan: 7, posInf: 8, negInf: 9 }).toArray(), [1, 7, 8, 9]);
  assertEquals(np.isClose(x, x).toArray(), [true, false, true, true]);
  assertEquals(np.isClose(x, x, { equalNan: true }).toArray(), [true, true, true, true]);
  assertEquals(np.isClose(1, 1.001).item(), 0);
  assertEquals(np.allClose(f64, f64.add(1e-7)).item(), 1);
  assertEquals(np.allClose(f64, f64.add(1e-7), { rtol: 0 }).item(), 0);
  assertEquals(np.arrayEqual(f32, i32).item(), 1);
  assertEquals(np.arrayEqual(f32, f32.reshape([2, 1])).item(), 0);
});

Deno.test("elementwise: nn and special", () => {
  const x = np.array([-2, 0, 3], { dtype: "float64" });
  const close = (actual: NDArray, expected: number[]): void => {
    const problem = difference(actual, make(actual.aval, expected), 1e-15 * 4);
    if (problem !== null) throw new Error(problem);
  };
  assertEquals(nn.relu(np.array([-1, 0, 2, NaN])).toArray(), [0, 0, 2, NaN]);
  assertEquals(nn.relu(i32).dtype, "int32");
  close(nn.relu6(x.mul(3)), [0, 0, 6]);
  close(nn.leakyRelu(x), [-0.02, 0, 3]);
  close(nn.leakyRelu(x, 0.5), [-1, 0, 3]);
  close(nn.elu(x), [Math.expm1(-2), 0, 3]);
  close(nn.silu(x), [-2 / (1 + Math.exp(2)), 0, 3 / (1 + Math.exp(-3))]);
  close(nn.gelu(x, { approximate: false }), [-0.04550026389635842, 0, 2.99595030590511]);
  close(special.logit(np.array([0.5, 0.75], { dtype: "float64" })), [0, Math.log(3)]);
  close(special.xlogy(x.maximum(0), x.maximum(0)), [0, 0, 3 * Math.log(3)]);
  close(special.expit(x), nn.sigmoid(x).toArray() as number[]);
  assertEquals(nn.oneHot(np.array([1, -1, 3], { dtype: "int32" }), 3).toArray(), [
    [0, 1, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  assertEquals(nn.oneHot(i32, 3, { axis: 0, dtype: "bool" }).toArray(), [
    [false, false],
    [true, false],
    [false, true],
  ]);
  assertEquals(nn.oneHot(2, 3).toArray(), [0, 0, 1]);
  assertThrows(() => nn.oneHot(f32, 3), TypeError, "oneHot: the indices must be an integer array");
  assertEquals(nn.logsumexp(np.zeros([2, 0]), 1).toArray(), [-Infinity, -Infinity]);
});

Deno.test("arrays print their values as one would write them", () => {
  const x = np.array([[NaN, Infinity], [-Infinity, -0]]);
  assertEquals(String(x), "Array(float32[2,2], [[NaN,Infinity],[-Infinity,-0]])");
  assertEquals(String(np.array([true, false])), "Array(bool[2], [true,false])");
  assertEquals(String(np.array(0.5)), "Array(float32[], 0.5)");
});

Deno.test("products with logarithms, limits and empty axes: what JAX gives", () => {
  const f64 = { dtype: "float64" } as const;
  const [x, y] = [np.array([0, 1, 0, 0, 0], f64), np.array([2, 3, 4, 0, NaN], f64)];
  const log = (v: number): number => Number(np.log(np.array(v, f64)).item());
  assertEquals(special.xlogy(x, y).toArray(), [0, log(3), 0, 0, NaN]);
  const [byX, byY] = grad(
    (x: NDArray, y: NDArray) => special.xlogy(x, y).sum(),
    { argnums: [0, 1] },
  )(np.array([0, 1, 0, 0], f64), np.array([2, 3, 4, 0], f64));
  // At 0 too the derivative by x is log(y).
  assertEquals(byX.toArray(), [log(2), log(3), log(4), 0]);
  assertEquals(byY.toArray(), [0, 1 / 3, 0, 0]);
  const slopes = (f: (x: NDArray) => NDArray, at: number[]): unknown =>
    grad((x: NDArray) => f(x).sum())(np.array(at, f64)).toArray();
  assertEquals(slopes(nn.relu6, [0, 6, 0.5, -1, 7]), [0, 0, 1, 0, 0]);
  assertEquals(slopes(special.logit, [0, 1, 0.5]), [Infinity, Infinity, 4]);
  assertEquals(np.linspace(-1.5, 1.5, 4, { dtype: "int32" }).toArray(), [-2, -1, 0, 1]);
  assertEquals(np.linspace(-1.5, 3, 1, { dtype: "int32" }).toArray(), [-2]);
  const none = np.argmax(np.zeros([0, 3]), -1);
  assertEquals([none.shape, none.dtype], [[0], "int32"]);
  assertThrows(() => np.argmax(np.zeros([0, 3]), 0), TypeError, "no elements along axis 0");
  const clipped = np.clip(2, np.array([1, 3], { dtype: "int32" }), 5);
  assertEquals([clipped.dtype, clipped.toArray()], ["int32", [2, 3]]);
  assertEquals(linalg.norm(np.zeros([0]), { ord: Infinity, axis: 0 }).item(), 0);
  const beyond = np.array([4294967295], { dtype: "uint32" });
  assertEquals(np.take(np.arange(3), beyond, 0, { mode: "clip" }).toArray(), [2]);
  assertThrows(() => np.zeros([1e6, 1e6]), RangeError, "takes 3725.3 GiB");
});
