/**
 * Elementwise and shape primitives on the CPU against values recorded from JAX, and each one's rules
 * against its own values: batching against a loop, transposition against the dot product.
 * Derivatives through the interpreters, and ONNX, are in the conformance suite.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { sizeOf } from "../../lib/core/aval.ts";
import { ConcreteArray, scalarArray } from "../../lib/core/concrete.ts";
import { allocate, type DType, epsilon, isFloat } from "../../lib/core/dtype.ts";
import { AxisError, DTypeError, ShapeError } from "../../lib/core/errors.ts";
import { Linear, type Primitive, primitives } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { full, onesLike, zerosLike } from "../../lib/primitives/constants/full.ts";
import { iota } from "../../lib/primitives/constants/iota.ts";
import * as arithmetic from "../../lib/primitives/elementwise/arithmetic.ts";
import * as compare from "../../lib/primitives/elementwise/compare.ts";
import { convert } from "../../lib/primitives/elementwise/convert.ts";
import * as elementary from "../../lib/primitives/elementwise/elementary.ts";
import * as erf from "../../lib/primitives/elementwise/erf.ts";
import { logaddexp } from "../../lib/primitives/elementwise/logaddexp.ts";
import { pow } from "../../lib/primitives/elementwise/power.ts";
import * as rounding from "../../lib/primitives/elementwise/rounding.ts";
import { select } from "../../lib/primitives/elementwise/select.ts";
import "../../lib/primitives/elementwise/stop_gradient.ts";
import { reshape } from "../../lib/primitives/shape/reshape.ts";
import { moveAxis, transpose } from "../../lib/primitives/shape/transpose.ts";
import { broadcastTo, reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import derivatives from "../reference/derivatives.json" with { type: "json" };
import reference from "../reference/elementwise.json" with { type: "json" };
import { assert, assertEquals, assertMatch, assertThrows } from "../support/assert.ts";

type Recorded = readonly (number | string)[];
type Op = (...args: NDArray[]) => NDArray;

function array(values: Recorded, dtype: DType, shape?: readonly number[]): NDArray {
  const elements = allocate(dtype, values.length);
  values.forEach((v, i) => elements[i] = Number(v));
  return ConcreteArray.fromHost({ shape: shape ?? [values.length], dtype }, elements);
}

/** Equality up to some units in the last place. JAX flushes numbers below the normal range to 0. */
function assertClose(actual: NDArray, expected: Recorded, ulps: number, what: string): void {
  const { dtype } = actual;
  const smallest = dtype === "float32" ? 2 ** -126 : 2 ** -1022;
  const values = actual.dataSync();
  assertEquals(values.length, expected.length, what);
  expected.forEach((e, i) => {
    const a = values[i]!;
    const b = Number(e);
    const near = Math.abs(a - b) <= ulps * epsilon(dtype) * Math.abs(b) + smallest;
    assert(Object.is(a, b) || a === b || (isFloat(dtype) && near), `${what}[${i}]: ${a}, not ${e}`);
  });
}

const names: Readonly<Record<string, string>> = {
  erf_inv: "erfInv",
  is_finite: "isFinite",
  max: "maximum",
  min: "minimum",
  shift_left: "shiftLeft",
  shift_right_logical: "shiftRightLogical",
};
const ops = {
  ...arithmetic,
  ...compare,
  ...elementary,
  ...erf,
  ...rounding,
  logaddexp,
  pow,
  select,
} as unknown as Readonly<Record<string, Op>>;

function opOf(name: string): Op | undefined {
  return ops[names[name] ?? name];
}

interface Binary {
  readonly a: Recorded;
  readonly b: Recorded;
  readonly y: Readonly<Record<string, Recorded>>;
}

function checkBinary({ a, b, y }: Binary, dtype: DType): void {
  for (const [name, expected] of Object.entries(y)) {
    const op = opOf(name);
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
      const op = opOf(name);
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
    checkBinary(reference.float[dtype].binary, dtype);
  });
}

for (const dtype of ["int32", "uint32"] as const) {
  Deno.test(`${dtype}: operations wrap, truncate and divide by zero as in JAX`, () => {
    const { binary, shift, unary } = reference[dtype];
    checkBinary(binary, dtype);
    checkBinary(shift, dtype);
    for (const [name, { x, y }] of Object.entries(unary)) {
      const op = opOf(name);
      if (op !== undefined) assertClose(op(array(x, dtype)), y, 0, `${dtype} ${name}`);
    }
  });
}

