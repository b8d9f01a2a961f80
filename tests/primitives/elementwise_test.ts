/**
 * Elementwise and shape primitives on the CPU against values recorded from JAX. Their rules are in the
 * conformance suite.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { type DType, epsilon, isFloat, sizeOf, smallestNormal } from "../../lib/core/dtype.ts";
import { type ConcreteArray, scalarArray } from "../../lib/core/concrete.ts";
import { AxisError, DTypeError, ShapeError } from "../../lib/core/errors.ts";
import { type Primitive, primitives } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { full, iota } from "../../lib/primitives/constants/constants.ts";
import * as arithmetic from "../../lib/primitives/elementwise/arithmetic.ts";
import * as compare from "../../lib/primitives/elementwise/compare.ts";
import { convert } from "../../lib/primitives/elementwise/convert.ts";
import * as elementary from "../../lib/primitives/elementwise/elementary.ts";
import "../../lib/primitives/elementwise/erf.ts";
import "../../lib/primitives/elementwise/power.ts";
import "../../lib/primitives/elementwise/convert.ts";
import { select } from "../../lib/primitives/elementwise/select.ts";
import "../../lib/primitives/elementwise/marks.ts";
import { reshape, transpose } from "../../lib/primitives/shape/shape.ts";
import { broadcastTo, reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import reference from "../reference/elementwise.json" with { type: "json" };
import { assert, assertEquals, assertMatch, assertThrows } from "../support/assert.ts";
import { primitiveEntries } from "../support/operations.ts";
import { difference, make } from "../support/arrays.ts";

type Recorded = readonly (number | string)[];
type Op = (...args: NDArray[]) => NDArray;

function array(
  values: Recorded,
  dtype: DType,
  shape: readonly number[] = [values.length],
): ConcreteArray {
  return make({ shape, dtype }, values.map(Number));
}

/** Equality up to some units in the last place. JAX flushes numbers below the normal range to 0. */
function assertClose(actual: NDArray, expected: Recorded, ulps: number, what: string): void {
  const wanted = make(actual.aval, expected.map(Number));
  const [unit, tiny] = isFloat(actual.dtype)
    ? [ulps * epsilon(actual.dtype), smallestNormal(actual.dtype)]
    : [0, 0];
  const found = difference(actual, wanted, (_, y) => Math.max(unit * Math.abs(y), tiny));
  assert(found === null, `${what} ${found}`);
}

/** The primitive that computes what was recorded under a name in some table, if one does. */
function opOf(name: string, table: string): Op | undefined {
  const entry = primitiveEntries.find((e) => e.name === name && e.on.includes(table));
  assert(entry !== undefined, `${name} is not in the list for ${table}`);
  if (entry.primitive === undefined) return undefined;
  const record = recordOf(entry.primitive);
  return (...args) => bind(record, args, null)[0]!;
}

function recordOf(name: string): Primitive<unknown> {
  const record = primitives().get(name);
  assert(record !== undefined, `there is no primitive ${name}`);
  return record as unknown as Primitive<unknown>;
}

interface Binary {
  readonly a: Recorded;
  readonly b: Recorded;
  readonly y: Readonly<Record<string, Recorded>>;
}

function checkBinary({ a, b, y }: Binary, dtype: DType, table: string = dtype): void {
  for (const [name, expected] of Object.entries(y)) {
    const op = opOf(name, table);
    if (op === undefined) continue;
    const out = op(array(a, dtype), array(b, dtype));
    expected.forEach((e, i) => {
      const what = `${dtype} ${name}(${a[i]}, ${b[i]})`;
      const one = array([out.dataSync()[i]!], out.dtype);
      assertClose(one, [e], 4, what);
    });
  }
}

for (const dtype of ["float32", "float64"] as const) {
  Deno.test(`${dtype}: functions of one operand have JAX's values`, () => {
    let count = 0;
    for (const [name, { x, y }] of Object.entries(reference.float[dtype].unary)) {
      const op = opOf(name, "float");
      if (op === undefined) continue;
      count++;
      const out = op(array(x, dtype));
      y.forEach((e, i) => {
        // XLA's float32 polynomials are a few units off, sinh and cosh are e^(x - log 2) there, and
        // erf_inv loses digits to 1 - x^2, in float64 more than here.
        const extra = name === "sinh" || name === "cosh" ? Math.abs(Number(x[i])) : 0;
        const ulps = name === "erf_inv" && dtype === "float64" ? 200 : 8 + extra;
        const own = array([out.dataSync()[i]!], out.dtype);
        assertClose(own, [e], ulps, `${dtype} ${name}(${x[i]})`);
      });
    }
    assert(count >= 27, `only ${count} functions were compared`);
  });

  Deno.test(`${dtype}: functions of two operands have JAX's values`, () => {
    checkBinary(reference.float[dtype].binary, dtype, "float");
  });
}

for (const dtype of ["int32", "uint32"] as const) {
  Deno.test(`${dtype}: operations wrap, truncate and divide by zero as in JAX`, () => {
    const { binary, shift, unary } = reference[dtype];
    checkBinary(binary, dtype);
    checkBinary(shift, dtype, `${dtype} shifts`);
    for (const [name, { x, y }] of Object.entries(unary)) {
      const op = opOf(name, dtype);
      if (op !== undefined) assertClose(op(array(x, dtype)), y, 0, `${dtype} ${name}`);
    }
  });
}

