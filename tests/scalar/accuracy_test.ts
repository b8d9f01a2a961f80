/**
 * Accuracy of the scalar functions, in units in the last place: of float64 against values recorded
 * to more digits, of float32 against what float64 gives, over all its bits. The largest errors are
 * on record here.
 *
 * @module
 */
import type { DType, TypedArray } from "../../lib/core/dtype.ts";
import type { Elementwise } from "../../lib/scalar/expr.ts";
import * as scalar from "../../lib/scalar/functions.ts";
import { elementwiseLoop } from "../../lib/scalar/javascript.ts";
import recorded from "../reference/scalar.json" with { type: "json" };
import { assert, assertEquals } from "../support/assert.ts";

/**
 * Errors that are not exceeded, of float64 and of float32. All but the inverse of the error
 * function are below 2: that is XLA's approximation, whose argument in float32 has few digits near
 * 1.
 */
const bounds: Readonly<Record<string, readonly [double: number, single: number | null]>> = {
  exp: [1, 0.95],
  expm1: [0.95, 0.51],
  log: [0.75, 0.8],
  log1p: [0.8, 0.51],
  sin: [1.3, 1.6],
  cos: [1.2, 1.65],
  tan: [1.2, 1.4],
  asin: [0.8, 0.51],
  acos: [0.8, 0.51],
  atan: [0.8, 0.51],
  atan2: [1.25, 0.51],
  sinh: [1.35, 0.51],
  cosh: [1.2, 0.51],
  tanh: [1.25, 1.3],
  asinh: [1.05, 0.51],
  acosh: [1.6, 0.51],
  atanh: [1, 0.51],
  logistic: [1.6, 1.8],
  erf: [1.05, 1.1],
  erfc: [1.7, 0.51],
  erfcx: [1.7, 0.51],
  erfInv: [4, null],
  pow: [1.1, 0.51],
};

type Row = readonly number[];
const table = recorded as Readonly<Record<string, readonly Row[]>>;
const functions = scalar as unknown as Readonly<Record<string, Elementwise>>;

/** The distance from `x` to the next float in size. */
function unit(x: number, digits: number, smallest: number): number {
  const size = Math.max(Math.abs(x), smallest);
  let power = 2 ** Math.floor(Math.log2(size));
  if (power > size) power /= 2;
  return power * 2 ** -digits;
}

function apply(f: Elementwise, dtype: DType, operands: readonly TypedArray[]): TypedArray {
  const out = operands[0]!.slice();
  const loop = elementwiseLoop(f, operands.map(() => dtype));
  loop(0, out.length, out, ...operands.flatMap((x) => [x, 0, 1]));
  return out;
}

Deno.test("every function is on record", () => {
  assertEquals(Object.keys(table).sort(), Object.keys(bounds).sort());
});

for (const [name, [double, single]] of Object.entries(bounds)) {
  const rows = table[name]!;
  const arity = rows[0]!.length - 2;
  const columns = Array.from({ length: arity }, (_, i) => rows.map((row) => row[i]!));

  Deno.test(`${name} is within ${double} units of float64`, () => {
    const results = apply(functions[name]!, "float64", columns.map((x) => Float64Array.from(x)));
    rows.forEach((row, i) => {
      const value = row[arity]!;
      const step = Math.max(unit(value, 52, 2 ** -1022), Number.MIN_VALUE);
      const error = Math.abs((results[i]! - value) / step - row[arity + 1]!);
      assert(error <= double, `${name}(${row.slice(0, arity)}) is ${results[i]}: off by ${error}`);
    });
  });

  if (single === null) continue;
  Deno.test(`${name} is within ${single} units of float32`, () => {
    const operands = arity === 1 ? [everywhere()] : columns.map((x) => Float32Array.from(x));
    const results = apply(functions[name]!, "float32", operands);
    const exact = apply(functions[name]!, "float64", operands.map((x) => Float64Array.from(x)));
    results.forEach((y, i) => {
      const value = exact[i]!;
      const at = operands.map((x) => x[i]);
      if (!Number.isFinite(Math.fround(value)) || !Number.isFinite(y)) {
        // Between the largest number and infinity, either is near.
        const edge = Math.abs(value) > 3.4028233e38 && Math.abs(value) < 3.402824e38;
        assert(edge || Object.is(y, Math.fround(value)), `${name}(${at}) is ${y}, not ${value}`);
        return;
      }
      const error = Math.abs(y - value) / unit(value, 23, 2 ** -126);
      assert(error <= single, `${name}(${at}) is ${y}: off by ${error}`);
      if (value === 0) assert(Object.is(y, Math.fround(value)), `${name}(${at}) is ${y}`);
    });
  });
}

/** Numbers of all float32's exponents and signs, infinities and NaN among them. */
function everywhere(): Float32Array {
  const stride = 30011;
  const bits = Uint32Array.from({ length: Math.floor(2 ** 32 / stride) }, (_, i) => i * stride);
  const x = new Float32Array(bits.buffer);
  x.set([0, -0, 1, -1, Infinity, -Infinity, NaN, 2 ** -149, -(2 ** -126)]);
  return x;
}