Deno.test("integer powers wrap as in JAX", () => {
  checkBinary(reference.int32.pow, "int32");
});

Deno.test("conversions saturate, truncate and wrap as in JAX", () => {
  for (const [name, { x, y }] of Object.entries(reference.cast)) {
    const [from, to] = name.split("->") as [DType, DType];
    const out = convert(array(x, from), to);
    y.forEach((e, i) => assertClose(array([out.dataSync()[i]!], to), [e], 0, `${name} of ${x[i]}`));
  }
});

// ---------------------------------------------------------------- derivatives

/** The derivative of an operation at each element, from its jvp rule alone. */
function slope(name: string, inputs: readonly NDArray[], of: number): NDArray {
  const primitive = primitives().get(name) as unknown as Primitive<null>;
  const tangents = inputs.map((x, i) => i === of ? onesLike(x) : null);
  const [, [tangent]] = primitive.jvp(inputs, tangents, null);
  return tangent ?? zerosLike(inputs[of]!);
}

Deno.test("derivatives of functions of one operand are JAX's", () => {
  let count = 0;
  for (const [name, { x, d1 }] of Object.entries(derivatives.unary)) {
    if (opOf(name) === undefined) continue;
    count++;
    const xs = array(x, "float64");
    assertClose(slope(name, [xs], 0), d1, 100, `derivative of ${name}`);
  }
  assert(count >= 19, `only ${count} derivatives were compared`);
});

Deno.test("derivatives at edges are JAX's", () => {
  const { cases } = derivatives;
  const at = (input: { readonly data: Recorded }): NDArray => array(input.data, "float64");
  const abs = cases.abs_edges;
  assertClose(slope("abs", [at(abs.inputs.x)], 0), abs.outputs.grad.data, 0, "abs");
  const log = cases.log_edges;
  assertClose(slope("log", [at(log.inputs.x)], 0), log.outputs.grad.data, 0, "log");
  const sqrt = cases.sqrt_edges;
  assertClose(slope("sqrt", [at(sqrt.inputs.x)], 0), sqrt.outputs.grad.data, 0, "sqrt");
  for (const name of ["maximum", "minimum"] as const) {
    const { inputs, outputs } = cases[`${name}_ties`];
    const operands = [at(inputs.a), at(inputs.b)];
    assertClose(slope(name, operands, 0), outputs.grad_a.data, 0, name);
    assertClose(slope(name, operands, 1), outputs.grad_b.data, 0, name);
  }
  const rem = cases.rem_mod;
  const divided = [at(rem.inputs.a), at(rem.inputs.b)];
  assertClose(slope("rem", divided, 0), rem.outputs.rem_grad_a.data, 0, "rem");
  assertClose(slope("rem", divided, 1), rem.outputs.rem_grad_b.data, 0, "rem");
  const atan2 = cases.atan2;
  const point = [at(atan2.inputs.a), at(atan2.inputs.b)];
  assertClose(slope("atan2", point, 0), atan2.outputs.grad_a.data, 4, "atan2");
  assertClose(slope("atan2", point, 1), atan2.outputs.grad_b.data, 4, "atan2");
  for (const name of ["sign", "floor", "round"] as const) {
    const { inputs, outputs } = cases.sign_floor_round_edges;
    assertClose(slope(name, [at(inputs.x)], 0), outputs[name].data, 0, name);
  }
});

Deno.test("derivatives of powers are JAX's, and 0 instead of NaN for 0^0", () => {
  const { inputs, outputs } = derivatives.cases.pow;
  const operands = [array(inputs.x.data, "float64"), array(inputs.y.data, "float64")];
  const zeroToZero = inputs.x.data.findIndex((x, i) => x === 0 && inputs.y.data[i] === 0);
  assertClose(
    slope("pow", operands, 0),
    (outputs.grad_x.data as Recorded).with(zeroToZero, 0),
    4,
    "base",
  );
  assertClose(slope("pow", operands, 1), outputs.grad_y.data, 4, "exponent");
});

// ---------------------------------------------------------------- rules against values

