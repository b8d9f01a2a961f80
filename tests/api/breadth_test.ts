/**
 * What the values recorded from JAX do not show of NumPy's smaller functions: shapes that depend on values,
 * numbers about dtypes, gradients through chosen elements, mistakes.
 *
 * @module
 */
import {
  AxisError,
  DTypeError,
  grad,
  jit,
  nn,
  numpy as np,
  ShapeError,
  special,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { mistake } from "../support/mistakes.ts";

const ints = (values: readonly number[]): np.NDArray => np.array(values, { dtype: "int32" });

Deno.test("functions whose shape depends on values read it where they can", () => {
  assertEquals(np.unique(np.array([3, 1, NaN, 3, NaN])).toArray(), [1, 3, NaN]);
  assertEquals(np.nonzero(np.array([[0, 2], [3, 0]])).map((i) => i.toArray()), [[0, 1], [1, 0]]);
  assertEquals(np.flatnonzero(np.zeros([3])).shape, [0]);
  assertEquals(np.argwhere(np.zeros([2, 2])).shape, [0, 2]);
  assertEquals(np.extract(np.array([true, false, true]), np.array([1, 2, 3])).toArray(), [1, 3]);
  assertEquals(np.bincount(ints([1, 1, 3])).toArray(), [0, 2, 0, 1]);
  assertEquals(np.intersect1d(ints([3, 1, 1]), ints([1, 3, 4])).toArray(), [1, 3]);
  assertEquals(np.union1d(ints([3, 1]), ints([2, 3])).toArray(), [1, 2, 3]);
  assertEquals(np.setdiff1d(ints([3, 1, 2, 3]), ints([2])).toArray(), [1, 3]);
  assertEquals(np.setxor1d(ints([1, 2]), ints([2, 3])).toArray(), [1, 3]);
  assertEquals(np.unique(np.zeros([0])).shape, [0]);
});

Deno.test("compiled, they take the size that they are given, and say so where there is none", () => {
  const sized = jit((x: np.NDArray) => np.unique(x, { size: 3, fillValue: -1 }));
  assertEquals(sized(np.array([2, 2, 1])).toArray(), [1, 2, -1]);
  for (
    const [f, option] of [
      [(x: np.NDArray) => np.unique(x), "size"],
      [(x: np.NDArray) => np.nonzero(x)[0]!, "size"],
      [(x: np.NDArray) => np.bincount(x.astype("int32")), "length"],
    ] as const
  ) {
    const error = assertThrows(() => jit(f)(np.array([1, 2])), ShapeError) as Error;
    assert(error.message.includes(`Give the option ${option}`), error.message);
  }
});

Deno.test("functions of indices give arrays, or several, lane by lane", () => {
  const table = np.fromfunction((i, j) => i.mul(j), [3, 4], { dtype: "int32" });
  assertEquals([table.dtype, table.toArray()], [
    "int32",
    [[0, 0, 0, 0], [0, 1, 2, 3], [0, 2, 4, 6]],
  ]);
  const [sum, product] = np.fromfunction((i, j) => [i.add(j), i.mul(j)], [2, 2]);
  assertEquals([sum!.toArray(), product!.toArray()], [[[0, 1], [1, 2]], [[0, 0], [0, 1]]]);
  const rows = np.fromfunction((i) => np.arange(3).mul(i), [2]);
  assertEquals(rows.toArray(), [[0, 0, 0], [0, 1, 2]]);
  assertEquals(np.fromfunction(() => 5, []).item(), 5);
  assertEquals(np.fromfunction((i, j) => i.add(j), [0, 2]).shape, [0, 2]);
  const of = (x: np.NDArray): np.NDArray => np.fromfunction((i) => x.mul(i), [3]).sum();
  assertEquals(jit(grad(of))(np.array(2)).item(), 3);
});

Deno.test("functions that are vectorised may give several arrays, as many as their signature says", () => {
  const both = np.vectorize((x, y) => [np.dot(x, y), x.add(y)], { signature: "(n),(n)->(),(n)" });
  const [dot, sum] = both(np.array([[1, 2], [3, 4]]), np.array([1, 1]));
  assertEquals([dot!.toArray(), sum!.toArray()], [[3, 7], [[2, 3], [4, 5]]]);
  const wrong = np.vectorize((x) => [x, x], { signature: "()->()" });
  assertThrows(() => wrong(np.array([1, 2])), TypeError, "has 1 results, but the function gave 2");
});

Deno.test("dtypes meet where those of operations do", () => {
  const dtypes = ["bool", "uint32", "int32", "float32", "float64"] as const;
  for (const a of dtypes) {
    const x = np.ones([1], { dtype: a });
    for (const b of dtypes) {
      const sum = np.concatenate([x, np.ones([1], { dtype: b })]).dtype;
      assertEquals([np.promoteTypes(a, b), np.resultType(x, b), np.resultType(a, b)], [
        sum,
        sum,
        sum,
      ]);
    }
    for (const number of [2, 0.5, true]) {
      const together = np.add(x, number).dtype;
      assertEquals(np.resultType(number, x), together, `${a} and ${number}`);
    }
  }
  assertEquals([np.resultType(true), np.resultType(3, 0.5)], ["bool", "float32"]);
  assertEquals([3, true, np.array(3), np.array([3]), [3], "3", null].map((x) => np.isScalar(x)), [
    ...[true, true, true],
    ...[false, false, false, false],
  ]);
});

Deno.test("integers are rounded to tens and hundreds as NumPy rounds them: ties to the even one", () => {
  const x = [125, 135, -125, -135, 5, 15, -16, 0, 2147483000];
  for (
    const round of [
      np.round,
      jit((y: np.NDArray, d: number) => np.round(y, d), { staticArgnums: 1 }),
    ]
  ) {
    assertEquals(round(ints(x), -1).toArray(), [120, 140, -120, -140, 0, 20, -20, 0, 2147483000]);
    assertEquals(round(ints(x), -3).toArray(), [0, 0, 0, 0, 0, 0, 0, 0, 2147483000]);
    assertEquals(round(ints(x), -10).toArray(), x.map(() => 0));
    assertEquals(round(ints(x), 1).toArray(), x);
  }
});

Deno.test("the slope of i0 is i1 to the last digits, also where both are small", () => {
  const x = [0, 1e-300, -1e-20, 1e-3, 0.5, -2.5].map((v) => np.array(v, { dtype: "float64" }));
  for (const at of x) {
    const [slope, i1] = [grad(special.i0)(at).item(), special.i1(at).item()];
    assert(
      Math.abs(slope - i1) <= 8 * Number.EPSILON * Math.abs(i1),
      `${slope} and not ${i1} at ${at}`,
    );
  }
});

Deno.test("numbers about dtypes are those of IEEE 754 and of two's complement", () => {
  const { eps, max, tiny, smallestSubnormal } = np.finfo("float32");
  assertEquals([eps, tiny, smallestSubnormal], [2 ** -23, 2 ** -126, 2 ** -149]);
  assertEquals(Math.fround(max), max);
  assertEquals(Math.fround(max * (1 + 2 ** -24)), Infinity);
  assertEquals(np.finfo(np.zeros([1], { dtype: "float64" })).eps, Number.EPSILON);
  assertEquals(np.iinfo("int32").min, -(2 ** 31));
  assertEquals(np.iinfo("uint32").max, 2 ** 32 - 1);
  assertEquals(np.broadcastShapes([3, 1], 2, [1, 1]), [3, 2]);
});

Deno.test("powers of two are exact to the ends of the dtype", () => {
  const exponents = [-149, -127, -126, 0, 127, 128];
  const x = np.ldexp(np.ones([6]), ints(exponents));
  assertEquals(x.toArray(), exponents.map((n) => Math.fround(2 ** n)));
  const wide = [-1074, -1023, 1023, 1024];
  const y = np.ldexp(np.ones([4], { dtype: "float64" }), ints(wide));
  assertEquals(y.toArray(), wide.map((n) => 2 ** n));
});

Deno.test("elements that do not count have no share in derivatives, be they NaN or infinite", () => {
  const values = np.array([1, NaN, 3, Infinity]);
  const counts = np.array([true, false, true, false]);
  for (
    const f of [
      (v: np.NDArray) => np.sum(v, null, { where: counts }),
      (v: np.NDArray) => np.mean(v, null, { where: counts }),
      (v: np.NDArray) => np.var(v, null, { where: counts }),
      (v: np.NDArray) => np.max(v, null, { where: counts, initial: 0 }),
    ]
  ) {
    const slope = grad(f)(values).toArray() as number[];
    assert(slope.every(Number.isFinite), String(slope));
    assertEquals([slope[1], slope[3]], [0, 0]);
  }
});

Deno.test("queries see what masks let them see", () => {
  const x = np.array([[[1]], [[3]], [[5]]]);
  const all = nn.dotProductAttention(np.zeros([3, 1, 1]), x, x);
  assertEquals(all.ravel().toArray(), [3, 3, 3]);
  const window = nn.dotProductAttention(np.zeros([3, 1, 1]), x, x, { localWindowSize: [1, 0] });
  assertEquals(window.ravel().toArray(), [1, 2, 4]);
});

const x = np.ones([2, 3]);

mistake(
  "the largest of elements that may be none",
  () => np.max(x, 0, { where: x.greater(0) }),
  TypeError,
  "Give what to compare with",
);
mistake(
  "a mask of another shape",
  () => np.sum(x, 0, { where: np.ones([2, 2, 3], { dtype: "bool" }) }),
  ShapeError,
  "where has shape [2,2,3], which does not broadcast to [2,3]",
);
mistake(
  "weights of another length",
  () => np.average(x, 0, { weights: np.ones([3]) }),
  ShapeError,
  "average | [3] | [2,3]",
);
mistake(
  "blocks that are not nested alike",
  () => np.block([[x], x] as never),
  ShapeError,
  "block | nested equally deep",
);

Deno.test("elements are left out and put in at positions, in slices and where a mask holds", () => {
  const v = np.array([1, 2, 3, 4]);
  assertEquals(np.delete(v, ints([0, -1])).toArray(), [2, 3]);
  assertEquals(np.delete(v, np.slice(null, null, 2)).toArray(), [2, 4]);
  assertEquals(np.delete(v, np.slice(2, null, -1)).toArray(), [4]);
  assertEquals(np.delete(v, v.greater(2)).toArray(), [1, 2]);
  assertEquals(np.delete(v, [true, false, false, true]).toArray(), [2, 3]);
  assertEquals(np.insert(v, np.slice(1, 3), 9).toArray(), [1, 9, 2, 9, 3, 4]);
  assertEquals(np.insert(v, v.less(2), 9).toArray(), [9, 1, 2, 3, 4]);
  assertThrows(() => np.delete(v, [true]), ShapeError, "the mask has 1 elements, but axis 0 of x");
  assertThrows(() => jit((i: np.NDArray) => np.delete(v, i))(ints([0])), TypeError, "not traced");
  // A condition may say of more than there is that nothing is taken from there.
  const longer = np.array([false, true, false, false, false]);
  assertEquals(np.compress(longer, v).toArray(), [2]);
  assertThrows(() => np.compress(np.ones([5]), v), ShapeError, "the condition has 5 elements");
});

Deno.test("reductions without NaN call themselves by their own names", () => {
  const { nansum, nanprod, nanmean, nanvar, nanstd, nanmax, nanmin } = np;
  const where = np.ones([3]);
  for (const [name, f] of Object.entries({ nansum, nanprod, nanmean, nanvar, nanstd })) {
    assertThrows(() => f(where, 2), AxisError, `${name}: axis 2`);
    assertThrows(() => f(where, 0, { where }), DTypeError, `${name}: where is float32[3]`);
  }
  for (const [name, f] of Object.entries({ nansum, nanprod, nanmax, nanmin })) {
    assertThrows(() => f(where, 0, { initial: where }), ShapeError, `${name}: initial has shape`);
  }
  assertEquals(nansum(np.array([true, true]), 0, { initial: 2 }).item(), 4);
  assertEquals(nanprod(ints([3]), 0, { dtype: "float32", initial: 0.5 }).item(), 1.5);
});
mistake(
  "fewer parts than one",
  () => np.split(np.arange(4), 0),
  RangeError,
  "split: the number of parts must be an integer, 1 or more, not number 0",
);
mistake(
  "a quantile of percents",
  () => np.quantile(x, 50),
  RangeError,
  "quantile: q is 50, and must be from 0 to 1. np.percentile takes percent",
);
mistake(
  "a percentile below 0",
  () => np.percentile(x, -5),
  RangeError,
  "percentile: q is -5, and must be from 0 to 100",
);
mistake(
  "axes to sum over that are words",
  () => np.tensordot(x, x, ["i", "j"] as never),
  TypeError,
  'tensordot: axes are a number or two lists, [axes of x, axes of y], of which one is the string "i"',
);
mistake(
  "powers of truth values",
  () => np.vander(np.array([true, false])),
  DTypeError,
  "vander: x is bool[2], and must hold numbers",
);
mistake("a position behind the end", () => np.insert(x, 5, 0, 0), AxisError, "index 5 | [2,3]");
mistake(
  "a method that there is not",
  () => np.quantile(x, 0.5, 0, { method: "middle" as never }),
  TypeError,
  'quantile | "middle"',
);
mistake(
  "samples and places of different lengths",
  () => np.interp(1, np.ones([2]), np.ones([3])),
  ShapeError,
  "interp | [2] | [3]",
);
mistake(
  "a cross product in four dimensions",
  () => np.cross(np.ones([4]), np.ones([4])),
  ShapeError,
  "cross | [4] | 2 or 3",
);
mistake(
  "points without values",
  () => np.polyfit(np.ones([3]), np.ones([2]), 1),
  ShapeError,
  "polyfit | [3] | [2]",
);
mistake(
  "a signature that is none",
  () => np.vectorize((a) => a, { signature: "n->n" }),
  TypeError,
  "(m,n),(n)->(m)",
);
mistake(
  "heads that groups do not divide",
  () => nn.dotProductAttention(np.ones([2, 3, 4]), np.ones([2, 2, 4]), np.ones([2, 2, 4])),
  ShapeError,
  "[2,3,4], [2,2,4], [2,2,4]",
);
Deno.test("divisors and multiples of bools are of the other operand's dtype, as in JAX", () => {
  const most = np.array([4294967295], { dtype: "uint32" }), no = np.array([false]);
  for (const x of [np.gcd(most, no), np.gcd(no, most), np.lcm(most, np.array([true]))]) {
    assertEquals([x.dtype, x.item()], ["uint32", 4294967295]);
  }
  assertEquals(np.gcd(no, np.array([true])).dtype, "int32");
  assertEquals(np.lcm(np.array([6], { dtype: "uint32" }), true).dtype, "uint32");
});
mistake("a divisor of fractions", () => np.gcd(np.array([1.5]), 2), DTypeError, "gcd | float32");

Deno.test("what arrays say of themselves is there as functions, of numbers too", () => {
  const x = np.zeros([2, 3]);
  assertEquals([np.shape(x), np.ndim(x), np.size(x)], [[2, 3], 2, 6]);
  assertEquals([np.size(x, 0), np.size(x, -1), np.size(x, [0, 1])], [2, 3, 6]);
  assertEquals([np.shape(1), np.ndim(1), np.size(1)], [[], 0, 1]);
  assertThrows(() => np.size(x, 2), AxisError);
});

Deno.test("a convolution is NaN where NaN has a part in it, and nowhere else, as in NumPy", () => {
  const [x, y] = [np.array([2, 3, 4]), np.array([1, NaN])];
  assertEquals(np.convolve(x, y).toArray(), [2, NaN, NaN, NaN]);
  assertEquals(np.convolve(np.array([NaN, 1, 2, 3]), np.array([1, 2])).toArray(), [
    ...[NaN, NaN, 4, 7, 6],
  ]);
  assertEquals(np.correlate(np.array([1, Infinity, 2]), np.array([1])).toArray(), [1, Infinity, 2]);
});

Deno.test("incomplete gamma functions have limits where the order is infinite, as in SciPy", () => {
  const a = np.array([Infinity, Infinity, Infinity]);
  const x = np.array([0, 2.5, NaN]);
  assertEquals(special.gammainc(a, x).toArray(), [0, 0, NaN]);
  assertEquals(special.gammaincc(a, x).toArray(), [1, 1, NaN]);
});
