/**
 * The routines of primitives, each beside the plainest definition of what it computes, in JavaScript, as
 * closures and in WebAssembly.
 *
 * @module
 */
import { allocate, type DType, dtypes, isFloat, type TypedArray } from "../../lib/core/dtype.ts";
import { gatherRoutine, scatterAddRoutine } from "../../lib/primitives/indexing/places.ts";
import {
  argmaxRoutines,
  argminRoutines,
  cumsumRoutine,
} from "../../lib/primitives/reduce/reduction.ts";
import { sortRoutine } from "../../lib/primitives/sort/sort.ts";
import { assertEquals } from "../support/assert.ts";
import { outputs } from "../support/routines.ts";

/** Random elements with many ties; of floats with NaN, infinities and both zeros. */
function elements(dtype: DType, n: number, seed: number): TypedArray {
  const special = [NaN, 0, -0, Infinity, -Infinity, 1e-42, -1e-42];
  let state = seed + 1;
  return allocate(dtype, n).map(() => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    if (dtype === "bool") return state >>> 30 & 1;
    const u = state / 2 ** 32;
    if (!isFloat(dtype)) return state % 3 === 0 ? Math.floor(u * 9) - 4 : state;
    return state % 3 === 0
      ? special[(state >>> 9) % special.length]!
      : (u - 0.5) * 10 ** (u * 60 - 30);
  });
}