const mine = [
  ...["broadcast", "reshape", "transpose", "reduce_sum", "convert", "stop_gradient", "select"],
  ...Object.keys(reference.float.float32.unary).filter((name) => opOf(name) !== undefined),
  ...["add", "sub", "mul", "div", "rem", "pow", "maximum", "minimum", "atan2", "is_nan"],
  ...["eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "not"],
  ...["shift_left", "shift_right_logical"],
];

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

function recordOf(name: string): Primitive<unknown> {
  const record = primitives().get(name);
  assert(record !== undefined, `there is no primitive ${name}`);
  return record as unknown as Primitive<unknown>;
}

Deno.test("batching rules agree with a loop, whichever operands are mapped and wherever", () => {
  for (const name of mine) {
    const record = recordOf(name);
    for (const sample of record.samples()) {
      const ranks = sample.inputs.map((x) => x.shape.length);
      const places = [ranks.map(() => 0), ranks.map((r) => r), ranks.map((r) => Math.min(r, 1))];
      for (let which = 1; which < 2 ** ranks.length; which++) {
        for (const place of places) {
          const dims = ranks.map((_, i) => (which >> i) & 1 ? place[i]! : null);
          checkBatch(record, sample, dims);
        }
      }
    }
  }
});

function checkBatch(
  record: Primitive<unknown>,
  sample: ReturnType<Primitive<unknown>["samples"]>[number],
  dims: readonly (number | null)[],
): void {
  const size = 3;
  const args = sample.inputs.map((x, i) => {
    const dim = dims[i] ?? null;
    const shape = dim === null ? x.shape : x.shape.toSpliced(dim, 0, size);
    return elements(shape, x.dtype, x.range ?? [1, 2]);
  });
  const [[out], [at]] = record.batch(args, dims, size, sample.params);
  const what = `${record.name} (${sample.name}), mapped at ${JSON.stringify(dims)}`;
  for (let lane = 0; lane < size; lane++) {
    const own = args.map((x, i) => dims[i] === null ? x : take(x, dims[i]!, lane));
    const [expected] = bind(record, own, sample.params);
    const actual = take(out!, at!, lane);
    assertEquals(actual.shape, expected!.shape, what);
    assertEquals(actual.dtype, expected!.dtype, what);
    assertClose(actual, Array.from(expected!.dataSync()), 2, what);
  }
}

/** One lane of an array. */
function take(x: NDArray, dim: number, lane: number): NDArray {
  const front = moveAxis(x, dim, 0);
  const shape = front.shape.slice(1);
  const n = sizeOf(shape);
  return array(Array.from(front.dataSync().slice(lane * n, (lane + 1) * n)), x.dtype, shape);
}

Deno.test("transposes are adjoint to the operation", () => {
  for (const name of mine) {
    const record = recordOf(name);
    const { transpose } = record;
    if (transpose === "nonlinear") continue;
    for (const sample of record.samples()) {
      const args = sample.inputs.map((x) => elements(x.shape, x.dtype, [1, 2]));
      const [out] = bind(record, args, sample.params);
      if (!isFloat(out!.dtype)) continue;
      for (let of = 0; of < args.length; of++) {
        const x = args[of]!;
        if (!isFloat(x.dtype) || (name === "div" && of === 1)) continue;
        // Others are fixed, but those that are added must be zero for the map to be linear.
        const additive = name === "add" || name === "sub" || name === "select";
        const fixed = args.map((y, i) =>
          i === of || !additive || !isFloat(y.dtype) ? y : zerosLike(y)
        );
        const [image] = bind(record, fixed, sample.params);
        const ct = elements(image!.shape, image!.dtype, [-1, 1]);
        const linear = fixed.map((y, i) => i === of ? new Linear(y.aval) : y);
        const back = transpose([ct], linear, sample.params)[of]!;
        assertEquals(back.shape, x.shape, `${name} (${sample.name})`);
        const left = dot(ct, image!);
        const right = dot(back, x);
        const near = Math.abs(left - right) <= 1e-5 * (1 + Math.abs(left));
        assert(near, `${name} (${sample.name}): ${left} and ${right}`);
        assertEquals(transpose([null], linear, sample.params)[of], null);
      }
    }
  }
});

function dot(x: NDArray, y: NDArray): number {
  const [a, b] = [x.dataSync(), y.dataSync()];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
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