Deno.test("integer powers wrap as in JAX", () => {
  checkBinary(reference.int32.pow, "int32", "int32 powers");
});

Deno.test("conversions saturate, truncate and wrap as in JAX", () => {
  for (const [name, { x, y }] of Object.entries(reference.cast)) {
    const [from, to] = name.split("->") as [DType, DType];
    const out = convert(array(x, from), to);
    y.forEach((e, i) => assertClose(array([out.dataSync()[i]!], to), [e], 0, `${name} of ${x[i]}`));
  }
});

/** Elements that differ from each other and lie in the sample's domain. */
function elements(
  shape: readonly number[],
  dtype: DType,
  range: readonly [number, number],
): NDArray {
  const n = sizeOf(shape);
  const [low, high] = range;
  const values = Array.from(
    { length: n },
    (_, i) => low + (high - low) * ((i * 0.618034 + 0.3) % 1),
  );
  return array(dtype === "bool" ? values.map((_, i) => i % 2) : values, dtype, shape);
}

Deno.test("broadcasting agrees with expanded operands", () => {
  const pairs = [[[2, 3, 4], [3, 1]], [[4, 1, 2], [3, 1]], [[1, 3], [2, 1, 1]], [[2, 1, 3, 1], [
    4,
    1,
    5,
  ]], [[0, 3], [1]]] as const;
  for (const [a, b] of pairs) {
    const [x, y] = [elements(a, "float32", [-1, 1]), elements(b, "float32", [-1, 1])];
    const out = arithmetic.sub(x, y);
    const whole = arithmetic.sub(
      broadcastTo(x, out.shape),
      broadcastTo(y, out.shape),
    );
    assertEquals(out.dataSync(), whole.dataSync());
  }
});

Deno.test("sums are accurate and integers wrap", () => {
  const tenth = Math.fround(0.1);
  assertEquals(reduceSum(full([1000000], 0.1, "float32"), [0]).item(), 100000);
  const columns = reduceSum(full([1000000, 2], 0.1, "float32"), [0]).dataSync();
  assertEquals(Array.from(columns), [Math.fround(1e6 * tenth), Math.fround(1e6 * tenth)]);
  const double = reduceSum(full([1000, 1000], 0.1, "float64"), [0, 1]).item();
  assert(Math.abs(double - 1e5) < 1e-10, `${double}`);
  const big = full([3000, 1000], 2147483647, "int32");
  assertEquals(reduceSum(big, [0, 1]).item(), -3000000);
  assertEquals(reduceSum(full([3], 4294967295, "uint32"), [0]).item(), 4294967293);
});

Deno.test("a transposition of a large matrix moves every element", () => {
  const [rows, columns] = [70, 45];
  const x = array(Array.from({ length: rows * columns }, (_, i) => i), "float32", [rows, columns]);
  const y = transpose(x, [1, 0]).dataSync();
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) assertEquals(y[j * rows + i], i * columns + j);
  }
});

Deno.test("operations between equal types share the operand's type", () => {
  const x = array([1, 2, 3], "float32");
  assert(arithmetic.add(x, array([4, 5, 6], "float32")).aval === x.aval);
  assert(elementary.exp(x).aval === x.aval);
  assert(arithmetic.mul(scalarArray(2, "float32"), x).aval === x.aval);
});

// ---------------------------------------------------------------- errors

function message(f: () => unknown, kind: new (message: string) => Error): string {
  return assertThrows(f, kind).message;
}

Deno.test("errors name the operation and the user's shapes and dtypes", () => {
  const f3 = array([1, 2, 3], "float32");
  const f4 = array([1, 2, 3, 4], "float32");
  const i3 = array([1, 2, 3], "int32");
  const b3 = array([1, 0, 1], "bool");
  assertMatch(
    message(() => arithmetic.add(f3, f4), ShapeError),
    /^add: shapes \[3\] and \[4\] do not broadcast/,
  );
  assertMatch(
    message(() => arithmetic.add(f3, i3), DTypeError),
    /^add: dtypes float32 and int32 differ/,
  );
  assertMatch(
    message(() => arithmetic.add(b3, b3), DTypeError),
    /^add: x is bool\[3\], but only .*astype\("float32"\) first$/,
  );
  assertMatch(
    message(() => elementary.exp(i3), DTypeError),
    /^exp: x is int32\[3\], but only float32, float64 arrays/,
  );
  assertMatch(message(() => compare.and(f3, f3), DTypeError), /^and: x is float32\[3\]/);
  assertMatch(message(() => select(f3, f3, f3), DTypeError), /^select: the condition/);
  assertMatch(message(() => select(b3, f3, i3), DTypeError), /^select: dtypes float32/);
  assertMatch(
    message(() => broadcastTo(f3, [3, 4]), ShapeError),
    /^broadcast: shapes? \[3\]/,
  );
  assertMatch(message(() => broadcastTo(f3, []), ShapeError), /^broadcast: shape \[3\]/);
  assertMatch(message(() => reshape(f3, [2, 2]), ShapeError), /^reshape: shape \[3\] has 3/);
  assertMatch(message(() => transpose(f3, [1]), AxisError), /^transpose: \[1\]/);
  assertMatch(message(() => reduceSum(f3, [1]), AxisError), /^reduce_sum: axes \[1\]/);
  assertMatch(message(() => reduceSum(b3, [0]), DTypeError), /^reduce_sum: bool/);
  assertMatch(message(() => iota([2], 0, "bool"), DTypeError), /^iota: bool/);
});