/** Ascending, with NaN last. */
function compare(x: number, y: number): number {
  if (x !== x || y !== y) return Number(x !== x) - Number(y !== y);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Compares what a routine writes with what is expected. */
function check(
  results: Record<string, TypedArray[]>,
  expected: readonly TypedArray[],
  what: string,
): void {
  for (const [way, arrays] of Object.entries(results)) {
    // As numbers: NaN has many bits.
    arrays.forEach((a, i) =>
      assertEquals(Array.from(a), Array.from(expected[i]!), `${way}: ${what}`)
    );
  }
}

/** Shapes around an axis: outer, n, inner. */
const around: readonly (readonly [outer: number, n: number, inner: number])[] = [
  [1, 0, 1],
  [2, 1, 1],
  [1, 2, 3],
  [3, 3, 1],
  [2, 17, 2],
  [1, 64, 1],
  [1, 65, 2],
  [1, 300, 1],
  [1, 2500, 1],
];

/** Compares the routine with the engine's own sort. */
function checkSorted(dtype: DType, x: TypedArray, outer: number, n: number, inner: number): void {
  const [sorted, places] = [allocate(dtype, x.length), new Int32Array(x.length)];
  for (let p = 0; p < outer; p++) {
    for (let q = 0; q < inner; q++) {
      const at = (i: number): number => (p * n + i) * inner + q;
      const order = Array.from({ length: n }, (_, i) => i)
        .sort((i, j) => compare(x[at(i)]!, x[at(j)]!));
      order.forEach((from, to) => {
        places[at(to)] = from;
        sorted[at(to)] = x[at(from)]!;
      });
    }
  }
  const outs = [[dtype, x.length], ["int32", x.length]] as const;
  const results = outputs(sortRoutine, dtype, [x], outs, outer, n, inner);
  check(results, [sorted, places], `${outer} x ${n} x ${inner}`);
}

Deno.test("doubles that differ in their lower bits alone are sorted", () => {
  for (const [n, among] of [[100, 100], [300, 20], [300, 3]] as const) {
    const x = Float64Array.from({ length: n }, (_, i) => {
      const size = 1 + (i * 7919 % among) * 2 ** -52 + (i * 104729 % Math.ceil(n / among));
      return i % 3 === 0 ? -size : size;
    });
    checkSorted("float64", x, 1, n, 1);
  }
});

for (const dtype of dtypes) {
  Deno.test(`sorted stably, with NaN last and equal zeros: ${dtype}`, () => {
    for (const [outer, n, inner] of around) {
      checkSorted(dtype, elements(dtype, outer * n * inner, n), outer, n, inner);
    }
  });

  Deno.test(`the first of the largest or smallest elements, or the first NaN: ${dtype}`, () => {
    for (const [outer, n, inner] of around) {
      if (n === 0) continue;
      const x = elements(dtype, outer * n * inner, n + 7);
      const ways = [[argmaxRoutines, 1], [argminRoutines, -1]] as const;
      for (const [{ each, columns }, sign] of ways) {
        const places = new Int32Array(outer * inner);
        for (let p = 0; p < outer; p++) {
          for (let q = 0; q < inner; q++) {
            const lane = Array.from({ length: n }, (_, i) => sign * x[(p * n + i) * inner + q]!);
            const nan = lane.findIndex((v) => v !== v);
            places[p * inner + q] = nan >= 0
              ? nan
              : lane.indexOf(lane.reduce((a, b) => a >= b ? a : b));
          }
        }
        for (const routine of [each, columns]) {
          const results = outputs(routine, dtype, [x], [["int32", places.length]], outer, n, inner);
          check(results, [places], `${routine.name} of ${outer} x ${n} x ${inner}`);
        }
      }
    }
  });
}

/** `x` along the middle axis, added up in double precision or modulo 2^32. */
function runningSums(
  x: TypedArray,
  dtype: DType,
  [outer, n, inner]: readonly [number, number, number],
  reverse: boolean,
): TypedArray {
  const y = allocate(dtype, x.length);
  for (let p = 0; p < outer; p++) {
    for (let q = 0; q < inner; q++) {
      let total = 0;
      for (let k = 0; k < n; k++) {
        const at = (p * n + (reverse ? n - 1 - k : k)) * inner + q;
        total += x[at]!;
        y[at] = total;
        if (!isFloat(dtype)) total |= 0;
        // What has overflowed stays so.
        else if (Math.abs(y[at]!) === Infinity) total = y[at]!;
      }
    }
  }
  return y;
}

for (const dtype of ["float32", "float64", "int32", "uint32"] as const) {
  Deno.test(`running sums, which overflow as the dtype does: ${dtype}`, () => {
    for (const shape of around) {
      const x = elements(dtype, shape[0] * shape[1] * shape[2], shape[1]);
      const large = dtype === "float32" ? 3e38 : dtype === "float64" ? 1.7e308 : 4e9;
      const overflowing = allocate(dtype, x.length).map((_, i) => i % 5 === 4 ? -large : large);
      for (const a of [x, overflowing]) {
        for (const reverse of [false, true]) {
          const expected = runningSums(a, dtype, shape, reverse);
          const scalars = [...shape, reverse ? 1 : 0];
          const results = outputs(cumsumRoutine, dtype, [a], [[dtype, a.length]], ...scalars);
          check(results, [expected], `${shape}, reverse: ${reverse}`);
        }
      }
    }
  });
}

/** Lengths of indexed axes, number of indices, and size of a block. */
const indexed: readonly (readonly [lengths: readonly number[], rows: number, block: number])[] = [
  [[5], 0, 3],
  [[1], 4, 1],
  [[7], 9, 1],
  [[3, 4], 6, 1],
  [[3, 2], 5, 9],
  [[2, 3, 2], 7, 4],
];

/** Indices of which some are out of range. */
function indicesOf(lengths: readonly number[], rows: number): Int32Array {
  return Int32Array.from({ length: rows * lengths.length }, (_, i) => {
    return (i * 7 + 3) % (lengths[i % lengths.length]! + 3) - 1;
  });
}

for (const dtype of dtypes) {
  Deno.test(`blocks at indices clamped into range: ${dtype}`, () => {
    for (const [lengths, rows, block] of indexed) {
      const indices = indicesOf(lengths, rows);
      const x = elements(dtype, lengths.reduce((a, b) => a * b, block), rows);
      const y = allocate(dtype, rows * block).map((_, to) => {
        let at = 0;
        lengths.forEach((n, k) => {
          const index = indices[Math.floor(to / block) * lengths.length + k]!;
          at = at * n + Math.min(n - 1, Math.max(0, index));
        });
        return x[at * block + to % block]!;
      });
      const routine = gatherRoutine(lengths.length);
      const scalars = [rows, block, ...lengths];
      const results = outputs(routine, dtype, [x, indices], [[dtype, y.length]], ...scalars);
      check(results, [y], `${lengths}, ${rows} of ${block}`);
    }
  });
}

for (const dtype of ["float32", "float64", "int32", "uint32"] as const) {
  Deno.test(`blocks added at indices in range: ${dtype}`, () => {
    for (const [lengths, rows, block] of indexed) {
      const indices = indicesOf(lengths, rows);
      const x = elements(dtype, lengths.reduce((a, b) => a * b, block), rows);
      const updates = elements(dtype, rows * block, rows + 1);
      const y = x.slice();
      for (let r = 0; r < rows; r++) {
        const index = lengths.map((_, k) => indices[r * lengths.length + k]!);
        if (index.some((i, k) => i < 0 || i >= lengths[k]!)) continue;
        const at = index.reduce((sum, i, k) => sum * lengths[k]! + i, 0);
        for (let j = 0; j < block; j++) y[at * block + j]! += updates[r * block + j]!;
      }
      const routine = scatterAddRoutine(lengths.length);
      const scalars = [x.length, rows, block, ...lengths];
      const inputs = [x, indices, updates];
      const results = outputs(routine, dtype, inputs, [[dtype, y.length]], ...scalars);
      check(results, [y], `${lengths}, ${rows} of ${block}`);
    }
  });
}
