/**
 * Accuracy of special functions: what `reference/record_special.py NAME` recorded to 50 digits, against the
 * bounds that `api/accuracy/NAME.ts` has for both types of floats. The documentation of a function states
 * its bound.
 *
 * @module
 */
import { type DType, limits, smallestNormal } from "../../lib/core/dtype.ts";
import type { NDArray } from "../../mod.ts";
import { make } from "./arrays.ts";
import { assert, assertEquals } from "./assert.ts";

/** How far off a function may be. */
export interface Bound {
  /** The function of as many arrays as there are operands. */
  readonly f: (...args: NDArray[]) => NDArray;
  /** Units in the last place of the result, in float64 and in float32; `null`: not tried. */
  readonly units: readonly [double: number, single: number | null];
  /** Results smaller than this count as if they were as large: near zeros of the function. */
  readonly of?: number;
  /** Units that are allowed for a result, where they depend on it, in place of those of float64. */
  readonly more?: (value: number, ...args: number[]) => number;
}

/** Bounds by what was recorded. */
export type Bounds = Readonly<Record<string, Bound>>;

type Entry = number | "NaN" | "Infinity" | "-Infinity";
type Table = Readonly<
  Record<string, Readonly<Record<"float64" | "float32", readonly (readonly Entry[])[]>>>
>;

/** The distance from `x` to the next float in size. */
function unit(x: number, dtype: DType): number {
  const size = Math.max(Math.abs(x), smallestNormal(dtype));
  let power = 2 ** Math.floor(Math.log2(size));
  if (power > size) power /= 2;
  return Math.max(power * 2 ** (dtype === "float64" ? -52 : -23), Number.MIN_VALUE);
}

/** Units in the last place that `y` is off `value + rest`, where `rest` is in those of float64. */
function unitsOff(y: number, value: number, rest: number, dtype: DType, of: number): number {
  if (Number.isNaN(value) || Number.isNaN(y)) return Object.is(y, value) ? 0 : Infinity;
  const [, most] = limits(dtype);
  // Between the largest number and infinity, either is near.
  const edge = Math.abs(value) > most * (1 - 1e-5) && Math.abs(value) < most * (1 + 1e-5);
  if (!Number.isFinite(y) || Math.abs(value) > most) {
    return edge || y === (Math.abs(value) > most ? Math.sign(value) * Infinity : value)
      ? 0
      : Infinity;
  }
  const exact = rest * unit(value, "float64");
  return Math.abs(y - value - exact) / unit(Math.max(Math.abs(value), of), dtype);
}

/** Defines the tests of a family: every function that was recorded, in both dtypes. */
export async function testAccuracy(name: string, bounds: Bounds): Promise<void> {
  const file = new URL(`../reference/accuracy/${name}.json`, import.meta.url);
  const table = JSON.parse(await Deno.readTextFile(file)) as Table;
  Deno.test(`${name}: every function that is recorded has a bound`, () => {
    assertEquals(Object.keys(table).sort(), Object.keys(bounds).sort());
  });
  for (const [what, { f, units: [double, single], of = 0, more }] of Object.entries(bounds)) {
    for (const [dtype, bound] of [["float64", double], ["float32", single]] as const) {
      if (bound === null) continue;
      Deno.test(`${dtype}: ${what} is within ${bound} units`, () => {
        const rows = table[what]![dtype].map((row) => row.map(Number));
        const count = rows[0]!.length - 2;
        const operands = Array.from(
          { length: count },
          (_, i) => make({ shape: [rows.length], dtype }, rows.map((row) => row[i]!)),
        );
        const results = f(...operands).dataSync();
        const problems = rows.flatMap((row, i) => {
          const [value, rest] = row.slice(count) as [number, number];
          const args = row.slice(0, count);
          const allowed = dtype === "float64" ? more?.(value, ...args) ?? bound : bound;
          const off = unitsOff(results[i]!, value, rest, dtype, of);
          return off <= allowed
            ? []
            : [{ off, text: `at ${args} it is ${results[i]}, not ${value}` }];
        }).sort((a, b) => b.off - a.off);
        const [worst] = problems;
        assert(
          worst === undefined,
          `${problems.length} of ${rows.length}: ${worst?.text}, ${worst?.off} units off`,
        );
      });
    }
  }
}
